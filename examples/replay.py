"""micrograd's demo again: the graph of one point is recorded once, and a step on all points is one call."""

import math
import random

from tinygrad_edu import MLP, Value, compile

random.seed(1337)
points = []
for k in range(100):
    angle, upper = math.pi * (k // 2) / 49, k % 2 == 0
    x = math.cos(angle) if upper else 1 - math.cos(angle)
    y = math.sin(angle) if upper else 0.5 - math.sin(angle)
    points.append([x + random.gauss(0, 0.1), y + random.gauss(0, 0.1), -1.0 if upper else 1.0])

network = MLP(2, [16, 16, 1])
weights = network.parameters()
x1, x2, label = Value(0.0, "x1"), Value(0.0, "x2"), Value(1.0, "label")
score = network([x1, x2])
loss = (1 - label * score).relu() + 1e-4 * sum(w * w for w in weights)
program = compile(loss, params=weights, inputs=[x1, x2, label], outputs=[score])
print(len(program.trace.operations))  # 777

numbers = [w.data for w in weights]
for k in range(100):
    value, gradient = program(numbers, points)
    numbers = [w - (1.0 - 0.9 * k / 100) * float(g) for w, g in zip(numbers, gradient, strict=True)]

scores = program.forward(numbers, points)
correct = sum((point[2] > 0) == (s > 0) for point, [s] in zip(points, scores, strict=True))
print(f"{correct} of {len(points)}")  # 100 of 100
