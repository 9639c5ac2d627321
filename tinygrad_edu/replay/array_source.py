"""A recovered program as source: the value and the gradient, forward and then backward, on NumPy's or JAX's arrays."""

from __future__ import annotations

import ast
import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any, NamedTuple

from tinygrad_edu.engine import TABLE
from tinygrad_edu.engine.formulas import folds
from tinygrad_edu.engine.languages import ATOM, PRODUCT, SUM
from tinygrad_edu.replay.arrays import np
from tinygrad_edu.replay.expressions import Expression, called, constant, contracted, evaluated, reduced
from tinygrad_edu.replay.places import sliced
from tinygrad_edu.replay.recovery import Array, Recovery, Step, View

AXES = "abcdefghijklm"  # of what is no product
MANY = 3  # terms of a gradient for equal places that are worth one sum
HELPERS = (
    *("where", "concatenate", "broadcast_to", "transpose", "einsum", "tensordot"),
    *("zeros", "empty", "full", "amax", "add_at", "onto"),
)
TAKEN = {"w", "X", "N", "program", "forward", "nan", "inf", *HELPERS}


class Term(NamedTuple):
    """A term of a gradient of places in an array, `made` of factors; those of one kind differ only in these."""

    view: View
    axes: str
    factors: tuple[Expression, ...]
    made: Callable[..., Expression]
    kind: tuple[Any, ...]


