"""Arrays out of scalars: a trace as a short list of steps, each of which computes one array from views of others.

Equal operations that are ready together become one step; sums of products in which all first factors meet all second
ones become a product of matrices. Where their operands lie decides what is a slice and what takes a table of indices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.engine import Row
from tinygrad_edu.replay.arrays import np
from tinygrad_edu.replay.listing import identifier
from tinygrad_edu.replay.places import nest
from tinygrad_edu.replay.rolling import ADD, DOT, MUL, SUM, Graph, flows, sides
from tinygrad_edu.replay.trace import Operation, Trace

FEW = 4  # parts of a group, whose operands lie in different arrays, that are computed by themselves
LONG = 3  # terms of a sum that are worth a step: shorter ones are a sum of arrays
DENSE = 0.5  # the share of a product of matrices that must be wanted


@dataclass(eq=False)
class Array:
    """Numbers side by side, laid out as `shape`; with an axis for the examples too, if it is varying."""

    name: str
    start: int  # the address of the first one
    shape: tuple[int, ...]
    varying: bool
    active: bool  # a gradient flows through it

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


@dataclass(eq=False)
class View:
    """Places in an array, as a table of any shape; numbers, where there is no array."""

    array: Array | None
    table: Any

    def __getitem__(self, index: Any) -> View:
        return View(self.array, self.table[index])

    def shaped(self, *shape: int) -> View:
        return View(self.array, self.table.reshape(shape))

    @property
    def varying(self) -> bool:
        return self.array is not None and self.array.varying

    @property
    def active(self) -> bool:
        return self.array is not None and self.array.active

    @property
    def number(self) -> float | None:
        """The one number that it holds, if that is all."""
        if self.array is None and len({*map(repr, self.table.ravel().tolist())}) == 1:
            return float(self.table.flat[0])
        return None


@dataclass(eq=False)
class Step:
    """What computes an array, by its kind:

    map: a row, of views of the shape of `out`, with a further axis, that of the terms, if it is over many. join: views
    one behind another. dot: the sum over the last axis of views two by two, plus `start`; `axes` names
    those of the first and second views and of `out`, in the order of the alphabet: b of a batch, c, r and u of only one
    factor, t of the terms.
    """

    kind: str
    out: Array
    views: list[View]
    row: Row | None = None
    start: View | None = None
    axes: Sequence[str] = ("", "", "")
    mask: Any = None  # of the shape of the second view: which terms count


class Recovery:
    """The steps for one trace, in order.

    Arguments:
        wrt: the slots whose gradients are wanted.

    Attributes:
        params, inputs: the arrays that are given.
        steps: what is computed.
        roots: a view of what was asked for.
        exact: whether nothing is computed that the trace does not compute, so that nan and inf stay where they are.
    """

    def __init__(self, trace: Trace, graph: Graph, wrt: Sequence[int] = ()) -> None:
        self.trace, self.graph, self.nodes = trace, graph, graph.nodes
        n, n_leaves, n_constants = trace.n_params, trace.n_leaves, len(graph.constants)
        self.active = flows(self.nodes, graph.roots[0], wrt)
        # Where the number of each slot lies, all arrays one behind another. Constants are at their slots, below 0.
        self.address = np.arange(graph.n_slots)
        self.address[-n_constants:] -= graph.n_slots
        self.constants = np.array(graph.constants)
        self.params = Array("w", 0, (n,), False, not self.active.isdisjoint(range(n)))
        self.inputs = Array("X", n, (trace.n_inputs,), True, not self.active.isdisjoint(range(n, n_leaves)))
        self.arrays = [self.params, self.inputs]
        self.varying = {*range(n, n_leaves)}
        self.varying.update(slot for slot, node in self.nodes.items() if not self.varying.isdisjoint(node.operands))
        self.steps: list[Step] = []
        self.exact = True
        self.counts: dict[str, int] = defaultdict(int)  # of arrays, by name
        self.joins: dict[tuple[int, ...], tuple[Array, Any]] = {}
        for group in self.groups():
            self.compute(group)
        self.roots = self.view(np.array(graph.roots))
        self.numbers_an_example = 1 + trace.n_inputs + sum(step.out.size for step in self.steps if step.out.varying)

    # What is done together.

    def groups(self) -> Iterator[list[int]]:
        """Equal operations that are ready; first those of which the rest is, on average, least deep.

        (Neubig, Goldberg and Dyer 2017, On-the-fly operation batching.)
        """
        depth, waits = dict[int, int](), dict[int, int]()
        users: dict[int, list[int]] = defaultdict(list)
        kinds: dict[int, Any] = {}
        left: dict[Any, int] = defaultdict(int)
        deep: dict[Any, int] = defaultdict(int)
        ready: dict[Any, list[int]] = defaultdict(list)
        for slot, node in self.nodes.items():
            before = self.nodes.keys() & node.operands
            depth[slot] = max([depth[k] for k in before], default=0) + 1
            waits[slot] = len(before)
            for k in before:
                users[k].append(slot)
            kinds[slot] = kind = self.kind(slot, node)
            left[kind] += 1
            deep[kind] += depth[slot]
            if not before:
                ready[kind].append(slot)
        order = {kind: k for k, kind in enumerate(left)}
        while ready:
            kind = min(ready, key=lambda kind: (deep[kind] / left[kind], not kind[0].many, order[kind]))
            group = ready.pop(kind)
            group = sorted([*group, *self.ragged(group, ready)])
            yield group
            for slot in group:
                left[kinds[slot]] -= 1
                deep[kinds[slot]] -= depth[slot]
                for user in users[slot]:
                    waits[user] -= 1
                    if not waits[user]:
                        ready[kinds[user]].append(user)

    def kind(self, slot: int, node: Operation) -> tuple[Any, ...]:
        """What equal operations have in common."""
        flags = node.row, slot in self.active
        if node.row.many:
            return *flags, slot in self.varying, len(node.operands)
        constant = [k < 0 for k in node.operands]
        return *flags, *constant, *[k in self.varying for k in node.operands]

    def ragged(self, group: list[int], ready: dict[Any, list[int]]) -> list[int]:
        """What is ready too and sums terms of the same array as these, or products of the same two, however many."""
        node = self.nodes[group[0]]
        homes = self.homes(node)
        if node.row not in (DOT, SUM) or has_start(node) or homes is None or min(homes) < 2:
            return []
        seconds = {sides(self.nodes[slot])[-1][0] for slot in group}
        short, found = ADD if node.row is SUM else MUL, list[int]()
        for kind in [kind for kind in ready if kind[0] in (node.row, short) and kind[1] == (group[0] in self.active)]:
            chosen = set()
            for slot in ready[kind]:
                other = self.nodes[slot]
                meets = other.row is not MUL or other.operands[1] in seconds
                if meets and not has_start(other) and self.homes(other) == homes:
                    chosen.add(slot)
            found += sorted(chosen)
            ready[kind] = [slot for slot in ready[kind] if slot not in chosen]
            if not ready[kind]:
                del ready[kind]
        return found

    def homes(self, node: Operation) -> list[int] | None:
        """The array of each side; None if one is in several."""
        found = [{*self.home(self.address[[*side]]).tolist()} for side in sides(node)]
        return [side.pop() for side in found] if all(len(side) == 1 for side in found) else None

    def compute(self, group: list[int]) -> None:
        """The steps for a group, whose results come to be in one array."""
        slots, before = np.array(group), len(self.steps)
        rows = {self.nodes[slot].row for slot in group}
        row = DOT if DOT in rows else SUM if SUM in rows else rows.pop()
        if row in (DOT, SUM):
            self.dot(slots, row)
        else:
            self.apply(slots, row)
        if sum(step.kind != "join" for step in self.steps[before:]) > 1:
            view = self.view(slots)
            assert view.array
            self.address[slots] = view.array.start + view.table

    # Where results are.

    def home(self, addresses: Any) -> Any:
        """Which of the arrays each of these lies in; -1 for a constant."""
        return np.searchsorted([array.start for array in self.arrays], addresses, side="right") - 1

    def view(self, slots: Any) -> View:
        """These slots as one view; where they are in several arrays, these are joined."""
        at = self.address[slots]
        homes = self.home(at)
        key = distinct(homes)
        if len(key) == 1:
            array = self.arrays[key[0]]
            return View(None, self.constants[~at]) if key[0] < 0 else View(array, at - array.start)
        if key not in self.joins:
            constants = View(None, self.constants[::-1].copy())
            views = [View(self.arrays[k], np.arange(self.arrays[k].size)) if k >= 0 else constants for k in key]
            firsts = [self.arrays[k].start if k >= 0 else -len(self.constants) for k in key]
            *starts, size = np.cumsum([0, *(view.table.size for view in views)])
            array = self.array("joined", [size], views, any(view.active for view in views))
            self.joins[key] = array, np.subtract(starts, firsts)
            self.steps.append(Step("join", array, views))
        array, moves = self.joins[key]
        return View(array, at + moves[np.searchsorted(key, homes)])

    def array(self, name: str, shape: Sequence[int], views: Sequence[View], active: bool) -> Array:
        self.counts[name] += 1
        varying = any(view.varying for view in views)
        start = self.arrays[-1].start + self.arrays[-1].size
        self.arrays.append(Array(f"{name}{self.counts[name]}", start, tuple(map(int, shape)), varying, active))
        return self.arrays[-1]

    def finish(self, step: Step, slots: Any, places: Any) -> None:
        """The slots are at these places in the array of a step."""
        labels = [self.trace.labels[slot] for slot in slots]
        name = identifier(common(labels).rstrip("_[(0123456789"))
        if name and all(labels):
            step.out.name = name
        self.address[slots] = step.out.start + places
        self.steps.append(step)

    def parts(self, table: Any) -> list[Any]:
        """Rows of a table of slots, those from the same arrays together; all of them where these are many."""
        first, part = numbered(self.home(self.address[table.reshape(len(table), -1)]))
        if len(first) > FEW:
            return [np.arange(len(table))]
        return [np.flatnonzero(part == k) for k in range(len(first))]

    def order(self, views: Sequence[View]) -> tuple[Any, list[int]]:
        """An order of items, and a shape for it, in which the places in these views are as regular as can be."""
        n, columns = len(views[0].table), [view.table for view in views if view.array]
        orders = [np.arange(n)]
        orders += [np.lexsort([*columns[:k], *columns[k + 1 :], columns[k]]) for k in range(len(columns))]
        keys = np.array(columns, int).T.reshape(n, -1)
        for rough in (False, True):
            shapes = [nest(keys[at], rough) for at in orders]
            found = [(len(shape), k) for k, shape in enumerate(shapes) if shape is not None]
            if found:
                k = min(found)[1]
                shape = shapes[k] or []
                for view in views:  # that of an operand, where it is finer
                    whole = view.array.shape if view.array else ()
                    if np.prod(whole) == n > 1 and {*np.cumprod(shape)} <= {*np.cumprod(whole)}:
                        return orders[k], [*whole]
                return orders[k], shape
        regular = [sum(nest(column[at][:, None]) is not None for column in columns) for at in orders]
        return orders[regular.index(max(regular))], [n]

    # Steps.

    def apply(self, slots: Any, row: Row) -> None:
        """A row on each of many items."""
        table = np.array([self.nodes[slot].operands for slot in slots])
        for part in [np.arange(len(slots))] if row.many else self.parts(table):
            views = [self.view(side) for side in np.split(table[part], len(row.operands), axis=1)]
            order, shape = self.order([view[:, 0] for view in views])
            views = [view[order].shaped(*shape, *[-1] * row.many) for view in views]
            out = self.array(row.name, shape, views, slots[0] in self.active)
            self.finish(Step("map", out, views, row), slots[part][order], np.arange(len(part)))

    def dot(self, slots: Any, row: Row) -> None:
        """Sums of products, and sums, which are products with one; of any lengths, where there are several."""
        widths = np.array([len(sides(self.nodes[slot])[0]) for slot in slots])
        table = np.zeros((len(slots), 2, max(widths)), int)  # first and second factors, in the order in which they lie
        for k, slot in enumerate(slots):
            factors = np.array(sides(self.nodes[slot]))
            at = np.lexsort([self.address[factors[-1]], self.address[factors[0]]])
            table[k, :, : widths[k]] = factors[:, at]
        if row is SUM:
            table[:, 0] = self.graph.one
        if min(widths) < max(widths):
            views = [self.padded(table[:, k], widths) for k in (0, 1)]
            return self.products(slots, views, None, widths)
        starts = np.array([self.nodes[slot].operands[-1] for slot in slots])
        for part in self.parts(table):
            cuts = np.flatnonzero((np.diff(self.home(self.address[table[part]])) != 0).any((0, 1))) + 1
            runs = np.split(table[part], cuts if len(cuts) < FEW else [], axis=2)  # of terms from the same arrays
            views = [self.view(run[:, k]) for run in runs for k in (0, 1)]
            self.products(slots[part], views, self.view(starts[part]) if has_start(self.nodes[slots[0]]) else None)

    def padded(self, table: Any, widths: Any) -> View:
        """Rows of different lengths as rows of one that go on as the longest does, to be masked."""
        missing = np.arange(table.shape[1]) >= widths[:, None]
        view = self.view(np.where(missing, table[:, :1], table))
        if view.array:
            longest = view.table[widths.argmax()]
            more = view.table[:, :1] + longest - longest[0]
            more = np.where((more >= 0) & (more < view.array.size), more, view.table[:, :1])
            view.table = np.where(missing, more, view.table)
        return view

    def products(self, slots: Any, views: list[View], start: View | None, widths: Any = None) -> None:
        """Dot products as products of matrices, where all first factors meet all second ones."""
        if widths is not None:  # the second is masked: that of which fewer rows differ in length only
            kinds = [len(numbered(np.column_stack([view.table, widths]))[0]) for view in views]
            views = views if views[0].array is None or kinds[1] <= kinds[0] else views[::-1]
            self.exact = False
        elif any(view.varying for view in views[::2]) and not any(view.varying for view in views[1::2]):
            views = [view for k in range(0, len(views), 2) for view in (views[k + 1], views[k])]  # what varies second
        rows = [np.hstack([view.table for view in views[k::2]]) for k in (0, 1)]
        if widths is not None:
            rows[1] = np.column_stack([rows[1], widths])
        (at_r, r), (at_c, c) = [numbered(row) for row in rows]
        shapes: dict[tuple[int, int], list[Any]] = defaultdict(list)
        for items in components(r, c):
            shapes[len({*r[items]}), len({*c[items]})].append(items)
        dense = [DENSE * a * b <= len(items) <= a * b for (a, b), batch in shapes.items() for items in batch]
        if len(shapes) > FEW or not all(dense) or len({*zip(r, c, strict=True)}) < len(slots):  # then each by itself
            at_r = at_c = r = c = np.arange(len(slots))
            shapes = {(1, 1): [np.array([k]) for k in r]}
        for batch in shapes.values():
            if len(batch[0]) == 1:
                order, _ = self.order([view[np.concatenate(batch), 0] for view in views])
                batch = [batch[k] for k in order]
            rs, cs = (np.array([distinct(numbers[items]) for items in batch]) for numbers in (r, c))
            grid = np.full((len(batch), cs.shape[1], rs.shape[1]), -1)  # which item is where
            for b, items in enumerate(batch):
                grid[b, np.searchsorted(cs[b], c[items]), np.searchsorted(rs[b], r[items])] = items
            last = batch[0][slots[batch[0]].argsort()[-2:]]
            tables = [view.table[at_c[cs] if k % 2 else at_r[rs]] for k, view in enumerate(views)]
            mask = None if widths is None else np.arange(max(widths)) < widths[at_c[cs]][..., None]
            views_of_batch = [View(view.array, table) for view, table in zip(views, tables, strict=True)]
            self.product(slots, views_of_batch, start, mask, grid, by_rows=len({*c[last]}) == 1)

    def product(self, slots: Any, views: list[View], start: View | None, mask: Any, grid: Any, by_rows: bool) -> None:
        """A product of matrices, or a batch of such: which of the slots is where in it is said by `grid`, (b, c, r).

        Arguments:
            views: first factors, (b, r, t), and second ones, (b, c, t), two by two.
            by_rows: whether those of one column were recorded one after another.
        """
        first, second = (any(view.varying for view in views[k::2]) for k in (0, 1))
        names = ["brt", "bct", "bcr"]
        if first < second and not is_closer(views[1].table):  # columns beside the examples: one long axis
            names, grid = ["bct", "btu", "bcu"], grid.swapaxes(1, 2)
            views[1::2] = [View(view.array, view.table.swapaxes(1, 2)) for view in views[1::2]]
            mask = mask if mask is None else mask.swapaxes(1, 2)
        elif first == second and not by_rows:
            names, grid = ["bct", "brt", "bcr"], grid.swapaxes(1, 2)
        single = {x for x, n in zip(names[2], grid.shape, strict=True) if n == 1}
        axes = ["".join(x for x in name if x not in single) for name in names]
        for k, view in enumerate(views):
            views[k] = view.shaped(*[n for x, n in zip(names[k % 2], view.table.shape, strict=True) if x not in single])
        places = np.flatnonzero(grid.ravel() >= 0)
        self.exact = self.exact and len(places) == grid.size
        chosen, shape = grid.ravel()[places], [n for n in grid.shape if n > 1]
        mask = mask if mask is None else mask.reshape(views[1].table.shape)
        begin = start and start[np.where(grid < 0, chosen[0], grid)].shaped(*shape)
        out = self.array("z", shape, [*views, *([begin] if begin else [])], slots[0] in self.active)
        self.finish(Step("dot", out, views, DOT, begin, axes, mask), slots[chosen], places)


def rolled(trace: Trace, roots: Sequence[int]) -> Graph:
    """What these slots of a trace need, as a Recovery takes it."""
    return Graph(trace, roots, False, LONG, apart=True)


def is_irregular(graph: Graph) -> bool:
    """Whether equal operations of equal depth are fewer than 1.5 on average: then scalar lines beat arrays."""
    depth, groups = dict[int, int](), set()
    for slot, (row, operands) in graph.nodes.items():
        depth[slot] = 1 + max([depth.get(k, 0) for k in operands])
        groups.add((depth[slot], row))
    return len(graph.nodes) < 1.5 * len(groups)


def common(labels: Sequence[str]) -> str:
    """What all labels begin with."""
    first, last = min(labels), max(labels)
    return first[: next((k for k, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def has_start(node: Operation) -> bool:
    return node.row is DOT and len(node.operands) % 2 == 1


def is_closer(table: Any) -> bool:
    """Whether in a table of batches, columns and terms the terms lie closer together than the columns, if any."""
    first = table[0]
    return min(first.shape) == 1 or bool(abs(first[0, 1] - first[0, 0]) < abs(first[1, 0] - first[0, 0]))


def distinct(numbers: Any) -> tuple[int, ...]:
    """The different ones among some integers, in order; np.unique would load all of numpy.ma."""
    return tuple(sorted({*numbers.ravel().tolist()}))


def numbered(rows: Any) -> tuple[Any, Any]:
    """Where each different row is met first, and which of them each row is."""
    _, index, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return index, inverse.ravel()


def components(r: Any, c: Any) -> list[Any]:
    """Items that are connected by equal numbers in r or in c."""
    group = np.arange(len(r))
    while True:  # the smallest of those that share a number, until nothing changes
        before = group
        for numbers in (r, c):
            smallest = np.full(max(numbers) + 1, len(r))
            np.minimum.at(smallest, numbers, group)
            group = smallest[numbers]
        if (group == before).all():
            return [np.flatnonzero(group == k) for k in distinct(group)]
