"""A trace rolled up: chains of sums and products as dot products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tinygrad_edu.engine import TABLE, Row
from tinygrad_edu.replay.trace import Trace

ADD, MUL, SQUARE, DOT, SUM = (TABLE[name] for name in ("add", "mul", "square", "dot", "sum"))
COPY = Row("copy", "copy", "x", "1")  # of one number into a row of lanes
LONG = 4  # as many terms of a sum are worth an instruction, or a step, of their own


class Node(NamedTuple):
    """One operation: its row, its operands, and what a sum starts from, a slot or -1."""

    row: Row
    operands: tuple[int, ...]
    start: int = -1


class Graph:
    """What some slots of a trace need, chains of `acc + w * x` rolled up into dot products.

    Slots are numbered anew: params, inputs, constants, operations in an order in which they can run.

    Attributes:
        nodes: for each slot its Node, None for leaves and constants.
        roots: the slots that were asked for.
        varying: for each slot, whether it differs from example to example.
    """

    def __init__(self, trace: Trace, roots: Sequence[int], varying: bool, long: int = LONG) -> None:
        self.long = long
        self.n_params, self.n_leaves = trace.n_params, trace.n_params + trace.n_inputs
        self.constants = [*trace.constants, 1.0]
        self.one = self.n_leaves + len(trace.constants)
        before, shift = self.n_leaves - 1, len(self.constants)
        self.nodes: list[Node | None] = [None] * (self.n_leaves + shift)
        for row, operands, _ in trace.operations:
            slots = tuple([before - k if k < 0 else k if k < self.n_leaves else k + shift for k in operands])
            if row is SQUARE:
                row, slots = MUL, (slots[0], slots[0])
            self.nodes.append(Node(row, slots))
        self.roots = [before - k if k < 0 else k if k < self.n_leaves else k + shift for k in roots]
        self.roll()
        self.varying = self.varying_slots() if varying else [False] * len(self.nodes)

    def constant(self, slot: int) -> float | None:
        """The number of a constant, None for another slot."""
        place = slot - self.n_leaves
        return self.constants[place] if 0 <= place < len(self.constants) else None

    def roll(self) -> None:
        """Make a dot product of each chain of sums and products that nothing else uses; drop what is not needed."""
        nodes, uses = self.nodes, [0] * len(self.nodes)
        for slot in self.roots:
            uses[slot] += 2  # never rolled into another
        for slot in range(len(nodes) - 1, -1, -1):
            node = nodes[slot]
            if node and uses[slot]:
                for operand in node.operands:
                    uses[operand] += 1
        for slot in range(len(nodes) - 1, -1, -1):
            node = nodes[slot]
            if node is None:
                continue
            if not uses[slot]:
                nodes[slot] = None
            elif node.row is ADD:
                self.roll_sum(slot, uses)

    def roll_sum(self, slot: int, uses: list[int]) -> None:
        """Roll up the chain of sums that ends here, if it is worth it."""
        nodes = self.nodes
        inner, terms = [slot], []
        while True:
            left, right = nodes[inner[-1]].operands  # type: ignore[union-attr]
            if self.only_here(left, ADD, uses):
                terms.append(right)
                inner.append(left)
            elif self.only_here(right, ADD, uses):
                terms.append(left)
                inner.append(right)
            else:
                terms += [right, left]
                break
        products = [term for term in terms if self.only_here(term, MUL, uses)]
        dots = [term for term in terms if self.only_here(term, DOT, uses)]
        if not dots and len(products) < 2 and len(terms) < self.long:
            return
        xs: list[int] = []
        ys: list[int] = []
        start = -1
        for term in reversed(terms):
            if self.only_here(term, MUL, uses) or self.only_here(term, DOT, uses):
                operands = nodes[term].operands
                half = len(operands) // 2
                for x, y in zip(operands[:half], operands[half:], strict=True):
                    xs.append(y if y < self.n_leaves <= x else x)  # weights first, as they lie in a row
                    ys.append(x if y < self.n_leaves <= x else y)
                inner.append(term)
            elif self.constant(term) == 0.0:
                continue  # sum() begins with it
            elif start < 0:
                start = term
            else:
                xs.append(self.one)
                ys.append(term)
        if not xs:  # a number and zeros
            xs, ys, start = [self.one], [start], -1
        for term in inner:
            nodes[term] = None
            uses[term] = 0
        nodes[slot] = Node(DOT, (*xs, *ys), start)

    def only_here(self, slot: int, row: Row, uses: list[int]) -> bool:
        node = self.nodes[slot]
        return node is not None and node.row is row and uses[slot] == 1

    def varying_slots(self) -> list[bool]:
        """Which slots differ from example to example; numbers that meet them in one list are made to."""
        nodes, place = self.nodes, range(len(self.nodes))
        varying = [self.n_params <= slot < self.n_leaves for slot in range(len(nodes))]
        self.nodes, moved, lifted = nodes[: self.n_leaves + len(self.constants)], list(place), dict[int, int]()
        found = varying[: len(self.nodes)]

        def lift(slot: int) -> int:
            if found[slot]:
                return slot
            if slot not in lifted:
                lifted[slot] = len(self.nodes)
                self.nodes.append(Node(COPY, (slot,)))
                found.append(True)
            return lifted[slot]

        for slot in range(len(self.nodes), len(nodes)):
            node = nodes[slot]
            if node is None:
                continue
            operands = [moved[k] for k in node.operands]
            start = moved[node.start] if node.start >= 0 else -1
            varies = any([found[k] for k in operands]) or (start >= 0 and found[start])
            if varies and node.row.many:
                if node.row is DOT:
                    operands = uniform_first(operands, found)
                groups = node.row.groups(operands)
                met = [[*map(lift, group)] if any([found[k] for k in group]) else group for group in groups]
                operands = [k for group in met for k in group]
            moved[slot] = len(self.nodes)
            self.nodes.append(Node(node.row, tuple(operands), start))
            found.append(varies)
        self.roots = [lift(moved[slot]) for slot in self.roots]
        return found


def uniform_first(operands: list[int], varying: list[bool]) -> list[int]:
    """The operands of a dot product with each pair in the order uniform, varying."""
    half = len(operands) // 2
    pairs = [
        (y, x) if varying[x] and not varying[y] else (x, y)
        for x, y in zip(operands[:half], operands[half:], strict=True)
    ]
    return [x for x, _ in pairs] + [y for _, y in pairs]


def flows(nodes: Sequence[Node | None], root: int, wrt: Sequence[int]) -> list[bool]:
    """For each slot, whether a gradient flows from the root through it to one of `wrt`."""
    sources = [differentiable(node) if node else () for node in nodes]
    reaches = [False] * len(sources)  # what is differentiated for is reached from here
    for slot in wrt:
        reaches[slot] = True
    for slot, operands in enumerate(sources):
        if operands:
            reaches[slot] = True in [reaches[k] for k in operands]
    found = [False] * len(sources)
    if wrt:
        found[root] = reaches[root]
    for slot in range(len(sources) - 1, -1, -1):
        if found[slot]:
            for k in sources[slot]:
                found[k] = reaches[k]
    return found


def differentiable(node: Node) -> Sequence[int]:
    """The operands that a gradient may flow to: those whose partial is not 0."""
    row, operands, start = node
    if "0" in row.partials:
        groups = zip(row.partials, row.groups(operands), strict=True)
        operands = tuple([k for text, group in groups if text != "0" for k in group])
    return operands if start < 0 else (start, *operands)


def sides(node: Node) -> list[tuple[int, ...]]:
    """The operands as first and second factors, or as the terms of a sum."""
    half = len(node.operands) // 2
    return [node.operands[:half], node.operands[half:]] if node.row in (DOT, MUL) else [node.operands]
