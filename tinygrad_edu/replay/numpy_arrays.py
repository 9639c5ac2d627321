"""The NumPy backend: recovered arrays, or a column of numbers for each scalar of a graph that is irregular."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, cached_property
from typing import Any, NamedTuple

from tinygrad_edu.engine.formulas import bind
from tinygrad_edu.replay.array_source import ArraySource, with_gradient
from tinygrad_edu.replay.arrays import ArrayProgram, np
from tinygrad_edu.replay.libraries import HELPERS, LIBRARIES, definitions
from tinygrad_edu.replay.recovery import Recovery, is_irregular, rolled
from tinygrad_edu.replay.rolling import Graph

NUMBERS_IN_CACHE = 2**17  # what a block of examples may hold
LEAST = 256  # examples in a block, for the sake of products of matrices


class Recovered(NamedTuple):
    """Arrays that are recovered, and the function that computes them."""

    plan: Recovery
    function: Callable[..., Any]


class NumpyProgram(ArrayProgram):
    """Runs a block of examples at a time.

    Each example is a column, so that operations run along contiguous memory. What is not `exact` computes a little more
    than the graph does; where nan or inf come out, they may come from there, and the columns decide.
    """

    backend = "numpy"
    functional = False  # whether arrays are never changed in place

    def __call__(self, params: Any, inputs: Any = ()) -> tuple[Any, ...]:
        params, inputs = self.numbers(params, inputs)
        with np.errstate(all="ignore"):  # nan and inf are results
            if self.irregular or self.clashes:
                return self.by_columns(params, inputs)
            found = self.by_arrays(params, inputs)
            if not self.recovered(inputs).plan.exact and not all(math.isfinite(np.vdot(x, x)) for x in found):
                return self.by_columns(params, inputs)
            return found

    def by_arrays(self, params: Any, inputs: Any) -> tuple[Any, ...]:
        if self.has_own_results(inputs):
            return self.each_by_arrays(params, inputs)
        batch, plan = inputs if inputs.ndim == 2 else inputs[None], self.reduced.plan
        divided = self.reduce == "mean" and plan.roots.varying  # by N, so that the gradient is an array of its own
        value: Any = 0.0
        gradient: Any = None
        beside: list[list[Any]] = []
        for block in self.blocks(batch, plan):
            v, g, *also = self.run(self.reduced, params, block)
            share = block.shape[1] / len(batch) if self.reduce == "mean" else 1.0
            value, g = value + share * v, g if share == 1 and divided else share * g  # it may be a view
            gradient = g if gradient is None else gradient + g
            beside.append([part.T for part in also])
        joined = [np.concatenate(parts) for parts in zip(*beside, strict=True)]
        return (float(value), gradient, *(joined if inputs.ndim == 2 else (part[0] for part in joined)))

    def each_by_arrays(self, params: Any, inputs: Any) -> tuple[Any, ...]:
        values, found = [], []
        for block in self.blocks(inputs, self.each.plan):
            n = block.shape[1]
            columns = np.vstack([np.repeat(params[:, None], n, axis=1), block])
            value, _, *gradients = self.run(self.each, params[:0], columns)
            values.append(np.broadcast_to(value, n))
            found.append(np.vstack([columns[:0], *gradients]).T)  # there is none without params
        p, rows = len(params), np.concatenate(found)
        return (np.concatenate(values), rows[:, :p], rows[:, p:])[: 3 if self.also else 2]

    def forward(self, params: Any, inputs: Any = ()) -> Any:
        self.require_outputs()
        params, inputs = self.numbers(params, inputs)
        with np.errstate(all="ignore"):
            if self.irregular or self.clashes:
                return self.forward_by_columns(params, inputs)
            parts = []
            for block in self.blocks(np.atleast_2d(inputs), self.outputs.plan):
                part = self.run(self.outputs, params, block)
                parts.append(part.T if part.ndim == 2 else np.broadcast_to(part, (block.shape[1], len(part))))
            found = np.concatenate(parts)
            if not self.outputs.plan.exact and not np.isfinite(found).all():
                return self.forward_by_columns(params, inputs)
            return found[0] if inputs.ndim == 1 else found

    def blocks(self, batch: Any, plan: Recovery) -> Iterator[Any]:
        size = max(LEAST, NUMBERS_IN_CACHE // plan.numbers_an_example)
        for start in range(0, len(batch), size):
            yield batch[start : start + size].T

    def run(self, recovered: Recovered, params: Any, block: Any) -> Any:
        """The results for examples in columns."""
        return recovered.function(params, block)

    # What is run.

    @cached_property
    def irregular(self) -> bool:
        return is_irregular(self.graph)

    @cached_property
    def graph(self) -> Graph:
        return rolled(self.trace, [self.trace.root])

    def recovered(self, inputs: Any) -> Recovered:
        """What runs for these inputs."""
        return self.each if self.has_own_results(inputs) else self.reduced

    def has_own_results(self, inputs: Any) -> bool:
        """Whether nothing is summed over the examples."""
        return self.reduce is None and bool(inputs.ndim == 2)

    @cached_property
    def reduced(self) -> Recovered:
        return self.defining(with_gradient(self.trace, self.graph, self.also, self.reduce or "mean", self.functional))

    @cached_property
    def each(self) -> Recovered:
        """For examples that have each its own params, as further inputs, since nothing is summed over them."""
        trace = replace(self.trace, n_params=0, n_inputs=self.trace.n_leaves)
        also = [*range(self.trace.n_params), *self.also]
        return self.defining(with_gradient(trace, self.graph, also, None, self.functional))

    @cached_property
    def outputs(self) -> Recovered:
        plan = Recovery(self.trace, rolled(self.trace, self.trace.outputs))
        return self.defining(ArraySource(plan, functional=self.functional, gradient=False))

    def defining(self, source: ArraySource) -> Recovered:
        """The plan of a source, and the function that it defines."""
        scope = self.libraries() | {name: self.constant(array) for name, array in source.constants.items()}
        scope |= self.defined("\n".join(definitions(source.text, self.backend, scope)), scope, "calls")
        return Recovered(source.plan, self.defined(source.text, scope, "arrays")[source.function])

    def constant(self, array: Any) -> Any:
        """A table of indices, a mask or numbers, as the functions take it."""
        return array

    def libraries(self) -> dict[str, Any]:
        """The modules in whose words the functions are written."""
        return {"np": np}

    # Columns: the source of the program, line by line.

    def by_columns(self, params: Any, inputs: Any) -> tuple[Any, ...]:
        reduced = self.reduce is not None and inputs.ndim == 2
        parts = []
        for n, (value, gradient, *also) in self.columns("program", params, inputs):
            also = [rows(column, n) for column in also]
            if reduced:
                parts.append((total(value, n), np.array([total(x, n) for x in gradient], float), *also))
            else:
                parts.append((rows([value], n)[:, 0], rows(gradient, n), *also))
        values, gradients, *also = zip(*parts, strict=True)
        also = [np.concatenate(part) for part in also]
        if inputs.ndim == 1:
            return (float(values[0][0]), gradients[0][0], *(part[0] for part in also))
        if not reduced:
            return (np.concatenate(values), np.concatenate(gradients), *also)
        share = len(inputs) if self.reduce == "mean" else 1
        return (float(sum(values)) / share, sum(gradients) / share, *also)

    def forward_by_columns(self, params: Any, inputs: Any) -> Any:
        parts = [rows(outputs, n) for n, outputs in self.columns("forward", params, inputs)]
        return parts[0][0] if inputs.ndim == 1 else np.concatenate(parts)

    def columns(self, name: str, params: Any, inputs: Any) -> Iterator[tuple[int, Any]]:
        """The results of a function of the source for each block of examples, and how many they are."""
        batch = np.atleast_2d(inputs)
        size = max(64, NUMBERS_IN_CACHE // (2 * len(self.trace.operations) + 1))
        for start in range(0, len(batch), size):
            block = batch[start : start + size]
            yield len(block), self.functions[name](list(params), list(np.ascontiguousarray(block.T)))

    @cached_property
    def functions(self) -> dict[str, Any]:
        return self.defined(self.source, self.scope(on_numpy()), "NumPy")


@cache
def on_numpy() -> Any:
    primitives: dict[str, Any] = {"np": np}
    exec("\n".join(definitions(" ".join({*LIBRARIES["numpy"]} - HELPERS), "numpy")), primitives)
    return bind(primitives, "NumPy")


def rows(columns: Any, n: int) -> Any:
    """Columns, or numbers for the whole column, as (n, columns)."""
    made = np.empty((n, len(columns)))
    for k, column in enumerate(columns):
        made[:, k] = column
    return made


def total(column: Any, n: int) -> Any:
    """The sum over n examples of a column, or of one number that is the same for all."""
    return column.sum() if getattr(column, "ndim", 0) else column * n
