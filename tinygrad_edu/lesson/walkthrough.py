"""The source document, walked through in a terminal: forward, backward, update, training, audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from subprocess import SubprocessError
from typing import NamedTuple

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from tinygrad_edu.engine import Value, grad
from tinygrad_edu.files import folder, write
from tinygrad_edu.lesson.figures import PRIOR_W5, audit, decimals, remarks
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
from tinygrad_edu.nn import MLP, SGD, Neuron, TrainingRun, train
from tinygrad_edu.show import draw, explain, explore

TOLERANCE = 1e-9  # training has converged when an epoch changes the loss by less
WIDE = 100  # columns that the audit needs with its notes beside it
STYLES = {"match": "green", "rounding": "cyan", "slip": "bold red", "swapped": "bold red"}


class Settings(NamedTuple):
    """What a walk starts from; the document's own unless told otherwise."""

    inputs: Sequence[float] = INPUTS
    targets: Sequence[float] = TARGETS
    weights: Sequence[Sequence[Sequence[float]]] = WEIGHTS
    learning_rate: float = LEARNING_RATE
    epochs: int = 10_000

    @property
    def documents_network(self) -> bool:
        """Whether the document's figures are those of this network.

        >>> Settings(inputs=[0.85, 0.25]).documents_network, Settings(inputs=[1.0, 2.0]).documents_network
        (True, False)
        """
        own = [*self.inputs] == [*INPUTS] and [*self.targets] == [*TARGETS]
        return own and [[[*row] for row in matrix] for matrix in self.weights] == WEIGHTS


def walk(settings: Settings, folder_name: str, console: Console) -> None:
    """Print the whole walk, and write its pictures to a folder.

    Raises ValueError where inputs or targets do not fit the weights, OSError where the folder cannot be written to.
    """
    mlp = network(settings.weights)
    passed = forward(mlp, settings.inputs, settings.targets)
    out = folder(folder_name)
    show_network(mlp, passed, settings, console)
    heading("Forward", console)
    show_forward(mlp, passed, console)
    heading("The errors and the total", console)
    show_errors(passed, settings.targets, console)
    show_chain(mlp, passed, settings.targets, console)
    passed.total.backward()
    show_gradients(mlp, passed, console)
    files = write_forms(mlp, passed, out)  # before the update, while gradients and data belong together
    show_update(mlp, settings, console)
    run = show_training(settings, console)
    files.append(written(out / "loss.svg", "the loss, epoch by epoch", lambda: plot_loss(run)))
    show_updated_weights(settings, console)
    show_audit(settings, console)
    show_files(files, console)


def heading(title: str, console: Console) -> None:
    console.print()
    console.rule(Text(title, style="bold"), align="left", style="dim")


def say(text: str, console: Console) -> None:
    """Print a paragraph, in line with the tables."""
    console.print(Padding(Text.from_markup(text), (0, 1), expand=False))


def point(text: str, console: Console) -> None:
    """Print one item of a list."""
    item = Table.grid(padding=(0, 1))
    item.add_row(" •", text)
    console.print(item)


def columns(*titles: str) -> Table:
    """A quiet table: a title that starts with > is over numbers, which end where it ends."""
    table = Table(box=None, header_style="dim", show_header=any(title.strip(">") for title in titles))
    for title in titles:
        table.add_column(title.removeprefix(">"), justify="right" if title.startswith(">") else "left", no_wrap=True)
    return table


def show_network(mlp: MLP, passed: Forward, settings: Settings, console: Console) -> None:
    heading("The network", console)
    sizes = [len(passed.inputs), *(len(layer.neurons) for layer in mlp.layers)]
    say(
        f"{' → '.join(map(str, sizes))}: inputs, then the neurons of each layer. A neuron adds its bias and its "
        "weighted inputs up to z, and passes on the sigmoid σ(z) = 1 / (1 + exp(−z)), a number between 0 and 1.\n",
        console,
    )
    table = columns("", "bias", "weights")
    for layer, activations in zip(mlp.layers, passed.a, strict=True):
        for neuron, a in zip(layer.neurons, activations, strict=True):
            *weights, bias = [f"{parameter.label} = {parameter.data:.4g}" for parameter in neuron.parameters()]
            table.add_row(a.label, bias, shortened((weight.ljust(9) for weight in weights), " "))
    console.print(table)
    say(f"\ninputs x = {numbers(settings.inputs)}   targets t = {numbers(settings.targets)}", console)
    if settings.documents_network:
        say("\nThe document's first weights are lost. These are reconstructed: they give all its activations.", console)


