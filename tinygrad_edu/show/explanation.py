"""The chain rule for one Value: its paths, with the symbols and numbers of each factor."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from math import isfinite, prod
from typing import NamedTuple

from tinygrad_edu.engine import UNDEFINED, Value, dependents, quoted, topological
from tinygrad_edu.show.backward import to_show
from tinygrad_edu.show.forms import Block, Equations, Math, Sum, Way, Words, Written
from tinygrad_edu.show.names import Names
from tinygrad_edu.show.notation import Style
from tinygrad_edu.show.numbers import counted, is_fraction, require_whole, rounded
from tinygrad_edu.show.paths import Edge, Path, Paths
from tinygrad_edu.show.symbols import (
    ONE,
    ZERO,
    Expr,
    add,
    evaluated,
    local_derivative,
    multiply,
    number,
    operation,
    size,
    values_in,
)

LONGEST = 24  # names and numbers in a formula that is written out
STEPS = 12  # of a path that are written out
INLINE = 8  # operations of a node without a name that are written out in a formula
FACTORS = 40  # factors that are written out
DEFINITIONS = 20  # nodes without a name of their own whose operations are
MARKS = "[1], [2], …: which operand, where an operation takes the same Value more than once."


def explain(
    root: Value,
    wrt: Value,
    *,
    through: str | Iterable[Value] | None = None,
    top: int = 10,
    digits: int = 4,
    paper: bool = False,
) -> Explanation:
    """Write out ∂root/∂wrt by the chain rule: each path, its factors in symbols and numbers, their product, the sum.

    >>> w, x, b = Value(0.3, "w"), Value(2.0, "x"), Value(0.1, "b")
    >>> z = w * x + b
    >>> y = z.sigmoid()
    >>> z.label, y.label = "z", "y"
    >>> print(explain(y, w))
    ∂y/∂w over 1 path
    <BLANKLINE>
      ∂y/∂z = y(1 − y) = 0.6682·(1 − 0.6682) = 0.2217
      ∂z/∂w = x                              = 2
    <BLANKLINE>
      y → z → w  0.2217 × 2 = 0.4434
    <BLANKLINE>
    ∂y/∂w = 0.4434 ✓ reverse mode gives the same

    Arguments:
        root, wrt: what to differentiate, and for what.
        through: the nodes that a path names: "neurons" for those of a network, "names" for all that have a label,
            "operations" for every one, or a collection of Values. By default the first of these that the graph has.
        top: how many paths to list, the largest first; the others are counted and summed.
        digits: decimals, and significant digits of small numbers.
        paper: compute as on paper, with every number rounded before it is used, and show both results.

    Returns an `Explanation`: `print` it, or take its `.text()`, `.markdown()`, `.latex()` or `.html()`; a notebook
    shows it. The gradient is computed afresh; `.grad` is neither read nor written.
    Raises ValueError where the data were changed since the forward pass, and for values that are not finite.
    """
    if isinstance(through, str) and through not in ("neurons", "names", "operations"):
        raise ValueError(f'through expected "neurons", "names", "operations" or Values, got {quoted(through)}')
    require_whole("top", top, 0)
    require_whole("digits", digits, 1)
    for argument, value in (("root", root), ("wrt", wrt)):
        to_show(value, f"{argument} expected a Value")
    names = Names(root, wrt)
    paths = Paths(root, wrt, stations(root, wrt, names, through))
    return Explanation(paths, names, list(islice(paths.largest(), top)), digits, paper)


def stations(root: Value, wrt: Value, names: Names, through: str | Iterable[Value] | None) -> set[Value] | None:
    """The nodes that a path names; None for all."""
    interior = dependents(topological(root), [wrt])
    if through is not None and not isinstance(through, str):
        chosen = set(through)
        if strange := chosen - interior - {root}:
            raise ValueError(f"through expected Values on the way from root to wrt, got {quoted(next(iter(strange)))}")
        return chosen
    if through == "neurons" or (through is None and not interior.isdisjoint(names.roles)):
        return set(names.roles)
    if through == "names" or (through is None and not names.own.isdisjoint(interior - {root, wrt})):
        return set(names.own)
    return None


class Factor(NamedTuple):
    """One step of a path, ∂upper/∂lower: as symbols, None where they would be too long to read, and as a number."""

    edge: Edge
    symbols: Expr | None
    value: float


class Explanation(Written):
    """∂root/∂wrt, written out. `explain` makes it.

    Attributes:
        gradient: ∂root/∂wrt.
        count: how many paths there are.
        paths: those that are listed, the largest |product| first, each with `.edges` and `.product`.
        rest: the sum over the others.
        factors: the steps of the listed paths, each once.
        on_paper: the sum as computed with rounded numbers, where `paper=True` was asked for; else None.
    """

    def __init__(self, paths: Paths, names: Names, listed: list[Path], digits: int, paper: bool) -> None:
        self.chain, self.names, self.paths, self.digits, self.paper = paths, names, listed, digits, paper
        self.root, self.wrt = paths.root, paths.wrt
        self.gradient, self.count, self.rest = paths.gradient, paths.count, paths.rest(listed)
        edges = dict.fromkeys(edge for path in listed for edge in path.edges)
        self.factors = {edge: self.factor(edge, k < FACTORS) for k, edge in enumerate(edges)}
        self.on_paper = sum(map(self.product, listed)) + self.rest if paper else None
        self.definitions = self.defined()

    def factor(self, edge: Edge, written: bool) -> Factor:
        symbols = self.symbols(edge) if written else None
        if not self.paper:
            return Factor(edge, symbols, edge.factor)
        value = edge.factor
        if symbols is not None:
            with suppress(*UNDEFINED):  # rounded numbers may be where the formula has no value
                value = evaluated(symbols, lambda node: self.rounded(node.data), self.rounded_constant)
        return Factor(edge, symbols, self.rounded(value))

    def operand(self, edge: Edge) -> int:
        """The number of the operand, counted from 1, where `upper` takes `lower` more than once; else 0."""
        if edge.operand is None:
            return 0
        uses = sum(other.lower is edge.lower for other in self.chain.steps[edge.upper])
        return edge.operand + 1 if uses > 1 else 0

    def rounded(self, exact: float) -> float:
        if not isfinite(exact):
            return exact
        return float(rounded(exact, self.digits).replace("−", "-"))

    def rounded_constant(self, exact: Fraction) -> float:
        return float(exact) if is_fraction(exact) else self.rounded(float(exact))

    def product(self, path: Path) -> float:
        return prod(self.factors[edge].value for edge in path.edges)

    def symbols(self, edge: Edge) -> Expr | None:
        """∂upper/∂lower as a formula: the sum over the operations' paths; None where that is too long to read."""
        so_far: dict[Value, Expr] = {edge.upper: ONE}
        for step in self.chain.within(edge):
            local = local_derivative(step.upper, step.operand or 0, self.expression)
            # The last operations come first: their terms go behind.
            so_far[step.lower] = add(multiply(so_far[step.upper], local), so_far.get(step.lower, ZERO))
            if size(so_far[step.lower]) > LONGEST:
                return None
        return so_far[edge.lower]

    def named(self, node: Value) -> bool:
        if node in self.names.own or node is self.root or node is self.wrt:
            return True
        return self.chain.every_operation and node in self.chain.between

    def expression(self, operand: Value | float) -> Expr:
        """An operand in a formula: its name, its number, or the operations that it is made of."""
        left = INLINE

        def inline(operand: Value | float) -> Expr:
            nonlocal left
            if isinstance(operand, float):
                return number(operand)
            if self.named(operand):
                return operand
            if not operand.parents:
                return number(operand.data) if isfinite(operand.data) else operand
            left -= 1
            if left < 0 or len(operand.parents) > INLINE:
                raise OverflowError
            return operation(operand, inline)

        try:
            return inline(operand)
        except OverflowError:
            return operand

    def defined(self) -> list[tuple[Value, Expr | None]]:
        """What the nodes that have no name of their own stand for: v1, v2, …, root."""
        used = [self.root, *(edge.lower for edge in self.factors)]
        used += [value for factor in self.factors.values() for value in values_in(factor.symbols)]
        pending = deque(dict.fromkeys(node for node in used if self.lacks_name(node)))
        found: dict[Value, Expr | None] = {}
        while pending and len(found) < DEFINITIONS:
            node = pending.popleft()
            made = operation(node, self.expression) if len(node.parents) <= LONGEST else None
            found[node] = made if size(made) <= LONGEST else None
            inner = dict.fromkeys(values_in(found[node]))
            pending += [value for value in inner if self.lacks_name(value) and value not in found]
        order = {node: k for k, node in enumerate(self.chain.tape)}
        return sorted(found.items(), key=lambda definition: order[definition[0]])

    def lacks_name(self, node: Value) -> bool:
        return bool(node.parents) and node not in self.names.own and node is not self.wrt

    # How it is written

    def style(self, kind: type[Style]) -> Style:
        return kind(self.names, self.digits)

    def blocks(self, style: Style) -> list[Block]:
        """Definitions, factors, paths, their sum, and whether reverse mode agrees."""
        derivative = style.derivative(self.root, self.wrt)
        whole = Math(f"{derivative} = {style.number(self.gradient)}")
        if self.root is self.wrt:
            return [Words((whole, ": ", Math(style.name(self.root)), " is the root itself"))]
        if not self.count:
            ends = Math(style.name(self.root)), " to ", Math(style.name(self.wrt))
            return [Words((whole, ": no path leads from ", *ends))]
        found: list[Block] = [Words((Math(derivative), f" over {counted(self.count)}"))]
        if self.definitions:
            found.append(Equations([self.definition(style, *definition) for definition in self.definitions]))
        if self.factors:
            rows = [self.equation(style, factor) for factor in islice(self.factors.values(), FACTORS)]
            found.append(Equations(rows, max(0, len(self.factors) - FACTORS)))
        others = self.count - len(self.paths)
        words = f"{counted(others)} {'together' if others > 1 else 'more'}" if others else ""
        ways = [self.way(style, path) for path in self.paths]
        found.append(Sum(derivative, ways, words, style.number(self.rest), self.total(style)))
        every = "both paths" if self.count == 2 else f"all {counted(self.count)}"
        sums = f"The sum over {every}: " if self.count > 1 else ""
        found.append(Words((sums, whole, f" {self.verdict()}")))
        if any(map(self.operand, self.factors)):
            found.append(Words((MARKS,)))
        if self.on_paper is not None:
            paper, exact = Math(style.finer(self.on_paper)), Math(style.finer(self.gradient))
            found.append(Words(("On paper, with every number rounded, ", paper, "; exactly ", exact)))
        return found

    def verdict(self) -> str:
        if self.chain.agrees:
            return "✓ reverse mode gives the same"
        return f"✗ reverse mode gives {self.gradient!r}, the sum over the paths is {self.chain.total!r}"

    def definition(self, style: Style, node: Value, made: Expr | None) -> list[str]:
        written = f"{style.word(node.op.name)}({style.dots})" if made is None else style.symbols(made)
        return [style.name(node), written, style.number(node.data)]

    def equation(self, style: Style, factor: Factor) -> list[str]:
        """Derivative, symbols, numbers, value; "" for what would only repeat the next."""
        value, symbols, numbers = style.number(factor.value), "", ""
        if factor.symbols is not None:
            symbols, numbers = style.symbols(factor.symbols), style.numbers(factor.symbols)
        if isinstance(factor.symbols, Value) or numbers in (value, symbols):
            numbers = ""
        return [self.step(style, factor.edge), "" if symbols == value else symbols, numbers, value]

    def step(self, style: Style, edge: Edge) -> str:
        return style.derivative(edge.upper, edge.lower) + self.mark(edge)

    def mark(self, edge: Edge) -> str:
        """Which operand, where a node takes the same one more than once."""
        number = self.operand(edge)
        return f"[{number}]" if number else ""

    def way(self, style: Style, path: Path) -> Way:
        numbers = written(path.edges, lambda edge: style.factor(self.factors[edge].value), style.dots)
        nodes = written(path.edges, lambda edge: style.name(edge.lower) + self.mark(edge), style.dots)
        symbols = written(path.edges, lambda edge: self.step(style, edge), style.dots)
        product = self.product(path)
        return Way(
            style.arrow.join([style.name(self.root), *nodes]),
            style.times.join(symbols),
            style.times.join(numbers) if len(numbers) > 1 else "",
            style.number(product) if self.on_paper is None else style.finer(product),
        )

    def total(self, style: Style) -> str:
        return style.number(self.gradient) if self.on_paper is None else style.finer(self.on_paper)

    def __repr__(self) -> str:
        return f"<explanation of ∂{self.names.text(self.root)}/∂{self.names.text(self.wrt)} = {self.gradient!r}>"


def written(edges: Sequence[Edge], write: Callable[[Edge], str], dots: str) -> list[str]:
    """Each edge written; the middle of many left out."""
    if len(edges) <= STEPS:
        return [write(edge) for edge in edges]
    half = STEPS // 2
    return [*map(write, edges[:half]), dots, *map(write, edges[-half:])]
