"""Live pages: what they are made of, and what the interpreter in them says. In a browser: test_live_page.py."""

import base64
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import tinygrad_edu
from tinygrad_edu import Value, cli, tanh, train
from tinygrad_edu.live import assets, build, charts, file, folder, lessons
from tinygrad_edu.live import session as live_session
from tinygrad_edu.live.lessons import FOLDER, for_page
from tinygrad_edu.live.session import INSIDE, MOST, Session
from tinygrad_edu.show import explore
from tinygrad_edu.tasks import grade, read
from tinygrad_edu.themes import THEMES

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
    assert {name.partition("/")[0] for name in inside} == {"tinygrad_edu", *file.LIBRARIES}
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
    assert "tanh" in result["picture"] and result["picture"].rstrip().endswith("</svg>")
    assert result["error"] is None
    assert said == ["1.4232\n"]


def test_a_value_that_is_pointed_at_is_explained():
    ask, _ = session()
    ask("run", text=NEURON)
    assert "0.7116 × 2 = 1.4232" in ask("explain", id="n0")["html"]
    assert 'style="' not in ask("explain", id="n0")["html"]


def test_the_stepping_page_tells_gradients_that_another_pass_left():
    ask, _ = session()
    ask("run", text=NEURON)
    assert '"leftover":false' in ask("step")["html"]
    ask("run", text=f"{NEURON}y.backward()\ny\n")
    assert '"leftover":true' in ask("step")["html"]
    assert "1.423" in ask("run", text=NEURON)["picture"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("x = 1\ny = (", 2, "SyntaxError: '(' was never closed"),
        ("x = 1\n\n1 / 0", 3, "ZeroDivisionError: division by zero"),
        ("def f():\n    raise KeyError\n\nf()", 2, "KeyError"),
        ("import sys\nsys.exit()", None, "the code asked the interpreter to end"),
        ("a = 1\ncompile('x = (', 'other', 'exec')", 2, "SyntaxError: '(' was never closed (other, line 1)"),
        ("def f(): f()\nf()", 1, "RecursionError: maximum recursion depth exceeded"),
        ("import no_such_thing", 1, f"ModuleNotFoundError: No module named 'no_such_thing'; {INSIDE}"),
        (
            "raise ImportError('plots need Matplotlib: pip install it')",
            1,
            f"ImportError: plots need Matplotlib; {INSIDE}",
        ),
        ("from math import no_such_thing", 1, "ImportError: cannot import name 'no_such_thing' from 'math' ("),
        (
            "x = 1\nraise EOFError('EOF when reading a line')",
            2,
            "EOFError: input() can ask nobody here: write the value into the text",
        ),
        ("from tinygrad_edu import Value, dot\ndot([Value(1.0)], [1.0, 2.0])", 2, "ValueError: "),
    ],
)
def test_an_error_is_told_with_its_line(text, line, words):
    ask, _ = session()
    error = ask("run", text=text)["error"]
    assert error["line"] == line
    assert error["text"].startswith(words)
    assert error["text"] != "KeyError: ", "nothing follows"
    assert ask("run", text=NEURON)["error"] is None


def test_a_text_runs_as_a_script_does():
    ask, said = session()
    ask("run", text="if __name__ == '__main__':\n    print('main')")
    assert said == ["main\n"]


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


@pytest.mark.parametrize(("layers", "boxes"), [("[16, 16, 1]", 33), ("[301, 2, 1]", 3)], ids=["neurons", "layers"])
def test_a_large_network_is_drawn_with_its_neurons_closed_and_a_larger_one_with_its_layers(layers, boxes):
    ask, _ = session()
    result = ask("run", text=f"from tinygrad_edu import MLP\ny = MLP(1, {layers}, seed=1)([0.5])\n")
    assert "layer 2" in result["picture"]
    ids = re.findall(r'<g id="(\w+)" class="node"', result["picture"])
    assert len(ids) == boxes
    assert [ask("explain", id=id) for id in ids] == [{"html": ""}] * boxes, "no number, no derivative"


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


def test_nor_does_it_where_the_next_run_fails_or_gives_a_graph_that_is_too_large():
    ask, _ = session()
    large = "from tinygrad_edu import Value\nv = Value(1.0)\nfor _ in range(400): v = v * 2.5\nv"
    for text in ("1 / 0", "x = (", "import sys; sys.exit()", large):
        ask("run", text=NEURON)
        assert ask("run", text=text)["picture"] == ""
        assert ask("explain", id="n0") == {"html": ""}


def test_a_leaf_in_the_last_line_is_drawn():
    ask, _ = session()
    result = ask("run", text="from tinygrad_edu import Value\nw = Value(2.0, 'w')\nw")
    assert result["picture"].count("data 2") == 1
    assert result["shown"] == [], "a picture is enough"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_picture_has_the_colours_of_the_page(theme):
    picture = session()[0]("run", text=NEURON, theme=theme)["picture"]
    assert [name for name in ("light", "dark") if f'fill="{THEMES[name].leaf}"' in picture] == [theme]


@pytest.mark.parametrize("error", [ValueError, TypeError, ZeroDivisionError, RuntimeError])
def test_why_there_is_no_picture_is_said_below_it(error, monkeypatch):
    def picture(self, root, theme):
        raise error(f"no picture in {theme}")

    monkeypatch.setattr(Session, "picture", picture)
    result = session()[0]("run", text=NEURON, theme="dark")
    assert (result["picture"], result["caption"], result["error"]) == ("", "no picture in dark", None)


# What exactly is shown


@pytest.fixture
def ask():
    return session()[0]


def test_a_question_of_another_kind_is_refused(ask):
    with pytest.raises(ValueError, match="expected run, explain, step or grade, got 'answer'"):
        ask("answer", asked="{}")


@pytest.mark.parametrize(
    ("text", "kind", "content"),
    [
        ("", None, None),
        ("x = 3", None, None),
        ("None", None, None),
        ("3", "text", "3"),
        ("'a\\nb'", "text", "'a\\nb'"),
        ("'x' * 100_000", "text", "'" + "x" * (MOST - 1)),
        ("class A:\n    def _repr_html_(self): return '<b style=\"color: red\">1</b>'\nA()", "html", "<b>1</b>"),
        ("class A:\n    def _repr_svg_(self): return '<svg style=\"x\"/>'\nA()", "svg", '<svg style="x"/>'),
        (
            "class A:\n    def _repr_image_svg_xml(self): return '<svg/>'\n    def _repr_svg_(self): return '-'\nA()",
            "svg",
            "<svg/>",
        ),
        (
            "class A:\n    html = '<!DOCTYPE html>x'\n    def _repr_html_(self): return '-'\nA()",
            "page",
            "<!DOCTYPE html>x",
        ),
        ("class A:\n    html = 'x'\n    def _repr_html_(self): return '-'\nA()", "html", "-"),
    ],
)
def test_what_the_last_line_shows(ask, text, kind, content):
    result = ask("run", text=text)
    assert result["error"] is None
    assert result["shown"] == ([{"kind": kind, "content": content}] if kind else [])


def test_what_is_displayed_comes_first_and_is_kept_where_an_error_follows(ask):
    result = ask("run", text="display(1)\ndisplay('b')\n3")
    assert [one["content"] for one in result["shown"]] == ["1", "'b'", "3"]
    result = ask("run", text="display(1)\n1 / 0")
    assert [one["content"] for one in result["shown"]] == ["1"]
    assert result["error"]["line"] == 2


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("a * b", "a b"),
        ("c = a * b\nd = a.exp()", "a"),  # named last
        ("d = a.exp()\nc = a * b\nprint(d.data)", "a"),
        ("c = a * b\ndef f():\n    return d\nclass A:\n    e = c", "a b"),
        ("c = a * b\nd = a.exp()\nclass A:\n    e = c", "a"),
        ("c = a * b\nd = a.exp()\nprint(c.data, d.data)", "a"),
        ("c = a * b\n[3]", "a b"),
        ("x = 3", ""),
        ("a", "a"),
        ("b = 2 * a; b = 3", ""),
    ],
)
def test_the_graph_that_is_drawn(ask, text, drawn):
    given = "from tinygrad_edu import Value\na, b = Value(2.0, 'a'), Value(3.0, 'b')\n"
    picture = ask("run", text=given + text)["picture"]
    assert " ".join(name for name in "ab" if f">{name}</text>" in picture) == drawn


def test_constants_are_drawn_up_to_sixty_operations(ask):
    for count, drawn in ((60, True), (61, False)):
        text = f"from tinygrad_edu import Value\nv = Value(1.0, 'a')\nfor k in range({count}): v = v * 7.25\nv"
        assert (ask("run", text=text)["picture"].count("7.25") >= 2 * count) is drawn


def test_up_to_three_hundred_boxes_are_drawn(ask):
    for count, words in ((299, ""), (300, "the graph has 301 boxes")):
        text = f"from tinygrad_edu import Value\nv = Value(1.0, 'a')\nfor k in range({count}): v = v * 7.25\nv"
        result = ask("run", text=text)
        assert bool(result["picture"]) is not bool(words)
        assert result["caption"].startswith(words)


