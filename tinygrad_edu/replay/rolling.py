"""A trace rolled up: chains of sums and products as dot products."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu.engine import TABLE, Row
from tinygrad_edu.replay.trace import Operation, Trace

ADD, MUL, SQUARE, DOT, SUM = (TABLE[name] for name in ("add", "mul", "square", "dot", "sum"))
COPY = Row("copy", "copy", "x", "1")  # of one number into a row of lanes
LONG = 4  # as many terms of a sum are worth an instruction, or a step, of their own


class Graph:
    """What some slots of a trace need, chains of `acc + w * x` rolled up into dot products.

    Slots are those of the trace, constants below 0: a list with an entry a slot has theirs at its end. Where a dot
    product has an odd number of operands, the last one is what its sum starts from.

    Attributes:
        nodes: for each slot its operation, None for leaves, constants and what is not needed.
        constants: their numbers; `one` is the slot of a 1 among them.
        roots: the slots that were asked for.
        varying: for each slot, whether it differs from example to example.
    """

    def __init__(self, trace: Trace, roots: Sequence[int], varying: bool, long: int = LONG) -> None:
        self.long = long
        self.n_params, self.n_leaves = trace.n_params, trace.n_params + trace.n_inputs
        self.constants = [*trace.constants, 1.0]
        self.one = ~len(trace.constants)
        self.nodes: list[Operation | None] = [None] * self.n_leaves
        self.nodes += [Operation(MUL, x.operands * 2, x.label) if x.row is SQUARE else x for x in trace.operations]
        self.nodes += [None] * len(self.constants)
        self.roots = [*roots]
        self.roll()
        self.varying = self.varying_slots() if varying else [False] * len(self.nodes)

    def roll(self) -> None:
        """Make a dot product of each chain of sums and products that nothing else uses; drop what is not needed."""
        nodes, uses = self.nodes, [0] * len(self.nodes)
        for slot in self.roots:
            uses[slot] += 2  # never rolled into another
        sums = []
        for slot in range(len(nodes) - 1, -1, -1):
            node = nodes[slot]
            if node is None:
                continue
            if not uses[slot]:
                nodes[slot] = None
                continue
            if node.row is ADD:
                sums.append(slot)
            for operand in node.operands:
                uses[operand] += 1
        for slot in sums:
            if nodes[slot]:
                self.roll_sum(slot, uses)

    def roll_sum(self, slot: int, uses: list[int]) -> None:
        """Roll up the chain of sums that ends here, if it is worth it."""
        nodes = self.nodes

        def only_here(slot: int, row: Row) -> bool:
            node = nodes[slot]
            return node is not None and node.row is row and uses[slot] == 1

        inner, terms = [slot], list[int]()
        while True:
            left, right = nodes[inner[-1]].operands  # type: ignore[union-attr]
            if only_here(left, ADD):
                terms.append(right)
                inner.append(left)
            elif only_here(right, ADD):
                terms.append(left)
                inner.append(right)
            else:
                terms += [right, left]
                break
        products = {term for term in terms if only_here(term, MUL)}
        dots = {term for term in terms if only_here(term, DOT)}
        if not dots and len(products) < 2 and len(terms) < self.long:
            return
        xs: list[int] = []
        ys: list[int] = []
        start: tuple[int, ...] = ()
        for term in reversed(terms):
            if term in products or term in dots:
                for x, y in zip(*sides(nodes[term]), strict=True):  # type: ignore[arg-type]
                    if 0 <= y < self.n_leaves and not 0 <= x < self.n_leaves:
                        x, y = y, x  # weights first, as they lie in a row
                    xs.append(x)
                    ys.append(y)
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
        label = nodes[slot].label  # type: ignore[union-attr]
        for term in inner:
            nodes[term] = None
            uses[term] = 0
        nodes[slot] = Operation(DOT, (*xs, *ys, *start), label)

    def varying_slots(self) -> list[bool]:
        """Which slots differ from example to example; numbers that meet them in one list are made to."""
        nodes, n_constants = self.nodes, len(self.constants)
        moved, lifted = list(range(len(nodes))), dict[int, int]()
        moved[-n_constants:] = range(-n_constants, 0)
        self.nodes = [None] * self.n_leaves
        found = [slot >= self.n_params for slot in range(self.n_leaves)]

        def varies(slot: int) -> bool:
            return slot >= 0 and found[slot]

        def lift(slot: int) -> int:
            if varies(slot):
                return slot
            if slot not in lifted:
                lifted[slot] = len(self.nodes)
                self.nodes.append(Operation(COPY, (slot,), ""))
                found.append(True)
            return lifted[slot]

        for slot, node in enumerate(nodes):
            if node is None:
                continue
            operands = [moved[k] for k in node.operands]
            one_varies = any([varies(k) for k in operands])
            if one_varies and node.row.many:
                groups = node.row.groups(operands)
                if node.row is DOT:
                    pairs = zip(*groups, strict=True)
                    pairs = [(y, x) if varies(x) and not varies(y) else (x, y) for x, y in pairs]
                    groups = [*zip(*pairs, strict=True)]  # uniform ones first
                rest = operands[sum(map(len, groups)) :]
                met = [[*map(lift, group)] if any(map(varies, group)) else group for group in groups]
                operands = [k for group in (*met, rest) for k in group]
            moved[slot] = len(self.nodes)
            self.nodes.append(Operation(node.row, tuple(operands), node.label))
            found.append(one_varies)
        self.roots = [lift(moved[slot]) for slot in self.roots]
        self.nodes += [None] * n_constants
        return found + [False] * n_constants


def flows(nodes: Sequence[Operation | None], root: int, wrt: Sequence[int]) -> list[bool]:
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


def differentiable(node: Operation) -> Sequence[int]:
    """The operands that a gradient may flow to: those whose partial is not 0."""
    row, operands, _ = node
    if "0" in row.partials:
        groups = zip(row.partials, row.groups(operands), strict=True)
        return [k for text, group in groups if text != "0" for k in group]
    return operands


def sides(node: Operation) -> list[tuple[int, ...]]:
    """The operands as first and second factors, or as the terms of a sum."""
    half = len(node.operands) // 2
    return [node.operands[:half], node.operands[half : 2 * half]] if node.row in (DOT, MUL) else [node.operands]