class ArraySource:
    """Writes one program: `text`, in which `constants` have names.

    Arguments:
        functional: whether arrays cannot be changed in place.
        gradient: whether to write the backward pass, or only the values of the roots.

    Attributes:
        accesses: how often operands are whole arrays, slices and gathers.
    """

    def __init__(
        self,
        plan: Recovery,
        also: Sequence[int] = (),
        reduce: str | None = "mean",
        functional: bool = False,
        gradient: bool = True,
    ) -> None:
        self.plan, self.functional = plan, functional
        self.constants: dict[str, Any] = {}  # index arrays, masks and the like
        self.known: dict[Any, str] = {}  # their names
        self.views: dict[tuple[Array, str], Expression] = {}  # those that have a line of their own
        self.accesses: Counter[str] = Counter()
        self.parts = 0  # of expressions, that have a line of their own
        self.terms: dict[Array, list[Term]] = defaultdict(list)  # of gradients
        self.beside: dict[tuple[str, ...], str] = {}  # the names of arrays whose examples were put side by side
        self.lines: list[str] = []
        self.names = self.named(plan)
        for step in plan.steps:
            made = getattr(self, step.kind)(step)
            self.lines.append(f"{self.names[step.out]} = {made.text}")
        result = self.results(also, reduce) if gradient else self.outputs()
        if any("N" in line.replace("None", "") for line in (*self.lines, result)):
            self.lines.insert(0, "N = X.shape[-1]")
        head = f"def {'program' if gradient else 'forward'}(w, X):"
        self.text = "\n    ".join([head, *self.lines, result]) + "\n"

    def named(self, plan: Recovery) -> dict[Array, str]:
        """A variable for each array."""
        taken = TAKEN | TABLE.keys() | {*keyword.kwlist}
        parts = re.compile(r"part\d+")
        names = {plan.params: "w", plan.inputs: "X"}
        for step in plan.steps:
            wanted = name = step.out.name
            count = 1
            while name in taken or f"d_{name}" in taken or parts.fullmatch(name):
                count += 1
                name = f"{wanted}_{count}"
            taken |= {name, f"d_{name}"}
            names[step.out] = name
        return names

    def results(self, also: Sequence[int], reduce: str | None) -> str:
        """Write the backward pass; the line that returns."""
        plan, over = self.plan, ""
        root = plan.roots[0]
        value = self.expression(root, "")
        if root.varying and reduce:
            over = " / N" if reduce == "mean" else ""
            value = Expression(f"{value.within(ATOM)}.sum(){over}")
        elif reduce == "sum":
            value, over = value * Expression("N"), " * N"
        self.lines.append("# backward")
        self.add(root, "", constant(1.0))
        for step in reversed(plan.steps):
            if self.terms[step.out]:
                d = self.gradient(step.out)
                letters = (step.axes[2] if step.kind == "dot" else AXES[: len(step.out.shape)]) + "n" * step.out.varying
                getattr(self, f"back_{step.kind}")(
                    step, d if d.number is not None else Expression(d.text, letters, d.binds)
                )
        found = [value.text, self.gradient(plan.params).text + over]
        if also:
            view = View(plan.inputs, np.array(also) - plan.params.size)
            text, shape = self.access(view, self.gradient(plan.inputs).text)
            found.append(text.text if shape == view.table.shape else self.reshaped(text, view.table.shape, True))
        return f"return {', '.join(found)}"

    def outputs(self) -> str:
        """The line that returns the values of the roots."""
        roots = self.plan.roots
        found = self.full(self.expression(roots, "a"), "a" + "n" * roots.varying, roots.table.shape)
        return f"return {found.text}"

    def constant(self, prefix: str, array: Any) -> str:
        key = array.shape, array.dtype.str, array.tobytes()
        if key not in self.known:
            self.known[key] = f"{prefix}{sum(name[0] == prefix for name in self.constants) + 1}"
            self.constants[self.known[key]] = array
        return self.known[key]

    # Views as expressions.

    def expression(self, view: View, axes: str) -> Expression:
        """A view, with names for its axes; without those along which it is the same."""
        if view.number is not None:
            return constant(view.number)
        core, kept = core_of(view, axes)
        if core.array is None:
            return Expression(self.constant("k", core.table), kept)
        name = self.names[core.array]
        text, shape = self.access(core, name)
        if shape != core.table.shape:
            text = Expression(self.reshaped(text, core.table.shape, core.varying))
        kept += "n" * core.varying
        if text.text.isidentifier() or (text.text.count("[") == 1 and "(" not in text.text and "[i" not in text.text):
            return Expression(text.text, kept)
        key = core.array, text.text
        if key not in self.views:
            if core.array is self.plan.params and "[i" not in text.text:
                prefix = "W" if core.table.ndim > 1 else "b"
            else:
                prefix = f"{name}_"
            count = 1 + sum(known.text.startswith(prefix) for known in self.views.values())
            while f"{prefix}{count}" in self.names.values() or f"{prefix}{count}" in TABLE:
                count += 1
            self.views[key] = Expression(f"{prefix}{count}")
            self.lines.append(f"{self.views[key].text} = {text.text}")
        return Expression(self.views[key].text, kept)

    def access(self, view: View, name: str) -> tuple[Expression, tuple[int, ...]]:
        """A view of an array, or of its gradient: regular places as slices, others by indices; and the shape of it."""
        array, table = view.array, view.table
        assert array
        if is_whole(view):
            self.accesses["whole"] += 1
            return Expression(name), array.shape
        found = sliced(array.size, array.shape, table)
        if found:
            self.accesses["slice"] += 1
            return self.slice(array, name, found)
        self.accesses["gather"] += 1
        flat = self.flattened(array, name)
        rows = table.reshape(len(table), -1)
        m, first, end = rows.shape[1], int(rows.min()), int(rows.max()) + 1
        if m > 1 and (rows == rows[:, :1] + np.arange(m)).all() and ((rows[:, 0] - first) % m == 0).all():  # whole rows
            part = flat if (first, end) == (0, array.size) else f"{flat}[{first}:{end}]"
            part = self.reshaped(Expression(part), ((end - first) // m, m), array.varying)
            return Expression(f"{part}[{self.constant('i', (rows[:, 0] - first) // m)}]"), (len(table), m)
        return Expression(f"{flat}[{self.constant('i', table)}]"), table.shape

    def slice(self, array: Array, name: str, found: Any) -> tuple[Expression, tuple[int, ...]]:
        if not found.shape:
            return Expression(f"{name}[{', '.join(map(str, np.unravel_index(found.first, array.shape)))}]"), ()
        text = name
        if (found.first, found.end) == (0, array.size) and {*found.spans} == {":"}:
            text = self.reshaped(Expression(text), found.split, array.varying) if found.split != array.shape else text
            return self.turned(text, array, found)
        if (found.first, found.end) != (0, array.size):
            text = f"{self.flattened(array, name)}[{found.first}:{found.end}]"
            if len(found.shape) > 1:
                text = self.reshaped(Expression(text), found.shape, array.varying)
        elif found.shape != array.shape:
            text = self.reshaped(Expression(text), found.shape, array.varying)
        index = [*found.spans]
        while len(index) > 1 and index[-1] == ":":
            index.pop()
        if index != [":"]:
            text = f"{text}[{', '.join(index)}]"
        lengths = tuple(length_of(part, n) for part, n in zip(found.spans, found.shape, strict=True))
        if lengths != found.split:
            text = self.reshaped(Expression(text), found.split, array.varying)
        return self.turned(text, array, found)

    def turned(self, text: str, array: Array, found: Any) -> tuple[Expression, tuple[int, ...]]:
        """The axes of a slice in the order in which they were asked for."""
        if found.order != tuple(sorted(found.order)):
            back = [found.order.index(k) for k in range(len(found.order))] + [len(found.order)] * array.varying
            text = f"{text}.T" if back == [1, 0] else f"transpose({text}, {tuple(back)})"
        return Expression(text), tuple(found.split[found.order.index(k)] for k in range(len(found.order)))

    def reshaped(self, text: Expression, shape: Sequence[int], varying: bool) -> str:
        dims = [*map(str, shape), *["N"] * varying]
        return f"{text.within(ATOM)}.reshape({', '.join(dims) or '()'})"

    def flattened(self, array: Array, name: str) -> str:
        return name if len(array.shape) == 1 else self.reshaped(Expression(name), (array.size,), array.varying)

    def full(self, text: Expression, axes: str, lengths: Sequence[int]) -> Expression:
        """With all of these axes, of these lengths, that of the examples without one."""
        if text.axes == axes:
            return text
        shape = ", ".join("N" if axis == "n" else str(n) for axis, n in zip_longest(axes, lengths))
        comma = "," * (len(axes) == 1)
        return Expression(f"broadcast_to({text.aligned(axes).text}, ({shape}{comma}))", axes)

    # Forward: the expression that a step computes.

    def map(self, step: Step) -> Expression:
        assert step.row
        found = [self.expression(view, axes) for view, axes in zip(step.views, self.axes_of(step), strict=True)]
        axes = self.axes_of(step)[0].replace("t", "") + "n" * step.out.varying
        if step.kind == "fold":
            found = self.in_full(step, found)
            made = self.once(evaluated(step.row.primal, dict(zip(step.row.operands, found, strict=True))))
        else:
            made = called(step.row, found)
        return self.full(made, axes, step.out.shape)

    fold = map

    def in_full(self, step: Step, operands: list[Expression]) -> list[Expression]:
        """The operands of a fold with all their terms, to be summed over."""
        return [
            self.full(x, axes + "n" * ("n" in x.axes), view.table.shape)
            for x, axes, view in zip(operands, self.axes_of(step), step.views, strict=True)
        ]

    def once(self, made: Expression) -> Expression:
        """An expression with a line before it for each part that stands in it more than once."""
        tree = ast.parse(made.text, mode="eval").body
        while True:
            parts = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call | ast.BinOp)]
            count, _, part = max((parts.count(part), len(part), part) for part in parts) if parts else (1, 0, "")
            if count == 1:
                return made
            self.parts += 1
            self.lines.append(f"part{self.parts} = {part}")
            tree = Parts(part, f"part{self.parts}").visit(tree)
            made = Expression(ast.unparse(tree), made.axes, PRODUCT if made.binds == PRODUCT else SUM)

    def axes_of(self, step: Step) -> list[str]:
        """Names for the axes of each view of a map or a fold."""
        letters = AXES[: len(step.out.shape)]
        return [letters + "t" * (step.kind == "fold")] * len(step.views)

    def join(self, step: Step) -> Expression:
        texts = []
        for view in step.views:
            text = self.expression(view, "a")
            texts.append(self.full(text, "a" + "n" * step.out.varying, view.table.shape).text)
        return Expression(f"concatenate([{', '.join(texts)}])", "a" + "n" * step.out.varying)

    def dot(self, step: Step) -> Expression:
        out = step.axes[2] + "n" * step.out.varying
        made: Expression | None = None
        for first, second in self.pairs(step):
            (a, view), (b, other) = first, second
            term = contracted(a, b, out, sizes_of(step, view, other)) * constant(self.repeats(a, b, view))
            made = made + term if made else term
        assert made
        if step.start:
            made = made + self.expression(step.start, step.axes[2])
        return self.full(made, out, step.out.shape)

    def pairs(self, step: Step) -> list[list[tuple[Expression, View]]]:
        """The factors of the products, two by two."""
        found = []
        for pair in zip(step.views[::2], step.views[1::2], strict=True):
            texts = [self.expression(view, axes) for view, axes in zip(pair, step.axes, strict=False)]
            if step.mask is not None:
                texts[1] = self.masked(step, texts[1])
            found.append([*zip(texts, pair, strict=True)])
        return found

    def masked(self, step: Step, x: Expression) -> Expression:
        mask = Expression(self.constant("m", step.mask), step.axes[1])
        axes = step.axes[1] + "n" * ("n" in x.axes)
        return Expression(f"where({mask.aligned(axes)}, {x.aligned(axes)}, 0)", axes)

    def repeats(self, a: Expression, b: Expression, view: View) -> int:
        """How many equal terms there are, if all of them are."""
        return 1 if "t" in a.axes + b.axes else int(view.table.shape[-1])

    # Backward: the terms of gradients.

    def add(
        self,
        view: View,
        axes: str,
        *factors: Expression,
        varying: bool = False,
        absent: str = "",
        product: Callable[..., Expression] = lambda term: term,
    ) -> None:
        """A term of the gradient of a view: summed along axes along which the view is the same, and over examples.

        Arguments:
            varying: whether each example has such a term.
            absent: axes that are summed over already.
            product: makes the term of the factors.
        """
        if not view.active:
            return
        core, kept = core_of(view, axes)
        gone = "".join(axis for axis in axes if axis not in kept)

        def made(*factors: Expression) -> Expression:
            term = product(*factors)
            if varying and not view.varying and "n" not in term.axes:
                term = term * Expression("N")
            for axis in gone:
                if axis not in term.axes and axis not in absent:
                    term = term * constant(view.table.shape[axes.index(axis)])
            return reduced("sum", term, gone + "n" * (not view.varying))

        assert core.array
        kind = axes, kept, view.table.shape, core.table.tobytes(), varying, absent, *(x.axes for x in factors)
        self.terms[core.array].append(Term(core, kept + "n" * view.varying, factors, made, kind))

    def summed(self, terms: Sequence[Term]) -> Iterator[tuple[View, str, Expression]]:
        """Terms of a gradient, but many sums over the examples for equal places as one, over the examples of all."""
        groups: dict[Any, list[Term]] = defaultdict(list)
        for k, term in enumerate(terms):
            alike = all("n" in x.axes and {*x.axes} <= {*term.axes, "n"} for x in term.factors)
            groups[term.kind if alike and "n" not in term.axes else k].append(term)
        for group in groups.values():
            if len(group) >= MANY:
                first, columns = group[0], zip(*[term.factors for term in group], strict=True)
                group = [first._replace(factors=tuple([self.side_by_side(column) for column in columns]))]
            for term in group:
                yield term.view, term.axes, term.made(*term.factors)

    def side_by_side(self, factors: Sequence[Expression]) -> Expression:
        """One array with the examples of all of these."""
        texts = tuple([x.text for x in factors])
        for known, name in self.beside.items():
            if known[: len(texts)] == texts:
                index = f"[..., : {len(texts)} * N]" if len(known) > len(texts) else ""
                return Expression(name + index, factors[0].axes)
        self.parts += 1
        name = self.beside[texts] = f"part{self.parts}"
        self.lines.append(f"{name} = concatenate([{', '.join(texts)}], -1)")
        return Expression(name, factors[0].axes)

    def gradient(self, array: Array) -> Expression:
        """The gradient of an array, the sum of the terms for its parts; the lines that compute it are written."""
        name, given = f"d_{self.names[array]}", array in (self.plan.params, self.plan.inputs)
        axes = letters_of(array)
        found = [*self.summed(self.terms.pop(array, []))]
        whole = [is_whole(view) for view, _, _ in found]
        total = self.total(array, [part for part, w in zip(found, whole, strict=True) if w])
        parts = [part for part, w in zip(found, whole, strict=True) if not w]
        if total and not parts:
            total = total if total.number is not None else self.full(total, axes, array.shape)
            short = total.text.lstrip("-").isidentifier() or total.number is not None
            if (short or (not axes and "N" in total.text)) and not given:
                return total
            if total.number is not None:
                total = Expression(f"full({self.size(array)}, {total.number!r})", axes)
            self.lines.append(f"{name} = {total.text}")
        elif self.functional and parts and not (total or array.varying) and (tiles := self.tiles(array, parts)):
            self.lines.append(f"{name} = {tiles}")
        elif self.functional:
            pieces = [self.onto(array, name, *part) for part in parts]
            texts = [*([self.full(total, axes, array.shape).text] if total else []), *pieces] or [
                f"zeros({self.size(array)})"
            ]
            self.lines += [f"{name} {'+=' if k else '='} {text}" for k, text in enumerate(texts)]
        else:
            self.lines += self.in_place(array, name, total, parts)
        return Expression(name, axes)

    def total(self, array: Array, terms: Sequence[tuple[View, str, Expression]]) -> Expression | None:
        """The sum of the terms for a whole array, equal ones counted."""
        axes = letters_of(array)
        counted = Counter[str]()
        held: dict[str, Expression] = {}
        for view, letters, term in terms:
            if term.number is None and view.table.shape not in ((), array.shape):
                term = self.full(term, letters, view.table.shape)
                term = Expression(self.reshaped(term, array.shape, array.varying), axes)
            elif term.number is None:
                own = {letter: axis for letter, axis in zip(letters + "n", AXES, strict=False)} | {"n": "n"}
                term = Expression(term.text, "".join(own[axis] for axis in term.axes), term.binds)
            counted[term.text] += 1
            held[term.text] = term
        total: Expression | None = None
        for text, n in counted.items():
            term = constant(n) * held[text]
            total = total + term if total else term
        return total

    def in_place(self, array: Array, name: str, total: Expression | None, parts: Sequence[Any]) -> list[str]:
        """The lines that fill an array: a place that nothing stands in yet is set, and another is added to."""
        written = np.full(array.size, total is not None)
        blank, lines = False, list[str]()  # whether it begins with zeros
        for view, letters, term in parts:
            places = view.table.ravel()
            text, shape = self.access(view, name)
            repeated = len({*places.tolist()}) < len(places)
            fresh = not repeated and not written[places].any()
            blank = blank or not (fresh or written[places].all())
            written[places] = True
            if repeated or shape != view.table.shape:
                term = self.full(term, letters, view.table.shape)
            right = term.aligned(letters).text
            if shape != view.table.shape:
                right = self.reshaped(term, shape, view.varying)
            if repeated:
                target, _, index = text.text.rpartition("[")
                lines.append(f"add_at({target}, {index[:-1]}, {right})")
            else:
                target = text.text if text.text.endswith("]") else f"{text.text}[...]"
                lines.append(f"{target} {'=' if fresh else '+='} {right}")
        if total and len(total.axes) == len(array.shape) + array.varying == 1 and total.binds < ATOM:  # new, and flat
            return [f"{name} = {total.text}", *lines]
        begin = f"{name} = {'zeros' if blank or not written.all() else 'empty'}({self.size(array)})"
        return [begin, *([f"{name}[...] = {total.aligned(letters_of(array))}"] if total else []), *lines]

    def size(self, array: Array) -> str:
        """The shape of an array in the program."""
        return "({}{})".format(
            ", ".join([*map(str, array.shape), *["N"] * array.varying]), "," * (len(array.shape) + array.varying == 1)
        )

    def tiles(self, array: Array, parts: Sequence[tuple[View, str, Expression]]) -> str:
        """The terms side by side and one below another, where they fill an array row by row; "" where they do not."""
        strips = []  # the first place of each, its rows, the step from one to the next, its columns, its text
        for view, letters, term in parts:
            table = view.table.reshape(len(view.table) if view.table.ndim else 1, -1)
            (n, width), first = table.shape, int(table[0, 0])
            step = int(table[1, 0]) - first if n > 1 else width
            if (table != first + step * np.arange(n)[:, None] + np.arange(width)).any():
                return ""
            term = self.full(term, letters, view.table.shape)
            if view.table.shape == ():
                text = f"full((1, 1), {term.text})"
            else:
                text = term.text if view.table.shape == (n, width) else self.reshaped(term, (n, width), False)
            strips.append((first, n, step, width, text))
        place, rows = 0, list[str]()
        strips.sort()
        while strips:
            first, n, step, _, _ = strips[0]
            end, beside = first, list[str]()  # of the first row, the strips of which it is made
            for strip in [*strips]:
                if strip[:3] == (end, n, step) and end < first + step:
                    end += strip[3]
                    beside.append(strip[4])
                    strips.remove(strip)
            if (first, end) != (place, first + step):
                return ""
            place += n * step
            row = beside[0] if len(beside) == 1 else f"concatenate([{', '.join(beside)}], 1)"
            rows.append(self.reshaped(Expression(row), (n * step,), False))
        text = rows[0] if len(rows) == 1 else f"concatenate([{', '.join(rows)}])"
        return text if place == array.size else ""

    def onto(self, array: Array, name: str, view: View, letters: str, term: Expression) -> str:
        """Where arrays cannot be changed: an array of zeros with the term in these places."""
        text, shape = self.access(view, name)
        term = self.full(term, letters, view.table.shape)
        if shape != view.table.shape:
            term = Expression(self.reshaped(term, shape, view.varying))
        return f"onto(lambda {name}: {text.text}, {self.size(array)}, {term.text})"

    def back_map(self, step: Step, d: Expression) -> None:
        assert step.row
        axes = self.axes_of(step)
        letters = axes[0].replace("t", "") + "n" * step.out.varying
        found = [self.expression(view, own) for view, own in zip(step.views, axes, strict=True)]
        if step.row.many and any(folds(partial)[0] for partial in step.row.partials):
            found = self.in_full(step, found)
        operands = dict(zip(step.row.operands, found, strict=True))
        operands["out"] = Expression(self.names[step.out], letters)
        for view, own, formula in zip(step.views, axes, step.row.partials, strict=True):
            if view.active and formula != "0":
                found_partial = evaluated(formula, operands)
                if step.row.many:
                    found_partial = self.once(found_partial)
                self.add(view, own, d * found_partial, varying=step.out.varying)

    back_fold = back_map

    def back_join(self, step: Step, d: Expression) -> None:
        start = 0
        for view in step.views:
            start += (size := view.table.size)
            part = d if d.number is not None else Expression(f"{d.text}[{start - size}:{start}]", d.axes)
            self.add(view, "a", part, varying=step.out.varying)

    def back_dot(self, step: Step, d: Expression) -> None:
        varying = step.out.varying
        if step.start:
            self.add(step.start, step.axes[2], d, varying=varying)
        for pair in self.pairs(step):
            sizes = sizes_of(step, pair[0][1], pair[1][1])
            for k, (view, axes) in enumerate(zip([view for _, view in pair], step.axes, strict=False)):
                if not view.active:
                    continue
                other = pair[1 - k][0]
                if k and step.mask is not None:
                    own = kept_of(d, other, axes + "n" * view.varying)
                    self.add(view, axes, self.masked(step, contracted(d, other, own, sizes)), varying=varying)
                else:
                    own = core_of(view, axes)[1] + "n" * view.varying
                    summed = "".join(axis for axis in d.axes + other.axes if axis not in own)
                    product = partial(contracted, out=kept_of(d, other, own), sizes=sizes)
                    varies = varying and "n" not in summed
                    self.add(view, axes, d, other, varying=varies, absent=summed, product=product)


