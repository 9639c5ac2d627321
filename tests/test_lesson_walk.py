"""The walk as it is printed: at any width, with other numbers, and where a picture cannot be made."""

import io
import os
import re
import subprocess
import sys
from subprocess import SubprocessError

import pytest
from rich.console import Console

from tinygrad_edu.files import folder
from tinygrad_edu.lesson import audit, remarks
from tinygrad_edu.lesson.article import show_article, show_audit
from tinygrad_edu.lesson.terminal import broken, columns, line, point, say, short, shortened
from tinygrad_edu.lesson.walkthrough import Settings, saved, show_all_paths, show_training, told, walk
from tinygrad_edu.lesson.worked_example import WEIGHTS, forward
from tinygrad_edu.nn import MLP, History
from tinygrad_edu.shell import program


def walked(path, width=100, **settings):
    output = io.StringIO()
    walk(Settings(**{"epochs": 3, **settings}), str(path), Console(file=output, width=width, highlight=False))
    return output.getvalue()


def flat(text):
    return " ".join(text.split())


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    return walked(tmp_path_factory.mktemp("narrow"), width=80)


def test_80_columns_lose_nothing(narrow):
    assert "…" not in narrow
    assert max(map(len, (line.rstrip() for line in narrow.partition("Files")[0].splitlines()))) <= 80
    output = io.StringIO()
    show_article(Console(file=output, width=80, highlight=False))
    audited = output.getvalue()
    assert "…" not in audited
    assert max(map(len, (line.rstrip() for line in audited.splitlines()))) <= 80
    for figure in audit():
        for column in (figure.printed, figure.paper, figure.exact):
            assert ", ".join(column) in audited
        if figure.note:
            assert flat(f"• {figure.name}: {figure.note}.") in flat(audited)
    for remark in remarks():
        assert flat(remark) in flat(audited)


@pytest.mark.parametrize("weights", [WEIGHTS, [[[0.1, 0.2, -0.3, 0.4]] * 4, [[0.05, 0.7, -0.5, 0.2, 0.9]]]])
def test_60_columns_lose_nothing_of_the_walk(weights, tmp_path):
    x = (0.85, 0.25) if weights is WEIGHTS else (0.5, -1.0, 2.0)
    output = walked(tmp_path, width=60, weights=weights, inputs=x, targets=[0.8] * len(weights[-1]))
    assert "…" not in output
    assert max(map(len, (line.rstrip() for line in output.partition("Files")[0].splitlines()))) <= 60


def test_the_sections_tell_one_story(narrow):
    titles = [line.rstrip("─ ") for line in narrow.splitlines() if line.endswith("─")]
    assert titles == [
        "The example",
        "Forward",
        "The loss",
        "Backward to w5: one path",
        "Backward to w1: two paths",
        "Backward to all 12 parameters",
        "One update",
        "Training",
        "Files",
        "What next",
    ]


@pytest.mark.parametrize("inputs", [[0.85, 0.25], (0.85, 0.25)])
def test_the_articles_numbers_are_its_own_however_they_are_given(inputs):
    assert Settings(inputs=inputs, targets=[0.6905, 0.8657], learning_rate=9.0, epochs=1).of_the_article
    assert not Settings(inputs=inputs, targets=[0.6905, 0.8658]).of_the_article
    assert not Settings(inputs=inputs, weights=[[[1.0, 2.0, 3.0]]]).of_the_article


def test_another_learning_rate_is_used(tmp_path):
    assert "w5: 0.3 − 0.5 × 0.004897 = 0.29755" in walked(tmp_path, learning_rate=0.5)


def test_an_update_that_makes_the_loss_grow_says_why(tmp_path):
    for rate in (1e-3, 1e-30):  # too small to change anything
        output = walked(tmp_path, weights=[[[0.0, 5.0]]], inputs=[1.0], targets=[0.0], learning_rate=rate)
        assert "it grew" not in output
    output = walked(tmp_path, weights=[[[0.0, 0.1]]], inputs=[1.0], targets=[0.5], learning_rate=1e4)
    assert "after: it grew, so the learning rate is too large" in output


def test_w1_has_as_many_paths_as_lead_on_and_their_sum_is_its_gradient(tmp_path):
    output = walked(tmp_path, weights=MLP(2, [2, 3, 2], seed=1).to_weights(), targets=[0.5, 0.5])
    assert "Backward to w1: 6 paths" in output
    assert output.count("∂z1/∂w1") == 4
    assert "two more paths, together " in output
    [total] = [line for line in output.splitlines() if line.startswith(" ∂E/∂w1 = ")]
    *_, terms, gradient = total.replace("−", "-").replace("- ", "-").replace("+ ", "").split(" = ")
    assert sum(map(float, terms.split())) == pytest.approx(float(gradient), abs=3e-6)
    [listed] = [line for line in output.splitlines() if line.startswith(" w1 ") and "x1 → h1" in line]
    assert float(listed.split()[-1].replace("−", "-")) == pytest.approx(float(gradient), abs=1e-6)


