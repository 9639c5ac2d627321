"""The primitives, bound for floats, for complex numbers and for SymPy. Every other row is a formula over these."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any


def maximum(x: float, y: float) -> float:
    # Adding 0.0 makes a float of the int literals in formulas; a nan operand wins, as in NumPy.
    return (x if x > y or x != x else y) + 0.0


def minimum(x: float, y: float) -> float:
    return (x if x < y or x != x else y) + 0.0


def sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else x


def step(x: float) -> float:
    return 1.0 if x > 0 else 0.0 if x <= 0 else x


# fmt: off
MATH = [
    "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
    "erf", "erfc", "hypot", "atan2",
]
# fmt: on

FLOATS: dict[str, Callable[..., float]] = {name: getattr(math, name) for name in MATH}
FLOATS |= {"abs": abs, "maximum": maximum, "minimum": minimum, "sign": sign, "step": step}
FLOATS["pow"] = math.pow  # Python's own ** answers (-8.0)**(1/3) with a complex number

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


def sympy_primitives() -> dict[str, Any]:
    """The same names for SymPy's expressions (`pip install "tinygrad_edu[symbolic]"`)."""
    try:
        import sympy  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError('formulas as symbols need SymPy: pip install "tinygrad_edu[symbolic]"') from None
    own = {
        "abs": sympy.Abs,
        "maximum": sympy.Max,
        "minimum": sympy.Min,
        "pow": sympy.Pow,
        "step": lambda x: sympy.Heaviside(x, 0),
        "expm1": lambda x: sympy.exp(x) - 1,
        "log1p": lambda x: sympy.log(1 + x),
        "hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
    }
    return {name: getattr(sympy, name) for name in [*MATH, "sign"] if name not in own} | own
