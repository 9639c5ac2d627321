"""Expressions on arrays as text: formulas of the table and products of matrices, written as a person would.

An expression knows the names of its axes, so that operands are aligned when they meet: "n" is that of the examples.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tinygrad_edu.engine import OPERATORS, Row
from tinygrad_edu.engine.formulas import compile_formula, names, rows_in
from tinygrad_edu.engine.languages import ATOM, PRODUCT, PYTHON, UNARY, Text, infix
from tinygrad_edu.engine.languages import constant as number_text
from tinygrad_edu.replay.formulas import filled

TERMS = "T"  # the axis of what a function of a row over many is over, its first; in a program it is t, behind others


class Expression(Text):
    """A text with names for its axes: letters in alphabetical order, and behind them n, that of the examples."""

    __slots__ = ("axes",)

    def __init__(self, text: str | Text, axes: str = "", binds: int = ATOM) -> None:
        if isinstance(text, Text):
            super().__init__(text.text, text.binds, text.number, text.at_least, text.unguarded)
        else:
            super().__init__(text, binds)
        assert axes == in_order(axes), axes
        self.axes = axes

    def aligned(self, axes: str) -> Text:
        """Text to stand beside what has these axes: with one of length 1 for each that is missing behind the first."""
        behind = axes[axes.index(self.axes[0]) :] if self.axes else ""
        index = [":" if axis in self.axes else "None" for axis in behind]
        while len(index) > 1 and index[-1] == ":":
            index.pop()  # what comes last need not be said
        return Text(f"{self.within(ATOM)}[{', '.join(index)}]") if "None" in index else self

    def __neg__(self) -> Expression:
        return Expression(super().__neg__(), self.axes)

    def infix(self, name: str, left: Any, right: Any) -> Expression:
        """Two operands and an operator between them, their axes aligned."""
        x, y = lifted(left), lifted(right)
        axes = union(x, y)
        a, b = x.aligned(axes), y.aligned(axes)
        product = name == "mul" and b.binds == PRODUCT and y.number is None and "@" not in b.text
        if product and b.text.startswith("1 / "):
            name, b = "truediv", Text(b.text.removeprefix("1 / "))
        elif product and x.number not in (None, 1, -1):
            b = Text(b.text)  # 2 * a * b needs no brackets
        return Expression(infix(name, a, b), axes)


def constant(number: float) -> Expression:
    """A number as a person writes it: whole ones without a point."""
    return Expression(number_text(number))


def lifted(x: Any) -> Expression:
    return x if isinstance(x, Expression) else Expression(x) if isinstance(x, Text) else constant(float(x))


def union(*expressions: Expression) -> str:
    """All axes of these, in order."""
    return in_order({*"".join(x.axes for x in expressions)})


def in_order(axes: Iterable[str]) -> str:
    return "".join(sorted(axes, key=lambda axis: (axis == "n", axis)))


def called(row: Row, operands: Sequence[Any]) -> Expression:
    """An operation, with its operator or by its name."""
    found = [lifted(x) for x in operands]
    if row.name == "neg":
        return -found[0]
    if row.name in OPERATORS and row.name != "pow":
        return found[0].infix(row.name, *found)
    axes = union(*found)
    return Expression(PYTHON(row)(*[x.aligned(axes) for x in found]), axes)


def counts(text: str) -> bool:
    """Whether N, the number of examples, is in a text."""
    return re.search(r"\bN\b", text) is not None


def evaluated(
    formula: str, operands: dict[str, Expression], part: Callable[[Expression], Expression] | None = None
) -> Expression:
    """A formula of the table with these expressions for its operands, `sum` and `max` along the axis of their terms.

    >>> evaluated("out * sigmoid(-x)", {"x": Expression("z", "an"), "out": Expression("h", "an")}).text
    'h * sigmoid(-z)'

    Arguments:
        part: what stands for a call, or an operand of one, which may be in the formula twice.
    """
    if all(x.number is not None for name, x in operands.items() if name in names(formula)) and "_i" not in formula:
        return Expression(filled(formula, {name: x.number for name, x in operands.items() if x.number is not None}))
    once = part or lifted
    scope = rows_in([formula], lambda row: lambda *operands: once(called(row, [once(lifted(x)) for x in operands])))
    terms = TERMS + "t"
    scope |= {"sum": lambda x: reduced("sum", x, terms), "max": lambda x: once(reduced("amax", x, terms))}
    return lifted(compile_formula(operands, formula, scope)(*operands.values()))


class Parts:
    """Parts of expressions that have a line of their own."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}  # the name of what a line computes, by its text
        self.lines: list[str] = []
        self.count = 0

    def named(self, part: Expression) -> Expression:
        """The name of a part; a line is written, unless an earlier one has it."""
        if part.is_name or part.number is not None:
            return part
        if part.text not in self.known:
            self.count += 1
            self.known[part.text] = f"part{self.count}"
            self.lines.append(f"part{self.count} = {part}")
        return Expression(self.known[part.text], part.axes)


