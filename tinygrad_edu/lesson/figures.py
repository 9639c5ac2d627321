"""The audit of the source document: each figure as printed, on paper, and exact.

On paper is the document's own arithmetic with its own rounding, its slips mended. Exact is the engine's. Nothing is
typed in but what the document prints, and the numbers that it starts from.
"""

from __future__ import annotations

import math
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from tinygrad_edu.engine import Value, grad
from tinygrad_edu.lesson.worked_example import (
    LEARNING_RATE,
    TARGETS,
    UPDATED_WEIGHTS,
    WEIGHTS,
    Forward,
    forward,
    network,
)

PRIOR_W5 = Decimal("0.4")  # what the document takes for w5


class Figure(NamedTuple):
    """One figure of the document; the numbers as text, since 0.40 is not 0.4 on paper."""

    name: str
    printed: list[str]
    paper: list[str]
    exact: list[str]
    note: str = ""

    @property
    def verdict(self) -> str:
        """match: right to its last digit. rounding: what its own rounding gives. swapped: in the wrong order. slip."""
        if self.printed == self.exact:
            return "match"
        if self.printed == self.paper:
            return "rounding"
        return "swapped" if sorted(self.printed) == sorted(self.paper) else "slip"


# What the text says wrongly, without a number.
REMARKS = [
    "The weights before training are a reconstruction. The 0.4 that the document takes as w5 is the bias of that row; "
    "the weight on H1 is 0.3, and becomes 0.2995. No gradient for w5 depends on it.",
    "The text gives w5 to the second hidden neuron; its numbers use the first, H1.",
    "The updated weights are called a minimum. There E is {minimum_error}, ∂E/∂w5 is {minimum_gradient}, and output 1 "
    "has moved away from its target.",
    "Two sigmoids are called probabilities; they do not sum to 1.",
    '"2 train" stands for two inputs, and exp^(-x) for e^(-x).',
]


def audit() -> list[Figure]:
    """Every figure of the document, in its order.

    >>> [figure.verdict for figure in audit() if figure.name == "new z3"]
    ['swapped']
    """
    passed, after = forward(network()), forward(network(UPDATED_WEIGHTS))
    y1, w5 = passed.a[1][0], network_w5(passed)
    slope = grad(passed.total, w5).data

    # On paper: each step uses the last one's rounded figures.
    hidden = [rounded(sigmoid(z), 4) for z in layer(WEIGHTS[0], [Decimal("0.85"), Decimal("0.25")])]
    outputs = [rounded(sigmoid(z), 4) for z in layer(WEIGHTS[1], hidden)]
    targets = [Decimal(str(target)) for target in TARGETS]
    errors = [rounded((t - y) ** 2, 5) for t, y in zip(targets, outputs, strict=True)]
    total = sum(errors, Decimal(0)) / 2
    factor1 = outputs[0] - targets[0]
    factor2 = rounded(outputs[0] * (1 - outputs[0]), 4)
    product = factor1 * factor2 * hidden[0]
    w5_paper = PRIOR_W5 - Decimal(str(LEARNING_RATE)) * product
    new_z2 = [
        z.quantize(Decimal("0.01"), ROUND_DOWN) for z in layer(UPDATED_WEIGHTS[0], [Decimal("0.85"), Decimal("0.25")])
    ]
    new_a2 = [rounded(sigmoid(z), 3) for z in new_z2]
    new_z3 = [rounded(z, 4) for z in layer(UPDATED_WEIGHTS[1], new_a2)]
    new_a3 = [rounded(sigmoid(z), 4) for z in new_z3]

    return [
        figure("hidden H1, H2", ["0.5854", "0.7261"], hidden, [h.data for h in passed.a[0]]),
        figure("outputs a3", ["0.7333", "0.7317"], outputs, [y.data for y in passed.a[1]]),
        figure("Error1", ["0.00183"], errors[:1], [passed.errors[0].data]),
        figure("Error2", ["0.01796"], errors[1:], [passed.errors[1].data]),
        figure(
            "total error", ["0.009895"], [total], [passed.total.data], "the errors were rounded before they were added"
        ),
        figure("∂E/∂out", ["0.0428"], [factor1], [grad(passed.total, y1).data]),
        figure("∂out/∂in", ["0.1958"], [factor2], [grad(y1, passed.z[1][0]).data], "0.7333 (1 − 0.7333) is 0.1956"),
        figure("∂in/∂w5", ["0.5854"], hidden[:1], [grad(passed.z[1][0], w5).data]),
        figure(
            "∂E/∂w5", ["0.00490579"], [product], [slope], "inherits the slip in 0.1958", paper_places=7, exact_places=6
        ),
        figure(
            "new w5",
            ["0.3995"],
            [w5_paper],
            [float(PRIOR_W5) - LEARNING_RATE * slope],
            "survives the slip; see the first remark",
        ),
        figure(
            "new z2",
            ["1.13", "1.03"],
            new_z2,
            [z.data for z in after.z[0]],
            "1.135 is cut off, not rounded",
            exact_places=3,
        ),
        figure(
            "new a2", ["0.756", "0.737"], new_a2, [a.data for a in after.a[0]], "0.756 follows from 1.13; it is 0.757"
        ),
        Figure("factor in z3", ["05*.737"], ["0.5*0.737"], ["0.5*0.737"], "the decimal point is lost"),
        figure("new z3", ["1.5015", "1.3709"], new_z3, [z.data for z in after.z[1]], "the rows are swapped"),
        figure(
            "new a3",
            ["0.7975", "0.8178"],
            new_a3,
            [a.data for a in after.a[1]],
            "right for the unswapped z3, which proves the swap",
        ),
    ]


def remarks() -> list[str]:
    """What the document's words get wrong, and the reconstruction."""
    after = forward(network(UPDATED_WEIGHTS))
    slope = grad(after.total, network_w5(after)).data
    numbers = {"minimum_error": f"{after.total.data:.7f}", "minimum_gradient": f"{slope:.7f}"}
    return [remark.format(**numbers) for remark in REMARKS]


def figure(
    name: str,
    printed: list[str],
    paper: list[Decimal],
    exact: list[float],
    note: str = "",
    paper_places: int | None = None,
    exact_places: int | None = None,
) -> Figure:
    """A row, with as many decimal places as the document prints unless another number is asked for."""
    places = -int(Decimal(printed[0]).as_tuple().exponent)
    on_paper = [f"{rounded(number, paper_places or places)}" for number in paper]
    exactly = [f"{number:.{exact_places or places}f}" for number in exact]
    return Figure(name, printed, on_paper, exactly, note)


def layer(rows: list[list[float]], inputs: list[Decimal]) -> list[Decimal]:
    """z = bias + w · x for each neuron, without rounding."""
    exact = [[Decimal(str(number)) for number in row] for row in rows]
    return [bias + sum(w * x for w, x in zip(weights, inputs, strict=True)) for bias, *weights in exact]


def sigmoid(z: Decimal) -> Decimal:
    return 1 / (1 + Decimal(math.exp(-z)))


def rounded(number: Decimal, places: int) -> Decimal:
    """Rounded as on paper, a half upwards."""
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def network_w5(passed: Forward) -> Value:
    """The weight on H1 of the first output neuron."""
    return next(parent for parent in passed.z[1][0].parents[0].parents if parent.label == "w5")  # type: ignore[no-any-return]