@pytest.mark.parametrize("sizes, weight", [([1], "w1"), ([2, 3, 2], "w11")])
def test_a_network_of_any_depth_is_walked_through(sizes, weight, tmp_path):
    output = walked(tmp_path, weights=MLP(2, sizes, seed=1).to_weights(), targets=[0.5] * sizes[-1])
    assert f"Backward to {weight}: one path" in output
    assert ("Backward to w1: 6 paths" in output) == (len(sizes) > 1)
    assert "not written" not in output
    assert (tmp_path / f"explanation-{weight}.md").exists()


def test_a_network_too_large_to_draw_is_walked_through_without_its_pictures(tmp_path):
    inputs = [0.01] * 300
    output = walked(tmp_path, inputs=inputs, weights=MLP(300, [2, 2], seed=1).to_weights())
    assert "b1 + w1·x1 + w2·x2 + … + w300·x300" in output
    assert "explore.html not written: the graph has" in flat(output)
    assert not (tmp_path / "explore.html").exists()
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []


def test_without_matplotlib_the_walk_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    output = walked(tmp_path)
    assert f"loss.svg not written: plots need Matplotlib: {sys.executable} -m pip install matplotlib" in flat(output)
    assert sorted(os.listdir(tmp_path)) == ["explanation-w5.md", "explore.html", "graph.svg"]


def test_the_same_walk_writes_the_same_files(tmp_path):
    for name in ("first", "second"):
        walked(tmp_path / name)
    for file in (tmp_path / "first").iterdir():
        assert file.read_bytes() == (tmp_path / "second" / file.name).read_bytes(), file.name


def test_nothing_is_made_where_the_numbers_do_not_fit(tmp_path):
    with pytest.raises(ValueError, match="layer 1 expected 2 inputs, got 1"):
        walked(tmp_path / "out", inputs=[1.0])
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied", "some temporary name")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(PermissionError) as caught:
        folder(tmp_path)
    assert caught.value.filename == str(tmp_path)


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path):
    (tmp_path / "graph.svg").mkdir()
    with pytest.raises(OSError) as caught:
        walked(tmp_path)
    assert caught.value.filename == str(tmp_path / "graph.svg")
    assert os.listdir(tmp_path) == ["graph.svg"]


def test_a_long_folder_is_broken_between_its_names(tmp_path):
    names = ["a-folder-for-my-pictures", "of-the-network-with-two-inputs", "and-of-the-one-with-three"]
    output = walked(tmp_path.joinpath(*names), width=80)
    files = output.partition("Files")[2]
    assert max(map(len, files.partition("What next")[0].splitlines()[1:])) <= 80
    for name in (*names, "explore.html", "graph.svg"):
        assert name in files


