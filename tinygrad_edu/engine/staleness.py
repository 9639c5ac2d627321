"""Whether the data of a graph are still those that it was recorded with; what to say where they are not."""

from __future__ import annotations

from math import isfinite

from tinygrad_edu.engine.errors import at, described, expression, in_full, not_a_float, operand_names
from tinygrad_edu.engine.formulas import applied
from tinygrad_edu.engine.graph import data_of, nodes, operand_numbers
from tinygrad_edu.engine.value import Value


def check_recorded(root: Value) -> None:
    """Raise ValueError where a node's data no longer follow from its operands': something was changed in between.

    >>> x = Value(2.0, "x")
    >>> y = x * x
    >>> x.data = 3.0
    >>> check_recorded(y)
    Traceback (most recent call last):
    ValueError: x was changed after the result was computed: x * x was 4 and is 9 at x = 3; compute the result again

    Raises TypeError where data were set to what is no float.
    """
    everything = nodes(root)
    for node in everything:
        if type(node.data) is not float:
            raise not_a_float(node)
    for node in everything:
        if not node.parents:
            continue
        recorded = operand_numbers(node)
        if not all(map(isfinite, recorded)):
            continue  # backward() names the first of these
        now = applied(node.op, recorded)
        if now != node.data and (now == now or node.data == node.data):
            raise ValueError(changed(root, node, now))


def changed(root: Value, node: Value, now: float) -> str:
    """What to say of a node that was recorded with other data than its operands give now."""
    row, operands = node.op, node.parents
    result = described(root).split(" = ")[0] if root.label else "the result"
    if steps := moved_by_steps(node):
        *others, last = steps
        who = f"{', '.join(others)} and {last} were" if others else f"{last} was"
        return f"{who} changed after {result} was computed; compute {result} again"
    leaves = dict.fromkeys(
        name
        for name, operand in zip(operand_names(row, operands), operands, strict=True)
        if isinstance(operand, Value) and not operand.parents
    )
    culprit = " or ".join(leaves) or "a value in between"
    return (
        f"{culprit} was changed after {result} was computed: {expression(row, operands)} was {in_full(node.data)} "
        f"and is {in_full(now)}{at(row, operands)}; compute {result} again"
    )


def moved_by_steps(node: Value) -> list[str]:
    """The operands that an optimiser's last step moved, as `w1 (0.2 → 0.2023)`, if that explains what changed.

    A leaf that remembers what it was before a step has it as `before`.
    """
    names = operand_names(node.op, node.parents)
    before = [getattr(operand, "before", data_of(operand)) for operand in node.parents]
    if applied(node.op, before) != node.data:
        return []
    every = zip(names, before, operand_numbers(node), strict=True)
    return list(dict.fromkeys(f"{name} ({' → '.join(told_apart(old, new))})" for name, old, new in every if old != new))


def told_apart(x: float, y: float) -> tuple[str, str]:
    """Two numbers, with as many digits as tell them apart, at least four.

    >>> told_apart(0.2, 0.20234567), told_apart(1.0, 1.0000012)
    (('0.2', '0.2023'), ('1', '1.000001'))
    """
    texts = ((f"{x:.{digits}g}", f"{y:.{digits}g}") for digits in range(4, 18))
    return next((pair for pair in texts if pair[0] != pair[1]), (repr(x), repr(y)))
