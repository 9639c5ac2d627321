"""The command line: what a user sees, and that a mistake ends in one line and exit status 2."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from tinygrad_edu import TABLE, cli, explore
from tinygrad_edu.engine import unregister
from tinygrad_edu.nn import MLP

MATRICES = [[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [[0.4, 0.3, 0.6], [0.2, 1.0, 0.3]]]


def started(*arguments, cwd, **environment):
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
    )


def run(*arguments, cwd):
    """The same in this process, which takes milliseconds; it leaves the table of operations as it was."""
    before, handler, known = os.getcwd(), signal.getsignal(signal.SIGTERM), {*TABLE}
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8") for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["tinygrad-edu", *arguments])
        os.chdir(cwd)
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            status = end.code or 0
        finally:
            os.chdir(before)
            signal.signal(signal.SIGTERM, handler)
            for name in {*TABLE} - known:
                unregister(TABLE[name])
    for stream in (out, err):
        stream.flush()
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return subprocess.CompletedProcess(arguments, status, *texts)


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walk")
    done = started(cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout, folder / "tinygrad-edu-out"


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    done = run("--audit", cwd=folder)
    assert (done.returncode, done.stderr, list(folder.iterdir())) == (0, "", [])
    return done.stdout


@pytest.mark.parametrize(
    "row",
    [
        "H1, H2 | [0.5854, 0.7261] | [0.5854, 0.7261] | [0.5854, 0.7261] | match",
        "a3 | [0.7333, 0.7317] | [0.7333, 0.7317] | [0.7333, 0.7317] | match",
        "Error1 | 0.00183 | 0.00183 | 0.00183 | match",
        "Error2 | 0.01796 | 0.01796 | 0.01796 | match",
        "total error | 0.009895 | 0.009895 | 0.009893 | rounding",
        "∂E/∂out | 0.0428 | 0.0428 | 0.0428 | match",
        "∂out/∂in | 0.1958 | 0.1956 | 0.1956 | slip",
        "∂in/∂w5 | 0.5854 | 0.5854 | 0.5854 | match",
        "∂E/∂w5 | 0.00490579 | 0.0049008 | 0.004897 | slip",
        "new w5 | 0.3995 | 0.3995 | 0.3995 | match",
        "new z2 | [1.13, 1.03] | [1.13, 1.03] | [1.135, 1.030] | rounding",
        "new a2 | [0.756, 0.737] | [0.756, 0.737] | [0.757, 0.737] | rounding",
        "in z3 | 05*.737 | 0.5*0.737 | 0.5*0.737 | slip",
        "new z3 | [1.5015, 1.3709] | [1.3709, 1.5015] | [1.3712, 1.5022] | swapped",
        "new a3 | [0.7975, 0.8178] | [0.7975, 0.8178] | [0.7976, 0.8179] | rounding",
    ],
)
def test_the_audit_has_every_figure_in_its_columns(audited, row):
    cells = [cell.strip() for cell in row.split("|")]
    table = audited.partition("Audit: ")[2].partition("One update")[0]
    [line] = [line for line in table.splitlines() if line.startswith(f" {cells[0]} ")]
    rest = line
    for cell in cells:
        assert cell in rest
        rest = rest[rest.index(cell) + len(cell) :]


@pytest.mark.parametrize(
    "text",
    [
        "z3 → y1  b3 + w5·h1 + w6·h2  0.4 + 0.3·0.5854 + 0.6·0.7261  1.0113  0.7333",
        "E = ½ Error1 + ½ Error2 = 0.009893",
        "∂y1/∂z3  = y1 (1 − y1)  = 0.7333 (1 − 0.7333)  = 0.1956",
        "∂E/∂w5 = 0.0428 × 0.1956 × 0.5854 = 0.004897",
        "(0.0049008 from the rounded factors)",
        "w1 → z1 → h1 → z3 → y1 → E",
        "= 0.0428 × 0.1956 × 0.3 × 0.2427 × 0.85 = 0.000518",
        "w1 → z1 → h1 → z4 → y2 → E",
        "= −0.134 × 0.1963 × 1 × 0.2427 × 0.85 = −0.005427",
        "∂E/∂w1 = 0.000518 − 0.005427 = −0.004909",
        "w1  x1 → h1      0.2   −0.004909499",
        "b4  bias → y2    0.2   −0.026307532",
        "w5  0.300000  −0.000490  0.299510",
        "w5: 0.3 − 0.1 × 0.004897 = 0.29951",
        "E: 0.009893 before, 0.009746 after",
        'An article, "Back Propagation",',
        "are a reconstruction: they give all four activations to the last digit.",
        "    1  0.009746",
        "   10  0.008533",
        "  100  0.002744",
        "1,000  4.556e−6",
        "Stopped after 1,563 epochs with E = 1.716e−7: the loss changed by less than 1e−9 in an epoch.",
    ],
)
def test_the_walk_prints_the_figures_of_the_example(walk, text):
    assert text in walk[0]


@pytest.mark.parametrize(
    "text",
    [
        "in the article:   0.4 − 0.1 × 0.00490579 = 0.3995",
        "in the network:   0.3 − 0.1 × 0.004897 = 0.29951",
        "(0.4 is the bias b3, taken for w5)",
        "z4 → y2  b4 + w7·h1 + w8·h2  0.6 + 0.9·0.7568 + 0.3·0.7369  1.5022  0.8179",
        "there E is 0.0068744 and ∂E/∂w5 is 0.0130817",
    ],
)
def test_the_audit_says_what_its_figures_rest_on(audited, text):
    assert text in audited


def test_the_walk_ends_with_three_things_to_do_that_can_be_typed(walk):
    *_, page, _, explain, _, exercise = walk[0].splitlines()
    folder = walk[1].parent
    assert (folder / page.strip()).is_file()
    for command, part in {explain: "∂out/∂w", exercise: "Exercise 1 of"}.items():
        done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, encoding="utf-8")
        assert done.returncode == 0
        assert part in done.stdout


def test_the_readme_shows_what_the_walk_prints(walk):
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```text\n(.*?)```", readme, flags=re.DOTALL)
    printed = [line.rstrip(" ─") for line in walk[0].splitlines()]
    places = [printed.index(line) for line in shown.splitlines()]
    assert places == sorted(places) and len(places) == 8


def test_there_is_one_minus_sign(walk, audited):
    for output in (walk[0].partition("Files")[0], audited.partition("What it says")[0]):
        assert re.findall(r"\B-[\d.]+|e-\d+", output) == []


def test_the_walk_writes_its_pictures_and_says_where(walk):
    output, folder = walk
    written = sorted(path.name for path in folder.iterdir())
    assert {"explanation-w5.md", "explore.html", "graph.svg"} <= set(written)
    assert '"leftover":false' in (folder / "explore.html").read_text(encoding="utf-8")
    assert (folder / "explanation-w5.md").read_text(encoding="utf-8").endswith("the same\n")
    for name in ("in tinygrad-edu-out:", *written):
        assert f"\n {name}" in output
    assert (folder / "graph.svg").read_text().count("<svg") == 1


def test_output_to_a_file_has_no_colour_codes_and_at_most_100_columns(walk):
    assert "\x1b" not in walk[0]
    assert max(map(len, walk[0].splitlines())) <= 100


def test_an_ascii_terminal_gets_question_marks_and_no_traceback(tmp_path):
    done = started(cwd=tmp_path, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert done.returncode == 0
    assert "?E/?w5 = 0.0428" in done.stdout


@pytest.mark.parametrize("options", [["--inputs", "1,2"], ["--weights", "other.json"], ["--seed", "1"]], ids=" ".join)
def test_numbers_of_ones_own_get_a_walk_of_their_own(options, tmp_path):
    Path(tmp_path, "other.json").write_text(json.dumps(MATRICES[::-1]))
    done = run(*options, "--epochs", "2", cwd=tmp_path)
    assert done.returncode == 0
    for word in ("article", "Audit", "audit", "reconstruction", "document"):
        assert word not in done.stdout
    assert "all 2 epochs are over" in done.stdout


def test_the_articles_own_numbers_are_known_in_a_file(tmp_path):
    Path(tmp_path, "weights.json").write_text(json.dumps(MATRICES), encoding="utf-8-sig")
    assert 'An article, "Back Propagation"' in run("--weights", "weights.json", "--epochs", "2", cwd=tmp_path).stdout


def test_a_seed_gives_the_same_walk_each_time(tmp_path):
    first, second = (run("--seed", "7", "--epochs", "3", cwd=tmp_path) for _ in range(2))
    assert first.returncode == 0
    assert first.stdout == second.stdout
    assert first.stdout != run("--seed", "8", "--epochs", "3", cwd=tmp_path).stdout


EXPRESSION = ("sigmoid(w*x + b)", "w=0.3", "x=2", "b=0.1")


def test_draw_prints_the_graph_and_writes_pictures(tmp_path):
    done = run("draw", *EXPRESSION, cwd=tmp_path)
    assert done.stdout.splitlines()[0] == "σ out  data 0.6682  grad 1"
    assert "w  data 0.3  grad 0.4434" in done.stdout
    for name, start in {"g.svg": b"<?xml", "g.png": b"\x89PNG", "g.dot": b"digraph"}.items():
        done = run("draw", *EXPRESSION, "--wrt", "w", "-o", name, cwd=tmp_path)
        assert (done.returncode, done.stdout.strip()) == (0, name)
        assert (tmp_path / name).read_bytes().startswith(start)


def test_explain_prints_the_chain_rule_and_writes_its_forms(tmp_path):
    done = run("explain", *EXPRESSION, "--wrt", "x", cwd=tmp_path)
    assert "∂out/∂x" in done.stdout and "0.0665" in done.stdout
    for name, part in {
        "e.txt": "∂out/∂x",
        "e.md": "$",
        "e.tex": "align*",
        "e.html": '<!DOCTYPE html>\n<meta charset="utf-8">\n<title>The chain rule</title>\n<div>',
    }.items():
        assert run("explain", *EXPRESSION, "--wrt", "x", "-o", name, cwd=tmp_path).returncode == 0
        written = (tmp_path / name).read_text(encoding="utf-8")
        assert part in written and written.endswith("\n") and not written.endswith("\n\n")


def test_explore_writes_a_page(tmp_path):
    done = run("explore", *EXPRESSION, cwd=tmp_path)
    assert done.stdout.strip() == "explore.html"
    page = (tmp_path / "explore.html").read_text(encoding="utf-8")
    assert "<title>sigmoid(w*x + b)</title>" in page and '"leftover":false' in page


def test_explore_writes_a_page_where_a_derivative_does_not_exist(tmp_path):
    assert run("explore", "sqrt(x)", "x=0", cwd=tmp_path).returncode == 0
    assert (tmp_path / "explore.html").is_file()


def test_a_mistake_in_an_expression_is_marked(tmp_path):
    done = run("explain", "w * import(x)", "w=1", "x=1", cwd=tmp_path)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[0].startswith("tinygrad-edu: ")
    assert lines[1].strip() == "w * import(x)"
    assert set(lines[2].strip()) == {"^"}
    assert "Traceback" not in done.stderr


NAMES = [f"name{k}" for k in range(10)]
MISTAKES = {
    (
        "draw",
        "w*x",
        "w=1",
        "x=2",
        "--wrt",
        "w",
    ): "--wrt is for a picture: expected -o too, like -o graph.svg --wrt w",
    ("draw", "w*x", "w=1"): "x has no value: expected one for each of w, x",
    ("draw", "w", "w=1", "y=3"): "y is not in 'w', which has w",
    ("draw", "w*x", "w=1", "x=2", "w=3"): "expected a number for each name, got two for w",
    ("draw", "w*x", "w=1", "x=a"): "expected a name and a finite number, like w=0.3, got 'x=a'",
    ("draw", "w*x", "w=1", "x=nan"): "expected a name and a finite number, like w=0.3, got 'x=nan'",
    ("explain", "1 + 1"): "the expression has no names",
    ("draw", "log(w)", "w=0"): "log(w) is undefined at w = 0",
    ("draw", "2*w", "w=1", "-o", "g.bmp"): "expected a name that ends in .svg, .png, .pdf, .dot, got g.bmp",
    ("draw", "2*w", "w=1", "-o", "none/g.svg"): "none/g.svg: No such file or directory",
    ("check", "2*w", "w=1", "--ops", "missing"): "cannot read missing: No such file or directory",
    ("check", "2*w", "w=1", "--method", "magic"): "method expected one of central, richardson, complex, got 'magic'",
    ("check", "1 + 1"): "the expression has no names: there is nothing to differentiate for",
    ("exercise", "99"): "there are exercises 1 to 22, got 99",
    ("exercise", "1", "--hint", "4"): "4 is not in the range 1<=x<=3",
    ("exercise", "1", "--hint", "0"): "0 is not in the range 1<=x<=3",
    ("exercise", "x"): "'x' is not a valid integer",
    ("check", "2*w", "w=1", "--order", "0"): "0 is not in the range 1<=x<=2",
    ("check", "2*w", "w=1", "--order", "3"): "3 is not in the range 1<=x<=2",
    ("worksheet", "--seed", "x"): "'x' is not a valid integer",
    ("--learning-rate", "inf"): "expected a finite number, got inf",
    ("draw", "w", "w"): "expected a name and a finite number, like w=0.3, got 'w'",
    ("draw", "w", "=1"): "expected a name and a finite number, like w=0.3, got '=1'",
    ("draw", "w", "1w=1"): "expected a name and a finite number, like w=0.3, got '1w=1'",
    ("draw", "w", "w=1=2"): "expected a name and a finite number, like w=0.3, got 'w=1=2'",
    ("--inputs", "1,"): "expected finite numbers with commas between them, like 0.85,0.25, got '1,'",
    ("draw", "w", "w=1", "-o", "svg"): "expected a name that ends in .svg, .png, .pdf, .dot, got svg",
    ("explain", "w", "w=1", "-o", "e.svg"): "expected a name that ends in .txt, .md, .tex, .html, got e.svg",
    ("explore", "w", "w=1", "-o", "e.svg"): "expected a name that ends in .html, .htm, got e.svg",
    ("exercise", "1", "--hint", "1", "--answer", "x"): "--answer and --hint exclude each other",
    ("exercise", "15", "--answer", "y"): "expected a formula in x and out, got one in y",
    ("exercise", "1", "--answer", "x"): "'x' is not one of the mistakes to choose from: an edge of x*x lost, gradient",
    ("worksheet", "-o", "none/sheet.md"): "none",
    ("worksheet", "-o", "sheet.pdf"): "expected a name that ends in .md, got sheet.pdf",
    ("worksheet", "-o", "sheet.tex"): "expected a name that ends in .md, got sheet.tex",
    ("worksheet", "-o", "sheet.html"): "expected a name that ends in .md, got sheet.html",
    ("worksheet", "-o", "sheet"): "expected a name that ends in .md, got sheet",
    ("worksheet", "--key", "key.docx"): "Invalid value for --key: expected a name that ends in .md, got key.docx",
    ("worksheet", "-o", ""): "Invalid value for '-o' / '--output': expected a name to write to, got ''",
    ("worksheet", "-o", "-"): "Invalid value for '-o' / '--output': expected a name to write to, got '-'",
    ("worksheet", "--key", ""): "Invalid value for '--key': expected a name to write to, got ''",
    ("explore", "2*w", "w=1", "-o", ""): "expected a name to write to, got ''",
    ("explain", "2*w", "w=1", "-o", "-"): "expected a name to write to, got '-'",
    ("--out", ""): "expected a name to write to, got ''",
    ("--audit", "--seed", "1"): "--audit is of the article's own numbers: leave out --seed",
    ("--audit", "--learning-rate", "1"): "--audit is of the article's own numbers: leave out --learning-rate",
    ("--seed", "1", "exercise"): "--seed belongs to the walk, and exercise is another command",
    ("--audit", "exercise"): "--audit belongs to the walk, and exercise is another command",
    ("draw",): 'expected an expression, like: tinygrad-edu draw "sigmoid(w*x + b)" w=0.3 x=2 b=0.1',
    ("check",): 'expected an expression, like: tinygrad-edu check "sigmoid(w*x + b)" w=0.3 x=2 b=0.1',
    ("draw", "-w", "w=1"): 'minus comes after --, like: tinygrad-edu draw -- "-w*x" w=0.3 x=2',
    ("draw", "w", "w=1", "--size", "3"): "No such option",
    ("check", "2*w", "w=1", "--ops", "latin1"): "latin1 is not text in UTF-8: see its byte 6",
    ("check", "2*w", "w=1", "--ops", ""): "cannot read '': No such file or directory",
    ("check", "2*w", "w=1", "--ops", "twice"): "twice, line 2: ",
    ("worksheet", "-o", "sheet.md", "--key", "./sheet.md"): "expected a file each, got sheet.md and ./sheet.md",
    ("draw", "2*w", "w=1", "--wrt", "v"): "expected one of w, got 'v'",
    ("draw", "+".join(NAMES), *(f"{name}=1" for name in NAMES), "--wrt", "v"): f"one of {', '.join(NAMES)}, got 'v'",
    ("explain", "2*w", "w=1", "--wrt", "v"): "expected one of w, got 'v'",
    ("draw", "2*w", "w=1", "--wrt", ""): "expected one of w, got ''",
    ("explore", "2*w", "w=1", "--wrt", ""): "expected one of w, got ''",
    ("--inputs", "a,b"): "expected finite numbers with commas between them, like 0.85,0.25, got 'a,b'",
    ("--inputs", "1,nan"): "expected finite numbers with commas between them, like 0.85,0.25, got '1,nan'",
    ("--inputs", "1"): "the network of the example takes 2 inputs, got 1: expected --inputs 0.5,0.5, 2 numbers",
    ("--targets", "1"): "the network of the example takes 2 targets, got 1: expected --targets 0.5,0.5, 2 numbers",
    ("--weights", "three.json"): "the network of three.json takes 3 inputs, got 2: expected --inputs 0.5,0.5,0.5",
    ("--weights", "three.json", "--inputs", "1,2,3"): "three.json takes 1 target, got 2: expected --targets 0.5, 1 num",
    ("--weights", "missing.json"): "cannot read missing.json: No such file or directory",
    ("--weights", "."): "cannot read .: Is a directory",
    ("--weights", "text.json"): "text.json is not a JSON file",
    ("--weights", "bytes.json"): "bytes.json is not text in UTF-8: see its byte 129",
    ("--weights", "object.json"): "object.json: expected matrices",
    ("--weights", "ragged.json"): "ragged.json: neuron 2 of layer 1 expected 2 weights and a bias, got 1",
    ("--weights", "string.json"): "string.json: neuron 1 of layer 1: expected a real number, got 'a' (str)",
    ("--weights", "nan.json"): "nan.json: neuron 1 of layer 1: expected a finite number, got nan",
    ("--weights", "overflow.json"): "z1 is inf: the weights or inputs are too large",
    ("--weights", "empty.json"): "an MLP expected at least one layer, got none",
    ("--seed", "1", "--weights", "ragged.json"): "--weights and --seed exclude each other",
    ("--epochs", "-1"): "-1 is not in the range",
    ("--epochs", "x"): "'x' is not a valid integer",
    ("--learning-rate", "0"): "0.0 is not in the range",
    ("--learning-rate", "nan"): "expected a finite number, got nan",
    ("--out", "file"): "file: File exists",
    ("--out", "file/below"): "file/below: Not a directory",
    ("--unknown",): "No such option",
    ("unknown",): "there is no command 'unknown'; the commands are check, draw, exercise, explain, explore, "
    "grade, live, worksheet",
    ("w*x", "w=1"): "there is no command 'w*x'; the commands are check, draw, exercise",
}


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_a_mistake_ends_in_one_clear_line_and_status_2(arguments, tmp_path):
    for name, content in {
        "file": b"",
        "text.json": b"xx",
        "bytes.json": bytes(range(256)),
        "object.json": b'{"a": 1}',
        "ragged.json": b"[[[1, 2, 3], [1, 2]]]",
        "string.json": b'[[[1, 2, "a"]]]',
        "nan.json": b"[[[1, 2, NaN]]]",
        "overflow.json": json.dumps([[[1e308, 1e308, 1e308]] * 2, [[1.0, 1.0, 1.0]] * 2]).encode(),
        "empty.json": b"[]",
        "three.json": b"[[[1, 2, 3, 4]]]",
        "latin1": '("caf\xe9", "x", "x", "1")'.encode("latin1"),
        "twice": b'("half", "h", "x / 2", "0.5")\n("half", "h", "x / 2", "0.5")\n',
    }.items():
        (tmp_path / name).write_bytes(content)
    before = sorted(tmp_path.iterdir())
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("tinygrad-edu: ")
    assert done.stderr.count("\n") == 1
    assert MISTAKES[arguments] in done.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_a_process_ends_as_is_said_here(tmp_path):
    for arguments in (
        ("draw", "w*x", "w=1"),
        ("unknown",),
        ("exercise", "3", "--answer", "overwritten"),
        ("worksheet",),
    ):
        here, there = run(*arguments, cwd=tmp_path), started(*arguments, cwd=tmp_path)
        assert (here.returncode, here.stdout, here.stderr) == (there.returncode, there.stdout, there.stderr)


def test_lr_is_the_learning_rate(tmp_path):
    long, short = (run(option, "0.5", "--epochs", "2", cwd=tmp_path).stdout for option in ("--learning-rate", "--lr"))
    assert "w ← w − 0.5 · ∂E/∂w" in short
    assert long == short


HOSTILE = "\x1b[31mred\x07\u202e" + "x" * 100_000


@pytest.mark.parametrize(
    "arguments",
    [
        [HOSTILE],
        ["--" + HOSTILE],
        ["--inputs", HOSTILE],
        ["--weights", HOSTILE],
        ["--seed", HOSTILE],
        ["draw", HOSTILE],
        ["draw", "w", HOSTILE],
        ["draw", "w", f"{HOSTILE}=1"],
        ["draw", "w", "w=1", "--wrt", HOSTILE],
        ["draw", "w", "w=1", "-o", HOSTILE],
        ["explore", "w", "w=1", "--wrt", HOSTILE],
        ["check", "w", "w=1", "--ops", HOSTILE],
        ["check", "w", "w=1", "--ops", "hostile"],
        ["check", "w", "w=1", "--ops", "name"],
        ["check", "w", "w=1", "--ops", "formula"],
        ["check", "w", "w=1", "--method", HOSTILE],
        ["exercise", HOSTILE],
        ["exercise", "1", "--answer", HOSTILE],
        ["worksheet", "-o", HOSTILE],
    ],
    ids=lambda arguments: " ".join(arguments).replace(HOSTILE, "?"),
)
def test_an_error_echoes_no_control_characters_and_no_more_than_a_line(arguments, tmp_path):
    long = HOSTILE + "x" * 100_000
    for name, row in {"hostile": long, "name": (long, "x", "x", "1"), "formula": ("own", "x", long, "1")}.items():
        (tmp_path / name).write_text(row if isinstance(row, str) else repr(row), encoding="utf-8")
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    message = done.stderr.removesuffix("\n")
    assert message.replace("\n", "").isprintable()
    assert message.count("\n") == (2 if arguments == ["draw", HOSTILE] else 0)  # an expression is shown with a mark
    assert len(message) <= 600


def test_operations_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "ops").write_text('("cube", "³", "x*x*x", "3*x*x")', encoding="utf-8-sig")
    assert run("check", "cube(x)", "x=2", "--ops", "ops", cwd=tmp_path).returncode == 0


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="Windows has no such signal")
@pytest.mark.parametrize("arguments", [["--epochs", "1"], ["--help"], ["worksheet"], ["check", "x*y", "x=1", "y=2"]])
def test_a_reader_that_has_seen_enough_ends_it_as_it_ends_other_tools(arguments, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", *arguments], cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


def test_a_closed_output_is_none(tmp_path, monkeypatch, capsys):
    """As in `tinygrad-edu worksheet -o sheet.md >&-`, from a service."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["tinygrad-edu", "worksheet", "-o", "sheet.md"])
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    with monkeypatch.context() as closed:
        closed.setattr(sys, "stdout", None)
        cli.main()
    assert os.listdir() == ["sheet.md"] and capsys.readouterr() == ("", "")


