"""A graph of Values, recorded once, as a flat list of operations: what every backend compiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import zip_longest
from math import copysign
from typing import Any, NamedTuple

from tinygrad_edu.engine import TABLE, Row, Value, plain, quoted, title, topological
from tinygrad_edu.engine.formulas import applied
from tinygrad_edu.replay.primitives import Ieee, on_ieee


class Operation(NamedTuple):
    """One operation of a trace; operands from 0 are slots, those below 0 are constants, `constants[~operand]`."""

    row: Row
    operands: tuple[int, ...]


@dataclass(eq=False)
class Trace:
    """The graph of one example, constants folded, common sub-expressions shared, dead code removed.

    Slots are numbered: the params, the inputs, then one slot an operation, each after its operands.

    >>> a, x = Value(2.0, "a"), Value(3.0, "x")
    >>> trace = recorded((a * x + 1) * (a * x + 1) * Value(0.0).exp(), [a], [x])
    >>> [(operation.row.name, operation.operands) for operation in trace.operations]
    [('mul', (0, 1)), ('add', (2, -1)), ('mul', (3, 3))]

    Attributes:
        n_params, n_inputs, n_leaves: how many leaves there are, and both together.
        labels: of each slot, "" if it has none.
        constants, operations: see `Operation`.
        root, outputs: slots, or constants below 0.
    """

    n_params: int
    n_inputs: int
    labels: list[str]
    constants: list[float] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    root: int = 0
    outputs: list[int] = field(default_factory=list)

    @property
    def n_leaves(self) -> int:
        return self.n_params + self.n_inputs

    def only(self, root: int, outputs: Sequence[int] = ()) -> Trace:
        """The trace of another root and other outputs, without what they do not need."""
        needed, n_leaves = self.needed_by([root, *outputs]), self.n_leaves
        moved = list(range(n_leaves))  # the new slot of each
        kept, labels = list[Operation](), self.labels[:n_leaves]
        for slot, (row, operands) in enumerate(self.operations, start=n_leaves):
            moved.append(len(labels))
            if needed[slot]:
                kept.append(Operation(row, tuple([k if k < 0 else moved[k] for k in operands])))
                labels.append(self.labels[slot])
        root, *outputs = [k if k < 0 else moved[k] for k in (root, *outputs)]
        return replace(self, labels=labels, operations=kept, root=root, outputs=outputs)

    def needed_by(self, places: Iterable[int]) -> list[bool]:
        """For each slot, whether it is needed to compute these; constants among them need nothing."""
        n_leaves = self.n_leaves
        needed = [False] * len(self.labels)
        for slot in places:
            if slot >= 0:
                needed[slot] = True
        for slot in range(len(needed) - 1, n_leaves - 1, -1):
            if needed[slot]:
                for operand in self.operations[slot - n_leaves].operands:
                    if operand >= 0:
                        needed[operand] = True
        return needed

    def check_rows(self) -> None:
        """Raise LookupError for an operation that was taken back: its name may be another's now."""
        for row in {operation.row for operation in self.operations}:
            if TABLE.get(row.name) is not row:
                raise LookupError(f"the program uses the operation {row.name!r}, which was taken back since")

    def difference(self, other: Trace) -> str:
        """Where another trace does something else, in words; "" where both are the same."""
        for k, (mine, its) in enumerate(zip_longest(self.operations, other.operations), start=1):
            if mine is None or its is None or mine.row is not its.row:
                names = [operation.row.name if operation else "missing" for operation in (mine, its)]
                return f"operation {k} is {names[0]} here and {names[1]} there"
            if mine.operands != its.operands:
                return f"operation {k}, {mine.row.name}, has other operands"
        for mine, its in zip(self.constants, other.constants, strict=False):
            if repr(mine) != repr(its):  # of 0.0 and -0.0 too, and nan is nan
                return f"the constant {mine!r} is {its!r} there"
        if (self.root, self.outputs) != (other.root, other.outputs):
            return "the root or an output is another operation"
        return ""

    def __setstate__(self, state: dict[str, Any]) -> None:
        check_state(state)
        self.__dict__.update(state)


MUL, DIV, POW, SQUARE = (TABLE[name] for name in ("mul", "truediv", "pow", "square"))
# Which operand an operation is where it changes nothing, from the operands that are constants.
SIMPLER: dict[Row, Callable[..., int | None]] = {
    MUL: lambda x, y: 1 if x == 1 else 0 if y == 1 else None,
    DIV: lambda x, y: 0 if y == 1 else None,
    POW: lambda x, y: 0 if y == 1 else None,
}


class Recorder:
    """Writes a trace, operation by operation."""

    def __init__(self, n_params: int, n_inputs: int, labels: Sequence[str]) -> None:
        self.trace = Trace(n_params, n_inputs, list(labels))
        self.places: dict[tuple[float, float] | None, int] = {}  # of constants
        self.slots: dict[Operation, int] = {}

    def constant(self, number: float) -> int:
        """The place of a constant."""
        # 0.0 and -0.0 are equal, and nan is not equal to itself.
        key = (number, copysign(1.0, number)) if number == number else None
        constants = self.trace.constants
        place = self.places.setdefault(key, ~len(constants))
        if place == ~len(constants):
            constants.append(number)
        return place

    def operation(self, row: Row, operands: tuple[int, ...], label: str = "") -> int:
        """The slot of an operation: a new one, unless it is known already; a constant, where all operands are."""
        trace = self.trace
        if min(operands) < 0:  # some are constants
            if max(operands) < 0:
                numbers = [Ieee(trace.constants[~k]) for k in operands]
                return self.constant(float(applied(row, numbers, on_ieee)))
            if row in SIMPLER:
                simpler = SIMPLER[row](*[trace.constants[~k] if k < 0 else None for k in operands])
                if simpler is not None:
                    return operands[simpler]
            if row is POW and operands[1] < 0 and trace.constants[~operands[1]] == 2:
                row, operands = SQUARE, operands[:1]
        operation, new = Operation(row, operands), len(trace.labels)
        slot = self.slots.setdefault(operation, new)
        if slot == new:
            trace.operations.append(operation)
            trace.labels.append(label)
        elif label and not trace.labels[slot]:
            trace.labels[slot] = label
        return slot


