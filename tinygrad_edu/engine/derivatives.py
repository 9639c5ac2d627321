"""Derivatives as Values, which can be differentiated again. Nothing here reads or writes `grad`.

A root is the Value to differentiate, `wrt` what to differentiate it for: leaves or Values in between. The graph between
them is the function.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import overload

from tinygrad_edu.engine.errors import cannot_start
from tinygrad_edu.engine.formulas import partials_on_values
from tinygrad_edu.engine.graph import edges
from tinygrad_edu.engine.numbers import number
from tinygrad_edu.engine.plain import quoted
from tinygrad_edu.engine.value import Value, topological


@overload
def grad(root: Value, wrt: Value) -> Value: ...
@overload
def grad(root: Value, wrt: Sequence[Value]) -> list[Value]: ...
def grad(root: Value, wrt: Value | Sequence[Value]) -> Value | list[Value]:
    """The gradient ∂root/∂wrt, in reverse mode.

    >>> x = Value(2.0)
    >>> first = grad(x**3, x)
    >>> first.data, grad(first, x).data
    (12.0, 12.0)

    Arguments:
        root: the Value to differentiate.
        wrt: one Value, or a sequence of them.

    Returns a Value for one, a list of Values for a sequence; `Value(0.0)` for what the root does not depend on.
    Raises what `Value.backward` raises.
    """
    require_root(root)
    if isinstance(wrt, Value):
        return vjp([root], [wrt], [1.0])[0]
    return vjp([root], wrt, [1.0])


def vjp(roots: Sequence[Value], wrt: Sequence[Value], cotangents: Sequence[Value | float]) -> list[Value]:
    """The vector-Jacobian product Σ_i cotangents[i] · ∂roots[i]/∂wrt[j], for each j: reverse mode.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [v.data for v in vjp([x * y, x + y], [x, y], [1.0, 10.0])]
    [13.0, 12.0]

    Arguments:
        roots: n Values.
        wrt: m Values.
        cotangents: n numbers or Values.

    Returns m Values. Raises ValueError where the lengths differ, and what `Value.backward` raises.
    """
    roots, wrt = values("roots", roots), values("wrt", wrt)
    cotangents = factors("cotangents", cotangents)
    require_same_length("vjp", "roots", roots, "cotangents", cotangents)
    tape = topological(*roots)
    require_finite(roots, tape)
    depends = dependents(tape, wrt)
    adjoints: dict[Value, Value | float] = {}
    for root, cotangent in zip(roots, cotangents, strict=True):
        accumulate(adjoints, root, 1.0, cotangent)
    for node in reversed(tape):
        if node in depends and node in adjoints:
            partials = partials_on_values(node.op)
            for _, parent, partial in edges(node, partials, node.parents, node, among=depends):
                accumulate(adjoints, parent, partial, adjoints[node])
    return own([adjoints.get(value, 0.0) for value in wrt], tape, [*roots, *wrt, *cotangents])


def jvp(roots: Sequence[Value], wrt: Sequence[Value], tangents: Sequence[Value | float]) -> list[Value]:
    """The Jacobian-vector product Σ_j ∂roots[i]/∂wrt[j] · tangents[j], for each i: forward mode.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [v.data for v in jvp([x * y, x + y], [x, y], [1.0, 10.0])]
    [23.0, 11.0]

    Arguments:
        roots: n Values.
        wrt: m Values.
        tangents: m numbers or Values.

    Returns n Values. Raises ValueError where the lengths differ, and what `Value.backward` raises.
    """
    roots, wrt = values("roots", roots), values("wrt", wrt)
    tangents = factors("tangents", tangents)
    require_same_length("jvp", "wrt", wrt, "tangents", tangents)
    tape = topological(*roots)
    require_finite(roots, tape)
    moved: dict[Value, Value | float] = {}
    for value, tangent in zip(wrt, tangents, strict=True):
        accumulate(moved, value, 1.0, tangent)
    for node in tape:
        # A list: the node's own tangent may be a seed, and must not grow while its operands are read.
        for _, parent, partial in list(edges(node, partials_on_values(node.op), node.parents, node, among=moved)):
            accumulate(moved, node, partial, moved[parent])
    return own([moved.get(root, 0.0) for root in roots], tape, [*roots, *wrt, *tangents])


def jacobian(roots: Sequence[Value], wrt: Sequence[Value]) -> list[list[Value]]:
    """The matrix ∂roots[i]/∂wrt[j], one reverse pass a row.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [[v.data for v in row] for row in jacobian([x * y, x + y], [x, y])]
    [[3.0, 2.0], [1.0, 1.0]]

    Arguments:
        roots: n Values.
        wrt: m Values.

    Returns n rows of m Values. Raises what `Value.backward` raises.
    """
    wrt = values("wrt", wrt)
    return [grad(root, wrt) for root in values("roots", roots)]


def hessian(root: Value, wrt: Sequence[Value]) -> list[list[Value]]:
    """The matrix ∂²root/∂wrt[i]∂wrt[j], the Jacobian of the gradient.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [[v.data for v in row] for row in hessian(x * x * y, [x, y])]
    [[6.0, 4.0], [4.0, 0.0]]

    Arguments:
        root: the Value to differentiate twice.
        wrt: m Values.

    Returns m rows of m Values. Raises what `Value.backward` raises.
    """
    wrt = values("wrt", wrt)
    return jacobian(grad(root, wrt), wrt)


def hvp(root: Value, wrt: Sequence[Value], vector: Sequence[Value | float]) -> list[Value]:
    """The Hessian-vector product Σ_j ∂²root/∂wrt[i]∂wrt[j] · vector[j], forward over reverse, without the matrix.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [v.data for v in hvp(x * x * y, [x, y], [1.0, 0.0])]
    [6.0, 4.0]

    Arguments:
        root: the Value to differentiate twice.
        wrt: m Values.
        vector: m numbers or Values.

    Returns m Values. Raises ValueError where the lengths differ, and what `Value.backward` raises.
    """
    wrt, vector = values("wrt", wrt), factors("vector", vector)
    require_same_length("hvp", "wrt", wrt, "numbers in the vector", vector)
    return jvp(grad(root, wrt), wrt, vector)


def dependents(tape: list[Value], wrt: Sequence[Value]) -> set[Value]:
    """`wrt` and what depends on it: the partials for other operands are not needed, and may not exist."""
    found = set(wrt)
    for node in tape:
        if not found.isdisjoint(node.parents):
            found.add(node)
    return found


def accumulate(total: dict[Value, Value | float], key: Value, partial: Value | float, factor: Value | float) -> None:
    """total[key] += partial · factor, without recording a product with the number 1 or a sum with nothing."""
    if partial == 0.0 or factor == 0.0:
        return
    term = factor if partial == 1.0 else partial if factor == 1.0 else partial * factor
    total[key] = total[key] + term if key in total else term


def own(results: list[Value | float], tape: list[Value], given: Sequence[Value | float]) -> list[Value]:
    """Each result as a Value of its own: the derivative of a·b for a *is* b, and b must not change with it."""
    taken = {*given, *tape, *(parent for node in tape for parent in node.parents)}
    found = []
    for result in results:
        if not isinstance(result, Value):
            result = Value(result, finite=False)
        elif result in taken:
            result = result * 1.0
        taken.add(result)
        found.append(result)
    return found


def require_root(root: object) -> None:
    if not isinstance(root, Value):
        several = ": choose one of its Values, or their sum" if isinstance(root, (list, tuple)) else ""
        function = ": call it with Values, and give the result" if callable(root) else ""
        raise TypeError(f"root expected a Value, got {quoted(root)} ({type(root).__name__}){several or function}")


def values(what: str, given: Iterable[Value]) -> list[Value]:
    """A list of Values, checked."""
    if isinstance(given, Value) or not isinstance(given, Iterable):
        raise TypeError(f"{what} expected a sequence of Values, got {quoted(given)} ({type(given).__name__})")
    found = list(given)
    for value in found:
        if not isinstance(value, Value):
            raise TypeError(f"{what} expected Values, got {quoted(value)} ({type(value).__name__})")
    return found


def factors(what: str, given: Iterable[Value | float]) -> list[Value | float]:
    """A list of Values and finite numbers, checked."""
    if not isinstance(given, Iterable):
        raise TypeError(
            f"{what} expected a sequence of Values and numbers, got {quoted(given)} ({type(given).__name__})"
        )
    try:
        return [factor if isinstance(factor, Value) else number(factor) for factor in given]
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what}: {error}") from None


def require_finite(roots: Sequence[Value], tape: list[Value]) -> None:
    for root in roots:
        if type(root.data) is not float or not isfinite(root.data):
            raise cannot_start(root, tape)


def require_same_length(
    function: str, left: str, lefts: Sequence[object], right: str, rights: Sequence[object]
) -> None:
    if len(lefts) != len(rights):
        raise ValueError(f"{function} expected as many {right} as {left}, {len(lefts)}, got {len(rights)}")
