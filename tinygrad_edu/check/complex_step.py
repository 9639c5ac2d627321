"""The complex step: f'(x) = Im f(x + ih) / h, without a subtraction, so h may be 1e-20, or less where x is.

It runs the formulas of the table on complex numbers. The real part chooses between pieces. Where two tie, the step goes
into both by half, as in the table, so that formulas in pieces (softplus at 0) are right there too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import data_of, topological
from tinygrad_edu.engine.formulas import COMPLEX, MissingPrimitive, applied, bind

if TYPE_CHECKING:
    from tinygrad_edu.check.functions import Function

STEP = 1e-20
SHORTEST = 1e-309  # a number below has too few bits

on_complex = bind(COMPLEX, "complex")


def complex_step(function: Function, i: int) -> float:
    """The derivative for input number `i` where the function starts."""
    inputs, root = function.root(function.start)
    size = abs(inputs[i].data)
    step = min(STEP, max(1e-10 * size, SHORTEST)) if size else STEP
    values: dict[Any, complex] = {inputs[i]: complex(inputs[i].data, step)}
    for node in topological(root):
        operands = [values.get(p, complex(data_of(p))) for p in node.parents]
        try:
            values[node] = applied(node.op, operands, on_complex)
        except MissingPrimitive as error:
            raise ValueError(f"{error}: use another method") from None
    return values.get(root, 0j).imag / step
