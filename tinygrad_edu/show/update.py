"""One step of gradient descent, spelled out."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from math import isfinite
from typing import Any

from tinygrad_edu.engine import Value
from tinygrad_edu.show.explanation import Explanation, explain
from tinygrad_edu.show.notation import rounded
from tinygrad_edu.show.text import LatexStyle, Style

FINEST = 15  # decimals, where a step is too small to be seen in fewer


def explain_update(
    root: Value,
    parameter: Value,
    *,
    lr: float = 0.1,
    through: str | Iterable[Value] | None = None,
    digits: int = 4,
    paper: bool = False,
) -> Update:
    """Spell out a step of gradient descent, parameter ← parameter − lr · ∂root/∂parameter.

    >>> w = Value(0.3, "w")
    >>> E = (0.5 * w - 1) ** 2
    >>> E.label = "E"
    >>> print(explain_update(E, w, lr=0.1))
    w ← w − η · ∂E/∂w
      = 0.3 − 0.1 × (−0.85)
      = 0.385
    ∂E/∂w is negative: E falls as w grows, so w goes up.

    Arguments:
        root: what to make smaller.
        parameter: what to change. It is not changed: this is the arithmetic of the step.
        lr: the learning rate η.
        through, digits, paper: as for `explain`.

    Returns an `Update`, with the forms of an explanation. Raises ValueError for a learning rate that is not positive
    and finite, and what `explain` raises.
    """
    if not (isfinite(lr) and lr > 0):
        raise ValueError(f"lr expected a positive number, got {lr!r}")
    return Update(explain(root, parameter, through=through, digits=digits, paper=paper), lr)


class Update:
    """A step of gradient descent, written out. `explain_update` makes it.

    Attributes:
        explanation: where the gradient comes from.
        before, after: the parameter's number.
        on_paper: `after` as computed with rounded numbers, where `paper=True` was asked for; else None.
    """

    def __init__(self, explanation: Explanation, lr: float) -> None:
        self.explanation, self.lr = explanation, lr
        self.before = explanation.wrt.data
        self.after = self.before - lr * explanation.gradient
        self.on_paper = None if explanation.on_paper is None else self.before - lr * explanation.on_paper

    def lines(self, style: Style) -> list[tuple[str, str]]:
        """Left and right sides."""
        root, parameter = self.explanation.root, self.explanation.wrt
        name, eta = style.name(parameter), r"\eta" if isinstance(style, LatexStyle) else "η"
        dot, gets = (r" \cdot ", r"\gets") if isinstance(style, LatexStyle) else (" · ", "←")
        paper = self.explanation.on_paper
        gradient = style.number(self.explanation.gradient) if paper is None else style.finer(paper)
        if gradient.startswith(style.minus):
            gradient = f"({gradient})"
        after = self.after if self.on_paper is None else self.on_paper
        digits = style.digits  # enough to see the step
        while digits < FINEST and after != self.before and rounded(after, digits) == rounded(self.before, digits):
            digits += 1
        style.digits = digits
        step = f"{style.number(self.before)} {style.minus} {style.number(self.lr)}{style.times}{gradient}"
        lines = [
            (f"{name} {gets} {name}", f"{style.minus} {eta}{dot}{style.derivative(root, parameter)}"),
            ("=", step),
            ("=", style.number(after)),
        ]
        if self.on_paper is not None:
            words = r"\text{ exactly}" if isinstance(style, LatexStyle) else " exactly"
            lines[2] = ("=", f"{style.number(after)}, {style.finer(self.after)}{words}")
        return lines

    def sentence(self) -> str:
        names = self.explanation.names
        root, parameter = names.text(self.explanation.root), names.text(self.explanation.wrt)
        slope = self.explanation.gradient
        if not slope:
            return f"∂{root}/∂{parameter} is 0: {parameter} stays."
        sign, moves, goes = ("positive", "grows", "down") if slope > 0 else ("negative", "falls", "up")
        return f"∂{root}/∂{parameter} is {sign}: {root} {moves} as {parameter} grows, so {parameter} goes {goes}."

    def text(self) -> str:
        """For a terminal."""
        (first, rest), *steps = self.lines(Style(self.explanation))
        indent = " " * first.index("←")
        return "\n".join([f"{first} {rest}", *(f"{indent}= {right}" for _, right in steps), self.sentence()])

    def markdown(self) -> str:
        """With a formula between dollar signs."""
        parts = " ".join(f"{left} {right}" for left, right in self.lines(LatexStyle(self.explanation)))
        return f"${parts}$\n\n{self.sentence()}\n"

    def latex(self) -> str:
        """An `align*` of the package amsmath."""
        (first, rest), *steps = self.lines(LatexStyle(self.explanation))
        first = first.replace(r" \gets", r" &\gets")
        lines = [f"{first} {rest}", *(f"&= {right}" for _, right in steps)]
        return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}\n"

    def html(self) -> str:
        """Markup without scripts, styles or links."""
        return f"<div><pre>{escape(self.text())}</pre></div>"

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<update from {self.before!r} to {self.after!r}>"

    def _repr_markdown_(self) -> Any:
        return self.markdown()

    def _repr_html_(self) -> str:
        return self.html()
