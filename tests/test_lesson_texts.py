"""The lesson as it is printed, whole: tests/lesson.txt, which `python -m tests.test_lesson_texts` writes anew.

Whoever changes a sentence on purpose reads how that file changes.
"""

import io
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from rich.console import Console

from tests import kept
from tinygrad_edu.lesson import article, exercises, forward, network, walkthrough
from tinygrad_edu.lesson.walkthrough import Settings, walk
from tinygrad_edu.lesson.worksheets import worksheet
from tinygrad_edu.nn import MLP

ARTICLE = Settings(epochs=3)
OTHER = Settings(
    inputs=[0.5, -1.0, 2.0], targets=[0.2], weights=MLP(3, [4, 2, 1], seed=5).to_weights(), learning_rate=2.5, epochs=12
)
NARROW = Settings(inputs=[1.5], targets=[1.0, 0.0, 0.5], weights=[[[0.5, -2.0]] * 3], epochs=1)
GROWING = Settings(inputs=[1.0, 1.0], targets=[0.1, 0.9], learning_rate=500.0, epochs=2)
ANSWERS = ("x", "2 * x", "out", "1 - x", "x**2 + 1000000", "exp(x)", "-x", "1 / x")


def printed(show, width=100, **options):
    out = io.StringIO()
    show(Console(file=out, width=width, highlight=False, **options))
    return out.getvalue()


def walked(settings, width=100):
    picture = SimpleNamespace(pipe=lambda format: b"")  # drawing takes seconds, and is another test's
    with (
        TemporaryDirectory() as folder,
        patch.object(walkthrough, "draw", lambda *_, **__: picture),
        patch.object(walkthrough, "plot_loss", lambda run: b""),
    ):
        shown = printed(lambda console: walk(settings, folder, console), width)
        return shown.partition("Files ─")[0] + "".join(
            line + "\n" for line in shown.partition("Files ─")[2].splitlines() if folder not in line
        )


def styled(settings):
    """Each part in the colours of a terminal; the training, whose bar moves, is left out."""

    def show(console):
        mlp = network(settings.weights)
        passed = forward(mlp, settings.inputs, settings.targets)
        walkthrough.show_network(mlp, passed, settings, console)
        walkthrough.show_forward(mlp, passed, console)
        walkthrough.show_errors(passed, settings.targets, console)
        walkthrough.show_one_path(mlp, passed, settings.targets, console)
        if len(mlp.layers) > 1:
            walkthrough.show_all_paths(mlp, passed, console)
        passed.total.backward()
        walkthrough.show_gradients(mlp, passed, console)
        walkthrough.show_update(mlp, passed, settings, console)
        walkthrough.show_next(Path("out"), console)

    return printed(show, force_terminal=True, color_system="standard", legacy_windows=False)


def exercised(number):
    said = [exercises.exercise(number), *(exercises.hint(number, k) for k in (1, 2, 3))]
    given = ANSWERS if exercises.level(number) == 3 else exercises.choices(number)
    if exercises.level(number) == 3:
        task = exercises.rule(number)
        given = [*given, task.derivative, task.outer, task.inner, *(wrong for wrong, _ in task.others)]
    for answer in filter(None, given):
        right, words = exercises.answer(number, answer)
        said.append(f"{answer}: {right}: {words}")
    return "\n".join(said)


TEXTS = {
    "the walk": lambda: walked(ARTICLE),
    "the walk in 80 columns": lambda: walked(ARTICLE, 80),
    "a walk of other numbers": lambda: walked(OTHER),
    "a walk of one layer": lambda: walked(NARROW, 90),
    "a walk whose loss grows": lambda: walked(GROWING),
    "the walk in colours": lambda: styled(ARTICLE),
    "a walk of other numbers in colours": lambda: styled(OTHER),
    "the audit": lambda: printed(article.show_article),
    "the audit in 99 columns": lambda: printed(article.show_article, 99),
    "the audit in colours": lambda: printed(
        article.show_article, force_terminal=True, color_system="standard", legacy_windows=False
    ),
    **{f"exercise {k}": (lambda k=k: exercised(k)) for k in range(1, exercises.COUNT + 1)},
    **{f"worksheet {k}": (lambda k=k: "\n".join(worksheet(k))) for k in (1, 2, 3)},
}


def text(name):
    """Without spaces at the ends of lines, and with the name that the command goes by."""
    with ExitStack() as patches:
        for module in (walkthrough, exercises):
            patches.enter_context(patch.object(module, "program", lambda: "tinygrad-edu"))
        return "\n".join(line.rstrip() for line in TEXTS[name]().splitlines())


@pytest.fixture(scope="module")
def before():
    return kept.read("lesson.txt")


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_printed_is_what_it_was(name, before):
    assert text(name).splitlines() == before[name].splitlines()


if __name__ == "__main__":
    kept.write("lesson.txt", {name: text(name) for name in TEXTS})
