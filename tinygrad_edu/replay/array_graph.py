"""A recovered program as a graph of arrays, for a picture of it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tinygrad_edu.replay.array_source import ArraySource


class ArrayNode(NamedTuple):
    """One array.

    Attributes:
        name, shape: its variable, and its shape as "16 × N", N being the number of examples.
        value: the lines that compute it, its views of others first; none for what is given.
        gradient: the lines that compute its gradient.
        operands: the names of the arrays that it is computed from.
    """

    name: str
    shape: str
    value: list[str]
    gradient: list[str]
    operands: list[str]


def array_graph(source: ArraySource) -> list[ArrayNode]:
    """The arrays of a program in order, the given ones first, and in the end what it returns.

    Each line of the source stands in one node: where its array, or the gradient of it, is computed; that of a view,
    which has a name of its own, at the array that is first computed from it.
    """
    names = {name: array for array, name in source.names.items()}
    nodes = {name: ArrayNode(name, shape_of(array), [], [], []) for name, array in names.items()}
    views: dict[str, list[str]] = {}  # the arrays in each
    untold: dict[str, list[str]] = {}  # the lines of each view, until they are told
    *lines, result = [line.strip() for line in source.text.splitlines()[1:]]
    for line in lines:
        if line.startswith(("N =", "#")):
            continue
        (statement,) = ast.parse(line).body
        target, used = written_to(statement), names_in(statement)
        arrays = [name for x in used for name in views.get(x, [x]) if name in names and name != target]
        told = [*(before for x in used for before in untold.pop(x, [])), line]
        if target in names:
            nodes[target].value.extend(told)
            nodes[target].operands.extend(dict.fromkeys(arrays))
        elif gradients := [x.removeprefix("d_") for x in used if x.startswith("d_") and x.removeprefix("d_") in names]:
            nodes[target.removeprefix("d_") if target.startswith("d_") else gradients[0]].gradient.extend(told)
        else:
            views[target], untold[target] = arrays, told
    value, _, gradient = result.removeprefix("return ").partition(", ")
    roots = [name for x in names_in(ast.parse(value)) for name in views.get(x, [x]) if name in names]
    return [*nodes.values(), ArrayNode("program", "", [value], [gradient], roots)]


def names_in(node: ast.AST) -> list[str]:
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]


def written_to(statement: Any) -> str:
    """The variable that a line sets, changes, or adds to in places."""
    if isinstance(statement, ast.Expr):
        place = statement.value.args[0]  # type: ignore[attr-defined]  # of add_at
    else:
        place = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    found = names_in(place)
    return next((name for name in found if name.startswith("d_")), found[0])


def shape_of(array: object) -> str:
    shape = [*map(str, array.shape), *["N"] * array.varying]  # type: ignore[attr-defined]
    return " × ".join(shape) or "a number"
