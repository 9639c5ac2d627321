"""The chain rule for people: pictures and pages of the graph."""

from tinygrad_edu.show.page import Page, explore
from tinygrad_edu.show.picture import draw, frames
from tinygrad_edu.show.tree import tree

__all__ = ["Page", "draw", "explore", "frames", "tree"]
