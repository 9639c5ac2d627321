"""A character model of first names: an MLP that guesses the next letter from the three before (Bengio et al. 2003).

The names are those of the US census of 1990, as the package `names` ships them. The graph of one guess is recorded
once, with the letters as inputs (0 or 1), and each step replays it for 256 guesses.
"""

import random
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu import MLP, TABLE, Value, compile
from tinygrad_edu.nn import Adam, cross_entropy
from tinygrad_edu.plot import plot_history

BEFORE, EMBED, STEPS = 3, 8, 4000
LETTERS = "abcdefghijklmnopqrstuvwxyz."  # the point begins and ends a name
dot = TABLE["dot"].function

lists = [files("names").joinpath(f"dist.{kind}.first").read_text(encoding="utf-8") for kind in ("female", "male")]
names = sorted({line.split()[0].lower() for text in lists for line in text.splitlines() if line.strip()})
rng = random.Random(1)
rng.shuffle(names)
held, trained = names[:500], names[500:]

letters = [[Value(rng.gauss(0, 0.5)) for _ in LETTERS] for _ in range(EMBED)]
network = MLP(BEFORE * EMBED, [64, len(LETTERS)], activation="tanh", seed=1)
for layer in network.layers:
    for neuron in layer.neurons:
        for w in neuron.w:
            w.data /= len(neuron.w) ** 0.5  # so that no tanh begins saturated
parameters = [*(p for row in letters for p in row), *network.parameters()]
print(len(parameters))  # 3571

contexts = [[Value(0.0) for _ in LETTERS] for _ in range(BEFORE)]
following = [Value(1 / len(LETTERS)) for _ in LETTERS]
logits = network([dot(row, context) for context in contexts for row in letters])
loss = cross_entropy(logits, following)
program = compile(loss, parameters, [x for v in (*contexts, following) for x in v], outputs=logits)


def guesses(names: list[str]) -> NDArray[np.float64]:
    """One row for each letter of each name: the three before, and the letter."""
    pieces = [("." * BEFORE + name + ".")[k : k + BEFORE + 1] for name in names for k in range(len(name) + 1)]
    rows: NDArray[np.float64] = np.eye(len(LETTERS))[[[LETTERS.index(c) for c in piece] for piece in pieces]]
    return rows.reshape(len(pieces), -1)


examples, unseen = guesses(trained), guesses(held)
numbers = np.array([p.data for p in parameters])
adam = Adam(parameters, lr=lambda step: 0.01 * (1 - step / STEPS) + 1e-5)
chance = np.random.default_rng(0)
curve = []
for _ in range(STEPS):
    value, gradient = program(numbers, examples[chance.integers(len(examples), size=256)])
    numbers = adam.moved(numbers, np.asarray(gradient))
    curve.append(float(value))
error = float(program(numbers, unseen)[0])
print(error < 2.25)  # True

written: list[str] = []
while len(written) < 10:
    name = ""
    while not name.endswith("."):
        context = guesses([("." * BEFORE + name)[-BEFORE:]])[BEFORE]  # what follows is not looked at
        scores = np.asarray(program.forward(numbers, context))
        shares = np.exp((scores - scores.max()) / 0.7)
        name += LETTERS[chance.choice(len(LETTERS), p=shares / shares.sum())]
    if name != "." and name[:-1] not in names:
        written.append(name[:-1])
print(*written)  # ...

figure = plot_history(curve)
figure.axes[0].set_xlabel("step")
figure.savefig("names_mlp.png")
