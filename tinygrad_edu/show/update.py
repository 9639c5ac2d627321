"""One step of gradient descent, spelled out."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from numbers import Real

from tinygrad_edu.engine import Value, quoted
from tinygrad_edu.show.explanation import Explanation, explain
from tinygrad_edu.show.forms import Block, Derivation, Math, Words, Written
from tinygrad_edu.show.notation import Style
from tinygrad_edu.show.numbers import rounded

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
    if not (isinstance(lr, Real) and isfinite(lr) and lr > 0):
        raise ValueError(f"lr expected a positive number, got {quoted(lr)}")
    return Update(explain(root, parameter, through=through, digits=digits, paper=paper), lr)


class Update(Written):
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

    def style(self, kind: type[Style]) -> Style:
        return self.explanation.style(kind)

    def blocks(self, style: Style) -> list[Block]:
        """The step in symbols, in numbers, its result; and which way it goes."""
        root, parameter, paper = self.explanation.root, self.explanation.wrt, self.explanation.on_paper
        gradient = self.explanation.gradient
        slope = style.factor(gradient) if paper is None else style.in_brackets(style.finer(paper))
        digits = style.digits  # enough to see the step
        after = self.after if self.on_paper is None else self.on_paper
        while digits < FINEST and after != self.before and rounded(after, digits) == rounded(self.before, digits):
            digits += 1
        style = type(style)(style.names, digits)
        name, derivative = style.name(parameter), style.derivative(root, parameter)
        step = Derivation(
            name,
            style.gets,
            [
                f"{name} {style.minus} {style.eta}{style.dot}{derivative}",
                f"{style.number(self.before)} {style.minus} {style.number(self.lr)}{style.times}{slope}",
                style.number(after),
            ],
        )
        sentence = self.sentence(Math(derivative), Math(style.name(root)), Math(name))
        if self.on_paper is None:
            return [step, sentence]
        numbers = Math(style.number(after)), "; exactly ", Math(style.finer(self.after))
        return [step, Words(("On paper, with every number rounded, ", *numbers)), sentence]

    def sentence(self, derivative: Math, root: Math, parameter: Math) -> Words:
        slope = self.explanation.gradient
        if not slope:
            return Words((derivative, " is 0: ", parameter, " stays."))
        sign, moves, goes = ("positive", "grows", "down") if slope > 0 else ("negative", "falls", "up")
        return Words(
            (derivative, f" is {sign}: ", root, f" {moves} as ", parameter, " grows, so ", parameter, f" goes {goes}.")
        )

    def __repr__(self) -> str:
        return f"<update from {self.before!r} to {self.after!r}>"
