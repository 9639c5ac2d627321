"""What computes a loss and its gradient over many examples: graph after graph, or a recorded program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isclose, isfinite, nan
from typing import Any

from tinygrad_edu.engine import (
    NOT_COMPUTED,
    UNDEFINED,
    Value,
    collector_paused,
    data_of,
    dependents,
    expression,
    leaves,
    nodes,
    plain,
    quoted,
    topological,
)
from tinygrad_edu.engine.operations import sum as total
from tinygrad_edu.nn.data import Example

Batch = Any  # which examples: a slice or a list of numbers
CHECKED = 24  # examples on which a recording is held against graphs of their own, twice
AFFORDED = 50_000  # operations in the graphs of further ones, some hundredths of a second


class DataDependent(Exception):
    """A recorded graph is not that of every example."""


class Eager:
    """Builds a graph for each example, every time.

    Arguments:
        network: a function of a list of inputs; gives a Value or a list of them.
        loss: a function of what the network gives, and of a target; gives a Value.
        parameters: the Values to differentiate for.
        examples: all that there are, also those to validate with.
    """

    name = "eager"
    looks = True  # whether the next two graphs are held against each other
    last: Value | None = None  # the first of them
    reached = False  # whether a graph depended on a parameter

    def __init__(
        self,
        network: Callable[[Any], Any],
        loss: Callable[[Any, Any], Value],
        parameters: Sequence[Value],
        examples: Sequence[Example],
    ) -> None:
        self.network, self.loss, self.parameters, self.examples = network, loss, parameters, examples
        self.start = self.numbers()

    def failed(self, error: Exception | None, numbers: Any, batch: Batch) -> str:
        """Why a batch has no finite loss and gradient: the first value that went bad.

        Raises what a graph of the batch raises already with the parameters of the start: that is no divergence.
        """
        words = first_bad(self, numbers, batch)
        self.put(self.start)
        for example in self.chosen(batch):
            self.graph(example)
        return words or str(error or "")

    def numbers(self) -> Any:
        """The parameters' numbers, in the form that this engine computes with."""
        return [parameter.data for parameter in self.parameters]

    def put(self, numbers: Any) -> None:
        """Set the parameters."""
        for parameter, data in zip(self.parameters, numbers, strict=True):
            parameter.data = float(data)

    def graph(self, example: Example) -> tuple[Value, list[Value]]:
        """The loss of one example, and what the network answers."""
        answer = self.network(example.x)
        loss = self.loss(answer, example.target)
        if not isinstance(loss, Value):
            raise TypeError(f"fit expected the loss function to return a Value, got {quoted(loss)}")
        return loss, outputs_of(answer)

    def chosen(self, batch: Batch) -> Sequence[Example]:
        return self.examples[batch] if isinstance(batch, slice) else [self.examples[k] for k in batch]

    def gradient(self, numbers: Any, batch: Batch) -> tuple[float, Any]:
        """The mean loss over a batch, and its gradient for the parameters."""
        self.put(numbers)
        with collector_paused():
            losses = [self.graph(example)[0] for example in self.chosen(batch)]
            root = total(losses) / len(losses)
            return self.differentiated(root)

    def differentiated(self, root: Value) -> tuple[float, Any]:
        """The value of a graph, and its gradient for the parameters."""
        if self.last is not None:
            require_new(root, self.last, self.parameters)
            self.last, self.looks = None, False
        elif self.looks:
            self.last = root
        for parameter in self.parameters:
            parameter.zero_grad()
        root.backward()
        # A loss of 0 may be a number: where every answer is right there is nothing to learn.
        self.reached = self.reached or not root.data or any(p.grad is not NOT_COMPUTED for p in self.parameters)
        return root.data, [parameter.grad for parameter in self.parameters]

    def moved(self, optimizer: Any, numbers: Any, gradient: Any) -> Any:
        """Where a step of the optimiser leads from the parameters' numbers."""
        return optimizer.moved(numbers, gradient)

    def forward(self, numbers: Any, batch: Batch) -> tuple[float, list[list[float]]]:
        """The mean loss over a batch, and what the network answers to each example."""
        self.put(numbers)
        losses, answers = [], []
        with collector_paused():
            for example in self.chosen(batch):
                loss, outputs = self.graph(example)
                losses.append(loss.data)
                answers.append([float(data_of(output)) for output in outputs])
        return sum(losses) / len(losses), answers

    def check(self, numbers: Any, which: Sequence[int]) -> None:
        """Have the next two graphs held against each other: this is what other engines are held against.

        Raises ValueError where no graph depended on any parameter.
        """
        if not self.reached:
            raise ValueError("the loss depends on none of the optimiser's parameters: are they another network's?")
        self.looks = True


