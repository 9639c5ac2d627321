"""What a native program does: instructions for the kernels, in groups that need not wait for one another."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from functools import reduce
from itertools import groupby
from operator import or_
from typing import Any

from tinygrad_edu.engine import Row
from tinygrad_edu.replay.native.kernels import GRID, LANES, ONE, ROWS, RUN, SEED, TABLE, ZERO, Operand, Spec, is_layer
from tinygrad_edu.replay.rolling import COPY, DOT, Graph, flows
from tinygrad_edu.replay.trace import Operation, Trace

CACHE = 2**18  # bytes that the rows of a block of examples should fit into
Rows = Sequence[Sequence[int]]
MANY = 16  # uniform items from which on vectors pay; fewer share kernels, or irregular graphs would need hundreds
VARYING, ACTIVE = 1, 2  # flags of a slot: differs from example to example; a gradient flows from the root through it
PHASES = ["before", "forward", "backward", "after"]  # the blocks of examples; for each of them; after them


class Plan:
    """Instructions and places in memory for one trace: for one example, or for a block of them.

    Attributes:
        varying: whether it is for blocks of examples, so that inputs vary.
        instructions: those of each phase: two numbers each, that of its kernel in `specs`, and where its words begin in
            `codes`.
        codes: what tells the kernels where their operands lie.
        roots: places of the slots that were asked for.
        also: places of the inputs whose gradient is asked for.
        sizes: how many uniform numbers and how many varying rows there are.
        constants: their numbers, from the place `first_constant` on.
    """

    def __init__(self, trace: Trace, roots: Sequence[int], also: Sequence[int], varying: bool, backward: bool) -> None:
        graph = Graph(trace, roots, varying)
        self.graph, self.varying = graph, varying
        n_params = trace.n_params
        self.n_params, self.n_inputs = n_params, trace.n_inputs
        self.constants = graph.constants
        # Uniform: params, constants, inputs unless they vary, results. Varying: inputs, results.
        self.first_constant = n_params
        self.first_input = 0 if varying else n_params + len(self.constants)
        self.places = [-1] * graph.n_slots
        self.places[: graph.n_leaves] = [*range(n_params), *range(self.first_input, self.first_input + trace.n_inputs)]
        self.places[-len(self.constants) :] = range(n_params, n_params + len(self.constants))[::-1]
        self.sizes = [
            n_params + len(self.constants) + (0 if varying else trace.n_inputs),
            trace.n_inputs if varying else 0,
        ]
        active = flows(graph.nodes, graph.roots[0], [*range(n_params), *also] if backward else [])
        self.kinds = [VARYING * (slot in graph.varying) | ACTIVE * (slot in active) for slot in range(graph.n_slots)]
        self.specs: dict[Spec, int] = {}
        self.codes = {phase: array("i") for phase in PHASES}
        self.instructions = {phase: array("q") for phase in PHASES}
        self.grids: dict[int, list[Any]] = {}  # by the first slot of a group
        groups = self.groups()
        for slots in groups:
            self.place(slots)
            self.emit(slots, backward=False)
        # Slots whose gradient is cleared before the first part is added to it; uniform ones are sums over blocks, too.
        self.cleared = {slot for slot, kind in enumerate(self.kinds) if varying and not kind & VARYING}
        self.written = {*self.cleared, graph.roots[0]}
        if backward:
            for slots in reversed(groups):
                if self.kinds[slots[0]] & ACTIVE:
                    self.emit(slots, backward=True)
            self.cleared.update({*range(n_params), *also} - self.written)
            self.begin_gradients()
        self.roots = [self.places[slot] for slot in graph.roots]
        self.also = [self.places[slot] for slot in also]
        self.lanes = min(max(CACHE // (16 * self.sizes[1]) // LANES, 1), 32) * LANES if varying else 1
        del self.graph, self.places, self.kinds, self.written, self.cleared, self.grids  # large, and of no further use

    def groups(self) -> list[list[int]]:
        """Slots of equal operations at the same depth, all that they wait for before them."""
        kinds = self.kinds
        depths = [0] * self.graph.n_slots
        found: dict[Any, list[int]] = {}
        for slot, node in self.graph.nodes.items():
            row, operands = node
            depth = max([depths[k] for k in operands])
            depths[slot] = depth + 1
            flags = [kinds[k] for k in operands]
            if row.many:
                flags = [len(flags), *[reduce(or_, [kinds[k] for k in part]) for part in parts(node)]]
            found.setdefault((depth, row, kinds[slot], *flags), []).append(slot)
        return [found[key] for key in sorted(found, key=lambda key: key[0])]

    def place(self, slots: list[int]) -> None:
        """Give the results of a group places side by side: of all pairs of rows, in the order of the pairs.

        Those of one operand each are in the order of the operands, which so follow one another.
        """
        area = self.kinds[slots[0]] & VARYING
        row = self.graph.nodes[slots[0]].row
        if not area and row is DOT:
            sides = [(*row.groups(self.graph.nodes[slot].operands), slot) for slot in slots]
            xs, ys, ordered = zip(*sorted(sides, key=lambda side: (side[1], side[0])), strict=True)
            if rows := self.rows_of_grid(xs, ys):
                slots[:] = ordered
                self.grids[ordered[0]] = rows
        elif len(row.operands) == 1 and not row.many:
            slots.sort(key=lambda slot: self.places[self.graph.nodes[slot].operands[0]])
        for place, slot in enumerate(slots, start=self.sizes[area]):
            self.places[slot] = place
        self.sizes[area] += len(slots)

    def emit(self, slots: Sequence[int], backward: bool) -> None:
        """Write the instructions for a group."""
        nodes = [self.graph.nodes[slot] for slot in slots]
        row, lists = nodes[0].row, [*zip(*map(parts, nodes), strict=True)]
        if backward and len(lists) > len(row.operands):  # sums that start from numbers
            self.instruct(COPY, slots, [lists.pop()], backward)
        self.instruct(row, slots, lists, backward)

    def instruct(self, row: Row, slots: Sequence[int], lists: Sequence[Rows], backward: bool) -> None:
        """Write an instruction: for each operand, and what sums start from, its slots of each item."""
        area = self.area(slots)
        few = area == "u" and not row.many and len(slots) < MANY
        words = [len(slots), len(lists[0][0]), self.places[slots[0]]]
        order = ONE if row.many else ROWS if few or area == "v" else RUN
        if row.many and slots[0] in self.grids:
            lists, order = [*self.grids[slots[0]], *lists[2:]], GRID
        orders = [order] * len(row.operands) + [ROWS]  # the last is of what sums start from
        found = [self.operand(rows, order, words) for rows, order in zip(lists, orders, strict=False)]
        if backward:
            found = self.with_gradients(row, lists, found, few)
            if not any([operand.active for operand in found]):
                return
        self.write(Spec(row, backward, area, tuple(found)), words)

    def write(self, spec: Spec, words: Sequence[int]) -> None:
        each_block = spec.area == "v" or not self.varying
        phase = (("forward", "backward") if each_block else ("before", "after"))[spec.backward]
        self.instructions[phase].extend((self.specs.setdefault(spec, len(self.specs)), len(self.codes[phase])))
        self.codes[phase].extend(words)

    def area(self, slots: Sequence[int]) -> str:
        """Where these lie: uniform or varying, all of them."""
        return "v" if self.kinds[slots[0]] & VARYING else "u"

    def rows_of_grid(self, xs: tuple[Any, ...], ys: tuple[Any, ...]) -> list[Sequence[Any]] | None:
        """The different rows of each operand, where the items are all pairs of them."""
        n, width = len(xs), ys.count(ys[0])
        each = tuple([y for y in ys[::width] for _ in range(width)])
        if width > 1 and (xs, ys) == (xs[:width] * (n // width), each):
            rows = [[self.places[slot] for slot in row] for row in (*xs[:width], *ys[::width])]
            if all([follow(row) for row in rows]):
                return [xs[:width], ys[::width]]
        return None

    def operand(self, rows: Rows, order: str, words: list[int]) -> Operand:
        """How one operand of the items lies in memory, told in the code too: in this special order, if it does."""
        places = [[self.places[slot] for slot in row] for row in rows]
        firsts, area = [row[0] for row in places], self.area(rows[0])
        if order == GRID:
            words.append(len(rows))
        elif not all([follow(row) for row in places]):
            order, firsts = TABLE, [place for row in places for place in row]
        elif (order == ONE and area == "v" and {*firsts} == {firsts[0]}) or (order == RUN and follow(firsts)):
            firsts = firsts[:1]
        else:
            order = ROWS
        words += firsts
        return Operand(area, order)

    def with_gradients(self, row: Row, lists: Sequence[Rows], found: Sequence[Operand], few: bool) -> list[Operand]:
        """The operands with what is to be done about their gradients; noted are those that must be 0 before."""
        layer = is_layer(row, found)
        targets: list[list[int]] = []
        for operand, rows, partial in zip(found, lists, row.partials, strict=True):
            active = partial != "0" and any([self.kinds[slot] & ACTIVE for row in rows for slot in row])
            once = rows[:1] if operand.order == ONE and layer else rows
            targets.append([slot for row in once for slot in row] if active else [])
        count = Counter([slot for target in targets for slot in target])
        result = []
        for operand, target in zip(found, targets, strict=True):
            fresh = not few and not any([slot in self.written or count[slot] > 1 for slot in target])
            if not fresh:
                self.cleared.update([slot for slot in target if slot not in self.written])
            result.append(operand._replace(active=bool(target), fresh=fresh and bool(target)))
        self.written.update(count)
        return result

    def begin_gradients(self) -> None:
        """Clear those to which parts are added; that of the root is 1."""
        for area in ("u", "v"):
            places = {self.places[slot] for slot in self.cleared if self.area([slot]) == area}
            places.discard(-1)  # of what was rolled up
            for _, run in groupby(enumerate(sorted(places)), key=lambda pair: pair[1] - pair[0]):
                [(_, first), *others] = run
                self.write(Spec(ZERO, False, area, ()), [1 + len(others), 1, first])
        root = self.graph.roots[0]
        self.write(Spec(SEED, False, self.area([root]), ()), [1, 1, self.places[root]])


def parts(node: Operation) -> list[tuple[int, ...]]:
    """Its operands of each kind, and what a sum starts from, if it does."""
    width = len(node.operands) // len(node.row.operands)
    return [node.operands[first : first + width] for first in range(0, len(node.operands), width)]


def follow(places: Sequence[int]) -> bool:
    """Whether each is the one after that before it."""
    return [*places] == [*range(places[0], places[0] + len(places))]
