"""Pictures under the names that micrograd's lecture gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import Value, nodes
from tinygrad_edu.show.backward import to_show
from tinygrad_edu.show.picture import draw

if TYPE_CHECKING:
    from tinygrad_edu.show.dot import Digraph


def draw_dot(root: Value, format: str = "svg", rankdir: str = "LR", **options: Any) -> Digraph:
    """Draw a graph, as `draw` does.

    >>> a = Value(2.0, "a")
    >>> draw_dot(a * 3).format
    'svg'

    Arguments:
        root: the Value to draw.
        format: what `render` and `pipe` make, "svg", "png" or "pdf".
        rankdir: "LR" from left to right, "TB" from top to bottom.
        options: those of `draw`.

    Returns what `draw` returns, and raises what it raises.
    """
    picture = draw(root, rankdir=rankdir, **options)
    picture.format = format
    return picture


def trace(root: Value) -> tuple[set[Value], set[tuple[Value, Value]]]:
    """The nodes of a graph, and its edges as pairs of an operand and its result.

    >>> a = Value(2.0, "a")
    >>> found, edges = trace(a * a)
    >>> len(found), len(edges)
    (2, 1)

    As in the lecture, these are sets: the two edges of a * a are one pair. `Value.parents` has both.
    Raises TypeError for what is no Value.
    """
    found = set(nodes(to_show(root)))
    return found, {(parent, node) for node in found for parent in node.parents if isinstance(parent, Value)}
