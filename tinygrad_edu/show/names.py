"""What the nodes of a graph are called: by their labels, as parts of a network, or by the caller's variables."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from tinygrad_edu.engine import Value, topological
from tinygrad_edu.engine.calculus import dependents
from tinygrad_edu.plain import plain
from tinygrad_edu.show.neurons import neurons
from tinygrad_edu.show.notation import latex_name, pretty


def name(namespace: Mapping[str, Any]) -> None:
    """Label each Value after the variable that holds it; in a list, h gives h1, h2, ….

    >>> a, b = Value(2.0), Value(3.0)
    >>> c = a * b
    >>> name(locals())
    >>> [parent.label for parent in c.parents], c.label
    (['a', 'b'], 'c')

    Arguments:
        namespace: variables and what they hold, mostly `locals()`. Values that have a label keep it, and variables
            whose names begin with an underscore are passed over.
    """
    for variable, held in list(namespace.items()):
        if variable.startswith("_"):
            continue
        if isinstance(held, Value):
            held.label = held.label or variable
        elif isinstance(held, (list, tuple)):
            for k, value in enumerate(held, start=1):
                if isinstance(value, Value):
                    value.label = value.label or f"{variable}{k}"


def roles(root: Value) -> dict[Value, str]:
    """What a textbook calls the nodes of a network: z a neuron's weighted sum, h what it hands on, y an output.

    Counted neuron by neuron through the network, as its parameters are: the hidden neurons are h1, h2, …, the outputs
    y1, y2, …, and each z has the number of its neuron. Where examples share the network, names recur.
    """
    places = {node: place for node, place in neurons(root).items() if node.parents}
    if not places:
        return {}
    sizes: dict[int, int] = {}
    for layer, neuron in places.values():
        sizes[layer] = max(sizes.get(layer, 0), neuron)
    last = max(sizes)
    found: dict[Value, str] = {}
    for node in topological(root):
        if node not in places:
            continue
        layer, neuron = places[node]
        before = sum(sizes.get(k, 0) for k in range(1, layer))
        inner = [parent for parent in node.parents if isinstance(parent, Value) and parent in places]
        for parent in inner:  # the weighted sum without its bias, or z: only the end of the neuron keeps its name
            if places[parent] == (layer, neuron) and parent in found:
                if node.op.name == "add":
                    del found[parent]
                else:
                    found[parent] = f"z{before + neuron}"
        number = neuron if layer == last else before + neuron
        found[node] = ("y" if layer == last else "h") + ("" if layer == last and sizes[layer] == 1 else str(number))
    return found


def in_order(root: Value) -> list[Value]:
    """Every node once, each after its operands and these from first to last, so that the first example is counted 1."""
    found: dict[Value, None] = {}
    stack: list[tuple[Value, bool]] = [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            found[node] = None
        elif node not in found:
            stack.append((node, True))
            stack += [(p, False) for p in reversed(node.parents) if isinstance(p, Value) and p not in found]
    return list(found)


class Names:
    """The name of each node under a root, each given once.

    A label comes first, then the role in a network; nodes without either are v1, v2, … as they are asked for.
    A name that several nodes have is counted: y, y⁽²⁾, ….
    """

    def __init__(self, root: Value, wrt: Value) -> None:
        self.roles = roles(root)
        self.given: dict[Value, tuple[str, int]] = {}
        self.copies: dict[str, int] = {}
        for node in dict.fromkeys([*in_order(root), wrt]):
            label = plain(node.label) or self.roles.get(node, "")
            if label:
                self.give(node, label)
        for node, label in ((root, "E" if self.roles else "f"), (wrt, "x")):
            if node not in self.given and label not in self.copies:
                self.give(node, label)
        self.numbers = count(1)

    def between(self, root: Value, wrt: Value) -> set[Value]:
        """`wrt` and what of the graph depends on it."""
        return dependents(topological(root), [wrt])

    def give(self, node: Value, label: str) -> None:
        self.copies[label] = self.copies.get(label, 0) + 1
        self.given[node] = label, self.copies[label]

    def __contains__(self, node: Value) -> bool:
        return node in self.given

    def of(self, node: Value) -> tuple[str, int]:
        """Name and count."""
        if node not in self.given:
            self.give(node, next(label for k in self.numbers if (label := f"v{k}") not in self.copies))
        return self.given[node]

    def text(self, node: Value) -> str:
        return pretty(*self.of(node))

    def latex(self, node: Value) -> str:
        return latex_name(*self.of(node))
