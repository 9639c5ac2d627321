"""Who may import whom, read from the source; and what `import tinygrad_edu` must not load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_edu

PACKAGE = Path(tinygrad_edu.__file__).parent
ALLOWED = {  # room: the rooms it may import
    "engine": set(),
    "nn": {"engine", "replay"},
    "show": {"engine", "files", "replay"},
    "check": {"engine"},
    "replay": {"engine"},
    "expression": {"engine"},
    "files": set(),
}
OPTIONAL = {"numpy", "sympy", "matplotlib", "hypothesis", "numba", "jax", "torch", "IPython", "mpmath"}


def room(module):
    return module.split(".")[1] if "." in module else module


def imports(path):
    """(module, whether it is imported at the top of the file, whether for type checkers only) of each import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node in tree.body, id(node) in typing_only
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module, node in tree.body, id(node) in typing_only


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_rooms_import_one_way(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own not in ALLOWED:  # lesson, cli and the package itself may import all
        return
    for module, _, _ in imports(path):
        if module.startswith("tinygrad_edu"):
            assert module != "tinygrad_edu", f"{path}: import the room, not the package"
            assert room(module) in ALLOWED[own] | {own}, f"{own} must not import {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_optional_libraries_are_imported_where_they_are_used(path):
    for module, top, typing_only in imports(path):
        if module.split(".")[0] in OPTIONAL:
            assert typing_only or not top, f"{path} imports {module} at the top"


def test_importing_the_package_loads_no_library():
    code = "import sys, tinygrad_edu; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "tinygrad_edu.engine.registry" in loaded
    assert not {name.split(".")[0] for name in loaded} & (OPTIONAL | {"rich", "click", "graphviz", "ast", "json"})


def test_the_rules_catch_a_wrong_import(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from tinygrad_edu.show import draw\n")
    [(module, top, _)] = imports(wrong)
    assert top
    assert room(module) not in ALLOWED["engine"]