def test_an_interrupt_ends_in_one_line(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "tinygrad_edu", "--epochs", "100000000", "--learning-rate", "1e-6"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        # A shell's background job ignores interrupts, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            for line in process.stdout:  # training has begun when its heading is out
                if line.startswith("Training"):
                    break
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert errors.strip() == "tinygrad-edu: stopped"


@pytest.mark.parametrize(("stop", "status"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)])
def test_a_stop_that_a_librarys_tidying_up_has_hidden_is_one(stop, status, monkeypatch, capsys):
    def hidden(*_, **__):
        try:
            raise stop
        finally:
            raise AttributeError("eventson")

    monkeypatch.setattr("tinygrad_edu.cli.command.invoke", hidden)
    monkeypatch.setattr(sys, "argv", ["tinygrad-edu"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == status
    assert capsys.readouterr().err == ("tinygrad-edu: stopped\n" if status == 130 else "")


def test_check_prints_the_report_and_names_a_wrong_row(tmp_path):
    done = run("check", "x**3 * log(y)", "x=2", "y=3", cwd=tmp_path)
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["input", "x", "y"]
    assert done.stdout.count("ok") == 2
    (tmp_path / "ops").write_text('# mine\n\n("cube", "³", "x*x*x", "2*x*x")\n', encoding="utf-8")
    done = run("check", "cube(x) * log(y)", "x=2", "y=3", "--ops", "ops", cwd=tmp_path)
    assert done.returncode == 1
    assert "the rule of cube is wrong: ∂/∂x = 2*x*x gives 8 at x = 2, differences give 12" in done.stdout
    assert run("check", "x**3 * log(y)", "x=2", "y=3", "--order", "2", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    "line",
    [
        "__import__('os').system('touch owned')",
        "('a', 'b')",
        "('a', 'b', 'x')",
        "('a', 'b', 'x', 1)",
        "(1, 2, 3, 4)",
        "(",
        "f'{1}'",
    ],
)
def test_a_file_of_operations_is_parsed_and_never_run(line, tmp_path):
    (tmp_path / "ops").write_text(line)
    done = run("check", "x", "x=1", "--ops", "ops", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("tinygrad-edu: ops, line 1: expected texts in brackets")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "owned").exists()


def test_exercises_are_posed_hinted_and_their_answers_checked(tmp_path):
    done = run("exercise", "3", cwd=tmp_path)
    assert done.returncode == 0 and "should be" in done.stdout and "an edge of x*x lost" in done.stdout
    assert [line for line in done.stdout.splitlines() if line.endswith('exercise 3 --answer "one of them"')]
    assert run("exercise", "3", "--hint", "2", cwd=tmp_path).stdout == "For which of the two operands is it?\n"
    right = run("exercise", "3", "--answer", "swapped operands", cwd=tmp_path)
    assert (right.returncode, right.stdout.split(":")[0]) == (0, "Right")
    assert right.stdout.splitlines()[-1].endswith("exercise 4")
    wrong = run("exercise", "3", "--answer", "mean instead of sum", cwd=tmp_path)
    assert (wrong.returncode, wrong.stdout.split(":")[0]) == (1, "Not that one")
    assert run("exercise", "16", "--answer", "3 * x * x", cwd=tmp_path).returncode == 0
    assert run("exercise", "16", "--answer", "x**2", cwd=tmp_path).returncode == 1


def test_worksheets(tmp_path):
    first = run("worksheet", "--seed", "4", "-o", "sheet.md", "--key", "key.md", cwd=tmp_path)
    assert first.stdout.split() == ["sheet.md", "key.md"]
    sheet, key = ((tmp_path / name).read_text(encoding="utf-8") for name in ("sheet.md", "key.md"))
    assert run("worksheet", "--seed", "4", cwd=tmp_path).stdout == sheet
    assert sheet.count("______") == 4 * 2 + 1 + 2 + 4 + 12 * 2 == key.count("**") / 2
    assert "______" not in key
    assert sheet.splitlines()[4] == key.splitlines()[4]


def test_version():
    import tinygrad_edu

    assert run("--version", cwd=".").stdout.strip() == f"tinygrad-edu, version {tinygrad_edu.__version__}"


def test_in_a_file_lines_have_a_hundred_columns():
    assert cli.console(least=60).width == cli.console(least=80).width == 100


@pytest.mark.parametrize("name", sorted(name for name, made in cli.command.commands.items() if made.params))
def test_help_names_the_short_form_of_an_option_first(name):
    options = [p for p in cli.command.commands[name].params if p.param_type_name == "option"]
    for option in options:
        assert option.opts == sorted(option.opts, key=len), option.opts
        assert option.help, f"{option.opts} says what it is for"


def test_help_has_no_line_that_is_cut_off():
    told = run("--help", cwd=".").stdout
    assert "..." not in told.partition("Commands:")[2]
    assert all(f"  {name}  " in told for name in cli.command.commands)


@pytest.mark.parametrize("name", ["draw", "explain", "explore", "check"])
def test_help_on_a_command_with_an_expression_has_an_example_that_runs(name, tmp_path):
    told = run(name, "--help", cwd=".").stdout
    assert told.startswith(f"Usage: tinygrad-edu {name} [OPTIONS] EXPRESSION [NAME=NUMBER]...\n")
    example = told.splitlines()[-1]
    assert example.startswith(f"Example: tinygrad-edu {name} ")
    assert run(*shlex.split(example)[2:], cwd=tmp_path).returncode == 0


# What an option changes, and what is there without it


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        (1, 2, "takes 1 input, got 2: expected --inputs 0.5, 1 number"),
        (3, 2, "takes 3 inputs, got 2: expected --inputs 0.5,0.5,0.5, 3 numbers"),
        (4, 2, "takes 4 inputs, got 2: expected --inputs 0.5,0.5,0.5,0.5, 4 numbers"),
        (5, 2, "takes 5 inputs, got 2: expected --inputs 0.5,0.5,…, 5 numbers"),
        (2, 1, "takes 1 target, got 2: expected --targets 0.5, 1 number"),
        (2, 5, "takes 5 targets, got 2: expected --targets 0.5,0.5,…, 5 numbers"),
    ],
)
def test_as_many_numbers_are_asked_for_as_the_network_takes(inputs, outputs, words, tmp_path):
    (tmp_path / "w.json").write_text(json.dumps([[[0.5] * (inputs + 1)] * 3, [[0.25] * 4] * outputs]))
    done = run("--weights", "w.json", cwd=tmp_path)
    assert done.stderr == f"tinygrad-edu: the network of w.json {words}\n"


