"""Live pages: what they are made of, and what the interpreter in them says. In a browser: test_live_page.py."""

import base64
import gzip
import io
import json
import re
import sys
import types
import zipfile

import pytest
from click.testing import CliRunner

from tinygrad_edu import cli
from tinygrad_edu.live import assets, build, folder, lessons
from tinygrad_edu.live.session import MOST, Session
from tinygrad_edu.show.dot import run

needs_cache = pytest.mark.skipif(
    not assets.cache().is_dir(), reason="needs what npm brings: run tinygrad-edu live -o /dev/null once"
)


# The file


@needs_cache
def test_a_page_is_made_again_byte_for_byte_and_is_small():
    page = build(lessons(), "Lessons")
    assert page == build(lessons(), "Lessons")
    assert len(page.encode()) <= 12.5e6


@needs_cache
def test_its_policy_knows_its_script_and_style_and_no_network():
    page = build(lessons(), "A <title>")
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["connect-src"] == "'none'"
    assert "unsafe-inline" not in policy
    assert "'unsafe-eval'" not in policy
    assert "<title>A &lt;title&gt;</title>" in page


@needs_cache
def test_it_holds_the_package_its_libraries_and_all_licences():
    content = {
        name: gzip.decompress(base64.b64decode(text))
        for name, text in re.findall(r'<script id="file-(\w+)" type="text/plain">([^<]*)<', build(lessons(), "x"))
    }
    inside = zipfile.ZipFile(io.BytesIO(content["packages"])).namelist()
    assert {"tinygrad_edu/engine/value.py", "graphviz/__init__.py", "rich/console.py"} <= {*inside}
    for name in ("pyodide", "@hpcc-js/wasm-graphviz", "@codemirror/view", "@lezer/python"):
        assert f"{name} " in content["licences"].decode()


@needs_cache
def test_a_folder_holds_the_large_files_beside_the_page(tmp_path):
    made = folder(lessons(), "x")
    assert {"index.html", "wasm.gz", "stdlib.gz"} <= made.keys()
    assert len(made["index.html"]) < 1e6
    assert b"connect-src 'self'" in made["index.html"]


def test_every_package_is_pinned_by_its_hash():
    lock = json.loads((assets.WEB / "package-lock.json").read_text())
    packages = {name: about for name, about in lock["packages"].items() if name}
    assert len(packages) > 20
    assert all(about["integrity"].startswith("sha512-") for about in packages.values())


def test_without_npm_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match=r"no npm to make a live page with: install Node.*nodejs npm"):
        assets.modules()


def test_where_npm_fails_its_first_words_are_told_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "npm").write_text("#!/bin/sh\necho npm error network >&2\nexit 1\n")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(RuntimeError, match="npm failed: npm error network"):
        assets.modules()
    assert [*(tmp_path / "cache" / "tinygrad_edu").iterdir()] == []


def test_a_lesson_that_cannot_be_read_is_a_line_of_an_error(tmp_path):
    (tmp_path / "a.md").write_text("# A\n\n```python answer\n1\n```\n")
    result = CliRunner().invoke(cli.command, ["live", "--lesson", str(tmp_path / "a.md")])
    assert isinstance(result.exception, ValueError)
    assert "line 3: python answer expected a python task before it" in str(result.exception)


# Pictures in WebAssembly


def in_a_browser(monkeypatch, **names):
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setitem(sys.modules, "js", types.SimpleNamespace(**names))


def test_in_webassembly_the_page_draws(monkeypatch):
    in_a_browser(monkeypatch, tinygradEduGraphviz=lambda source, format, engine: f"{format} of {source} by {engine}")
    assert run("digraph {}", "svg") == b"svg of digraph {} by dot"
    with pytest.raises(RuntimeError, match="in a browser there is SVG, not PNG"):
        run("digraph {}", "png")


def test_a_page_without_graphviz_says_both_ways(monkeypatch):
    in_a_browser(monkeypatch)
    with pytest.raises(RuntimeError, match=r"npm's @hpcc-js/wasm-graphviz.*graphviz-pure"):
        run("digraph {}", "svg")


# The interpreter's side


