"""The table as Markdown: `python -m tinygrad_edu.engine.table > docs/operations.md`."""

from __future__ import annotations

from tinygrad_edu.engine.ops import OPERATORS, TABLE, Row

HEAD = """\
# Every operation

Written from the table in `tinygrad_edu/engine/ops.py`. Each operation is a function, `tinygrad_edu.tanh(v)`; those with
one operand, and `maximum` and its like, are methods too, `v.tanh()`; those with a sign are operators.

| operation | how to write it | value | derivatives | domain of the tests | where it has a kink |
|---|---|---|---|---|---|
"""


def markdown() -> str:
    """The page, one line an operation."""
    lines = (" | ".join(cell.replace("|", "∣") for cell in cells(row)) for row in TABLE.values())
    return HEAD + "".join(f"| {line} |\n" for line in lines)


def cells(row: Row) -> list[str]:
    if row.many:
        arguments = ", ".join(f"{operand[0]}s" for operand in row.operands)
        written = f"`{row.name}({arguments})`"
    elif row.name in OPERATORS:
        written = {"neg": "`-x`", "abs": "`abs(x)`"}.get(row.name, f"`x {row.symbol.replace('×', '*')} y`")
    else:
        written = f"`x.{row.name}({', '.join(row.operands[1:])})`"
    derivatives = "<br>".join(f"∂/∂{x} = `{shown}`" for x, shown in zip(row.operands, row.shown, strict=True))
    kink = f"at {row.kink} = 0: {row.at_kink}" if row.kink else ""
    return [
        f"{row.name} {row.symbol}" if row.symbol != row.name else row.name,
        written,
        "" if row.primitive else f"`{row.primal}`",
        derivatives,
        " × ".join(map(repr, row.domains)),
        kink,
    ]


if __name__ == "__main__":
    print(markdown(), end="")
