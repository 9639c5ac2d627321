"""What programs of every backend have in common."""

from __future__ import annotations

import linecache
import math
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import TABLE, Row, quoted
from tinygrad_edu.engine.formulas import define, filename, rows_in
from tinygrad_edu.replay.gradient import directional
from tinygrad_edu.replay.listing import listing, refuse_names
from tinygrad_edu.replay.trace import Trace

if TYPE_CHECKING:
    from tinygrad_edu.replay.array_graph import ArrayNode

COUNT = count(1)


class Program(ABC):
    """A graph as a function: `program(params, inputs)` is its value and its gradient for the params.

    `compile` makes programs, and says what they take and give.

    Attributes:
        backend: "python", "numpy", "native", "jax" or "torch".
        trace: the operations.
        also: slots of the inputs whose gradients come as a third result.
        reduce: "mean", "sum" or None.
        reason: why this backend, where `compile` chose it.
    """

    backend: str
    optimizer: Any = None
    params: Any = ()
    reason = ""

    def __init__(self, trace: Trace, also: Sequence[int] = (), reduce: str | None = "mean") -> None:
        inputs = range(trace.n_params, trace.n_params + trace.n_inputs)
        if not set(also) <= {*inputs} or reduce not in ("mean", "sum", None):  # a damaged pickle
            raise ValueError(
                f"a program has also in {inputs}, and reduces by mean, sum or None; got {also}, {reduce!r}"
            )
        self.trace, self.also, self.reduce = trace, tuple(also), reduce

    @abstractmethod
    def __call__(self, params: Any, inputs: Any = ()) -> tuple[Any, ...]:
        """The value and the gradient for the params, and the gradients for the inputs listed in `also`, if any.

        Arguments:
            params: p numbers.
            inputs: the k numbers of one example, or a batch of N examples, (N, k).
        """

    @abstractmethod
    def forward(self, params: Any, inputs: Any = ()) -> Any:
        """The values of the `outputs`: m numbers, or (N, m) for a batch.

        Raises ValueError for a program without outputs.
        """

    @cached_property
    def source(self) -> str:
        """The program as straight-line Python: one line an operation, forward, then backward."""
        return listing(self.trace, self.also)

    @cached_property
    def arrays(self) -> str:
        """The program as NumPy source: matrices and slices, recovered from the scalars; an example is a column of X.

        Raises ImportError where NumPy is not installed.
        """
        return str(self._recovered().text)

    def _recovered(self, on_jax: bool = False) -> Any:
        from tinygrad_edu.replay.array_gradients import ArrayGradients
        from tinygrad_edu.replay.array_source import JaxSource
        from tinygrad_edu.replay.recovery import Recovery, rolled

        graph = rolled(self.trace, [self.trace.root])
        plan = Recovery(self.trace, graph, [*range(self.trace.n_params), *self.also])
        return (JaxSource if on_jax else ArrayGradients)(plan, self.also, self.reduce or "mean")

    def array_graph(self) -> list[ArrayNode]:
        """The arrays of `arrays`, each with its shape and its lines: what `draw` draws of a program."""
        from tinygrad_edu.replay.array_graph import array_graph

        return array_graph(self._recovered())

    def numpy(self) -> str:
        """The program as a text to paste that needs NumPy alone.

        It defines `program(w, X)`, an example a column of X, which gives the value, the gradient and those for `also`.
        A program with reduce=None is written for the mean.
        """
        return self._exported("numpy")

    def jax(self) -> str:
        """The program as a text to paste that needs JAX alone: see `numpy`."""
        return self._exported("jax")

    def torch(self) -> str:
        """The program as a text to paste that needs PyTorch alone: see `numpy`."""
        return self._exported("torch")

    def _exported(self, library: str) -> str:
        from tinygrad_edu.replay.libraries import exported

        refuse_names(f"{library}()", self.clashes)
        source = self._recovered(on_jax=library == "jax")
        return exported(source.text, source.constants, library)

    @cached_property
    def clashes(self) -> set[str]:
        """The names of registered rows that mean something else in a program on arrays."""
        from tinygrad_edu.replay.array_views import TAKEN

        return self.rows(lambda row: row).keys() & TAKEN

    def c(self) -> str:
        """The program as one function in C: `double program(params, inputs, gradient)`, all pointers to doubles.

        It returns the value for one example and fills `gradient`; a fourth argument, `also`, takes the derivatives for
        the inputs listed there. Compile it with `-lm`.

        Raises ValueError for an operation that C has no form for.
        """
        from tinygrad_edu.replay.c_source import c_source

        return c_source(self.trace, self.also)

    def value(self, params: Any, inputs: Any = ()) -> Any:
        """The value alone, reduced over a batch as `program(params, inputs)` reduces it."""
        values = self._values.forward(params, inputs)
        if not self.is_batch(inputs):
            return float(values[0])
        column = first_columns(values, 1)
        if self.reduce is None:
            return column[:, 0] if hasattr(column, "ndim") else [row[0] for row in column]
        total = float(column.sum() if hasattr(column, "ndim") else sum(row[0] for row in column))
        return total / len(column) if self.reduce == "mean" else total

    @cached_property
    def _values(self) -> Program:
        return type(self)(replace(self.trace, outputs=[self.trace.root]), (), self.reduce)

    def step(self, inputs: Any = ()) -> Any:
        """One step of the optimiser on the program's own `params`: the value before it, reduced as compiled.

        >>> from tinygrad_edu import SGD, Value, compile
        >>> w, x = Value(3.0, "w"), Value(1.0, "x")
        >>> program = compile(w * w * x, [w], [x], optimizer=SGD([w], lr=0.25), backend="python")
        >>> program.step([1.0]), program.step([1.0]), program.params
        (9.0, 2.25, [0.75])
        >>> program.store()
        >>> w.data
        0.75

        Raises ValueError for a program without an optimiser, or one that does not reduce a batch.
        """
        self.require_optimizer("step")
        if self.reduce is None and self.is_batch(inputs):
            raise ValueError("step expected one example, or a program that reduces a batch (mean, sum)")
        value, gradient = self(self.params, inputs)[:2]
        self.params = self.moved(self.optimizer, self.params, gradient)
        return value

    def moved(self, optimizer: Any, numbers: Any, gradient: Any) -> Any:
        """Where one step of an optimiser leads from the numbers of its parameters, by their gradient."""
        return optimizer.moved(self.as_numbers(numbers), gradient)

    def as_numbers(self, numbers: Any) -> Any:
        """Numbers as this backend gives them: a list, or an array."""
        return list(numbers)

    @property
    def state(self) -> dict[str, Any]:
        """What training goes on from: the params, the steps taken, what the optimiser keeps; plain lists, to be saved.

        Raises ValueError for a program without an optimiser, and when it is set to the state of another kind.
        """
        self.require_optimizer("state")
        kept = [[*map(float, column)] for column in self.optimizer.kept]
        return {"params": [*map(float, self.params)], "steps": self.optimizer.steps, "kept": kept}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self.require_optimizer("state")
        n, memory = self.trace.n_params, self.optimizer.memory
        try:
            steps, columns = state["steps"], [[*map(float, each)] for each in (state["params"], *state["kept"])]
            right = type(steps) is int and steps >= 0 and [*map(len, columns)] == [n] * (1 + memory)
        except (LookupError, TypeError, ValueError, OverflowError):  # of a damaged file
            right = False
        if not right:
            raise ValueError(f"state expected {n} params and {memory} lists of as many numbers, and the steps taken")
        self.params, *self.optimizer.kept = map(self.as_numbers, columns)
        self.optimizer.steps = steps

    def store(self) -> None:
        """Give the numbers of `params` to the Values that the optimiser has, so that eager code goes on from there."""
        state = self.state
        for parameter, number in zip(self.optimizer.parameters, state["params"], strict=True):
            parameter.data = number
        self.optimizer.kept = state["kept"]

    def hvp(self, params: Sequence[float], inputs: Any, vector: Sequence[float]) -> Any:
        """The Hessian for the params times a vector, reduced over a batch as the gradient is.

        Its program comes from the same trace, with derivatives of the derivatives in the table.

        Arguments:
            vector: p numbers.
        """
        n = self.trace.n_params
        self.require_length("params", params)
        if not hasattr(vector, "__len__") or len(vector) != n:
            raise ValueError(f"hvp expected a vector of {n} numbers, got {quoted(vector)}")
        return first_columns(self._directional([*params, *vector], inputs)[1], n)

    def hessian(self, params: Sequence[float], inputs: Any = ()) -> Any:
        """The second derivatives for each pair of params, (p, p), as a list of rows, in one pass over p directions."""
        n, batch = self.trace.n_params, inputs if self.is_batch(inputs) else [inputs]
        if self.reduce is None and self.is_batch(inputs):
            raise ValueError("hessian expected one example, or a program that reduces a batch (mean, sum)")
        if not n:
            return []
        self.require_examples(batch)
        found = self._curvature(params, [[*x, *(int(i == k) for i in range(n))] for x in batch for k in range(n)])[1]
        if len(batch) == 1:
            return found
        share = len(batch) if self.reduce == "mean" else 1
        return [[sum(column) / share for column in zip(*found[k::n], strict=True)] for k in range(n)]

    @cached_property
    def _curvature(self) -> Program:
        return type(self)(directional(self.trace, of_examples=True), (), None)

    @cached_property
    def _directional(self) -> Program:
        """Σ ∂root/∂param · vector, a function of the params and the vector; its gradient for the params is H·v."""
        return type(self)(directional(self.trace), (), self.reduce)

    def defined(self, source: str, scope: dict[str, Any], kind: str) -> dict[str, Any]:
        """What a source defines, on one kind of numbers; a traceback shows its lines while the program lives."""
        title = f"program {next(COUNT)} ({kind})"
        weakref.finalize(self, linecache.cache.pop, filename(title), None)
        return define(title, source, scope)

    def scope(self, bound: Callable[[Row], Callable[..., Any]]) -> dict[str, Any]:
        """What the source calls, on one kind of numbers."""
        return self.rows(bound) | {"nan": math.nan, "inf": math.inf}

    def rows(self, bound: Callable[[Row], Any]) -> dict[str, Any]:
        """The operations of the trace, and those that their formulas call, in a bound form."""
        rows = {operation.row for operation in self.trace.operations} | {TABLE["sum"]}  # which partials sum with
        formulas = [formula for row in rows for formula in (*row.partials, row.primal)]
        return {row.name: bound(row) for row in rows} | rows_in(formulas, bound)

    def is_batch(self, inputs: Any) -> bool:
        """Whether these are the inputs of many examples."""
        if hasattr(inputs, "ndim"):
            return bool(inputs.ndim == 2)
        first = next(iter(inputs), None) if hasattr(inputs, "__len__") else None
        return hasattr(first, "__len__") and getattr(first, "ndim", 1) > 0  # arrays of no dimension have a len, too

    def require_examples(self, inputs: Any) -> None:
        if len(inputs) == 0:
            raise ValueError("the program expected at least one example, got none")

    def require_optimizer(self, what: str) -> None:
        if self.optimizer is None:
            raise ValueError(f"{what} expected a program with an optimiser: compile(..., optimizer=Adam(params))")

    def require_outputs(self) -> None:
        if not self.trace.outputs:
            raise ValueError("forward expected a program with outputs: compile(..., outputs=[...])")

    def require_length(self, what: str, numbers: Any) -> None:
        expected = self.trace.n_params if what == "params" else self.trace.n_inputs
        if not hasattr(numbers, "__len__") or isinstance(numbers, str):
            raise TypeError(f"the program expected {expected} {what} in a sequence, got {quoted(numbers)}")
        if len(numbers) != expected:
            raise ValueError(f"the program expected {expected} {what}, got {len(numbers)}")

    def __reduce__(self) -> tuple[Any, ...]:
        state = {"optimizer": self.optimizer, "params": self.params, "reason": self.reason}
        return type(self), (self.trace, self.also, self.reduce), state

    def __repr__(self) -> str:
        trace = self.trace
        sizes = f"{trace.n_params} params, {trace.n_inputs} inputs, {len(trace.operations)} operations"
        return f"<{self.backend} program: {sizes}>"


def first_columns(numbers: Any, n: int) -> Any:
    """The first n numbers, of each row where there are rows."""
    if hasattr(numbers, "ndim"):
        return numbers[..., :n]
    return [row[:n] for row in numbers] if numbers and hasattr(numbers[0], "__len__") else numbers[:n]
