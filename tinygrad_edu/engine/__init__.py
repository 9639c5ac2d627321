"""The engine: a table of operations, Values that record them, and the derivatives that follow from the table."""

from tinygrad_edu.engine.calculus import (
    check_recorded,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    local_derivatives,
    vjp,
)
from tinygrad_edu.engine.graph import leaves, topological
from tinygrad_edu.engine.ops import TABLE, Domain, Row
from tinygrad_edu.engine.registry import function, register, registered, unregister
from tinygrad_edu.engine.value import NOT_COMPUTED, Value

__all__ = [
    "NOT_COMPUTED",
    "TABLE",
    "Domain",
    "Row",
    "Value",
    "check_recorded",
    "function",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "leaves",
    "local_derivatives",
    "register",
    "registered",
    "topological",
    "unregister",
    "vjp",
]
