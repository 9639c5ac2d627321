"""Ratios to micrograd in one run, interleaved, the collector on: `pip install -e ".[bench]"`, then run this file.

Prints a table, and with --json FILE writes the figures. Both engines compute the same numbers first.
"""

import argparse
import gc
import json
import math
import random
import statistics
import subprocess
import sys
import time

import micrograd.engine
import micrograd.nn
from rich.console import Console
from rich.table import Table

import tinygrad_edu.engine
import tinygrad_edu.nn

POINTS = 100
ROUNDS = 9


def expression(engine):
    """The expression of micrograd's README, built and differentiated."""
    a, b = engine.Value(-4.0), engine.Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    return g.data, a.grad, b.grad


def moons():
    rng = random.Random(1)
    points, labels = [], []
    for k in range(POINTS):
        angle, upper = math.pi * (k // 2) / (POINTS // 2 - 1), k % 2 == 0
        x = math.cos(angle) if upper else 1 - math.cos(angle)
        y = math.sin(angle) if upper else 0.5 - math.sin(angle)
        points.append([x + rng.gauss(0, 0.1), y + rng.gauss(0, 0.1)])
        labels.append(-1 if upper else 1)
    return points, labels


X, Y = moons()


class Demo:
    """One training step of micrograd's demo notebook: its code, with the engine as a parameter."""

    def __init__(self, engine, nn, around=None):
        random.seed(1337)
        self.value, self.model, self.around = engine.Value, nn.MLP(2, [16, 16, 1]), around

    def loss(self):
        inputs = [list(map(self.value, row)) for row in X]
        scores = list(map(self.model, inputs))
        losses = [(1 + -yi * score).relu() for yi, score in zip(Y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        return data_loss + 1e-4 * sum(p * p for p in self.model.parameters())

    def step(self):
        total = self.loss()
        self.model.zero_grad()
        total.backward()
        for p in self.model.parameters():
            p.data -= 0.05 * p.grad
        return total.data

    def paused_step(self):
        with tinygrad_edu.engine.collector_paused():
            return self.step()


def fitted(epochs):
    """The demo by `fit`: its penalty is weight decay."""
    random.seed(1337)
    model = tinygrad_edu.nn.MLP(2, [16, 16, 1])
    optimizer = tinygrad_edu.nn.SGD(model.parameters(), 0.05, weight_decay=2e-4)
    tinygrad_edu.nn.fit(model, "hinge", (X, Y), optimizer=optimizer, epochs=epochs, progress=False)
    return model


def in_fit():
    """Seconds of a first fit and of 100 epochs: in a process of its own, so that what it loads is no burden to others.

    There NumPy and the compiler would make each pass of the garbage collector longer, which micrograd pays for.
    """
    done = subprocess.run([sys.executable, __file__, "--fit"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def fit_figures():
    """What `in_fit` asks for, printed."""
    peer = Demo(micrograd.engine, micrograd.nn)
    for _ in range(2):
        peer.step()
    start = time.perf_counter()
    ours = fitted(2)
    first = time.perf_counter() - start
    for p, q in zip(peer.model.parameters(), ours.parameters(), strict=True):
        assert math.isclose(p.data, q.data, rel_tol=1e-9, abs_tol=1e-12)
    print(json.dumps([first, seconds(lambda: fitted(100), 3)]))


def chain(engine, length):
    x = engine.Value(1.0)
    y = x
    for _ in range(length):
        y = y * 1.000001
    y.backward()
    return x.grad


def seconds(call, repeat):
    """Seconds a call, in a loop that goes on: each call meets the garbage of the one before, and nobody else's."""
    gc.collect()
    call()
    start = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - start) / repeat


def interleaved(calls, repeats, rounds):
    """The median seconds of each call, measured in turn."""
    times = [[seconds(call, n) for call, n in zip(calls, repeats, strict=True)] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def import_cost():
    """Median seconds that `import tinygrad_edu` adds to an interpreter."""

    def run(code):
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    bare, ours = interleaved([run("pass"), run("import tinygrad_edu")], [1, 1], 15)
    return ours - bare


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--fit", action="store_true", help="only the seconds of fit")
    options = parser.parse_args()
    if options.fit:
        return fit_figures()
    assert gc.isenabled()
    ours, theirs = tinygrad_edu.engine, micrograd.engine

    for mine, other in zip(expression(ours), expression(theirs), strict=True):
        assert math.isclose(mine, other, rel_tol=1e-12)
    peer, plain = Demo(theirs, micrograd.nn), Demo(ours, tinygrad_edu.nn)
    for _ in range(2):
        assert math.isclose(peer.step(), plain.step(), rel_tol=1e-9)

    figures = []
    theirs_, mine = interleaved([lambda: expression(theirs), lambda: expression(ours)], [300, 900], ROUNDS)
    figures.append(("README expression, build and backward", theirs_, mine))
    theirs_, mine, paused = interleaved([peer.step, plain.step, plain.paused_step], [2, 8, 8], 5)
    figures.append(("demo training step, only the import changed", theirs_, mine))
    figures.append(("demo training step, collector paused in it", theirs_, paused))
    rounds = [(seconds(peer.step, 2), *in_fit()) for _ in range(5)]
    theirs_, first, hundred = (statistics.median(column) for column in zip(*rounds, strict=True))
    figures.append(("demo training step in fit, of 100 recorded epochs", theirs_, hundred / 100))
    figures.append(("the first fit, which compiles", None, first))
    million = seconds(lambda: chain(ours, 1_000_000), 1)
    figures.append(("a chain of 1,000,000 nodes", None, million))
    figures.append(("import tinygrad_edu, over bare Python", None, import_cost()))
    try:
        chain(theirs, 1_000)
    except RecursionError:
        pass
    else:
        raise AssertionError("micrograd was expected to fail on a chain of 1,000 nodes")

    table = Table("workload", "micrograd", "tinygrad_edu", "ratio", box=None)
    for name, other, own in figures:
        table.add_row(
            name,
            f"{other * 1e3:.3f} ms" if other else "–",
            f"{own * 1e3:.3f} ms",
            f"{other / own:.2f}×" if other else "",
        )
    Console(width=100).print(table)
    print("micrograd fails on a chain of 1,000 nodes (RecursionError).")
    if options.json:
        keys = ("workload", "micrograd_seconds", "tinygrad_edu_seconds")
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump([dict(zip(keys, figure, strict=True)) for figure in figures], file, indent=1)


if __name__ == "__main__":
    main()
