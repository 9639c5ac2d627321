"""A character GPT that learns names, from cold processes: on our Value, replayed, and on a plain scalar class.

`pip install -e ".[fast]" names`, then run this file: 1,000 steps of both on one core, a name each, with Adam, their
times and their losses side by side. The plain script takes minutes; `--steps 20` is quick.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from importlib.resources import files

EMBED, HEADS, CONTEXT, TOKENS = 16, 4, 16, 27
WIDTH = EMBED // HEADS
STEPS, RATE, BETAS, EPSILON = 1000, 0.01, (0.85, 0.99), 1e-8
END = TOKENS - 1  # stands before and after a name


def documents():
    """The tokens of each name of the US census of 1990 that the package `names` has, in random order."""
    lists = [files("names").joinpath(f"dist.{kind}.first").read_text(encoding="utf-8") for kind in ("female", "male")]
    names = sorted({line.split()[0].lower() for text in lists for line in text.splitlines() if line.strip()})
    random.Random(42).shuffle(names)
    return [[END, *(ord(letter) - ord("a") for letter in name), END] for name in names if name.isalpha()]


def matrices(scalar):
    """The parameters: rows of each matrix, by name."""
    shapes = {name: (EMBED, EMBED) for name in ("wq", "wk", "wv", "wo")} | {
        "wte": (TOKENS, EMBED),
        "wpe": (CONTEXT, EMBED),
        "fc1": (4 * EMBED, EMBED),
        "fc2": (EMBED, 4 * EMBED),
        "lm_head": (TOKENS, EMBED),
    }
    rng = random.Random(42)
    return {
        name: [[scalar(rng.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]
        for name, (rows, columns) in shapes.items()
    }


def rate(step):
    return RATE * (1 - step / STEPS)


def ours(steps):
    """The model on Values: recorded once, for a name of up to 16 letters, its tokens and their weights inputs."""
    began = time.perf_counter()
    from tinygrad_edu import Value, compile, dot, sum, take
    from tinygrad_edu.nn import Adam

    def linear(x, matrix):
        return [dot(row, x) for row in matrix]

    def norm(x):
        scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
        return [a * scale for a in x]

    def exponentials(logits):
        """Not shifted by the largest: after a norm the logits are small."""
        powers = [x.exp() for x in logits]
        return powers, sum(powers)

    def added(x, y):
        return [a + b for a, b in zip(x, y, strict=True)]

    def loss_of(w, tokens, targets, weights):
        keys, values, losses = [], [], []
        for token, target, weight, place in zip(tokens, targets, weights, w["wpe"], strict=True):
            x = norm(added(take(w["wte"], token), place))
            normed = norm(x)
            query = linear(normed, w["wq"])
            keys.append(linear(normed, w["wk"]))
            values.append(linear(normed, w["wv"]))
            mixed = []
            for head in range(0, EMBED, WIDTH):
                own = slice(head, head + WIDTH)
                powers, whole = exponentials([dot(query[own], key[own]) / WIDTH**0.5 for key in keys])
                mixed += [dot(powers, [value[k] for value in values]) / whole for k in range(head, head + WIDTH)]
            x = added(x, linear(mixed, w["wo"]))
            hidden = [a.relu() for a in linear(norm(x), w["fc1"])]
            logits = linear(added(x, linear(hidden, w["fc2"])), w["lm_head"])
            losses.append(weight * (exponentials(logits)[1].log() - take(logits, target)))
        return sum(losses)

    w = matrices(Value)
    parameters = [p for matrix in w.values() for row in matrix for p in row]
    inputs = [[Value(0.0) for _ in range(CONTEXT)] for _ in range(3)]
    loss = loss_of(w, *inputs)
    adam = Adam(parameters, lr=rate, betas=BETAS, eps=EPSILON)
    program = compile(loss, parameters, [x for part in inputs for x in part], optimizer=adam)
    recorded = time.perf_counter()

    def encoded(tokens):
        n, rest = len(tokens) - 1, [0.0] * (CONTEXT + 1 - len(tokens))
        return [*tokens[:-1], *rest, *tokens[1:], *rest, *[1 / n] * n, *rest]

    names = documents()
    losses = [program.step(encoded(names[0]))]
    first = time.perf_counter()
    losses += [program.step(encoded(names[k % len(names)])) for k in range(1, steps)]
    parts = {"import and record": recorded - began, "plan": first - recorded, "steps": time.perf_counter() - first}
    return losses, parts


def plain(steps):
    """The model on a scalar class of its own: a graph a name, an optimiser in a loop."""
    from workloads.t7 import Scalar, document_loss

    w = matrices(Scalar)
    parameters = [p for matrix in w.values() for row in matrix for p in row]
    (beta1, beta2), names, losses = BETAS, documents(), []
    means, squares = ([0.0] * len(parameters) for _ in range(2))
    for step in range(steps):
        loss = document_loss(w, names[step % len(names)])
        loss.backward()
        losses.append(loss.data)
        for k, p in enumerate(parameters):
            means[k] = beta1 * means[k] + (1 - beta1) * p.grad
            squares[k] = beta2 * squares[k] + (1 - beta2) * p.grad**2
            mean, square = means[k] / (1 - beta1 ** (step + 1)), squares[k] / (1 - beta2 ** (step + 1))
            p.data -= rate(step) * mean / (square**0.5 + EPSILON)
            p.grad = 0.0
    return losses, {}


def cold(kind, steps):
    """The losses and parts of a fresh process, and the seconds from its start to its end."""
    began = time.perf_counter()
    command = [sys.executable, __file__, "--kind", kind, "--steps", str(steps)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    seconds = time.perf_counter() - began
    return *json.loads(done.stdout), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--kind", choices=["ours", "plain"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if options.kind:
        print(json.dumps({"ours": ours, "plain": plain}[options.kind](options.steps)))
        return
    own = min((cold("ours", options.steps) for _ in range(3)), key=lambda run: run[-1])
    theirs = cold("plain", options.steps)
    print(f"{'step':>6}  {'on Value, replayed':>20}  {'plain scalar class':>20}")
    for step in sorted({1, options.steps, *range(100, options.steps + 1, 100)}):
        print(f"{step:6}  {own[0][step - 1]:20.15f}  {theirs[0][step - 1]:20.15f}")
    off = max(abs(a - b) / b for a, b in zip(own[0], theirs[0], strict=True))
    print(f"the losses of all {options.steps:,} steps differ by at most {off:.1e}, relative")
    parts = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in own[1].items())
    print(f"cold process to the end: {own[-1]:.2f} s replayed (best of 3; {parts}), {theirs[-1]:.1f} s plain: ", end="")
    print(f"{theirs[-1] / own[-1]:,.0f} times")
    if off > 1e-9:
        raise SystemExit("the losses differ by more than 1e-9")


if __name__ == "__main__":
    main()
