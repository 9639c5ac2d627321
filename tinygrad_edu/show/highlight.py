"""The edges that a picture draws thick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from tinygrad_edu.engine import Value, quoted

Wire = tuple[Value, Value]  # from an operand to its result


def highlighted(nodes: Sequence[Value], highlight: Value | Iterable[Value]) -> set[Wire]:
    """All the ways from one Value to the root, or a path: the edge between two Values that follow one another, or else
    all the ways between them.

    Arguments:
        nodes: all of the graph, operands before results, so that the root is the last.
        highlight: a Value, or the Values of a path in either direction.

    Raises ValueError for a Value that the graph does not have, and for two between which there is no way.
    """
    path = list(highlight) if isinstance(highlight, Iterable) and not isinstance(highlight, str) else [highlight]
    place = {node: k for k, node in enumerate(nodes)}
    for value in path:
        if not isinstance(value, Value) or value not in place:
            raise ValueError(f"highlight expected Values of the graph, got {quoted(value)}")
    if len(path) == 1:
        return ways(nodes, path[0], nodes[-1])
    found: set[Wire] = set()
    for pair in pairwise(path):
        lower, upper = sorted(pair, key=place.__getitem__)
        between = {(lower, upper)} if lower in upper.parents else ways(nodes, lower, upper)
        if not between:
            ends = f"from {quoted(lower)} to {quoted(upper)}"
            raise ValueError(f"highlight: there is no way {ends}")
        found |= between
    return found


def ways(nodes: Sequence[Value], lower: Value, upper: Value) -> set[Wire]:
    """The edges on any way from one Value to another."""
    above, below = {lower}, {upper}
    for node in nodes:
        if not above.isdisjoint(node.parents):
            above.add(node)
    for node in reversed(nodes):
        if node in below:
            below.update(node.parents)
    between = above & below
    return {(parent, node) for node in between for parent in node.parents if parent in between}
