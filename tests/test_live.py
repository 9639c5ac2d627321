"""Live pages: what they are made of, and what the interpreter in them says. In a browser: test_live_page.py."""

import base64
import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from tinygrad_edu import Value, cli
from tinygrad_edu.live import assets, build, charts, file, folder, lessons
from tinygrad_edu.live import session as live_session
from tinygrad_edu.live.lessons import FOLDER, for_page
from tinygrad_edu.live.session import MOST, Session
from tinygrad_edu.tasks import read
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


def test_pieces_of_the_output_are_told_while_the_code_runs():
    said = []
    output = live_session.Output(said.append)
    output.write("a")
    assert said == []
    output.told -= 0.11
    output.write("b")
    assert said == ["ab"]
    output.told -= 0.05
    assert output.write("c" * MOST) == MOST
    output.end()
    assert "".join(said) == "ab" + "c" * (MOST - 2) + "\n… and 2 characters more"
    assert (output.kept, output.lost) == (MOST, 2)
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


# Lessons, charts


def test_a_lesson_for_the_page():
    section = read(
        "# T\n\nprose\n\n```python\nx = 1\n\n```\n\n```python task f\ndef f():\n\n```\n```python answer\n1\n```\n"
        "```python check\n2\n```\n"
    )[0]
    assert for_page(section) == {
        "title": "T",
        "parts": [
            {"html": "<p>prose</p>\n"},
            {"code": "x = 1"},
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
    assert assets.modules() == found
    assert assets.licences() == (
        "@codemirror/view 1.0: MIT\n\nhttps://www.npmjs.com/package/@codemirror/view\n\n\n"
        "@lezer/common 1.0: MIT\n\nlicence\n\n\ncrelt 1.0: MIT\n\nthe text\n"
    )


def test_a_command_that_fails_or_hangs_is_one_line(tmp_path, monkeypatch):
    def shell(script):
        return assets.run(["/bin/sh", "-c", script], str(tmp_path), paths="p")

    assert shell("pwd; echo $NODE_PATH; cat") == f"{tmp_path}\np\n"
    with pytest.raises(RuntimeError) as error:
        shell("printf 'a\\nb\\nc\\nd\\n' >&2; exit 3")
    assert str(error.value) == "sh failed: a b c"
    monkeypatch.setattr(assets, "TIMEOUT", 0.05)
    with pytest.raises(RuntimeError) as error:
        shell("sleep 5")
    assert str(error.value) == "sh took more than 0.05 seconds: try again"
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
    assert found["tanh"]["detail"]
    assert file.in_script({"a": "<é>"}) == '{"a":"\\u003cé>"}'


# What a page keeps of the reader's text, run by Node


def in_node(script):
    source = (assets.WEB / "keep.js").read_text(encoding="utf-8") + "\nconst document = { title: 'T' };\n"
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
