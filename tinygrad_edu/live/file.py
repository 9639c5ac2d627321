"""A live page as a file: lessons, the package, Python and Graphviz in WebAssembly, an editor."""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib import metadata
from io import BytesIO
from pathlib import Path
from string import Template
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from tinygrad_edu.engine import Value
from tinygrad_edu.files import in_script
from tinygrad_edu.live.assets import WEB, bundle, licences, modules
from tinygrad_edu.live.lessons import for_page
from tinygrad_edu.show.page import colours, fingerprint, resource
from tinygrad_edu.tasks import Section

PACKAGE = Path(__file__).parents[1]
LIBRARIES = ("graphviz", "rich")  # of the package's needs, those that a lesson may come to
PYTHON = "3.14"


def build(lessons: Sequence[Section], title: str) -> str:
    """The page as one file, which asks nothing of any network."""
    inside = "\n".join(
        f'<script id="file-{name}" type="text/plain">{b64encode(content).decode()}</script>'
        for name, content in assets().items()
    )
    return page(lessons, title, inside, "'none'")


def folder(lessons: Sequence[Section], title: str) -> dict[str, bytes]:
    """The page as files by their names, for a server: a browser keeps the large ones."""
    beside = {f"{name}.gz": content for name, content in assets().items()}
    return beside | {"index.html": page(lessons, title, "", "'self'").encode()}


@cache
def assets() -> dict[str, bytes]:
    """What the page unpacks, by id."""
    pyodide = modules() / "pyodide"
    contents = {
        "worker": bundle("worker.js").encode(),
        "lock": (pyodide / "pyodide-lock.json").read_bytes(),
        "stdlib": stored(pyodide / "python_stdlib.zip"),
        "packages": packages(),
        "wasm": (pyodide / "pyodide.asm.wasm").read_bytes(),
        "licences": licences().encode(),
    }
    return {name: gzip.compress(content, 9, mtime=0) for name, content in contents.items()}


def stored(path: Path) -> bytes:
    """A zip without compression: compressed as a whole it is smaller than file by file."""
    with ZipFile(path) as zipped:
        return archive({name: zipped.read(name) for name in zipped.namelist() if not name.endswith("/")})


def packages() -> bytes:
    """The package and its libraries, as a zip."""
    found = {}
    for path in PACKAGE.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            found[f"tinygrad_edu/{path.relative_to(PACKAGE).as_posix()}"] = path.read_bytes()
    for library in LIBRARIES:
        for file in metadata.files(library) or []:
            if file.suffix == ".py" and file.parts[0] == library:
                found[file.as_posix()] = Path(str(file.locate())).read_bytes()
    return archive(found)


def archive(contents: dict[str, bytes]) -> bytes:
    """A zip that depends on nothing but what is in it."""
    made = BytesIO()
    with ZipFile(made, "w", ZIP_STORED) as zipped:
        for name in sorted(contents):
            zipped.writestr(ZipInfo(name), contents[name])
    return made.getvalue()


def names() -> list[dict[str, str]]:
    """What an editor completes: the public names, and the attributes of a Value."""
    import tinygrad_edu

    def entry(name: str, thing: object, kind: str) -> dict[str, str]:
        return {
            "label": name,
            "type": kind,
            "detail": (getattr(thing, "__doc__", "") or "").strip().split("\n")[0][:70],
        }

    public = [name for name in tinygrad_edu.__all__ if not name.startswith("plot")]
    found = [entry(name, getattr(tinygrad_edu, name), "function") for name in public]
    own = sorted({*dir(Value)} - {*public})
    return found + [entry(name, getattr(Value, name, None), "property") for name in own if not name.startswith("_")]


def page(lessons: Sequence[Section], title: str, inside: str, connect: str) -> str:
    style = colours() + (WEB / "page.css").read_bytes().decode()
    script = bundle("page.js")
    return Template((WEB / "page.html").read_bytes().decode()).substitute(
        title=escape(title),
        language="en",
        python=PYTHON,
        connect=connect,
        lessons=in_script([*map(for_page, lessons)]),
        names=in_script(names()),
        assets=inside,
        style=style,
        style_hash=fingerprint(style),
        frame_style_hash=fingerprint(colours() + resource("page.css")),
        script=script,
        script_hash=fingerprint(script),
    )
