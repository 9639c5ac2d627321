"""Writes each row of the table as the Python that runs it: `python -m tinygrad_edu.engine.write`.

It fills operations.py, to be read, stepped through and searched, and docs/operations.md. A row that is registered at
run time goes through the same functions and is compiled on the spot.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable
from pathlib import Path
from textwrap import indent

from tinygrad_edu.engine.formulas import folds, for_numbers, names
from tinygrad_edu.engine.languages import Text, language, run
from tinygrad_edu.engine.numbers import FLOATS, TOTAL
from tinygrad_edu.engine.table import OPERATORS, TABLE, Row

FILE = Path(__file__).with_name("operations.py")
PAGE = Path(__file__).parents[2] / "docs" / "operations.md"

HEAD = '''\
# Written from the table by `python -m tinygrad_edu.engine.write`; a test checks that it is current.
"""Every operation of the table in Python: what computes and records it, and what hands its gradient on."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from tinygrad_edu.engine import numbers
from tinygrad_edu.engine.errors import UNDEFINED, undefined, unequal, unlisted
from tinygrad_edu.engine.numbers import NOT_COMPUTED, constant, number
from tinygrad_edu.engine.table import TABLE, Row

if TYPE_CHECKING:
    from tinygrad_edu.engine.value import Value  # when the program runs, value.py puts it here

Number = TypeVar("Number", float, "Value", "Value | float")

__all__ = [
{public}]

# Slots are filled one by one: a call of Value(...) would cost as much as all the rest.
new: Callable[[type[Value]], Value] = object.__new__

{rows}

class Operations:
    """The operations of a Value, each followed by its pullback.

    In an operation x and y are the numbers of its operands. In a pullback g is the gradient of the result `out`, and
    each operand that is no constant gets g times the partial for it. That for a constant is not evaluated, and need
    not exist: (-2.0)**2 has none for the 2, which would be out * log(-2.0).
    """

    __slots__ = ()

    data: float
    grad: float
    op: Row
    parents: tuple[Any, ...]
    label: str
