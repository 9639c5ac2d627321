"""A number that remembers where it came from."""

from __future__ import annotations

import operator
from collections.abc import Callable
from numbers import Real
from reprlib import repr as short
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import copies, graph

if TYPE_CHECKING:
    from tinygrad_edu.engine._operations import Operations  # a stub, written from the table
    from tinygrad_edu.engine.ops import Row
else:
    Operations = object

# Reads as 0.0, and a picture can still tell it from a gradient that came out as 0: it is this very object.
NOT_COMPUTED = float("0")


def number(x: Any, finite: bool = True) -> float:
    """A real number as a float: int, float, bool, Fraction, a NumPy scalar.

    >>> number(3)
    3.0

    Raises TypeError for anything else, ValueError for nan and infinities unless `finite` is False.
    """
    if type(x) is not float:
        x = x + 0.0 if type(x) is int and -(2**53) < x < 2**53 else _float(x)  # the short cut halves `v + 1`
    if finite and x - x:  # nan for nan and infinities, 0.0 for all other numbers
        raise ValueError(f"expected a finite number, got {x} (a Value takes it with finite=False)")
    return x  # type: ignore[no-any-return]


def _float(x: Any) -> float:
    if not isinstance(x, Real):
        if getattr(x, "shape", None) == ():
            x = x.item()  # NumPy's bool, and arrays and tensors of no dimension
        if not isinstance(x, Real):
            raise TypeError(f"expected a real number, got {short(x)} ({type(x).__name__})")
    try:
        return float(x)
    except OverflowError:
        size = f"an int of {x.bit_length()} bits" if isinstance(x, int) else short(x)
        raise ValueError(f"{size} is too large for a float") from None


def _ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Value, Any], bool]:
    return lambda self, other: compare(self.data, other.data if isinstance(other, Value) else other)


class Value(Operations):
    """A scalar that records the operations it goes through, and can differentiate them.

    >>> x = Value(3.0, label="x")
    >>> y = x**2 + 1
    >>> y.backward()
    >>> y.data, x.grad
    (10.0, 6.0)

    Arguments:
        data: a real number; nan and infinities are refused unless `finite` is False.
        label: the name shown in pictures, explanations and errors.

    Attributes:
        data: the number, a float.
        grad: ∂root/∂self of the last `backward()`; on a leaf, the sum over all of them. 0.0 at first.
        label: a name, "" if none was given.
        op: the row of the table that made it, None for a leaf.
        parents: the operands, in order: Values, and floats for constants.

    Values compare by `data` (`<`, `<=`, `>`, `>=`) but are equal only to themselves: `Value(1.0) == 1.0` is False.
    """

    __slots__ = ("data", "grad", "op", "parents", "label")
    __array_ufunc__ = None  # NumPy scalars leave the arithmetic to us

    data: float
    grad: float
    op: Row
    parents: tuple[Any, ...]
    label: str

    def __init__(self, data: Any, label: str = "", *, finite: bool = True) -> None:
        self.data = number(data, finite)
        self.grad = NOT_COMPUTED
        self.op = None  # type: ignore[assignment]  # so that walks, which meet no leaf, need not ask
        self.parents = ()
        self.label = label

    def backward(self) -> None:
        """Differentiate: add ∂self/∂leaf to the `grad` of every leaf.

        Nodes between start afresh, so a second call doubles the gradients of the leaves and nothing else; set them
        back to 0.0 (`zero_grad`) before a new pass.

        Raises ValueError where self is not finite, and an ArithmeticError or ValueError where a derivative does not
        exist (`sqrt` at 0); both name the operation, the operand and its label.
        """
        graph.backward(self)

    def detach(self) -> Value:
        """A leaf with the same data and label, through which no gradient flows."""
        return Value(self.data, self.label, finite=False)

    __lt__ = _ordering(operator.lt)
    __le__ = _ordering(operator.le)
    __gt__ = _ordering(operator.gt)
    __ge__ = _ordering(operator.ge)

    def __pos__(self) -> Value:
        return self

    def __float__(self) -> float:
        raise TypeError(
            "float(value) would lose the gradient: for math.tanh(value) and its like call the function of the same "
            "name in tinygrad_edu, tinygrad_edu.tanh(value); for the plain number take value.data"
        )

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        grad = "not computed" if self.grad is NOT_COMPUTED else self.grad
        return f"Value(data={self.data}, grad={grad}" + (f", label={self.label!r})" if self.label else ")")

    def _repr_html_(self) -> str:
        from html import escape

        return f"<code>{escape(repr(self))}</code>"

    # The names that users of micrograd know.
    _prev = property(lambda self: {p for p in self.parents if isinstance(p, Value)}, doc="The operands, as a set.")
    _op = property(lambda self: self.op.symbol if self.op else "", doc="The operation's symbol.")

    def __copy__(self) -> Value:
        return copies.twin(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        return copies.deep(self, memo)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return copies.reduced(self)
