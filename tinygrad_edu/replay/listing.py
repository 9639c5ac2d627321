"""A trace as straight-line Python: one line an operation, forward, then backward."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from tinygrad_edu.engine import TABLE, Row, plain
from tinygrad_edu.engine.formulas import folds, rows_in
from tinygrad_edu.engine.languages import PYTHON, SUM, Text, constant
from tinygrad_edu.replay.formulas import INLINE, ON_FLOATS, filled, with_floats
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
        self.trace, self.also, self.for_floats = trace, also, for_floats
        self.n_leaves = trace.n_params + trace.n_inputs
        labels = [*trace.labels, *(operation.label for operation in trace.operations)]
        self.names, self.comments = named(labels, TAKEN | {operation.row.name for operation in trace.operations})
        self.language = ON_FLOATS if for_floats else PYTHON

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
        gradients = self.gradients(lines, needed, wrt)
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

    def expression(self, row: Row, operands: Sequence[int]) -> str:
        if not row.many:
            return self.fill(written(row, self.for_floats), row.operands, operands).text
        groups = row.groups(operands)
        found, rest = folds(row.primal)
        if len(found) == 1 and found[0][0] == rest and found[0][1] == "sum" and len(groups[0]) <= LINE:
            terms = [self.fill(found[0][2], row.operands, at) for at in zip(*groups, strict=True)]
            return " + ".join(term.within(SUM) for term in terms)
        return row.written([self.name(k) for k in operands])

    def fill(self, formula: str, operands: Sequence[str], slots: Sequence[int], out: int = 0) -> Text:
        """The formula with names for its operands."""
        constants = self.trace.constants
        found = {x: self.names[k] if k >= 0 else constants[~k] for x, k in zip(operands, slots, strict=True)}
        return filled(formula, found | {"out": self.names[out]}, self.language)

    def gradients(self, lines: list[str], needed: Sequence[bool], wrt: Sequence[int]) -> list[str]:
        """The names of the gradients for `wrt`; writes the lines that compute them."""
        root = self.trace.root
        active = [False] * len(self.names)  # depends on what is differentiated for
        for slot in wrt:
            active[slot] = True
        for slot, operation in enumerate(self.trace.operations, start=self.n_leaves):
            active[slot] = needed[slot] and any(k >= 0 and active[k] for k in operation.operands)
        terms: dict[int, list[str]] = {root: ["1"]} if root >= 0 and active[root] else {}
        backward: list[str] = []

        def summed(slot: int) -> str:
            """The name of the gradient of a slot, which is a sum over what the slot is used by."""
            name, line = f"d_{self.names[slot]}", " + ".join(terms[slot]).replace("+ -", "- ")
            labelled = slot < self.n_leaves or self.trace.operations[slot - self.n_leaves].label
            if re.fullmatch(r"[\w.]+", line) and (not labelled or (self.for_floats and slot >= self.n_leaves)):
                return line  # the same number needs no second name
            backward.append(f"    {name} = {line}")
            return name

        for slot in range(len(self.names) - 1, self.n_leaves - 1, -1):
            if slot in terms:
                row, operands, _ = self.trace.operations[slot - self.n_leaves]
                gradient = summed(slot)
                width = len(operands) // len(row.operands)
                for k, operand in enumerate(operands):
                    partial = row.partials[k // width]
                    if operand >= 0 and active[operand] and partial != "0":
                        at = operands[k % width :: width]
                        found = terms.setdefault(operand, [])
                        found.append(product(gradient, self.fill(partial, row.operands, at, slot)))
                        if len(found) > LINE:
                            terms[operand] = [summed(operand)]
        names = {slot: summed(slot) for slot in wrt if slot in terms}
        if backward:
            example = self.names[wrt[0]]
            lines.append(f"    # backward: d_{example} is the derivative of {self.name(root)} for {example}")
        lines += backward
        return [names.get(slot, "0") for slot in wrt]


@lru_cache(maxsize=4096)  # of formulas with constants there is no end
def written(row: Row, for_floats: bool) -> str:
    """How the operation is written: with its operator, or as a call by its name; its formula, if that needs no call."""
    inlined = for_floats and not row.primitive and INLINE.keys() >= rows_in([row.primal], id).keys()
    if inlined or re.fullmatch(r"-?x|x [-+*/] y", row.primal):
        return row.primal
    return f"{row.name}({', '.join(row.operands)})"


def product(gradient: str, partial: Text) -> str:
    """The gradient of the result times the partial.

    >>> product("d_y", Text("a + b", SUM)), product("1", Text("a + b", SUM)), product("d_y", constant(-1.0))
    ('d_y * (a + b)', 'a + b', '-d_y')
    """
    made = constant(1.0) if gradient == "1" else Text(gradient)
    return (-made if partial.number == -1 else made * partial).within(SUM)


def named(labels: Sequence[str], taken: Iterable[str]) -> tuple[list[str], list[str]]:
    """A variable for each label, as near to it as a language allows, and a comment where that is not the label."""
    taken = {*taken, *TABLE}
    names, comments = [], []
    tried: dict[str, int] = {"": 0}  # the last number behind a name
    for label in labels:
        name = wanted = identifier(label)
        while not name or name in taken or f"d_{name}" in taken:
            tried[wanted] = tried.get(wanted, 1) + 1
            name = f"{wanted}_{tried[wanted]}" if wanted else f"v{tried[wanted]}"
        taken |= {name, f"d_{name}"}
        names.append(name)
        comments.append(f"  # {plain(label)}" if label not in ("", name) else "")
    return names, comments


def identifier(label: str) -> str:
    """The label as a Python name, "" where nothing is left of it.

    >>> identifier("w₁"), identifier("h[0] "), identifier("2")
    ('w1', 'h_0', '')
    """
    name = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", label)).strip("_")
    return name if name.isidentifier() else ""
