"""The wording of errors: what was asked, and the operands with their values and labels."""

from __future__ import annotations

from math import isfinite
from reprlib import repr as short
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.engine.ops import Row
    from tinygrad_edu.engine.value import Value

UNDEFINED = (ValueError, ZeroDivisionError, OverflowError)  # what float arithmetic and `math` raise


def undefined(row: Row, operands: Sequence[Value | float], error: Exception) -> Exception:
    """An error of the same type as `error`, which says where the operation has no value.

    >>> from tinygrad_edu.engine.ops import TABLE
    >>> undefined(TABLE["log"], (0.0,), ValueError())
    ValueError('log(x) is undefined at x = 0.0')
    """
    what = "overflows" if isinstance(error, OverflowError) else "is undefined"
    return type(error)(f"{row.title} {what} at {places(row, operands)}")


def no_derivative(row: Row, operands: Sequence[Value | float], error: Exception) -> Exception:
    """The same for a partial that has no value there."""
    what = "overflows" if isinstance(error, OverflowError) else "is undefined"
    return type(error)(f"the derivative of {row.title} {what} at {places(row, operands)}")


def unequal(row: Row, xs: Sequence[object], ys: Sequence[object]) -> ValueError:
    """An error for two sequences that do not pair up."""
    return ValueError(f"{row.name} expected as many y as x, {len(xs)}, got {len(ys)}")


def places(row: Row, operands: Sequence[Value | float]) -> str:
    """Each operand with its value and its label.

    >>> from tinygrad_edu.engine.ops import TABLE
    >>> places(TABLE["truediv"], (1.0, 0.0))
    'x = 1.0, y = 0.0'
    """
    if row.many:
        width = len(operands) // len(row.operands)
        at = [f"{x}_{i}" for x in ("x", "y")[: len(row.operands)] for i in range(1, width + 1)]
    else:
        at = list(row.operands)
    shown = [f"{x} = {described(operand)}" for x, operand in zip(at, operands, strict=True)]
    return ", ".join(shown[:8] + ["…"] * (len(shown) > 8)) or "no operands"


def described(operand: Value | float) -> str:
    """An operand's number, and its label if it has one."""
    if isinstance(operand, float):
        return repr(operand)
    return repr(operand.data) + (f" ({short(operand.label)})" if operand.label else "")


def not_finite(root: Value, tape: list[Value]) -> ValueError:
    """Why `backward` refuses a root that is nan or infinite: the first value on the way to it that is."""
    for node in tape:
        for value in (*node.parents, node):
            if not isinstance(value, float) and not isfinite(value.data):
                where = f"{value.op.title} at {places(value.op, value.parents)}" if value.op else "a leaf"
                return ValueError(
                    f"backward needs a finite root, this one is {described(root)}; "
                    f"the first value that is not finite is {described(value)}, {where}"
                )
    return ValueError(f"backward needs a finite root, this one is the leaf {described(root)}")