@pytest.mark.parametrize(
    "content", ["{}", "1", "[1]", "[[1]]", "[[[1, 2]], [1]]", "[[[1, 2]], 1]", "[[[1, 2], 3]]", '"[]"']
)
def test_weights_that_are_no_matrices_are_told_their_form(content, tmp_path):
    (tmp_path / "w.json").write_text(content)
    done = run("--weights", "w.json", cwd=tmp_path)
    assert done.stderr == "tinygrad-edu: w.json: expected matrices, [[[bias, weight, …], …], …], a row a neuron\n"


def test_a_seed_makes_a_network_of_two_hidden_neurons_for_the_numbers_given():
    made = cli.settings(seed=3, inputs=[0.1, 0.2, 0.3], targets=[0.5])
    assert made.weights == MLP(3, [2, 1], seed=3).to_weights() != cli.settings(seed=4, inputs=[0.1] * 3).weights
    assert (made.inputs, made.targets) == ([0.1, 0.2, 0.3], [0.5])


def test_a_file_that_no_reader_can_follow_is_no_json(tmp_path):
    (tmp_path / "w.json").write_text("[" * 100_000)
    assert run("--weights", "w.json", cwd=tmp_path).stderr == "tinygrad-edu: w.json is not a JSON file\n"
    assert run("--weights", "a\0b", cwd=tmp_path).stderr.startswith("tinygrad-edu: cannot read a b: ")


