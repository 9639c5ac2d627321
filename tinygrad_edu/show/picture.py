"""The graph as a picture: what each node holds, and the factor that the chain rule puts on each edge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from math import isfinite, isnan, log10, nan
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import Value, plural, quoted
from tinygrad_edu.neurons import neurons
from tinygrad_edu.show.arrays import ArrayProgram, draw_arrays
from tinygrad_edu.show.backward import checked, to_show
from tinygrad_edu.show.boxes import Box, Collapse, described
from tinygrad_edu.show.highlight import Wire, highlighted
from tinygrad_edu.show.labels import html, table, tooltip
from tinygrad_edu.show.names import symbol
from tinygrad_edu.show.numbers import gradient, require_whole, shown, signed, times
from tinygrad_edu.show.scene import Edge, Scene
from tinygrad_edu.themes import Theme
from tinygrad_edu.themes import theme as theme_named

if TYPE_CHECKING:
    from tinygrad_edu.show.dot import Digraph

LARGEST = 1000  # boxes drawn at all
DECADES = 3  # of contributions, from the widest line to the thinnest
DIRECTIONS = ("LR", "TB", "RL", "BT")


def draw(
    root: Value | ArrayProgram,
    *,
    highlight: Value | Iterable[Value] = (),
    contributions: bool = False,
    constants: bool = True,
    boxes: bool | str = True,
    collapse: Collapse = (),
    depth: int | None = None,
    step: int | None = None,
    rankdir: str = "LR",
    theme: str = "light",
    digits: int = 4,
    max_nodes: int = LARGEST,
    cell_width: int | None = None,
) -> Digraph:
    """Draw the graph of a Value: data and gradient in each node, the local derivative on each edge.

    The gradient of a node is the sum over its outgoing edges of local derivative × gradient at the other end; that
    product is the edge's contribution. A gradient that holds more, left by an earlier backward pass, says so:
    "0.0243 + 0.0011 from before".

    >>> from tinygrad_edu import Value
    >>> a = Value(2.0, "a")
    >>> picture = draw(a * a)
    >>> picture.source.count("->"), "not computed" in picture.source
    (2, True)

    Arguments:
        root: the Value to draw; or a program, whose matrices and vectors are drawn then, with their shapes and the
            lines of NumPy that compute them and their gradients (of what follows, `rankdir` and `theme`).
        highlight: one Value, for all its ways to the root; or the Values of a path, in either direction, which may
            leave some out.
        contributions: whether each edge also shows gradient × local derivative, and has its colour by the sign of that
            and its width by the order of magnitude; after `backward()`.
        constants: whether plain numbers are drawn.
        boxes: whether the nodes of each neuron of `tinygrad_edu.nn` stand in a box; "layers" for boxes of layers around
            these, between which edges have less room.
        collapse: "neurons" or "layers", or layers and (layer, neuron) pairs counted from 1, to draw as one box each.
        depth: how many edges from the root; what lies below reads "…". None for all.
        step: draw the state after so many steps of the backward pass, one edge a step, from 0.
        rankdir: "LR" from left to right, "TB" from top to bottom.
        theme: "light", "dark", or "print", which needs no colour.
        digits: significant digits.
        max_nodes: refuse to draw more boxes.
        cell_width: the least width of a box, in points; None for what is needed, with `step` for what any step needs,
            so that a film of them does not jump.

    Returns a `graphviz.Digraph`, which a notebook shows, and `render` and `pipe` turn into SVG or PNG. Its `source` is
    DOT. More than 150 boxes are drawn without their numbers.
    Raises TypeError for what is no Value; ValueError for a graph that is too large or whose data were changed after the
    forward pass, for Values, layers and neurons that it does not have, and for an unknown theme or direction.
    """
    for name, value, allowed in (("rankdir", rankdir, DIRECTIONS), ("boxes", boxes, (True, False, "layers"))):
        if value not in allowed:
            raise ValueError(f"{name} expected one of {', '.join(map(str, allowed))}, got {quoted(value)}")
    if hasattr(root, "array_graph"):
        return draw_arrays(root, rankdir, theme_named(theme))
    for name, number, least in (("depth", depth, 0), ("step", step, 0), ("digits", digits, 1)):
        if number is not None:
            require_whole(name, number, least)
    if not collapse and more_than(max_nodes, to_show(root), depth):
        raise ValueError(too_large(f"more than max_nodes={max_nodes} nodes"))
    scene = Scene(checked(root), collapse, depth, step)
    if len(scene.units) > max_nodes:
        raise ValueError(too_large(f"{len(scene.units)} boxes, more than max_nodes={max_nodes}"))
    thick = highlighted(scene.everything, highlight)
    if cell_width is None:
        cell_width = 0 if step is None else 7 * max(len("grad not computed"), len("grad −.e−300") + digits)
    colours = theme_named(theme)
    return Drawing(scene, colours, digits, rankdir, cell_width, contributions, thick, boxes, constants).dot()


def too_large(count: str) -> str:
    return f'the graph has {count}: draw part of it with depth=, collapse="neurons" or "layers", or raise max_nodes'


def more_than(most: int, root: Value, depth: int | None) -> bool:
    """Whether so many nodes are within reach, found without walking on."""
    near, outermost = {root}, [root]
    while outermost and len(near) <= most and depth != 0:
        further = dict.fromkeys(p for node in outermost for p in node.parents if isinstance(p, Value) and p not in near)
        near.update(further)
        outermost = list(further)
        depth = None if depth is None else depth - 1
    return len(near) > most


class Drawing:
    """A scene turned into DOT."""

    def __init__(
        self,
        scene: Scene,
        theme: Theme,
        digits: int,
        rankdir: str,
        cell_width: int,
        contributions: bool,
        thick: set[Wire],
        boxes: bool | str,
        constants: bool,
    ) -> None:
        self.scene, self.theme, self.digits, self.cell_width = scene, theme, digits, cell_width
        self.contributions, self.thick, self.rankdir = contributions, thick, rankdir
        self.layers, self.constants = boxes == "layers", constants
        self.places = {n: place for n, place in neurons(scene.root).items() if boxes and scene.is_drawn(n)}

    @property
    def vertical(self) -> bool:
        return self.rankdir in ("TB", "BT")

    def dot(self) -> Digraph:
        """All of it, as DOT."""
        from tinygrad_edu.show.dot import empty

        scene, theme = self.scene, self.theme
        dot = empty(theme, self.rankdir, **({} if scene.full else {"nslimit": "2", "mclimit": "0.1"}))
        dot.drawing = self
        dot.caption = scene.caption(self.digits)
        dot.title, dot.description = f"The graph of {scene.names.text(scene.root)}", scene.words(self.digits)
        self.add_units(dot)
        for edge in scene.edges:
            self.add_edge(dot, edge)
        self.add_rest(dot)
        if scene.full:
            self.add_order(dot)
        return dot

    def add_units(self, dot: Digraph) -> None:
        """The nodes and boxes, those with a place in the box of their neuron, and that in the box of its layer."""
        for unit in self.scene.units:
            if isinstance(unit, Box):
                self.add_box(dot, unit)
            elif unit not in self.places:
                self.add_node(dot, unit)
        for layer in dict.fromkeys(layer for layer, _ in self.places.values()):
            with self.box(dot, f"layer {layer}", layer) if self.layers else nullcontext(dot) as around:
                for place in dict.fromkeys(place for place in self.places.values() if place[0] == layer):
                    with self.box(around, f"neuron {place[1]}" if self.layers else described(place), *place) as inside:
                        for node in self.scene.nodes:
                            if self.places.get(node) == place:
                                self.add_node(inside, node)

    @contextmanager
    def box(self, dot: Any, title: str, *place: int) -> Iterator[Any]:
        with dot.subgraph(name="_".join(map(str, ("cluster", *place)))) as cluster:
            cluster.attr(label=title, style="rounded", color=self.theme.line)
            yield cluster

    def add_node(self, dot: Any, node: Value) -> None:
        name, sign = self.scene.names.text(node), html(symbol(node))
        sign = f'<FONT POINT-SIZE="14">{sign}</FONT>' if len(symbol(node)) == 1 and not symbol(node).isalpha() else sign
        title = f"<B>{sign}</B> <I>{html(name)}</I>" if sign else f"<I>{html(name)}</I>"
        self.add_table(dot, node, title, self.rows(node), self.theme.operation if node.op else self.theme.leaf, name)

    def add_box(self, dot: Digraph, box: Box) -> None:
        rows = [(plural(box.parameters, "parameter"), self.theme.text, self.theme.constant)]
        if len(box.exits) == 1:
            rows += self.rows(box.exits[0])
        else:
            words = plural(box.outputs, "output")
            words += f", {box.examples} examples" if box.examples > 1 else ""
            rows.append((words, self.theme.data, self.theme.data_back))
        self.add_table(dot, box, f"<B>{box.title}</B>", rows, self.theme.operation, box.title)

    def add_table(
        self, dot: Any, unit: Value | Box, title: str, rows: list[tuple[str, str, str]], colour: str, name: str
    ) -> None:
        from tinygrad_edu.show.dot import escape

        label = table(title, rows, colour, self.theme, self.cell_width)
        dot.node(self.scene.ids[unit], label, id=self.scene.ids[unit], tooltip=escape(tooltip(name)))

    def rows(self, node: Value) -> list[tuple[str, str, str]]:
        if not self.scene.full:
            return []
        rows = [(f"data {shown(node.data, self.digits)}", self.theme.data, self.theme.data_back)]
        rows.append((self.grad(node), self.theme.grad, self.theme.grad_back))
        if node in self.scene.beyond:
            rows.append((self.scene.beyond[node].text(self.digits), self.theme.grad, self.theme.grad_back))
        return rows

    def grad(self, node: Value) -> str:
        """What a node says of its gradient."""
        known = self.scene.gradients
        return f"grad {gradient(known[node], self.digits) if node in known else 'not computed'}"

    def add_edge(self, dot: Digraph, edge: Edge) -> None:
        attributes = {"id": edge.id} | self.label(edge) | self.line(edge)
        if isinstance(edge.head, Value) and edge.head in self.places:
            tail = self.places.get(edge.tail) if isinstance(edge.tail, Value) else None
            if tail != self.places[edge.head]:  # else boxes climb a half-empty staircase
                attributes["minlen"] = "2" if self.vertical else "3"
        dot.edge(self.scene.ids[edge.tail], self.scene.ids[edge.head], **attributes)

    def line(self, edge: Edge) -> dict[str, str]:
        """How the line of an edge is drawn: thick, or with the colour and the width of its contribution."""
        if edge.id == self.scene.last or not self.thick.isdisjoint(edge.wires):
            return {"color": self.theme.grad, "penwidth": "2.8"}
        contribution = self.scene.contributions.get(edge.id)
        if not self.contributions or contribution is None:
            return {}
        line = {"color": self.colour(contribution), "penwidth": f"{self.width(contribution):.2f}"}
        negative = contribution < 0 and self.theme.on_paper
        return line | ({"style": "dashed"} if negative else {})

    def colour(self, contribution: float) -> str:
        return self.theme.grad if contribution < 0 else self.theme.data

    def width(self, contribution: float) -> float:
        """From 3 for the largest down to 0.6, by orders of magnitude: a tenth looks thinner, not invisible."""
        share = abs(contribution) / self.scene.largest if isfinite(contribution) else 1.0
        return 0.6 + 2.4 * max(0.0, 1 + log10(share) / DECADES) if share else 0.6

    def label(self, edge: Edge) -> dict[str, str]:
        if edge.factor is None or not self.scene.full:
            return {}
        text = times(edge.factor, self.digits)
        added = self.scene.contributions.get(edge.id, self.scene.coming.get(edge.id, nan))
        if self.contributions and not isnan(added):
            text += f'<BR/><FONT COLOR="{self.contribution_colour(edge)}">← {signed(added, self.digits)}</FONT>'
        # A cell keeps the text off the line.
        return {"label": f'<<TABLE BORDER="0" CELLPADDING="2"><TR><TD>{text}</TD></TR></TABLE>>'}

    def contribution_colour(self, edge: Edge) -> str:
        """One that comes later takes its room already, so that nothing moves between frames."""
        known = self.scene.contributions
        return self.colour(known[edge.id]) if edge.id in known else "transparent"

    def add_order(self, dot: Digraph) -> None:
        """Edges that are not drawn, for Graphviz to keep inputs, weights and neurons in their order.

        Within a neuron its weights follow one another, which Graphviz turns round where the graph goes from left to
        right. Inputs and closed neurons follow one another, and the points that stand behind open neurons.
        """
        closed: dict[int, dict[int, str]] = {}  # the name of each closed neuron, by layer
        for unit in self.scene.units:
            if isinstance(unit, Box) and isinstance(unit.key, tuple):
                layer, neuron = unit.key
                closed.setdefault(layer, {})[neuron] = self.scene.ids[unit]
        rows = [[ids[neuron] for neuron in sorted(ids)] for ids in closed.values()]
        for row in [*rows, [self.scene.ids[leaf] for leaf in self.inputs()]]:
            for pair in pairwise(row):
                dot.edge(*pair, style="invis", minlen="0")
        members: dict[tuple[int, int], list[Value]] = {}
        for node in self.scene.nodes:
            if node in self.places:
                members.setdefault(self.places[node], []).append(node)
        points: dict[int, list[str]] = {}
        for (layer, neuron), nodes in sorted(members.items()):
            weights = [self.scene.ids[node] for node in nodes if not node.parents and node.place.input]  # type: ignore[attr-defined]
            for pair in pairwise(weights if self.vertical else weights[::-1]):
                dot.edge(*pair, style="invis", minlen="0")
            point = f"o{layer}_{neuron}"
            dot.node(point, "", style="invis", shape="point", width="0", height="0")
            dot.edge(self.scene.ids[nodes[-1]], point, style="invis", weight="0")
            points.setdefault(layer, []).append(point)
        for row in points.values():
            for pair in pairwise(row):
                dot.edge(*pair, style="invis", minlen="0")

    def inputs(self) -> list[Value]:
        """The leaves that nothing but neurons uses."""
        used: dict[Value | Box, bool] = {}
        for edge in self.scene.edges:
            neuron = isinstance(edge.head, Box) or edge.head in self.places
            used[edge.tail] = used.get(edge.tail, True) and neuron
        leaves = [unit for unit in self.scene.units if isinstance(unit, Value) and not unit.parents]
        return [leaf for leaf in leaves if used.get(leaf) and leaf not in self.places]

    def add_rest(self, dot: Digraph) -> None:
        """The constants of the nodes, and a sign for operands that lie too deep."""
        small = {"shape": "box", "style": "filled", "color": self.theme.line, "fillcolor": self.theme.constant}
        small |= {"height": "0.2", "width": "0.2", "margin": "0.05"}
        for node in self.scene.units:
            for k, parent in enumerate(node.parents) if isinstance(node, Value) else ():
                if isinstance(parent, float) and self.constants:
                    text = shown(parent, self.digits)
                elif isinstance(parent, Value) and parent not in self.scene.ids:
                    text = "…"
                else:
                    continue
                head = self.scene.ids[node]
                line = {"color": self.theme.grad, "penwidth": "2.8"} if (parent, node) in self.thick else {}
                dot.node(f"c{head}_{k}", text, **small)
                dot.edge(f"c{head}_{k}", head, id=f"e{head}_{k}", **line)
