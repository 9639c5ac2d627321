"""micrograd's demo: two hidden layers of 16 neurons tell two half-moons apart, with a max-margin loss."""

import math
import random

from tinygrad_edu.engine import Value
from tinygrad_edu.nn import MLP, collector_paused
from tinygrad_edu.plot import plot_decision_boundary

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


def loss() -> tuple[Value, float]:
    """The max-margin loss with L2 regularisation, and the accuracy."""
    inputs = [list(map(Value, row)) for row in X]
    scores = list(map(model, inputs))
    losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    regularisation = 1e-4 * sum(p * p for p in model.parameters())
    correct = [(yi > 0) == (score.data > 0) for yi, score in zip(y, scores, strict=True)]
    return data_loss + regularisation, sum(correct) / len(correct)


for k in range(100):
    with collector_paused():
        total, accuracy = loss()
        model.zero_grad()
        total.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad

print(f"{accuracy:.0%}")  # 100%
plot_decision_boundary(model, X, y).savefig("moons.png")
