"""Boxes that stand for the nodes of a whole neuron or layer."""

from __future__ import annotations

from collections.abc import Iterable

from tinygrad_edu.engine import Value, quoted
from tinygrad_edu.neurons import neurons
from tinygrad_edu.show.backward import factors
from tinygrad_edu.show.paths import Edge, accumulated

Collapse = str | Iterable[int | tuple[int, int]]


class Box:
    """One box: the nodes in it, operands before results, and those of them that are used outside.

    Attributes:
        key: the layer, or layer and neuron, counted from 1.
        parameters, outputs: how many; an output counts once, however many examples go through the box.
        examples: how many do.
    """

    def __init__(self, key: int | tuple[int, int], members: list[Value], exits: list[Value], outputs: int) -> None:
        self.key, self.title, self.members, self.exits = key, described(key), members, exits
        self.parameters = sum(not member.parents for member in members)
        self.outputs, self.examples = outputs, len(exits) // max(outputs, 1)

    def derivatives(self) -> dict[Value, float]:
        """∂exit/∂operand for each node that enters a box with one exit: the sum over the ways through the box."""
        if len(self.exits) != 1:
            return {}
        inside = set(self.members)
        steps = {node: [Edge(node, node.parents[k], d, k) for k, d in factors(node).items()] for node in inside}
        found = accumulated(self.exits[0], self.members[::-1], steps)
        return {node: derivative for node, derivative in found.items() if node not in inside}


def collapsed(root: Value, nodes: list[Value], collapse: Collapse) -> dict[Value, Box]:
    """The box of each node that is not drawn on its own.

    `collapse` is "neurons", "layers", or some layers and (layer, neuron) pairs, counted from 1.
    Raises ValueError for what the graph does not have.
    """
    places = neurons(root)
    if collapse == "neurons":
        wanted: set[int | tuple[int, int]] = set(places.values())
    elif collapse == "layers":
        wanted = {layer for layer, _ in places.values()}
    elif isinstance(collapse, str) or not isinstance(collapse, Iterable):
        raise ValueError(f'collapse expected "neurons", "layers", or (layer, neuron) pairs, got {quoted(collapse)}')
    else:
        wanted = set(collapse)
    there = set(places.values()) | {layer for layer, _ in places.values()}
    if wanted - there:
        raise ValueError(f"collapse: the graph has no {described(min(wanted - there, key=str))}")
    keys = {node: place[0] if place[0] in wanted else place for node, place in places.items()}
    members: dict[int | tuple[int, int], list[Value]] = {}
    for node in nodes:
        if keys.get(node) in wanted:
            members.setdefault(keys[node], []).append(node)
    used_outside = {p for node in nodes for p in node.parents if p in keys and keys.get(node) != keys[p]} | {root}
    return {
        node: box
        for key, inner in members.items()
        for exits in [[node for node in inner if node in used_outside]]
        for box in [Box(key, inner, exits, len({places[node] for node in exits}))]
        for node in inner
    }


def described(key: int | tuple[int, int]) -> str:
    """
    >>> described(2), described((2, 1))
    ('layer 2', 'layer 2, neuron 1')
    """
    return f"layer {key}" if isinstance(key, int) else f"layer {key[0]}, neuron {key[1]}"