class Parts(ast.NodeTransformer):
    """Puts a name where a part of an expression stands."""

    def __init__(self, part: str, name: str) -> None:
        self.part, self.name = part, name

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Call | ast.BinOp) and ast.unparse(node) == self.part:
            return ast.Name(self.name, ast.Load())
        return super().visit(node)


def kept_of(d: Expression, other: Expression, axes: str) -> str:
    return "".join(axis for axis in axes if axis in d.axes + other.axes)


def sizes_of(step: Step, first: View, second: View) -> dict[str, int]:
    """How long the axes of a product are."""
    shapes = first.table.shape, second.table.shape, step.out.shape
    return {axis: n for axes, shape in zip(step.axes, shapes, strict=True) for axis, n in zip(axes, shape, strict=True)}


def letters_of(array: Array) -> str:
    """Names for the axes of an array."""
    return AXES[: len(array.shape)] + "n" * array.varying


def is_whole(view: View) -> bool:
    """Whether a view shows all of its array, in order."""
    places = view.table.ravel()
    return view.array is not None and len(places) == view.array.size and bool((places == np.arange(len(places))).all())


def core_of(view: View, axes: str) -> tuple[View, str]:
    """The view without axes along which it is the same, and those that are left."""
    table = view.table if view.array else view.table.astype(float).view(np.int64)  # 0.0 and -0.0 are two constants
    same = [bool((table == np.take(table, [0], axis=k)).all()) for k in range(table.ndim)]
    kept = "".join(axis for axis, s in zip(axes, same, strict=True) if not s)
    return view[tuple(0 if s else slice(None) for s in same)], kept


def length_of(part: str, n: int) -> int:
    """How many a slice takes of n."""
    return n if part == ":" else len(range(*slice(*map(int, part.split(":"))).indices(n)))
