"""Explanations as text for a terminal, as Markdown, LaTeX and HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from itertools import islice
from math import log10, prod
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import Value
from tinygrad_edu.show.notation import LatexWriter, Writer, latex_number, rounded
from tinygrad_edu.show.numbers import shown
from tinygrad_edu.show.paths import Edge, Path
from tinygrad_edu.show.symbols import Expr

if TYPE_CHECKING:
    from tinygrad_edu.show.explanation import Explanation, Factor

STEPS = 12  # of a path that are written out
FACTORS = 40  # factors that are written out


class Style:
    """How names, numbers and formulas are written in text and HTML."""

    times, arrow, dots, minus = " × ", " → ", "…", "−"
    writer: type[Writer] = Writer

    def __init__(self, explanation: Explanation) -> None:
        self.names, self.digits, self.operand = explanation.names, explanation.digits, explanation.operand
        self.symbols = self.writer(self.name, self.number)
        self.numbers = self.writer(lambda node: self.number(node.data), self.number)

    def name(self, node: Value) -> str:
        return self.names.text(node)

    def number(self, exact: float) -> str:
        return rounded(exact, self.digits)

    def finer(self, exact: float) -> str:
        """With one more significant digit, which tells two results apart."""
        return shown(exact, self.digits + 1)

    def derivative(self, upper: Value, lower: Value) -> str:
        return f"∂{self.name(upper)}/∂{self.name(lower)}"

    def step(self, edge: Edge) -> str:
        return self.derivative(edge.upper, edge.lower) + self.mark(edge)

    def mark(self, edge: Edge) -> str:
        """Which operand, where a node takes the same one more than once."""
        number = self.operand(edge)
        return f"[{number}]" if number else ""

    def factor(self, factor: Factor) -> list[str]:
        """Derivative, symbols, numbers, value; "" for what would only repeat the next."""
        value = self.number(factor.value)
        symbols = "" if factor.symbols is None else self.symbols(factor.symbols)
        numbers = "" if factor.symbols is None else self.numbers(factor.symbols)
        numbers = "" if isinstance(factor.symbols, Value) or numbers in (value, symbols) else numbers
        return [
            self.step(factor.edge),
            "" if symbols == value else symbols,
            numbers,
            value,
        ]

    def product(self, factors: Iterable[float]) -> str:
        parts = [f"({part})" if part.startswith(self.minus) else part for part in map(self.number, factors)]
        return self.times.join(shortened(parts, self.dots)) or "1"

    def path(self, path: Path, root: Value) -> str:
        steps = shortened(list(path.edges), self.dots, lambda edge: self.name(edge.lower) + self.mark(edge))
        return self.arrow.join([self.name(root), *steps])

    def definition(self, node: Value, made: Expr | None) -> list[str]:
        return [self.name(node), f"{node.op.name}({self.dots})" if made is None else self.symbols(made)]


class LatexStyle(Style):
    """The same for LaTeX's math mode."""

    times, arrow, dots, minus = r" \cdot ", r" \to ", r"\cdots ", "-"
    writer = LatexWriter

    def name(self, node: Value) -> str:
        return self.names.latex(node)

    def number(self, exact: float) -> str:
        return latex_number(super().number(exact))

    def finer(self, exact: float) -> str:
        return latex_number(super().finer(exact))

    def derivative(self, upper: Value, lower: Value) -> str:
        return rf"\frac{{\partial {self.name(upper)}}}{{\partial {self.name(lower)}}}"


def shortened(parts: list[Any], dots: str, written: Callable[[Any], str] = str) -> list[str]:
    """The parts, the middle of many left out."""
    if len(parts) <= STEPS:
        return [written(part) for part in parts]
    half = STEPS // 2
    return [*map(written, parts[:half]), dots, *map(written, parts[-half:])]


def counted(paths: int) -> str:
    """A number of paths, which may have thousands of digits.

    >>> counted(1), counted(1_000), counted(2**5000)
    ('1 path', '1,000 paths', '1.412e1505 paths')
    """
    if paths < 10**15:
        return f"{paths:,} path{'s' * (paths != 1)}"
    exponent = log10(paths)
    return f"{10 ** (exponent % 1):.3f}e{int(exponent)} paths"


def factors_shown(explanation: Explanation, style: Style) -> list[list[str]]:
    return [style.factor(factor) for factor in islice(explanation.factors.values(), FACTORS)]


