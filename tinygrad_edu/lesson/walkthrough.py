"""The source document, walked through in a terminal: forward, backward, update, training, audit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from tinygrad_edu.engine import Value, grad
from tinygrad_edu.files import folder, write
from tinygrad_edu.lesson.figures import audit, remarks
from tinygrad_edu.lesson.worked_example import (
    INPUTS,
    LEARNING_RATE,
    TARGETS,
    UPDATED_WEIGHTS,
    WEIGHTS,
    Forward,
    forward,
    network,
)
from tinygrad_edu.nn import MLP, SGD, TrainingRun, train
from tinygrad_edu.show import draw, explain, explore

TOLERANCE = 1e-9  # training has converged when an epoch changes the loss by less


class Settings(NamedTuple):
    """What a walk starts from; the document's own unless told otherwise."""

    inputs: Sequence[float] = INPUTS
    targets: Sequence[float] = TARGETS
    weights: Sequence[Sequence[Sequence[float]]] = WEIGHTS
    learning_rate: float = LEARNING_RATE
    epochs: int = 10_000

    @property
    def documents_own(self) -> bool:
        """Whether the figures of the document apply."""
        return self._replace(epochs=0, learning_rate=0) == Settings(epochs=0, learning_rate=0)


def walk(settings: Settings, folder_name: str, console: Console) -> None:
    """Print the whole walk, and write its pictures to a folder.

    Raises ValueError where inputs or targets do not fit the weights, OSError where the folder cannot be written to.
    """
    mlp = network(settings.weights)
    passed = forward(mlp, settings.inputs, settings.targets)
    out = folder(folder_name)
    show_network(mlp, settings, console)
    show_forward("Forward", passed, settings.targets, console)
    show_chain(mlp, passed, console)
    passed.total.backward()
    show_gradients(mlp, console)
    files = write_forms(passed, mlp, out)
    show_update(mlp, settings, console)
    run = show_training(settings, console)
    files += plot_loss(run, out)
    if settings.documents_own:
        after = forward(network(UPDATED_WEIGHTS), settings.inputs, settings.targets)
        show_forward("Forward with the document's updated weights", after, settings.targets, console)
    show_audit(settings, console)
    heading("Files", console)
    for file in files:
        console.print(f"  {file}", highlight=False, soft_wrap=True)


def heading(title: str, console: Console) -> None:
    console.print()
    console.rule(Text(title, style="bold"), align="left")


def columns(*titles: str) -> Table:
    """A quiet table; the first column is text, the others are numbers."""
    table = Table(box=None, pad_edge=True, header_style="dim")
    for k, title in enumerate(titles):
        table.add_column(title, justify="right" if k else "left", no_wrap=True)
    return table


def show_network(mlp: MLP, settings: Settings, console: Console) -> None:
    sizes = [len(mlp.layers[0].neurons[0].w), *(len(layer.neurons) for layer in mlp.layers)]
    heading("The network", console)
    console.print(
        f"{'-'.join(map(str, sizes))}, sigmoids; E = Σ ½ (t − y)²; learning rate {settings.learning_rate:g}\n"
        f"x = {numbers(settings.inputs)}   t = {numbers(settings.targets)}\n",
        highlight=False,
    )
    table = columns("neuron", "bias", "weights")
    for k, layer in enumerate(mlp.layers, start=1):
        for n, neuron in enumerate(layer.neurons, start=1):
            bias = f"{neuron.b.label} {neuron.b.data:g}" if neuron.b else ""
            table.add_row(f"layer {k}, {n}", bias, "   ".join(f"{w.label} {w.data:g}" for w in neuron.w))
    console.print(table)


def show_forward(title: str, passed: Forward, targets: Sequence[float], console: Console) -> None:
    heading(title, console)
    table = columns("", "z", "σ(z)")
    for zs, activations in zip(passed.z, passed.a, strict=True):
        for z, a in zip(zs, activations, strict=True):
            table.add_row(f"{z.label} → {a.label}", f"{z.data:.4f}", f"{a.data:.4f}")
    console.print(table)
    console.print()
    for error, y, target in zip(passed.errors, passed.a[-1], targets, strict=True):
        console.print(f"{error.label} = ({target:g} − {y.data:.4f})² = {error.data:.6f}", highlight=False)
    terms = " + ".join(f"½ {error.label}" for error in passed.errors)
    console.print(f"E = {terms} = [bold]{passed.total.data:.6f}[/bold]", highlight=False)


def show_chain(mlp: MLP, passed: Forward, console: Console) -> None:
    """The three named factors for the first weight of the output layer, w5 in the document."""
    weight, z, y = mlp.layers[-1].neurons[0].w[0], passed.z[-1][0], passed.a[-1][0]
    factors = [(passed.total, y), (y, z), (z, weight)]
    values = [grad(of, wrt).data for of, wrt in factors]
    heading(f"The chain rule for {weight.label}", console)
    table = columns("factor", "", "")
    meanings = [f"{y.label} − t1", f"{y.label} (1 − {y.label})", operand_beside(weight, z).label or "its input"]
    for (of, wrt), meaning, value in zip(factors, meanings, values, strict=True):
        table.add_row(f"∂{of.label}/∂{wrt.label}", meaning, f"{value:.4f}")
    console.print(table)
    product = grad(passed.total, weight).data
    console.print()
    console.print(
        f"∂E/∂{weight.label} = {' × '.join(f'{value:.4f}' for value in values)} = [bold]{product:.6f}[/bold]",
        highlight=False,
    )


