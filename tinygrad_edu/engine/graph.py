"""What a recorded graph holds: its leaves, its nodes in order, the edges below a node."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any, TypeVar

from tinygrad_edu.engine.errors import UNDEFINED, no_derivative
from tinygrad_edu.engine.formulas import partials_on_floats, sums
from tinygrad_edu.engine.value import Value, topological

T = TypeVar("T")


def leaves(*roots: Value) -> list[Value]:
    """The Values that the roots depend on and that no operation made, in the order of their first use."""
    found = {p: None for node in topological(*roots) for p in node.parents if type(p) is not float and not p.parents}
    return list(found | {root: None for root in roots if not root.parents})


def nodes(*roots: Value) -> list[Value]:
    """All Values that the roots depend on, themselves included: leaves first, then each operation after its operands.

    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> [node.label or node.op.name for node in nodes(a * b + a)]
    ['a', 'b', 'mul', 'add']
    """
    return [*leaves(*roots), *topological(*roots)]


def data_of(x: Any) -> Any:
    """The data of a Value; a plain number as it is."""
    return x.data if isinstance(x, Value) else x


def operand_numbers(node: Value) -> list[float]:
    """The operands' numbers."""
    return [data_of(parent) for parent in node.parents]


def edges(
    node: Value,
    partials: Sequence[Callable[..., T]],
    operands: Sequence[Any],
    out: object,
    among: Container[Value] | None = None,
) -> Iterator[tuple[int, Value, T]]:
    """Each edge below a node: operand number, operand, partial. Constants have no edge, nor has what is not `among`.

    `partials` are functions of the operation's operands and `out`, on whatever kind of number these are. An operation
    over many has all its x_i first, then all its y_i.
    """
    known: dict[int, list[Any]] = {}
    for k, parent in enumerate(node.parents):
        if type(parent) is not float and (among is None or parent in among):
            try:
                which, at = node.op.place(operands, k)
                if which not in known:
                    known[which] = sums(partials[which], node.op.groups(operands), out)
                partial = partials[which](*at, out, *known[which])
            except UNDEFINED as error:
                raise no_derivative(node, error) from None
            yield k, parent, partial


def local_derivatives(node: Value) -> list[tuple[int, Value, float]]:
    """Each edge below a node as (operand number, operand, ∂node/∂operand). Constants have none.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [(k, partial) for k, _, partial in local_derivatives(x * y)]
    [(0, 3.0), (1, 2.0)]
    """
    if not node.parents:
        return []
    return list(edges(node, partials_on_floats(node.op), operand_numbers(node), node.data))
