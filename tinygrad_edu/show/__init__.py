"""The chain rule for people: pictures of the graph."""

from tinygrad_edu.show.picture import draw

__all__ = ["draw"]
