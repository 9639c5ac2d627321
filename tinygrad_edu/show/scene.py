"""What a picture shows, before any of it is drawn: nodes or boxes that stand for them, edges, and their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import NamedTuple

from tinygrad_edu.engine import NOT_COMPUTED, Value, nodes
from tinygrad_edu.show.backward import Step, beyond, factors, steps
from tinygrad_edu.show.boxes import Box, Collapse, collapsed
from tinygrad_edu.show.highlight import Wire
from tinygrad_edu.show.names import Names
from tinygrad_edu.show.numbers import shown

MOST = 12  # leaves that a description names
FULL = 150  # boxes drawn with all their numbers


class Edge(NamedTuple):
    """An arrow of the picture: its factor, None where it stands for several edges of the graph, and which it is."""

    tail: Value | Box
    head: Value | Box
    id: str
    factor: float | None
    wires: list[Wire]


class Scene:
    """The part of a graph that is drawn.

    Attributes:
        units: the nodes, and the boxes that stand for some, operands before results.
        nodes: the nodes near enough to be drawn, those in boxes included; `everything` has the others too.
        full: whether there is room for numbers.
        names: of the nodes.
        ids: of units, the same for the same graph.
        root: what it is the graph of.
        gradients, contributions: by node and by the edge's id, as far as they are known.
        coming: the contributions that later steps will add.
        beyond: what gradients hold that this graph did not add.
        done: how many steps of the backward pass are shown; None for all of it.
        step: the last of them, None where there is none.
        last: the id of its edge.
    """

    def __init__(self, root: Value, collapse: Collapse = (), depth: int | None = None, step: int | None = None) -> None:
        self.root = root
        self.everything = nodes(root)
        self.names = Names(root)
        self.nodes = self.everything if depth is None else within(self.everything, root, depth)
        self.boxes = collapsed(root, self.nodes, collapse) if collapse else {}
        self.units: list[Value | Box] = list(dict.fromkeys(self.boxes.get(node, node) for node in self.nodes))
        self.full = len(self.units) <= FULL
        self.ids: dict[Value | Box, str] = {node: f"n{k}" for k, node in enumerate(self.nodes)}
        self.ids |= {box: f"b{k}" for k, box in enumerate(dict.fromkeys(self.boxes.values()))}
        self.edges = list(self._edges())
        self.contributions: dict[str, float] = {}
        self.coming: dict[str, float] = {}
        self.last, self.done = "", step
        self.step: Step | None = None
        self.beyond = beyond(root) if self.full and step is None else {}
        if step is None:
            self.gradients = {node: node.grad for node in self.nodes if node.grad is not NOT_COMPUTED}
            for edge in self.edges:
                end = edge.head if isinstance(edge.head, Value) else edge.head.exits[0]
                if edge.factor is not None and end in self.gradients:
                    self.contributions[edge.id] = edge.factor * self.gradients[end]
        else:
            self.run(step)
        sizes = [abs(number) for number in (self.contributions | self.coming).values() if isfinite(number)]
        self.largest = max(sizes, default=0.0) or 1.0

    def run(self, step: int) -> None:
        """The first steps of the backward pass, and no more."""
        self.gradients, self.contributions, self.coming = {self.root: 1.0}, {}, {}
        self.last, self.step, self.done = "", None, step
        for done, each in enumerate(steps(self.root)):
            edge = f"e{self.ids.get(each.node)}_{each.k}"
            if done < step:
                self.gradients[each.operand] = self.gradients.get(each.operand, 0.0) + each.contribution
                self.contributions[edge] = each.contribution
                self.last, self.step = edge, each
            else:
                self.coming[edge] = each.contribution

    def caption(self, digits: int) -> str:
        """The last step as a formula, "" where no step is shown."""
        if self.done is None:
            return ""
        root = self.names.text(self.root)
        if self.step is None:
            return f"∂{root}/∂{root} = 1"
        node, _, operand, partial, contribution = self.step
        above, below = self.names.text(node), self.names.text(operand)
        numbers = f"{shown(self.gradients[node], digits)} × {shown(partial, digits)} = {shown(contribution, digits)}"
        return f"∂{root}/∂{below} += ∂{root}/∂{above} · ∂{above}/∂{below} = {numbers}"

    def words(self, digits: int) -> str:
        """What a picture of it says to who cannot see it."""
        names = [self.names.text(leaf) for leaf in self.everything if not leaf.parents]
        given = ", ".join(names[:MOST]) + (f" and {len(names) - MOST} more" if len(names) > MOST else "")
        made = len(self.everything) - len(names)
        by = f"{made} operation{'s' * (made != 1)}"
        computed = "computed" if self.root in self.gradients else "not computed yet"
        return (
            f"{self.names.text(self.root)} = {shown(self.root.data, digits)}, by {by} from {given}; "
            f"gradients are {computed}."
        )

    def unit(self, node: Value) -> Value | Box:
        """What stands for a node in the picture."""
        return self.boxes.get(node, node)

    def is_drawn(self, node: Value) -> bool:
        """Whether the picture has the node itself."""
        return node in self.ids and node not in self.boxes

    def _edges(self) -> Iterator[Edge]:
        """One edge an operand; into a box one for each node that enters it, and one for all that come from a box."""
        for node in self.nodes:
            if node not in self.boxes:
                partials = factors(node) if self.full else {}
                for k, parent in enumerate(node.parents):
                    if parent in self.ids:
                        yield Edge(self.unit(parent), node, f"e{self.ids[node]}_{k}", partials.get(k), [(parent, node)])
        for box in dict.fromkeys(self.boxes.values()):
            inside = set(box.members)
            derivatives = box.derivatives() if self.full else {}
            wires: dict[Value | Box, list[Wire]] = {}
            for member in box.members:
                for parent in dict.fromkeys(member.parents):
                    if parent in self.ids and parent not in inside:
                        wires.setdefault(self.unit(parent), []).append((parent, member))
            for k, (tail, through) in enumerate(wires.items()):
                several = len({parent for parent, _ in through}) > 1
                factor = None if several else derivatives.get(through[0][0])
                yield Edge(tail, box, f"e{self.ids[box]}_{k}", factor, through)


def within(nodes: list[Value], root: Value, depth: int) -> list[Value]:
    """The nodes at most so many edges from the root."""
    near, outermost = {root}, {root}
    while depth and outermost:
        outermost = {p for node in outermost for p in node.parents if isinstance(p, Value)} - near
        near |= outermost
        depth -= 1
    return [node for node in nodes if node in near]
