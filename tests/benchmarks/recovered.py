"""What becomes of scalar graphs as arrays: steps, matrix products, slices, gathers; seconds to be ready, and agreement.

`pip install -e ".[bench]"`, then run this file.
"""

import random
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from tinygrad_edu import MLP, Value, compile, dot, logsumexp, sum
from tinygrad_edu.replay.array_source import ArraySource
from tinygrad_edu.replay.recovery import Recovery, rolled

sys.path.insert(0, str(Path(__file__).parent))

from workloads import t7

RNG = random.Random(1)


def values(n):
    return [Value(RNG.uniform(-0.5, 0.5)) for _ in range(n)]


def demo():
    network, x, y = MLP(2, [16, 16, 1], activation="relu", seed=1), values(2), Value(1.0)
    penalty = 1e-4 * sum([p * p for p in network.parameters()])
    return (1 - y * network(x)).relu() + penalty, network.parameters(), [*x, y]


def classifier(*sizes):
    network, x, t = MLP(sizes[0], [*sizes[1:]], activation="tanh", seed=1), values(sizes[0]), values(sizes[-1])
    logits = network(x)
    return logsumexp(logits) - dot(t, logits), network.parameters(), [*x, *t]


def convolution(length=16, width=3, channels=4):
    """Shared weights along one axis, then a linear layer."""
    w, b, x = [values(width) for _ in range(channels)], values(channels), values(length)
    maps = [(dot(w[c], x[k : k + width]) + b[c]).relu() for c in range(channels) for k in range(length - width + 1)]
    v = values(len(maps))
    return (dot(v, maps) - 1) ** 2, [p for row in w for p in row] + b + v, x


def recurrent(steps=8, nin=3, nh=5):
    w, u, b, v = [values(nin) for _ in range(nh)], [values(nh) for _ in range(nh)], values(nh), values(nh)
    x = [values(nin) for _ in range(steps)]
    h = [(dot(w[k], x[0]) + b[k]).tanh() for k in range(nh)]
    for t in range(1, steps):
        h = [(dot(w[k], x[t]) + dot(u[k], h) + b[k]).tanh() for k in range(nh)]
    params = [p for row in (*w, *u) for p in row] + b + v
    return (dot(v, h) - 0.5) ** 2, params, [number for row in x for number in row]


def attention(count=5, width=4):
    """One head, every position looks at every other."""
    w, x = [values(width) for _ in range(3 * width)], [values(width) for _ in range(count)]
    rows = [[dot(p, x[t]) for p in w] for t in range(count)]
    total = []
    for t in range(count):
        scores = [dot(rows[t][:width], rows[s][width : 2 * width]) / width**0.5 for s in range(count)]
        largest = logsumexp(scores)
        shares = [(score - largest).exp() for score in scores]
        total += [dot(shares, [rows[s][k] for s in range(count)]) for k in range(2 * width, 3 * width)]
    return sum([z * z for z in total]), [p for row in w for p in row], [number for row in x for number in row]


def gpt():
    everything = [Value(number) for number in t7.P.tolist()]
    root = t7.document_loss(t7.split(everything), t7.DOCUMENT)
    from tinygrad_edu.engine import leaves

    reached = {*leaves(root)}
    return root, [leaf for leaf in everything if leaf in reached], []


GRAPHS = {
    "micrograd's demo, 2-16-16-1": demo,
    "64-32-10": lambda: classifier(64, 32, 10),
    "784-100-10": lambda: classifier(784, 100, 10),
    "1-D convolution, 16 places, 4 channels": convolution,
    "recurrent network, 8 steps": recurrent,
    "attention, 5 positions": attention,
    "character GPT, a document": gpt,
}


def main():
    table = Table("graph", "operations", "steps", "matrix products", "whole", "slices", "gathers", "ready", box=None)
    for name, make in GRAPHS.items():
        root, params, inputs = make()
        start = time.perf_counter()
        program = compile(root, params, inputs, backend="numpy")
        w, x = np.array([p.data for p in params]), np.array([x.data for x in inputs])
        value, gradient = program(w, x)
        seconds = time.perf_counter() - start
        by_columns = program.by_columns(w, x) if len(params) < 4000 else (value, gradient)
        assert np.allclose(value, by_columns[0], rtol=1e-11) and np.allclose(gradient, by_columns[1], rtol=1e-9)
        plan = Recovery(program.trace, rolled(program.trace, [program.trace.root]), range(len(params)))
        source = ArraySource(plan)
        products = source.text.count(" @ ") + source.text.count("tensordot(")
        found = [len(program.trace.operations), len(plan.steps), products]
        found += [source.accesses[kind] for kind in ("whole", "slice", "gather")]
        table.add_row(name, *[f"{n:,}" for n in found], f"{seconds:.2f} s")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
