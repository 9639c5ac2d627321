"""A recovered program as a graph of arrays, for a picture of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.replay.array_views import dims

if TYPE_CHECKING:
    from tinygrad_edu.replay.array_source import ArraySource
    from tinygrad_edu.replay.recovery import Array


class ArrayNode(NamedTuple):
    """One array.

    Attributes:
        name, shape: its variable, and its shape as "16 × N", N being the number of examples.
        value: the lines that compute it, its views of others first; none for what is given.
        gradient: the lines that compute its gradient, and then parts of those of its operands.
        operands: the names of the arrays that it is computed from.
    """

    name: str
    shape: str
    value: list[str]
    gradient: list[str]
    operands: list[str]


def array_graph(source: ArraySource) -> list[ArrayNode]:
    """The arrays of a program in order, the given ones first, and in the end what it returns.

    Each line of the source stands in one node.
    """
    names, plan = source.names, source.plan
    operands: dict[Array | None, list[Array | None]] = {None: [plan.roots.array]}
    for step in plan.steps:
        operands[step.out] = [view.array for view in (*step.views, step.start) if view]
    nodes: dict[Array | None, ArrayNode] = {}
    for array in (*names, None):
        shape = " × ".join(dims(array.shape, array.varying)) or "a number" if array else ""
        used = [names[operand] for operand in operands.get(array, []) if operand]
        nodes[array] = ArrayNode(names[array] if array else "program", shape, [], [], [*dict.fromkeys(used)])
    for array, backward, lines in source.blocks:
        (nodes[array].gradient if backward else nodes[array].value).extend(lines)
    value, gradient, *_ = source.result
    nodes[None].value.append(value)
    nodes[None].gradient.append(gradient)
    return [*nodes.values()]
