"""The gradient of a trace is a trace again: the partials of the table, recorded as operations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

from tinygrad_edu.engine import TABLE, Row
from tinygrad_edu.engine.formulas import once_a_row, partials, sums
from tinygrad_edu.engine.languages import Arithmetic
from tinygrad_edu.replay.primitives import Ieee, on_ieee
from tinygrad_edu.replay.rolling import flows
from tinygrad_edu.replay.trace import Recorder, Trace


class Symbol(Arithmetic):
    """A number that a trace computes: what is done with it is recorded, and nothing is computed."""

    __slots__ = ("place", "recorder")

    def __init__(self, recorder: Recorder, place: int) -> None:
        self.recorder, self.place = recorder, place

    def infix(self, name: str, left: Any, right: Any) -> Any:
        return record(TABLE[name], left, right)

    def __neg__(self) -> Symbol:
        return record(TABLE["neg"], self)  # type: ignore[no-any-return]


def record(row: Row, *operands: Any) -> Any:
    """Record an operation on symbols and numbers; on numbers alone it is done."""
    recorder = next((x.recorder for x in operands if isinstance(x, Symbol)), None)
    if recorder is None:
        return float(on_ieee(row)(*map(Ieee, operands)))
    places = [x.place if isinstance(x, Symbol) else recorder.constant(float(x)) for x in operands]
    return Symbol(recorder, recorder.operation(row, tuple(places)))


@once_a_row
def recorded_partials(row: Row) -> tuple[Callable[..., Any], ...]:
    """The partials as functions of symbols that record what they do."""
    return partials(row, lambda used: (lambda xs: record(used, *xs)) if used.many else partial(record, used))


def adjoints(
    trace: Trace,
    wrt: Collection[int],
    one: Any,
    term: Callable[[int, Any, int, Sequence[int]], Any],
    plus: Callable[[int, Any, Any], Any] = lambda slot, total, term: total + term,
    complete: Callable[[int, Any], Any] = lambda slot, total: total,
) -> dict[int, Any]:
    """The reverse sweep: for each slot the sum, over what uses it, of the user's adjoint times a partial.

    Arguments:
        wrt: slots; only what a gradient flows through, from the root to these, has an adjoint.
        one: the adjoint of the root. Any kind of number will do: symbols record the gradient, texts write it.
        term: of a slot, its adjoint, the number of a partial of its row, and the operands for it: their product.
        plus: adds a term to a slot's sum.
        complete: what stands for a slot's sum, once it has all its terms.
    """
    nodes = dict(enumerate(trace.operations, start=trace.n_leaves))
    found, active = {trace.root: one}, flows(nodes, trace.root, wrt)
    for slot in reversed(nodes):
        if slot in active:
            row, operands = nodes[slot]
            adjoint = found[slot] = complete(slot, found[slot])
            for k, operand in enumerate(operands):
                if operand in active:
                    number, beside = row.place(operands, k)
                    if row.partials[number] != "0":
                        more = term(slot, adjoint, number, beside)
                        found[operand] = plus(operand, found[operand], more) if operand in found else more
    return found


def differentiated(
    trace: Trace, wrt: Collection[int], params: int = 0, inputs: int = 0
) -> tuple[Recorder, dict[int, Symbol]]:
    """A recorder of the same operations, with further params and inputs, and the adjoints of the slots of `trace`."""
    trace.check_rows()
    n, n_leaves = trace.n_params, trace.n_leaves
    labels = [*trace.labels[:n], *[""] * params, *trace.labels[n:n_leaves], *[""] * inputs]
    made = Recorder(n + params, trace.n_inputs + inputs, labels)
    moved = [*range(n), *range(n + params, n_leaves + params)]  # the slot of each slot of `trace`

    def place(k: int) -> int:
        return moved[k] if k >= 0 else made.constant(trace.constants[~k])

    for (row, operands), label in zip(trace.operations, trace.labels[n_leaves:], strict=True):
        moved.append(made.operation(row, tuple([place(k) for k in operands]), label))
    made.trace.root = place(trace.root)

    known: dict[tuple[int, int], list[Symbol]] = {}

    def term(slot: int, adjoint: Symbol, number: int, operands: Sequence[int]) -> Symbol:
        row, of_all = trace.operations[slot - n_leaves]
        function = recorded_partials(row)[number]
        if (slot, number) not in known:
            groups = row.groups([Symbol(made, place(k)) for k in of_all]) if hasattr(function, "sums") else []
            known[slot, number] = sums(function, groups, Symbol(made, place(slot)))
        found: Symbol = function(*[Symbol(made, place(k)) for k in (*operands, slot)], *known[slot, number])
        return adjoint * found

    return made, adjoints(trace, wrt, Symbol(made, made.constant(1.0)), term)


def gradient(trace: Trace, wrt: Sequence[int]) -> Trace:
    """The trace whose outputs are the derivatives of the root for the leaves in `wrt`.

    >>> from tinygrad_edu.engine import Value
    >>> from tinygrad_edu.replay.trace import recorded
    >>> a, b = Value(2.0), Value(3.0)
    >>> made = gradient(recorded(a * b.sin(), [a, b], []), [0, 1])
    >>> [operation.row.name for operation in made.operations], made.outputs
    (['sin', 'mul', 'cos', 'mul'], [2, 5])
    """
    made, gradients = differentiated(trace, wrt)
    return made.trace.only(made.trace.root, [gradients[k].place if k in gradients else made.constant(0.0) for k in wrt])


def directional(trace: Trace, of_examples: bool = False) -> Trace:
    """Σ ∂root/∂param · vector, as a trace in which the vector stands behind the params, or behind the inputs.

    Its gradient for the params is the Hessian times the vector; `of_examples`, each example has a vector of its own.

    >>> from tinygrad_edu.engine import Value
    >>> from tinygrad_edu.replay.trace import recorded
    >>> x = Value(0.0)
    >>> [operation.row.name for operation in directional(recorded(x.sin(), [x], [])).operations]
    ['cos', 'dot']
    """
    n = trace.n_params
    made, gradients = differentiated(trace, range(n), **{"inputs" if of_examples else "params": n})
    first = trace.n_leaves if of_examples else n
    slopes = [(gradients[k], Symbol(made, first + k)) for k in range(n) if k in gradients]
    if not slopes:
        return made.trace.only(made.constant(0.0))
    return made.trace.only(record(TABLE["dot"], *[g for g, _ in slopes], *[v for _, v in slopes]).place)
