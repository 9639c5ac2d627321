"""The NumPy backend: recovered arrays, or a column of numbers for each scalar of a graph that is irregular."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache, cached_property
from operator import mul
from typing import Any, NamedTuple

from tinygrad_edu.engine.formulas import bind
from tinygrad_edu.replay.array_gradients import ArrayGradients
from tinygrad_edu.replay.array_source import ArraySource
from tinygrad_edu.replay.arrays import ArrayProgram, np
from tinygrad_edu.replay.libraries import HELPERS, LIBRARIES, definitions
from tinygrad_edu.replay.recovery import Recovery, is_irregular, rolled
from tinygrad_edu.replay.rolling import Graph

NUMBERS_IN_CACHE = 2**17  # what a block of examples may hold
LEAST = 256  # examples in a block, for the sake of products of matrices


class Way(NamedTuple):
    """A function of the params and of examples in columns, (k, n).

    It gives what is summed over them, in the end divided by their number, and then one column for each.
    """

    function: Callable[..., Any]
    n_summed: int
    size: int  # as many examples at a time
    exact: bool = True  # otherwise nan and inf may not be those of the graph
    own: bool = True  # whether what is summed are arrays of its own


class NumpyProgram(ArrayProgram):
    """Runs a block of examples at a time.

    Each example is a column, so that operations run along contiguous memory. What is not `exact` computes a little more
    than the graph does; where nan or inf come out, they may come from there, and the columns decide.
    """

    backend = "numpy"
    source_of: Callable[..., ArraySource] = ArrayGradients

    def __call__(self, params: Any, inputs: Any = ()) -> tuple[Any, ...]:
        params, inputs = self.numbers(params, inputs)
        return self.run("each" if self.has_own_results(inputs) else "reduced", params, inputs)

    def forward(self, params: Any, inputs: Any = ()) -> Any:
        self.require_outputs()
        return self.run("outputs", *self.numbers(params, inputs))[0]

    def run(self, what: str, params: Any, inputs: Any) -> tuple[Any, ...]:
        with np.errstate(all="ignore"):  # nan and inf are results
            if not self.irregular and not self.clashes:
                found = self.by_arrays(what, params, inputs)
                if getattr(self, what).exact or all(math.isfinite(np.vdot(x, x)) for x in found):
                    return found
            return self.by_columns(what, params, inputs)

    def by_arrays(self, what: str, params: Any, inputs: Any) -> tuple[Any, ...]:
        return self.in_blocks(getattr(self, what), params, inputs)

    def by_columns(self, what: str, params: Any, inputs: Any) -> tuple[Any, ...]:
        return self.in_blocks(self.lines(what), params, inputs)

    def in_blocks(self, way: Way, params: Any, inputs: Any) -> tuple[Any, ...]:
        """The results for all examples."""
        batch = inputs if inputs.ndim == 2 else inputs[None]
        blocks = [batch[start : start + way.size] for start in range(0, len(batch), way.size)]
        results = [*zip(*[way.function(params, block.T) for block in blocks], strict=True)]
        if len(blocks) == 1 and way.own:
            summed = [parts[0] for parts in results[: way.n_summed]]
        else:
            shares = [len(block) / len(batch) if self.reduce == "mean" else 1.0 for block in blocks]
            summed = [sum(map(mul, shares, parts)) for parts in results[: way.n_summed]]
        beside = [np.concatenate(parts, -1).T for parts in results[way.n_summed :]]
        summed[:1] = map(float, summed[:1])
        return (*summed, *(beside if inputs.ndim == 2 else (part[0] for part in beside)))

    @cached_property
    def irregular(self) -> bool:
        return is_irregular(self.graph)

    @cached_property
    def graph(self) -> Graph:
        return rolled(self.trace, [self.trace.root])

    def has_own_results(self, inputs: Any) -> bool:
        """Whether nothing is summed over the examples."""
        return self.reduce is None and bool(inputs.ndim == 2)

    # Arrays: what is run.

    @cached_property
    def reduced(self) -> Way:
        plan = Recovery(self.trace, self.graph, [*range(self.trace.n_params), *self.also])
        function = self.defining(self.source_of(plan, self.also, self.reduce or "mean"))
        return way(plan, function, 2, own=self.reduce == "mean" and plan.roots.varying)  # divided by N

    @cached_property
    def each(self) -> Way:
        """For examples that have each its own params, as further inputs, since nothing is summed over them."""
        p, also = self.trace.n_params, [*range(self.trace.n_params), *self.also]
        plan = Recovery(replace(self.trace, n_params=0, n_inputs=self.trace.n_leaves), self.graph, also)
        function = self.defining(self.source_of(plan, also, None))

        def each(params: Any, block: Any) -> tuple[Any, ...]:
            columns = np.vstack([np.repeat(params[:, None], block.shape[1], axis=1), block])
            values, _, *gradients = function(params[:0], columns)
            found = np.vstack([columns[:0], *gradients])  # there is none without params
            return (values, found[:p], found[p:])[: 3 if self.also else 2]

        return way(plan, each, 0)

    @cached_property
    def outputs(self) -> Way:
        plan = Recovery(self.trace, rolled(self.trace, self.trace.outputs))
        return way(plan, self.defining(ArraySource(plan)), 0)

    def defining(self, source: ArraySource) -> Callable[..., Any]:
        """The function that a source defines."""
        scope = self.libraries() | {name: self.constant(array) for name, array in source.constants.items()}
        scope |= self.defined("\n".join(definitions(source.text, self.backend, scope)), scope, "calls")
        function: Callable[..., Any] = self.defined(source.text, scope, "arrays")[source.function]
        return function

    def constant(self, array: Any) -> Any:
        """A table of indices, a mask or numbers, as the functions take it."""
        return array

    def libraries(self) -> dict[str, Any]:
        """The modules in whose words the functions are written."""
        return {"np": np}

    # Columns: the source of the program, line by line.

    def lines(self, what: str) -> Way:
        outputs = what == "outputs"
        function = self.functions["forward" if outputs else "program"]

        def computed(params: Any, block: Any) -> tuple[Any, ...]:
            n = block.shape[1]
            found = function(list(params), list(np.ascontiguousarray(block)))
            value, gradient, *beside = ([], [], found) if outputs else found
            beside = [rows(columns, n) for columns in beside]
            if what == "reduced":
                share = n if self.reduce == "mean" else 1
                return (total(value, n) / share, np.array([total(x, n) / share for x in gradient], float), *beside)
            return (*([] if outputs else [rows([value], n)[0], rows(gradient, n)]), *beside)

        size = max(64, NUMBERS_IN_CACHE // (2 * len(self.trace.operations) + 1))
        return Way(computed, 2 * (what == "reduced"), size)

    @cached_property
    def functions(self) -> dict[str, Any]:
        return self.defined(self.source, self.scope(on_numpy()), "NumPy")


def way(plan: Recovery, function: Callable[..., Any], n_summed: int, own: bool = True) -> Way:
    """That of arrays, blocks of which stay in the cache."""
    return Way(function, n_summed, max(LEAST, NUMBERS_IN_CACHE // plan.numbers_an_example), plan.exact, own)


@cache
def on_numpy() -> Any:
    primitives: dict[str, Any] = {"np": np}
    exec("\n".join(definitions(" ".join({*LIBRARIES["numpy"]} - HELPERS), "numpy")), primitives)
    return bind(primitives, "NumPy")


def rows(columns: Any, n: int) -> Any:
    """Numbers for n examples each, or one for all of them, as (len(columns), n)."""
    made = np.empty((len(columns), n))
    for k, column in enumerate(columns):
        made[k] = column
    return made


def total(column: Any, n: int) -> Any:
    """The sum over n examples of a column, or of one number that is the same for all."""
    return column.sum() if getattr(column, "ndim", 0) else column * n
