"""The article checked in a terminal: every figure that it prints, beside what it should be."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from tinygrad_edu.engine import grad
from tinygrad_edu.lesson.figures import PRIOR_W5, audit, remarks
from tinygrad_edu.lesson.terminal import columns, fixed, heading, point, say
from tinygrad_edu.lesson.walkthrough import show_errors, show_forward
from tinygrad_edu.lesson.worked_example import LEARNING_RATE, TARGETS, UPDATED_WEIGHTS, forward, network

WIDE = 100  # columns that the audit needs with its notes beside it
STYLES = {"match": "green", "rounding": "cyan", "slip": "bold red", "swapped": "bold red"}


def show_article(console: Console) -> None:
    """Print the audit, the two figures for the new w5, and what the article gets wrong in words."""
    heading("The article", console)
    say(
        'The example of the walk is that of an article, "Back Propagation", which takes one step of training with '
        "pencil and paper: it computes the error of a 2-2-2 network, the derivative for w5, the new w5, and then the "
        "outputs that some updated weights give. Its text calls the layers z2, a2 and z3, a3 where the walk has z1, "
        "z2, h1, h2 and z3, z4, y1, y2.",
        console,
    )
    heading("Audit: every figure that it prints", console)
    show_audit(console)
    heading("One update of w5", console)
    show_new_w5(console)
    heading("Forward with its updated weights", console)
    mlp = network(UPDATED_WEIGHTS)
    passed = forward(mlp)
    show_forward(mlp, passed, console)
    console.print()
    show_errors(passed, TARGETS, console)
    heading("What it says in words", console)
    for remark in remarks():
        point(remark, console)


def show_audit(console: Console) -> None:
    say("On paper: its own arithmetic and rounding, its slips mended. Exact: the engine.\n", console)
    wide = console.width >= WIDE
    table = columns("figure", "printed", "on paper", "exact", "verdict", *(["note"] if wide else []))
    table.columns[-1].no_wrap = False
    figures = audit()
    for figure in figures:
        cells = [listed(figure.printed), listed(figure.paper), listed(figure.exact)]
        verdict = Text(figure.verdict, style=STYLES[figure.verdict])
        table.add_row(figure.name, *cells, verdict, *([figure.note] if wide else []))
    console.print(table)
    if not wide:
        console.print()
        for figure in figures:
            if figure.note:
                point(f"{figure.name}: {figure.note}.", console)


def listed(figures: list[str]) -> Text:
    return Text(figures[0] if len(figures) == 1 else f"[{', '.join(figures)}]")


def show_new_w5(console: Console) -> None:
    """The article takes a bias for w5: its line, and that of the network."""
    mlp = network()
    w5 = mlp.layers[-1].neurons[0].w[0]
    slope = grad(forward(mlp).total, w5).data
    new = w5.data - LEARNING_RATE * slope
    printed = {figure.name: figure.printed[0] for figure in audit()}
    say(
        f"in the article:   {PRIOR_W5} − {LEARNING_RATE} × {printed['∂E/∂w5']} = {printed['new w5']}\n"
        f"in the network:   {w5.data} − {LEARNING_RATE} × {fixed(slope, 6)} = {fixed(new, 5)}"
        f"\n({PRIOR_W5} is the bias b3, taken for w5)",
        console,
    )
