"""Pictures of training: what a network learned, how it went, and where it could go."""

from tinygrad_edu.plot.animation import animate
from tinygrad_edu.plot.boundary import plot_decision_boundary
from tinygrad_edu.plot.chart import history_text
from tinygrad_edu.plot.curves import plot_gradients, plot_health, plot_history
from tinygrad_edu.plot.landscape import plot_loss_landscape
from tinygrad_edu.plot.network import plot_network

__all__ = [
    "animate",
    "history_text",
    "plot_decision_boundary",
    "plot_gradients",
    "plot_health",
    "plot_history",
    "plot_loss_landscape",
    "plot_network",
]