def show_forward(mlp: MLP, passed: Forward, console: Console) -> None:
    table = columns("", "z", "", ">", ">σ(z)")
    table.columns[2].no_wrap = False
    operands = [passed.inputs, *passed.a[:-1]]
    for layer, inputs, zs, activations in zip(mlp.layers, operands, passed.z, passed.a, strict=True):
        for neuron, z, a in zip(layer.neurons, zs, activations, strict=True):
            symbols, in_numbers = weighted_sum(neuron, inputs)
            table.add_row(f"{z.label} → {a.label}", symbols, in_numbers, f"{z.data:.4f}", f"{a.data:.4f}")
    console.print(table)


def weighted_sum(neuron: Neuron, inputs: Sequence[Value]) -> tuple[str, str]:
    """A neuron's z in symbols and in numbers."""
    bias = neuron.parameters()[-1]
    pairs = list(zip(neuron.w, inputs, strict=True))
    symbols = shortened((f"{w.label}·{x.label}" for w, x in pairs), " + ")
    in_numbers = shortened((f"{w.data:.4g}·{x.data:.4g}" for w, x in pairs), " + ")
    return f"{bias.label} + {symbols}", f"{bias.data:.4g} + {in_numbers}"


def show_errors(passed: Forward, targets: Sequence[float], console: Console) -> None:
    for k, (error, y, target) in enumerate(zip(passed.errors, passed.a[-1], targets, strict=True), start=1):
        say(f"{error.label} = (t{k} − {y.label})² = ({target:g} − {y.data:.4f})² = {error.data:.6f}", console)
    terms = shortened((f"½ {error.label}" for error in passed.errors), " + ")
    say(f"\nE = {terms} = [bold]{passed.total.data:.6f}[/bold]", console)


def show_chain(mlp: MLP, passed: Forward, targets: Sequence[float], console: Console) -> None:
    """The three named factors for the first weight of the output layer, w5 in the document."""
    weight, z, y = mlp.layers[-1].neurons[0].w[0], passed.z[-1][0], passed.a[-1][0]
    beside = (passed.a[-2] if len(passed.a) > 1 else passed.inputs)[0]
    heading(f"The chain rule for {weight.label}", console)
    say(
        f"{weight.label} changes {z.label}, {z.label} changes {y.label}, {y.label} changes E: "
        "the derivative is the product of the three on the way.\n",
        console,
    )
    factors = [
        (passed.total, y, f"−(t1 − {y.label})", f"−({targets[0]:g} − {y.data:.4f})"),
        (y, z, f"{y.label} (1 − {y.label})", f"{y.data:.4f} (1 − {y.data:.4f})"),
        (z, weight, beside.label, ""),
    ]
    slopes = [grad(of, wrt).data for of, wrt, _, _ in factors]
    table = columns("", "", "", ">")
    for (of, wrt, symbols, in_numbers), slope in zip(factors, slopes, strict=True):
        equals = "= " if in_numbers else ""
        table.add_row(f"∂{of.label}/∂{wrt.label}", f"= {symbols}", equals + in_numbers, f"= {slope:.4f}")
    console.print(table)
    rounded = [f"{slope:.4f}" for slope in slopes]
    a, b, c = decimals([float(slope) for slope in rounded])
    say(
        f"\n∂E/∂{weight.label} = {' × '.join(rounded)} = [bold]{grad(passed.total, weight).data:.6f}[/bold]"
        f"   [dim]({a * b * c:.7f} from the rounded factors)[/dim]",
        console,
    )


