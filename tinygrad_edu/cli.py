"""The command line, `tinygrad-edu`."""

from __future__ import annotations

import json
import os
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
        from tinygrad_edu.engine.value import number

        if not isinstance(value, str):
            return [*value]
        try:
            return [number(float(part)) for part in value.split(",")]
        except ValueError:
            self.fail(f"expected finite numbers with commas between them, like 0.85,0.25, got {value!r}", param, ctx)


def read_weights(path: str) -> list[list[list[float]]]:
    """The matrices in a JSON file: a list a layer, in it a list a neuron, the bias first."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise click.ClickException(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise click.ClickException(f"{path} is not a JSON file") from None
    nested = isinstance(content, list) and all(
        isinstance(matrix, list) and all(isinstance(row, list) for row in matrix) for matrix in content
    )
    if not nested:
        raise click.ClickException(f"{path}: expected matrices, [[[bias, weight, …], …], …], a row a neuron")
    return content  # type: ignore[no-any-return]


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


def console() -> Any:
    """A terminal of at most 100 columns; plain text of 100 where the output is a file."""
    from rich.console import Console

    made = Console(highlight=False)
    made.width = min(made.width, 100) if made.is_terminal else 100
    return made


def main() -> None:
    """Run the command line. A user's mistake ends in one line and exit status 2, whatever found it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # an ASCII terminal shows ? for a letter that it has not
    try:
        command.main(prog_name="tinygrad-edu", standalone_mode=False)
    except click.Abort:
        fail("stopped", 130)
    except click.ClickException as error:
        fail(error.format_message())
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (ValueError, TypeError, ArithmeticError, RuntimeError, ImportError) as error:
        fail(str(error))


def fail(message: str, status: int = 2) -> NoReturn:
    click.echo(f"tinygrad-edu: {' '.join(message.split())}", err=True)
    sys.exit(status)