def reduced(function: str, x: Expression, axes: str) -> Expression:
    """The sum, or the largest, along some axes."""
    gone = [k if axis == TERMS else k - len(x.axes) for k, axis in enumerate(x.axes) if axis in axes]
    if not gone:
        return x
    if function == "sum" and x.binds == UNARY and x.text.startswith("-"):
        return -reduced("sum", Expression(x.text[1:], x.axes), axes)
    where = str(gone[0]) if len(gone) == 1 else str(tuple(gone))
    kept = "".join(axis for axis in x.axes if axis not in axes)
    text = f"{x.within(ATOM)}.sum({where})" if function == "sum" else f"{function}({x.text}, {where})"
    return Expression(text, kept)


def contracted(a: Expression, b: Expression, out: str, sizes: Mapping[str, object]) -> Expression:
    """a · b with the axes of `out`, summed over all others: a product of matrices, if it can be one.

    Arguments:
        sizes: how long axes are, all but that of the examples.

    >>> W, X, D = Expression("W", "rt"), Expression("X", "tn"), Expression("D", "rn")
    >>> contracted(W, X, "rn", {}).text, contracted(D, X, "rt", {}).text, contracted(W, D, "tn", {}).text
    ('W @ X', 'D @ X.T', 'W.T @ D')
    >>> contracted(Expression("W", "ck"), Expression("X", "krn"), "crn", {"k": 3, "c": 4, "r": 5}).text
    '(W @ X.reshape(3, -1)).reshape(4, 5, N)'
    """
    for x, y in ((a, b), (b, a)):
        if x.number is not None:
            return x * reduced("sum", y, "".join({*y.axes} - {*out}))
    summed = "".join(axis for axis in union(a, b) if axis not in out)
    inside = "".join(axis for axis in out if axis in a.axes + b.axes)
    if not summed:
        return a * b
    if not {*summed} <= {*a.axes} & {*b.axes}:
        made = reduced("sum", a * b, summed)  # einsum may sum one factor first, where inf - inf is nan
        if made.axes == inside:
            return made
    else:
        found = product(a, b, summed, inside, sizes) or product(b, a, summed, inside, sizes)
        if found:
            return found
    return Expression(f"einsum('{a.axes},{b.axes}->{inside}', {a.text}, {b.text})", inside)


def product(x: Expression, y: Expression, summed: str, out: str, sizes: Mapping[str, object]) -> Expression | None:
    """x @ y, as many as a batch has, or where axes that lie side by side make one; None if it is neither."""
    kept = summed[:-1] + out  # a batch, and what only x, and only y has
    right = kept[-1:] if kept[-1:] not in x.axes else ""
    left = kept[: len(kept) - len(right)][-1:]
    left = left if left not in y.axes else ""
    batch = kept[: len(kept) - len(left + right)]
    factors = matrix(x, batch, left, summed[-1], sizes), matrix(y, batch, summed[-1], right, sizes)
    if all(factors):
        return reduced("sum", Expression(" @ ".join(factors), kept, PRODUCT), summed[:-1])
    left, right = ("".join(axis for axis in z.axes if axis in out) for z in (x, y))
    factors = matrix(x, "", left, summed, sizes), matrix(y, "", summed, right, sizes)
    if out != left + right or not all(factors):
        return None
    made = Expression(" @ ".join(factors), out, PRODUCT)
    if max(len(left), len(right)) < 2:
        return made
    return Expression(f"({made}).reshape({', '.join([length(axis, sizes) for axis in out])})", out)


def matrix(z: Expression, batch: str, rows: str, columns: str, sizes: Mapping[str, object]) -> str:
    """A factor as a matrix, or a batch of such; axes side by side make one; "" where it cannot be one."""
    own = z.axes[: len(z.axes) - len(rows + columns)]
    turned = z.axes != own + rows + columns
    groups = [group for group in ((columns, rows) if turned else (rows, columns)) if group]
    wide = sum(len(group) > 1 for group in groups)
    if own not in ("", batch) or z.axes != own + "".join(groups) or wide > 1 or (own and (wide or len(groups) < 2)):
        return ""
    text: Text = z
    if wide:
        dims = ["-1" if len(group) > 1 else length(group, sizes) for group in groups]
        text = Text(f"{z.within(ATOM)}.reshape({', '.join(dims)})")
    turn = (".swapaxes(-1, -2)" if own else ".T") * turned
    return text.within(ATOM if turn else UNARY) + turn


def length(axis: str, sizes: Mapping[str, object]) -> str:
    return "N" if axis == "n" else str(sizes[axis])
