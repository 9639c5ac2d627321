"""A graphviz.Digraph that renders wherever `pip install` does: with the system's `dot`, or with one from PyPI."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module, metadata
from os import PathLike
from pathlib import Path
from typing import Any

import graphviz  # type: ignore[import-untyped]

from tinygrad_edu.files import write
from tinygrad_edu.shell import install
from tinygrad_edu.show.svg import described, scaled
from tinygrad_edu.themes import Theme

escape = graphviz.escape  # of text for a plain attribute: a backslash stays one, and <…> is no markup
PICTURES = ("svg", "png", "pdf", "jpg")
TIMEOUT = 120  # seconds; most pictures that draw() allows take a few
SMALLER = 'draw less of the graph, with depth=, collapse="neurons" or collapse="layers"'


class Digraph(graphviz.Digraph):  # type: ignore[misc]
    """A `graphviz.Digraph` that needs no system Graphviz for SVG and PNG.

    `pipe`, `render`, `save`, `view` and the notebook's display are those of the `graphviz` package. Where `dot` is not
    on PATH, the executable in the package `graphviz-pure` draws instead; it has no PDF.

    Attributes:
        title, description: what an SVG says of itself.
        caption: the last step of the backward pass as a formula, where the picture shows one.
        drawing: what it was made from.
    """

    title = description = caption = ""
    drawing: Any = None

    # Not through the methods of the base class: these take no timeout, and write half a file where `dot` fails.
    def pipe(self, format: str | None = None, *, engine: str | None = None, encoding: str | None = None) -> Any:
        """The picture as bytes, or as text in an encoding.

        Raises RuntimeError, with what to do, where there is nothing to draw with and where drawing fails.
        """
        format = format or self.format
        drawn = run(self.source, format, engine or self.engine)
        if format == "svg":
            drawn = described(drawn.decode(), self.title, self.description).encode()
        return drawn.decode(encoding) if encoding else drawn

    def _repr_image_svg_xml(self) -> str:
        return scaled(str(self.pipe(format="svg", encoding="utf-8")))

    def render(
        self,
        filename: str | PathLike[str] | None = None,
        directory: str | PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        quiet: bool = False,
        quiet_view: bool = False,
        *,
        outfile: str | PathLike[str] | None = None,
        engine: str | None = None,
    ) -> str:
        """Write the `.gv` source and the picture beside it, and return the picture's path.

        A `filename` without an ending is that of both: render("tanh") writes tanh.gv and tanh.svg. One that ends like a
        picture is that of the picture: render("tanh.png") writes tanh.png.

        Raises what `pipe` raises; the source is written all the same, and no half picture.
        """
        ending = Path(filename or "").suffix[1:].lower()
        if outfile is None and ending in PICTURES and format in (None, ending):
            filename, outfile = None, filename
        if outfile is not None:
            filename = filename or Path(outfile).with_suffix(".gv")
            format = format or Path(outfile).suffix[1:].lower()
        format = format or self.format
        bare = filename is not None and not Path(filename).suffix
        source = Path(self.save(f"{filename}.gv" if bare else filename, directory=directory))
        target = source.with_suffix(f".{format}") if bare else source.with_name(f"{source.name}.{format}")
        target = Path(self.directory or "", outfile) if outfile else target
        if target == source:
            raise ValueError(f"outfile {target} is the file of the source: save() writes that")
        write(target, self.pipe(format, engine=engine))
        if cleanup:
            source.unlink()
        if view or quiet_view:
            graphviz.view(str(target), quiet=quiet_view)
        return str(target)


def empty(theme: Theme, rankdir: str, **attributes: str) -> Digraph:
    """A graph without nodes in the style of all pictures; `attributes` are further ones of the graph."""
    font = {"fontname": "Helvetica", "fontcolor": theme.text}
    graph = {"rankdir": rankdir, "nodesep": "0.2", "ranksep": "0.35", "fontsize": "11"} | attributes
    return Digraph(
        format="svg",
        graph_attr=graph | {"bgcolor": theme.background} | font,
        node_attr={"shape": "plain", "fontsize": "11"} | font,
        edge_attr={"fontsize": "10", "arrowsize": "0.7", "color": theme.line} | font,
    )


def run(source: str, format: str, engine: str = "dot") -> bytes:
    """Lay a graph out and draw it, with the system's `dot` or else with the executable from PyPI.

    Raises RuntimeError where there is neither, for PDF without the first, where drawing fails, and where it takes more
    than two minutes.
    """
    if sys.platform == "emscripten":
        return drawn_by_page(source, format, engine)
    executable = shutil.which("dot")
    if executable is None and format == "pdf":
        raise RuntimeError("PDF needs Graphviz itself, with `dot` on PATH; SVG and PNG do not")
    executable = executable or bundled_executable()
    if executable is None:
        raise RuntimeError(
            f"no Graphviz to draw with: run {install('graphviz-pure')}, or install Graphviz so that `dot` is on PATH"
        )
    try:
        done = subprocess.run(
            [executable, f"-K{engine}", f"-T{format}"],
            input=source.encode(),
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"drawing took more than {TIMEOUT} seconds: {SMALLER}") from None
    if done.returncode < 0:
        raise RuntimeError(f"{executable} crashed (signal {-done.returncode}): {SMALLER}")
    if done.returncode:  # an SVG may have come out all the same, with a label missing
        raise RuntimeError(f"drawing failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def drawn_by_page(source: str, format: str, engine: str) -> bytes:
    """In WebAssembly, which starts no program: the Graphviz that the page has loaded beside Python.

    Raises RuntimeError where it has none, and for what is no text: that has SVG and DOT, not PNG and PDF.
    """
    layout = getattr(import_module("js"), "tinygradEduGraphviz", None)  # what JavaScript calls globalThis
    if layout is None:
        raise RuntimeError(
            "no Graphviz to draw with: a page has to load one (npm's @hpcc-js/wasm-graphviz) and set "
            "globalThis.tinygradEduGraphviz = (source, format, engine) => graphviz.layout(source, format, engine); "
            f"where Python runs outside of a browser, run {install('graphviz-pure')}"
        )
    if format in ("png", "pdf"):
        raise RuntimeError(f"in a browser there is SVG, not {format.upper()}")
    try:
        return str(layout(source, format, engine)).encode()
    except Exception as error:  # of JavaScript
        raise RuntimeError(f"drawing failed: {error}") from None


def bundled_executable() -> str | None:
    """The executable of graphviz-pure, found through its metadata: a virtual environment need not be on PATH."""
    try:
        files = metadata.distribution("graphviz-pure").files or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.stem == "graphviz-pure" and file.suffix in ("", ".exe"):
            return str(Path(str(file.locate())).resolve())
    return None
