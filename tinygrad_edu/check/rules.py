"""Which rules of a graph are to blame: each operation's own derivatives against differences of its own value."""

from __future__ import annotations

from typing import NamedTuple

from tinygrad_edu.engine import UNDEFINED, Value, local_derivatives, operand_numbers, places, topological
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
            x = at[k]
            h = 6.06e-6 * max(1.0, abs(x))
            try:
                up, down = (applied(node.op, [*at[:k], moved, *at[k + 1 :]]) for moved in (x + h, x - h))
            except UNDEFINED:
                continue
            numeric = (up - down) / ((x + h) - (x - h))
            kink = abs(up + down - 2 * node.data) > 1e-3 * h * max(1.0, abs(numeric))
            tolerance = 1e-8 * max(1.0, abs(node.data)) / max(1.0, abs(x)) + 1e-5 * abs(numeric)
            if not kink and abs(rule - numeric) > tolerance:
                which, _ = node.op.place(at, k)
                key = (node.op.name, which)
                shown = node.op.operands[which], node.op.partials[which], places(node.op, node.parents)
                found.setdefault(key, Blame(node.op.name, *shown, rule, numeric))
    return list(found.values())
