"""The README and the pages of docs/: their code runs and prints what they say, and their links lead somewhere."""

import doctest
import re
from pathlib import Path

import pytest

from tests.test_examples import expected, run

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def failures(text, name="page"):
    """What goes wrong in a page's examples with prompts, which run one after the other, as one session."""
    # A fence ends the expected output, as a blank line does.
    session = re.sub("^```.*$", "", text, flags=re.MULTILINE)
    report = []
    test = doctest.DocTestParser().get_doctest(session, {}, name, name, 0)
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=report.append)
    return "".join(report)


@each_page
def test_examples_with_prompts_print_what_the_page_says(page):
    assert failures(page.read_text(encoding="utf-8"), page.name) == ""


@each_page
def test_examples_with_prompts_are_shown_as_code(page):
    outside = re.sub("^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert not re.findall("^>>>.*", outside, flags=re.MULTILINE), "Markdown shows a bare >>> as a quotation"


@each_page
def test_code_without_prompts_prints_what_its_comments_say(page, tmp_path):
    code = "".join(blocks(page.read_text(encoding="utf-8"), "python"))
    if code:
        script = tmp_path / "page.py"
        script.write_text(code, encoding="utf-8")
        assert run(script, tmp_path) == expected(code) != []


@each_page
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_the_readme_has_its_two_commands_and_ten_lines_of_code():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    start, test = ("".join(block).splitlines() for block in blocks(readme, "bash"))
    setup = "python3 -m venv .venv && .venv/bin/pip install -q "
    assert start == [setup + ". && .venv/bin/tinygrad-edu"]
    assert test == [setup + '-e ".[test]" && .venv/bin/python -m pytest -q']
    [code] = blocks(readme, "python")
    assert sum(1 for line in code.splitlines() if line) <= 10


@pytest.mark.parametrize("text", ["```pycon\n>>> 1 + 1\n3\n```\n", ">>> 1 + 1\n3\n", "```pycon\n>>> 1 / 0\n```\n"])
def test_a_wrong_example_is_caught(text):
    assert failures(text)
    assert not failures("```pycon\n>>> 1 + 1\n2\n```\n")
