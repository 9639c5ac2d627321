"""The backward pass one edge at a time, computed apart: nothing here reads or writes `grad`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tinygrad_edu.engine import Value, local_derivatives, topological


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
