"""What people who come from elsewhere write: micrograd's names, which work, and slips, which are told what to write.

Nothing here computes anything.
"""

from __future__ import annotations

import linecache
import operator
import sys
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any, NoReturn

from tinygrad_edu.engine.errors import UNDEFINED, no_derivative
from tinygrad_edu.engine.numbers import NOT_COMPUTED
from tinygrad_edu.engine.plain import quoted
from tinygrad_edu.engine.table import TABLE, Row

if TYPE_CHECKING:
    from tinygrad_edu.engine.value import Value

OWN = 'an operation of your own is one row: register("cube", "³", "x*x*x", "3*x*x"), then value.cube()'

# Names that other packages have and a Value has not.
ELSEWHERE = {
    "item": "the number is value.data",
    "numpy": "the number is value.data",
    "value": "the number is value.data",
    "gradient": "the gradient is value.grad",
    "tolist": "the number is value.data",
    "shape": "it is one number; an array is a list of Values",
    "size": "it is one number; an array is a list of Values",
    "mean": "it is one number; the mean of a list is tinygrad_edu.sum(xs) / len(xs)",
    "pow": "write value ** exponent",
    "copy": "value.detach() is a leaf with the same data, copy.copy(value) the same node once more",
    "clone": "value.detach() is a leaf with the same data, copy.copy(value) the same node once more",
    "grad_fn": "the operation is value.op, the operands are value.parents",
    "is_leaf": "a leaf has no operands, not value.parents",
    "children": "the operands are value.parents",
    "requires_grad": "every leaf gets a gradient; for one without take value.data, or value.detach()",
}

NUMPY = {"subtract": "sub", "multiply": "mul", "divide": "truediv", "true_divide": "truediv", "power": "pow"}
NUMPY |= {"absolute": "abs", "negative": "neg", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}
NUMPY |= {"arctan2": "atan2", "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge"}


def of_torch(thing: object) -> bool:
    """Whether it is a tensor or a module of PyTorch's, which need not be installed."""
    return any(kind.__module__.partition(".")[0] == "torch" for kind in type(thing).__mro__)


def elsewhere(name: str, words: str) -> property:
    def refuse(value: Any, *given: Any) -> NoReturn:
        raise AttributeError(f"a Value has no {name}: {words}")

    return property(refuse, refuse)


class Familiar:
    """The names that users of micrograd know, and answers where a number, an array or a tensor would do otherwise."""

    __slots__ = ()

    op: Row
    parents: tuple[Any, ...]
    grad: float

    @property
    def _prev(self) -> set[Value]:
        """The operands that are Values, as a set."""
        return set(self._children)

    @property
    def _children(self) -> tuple[Value, ...]:
        """The operands that are Values, in order."""
        return tuple(parent for parent in self.parents if isinstance(parent, Familiar))  # type: ignore[misc]

    @property
    def _op(self) -> str:
        """The operation's symbol, "" for a leaf."""
        return self.op.symbol if self.op else ""

    @property
    def _backward(self) -> Callable[[], None]:
        """A call of it hands this node's gradient to its operands: `backward` by hand, node after node.

        Each call adds again.
        """
        return self._hand_on

    @_backward.setter
    def _backward(self, rule: Any) -> None:
        raise AttributeError(f"a Value's _backward follows from its operation and cannot be set: {OWN}")

    def _hand_on(self) -> None:
        if self.op:
            try:
                self.op.pullback(self)
            except UNDEFINED as error:
                raise no_derivative(self, error) from None  # type: ignore[arg-type]

    def zero_grad(self) -> None:
        """Set the gradient back: it reads 0.0, and is not computed."""
        self.grad = NOT_COMPUTED  # type: ignore[misc]  # a slot of Value

    def __float__(self) -> float:
        name = function_in(sys._getframe(1))
        raise TypeError(
            f"float(value) would lose the gradient: for math.{name}(value) and its like call the function of the same "
            f"name in tinygrad_edu, tinygrad_edu.{name}(value); for the plain number take value.data"
        )

    def __bool__(self) -> bool:
        raise TypeError(
            "a Value is neither true nor false: compare the data, value.data != 0, or ask whether it is None"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **options: Any) -> Any:
        """NumPy's scalars leave the arithmetic to us; its functions are not ours."""
        name = NUMPY.get(ufunc.__name__, ufunc.__name__)
        if ufunc.__name__ in ("equal", "not_equal"):  # by identity, as with Python's own numbers
            return (operands[0] is operands[1]) == (ufunc.__name__ == "equal")
        operation = getattr(operator, name, None)
        plain = method == "__call__" and not options and not any(getattr(x, "ndim", 0) for x in operands)
        if plain and operation and len(operands) == 2:
            # float(x), for the item of a longdouble is one again
            return operation(
                *[float(x) if isinstance(x, Real) else x.item() if hasattr(x, "dtype") else x for x in operands]
            )
        if any(getattr(x, "ndim", 0) for x in operands):
            example = TABLE[name].written(["x", "value"][: len(operands)]) if name in TABLE else "…"
            raise TypeError(f"np.{ufunc.__name__} takes no array and a Value: write [{example} for x in array]")
        if name in TABLE:
            others = ", other" * (len(operands) - 1)
            raise TypeError(f"np.{ufunc.__name__} takes no Value: write tinygrad_edu.{name}(value{others})")
        raise TypeError(f"np.{ufunc.__name__} takes no Value: take value.data, or the operations of tinygrad_edu")


for _name, _words in ELSEWHERE.items():
    setattr(Familiar, _name, elsewhere(_name, _words))


def function_in(frame: Any) -> str:
    """The operation that the line at which a frame stands names, as the `exp` of `math.exp(v)`; else `tanh`."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    used = [name for name in frame.f_code.co_names if name in TABLE and f"{name}(" in line]
    return used[0] if len(used) == 1 else "tanh"


def constructor(label: Any, others: tuple[Any, ...]) -> TypeError:
    """The answer to `Value(data, children, op)`, as engines are written where each operation makes its own node."""
    if isinstance(label, tuple | list | set):
        return TypeError(f"Value(data, children, op) records nothing: {OWN}")
    if others and isinstance(label, str):
        return TypeError(f"Value expected a number and its label, got one thing more, {quoted(others[0])}")
    return TypeError(f"Value expected a label in text, got {quoted(label)} ({type(label).__name__})")
