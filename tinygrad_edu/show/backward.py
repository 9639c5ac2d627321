"""The backward pass one edge at a time, computed apart: nothing here reads or writes `grad`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import combinations
from math import fsum, isfinite, nan
from typing import NamedTuple

from tinygrad_edu.engine import (
    NOT_COMPUTED,
    UNDEFINED,
    Value,
    check_recorded,
    edges,
    leaves,
    local_derivatives,
    of_torch,
    operand_numbers,
    quoted,
    topological,
)
from tinygrad_edu.engine.formulas import partials_on_floats
from tinygrad_edu.show.numbers import shown

ROUNDING = 1e-9  # of a sum of contributions, relative to its terms
FEW = 10  # contributions, whose sums are all tried


class Step(NamedTuple):
    """One edge of the backward pass: what `node` adds to the gradient of its operand number `k`."""

    node: Value
    k: int
    operand: Value
    partial: float
    contribution: float


def steps(root: Value) -> Iterator[Step]:
    """The steps of a backward pass, in an order that it could take: each edge once, after all that add to its node.

    >>> a = Value(3.0)
    >>> [(step.k, step.contribution) for step in steps(a * a)]
    [(0, 3.0), (1, 3.0)]

    Where a derivative does not exist, its contribution is nan, and so is all that follows from it.
    """
    gradients = {root: 1.0}
    for node in reversed(topological(root)):
        for k, partial in factors(node).items():
            operand = node.parents[k]
            contribution = gradients[node] * partial
            gradients[operand] = gradients.get(operand, 0.0) + contribution
            yield Step(node, k, operand, partial, contribution)


def factors(node: Value) -> dict[int, float]:
    """The local derivative for each operand, by its number; nan where there is none.

    >>> factors(Value(0.0).sqrt()), factors(Value(0.0) * 3)
    ({0: nan}, {0: 3.0})
    """
    try:
        return {k: partial for k, _, partial in local_derivatives(node)}
    except UNDEFINED:
        found = {k: nan for k, parent in enumerate(node.parents) if isinstance(parent, Value)}
    for operand in {node.parents[k] for k in found}:  # one may have a derivative where another has none
        with suppress(*UNDEFINED):
            among = edges(node, partials_on_floats(node.op), operand_numbers(node), node.data, [operand])
            found |= {k: partial for k, _, partial in among}
    return found


class Beyond(NamedTuple):
    """A gradient that holds more than this graph adds to it: what the graph adds, the rest, and where that is from."""

    own: float
    rest: float
    source: str

    def text(self, digits: int) -> str:
        """
        >>> Beyond(0.0243, 0.0011, "from before").text(4), Beyond(0.0, 3.0, "from before").text(4)
        ('0.0243 + 0.0011 from before', 'from before')
        """
        if not self.own:
            return self.source
        sign = "−" if self.rest < 0 else "+"
        return f"{shown(self.own, digits)} {sign} {shown(abs(self.rest), digits)} {self.source}"


def beyond(root: Value) -> dict[Value, Beyond]:
    """The nodes whose `grad` is not the sum of what the edges above it in this graph add.

    On a leaf, the rest was left by an earlier backward pass; elsewhere by a pass from another root.

    >>> x = Value(2.0)
    >>> (x * 3).backward()
    >>> y = x * x
    >>> y.backward()
    >>> beyond(y)[x]
    Beyond(own=4.0, rest=3.0, source='from before')
    """
    tape = topological(root)
    terms: dict[Value, list[float]] = {}
    for node in reversed(tape):
        if node.grad is not NOT_COMPUTED:
            for k, partial in factors(node).items():
                terms.setdefault(node.parents[k], []).append(partial * node.grad)
    found = {}
    for node in [*tape[:-1], *leaves(root)] if tape else ():
        added = terms.get(node, [])
        own = fsum(added) if all(map(isfinite, added)) else nan
        rest, size = node.grad - own, max(abs(node.grad), fsum(map(abs, added)) if own == own else nan)
        if node.grad is NOT_COMPUTED or not abs(rest) > ROUNDING * size or unfinished(node.grad, added, size):
            continue
        earlier = not node.parents and root.grad in (NOT_COMPUTED, 1.0)
        found[node] = Beyond(own, rest, "from before" if earlier else "from elsewhere")
    return found


def unfinished(grad: float, added: list[float], size: float) -> bool:
    """Whether a gradient is the sum of some of its terms: it was set back, or a pass by hand is on its way."""
    if len(added) > FEW:
        return grad == 0.0
    sums = (fsum(some) for count in range(len(added)) for some in combinations(added, count))
    return any(abs(grad - partly) <= ROUNDING * size for partly in sums)


def to_show(root: Value, what: str = "expected a Value to show") -> Value:
    """A Value. Raises TypeError, with what to write instead, for anything else."""
    if isinstance(root, Value):
        return root
    if of_torch(root):
        way = "from_torch_graph(loss, module) in tinygrad_edu.exchange makes Values of what PyTorch computed"
    elif hasattr(root, "parameters"):
        way = "take an output or a loss of the network, like network(x)"
    elif isinstance(root, (list, tuple)) and root and all(isinstance(value, Value) for value in root):
        way = "choose one of its Values, or their sum"
    else:
        way = "take the result of a computation with Values"
    raise TypeError(f"{what}, got {quoted(root)} ({type(root).__name__}): {way}")


def checked(root: Value) -> Value:
    """The root of a graph that can be shown.

    Raises TypeError for what is no Value, ValueError where data were changed after the forward pass.
    """
    check_recorded(to_show(root))
    return root
