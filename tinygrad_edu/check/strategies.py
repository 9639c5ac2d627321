"""Hypothesis strategies: operands, expressions, networks and batches (for which Hypothesis is installed).

Everything is bounded by construction: an operand that would leave the domain of its operation, or stand at its kink, is
first mapped into it. So nothing that is drawn is thrown away, and what fails shrinks to a short expression.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import OPERATORS, TABLE, Domain, Row, Value, data_of
from tinygrad_edu.engine.formulas import applied, compile_formula, on_floats, rows_in
from tinygrad_edu.shell import install

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

KINK = 0.05  # how far from a kink operands stay
LARGEST = 4.0  # and how near to 0, so that numbers do not grow
CONSTANTS = (0.5, 2.0, -1.5)


def strategies() -> Any:
    try:
        from hypothesis import strategies
    except ImportError:
        raise ImportError(f"strategies need Hypothesis: {install('hypothesis')}") from None
    return strategies


def operands(op: str | Row) -> SearchStrategy[tuple[float, ...]]:
    """Numbers in the domain of an operation, as the table gives it, and away from its kink.

    >>> from hypothesis import given
    >>> @given(operands("log"))
    ... def positive(at):
    ...     assert at[0] > 0
    >>> positive()

    Raises ValueError for an operation over many operands, and for one that the table does not have.
    """
    st, row = strategies(), found(op)
    if row.many:
        raise ValueError(f"{row.name} takes any numbers: draw lists of floats")
    numbers = st.tuples(*[inside(domain) for domain in row.domains])
    return numbers.map(lambda at: away_from_kink(row, at))  # type: ignore[no-any-return]


def inside(domain: Domain) -> Any:
    st = strategies()
    return st.one_of(*[st.floats(low, high) for low, high in stretches(domain)])


def stretches(domain: Domain) -> list[tuple[float, float]]:
    """A domain as what lies below its gap at 0 and what lies above it, or as one stretch where it has none."""
    low, high, margin = map(float, (domain.low, domain.high, domain.margin))
    both = [(low, min(high, -margin)), (max(low, margin), high)]
    return [(low, high) for low, high in both if low <= high] if margin else [(low, high)]


def away_from_kink(row: Row, at: Sequence[float]) -> tuple[float, ...]:
    """Operands off the kink: the first one is moved where they stand at it."""
    if row.kink and abs(kink(row)(*at)) < KINK:
        return (at[0] + 2 * KINK, *at[1:])
    return tuple(at)


def kink(row: Row) -> Callable[..., float]:
    return compile_formula(row.operands, row.kink, rows_in([row.kink], on_floats))


class Graph:
    """A random graph: its leaves, its root, and itself as code that can be pasted.

    >>> Graph([0.5], [("exp", 0, 0), ("mul", 1, 0)])
    a = Value(0.5)
    n1 = a.exp()  # 1.6487212707001282
    n2 = n1 * a  # 0.8243606353500641
    """

    def __init__(self, data: Sequence[float], steps: Sequence[tuple[str, int, int]]) -> None:
        self.leaves = [Value(x, chr(ord("a") + k)) for k, x in enumerate(data)]
        self.nodes = list(self.leaves)
        self.lines = [f"{leaf.label} = Value({leaf.data!r})" for leaf in self.leaves]
        for name, i, j in steps:
            row = TABLE[name]
            first = self.nodes[i % len(self.nodes)]
            choice = j % (len(self.nodes) + len(CONSTANTS))
            second = self.nodes[choice] if choice < len(self.nodes) else CONSTANTS[choice - len(self.nodes)]
            if row.many:
                self.add(row, [self.fit(x, d) for d in row.domains for x in (first, second)])
            else:
                self.add(row, self.fitted(row, [first, second][: len(row.operands)]))

    @property
    def root(self) -> Value:
        """The last node."""
        return self.nodes[-1]

    def fitted(self, row: Row, given: Sequence[Value | float]) -> list[Value | float]:
        """The operands, each mapped into its domain where it is outside, and off the kink."""
        fitted = [self.fit(x, domain) for x, domain in zip(given, row.domains, strict=True)]
        if row.kink and abs(kink(row)(*map(data_of, fitted))) < KINK:
            fitted[0] = self.add(TABLE["add"], [fitted[0], 2 * KINK])
        return fitted

    def fit(self, x: Value | float, domain: Domain) -> Value | float:
        """x, or where it is outside, a function of x that lies well inside the domain, in few operations."""
        low, high = stretches(domain)[-1]
        if isinstance(x, float):
            return x if x in domain else (low + high) / 2
        if x.data in domain and abs(x.data) <= LARGEST:
            return x
        steps: list[tuple[str, float | None]] = [("tanh", None)]
        if low >= 0 or high <= 0:
            width = min(1.0, high - low)
            scaled = [("mul", 0.9 * width)] if width < 1 or low < 0 else []  # 0.9, for a sum is rounded
            steps = [("sigmoid", None), *scaled, ("add", low if low >= 0 or width < 1 else high - 1)]
        elif low > -1 or high < 1:
            steps += [("mul", 0.9 * min(-low, high))]
        for name, constant in steps:
            x = self.add(TABLE[name], [x] if constant is None else [x, constant])
        return x

    def add(self, row: Row, operands: Sequence[Value | float]) -> Value:
        node: Value = applied(row, operands)
        node.label = f"n{len(self.nodes) - len(self.leaves) + 1}"
        self.nodes.append(node)
        self.lines.append(f"{node.label} = {code(row, operands)}  # {node.data!r}")
        return node

    def __repr__(self) -> str:
        return "\n".join(self.lines)


def code(row: Row, operands: Sequence[Value | float]) -> str:
    """The operation as Python."""
    names = [repr(x) if isinstance(x, float) else x.label for x in operands]
    if row.many or row.name in OPERATORS or isinstance(operands[0], float):
        return row.written(names)
    return f"{names[0]}.{row.name}({', '.join(names[1:])})"


def expressions(ops: Sequence[str] = (), max_nodes: int = 12, max_leaves: int = 3) -> SearchStrategy[Graph]:
    """Random graphs with shared nodes, whose numbers stay small and inside every domain.

    >>> from hypothesis import given
    >>> from tinygrad_edu.check import assert_gradients
    >>> @given(expressions(["mul", "exp", "add"], max_nodes=3))
    ... def right(graph):
    ...     graph.root.backward()
    >>> right()

    Arguments:
        ops: names of rows; all that are differentiable somewhere without them.
        max_nodes: operations drawn; those that map operands into domains come on top.
        max_leaves: leaves drawn.
    """
    st = strategies()
    names = [found(op).name for op in ops] or [name for name, row in TABLE.items() if set(row.partials) != {"0"}]
    choice = st.integers(0, 40)
    return st.builds(  # type: ignore[no-any-return]
        Graph,
        st.lists(st.floats(-2, 2), min_size=1, max_size=max_leaves),
        st.lists(st.tuples(st.sampled_from(names), choice, choice), min_size=1, max_size=max_nodes),
    )


def networks(make: Callable[..., Any], max_inputs: int = 3, max_layers: int = 3, max_neurons: int = 3) -> Any:
    """Networks made by `make(nin, nouts, activation=…, seed=…)`, such as `tinygrad_edu.nn.MLP`."""
    st = strategies()
    return st.builds(
        make,
        st.integers(1, max_inputs),
        st.lists(st.integers(1, max_neurons), min_size=1, max_size=max_layers),
        activation=st.sampled_from(["tanh", "sigmoid", "softplus", "silu"]),
        seed=st.integers(0, 2**16),
    )


def batches(nin: int, nout: int, max_size: int = 4) -> Any:
    """Examples for a network: pairs of `nin` inputs and `nout` targets, from -1 to 1."""
    st = strategies()

    def row(n: int) -> Any:
        return st.lists(st.floats(-1, 1), min_size=n, max_size=n)

    return st.lists(st.tuples(row(nin), row(nout)), min_size=1, max_size=max_size)


def found(op: str | Row) -> Row:
    if isinstance(op, Row):
        return op
    if op not in TABLE:
        raise ValueError(f"the table has no operation {op!r}")
    return TABLE[op]