def operand_beside(weight: Value, z: Value) -> Value:
    """What a weight is multiplied by on the way to z: the other half of the dot product's operands."""
    dot = next(p for p in z.parents if isinstance(p, Value) and p.op and p.op.name == "dot")
    width = len(dot.parents) // 2
    beside: Value = dot.parents[dot.parents.index(weight) + width]
    return beside


def show_gradients(mlp: MLP, console: Console) -> None:
    heading(f"Gradients of all {len(mlp.parameters())} parameters", console)
    table = columns("", "value", "∂E/∂")
    for parameter in mlp.parameters():
        table.add_row(parameter.label, f"{parameter.data:g}", f"{parameter.grad:.9f}")
    console.print(table)


def show_update(mlp: MLP, settings: Settings, console: Console) -> None:
    rate = settings.learning_rate
    weight = mlp.layers[-1].neurons[0].w[0]
    heading("One update", console)
    console.print(f"w ← w − {rate:g} ∂E/∂w\n", highlight=False)
    before = {parameter: parameter.data for parameter in mlp.parameters()}
    slope = weight.grad
    SGD(mlp.parameters(), lr=rate).step()
    table = columns("", "before", "after")
    for parameter, data in before.items():
        table.add_row(parameter.label, f"{data:.6f}", f"{parameter.data:.6f}")
    console.print(table)
    if settings.documents_own:
        console.print(
            f"\nThe network's {weight.label}: {before[weight]:g} − {rate:g} × {slope:.6f} = {weight.data:.5f}\n"
            f"The document's:   0.4 − {rate:g} × {slope:.6f} = {0.4 - rate * slope:.4f}   (the bias, taken for w5)",
            highlight=False,
        )


def show_training(settings: Settings, console: Console) -> TrainingRun:
    """Train from the start, with a bar where the output is a terminal."""
    heading("Training", console)
    mlp = network(settings.weights)
    bar = Progress(
        TextColumn("epoch {task.completed} of at most {task.total}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("E = {task.fields[loss]:.3e}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("training", total=settings.epochs, loss=float("nan"))
        run = train(
            lambda: forward(mlp, settings.inputs, settings.targets).total,
            SGD(mlp.parameters(), lr=settings.learning_rate),
            epochs=settings.epochs,
            tolerance=TOLERANCE,
            on_epoch=lambda epoch, loss: bar.update(task, completed=epoch, loss=loss),
        )
    table = columns("epoch", "E")
    marks = [epoch for epoch in (0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000) if epoch < run.epochs]
    for epoch in [*marks, run.epochs]:
        table.add_row(f"{epoch:,}", f"{run.losses[epoch]:.4g}")
    console.print(table)
    console.print(f"\nStopped after {run.epochs:,} epochs: {run.stopped}.", highlight=False)
    final = forward(mlp, settings.inputs, settings.targets)
    console.print(f"y = {numbers(y.data for y in final.a[-1])}   t = {numbers(settings.targets)}", highlight=False)
    return run


def show_audit(settings: Settings, console: Console) -> None:
    heading("Audit: every figure that the document prints", console)
    if not settings.documents_own:
        console.print("The figures are those of the document's own network, not of the one above.\n")
    table = Table(box=None, header_style="dim", pad_edge=True)
    for title in ("figure", "printed", "on paper", "exact", "verdict", "note"):
        table.add_column(title, no_wrap=title != "note")
    styles = {"match": "green", "rounding": "cyan", "slip": "bold red", "swapped": "bold red"}
    for figure in audit():
        table.add_row(
            figure.name,
            listed(figure.printed),
            listed(figure.paper),
            listed(figure.exact),
            Text(figure.verdict, style=styles[figure.verdict]),
            figure.note,
        )
    console.print(table, highlight=False)
    console.print()
    for remark in remarks():
        console.print(f"• {remark}", highlight=False, markup=False)


def listed(figures: list[str]) -> Text:
    return Text(figures[0] if len(figures) == 1 else f"[{', '.join(figures)}]")


def numbers(values: Any) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"


def write_forms(passed: Forward, mlp: MLP, out: Path) -> list[Path]:
    """The picture with the way of one weight, the chain rule for it written out, and the interactive page."""
    weight = mlp.layers[-1].neurons[0].w[0]
    picture = draw(passed.total, highlight=weight)
    explanation = explain(passed.total, weight)
    page = explore(passed.total, title="Backpropagation, step by step")
    return [
        write(out / "graph.svg", picture.pipe(format="svg")),
        write(out / f"explanation-{weight.label}.md", explanation.markdown() + "\n"),
        write(out / "explore.html", page.html),
    ]


def plot_loss(run: TrainingRun, out: Path) -> list[Path]:
    """The loss curve, where Matplotlib is installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return []
    from io import BytesIO

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(len(run.losses)), run.losses, color="#1e40af")
    axes.set(xlabel="epoch", ylabel="E", title="Loss", yscale="log")
    axes.grid(alpha=0.3)
    picture = BytesIO()
    figure.savefig(picture, format="svg")
    return [write(out / "loss.svg", picture.getvalue())]
