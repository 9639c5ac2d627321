"""The engine: a table of operations, Values that record them, and the derivatives that follow from the table.

Other rooms import from here, from `tinygrad_edu.engine.operations` the functions of the rows, from
`tinygrad_edu.engine.formulas` what reads the formulas of the table, and from `tinygrad_edu.engine.languages` what
writes them in other languages.
"""

from tinygrad_edu.engine.collector import collector_paused
from tinygrad_edu.engine.composites import COMPOSITES, log_softmax, max, min, one_hot, softmax, take
from tinygrad_edu.engine.derivatives import (
    dependents,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    require_finite,
    vjp,
)
from tinygrad_edu.engine.errors import UNDEFINED, at, described, expression, places, title
from tinygrad_edu.engine.familiar import of_torch
from tinygrad_edu.engine.graph import data_of, edges, leaves, local_derivatives, nodes, operand_numbers
from tinygrad_edu.engine.locks import lock_over_forks
from tinygrad_edu.engine.numbers import NOT_COMPUTED, number
from tinygrad_edu.engine.plain import LONGEST_NAME, plain, plural, printable, quoted
from tinygrad_edu.engine.registry import register, registered, unregister
from tinygrad_edu.engine.staleness import check_recorded
from tinygrad_edu.engine.table import OPERATORS, TABLE, Domain, Row
from tinygrad_edu.engine.value import Value, topological

__all__ = [
    "COMPOSITES",
    "LONGEST_NAME",
    "NOT_COMPUTED",
    "OPERATORS",
    "TABLE",
    "UNDEFINED",
    "Domain",
    "Row",
    "Value",
    "at",
    "check_recorded",
    "collector_paused",
    "data_of",
    "dependents",
    "described",
    "edges",
    "expression",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "leaves",
    "local_derivatives",
    "lock_over_forks",
    "log_softmax",
    "max",
    "min",
    "nodes",
    "number",
    "of_torch",
    "one_hot",
    "operand_numbers",
    "places",
    "plain",
    "plural",
    "printable",
    "quoted",
    "register",
    "registered",
    "require_finite",
    "softmax",
    "take",
    "title",
    "topological",
    "unregister",
    "vjp",
]
