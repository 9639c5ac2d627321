"""Numbers for people."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from math import isfinite, isnan


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


def times(factor: float, digits: int = 4) -> str:
    """The local derivative on an edge, nan where there is none.

    >>> times(-0.5), times(float("nan"))
    ('×−0.5', 'no derivative')
    """
    return "no derivative" if isnan(factor) else f"×{shown(factor, digits)}"
