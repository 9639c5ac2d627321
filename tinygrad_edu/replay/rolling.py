"""A trace rolled up: chains of sums and products as dot products."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain

from tinygrad_edu.engine import TABLE, Row
from tinygrad_edu.replay.trace import Operation, Trace

ADD, MUL, SQUARE, DOT, SUM = (TABLE[name] for name in ("add", "mul", "square", "dot", "sum"))
COPY = Row("copy", "copy", "x", "1")  # of one number into a row of lanes
LONG = 4  # as many terms of a sum are worth an instruction, or a step, of their own


class Graph:
    """What some slots of a trace need, chains of `acc + w * x` rolled up into dot products.

    Slots are those of the trace. A list with an entry a slot, `n_slots` long, has those of the constants, whose slots
    are below 0, at its end. A dot product of an odd number of operands starts from the last one.

    Attributes:
        nodes: the operations by their slots, in an order in which they can run.
        constants: their numbers; `one` is the slot of a 1 among them.
        roots: the slots that were asked for.
        varying: the slots that differ from example to example.
    """

    def __init__(
        self, trace: Trace, roots: Sequence[int], varying: bool, long: int = LONG, apart: bool = False
    ) -> None:
        """`apart`: products of leaves do not join a sum with others, as they are the same at each step in time."""
        trace.check_rows()
        self.n_params, self.n_leaves = trace.n_params, trace.n_leaves
        self.constants = [*trace.constants, 1.0]
        self.one = ~len(trace.constants)
        self.n_slots = self.n_leaves + len(trace.operations) + len(self.constants)
        self.roots = [*roots]
        self.nodes: dict[int, Operation] = {}
        self.varying: set[int] = set()
        self.apart = apart
        self.roll(trace, long)
        if varying:
            self.vary()

    def roll(self, trace: Trace, long: int) -> None:
        """Take what is needed, and make one operation of each chain of sums and products that nothing else uses."""
        uses = [0] * self.n_slots
        for slot in self.roots:
            uses[slot] += 2  # never rolled into another
        needed, sums = list[tuple[int, Operation]](), list[int]()
        slot = self.n_leaves + len(trace.operations)
        for node in reversed(trace.operations):
            slot -= 1
            if uses[slot]:
                if node.row is SQUARE:
                    node = Operation(MUL, node.operands * 2)
                for operand in node.operands:
                    uses[operand] += 1
                needed.append((slot, node))
                if node.row is ADD or node.row is SUM:
                    sums.append(slot)
        self.nodes.update(reversed(needed))
        for slot in sums:
            if slot in self.nodes:
                self.roll_sum(slot, uses, long)

    def roll_sum(self, slot: int, uses: Sequence[int], long: int) -> None:
        """Roll up the chain of sums that ends here, if it is worth it."""
        nodes = self.nodes

        def only_here(slot: int, row: Row) -> bool:
            return uses[slot] == 1 and slot in nodes and nodes[slot].row is row

        inner, terms = [slot], [*reversed(nodes[slot].operands)]
        while nodes[slot].row is ADD:
            if not only_here(terms[-1], ADD):
                terms[-2:] = reversed(terms[-2:])
                if not only_here(terms[-1], ADD):
                    terms[-2:] = reversed(terms[-2:])
                    break
            inner.append(terms.pop())
            terms += reversed(nodes[inner[-1]].operands)
        products = {term for term in terms if only_here(term, MUL)}
        dots = {term for term in terms if only_here(term, DOT)}
        if not dots and len(products) < 2 and len(terms) < long:
            return
        xs: list[int] = []
        ys: list[int] = []
        start: tuple[int, ...] = ()
        if self.apart:
            terms, start = self.set_apart(terms, products | dots)
        for term in reversed(terms):
            if term in products or term in dots:
                for x, y in zip(*sides(nodes[term]), strict=True):
                    swap = 0 <= y < self.n_leaves and not 0 <= x < self.n_leaves  # weights first, as they lie in a row
                    xs.append(y if swap else x)
                    ys.append(x if swap else y)
                inner.append(term)
            elif term < 0 and self.constants[~term] == 0.0:
                continue  # sum() begins with it
            elif not start:
                start = (term,)
            else:
                xs.append(self.one)
                ys.append(term)
        if not xs:  # a number and zeros
            xs, ys, start = [self.one], [*start], ()
        for term in inner[1:]:
            del nodes[term]
        only_a_sum = {*xs} == {self.one}
        nodes[slot] = Operation(SUM, (*start, *ys)) if only_a_sum else Operation(DOT, (*xs, *ys, *start))

    def set_apart(self, terms: list[int], products: set[int]) -> tuple[list[int], tuple[int, ...]]:
        """The terms without products of leaves and a leaf, where there are others; and the sum of those, if any."""
        nodes = self.nodes
        early = [term for term in reversed(terms) if term in products and max(nodes[term].operands) < self.n_leaves]
        if len(early) == len(products) or sum(len(nodes[term].operands) for term in early) < 4:
            return terms, ()
        pairs = [sides(nodes[term]) for term in early]
        leaf = [term for term in terms if 0 <= term < self.n_leaves][:1]
        for term in early[1:]:
            del nodes[term]
        nodes[early[0]] = Operation(DOT, (*chain(*[x for x, _ in pairs]), *chain(*[y for _, y in pairs]), *leaf))
        return [term for term in terms if term not in (*early, *leaf)], (early[0],)

    def vary(self) -> None:
        """Find which slots differ from example to example; numbers that meet these in one list are made to."""
        nodes, self.nodes = self.nodes, {}
        varying = self.varying = {*range(self.n_params, self.n_leaves)}
        copies: dict[int, int] = {}

        def lift(slot: int) -> int:
            if slot in varying:
                return slot
            if slot not in copies:
                copies[slot] = new = self.n_slots - len(self.constants)
                self.n_slots += 1
                self.nodes[new] = Operation(COPY, (slot,))
                varying.add(new)
            return copies[slot]

        for slot, node in nodes.items():
            if not varying.isdisjoint(node.operands):
                varying.add(slot)
                if node.row.many:
                    groups = node.row.groups(node.operands)
                    rest = node.operands[sum(map(len, groups)) :]
                    if node.row is DOT:  # what is the same for all first
                        pairs = zip(*groups, strict=True)
                        turned = [(y, x) if x in varying and y not in varying else (x, y) for x, y in pairs]
                        groups = [[x for x, _ in turned], [y for _, y in turned]]
                    met = [group if varying.isdisjoint(group) else [*map(lift, group)] for group in groups]
                    node = node._replace(operands=tuple([k for group in (*met, rest) for k in group]))
            self.nodes[slot] = node
        self.roots = [lift(slot) for slot in self.roots]


def flows(nodes: dict[int, Operation], root: int, wrt: Collection[int]) -> set[int]:
    """The slots through which a gradient flows from the root to one of `wrt`."""
    reaches = {*wrt}  # what is differentiated for is reached from here
    for slot, node in nodes.items():
        if not reaches.isdisjoint(differentiable(node)):
            reaches.add(slot)
    found = reaches & {root}
    for slot in reversed(nodes):  # each after all that use it
        if slot in found:
            found |= reaches.intersection(differentiable(nodes[slot]))
    return found


def differentiable(node: Operation) -> Sequence[int]:
    """The operands that a gradient may flow to: those whose partial is not 0."""
    row, operands = node
    if "0" in row.partials:
        groups = zip(row.partials, row.groups(operands), strict=True)
        return [k for text, group in groups if text != "0" for k in group]
    return operands


def sides(node: Operation) -> list[tuple[int, ...]]:
    """The operands as first and second factors, or as the terms of a sum."""
    half = len(node.operands) // 2
    return [node.operands[:half], node.operands[half : 2 * half]] if node.row in (DOT, MUL) else [node.operands]
