"""Kinds of numbers: what a Value accepts, and the primitives, which no formula expresses, for each kind.

Every operation that is not here is a formula of the table over these.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from math import exp, hypot, sqrt
from numbers import Real
from typing import Any

from tinygrad_edu.engine.plain import quoted

# Reads as 0.0, and a picture can still tell it from a gradient that came out as 0: it is this very object.
NOT_COMPUTED = float("0")

if NOT_COMPUTED is float("0"):  # as on PyPy, where floats have no identity
    raise ImportError("tinygrad_edu needs a Python whose floats are objects, as CPython's are")


def number(x: Any, finite: bool = True) -> float:
    """A real number as a float: int, float, bool, Fraction, a NumPy scalar.

    >>> number(3)
    3.0

    Raises TypeError for anything else, ValueError for nan and infinities unless `finite` is False.
    """
    if type(x) is not float:
        x = x + 0.0 if type(x) is int and -(2**53) < x < 2**53 else _float(x)  # the short cut halves `v + 1`
    if finite and x - x:  # nan for nan and infinities, 0.0 for all other numbers
        raise ValueError(f"expected a finite number, got {x} (a Value takes it with finite=False)")
    return x  # type: ignore[no-any-return]


def constant(x: Any) -> Any:
    """A number as the operand of an operator; NotImplemented where it is none, so that Python asks its class."""
    if type(x) is int and -(2**53) < x < 2**53:
        return x + 0.0
    if type(x) is list or type(x) is tuple:  # Python would speak of a sequence that is multiplied
        raise TypeError(
            f"an operator takes Values and numbers, got {quoted(x)} ({type(x).__name__}): "
            "take its elements one by one, like [value * x for x in xs]"
        )
    return number(x) if isinstance(_unwrapped(x), Real) else NotImplemented


def _unwrapped(x: Any) -> Any:
    """The number in NumPy's bool, and in arrays and tensors of no dimension."""
    if isinstance(x, Real) or getattr(x, "shape", None) != ():
        return x
    if getattr(x, "mask", False):
        raise ValueError("expected a number, got one that is masked")
    return x.item()


def _float(x: Any) -> float:
    x = _unwrapped(x)
    if not isinstance(x, Real):
        many = isinstance(x, (list, tuple)) or getattr(x, "shape", None)
        hint = ": take its elements one by one" if many else ""
        raise TypeError(f"expected a real number, got {quoted(x)} ({type(x).__name__}){hint}")
    try:
        return float(x)
    except OverflowError:
        size = f"an int of {x.bit_length()} bits" if isinstance(x, int) else quoted(x)
        raise ValueError(f"{size} is too large for a float") from None


def maximum(x: float, y: float) -> float:
    # Adding 0.0 makes a float of the int literals in formulas; a nan operand wins, as in NumPy.
    return (x if x > y or x != x else y) + 0.0


def minimum(x: float, y: float) -> float:
    return (x if x < y or x != x else y) + 0.0


def sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else x


def step(x: float) -> float:
    return 1.0 if x > 0 else 0.0 if x <= 0 else x


# Formulas of the table, each in one function of Python for speed; a test compares them.


def square(x: float) -> float:
    return x * x


def is_zero(x: float) -> float:
    return 1.0 if x == 0 else 0.0 if x == x else x


def sigmoid(x: float) -> float:
    if x >= 0:
        return 1 / (1 + exp(-x))
    small = exp(x)
    return small / (1 + small)


def sech(x: float) -> float:
    small = exp(-abs(x))
    return 2 * small / (1 + small * small)


def cos_asin(x: float) -> float:
    return sqrt((1 - x) * (1 + x))


def unit(x: float, y: float) -> float:
    return x / hypot(x, y)


# fmt: off
MATH = [
    "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
    "erf", "erfc", "hypot", "atan2",
]
# fmt: on

PRIMITIVES: dict[str, Callable[..., float]] = {name: getattr(math, name) for name in MATH}
PRIMITIVES |= {"abs": math.fabs, "maximum": maximum, "minimum": minimum, "sign": sign, "step": step}
PRIMITIVES["pow"] = math.pow  # Python's own ** answers (-8.0)**(1/3) with a complex number

FLOATS = PRIMITIVES | {"square": square, "is_zero": is_zero, "sigmoid": sigmoid, "sech": sech, "log10": math.log10}
FLOATS |= {"cos_asin": cos_asin, "unit": unit}

# Those that have a value for any floats.
TOTAL = {"abs", "maximum", "minimum", "sign", "step", "is_zero", "atan", "atan2", "tanh", "erf", "erfc", "hypot"}

ANALYTIC = ["exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"]

# Analytic functions; those in pieces choose by the real part, and where it ties they go into both by half, as in the
# table. There is no complex erf here, and no atan2.
COMPLEX: dict[str, Callable[..., complex]] = {name: getattr(cmath, name) for name in ANALYTIC} | {
    "pow": lambda x, y: x**y,
    "expm1": lambda x: cmath.exp(x) - 1,
    "log1p": lambda x: cmath.log(1 + x),
    "hypot": lambda x, y: cmath.sqrt(x * x + y * y),
    "abs": lambda x: x * ((x.real > 0) - (x.real < 0)),
    "maximum": lambda x, y: (x + y) / 2 if x.real == y.real else x if x.real > y.real else y,
    "minimum": lambda x, y: (x + y) / 2 if x.real == y.real else x if x.real < y.real else y,
    "sign": lambda x: complex((x.real > 0) - (x.real < 0)),
    "step": lambda x: complex(x.real > 0),
}
