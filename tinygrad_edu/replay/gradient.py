"""The gradient of a trace is a trace again: the partials of the table, recorded as operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tinygrad_edu.engine import TABLE, Row
from tinygrad_edu.engine.formulas import compile_formula, rows_in
from tinygrad_edu.replay.trace import Trace


class Symbol:
    """A number that a trace computes: what is done with it is recorded, and nothing is computed."""

    __slots__ = ("place", "trace")

    def __init__(self, trace: Trace, place: int) -> None:
        self.trace, self.place = trace, place

    def recorded(self, name: str, *operands: Any) -> Symbol:
        return record(self.trace, TABLE[name], *operands)

    def __add__(self, other: Any) -> Symbol:
        return self.recorded("add", self, other)

    def __radd__(self, other: Any) -> Symbol:
        return self.recorded("add", other, self)

    def __sub__(self, other: Any) -> Symbol:
        return self.recorded("sub", self, other)

    def __rsub__(self, other: Any) -> Symbol:
        return self.recorded("sub", other, self)

    def __mul__(self, other: Any) -> Symbol:
        return self.recorded("mul", self, other)

    def __rmul__(self, other: Any) -> Symbol:
        return self.recorded("mul", other, self)

    def __truediv__(self, other: Any) -> Symbol:
        return self.recorded("truediv", self, other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return self.recorded("truediv", other, self)

    def __pos__(self) -> Symbol:
        return self

    def __neg__(self) -> Symbol:
        return self.recorded("neg", self)


def record(trace: Trace, row: Row, *operands: Any) -> Symbol:
    """Record an operation on symbols and numbers."""
    places = [x.place if isinstance(x, Symbol) else trace.constant(float(x)) for x in operands]
    return Symbol(trace, trace.operation(row, tuple(places)))


def evaluated(trace: Trace, text: str, names: dict[str, int], symbol: Callable[[int], Symbol]) -> Any:
    """A formula, recorded: a symbol, or a number where it has no operands."""
    scope = rows_in([text], lambda row: partial(record, trace, row))
    return compile_formula(names, text, scope)(*map(symbol, names.values()))


def differentiated(trace: Trace, further: int = 0) -> tuple[Trace, dict[int, Symbol]]:
    """A trace of the same operations, `further` params behind the others, and the gradients of the slots of `trace`."""
    n, n_leaves = trace.n_params, trace.n_params + trace.n_inputs
    made = Trace(n + further, trace.n_inputs, [*trace.labels[:n], *[""] * further, *trace.labels[n:]])
    moved = [*range(n), *range(n + further, n_leaves + further)]  # the slot of each slot of `trace`

    def symbol(place: int) -> Symbol:
        return Symbol(made, moved[place] if place >= 0 else made.constant(trace.constants[~place]))

    for row, operands, label in trace.operations:
        moved.append(made.operation(row, tuple([symbol(k).place for k in operands]), label))
    made.root = symbol(trace.root).place
    gradients: dict[int, Symbol] = {trace.root: Symbol(made, made.constant(1.0))}
    for slot in range(len(moved) - 1, n_leaves - 1, -1):
        if slot in gradients:
            row, operands, _ = trace.operations[slot - n_leaves]
            width = len(operands) // len(row.operands)
            for k, operand in enumerate(operands):
                text = row.partials[k // width]
                if operand >= 0 and text != "0":
                    names = dict(zip(row.operands, operands[k % width :: width], strict=True)) | {"out": slot}
                    term = gradients[slot] * evaluated(made, text, names, symbol)
                    gradients[operand] = gradients[operand] + term if operand in gradients else term
    return made, gradients


def gradient(trace: Trace, wrt: Sequence[int]) -> Trace:
    """The trace whose outputs are the derivatives of the root for the leaves in `wrt`.

    >>> from tinygrad_edu.engine import Value
    >>> from tinygrad_edu.replay.trace import recorded
    >>> a, b = Value(2.0), Value(3.0)
    >>> made = gradient(recorded(a * b.sin(), [a, b], []), [0, 1])
    >>> [operation.row.name for operation in made.operations], made.outputs
    (['sin', 'mul', 'cos', 'mul'], [2, 5])
    """
    made, gradients = differentiated(trace)
    return made.finish(made.root, [gradients[k].place if k in gradients else made.constant(0.0) for k in wrt])


def directional(trace: Trace) -> Trace:
    """Σ ∂root/∂param · vector, as a trace whose params are those of `trace` and then the vector.

    Its gradient for the params is the Hessian times the vector.

    >>> from tinygrad_edu.engine import Value
    >>> from tinygrad_edu.replay.trace import recorded
    >>> x = Value(0.0)
    >>> [operation.row.name for operation in directional(recorded(x.sin(), [x], [])).operations]
    ['cos', 'dot']
    """
    n = trace.n_params
    made, gradients = differentiated(trace, further=n)
    slopes = [(gradients[k], Symbol(made, n + k)) for k in range(n) if k in gradients]
    if not slopes:
        return made.finish(made.constant(0.0))
    return made.finish(record(made, TABLE["dot"], *[g for g, _ in slopes], *[v for _, v in slopes]).place)
