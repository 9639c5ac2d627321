"""Numbers for people."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from math import isfinite, isnan, log10

from tinygrad_edu.engine import plural, quoted


def shown(number: float, digits: int = 4) -> str:
    """A number to `digits` significant digits, a half rounded away from 0, with a real minus sign.

    E-notation under 1e-3, and from where a whole number would have two more digits than asked for.

    >>> shown(-0.0381), shown(0.5), shown(12345678.0), shown(0.0000123)
    ('−0.0381', '0.5', '1.235e7', '1.23e−5')
    """
    if not isfinite(number):
        return {"inf": "∞", "-inf": "−∞"}.get(str(number), "nan")
    rounded = Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(number)
    size = abs(rounded)
    if size == 0:
        text = "0"
    elif 10**digits <= size < 10 ** (digits + 2):
        text = f"{Decimal(number).quantize(Decimal(1), ROUND_HALF_UP):f}"
    elif Decimal("0.001") <= size < 10**digits:
        text = f"{rounded:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        mantissa, exponent = f"{rounded:e}".split("e")
        text = f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def signed(number: float, digits: int = 4) -> str:
    """A number that is added, with its sign.

    >>> signed(0.5), signed(-0.5), signed(0.0)
    ('+0.5', '−0.5', '0')
    """
    return f"+{shown(number, digits)}" if number > 0 else shown(number, digits)


def gradient(number: float, digits: int = 4) -> str:
    """A gradient, nan where it does not exist."""
    return "undefined" if isnan(number) else shown(number, digits)


def times(factor: float, digits: int = 4) -> str:
    """The local derivative on an edge, nan where there is none.

    >>> times(-0.5), times(float("nan"))
    ('×−0.5', 'no derivative')
    """
    return "no derivative" if isnan(factor) else f"×{shown(factor, digits)}"


def rounded(number: float, digits: int = 4) -> str:
    """A number as people round on paper: to `digits` decimals, or to as many significant digits where it is small.

    >>> rounded(0.0427726), rounded(0.00048973), rounded(138.83381924), rounded(0.5)
    ('0.0428', '0.0004897', '138.8338', '0.5')
    """
    if 10.0 ** (2 - digits) <= abs(number) < 1e6:
        return f"{number:.{digits}f}".rstrip("0").rstrip(".").replace("-", "−")
    if 1e-4 <= abs(number) < 1:
        return f"{number:.{digits}g}".replace("-", "−")
    return shown(number, digits)


def is_fraction(number: Fraction) -> bool:
    """Whether a number is written as one, like 2/3: it is no decimal number, and its denominator is small."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest > 1 and number.denominator <= 100


def latex_number(text: str) -> str:
    r"""A number as `rounded` writes it, for LaTeX's math mode.

    >>> latex_number("−1.23e−5")
    '-1.23 \\cdot 10^{-5}'
    """
    return re.sub(r"e(−?\d+)$", r" \\cdot 10^{\1}", text).replace("−", "-").replace("∞", r"\infty")


def require_whole(name: str, count: object, least: int) -> None:
    """Raise ValueError, with the name of the argument, for what is no whole number or too small."""
    if not isinstance(count, int) or count < least:
        raise ValueError(f"{name} expected a whole number from {least}, got {quoted(count)}")


def counted(paths: int) -> str:
    """A number of paths, which may have thousands of digits.

    >>> counted(1), counted(1_000), counted(2**5000)
    ('1 path', '1,000 paths', '1.412e1505 paths')
    """
    if paths < 10**15:
        return plural(paths, "path")
    exponent = log10(paths)
    return f"{10 ** (exponent % 1):.3f}e{int(exponent)} paths"
