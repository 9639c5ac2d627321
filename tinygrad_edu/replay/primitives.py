"""The primitives, bound for plain Python numbers and for numbers that follow IEEE where Python raises."""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, inf, nan
from typing import Any

from tinygrad_edu.engine import UNDEFINED
from tinygrad_edu.engine.formulas import PRIMITIVES, bind

# Fractions stay exact where the rows allow it: nothing here makes a float of a whole number.
PLAIN: dict[str, Callable[..., Any]] = PRIMITIVES | {
    "maximum": lambda x, y: x if x > y or x != x else y,
    "minimum": lambda x, y: x if x < y or x != x else y,
    "sign": lambda x: 1 if x > 0 else -1 if x < 0 else x,
    "step": lambda x: 1 if x > 0 else 0 if x <= 0 else x,
    "abs": lambda x: x if x > 0 else 0 - x,  # that of a complex number would be its size
}


class Ieee(float):
    """A float whose division by zero is inf or nan, as NumPy's."""

    def __truediv__(self, other: float) -> Ieee:
        if other:
            return Ieee(float(self) / float(other))
        return Ieee(nan if not float(self) or self != self else copysign(inf, self) * copysign(1.0, other))

    def __rtruediv__(self, other: float) -> Ieee:
        return Ieee(other) / self


def _closed(name: str) -> None:
    method = getattr(float, name)
    setattr(Ieee, name, lambda self, *other: Ieee(method(self, *map(float, other))))


for _name in ("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__neg__", "__abs__"):
    _closed(_name)


def power_edge(x: float, y: float) -> float:
    """x**y where `math.pow` raises: a pole, an overflow, or no real number."""
    if x < 0 and y % 1 > 0:
        return nan
    return copysign(inf, x) if y % 2 == 1 else inf


# What IEEE answers where Python raises, if that is not nan (ValueError) or inf (OverflowError).
EDGES: dict[str, Callable[..., float]] = {
    "log": lambda x: -inf if x == 0 else nan,
    "log1p": lambda x: -inf if x == -1 else nan,
    "sinh": lambda x: copysign(inf, x) if x - x == 0 else nan,
    "pow": power_edge,
}


def without_errors(name: str) -> Callable[..., Ieee]:
    plain = PLAIN[name]

    def primitive(*operands: float) -> Ieee:
        try:
            return Ieee(plain(*operands))
        except UNDEFINED as error:
            if name in EDGES:
                return Ieee(EDGES[name](*operands))
            return Ieee(inf if isinstance(error, OverflowError) else nan)

    return primitive


on_plain = bind(PLAIN, "plain")
on_ieee = bind({name: without_errors(name) for name in PLAIN}, "IEEE")
