"""Which rules of a graph are to blame: each operation's own derivatives against differences of its own value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tinygrad_edu.check.diagnosis import allowed, compare
from tinygrad_edu.check.numeric import slope_of
from tinygrad_edu.engine import UNDEFINED, Row, Value, local_derivatives, operand_numbers, places, topological
from tinygrad_edu.engine.formulas import applied


class Blame(NamedTuple):
    """One wrong rule, and where it was seen."""

    row: str
    partial: str
    formula: str
    where: str
    rule: float
    numeric: float

    def __str__(self) -> str:
        return (
            f"the rule of {self.row} is wrong: ∂/∂{self.partial} = {self.formula} gives {self.rule:.6g} "
            f"at {self.where}, differences give {self.numeric:.6g}"
        )


def wrong_rules(root: Value) -> list[Blame]:
    """One blame for each row and operand whose partial disagrees with differences somewhere in the graph."""
    found: dict[tuple[str, int], Blame] = {}
    for node in topological(root):
        at = operand_numbers(node)
        try:
            partials = [*local_derivatives(node)]
        except UNDEFINED:  # the error names it
            continue
        for k, _, rule in partials:
            numeric = slope_of(along(node.op, at, k), at[k], "central")
            tolerance = allowed(node.data, at[k], 1e-8, 1e-5, rule, numeric.value)
            if compare("", rule, numeric, tolerance).diagnosis == "wrong":
                which, _ = node.op.place(at, k)
                key = (node.op.name, which)
                shown = node.op.operands[which], node.op.partials[which], places(node.op, node.parents)
                found.setdefault(key, Blame(node.op.name, *shown, rule, numeric.value))
    return list(found.values())


def along(row: Row, at: Sequence[float], k: int) -> Callable[[float], float]:
    """An operation as a function of one of its operands."""
    return lambda x: applied(row, [*at[:k], x, *at[k + 1 :]])