def test_the_walk_takes_each_option(tmp_path):
    (tmp_path / "w.json").write_text(json.dumps([[[0.125, 0.25, 0.375]] * 3, [[0.5, 0.625, 0.75, 0.875]]]))
    options = ("--inputs", "0.3,0.7", "--targets", "0.45", "--lr", "0.35", "--epochs", "3", "--out", "there")
    done = run("--weights", "w.json", *options, cwd=tmp_path)
    assert done.returncode == 0
    for part in ("x = (0.3, 0.7)   targets t = (0.45)", "w9 = 0.875", "w ← w − 0.35 · ∂E/∂w", "all 3 epochs are over"):
        assert part in done.stdout
    assert "in there:" in done.stdout and (tmp_path / "there" / "explore.html").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there", "w.json"]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (("worksheet",), ("worksheet", "--seed", "1")),
        (("exercise",), ("exercise", "1")),
        (("check", "x*y", "x=1", "y=2"), ("check", "x*y", "x=1", "y=2", "--order", "1", "--method", "central")),
        (("explain", "y*x", "y=1", "x=2"), ("explain", "y*x", "y=1", "x=2", "--wrt", "y")),
        (("-h",), ("--help",)),
        (("check", "-h"), ("check", "--help")),
    ],
)
def test_what_is_not_said_is(given, wanted, tmp_path):
    first, second = run(*given, cwd=tmp_path), run(*wanted, cwd=tmp_path)
    assert (first.returncode, first.stdout, first.stderr) == (0, second.stdout, "")
    assert first.stdout