def evaluated(loss: Any) -> Value:
    """The root of a graph built anew."""
    if not callable(loss):
        got = "a Value" if isinstance(loss, Value) else quoted(loss)
        raise TypeError(
            f"training expected a function that builds the loss anew for each step, got {got}: "
            "train(lambda: mse(network(x), t), optimizer)"
        )
    root = loss()
    if not isinstance(root, Value):
        raise TypeError(f"training expected the loss function to return a Value, got {quoted(root)}")
    return root


def require_new(root: Value, last: Value, parameters: Sequence[Value]) -> None:
    """Raise TypeError where two graphs have a result of parameters in common."""
    if root is last and root.parents:
        raise TypeError("the loss function gave one and the same graph twice: compute the loss inside of it")
    tape, before = topological(root), {*topological(last)}
    moved = dependents(tape, parameters)
    for node in tape:
        if node in before and node in moved:
            words = f"{plain(node.label)}, " * bool(node.label) + expression(node.op, node.parents)
            raise TypeError(
                f"the loss function uses {words}, which was computed before the parameters moved: compute it inside"
            )


class Whole(Eager):
    """A loss that is one graph, as `train` has it: the engine of a single batch."""

    def __init__(self, loss: Callable[[], Value], parameters: Sequence[Value]) -> None:
        self.whole, self.parameters = loss, parameters

    def gradient(self, numbers: Any, batch: Batch) -> tuple[float, Any]:
        self.put(numbers)
        with collector_paused():
            return self.differentiated(evaluated(self.whole))

    def forward(self, numbers: Any, batch: Batch) -> tuple[float, list[list[float]]]:
        self.put(numbers)
        return evaluated(self.whole).data, []

    def failed(self, error: Exception | None, numbers: Any, batch: Batch) -> str:
        return bad_parameter(self.parameters) or str(error or "")


