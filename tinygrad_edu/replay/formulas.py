"""Formulas of the table as Python, for programs that run line by line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tinygrad_edu.engine import Row
from tinygrad_edu.engine.formulas import compile_formula, names, rows_in
from tinygrad_edu.engine.languages import CHOICE, PYTHON, Language, Text, constant, lifted, run
from tinygrad_edu.replay.primitives import Ieee, on_ieee

# What is a call in a formula, and quicker without one where the numbers are floats.
INLINE = {
    "maximum": "{x} if {x} > {y} or {x} != {x} else {y}",
    "minimum": "{x} if {x} < {y} or {x} != {x} else {y}",
    "sign": "1 if {x} > 0 else -1 if {x} < 0 else {x}",
    "step": "1 if {x} > 0 else 0 if {x} <= 0 else {x}",
}


def inlined(row: Row) -> Callable[..., Text]:
    """An operation without a call, where none is needed and its operands need no second look."""
    rows = {row.name: row} if row.name in INLINE else rows_in([row.primal], lambda used: used)
    without_call = not row.many and INLINE.keys() >= rows.keys()

    def inline(*operands: Any) -> Text:
        texts = [lifted(x) for x in operands]
        if not without_call or not all(x.is_name or x.number is not None for x in texts):
            return PYTHON(row)(*texts)
        named = dict(zip(row.operands, texts, strict=True))
        return Text(INLINE[row.name].format(**named), CHOICE) if row.name in rows else run(row.primal, named, inlined)

    return inline


def template(formula: str, operands: tuple[tuple[str, str | None], ...], rows: Language) -> Text:
    """A formula with `{x}` where operand x stands, or with the number that it is, worked out as NumPy does."""
    numbers = {x: float(number) for x, number in operands if number is not None and x in names(formula)}
    if numbers and not any(x in names(formula) for x, number in operands if number is None):
        found = compile_formula(numbers, formula, rows_in([formula], on_ieee))(*map(Ieee, numbers.values()))
        return constant(float(found))
    return run(formula, {x: f"{{{x}}}" if number is None else float(number) for x, number in operands}, rows)


Template = Callable[[str, tuple[tuple[str, str | None], ...], Language], Text]


def filled(
    formula: str, operands: Mapping[str, str | float], rows: Language = PYTHON, template: Template = template
) -> Text:
    """A formula with names and numbers for its operands; what has only numbers in it is worked out, as NumPy does.

    >>> filled("out * sigmoid(-x)", {"x": "z", "out": "h"})
    h * sigmoid(-z)
    >>> filled("maximum(x, 0)", {"x": "z"}, inlined)
    z if z > 0 or z != z else 0
    >>> filled("1 / y", {"x": "z", "y": 0.0, "out": "h"})
    inf

    Arguments:
        template: one that remembers, where many formulas are filled.
    """
    kinds = tuple([(x, None if type(operand) is str else repr(operand)) for x, operand in operands.items()])
    made = template(formula, kinds, rows)
    return made if made.number is not None else Text(made.text.format_map(operands), made.binds)


def with_floats(line: str) -> str:
    """A line of source with its whole numbers as floats, which are quicker beside floats.

    >>> with_floats("v1 = 2 * x + 1e-05 - 0.5")
    'v1 = 2.0 * x + 1e-05 - 0.5'
    """
    return re.sub(r"(?<![\w.])(?<!e-)(?<!e\+)\d+(?![\w.])", r"\g<0>.0", line)
