"""The arithmetic of one graph as JavaScript, written from the formulas of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, isfinite

from tinygrad_edu.engine import TABLE, Row, Value
from tinygrad_edu.engine.formulas import PRIMITIVES as FLOAT_PRIMITIVES
from tinygrad_edu.engine.languages import JAVASCRIPT, Text, constant, unfolded, written

PRIMITIVES = {name: f"Math.{name}" for name in FLOAT_PRIMITIVES} | {
    "maximum": "(x, y) => (x > y || x !== x ? x : y)",
    "minimum": "(x, y) => (x < y || x !== x ? x : y)",
    "sign": "(x) => (x > 0 ? 1 : x < 0 ? -1 : x)",
    "step": "(x) => (x > 0 ? 1 : x <= 0 ? 0 : x)",
    "is_zero": "(x) => (x === 0 ? 1 : x === x ? 0 : x)",
    # The series near 0, and the continued fraction beyond: both are exact to the last digits where they are used.
    "erf": "(x) => { let t = x, s = x; for (let n = 1; n < 60; n++) { t *= -x * x / n; s += t / (2 * n + 1); } "
    "return Math.abs(x) < 2 ? 1.1283791670955126 * s : Math.sign(x) * (1 - op_erfc(Math.abs(x))); }",
    "erfc": "(x) => { if (x < 2) return x > -2 ? 1 - op_erf(x) : 2 - op_erfc(-x); let f = 0; "
    "for (let n = 60; n > 0; n--) f = n / 2 / (x + f); return Math.exp(-x * x) / 1.772453850905516 / (x + f); }",
}


def operations() -> str:
    """The table as JavaScript: a function `op_name` each, and `operation`, which has them by name.

    Left out are operations over many operands, and primitives that JavaScript does not have.
    """
    rows = [row for row in TABLE.values() if not row.many and (not row.primitive or row.name in PRIMITIVES)]
    named = ", ".join(f"{row.name}: op_{row.name}" for row in rows)
    return "\n".join([*map(definition, rows), f"const operation = {{{named}}};"])


def definition(row: Row) -> str:
    """
    >>> print(definition(TABLE["softplus"]))
    const op_softplus = (x) => op_maximum(x, 0) + op_log1p(op_exp(-op_abs(x)));
    """
    if row.primitive:
        return f"const op_{row.name} = {PRIMITIVES[row.name]};"
    body = written(row.primal, {x: x for x in row.operands}, JAVASCRIPT)
    return f"const op_{row.name} = ({', '.join(row.operands)}) => {body};"


def program(nodes: list[Value]) -> str:
    """JavaScript that computes each of `nodes` (operands before results) and its local derivatives.

    It defines `forward[k](v)`, the data of node k from the list `v` of all data, null for a leaf; and
    `partials[k](v)`, the list of its derivatives for its operands, null for a constant. It needs `operations`.

    >>> a = Value(2.0)
    >>> print(program([a, a * a]))
    const forward = [null, (v) => v[0] * v[0]];
    const partials = [null, (v) => [v[0], v[0]]];

    Raises ValueError for an operation that JavaScript has no primitive for, and for one that is no longer in the table.
    """
    place = {node: k for k, node in enumerate(nodes)}
    forward, partials = ["null"] * len(nodes), ["null"] * len(nodes)
    for node, k in place.items():
        if not node.parents:
            continue
        row, at = node.op, [at_place(operand, place) for operand in node.parents]
        if TABLE.get(row.name) is not row:
            raise ValueError(f"the graph has the operation {row.name!r}, which was taken back since it was used")
        if row.many:
            forward[k] = arrow(*computed(row.primal, row, at, {}))
        else:
            forward[k] = arrow(*computed(row.call, row, at, dict(zip(row.operands, at, strict=True))))
        cells, lines = [], dict[str, None]()
        for i, operand in enumerate(node.parents):
            which, beside = row.place(at, i)
            names = dict(zip(row.operands, beside, strict=True))
            if isinstance(operand, Value):
                before, cell = computed(
                    row.partials[which], row, at, names | {"out": at_place(node, place)}, f"_{which}"
                )
                lines |= dict.fromkeys(before)
            cells.append(cell if isinstance(operand, Value) else "null")
        partials[k] = arrow(list(lines), f"[{', '.join(cells)}]")
    return f"const forward = [{', '.join(forward)}];\nconst partials = [{', '.join(partials)}];"


def computed(
    formula: str, row: Row, at: list[Text], names: Mapping[str, Text], mark: str = ""
) -> tuple[list[str], str]:
    """A formula of `v`, and the lines that come before it: the folds over all operands, a constant each."""
    lines, result = unfolded(formula, row, at, names, rows, largest, mark)
    return [f"const {name} = {text};" for name, text in lines], result.text


def largest(texts: Sequence[Text]) -> Text:
    return Text(f"Math.max({', '.join(map(str, texts))})")


def arrow(lines: list[str], result: str) -> str:
    """A function of `v`."""
    return f"(v) => {{ {' '.join(lines)} return {result}; }}" if lines else f"(v) => {result}"


def at_place(operand: Value | float, place: Mapping[Value, int]) -> Text:
    """An operand in the list of all data, or the constant that it is."""
    if isinstance(operand, Value):
        return Text(f"v[{place[operand]}]")
    return constant(operand) if isfinite(operand) else Text({inf: "Infinity", -inf: "(-Infinity)"}.get(operand, "NaN"))


def rows(row: Row) -> Callable[..., Text]:
    """An operation in JavaScript. Raises ValueError where it has none."""
    if row.primitive and row.name not in PRIMITIVES:
        raise ValueError(f"JavaScript has no primitive for the operation {row.name}")
    return JAVASCRIPT(row)
