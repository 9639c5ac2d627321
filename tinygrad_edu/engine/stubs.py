"""Type stubs written from the table, so that editors complete what is generated: `python -m tinygrad_edu.engine.stubs`."""

from __future__ import annotations

from pathlib import Path

from tinygrad_edu.engine.ops import OPERATORS, TABLE, Row

PACKAGE = Path(__file__).parents[1]
METHODS = PACKAGE / "engine" / "_operations.pyi"
FUNCTIONS = PACKAGE / "engine" / "_functions.pyi"
HEAD = "# Written from the table by `python -m tinygrad_edu.engine.stubs`; a test checks that it is current.\n"


def methods() -> str:
    """The base class that Value has for a type checker, with every generated method and operator."""
    lines = [
        HEAD,
        "from tinygrad_edu.engine.value import Value\n",
        "class Operations:",
    ]
    for row in TABLE.values():
        for name, other in signatures(row).items():
            lines.append(f"    def {name}(self{other}) -> Value:\n        {docstring(row, 8)}")
    return "\n".join(lines) + "\n"


def signatures(row: Row) -> dict[str, str]:
    if row.many:
        return {}
    other = ", other: Value | float" if len(row.operands) == 2 else ""
    if row.name not in OPERATORS:
        return {row.name: other}
    special = {f"__{row.name}__": other}
    return special | ({f"__r{row.name}__": other} if other else {row.name: ""})


def functions() -> str:
    """Every row as a function: Values in, a Value out; plain numbers in, a plain number out."""
    lines = [HEAD + "from collections.abc import Iterable\nfrom typing import overload\n"]
    lines += ["from tinygrad_edu.engine.value import Value\n"]
    for row in TABLE.values():
        names = [operand[0] for operand in row.operands]
        for number, result in (("float", "float"), ("Value | float", "Value")):
            kind = f"Iterable[{number}]" if row.many else number
          
            signature = ", ".join(f"{name}: {kind}" for name in names)
            lines.append(f"@overload\ndef {row.name}({signature}) -> {result}:\n    {docstring(row, 4)}")
    return "\n".join(lines) + "\n"


def docstring(row: Row, indent: int) -> str:
    return '"""' + row.doc.replace("\n\n", "\n\n" + " " * indent) + '"""'


if __name__ == "__main__":
    METHODS.write_text(methods(), encoding="utf-8")
    FUNCTIONS.write_text(functions(), encoding="utf-8")
