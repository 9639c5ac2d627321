"""A worked example, walked through in a terminal: forward, backward, one update, training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from subprocess import SubprocessError
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from tinygrad_edu.engine import Value, grad
from tinygrad_edu.files import folder, write
from tinygrad_edu.lesson.figures import decimals
from tinygrad_edu.lesson.terminal import (
    bracketed,
    broken,
    columns,
    counted,
    fixed,
    heading,
    line,
    minus,
    numbers,
    product,
    say,
    short,
    shortened,
)
from tinygrad_edu.lesson.worked_example import INPUTS, LEARNING_RATE, TARGETS, WEIGHTS, Forward, forward, network
from tinygrad_edu.nn import MLP, SGD, History, Neuron, train
from tinygrad_edu.shell import program
from tinygrad_edu.show import draw, explain, explore
from tinygrad_edu.show.paths import Path as Way
from tinygrad_edu.show.paths import Paths

TOLERANCE = 1e-9  # training has converged when an epoch changes the loss by less
WAYS = 4  # of the paths from one weight that are written out


class Settings(NamedTuple):
    """What a walk starts from; the article's own unless told otherwise."""

    inputs: Sequence[float] = INPUTS
    targets: Sequence[float] = TARGETS
    weights: Sequence[Sequence[Sequence[float]]] = WEIGHTS
    learning_rate: float = LEARNING_RATE
    epochs: int = 10_000

    @property
    def of_the_article(self) -> bool:
        """Whether the network and its numbers are the article's.

        >>> Settings(inputs=[0.85, 0.25]).of_the_article, Settings(inputs=[1.0, 2.0]).of_the_article
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
    say("From the inputs to the outputs, neuron by neuron.\n", console)
    show_forward(mlp, passed, console)
    heading("The loss", console)
    say("How far the outputs y are from the targets t, as one number E. Training is to make it smaller.\n", console)
    show_errors(passed, settings.targets, console)
    show_one_path(mlp, passed, settings.targets, console)
    if len(mlp.layers) > 1:
        show_all_paths(mlp, passed, console)
    passed.total.backward()
    show_gradients(mlp, passed, console)
    files = write_forms(mlp, passed, out)  # before the update, while gradients and data belong together
    show_update(mlp, passed, settings, console)
    run = show_training(settings, console)
    files.append(saved(out / "loss.svg", "the loss, epoch by epoch", lambda: plot_loss(run)))
    show_files(out, files, console)
    show_next(out, console)


def show_network(mlp: MLP, passed: Forward, settings: Settings, console: Console) -> None:
    heading("The example" if settings.of_the_article else "The network", console)
    if settings.of_the_article:
        say(
            'An article, "Back Propagation", works through one step of training with pencil and paper. Here is its '
            "network again, each number computed from scalars, and the training carried on to its end.\n",
            console,
        )
    hidden, outputs = mlp.layers[:-1], mlp.layers[-1]
    parts = [counted(len(passed.inputs), "input")]
    parts += [counted(len(layer.neurons), "hidden neuron") for layer in hidden]
    say(
        f"{', '.join(parts).capitalize()}, {counted(len(outputs.neurons), 'output')}. A neuron adds its bias and its "
        "weighted inputs up to z, and passes on the sigmoid of z, a number between 0 and 1:\n"
        "σ(z) = 1 / (1 + exp(−z))\n",
        console,
    )
    table = columns("", "bias", "weights")
    table.columns[2].no_wrap = False
    width = max(len(f"{w.label} = {short(w.data)}") for w in mlp.parameters())
    for layer, activations in zip(mlp.layers, passed.a, strict=True):
        for neuron, a in zip(layer.neurons, activations, strict=True):
            *weights, bias = [f"{parameter.label} = {short(parameter.data)}" for parameter in neuron.parameters()]
            table.add_row(a.label, bias, shortened((weight.ljust(width) for weight in weights), "  ").rstrip())
    console.print(table)
    say(f"\ninputs x = {numbers(settings.inputs)}   targets t = {numbers(settings.targets)}", console)
    if settings.of_the_article:
        say(
            "\nThe article prints the activations that come of its weights, but not the weights themselves. These are "
            "a reconstruction: they give all four activations to the last digit. (The option --audit shows every "
            "figure of the article beside what it should be.)",
            console,
        )


def show_forward(mlp: MLP, passed: Forward, console: Console) -> None:
    table = columns("", "z", "", ">", ">σ(z)")
    table.columns[1].no_wrap = table.columns[2].no_wrap = False
    operands = [passed.inputs, *passed.a[:-1]]
    for layer, inputs, zs, activations in zip(mlp.layers, operands, passed.z, passed.a, strict=True):
        for neuron, z, a in zip(layer.neurons, zs, activations, strict=True):
            symbols, in_numbers = weighted_sum(neuron, inputs)
            table.add_row(f"{z.label} → {a.label}", symbols, in_numbers, fixed(z.data, 4), fixed(a.data, 4))
    console.print(table)


def weighted_sum(neuron: Neuron, inputs: Sequence[Value]) -> tuple[str, str]:
    """A neuron's z in symbols and in numbers."""
    bias = neuron.parameters()[-1]
    pairs = list(zip(neuron.w, inputs, strict=True))
    symbols = shortened((f"{w.label}·{x.label}" for w, x in pairs), " + ")
    in_numbers = shortened((f"{bracketed(short(w.data))}·{bracketed(short(x.data))}" for w, x in pairs), " + ")
    return f"{bias.label} + {symbols}", f"{short(bias.data)} + {in_numbers}"


