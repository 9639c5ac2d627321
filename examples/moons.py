"""micrograd's demo: two hidden layers of 16 neurons tell two half-moons apart, with a max-margin loss."""

import math
import random

from tinygrad_edu.nn import MLP, SGD, fit
from tinygrad_edu.plot import plot_decision_boundary, plot_history

random.seed(1337)


def moons(count: int, noise: float) -> tuple[list[list[float]], list[int]]:
    """Points of two interleaved half circles, labelled -1 and 1."""
    points, labels = [], []
    for k in range(count):
        angle = math.pi * (k // 2) / (count // 2 - 1)
        upper = k % 2 == 0
        x = math.cos(angle) if upper else 1 - math.cos(angle)
        y = math.sin(angle) if upper else 0.5 - math.sin(angle)
        points.append([x + random.gauss(0, noise), y + random.gauss(0, noise)])
        labels.append(-1 if upper else 1)
    return points, labels


X, y = moons(100, noise=0.1)
model = MLP(2, [16, 16, 1])
print(len(model.parameters()))  # 337

# An L2 penalty of 1e-4 p² has the derivative 2e-4 p.
optimizer = SGD(model.parameters(), lr=lambda step: 1.0 - 0.9 * step / 100, weight_decay=2e-4)
history = fit(model, "hinge", (X, y), optimizer=optimizer, epochs=100, metrics="accuracy")
print(f"{history.metrics['accuracy'][-1]:.0%}")  # 100%

plot_history(history).savefig("moons_history.png")

plot_decision_boundary(model, X, y).savefig("moons.png")