def test_pieces_of_the_output_are_told_while_the_code_runs(monkeypatch):
    now, said = [7.0], []
    monkeypatch.setattr(live_session, "monotonic", lambda: now[0])
    output = live_session.Output(said.append)
    for seconds, text, told in ((0.09, "a", []), (0.02, "b", ["ab"]), (0.05, "c", ["ab"]), (0.06, "d", ["ab", "cd"])):
        now[0] += seconds
        output.write(text)
        assert said == told, "a tenth of a second after the last piece"
    assert output.write("e" * MOST) == MOST
    output.end()
    assert "".join(said) == "abcd" + "e" * (MOST - 4) + "\n… and 4 characters more"
    assert (output.kept, output.lost) == (MOST, 4)
    assert output.write("f") == 1 and output.lost == 5
    output = live_session.Output(said.clear)
    output.end()  # nothing was printed: nothing is told
    assert output.pieces == []


def test_errors_and_what_was_printed_are_told_in_their_place():
    ask, said = session()
    result = ask("run", text="import sys\nprint('out')\nprint('err', file=sys.stderr)\nraise ValueError('x' * 999)")
    assert "".join(said) == "out\nerr\n"
    assert result["error"]["line"] == 4
    assert len(result["error"]["text"]) < 450
    assert (result["picture"], result["caption"]) == ("", "")


def test_a_step_page_leaves_gradients_as_they_were(ask):
    text = "from tinygrad_edu import Value\na = Value(2.0, 'a')\ny = a * a\ny.backward()\nHELD = a\ny"
    made = live_session.Session(lambda text: None)
    made.run(text)
    leaf = made.root.parents[0]
    assert leaf.grad == 4.0
    assert '"leftover":false' in made.step()["html"]
    assert leaf.grad == 4.0
    made.root = made.root + sum([made.root * k for k in range(300)])
    assert "more than the 250 that a page can show" in made.step()["error"]
    assert leaf.grad == 4.0


def test_the_chain_rule_of_a_box_lists_five_paths_and_says_what_is_wrong(ask):
    text = "from tinygrad_edu import Value\nx = Value(1.0, 'x')\nsum([x * (0.5 + k) for k in range(7)])"
    ask("run", text=text)
    html = ask("explain", id="n0")["html"]
    assert html.count("→ x") == 5 and "2 paths together" in html
    assert ask("explain", id="nothing") == {"html": ""}
    ask("run", text="from tinygrad_edu import Value\nx = Value(1e200, 'x')\nx * x")
    assert ask("explain", id="n0")["html"] == ""
    assert "inf" in ask("explain", id="n0")["error"]


def test_an_answer_is_graded_with_the_picture_of_the_case(ask):
    [task] = [task for section in lessons() for task in section.tasks][:1]
    right = ask("grade", task=task._asdict(), text=task.answers[0])
    assert (right["passed"], right["picture"], right["mistake"]) == (True, "", "")
    assert right["words"][0].startswith("Right, on ")
    wrong = ask("grade", task=task._asdict(), text=task.start)
    assert wrong["passed"] is False
    assert wrong["words"][0].startswith("Not yet: ")
    known = next(task for section in lessons() for task in section.tasks if task.mistakes)
    name, text = known.mistakes[0]
    named = ask("grade", task=known._asdict(), text=text)
    verdict = grade(known, text)
    assert (named["passed"], named["mistake"], named["words"]) == (False, name, [*verdict.words])
    assert named["picture"].rstrip().endswith("</svg>") is (verdict.graph is not None)


# Lessons, charts


def test_a_lesson_for_the_page():
    section = read(
        "# T\n\nprose\n\n```python\nx = a_\n\n```\n\n```python task f\ndef f():\n\n```\n```python answer\n1\n```\n"
        "```python check\n2\n```\n"
    )[0]
    assert for_page(section) == {
        "title": "T",
        "parts": [
            {"html": "<p>prose</p>\n"},
            {"code": "x = a_"},
            {
                "code": "def f():",
                "task": "f",
                "graded": {"name": "f", "start": "def f():\n\n", "answers": ("1\n",), "check": "2\n", "mistakes": ()},
            },
        ],
    }
    firsts = [path.read_text(encoding="utf-8").splitlines()[0] for path in sorted(FOLDER.glob("*.md"))]
    assert [f"# {section.title}" for section in lessons()] == firsts


def test_a_line_chart():
    svg = charts.line([4.0, 1.0, 2.0], "a<b").svg
    assert svg == charts.line([4.0, 1.0, 2.0], "a<b")._repr_svg_()
    assert svg.startswith(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 460 260" width="460" height="260" role="img" '
        'font-family="Helvetica, Arial, sans-serif" font-size="17"><title>a&lt;b, from 4 to 2</title>'
        '<rect width="460" height="260" fill="#ffffff"/><path d="M40,40V220H420" fill="none"'
    )
    assert 'points="40.0,40.0 230.0,220.0 420.0,160.0"' in svg
    assert '<text x="40" y="30" fill="#111827">a&lt;b 4</text>' in svg
    assert '<text x="420" y="240" text-anchor="end" fill="#111827">3 steps, at last 2</text></svg>' in svg
    assert 'points="40.0,220.0 420.0,220.0"' in charts.line([5.0, 5.0]).svg
    assert 'points="40.0,40.0 166.7,220.0 293.3,194.3 420.0,220.0"' in charts.line([7.0, 0.0, 1.0, 0.0]).svg
    assert "0.1235" in charts.line([0.123456, 1.0]).svg
    for numbers in ([], [1.0]):
        with pytest.raises(ValueError, match=f"line expected at least two numbers, got {len(numbers)}"):
            charts.line(numbers)


def test_a_map_of_a_boundary():
    seen = []

    def network(x):
        seen.append(x)
        return Value(x[0] - 0.5) if x[1] > 0 else x[0] - 0.5

    examples = [([0.0, -1.0], -1.0), ([1.0, 2.0], 1.0), ([0.5, 0.0], 0.0)]
    svg = charts.boundary(network, examples).svg
    assert 'viewBox="0 0 460 460"' in svg and "<title>The boundary between 3 examples</title>" in svg
    cells = re.findall(
        r'<rect x="([\d.]+)" y="([\d.]+)" width="19.17" height="19.17" fill="(#\w+)" fill-opacity="([\d.]+)"', svg
    )
    assert len(cells) == len(seen) == 24 * 24
    for k, (x, y, colour, strength) in enumerate(cells):
        row, column = divmod(k, 24)
        assert (x, y) == (f"{column * 460 / 24:.2f}", f"{row * 460 / 24:.2f}")
        across, up = -0.3 + 1.6 * (column + 0.5) / 24, -1.3 + 3.6 * (24 - row - 0.5) / 24
        assert seen[k] == pytest.approx([across, up])
        assert colour == (THEMES["light"].data_strong if across - 0.5 > 0 else THEMES["light"].grad_strong)
        assert float(strength) == pytest.approx(min(1, abs(across - 0.5)) * 0.55 + 0.05, abs=0.0051)
    marks = re.findall(
        r'<circle cx="([\d.]+)" cy="([\d.]+)" r="5" fill="(#\w+)" stroke="#ffffff" stroke-width="1.5"/>', svg
    )
    blue, orange = THEMES["light"].data_strong, THEMES["light"].grad_strong
    assert marks == [
        (f"{0.3 / 1.6 * 460:.1f}", f"{460 - 0.3 / 3.6 * 460:.1f}", orange),
        (f"{1.3 / 1.6 * 460:.1f}", f"{460 - 3.3 / 3.6 * 460:.1f}", blue),
        (f"{0.8 / 1.6 * 460:.1f}", f"{460 - 1.3 / 3.6 * 460:.1f}", orange),
    ]
    drawn = ElementTree.fromstring(svg)
    assert "".join(drawn.itertext()) == drawn[0].text  # no words but the title
    assert f'fill="{blue}" fill-opacity' not in charts.boundary(lambda x: 0.0, examples).svg, "above 0 it is blue"
    strong = charts.boundary(lambda x: 5.0, examples).svg
    assert 'fill-opacity="0.60"' in strong and 'fill-opacity="2.' not in strong
    for wrong in ([], [([1.0], 1.0)], [([1.0, 2.0], 1.0), ([1.0, 2.0, 3.0], 1.0)]):
        with pytest.raises(ValueError, match="boundary expected examples of two inputs each"):
            charts.boundary(network, wrong)


# What npm brings