def test_the_walk_names_the_command_as_it_can_be_typed_here(tmp_path, monkeypatch):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    monkeypatch.setattr(sys, "executable", str(scripts / "python"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    assert program("tinygrad-edu") == f"{scripts / 'python'} -m tinygrad_edu"
    (scripts / "tinygrad-edu").write_text("#!/bin/sh\n")
    (scripts / "tinygrad-edu").chmod(0o755)
    assert program("tinygrad-edu") == os.path.join("scripts", "tinygrad-edu")
    monkeypatch.setenv("PATH", str(scripts))
    assert program("tinygrad-edu") == "tinygrad-edu"


def test_long_sums_show_their_ends():
    assert shortened("abcd", "+") == "a+b+c+d"
    assert shortened("abcde", "+") == "a+b+…+e"


def on_a_terminal(*arguments, cwd, **environment):
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **environment}
    command = [sys.executable, "-m", "tinygrad_edu", *arguments]
    with subprocess.Popen(command, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # how Linux says that the other side is closed
            pass
        os.close(ours)
    assert process.returncode == 0
    return shown.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_gets_a_progress_bar_and_colours_unless_they_are_not_wanted(no_color, tmp_path):
    text = on_a_terminal("--epochs", "50", cwd=tmp_path, NO_COLOR=no_color)
    assert "━" in text and "epoch 50" in text
    assert "\x1b[?25h" in text  # the cursor is back
    text = on_a_terminal("--audit", cwd=tmp_path, NO_COLOR=no_color)
    assert ("\x1b[32mmatch" in text) == (not no_color)


def test_the_bar_ends_with_the_last_epoch_and_its_loss():
    output = io.StringIO()
    run = show_training(Settings(epochs=7), Console(file=output, width=60, force_terminal=True, color_system=None))
    shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", output.getvalue())
    [*_, bar] = [line.rstrip() for line in re.split(r"[\r\n]+", shown) if "━" in line]
    assert re.fullmatch(rf" epoch 7 ━+ E = {short(run.losses[7])}", bar)


def test_a_long_training_is_told_in_thousands(monkeypatch):
    run = History(losses=[0.5] * 12_346, stopped="it was enough")
    monkeypatch.setattr("tinygrad_edu.lesson.walkthrough.train", lambda *given, **options: run)
    output = io.StringIO()
    show_training(Settings(epochs=20_000), Console(file=output, width=90))
    text = flat(output.getvalue())
    assert "for at most 20,000 epochs." in text
    assert " 1,000 0.5 10,000 0.5 12,345 0.5 Stopped after 12,345 epochs with E = 0.5: it was enough." in text


@pytest.mark.parametrize("kind", [ImportError, RuntimeError, SubprocessError, ValueError])
def test_a_form_that_cannot_be_made_does_not_end_the_walk(kind, tmp_path):
    def fails():
        raise kind("no Graphviz")

    file = saved(tmp_path / "graph.svg", "the graph", fails)
    assert (file.outcome, list(tmp_path.iterdir())) == ("not written: no Graphviz", [])


def test_a_folder_that_is_longer_than_a_line_begins_on_the_first():
    assert broken("as-long-as-it-is/x", 5) == ["as-long-as-it-is/", "x"]


@pytest.mark.parametrize(
    ("last", "epochs"),
    [
        (0, [0]),
        (1, [0, 1]),
        (10, [0, 1, 10]),
        (11, [0, 1, 10, 11]),
        (2_000_000, [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 2_000_000]),
    ],
)
def test_the_epochs_that_are_told(last, epochs):
    assert told(last) == epochs


@pytest.mark.parametrize(("neurons", "words"), [(2, "h1 changes z2 and z3"), (3, "h1 changes all of z2 to z4")])
def test_the_way_on_from_a_neuron(neurons, words):
    mlp = MLP(1, [1, neurons], seed=1)
    passed = forward(mlp, [0.5], [0.5] * neurons)
    output = io.StringIO()
    show_all_paths(mlp, passed, Console(file=output, width=90))
    assert words in flat(output.getvalue())


def test_a_row_of_a_table_is_one_line():
    output = io.StringIO()
    table = columns("name", ">number")
    table.add_row("two words", "1 000")
    Console(file=output, width=10).print(table)
    assert len(output.getvalue().splitlines()) == 2


@pytest.mark.parametrize("show", [say, point])
def test_no_line_ends_with_a_blank(show):
    output = io.StringIO()
    show("two  words " * 20, Console(file=output, width=41, highlight=False))
    lines = output.getvalue().splitlines()
    assert len(lines) > 3
    assert all(line == line.rstrip() for line in lines)


def test_an_interrupt_in_training_ends_the_walk(tmp_path, monkeypatch):
    """`train` keeps what was learned and returns; the walk has nothing to go on with."""
    calls = []

    def interrupted(*given):
        calls.append(given)
        if len(calls) == 20:  # some epochs into the training
            raise KeyboardInterrupt
        return forward(*given)

    monkeypatch.setattr("tinygrad_edu.lesson.walkthrough.forward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        walked(tmp_path, epochs=1000)


@pytest.mark.parametrize("width", [80, 400])
def test_each_note_of_the_audit_is_said_once(width):
    output = io.StringIO()
    show_audit(Console(file=output, width=width, highlight=False))
    text = " ".join(output.getvalue().split())
    notes = [figure.note for figure in audit() if figure.note]
    assert notes
    for note in {*notes}:
        assert text.count(" ".join(note.split())) >= notes.count(note)
    assert (" note " in text.split(notes[0])[0]) is (width == 400)  # a column of its own where there is room
    assert text.count(notes[0]) == notes.count(notes[0])


def test_the_update_is_a_table_of_six_decimals(narrow):
    assert " w1  0.200000  +0.000491  0.200491 \n" in narrow
    assert " b4  0.200000  +0.002631  0.202631 \n" in narrow


def test_a_line_to_be_copied_is_not_broken():
    output = io.StringIO()
    line("a command " * 9 + "that is long", Console(file=output, width=20, highlight=False))
    assert output.getvalue() == " " + "a command " * 9 + "that is long\n"
