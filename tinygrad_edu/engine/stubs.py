"""Stubs written from the table, so that editors complete what is generated: `python -m tinygrad_edu.engine.stubs`."""

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
    """Every row as a function: a Value out where a Value goes in, a plain number where only plain numbers do."""
    lines = [HEAD + "from collections.abc import Iterable\nfrom typing import overload\n"]
    lines += ["from tinygrad_edu.engine.value import Value\n"]
    for row in TABLE.values():
        names = [operand[0] for operand in row.operands]
        if row.many:
            kinds = [["Iterable[float]"] * len(names), ["Iterable[Value | float]"] * len(names)]
        elif len(names) == 1:
            kinds = [["float"], ["Value"]]
        else:
            kinds = [["float", "float"], ["Value", "Value | float"], ["float", "Value"]]
        for number, signature in enumerate(kinds):
            parameters = ", ".join(f"{name}: {kind}" for name, kind in zip(names, signature, strict=True))
            # An empty sequence is both: it gives a plain number, as the first form says.
            ignore = "  # type: ignore[overload-overlap]" if row.many and number == 0 else ""
            result = "Value" if number else "float"
            lines.append(f"@overload\ndef {row.name}({parameters}) -> {result}:{ignore}\n    {docstring(row, 4)}")
    return "\n".join(lines) + "\n"


def docstring(row: Row, indent: int) -> str:
    return '"""' + row.doc.replace("\n\n", "\n\n" + " " * indent) + '"""'


if __name__ == "__main__":
    METHODS.write_text(methods(), encoding="utf-8")
    FUNCTIONS.write_text(functions(), encoding="utf-8")
