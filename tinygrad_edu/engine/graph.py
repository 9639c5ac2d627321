"""Walks over the graph that operations record. Nothing here recurses, so a graph may be as deep as memory holds."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from tinygrad_edu.engine.errors import UNDEFINED, no_derivative, not_finite

if TYPE_CHECKING:
    from tinygrad_edu.engine.value import Value

T = TypeVar("T")


def topological(*roots: Value) -> list[Value]:
    """The operations that the roots depend on, themselves included, each after its operands; leaves are left out.

    >>> from tinygrad_edu import Value
    >>> a = Value(2.0)
    >>> [node.op.name for node in topological(a * a + a)]
    ['mul', 'add']
    """
    tape: list[Value] = []
    seen = set()
    stack: list[Any] = []
    for root in roots:
        if root.parents:
            stack.append(root)
    while stack:
        node = stack.pop()
        if node is None:  # all that was pushed above it is placed
            tape.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            stack += node, None
            for parent in reversed(node.parents):  # so that the first operand comes first
                if type(parent) is not float and parent.parents:
                    stack.append(parent)
    return tape


def leaves(*roots: Value) -> list[Value]:
    """The Values that the roots depend on and that no operation made, in the order of their first use."""
    found = {p: None for node in topological(*roots) for p in node.parents if type(p) is not float and not p.parents}
    return list(found | {root: None for root in roots if not root.parents})


def backward(root: Value) -> None:
    """Add ∂root/∂leaf to the `grad` of each leaf, and set that of each node between to ∂root/∂node.

    A node's turn comes after all its consumers', when its own gradient is complete; it then hands each operand its
    gradient times the partial for that operand.
    """
    if not isfinite(root.data):
        raise not_finite(root, topological(root))
    # The walk of `topological`. Here the gradient marks what was seen, which is a tenth faster: it starts as this very
    # object, a zero that no other node holds, and only the pullbacks below change it.
    zero = float("0")
    tape: list[Value] = []
    stack: list[Any] = [root] if root.parents else []
    while stack:
        node = stack.pop()
        if node is None:
            tape.append(stack.pop())
        elif node.grad is not zero:
            node.grad = zero
            stack += node, None
            for parent in node.parents:
                if type(parent) is not float and parent.parents:
                    stack.append(parent)
    root.grad = root.grad + 1.0
    try:
        for node in reversed(tape):
            node.op.pullback(node)
    except UNDEFINED as error:
        raise no_derivative(node.op, node.parents, error) from None


def edges(
    node: Value,
    partials: Sequence[Callable[..., T]],
    operands: Sequence[object],
    out: object,
    among: Container[Value] | None = None,
) -> Iterator[tuple[int, Value, T]]:
    """Each edge below a node: operand number, operand, partial. Constants have no edge, nor has what is not `among`.

    `partials` are functions of the operation's operands and `out`, on whatever kind of number these are. An operation
    over many has all its x_i first, then all its y_i.
    """
    width = len(node.parents) // len(partials)
    for k, parent in enumerate(node.parents):
        if type(parent) is not float and (among is None or parent in among):
            try:
                partial = partials[k // width](*operands[k % width :: width], out)
            except UNDEFINED as error:
                raise no_derivative(node.op, node.parents, error) from None
            yield k, parent, partial
