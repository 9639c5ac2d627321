"""The audit of the source document: each figure as printed, on paper, and exact.

On paper is the document's own arithmetic with its own rounding, its slips mended. Exact is the engine's. Nothing is
typed in but what the document prints, and the numbers that it starts from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from tinygrad_edu.engine import grad
from tinygrad_edu.lesson.worked_example import (
    INPUTS,
    LEARNING_RATE,
    TARGETS,
    UPDATED_WEIGHTS,
    WEIGHTS,
    forward,
    network,
)

PRIOR_W5 = "0.4"  # what the document takes for w5


class Figure(NamedTuple):
    """One figure of the document; the numbers as text, since 0.40 is not 0.4 on paper."""

    name: str
    printed: list[str]
    paper: list[str]
    exact: list[str]
    note: str = ""

    @property
    def verdict(self) -> str:
        """match: right to its last digit. rounding: what its own rounding gives. swapped: in the wrong order. slip.

        >>> Figure("∂out/∂in", printed=["0.1958"], paper=["0.1956"], exact=["0.1956"]).verdict
        'slip'
        """
        if self.printed == self.exact:
            return "match"
        if self.printed == self.paper:
            return "rounding"
        return "swapped" if sorted(self.printed) == sorted(self.paper) else "slip"


def audit() -> list[Figure]:
    """Every figure of the document, in its order.

    >>> for figure in audit():
    ...     if figure.verdict in ("slip", "swapped"):
    ...         print(f"{figure.name}: {figure.verdict}, {figure.note}")
    ∂out/∂in: slip, 0.7333 (1 − 0.7333) is 0.1956
    ∂E/∂w5: slip, inherits the slip 0.1958
    in z3: slip, the decimal point is lost
    new z3: swapped, the two rows are swapped
    """
    mlp = network()
    before, after = forward(mlp), forward(network(UPDATED_WEIGHTS))
    y1, z3, w5 = before.a[1][0], before.z[1][0], mlp.layers[1].neurons[0].w[0]
    slope = grad(before.total, w5).data

    # On paper each step uses the rounded figures of the one before.
    inputs, targets = decimals(INPUTS), decimals(TARGETS)
    hidden = sigmoids(sums(WEIGHTS[0], inputs), places=4)
    outputs = sigmoids(sums(WEIGHTS[1], hidden), places=4)
    errors = [rounded((t - y) ** 2, 5) for t, y in zip(targets, outputs, strict=True)]
    total = sum(errors, Decimal(0)) / 2
    to_output = outputs[0] - targets[0]
    to_input = rounded(outputs[0] * (1 - outputs[0]), 4)
    product = to_output * to_input * hidden[0]
    new_z2 = [z.quantize(Decimal("0.01"), ROUND_DOWN) for z in sums(UPDATED_WEIGHTS[0], inputs)]  # it cuts these off
    new_a2 = sigmoids(new_z2, places=3)
    new_z3 = [rounded(z, 4) for z in sums(UPDATED_WEIGHTS[1], new_a2)]
    new_a3 = sigmoids(new_z3, places=4)

    factor = f"{UPDATED_WEIGHTS[1][0][2]:g}*{new_a2[1]}"
    return [
        figure("H1, H2", ["0.5854", "0.7261"], hidden, [h.data for h in before.a[0]]),
        figure("a3", ["0.7333", "0.7317"], outputs, [y.data for y in before.a[1]]),
        figure("Error1", ["0.00183"], errors[:1], [before.errors[0].data]),
        figure("Error2", ["0.01796"], errors[1:], [before.errors[1].data]),
        figure(
            "total error",
            ["0.009895"],
            [total],
            [before.total.data],
            "adds rounded errors",
        ),
        figure("∂E/∂out", ["0.0428"], [to_output], [grad(before.total, y1).data]),
        figure(
            "∂out/∂in",
            ["0.1958"],
            [to_input],
            [grad(y1, z3).data],
            f"{outputs[0]} (1 − {outputs[0]}) is {to_input}",
        ),
        figure("∂in/∂w5", ["0.5854"], hidden[:1], [grad(z3, w5).data]),
        figure("∂E/∂w5", ["0.00490579"], [product], [slope], "inherits the slip 0.1958", paper=7, exact=6),
        figure(
            "new w5",
            ["0.3995"],
            [Decimal(PRIOR_W5) - Decimal(str(LEARNING_RATE)) * product],
            [float(PRIOR_W5) - LEARNING_RATE * slope],
            "survives the slip",
        ),
        figure(
            "new z2", ["1.13", "1.03"], new_z2, [z.data for z in after.z[0]], f"{after.z[0][0]:.3f} is cut off", exact=3
        ),
        figure(
            "new a2",
            ["0.756", "0.737"],
            new_a2,
            [a.data for a in after.a[0]],
            f"{new_a2[0]} follows from {new_z2[0]}; it is {after.a[0][0]:.3f}",
        ),
        Figure("in z3", ["05*.737"], [factor], [factor], "the decimal point is lost"),
        figure("new z3", ["1.5015", "1.3709"], new_z3, [z.data for z in after.z[1]], "the two rows are swapped"),
        figure("new a3", ["0.7975", "0.8178"], new_a3, [a.data for a in after.a[1]], "right, and proves the swap"),
    ]


def remarks() -> list[str]:
    """What the document gets wrong in words, after the one thing that is ours: the weights it starts from.

    >>> remarks()[1]
    'The text gives w5 to the second hidden neuron; its numbers use the first, H1.'
    """
    first, updated = network(), network(UPDATED_WEIGHTS)
    before, after = forward(first), forward(updated)
    w5, b3 = first.layers[1].neurons[0].parameters()[::2]
    next_w5 = w5.data - LEARNING_RATE * grad(before.total, w5).data
    slope = grad(after.total, updated.layers[1].neurons[0].w[0]).data
    return [
        f"The first weights are a reconstruction. The {PRIOR_W5} that the article takes for w5 is {b3.label}, the "
        f"bias of that row; w5 itself goes from {w5.data:g} to {next_w5:.5f}. No gradient for w5 depends on it.",
        "The text gives w5 to the second hidden neuron; its numbers use the first, H1.",
        f"It calls the updated weights a minimum, but there E is {after.total.data:.7f} and ∂E/∂w5 is {slope:.7f}, "
        f"and output 1 has moved away from its target {TARGETS[0]}, from "
        f"{before.a[1][0]:.4f} to {after.a[1][0]:.4f}.",
        "It calls two sigmoids probabilities; they do not sum to 1.",
        'It writes "2 train" for two inputs, and exp^(-x) for e^(-x).',
    ]


def figure(
    name: str,
    printed: list[str],
    on_paper: list[Decimal],
    exactly: list[float],
    note: str = "",
    *,
    paper: int | None = None,
    exact: int | None = None,
) -> Figure:
    """A row, with as many decimal places as the document prints where `paper` or `exact` asks for no other number."""
    places = -int(Decimal(printed[0]).as_tuple().exponent)
    return Figure(
        name,
        printed,
        [f"{rounded(number, paper or places)}" for number in on_paper],
        [f"{number:.{exact or places}f}" for number in exactly],
        note,
    )


def decimals(numbers: Sequence[float]) -> list[Decimal]:
    """The numbers as they are written."""
    return [Decimal(str(number)) for number in numbers]


def sums(rows: Sequence[Sequence[float]], inputs: Sequence[Decimal]) -> list[Decimal]:
    """z = bias + w · x for each neuron, without rounding."""
    return [bias + sum(w * x for w, x in zip(w, inputs, strict=True)) for bias, *w in map(decimals, rows)]


def sigmoids(zs: Sequence[Decimal], places: int) -> list[Decimal]:
    return [rounded(1 / (1 + Decimal(math.exp(-z))), places) for z in zs]


def rounded(number: Decimal, places: int) -> Decimal:
    """Rounded as on paper, a half upwards."""
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
