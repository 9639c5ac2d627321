"""The backward pass as pictures, one a step: one layout, in which each frame has its numbers and lines."""

from __future__ import annotations

import xml.etree.ElementTree as xml
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import Value
from tinygrad_edu.files import folder, write
from tinygrad_edu.show.backward import checked, steps
from tinygrad_edu.show.boxes import Box
from tinygrad_edu.show.picture import Drawing, draw
from tinygrad_edu.show.scene import Edge

if TYPE_CHECKING:
    from tinygrad_edu.show.dot import Digraph

SPACE = "http://www.w3.org/2000/svg"
xml.register_namespace("", SPACE)
xml.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def frames(root: Value, path: str | PathLike[str], **options: Any) -> list[Path]:
    """Write the backward pass as numbered SVGs, one a step: frame-000.svg and so on, for slides.

    All have the same size, with each node in the same place: frame k shows what `draw(root, step=k)` shows.

    Arguments:
        root: the Value to draw.
        path: the folder, made where there is none.
        options: as for `draw`.

    Returns the files. Raises what `draw` raises, and OSError where the folder cannot be written to.
    """
    if Path(path).suffix.lower() in (".svg", ".png", ".gif", ".html", ".pdf"):
        raise ValueError(f"frames expected a folder, got {str(path)!r}; for one file of all steps there is animate")
    last = sum(1 for _ in steps(checked(root)))
    picture = draw(root, step=last, **options)
    digits = max(3, len(str(last)))
    target = folder(path)
    return [write(target / f"frame-{k:0{digits}}.svg", svg) for k, svg in enumerate(each(picture, last))]


def each(picture: Digraph, last: int) -> Iterator[str]:
    """The frames, from step 0 to the last."""
    drawn: Drawing = picture.drawing
    svg = xml.fromstring(picture.pipe(format="svg"))
    groups = {group.get("id"): group for group in svg.iter(f"{{{SPACE}}}g")}
    cells = [(node, grad) for node, unit in shown_nodes(drawn) for grad in centred(groups[drawn.scene.ids[unit]])]
    lines = [(edge, groups[edge.id]) for edge in drawn.scene.edges]
    for step in range(last + 1):
        drawn.scene.run(step)
        for node, grad in cells:
            grad.text = drawn.grad(node)
        for edge, group in lines:
            restyle(group, edge, drawn)
        yield '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(svg, encoding="unicode") + "\n"


def shown_nodes(drawn: Drawing) -> Iterator[tuple[Value, Value | Box]]:
    """The nodes whose numbers the picture has, and what shows them."""
    for unit in drawn.scene.units if drawn.scene.full else ():
        if isinstance(unit, Value):
            yield unit, unit
        elif len(unit.exits) == 1:
            yield unit.exits[0], unit


def centred(group: xml.Element) -> Iterator[xml.Element]:
    """The text of the gradient, which from now on stays in the middle of its cell whatever it says."""
    cell: list[float] = []
    for element in group.iter():
        if element.tag.endswith("polygon"):
            cell = [float(point.split(",")[0]) for point in element.get("points", "").split()]
        elif element.tag.endswith("text") and (element.text or "").startswith("grad "):
            element.set("text-anchor", "middle")
            element.set("x", f"{(min(cell) + max(cell)) / 2:g}")
            yield element


def restyle(group: xml.Element, edge: Edge, drawn: Drawing) -> None:
    """Give an edge the line and the contribution of the step."""
    line = {"color": drawn.theme.line, "penwidth": "1"} | drawn.line(edge)
    for element in group.iter():
        kind = element.tag.rpartition("}")[2]
        if kind in ("path", "polygon"):
            element.set("stroke", line["color"])
            element.set("stroke-width", line["penwidth"])
            if kind == "polygon":
                element.set("fill", line["color"])
            elif "style" in line:
                element.set("stroke-dasharray", "5,2")
            else:
                element.attrib.pop("stroke-dasharray", None)
        elif kind == "text" and (element.text or "").startswith("←"):
            element.set("fill", drawn.contribution_colour(edge).replace("transparent", "none"))