def show_gradients(mlp: MLP, passed: Forward, console: Console) -> None:
    heading(f"The gradients of all {len(mlp.parameters())} parameters", console)
    say("Where the gradient is positive, E grows with the parameter; where it is negative, E falls.\n", console)
    table = columns("", "from → to", ">value", ">∂E/∂parameter")
    for layer, inputs, activations in zip(mlp.layers, [passed.inputs, *passed.a[:-1]], passed.a, strict=True):
        for neuron, a in zip(layer.neurons, activations, strict=True):
            for parameter, source in zip(neuron.parameters(), [*(x.label for x in inputs), "bias"], strict=True):
                way = f"{source} → {a.label}"
                table.add_row(parameter.label, way, f"{parameter.data:.4g}", f"{parameter.grad:.9f}")
    console.print(table)


def show_update(mlp: MLP, settings: Settings, console: Console) -> None:
    rate = settings.learning_rate
    w5 = mlp.layers[-1].neurons[0].w[0]
    heading("One update", console)
    say(f"Each parameter goes a small step against its gradient: w ← w − {rate:g} · ∂E/∂w\n", console)
    before = {parameter: parameter.data for parameter in mlp.parameters()}
    SGD(mlp.parameters(), lr=rate).step()
    table = columns("", ">before", ">step", ">after")
    for parameter, data in before.items():
        table.add_row(parameter.label, f"{data:.6f}", f"{parameter.data - data:+.6f}", f"{parameter.data:.6f}")
    console.print(table)
    say(f"\n{w5.label} of the network:   {before[w5]:g} − {rate:g} × {w5.grad:.6f} = {w5.data:.5f}", console)
    if settings.documents_network and rate == LEARNING_RATE:
        printed = {figure.name: figure.printed[0] for figure in audit()}
        say(
            f"w5 in the document:  {PRIOR_W5} − {rate:g} × {printed['∂E/∂w5']} = {printed['new w5']}\n"
            f"({PRIOR_W5} is the bias b3, taken for w5)",
            console,
        )


