"""The command line, `tinygrad-edu`."""

from __future__ import annotations

import json
import os
import signal
import sys
from io import TextIOWrapper
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

import click

from tinygrad_edu import __version__


class Numbers(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """Numbers with commas between them."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[float]:
        from tinygrad_edu.engine import number

        if not isinstance(value, str):
            return [*value]
        try:
            return [number(float(part)) for part in value.split(",")]
        except ValueError:
            self.fail(f"expected finite numbers with commas between them, like 0.85,0.25, got {value!r}", param, ctx)


def read_weights(path: str) -> list[list[list[float]]]:
    """The matrices in a JSON file: a list a layer, in it a list a neuron, the bias first."""
    from tinygrad_edu.lesson import network

    try:
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))  # some editors begin a file with a mark
    except OSError as error:
        raise click.ClickException(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise click.ClickException(f"{path} is not a JSON file") from None
    nested = isinstance(content, list) and all(
        isinstance(matrix, list) and all(isinstance(row, list) for row in matrix) for matrix in content
    )
    if not nested:
        raise click.ClickException(f"{path}: expected matrices, [[[bias, weight, …], …], …], a row a neuron")
    try:
        return network(content).to_weights()
    except (TypeError, ValueError) as error:
        raise click.ClickException(f"{path}: {error}") from None


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tinygrad-edu")
@click.option("--inputs", type=Numbers(), help="Inputs of the network, like 0.85,0.25.")
@click.option("--targets", type=Numbers(), help="Targets for its outputs, like 0.6905,0.8657.")
@click.option("--weights", metavar="FILE", help="JSON file with a matrix a layer: [[[bias, weight, …], …], …].")
@click.option("--seed", type=int, help="Start from random weights instead.")
@click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), default=0.1, show_default=True)
@click.option("--epochs", type=click.IntRange(min=0), default=10_000, show_default=True, help="Train for no more.")
@click.option("--out", metavar="FOLDER", default="tinygrad-edu-out", show_default=True, help="Where pictures go.")
@click.pass_context
def command(
    ctx: click.Context,
    inputs: list[float] | None,
    targets: list[float] | None,
    weights: str | None,
    seed: int | None,
    learning_rate: float,
    epochs: int,
    out: str,
) -> None:
    """See the chain rule flow: a 2-2-2 sigmoid network, built from scalars.

    Without a command: walk through the worked example, forward, backward, update, training, and an audit of every
    figure that its document prints.
    """
    if ctx.invoked_subcommand is not None:
        return
    from tinygrad_edu.lesson.walkthrough import Settings, walk
    from tinygrad_edu.nn import MLP

    if not isfinite(learning_rate):
        raise click.BadParameter(f"expected a finite number, got {learning_rate}", param_hint="--learning-rate")
    if weights is not None and seed is not None:
        raise click.UsageError("--weights and --seed exclude each other")
    settings = Settings(learning_rate=learning_rate, epochs=epochs)
    if inputs is not None:
        settings = settings._replace(inputs=inputs)
    if targets is not None:
        settings = settings._replace(targets=targets)
    if weights is not None:
        settings = settings._replace(weights=read_weights(weights))
    if seed is not None:
        sizes = [2, len(settings.targets)]
        settings = settings._replace(weights=MLP(len(settings.inputs), sizes, seed=seed).to_weights())
    walk(settings, out, console())


class Assignment(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """A name and its number, w=0.3."""

    name = "name=number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        from tinygrad_edu.engine import number

        name, equals, text = value.partition("=")
        try:
            if equals and name.isidentifier():
                return name, number(float(text))
        except ValueError:
            pass
        self.fail(f"expected a name and a finite number, like w=0.3, got {value!r}", param, ctx)


def built(text: str, values: tuple[tuple[str, Any], ...]) -> tuple[Any, dict[str, Any]]:
    """The root of an expression's graph after the backward pass, and its leaves by name."""
    from tinygrad_edu.engine import Value
    from tinygrad_edu.expression import parse

    leaves = {name: Value(number, name) for name, number in values}
    root = parse(text).build(leaves)
    root.label = root.label or "out"
    root.backward()
    return root, leaves


def chosen(wrt: str | None, leaves: dict[str, Any]) -> Any:
    """The leaf that --wrt names, the first one without it."""
    if not leaves:
        raise click.UsageError("the expression has no names: there is nothing to differentiate for")
    if wrt is None:
        return next(iter(leaves.values()))
    if wrt not in leaves:
        raise click.BadParameter(f"expected one of {', '.join(leaves)}, got {wrt}", param_hint="--wrt")
    return leaves[wrt]


def expression_command(function: Any) -> Any:
    """A command on an expression: its text, the numbers for its names, --wrt and -o."""
    for decorate in (
        click.option("-o", "--output", metavar="FILE", help="Where to write; the ending says in which form."),
        click.option("--wrt", metavar="NAME", help="Differentiate for this name; the first one without it."),
        click.argument("values", nargs=-1, type=Assignment()),
        click.argument("expression"),
        command.command(),
    ):
        function = decorate(function)
    return function


def ending(output: str, forms: tuple[str, ...]) -> str:
    """What a file's name ends in, one of `forms`."""
    form = Path(output).suffix[1:].lower()
    if form not in forms:
        raise click.BadParameter(f"expected a name that ends in .{', .'.join(forms)}, got {output}", param_hint="-o")
    return form


@expression_command
def draw(expression: str, values: Any, wrt: str | None, output: str | None) -> None:
    """Draw the graph of an expression, like "sigmoid(w*x + b)" w=0.3 x=2 b=0.1.

    Prints it as text; with -o as SVG, PNG, DOT, or PDF where Graphviz is installed.
    """
    from tinygrad_edu.files import write
    from tinygrad_edu.show import draw, tree

    form = ending(output, ("svg", "png", "pdf", "dot")) if output else ""
    root, leaves = built(expression, values)
    if not output:
        click.echo(tree(root))
        return
    picture = draw(root, highlight=chosen(wrt, leaves) if wrt else ())
    click.echo(write(output, picture.source if form == "dot" else picture.pipe(format=form)))


@expression_command
def explain(expression: str, values: Any, wrt: str | None, output: str | None) -> None:
    """Write out the chain rule for a name in an expression, path by path.

    Prints it as text; with -o as text, Markdown, LaTeX or HTML.
    """
    from tinygrad_edu.files import write
    from tinygrad_edu.show import explain

    form = ending(output, ("txt", "md", "tex", "html")) if output else ""
    root, leaves = built(expression, values)
    explanation = explain(root, chosen(wrt, leaves))
    if not output:
        click.echo(explanation.text())
        return
    forms = {"txt": "text", "md": "markdown", "tex": "latex", "html": "html"}
    click.echo(write(output, getattr(explanation, forms[form])() + "\n"))


@expression_command
def explore(expression: str, values: Any, wrt: str | None, output: str | None) -> None:
    """Make an interactive page of an expression, explore.html without -o."""
    from tinygrad_edu.show import explore

    output = output or "explore.html"
    ending(output, ("html", "htm"))
    root, leaves = built(expression, values)
    if wrt:
        chosen(wrt, leaves)
    explore(root, output, title=expression)
    click.echo(output)


def rows_in_file(path: str) -> list[Any]:
    """Operations of the user's, one a line of literals: ("cube", "³", "x*x*x", "3*x*x"). Parsed, never run."""
    import ast

    from tinygrad_edu.engine import register

    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise click.ClickException(f"cannot read {path}: {error.strerror}") from None
    made = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            row = ast.literal_eval(line.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            row = None
        if not (isinstance(row, tuple) and len(row) >= 4 and all(isinstance(column, str) for column in row)):
            form = '("name", "symbol", "value", "derivative", …)'
            raise click.ClickException(f"{path}, line {number}: expected texts in brackets, {form}, got {line}")
        made.append(register(*row))
    return made


@command.command()
@click.argument("expression")
@click.argument("values", nargs=-1, type=Assignment())
@click.option("--ops", metavar="FILE", help='Operations of your own, one a line: ("cube", "³", "x*x*x", "3*x*x").')
@click.option("--order", type=click.IntRange(1, 2), default=1, show_default=True, help="2 for second derivatives.")
@click.option("--method", default="central", show_default=True, help="central, richardson or complex.")
def check(expression: str, values: Any, ops: str | None, order: int, method: str) -> None:
    """Compare the gradient of an expression with differences.

    Exit status 1 where it is wrong; then the report names the rule to blame.
    """
    from tinygrad_edu.check import check_gradients
    from tinygrad_edu.engine import Value
    from tinygrad_edu.expression import parse

    if ops:
        rows_in_file(ops)
    leaves = {name: Value(number, name) for name, number in values}
    root = parse(expression).build(leaves)
    report = check_gradients(root, *leaves.values(), order=order, method=method)
    click.echo(report)
    sys.exit(0 if report.passed else 1)


@command.command()
@click.argument("number", type=int, default=1)
@click.option("--answer", help="The name of the mistake.")
def exercise(number: int, answer: str | None) -> None:
    """Find the broken rule in a backward pass with the checker.

    Exit status 1 for a wrong answer.
    """
    from tinygrad_edu.lesson import exercises

    if answer is None:
        click.echo(exercises.exercise(number))
        return
    right, words = exercises.answer(number, answer)
    click.echo(words)
    sys.exit(0 if right else 1)


@command.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses the numbers.")
@click.option("-o", "--output", metavar="FILE", help="Where to write the sheet; it is printed without.")
@click.option("--key", metavar="FILE", help="Where to write the key with the answers.")
def worksheet(seed: int, output: str | None, key: str | None) -> None:
    """Make a worksheet: a small network with round numbers, and blanks to fill."""
    from tinygrad_edu.files import distinct, write
    from tinygrad_edu.lesson.worksheets import worksheet

    distinct(*filter(None, (output, key)))
    made = worksheet(seed)
    if output:
        click.echo(write(output, made.questions))
    if key:
        click.echo(write(key, made.answers))
    if not output:
        click.echo(made.questions, nl=False)


def console() -> Any:
    """80 to 100 columns on a terminal, which breaks the lines where it has fewer; plain text of 100 in a file."""
    from rich.console import Console

    made = Console(highlight=False)
    made.width = min(max(made.width, 80), 100) if made.is_terminal else 100
    return made


def main() -> None:
    """Run the command line. A user's mistake ends in one line and exit status 2, whatever found it."""
    from tinygrad_edu.expression import ExpressionError

    # So that what is being written is put back, as at an interrupt from the keyboard.
    signal.signal(signal.SIGTERM, lambda number, frame: fail("stopped", 128 + number))
    try:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")  # an ASCII terminal shows ? for a letter that it has not
        command.main(prog_name="tinygrad-edu", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        fail("stopped", 128 + signal.SIGINT)
    except click.ClickException as error:
        fail(error.format_message())
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except ExpressionError as error:
        click.echo(f"tinygrad-edu: {error}", err=True)  # with a line that marks the place
        sys.exit(2)
    except (ValueError, TypeError, ArithmeticError, RuntimeError, ImportError) as error:
        fail(str(error))


def fail(message: str, status: int = 2) -> NoReturn:
    click.echo(f"tinygrad-edu: {' '.join(message.split())}", err=True)
    sys.exit(status)
