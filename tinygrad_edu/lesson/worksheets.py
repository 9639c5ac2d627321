"""Worksheets: a small network with round numbers, blanks to fill, and a key with the answers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from tinygrad_edu.engine import local_derivatives
from tinygrad_edu.lesson.worked_example import LEARNING_RATE, forward, network
from tinygrad_edu.nn import SGD

BLANK = "______"


class Worksheet(NamedTuple):
    """A worksheet and its key, both Markdown."""

    questions: str
    answers: str


def worksheet(seed: int) -> Worksheet:
    """A 2-2-2 sigmoid network with weights in tenths, to work through by hand.

    >>> worksheet(1) == worksheet(1), worksheet(1) == worksheet(2)
    (True, False)

    Arguments:
        seed: chooses the numbers; the same seed gives the same sheet.
    """
    rng = random.Random(seed)

    def tenths(n: int, low: int = 1) -> list[float]:
        return [rng.randint(low, 9) / 10 for _ in range(n)]

    weights = [[tenths(3), tenths(3)], [tenths(3), tenths(3)]]
    inputs, targets = tenths(2), tenths(2)
    return Worksheet(*(sheet(seed, weights, inputs, targets, solved) for solved in (False, True)))


def sheet(
    seed: int,
    weights: Sequence[Sequence[Sequence[float]]],
    inputs: Sequence[float],
    targets: Sequence[float],
    solved: bool,
) -> str:
    """The sheet with blanks, or with the answers in their place."""
    mlp = network(weights)
    passed = forward(mlp, inputs, targets)
    passed.total.backward()

    def answer(number: float, digits: int = 4) -> str:
        return f"**{number:.{digits}f}**".replace("-", "−") if solved else BLANK

    lines = [
        f"# Backpropagation by hand, sheet {seed}" + (": key" if solved else ""),
        "",
        "A network with two inputs, two hidden neurons and two outputs, all sigmoid: σ(z) = 1 / (1 + e⁻ᶻ). "
        f"E = ½ (t1 − y1)² + ½ (t2 − y2)², learning rate {LEARNING_RATE:g}.",
        "",
        f"x1 = {inputs[0]:g}, x2 = {inputs[1]:g}, t1 = {targets[0]:g}, t2 = {targets[1]:g}",
        "",
        "| neuron | bias | weights |",
        "|---|---|---|",
    ]
    names = [activation.label for layer in passed.a for activation in layer]
    neurons = [neuron for layer in mlp.layers for neuron in layer.neurons]
    for name, neuron in zip(names, neurons, strict=True):
        given = ", ".join(f"{w.label} = {w.data:g}" for w in neuron.w)
        lines.append(f"| {name} | {neuron.b.label} = {neuron.b.data:g} | {given} |")
    lines += [
        "",
        "Write down 4 decimals, of E and the gradients 6, of the new values 5, and calculate on with all digits: from "
        "rounded numbers a gradient comes out a little off, in its fifth or sixth decimal.",
    ]
    lines += ["", "## 1. Forward", "", "| neuron | z | σ(z) |", "|---|---|---|"]
    for zs, activations in zip(passed.z, passed.a, strict=True):
        for z, a in zip(zs, activations, strict=True):
            lines.append(f"| {a.label} | {answer(z.data)} | {answer(a.data)} |")
    lines += ["", f"E = {answer(passed.total.data, 6)}", "", "## 2. Local derivatives", ""]
    lines += ["| | value |", "|---|---|"]
    for y, target, t in zip(passed.a[-1], targets, ("t1", "t2"), strict=True):
        lines.append(f"| ∂E/∂{y.label} = {y.label} − {t} | {answer(y.data - target)} |")
    for zs, activations in zip(passed.z, passed.a, strict=True):
        for z, a in zip(zs, activations, strict=True):
            [(_, _, slope)] = local_derivatives(a)
            lines.append(f"| ∂{a.label}/∂{z.label} = {a.label} (1 − {a.label}) | {answer(slope)} |")
    lines += ["", "## 3. Gradients, and the weights after one step", ""]
    lines += [f"Each new value is the old one − {LEARNING_RATE:g} × its gradient.", ""]
    lines += ["| | gradient | new value |", "|---|---|---|"]
    gradients = {parameter.label: parameter.grad for parameter in mlp.parameters()}
    SGD(mlp.parameters(), lr=LEARNING_RATE).step()
    for parameter in mlp.parameters():
        lines.append(f"| {parameter.label} | {answer(gradients[parameter.label], 6)} | {answer(parameter.data, 5)} |")
    return "\n".join(lines) + "\n"
