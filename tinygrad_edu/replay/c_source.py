"""A program as one function in C, which needs its mathematical library alone."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import reduce

from tinygrad_edu.engine import TABLE, Row
from tinygrad_edu.engine.formulas import BUILT_IN, MATH
from tinygrad_edu.engine.languages import UNARY, C, Text, constant, language, run, unfolded
from tinygrad_edu.replay.gradient import gradient
from tinygrad_edu.replay.listing import named
from tinygrad_edu.replay.trace import Operation, Trace

IN_THE_LIBRARY = {*MATH, "log10", "pow", "abs"}
OWN = "own_"  # before the name of a row that was registered: the library may have a function of that name
PRIMITIVES = {  # what it has not, or has in another way: fmax passes a nan over
    "maximum": "x > y || x != x ? x : y",
    "minimum": "x < y || x != x ? x : y",
    "sign": "x > 0 ? 1 : x < 0 ? -1 : x",
    "step": "x > 0 ? 1 : x <= 0 ? 0 : x",
}
SHORT = re.compile(r"[A-Za-z](_?\d+)*")  # no word or macro of C, nor any other name of the function


def c_source(trace: Trace, also: Sequence[int] = ()) -> str:
    """The text of `double program(params, inputs, gradient)`: the value, and the gradient in an array of the caller's.

    >>> from tinygrad_edu.engine import Value
    >>> from tinygrad_edu.replay.trace import recorded
    >>> w, x = Value(0.5, "w"), Value(2.0, "x")
    >>> print(c_source(recorded(w * x.relu(), [w], [x])))
    #include <math.h>
    <BLANKLINE>
    static double maximum(double x, double y) { return x > y || x != x ? x : y; }
    static double relu(double x) { return maximum(x, 0); }
    <BLANKLINE>
    double program(const double *params, const double *inputs, double *gradient)
    {
        const double w = params[0];
        const double x = inputs[0];
        const double v1 = relu(x);
        const double v2 = w * v1;
        gradient[0] = v1;
        return v2;
    }
    <BLANKLINE>

    Arguments:
        also: slots of the inputs whose derivatives go into a fourth argument, `also`.
    """
    made = gradient(trace, [*range(trace.n_params), *also])
    names, _ = named([ascii_only(label) for label in made.labels], ())
    names = [name if SHORT.fullmatch(name) else f"{name}_" for name in names]
    body = "".join(f"    {line}\n" for line in Function(made, names, trace.n_params).lines())
    defined = "".join(f"{line}\n" for line in helpers(body, set()))
    parameters = ["const double *params", "const double *inputs", "double *gradient", *["double *also"] * bool(also)]
    head = f"#include <math.h>\n\n{defined}" + "\n" * bool(defined)
    return f"{head}double program({', '.join(parameters)})\n{{\n{body}}}\n"


def in_c(row: Row) -> Callable[..., Text]:
    return C(row) if row in BUILT_IN else language({}, OWN)(row)


class Function:
    """The lines of the function for a trace whose outputs are the derivatives."""

    def __init__(self, trace: Trace, names: Sequence[str], n_gradient: int) -> None:
        self.trace, self.names, self.n_gradient = trace, names, n_gradient

    def text(self, place: int) -> Text:
        if place >= 0:
            return Text(self.names[place])
        number = self.trace.constants[~place]
        if math.isfinite(number):
            return constant(number)
        return Text("NAN") if number != number else Text("INFINITY") if number > 0 else Text("-INFINITY", UNARY)

    def lines(self) -> Iterator[str]:
        trace = self.trace
        needed = trace.needed_by([trace.root, *trace.outputs])
        n_leaves = trace.n_leaves
        for slot in range(n_leaves):
            if needed[slot]:
                array, k = ("params", slot) if slot < trace.n_params else ("inputs", slot - trace.n_params)
                yield f"const double {self.names[slot]} = {array}[{k}];"
        for name, operation in zip(self.names[n_leaves:], trace.operations, strict=True):
            yield from self.computed(name, operation)
        for k, place in enumerate(trace.outputs):
            array, k = ("gradient", k) if k < self.n_gradient else ("also", k - self.n_gradient)
            yield f"{array}[{k}] = {self.text(place)};"
        yield f"return {self.text(trace.root)};"

    def computed(self, name: str, operation: Operation) -> Iterator[str]:
        """The lines of one operation: its folds, if it is over many operands, then itself."""
        row, texts = operation.row, [self.text(k) for k in operation.operands]
        formula, known = (row.primal, {}) if row.many else (row.call, dict(zip(row.operands, texts, strict=True)))
        lines, result = unfolded(formula, row, texts, known, in_c, largest, f"_{name}")
        for each, text in [*lines, (name, result)]:
            yield f"const double {each} = {text};"


def helpers(text: str, written: set[str]) -> Iterator[str]:
    """A function for each operation that a text calls and the library of C has not, each after those that it calls."""
    for name in re.findall(r"([a-z]\w*)\(", text):
        row = TABLE.get(name.removeprefix(OWN))
        if row and name not in written | IN_THE_LIBRARY:
            written.add(name)
            if row.primitive and name not in PRIMITIVES:
                raise ValueError(f"{name} has no form in C")
            body = PRIMITIVES.get(name) or run(row.primal, {x: Text(x) for x in row.operands}, in_c).text
            yield from helpers(body, written)
            yield f"static double {name}({', '.join(f'double {x}' for x in row.operands)}) {{ return {body}; }}"


def largest(terms: Sequence[Text]) -> Text:
    return reduce(in_c(TABLE["maximum"]), terms)


def ascii_only(label: str) -> str:
    return unicodedata.normalize("NFKC", label).encode("ascii", "ignore").decode()