def test_check_takes_the_order_and_the_method(tmp_path):
    checked = [
        run("check", "x**2 * y", "x=2", "y=3", *options, cwd=tmp_path)
        for options in ((), ("--order", "2"), ("--method", "complex"), ("--method", "richardson"))
    ]
    assert [done.returncode for done in checked] == [0] * 4
    assert len({done.stdout for done in checked}) == 4
    assert [line.split("  ")[0] for line in checked[1].stdout.splitlines()[1:]] == ["x, x", "x, y", "y, x", "y, y"]


def test_draw_and_explore_take_the_name_to_differentiate_for_and_an_ending_in_capitals(tmp_path):
    pictures = []
    for options in ((), ("--wrt", "w"), ("--wrt", "x")):
        assert run("draw", "exp(w) * x", "w=1", "x=2", *options, "-o", "g.DOT", cwd=tmp_path).stdout == "g.DOT\n"
        pictures.append((tmp_path / "g.DOT").read_text(encoding="utf-8"))
    assert len({*pictures}) == 3
    assert run("draw", "w", "w=1", "--wrt", "v", cwd=tmp_path).returncode == 2
    assert run("explore", "w", "w=1", "--wrt", "v", cwd=tmp_path).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["g.DOT"]
    pages = []
    for options in ((), ("--wrt", "b")):
        done = run("explore", "w * 2 + b", "w=1", "b=2", *options, "-o", "page.htm", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "page.htm\n")
        pages.append((tmp_path / "page.htm").read_text(encoding="utf-8"))
    root, leaves = cli.built("w * 2 + b", (("w", 1.0), ("b", 2.0)))
    assert pages == [explore(root, params=moved, title="w * 2 + b").html for moved in (None, [leaves["b"]])]


