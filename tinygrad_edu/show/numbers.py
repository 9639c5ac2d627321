"""Numbers for people."""

from __future__ import annotations

from math import isfinite


def shown(number: float, digits: int = 4) -> str:
    """A number to `digits` significant digits, with a real minus sign; e-notation under 1e-3 and where it is shorter.

    >>> shown(-0.0381), shown(0.5), shown(12345678.0), shown(0.0000123)
    ('−0.0381', '0.5', '1.235e7', '1.23e−5')
    """
    if not isfinite(number):
        text = {float("inf"): "∞", float("-inf"): "-∞"}.get(number, "nan")
    elif number == 0:
        text = "0"
    elif 1e-3 <= abs(number) < 10 ** (digits + 2):
        text = f"{number:.{digits}g}" if abs(number) < 10**digits else f"{number:.0f}"
    else:
        mantissa, exponent = f"{number:.{digits - 1}e}".split("e")
        text = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return text.replace("-", "−")
