"""How a lesson looks in a terminal: headings, paragraphs, quiet tables, numbers with one minus sign."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinygrad_edu.engine import printable
from tinygrad_edu.show.numbers import rounded

IN_WORDS = ("no", "one", "two", "three", "four", "five")


def heading(title: str, console: Console) -> None:
    console.print()
    console.rule(Text(title, style="bold"), align="left", style="dim")


def say(text: str, console: Console) -> None:
    """Print a paragraph, in line with the tables."""
    for paragraph in text.split("\n"):
        for line in Text.from_markup(paragraph).wrap(console, console.width - 2):
            line.rstrip()
            console.print(Text(" ") + line if line else "")


def point(text: str, console: Console) -> None:
    """Print one item of a list."""
    for k, line in enumerate(Text(text).wrap(console, console.width - 4)):
        line.rstrip()
        console.print(Text(" • " if k == 0 else "   ") + line)


def line(text: str, console: Console, style: str = "") -> None:
    """One line that is not broken here, so that what is in it can be copied."""
    console.print(Text(f" {text}", style=style), soft_wrap=True)


def broken(path: str, width: int) -> list[str]:
    """A path on as few lines as hold it, broken between its folders and not within their names.

    >>> broken("pictures/of-my-network/deep", 18)
    ['pictures/', 'of-my-network/deep']
    """
    lines = [""]
    for part in re.split(r"(?<=[/\\])", printable(path)):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return lines


def columns(*titles: str) -> Table:
    """A quiet table: a title that starts with > is over numbers, which end where it ends."""
    table = Table(box=None, header_style="dim", show_header=any(title.strip(">") for title in titles))
    for title in titles:
        table.add_column(title.removeprefix(">"), justify="right" if title.startswith(">") else "left", no_wrap=True)
    return table


def minus(text: str) -> str:
    """Numbers with a real minus sign, as everything here is printed.

    >>> minus("from -0.05 by less than 1e-09")
    'from −0.05 by less than 1e−9'
    """
    return re.sub(r"-(?=[\d.])", "−", re.sub(r"e-0*(?=\d)", "e-", text))


def short(number: float) -> str:
    """A number to four significant digits."""
    return minus(f"{number:.4g}")


def fixed(number: float, places: int, sign: str = "") -> str:
    """A number to some decimal places."""
    return minus(f"{number:{sign}.{places}f}")


def bracketed(number: str) -> str:
    """A negative number in brackets, as it stands after an operator."""
    return f"({number})" if number.startswith("−") else number


def product(factors: Iterable[float]) -> str:
    """Factors with × between them.

    >>> product([-0.13400, -2.0])
    '−0.134 × (−2)'
    """
    first, *others = map(rounded, factors)
    return " × ".join([first, *map(bracketed, others)])


def counted(number: int, thing: str) -> str:
    """A number of things, in words where it is small.

    >>> counted(2, "output"), counted(1, "input"), counted(16, "input")
    ('two outputs', 'one input', '16 inputs')
    """
    return f"{IN_WORDS[number] if number < len(IN_WORDS) else f'{number:,}'} {thing}{'s' * (number != 1)}"


def numbers(values: Iterable[float]) -> str:
    """A vector, its middle left out where it is long.

    >>> numbers([0.85, -0.25])
    '(0.85, −0.25)'
    """
    return "(" + shortened((minus(f"{value:.4g}") for value in values), ", ") + ")"


def shortened(parts: Iterable[str], between: str) -> str:
    """All of up to four parts, else the first two and the last."""
    parts = list(parts)
    return between.join(parts if len(parts) <= 4 else [*parts[:2], "…", parts[-1]])
