"""What array programs call, as text in the words of NumPy, JAX and PyTorch: each is `np` there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tinygrad_edu.engine import TABLE, Row
from tinygrad_edu.engine.formulas import MissingPrimitive
from tinygrad_edu.replay.expressions import TERMS, Expression, Parts, evaluated, reduced
from tinygrad_edu.replay.formulas import filled

NAME = r"(?<![\w.])[a-z_]\w*"  # that is no method
HEADS = {
    "numpy": "import numpy as np",
    "jax": 'import jax\nimport jax.numpy as np\nimport numpy\n\njax.config.update("jax_enable_x64", True)',
    "torch": "import torch as np",
}
SAME = "exp expm1 log log1p sqrt sin cos tan sinh cosh tanh hypot abs maximum minimum sign where einsum"
ALL = {name: f"np.{name}" for name in f"{SAME} concatenate broadcast_to transpose zeros empty full amax".split()} | {
    "asin": "np.arcsin",
    "acos": "np.arccos",
    "atan": "np.arctan",
    "atan2": "np.arctan2",
    "pow": "np.float_power",
    "sigmoid": "lambda x: 1 / (1 + np.exp(-x))",  # exp may be inf here: one exp instead of two
    "step": "lambda x: np.where(x > 0, 1.0, np.where(x <= 0, 0.0, x))",
    "is_zero": "lambda x: 1 - abs(sign(x))",
    "inf": 'float("inf")',
    "nan": 'float("nan")',
}
JAX = {
    "transpose": "lambda x, axes: x.transpose(axes)",  # of an array of NumPy one of NumPy
    "erf": "jax.scipy.special.erf",
    "erfc": "jax.scipy.special.erfc",
    # exp(-|x|), written so that XLA sees that it is the same for x and -x, and computes it once.
    "small_power": "lambda x: np.exp(np.minimum(x, -x))",
    "sigmoid": "lambda x: np.where(x >= 0, 1, small_power(x)) / (1 + small_power(x))",
    "sech": "lambda x: 2 * small_power(x) / (1 + small_power(x) ** 2)",
    "rule": """def rule(primal, *terms):
    function = jax.custom_jvp(primal)
    function.defjvps(*terms)
    return lambda *operands: function(*np.broadcast_arrays(*[1.0 * x for x in operands]))""",
}
TORCH = {
    "numbers": "lambda *xs: [np.as_tensor(x, dtype=np.float64) for x in xs]",
    **{name: f"np.{name}" for name in ("asin", "acos", "atan", "sigmoid")},
    **{name: f"lambda x, y: np.{name}(*numbers(x, y))" for name in ("maximum", "minimum", "hypot", "atan2", "pow")},
    **{name: f"lambda *sizes: np.{name}(*sizes, dtype=np.float64)" for name in ("zeros", "empty", "full")},
    "erf": "np.special.erf",
    "erfc": "np.special.erfc",
    "sign": "lambda x: np.where(x == x, np.sign(x), x)",
    "broadcast_to": "lambda x, shape: numbers(x)[0].broadcast_to(shape)",
    "concatenate": "np.cat",
    "transpose": "np.permute",
    "add_at": "lambda target, index, term: target.index_put_((index,), term, accumulate=True)",
}
NUMPY = {
    "erf": "np.vectorize(__import__('math').erf, otypes=[float])",
    "erfc": "np.vectorize(__import__('math').erfc, otypes=[float])",
    "sech": "lambda x: 1 / np.cosh(x)",
    "step": "lambda x: np.heaviside(x, 0.0)",  # some releases of JAX have 0 for that of nan
    "add_at": "np.add.at",
}
LIBRARIES: dict[str, Mapping[str, str]] = {"numpy": ALL | NUMPY, "jax": ALL | JAX, "torch": ALL | TORCH}
HELPERS = {name for library in LIBRARIES.values() for name in library} - TABLE.keys()


def definitions(text: str, library: str, known: Collection[str] = ()) -> Iterator[str]:
    """Each name that a text uses and that it has not itself, defined, after those that it uses.

    >>> print(*definitions("d_z * step(z) - relu(z)", "numpy"), sep="\\n")
    maximum = np.maximum
    relu = lambda x: maximum(x, 0)
    step = lambda x: np.heaviside(x, 0.0)

    Raises MissingPrimitive, a ValueError, for an operation that neither the library nor a formula expresses.
    """
    defined, differentiated = {*known}, {*re.findall(NAME, text)} if library == "jax" else set()

    def define(text: str) -> Iterator[str]:
        for name in sorted({*re.findall(NAME, text)} - defined):
            row = TABLE.get(name)
            own = LIBRARIES[library].get(name, "")
            if not own and row and row.primitive:
                raise MissingPrimitive(f"{name} has no {library} form")
            made = own if own.startswith("def ") else f"{name} = {own}" if own else row and function(row)
            if row and name in differentiated:
                made = f"{made}\n{name} = rule({', '.join([name, *rules(row)])})"
            if made and name not in defined:
                defined.add(name)
                yield from define(made)
                yield made

    return define(text)


def function(row: Row) -> str:
    """A row as a function; the terms of one over many lie along the first axis."""
    if not row.many:
        return f"{row.name} = lambda {', '.join(row.operands)}: {filled(row.primal, {x: x for x in row.operands})}"
    parts = Parts()
    result = evaluated(row.primal, {x: Expression(x, TERMS) for x in row.operands}, parts.named)
    head = f"def {row.name}({', '.join(row.operands)}):"
    return "\n    ".join([head, *parts.lines, f"return {result}"])


def rules(row: Row) -> Iterator[str]:
    """For each operand what JAX has to know: the partial times a number, as a function."""
    operands = {x: Expression(x, TERMS * row.many) for x in row.operands} | {"out": Expression("out")}
    for partial in row.partials:
        term = reduced("sum", Expression("d_out", TERMS * row.many) * evaluated(partial, operands), TERMS)
        yield f"lambda d_out, out, {', '.join(row.operands)}: {'np.zeros_like(out)' if partial == '0' else term}"


def exported(text: str, constants: Mapping[str, Any], library: str) -> str:
    """The text of a program with all that it needs before it."""
    makes = "np.tensor" if library == "torch" else "np.array"
    kinds = {"f": ", dtype=np.float64"} if library == "torch" else {}
    tables = [f"{name} = {makes}({x.tolist()}{kinds.get(x.dtype.kind, '')})" for name, x in constants.items()]
    made = definitions("\n".join([*tables, text]), library, constants)
    return "\n".join([HEADS[library], "", *made, *tables, "", "", text])
