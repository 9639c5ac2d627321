"""What a gradient costs on a graph, by each way of computing it: why backpropagation, and why in topological order."""

from __future__ import annotations

from collections import Counter
from math import log10
from typing import Any, NamedTuple

from tinygrad_edu.engine import Value, leaves, topological
from tinygrad_edu.show.backward import to_show

AT_ONCE = 2**13  # leaves


class Cost(NamedTuple):
    """How many operations a way of differentiating takes, once the local derivatives are known."""

    multiplications: int
    additions: int


class Costs(NamedTuple):
    """The cost of all derivatives ∂root/∂leaf, by each way to compute them.

    reverse: from the root down in topological order, each node once: backpropagation.
    forward: from each leaf up in topological order, one pass a leaf, through the nodes that depend on it.
    unordered: from the root down without an order, each contribution passed on at once, before the others are in.
    paths: every path multiplied out on its own, and the products added.
    """

    reverse: Cost
    forward: Cost
    unordered: Cost
    paths: Cost

    def __str__(self) -> str:
        names = {
            "reverse": "reverse mode, in topological order",
            "forward": "forward mode, a pass for each leaf",
            "unordered": "reverse mode without an order",
            "paths": "path by path",
        }
        rows = [["", "multiplications", "additions"]]
        rows += [[names[way], *map(large, cost)] for way, cost in self._asdict().items()]
        widths = [max(len(row[k]) for row in rows) for k in range(3)]
        return "\n".join(f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}" for row in rows)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # what a notebook shows
        printer.text(str(self))


def count_operations(root: Value) -> Costs:
    """Count what the gradient of `root` for all its leaves costs on this very graph, by each way of computing it.

    >>> x = Value(1.1, "x")
    >>> y = x
    >>> for _ in range(10):
    ...     y = y * y
    >>> print(count_operations(y))
                                        multiplications  additions
    reverse mode, in topological order               18         10
    forward mode, a pass for each leaf               18         10
    reverse mode without an order                 2,044      2,036
    path by path                                  9,216      1,023

    A product with the 1 that a pass starts from and a sum with nothing are not counted, nor are the local derivatives
    themselves, which every way needs once. An operand slot is an edge: x * x has two.

    Raises TypeError for what is no Value.
    """
    tape = topological(to_show(root))
    edges = {node: [parent for parent in node.parents if isinstance(parent, Value)] for node in tape}
    count = sum(map(len, edges.values()))
    received = len({parent for parents in edges.values() for parent in parents})
    reverse = Cost(count - len(edges.get(root, [])), count - received)
    return Costs(reverse, forward(root, tape, edges), *unshared(root, tape, edges))


def forward(root: Value, tape: list[Value], edges: dict[Value, list[Value]]) -> Cost:
    """So many leaves at a time, or the bits of all of them would fill the memory."""
    of_all = leaves(root)
    parts = [forward_of(of_all[k : k + AT_ONCE], tape, edges) for k in range(0, len(of_all), AT_ONCE)]
    return Cost(sum(part.multiplications for part in parts), sum(part.additions for part in parts))


def forward_of(some: list[Value], tape: list[Value], edges: dict[Value, list[Value]]) -> Cost:
    """One bit a leaf tells which leaves a node depends on; a node's bits are dropped after its last use."""
    depends = {leaf: 1 << k for k, leaf in enumerate(some)}
    uses = Counter(parent for parents in edges.values() for parent in parents)
    active = seeds = sums = 0
    for node in tape:
        found = 0
        for parent in edges[node]:
            if bits := depends.get(parent, 0):
                found |= bits
                active += bits.bit_count()
                seeds += not parent.parents
            uses[parent] -= 1
            if parent.parents and not uses[parent]:
                depends.pop(parent, None)
        if found:
            depends[node] = found
            sums += found.bit_count()
    return Cost(active - seeds, active - sums)


def unshared(root: Value, tape: list[Value], edges: dict[Value, list[Value]]) -> tuple[Cost, Cost]:
    """Without an order, and path by path. Both visit all paths; the first shares what they have in common at the root.

    The numbers may have thousands of digits: a node's are dropped once they are passed on.
    """
    ways: dict[Value, tuple[int, int]] = {root: (1, 0)}  # the paths from the root, and the sum of their lengths
    passed_on = arrivals = 0
    for node in reversed(tape):
        paths, length = ways.pop(node, (0, 0))
        passed_on += paths * len(edges[node])
        for parent in edges[node]:
            here, total = ways.get(parent, (0, 0))
            ways[parent] = here + paths, total + length + paths
            arrivals += paths
    received = len({parent for parents in edges.values() for parent in parents})
    first = len(edges.get(root, []))
    ends = [both for node, both in ways.items() if node is not root]
    multiplied = sum(length - paths for paths, length in ends)
    return (
        Cost(passed_on - first, arrivals - received),
        Cost(multiplied, sum(paths - 1 for paths, _ in ends)),
    )


def large(count: int) -> str:
    """A count as digits, or as a power of ten where nobody would read them."""
    if count < 10**15:
        return f"{count:,}"
    return f"about 10^{log10(count):.0f}"