def test_a_label_in_an_expression_is_kept(tmp_path):
    assert run("draw", "w", "w=1", cwd=tmp_path).stdout.splitlines() == ["w  data 1  grad 1"]


@pytest.mark.parametrize("terminal", [True, False])
def test_on_a_terminal_lines_are_broken_between_words_but_commands_are_not(terminal, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    command = f"Hints: {cli.program()} exercise 3 --hint 1"
    cli.tell(f"The derivative for x is given to y.\n\n    x  0.5\n{command}")
    prose = "The derivative for x\nis given to y." if terminal else "The derivative for x is given to y."
    assert capsys.readouterr().out == f"{prose}\n\n    x  0.5\n{command}\n"


def test_after_the_last_exercise_comes_no_next(tmp_path):
    from tinygrad_edu.lesson import exercises

    last = str(exercises.COUNT)
    assert last in run("exercise", last, cwd=tmp_path).stdout
    answer = run("exercise", last, "--hint", "3", cwd=tmp_path).stdout.partition(" = ")[2].strip()
    right = run("exercise", last, "--answer", answer, cwd=tmp_path)
    assert (right.returncode, "Next: " in right.stdout) == (0, False)
    wrong = run("exercise", "16", "--answer", "x**2", cwd=tmp_path)
    assert (wrong.returncode, "Next: " in wrong.stdout) == (1, False)


def test_a_key_alone_is_written_and_the_sheet_printed(tmp_path):
    done = run("worksheet", "--key", "key.md", cwd=tmp_path)
    assert done.stdout == "key.md\n" + run("worksheet", cwd=tmp_path).stdout
    assert [path.name for path in tmp_path.iterdir()] == ["key.md"]


@pytest.mark.skipif(os.name != "posix", reason="needs /dev/null")
def test_what_keeps_nothing_takes_a_sheet_and_a_key_in_any_form(tmp_path):
    done = run("worksheet", "-o", "/dev/null", "--key", "/dev/null", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "/dev/null\n" * 2)
    (tmp_path / "sheet.txt").touch()
    assert run("worksheet", "-o", "sheet.txt", cwd=tmp_path).returncode == 2


LONG = "a_task_with_a_name_of_many_letters"
TWO_TASKS = "".join(
    f"""# {name}

```python task {name}
def {name}(x): return 0
```

```python answer
def {name}(x): return {k} * x
```

```python check
cases = [1.0]
def expected(x): return {k} * x
```
"""
    for k, name in ((2, "double"), (3, "triple"))
)


def test_grade_passes_where_all_tasks_do(tmp_path):
    (tmp_path / "l.md").write_text(TWO_TASKS, encoding="utf-8-sig")
    for functions, right, status in (
        ("def double(x): return 2 * x\ndef triple(x): return 3 * x\n", (True, True), 0),
        ("def double(x): return 2 * x\n", (True, False), 1),
        ("def triple(x): return 3 * x\n", (False, True), 1),
    ):
        (tmp_path / "a.py").write_text(functions, encoding="utf-8-sig")
        done = run("grade", "l.md", "a.py", "--json", "r.json", "--pytest", "t.py", cwd=tmp_path)
        assert done.returncode == status
        assert [line.split(": ")[:2] for line in done.stdout.splitlines() if ": " in line][:2] == [
            ["double", "Right, on 1 of 1 cases." if right[0] else "It has no function double"],
            ["triple", "Right, on 1 of 1 cases." if right[1] else "It has no function triple"],
        ]
        for k, name in enumerate(("double", "triple")):
            only = run("grade", "l.md", "a.py", "--task", name, cwd=tmp_path)
            assert (only.returncode, only.stdout.count("\n")) == (int(not right[k]), 1)
        result = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
        assert [test["name"] for test in result["tests"]] == ["double", "triple"]
        assert result["score"] == sum(right) and (tmp_path / "r.json").read_text(encoding="utf-8")[-1] == "\n"
        assert "with_name('a.py')" in (tmp_path / "t.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("l.md", "a.py", "--json", "a.py"), "expected a file each, got a.py and a.py, which are the same"),
        (("l.md", "a.py", "--pytest", "./a.py"), "expected a file each, got a.py and ./a.py, which are the same"),
        (("l.md", "a.py", "--json", "r", "--pytest", "r"), "expected a file each, got r and r, which are the same"),
        (("l.md", "a.py", "--task", "half"), "Invalid value for --task: expected one of double, triple, got 'half'"),
        (("long.md", "a.py", "--task", "x"), f"Invalid value for --task: expected one of {LONG}, {LONG}s, got 'x'"),
        (("prose.md", "a.py"), "prose.md has no task"),
        (("l.md", "none.py"), "cannot read none.py: No such file or directory"),
        (("none.md", "a.py"), "cannot read none.md: No such file or directory"),
    ],
)
def test_grade_says_what_is_missing(arguments, words, tmp_path):
    long = TWO_TASKS.replace("double", LONG).replace("triple", f"{LONG}s")
    lessons = {"l.md": TWO_TASKS, "long.md": long, "prose.md": "# A\n\nwords\n", "a.py": "kept = 1\n"}
    for name, content in lessons.items():
        (tmp_path / name).write_text(content)
    done = run("grade", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"tinygrad-edu: {words}\n")
    assert {path.name for path in tmp_path.iterdir()} == lessons.keys()
    assert (tmp_path / "a.py").read_text() == "kept = 1\n"


