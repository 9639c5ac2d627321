"""A program as a text to paste, which needs the library alone: on NumPy, JAX or PyTorch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tinygrad_edu.engine import TABLE
from tinygrad_edu.replay.formulas import filled

HEADS = {
    "numpy": "import numpy as np",
    "jax": 'import jax\nimport jax.numpy as np\n\njax.config.update("jax_enable_x64", True)',
    "torch": "import torch as np\n\nnp.set_default_dtype(np.float64)",
}
SAME = (
    *("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot", "abs", "maximum"),
    *("minimum", "sign", "where", "concatenate", "broadcast_to", "transpose", "einsum", "tensordot"),
    *("zeros", "empty", "full", "amax"),
)
# What a library has under another name, or not at all.
ALL = {
    "asin": "np.arcsin",
    "acos": "np.arccos",
    "atan": "np.arctan",
    "atan2": "np.arctan2",
    "pow": "np.float_power",
    "step": "lambda x: np.where(x > 0, 1.0, np.where(x <= 0, 0.0, x))",
    "sigmoid": "lambda x: 1 / (1 + np.exp(-x))",
    "inf": 'float("inf")',
    "nan": 'float("nan")',
}
OWN = {
    "numpy": {
        "add_at": "np.add.at",
        "erf": "np.vectorize(__import__('math').erf, otypes=[float])",
        "erfc": "np.vectorize(__import__('math').erfc, otypes=[float])",
    },
    "jax": {
        "onto": "lambda view, shape, term: jax.linear_transpose(view, np.zeros(shape))(np.asarray(term, float))[0]",
        "erf": "jax.scipy.special.erf",
        "erfc": "jax.scipy.special.erfc",
    },
    "torch": {
        "broadcast_to": "lambda x, shape: np.as_tensor(x, dtype=np.float64).broadcast_to(shape)",
        "transpose": "np.permute",
        "tensordot": "lambda x, y, axes: np.tensordot(x, y, dims=axes)",
        "add_at": "lambda target, index, term: target.index_put_((index,), term, accumulate=True)",
        "maximum": "lambda x, y: np.maximum(*map(np.as_tensor, (x, y)))",
        "minimum": "lambda x, y: np.minimum(*map(np.as_tensor, (x, y)))",
        "erf": "np.special.erf",
        "erfc": "np.special.erfc",
    },
}


def exported(text: str, constants: Mapping[str, Any], library: str) -> str:
    """The text of a program with all that it calls defined before it."""
    defined: dict[str, str] = {}

    def define(name: str) -> None:
        own = OWN[library].get(name) or (f"np.{name}" if name in SAME else ALL.get(name))
        if own is None and name in TABLE and not TABLE[name].primitive and not TABLE[name].many:
            operands = TABLE[name].operands
            formula = filled(TABLE[name].primal, dict(zip(operands, operands, strict=True)))
            own = f"lambda {', '.join(operands)}: {formula}"
            needs(own)
        if own is not None:
            defined[name] = f"{name} = {own}"

    def needs(source: str) -> None:
        for name in sorted({*re.findall(r"(?<![\w.])[a-z_]\w*", source)}):
            if name not in defined and name not in constants:
                define(name)

    needs(text)
    makes = "np.tensor" if library == "torch" else "np.array"
    tables = [f"{name} = {makes}({array.tolist()})" for name, array in constants.items()]
    return "\n".join([HEADS[library], "", *defined.values(), *tables, "", "", text])
