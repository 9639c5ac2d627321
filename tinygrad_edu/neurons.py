"""Which nodes belong to which neuron, found from the places that the parameters of a network carry."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.engine import Value, topological


def neurons(root: Value) -> dict[Value, tuple[int, int]]:
    """The (layer, neuron) of each node of a network below `root`: weights and bias, w · x, z, and the activation."""
    return {node: weight.place[:2] for node, weight in first_weights(root).items()}  # type: ignore[attr-defined]


def first_weights(root: Value) -> dict[Value, Value]:
    """The first weight of the neuron that each node belongs to, operands before results."""
    found: dict[Value, Value] = {}
    for node in topological(root):
        weights = [p for p in node.parents if getattr(p, "place", None) and p.place[2]]
        if node.op.name == "dot" and weights:
            if all(w.place[:2] == weights[0].place[:2] for w in weights):
                found |= dict.fromkeys([*weights, node], weights[0])
            continue
        inner = [p for p in node.parents if p in found and not getattr(p, "place", None)]
        if len(inner) != 1:
            continue
        first: Any = found[inner[0]]
        biases = [p for p in node.parents if getattr(p, "place", None) and not p.place[2]]
        biases = [bias for bias in biases if bias.place[0] == first.place[0]]
        if node.op.name == "add" and biases:
            found[node] = first
            if biases[0].place[1]:  # a bias that the layer shares stands outside
                found[biases[0]] = first
        elif len(node.parents) == 1 and inner[0].op.name in ("add", "dot"):
            found[node] = first
    return found
