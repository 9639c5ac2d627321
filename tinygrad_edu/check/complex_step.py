"""The complex step: f'(x) = Im f(x + ih) / h, without a subtraction, so h may be 1e-20.

It runs the formulas of the table on complex numbers. The real part chooses between pieces. Where two tie, the step goes
into both by half, as in the table, so that formulas in pieces (softplus at 0) are right there too.
"""

from __future__ import annotations

import cmath
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import Row, topological
from tinygrad_edu.engine.registry import compile_formula, rows_in
from tinygrad_edu.engine.source import folds

if TYPE_CHECKING:
    from tinygrad_edu.check.functions import Function

STEP = 1e-20

ANALYTIC = ["exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"]

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


@cache
def on_complex(row: Row) -> Callable[..., complex]:
    """An operation on complex numbers. Raises ValueError for a primitive that has no complex form."""
    if row.primitive:
        if row.name not in COMPLEX:
            raise ValueError(f"{row.name} has no complex form: use another method")
        return COMPLEX[row.name]
    return compile_formula(row.operands, row.primal, rows_in([row.primal], on_complex))


def complex_step(function: Function, i: int) -> float:
    """The derivative for input number `i` where the function starts."""
    inputs, root = function.root(function.start)
    values: dict[Any, complex] = {inputs[i]: complex(inputs[i].data, STEP)}
    for node in topological(root):
        operands = [values.get(p, complex(p if isinstance(p, float) else p.data)) for p in node.parents]
        values[node] = many(node.op, operands) if node.op.many else on_complex(node.op)(*operands)
    return values.get(root, complex(root.data)).imag / STEP


def many(row: Row, operands: list[complex]) -> complex:
    """An operation over many operands."""
    found, rest = folds(row.primal)
    scope: dict[str, Any] = {}
    width = len(operands) // len(row.operands)
    groups = [operands[k * width : (k + 1) * width] for k in range(len(row.operands))]
    for name, fold, term in found:
        each = compile_formula(row.operands, term, rows_in([term], on_complex) | scope)
        terms = [each(*at) for at in zip(*groups, strict=True)]
        scope[name] = sum(terms) if fold == "sum" else max(terms, key=lambda z: z.real)
    result: complex = compile_formula((), rest, rows_in([rest], on_complex) | scope)()
    return result