def test_the_cache_is_named_after_the_versions(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    digest = hashlib.sha256((assets.WEB / "package-lock.json").read_bytes()).hexdigest()
    assert assets.cache() == tmp_path / "tinygrad_edu" / f"live-{digest[:12]}"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert assets.cache().parent == Path.home() / ".cache" / "tinygrad_edu"


NPM = """#!/bin/sh
echo "$@" > {log}
mkdir -p node_modules/{{crelt,@lezer/common/dist,esbuild,@codemirror/view}}
for name in crelt @lezer/common @lezer/common/dist esbuild @codemirror/view; do
  mkdir -p node_modules/$name
  echo '{{"version": "1.0", "license": "MIT"}}' > node_modules/$name/package.json
done
echo ' the text ' > node_modules/crelt/LICENSE
echo 'licence' > node_modules/@lezer/common/LICENCE.md
"""


def test_npm_fetches_once_and_the_licences_are_of_what_is_bundled(tmp_path, monkeypatch):
    (tmp_path / "npm").write_text(NPM.format(log=tmp_path / "log"))
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = assets.modules()
    assert found == assets.cache() / "node_modules" and found.is_dir()
    assert (tmp_path / "log").read_text() == "ci --ignore-scripts --no-audit --no-fund\n"
    assert [path.name for path in assets.cache().parent.iterdir()] == [assets.cache().name]
    assert {path.name for path in assets.cache().iterdir()} >= {"package.json", "package-lock.json"}
    (tmp_path / "npm").unlink()
    monkeypatch.setenv("PATH", "")
    assert assets.modules() == found
    assert assets.licences() == (
        "@codemirror/view 1.0: MIT\n\nhttps://www.npmjs.com/package/@codemirror/view\n\n\n"
        "@lezer/common 1.0: MIT\n\nlicence\n\n\ncrelt 1.0: MIT\n\nthe text\n"
    )


def test_what_another_has_fetched_in_the_meantime_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    other = assets.cache() / "node_modules" / "theirs"
    assets.cache().parent.mkdir(parents=True)  # of versions before
    (tmp_path / "npm").write_text(f"#!/bin/sh\nmkdir -p {other} node_modules/mine\n")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert [path.name for path in assets.modules().iterdir()] == ["theirs"]
    assert [path.name for path in assets.cache().parent.iterdir()] == [assets.cache().name]


def test_a_script_is_bundled_for_a_page_by_the_esbuild_that_was_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (assets.cache() / "node_modules").mkdir(parents=True)
    (tmp_path / "node").write_text('#!/bin/sh\npwd\necho $NODE_PATH\nfor one in "$@"; do echo "$one"; done\n')
    (tmp_path / "node").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    folder, paths, script, *options = assets.bundle.__wrapped__("some.js").splitlines()
    assert Path(folder) == assets.WEB and Path(paths) == assets.cache() / "node_modules"
    assert Path(script) == Path(paths) / "esbuild" / "bin" / "esbuild"
    assert options == [
        "some.js",
        *("--bundle", "--minify", "--format=iife", "--target=es2022", "--charset=utf8"),
        *("--legal-comments=none", "--log-level=error"),
        '--define:import.meta.url="page:/"',
        *("--external:node:*", "--external:fs", "--external:ws"),
    ]


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    """What npm brings, made here."""
    pyodide = tmp_path / "pyodide"
    pyodide.mkdir()
    (pyodide / "pyodide-lock.json").write_text("{}")
    (pyodide / "pyodide.asm.wasm").write_bytes(b"wasm")
    with zipfile.ZipFile(pyodide / "python_stdlib.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in ("os.py", "json/", "json/__init__.py"):
            zipped.writestr(name, name * 99)
    monkeypatch.setattr(file, "modules", lambda: tmp_path)
    monkeypatch.setattr(file, "bundle", lambda entry: f"// {entry} ä <")
    monkeypatch.setattr(file, "licences", lambda: "all licences ä")
    monkeypatch.setattr(file, "assets", file.assets.__wrapped__)


def test_what_a_page_unpacks(stand_ins):
    found = file.assets()
    assert [*found] == ["worker", "lock", "stdlib", "packages", "wasm", "licences"]
    assert all(content[4:8] == b"\0\0\0\0" and content[8] == 2 for content in found.values()), "no date, all effort"
    content = {name: gzip.decompress(packed) for name, packed in found.items()}
    assert (content["worker"], content["lock"]) == ("// worker.js ä <".encode(), b"{}")
    assert (content["wasm"], content["licences"]) == (b"wasm", "all licences ä".encode())
    stdlib = zipfile.ZipFile(io.BytesIO(content["stdlib"]))
    assert stdlib.namelist() == ["json/__init__.py", "os.py"]
    assert stdlib.read("os.py") == b"os.py" * 99 and stdlib.getinfo("os.py").compress_size == 5 * 99
    packages = zipfile.ZipFile(io.BytesIO(content["packages"]))
    own = {path.relative_to(file.PACKAGE.parent).as_posix() for path in file.PACKAGE.rglob("*") if path.is_file()}
    names = {*packages.namelist()}
    assert {name for name in names if name.startswith("tinygrad_edu/")} == {
        name for name in own if "__pycache__" not in name
    }
    assert {"graphviz/__init__.py", "rich/console.py", "rich/markdown.py"} <= names
    assert {name.partition("/")[0] for name in names} == {"tinygrad_edu", "graphviz", "rich"}
    assert all(name.endswith(".py") for name in names if not name.startswith("tinygrad_edu/"))
    assert packages.read("tinygrad_edu/live/file.py") == Path(file.__file__).read_bytes()


def test_a_page_holds_no_compiled_files_and_of_libraries_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(file, "PACKAGE", tmp_path / "package")
    for name in ("package/a.py", "package/b/c.css", "package/__pycache__/a.pyc", "rich/x.py", "rich/x.pyi", "setup.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    listed = [metadata.PackagePath(name) for name in ("rich/x.py", "rich/x.pyi", "setup.py")]
    for one in listed:
        one.dist = SimpleNamespace(locate_file=lambda name: tmp_path / name)
    monkeypatch.setattr(file.metadata, "files", {"rich": listed, "graphviz": None}.get)
    inside = zipfile.ZipFile(io.BytesIO(file.packages()))
    assert inside.namelist() == ["rich/x.py", "tinygrad_edu/a.py", "tinygrad_edu/b/c.css"]
    assert inside.read("rich/x.py") == b"rich/x.py"


def test_the_two_forms_of_a_page_differ_in_where_its_files_are(stand_ins):
    page, beside = build(LESSONS, "A <b>"), folder(LESSONS, "A <b>")
    inside = dict(re.findall(r'<script id="file-(\w+)" type="text/plain">([^<]*)</script>', page))
    assert {f"{name}.gz": base64.b64decode(text) for name, text in inside.items()} == {
        name: content for name, content in beside.items() if name != "index.html"
    }
    index = beside["index.html"].decode()
    assert "file-worker" not in index and index.count("connect-src 'self'") == page.count("connect-src 'none'") == 1
    for text in (page, index):
        assert "<title>A &lt;b&gt;</title>" in text and "<h1>A &lt;b&gt;</h1>" in text and '<html lang="en"' in text
        assert f"Python {file.PYTHON} in WebAssembly" in text
        lessons = re.search(r'<script id="lessons" type="application/json">(.*)</script>', text)[1]
        assert json.loads(lessons) == json.loads(json.dumps([*map(for_page, LESSONS)]))
        assert (
            json.loads(re.search(r'<script id="names" type="application/json">(.*)</script>', text)[1]) == file.names()
        )
        [style], script = re.findall(r"<style>(.*?)</style>", text, re.DOTALL), "// page.js ä <"
        assert f"<script>{script}</script>" in text
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
        for one in (script, style):
            assert f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" in policy
        assert THEMES["dark"].background in style and ".editor" in style
        [framed] = re.findall(r"<style>(.*?)</style>", explore(Value(1.0, "w") * 2).html, re.DOTALL)
        assert f"'sha256-{base64.b64encode(hashlib.sha256(framed.encode()).digest()).decode()}'" in policy


def test_a_command_that_fails_or_hangs_is_one_line(tmp_path, monkeypatch):
    def shell(script):
        return assets.run(["/bin/sh", "-c", script], str(tmp_path), paths="p")

    typed, keyboard = os.pipe()
    before = os.dup(0)
    os.dup2(typed, 0)
    try:
        os.write(keyboard, b"not for it\n")
        os.close(keyboard)
        assert shell("pwd; echo $NODE_PATH; cat") == f"{tmp_path}\np\n"
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(typed)
    with pytest.raises(RuntimeError) as error:
        shell("printf 'a\\nb\\nc\\nd\\n' >&2; exit 3")
    assert str(error.value) == "sh failed: a b c"
    with pytest.raises(RuntimeError, match="sh failed: \N{REPLACEMENT CHARACTER}"):
        shell("printf '\\377' >&2; exit 3")
    monkeypatch.setattr(assets, "TIMEOUT", 0.05)
    with pytest.raises(RuntimeError) as error:
        shell("sleep 5")
    assert str(error.value) == "sh took more than 0.05 seconds: try again"
    monkeypatch.undo()

    def hangs(command, **given):
        raise subprocess.TimeoutExpired(command, given["timeout"])

    monkeypatch.setattr(subprocess, "run", hangs)
    with pytest.raises(RuntimeError, match="sh took more than 600 seconds: try again"):
        shell("")
    with pytest.raises(RuntimeError, match=r"no ndoe to make a live page with: install Node\.js, which brings npm"):
        assets.program("ndoe")


def test_a_zip_is_the_same_whatever_its_order_and_stored():
    one, two = (file.archive(content) for content in ({"b": b"2", "a": b"1" * 99}, {"a": b"1" * 99, "b": b"2"}))
    assert one == two
    inside = zipfile.ZipFile(io.BytesIO(one))
    assert inside.namelist() == ["a", "b"]
    assert inside.getinfo("a").compress_size == 99
    assert inside.read("b") == b"2"


def test_what_an_editor_completes():
    found = {one["label"]: one for one in file.names()}
    assert found["Value"]["type"] == found["tanh"]["type"] == "function"
    assert found["data"]["type"] == found["backward"]["type"] == "property"
    assert not any(name.startswith(("_", "plot")) for name in found)
    assert all(len(one["detail"]) <= 70 and "\n" not in one["detail"] for one in found.values())
    assert found["tanh"]["detail"] == tanh.__doc__.strip().splitlines()[0]
    assert (
        found["train"]["detail"] == train.__doc__.strip().splitlines()[0][:70] != train.__doc__.strip().splitlines()[0]
    )
    assert found["data"]["detail"] == "", "which has no documentation of its own"
    labels = [one["label"] for one in file.names()]
    public = [name for name in tinygrad_edu.__all__ if not name.startswith("plot")]
    assert labels == public + sorted(labels[len(public) :]) and len({*labels}) == len(labels)


# What a page keeps of the reader's text, run by Node


def in_node(script, file="keep.js", before="const document = { title: 'T' };"):
    """What a script gives that runs after a file of the page, without what it imports."""
    source = re.sub(r"^import .*$", "", (assets.WEB / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
    source = f"{before}\n{source}\n"
    done = subprocess.run(
        ["node", "--input-type=module", "-"],
        input=f"{source}console.log(JSON.stringify(await (async () => {{ {script} }})()));",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


needs_node = pytest.mark.skipif(not shutil.which("node"), reason="no Node to run JavaScript with")


@needs_node
def test_a_link_carries_the_texts_and_a_broken_one_the_lesson():
    texts = ["", "x = 1\n", "# ä ⁿ 🧠", "".join(f"line {k} + {k * k}\n" for k in range(300))]
    found = in_node(
        f"const texts = {json.dumps(texts)};\nconst hash = await intoLink(2, texts);\n"
        "return [hash, await fromLink(hash), await fromLink('#lesson=3'), await fromLink(''), "
        "await fromLink(hash.slice(0, -20)), await fromLink('#lesson=2&code=%%%'), "
        "await fromLink((await intoLink(0, [1, 'a']))), await fromLink(await intoLink(0, {a: 1})), "
        "await fromLink(await intoLink(0, []))];"
    )
    assert re.fullmatch(r"#lesson=3&code=[\w-]+", found[0])
    assert found[1:] == [
        {"lesson": 2, "texts": texts},
        {"lesson": 2, "texts": None},
        {"lesson": 0, "texts": None},
        {"lesson": 2, "texts": None},
        {"lesson": 1, "texts": None},
        {"lesson": 0, "texts": None},
        {"lesson": 0, "texts": None},
        {"lesson": 0, "texts": []},
    ]


@needs_node
def test_links_of_many_texts_lead_back():
    script = """const wrong = [];
      for (let k = 0; k < 200; k++) {
        const texts = [String.fromCharCode(...Array.from({ length: k }, (_, j) => 32 + ((j * j * 7 + k) % 90)))];
        const hash = await intoLink(k, texts), back = await fromLink(hash);
        if (!/^#lesson=\\d+&code=[\\w-]+$/.test(hash) || back.lesson !== k || back.texts[0] !== texts[0]) wrong.push(k);
      }
      return wrong;"""
    assert in_node(script) == []


@needs_node
def test_a_lesson_as_a_script_and_as_a_notebook():
    parts = "[{ prose: '\\n One.\\n\\nTwo. \\n' }, { code: 'x = 1\\ny = 2\\n\\n' }, { code: '' }]"
    script, notebook = in_node(f"return [asScript('T', {parts}), asNotebook('T', {parts})];")
    assert script == "# T\n\n# One.\n#\n# Two.\n\nx = 1\ny = 2\n"
    assert notebook.startswith('{\n "cells": [\n  {\n') and notebook.endswith("\n}\n")
    made = json.loads(notebook)
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    assert made["metadata"]["kernelspec"] == {"name": "python3", "display_name": "Python 3", "language": "python"}
    assert [(cell["cell_type"], cell["id"], cell["source"]) for cell in made["cells"]] == [
        ("markdown", "c0", ["# T"]),
        ("markdown", "c1", ["\n", " One.\n", "\n", "Two."]),
        ("code", "c2", ["x = 1\n", "y = 2"]),
        ("code", "c3", [""]),
    ]
    assert [cell.get("outputs") for cell in made["cells"]] == [None, None, [], []]
    assert all(cell["execution_count"] is None for cell in made["cells"] if cell["cell_type"] == "code")


@needs_node
def test_a_text_is_kept_where_it_differs():
    found = in_node(
        "const held = new Map(); globalThis.localStorage = { getItem: (k) => held.get(k) ?? null, "
        "setItem: (k, v) => held.set(k, v), removeItem: (k) => held.delete(k) };"
        "keep(1, 2, 'a', 'b'); keep(1, 3, 'c', 'd'); keep(1, 3, 'd', 'd');"
        "const first = [kept(1, 2), kept(1, 3), kept(2, 2), [...held.keys()]];"
        "Object.defineProperty(globalThis, 'localStorage', { get() { throw new Error('no'); } });"
        "keep(1, 2, 'x', 'y'); return [...first, kept(1, 2)];"
    )
    assert found == ["a", None, None, ["tinygrad-edu-live T 1 2"], None]


# The page's side of the interpreter, by a stand-in for its worker

WORKERS = """
const workers = [], said = [];
globalThis.Worker = class {
  constructor() { workers.push(Object.assign(this, { told: [], ended: false })); }
  postMessage(message) { this.told.push(message); }
  terminate() { this.ended = true; }
  say(data) { this.onmessage({ data }); }
};
const state = (...words) => said.push(words.join(" ")), output = (x) => said.push(`> ${x}`);
const made = () => new Python("", { a: 1 }, { state, output });
const answers = [];
const ask = (python, kind, more = {}) => python.ask({ kind, ...more }).then((x) => answers.push([kind, x]));
const soon = () => new Promise((done) => setTimeout(done));
"""


def with_worker(script):
    return in_node(script, "python.js", WORKERS)


@needs_node
def test_questions_are_put_one_at_a_time_and_a_newer_one_replaces_what_waits():
    waiting, asked, first, rest = with_worker(
        """const python = made(), [worker] = workers;
        ask(python, "run", { text: "1" }); ask(python, "explain", { id: "n0" });
        const waiting = [[...worker.told], [...said]];
        worker.say({ ready: true });
        const asked = [worker.told.slice(1).map((m) => m.asked), [...said]];
        ask(python, "run", { text: "2" }); ask(python, "run", { text: "3" }); ask(python, "explain", { id: "n1" });
        await soon();
        const first = [...answers];
        const id = worker.told[1].id;
        worker.say({ output: "x" });
        worker.say({ id: "another", result: 0 });
        await soon();
        const unanswered = answers.length - first.length;
        worker.say({ id, result: { shown: 1 } });
        worker.say({ id, result: { shown: "twice" } });
        for (let k = 2; k < worker.told.length && k < 9; k++) worker.say({ id: worker.told[k].id, result: k });
        await soon();
        const ids = new Set(worker.told.slice(1).map((m) => m.id));
        return [waiting, asked, [first, unanswered], [answers.slice(first.length), said.slice(3),
          worker.told.slice(2).map((m) => m.asked), ids.size, workers.length, worker.ended]];"""
    )
    assert waiting == [[{"files": {"a": 1}}], ["loading"]]
    assert asked == [[{"kind": "run", "text": "1"}], ["loading", "ready", "running run", "> null"]]
    assert first == [[["run", None], ["explain", None]], 0]
    answers, said, told, ids, workers, ended = rest
    assert answers == [["run", {"shown": 1}], ["explain", 2], ["run", 3]], "the kind that has waited for longest"
    assert said == ["> null", "> x", "ready", "running explain", "ready", "running run", "> null", "ready"]
    assert told == [{"kind": "explain", "id": "n1"}, {"kind": "run", "text": "3"}]
    assert (ids, workers, ended) == (3, 1, False)


@needs_node
def test_an_interpreter_is_stopped_by_being_replaced_and_what_waits_is_put_to_the_next():
    answers, said, told, ended, late = with_worker(
        """const python = made();
        workers[0].say({ ready: true });
        ask(python, "run", { text: "while True: pass" });
        ask(python, "step");
        python.stop();
        await soon();
        const told = [workers[1].told.length];
        workers[1].say({ ready: true });
        told.push(workers[1].told);
        python.stop();
        await soon();
        const late = answers.length;
        workers[2].say({ ready: true });
        python.stop();
        return [answers, said, told, workers.map((worker) => worker.ended), late];"""
    )
    assert answers == [["run", {"stopped": True, "reason": None}], ["step", {"stopped": True, "reason": None}]]
    assert late == 2
    assert said == [
        *["loading", "ready", "running run", "> null", "loading", "ready", "running step"],
        *["loading", "ready", "loading"],
    ]
    assert told[0] == 1 and [message.get("asked") for message in told[1]] == [None, {"kind": "step"}]
    assert ended == [True, True, True, False]


@needs_node
def test_an_interpreter_that_fails_starts_anew_and_one_that_never_starts_is_given_up():
    answers, said, told = with_worker(
        """const python = made();
        workers[0].say({ ready: true });
        ask(python, "run");
        workers[0].say({ failed: "gone" });
        workers[1].say({ ready: true });
        workers[1].say({ failed: "gone between two questions" });
        workers[2].onerror({ message: "" });
        workers[3].onerror({ message: "no memory" });
        await soon();
        return [answers, said, workers.length];"""
    )
    assert answers == [["run", {"stopped": True, "reason": "gone"}]]
    assert said == [
        *["loading", "ready", "running run", "> null", "loading", "ready", "loading", "loading"],
        "broken no memory",
    ]
    assert told == 4
    [said] = with_worker(
        "made(); workers[0].onerror({}); workers[1].onerror({ message: '' }); return [said.slice(-1)[0]];"
    )
    assert said == "broken its worker could not be started"
    stopped = with_worker("const p = made(); p.stop(); p.stop(); p.stop(); return [workers.length, said];")
    assert stopped == [4, ["loading"] * 4], "a reader who stops it while it loads has not broken it"


INTERPRETER = """
const posted = [], loaded = [];
globalThis.self = globalThis;
self.postMessage = (message) => posted.push(message);
class PyError extends Error {}
const Graphviz = { load: async () => ({ layout: (...given) => given.join("|") }) };
const createPyodideModule = "module";
const loadPyodide = async (options) => {
  const files = [];
  for (const name of ["page:/python_stdlib.zip", "page:/pyodide.asm.wasm"])
    files.push([...new Uint8Array(await (await fetch(name)).arrayBuffer())]);
  const refused = await fetch("page:/other").catch((error) => `${error.name}: ${error.message}`);
  const wasm = await WebAssembly.instantiateStreaming(null, {});
  const plain = { ...options, stdin: 0, lockFileContents: JSON.parse(options.lockFileContents) };
  const instance = wasm.instance instanceof WebAssembly.Instance;
  loaded.push(options.stdin(), plain, files, refused, wasm.module instanceof WebAssembly.Module, instance);
  return {
    ffi: { PythonError: PyError },
    unpackArchive: (...given) => loaded.push(given),
    runPython: (text) => (loaded.push(text), (asked) => {
      const { kind } = JSON.parse(asked);
      if (kind === "wrong") throw new PyError("ValueError: no");
      if (kind === "abort") throw new Error("memory access out of bounds");
      return JSON.stringify({ echo: kind });
    }),
  };
};
"""


@needs_node
def test_the_worker_starts_the_interpreter_from_the_pages_files_and_answers():
    posted, loaded, drawn = in_node(
        """const module = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
        const lock = '{"info": 1, "packages": {"numpy": {}}}';
        const files = { lock, stdlib: new Uint8Array([7, 8]), packages: "zip", module };
        await self.onmessage({ data: { files } });
        self.tellPage("out");
        for (const kind of ["run", "wrong", "abort"]) await self.onmessage({ data: { id: kind, asked: { kind } } });
        await self.onmessage({ data: { files: { ...files, lock: "{" } } });
        return [posted, loaded, self.tinygradEduGraphviz("digraph", "svg", "dot")];""",
        "worker.js",
        INTERPRETER,
    )
    assert posted[:5] == [
        {"ready": True},
        {"output": "out"},
        {"id": "run", "result": {"echo": "run"}},
        {"id": "wrong", "result": {"stopped": True, "reason": "ValueError: no"}},
        {"failed": "Error: memory access out of bounds"},
    ]
    assert len(posted) == 6 and posted[5]["failed"].startswith("SyntaxError: ")
    stdin, options, files, refused, *wasm, unpacked, code = loaded
    assert stdin is None
    assert options == {
        "indexURL": "page:/",
        "stdin": 0,
        "stdLibURL": "page:/python_stdlib.zip",
        "lockFileContents": {"info": 1, "packages": {}},
        "createPyodideModule": "module",
    }
    assert files == [[7, 8], []]
    assert refused == "TypeError: this page asks nothing of any network"
    assert wasm == [True, True]
    assert unpacked == ["zip", "zip", {"extractDir": f"/lib/python{file.PYTHON}/site-packages"}]
    assert "from tinygrad_edu.live.session import Session\nSession(js.tellPage).answer\n" in code
    assert drawn == "digraph|svg|dot"
    assert in_node("return typeof self.importScripts;", "classic.js", "globalThis.self = { importScripts() {} };") == (
        "undefined"
    )


# The page's script in a browser, with stand-ins for the interpreter and the editors, which take npm

STAND_IN = """
class Editor {
  constructor(host, text, { label, names, changed, run }) {
    this.area = host.appendChild(document.createElement("textarea"));
    Object.assign(this.area, { value: text, ariaLabel: label });
    this.area.dataset.names = JSON.stringify(names);
    this.area.addEventListener("input", changed);
    this.area.addEventListener("dblclick", run);
    this.changed = changed;
  }
  get text() { return this.area.value; }
  set text(text) { this.area.value = text; this.changed(); }
  get lines() { return this.text.split("\\n").length; }
  mark(line, message) { this.area.dataset.mark = `${line} ${message}`; }
}
"""
# It answers what the text says: lines of a name and JSON. What it was asked stands in the caption.
WORKER = r"""
let asked = 0;
const of = (id) => `<p>of <b>${id}</b>, ${asked}</p>`;
self.onmessage = ({ data: { files, id, asked: question } }) => {
  if (files) return self.postMessage({ ready: true });
  const { kind, text = "", theme, task } = question;
  const result = { shown: [], error: null, picture: "", caption: `${theme}: ${text}` };
  let silent = false, after = 0;
  for (const line of text.split("\n")) {
    const [, name, value] = line.match(/^(\w+): (.*)$/) ?? [];
    if (name === "print") self.postMessage({ output: JSON.parse(value) });
    else if (name === "silent") silent = true;
    else if (name === "later") setTimeout(() => self.postMessage({ output: JSON.parse(value) }), 450);
    else if (name === "fail") return self.postMessage({ failed: JSON.parse(value) });
    else if (name) result[name] = JSON.parse(value);
  }
  asked++;
  if (silent) return;
  const answers = {
    run: () => result,
    explain: () => question.id === "n9" ? { html: "", error: "no chain rule" } : { html: of(question.id) },
    step: () => self.stepping ?? { html: STEPPING },
    grade: () => ({ passed: text === "right", words: [task.name, text], picture: task.name === "only" ? "" : SVG }),
  };
  if (text.includes("no stepping")) self.stepping = { error: "there is no Value" };
  if (text.includes("mute")) self.mute = true;
  if (question.id !== "n8" && !(kind === "step" && self.mute)) self.postMessage({ id, result: answers[kind]() });
};
"""
BOX = '<g id="{}" class="node"><a href="x"><text font-size="11">{}</text><text font-size="11">data 2</text></a></g>'
SVG = '<svg xmlns="http://www.w3.org/2000/svg" class="{}" width="{}pt" height="90pt" viewBox="0 0 {} 90">{}</svg>'
STEPPING = (
    '<!DOCTYPE html><html><head><meta http-equiv="Content-Security-Policy" content="none"></head><body>'
    '<script type="application/json">1</script><script>document.title = "stepped"</script></body></html>'
)
LESSONS = read(
    """# One

Words & *more*.

```python
first: 1
```

Between.

```python
second: 2
```

```python task double
draw
```

```python answer
1
```

```python check
1
```

After.

# Ünï two – 3!

```python
alone: 1
```

# Three

```python task only
x
```

```python answer
1
```

```python check
1
```

```python
last: 1
```
"""
)


def graph(*names, width=300, kind="graph"):
    return SVG.format(kind, width, width, "".join(BOX.format(f"n{k}", name) for k, name in enumerate(names)))


class Seen:
    """A page with stand-ins, and what a reader does with it."""

    def __init__(self, page, address):
        self.page, self.address = page, address

    def open(self, address="", size=(1280, 720)):
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.goto("about:blank")
        self.page.goto(self.address + address)
        self.wait("Number(document.body.dataset.runs) > 0 && document.getElementById('licences').textContent")
        return self

    def js(self, script):
        return self.page.evaluate(script)

    def wait(self, condition):
        """Until it holds, looked at each frame; a page that does something else is given up."""
        assert self.js(
            f"new Promise((done) => {{ const end = performance.now() + 10000, look = () => {condition} ? done(true) : "
            "performance.now() > end ? done(false) : requestAnimationFrame(look); look(); })"
        ), f"{condition}: {self.text('body')[:500]}"

    def text(self, selector):
        return self.js(f"document.querySelector({json.dumps(selector)}).textContent")

    def type(self, text, editor=0, ran=True):
        self.js(
            f"(() => {{ const area = document.querySelectorAll('textarea')[{editor}]; area.value = {json.dumps(text)};"
            "area.dispatchEvent(new Event('input')); })()"
        )
        if ran:
            self.shown()

    def shown(self):
        self.wait("document.body.dataset.shown === document.body.dataset.edits")

    def say(self, editor=0, ran=True, **answer):
        self.type("\n".join(f"{name}: {json.dumps(value)}" for name, value in answer.items()), editor, ran)

    def click(self, selector, k=0):
        self.js(f"document.querySelectorAll({json.dumps(selector)})[{k}].click()")

    def send(self, selector, kind, **more):
        options = json.dumps({"bubbles": True, "cancelable": True, **more})
        event = "KeyboardEvent" if kind == "keydown" else "Event"
        return self.js(
            f"document.querySelector({json.dumps(selector)}).dispatchEvent(new {event}('{kind}', {options}))"
        )


@pytest.fixture(scope="module")
def tabbed(browser, tmp_path_factory):
    script = STAND_IN
    for name in ("keep.js", "python.js", "page.js"):
        source = (assets.WEB / name).read_text(encoding="utf-8")
        script += re.sub(r"^export |^import .*$", "", source, flags=re.MULTILINE)
    worker = WORKER.replace("STEPPING", json.dumps(STEPPING)).replace("SVG", json.dumps(graph("a", width=480)))
    contents = {"worker": worker, "lock": "{}", "stdlib": "", "packages": "", "licences": "MIT, all of it"}
    packed = {name: text.encode() for name, text in contents.items()} | {"wasm": b"\0asm\1\0\0\0"}
    path = tmp_path_factory.mktemp("stand-in") / "page.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file, "bundle", lambda entry: f"(() => {{{script}}})()" if entry == "page.js" else "")
        patch.setattr(file, "assets", lambda: {name: gzip.compress(content) for name, content in packed.items()})
        path.write_text(build(LESSONS, "Stand-in"), encoding="utf-8")
        beside = folder(LESSONS, "Beside")
    page = browser.new_page(color_scheme="light", reduced_motion="reduce")
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.route("http://page.test/**", lambda route: route.fulfill(body=beside[route.request.url.rpartition("/")[2]]))
    yield Seen(page, path.as_uri())
    page.close()
    assert said == []
    assert {url.partition("#")[0] for url in asked if not url.startswith(("blob:", "data:", "about:"))} <= {
        path.as_uri(),
        *(f"http://page.test/{name}" for name in beside),
    }


@pytest.fixture
def seen(tabbed):
    tabbed.page.emulate_media(color_scheme="light")
    yield tabbed.open()
    tabbed.js("localStorage.clear()")


def test_a_page_begins_with_its_first_lesson_and_what_its_first_code_gives(seen):
    assert seen.js("document.title") == seen.text("h1") == "Stand-in"
    tabs = seen.js(
        "[...document.querySelectorAll('#tabs button')].map((tab) => [tab.id, tab.textContent, tab.type, tab.role, "
        "tab.getAttribute('aria-selected'), tab.tabIndex, tab.getAttribute('aria-controls')])"
    )
    assert tabs == [
        [f"tab{k}", title, "button", "tab", str(k == 0).lower(), -bool(k), "lesson"]
        for k, title in enumerate(["One", "Ünï two – 3!", "Three"])
    ]
    assert seen.text("h2") == "One"
    assert seen.js("document.getElementById('lesson').getAttribute('aria-labelledby')") == "tab0"
    children = seen.js("[...document.getElementById('lesson').children].map((x) => x.className || x.localName)")
    assert children == ["h2", "p", "editor", "complaint", "p", "editor", "complaint", "task", "p"]
    task = seen.js("[...document.querySelector('.task').children].map((x) => x.className || x.localName)")
    assert task == ["editor", "complaint", "main", "verdict"]
    labels = seen.js("[...document.querySelectorAll('textarea')].map((x) => [x.ariaLabel, x.value])")
    assert labels == [["Code 1", "first: 1"], ["Code 2", "second: 2"], ["Your answer: double", "draw"]]
    assert "tanh" in seen.js("JSON.parse(document.querySelector('textarea').dataset.names).map((one) => one.label)")
    roles = seen.js("[...document.querySelectorAll('.complaint, .verdict')].map((x) => x.role)")
    assert roles == ["status"] * 4
    assert seen.text("#caption") == "light: first: 1", "code up to the first"
    assert seen.js("[document.body.dataset.runs, document.body.dataset.shown]") == ["1", "0"], "it has run once"
    assert seen.text("#state") == "ready" and seen.js("document.body.dataset.state") == "ready"
    assert seen.js("document.getElementById('stop').hidden") is True
    assert seen.text("#licences") == "MIT, all of it"
    assert seen.js("document.querySelectorAll('script[id^=file-]').length") == 0, "what was unpacked takes no memory"
    seen.click("#tab2")
    seen.wait("document.getElementById('caption').textContent === 'light: last: 1'")  # the first that is no task


def test_a_page_in_a_folder_fetches_what_lies_beside_it(tabbed):
    tabbed.page.goto("http://page.test/index.html")
    tabbed.wait("document.getElementById('licences').textContent")
    tabbed.wait("Number(document.body.dataset.runs) > 0")
    assert tabbed.text("h1") == "Beside" and tabbed.text("#caption") == "light: first: 1"


def test_an_older_browser_unpacks_the_same(browser, tabbed):
    page = browser.new_page()
    page.add_init_script("delete Uint8Array.fromBase64")
    older = Seen(page, tabbed.address).open()
    assert (older.text("#licences"), older.text("#caption")) == ("MIT, all of it", "light: first: 1")
    page.close()


def test_code_runs_with_what_stands_above_it_and_an_answer_with_all_code(seen):
    seen.type("b: 2", 1)
    assert seen.text("#caption") == "light: first: 1\nb: 2"
    seen.type("a: 1", 0)
    assert seen.text("#caption") == "light: a: 1"
    seen.type("c: 3", 2)
    assert seen.text("#caption") == "light: a: 1\nb: 2\nc: 3"
    edits, runs = seen.js("[document.body.dataset.edits, document.body.dataset.runs]")
    assert edits == "3"
    seen.send("textarea", "dblclick")  # the stand-in's key for a run
    seen.wait(f"Number(document.body.dataset.runs) === {int(runs) + 1}")
    assert seen.text("#caption") == "light: a: 1"


def test_what_is_printed_is_of_the_last_run(seen):
    seen.type('print: "a"\nprint: "b"')
    assert seen.text("#output") == "ab"
    seen.type('print: "c"')
    assert seen.text("#output") == "c"
    seen.type("x: 1")
    assert seen.text("#output") == ""


def test_a_run_that_takes_long_says_so_shows_what_it_prints_and_can_be_stopped(seen):
    seen.type('silent: 1\nlater: "so far"', ran=False)
    assert seen.text("#state") == "ready" and seen.js("document.getElementById('stop').hidden"), "not at once"
    seen.wait("document.getElementById('output').textContent === 'so far'")
    assert seen.text("#state") == "running…" and seen.js("document.body.dataset.state") == "running"
    assert seen.js("document.getElementById('stop').hidden") is False
    assert seen.js("document.body.classList.contains('late')") is True
    seen.click("#stop")
    seen.wait("document.body.dataset.state === 'ready'")
    assert seen.text("#caption") == "Stopped. Your text is as it was; change it to run again."
    assert seen.js("document.getElementById('stop').hidden") is True
    assert seen.js("document.body.classList.contains('late')") is False
    seen.type('fail: "out of memory"', ran=False)
    seen.wait("document.getElementById('caption').textContent.startsWith('The interpreter')")
    assert seen.text("#caption") == "The interpreter ended and starts anew: out of memory"
    seen.type("again: 1")
    assert seen.text("#caption") == "light: again: 1"


def test_a_picture_of_a_text_before_is_pale(seen):
    """After an error, or when a run was stopped; an error behind the picture leaves one of its own."""
    error = json.dumps({"line": 1, "text": "no"})
    picture = json.dumps('<svg xmlns="http://www.w3.org/2000/svg" width="90pt" height="9pt"/>')
    for text, pale in (
        (f"picture: {picture}", False),
        (f"error: {error}", True),
        (f"picture: {picture}\nerror: {error}", False),
    ):
        seen.type(text)
        assert seen.js("getComputedStyle(document.getElementById('picture')).opacity") == ("0.45" if pale else "1")
    seen.type('fail: "out of memory"', ran=False)
    seen.wait("document.getElementById('picture').classList.contains('stale')")
    seen.type("x: 1")
    assert seen.js("getComputedStyle(document.getElementById('picture')).opacity") == "1"


def test_a_lesson_with_an_error_does_not_show_the_picture_of_another(seen):
    seen.say(picture=graph(*"ab"))
    seen.click("#tab1")
    seen.say(error={"line": 1, "text": "no"})
    seen.click("#tab0")
    seen.wait("document.querySelector('#picture svg') !== null")
    seen.click("#tab1")
    seen.wait("document.querySelector('#picture svg') === null")


def complaints(seen):
    return seen.js(
        "[...document.querySelectorAll('textarea')].map((area, k) => [area.dataset.mark ?? null, "
        "document.querySelectorAll('.complaint')[k].textContent])"
    )


def test_an_error_is_told_in_the_editor_and_at_the_line_where_it_came_up(seen):
    seen.type("a: 1\nb: 2\nc: 3")
    for line, first, second in ((3, "3 E", "1 "), (1, "1 E", "1 "), (4, "1 ", "1 E"), (5, "1 ", "2 E")):
        seen.type(f'x: 1\nerror: {{"line": {line}, "text": "E"}}', 1)
        words = [f"Line {mark.split()[0]}: E" if "E" in mark else "" for mark in (first, second)]
        assert complaints(seen) == [[first, words[0]], [second, words[1]], [None, ""]]
    seen.type('error: {"line": null, "text": "ended"}', 1)
    assert complaints(seen)[:2] == [["1 ", "ended"], ["1 ", "ended"]]
    seen.type("fine: 1", 1)
    assert complaints(seen) == [["1 ", ""], ["1 ", ""], [None, ""]]


def test_a_picture_is_kept_where_an_error_gives_none(seen):
    seen.say(picture=graph("a", "b"))
    boxes = seen.js(
        "[...document.querySelectorAll('#picture .node')].map((box) => [box.getAttribute('tabindex'), "
        "box.getAttribute('role'), box.getAttribute('aria-label'), box.querySelectorAll('[href]').length])"
    )
    assert boxes == [["0", "button", f"{name} data 2", 0] for name in "ab"]
    seen.say(error={"line": 1, "text": "E"})
    assert seen.js("document.querySelectorAll('#picture .node').length") == 2
    seen.say(error={"line": 1, "text": "E"}, picture=graph("c"))
    assert seen.js("document.querySelectorAll('#picture .node').length") == 1
    seen.say(x=1)
    assert seen.js("document.getElementById('picture').childNodes.length") == 0


def test_a_picture_is_as_large_as_there_is_room_and_no_smaller_than_can_be_read(seen):
    def width():
        return seen.js("parseFloat(document.querySelector('#picture svg').style.width)")

    seen.say(picture=graph("a", width=90))
    assert width() == 120  # 90 points
    seen.say(picture=graph("a", width=3000))
    assert width() == 3000
    assert seen.js("document.querySelector('#picture svg').style.height") == "auto"
    room = seen.js("document.getElementById('picture').clientWidth - 18")
    seen.say(picture=graph("a", width=room * 0.8))
    assert width() == pytest.approx(room, abs=0.01)
    seen.page.set_viewport_size({"width": 1200, "height": 720})
    smaller = seen.js("document.getElementById('picture').clientWidth - 18")
    seen.wait(f"Math.abs(parseFloat(document.querySelector('#picture svg').style.width) - {smaller}) < 0.01")
    assert smaller < room


def test_a_picture_scrolls_from_its_result_and_stays_where_it_was_moved(seen):
    place = "(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop])(document.getElementById('picture'))"
    tall = graph("a", width=3000).replace('height="90pt"', 'height="3000pt"').replace(' 90"', ' 3000"')
    seen.say(picture=tall)
    far = (
        "(({ scrollWidth, clientWidth, scrollHeight, clientHeight }) => [scrollWidth - clientWidth, "
        "(scrollHeight - clientHeight) / 2])(document.getElementById('picture'))"
    )
    assert seen.js(place) == pytest.approx(seen.js(far), abs=1) and seen.js(far)[0] > 100
    seen.js("Object.assign(document.getElementById('picture'), { scrollLeft: 50, scrollTop: 7 })")
    top = seen.js(place)[1]
    seen.say(picture=tall.replace("data 2", "data 3"))
    assert seen.js(place) == [50, top]
    seen.say(picture=tall.replace('3000pt"', '2500pt"', 1))
    assert seen.js(place)[0] > 100


@pytest.mark.parametrize(("wide", "size"), [(1.1, "10.00"), (0.9, "11.00")])
def test_letters_of_a_graph_are_fitted_to_a_wider_font_and_those_of_a_chart_are_left(wide, size, browser, tabbed):
    page = browser.new_page()
    width = f"this.font === '110px Helvetica, sans-serif' && text === 'grad 0.6347' ? {587 * wide} : 0"
    page.add_init_script(
        f"CanvasRenderingContext2D.prototype.measureText = function (text) {{ return {{ width: {width} }}; }}"
    )
    seen = Seen(page, tabbed.address).open()
    sizes = "[...document.querySelectorAll('#picture text')].map((x) => x.getAttribute('font-size'))"
    seen.say(picture=graph("a"))
    assert seen.js(sizes) == [size] * 2
    seen.say(picture=graph("a", kind="chart"))
    assert seen.js(sizes) == ["11", "11"]
    page.close()


def explanation(seen, text):
    seen.wait(f"document.getElementById('explanation').textContent === {json.dumps(text)}")


def test_a_box_is_explained_by_pointing_clicking_and_keys(seen):
    seen.say(picture=graph(*"abcdefghij"))
    asked = 2  # two runs
    for k, (kind, more, prevented) in enumerate(
        [("click", {}, False), ("pointerover", {}, False), ("keydown", {"key": "Enter"}, True),
         ("keydown", {"key": " "}, True)]
    ):  # fmt: skip
        assert seen.send(f"#n{k} text", kind, **more) is not prevented
        asked += 1
        explanation(seen, f"of n{k}, {asked}")
        assert seen.js("[...document.querySelectorAll('.chosen')].map((x) => x.id)") == [f"n{k}"]
    assert seen.js("document.querySelectorAll('#explanation b').length") == 1
    seen.send("#n5", "keydown", key="x")
    seen.send("#picture", "click")
    seen.send("#n3", "pointerover")  # it is explained already
    seen.send("#n9", "click")
    explanation(seen, "no chain rule")
    seen.send("#n3", "click")
    explanation(seen, f"of n3, {asked + 2}")
    seen.say(picture=graph(*"abcd"))
    explanation(seen, f"of n3, {asked + 4}")
    seen.say(picture=graph(*"abc"))
    explanation(seen, "")
    seen.send("#n1", "pointerover")
    explanation(seen, f"of n1, {asked + 6}")
    seen.click("#tab1")
    explanation(seen, "")


def test_of_boxes_that_are_passed_the_last_is_explained(seen):
    seen.say(picture=graph(*"abcdefghi"))
    shown = seen.js(
        """new Promise((done) => {
          const said = [], host = document.getElementById("explanation");
          new MutationObserver(() => said.push(host.textContent) && host.textContent.startsWith("of n3") && done(said))
            .observe(host, { childList: true });
          for (const box of [...document.querySelectorAll("#picture .node")].slice(0, 4))
            box.dispatchEvent(new Event("click", { bubbles: true }));
        })"""
    )
    assert shown == ["of n3, 4"], "two were asked for"
    seen.send("#n8", "click")  # which takes for ever
    seen.click("#stop")
    seen.wait("document.body.dataset.state === 'ready'")
    assert seen.text("#explanation") == "of n3, 4"
    seen.send("#n1", "click")
    explanation(seen, "of n1, 1")


def test_what_code_shows_is_put_there_by_its_kind(seen):
    kinds = [("svg", graph("a", kind="chart")), ("html", "<p>one</p><p>two</p>"), ("page", STEPPING), ("text", "<3>")]
    seen.say(shown=[{"kind": kind, "content": content} for kind, content in kinds])
    assert seen.js("[...document.getElementById('shown').children].map((x) => x.localName)") == [
        *("svg", "div", "iframe", "pre")
    ]
    assert seen.text("#shown pre") == "<3>"
    assert seen.js("document.querySelector('#shown div').children.length") == 2
    seen.say(x=1)
    assert seen.js("document.getElementById('shown').childNodes.length") == 0


def framed(seen, selector):
    seen.wait(f"document.querySelector('{selector}')?.contentDocument?.title === 'stepped'")
    return seen.js(
        f"(() => {{ const frame = document.querySelector('{selector}'), inside = frame.contentDocument; return "
        "[frame.title, inside.compatMode, inside.documentElement.dataset.theme, "
        "inside.querySelectorAll('meta').length, [...inside.scripts].map((x) => [x.type, x.src.slice(0, 5)])]; })()"
    )


def test_a_page_that_steps_is_framed_with_the_theme_of_this_one(seen):
    seen.click("#view-step")
    inside = ["The chain rule, step by step", "CSS1Compat", "auto", 0, [["application/json", ""], ["", "blob:"]]]
    assert framed(seen, "#stepping iframe") == inside
    state = (
        "[...['stepping', 'picture', 'explanation', 'hint'].map((id) => document.getElementById(id).hidden), "
        "...['view-picture', 'view-step'].map((id) => document.getElementById(id).getAttribute('aria-pressed'))]"
    )
    assert seen.js(state) == [False, True, True, True, "false", "true"]
    seen.js("document.querySelector('#stepping iframe').dataset.old = 1")
    seen.js("document.getElementById('theme').value = 'dark'")
    seen.send("#theme", "change")
    seen.wait("document.querySelector('#stepping iframe')?.dataset.old === undefined")
    assert framed(seen, "#stepping iframe") == [*inside[:2], "dark", *inside[3:]]
    seen.type("mute")
    seen.click("#view-step")
    seen.click("#view-step")
    seen.wait("document.getElementById('stop').hidden === false")
    seen.click("#stop")
    seen.click("#stop")
    assert seen.js("document.querySelectorAll('#stepping iframe').length") == 1, "what was there stays"
    seen.type("no stepping")
    seen.wait("document.getElementById('caption').textContent === 'there is no Value'")
    assert seen.js("document.getElementById('stepping').childNodes.length") == 0
    seen.click("#view-picture")
    assert seen.js(state) == [True, False, False, False, "true", "false"]


def test_an_answer_is_checked_and_a_lesson_that_is_solved_is_marked(seen):
    seen.type("wrong", 2)
    seen.click(".task button.main")
    seen.wait("document.querySelector('.verdict.wrong')")
    assert seen.js("[...document.querySelectorAll('.verdict p')].map((x) => x.textContent)") == ["double", "wrong"]
    room = seen.js("document.querySelector('.verdict').clientWidth - 24")
    assert seen.js("parseFloat(document.querySelector('.verdict svg').style.width)") == room
    assert seen.js("document.querySelector('.verdict').tabIndex") == 0, (
        "where the picture is wider it scrolls, by keys too"
    )
    assert 0.75 * 640 < room < 640, "of 480 points"
    assert seen.js("document.querySelector('#tabs .solved')") is None
    seen.type("right", 2)
    seen.click(".task button.main")
    seen.wait("document.querySelector('.verdict.right')")
    assert seen.js("document.querySelector('.verdict').className") == "verdict right"
    assert seen.js("[...document.querySelectorAll('#tabs .solved')].map((x) => x.id)") == ["tab0"]
    seen.js("(area => { area.value = 'silent: 1' })(document.querySelectorAll('textarea')[2])")
    seen.click(".task button.main")
    assert seen.js(
        "[document.querySelector('.verdict').className, document.querySelector('.verdict').textContent]"
    ) == [*("verdict", "Checking…")]
    seen.click("#stop")
    seen.wait("document.querySelector('.verdict').textContent === 'Stopped. '")
    seen.wait("document.body.dataset.state === 'ready'")
    seen.click(".task button.main")
    seen.js("(area => { area.value = 'right' })(document.querySelectorAll('textarea')[2])")
    seen.click(".task button.main")
    seen.click(".task button.main")  # what waits is replaced, and nothing more is said of it
    seen.wait("document.querySelector('.verdict').textContent === ''")
    seen.click("#stop")
    seen.wait("document.querySelector('.verdict.right')")
    seen.click("#tab2")
    seen.wait("document.querySelector('h2').textContent === 'Three'")
    seen.type("wrong", 0)
    seen.click(".task button.main")
    seen.wait("document.querySelector('.verdict.wrong')")
    assert seen.js("document.querySelector('.verdict').tabIndex") == -1
    assert seen.js("document.querySelector('.verdict svg')") is None


def test_texts_are_kept_until_a_reader_starts_over(seen):
    seen.type("mine: 1", 1)
    seen.click("#tab1")
    seen.type("two: 1")
    seen.open()
    values = "[...document.querySelectorAll('textarea')].map((area) => area.value)"
    assert seen.js(values) == ["first: 1", "mine: 1", "draw"]
    seen.click("#original")
    assert seen.js(values) == ["first: 1", "second: 2", "draw"]
    assert seen.js("Object.values(localStorage)") == ["two: 1"]
    seen.click("#tab1")
    assert seen.js(values) == ["two: 1"]


def test_a_link_leads_to_the_lesson_with_its_texts(seen):
    seen.click("#tab1")
    seen.type("carried: 1")
    seen.click("#link")
    seen.wait("document.getElementById('state').textContent === 'link copied'")
    link = seen.js("location.hash")
    assert link.startswith("#lesson=2&code=")
    seen.js("new Promise(requestAnimationFrame)")
    assert seen.text("#state") == "link copied", "for as long as nothing else is done"
    seen.js("localStorage.clear()")
    seen.open(link)
    assert (seen.text("h2"), seen.js("document.querySelector('textarea').value")) == ("Ünï two – 3!", "carried: 1")
    seen.js("location.hash = '#lesson=3'")
    seen.wait("document.querySelector('h2').textContent === 'Three'")
    for wrong in ("#lesson=4", "#lesson=0", "#lesson=x"):
        seen.js("location.hash = '#lesson=2'")
        seen.wait("document.querySelector('h2').textContent === 'Ünï two – 3!'")
        seen.js(f"location.hash = '{wrong}'")
        seen.wait("document.querySelector('h2').textContent === 'One'")


def saved(seen, button):
    with seen.page.expect_download() as download:
        seen.click(button)
    return download.value.suggested_filename, download.value.path().read_text(encoding="utf-8")


def test_a_lesson_is_saved_under_its_title_with_its_prose_and_the_readers_code(seen):
    seen.type("mine: 1", 1)
    name, script = saved(seen, "#save-py")
    assert name == "one.py"
    assert script == "# One\n\n# Words & more.\n\nfirst: 1\n\n# Between.\n\nmine: 1\n\ndraw\n\n# After.\n"
    seen.click("#tab1")
    name, notebook = saved(seen, "#save-ipynb")
    assert name == "ünï-two-3.ipynb"
    assert [cell["source"] for cell in json.loads(notebook)["cells"]] == [["# Ünï two – 3!"], ["alone: 1"]]


def test_the_theme_is_the_readers_or_the_systems(seen):
    for value, theme in (("dark", "dark"), ("light", "light"), ("auto", "light")):
        seen.js(f"document.getElementById('theme').value = '{value}'")
        seen.send("#theme", "change")
        seen.wait(f"document.getElementById('caption').textContent === '{theme}: first: 1'")
        assert seen.js("document.documentElement.dataset.theme") == value
        seen.type("x: 1")
        seen.type("first: 1")
    seen.page.emulate_media(color_scheme="dark")
    seen.wait("document.getElementById('caption').textContent === 'dark: first: 1'")
    seen.js("document.getElementById('theme').value = 'light'")
    seen.send("#theme", "change")
    seen.wait("document.getElementById('caption').textContent === 'light: first: 1'")


def test_tabs_are_changed_by_keys(seen):
    def press(key):
        prevented = not seen.send("#tabs", "keydown", key=key)
        return prevented, seen.js("document.activeElement.id"), seen.text("h2")

    assert press("ArrowLeft")[::2] == (False, "One")
    assert press("ArrowRight") == (True, "tab1", "Ünï two – 3!")
    assert press("ArrowRight") == (True, "tab2", "Three")
    assert press("ArrowRight") == (False, "tab2", "Three")
    assert press("ArrowLeft") == (True, "tab1", "Ünï two – 3!")
    assert press("End") == (True, "tab2", "Three")
    assert press("x") == (False, "tab2", "Three")
    assert press("Home") == (True, "tab0", "One")
    assert seen.js("document.querySelectorAll('#tabs [aria-selected=true]').length") == 1


def test_the_tab_that_is_open_is_in_view(seen):
    seen.page.set_viewport_size({"width": 120, "height": 720})
    for k in (2, 0, 1):
        seen.click(f"#tab{k}")
        left, right = seen.js(
            f"(({{ left, right }}) => [left, right])(document.getElementById('tab{k}').getBoundingClientRect())"
        )
        assert left >= 0 and right <= 120


def test_the_picture_stands_beside_the_lesson_or_below_its_first_code(seen):
    before = "(({ className, id }) => className || id)(document.getElementById('seen').previousElementSibling)"
    assert seen.js(before) == "lesson"
    seen.page.set_viewport_size({"width": 999, "height": 720})
    seen.wait("document.getElementById('seen').parentNode.id === 'lesson'")
    assert seen.js(before) == "complaint"
    seen.click("#tab1")
    assert seen.js(before) == "complaint"
    seen.page.set_viewport_size({"width": 1000, "height": 720})
    seen.wait("document.getElementById('seen').parentNode.localName === 'main'")


def test_an_answer_that_is_no_longer_asked_for_is_not_shown(seen):
    for k in range(3):
        seen.type(f"x: {k}", ran=False)
    seen.shown()
    assert seen.text("#caption") == "light: x: 2"
    seen.type("x: 3", ran=False)
    seen.click("#tab1")
    seen.wait("document.getElementById('caption').textContent === 'light: alone: 1'")
    seen.type("y: 1")
    assert seen.text("#caption") == "light: y: 1"