def session():
    said = []
    made = Session(said.append)

    def ask(kind, **given):
        return json.loads(made.answer(json.dumps({"kind": kind, **given})))

    return ask, said


NEURON = """from tinygrad_edu import Value, tanh
w, x = Value(0.3, "w"), Value(2.0, "x")
y = tanh(w * x)
y.backward()
print(round(w.grad, 4))
"""


def test_a_run_draws_the_result_that_is_named_last_and_tells_what_is_printed():
    ask, said = session()
    result = ask("run", text=NEURON)
    assert "tanh" in result["picture"]
    assert result["error"] is None
    assert said == ["1.4232\n"]


def test_a_value_that_is_pointed_at_is_explained():
    ask, _ = session()
    ask("run", text=NEURON)
    assert "0.7116 × 2 = 1.4232" in ask("explain", id="n0")["html"]
    assert 'style="' not in ask("explain", id="n0")["html"]


def test_the_stepping_page_starts_from_gradients_of_zero_and_leaves_them():
    ask, _ = session()
    ask("run", text=NEURON)
    assert '"leftover":false' in ask("step")["html"]
    assert "1.423" in ask("run", text=NEURON)["picture"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("x = 1\ny = (", 2, "SyntaxError: '(' was never closed"),
        ("x = 1\n\n1 / 0", 3, "ZeroDivisionError: division by zero"),
        ("def f():\n    raise KeyError\n\nf()", 2, "KeyError"),
        ("import sys\nsys.exit()", None, "the code asked the interpreter to end"),
        ("def f(): f()\nf()", 1, "RecursionError: maximum recursion depth exceeded"),
        ("from tinygrad_edu import Value, dot\ndot([Value(1.0)], [1.0, 2.0])", 2, "ValueError: "),
    ],
)
def test_an_error_is_told_with_its_line(text, line, words):
    ask, _ = session()
    error = ask("run", text=text)["error"]
    assert error["line"] == line
    assert error["text"].startswith(words)
    assert ask("run", text=NEURON)["error"] is None


def test_a_huge_print_is_cut():
    ask, said = session()
    ask("run", text="for k in range(200_000): print(k)")
    assert len("".join(said)) < MOST + 100
    assert "".join(said).endswith("\n… and 1,268,890 characters more")


def test_a_chain_of_a_hundred_thousand_is_freed_and_said_to_be_too_large():
    ask, _ = session()
    text = "from tinygrad_edu import Value\nv = Value(1.0)\nfor _ in range(100_000): v = v + 0.1\nv.backward()"
    result = ask("run", text=text)
    assert result["picture"] == ""
    assert "the graph has 100001 boxes" in result["caption"]
    assert ask("run", text=NEURON)["picture"]


def test_a_large_network_is_drawn_with_its_layers_closed():
    ask, _ = session()
    result = ask("run", text="from tinygrad_edu import MLP\ny = MLP(2, [16, 16, 1], seed=1)([0.5, -1.0])\n")
    assert "layer 2" in result["picture"]


@pytest.mark.parametrize(
    ("last", "kind", "part"),
    [
        ("draw(y)", "svg", "<svg"),
        ("explain(y, w)", "html", "∂f/∂w"),
        ("explore(y)", "page", "<!DOCTYPE"),
        ("[1, 2]", "text", "[1, 2]"),
        ("display(1); 2", "text", "2"),
    ],
)
def test_the_last_expression_is_shown_as_in_a_notebook(last, kind, part):
    ask, _ = session()
    shown = ask("run", text=f"{NEURON}from tinygrad_edu import draw, explain, explore\n{last}")["shown"]
    assert shown[-1]["kind"] == kind
    assert part in shown[-1]["content"]


def test_a_graph_before_does_not_outlive_the_next_run():
    ask, _ = session()
    ask("run", text=NEURON)
    assert ask("run", text="1")["picture"] == ""
    assert ask("explain", id="n0") == {"html": ""}
    assert "no Value" in ask("step")["error"]


def test_a_leaf_in_the_last_line_is_drawn():
    ask, _ = session()
    assert ask("run", text="from tinygrad_edu import Value\nw = Value(2.0, 'w')\nw")["picture"].count("data 2") == 1
