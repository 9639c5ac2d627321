"""The graph as a picture: what each node holds, and the factor that the chain rule puts on each edge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from math import isfinite, isnan
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import Value
from tinygrad_edu.files import folder, write
from tinygrad_edu.plain import plain
from tinygrad_edu.show.backward import checked, steps
from tinygrad_edu.show.boxes import Box, Collapse, described
from tinygrad_edu.show.highlight import Wire, highlighted
from tinygrad_edu.show.labels import html, table, tooltip
from tinygrad_edu.show.neurons import neurons
from tinygrad_edu.show.numbers import shown, times
from tinygrad_edu.show.scene import Edge, Scene
from tinygrad_edu.themes import THEMES, Theme

if TYPE_CHECKING:
    from tinygrad_edu.show.dot import Digraph

LARGEST = 1000  # boxes drawn at all
DIRECTIONS = ("LR", "TB", "RL", "BT")


def draw(
    root: Value,
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
        highlight: one Value, for all its ways to the root; or the Values of a path, in either direction, which may
            leave some out.
        contributions: whether each edge also shows gradient × local derivative, and has its colour by the sign of that
            and its width by the size; after `backward()`.
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
        cell_width: the least width of a box, in points.

    Returns a `graphviz.Digraph`, which a notebook shows, and `render` and `pipe` turn into SVG or PNG. Its `source` is
    DOT. More than 150 boxes are drawn without their numbers.
    Raises TypeError for what is no Value; ValueError for a graph that is too large or whose data were changed after the
    forward pass, for Values, layers and neurons that it does not have, and for an unknown theme or direction.
    """
    choices = ("theme", theme, THEMES), ("rankdir", rankdir, DIRECTIONS), ("boxes", boxes, (True, False, "layers"))
    for name, value, allowed in choices:
        if value not in allowed:
            raise ValueError(f"{name} expected one of {', '.join(map(str, allowed))}, got {value!r}")
    scene = Scene(checked(root), collapse, depth, step)
    if len(scene.units) > max_nodes:
        raise ValueError(
            f"the graph has {len(scene.units)} nodes, more than max_nodes={max_nodes}: draw part of it with depth=, "
            'collapse="neurons" or "layers", or raise max_nodes'
        )
    thick = highlighted(scene.everything, highlight)
    drawing = Drawing(scene, THEMES[theme], digits, rankdir, cell_width)
    drawing.add_units(
        {n: place for n, place in neurons(root).items() if boxes and scene.is_drawn(n)}, boxes == "layers"
    )
    drawing.add_edges(thick, contributions)
    drawing.add_rest(thick, constants)
    return drawing.dot


def frames(root: Value, path: str | PathLike[str], **options: Any) -> list[Path]:
    """Write the backward pass as numbered SVGs, one a step: frame-000.svg and so on, for slides.

    All have the same size, with each node in the same place.

    Arguments:
        root: the Value to draw.
        path: the folder, made where there is none.
        options: as for `draw`.

    Returns the files. Raises what `draw` raises, and OSError where the folder cannot be written to.
    """
    longest = max(len("grad not computed"), len("grad −.e−300") + options.get("digits", 4))
    options.setdefault("cell_width", 7 * longest)
    last = sum(1 for _ in steps(checked(root)))
    pictures = (draw(root, step=k, **options).pipe(format="svg") for k in range(last + 1))
    digits = max(3, len(str(last)))
    return [write(folder(path) / f"frame-{k:0{digits}}.svg", picture) for k, picture in enumerate(pictures)]


