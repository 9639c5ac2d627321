"""A graph as a SymPy expression."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.engine import Value, check_recorded, leaves, topological
from tinygrad_edu.engine.formulas import MATH, applied, bind
from tinygrad_edu.shell import install
from tinygrad_edu.show.backward import to_show
from tinygrad_edu.show.names import Names


def sympy() -> Any:
    """SymPy. Raises ImportError, with the command to run, where it is not installed."""
    try:
        import sympy  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError(f"formulas as symbols need SymPy: {install('sympy')}") from None
    return sympy


def sympy_primitives() -> dict[str, Any]:
    """The operations that no formula expresses, on SymPy's expressions."""
    s = sympy()
    own = {
        "abs": s.Abs,
        "maximum": s.Max,
        "minimum": s.Min,
        "pow": s.Pow,
        "step": lambda x: s.Heaviside(x, 0),
        "expm1": lambda x: s.exp(x) - 1,
        "log1p": lambda x: s.log(1 + x),
        "hypot": lambda x, y: s.sqrt(x**2 + y**2),
    }
    return {name: getattr(s, name) for name in [*MATH, "sign"] if name not in own} | own


def to_sympy(root: Value) -> Any:
    """The graph as a SymPy expression, to simplify, solve, plot and differentiate.

    >>> w, x = Value(3.0, "w"), Value(2.0, "x")
    >>> expression = to_sympy((w * x - 1) ** 2)
    >>> expression, expression.diff("w")
    ((w*x - 1)**2, 2*x*(w*x - 1))
    >>> expression.subs({"w": 3, "x": 2})
    25

    Each leaf that is a Value is a symbol without assumptions, named after its label, or x1, x2, … in the order of use;
    w, w(2), … where one label names several. Constants are numbers.

    Raises ImportError, with the command to run, without SymPy, and ValueError for an operation that has no SymPy form;
    TypeError for what is no Value.
    """
    s, known = sympy(), sympy_primitives()
    check_recorded(to_show(root, "to_sympy expected a Value"))
    textbook = {
        "sigmoid": lambda x: 1 / (1 + s.exp(-x)),
        "softplus": lambda x: s.log(1 + s.exp(x)),
        # SymPy's Abs is that of complex numbers, whose derivative is another.
        "abs": lambda x: s.Max(x, -x),
    }
    functions = bind(known | textbook, "SymPy")
    names = Names(root)
    found: dict[Value, Any] = {leaf: s.Symbol(names.code(leaf)) for leaf in leaves(root)}
    for node in topological(root):
        operands = [found[p] if isinstance(p, Value) else constant(s, p) for p in node.parents]
        found[node] = applied(node.op, operands, functions)
    return found[root]


def constant(s: Any, number: float) -> Any:
    """A number, whole where it is."""
    return s.Integer(int(number)) if number.is_integer() else s.Float(number)
