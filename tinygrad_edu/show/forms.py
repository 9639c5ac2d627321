"""What is written, as a list of blocks; and a writer a form, text, Markdown, LaTeX and HTML, for any such list.

Formulas in blocks are in the notation that they were made for: `Style` for text and HTML, `LatexStyle` for Markdown and
LaTeX. All that comes from a user stands in formulas, whose writers leave no markup of it.
"""

from __future__ import annotations

from html import escape
from typing import Any, NamedTuple

from tinygrad_edu.show.notation import LatexStyle, Style


class Math(str):
    """A formula, among words."""

    __slots__ = ()


class Words(NamedTuple):
    """A sentence: words, and formulas as `Math`."""

    spans: tuple[str, ...]


class Equations(NamedTuple):
    """Rows of formulas that are equal; the last is the value, an empty one gives its room to the one before.

    `more` says how many rows are left out.
    """

    rows: list[list[str]]
    more: int = 0


class Derivation(NamedTuple):
    """What a name becomes, step by step: the sign behind it, and the right sides."""

    name: str
    sign: str
    right: list[str]


class Way(NamedTuple):
    """A path: the nodes it leads over, its factors in symbols, in numbers, and their product."""

    nodes: str
    symbols: str
    numbers: str
    product: str


class Sum(NamedTuple):
    """What the ways add up to: the derivative, those that are listed, and the others in words and in numbers."""

    derivative: str
    ways: list[Way]
    others: str
    rest: str
    total: str


Block = Words | Equations | Derivation | Sum


class Written:
    """Something that is written in four forms; a notebook shows it as formulas, a terminal as text.

    No form ends in a line break: who writes a file adds it.
    """

    def blocks(self, style: Style) -> list[Block]:
        """What is written, in one notation."""
        raise NotImplementedError

    def style(self, kind: type[Style]) -> Style:
        """The notation with the names and the digits of this."""
        raise NotImplementedError

    def text(self) -> str:
        """For a terminal."""
        return "\n".join(written_as_text(self.blocks(self.style(Style))))

    def markdown(self) -> str:
        """With formulas between dollar signs."""
        return "\n\n".join(map(markdown, self.blocks(self.style(LatexStyle))))

    def latex(self) -> str:
        """For LaTeX with the package amsmath: words, and formulas in `align*`."""
        return latex(self.blocks(self.style(LatexStyle)))

    def html(self) -> str:
        """Markup without scripts, styles or links; every name in it is escaped."""
        return f"<div>{''.join(map(html, self.blocks(self.style(Style))))}</div>"

    def __str__(self) -> str:
        return self.text()

    def _repr_markdown_(self) -> str:  # and no HTML, which a notebook would prefer, and show without formulas
        return self.markdown()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.text())


# Text


def written_as_text(blocks: list[Block]) -> list[str]:
    """The lines; sentences that follow one another stand together."""
    lines: list[str] = []
    before: Block | None = None
    for block in blocks:
        together = isinstance(before, (Words, Derivation)) and isinstance(block, Words)
        lines += [""] if before and not together else []
        lines += as_text(block)
        before = block
    return lines


def as_text(block: Block) -> list[str]:
    match block:
        case Words(spans):
            return ["".join(spans)]
        case Equations(rows, more):
            return [*aligned(rows), *([f"  {left_out(more)}"] if more else [])]
        case Derivation(name, sign, (first, *rest)):
            return [f"{name} {sign} {first}", *(f"{' ' * len(name)} = {right}" for right in rest)]
        case Sum(_, ways, others, amount, _):
            written = [(way.nodes, equals(way)) for way in ways]
            if others:
                written.append((f"{'and ' if ways else ''}{others}", f"= {amount}"))
            width = max((len(path) for path, _ in written), default=0)
            return [f"  {path:<{width}}  {product}" for path, product in written]
    raise TypeError(block)


def equals(way: Way) -> str:
    """The product of a way, behind its factors where there are several."""
    return f"{way.numbers} = {way.product}" if way.numbers else f"= {way.product}"


def left_out(rows: int) -> str:
    return f"… and {rows:,} more"


