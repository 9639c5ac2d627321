"""The chain rule as a sum over paths: each path from a root to a Value, its factors and their product.

The number of paths grows exponentially with depth, so they are never all visited: the largest are found best first,
the others are counted with integers and summed by forward accumulation.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import cached_property
from heapq import heappop, heappush
from math import fsum, inf, isfinite, log, prod
from sys import float_info
from typing import NamedTuple, Optional

from tinygrad_edu.engine import (
    Value,
    check_recorded,
    dependents,
    described,
    edges,
    operand_numbers,
    require_finite,
    title,
    topological,
)
from tinygrad_edu.engine.formulas import partials_on_floats

epsilon = float_info.epsilon


class Edge(NamedTuple):
    """One step of a path, from a node to one that it is made of, and the derivative ∂upper/∂lower on it.

    `operand` is the number of the operand where the step is one operation; None where it may lead over several.
    """

    upper: Value
    lower: Value
    factor: float
    operand: int | None = None


Chain = Optional[tuple[Edge, "Chain"]]  # noqa: UP045  evaluated at run time


class Path(NamedTuple):
    """A way from the root down to a Value."""

    edges: tuple[Edge, ...]

    @property
    def product(self) -> float:
        """What this path adds to the derivative."""
        return prod(edge.factor for edge in self.edges)


class Paths:
    """Every path from `root` down to `wrt`.

    Arguments:
        root, wrt: where the paths begin and end.
        stations: the nodes that a path names; between two of them it may lead over several operations, whose paths
            are one step with one factor, the sum over them. None for every operation.

    Attributes:
        every_operation: whether each step is one.
        count: how many paths there are.
        gradient: ∂root/∂wrt, by reverse accumulation over the operations.
        total: the sum of the products of all paths, by forward accumulation over the steps.

    Raises ValueError where the data were changed since they were recorded, and where the root or a derivative is not
    finite; what `Value.backward` raises where a derivative does not exist.
    """

    def __init__(self, root: Value, wrt: Value, stations: Container[Value] | None = None) -> None:
        self.root, self.wrt = root, wrt
        self.tape = topological(root)
        check_recorded(root)
        require_finite([root], self.tape)
        self.between = dependents(self.tape, [wrt])  # wrt and all that depends on it
        self.down = [node for node in reversed(self.tape) if node in self.between and node is not wrt]
        self.operations = {node: list(self.local(node)) for node in self.down}
        adjoints = accumulated(root, self.down, self.operations)
        self.gradient = adjoints.get(wrt, 0.0)
        self.every_operation = stations is None
        if stations is None:
            self.stations = self.down
            self.steps = self.operations
        else:
            self.stations = [node for node in self.down if node is root or node in stations]
            self.rank = {node: k for k, node in enumerate(self.down)}
            self.ends = {wrt, *self.stations}
            self.steps = {node: list(self.leaps(node)) for node in self.stations}
        self.count = self.counted()
        self.total = self.summed()

    def local(self, node: Value) -> Iterator[Edge]:
        """The edges of one operation that lead on to `wrt`."""
        for k, parent, partial in edges(
            node, partials_on_floats(node.op), operand_numbers(node), node.data, self.between
        ):
            if not isfinite(partial):
                raise ValueError(
                    f"the derivative of {title(node.op)} for {described(parent)} is {partial}: no path can be weighed"
                )
            yield Edge(node, parent, partial, k)

    def region(self, station: Value) -> list[Value]:
        """A station and the operations between it and the next stations, each before its operands."""
        found = {station}
        stack = [station]
        while stack:
            for edge in self.operations[stack.pop()]:
                if edge.lower not in self.ends and edge.lower not in found:
                    found.add(edge.lower)
                    stack.append(edge.lower)
        return sorted(found, key=self.rank.__getitem__)

    def leaps(self, station: Value) -> Iterator[Edge]:
        """The steps from a station to the next ones."""
        for lower, factor in accumulated(station, self.region(station), self.operations).items():
            if lower in self.ends and lower is not station:
                yield Edge(station, lower, factor)

    def within(self, edge: Edge) -> list[Edge]:
        """The operations that a step leads over, from its upper end to its lower."""
        if edge.operand is not None:
            return [edge]
        region = self.region(edge.upper)
        leading = {edge.lower}
        for node in reversed(region):
            if any(below.lower in leading for below in self.operations[node]):
                leading.add(node)
        return [
            below for node in region if node in leading for below in self.operations[node] if below.lower in leading
        ]

    def summed(self) -> float:
        """The sum over all paths of their products."""
        tangents: dict[Value, float] = {self.wrt: 1.0}
        for node in reversed(self.stations):
            tangents[node] = sum([edge.factor * tangents[edge.lower] for edge in self.steps[node]])
        return tangents.get(self.root, 0.0)

    @cached_property
    def agrees(self) -> bool:
        """Whether the sum over all paths is the gradient, up to the round-off that its terms allow.

        Those of the operations, not of the steps between stations: in one step large terms may have cancelled.
        """
        error = abs(self.total - self.gradient)
        return error <= max(1e-12, 4 * epsilon * len(self.down)) * self.scale()

    def scale(self) -> float:
        """The sum over all paths through the operations of |product|."""
        return accumulated(self.root, self.down, self.operations, abs).get(self.wrt, 0.0)

    def rest(self, listed: list[Path]) -> float:
        """The sum over the paths that are not `listed`."""
        if len(listed) == self.count:
            return 0.0
        return fsum([self.total, *(-path.product for path in listed)])

    def counted(self) -> int:
        """The number of paths, which may have thousands of digits: no more of them are kept than needed."""
        ways = {self.root: 1}
        for node in self.stations:
            here = ways.pop(node, 0)
            for edge in self.steps[node]:
                ways[edge.lower] = ways.get(edge.lower, 0) + here
        return ways.get(self.wrt, 0)

    def largest(self) -> Iterator[Path]:
        """The paths, the largest |product| first, found one by one without looking at those that follow.

        Each node's steps are sorted by the largest |product| that a path over them can still have. The best path takes
        the first step everywhere; every other path deviates from a better one for the first time at some step, to the
        next in order. Logarithms keep long products from underflowing.
        """
        if not self.count:
            return
        best: dict[Value, float] = {self.wrt: 0.0}
        steps: dict[Value, list[tuple[float, Edge]]] = {}
        for node in reversed(self.stations):
            weighed = [(magnitude(edge.factor) + best[edge.lower], edge) for edge in self.steps[node]]
            steps[node] = sorted(weighed, key=lambda step: -step[0])
            best[node] = steps[node][0][0] if weighed else -inf
        # A path begun: the logarithm of its best product, a number, the logarithm so far, its edges as a chain, and
        # which of the next node's steps to take.
        heap: list[tuple[float, int, float, Chain, int]] = [(-best[self.root], 0, 0.0, None, 0)]
        found = 1  # among equals the one found first
        while heap:
            _, _, weight, begun, choice = heappop(heap)
            node = begun[0].lower if begun else self.root
            while node is not self.wrt:
                if choice + 1 < len(steps[node]):
                    found += 1
                    heappush(heap, (-(weight + steps[node][choice + 1][0]), found, weight, begun, choice + 1))
                edge = steps[node][choice][1]
                begun, weight, node, choice = (edge, begun), weight + magnitude(edge.factor), edge.lower, 0
            yield Path(unchained(begun))


def unchained(chain: Chain) -> tuple[Edge, ...]:
    edges = []
    while chain:
        edge, chain = chain
        edges.append(edge)
    return tuple(reversed(edges))


def magnitude(factor: float) -> float:
    return log(abs(factor)) if factor else -inf


def accumulated(
    start: Value, down: list[Value], steps: Mapping[Value, Iterable[Edge]], of: Callable[[float], float] = float
) -> dict[Value, float]:
    """∂start/∂node for each node below `start`: the sum over the ways to it of the products of `of(factor)`.

    `down` holds the nodes to pass through, each before its operands; `steps` what leads on from each.
    """
    adjoints = {start: 1.0}
    for node in down:
        if node in adjoints:
            for edge in steps[node]:
                adjoints[edge.lower] = adjoints.get(edge.lower, 0.0) + adjoints[node] * of(edge.factor)
    return adjoints
