"""The primitives, bound for floats and for SymPy. Every other row is a formula over these."""

from __future__ import annotations

import math


def maximum(x: float, y: float) -> float:
    # Adding 0.0 makes a float of the int literals in formulas; a nan operand wins, as in NumPy.
    return (x if x > y or x != x else y) + 0.0


def minimum(x: float, y: float) -> float:
    return (x if x < y or x != x else y) + 0.0


def sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else x


def step(x: float) -> float:
    return 1.0 if x > 0 else 0.0 if x <= 0 else x


# math.pow, not Python's **, which answers (-8.0)**(1/3) with a complex number.
FLOATS = {"abs": abs, "maximum": maximum, "minimum": minimum, "sign": sign, "step": step} | {
    name: getattr(math, name)
    for name in (
        "pow exp expm1 log log1p sqrt sin cos tan asin acos atan sinh cosh tanh erf erfc hypot atan2".split()
    )
}


def sympy_primitives() -> dict:
    """The same names for SymPy's expressions (`pip install "tinygrad_edu[symbolic]"`)."""
    try:
        import sympy
    except ImportError:
        raise ImportError('formulas as symbols need SymPy: pip install "tinygrad_edu[symbolic]"') from None
    exp, log = sympy.exp, sympy.log
    return {
        "abs": sympy.Abs,
        "maximum": sympy.Max,
        "minimum": sympy.Min,
        "sign": sympy.sign,
        "step": lambda x: sympy.Heaviside(x, 0),
        "pow": sympy.Pow,
        "expm1": lambda x: exp(x) - 1,
        "log1p": lambda x: log(1 + x),
        "hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
    } | {
        name: getattr(sympy, name)
        for name in "exp log sqrt sin cos tan asin acos atan sinh cosh tanh erf erfc atan2".split()
    }
