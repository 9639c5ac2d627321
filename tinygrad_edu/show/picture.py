"""The graph as a picture: what each node holds, and the factor that the chain rule puts on each edge."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_edu.engine import NOT_COMPUTED, Value, check_recorded, leaves, local_derivatives, topological
from tinygrad_edu.files import folder, write
from tinygrad_edu.show.backward import Step, steps
from tinygrad_edu.show.boxes import Box, Collapse, collapsed
from tinygrad_edu.show.labels import THEMES, html, plain, table, tooltip
from tinygrad_edu.show.neurons import neurons
from tinygrad_edu.show.numbers import shown

if TYPE_CHECKING:
    from tinygrad_edu.show.dot import Digraph

FULL, LARGEST = 150, 1000  # boxes drawn with all their numbers; boxes drawn at all
DIRECTIONS = ("LR", "TB", "RL", "BT")


def draw(
    root: Value,
    *,
    highlight: Value | Iterable[Value] = (),
    contributions: bool = False,
    constants: bool = True,
    boxes: bool = True,
    collapse: Collapse = (),
    depth: int | None = None,
    step: int | None = None,
    rankdir: str = "LR",
    theme: str = "light",
    digits: int = 4,
    max_nodes: int = LARGEST,
    cell_width: int = 0,
) -> Digraph:
    """Draw the graph of a Value: data and gradient in each node, the local derivative on each edge.

    The gradient of a node is the sum over its outgoing edges of local derivative × gradient at the other end; that
    product is the edge's contribution.

    >>> from tinygrad_edu import Value
    >>> a = Value(2.0, "a")
    >>> picture = draw(a * a)
    >>> picture.source.count("->"), "not computed" in picture.source
    (2, True)

    Arguments:
        root: the Value to draw.
        highlight: one Value, for all its ways to the root; or the Values of a path.
        contributions: whether each edge also shows gradient × local derivative, and has its colour by the sign of that
            and its width by the size; after `backward()`.
        constants: whether plain numbers are drawn.
        boxes: whether the nodes of each neuron of `tinygrad_edu.nn` stand in a box.
        collapse: "neurons" or "layers", or layers and (layer, neuron) pairs counted from 1, to draw as one box each.
        depth: how many edges from the root; what lies below reads "…". None for all.
        step: draw the state after so many steps of the backward pass, one edge a step, from 0.
        rankdir: "LR" from left to right, "TB" from top to bottom.
        theme: "light", "dark", or "print", which needs no colour.
        digits: significant digits.
        max_nodes: refuse to draw more boxes.
        cell_width: the least width of a box, in points.

    Returns a `graphviz.Digraph`, which a notebook shows, and `render` and `pipe` turn into SVG or PNG.
    Raises ValueError for a graph that is too large or whose data were changed after the forward pass, for Values,
    layers and neurons that it does not have, and for an unknown theme or direction.
    """
    for name, value, allowed in (("theme", theme, tuple(THEMES)), ("rankdir", rankdir, DIRECTIONS)):
        if value not in allowed:
            raise ValueError(f"{name} expected one of {', '.join(allowed)}, got {value!r}")
    check_recorded(root)
    picture = Picture(root, collapse, depth, step, theme, digits, cell_width)
    if len(picture.units) > max_nodes:
        raise ValueError(
            f"the graph has {len(picture.units)} nodes, more than max_nodes={max_nodes}: draw part of it with depth=, "
            'collapse="neurons" or "layers", or raise max_nodes'
        )
    picture.thick = highlighted(picture.nodes, highlight)
    return picture.drawn(contributions, constants, boxes, rankdir)


def frames(root: Value, path: str | PathLike[str], **options: Any) -> list[Path]:
    """Write the backward pass as numbered SVGs, one a step: frame-000.svg and so on, for slides.

    Arguments:
        root: the Value to draw.
        path: the folder, made where there is none.
        options: as for `draw`.

    Returns the files. Raises what `draw` raises, and OSError where the folder cannot be written to.
    """
    count = 1 + sum(1 for _ in steps(root))
    pictures = (draw(root, step=k, **options).pipe(format="svg") for k in range(count))
    return [write(folder(path) / f"frame-{k:03}.svg", picture) for k, picture in enumerate(pictures)]


class Edge(NamedTuple):
    """An arrow of the picture; `factor` is None where it stands for several."""

    tail: Value | Box
    head: Value | Box
    id: str
    factor: float | None
    ends: tuple[Value, Value]


class Picture:
    """One picture: what to draw, with which numbers, in which colours."""

    def __init__(
        self,
        root: Value,
        collapse: Collapse,
        depth: int | None,
        step: int | None,
        theme: str,
        digits: int,
        cell_width: int,
    ) -> None:
        self.root, self.digits, self.cell_width, self.theme = root, digits, cell_width, THEMES[theme]
        everything = [*leaves(root), *topological(root)]
        self.nodes = everything if depth is None else within(everything, root, depth)
        self.boxes = collapsed(root, self.nodes, collapse) if collapse else {}
        self.units = list(dict.fromkeys(self.boxes.get(node, node) for node in self.nodes))
        self.full = len(self.units) <= FULL
        self.ids: dict[Value | Box, str] = {node: f"n{k}" for k, node in enumerate(self.nodes)}
        self.ids |= {box: f"b{k}" for k, box in enumerate(dict.fromkeys(self.boxes.values()))}
        self.groups = {n: place for n, place in neurons(root).items() if n in self.ids and n not in self.boxes}
        self.thick: set[tuple[Value, Value]] = set()
        self.last: Step | None = None
        self.gradients = {node: node.grad for node in self.nodes if node.grad is not NOT_COMPUTED}
        if step is not None:
            if step < 0:
                raise ValueError(f"step expected a number from 0, got {step}")
            self.gradients = {root: 1.0}
            for self.last in islice(steps(root), step):
                old = self.gradients.get(self.last.operand, 0.0)
                self.gradients[self.last.operand] = old + self.last.contribution

    def number(self, number: float) -> str:
        return shown(number, self.digits)

    def unit(self, node: Value) -> Value | Box:
        """What stands for a node in the picture."""
        return self.boxes.get(node, node)

    def drawn(self, contributions: bool, constants: bool, boxes: bool, rankdir: str) -> Digraph:
        from tinygrad_edu.show.dot import Digraph

        font = {"fontname": "Helvetica", "fontcolor": self.theme.text}
        graph = {"rankdir": rankdir, "nodesep": "0.2", "ranksep": "0.35", "fontsize": "11"}
        dot = Digraph(
            format="svg",
            graph_attr=graph
            | font
            | {"bgcolor": self.theme.background}
            | ({} if self.full else {"nslimit": "2", "mclimit": "0.1"}),
            node_attr={"shape": "plain", "fontsize": "11"} | font,
            edge_attr={"fontsize": "10", "arrowsize": "0.7", "color": self.theme.line} | font,
        )
        groups = self.groups if boxes else {}
        for layer, neuron in dict.fromkeys(groups.values()):
            with dot.subgraph(name=f"cluster_{layer}_{neuron}") as cluster:
                cluster.attr(label=f"layer {layer}, neuron {neuron}", style="rounded", color=self.theme.line)
                for unit in self.units:
                    if isinstance(unit, Value) and groups.get(unit) == (layer, neuron):
                        self.add_node(cluster, unit)
        for unit in self.units:
            if isinstance(unit, Box):
                self.add_box(dot, unit)
            else:
                if unit not in groups:
                    self.add_node(dot, unit)
                self.add_rest(dot, unit, constants)
        edges = list(self.edges())
        weights = [abs(self.contribution(edge) or 0.0) for edge in edges]
        for edge in edges:
            attributes = {"id": edge.id} | self.label(edge, contributions)
            if contributions and (contribution := self.contribution(edge)) is not None:
                attributes["color"] = self.theme.grad if contribution < 0 else self.theme.data
                attributes["penwidth"] = f"{0.6 + 2.4 * abs(contribution) / (max(weights) or 1.0):.2f}"
            if edge.ends in self.thick or self.is_last(edge):
                attributes |= {"color": self.theme.grad, "penwidth": "2.8"}
            head = groups.get(edge.head) if isinstance(edge.head, Value) else None
            if head is not None and (not isinstance(edge.tail, Value) or groups.get(edge.tail) != head):
                attributes["minlen"] = (
                    "2" if rankdir in ("TB", "BT") else "3"
                )  # else boxes climb a half-empty staircase
            dot.edge(self.ids[edge.tail], self.ids[edge.head], **attributes)
        return dot

    def add_node(self, dot: Any, node: Value) -> None:
        parts = (node.op.symbol if node.op else "", "B"), (node.label, "I")
        title = " ".join(f"<{tag}>{html(text)}</{tag}>" for text, tag in parts if plain(text)) or " "
        colour = self.theme.operation if node.op else self.theme.leaf
        name = plain(node.label) or (node.op.name if node.op else "leaf")
        self.add_table(dot, node, title, self.rows(node), colour, name)

    def add_box(self, dot: Any, box: Box) -> None:
        count = f"{box.parameters} parameters"
        rows = [(count, self.theme.text, self.theme.constant)]
        rows += self.rows(box.exits[0]) if len(box.exits) == 1 else []
        if len(box.exits) > 1:
            rows.append((f"{len(box.exits)} outputs", self.theme.data, self.theme.data_back))
        self.add_table(dot, box, f"<B>{box.title}</B>", rows, self.theme.operation, box.title)

    def add_table(
        self, dot: Any, unit: Value | Box, title: str, rows: list[tuple[str, str, str]], colour: str, name: str
    ) -> None:
        from tinygrad_edu.show.dot import escape

        label = table(title, rows, colour, self.theme, self.cell_width)
        dot.node(self.ids[unit], label, id=self.ids[unit], tooltip=escape(tooltip(name)))

    def rows(self, node: Value) -> list[tuple[str, str, str]]:
        if not self.full:
            return []
        grad = self.number(self.gradients[node]) if node in self.gradients else "not computed"
        return [
            (f"data {self.number(node.data)}", self.theme.data, self.theme.data_back),
            (f"grad {grad}", self.theme.grad, self.theme.grad_back),
        ]

    def add_rest(self, dot: Any, node: Value, constants: bool) -> None:
        """The constants of a node, and a sign for operands that lie too deep."""
        small = {"shape": "box", "style": "filled", "color": self.theme.line, "fillcolor": self.theme.constant}
        small |= {"height": "0.2", "width": "0.2", "margin": "0.05"}
        for k, parent in enumerate(node.parents):
            if isinstance(parent, float) and constants:
                text = self.number(parent)
            elif isinstance(parent, Value) and parent not in self.ids:
                text = "…"
            else:
                continue
            name = f"c{self.ids[node]}_{k}"
            dot.node(name, text, **small)
            dot.edge(name, self.ids[node], id=f"e{self.ids[node]}_{k}")

    def edges(self) -> Iterable[Edge]:
        """One edge an operand; into a box one for each node that enters it, and one for all that come from a box."""
        for node in self.nodes:
            head = self.unit(node)
            if isinstance(head, Box):
                continue
            partials = {k: partial for k, _, partial in local_derivatives(node)} if self.full else {}
            for k, parent in enumerate(node.parents):
                if parent in self.ids:
                    yield Edge(self.unit(parent), head, f"e{self.ids[node]}_{k}", partials.get(k), (parent, node))
        for box in dict.fromkeys(self.boxes.values()):
            inside = set(box.members)
            entering = {p: m for m in box.members for p in m.parents if p in self.ids and p not in inside}
            derivatives = box.derivatives()
            by_tail: dict[Value | Box, list[Value]] = {}
            for parent in entering:
                by_tail.setdefault(self.unit(parent), []).append(parent)
            for k, (tail, parents) in enumerate(by_tail.items()):
                factor = derivatives.get(parents[0]) if len(parents) == 1 else None
                yield Edge(tail, box, f"e{self.ids[box]}_{k}", factor, (parents[0], entering[parents[0]]))

    def contribution(self, edge: Edge) -> float | None:
        """Gradient × local derivative, where both are known."""
        end = edge.head if isinstance(edge.head, Value) else edge.head.exits[0]
        return edge.factor * self.gradients[end] if edge.factor is not None and end in self.gradients else None

    def label(self, edge: Edge, contributions: bool) -> dict[str, str]:
        if edge.factor is None or not self.full:
            return {}
        text = f"×{self.number(edge.factor)}"
        if contributions and (contribution := self.contribution(edge)) is not None:
            text += f'<BR/><FONT COLOR="{self.theme.grad}">←{self.number(contribution)}</FONT>'
        # A cell keeps the text off the line.
        return {"label": f'<<TABLE BORDER="0" CELLPADDING="2"><TR><TD>{text}</TD></TR></TABLE>>'}

    def is_last(self, edge: Edge) -> bool:
        """Whether the edge is the one that the last step of the backward pass went along."""
        return self.last is not None and edge.id == f"e{self.ids.get(self.last.node)}_{self.last.k}"


def within(nodes: list[Value], root: Value, depth: int) -> list[Value]:
    """The nodes at most so many edges from the root."""
    near = {root}
    for _ in range(depth):
        near |= {parent for node in near for parent in node.parents if isinstance(parent, Value)}
    return [node for node in nodes if node in near]


def highlighted(nodes: list[Value], highlight: Value | Iterable[Value]) -> set[tuple[Value, Value]]:
    """The edges to draw thick: those on any way from one Value to the root, or those between the Values of a path."""
    grows = isinstance(highlight, Value)
    wanted = {highlight} if isinstance(highlight, Value) else set(highlight)
    unknown = wanted.difference(nodes)
    if unknown:
        raise ValueError(f"highlight expected Values of the graph, got {next(iter(unknown))!r}")
    found = set()
    for node in nodes:
        for parent in node.parents:
            if parent in wanted and (grows or node in wanted):
                found.add((parent, node))
                wanted.add(node)
    return found
