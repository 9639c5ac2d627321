"""Handwritten digits: 64 pixels, 32 neurons, 10 classes, and at least 95 % of unseen digits told apart in seconds."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from tinygrad_edu import MLP, Value, compile
from tinygrad_edu.nn import Adam, cross_entropy
from tinygrad_edu.plot import plot_history

data = load_digits()
images, classes = data.data / 16, np.eye(10)[data.target]
seen, unseen, right, right_unseen = train_test_split(images, classes, test_size=0.25, random_state=0)
print(len(seen), len(unseen))  # 1347 450

network = MLP(64, [32, 10], seed=1)
for layer in network.layers:
    for neuron in layer.neurons:
        for w in neuron.w:
            w.data /= len(neuron.w) ** 0.5
parameters = network.parameters()
print(len(parameters))  # 2410

# The graph of one image; its class is an input, 1 among ten numbers.
pixels, shares = [Value(0.5) for _ in range(64)], [Value(0.1) for _ in range(10)]
logits = network(pixels)
program = compile(cross_entropy(logits, shares), parameters, [*pixels, *shares], outputs=logits)

examples = np.hstack([seen, right])
numbers = np.array([p.data for p in parameters])
adam = Adam(parameters, lr=lambda step: 0.01 * 0.999**step)
chance = np.random.default_rng(0)
curve = []
for _ in range(40):
    for batch in np.array_split(chance.permutation(len(examples)), 20):
        value, gradient = program(numbers, examples[batch])
        numbers = adam.moved(numbers, np.asarray(gradient))
    curve.append(float(value))

scores = np.asarray(program.forward(numbers, np.hstack([unseen, right_unseen])))
accuracy = (scores.argmax(axis=1) == right_unseen.argmax(axis=1)).mean()
print(accuracy >= 0.95)  # True

plot_history(curve).savefig("digits.png")
