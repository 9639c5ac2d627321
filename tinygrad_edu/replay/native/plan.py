"""What a native program does: instructions for the kernels, in groups that need not wait for one another."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from tinygrad_edu.engine import Row
from tinygrad_edu.replay.native.kernels import (
    FEW,
    GRID,
    LANES,
    ONE,
    ROWS,
    RUN,
    TABLE,
    ZERO,
    Operand,
    Spec,
    is_layer,
)
from tinygrad_edu.replay.rolling import COPY, DOT, Graph, flows
from tinygrad_edu.replay.trace import Trace

CACHE = 2**18  # bytes that the rows of a block of examples should fit into
Rows = Sequence[Sequence[int]]
MANY_ITEMS = 16  # uniform items from which on vectors pay
UNIFORM, VARYING, ACTIVE = 0, 1, 2
PHASES = {(0, False): "u forward", (1, False): "v forward", (1, True): "v backward", (0, True): "u backward"}


class Plan:
    """Instructions and places in memory for one trace: for one example, or for a block of them.

    Attributes:
        instructions: those of each phase, "u" uniform and "v" varying, forward and backward: two numbers each, that of
            its kernel in `specs`, and where its words begin in `codes`.
        codes: what tells the kernels where their operands lie.
        roots: places of the slots that were asked for.
        also: places of the inputs whose gradient is asked for.
        sizes: how many uniform numbers and how many varying rows there are.
        constants: their numbers, from the place `first_constant` on.
    """

    def __init__(self, trace: Trace, roots: Sequence[int], also: Sequence[int], varying: bool, backward: bool) -> None:
        graph = Graph(trace, roots, varying)
        self.graph = graph
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
        self.kinds = self.kinds_of_slots([*range(n_params), *also] if backward else [])
        self.specs: dict[Spec, int] = {}
        self.known: dict[tuple[Any, ...], int] = {}
        self.codes = {phase: array("i") for phase in PHASES.values()}
        self.instructions = {phase: array("q") for phase in PHASES.values()}
        self.written: set[int] = set()
        self.grids: dict[int, list[Any]] = {}  # by the first slot of a group
        groups = self.groups()
        for slots in groups:
            self.place(slots)
            self.emit(slots, backward=False)
        # Slots whose gradient has a number already; that of uniform ones is summed over blocks, and cleared before.
        self.written |= {slot for slot, kind in enumerate(self.kinds) if varying and not kind & VARYING}
        self.written.add(graph.roots[0])
        for slots in reversed(groups):
            if self.kinds[slots[0]] & ACTIVE:
                self.emit(slots, backward=True)
        if backward:
            self.clear([slot for slot in (*range(n_params), *also) if slot not in self.written])
        self.roots = [self.places[slot] for slot in graph.roots]
        self.also = [self.places[slot] for slot in also]
        rows = max(1, self.sizes[1])
        self.lanes = min(max(CACHE // (16 * rows) // LANES, 1), 32) * LANES
        del self.graph, self.places, self.kinds, self.written, self.known, self.grids  # large, and of no further use

    def kinds_of_slots(self, wrt: Sequence[int]) -> list[int]:
        """For each slot, whether it varies and whether a gradient flows from the root through it, as flags."""
        active = flows(self.graph.nodes, self.graph.roots[0], wrt)
        kinds = [UNIFORM] * self.graph.n_slots
        for slots, flag in ((self.graph.varying, VARYING), (active, ACTIVE)):
            for slot in slots:
                kinds[slot] |= flag
        return kinds

    def groups(self) -> list[list[int]]:
        """Slots of equal operations at the same depth, all that they wait for before them."""
        kinds = self.kinds
        depths = [0] * self.graph.n_slots
        found: dict[Any, list[int]] = {}
        for slot, (row, operands) in self.graph.nodes.items():
            depth = max([depths[k] for k in operands])
            depths[slot] = depth + 1
            if row.many:
                width = len(operands) // len(row.operands)
                pattern = [width]
                for first in range(0, len(operands), width):  # the last is what a sum starts from, if it does
                    flags = 0
                    for k in operands[first : first + width]:
                        flags |= kinds[k]
                    pattern.append(flags)
                key = (depth, row, kinds[slot], *pattern)
            else:
                key = (depth, row, kinds[slot], *[kinds[k] for k in operands])
            if key in found:
                found[key].append(slot)
            else:
                found[key] = [slot]
        return [found[key] for key in sorted(found, key=lambda key: key[0])]

    def place(self, slots: list[int]) -> None:
        """Give the results of a group places side by side; those of all pairs of rows in the order of the pairs."""
        area = self.kinds[slots[0]] & VARYING
        row = self.graph.nodes[slots[0]].row
        if not area and row is DOT and len(slots) > 1:
            sides = [(*row.groups(self.graph.nodes[slot].operands), slot) for slot in slots]
            xs, ys, ordered = zip(*sorted(sides, key=lambda side: (side[1], side[0])), strict=True)
            if rows := self.rows_of_grid(xs, ys):
                slots[:] = ordered
                self.grids[ordered[0]] = rows
        for place, slot in enumerate(slots, start=self.sizes[area]):
            self.places[slot] = place
        self.sizes[area] += len(slots)

    def emit(self, slots: Sequence[int], backward: bool) -> None:
        """Write the instructions for a group."""
        nodes = [self.graph.nodes[slot] for slot in slots]
        row, operands = nodes[0]
        w = len(operands) // len(row.operands)
        lists = [[node.operands[first : first + w] for node in nodes] for first in range(0, len(operands), w)]
        starts = [lists.pop()] if len(lists) > len(row.operands) else []
        if backward:
            if starts:
                self.instruct(COPY, slots, starts, backward)
            starts = []
        self.instruct(row, slots, lists, backward, starts)

    def instruct(
        self, row: Row, slots: Sequence[int], lists: Sequence[Rows], backward: bool, starts: Sequence[Rows] = ()
    ) -> None:
        """Write an instruction: operands of each kind, those of an item in a row, and what sums start from."""
        few = len(slots) < MANY_ITEMS and not self.kinds[slots[0]] & VARYING
        if few and not row.many:
            return self.few(row, slots, [[k for [k] in rows] for rows in lists], backward)
        area = self.area(slots)
        words = [len(slots), len(lists[0][0]), self.places[slots[0]]]
        grid = self.grids.get(slots[0]) if row.many else None
        lists = grid or lists
        found = [self.operand(rows, GRID if grid else row.many, words) for rows in lists]
        if backward:
            found = self.with_gradients(row, lists, found)
            if not any([operand.active for operand in found]):
                return
        start = self.operand(starts[0], False, words) if starts else None
        spec = Spec(row, backward, area, tuple(found), start)
        self.write(f"{area} {'backward' if backward else 'forward'}", self.number(spec), words)

    def few(self, row: Row, slots: Sequence[int], columns: Sequence[Sequence[int]], backward: bool) -> None:
        """Code for a few uniform operations: one kernel for all orders, or irregular graphs would need hundreds."""
        kinds, places = self.kinds, self.places
        words, active = [len(slots), 1, places[slots[0]]], []
        for partial, column in zip(row.partials, columns, strict=True):
            words += [places[k] for k in column]
            active.append(backward and partial != "0" and kinds[column[0]] & ACTIVE > 0)
            if active[-1]:
                self.clear([k for k in column if k not in self.written])
        if backward and True not in active:
            return
        key = (row, backward, *active)
        if key not in self.known:
            found = tuple([Operand("u", ROWS, wanted) for wanted in active])
            self.known[key] = self.number(Spec(row, backward, "u", found, size=FEW))
        self.write(PHASES[0, backward], self.known[key], words)

    def number(self, spec: Spec) -> int:
        """The number of a kernel among those that the plan needs."""
        return self.specs.setdefault(spec, len(self.specs))

    def write(self, phase: str, kernel: int, words: Sequence[int]) -> None:
        self.instructions[phase].extend((kernel, len(self.codes[phase])))
        self.codes[phase].extend(words)

    def area(self, slots: Iterable[int]) -> str:
        """Where these lie: uniform unless one of them varies."""
        return "v" if any([self.kinds[slot] & VARYING for slot in slots]) else "u"

    def rows_of_grid(self, xs: tuple[Any, ...], ys: tuple[Any, ...]) -> list[Sequence[Any]] | None:
        """The different rows of each operand, where the items are all pairs of them."""
        n, width = len(xs), ys.count(ys[0])
        each = tuple([y for y in ys[::width] for _ in range(width)])
        if width > 1 and (xs, ys) == (xs[:width] * (n // width), each):
            rows = [[self.places[slot] for slot in row] for row in (*xs[:width], *ys[::width])]
            if all([row == [*range(row[0], row[0] + len(row))] for row in rows]):
                return [xs[:width], ys[::width]]
        return None

    def operand(self, rows: Rows, kind: bool | str, words: list[int]) -> Operand:
        """How one operand of the items lies in memory, told in the code too."""
        area = self.area(rows[0])
        places = [[self.places[slot] for slot in row] for row in rows]
        firsts = [row[0] for row in places]
        if kind == GRID:
            words += [len(rows), *firsts]
            return Operand(area, GRID)
        if not all([row == [*range(row[0], row[0] + len(row))] for row in places]):
            words += [place for row in places for place in row]
            return Operand(area, TABLE)
        if kind and area == "v" and firsts.count(firsts[0]) == len(firsts):
            words.append(firsts[0])
            return Operand(area, ONE)
        if not kind and firsts == [*range(firsts[0], firsts[0] + len(firsts))]:
            words.append(firsts[0])
            return Operand(area, RUN)
        words += firsts
        return Operand(area, ROWS)

    def with_gradients(self, row: Row, lists: Sequence[Rows], found: Sequence[Operand]) -> list[Operand]:
        """The operands with what is to be done about their gradients; those that must be 0 before are cleared."""
        layer = is_layer(row, found)
        targets: list[list[int]] = []
        for operand, rows, partial in zip(found, lists, row.partials, strict=True):
            active = partial != "0" and any([self.kinds[slot] & ACTIVE for row in rows for slot in row])
            once = rows[:1] if operand.order == ONE and layer else rows
            targets.append([slot for row in once for slot in row] if active else [])
        written, missing = self.written, list[int]()
        count = Counter([slot for target in targets for slot in target])
        result = []
        for operand, target in zip(found, targets, strict=True):
            fresh = not any([slot in written or count[slot] > 1 for slot in target])
            if not fresh:
                missing += [slot for slot in target if slot not in written]
            result.append(operand._replace(active=bool(target), fresh=fresh and bool(target)))
        self.clear(missing)
        written.update(count)
        return result

    def clear(self, slots: Sequence[int]) -> None:
        """Make the gradients of some slots 0."""
        if not slots:
            return
        for area, kind in (("u", UNIFORM), ("v", VARYING)):
            places = sorted({self.places[slot] for slot in slots if self.kinds[slot] & VARYING == kind})
            for _, run in groupby(enumerate(places), key=lambda pair: pair[1] - pair[0]):
                run_places = [place for _, place in run]
                kernel = self.number(Spec(ZERO, False, area, ()))
                self.write(f"{area} backward", kernel, [len(run_places), 1, run_places[0]])
        self.written.update(slots)