def show_errors(passed: Forward, targets: Sequence[float], console: Console) -> None:
    for k, (error, y, target) in enumerate(zip(passed.errors, passed.a[-1], targets, strict=True), start=1):
        say(
            f"{error.label} = (t{k} − {y.label})² = ({short(target)} − {fixed(y.data, 4)})² = {fixed(error.data, 6)}",
            console,
        )
    terms = shortened((f"½ {error.label}" for error in passed.errors), " + ")
    say(f"\nE = {terms} = [bold]{fixed(passed.total.data, 6)}[/bold]", console)


def show_one_path(mlp: MLP, passed: Forward, targets: Sequence[float], console: Console) -> None:
    """The three factors of the first weight of the output layer, w5 in the article."""
    weight, z, y = mlp.layers[-1].neurons[0].w[0], passed.z[-1][0], passed.a[-1][0]
    beside = (passed.a[-2] if len(passed.a) > 1 else passed.inputs)[0]
    heading(f"Backward to {weight.label}: one path", console)
    say(
        f"By how much does E change when {weight.label} does? {weight.label} changes {z.label}, {z.label} changes "
        f"{y.label}, {y.label} changes E. The derivative is the product of the three on the way: the chain rule.\n",
        console,
    )
    factors = [
        (passed.total, y, f"−(t1 − {y.label})", f"−({short(targets[0])} − {fixed(y.data, 4)})"),
        (y, z, f"{y.label} (1 − {y.label})", f"{fixed(y.data, 4)} (1 − {fixed(y.data, 4)})"),
        (z, weight, beside.label, ""),
    ]
    slopes = [grad(of, wrt).data for of, wrt, _, _ in factors]
    table = columns("", "", "", ">")
    for (of, wrt, symbols, in_numbers), slope in zip(factors, slopes, strict=True):
        equals = "= " if in_numbers else ""
        table.add_row(f"∂{of.label}/∂{wrt.label}", f"= {symbols}", equals + in_numbers, f"= {fixed(slope, 4)}")
    console.print(table)
    rounded = [f"{slope:.4f}" for slope in slopes]
    a, b, c = decimals([float(slope) for slope in rounded])
    say(
        f"\n∂E/∂{weight.label} = {product(slopes)} = "
        f"[bold]{fixed(grad(passed.total, weight).data, 6)}[/bold]\n"
        f"[dim]({fixed(float(a * b * c), 7)} from the rounded factors)[/dim]",
        console,
    )


