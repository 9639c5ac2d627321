"""The graph as an interactive page: one HTML file that steps through forward and backward, without a network."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from os import PathLike
from string import Template

from tinygrad_edu.engine import Value, leaves, topological
from tinygrad_edu.files import write
from tinygrad_edu.plain import plain
from tinygrad_edu.show.javascript import Program
from tinygrad_edu.show.picture import draw
from tinygrad_edu.show.scene import FULL
from tinygrad_edu.themes import THEMES


class Page:
    """An interactive page of a graph; a notebook shows it.

    Attributes:
        html: the whole file.
    """

    def __init__(self, html: str) -> None:
        self.html = html

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self.html, quote=True)}" sandbox="allow-scripts" '
            'style="width: 100%; height: 900px; border: 0"></iframe>'
        )


def explore(
    root: Value,
    path: str | PathLike[str] | None = None,
    *,
    title: str = "The chain rule, step by step",
    learning_rate: float = 0.1,
    rankdir: str = "LR",
    digits: int = 4,
) -> Page:
    """Make a page on which the backward pass can be stepped through, and every leaf changed.

    The page steps one operation forward and one edge backward at a time, says what each step does, lists the paths of
    the box that is pointed at, recomputes everything when a number is changed, and takes gradient descent steps. It is
    one file that needs no network.

    >>> from tinygrad_edu import Value
    >>> w = Value(0.3, "w")
    >>> page = explore((w * 2.0).sigmoid())
    >>> page.html.startswith("<!DOCTYPE html>"), "https:" in page.html
    (True, False)

    Arguments:
        root: the Value at the end of the graph.
        path: the file to write; without one the page is only returned.
        title: the heading.
        learning_rate: of the gradient descent step at first.
        rankdir, digits: as for `draw`.

    Returns the page. Raises ValueError for a graph of more than 150 nodes, and what `draw` raises.
    """
    nodes = [*leaves(root), *topological(root)]
    if len(nodes) > FULL:
        raise ValueError(f"the graph has {len(nodes)} nodes, more than the {FULL} that a page can show")
    svg = draw(root, rankdir=rankdir, digits=digits, cell_width=96).pipe(format="svg", encoding="utf-8")
    script = Program(nodes).source + "\n" + resource("page.js")
    style = resource("page.css") + dark_picture()
    page = Template(resource("page.html")).substitute(
        title=escape(plain(title)),
        rate=float(learning_rate),
        svg=inline(svg),
        trace=json.dumps(trace(nodes, digits), ensure_ascii=False).replace("<", "\\u003c"),
        style=style,
        style_hash=fingerprint(style),
        script=script,
        script_hash=fingerprint(script),
    )
    if path is not None:
        write(path, page)
    return Page(page)


def trace(nodes: list[Value], digits: int) -> dict[str, object]:
    """What the page knows of the graph."""
    place = {node: k for k, node in enumerate(nodes)}
    trained = any(getattr(node, "place", None) for node in nodes)
    names = [name(node, k) for k, node in enumerate(nodes)]
    return {
        "digits": digits,
        "nodes": [
            {
                "name": names[k],
                "data": node.data,
                "formula": formula(node, [names[place[p]] if isinstance(p, Value) else f"{p:g}" for p in node.parents]),
                "parents": [place[p] if isinstance(p, Value) else None for p in node.parents],
                "parameter": not node.parents and (hasattr(node, "place") if trained else True),
            }
            for k, node in enumerate(nodes)
        ],
    }


def name(node: Value, k: int) -> str:
    """The label, or else a symbol with a number."""
    return plain(node.label) or (f"{node.op.symbol}{k}" if node.op else f"leaf{k}")


def formula(node: Value, operands: list[str]) -> str:
    """The operation with the names of its operands."""
    if not node.op:
        return ""
    if node.op.many:
        width = len(operands) // len(node.op.operands)
        groups = [operands[i * width : (i + 1) * width] for i in range(len(node.op.operands))]
        return f"{node.op.name}({', '.join('[' + ', '.join(group) + ']' for group in groups)})"
    if len(operands) == 2 and not node.op.call.startswith(node.op.name):
        return f"{operands[0]} {node.op.symbol} {operands[1]}"
    return f"{node.op.name}({', '.join(operands)})"


def inline(svg: str) -> str:
    """The picture without its prolog, and without tooltips that would show ids."""
    body = svg[svg.index("<svg") :]
    return re.sub(r"<title>.*?</title>\n?", "", body, flags=re.DOTALL)


def dark_picture() -> str:
    """The light theme's colours in the picture, turned into the dark one's where the reader prefers that."""
    rules = ""
    for light, dark in dict(zip(THEMES["light"], THEMES["dark"], strict=True)).items():
        rules += f'#picture [fill="{light}"] {{ fill: {dark}; }} #picture [stroke="{light}"] {{ stroke: {dark}; }}\n'
    return f"@media (prefers-color-scheme: dark) {{\n{rules}}}\n"


def resource(file: str) -> str:
    return files("tinygrad_edu.show").joinpath(file).read_text(encoding="utf-8")


def fingerprint(text: str) -> str:
    """The hash by which the page's security policy knows its own script and style."""
    return b64encode(sha256(text.encode()).digest()).decode()
