"""Derivatives as Values, which can be differentiated again. Nothing here reads or writes `grad`.

A root is the Value to differentiate, `wrt` what to differentiate it for: leaves or Values in between. The graph between
them is the function.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import overload

from tinygrad_edu.engine.errors import at, cannot_start, described, expression, in_full, not_a_float, operand_names
from tinygrad_edu.engine.formulas import applied, partials_on_floats, partials_on_values
from tinygrad_edu.engine.graph import data_of, edges, nodes, operand_numbers
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
    wrt = values("wrt", wrt)
    return jvp(grad(root, wrt), wrt, vector)


def local_derivatives(node: Value) -> list[tuple[int, Value, float]]:
    """Each edge below a node as (operand number, operand, ∂node/∂operand). Constants have none.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [(k, partial) for k, _, partial in local_derivatives(x * y)]
    [(0, 3.0), (1, 2.0)]
    """
    if not node.parents:
        return []
    return list(edges(node, partials_on_floats(node.op), operand_numbers(node), node.data))


def check_recorded(root: Value) -> None:
    """Raise ValueError where a node's data no longer follow from its operands': something was changed in between.

    >>> x = Value(2.0, "x")
    >>> y = x * x
    >>> x.data = 3.0
    >>> check_recorded(y)
    Traceback (most recent call last):
    ValueError: x was changed after the result was computed: x * x was 4 and is 9 at x = 3; compute the result again

    Raises TypeError where data were set to what is no float.
    """
    everything = nodes(root)
    for node in everything:
        if type(node.data) is not float:
            raise not_a_float(node)
    for node in everything:
        if not node.parents:
            continue
        recorded = operand_numbers(node)
        if not all(map(isfinite, recorded)):
            continue  # backward() names the first of these
        now = applied(node.op, recorded)
        if now != node.data and (now == now or node.data == node.data):
            raise ValueError(changed(root, node, now))


def changed(root: Value, node: Value, now: float) -> str:
    """What to say of a node that was recorded with other data than its operands give now."""
    row, operands = node.op, node.parents
    result = described(root).split(" = ")[0] if root.label else "the result"
    if steps := moved_by_steps(node):
        *others, last = steps
        who = f"{', '.join(others)} and {last} were" if others else f"{last} was"
        return f"{who} changed after {result} was computed; compute {result} again"
    leaves = dict.fromkeys(
        name
        for name, operand in zip(operand_names(row, operands), operands, strict=True)
        if isinstance(operand, Value) and not operand.parents
    )
    culprit = " or ".join(leaves) or "a value in between"
    return (
        f"{culprit} was changed after {result} was computed: {expression(row, operands)} was {in_full(node.data)} "
        f"and is {in_full(now)}{at(row, operands)}; compute {result} again"
    )


def moved_by_steps(node: Value) -> list[str]:
    """The operands that an optimiser's last step moved, as `w1 (0.2 → 0.2023)`, if that explains what changed.

    A leaf that remembers what it was before a step has it as `before`.
    """
    names = operand_names(node.op, node.parents)
    before = [getattr(operand, "before", data_of(operand)) for operand in node.parents]
    if applied(node.op, before) != node.data:
        return []
    every = zip(names, before, operand_numbers(node), strict=True)
    return list(dict.fromkeys(f"{name} ({' → '.join(told_apart(old, new))})" for name, old, new in every if old != new))


def told_apart(x: float, y: float) -> tuple[str, str]:
    """Two numbers, with as many digits as tell them apart, at least four.

    >>> told_apart(0.2, 0.20234567), told_apart(1.0, 1.0000012)
    (('0.2', '0.2023'), ('1', '1.000001'))
    """
    texts = ((f"{x:.{digits}g}", f"{y:.{digits}g}") for digits in range(4, 18))
    return next((pair for pair in texts if pair[0] != pair[1]), (repr(x), repr(y)))


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
