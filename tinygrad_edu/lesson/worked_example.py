"""The 2-2-2 sigmoid network of the source document, built from scalars.

The document prints activations and gradients but not the weights it starts from. These are reconstructed: they give all
four printed activations, the rows of Theta2 as the only ones in tenths from 0 to 1, those of Theta1 as the ones plainly
meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

from tinygrad_edu.engine import Value
from tinygrad_edu.nn import MLP

INPUTS = (0.85, 0.25)
TARGETS = (0.6905, 0.8657)
LEARNING_RATE = 0.1

# One row a neuron, the bias first: Theta1 and Theta2 of the document.
WEIGHTS = [[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [[0.4, 0.3, 0.6], [0.2, 1.0, 0.3]]]
UPDATED_WEIGHTS = [[[0.4, 0.6, 0.9], [0.3, 0.8, 0.2]], [[0.7, 0.4, 0.5], [0.6, 0.9, 0.3]]]


class Forward(NamedTuple):
    """One forward pass: every Value that the document names."""

    inputs: list[Value]
    z: list[list[Value]]  # a list a layer: the inputs of the sigmoids
    a: list[list[Value]]  # and their outputs
    errors: list[Value]
    total: Value


def network(weights: Sequence[Sequence[Sequence[float]]] = WEIGHTS) -> MLP:
    """The network with these weights, sigmoids in every layer.

    >>> [weight.label for weight in network().layers[1].neurons[0].w]
    ['w5', 'w6']
    """
    return MLP.from_weights(weights, bias="first", activation="sigmoid", output_activation="sigmoid")


def forward(mlp: MLP, inputs: Sequence[float] = INPUTS, targets: Sequence[float] = TARGETS) -> Forward:
    """The forward pass with the document's names: x, z, h, y, and E = ½ Error1 + ½ Error2, Error_i = (t_i - y_i)².

    >>> passed = forward(network())
    >>> [round(y.data, 4) for y in passed.a[-1]], round(passed.total.data, 6)
    ([0.7333, 0.7317], 0.009893)

    Raises ValueError where the number of inputs or targets does not fit the network.
    """
    outputs = len(mlp.layers[-1].neurons)
    if len(targets) != outputs:
        raise ValueError(f"the network has {outputs} outputs, expected as many targets, got {len(targets)}")
    x: list[Value] = [Value(number, f"x{k}") for k, number in enumerate(inputs, start=1)]
    z: list[list[Value]] = []
    a: list[list[Value]] = []
    for layer in mlp.layers:
        a.append(layer.outputs(a[-1] if a else x))
        z.append([activation.parents[0] for activation in a[-1]])
    name(z, "z")
    for value in (value for values in z for value in values):
        if not isfinite(value.data):
            raise ValueError(f"{value.label} is {value.data}: the weights or inputs are too large")
    name(a[:-1], "h")
    name(a[-1:], "y")
    errors = [(target - y) ** 2 for target, y in zip(targets, a[-1], strict=True)]
    name([errors], "Error")
    halves = [0.5 * error for error in errors]
    total = sum(halves[1:], halves[0])
    total.label = "E"
    return Forward(x, z, a, errors, total)


def name(layers: list[list[Value]], letter: str) -> None:
    """Label the Values h1, h2, …, counted through the layers."""
    for k, value in enumerate((value for layer in layers for value in layer), start=1):
        value.label = f"{letter}{k}"