class Drawing:
    """A scene turned into DOT."""

    def __init__(self, scene: Scene, theme: Theme, digits: int, rankdir: str, cell_width: int) -> None:
        from tinygrad_edu.show.dot import Digraph

        self.scene, self.theme, self.digits, self.cell_width = scene, theme, digits, cell_width
        self.vertical = rankdir in ("TB", "BT")
        self.places: dict[Value, tuple[int, int]] = {}
        font = {"fontname": "Helvetica", "fontcolor": theme.text}
        graph = {"rankdir": rankdir, "nodesep": "0.2", "ranksep": "0.35", "fontsize": "11", "bgcolor": theme.background}
        self.dot: Digraph = Digraph(
            format="svg",
            graph_attr=graph | font | ({} if scene.full else {"nslimit": "2", "mclimit": "0.1"}),
            node_attr={"shape": "plain", "fontsize": "11"} | font,
            edge_attr={"fontsize": "10", "arrowsize": "0.7", "color": theme.line} | font,
        )

    def add_units(self, places: dict[Value, tuple[int, int]], layers: bool) -> None:
        """The nodes and boxes, those with a place in the box of their neuron, and that in the box of its layer."""
        self.places = places
        for layer in dict.fromkeys(layer for layer, _ in places.values()):
            with self.box(self.dot, f"layer {layer}", layer) if layers else nullcontext(self.dot) as around:
                for place in dict.fromkeys(place for place in places.values() if place[0] == layer):
                    with self.box(around, f"neuron {place[1]}" if layers else described(place), *place) as inside:
                        for node in self.scene.nodes:
                            if places.get(node) == place:
                                self.add_node(inside, node)
        for unit in self.scene.units:
            if isinstance(unit, Box):
                self.add_box(unit)
            elif unit not in places:
                self.add_node(self.dot, unit)

    @contextmanager
    def box(self, dot: Any, title: str, *place: int) -> Iterator[Any]:
        with dot.subgraph(name="_".join(map(str, ("cluster", *place)))) as cluster:
            cluster.attr(label=title, style="rounded", color=self.theme.line)
            yield cluster

    def add_node(self, dot: Any, node: Value) -> None:
        name = self.scene.names.text(node)
        parts = (node.op.symbol if node.op else "", "B"), (name, "I")
        title = " ".join(f"<{tag}>{html(text)}</{tag}>" for text, tag in parts if plain(text))
        colour = self.theme.operation if node.op else self.theme.leaf
        self.add_table(dot, node, title, self.rows(node), colour, name)

    def add_box(self, box: Box) -> None:
        rows = [(f"{box.parameters} parameters", self.theme.text, self.theme.constant)]
        rows += self.rows(box.exits[0]) if len(box.exits) == 1 else []
        if len(box.exits) > 1:
            rows.append((f"{len(box.exits)} outputs", self.theme.data, self.theme.data_back))
        self.add_table(self.dot, box, f"<B>{box.title}</B>", rows, self.theme.operation, box.title)

    def add_table(
        self, dot: Any, unit: Value | Box, title: str, rows: list[tuple[str, str, str]], colour: str, name: str
    ) -> None:
        from tinygrad_edu.show.dot import escape

        label = table(title, rows, colour, self.theme, self.cell_width)
        dot.node(self.scene.ids[unit], label, id=self.scene.ids[unit], tooltip=escape(tooltip(name)))

    def rows(self, node: Value) -> list[tuple[str, str, str]]:
        if not self.scene.full:
            return []
        gradients = self.scene.gradients
        grad = shown(gradients[node], self.digits) if node in gradients else "not computed"
        return [
            (f"data {shown(node.data, self.digits)}", self.theme.data, self.theme.data_back),
            (f"grad {grad}", self.theme.grad, self.theme.grad_back),
        ]

    def add_edges(self, thick: set[Wire], contributions: bool) -> None:
        for edge in self.scene.edges:
            attributes = {"id": edge.id} | self.label(edge, contributions)
            contribution = self.scene.contributions.get(edge.id)
            if contributions and contribution is not None:
                share = abs(contribution) / self.scene.largest if isfinite(contribution) else 1.0
                attributes["color"] = self.theme.grad if contribution < 0 else self.theme.data
                attributes["penwidth"] = f"{0.6 + 2.4 * share:.2f}"
            if edge.id == self.scene.last or not thick.isdisjoint(edge.wires):
                attributes |= self.thick
            if isinstance(edge.head, Value) and edge.head in self.places:
                tail = self.places.get(edge.tail) if isinstance(edge.tail, Value) else None
                if tail != self.places[edge.head]:  # else boxes climb a half-empty staircase
                    attributes["minlen"] = "2" if self.vertical else "3"
            self.dot.edge(self.scene.ids[edge.tail], self.scene.ids[edge.head], **attributes)

    @property
    def thick(self) -> dict[str, str]:
        return {"color": self.theme.grad, "penwidth": "2.8"}

    def label(self, edge: Edge, contributions: bool) -> dict[str, str]:
        if edge.factor is None or not self.scene.full:
            return {}
        text = times(edge.factor, self.digits)
        if contributions:
            for known, colour in (
                (self.scene.contributions, self.theme.grad),
                (self.scene.coming, "transparent"),  # takes its room already, so that nothing moves between frames
            ):
                if edge.id in known and not isnan(known[edge.id]):
                    text += f'<BR/><FONT COLOR="{colour}">←{shown(known[edge.id], self.digits)}</FONT>'
        # A cell keeps the text off the line.
        return {"label": f'<<TABLE BORDER="0" CELLPADDING="2"><TR><TD>{text}</TD></TR></TABLE>>'}

    def add_rest(self, thick: set[Wire], constants: bool) -> None:
        """The constants of the nodes, and a sign for operands that lie too deep."""
        small = {"shape": "box", "style": "filled", "color": self.theme.line, "fillcolor": self.theme.constant}
        small |= {"height": "0.2", "width": "0.2", "margin": "0.05"}
        for node in self.scene.units:
            for k, parent in enumerate(node.parents) if isinstance(node, Value) else ():
                if isinstance(parent, float) and constants:
                    text = shown(parent, self.digits)
                elif isinstance(parent, Value) and parent not in self.scene.ids:
                    text = "…"
                else:
                    continue
                head = self.scene.ids[node]
                self.dot.node(f"c{head}_{k}", text, **small)
                line = self.thick if (parent, node) in thick else {}
                self.dot.edge(f"c{head}_{k}", head, id=f"e{head}_{k}", **line)
