"""A trace as straight-line Python: one line an operation, forward, then backward."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, reduce
from operator import add, attrgetter

from tinygrad_edu.engine import TABLE, Row, plain
from tinygrad_edu.engine.formulas import folds
from tinygrad_edu.engine.languages import PYTHON, Text, constant
from tinygrad_edu.replay.formulas import filled, inlined, template, with_floats
from tinygrad_edu.replay.gradient import adjoints
from tinygrad_edu.replay.trace import Trace

TAKEN = {"program", "forward", "params", "inputs", "nan", "inf", "float", "len", *keyword.kwlist}
LINE = 200  # terms; a longer sum is left to a function, since Python's compiler recurses into it


def listing(trace: Trace, also: Sequence[int] = (), for_floats: bool = False) -> str:
    """Python source of `program(params, inputs)`, and of `forward(params, inputs)` where there are outputs.

    >>> from tinygrad_edu.engine import Value
    >>> from tinygrad_edu.replay.trace import recorded
    >>> w, x = Value(0.5, "w"), Value(2.0, "x")
    >>> print(listing(recorded((w * x + 1).tanh(), [w], [x])))
    def program(params, inputs):
        w, = params
        x, = inputs
        # forward
        v1 = w * x
        v2 = v1 + 1
        v3 = tanh(v2)
        # backward: d_w is the derivative of v3 for w
        d_v2 = square(sech(v2))
        d_w = d_v2 * x
        return v3, [d_w]

    Arguments:
        also: slots of the inputs whose gradients come as a third result.
        for_floats: write what is quicker for floats; the functions answer None to all else.
    """
    text = Listing(trace, also, for_floats)
    functions = [text.program(), *([text.forward()] if trace.outputs else [])]
    return "\n\n\n".join([with_floats(function) if for_floats else function for function in functions])


class Listing:
    """Writes one trace."""

    def __init__(self, trace: Trace, also: Sequence[int], for_floats: bool) -> None:
        trace.check_rows()
        rows = {operation.row.name for operation in trace.operations}
        refuse_names("a program", rows & TAKEN)
        self.trace, self.also, self.for_floats = trace, also, for_floats
        self.n_leaves = trace.n_leaves
        self.names, self.comments = named(trace.labels, TAKEN | rows)
        self.language = inlined if for_floats else PYTHON
        self.template, self.call = cache(template), cache(attrgetter("call"))

    def name(self, slot: int) -> str:
        return self.names[slot] if slot >= 0 else constant(self.trace.constants[~slot]).text

    def head(self, function: str) -> list[str]:
        lines = [f"def {function}(params, inputs):"]
        n = self.trace.n_params
        for names, source in ((self.names[:n], "params"), (self.names[n : self.n_leaves], "inputs")):
            if names:
                lines.append(f"    {', '.join(names)}{',' * (len(names) == 1)} = {source}")
            elif self.for_floats:
                lines.append(f"    if len({source}): return None")
        if self.for_floats and self.n_leaves:
            classes = " is ".join(f"{name}.__class__" for name in self.names[: self.n_leaves])
            lines.append(f"    if not {classes} is float: return None")
        return lines

    def program(self) -> str:
        root = self.trace.root
        needed = self.trace.needed_by([root])
        lines = [*self.head("program"), "    # forward", *self.values(needed)]
        wrt = [*range(self.trace.n_params), *self.also]
        gradients = self.gradients(lines, wrt)
        results = [self.name(root), f"[{', '.join(gradients[: self.trace.n_params])}]"]
        results += [f"[{', '.join(gradients[self.trace.n_params :])}]"] if self.also else []
        return "\n".join([*lines, f"    return {', '.join(results)}"])

    def forward(self) -> str:
        """The function of the outputs."""
        outputs = self.trace.outputs
        lines = [*self.head("forward"), *self.values(self.trace.needed_by(outputs))]
        return "\n".join([*lines, f"    return [{', '.join(map(self.name, outputs))}]"])

    def values(self, needed: Sequence[bool]) -> list[str]:
        """One line an operation."""
        lines = []
        for slot, operation in enumerate(self.trace.operations, start=self.n_leaves):
            if needed[slot]:
                expression = self.expression(operation.row, operation.operands)
                lines.append(f"    {self.names[slot]} = {expression}{self.comments[slot]}")
        return lines

    def expression(self, row: Row, operands: Sequence[int]) -> Text:
        if not row.many:
            return self.fill(self.call(row), row.operands, operands)
        groups = row.groups(operands)
        found, rest = folds(row.primal)
        if len(found) == 1 and found[0][0] == rest and found[0][1] == "sum" and len(groups[0]) <= LINE:
            return sum_of(self.fill(found[0][2], row.operands, beside) for beside in zip(*groups, strict=True))
        return Text(row.written([self.name(k) for k in operands]))

    def fill(self, formula: str, operands: Sequence[str], slots: Sequence[int], **beside: str | float) -> Text:
        """The formula with names for its operands."""
        names, constants = self.names, self.trace.constants
        for x, k in zip(operands, slots, strict=True):
            beside[x] = names[k] if k >= 0 else constants[~k]
        return filled(formula, beside, self.language, self.template)

    def gradients(self, lines: list[str], wrt: Sequence[int]) -> list[str]:
        """The names of the gradients for `wrt`; writes the lines that compute them."""
        trace, backward = self.trace, list[str]()
        terms: Counter[int] = Counter()
        sums: dict[tuple[int, int], dict[str, str]] = {}

        def term(slot: int, adjoint: Text, number: int, operands: Sequence[int]) -> Text:
            row, of_all = trace.operations[slot - self.n_leaves]
            d = adjoint.text if adjoint.number is None else adjoint.number
            found, partial = folds(row.partials[number]) if row.many else ([], row.partials[number])
            if found and (slot, number) not in sums:
                sums[slot, number] = self.sums(backward, row, found, of_all, slot)
            known = sums.get((slot, number), {})
            return self.fill(f"d_out * ({partial})", row.operands, operands, out=self.names[slot], d_out=d, **known)

        def plus(slot: int, total: Text, term: Text) -> Text:
            terms[slot] += 1
            return (total if terms[slot] % LINE else complete(slot, total)) + term

        def complete(slot: int, total: Text) -> Text:
            labelled = slot < self.n_leaves or (trace.labels[slot] and not self.for_floats)
            if (total.is_name or total.number is not None) and not labelled:
                return total  # the same number needs no second name
            backward.append(f"    d_{self.names[slot]} = {total}")
            return Text(f"d_{self.names[slot]}")

        found = adjoints(trace, wrt, constant(1.0), term, plus, complete)
        names = {slot: complete(slot, found[slot]).text for slot in wrt if slot in found}
        if backward:
            example = self.names[wrt[0]]
            lines.append(f"    # backward: d_{example} is the derivative of {self.name(trace.root)} for {example}")
        lines += backward
        return [names.get(slot, "0") for slot in wrt]

    def sums(
        self, lines: list[str], row: Row, found: list[tuple[str, str, str]], operands: Sequence[int], slot: int
    ) -> dict[str, str]:
        """What stands for each sum over all i in a partial; writes the lines that compute them."""
        known: dict[str, str] = {}
        for name, _, term in found:
            mine = f"{name}_{self.names[slot]}"
            while mine in self.names:
                mine += "_"
            texts = [
                self.fill(term, row.operands, beside, out=self.names[slot], **known)
                for beside in zip(*row.groups(operands), strict=True)
            ]
            total = sum_of(texts) if len(texts) <= LINE else Text(TABLE["sum"].written([text.text for text in texts]))
            lines.append(f"    {mine} = {total}")
            known[name] = mine
        return known


def refuse_names(what: str, names: Iterable[str]) -> None:
    """Raise ValueError where there is a name of an operation that means something else in a text."""
    for name in sorted(names):
        raise ValueError(f"{what} has something else called {name!r}: register the operation by another name")


def sum_of(terms: Iterable[Text]) -> Text:
    """All of these, one after another."""
    return reduce(add, terms)


def named(labels: Sequence[str], taken: Iterable[str]) -> tuple[list[str], list[str]]:
    """A variable for each label, as near to it as a language allows, and a comment where that is not the label."""
    taken = {*taken, *TABLE}
    names, comments = [], []
    tried: dict[str, int] = {"": 0}  # the last number behind a name
    for label in labels:
        name = wanted = identifier(label) if label else ""
        while not name or name in taken or f"d_{name}" in taken:
            tried[wanted] = tried.get(wanted, 1) + 1
            name = f"{wanted}_{tried[wanted]}" if wanted else f"v{tried[wanted]}"
        taken |= {name, f"d_{name}"}
        names.append(name)
        comments.append(f"  # {plain(label)}" if label and label != name else "")
    return names, comments


def identifier(label: str) -> str:
    """The label as a Python name, "" where nothing is left of it.

    >>> identifier("w₁"), identifier("h[0] "), identifier("2")
    ('w1', 'h_0', '')
    """
    name = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", label)).strip("_")
    return name if name.isidentifier() else ""