def show_training(settings: Settings, console: Console) -> TrainingRun:
    """Train from the start, with a bar where the output is a terminal."""
    heading("Training", console)
    say(
        "One epoch is forward, backward, update. The same again, from the first weights, until an epoch changes E by "
        f"less than {TOLERANCE:g}, for at most {settings.epochs:,} epochs.\n",
        console,
    )
    mlp = network(settings.weights)
    start = forward(mlp, settings.inputs, settings.targets).total.data
    bar = Progress(
        TextColumn(" epoch {task.completed:,}"),
        BarColumn(complete_style="cyan", finished_style="cyan"),
        TextColumn("E = {task.fields[loss]:.3e}"),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("training", total=settings.epochs, loss=start)
        run = train(
            lambda: forward(mlp, settings.inputs, settings.targets).total,
            SGD(mlp.parameters(), lr=settings.learning_rate),
            epochs=settings.epochs,
            tolerance=TOLERANCE,
            on_epoch=lambda epoch, loss: bar.update(task, completed=epoch, loss=loss),
        )
        bar.update(task, completed=run.epochs, total=run.epochs, loss=run.losses[-1])
    if console.is_terminal:
        console.print()
    table = columns(">epoch", ">E")
    marks = [epoch for epoch in (0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000) if epoch < run.epochs]
    for epoch in [*marks, run.epochs]:
        table.add_row(f"{epoch:,}", f"{run.losses[epoch]:.4g}")
    console.print(table)
    final = forward(mlp, settings.inputs, settings.targets)
    say(
        f"\nStopped after {run.epochs:,} epochs with E = {run.losses[-1]:.4g}: {run.stopped}.\n"
        f"outputs y = {numbers(y.data for y in final.a[-1])}   targets t = {numbers(settings.targets)}",
        console,
    )
    return run


def show_updated_weights(settings: Settings, console: Console) -> None:
    heading("Forward with the document's updated weights", console)
    if not settings.documents_network:
        say("From here on, the document's own network, inputs and targets; not those above.\n", console)
    mlp = network(UPDATED_WEIGHTS)
    passed = forward(mlp)
    show_forward(mlp, passed, console)
    console.print()
    show_errors(passed, TARGETS, console)


def show_audit(settings: Settings, console: Console) -> None:
    heading("Audit: every figure that the document prints", console)
    if not settings.documents_network:
        say("The figures are those of the document's own network, not of the one above.", console)
    say(
        "On paper: its own arithmetic and rounding, its slips mended. Exact: the engine. It counts layers: its z2, a2 "
        "are z1, z2 and h1, h2 above, its z3, a3 are z3, z4 and y1, y2.\n",
        console,
    )
    wide = console.width >= WIDE
    table = columns("figure", "printed", "on paper", "exact", "verdict", *(["note"] if wide else []))
    table.columns[-1].no_wrap = False
    figures = audit()
    for figure in figures:
        cells = [listed(figure.printed), listed(figure.paper), listed(figure.exact)]
        verdict = Text(figure.verdict, style=STYLES[figure.verdict])
        table.add_row(figure.name, *cells, verdict, *([figure.note] if wide else []))
    console.print(table)
    notes = [] if wide else [f"{figure.name}: {figure.note}." for figure in figures if figure.note]
    console.print()
    for text in notes + remarks():
        point(text, console)


def show_files(files: Sequence[Written], console: Console) -> None:
    heading("Files", console)
    width = max(len(str(file.path)) for file in files)
    for file in files:
        line = Text.assemble(f" {file.path}".ljust(width + 1), (f"  {file.outcome}", "dim"))
        console.print(line, soft_wrap=True)


def listed(figures: list[str]) -> Text:
    return Text(figures[0] if len(figures) == 1 else f"[{', '.join(figures)}]")


def numbers(values: Iterable[float]) -> str:
    return "(" + shortened((f"{value:.4g}" for value in values), ", ") + ")"


def shortened(parts: Iterable[str], between: str) -> str:
    """All of up to four parts, else the first two and the last."""
    parts = list(parts)
    return between.join(parts if len(parts) <= 4 else [*parts[:2], "…", parts[-1]])


class Written(NamedTuple):
    """A file of the walk, and what became of it."""

    path: Path
    outcome: str


def written(path: Path, what: str, content: Callable[[], str | bytes]) -> Written:
    """Write one form of the walk; one that cannot be made does not end it."""
    try:
        return Written(write(path, content()), what)
    except (ImportError, RuntimeError, SubprocessError, ValueError) as error:
        return Written(path, f"not written: {error}")


def write_forms(mlp: MLP, passed: Forward, out: Path) -> list[Written]:
    """The picture with the way of one weight, the chain rule for it written out, and the interactive page."""
    weight = mlp.layers[-1].neurons[0].w[0]
    name = weight.label
    return [
        written(
            out / "graph.svg",
            f"the graph, the way of {name} in red",
            lambda: draw(passed.total, highlight=weight).pipe(format="svg"),
        ),
        written(
            out / f"explanation-{name}.md",
            f"the chain rule for {name}, in symbols and numbers",
            lambda: explain(passed.total, weight).markdown() + "\n",
        ),
        written(
            out / "explore.html",
            "step through it in a browser",
            lambda: explore(passed.total, title="Backpropagation, step by step").html,
        ),
    ]


def plot_loss(run: TrainingRun) -> bytes:
    """The loss curve as an SVG.

    Raises ImportError, with the command to run, where Matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError('it needs Matplotlib: pip install "tinygrad_edu[plot]"') from None
    from io import BytesIO

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(len(run.losses)), run.losses, color="#1e40af")
    axes.set(xlabel="epoch", ylabel="E", title="Loss", yscale="log")
    axes.grid(alpha=0.3)
    picture = BytesIO()
    with rc_context({"svg.hashsalt": "tinygrad_edu"}):  # the same run gives the same file
        figure.savefig(picture, format="svg", metadata={"Date": None})
    return picture.getvalue()
