"""A program on arrays as a picture: an array a box, with its shape and the lines that compute it and its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from tinygrad_edu.show.labels import html, table, tooltip
from tinygrad_edu.themes import Theme

if TYPE_CHECKING:
    from tinygrad_edu.show.dot import Digraph


class ArrayProgram(Protocol):
    """What runs on arrays and can say how: a program of `tinygrad_edu.compile`.

    An array of its graph has `name`, `shape`, the lines of its `value` and `gradient`, and the names of its `operands`.
    """

    def array_graph(self) -> Sequence[Any]: ...


def draw_arrays(program: ArrayProgram, rankdir: str, theme: Theme) -> Digraph:
    """The boxes in the order of the forward pass, an edge from each array to those that are computed from it."""
    from tinygrad_edu.show.dot import empty, escape

    dot = empty(theme, rankdir)
    nodes = [node for node in program.array_graph() if not node.shape.startswith("0 ×")]  # of no inputs
    ids = {node.name: f"n{k}" for k, node in enumerate(nodes)}
    for node in nodes:
        title = f"<B>{html(node.name)}</B>" + (f"  {html(node.shape)}" if node.shape else "")
        rows = [(html(line), theme.data, theme.data_back) for line in node.value]
        rows += [(html(line), theme.grad, theme.grad_back) for line in node.gradient]
        colour = theme.operation if node.operands else theme.leaf
        dot.node(ids[node.name], table(title, rows, colour, theme), tooltip=escape(tooltip(node.name)))
        for operand in node.operands:
            dot.edge(ids[operand], ids[node.name])
    dot.title, dot.description = "A program on arrays", "; ".join(line for node in nodes for line in node.value)
    return dot