def aligned(rows: list[list[str]]) -> list[str]:
    """Equations below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        line = f"  {row[0]:<{widths[0]}}"
        for cell, width in zip(row[1:-1], widths[1:], strict=False):
            if width:
                line += f" {'=' if cell else ' '} {cell:<{width}}"
        lines.append(f"{line} = {row[-1]}")
    return lines


# Markdown


def markdown(block: Block) -> str:
    match block:
        case Words(spans):
            return "".join(f"${span}$" if isinstance(span, Math) else span for span in spans)
        case Equations(rows, more):
            lines = [f"* ${' = '.join(filter(None, row))}$" for row in rows]
            return "\n".join([*lines, *([f"* {left_out(more)}"] if more else [])])
        case Derivation(name, sign, right):
            return f"${name} {sign} {' = '.join(right)}$"
        case Sum(_, ways, others, amount, _):
            lines = ["| path | product |", "|---|---|"]
            lines += [f"| ${way.nodes}$ | ${equals(way)}$ |" for way in ways]
            lines += [f"| {others} | $= {amount}$ |"] if others else []
            return "\n".join(lines)
    raise TypeError(block)


# LaTeX


def latex(blocks: list[Block]) -> str:
    """Words as paragraphs, and what stands between two of them as one `align*`."""
    parts: list[str] = []
    lines: list[str] = []
    for block in [*blocks, None]:
        if block is not None and not isinstance(block, Words):
            lines += aligned_lines(block)
            continue
        if lines:
            parts.append("\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}")
            lines = []
        if block is not None:
            words = "".join(f"${span}$" if isinstance(span, Math) else span for span in block.spans)
            parts.append(words.replace(" ✓ ", ", ").replace(" ✗ ", ", "))  # no font of LaTeX's own has them
    return "\n\n".join(parts)


def aligned_lines(block: Block) -> list[str]:
    match block:
        case Equations(rows, more):
            lines = [f"{row[0]} &= {' = '.join(filter(None, row[1:]))}" for row in rows]
            return [*lines, *([rf"&\text{{{left_out(more)}}}"] if more else [])]
        case Derivation(name, sign, (first, *rest)):
            return [f"{name} &{sign} {first}", *(f"&= {right}" for right in rest)]
        case Sum(derivative, ways, others, amount, total):
            words = rf"\text{{{others}}}"
            symbols = [way.symbols for way in ways] + [words] * bool(others)
            numbers = [way.numbers or way.product for way in ways]
            numbers += [rf"\underbrace{{{amount}}}_{{{words}}}"] if others else []
            return [*terms(f"{derivative} ", symbols), *terms("", numbers), f"&= {total}"]
    raise TypeError(block)


def terms(head: str, written: list[str]) -> list[str]:
    """A sum, one term a line."""
    return [rf"&\quad + {term}" if k else f"{head}&= {term}" for k, term in enumerate(written)]


# HTML


def html(block: Block) -> str:
    match block:
        case Words(spans):
            written = (f"<i>{escape(span)}</i>" if isinstance(span, Math) else escape(span) for span in spans)
            return f"<p>{''.join(written)}</p>"
        case Equations(rows, more):
            cells = [[row[0], *(f"= {cell}" if cell else "" for cell in row[1:])] for row in rows]
            return table(cells) + (f"<p>{left_out(more)}</p>" if more else "")
        case Derivation(name, sign, (first, *rest)):
            return table([[name, f"{sign} {first}"], *(["", f"= {right}"] for right in rest)])
        case Sum(_, ways, others, amount, _):
            written_ways = [[way.nodes, equals(way)] for way in ways]
            return table(written_ways + ([[others, f"= {amount}"]] if others else []))
    raise TypeError(block)


def table(rows: list[list[str]]) -> str:
    body = ""
    for row in rows:
        cells = "".join(f'<td style="text-align:left;padding-right:1em">{escape(cell)}</td>' for cell in row)
        body += f"<tr>{cells}</tr>"
    return f'<table style="margin-bottom:1em">{body}</table>'
