"""Copies and pickles of a graph, made from its flat tape: following `parents` would recurse."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine.numbers import NOT_COMPUTED
from tinygrad_edu.engine.table import row_named

if TYPE_CHECKING:
    from tinygrad_edu.engine.value import Value


def slots(value: Value) -> dict[str, Any]:
    """Name and content of each slot, and of the attributes of a subclass."""
    state: Any = object.__reduce_ex__(value, 2)[2]
    return {**(state[0] or {}), **state[1]}


def twin(value: Value) -> Value:
    """A second node with the same content; its operands are the same objects."""
    copy = object.__new__(type(value))
    for name, part in slots(value).items():
        setattr(copy, name, part)
    return copy


def deep(root: Value, memo: dict[int, Any]) -> Value:
    """A copy of the whole graph below `root`. What `memo` holds already is shared, as in `copy.deepcopy`."""
    from tinygrad_edu.engine.graph import nodes
    from tinygrad_edu.engine.value import Value

    for node in nodes(root):
        if id(node) not in memo:
            memo[id(node)] = copy = twin(node)
            copy.parents = tuple(p if type(p) is float else memo[id(p)] for p in node.parents)
            for name in slots(node).keys() - {*Value.__slots__}:  # the attributes of a subclass
                setattr(copy, name, deepcopy(getattr(node, name), memo))
    copied: Value = memo[id(root)]
    return copied


def reduced(root: Value, protocol: Any) -> tuple[Any, ...]:
    """What pickle stores: a leaf as it is, an operation as its leaves and a list of steps (row, operands, content)."""
    from tinygrad_edu.engine.graph import leaves
    from tinygrad_edu.engine.value import topological

    if not root.parents:
        return restore_leaf, (type(root), stored(root))
    places: dict[Value, int] = {leaf: k for k, leaf in enumerate(leaves(root))}
    found, steps = list(places), []
    for node in topological(root):
        operands = tuple(p if type(p) is float else places[p] for p in node.parents)
        places[node] = len(places)
        steps.append((node.op, operands, stored(node)))
    return restore, (found, steps)


def stored(value: Value) -> dict[str, Any]:
    """Name and content of the slots, without those that `restore` fills."""
    found = slots(value)
    if found["grad"] is NOT_COMPUTED:
        del found["grad"]
    del found["op"], found["parents"]
    return found


def restore_leaf(kind: type[Value], content: dict[str, Any]) -> Value:
    leaf: Value = object.__new__(kind)
    leaf.grad, leaf.op, leaf.parents = NOT_COMPUTED, None, ()  # type: ignore[assignment]
    for name, part in content.items():
        setattr(leaf, name, part)
    return leaf


def restore(leaves: list[Value], steps: list[tuple[Any, tuple[float, ...], dict[str, Any]]]) -> Value:
    from tinygrad_edu.engine.value import Value

    nodes = list(leaves)
    for row, operands, content in steps:
        node = restore_leaf(Value, content)
        node.op = row_named(row) if isinstance(row, str) else row  # older pickles have its name
        node.parents = tuple(p if type(p) is float else nodes[int(p)] for p in operands)
        nodes.append(node)
    return nodes[-1]


class Copies:
    """How a Value is copied and pickled."""

    __slots__ = ()

    __copy__, __deepcopy__, __reduce_ex__ = twin, deep, reduced
