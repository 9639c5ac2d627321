"""A graph of Values, recorded once, as a flat list of operations: what every backend compiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from math import copysign
from reprlib import repr as short
from typing import Any, NamedTuple

from tinygrad_edu.engine import TABLE, Row, Value, leaves, topological
from tinygrad_edu.engine.registry import applied, on_floats


class Operation(NamedTuple):
    """One operation of a trace; operands from 0 are slots, those below 0 are constants, `constants[~operand]`."""

    row: Row
    operands: tuple[int, ...]
    label: str


class Trace:
    """The graph of one example, constants folded, common sub-expressions shared, dead code removed.

    Slots are numbered: the params, the inputs, then one slot an operation, each after its operands.

    >>> a, x = Value(2.0, "a"), Value(3.0, "x")
    >>> trace = Trace((a * x + 1) * (a * x + 1) * Value(0.0).exp(), [a], [x])
    >>> [(operation.row.name, operation.operands) for operation in trace.operations]
    [('mul', (0, 1)), ('add', (2, -1)), ('mul', (3, 3)), ('mul', (4, -1))]
    """

    def __init__(
        self, root: Value, params: Sequence[Value], inputs: Sequence[Value], outputs: Sequence[Value] = ()
    ) -> None:
        self.n_params, self.n_inputs = len(params), len(inputs)
        self.data = [leaf.data for leaf in (*params, *inputs)]
        self.labels = [leaf.label for leaf in (*params, *inputs)]
        self.constants: list[float] = []
        self.operations: list[Operation] = []
        self._numbers: dict[tuple[float, float] | None, int] = {}
        places = {leaf: slot for slot, leaf in enumerate((*params, *inputs))}
        self._record(topological(root, *outputs), places)
        self.root = self._place(root, places)
        self.outputs = [self._place(node, places) for node in outputs]
        self._remove_dead_code()
        del self._numbers

    def _record(self, tape: Iterable[Value], places: dict[Value, int]) -> None:
        """A slot for each operation that is not known already, and not known beforehand."""
        found: dict[tuple[Row, tuple[int, ...]], int] = {}
        n_leaves = len(places)
        for node in tape:
            operands = tuple([self._place(p, places) for p in node.parents])
            if max(operands) < 0:
                places[node] = self._constant(applied(node.op, [self.constants[~k] for k in operands], on_floats))
                continue
            slot = found.setdefault((node.op, operands), n_leaves + len(self.operations))
            if slot == n_leaves + len(self.operations):
                self.operations.append(Operation(node.op, operands, node.label))
            elif node.label and not self.operations[slot - n_leaves].label:
                self.operations[slot - n_leaves] = Operation(node.op, operands, node.label)
            places[node] = slot

    def _place(self, node: Value | float, places: dict[Value, int]) -> int:
        if type(node) is float:
            return self._constant(node)
        slot = places.get(node)  # type: ignore[arg-type]
        return self._constant(node.data) if slot is None else slot  # type: ignore[union-attr]

    def _constant(self, number: float) -> int:
        # 0.0 and -0.0 are equal, and nan is not equal to itself.
        key = (number, copysign(1.0, number)) if number == number else None
        place = self._numbers.setdefault(key, ~len(self.constants))
        if place == ~len(self.constants):
            self.constants.append(number)
        return place

    def _remove_dead_code(self) -> None:
        """Keep only what the root and the outputs need: a constant may have folded away what it was made of."""
        n_leaves = self.n_params + self.n_inputs
        needed = [False] * (n_leaves + len(self.operations))
        for slot in (self.root, *self.outputs):
            if slot >= 0:
                needed[slot] = True
        for slot in range(len(needed) - 1, n_leaves - 1, -1):
            if needed[slot]:
                for operand in self.operations[slot - n_leaves].operands:
                    if operand >= 0:
                        needed[operand] = True
        if all(needed[n_leaves:]):
            return
        moved = list(range(n_leaves))
        kept: list[Operation] = []
        for operation, wanted in zip(self.operations, needed[n_leaves:], strict=True):
            moved.append(n_leaves + len(kept))
            if wanted:
                operands = tuple([k if k < 0 else moved[k] for k in operation.operands])
                kept.append(operation._replace(operands=operands))
        self.operations = kept
        self.root, *self.outputs = [k if k < 0 else moved[k] for k in (self.root, *self.outputs)]

    def difference(self, other: Trace) -> str:
        """Where another trace does something else, in words; "" where both are the same."""
        for k, (mine, its) in enumerate(zip_longest(self.operations, other.operations), start=1):
            if mine is None or its is None or mine.row is not its.row:
                names = [operation.row.name if operation else "missing" for operation in (mine, its)]
                return f"operation {k} is {names[0]} here and {names[1]} there"
            if mine.operands != its.operands:
                return f"operation {k}, {mine.row.name}, has other operands"
        for mine, its in zip(self.constants, other.constants, strict=False):
            if mine != its and (mine == mine or its == its):
                return f"the constant {mine!r} is {its!r} there"
        if (self.root, self.outputs) != (other.root, other.outputs):
            return "the root or an output is another operation"
        return ""

    def __getstate__(self) -> dict[str, Any]:
        steps = [(operation.row.name, *operation[1:]) for operation in self.operations]
        return self.__dict__ | {"operations": steps}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, _, _ in state["operations"]:
            if name not in TABLE:
                raise LookupError(f"the pickle uses the operation {name!r}, which is not registered")
        self.__dict__ = state
        self.operations = [Operation(TABLE[name], *rest) for name, *rest in state["operations"]]

    def values(self, data: Sequence[float]) -> tuple[list[Value], Value]:
        """The graph as Values again: its leaves (params, then inputs) with these numbers, and its root."""
        made: list[Any] = [Value(x, label, finite=False) for x, label in zip(data, self.labels, strict=True)]
        fresh = list(made)
        for row, operands, _ in self.operations:
            made.append(applied(row, [made[k] if k >= 0 else self.constants[~k] for k in operands]))
        return fresh, made[self.root] if self.root >= 0 else Value(self.constants[~self.root])


def check_leaves(root: Value, params: Sequence[Value], inputs: Sequence[Value], outputs: Sequence[Value]) -> None:
    """Refuse lists that cannot be meant.

    Raises ValueError for a param that the root does not depend on, an input that nothing depends on, a leaf listed
    twice and a node that is no leaf; TypeError for anything that is no Value.
    """
    for what, nodes in {"root": [root], "params": params, "inputs": inputs, "outputs": outputs}.items():
        for node in nodes:
            if not isinstance(node, Value):
                raise TypeError(f"compile expected a Value in {what}, got {short(node)} ({type(node).__name__})")
    by_root = {*leaves(root)}
    by_any = by_root.union(*[leaves(output) for output in outputs])
    seen: dict[Value, str] = {}
    for what, nodes, reached in (("params", params, by_root), ("inputs", inputs, by_any)):
        for k, leaf in enumerate(nodes):
            name = f"{what}[{k}]" + (f" ({leaf.label!r})" if leaf.label else "")
            if leaf.parents:
                raise ValueError(f"compile expected leaves, {name} is the result of {leaf.op.title}")
            if leaf in seen:
                raise ValueError(f"compile expected each leaf once, {name} is {seen[leaf]} too")
            if leaf not in reached:
                raise ValueError(f"compile: the root does not depend on {name}")
            seen[leaf] = f"{what}[{k}]"
