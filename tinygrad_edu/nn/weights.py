"""A paper's matrices: one a layer, in each one row a neuron, with its weights and its bias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.engine import number, plural, quoted

AS_WRITTEN: Any = type("AsWritten", (), {"__repr__": lambda self: "as written"})()  # what an option is unless given
Rows = list[tuple[list[float], list[float]]]  # weights and bias of each neuron


class Matrices(list[list[list[float]]]):
    """A list of matrices that knows of what network they are.

    Attributes:
        bias: where it stands in a row: "first", "last"; None where there is none.
        activation, output_activation: of the hidden layers, and of the last.
        shared: whether the neurons of a layer share one bias.
        labels: "textbook" or "layer".
    """

    bias: str | None = "first"
    activation: Any = "sigmoid"
    output_activation: Any = "sigmoid"
    shared = False
    labels = "textbook"


def split(matrices: Any, given: dict[str, Any]) -> tuple[list[Rows], Matrices]:
    """The weights and the bias of each neuron of each layer, and what is known of their network.

    Arguments:
        matrices: numbers, or what `joined` made.
        given: what the caller says of the network, by name.

    Raises ValueError, with layer and neuron, for rows of the wrong length, and TypeError for what is no matrix.
    """
    known = Matrices()
    vars(known).update(vars(matrices) if isinstance(matrices, Matrices) else {}, **given)
    cut = slices(known.bias)
    if isinstance(matrices, Matrices) and known.bias != matrices.bias:
        raise ValueError(f"bias={known.bias!r} does not fit: the matrices were written with bias={matrices.bias!r}")
    layers = [
        [(row[cut[0]], row[cut[1]]) for row in rows(matrix, f"layer {k}")]
        for k, matrix in enumerate(listed(matrices, "a network", "a matrix for each layer"), start=1)
    ]
    nin = len(layers[0][0][0]) if layers and layers[0] else 1
    for k, layer in enumerate(layers, start=1):
        for n, (weights, bias) in enumerate(layer, start=1):
            if len(weights) != nin:
                plus = " and a bias" if known.bias else ""
                raise ValueError(f"neuron {n} of layer {k} expected {plural(nin, 'weight')}{plus}, got {len(weights)}")
            if known.shared and bias != layer[0][1]:
                raise ValueError(f"neuron {n} of layer {k} expected the bias that the layer shares, got {bias[0]!r}")
        nin = len(layer)
    return layers, known


def joined(layers: Sequence[Sequence[Any]], bias: str | None) -> Matrices:
    """The matrices of the neurons of each layer.

    Raises ValueError where `bias` does not fit the neurons, or matrices cannot say what they are.
    """
    slices(bias)
    without = {neuron.b is None for layer in layers for neuron in layer}
    if len(without) > 1:
        raise ValueError("to_weights expected all neurons to have a bias, or none: save the network instead, nn.save")
    if (bias is None) != without.pop():
        raise ValueError(f"bias={bias!r} does not fit: the network has {'biases' if bias is None else 'no bias'}")
    found = Matrices()
    for layer in layers:
        rows = [([w.data for w in neuron.w], [] if neuron.b is None else [neuron.b.data]) for neuron in layer]
        found.append([b + w if bias == "first" else w + b for w, b in rows])
    shared = {shares_bias(layer) for layer in layers if bias and len(layer) > 1}
    own = [value for layer in layers for neuron in layer for value in neuron.w]
    own += [neuron.b for layer in layers if bias for neuron in (layer[:1] if shares_bias(layer) else layer)]
    if len({*own}) < len(own):
        raise ValueError(
            "to_weights expected each weight in one place, and each bias in one neuron or in all of a layer: "
            "save the network instead, nn.save"
        )
    if len(shared) > 1:
        raise ValueError("to_weights expected all layers to share a bias, or none: save the network instead, nn.save")
    found.bias, found.shared = bias, True in shared
    found.labels = "layer" if layers[0][0].w[0].label == "w1_1,1" else "textbook"
    found.output_activation = the_activation("output", layers[-1:])
    found.activation = the_activation("hidden", layers[:-1]) if len(layers) > 1 else found.output_activation
    return found


def shares_bias(neurons: Sequence[Any]) -> bool:
    """Whether the neurons of a layer, two or more, add one and the same bias."""
    first = neurons[0].b
    return len(neurons) > 1 and first is not None and all(neuron.b is first for neuron in neurons)


def the_activation(what: str, layers: Sequence[Sequence[Any]]) -> Any:
    """The one that all neurons have."""
    used = {neuron.activation: None for layer in layers for neuron in layer}
    if len(used) > 1:
        names = ", ".join(getattr(activation, "__name__", "linear") for activation in used)
        raise ValueError(
            f"to_weights expected {what} neurons with one activation, got {names}: save the network instead, nn.save"
        )
    return next(iter(used))


def slices(bias: str | None) -> tuple[slice, slice]:
    """Where in a row the weights are, and where the bias is."""
    if bias == "first":
        return slice(1, None), slice(0, 1)
    if bias == "last":
        return slice(0, -1), slice(-1, None)
    if bias is None:
        return slice(None), slice(0, 0)
    raise ValueError(f'bias expected "first", "last" or None, got {bias!r}')


def rows(matrix: Any, layer: str) -> list[list[float]]:
    """The rows of the matrix of one layer, in floats."""
    found = []
    for n, row in enumerate(listed(matrix, layer, "a row for each neuron"), start=1):
        entries = listed(row, f"neuron {n} of {layer}", "a row of numbers")
        try:
            found.append([number(entry) for entry in entries])
        except (TypeError, ValueError) as error:
            raise type(error)(f"neuron {n} of {layer}: {error}") from None
    return found


def listed(many: Any, name: str, expected: str) -> list[Any]:
    """Many things as a list."""
    if not hasattr(many, "__iter__") or getattr(many, "shape", None) == ():
        raise TypeError(f"{name} expected {expected}, got {quoted(many)}")
    return list(many)