def note(explanation: Explanation) -> str:
    if not any(map(explanation.operand, explanation.factors)):
        return ""
    return "[1], [2], …: which operand, where an operation takes the same Value more than once."


def none(explanation: Explanation) -> str:
    """The sentence where there is nothing to multiply; "" where there is."""
    name = explanation.names.text
    if explanation.root is explanation.wrt:
        return f"{name(explanation.root)} is the root itself"
    return "" if explanation.count else f"no path leads from {name(explanation.root)} to {name(explanation.wrt)}"


def whole(explanation: Explanation) -> str:
    return f"The sum over all {counted(explanation.count)}: " if explanation.count > 1 else ""


def verdict(explanation: Explanation) -> str:
    if explanation.all.agrees:
        return "✓ reverse mode gives the same"
    return f"✗ reverse mode gives {explanation.gradient!r}, the sum over the paths is {explanation.all.total!r}"


def text(explanation: Explanation) -> str:
    style = Style(explanation)
    derivative = style.derivative(explanation.root, explanation.wrt)
    value = style.number(explanation.gradient)
    if sentence := none(explanation):
        return f"{derivative} = {value}: {sentence}"
    lines = [f"{derivative} over {counted(explanation.count)}", ""]
    definitions = [[*style.definition(*d), style.number(d[0].data)] for d in explanation.definitions]
    lines += [*aligned(definitions), ""] if definitions else []
    lines += aligned(factors_shown(explanation, style))
    more = len(explanation.factors) - FACTORS
    lines += [f"  … and {more:,} more factors"] if more > 0 else []
    rows = [[style.path(path, explanation.root), product_shown(explanation, style, path)] for path in explanation.paths]
    others = explanation.count - len(explanation.paths)
    if others:
        rest = f"{counted(others)} {'together' if others > 1 else 'more'}"
        rows.append([("and " if rows else "") + rest, f"= {style.number(explanation.rest)}"])
    width = max((len(path) for path, _ in rows), default=0)
    lines += ["", *(f"  {path:<{width}}  {product}" for path, product in rows), ""]
    lines.append(f"{whole(explanation)}{derivative} = {value} {verdict(explanation)}")
    lines += filter(None, [note(explanation)])
    if explanation.on_paper is not None:
        lines.append(
            f"On paper, with every number rounded, {style.finer(explanation.on_paper)}; "
            f"exactly {style.finer(explanation.gradient)}"
        )
    return "\n".join(lines)


def product_shown(explanation: Explanation, style: Style, path: Path) -> str:
    factors = [explanation.factors[edge].value for edge in path.edges]
    product = prod(factors)
    result = style.number(product) if explanation.on_paper is None else style.finer(product)
    return f"{style.product(factors)} = {result}" if len(factors) > 1 else f"= {result}"


def aligned(rows: list[list[str]]) -> list[str]:
    """Equations below each other; the last column is the value, an empty cell gives its room to the one before."""
    widths = [max((len(row[k]) for row in rows), default=0) for k in range(len(rows[0]) if rows else 0)]
    lines = []
    for row in rows:
        line = f"  {row[0]:<{widths[0]}}"
        for k, cell in enumerate(row[1:], start=1):
            last = k == len(row) - 1
            if widths[k]:
                line += f" {'=' if cell else ' '} {cell if last else cell.ljust(widths[k])}"
        lines.append(line)
    return lines


def latex(explanation: Explanation) -> str:
    style = LatexStyle(explanation)
    derivative = style.derivative(explanation.root, explanation.wrt)
    value = style.number(explanation.gradient)
    if none(explanation):
        lines = [f"{derivative} &= {value}"]
    else:
        lines = [f"{style.name(node)} &= {formula}" for node, formula in latex_definitions(explanation, style)]
        lines += continued(f"{derivative} &= ", [chain(style, path) for path in explanation.paths], explanation)
        for factor in factors_shown(explanation, style):
            lines.append(f"{factor[0]} &= {' = '.join(part for part in factor[1:] if part)}")
        products = [style.product(explanation.factors[edge].value for edge in path.edges) for path in explanation.paths]
        lines += continued(f"{derivative} &= ", products, explanation, style.number(explanation.rest))
        if explanation.on_paper is None:
            lines.append(f"&= {value}")
        else:
            paper, exact = style.finer(explanation.on_paper), style.finer(explanation.gradient)
            lines.append(rf"&= {paper} \text{{ on paper, }} {exact} \text{{ exactly}}")
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}\n"


