"""A scalar autograd engine that shows the chain rule.

>>> from tinygrad_edu import Value
>>> w, x, b = Value(0.3, "w"), 2.0, Value(0.1, "b")
>>> y = (w * x + b).sigmoid()
>>> y.backward()
>>> round(y.data, 4), round(w.grad, 4), round(b.grad, 4)
(0.6682, 0.4434, 0.2217)

Every operation of the table is a function here too: `tinygrad_edu.tanh(value)`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import (
    NOT_COMPUTED,
    TABLE,
    Domain,
    Value,
    function,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    register,
    registered,
    unregister,
    vjp,
)
from tinygrad_edu.engine.functions import log_softmax, max, min, softmax

if TYPE_CHECKING:
    from tinygrad_edu.check import assert_gradients, check_gradients
    from tinygrad_edu.engine._functions import *  # noqa: F403  every row as a function
    from tinygrad_edu.nn import MLP, Layer, Neuron
    from tinygrad_edu.replay import compile
    from tinygrad_edu.show import count_operations, draw, explain, explain_update, explore, name

__version__ = "0.1.0"

# Loaded when first asked for, so that `import tinygrad_edu` stays quick.
LAZY = {
    "assert_gradients": "tinygrad_edu.check",
    "check_gradients": "tinygrad_edu.check",
    "MLP": "tinygrad_edu.nn",
    "Layer": "tinygrad_edu.nn",
    "Neuron": "tinygrad_edu.nn",
    "compile": "tinygrad_edu.replay",
    "count_operations": "tinygrad_edu.show",
    "draw": "tinygrad_edu.show",
    "explain": "tinygrad_edu.show",
    "explain_update": "tinygrad_edu.show",
    "explore": "tinygrad_edu.show",
    "name": "tinygrad_edu.show",
}
ROOMS = {"check", "lesson", "nn", "replay", "show"}

__all__ = [
    "MLP",
    "NOT_COMPUTED",
    "TABLE",
    "Domain",
    "Layer",
    "Neuron",
    "Value",
    "assert_gradients",
    "check_gradients",
    "compile",
    "count_operations",
    "draw",
    "explain",
    "explain_update",
    "explore",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "log_softmax",
    "max",
    "min",
    "name",
    "register",
    "registered",
    "softmax",
    "unregister",
    "vjp",
]


def __getattr__(name: str) -> Any:
    if name in TABLE:
        return function(TABLE[name])
    if name in LAZY:
        return getattr(import_module(LAZY[name]), name)
    if name in ROOMS:
        return import_module(f"tinygrad_edu.{name}")
    raise AttributeError(f"module 'tinygrad_edu' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *TABLE, *LAZY, *ROOMS})
