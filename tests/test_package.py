"""What a package index shows of the package."""

import re
import runpy
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_description_has_no_link_that_leads_nowhere():
    pytest.importorskip("setuptools")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = runpy.run_path(str(ROOT / "setup.py"))["description"](readme)
    assert [link for link in re.findall(r"\]\(([^)]*)\)", text) if not link.startswith("https://")] == []
    assert "![" not in text
    for kept in ("## Two commands", "## Ten lines", "docs/learn.md", "one table (tinygrad_edu/engine/table.py)"):
        assert kept in text


def test_the_package_that_is_installed_has_this_description():
    try:
        installed = metadata.metadata("tinygrad_edu")
    except metadata.PackageNotFoundError:
        pytest.skip("not installed")
    text = installed.get_payload() or installed["Description"]
    assert installed["Description-Content-Type"] == "text/markdown"
    assert "## Two commands" in text
    assert "](docs/" not in text


def test_every_python_that_is_named_is_tried_by_ci():
    named = set(re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    tried = re.search(r"^for version in (.*); do$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert named == {*tried[1].split()}
