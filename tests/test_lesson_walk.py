"""The walk as it is printed: at any width, with other numbers, and where a picture cannot be made."""

import io
import os
import subprocess
import sys

import pytest
from rich.console import Console

from tinygrad_edu.files import folder
from tinygrad_edu.lesson import audit, remarks
from tinygrad_edu.lesson.walkthrough import Settings, shortened, walk
from tinygrad_edu.nn import MLP


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
    for figure in audit():
        for column in (figure.printed, figure.paper, figure.exact):
            assert ", ".join(column) in narrow
        if figure.note:
            assert flat(f"• {figure.name}: {figure.note}.") in flat(narrow)
    for remark in remarks():
        assert flat(remark) in flat(narrow)


def test_the_sections_come_in_the_order_of_the_document(narrow):
    titles = [line.rstrip("─ ") for line in narrow.splitlines() if line.endswith("─")]
    assert titles == [
        "The network",
        "Forward",
        "The errors and the total",
        "The chain rule for w5",
        "The gradients of all 12 parameters",
        "One update",
        "Training",
        "Forward with the document's updated weights",
        "Audit: every figure that the document prints",
        "Files",
    ]


@pytest.mark.parametrize("inputs", [[0.85, 0.25], (0.85, 0.25)])
def test_the_documents_numbers_are_its_own_however_they_are_given(inputs):
    assert Settings(inputs=inputs, targets=[0.6905, 0.8657], learning_rate=9.0, epochs=1).documents_network
    assert not Settings(inputs=inputs, targets=[0.6905, 0.8658]).documents_network
    assert not Settings(inputs=inputs, weights=[[[1.0, 2.0, 3.0]]]).documents_network


def test_another_learning_rate_has_no_line_of_the_documents(tmp_path):
    output = walked(tmp_path, learning_rate=0.5)
    assert "w5 of the network:   0.3 − 0.5 × 0.004897 = 0.29755" in output
    assert "w5 in the document" not in output
    assert "not of the one above" not in output


def test_other_inputs_say_which_network_follows(tmp_path):
    output = walked(tmp_path, inputs=[1.0, 2.0])
    assert "From here on, the document's own network, inputs and targets; not those above." in output
    assert "The figures are those of the document's own network, not of the one above." in output
    assert "The document's first weights are lost" not in output
    assert "z4 → y2  b4 + w7·h1 + w8·h2  0.6 + 0.9·0.7568 + 0.3·0.7369  1.5022  0.8179" in output


@pytest.mark.parametrize("sizes, weight", [([1], "w1"), ([2, 3, 2], "w11")])
def test_a_network_of_any_depth_is_walked_through(sizes, weight, tmp_path):
    output = walked(tmp_path, weights=MLP(2, sizes, seed=1).to_weights(), targets=[0.5] * sizes[-1])
    assert f"The chain rule for {weight}" in output
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
    assert 'loss.svg not written: it needs Matplotlib: pip install "tinygrad_edu[plot]"' in flat(output)
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


def test_long_sums_show_their_ends():
    assert shortened("abcd", "+") == "a+b+c+d"
    assert shortened("abcde", "+") == "a+b+…+e"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_gets_a_progress_bar_and_colours_unless_they_are_not_wanted(no_color, tmp_path):
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "NO_COLOR": no_color}
    command = [sys.executable, "-m", "tinygrad_edu", "--epochs", "50"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # how Linux says that the other side is closed
            pass
        os.close(ours)
    assert process.returncode == 0
    text = shown.decode()
    assert "━" in text and "epoch 50" in text
    assert "\x1b[?25h" in text  # the cursor is back
    assert ("\x1b[32mmatch" in text) == (not no_color)
