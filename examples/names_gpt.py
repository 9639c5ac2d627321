"""A one-layer GPT in scalars that learns to write first names, trained by replay.

The names are those of the US census of 1990, as the package `names` ships them. The model has 4,096 parameters: 16
numbers a letter, 4 heads of attention, one hidden layer. Its graph is recorded once for a name of up to 9 letters, with
the numbers of the letters as inputs, and each step replays it for 64 names and moves the parameters.
"""

import random
import time
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu import TABLE, Value, compile, log_softmax, softmax, take
from tinygrad_edu.nn import Adam
from tinygrad_edu.plot import plot_history

EMBED, HEADS, CONTEXT, STEPS = 16, 4, 10, 2000
WIDTH = EMBED // HEADS
LETTERS = "abcdefghijklmnopqrstuvwxyz."  # the point begins and ends a name
dot, total = TABLE["dot"].function, TABLE["sum"].function
Vector = list[Value]


def matrix(rows: int, columns: int, size: float) -> list[Vector]:
    return [[Value(rng.gauss(0, size)) for _ in range(columns)] for _ in range(rows)]


def linear(x: Vector, weights: list[Vector]) -> Vector:
    return [dot(row, x) for row in weights]


def norm(x: Vector) -> Vector:
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]


lists = [files("names").joinpath(f"dist.{kind}.first").read_text(encoding="utf-8") for kind in ("female", "male")]
names = sorted({line.split()[0].lower() for text in lists for line in text.splitlines() if line.strip()})
names = [name for name in names if name.isalpha() and len(name) < CONTEXT]
rng = random.Random(1)
rng.shuffle(names)
held, trained = names[:500], names[500:]
print(len(trained), len(held))  # 4605 500

letters, places = matrix(len(LETTERS), EMBED, 0.08), matrix(CONTEXT, EMBED, 0.08)
to_query, to_key, to_value = (matrix(EMBED, EMBED, 0.25) for _ in range(3))
to_stream, fc1, fc2 = matrix(EMBED, EMBED, 0.1), matrix(4 * EMBED, EMBED, 0.25), matrix(EMBED, 4 * EMBED, 0.1)
head = matrix(len(LETTERS), EMBED, 0.08)
parts = (letters, places, to_query, to_key, to_value, to_stream, fc1, fc2, head)
parameters = [p for part in parts for row in part for p in row]
print(len(parameters))  # 4096

tokens, targets, weights = ([Value(0.0) for _ in range(CONTEXT)] for _ in range(3))
keys: list[Vector] = []
values: list[Vector] = []
outputs: Vector = []
losses: Vector = []
for token, target, weight, place in zip(tokens, targets, weights, places, strict=True):
    x = norm([a + b for a, b in zip(take(letters, token), place, strict=True)])
    normed = norm(x)
    query = linear(normed, to_query)
    keys.append(linear(normed, to_key))
    values.append(linear(normed, to_value))
    mixed: Vector = []
    for start in range(0, EMBED, WIDTH):
        own = slice(start, start + WIDTH)
        attention = softmax([dot(query[own], key[own]) / WIDTH**0.5 for key in keys])
        mixed += [dot(attention, [value[k] for value in values]) for k in range(start, start + WIDTH)]
    x = [a + b for a, b in zip(x, linear(mixed, to_stream), strict=True)]
    hidden = [a.relu() for a in linear(norm(x), fc1)]
    x = [a + b for a, b in zip(x, linear(hidden, fc2), strict=True)]
    logits = linear(norm(x), head)
    outputs += logits
    losses.append(-weight * take(log_softmax(logits), target))
loss = total(losses)
adam = Adam(parameters, lr=lambda step: 0.01 * (1 - step / STEPS) + 1e-5)
program = compile(loss, parameters, [*tokens, *targets, *weights], outputs=outputs, optimizer=adam)


def encoded(name: str) -> NDArray[np.float64]:
    """The number of each letter, of the one that follows it, and 1; 0 after the end."""
    made = np.zeros((3, CONTEXT))
    for k, (letter, following) in enumerate(zip("." + name, name + ".", strict=True)):
        made[:, k] = LETTERS.index(letter), LETTERS.index(following), 1
    return made.reshape(-1)


def batch(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The letters weighed so that the mean over the names is the mean over their letters."""
    weighed = rows.copy()
    weighed[:, -CONTEXT:] *= len(rows) / rows[:, -CONTEXT:].sum()
    return weighed


examples, unseen = np.array([encoded(name) for name in trained]), batch(np.array([encoded(name) for name in held]))
chance = np.random.default_rng(0)
curve = [program.step(batch(examples[chance.integers(len(examples), size=64)])) for _ in range(STEPS)]
print(program.value(program.params, unseen) < 2.2)  # True

# Letter by letter: each drawn by the probabilities after those before it.
written: list[str] = []
while len(written) < 10:
    name = ""
    while True:
        logits = np.asarray(program.forward(program.params, encoded(name[: CONTEXT - 1]))).reshape(CONTEXT, -1)[
            len(name)
        ]
        shares = np.exp((logits - logits.max()) / 0.7)
        letter = LETTERS[chance.choice(len(LETTERS), p=shares / shares.sum())]
        if letter == "." or len(name) == CONTEXT - 1:
            break
        name += letter
    if name and name not in names:
        written.append(name)
print(*written)  # ...

# A step on one name: by Values, and by the program.
began = time.perf_counter()
loss.backward()
eager = time.perf_counter() - began
began = time.perf_counter()
for _ in range(10):
    program(program.params, unseen)
replayed = (time.perf_counter() - began) / 10 / len(unseen)
print(f"backward() of Values takes {eager / replayed:.0f} times as long")  # ...

figure = plot_history(curve)
figure.axes[0].set_xlabel("step")
figure.savefig("names_gpt.png")
