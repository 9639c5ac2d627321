"""Formulas of the table as Python, for programs that run line by line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tinygrad_edu.engine import TABLE
from tinygrad_edu.engine.formulas import compile_formula, names, rows_in
from tinygrad_edu.engine.languages import CHOICE, PYTHON, Language, Text, constant, language, run
from tinygrad_edu.replay.primitives import Ieee, on_ieee


def choice(text: str, row: str) -> Callable[..., Text]:
    """An operation as a conditional expression, where its operands need no second look."""

    def inline(*operands: Text) -> Text:
        if all(x.is_name or x.number is not None for x in operands):
            return Text(text.format(**dict(zip("xy", operands, strict=False))), CHOICE)
        return PYTHON(TABLE[row])(*operands)

    return inline


# What is a call in a formula, and quicker without one where the numbers are floats.
INLINE = {
    "maximum": "{x} if {x} > {y} or {x} != {x} else {y}",
    "minimum": "{x} if {x} < {y} or {x} != {x} else {y}",
    "sign": "1 if {x} > 0 else -1 if {x} < 0 else {x}",
    "step": "1 if {x} > 0 else 0 if {x} <= 0 else {x}",
}
ON_FLOATS = language({row: choice(text, row) for row, text in INLINE.items()})


def filled(formula: str, operands: Mapping[str, Text | str | float], rows: Language = PYTHON) -> Text:
    """A formula with names and numbers for its operands; what has only numbers in it is worked out, as NumPy does.

    >>> filled("out * sigmoid(-x)", {"x": "z", "out": "h"})
    h * sigmoid(-z)
    >>> filled("maximum(x, 0)", {"x": "z"}, ON_FLOATS)
    z if z > 0 or z != z else 0
    >>> filled("1 / y", {"x": "z", "y": 0.0, "out": "h"})
    inf
    """
    numbers = {x: operand for x, operand in operands.items() if x in names(formula)}
    if numbers and all(type(operand) is float for operand in numbers.values()):
        found = compile_formula(numbers, formula, rows_in([formula], on_ieee))(*map(Ieee, numbers.values()))  # type: ignore[arg-type]
        return constant(float(found))
    return run(formula, operands, rows)


def with_floats(line: str) -> str:
    """A line of source with its whole numbers as floats, which are quicker beside floats.

    >>> with_floats("v1 = 2 * x + 1e-05 - 0.5")
    'v1 = 2.0 * x + 1e-05 - 0.5'
    """
    return re.sub(r"(?<![\w.])(?<!e-)(?<!e\+)\d+(?![\w.])", r"\g<0>.0", line)
