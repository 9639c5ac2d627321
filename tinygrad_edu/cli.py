"""The command line, `tinygrad-edu`."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from math import isfinite
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any, NoReturn

import click

from tinygrad_edu import __version__
from tinygrad_edu.engine import plain
from tinygrad_edu.shell import program

LONGEST = 400  # characters of an error


class Numbers(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """Numbers with commas between them."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[float]:
        from tinygrad_edu.engine import number

        try:
            return [number(float(part)) for part in value.split(",")]
        except ValueError:
            got = repr(plain(value))
            self.fail(f"expected finite numbers with commas between them, like 0.85,0.25, got {got}", param, ctx)


class Target(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """The name of a file or folder to write to."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in ("", "-"):  # some tools mean the terminal by -; without the option it is printed there
            self.fail(f"expected a name to write to, got {value!r}", param, ctx)
        return str(value)


class Commands(click.Group):
    """A group whose unknown command is answered with the list of them."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            known = ", ".join(self.list_commands(ctx))
            raise click.UsageError(f"there is no command {plain(args[0])!r}; the commands are {known}")
        return super().resolve_command(ctx, args)


def text_in(path: str) -> str:
    """What a file of text holds; some editors begin one with a byte order mark."""
    try:
        with open(path, encoding="utf-8-sig") as file:  # not Path, for which "" is the folder
            return file.read()
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{plain(path)} is not text in UTF-8: see its byte {error.start + 1}") from None
    except (OSError, ValueError) as error:  # a ValueError for a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else error
        raise click.ClickException(f"cannot read {plain(path) or repr(path)}: {reason}") from None


def read_weights(path: str) -> list[list[list[float]]]:
    """The matrices in a JSON file: a list a layer, in it a list a neuron, the bias first."""
    from tinygrad_edu.lesson import network

    text, path = text_in(path), plain(path)
    try:
        content = json.loads(text)
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


def require_as_many(option: str, numbers: Sequence[float], expected: int, network: str) -> None:
    """Refuse numbers that do not fit a network, with the option that would."""
    if len(numbers) != expected:
        what = option.strip("-") if expected != 1 else option.strip("-")[:-1]
        like = ",".join(["0.5"] * expected) if expected <= 4 else "0.5,0.5,…"
        raise click.UsageError(
            f"{network} takes {expected} {what}, got {len(numbers)}: expected {option} {like}, "
            f"{expected} number{'s' * (expected != 1)}"
        )


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tinygrad-edu")
@click.option("--audit", is_flag=True, help="Check every figure that the article prints, instead of the walk.")
@click.option("--inputs", type=Numbers(), help="Inputs of the network, like 0.85,0.25.")
@click.option("--targets", type=Numbers(), help="Targets for its outputs, like 0.6905,0.8657.")
@click.option("--weights", metavar="FILE", help="JSON file with a matrix a layer: [[[bias, weight, …], …], …].")
@click.option("--seed", type=int, help="Start from random weights instead.")
@click.option("--learning-rate", "--lr", type=click.FloatRange(min=0, min_open=True), help="0.1 without it.")
@click.option("--epochs", type=click.IntRange(min=0), help="Train for no more, 10000 without it.")
@click.option("--out", metavar="FOLDER", type=Target(), help="Where pictures go, tinygrad-edu-out without it.")
@click.pass_context
def command(ctx: click.Context, /, audit: bool, **given: Any) -> None:
    """See the chain rule flow: a 2-2-2 sigmoid network, built from scalars.

    Without a command: walk through a worked example, forward, backward, one update, training.
    """
    given = {name: value for name, value in given.items() if value is not None}
    if ctx.invoked_subcommand is not None:
        if audit or given:
            option = "--audit" if audit else f"--{next(iter(given)).replace('_', '-')}"
            raise click.UsageError(f"{option} belongs to the walk, and {ctx.invoked_subcommand} is another command")
        return
    from tinygrad_edu.lesson.article import show_article
    from tinygrad_edu.lesson.walkthrough import walk

    if audit:
        if given:
            option = next(iter(given)).replace("_", "-")
            raise click.UsageError(f"--audit is of the article's own numbers: leave out --{option}")
        show_article(console(least=80))
        return
    out = given.pop("out", "tinygrad-edu-out")
    walk(settings(**given), out, console(least=60))


def settings(weights: str | None = None, seed: int | None = None, **given: Any) -> Any:
    """What the walk starts from, as the options say."""
    from tinygrad_edu.lesson.walkthrough import Settings
    from tinygrad_edu.nn import MLP

    if not isfinite(rate := given.get("learning_rate", 0.1)):
        raise click.BadParameter(f"expected a finite number, got {rate}", param_hint="--learning-rate")
    if weights is not None and seed is not None:
        raise click.UsageError("--weights and --seed exclude each other")
    made = Settings(**given)
    if weights is not None:
        made = made._replace(weights=read_weights(weights))
    if seed is not None:
        made = made._replace(weights=MLP(len(made.inputs), [2, len(made.targets)], seed=seed).to_weights())
    network = f"the network of {plain(weights)}" if weights else "the network of the example"
    require_as_many("--inputs", made.inputs, len(made.weights[0][0]) - 1, network)
    require_as_many("--targets", made.targets, len(made.weights[-1]), network)
    return made


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
        self.fail(f"expected a name and a finite number, like w=0.3, got {plain(value)!r}", param, ctx)


def built(text: str, values: tuple[tuple[str, Any], ...]) -> tuple[Any, dict[str, Any]]:
    """The root of an expression's graph, and its leaves by name."""
    from tinygrad_edu.engine import Value
    from tinygrad_edu.expression import parse

    leaves: dict[str, Value] = {}
    for name, number in values:
        if name in leaves:
            raise click.UsageError(f"expected a number for each name, got two for {plain(name)}")
        leaves[name] = Value(number, name)
    root = parse(text).build(leaves)
    root.label = root.label or "out"
    return root, leaves


def chosen(wrt: str | None, leaves: dict[str, Any]) -> Any:
    """The leaf that --wrt names, the first one without it."""
    if not leaves:
        raise click.UsageError("the expression has no names: there is nothing to differentiate for")
    if wrt is None:
        return next(iter(leaves.values()))
    if wrt not in leaves:
        known = plain(", ".join(leaves), longest=200)
        raise click.BadParameter(f"expected one of {known}, got {plain(wrt)!r}", param_hint="--wrt")
    return leaves[wrt]


class OfExpression(click.Command):
    """A command on an expression, which says what one looks like where it is missing."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name.startswith("--"):
                raise
            raise click.UsageError(
                f"{error.format_message()} An expression that begins with a minus comes after --, like: "
                f'{ctx.command_path} -- "-w*x" w=0.3 x=2'
            ) from None
        except click.MissingParameter:
            raise click.UsageError(f"expected an expression, like: {self.example(ctx)}") from None

    def example(self, ctx: click.Context) -> str:
        return f'{ctx.command_path} "sigmoid(w*x + b)" w=0.3 x=2 b=0.1'

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(f"\nExample: {self.example(ctx)}\n")


def expression_command(function: Any) -> Any:
    """A command on an expression: its text, and the numbers for its names."""
    for decorate in (
        click.argument("values", nargs=-1, type=Assignment(), metavar="[NAME=NUMBER]..."),
        click.argument("expression"),
        command.command(cls=OfExpression),
    ):
        function = decorate(function)
    return function


output_option = click.option(
    "-o", "--output", metavar="FILE", type=Target(), help="Where to write; the ending says the form."
)


def ending(output: str, forms: tuple[str, ...], option: str = "-o") -> str:
    """What a file's name ends in, one of `forms`."""
    form = Path(output).suffix[1:].lower()
    if form not in forms:
        expected = f"expected a name that ends in .{', .'.join(forms)}, got {plain(output)}"
        raise click.BadParameter(expected, param_hint=option)
    return form


@expression_command
@click.option("--wrt", metavar="NAME", help="The name whose way to the result is drawn in red.")
@output_option
def draw(expression: str, values: Any, wrt: str | None, output: str | None) -> None:
    """Draw the graph of an expression.

    Prints it as text; with -o as SVG, PNG, DOT, or PDF where Graphviz is installed.
    """
    from tinygrad_edu.files import write
    from tinygrad_edu.show import draw, tree

    form = ending(output, ("svg", "png", "pdf", "dot")) if output else ""
    root, leaves = built(expression, values)
    root.backward()
    highlight = chosen(wrt, leaves) if wrt is not None else ()
    if not output:
        if wrt:
            raise click.UsageError(f"--wrt is for a picture: expected -o too, like -o graph.svg --wrt {wrt}")
        click.echo(tree(root))
        return
    picture = draw(root, highlight=highlight)
    click.echo(write(output, picture.source if form == "dot" else picture.pipe(format=form)))


@expression_command
@click.option("--wrt", metavar="NAME", help="Differentiate for this name; the first one without it.")
@output_option
def explain(expression: str, values: Any, wrt: str | None, output: str | None) -> None:
    """Write out the chain rule, path by path.

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
    head = '<!DOCTYPE html>\n<meta charset="utf-8">\n<title>The chain rule</title>\n' if form == "html" else ""
    click.echo(write(output, head + getattr(explanation, forms[form])() + "\n"))


@expression_command
@click.option(
    "--wrt", metavar="NAME", help="The name that gradient descent moves; without it all but x, t and the like."
)
@output_option
def explore(expression: str, values: Any, wrt: str | None, output: str | None) -> None:
    """Make an interactive page of an expression.

    It is explore.html without -o.
    """
    from tinygrad_edu.show import explore

    output = output or "explore.html"
    ending(output, ("html", "htm"))
    root, leaves = built(expression, values)
    explore(root, output, params=[chosen(wrt, leaves)] if wrt is not None else None, title=expression)
    click.echo(output)


def register_rows(path: str) -> None:
    """Take in operations of the user's, one a line of literals: ("cube", "³", "x*x*x", "3*x*x"). Parsed, never run."""
    import ast

    from tinygrad_edu.engine import register

    lines, path = text_in(path).splitlines(), plain(path)
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            row = ast.literal_eval(line.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            row = None
        if not (isinstance(row, tuple) and len(row) >= 4 and all(isinstance(column, str) for column in row)):
            form = '("name", "symbol", "value", "derivative", …)'
            raise click.ClickException(f"{path}, line {number}: expected texts in brackets, {form}, got {plain(line)}")
        try:
            register(*row)
        except (ValueError, TypeError) as error:
            raise click.ClickException(f"{path}, line {number}: {error}") from None


@expression_command
@click.option("--ops", metavar="FILE", help='Operations of your own, one a line: ("cube", "³", "x*x*x", "3*x*x").')
@click.option("--order", type=click.IntRange(1, 2), default=1, show_default=True, help="2 for second derivatives.")
@click.option("--method", default="central", show_default=True, help="central, richardson or complex.")
def check(expression: str, values: Any, ops: str | None, order: int, method: str) -> None:
    """Compare the gradient of an expression with differences.

    Exit status 1 where it is wrong; then the report names the rule to blame.
    """
    from tinygrad_edu.check import check_gradients

    if ops is not None:
        register_rows(ops)
    root, leaves = built(expression, values)
    chosen(None, leaves)
    report = check_gradients(root, *leaves.values(), order=order, method=method)
    table = str(report)
    tell(table, under=table.index("diagnosis"))
    sys.exit(0 if report.passed else 1)


@command.command()
@click.argument("number", type=int, default=1)
@click.option("--answer", help="The name of the mistake, or the formula that is asked for.")
@click.option("--hint", type=click.IntRange(1, 3), help="1 says where to look, 2 says more, 3 gives the answer.")
def exercise(number: int, answer: str | None, hint: int | None) -> None:
    """Find the mistake in a backward pass, or write a rule.

    There are three levels: a broken rule, a pass that goes wrong, a rule to be written. Exit status 1 for a wrong
    answer, which is told what it would have led to.
    """
    from tinygrad_edu.lesson import exercises

    if answer is not None and hint is not None:
        raise click.UsageError("--answer and --hint exclude each other")
    if answer is None:
        tell(exercises.exercise(number) if hint is None else exercises.hint(number, hint))
        return
    right, words = exercises.answer(number, answer)
    tell(words)
    if right and number < exercises.COUNT:
        click.echo(f"Next: {program()} exercise {number + 1}")
    sys.exit(0 if right else 1)


@command.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses the numbers.")
@click.option("-o", "--output", metavar="FILE", type=Target(), help="Where to write the sheet; printed without it.")
@click.option("--key", metavar="FILE", type=Target(), help="Where to write the key with the answers.")
def worksheet(seed: int, output: str | None, key: str | None) -> None:
    """Make a worksheet, and its key.

    A small network with round numbers, and blanks to fill. Both are Markdown, in files that end in .md.
    """
    from tinygrad_edu.files import distinct, write
    from tinygrad_edu.lesson.worksheets import worksheet

    for option, path in {"-o": output, "--key": key}.items():
        if path and (Path(path).is_file() or not Path(path).exists()):  # a terminal or a pipe takes any form
            ending(path, ("md",), option)
    distinct(*filter(None, (output, key)))
    made = worksheet(seed)
    if output:
        click.echo(write(output, made.questions))
    if key:
        click.echo(write(key, made.answers))
    if not output:
        click.echo(made.questions, nl=False)


@command.command()
@click.option("-o", "--output", metavar="FILE", type=Target(), help="Where to write; live.html without it.")
@click.option("--lesson", metavar="FILE", help="A lesson of your own, in Markdown, in place of the package's.")
@click.option("--title", default="Backpropagation, live", show_default=True, help="The heading of the page.")
@click.option("--folder", is_flag=True, help="Write files to serve, into a folder: it opens sooner.")
def live(output: str | None, lesson: str | None, title: str, folder: bool) -> None:
    """Make a page of lessons whose Python runs in the browser.

    It is one file, which needs no network. What it is made of besides this package, npm fetches once. The answers and
    checks of a lesson of your own are run, to see that they agree.
    """
    from tinygrad_edu import files
    from tinygrad_edu import live as page
    from tinygrad_edu.tasks import read, require_sound

    output = output or ("live" if folder else "live.html")
    chosen = read(text_in(lesson), plain(lesson)) if lesson is not None else page.lessons()
    if not any(part.code for section in chosen for part in section.parts):
        raise click.ClickException(f"{plain(lesson or '')} has nothing to run: expected blocks fenced with ```python")
    for task in [one for section in chosen for one in section.tasks] if lesson is not None else ():
        require_sound(task)
    if folder:
        for name, content in page.folder(chosen, title).items():
            files.write(files.folder(output) / name, content)
    else:
        ending(output, ("html", "htm"))
        files.write(output, page.build(chosen, title))
    click.echo(output)


@command.command()
@click.argument("lesson")
@click.argument("answer")
@click.option("--task", metavar="NAME", help="One task of it; all without it.")
@click.option("--json", "results", metavar="FILE", type=Target(), help="Where to write the result as Otter takes it.")
@click.option("--pytest", "tests", metavar="FILE", type=Target(), help="Where to write the tasks as a file for pytest.")
def grade(lesson: str, answer: str, task: str | None, results: str | None, tests: str | None) -> None:
    """Grade an answer by the tasks of a lesson.

    The answer is a Python file, which is run; the lesson is Markdown. Exit status 1 where an answer is wrong; the
    mistake is named where it is a known one.
    """
    from tinygrad_edu.files import distinct, write
    from tinygrad_edu.tasks import grade as graded
    from tinygrad_edu.tasks import gradescope, pytest_file, read, require_sound

    distinct(answer, *filter(None, (results, tests)))
    tasks = [one for section in read(text_in(lesson), plain(lesson)) for one in section.tasks]
    if not tasks:
        raise click.ClickException(f"{plain(lesson)} has no task")
    if task is not None:
        known = ", ".join(one.name for one in tasks)
        tasks = [one for one in tasks if one.name == task]
        if not tasks:
            raise click.BadParameter(f"expected one of {plain(known, 200)}, got {plain(task)!r}", param_hint="--task")
    text = text_in(answer)
    for one in tasks:
        require_sound(one)
    verdicts = {one.name: graded(one, text) for one in tasks}
    for name, verdict in verdicts.items():
        tell(f"{name}: {verdict}")
    if results:
        write(results, gradescope(verdicts) + "\n")
    if tests:
        write(tests, pytest_file(tasks, Path(answer).name))
    sys.exit(0 if all(verdict.passed for verdict in verdicts.values()) else 1)


def tell(text: str, under: int = 0) -> None:
    """Print a text. A narrow terminal gets its lines broken between words, but for commands, which are to be copied.

    Arguments:
        under: the column of a table's words, in which a line that is broken goes on; where it has no room for them,
            they stand below their row.
    """
    width = get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else 0
    room, below = width - under >= 20, " " * min(4, max(0, width - 20))
    for line in text.split("\n"):
        if not width or len(line) <= width or program() in line:
            click.echo(line)
        elif not line[:under].endswith("  "):  # no row of the table
            click.echo("\n".join(wrap(line, width)))
        elif room:
            click.echo("\n".join(wrap(line, width, subsequent_indent=" " * under)))
        else:
            row, words = wrap(line[:under], width), wrap(line[under:], width - len(below))
            click.echo("\n".join([*row, *(below + part for part in words)]))


def console(least: int) -> Any:
    """As many columns as a terminal has, at least so many and at most 100; as many in a file."""
    from rich.console import Console

    made = Console(highlight=False)
    made.width = min(max(made.width, least), 100) if made.is_terminal else 100
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
        # Not command.main, which ends a broken pipe with 1, as `check` does a wrong gradient.
        with command.make_context("tinygrad-edu", sys.argv[1:]) as context:
            try:
                command.invoke(context)
            except Exception as error:
                raise stop_behind(error) or error from None
        if sys.stdout:  # None where it is closed, as in `>&-`
            sys.stdout.flush()
    except click.exceptions.Exit as end:  # --help, --version
        sys.exit(end.exit_code)
    except (KeyboardInterrupt, click.Abort):
        fail("stopped", 128 + signal.SIGINT)
    except click.ClickException as error:
        fail(error.format_message())
    except ExpressionError as error:
        reason, *place = str(error).splitlines()
        click.echo("\n".join([f"tinygrad-edu: {plain(reason, LONGEST)}", *place]), err=True)  # a line marks the place
        sys.exit(2)
    except BrokenPipeError:
        reader_gone()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # which rich ends with 1
            reader_gone()
        raise
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (ValueError, TypeError, ArithmeticError, RuntimeError, ImportError) as error:
        fail(str(error))


def stop_behind(error: BaseException | None) -> BaseException | None:
    """The interrupt or exit in whose place a library, tidying up at any moment, has put an error of its own."""
    while error and not isinstance(error, KeyboardInterrupt | SystemExit):
        error = error.__context__
    return error


def reader_gone() -> NoReturn:
    """End as other tools do where the reader of a pipe has seen enough: by the signal that says so."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
    sys.exit(141)  # as a shell tells it


def fail(message: str, status: int = 2) -> NoReturn:
    click.echo(f"tinygrad-edu: {plain(message, LONGEST)}", err=True)
    sys.exit(status)
