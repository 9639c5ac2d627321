"""Every example runs, and prints the numbers in its comments; one whose library is missing is skipped."""

import ast
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(path, cwd):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, path], cwd=cwd, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def expected(text):
    """The lines in the comments behind `print(...)`: `# 24.7041` or `# -> 24.7041`."""
    return re.findall(r"^ *print\(.*\)  # (?:-> )?(.*)$", text, flags=re.MULTILINE)


def needed(text):
    """The libraries that a script imports, and the package whose names it reads."""
    found = {
        name.name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    found |= {node.module.split(".")[0] for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    return found | set(re.findall(r'files\("(\w+)"\)', text))


def compared(lines, comments):
    """The lines, with ... for those whose comment is ..., which differ from machine to machine."""
    return ["..." if comment == "..." else line for line, comment in zip(lines, comments, strict=True)]


def missing(path):
    """A library that an example needs and that is not installed."""
    return next((name for name in sorted(needed(path.read_text(encoding="utf-8"))) if find_spec(name) is None), "")


@pytest.fixture(scope="module")
def outputs(request, tmp_path_factory):
    """What each of the examples that are asked for will have printed: two run at a time."""
    own = [item for item in request.session.items if item.path == request.path]
    asked = [item.callspec.params["path"] for item in own if "outputs" in item.fixturenames]
    with ThreadPoolExecutor(2) as pool:
        yield {path: pool.submit(run, path, tmp_path_factory.mktemp("run")) for path in asked if not missing(path)}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_prints_what_its_comments_say(path, outputs):
    if library := missing(path):
        pytest.skip(f"{library} is not installed")
    comments = expected(path.read_text(encoding="utf-8"))
    assert set(comments) - {"..."}, "an example prints numbers"
    assert compared(outputs[path].result(), comments) == comments


def test_a_wrong_number_in_a_comment_is_caught(tmp_path):
    script = tmp_path / "wrong.py"
    script.write_text('print("24.7041")  # -> 24.7042\n')
    assert expected(script.read_text()) == ["24.7042"]
    assert run(script, tmp_path) == ["24.7041"]


def test_the_expression_of_micrograds_readme(tmp_path):
    assert run(ROOT / "examples" / "micrograd_readme.py", tmp_path) == ["24.7041", "138.8338", "645.5773"]
