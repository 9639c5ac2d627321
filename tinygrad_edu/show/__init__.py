"""The chain rule for people: explanations in symbols and numbers, pictures and pages of the graph."""

from tinygrad_edu.show.costs import count_operations
from tinygrad_edu.show.explanation import explain
from tinygrad_edu.show.frames import frames
from tinygrad_edu.show.lecture import draw_dot, trace
from tinygrad_edu.show.names import name
from tinygrad_edu.show.page import Page, explore
from tinygrad_edu.show.picture import draw
from tinygrad_edu.show.tree import tree
from tinygrad_edu.show.update import explain_update

__all__ = [
    "Page",
    "count_operations",
    "draw",
    "draw_dot",
    "explain",
    "explain_update",
    "explore",
    "frames",
    "name",
    "trace",
    "tree",
]