def continued(head: str, terms: list[str], explanation: Explanation, rest: str = "") -> list[str]:
    """A sum of terms, one a line, with the paths that are not listed as the last."""
    others = explanation.count - len(explanation.paths)
    if others:
        words = rf"\text{{{counted(others)}{'' if rest else ' more'}}}"
        terms = [*terms, rf"\underbrace{{{rest}}}_{{{words}}}" if rest else words]
    return [(rf"&\quad + {term}" if k else head + term) for k, term in enumerate(terms)]


def chain(style: Style, path: Path) -> str:
    edges = shortened(list(path.edges), style.dots, style.step)
    return style.times.join(edges)


def latex_definitions(explanation: Explanation, style: Style) -> list[tuple[Value, str]]:
    found = []
    for node, made in explanation.definitions:
        symbols = rf"\text{{{node.op.name}}}(\cdots)" if made is None else style.symbols(made)
        found.append((node, f"{symbols} = {style.number(node.data)}"))
    return found


def markdown(explanation: Explanation) -> str:
    style = LatexStyle(explanation)
    derivative = style.derivative(explanation.root, explanation.wrt)
    value = style.number(explanation.gradient)
    if none(explanation):
        return f"${derivative} = {value}$\n"
    lines = [f"${derivative}$ over {counted(explanation.count)}", ""]
    if explanation.definitions:
        lines += [f"* ${style.name(node)} = {formula}$" for node, formula in latex_definitions(explanation, style)] + [
            ""
        ]
    for factor in factors_shown(explanation, style):
        lines.append(f"* ${' = '.join(part for part in factor if part)}$")
    more = len(explanation.factors) - FACTORS
    lines += [f"* … and {more:,} more factors"] if more > 0 else []
    lines += ["", "| path | product |", "|---|---|"]
    for path in explanation.paths:
        lines.append(f"| ${style.path(path, explanation.root)}$ | ${product_shown(explanation, style, path)}$ |")
    others = explanation.count - len(explanation.paths)
    lines += [f"| {counted(others)} more | $= {style.number(explanation.rest)}$ |"] if others else []
    lines += ["", f"{whole(explanation)}${derivative} = {value}$ {verdict(explanation)}"]
    lines += ["", note(explanation)] if note(explanation) else []
    if explanation.on_paper is not None:
        paper, exact = style.finer(explanation.on_paper), style.finer(explanation.gradient)
        lines += ["", f"On paper, with every number rounded, ${paper}$; exactly ${exact}$"]
    return "\n".join(lines) + "\n"


def html(explanation: Explanation) -> str:
    style = Style(explanation)
    derivative = style.derivative(explanation.root, explanation.wrt)
    value = style.number(explanation.gradient)
    if sentence := none(explanation):
        return f"<div><p><b>{escape(derivative)}</b> = {escape(value)}: {escape(sentence)}</p></div>"
    parts = [f"<p><b>{escape(derivative)}</b> over {counted(explanation.count)}</p>"]
    definitions = [[*style.definition(*d), style.number(d[0].data)] for d in explanation.definitions]
    parts += [table(definitions)] if definitions else []
    parts.append(table(factors_shown(explanation, style)))
    more = len(explanation.factors) - FACTORS
    parts += [f"<p>… and {more:,} more factors</p>"] if more > 0 else []
    rows = [
        [style.path(path, explanation.root), product_shown(explanation, style, path).removeprefix("= ")]
        for path in explanation.paths
    ]
    others = explanation.count - len(explanation.paths)
    rows += [[f"{counted(others)} more", style.number(explanation.rest)]] if others else []
    parts.append(table(rows, between=""))
    result = f"<b>{escape(derivative)} = {escape(value)}</b> {escape(verdict(explanation))}"
    parts.append(f"<p>{whole(explanation)}{result}</p>")
    parts += [f"<p>{note(explanation)}</p>"] if note(explanation) else []
    if explanation.on_paper is not None:
        paper, exact = style.finer(explanation.on_paper), style.finer(explanation.gradient)
        parts.append(f"<p>On paper, with every number rounded, {escape(paper)}; exactly {escape(exact)}</p>")
    return f"<div>{''.join(parts)}</div>"


def table(rows: list[list[str]], between: str = "= ") -> str:
    """Rows of cells of plain text, with a sign before each but the first."""
    body = ""
    for row in rows:
        cells = [row[0], *(f"{between}{cell}" if cell else "" for cell in row[1:])]
        body += "<tr>" + "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in cells) + "</tr>"
    return f'<table style="margin-bottom:1em">{body}</table>'