@pytest.mark.parametrize(
    ("options", "written", "title", "count"),
    [
        ((), ["live.html"], "Backpropagation, live", 8),
        (("-o", "p.htm", "--title", "Mine"), ["p.htm"], "Mine", 8),
        (("--lesson", "l.md"), ["live.html"], "Backpropagation, live", 2),
        (("--folder",), ["live/index.html", "live/wasm.gz"], "Backpropagation, live", 8),
        (("--folder", "-o", "a/b", "--lesson", "l.md", "--title", "T"), ["a/b/index.html", "a/b/wasm.gz"], "T", 2),
    ],
)
def test_a_live_page_is_made_of_what_is_asked_for(options, written, title, count, tmp_path, monkeypatch):
    """What goes into it, by stand-ins for what takes npm: tests/test_live.py has the rest."""
    monkeypatch.setattr("tinygrad_edu.live.build", lambda lessons, title: f"{len(lessons)} {title}")
    monkeypatch.setattr(
        "tinygrad_edu.live.folder",
        lambda lessons, title: {"wasm.gz": b"\0", "index.html": f"{len(lessons)} {title}".encode()},
    )
    (tmp_path / "l.md").write_text(TWO_TASKS, encoding="utf-8-sig")
    done = run("live", *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    made = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file() and p.name != "l.md")
    assert made == written
    assert (tmp_path / written[0]).read_text() == f"{count} {title}"
    assert done.stdout == (f"{Path(written[0]).parent.as_posix()}\n" if "--folder" in options else f"{written[0]}\n")


