"""What is written from the table is current."""

import inspect
import re
from pathlib import Path

import pytest

from tinygrad_edu import Value
from tinygrad_edu.engine import stubs
from tinygrad_edu.engine.table import markdown

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize(("path", "written"), [(stubs.METHODS, stubs.methods), (stubs.FUNCTIONS, stubs.functions)])
def test_the_stubs_are_current(path, written):
    assert path.read_text(encoding="utf-8") == written(), "run python -m tinygrad_edu.engine.stubs"


def test_the_stub_has_every_generated_method():
    generated = {n for n, f in inspect.getmembers(Value, inspect.isfunction) if f.__module__ == "tinygrad_edu"}
    assert generated == set(re.findall(r"def (\w+)", stubs.methods()))


def test_the_page_of_operations_is_current():
    assert (DOCS / "operations.md").read_text(encoding="utf-8") == markdown(), "run python -m tinygrad_edu.engine.table"