'''

RECORD = """\
node = new(Value)
node.data = data
node.grad = NOT_COMPUTED
node.op = {row}
node.parents = {parents}
node.label = ""
return node
"""

OTHER = """\
if isinstance(other, Value):
    {y} = other.data
elif type(other) is float and other - other == 0:  # a finite constant
    {y} = other
else:
    other = {y} = {checked}
"""
# Python asks the other class where an operator is not implemented, and nobody else about a method.
OPERATOR = """\
constant(other)
    if other is NotImplemented:
        return NotImplemented"""
METHOD = "number(other)"


ON_FLOATS = language(
    {name: f"{'math' if f.__module__ == 'math' else 'numbers'}.{f.__name__}" for name, f in FLOATS.items()},
    prefix="floats.",  # of a row that was registered, or uses one
    simplify=False,
)


def spelled(formula: str) -> Text:
    """A formula on floats, as Python."""
    return run(formula, {x: x for x in names(formula) if x not in TABLE}, ON_FLOATS)


def constant_name(row: Row) -> str:
    return row.name.upper()


def computed(row: Row, parents: str) -> str:
    """The lines that compute `data` from x and y."""
    line = f"data = {spelled(row.primal)}\n"
    if {*names(for_numbers(row.primal))} - {*row.operands} <= TOTAL and "/" not in row.primal:
        return line  # sums and products of floats never fail
    return guarded(row, line, parents)


def guarded(row: Row, lines: str, parents: str) -> str:
    """Lines whose failure is told with the row and its operands."""
    return (
        f"try:\n{indent(lines, '    ')}except UNDEFINED as error:\n"
        f"    raise undefined({constant_name(row)}, {parents}, error) from None\n"
    )


def method(row: Row, name: str, operands: tuple[str, ...]) -> str:
    """The method that computes a row and records it; `operands` says which of x and y is self, which is other."""
    parents = f"({', '.join(operands)}{',' * (len(operands) == 1)})"
    first = f", where {row.operands[operands.index('self')]} is self" if len(operands) == 2 else ""
    body = docstring(row, first) + "\n"
    for x, which in zip(row.operands, operands, strict=True):
        if which == "self":
            body += f"{x} = self.data\n"
        else:
            body += OTHER.format(y=x, checked=OPERATOR if name.startswith("__") else METHOD)
    body += computed(row, parents) + RECORD.format(row=constant_name(row), parents=parents)
    other = ", other: Value | float" if len(operands) == 2 else ""
    return f"def {name}(self{other}) -> Value:\n{indent(body, '    ')}"


def words(row: Row) -> list[str]:
    """Formula, derivatives and conventions in words, a line each."""
    lines = [row.call if row.primitive or row.call == row.primal else f"{row.call} = {row.primal}"]
    lines += [f"∂/∂{x} = {shown}" for x, shown in zip(row.operands, row.shown, strict=True)]
    lines += [f"At {row.kink} = 0 the derivative is {row.at_kink}."] if row.kink else []
    return lines + ([f"In floats {row.accuracy}."] if row.accuracy else [])


def docstring(row: Row, first: str = "") -> str:
    """The table's words about a row, in as many lines as they need."""
    call, *rest = words(row)
    line = "; ".join([call + first, ", ".join(part for part in rest if part.startswith("∂"))]) + "."
    more = [part for part in rest if not part.startswith("∂")]
    if len(line) < 100 and not more:
        return f'"""{line}"""'
    call = call if len(call) < 110 else call.replace(" = ", " =\n    ", 1)
    return "\n".join(['"""' + call + first + ".", "", *rest, '"""'])


def methods(row: Row) -> dict[str, tuple[str, ...]]:
    """The methods of Value that a row gives: name, and which operand is self."""
    if row.many:
        return {}
    if len(row.operands) == 1:
        return {row.name: ("self",)}
    if row.name in OPERATORS:
        return {f"__{row.name}__": ("self", "other"), f"__r{row.name}__": ("other", "self")}
    return {row.name: ("self", "other"), f"_reflected_{row.name}": ("other", "self")}


def special(row: Row) -> str:
    """The second name of a method that Python looks for: `-value`, `abs(value)`."""
    return f"__{row.name}__ = {row.name}\n" if row.name in ("neg", "abs") else ""


def pullback_name(row: Row) -> str:
    return f"_{row.name}_pullback"


def pullback(row: Row) -> str:
    """The function that adds to each operand's gradient: that of the result times the partial for the operand."""
    used = {name for partial in row.partials for name in names(partial)}
    body = "g = node.grad\n" if {*row.partials} != {"0"} else ""
    body += "out = node.data\n" if row.many and "out" in used else ""
    if row.many and len(row.operands) == 2:
        body += "width = len(node.parents) // 2\n"
        body += "for left, right in zip(node.parents[:width], node.parents[width:]):\n"
        body += indent(cases(row), "    ")
    elif row.many:
        body += sums(row) + "for operand in node.parents:\n    if type(operand) is not float:\n"
        body += indent(additions(row, {row.operands[0]: "operand"}, {}), "        ")
    elif len(row.operands) == 1:
        body += "(operand,) = node.parents\n" + additions(row, {"x": "operand"}, {})
    else:
        body += "left, right = node.parents\n" + cases(row)
    return f"def {pullback_name(row)}(node: Value) -> None:\n{indent(body, '    ')}"


def sums(row: Row) -> str:
    """The lines that work out what the partial sums over all i."""
    found, _ = folds(row.partials[0])
    lines = "".join(
        f"{name} = builtins.sum([{spelled(term)} for {row.operands[0]} in data], 0.0)\n" for name, _, term in found
    )
    return lines and "data = [v if type(v) is float else v.data for v in node.parents]\n" + lines


def cases(row: Row) -> str:
    """What the pullback of a row of two operands does, by which of them is a constant."""
    x, y = row.operands
    used = {name for partial in row.partials for name in names(partial)}
    if not used & {x, y}:
        return "".join(
            f"if type({operand}) is not float:\n{indent(additions(row, {name: operand}, {}), '    ')}"
            for name, operand in ((x, "left"), (y, "right"))
        )
    alone = indent(additions(row, {x: "left"}, {y: "right"}), "    ")
    if row.many:  # a pair may be two constants
        alone = f"    if type(left) is not float:\n{indent(alone, '    ')}"
    return (
        f"if type(right) is float:\n{alone}"
        f"elif type(left) is float:\n{indent(additions(row, {y: 'right'}, {x: 'left'}), '    ')}"
        f"else:\n{indent(additions(row, {x: 'left', y: 'right'}, {}), '    ')}"
    )


def additions(row: Row, values: dict[str, str], constants: dict[str, str]) -> str:
    """The lines that add to the gradients of `values`, the operands that are Values, by their names in the row."""
    partials = dict(zip(row.operands, row.partials, strict=True))
    used = {name for x in values for name in names(partials[x])}
    lines = [f"{x} = {operand}.data" for x, operand in values.items() if x in used]
    lines += [f"{x} = {operand}" for x, operand in constants.items() if x in used]
    lines += ["out = node.data"] if "out" in used and not row.many else []
    for x, operand in values.items():
        match partials[x]:
            case "0":
                lines.append(f"{operand}.grad += 0.0  # says that it was computed")
            case "1":
                lines.append(f"{operand}.grad += g")
            case "-1":
                lines.append(f"{operand}.grad -= g")
            case partial:
                partial = folds(partial)[1] if row.many else partial
                lines.append(f"{operand}.grad += {Text('g') * spelled(partial)}")
    return "".join(f"{line}\n" for line in lines)


def function(row: Row, owner: str = "") -> str:
    """The row as a public function: Values in, a Value out; plain numbers in, a plain number out.

    It calls the methods of its operand; or those of `owner`, since a row that is taken back leaves Value.
    """
    if row.many:
        return many(row)

    def call(name: str, x: str, *others: str) -> str:
        return f"{owner}.{name}({', '.join([x, *others])})" if owner else f"{x}.{name}({', '.join(others)})"

    body = docstring(row) + "\n"
    if len(row.operands) == 1:
        body += f"return {call(row.name, 'x')} if isinstance(x, Value) else {call(row.name, 'Value(x)')}.data\n"
        return f"def {row.name}(x: Number) -> Number:\n{indent(body, '    ')}"
    if row.name in OPERATORS:
        sign = OPERATORS[row.name]
        space = "" if sign == "**" else " "  # as a formatter of code would have it
        body += "if isinstance(x, Value) or isinstance(y, Value):\n"
        body += f"    return x{space}{sign}{space}y\nreturn (Value(x) {sign} y).data\n"
    else:
        body += f"if isinstance(x, Value):\n    return {call(row.name, 'x', 'y')}\n"
        body += f"if isinstance(y, Value):\n    return {call(f'_reflected_{row.name}', 'y', 'x')}\n"
        body += f"return {call(row.name, 'Value(x)', 'y')}.data\n"
    overloads = "".join(
        f"@overload\ndef {row.name}(x: {x}, y: {y}) -> {out}: ...\n"
        for x, y, out in (("float", "float", "float"), ("Value", "Value | float", "Value"), ("float", "Value", "Value"))
    )
    signature = f"def {row.name}(x: Value | float, y: Value | float) -> Value | float:\n"
    return overloads + signature + indent(body, "    ")


def many(row: Row) -> str:
    """An operation over many operands: a function of one sequence for x and, if there is one, one for y."""
    sequences = [operand[0] for operand in row.operands]
    found, rest = folds(row.primal)
    pairs = f"{', '.join(row.operands)} in " + ("zip(x, y)" if len(sequences) == 2 else "x")
    lines = ""
    for name, fold, term in found:
        terms = "x" if term == "x_i" else f"[{spelled(term)} for {pairs}]"
        result = "data" if name == rest else name
        lines += f"{result} = builtins.{fold}({terms}{', 0.0' * (fold == 'sum')})\n"
    lines += f"data = {spelled(rest)}\n" if rest not in [name for name, _, _ in found] else ""
    body = docstring(row) + "\n"
    body += "try:\n"
    for x in sequences:
        body += f"    {x}s: list[Any] = [v if isinstance(v, Value) else number(v) for v in {x}]\n"
    body += "except TypeError as error:\n"
    body += f"    raise unlisted({constant_name(row)}, error, {', '.join(sequences)}) from None\n"
    if len(sequences) == 2:
        body += f"if len(xs) != len(ys):\n    raise unequal({constant_name(row)}, xs, ys)\n"
    body += "try:  # most often all are Values\n" + "".join(f"    {x} = [v.data for v in {x}s]\n" for x in sequences)
    body += "except AttributeError:\n"
    body += "".join(f"    {x} = [v if type(v) is float else v.data for v in {x}s]\n" for x in sequences)
    body += f"parents = ({', '.join(f'*{x}s' for x in sequences)}{',' * (len(sequences) == 1)})\n"
    body += guarded(row, lines, "parents")
    body += "if {float}.issuperset(map(type, parents)):  # constants only\n    return data\n"
    body += RECORD.format(row=constant_name(row), parents="parents")
    kinds = ("Iterable[float]", "float"), ("Iterable[Value | float]", "Value")
    overloads = "".join(
        f"@overload\ndef {row.name}({', '.join(f'{x}: {kind}' for x in sequences)}) -> {out}: ...\n"
        for kind, out in kinds
    )
    # An empty sequence is both: it gives a plain number, as the first form says.
    overloads = overloads.replace("...\n", "...  # type: ignore[overload-overlap]\n", 1)
    signature = f"def {row.name}({', '.join(f'{x}: Iterable[Any]' for x in sequences)}) -> Any:\n"
    return overloads + signature + indent(body, "    ")


def natural(name: str) -> list[str | int]:
    """A key to sort by, with numbers in a name by their size: log1p before log10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def operations(rows: Iterable[Row]) -> str:
    """The text of operations.py."""
    rows = list(rows)
    public = sorted((row.name for row in rows if not hasattr(builtins, row.name)), key=natural)
    text = HEAD.format(
        public="".join(f'    "{name}",\n' for name in public),
        rows="".join(f'{constant_name(row)} = TABLE["{row.name}"]\n' for row in rows),
    )
    for row in rows:
        for name, operands in methods(row).items():
            text += "\n" + indent(method(row, name, operands), "    ")
        if not row.many:
            text += indent("\n" + special(row), "    ") if special(row) else ""
            text += "\n" + indent("@staticmethod\n" + pullback(row), "    ")
    for row in rows:
        text += f"\n\n{function(row)}"
        text += f"\n\n{pullback(row)}" if row.many else ""
    text += "\n\n"
    for row in rows:
        rule = pullback_name(row) if row.many else f"Operations.{pullback_name(row)}"
        text += f"{constant_name(row)}.function, {constant_name(row)}.pullback = {row.name}, {rule}\n"
    return text


TABLE_HEAD = """\
# Every operation

Written from the table in `tinygrad_edu/engine/table.py`. Each operation is a function, `tinygrad_edu.tanh(v)`; those
with one operand, and `maximum` and its like, are methods too, `v.tanh()`; those that Python has a sign for, operators.

| operation | how to write it | value | derivatives | domain of the tests | kinks; accuracy worse than 5 ulp |
|---|---|---|---|---|---|
"""


def page(rows: Iterable[Row]) -> str:
    """The text of docs/operations.md, one line an operation."""
    lines = (" | ".join(cell.replace("|", "∣") for cell in cells(row)) for row in rows)
    return TABLE_HEAD + "".join(f"| {line} |\n" for line in lines)


def cells(row: Row) -> list[str]:
    if row.many:
        usage = f"{row.name}({', '.join(f'{operand[0]}s' for operand in row.operands)})"
    elif row.name in OPERATORS:
        usage = row.call
    else:
        usage = f"x.{row.name}({', '.join(row.operands[1:])})"
    derivatives = "<br>".join(f"∂/∂{x} = `{shown}`" for x, shown in zip(row.operands, row.shown, strict=True))
    kink = f"at {row.kink} = 0: {row.at_kink}" if row.kink else row.accuracy
    return [
        f"{row.name} {row.symbol}" if row.symbol != row.name else row.name,
        f"`{usage}`",
        "" if row.primitive else f"`{row.primal}`",
        derivatives,
        " × ".join(map(repr, row.domains)),
        kink,
    ]


if __name__ == "__main__":
    FILE.write_text(operations(TABLE.values()), encoding="utf-8")
    PAGE.write_text(page(TABLE.values()), encoding="utf-8")