def show_all_paths(mlp: MLP, passed: Forward, console: Console) -> None:
    """The paths of the first weight of the first layer: two in the article's network, which add up."""
    weight = mlp.layers[0].neurons[0].w[0]
    stations = {value for values in (*passed.z, *passed.a) for value in values}
    paths = Paths(passed.total, weight, stations)
    heading(f"Backward to {weight.label}: {counted(paths.count, 'path')}", console)
    z, h, next_layer = passed.z[0][0].label, passed.a[0][0].label, [z.label for z in passed.z[1]]
    onward = " and ".join(next_layer) if len(next_layer) < 3 else f"all of {next_layer[0]} to {next_layer[-1]}"
    say(
        f"{weight.label} changes {z}, {z} changes {h}, and {h} changes {onward}. Along a path the factors multiply; "
        "where paths meet, their products add up.\n",
        console,
    )
    ways = list(islice(paths.largest(), WAYS))
    ways.sort(key=lambda way: [edge.lower.label for edge in way.edges])
    for way in ways:
        say(f"{' → '.join(edge.lower.label for edge in reversed(way.edges))} → {passed.total.label}", console)
        say(f"  {' × '.join(f'∂{e.upper.label}/∂{e.lower.label}' for e in way.edges)}", console)
        say(f"  = {product(e.factor for e in way.edges)} = {fixed(way.product, 6)}\n", console)
    if paths.count > len(ways):
        rest = paths.rest(ways)
        say(f"{counted(paths.count - len(ways), 'more path')}, together {fixed(rest, 6)}\n", console)
    say(f"∂E/∂{weight.label} = {in_all(paths, ways)} = [bold]{fixed(paths.gradient, 6)}[/bold]", console)


def in_all(paths: Paths, ways: list[Way]) -> str:
    """The sum over the paths in numbers."""
    terms = [way.product for way in ways] + ([paths.rest(ways)] if paths.count > len(ways) else [])
    text = fixed(terms[0], 6)
    for term in terms[1:]:
        text += f" {'−' if term < 0 else '+'} {fixed(abs(term), 6)}"
    return text


def show_gradients(mlp: MLP, passed: Forward, console: Console) -> None:
    heading(f"Backward to all {len(mlp.parameters())} parameters", console)
    say(
        "backward() takes each step once: from E down, every node hands its gradient on, times the derivative on the "
        "edge, and what arrives at a node adds up. Where a gradient is positive, E grows with the parameter; where it "
        "is negative, E falls.\n",
        console,
    )
    table = columns("", "from → to", ">value", ">∂E/∂parameter")
    for layer, inputs, activations in zip(mlp.layers, [passed.inputs, *passed.a[:-1]], passed.a, strict=True):
        for neuron, a in zip(layer.neurons, activations, strict=True):
            for parameter, source in zip(neuron.parameters(), [*(x.label for x in inputs), "bias"], strict=True):
                way = f"{source} → {a.label}"
                table.add_row(parameter.label, way, short(parameter.data), fixed(parameter.grad, 9))
    console.print(table)


def show_update(mlp: MLP, passed: Forward, settings: Settings, console: Console) -> None:
    rate = settings.learning_rate
    w5 = mlp.layers[-1].neurons[0].w[0]
    heading("One update", console)
    say(f"Each parameter goes a small step against its gradient: w ← w − {short(rate)} · ∂E/∂w\n", console)
    before = {parameter: parameter.data for parameter in mlp.parameters()}
    loss = passed.total.data
    SGD(mlp.parameters(), lr=rate).step()
    table = columns("", ">before", ">step", ">after")
    for parameter, data in before.items():
        step = fixed(parameter.data - data, 6, sign="+")
        table.add_row(parameter.label, fixed(data, 6), step, fixed(parameter.data, 6))
    console.print(table)
    new = forward(mlp, settings.inputs, settings.targets).total.data
    say(
        f"\n{w5.label}: {short(before[w5])} − {short(rate)} × {bracketed(fixed(w5.grad, 6))} = {fixed(w5.data, 5)}\n"
        f"E: {fixed(loss, 6)} before, {fixed(new, 6)} after"
        + ("" if new <= loss else ": it grew, so the learning rate is too large"),
        console,
    )


