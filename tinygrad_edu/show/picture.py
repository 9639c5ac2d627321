"""The graph as a picture: what each node holds, and the factor that the chain rule puts on each edge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import NOT_COMPUTED, Value, check_recorded, leaves, local_derivatives, topological
from tinygrad_edu.show.labels import THEMES, Theme, html, plain, table
from tinygrad_edu.show.neurons import neurons
from tinygrad_edu.show.numbers import shown

if TYPE_CHECKING:
    from tinygrad_edu.show.dot import Digraph

FULL, LARGEST = 150, 1000  # nodes drawn with all their numbers; nodes drawn at all


def draw(
    root: Value,
    *,
    highlight: Value | Iterable[Value] = (),
    contributions: bool = False,
    constants: bool = True,
    boxes: bool = True,
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
        highlight: Values whose edges to each other are drawn thick; one Value stands for all its paths to the root.
        contributions: whether each edge also shows gradient × local derivative, after `backward()`.
        constants: whether plain numbers are drawn.
        boxes: whether the nodes of each neuron of `tinygrad_edu.nn` stand in a box.
        rankdir: "LR" from left to right, "TB" from top to bottom.
        theme: "light", "dark" or "print".
        digits: significant digits.
        max_nodes: refuse a larger graph.
        cell_width: the least width of a node, in points.

    Returns a `graphviz.Digraph`, which a notebook shows, and `render` and `pipe` turn into SVG or PNG.
    Raises ValueError for a graph that is too large or whose data were changed after the forward pass, and for an
    unknown theme or direction.
    """
    from tinygrad_edu.show.dot import Digraph

    for name, value, allowed in (("theme", theme, tuple(THEMES)), ("rankdir", rankdir, ("LR", "TB", "RL", "BT"))):
        if value not in allowed:
            raise ValueError(f"{name} expected one of {', '.join(allowed)}, got {value!r}")
    nodes = [*leaves(root), *topological(root)]
    if len(nodes) > max_nodes:
        raise ValueError(
            f"the graph has {len(nodes)} nodes, more than max_nodes={max_nodes}: draw a part of it, or raise max_nodes"
        )
    check_recorded(root)
    picture = Picture(nodes, THEMES[theme], digits, cell_width, full=len(nodes) <= FULL)
    dot = Digraph(
        graph_attr={
            "rankdir": rankdir,
            "nodesep": "0.2",
            "ranksep": "0.35",
            "bgcolor": picture.theme.background,
            "fontname": "Helvetica",
            "fontsize": "11",
            "fontcolor": picture.theme.text,
        }
        | ({} if picture.full else {"nslimit": "2", "mclimit": "0.1"}),
        node_attr={"shape": "plain", "fontname": "Helvetica", "fontsize": "11"},
        edge_attr={
            "fontname": "Helvetica",
            "fontsize": "10",
            "arrowsize": "0.7",
            "color": picture.theme.line,
            "fontcolor": picture.theme.text,
        },
    )
    groups = neurons(root) if boxes else {}
    thick = highlighted(nodes, highlight)
    for group in dict.fromkeys(groups.values()):
        layer, neuron = group
        with dot.subgraph(name=f"cluster_{layer}_{neuron}") as box:
            box.attr(label=f"layer {layer}, neuron {neuron}", style="rounded", color=picture.theme.line)
            for node in nodes:
                if groups.get(node) == group:
                    picture.add_node(box, node)
    for node in nodes:
        if node not in groups:
            picture.add_node(dot, node)
        picture.add_edges(dot, node, thick, contributions, constants, groups, 2 if rankdir in ("TB", "BT") else 3)
    return dot


class Picture:
    """What the nodes and edges of one picture share."""

    def __init__(self, nodes: list[Value], theme: Theme, digits: int, cell_width: int, full: bool) -> None:
        self.ids = {node: f"n{k}" for k, node in enumerate(nodes)}
        self.theme, self.digits, self.cell_width, self.full = theme, digits, cell_width, full

    def number(self, number: float) -> str:
        return shown(number, self.digits)

    def add_node(self, dot: Any, node: Value) -> None:
        from tinygrad_edu.show.dot import escape

        symbol = f"<B>{html(node.op.symbol)}</B>" if node.op else ""
        title = " ".join(part for part in (symbol, f"<I>{html(node.label)}</I>" if node.label else "") if part) or " "
        rows = []
        if self.full:
            grad = "not computed" if node.grad is NOT_COMPUTED else self.number(node.grad)
            rows.append((f"data {self.number(node.data)}", self.theme.data, self.theme.data_back))
            rows.append((f"grad {grad}", self.theme.grad, self.theme.grad_back))
        colour = self.theme.operation if node.op else self.theme.leaf
        name = plain(node.label) or (node.op.name if node.op else "leaf")
        dot.node(
            self.ids[node],
            table(title, rows, colour, self.theme, self.cell_width),
            id=self.ids[node],
            tooltip=escape(name),
        )

    def add_edges(
        self,
        dot: Any,
        node: Value,
        thick: set[tuple[Value, Value]],
        contributions: bool,
        constants: bool,
        groups: dict[Value, tuple[int, int]],
        crossing: int,
    ) -> None:
        partials = {k: partial for k, _, partial in local_derivatives(node)} if self.full else {}
        for k, parent in enumerate(node.parents):
            edge = f"{self.ids[node]}_{k}"
            if isinstance(parent, float):
                if constants:
                    dot.node(
                        f"c{edge}",
                        self.number(parent),
                        shape="box",
                        style="filled",
                        color=self.theme.line,
                        fillcolor=self.theme.constant,
                        fontcolor=self.theme.text,
                        height="0.2",
                        width="0.2",
                        margin="0.05",
                    )
                    dot.edge(f"c{edge}", self.ids[node], id=f"e{edge}")
                continue
            attributes = {"id": f"e{edge}"}
            if self.full:
                text = f"×{self.number(partials[k])}"
                if contributions and node.grad is not NOT_COMPUTED:
                    text += f'<BR/><FONT COLOR="{self.theme.grad}">←{self.number(partials[k] * node.grad)}</FONT>'
                # A cell keeps the text off the line.
                attributes["label"] = f'<<TABLE BORDER="0" CELLPADDING="2"><TR><TD>{text}</TD></TR></TABLE>>'
            if (parent, node) in thick:
                attributes |= {"color": self.theme.grad, "penwidth": "2.8"}
            if groups.get(parent) != groups.get(node) and node in groups:
                attributes["minlen"] = str(crossing)
            dot.edge(self.ids[parent], self.ids[node], **attributes)


def highlighted(nodes: list[Value], highlight: Value | Iterable[Value]) -> set[tuple[Value, Value]]:
    """The edges to draw thick: those on any way from one Value to the root, or those between the Values of a path."""
    wanted = {highlight} if isinstance(highlight, Value) else set(highlight)
    unknown = wanted.difference(nodes)
    if unknown:
        raise ValueError(f"highlight expected Values of the graph, got {next(iter(unknown))!r}")
    grows = isinstance(highlight, Value)
    edges = set()
    for node in nodes:
        for parent in node.parents:
            if parent in wanted and (grows or node in wanted):
                edges.add((parent, node))
                wanted.add(node)
    return edges
