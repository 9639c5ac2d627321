"""The backward pass one edge at a time, computed apart: nothing here reads or writes `grad`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from math import nan
from typing import NamedTuple

from tinygrad_edu.engine import Value, check_recorded, local_derivatives, topological
from tinygrad_edu.engine.calculus import numbers
from tinygrad_edu.engine.errors import UNDEFINED
from tinygrad_edu.engine.graph import edges
from tinygrad_edu.engine.registry import partials_on_floats


class Step(NamedTuple):
    """One edge of the backward pass: what `node` adds to the gradient of its operand number `k`."""

    node: Value
    k: int
    operand: Value
    partial: float
    contribution: float


def steps(root: Value) -> Iterator[Step]:
    """The steps of `backward()`, in its order: each edge once, a node's after all that add to the node.

    >>> a = Value(3.0)
    >>> [(step.k, step.contribution) for step in steps(a * a)]
    [(0, 3.0), (1, 3.0)]
    """
    gradients = {root: 1.0}
    for node in reversed(topological(root)):
        for k, operand, partial in local_derivatives(node):
            contribution = gradients[node] * partial
            gradients[operand] = gradients.get(operand, 0.0) + contribution
            yield Step(node, k, operand, partial, contribution)


def factors(node: Value) -> dict[int, float]:
    """The local derivative for each operand, by its number; nan where there is none.

    >>> factors(Value(0.0).sqrt()), factors(Value(0.0) * 3)
    ({0: nan}, {0: 3.0})
    """
    try:
        return {k: partial for k, _, partial in local_derivatives(node)}
    except UNDEFINED:
        found = {k: nan for k, parent in enumerate(node.parents) if isinstance(parent, Value)}
    for operand in {node.parents[k] for k in found}:  # one may have a derivative where another has none
        with suppress(*UNDEFINED):
            among = edges(node, partials_on_floats(node.op), numbers(node), node.data, [operand])
            found |= {k: partial for k, _, partial in among}
    return found


def checked(root: Value) -> Value:
    """The root of a graph that can be shown.

    Raises TypeError for what is no Value, ValueError where data were changed after the forward pass.
    """
    if not isinstance(root, Value):
        raise TypeError(f"expected a Value to show, got {root!r:.40} ({type(root).__name__})")
    check_recorded(root)
    return root