def test_a_live_page_that_cannot_be(tmp_path, monkeypatch):
    monkeypatch.setattr("tinygrad_edu.live.build", lambda lessons, title: "")
    (tmp_path / "file").touch()
    (tmp_path / "a.md").write_text("# Slopes\n\nThese:\n\n```py\nx = 1\n```\n")
    for options, words in (
        (("-o", "p.pdf"), "Invalid value for -o: expected a name that ends in .html, .htm, got p.pdf"),
        (("--lesson", ""), "cannot read '': No such file or directory"),
        (("--lesson", "none.md"), "cannot read none.md: No such file or directory"),
        (("--lesson", "file"), "file is empty: expected Markdown with a heading, like # Slopes"),
        (("--lesson", "a.md"), "a.md has nothing to run: expected blocks fenced with ```python"),
    ):
        assert run("live", *options, cwd=tmp_path).stderr == f"tinygrad-edu: {words}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.md", "file"]


@pytest.mark.parametrize(("columns", "width"), [("50", 60), ("79", 79), ("90", 90), ("101", 100), ("300", 100)])
def test_a_terminal_gets_60_to_100_columns_and_numbers_no_colours_of_their_own(columns, width, monkeypatch):
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": columns}.items():
        monkeypatch.setenv(name, value)
    made = cli.console(least=60)
    assert cli.console(least=80).width == max(width, 80)
    assert made.is_terminal and made.width == width
    with made.capture() as captured:
        made.print("x = 3")
    assert captured.get() == "x = 3\n"


@pytest.mark.parametrize(("columns", "column"), [(80, 54), (60, 4), (20, 0)])
def test_a_diagnosis_is_broken_between_words_and_goes_on_below_itself_or_its_row(columns, column, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit):
        cli.command(["check", "abs(x)", "x=0"])
    _, *lines = capsys.readouterr().out.splitlines()
    words = "kink: the slope is -1 to the left and 1 to the right"
    if columns == 80:
        assert " ".join(line[column:] for line in lines) == words
    assert " ".join(" ".join(lines).split()).endswith(words)
    assert max(map(len, lines)) <= columns
    if columns == 60:
        assert [line.split() for line in lines[:-1]] == [["diagnosis"], ["x", "0", "0", "0.0e+00", "0.0e+00"]]
        assert lines[-1] == "    " + words
    else:
        assert {len(line) - len(line.lstrip()) for line in lines[-2:]} == {column}


def test_a_sentence_below_a_table_is_broken_as_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    cli.tell("x  1  a diagnosis\n" + "word " * 20, under=6)
    assert capsys.readouterr().out.splitlines() == ["x  1  a diagnosis", *[" ".join(["word"] * n) for n in (12, 8)]]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device", "a.svg"), "a.svg: No space left on device"),
        (OSError(5, "Input/output error"), "[Errno 5] Input/output error"),
        (ValueError("v"), "v"),
        (TypeError("t"), "t"),
        (ZeroDivisionError("z"), "z"),
        (RuntimeError("r"), "r"),
        (ImportError("i"), "i"),
        (ModuleNotFoundError("m"), "m"),
        (ValueError("x" * 1000), "x" * 399 + "…"),
    ],
)
def test_whatever_finds_a_mistake_it_is_one_line(error, words, tmp_path, monkeypatch):
    def invoke(context):
        raise error

    monkeypatch.setattr("tinygrad_edu.cli.command.invoke", invoke)
    done = run(cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"tinygrad-edu: {words}\n")


def test_a_defect_is_no_mistake_of_the_user(tmp_path, monkeypatch):
    def invoke(context):
        raise KeyError("k")

    monkeypatch.setattr("tinygrad_edu.cli.command.invoke", invoke)
    with pytest.raises(KeyError):
        run(cwd=tmp_path)


def test_both_streams_show_a_question_mark_for_what_they_have_not(tmp_path, monkeypatch):
    streams = [TextIOWrapper(BytesIO(), encoding="ascii") for _ in range(2)]
    monkeypatch.setattr(sys, "argv", ["tinygrad-edu", "draw", "π*x", "x=1"])
    handler = signal.getsignal(signal.SIGTERM)
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]), pytest.raises(SystemExit) as ended:
        cli.main()
    signal.signal(signal.SIGTERM, handler)
    assert ended.value.code == 2
    assert [stream.errors for stream in streams] == ["replace", "replace"]