class Replay:
    """Records the loss of one example once, and runs it as a program on all."""

    def __init__(self, eager: Eager, backend: str = "auto") -> None:
        from tinygrad_edu.replay import compile

        self.eager = eager
        first = eager.examples[0]
        x = [Value(number) for number in first.x]
        many = isinstance(first.target, list)
        t = [
            Value(n, f"t{k}" if many else "t") for k, n in enumerate(first.target if many else [first.target], start=1)
        ]
        root, outputs = eager.graph(Example(x, t if many else t[0]))  # type: ignore[arg-type]
        outputs = [output for output in outputs if isinstance(output, Value)]
        reached = {*leaves(root)}
        self.used = [k for k, parameter in enumerate(eager.parameters) if parameter in reached]
        if not self.used:
            raise DataDependent("the loss of the first example depends on no parameter")
        self.program = compile(
            root,
            [eager.parameters[k] for k in self.used],
            [*x, *t],
            outputs=[*outputs, root],
            backend=backend,
            allow_unused=True,
        )
        self.name = self.program.backend
        self.arrays = self.name != "python"
        rows = [[*example.x, *(example.target if many else [example.target])] for example in eager.examples]
        self.rows: Any = [[*map(float, row)] for row in rows]
        if self.arrays:
            from tinygrad_edu.replay.arrays import np

            self.np = np
            self.rows = np.array(self.rows, float)
        numbers = self.numbers()
        try:
            spread, n = self.spread(), len(eager.examples)
            self.check(numbers, spread)
            self.check(numbers, [k for k in range(n) if k not in spread][: AFFORDED // len(self.program.trace.labels)])
            self.check(self.like([0.125 - 0.5 * p for p in numbers]), spread)  # across 0
        finally:
            self.put(numbers)

    def spread(self) -> list[int]:
        """Some examples from all over, the first of each target among them."""
        n = len(self.eager.examples)
        firsts: dict[Any, int] = {}
        for k, example in enumerate(self.eager.examples):
            firsts.setdefault(str(example.target), k)
        return [*dict.fromkeys([*range(0, n, max(1, n // CHECKED)), *[*firsts.values()][:CHECKED]])]

    def failed(self, error: Exception | None, numbers: Any, batch: Batch) -> str:
        """As `Eager.failed`. Raises DataDependent where graphs of their own have a finite loss and gradient."""
        words = self.eager.failed(error, numbers, batch)
        try:
            loss, gradient = self.eager.gradient(numbers, batch)
        except (*UNDEFINED, ArithmeticError):
            return words
        if isfinite(loss) and all(map(isfinite, gradient)):
            raise DataDependent("the recorded graph is not finite where a new one is")
        return words

    def numbers(self) -> Any:
        return self.like(self.eager.numbers())

    def like(self, numbers: list[float]) -> Any:
        """Floats in the form that the program takes."""
        return self.np.array(numbers, float) if self.arrays else numbers

    def put(self, numbers: Any) -> None:
        self.eager.put(numbers.tolist() if self.arrays else numbers)

    def chosen(self, batch: Batch) -> Any:
        return self.rows[batch] if self.arrays or isinstance(batch, slice) else [self.rows[k] for k in batch]

    def gradient(self, numbers: Any, batch: Batch) -> tuple[float, Any]:
        loss, gradient = self.program(self.given(numbers), self.chosen(batch))
        return float(loss), self.spread_out(gradient, numbers)

    def moved(self, optimizer: Any, numbers: Any, gradient: Any) -> Any:
        return self.program.moved(optimizer, numbers, gradient)

    def given(self, numbers: Any) -> Any:
        """The parameters that the loss depends on."""
        if len(self.used) == len(numbers):
            return numbers
        return numbers[self.used] if self.arrays else [numbers[k] for k in self.used]

    def spread_out(self, gradient: Any, numbers: Any) -> Any:
        """The gradient for all parameters, 0 for those that the loss does not depend on."""
        if len(self.used) == len(numbers):
            return self.np.asarray(gradient) if self.arrays else gradient
        full = self.np.zeros(len(numbers)) if self.arrays else [0.0] * len(numbers)
        for k, number in zip(self.used, gradient, strict=True):
            full[k] = number
        return full

    def forward(self, numbers: Any, batch: Batch) -> tuple[float, list[list[float]]]:
        found = self.program.forward(self.given(numbers), self.chosen(batch))
        found = self.np.asarray(found).tolist() if self.arrays else found
        return sum(row[-1] for row in found) / len(found), [row[:-1] for row in found]

    def check(self, numbers: Any, which: Sequence[int]) -> None:
        """Hold the program against graphs of some examples, with these parameters.

        Raises DataDependent where they differ; where a graph cannot be made, nothing is said.
        """
        losses, answers = [], []
        for k in which:
            try:
                loss, [outputs] = self.eager.forward(numbers, [k])
            except UNDEFINED:
                continue
            again, [its] = self.forward(numbers, [k])
            losses.append((k, loss, again))
            answers += [(k, a, b) for a, b in zip(outputs, its, strict=False)]
            answers += [(k, 0.0, nan)] * (len(outputs) != len(its))
        for pairs in (losses, answers):
            finite = [(k, a, b) for k, a, b in pairs if isfinite(a)]
            # Where numbers near 1 cancel, rounding leaves some 1e-16; more only beside larger numbers.
            little = min(1e-9, 1e-9 * max((abs(a) for _, a, _ in finite), default=0.0) + 1e-13)
            for k, a, b in finite:
                if not isclose(a, b, rel_tol=1e-9, abs_tol=little):
                    raise DataDependent(
                        f"the graph of example {k + 1} is not that of the first: an `if` on data or on a Value, or a "
                        "number taken from one"
                    )


def outputs_of(answer: Any) -> list[Any]:
    return list(answer) if isinstance(answer, (list, tuple)) else [answer]


def first_bad(eager: Eager, numbers: Any, batch: Batch) -> str:
    """The first value of a batch that is not finite, or has no derivative, in words; "" where all are well."""
    eager.put(numbers)
    if words := bad_parameter(eager.parameters):
        return words
    for example in eager.chosen(batch):
        try:
            root, _ = eager.graph(example)
        except UNDEFINED as error:
            return str(error)
        where = ""
        for node in nodes(root):
            where = layer_of(node.parents) or where
            if not isfinite(node.data):
                return f"{node.label or expression(node.op, node.parents)}{where} is {node.data}"
        try:
            root.backward()
        except (*UNDEFINED, ArithmeticError) as error:
            return str(error)
    return ""


def bad_parameter(parameters: Sequence[Value]) -> str:
    """The first parameter that is not finite, in words."""
    bad = (f"{p.label or 'a parameter'}{layer_of([p])} is {p.data}" for p in parameters if not isfinite(p.data))
    return next(bad, "")


def layer_of(parameters: Sequence[Any]) -> str:
    places = [parameter.place for parameter in parameters if getattr(parameter, "place", None)]
    return f" in layer {places[0].layer}" if places else ""