def show_training(settings: Settings, console: Console) -> History:
    """Train from the start, with a bar where the output is a terminal."""
    heading("Training", console)
    say(
        "One epoch is forward, backward, update. The same again, from the first weights, until an epoch changes E by "
        f"less than {short(TOLERANCE)}, for at most {settings.epochs:,} epochs.\n",
        console,
    )
    mlp = network(settings.weights)
    start = forward(mlp, settings.inputs, settings.targets).total.data
    bar = Progress(
        TextColumn(" epoch {task.completed:,}"),
        BarColumn(complete_style="cyan", finished_style="cyan"),
        TextColumn("E = {task.fields[loss]}"),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("training", total=settings.epochs, loss=short(start))
        run = train(
            lambda: forward(mlp, settings.inputs, settings.targets).total,
            SGD(mlp.parameters(), lr=settings.learning_rate),
            epochs=settings.epochs,
            tolerance=TOLERANCE,
            on_epoch=lambda epoch, loss: bar.update(task, completed=epoch, loss=short(loss)),
        )
        if run.interrupted:  # who stops the training of the walk stops the walk
            raise KeyboardInterrupt
        bar.update(task, completed=run.epochs, total=run.epochs, loss=short(run.losses[-1]))
    if console.is_terminal:
        console.print()
    table = columns(">epoch", ">E")
    for epoch in told(run.epochs):
        table.add_row(f"{epoch:,}", short(run.losses[epoch]))
    console.print(table)
    final = forward(mlp, settings.inputs, settings.targets)
    say(
        f"\nStopped after {run.epochs:,} epochs with E = {short(run.losses[-1])}: {minus(run.stopped)}.\n"
        f"outputs y = {numbers(y.data for y in final.a[-1])}   targets t = {numbers(settings.targets)}",
        console,
    )
    return run


def told(last: int) -> list[int]:
    """The epochs that are told of a training: the first, those that are a power of ten, the last.

    >>> told(25)
    [0, 1, 10, 25]
    """
    return [epoch for epoch in (0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000) if epoch < last] + [last]


def show_files(out: Path, files: Sequence[Saved], console: Console) -> None:
    heading("Files", console)
    for part in broken(f"in {out}:", console.width - 2):
        line(part, console)
    width = max(len(file.path.name) for file in files)
    for file in files:
        line(f"{file.path.name.ljust(width)}  {file.outcome}", console)


def show_next(out: Path, console: Console) -> None:
    """What to do after the walk: three things, each a line to copy."""
    heading("What next", console)
    typed = program()
    say("Step through this graph, node by node; open in a browser:", console)
    for part in broken(str(out / "explore.html"), console.width - 4):
        line(f"  {part}", console, style="bold")
    say("Write out the chain rule for an expression of your own:", console)
    line(f'  {typed} explain "sigmoid(w*x + b)" w=0.3 x=2 b=0.1', console, style="bold")
    say("Find the mistake in a backward pass:", console)
    line(f"  {typed} exercise", console, style="bold")


class Saved(NamedTuple):
    """A file of the walk, and what became of it."""

    path: Path
    outcome: str


def saved(path: Path, what: str, content: Callable[[], str | bytes]) -> Saved:
    """Write one form of the walk; one that cannot be made does not end it."""
    try:
        return Saved(write(path, content()), what)
    except (ImportError, RuntimeError, SubprocessError, ValueError) as error:
        return Saved(path, f"not written: {error}")


def write_forms(mlp: MLP, passed: Forward, out: Path) -> list[Saved]:
    """The picture with the way of one weight, the chain rule for it written out, and the interactive page."""
    weight = mlp.layers[-1].neurons[0].w[0]
    name = weight.label
    return [
        saved(
            out / "graph.svg",
            f"the graph, the way of {name} in red",
            lambda: draw(passed.total, highlight=weight).pipe(format="svg"),
        ),
        saved(
            out / f"explanation-{name}.md",
            f"the chain rule for {name}, in symbols and numbers",
            lambda: explain(passed.total, weight).markdown() + "\n",
        ),
        saved(
            out / "explore.html",
            "step through it in a browser",
            lambda: explore(passed.total, title="Backpropagation, step by step").html,
        ),
    ]


def plot_loss(run: History) -> bytes:
    """The loss curve as an SVG.

    Raises ImportError, with the command to run, where Matplotlib is not installed.
    """
    from tinygrad_edu.plot import plot_history
    from tinygrad_edu.plot.canvas import svg

    return svg(plot_history(run))
