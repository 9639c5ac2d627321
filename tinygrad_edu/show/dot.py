"""A graphviz.Digraph that renders wherever `pip install` does: with the system's `dot`, or with one from PyPI."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import graphviz  # type: ignore[import-untyped]

escape = graphviz.escape  # of text for a plain attribute: a backslash stays one, and <…> is no markup
TIMEOUT = 120  # seconds; the largest picture that draw() allows takes a few


class Digraph(graphviz.Digraph):  # type: ignore[misc]
    """A `graphviz.Digraph` that needs no system Graphviz for SVG and PNG.

    `pipe`, `render` and the notebook's display work as in the `graphviz` package. Where `dot` is not on PATH, the
    executable in the package `graphviz-pure` draws instead; it has no PDF.
    """

    def pipe(self, format: str | None = None, *args: Any, encoding: str | None = None, **options: Any) -> Any:
        """The picture as bytes, or as text in an encoding.

        Raises `graphviz.ExecutableNotFound`, with the command to run, where there is nothing to draw with.
        """
        try:
            return super().pipe(format, *args, encoding=encoding, **options)
        except graphviz.ExecutableNotFound:
            drawn = draw_bundled(self.source, format or self.format)
            return drawn.decode(encoding) if encoding else drawn

    def render(self, *args: Any, **options: Any) -> str:
        """Write the `.gv` source and the picture beside it, and return the picture's path.

        Raises as `pipe` does; the source is written all the same.
        """
        try:
            return str(super().render(*args, **options))
        except graphviz.ExecutableNotFound:
            source, format, outfile = self._paths(*args, **options)
            outfile.write_bytes(draw_bundled(self.source, format))
            if options.get("cleanup"):
                source.unlink()
            return str(outfile)

    def _paths(
        self,
        filename: str | None = None,
        directory: str | None = None,
        *,
        format: str | None = None,
        outfile: str | None = None,
        **_: Any,
    ) -> tuple[Path, str, Path]:
        """Where `render` has put the source, and where the picture goes."""
        if outfile is not None:
            target = Path(directory or self.directory or "", outfile)
            return Path(self.filepath), format or target.suffix[1:], target
        source = Path(directory or self.directory or "", filename or self.filename)
        format = format or self.format
        return source, format, source.with_name(f"{source.name}.{format}")


def draw_bundled(source: str, format: str) -> bytes:
    """Draw with the executable that `pip install graphviz-pure` brings.

    Raises RuntimeError where there is none, where it has no such format, and where it fails.
    """
    executable = bundled_executable()
    if executable is None:
        raise RuntimeError(
            "no Graphviz to draw with: run `pip install graphviz-pure`, or install Graphviz so that `dot` is on PATH"
        )
    if format == "pdf":
        raise RuntimeError("PDF needs Graphviz itself, with `dot` on PATH; SVG and PNG do not")
    done = subprocess.run(
        [executable, f"-T{format}"], input=source.encode(), capture_output=True, timeout=TIMEOUT, check=False
    )
    if done.returncode:  # an SVG may have come out all the same, with a label missing
        raise RuntimeError(f"drawing failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def bundled_executable() -> Path | None:
    """The executable of graphviz-pure, found through its metadata: a virtual environment need not be on PATH."""
    try:
        files = metadata.distribution("graphviz-pure").files or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.stem == "graphviz-pure" and file.suffix in ("", ".exe"):
            return Path(str(file.locate())).resolve()
    return None
