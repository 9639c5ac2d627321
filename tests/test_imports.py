"""Who may import whom, read from the source; and what an import must not load."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import tinygrad_edu

ROOT = Path(__file__).parents[1]
PACKAGE = Path(tinygrad_edu.__file__).parent
ALLOWED = {  # room: what of the package it may import besides itself
    "engine": set(),
    "files": set(),
    "misconceptions": set(),
    "neurons": {"engine"},
    "shell": set(),
    "themes": {"engine"},
    "expression": {"engine"},
    "nn": {"engine", "files", "neurons", "shell"},
    "show": {"engine", "files", "misconceptions", "neurons", "shell", "themes"},
    "check": {"engine", "misconceptions", "shell"},
    "plot": {"engine", "files", "shell", "themes"},
    "replay": {"engine", "shell"},
    "tasks": {"engine", "misconceptions", "show"},
}
EXCEPTIONS = {"nn/engines.py": {"replay"}}
FREE = {"exchange", "lesson", "live", "cli", "__init__", "__main__"}  # may import all
REQUIRED = {"click", "rich", "graphviz", "markdown_it"}
OPTIONAL = {"PIL", "numpy", "sympy", "mpmath", "matplotlib", "hypothesis", "llvmlite", "jax", "torch", "IPython"}

FILES = {str(path.relative_to(PACKAGE).as_posix()): path for path in sorted(PACKAGE.rglob("*.py"))}
each_file = pytest.mark.parametrize("file", FILES)


class Import(NamedTuple):
    """One import: the module, and the `try` around it that says what to do where the module is missing."""

    module: str
    guarded: bool
    typing_only: bool

    @property
    def top(self):
        return self.module.split(".")[0]


def imports(source):
    tree = ast.parse(source)
    guarded, typing_only = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any("ImportError" in ast.unparse(h.type) for h in node.handlers if h.type):
            guarded |= {id(inner) for child in node.body for inner in ast.walk(child)}
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            typing_only |= {id(inner) for child in node.body for inner in ast.walk(child)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ["." * node.level + (node.module or "")]
        else:
            continue
        for module in modules:
            yield Import(module, id(node) in guarded, id(node) in typing_only)


def mistakes(file, source):
    """What is wrong with the imports of one file of the package, in words."""
    room = file.split("/")[0].removesuffix(".py")
    allowed = {room} | ALLOWED.get(room, set()) | EXCEPTIONS.get(file, set())
    if room not in ALLOWED.keys() | FREE:
        yield f"{file}: a new room: add to ALLOWED what it may import"
    for found in imports(source):
        if found.top == "":
            yield f"{file}: relative import of {found.module}"
        elif found.top == "tinygrad_edu":
            if room not in FREE and found.module == "tinygrad_edu":
                yield f"{file}: imports the package, not a room"
            elif room not in FREE and found.module.split(".")[1] not in allowed:
                yield f"{file}: {room} must not import {found.module}"
        elif found.top in OPTIONAL:
            if not (found.guarded or found.typing_only):
                yield f"{file}: {found.module} may be missing: no except ImportError around its import"
        elif found.top not in sys.stdlib_module_names | REQUIRED:
            yield f"{file}: {found.module} is neither required nor optional"


@each_file
def test_rooms_import_one_way(file):
    assert list(mistakes(file, FILES[file].read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("file", "source", "mistake"),
    [
        ("engine/value.py", "from tinygrad_edu.show import draw", "engine must not import tinygrad_edu.show"),
        ("engine/value.py", "def f():\n  import tinygrad_edu.nn", "engine must not import tinygrad_edu.nn"),
        ("nn/modules.py", "from tinygrad_edu.replay import compile", "nn must not import tinygrad_edu.replay"),
        ("show/page.py", "from tinygrad_edu import Value", "imports the package, not a room"),
        ("show/page.py", "from . import picture", "relative import of ."),
        ("shop/till.py", "", "a new room: add to ALLOWED what it may import"),
        ("cli.py", "import numpy", "numpy may be missing: no except ImportError around its import"),
        ("cli.py", "try:\n  import numpy\nexcept ValueError: 0", "numpy may be missing"),
        ("cli.py", "import pandas as pd", "pandas is neither required nor optional"),
    ],
)
def test_the_rules_catch_a_wrong_import(file, source, mistake):
    [found] = mistakes(file, source)
    assert mistake in found


@pytest.mark.parametrize("library", sorted(OPTIONAL | {"graphviz"}))
def test_a_library_is_imported_in_one_module(library):
    importers = [
        file
        for file, path in FILES.items()
        if any(i.top == library and not i.typing_only for i in imports(path.read_text(encoding="utf-8")))
    ]
    rooms = [file.split("/")[0] for file in importers]  # PyTorch is exchanged with, and run on
    assert len(rooms) == len({*rooms}), f"{library} is imported in {importers}"


@pytest.mark.parametrize("file", sorted((ROOT / "tests").glob("*.py")), ids=lambda path: path.name)
def test_tests_can_be_collected_without_optional_libraries(file):
    top = ast.Module(ast.parse(file.read_text(encoding="utf-8")).body, [])
    outer = {alias.name.split(".")[0] for node in top.body if isinstance(node, ast.Import) for alias in node.names}
    outer |= {(node.module or "").split(".")[0] for node in top.body if isinstance(node, ast.ImportFrom)}
    assert not outer & OPTIONAL - {"hypothesis"}  # the tests' own need


def loaded_by(statement):
    """The top names of the modules that a fresh Python loads for a statement."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_importing_the_package_loads_no_library():
    loaded = loaded_by("import tinygrad_edu")
    assert "tinygrad_edu" in loaded
    assert loaded - {"tinygrad_edu"} <= sys.stdlib_module_names
    assert not loaded & {"ast", "inspect", "json", "dataclasses"}  # of the standard library, but slow to load


def test_importing_every_room_loads_no_optional_library():
    rooms = sorted({file.split("/")[0].removesuffix(".py") for file in FILES} - {"__init__", "__main__"})
    loaded = loaded_by("import " + ", ".join(f"tinygrad_edu.{room}" for room in rooms))
    assert "click" in loaded
    assert not loaded & OPTIONAL


def test_no_room_has_the_name_of_a_public_function():
    rooms = {file.split("/")[0].removesuffix(".py") for file in FILES}
    assert not rooms & {*tinygrad_edu.__all__, *tinygrad_edu.TABLE}


def test_every_public_name_is_there():
    assert [name for name in tinygrad_edu.__all__ if not hasattr(tinygrad_edu, name)] == []


def test_every_extra_that_a_text_names_exists():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [section] = re.findall(r"\[project.optional-dependencies\]\n(.*?)\n\n", project, flags=re.DOTALL)
    extras = set(re.findall(r"^([\w-]+) = \[", section, flags=re.MULTILINE))
    texts = [*FILES.values(), *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    named = {
        extra
        for path in texts
        for extras_named in re.findall(r'"(?:tinygrad_edu|\.)\[([\w,-]+)\]"', path.read_text(encoding="utf-8"))
        for extra in extras_named.split(",")
    }
    assert named
    assert named <= extras


@each_file
def test_every_module_can_be_imported(file):
    """Doctests of modules whose library is missing are left out; here it is said which one."""
    if file == "__main__.py":
        return
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    try:
        importlib.import_module("tinygrad_edu" if module == "__init__" else f"tinygrad_edu.{module}")
    except ImportError as error:
        if " -m pip install " not in str(error):
            raise
        pytest.skip(str(error))
