"""The worked example of the source document, figure by figure."""

from tinygrad_edu.lesson.figures import Figure, audit, remarks
from tinygrad_edu.lesson.worked_example import Forward, forward, network

__all__ = ["Figure", "Forward", "audit", "forward", "network", "remarks"]
