"""A number that remembers where it came from, and the walk that sends the gradient back."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from math import isfinite
from typing import Any

from tinygrad_edu.engine import copies, familiar, freeing, operations
from tinygrad_edu.engine.errors import cannot_start, no_derivative
from tinygrad_edu.engine.numbers import NOT_COMPUTED, number


def topological(*roots: Value) -> list[Value]:
    """The operations that the roots depend on, themselves included, each after its operands; leaves are left out.

    >>> a = Value(2.0)
    >>> [node.op.name for node in topological(a * a + a)]
    ['mul', 'add']
    """
    tape: list[Value] = []
    seen: set[Value] = set()
    stack: list[Any] = [root for root in reversed(roots) if root.parents]
    while stack:
        node = stack.pop()
        if node is None:  # all that was pushed above it is placed
            tape.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            stack += node, None
            for parent in reversed(node.parents):  # the first operand comes first
                if type(parent) is not float and parent.parents:
                    stack.append(parent)
    return tape


def cleared(root: Value, leaves: list[tuple[Value, float]]) -> list[Value]:
    """What `topological` gives, with every gradient at 0; `leaves` gets the leaves, each with the gradient that it had.

    The 0 is an object of its own, which also marks what was seen, a tenth faster than a set.
    """
    tape, zero = list[Value](), float("0")
    stack: list[Any] = [root] if root.parents else []
    while stack:
        node = stack.pop()
        if node is None:
            tape.append(stack.pop())
        elif node.grad is not zero:
            node.grad = zero
            stack += node, None
            for parent in node.parents:
                if type(parent) is not float:
                    if parent.parents:
                        stack.append(parent)
                    elif parent.grad is not zero:
                        leaves.append((parent, parent.grad))
                        parent.grad = zero
    return tape


def _ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Value, Any], bool]:
    return lambda self, other: compare(self.data, other.data if isinstance(other, Value) else other)


class Value(operations.Operations, familiar.Familiar, copies.Copies):
    """A scalar that records the operations it goes through (all are in operations.py), and can differentiate them.

    >>> x = Value(3.0, label="x")
    >>> (x**2 + 1).backward()
    >>> x.grad
    6.0

    Arguments: `data`, a real number (nan and infinities are refused unless `finite` is False), and `label`, the name
    shown in pictures, explanations and errors. Values are ordered by `data`, but equal only to themselves.
    Attributes:
        data, label: the number, a float; its name, "" if none was given.
        grad: ∂root/∂self of the last `backward()`; on a leaf, the sum over all of them. 0.0 at first.
        op, parents: the row of the table that made it, None for a leaf; the operands, Values and floats, in order.
    """

    __slots__ = ("data", "grad", "op", "parents", "label")

    def __init__(self, data: Any, label: str = "", *others: Any, finite: bool = True) -> None:
        if others or not isinstance(label, str):
            raise familiar.constructor(label, others)
        self.data = number(data, finite)
        self.grad = NOT_COMPUTED
        self.op = None  # type: ignore[assignment]  # so that walks, which meet no leaf, need not ask
        self.parents = ()
        self.label = label

    def backward(self) -> None:
        """Differentiate: add ∂self/∂leaf to the `grad` of every leaf.

        Nodes between start afresh, so a second call doubles the gradients of the leaves and nothing else; `zero_grad`
        sets them back to 0.0. Two threads must not do this at once on graphs that share Values. Raises ValueError where
        self is not finite, and an ArithmeticError or ValueError where a derivative does not exist (`sqrt` at 0); both
        name the operation, the operand and its label, and leave the leaves as they were.
        """
        if type(self.data) is not float or not isfinite(self.data):
            raise cannot_start(self, topological(self))
        leaves: list[tuple[Value, float]] = []
        node = self
        try:
            tape = cleared(self, leaves)
            self.grad = (self.grad or 0.0) + 1.0  # a leaf may have had one
            for node in reversed(tape):  # each after all its consumers, when its own gradient is complete
                node.op.pullback(node)
            for leaf, before in leaves:
                leaf.grad += before or 0.0  # some set a gradient to None, as with PyTorch
        except BaseException as error:  # an interrupt, too
            for leaf, before in leaves:
                leaf.grad = before
            raise no_derivative(node, error) from None

    __lt__ = _ordering(operator.lt)
    __le__ = _ordering(operator.le)
    __gt__ = _ordering(operator.gt)
    __ge__ = _ordering(operator.ge)

    def detach(self) -> Value:
        """A leaf with the same data and label, through which no gradient flows."""
        return Value(self.data, self.label, finite=False)

    def __pos__(self) -> Value:
        return self

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        grad = "not computed" if self.grad is NOT_COMPUTED else self.grad
        return f"Value(data={self.data}, grad={grad}" + (f", label={self.label!r})" if self.label else ")")

    def _repr_html_(self) -> str:
        from html import escape

        return f"<code>{escape(repr(self))}</code>"


operations.Value = Value  # type: ignore[attr-defined]  # it cannot import what inherits from it
if sys.platform == "emscripten":
    Value.__del__ = freeing.unlink  # type: ignore[attr-defined]