def check_state(state: Any) -> None:
    """Raise ValueError for what no trace leaves in a pickle: machine code would follow wrong slots anywhere."""

    def require(right: bool, what: str) -> None:
        if not right:
            raise ValueError(f"the pickle of this program is damaged: {what}")

    expected = {each.name for each in fields(Trace)}
    require(isinstance(state, dict) and expected <= state.keys(), f"it has not all of {', '.join(sorted(expected))}")
    labels, constants, operations, outputs = (state[k] for k in ("labels", "constants", "operations", "outputs"))
    for name in ("labels", "constants", "operations", "outputs"):
        require(type(state[name]) is list, f"{name} {quoted(state[name])} is no list")
    for name, kind in {"labels": str, "constants": float}.items():
        wrong = [entry for entry in state[name] if type(entry) is not kind]
        require(not wrong, f"{quoted(wrong[:1])} among the {name}")
    counts = state["n_params"], state["n_inputs"]
    require(all(type(n) is int and n >= 0 for n in counts), f"it has {counts} leaves")
    n_slots = sum(counts) + len(operations)

    def require_places(what: str, places: Sequence[Any], slots: int) -> None:
        wrong = [k for k in places if type(k) is not int or not -len(constants) <= k < slots]
        require(not wrong, f"{what} is {quoted(wrong[:1])}, of {slots} slots and {len(constants)} constants")

    for slot, step in enumerate(operations, start=sum(counts)):
        shaped = type(step) is Operation and [*map(type, step)] == [Row, tuple]
        require(shaped, f"an operation is {quoted(step)}")
        row, operands = step
        n = len(operands)
        fits = n > 0 and n % len(row.operands) == 0 if row.many else n == len(row.operands)
        require(fits, f"{row.name} has {n} operands")
        require_places(f"an operand of {row.name}", operands, slot)
    require_places("the root or an output", [state["root"], *outputs], n_slots)
    require(len(labels) == n_slots, f"it has {counts} leaves, {len(operations)} operations and {len(labels)} labels")


def recorded(
    root: Value,
    params: Sequence[Value],
    inputs: Sequence[Value],
    outputs: Sequence[Value] = (),
    allow_unused: bool = False,
) -> Trace:
    """The trace of a graph of Values; leaves that are neither params nor inputs are constants.

    Raises ValueError for a param that the root does not depend on, an input that nothing depends on, unless that is
    allowed, a leaf listed twice and a node that is no leaf; TypeError for anything that is no Value.
    """
    check_leaves(root, params, inputs, outputs)
    given = [*params, *inputs]
    recorder = Recorder(len(params), len(inputs), [leaf.label for leaf in given])
    places = {leaf: slot for slot, leaf in enumerate(given)}

    def place(node: Value | float) -> int:
        if type(node) is float:
            return recorder.constant(node)
        slot = places.get(node)  # type: ignore[arg-type]
        return recorder.constant(node.data) if slot is None else slot  # type: ignore[union-attr]

    for node in topological(root, *outputs):
        if node not in places:
            operands = tuple([places[p] if p in places else place(p) for p in node.parents])
            places[node] = recorder.operation(node.op, operands, node.label)
    trace = recorder.trace
    trace.root, *trace.outputs = map(place, (root, *outputs))
    by_root = trace.needed_by([trace.root])
    by_any = trace.needed_by([trace.root, *trace.outputs]) if outputs else by_root
    for k, leaf in enumerate(given):
        of_inputs = k - len(params)
        if not (by_root[k] if of_inputs < 0 else by_any[k] or allow_unused):
            what = f"params[{k}]" if of_inputs < 0 else f"inputs[{of_inputs}]"
            raise ValueError(f"compile: the root does not depend on {what}{in_brackets(leaf)}")
    return trace


def in_brackets(leaf: Value) -> str:
    return f" ({plain(leaf.label)!r})" if leaf.label else ""


def check_leaves(root: Value, params: Sequence[Value], inputs: Sequence[Value], outputs: Sequence[Value]) -> None:
    """Refuse lists that cannot be meant."""
    for what, nodes in {"root": [root], "params": params, "inputs": inputs, "outputs": outputs}.items():
        for node in nodes:
            if not isinstance(node, Value):
                raise TypeError(f"compile expected a Value in {what}, got {quoted(node)} ({type(node).__name__})")
    seen: dict[Value, str] = {}
    for what, nodes in {"params": params, "inputs": inputs}.items():
        for k, leaf in enumerate(nodes):
            name = f"{what}[{k}]{in_brackets(leaf)}"
            if leaf.parents:
                raise ValueError(f"compile expected leaves, {name} is the result of {title(leaf.op)}")
            if leaf in seen:
                raise ValueError(f"compile expected each leaf once, {name} is {seen[leaf]} too")
            seen[leaf] = f"{what}[{k}]"
