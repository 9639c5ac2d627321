"""Which nodes belong to which neuron, found from the places that the parameters of a network carry."""

from __future__ import annotations

from tinygrad_edu.engine import Value, topological


def neurons(root: Value) -> dict[Value, tuple[int, int]]:
    """The (layer, neuron) of each node of a network below `root`: weights and bias, w · x, z, and the activation."""
    found: dict[Value, tuple[int, int]] = {}
    for node in topological(root):
        weights = [p for p in node.parents if getattr(p, "place", None) and p.place[2]]
        if node.op.name == "dot" and weights:
            layer, neuron, _ = weights[0].place
            if all(w.place[:2] == (layer, neuron) for w in weights):
                found |= dict.fromkeys([*weights, node], (layer, neuron))
            continue
        inner = [p for p in node.parents if p in found and not getattr(p, "place", None)]
        if len(inner) != 1:
            continue
        group = found[inner[0]]
        biases = [p for p in node.parents if getattr(p, "place", None) and not p.place[2] and p.place[0] == group[0]]
        if node.op.name == "add" and biases:
            found[node] = group
            if biases[0].place[1]:  # a bias that the layer shares stands outside
                found[biases[0]] = group
        elif len(node.parents) == 1 and inner[0].op.name in ("add", "dot"):
            found[node] = group
    return found
