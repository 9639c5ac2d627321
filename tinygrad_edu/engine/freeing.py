"""Freeing a graph without recursion, where the stack of the C program is too small for Python's own way.

Python frees a chain of objects one inside the other, and takes care not to go too deep; in WebAssembly that care comes
too late, and 2,000 nodes would end the interpreter.
"""

from __future__ import annotations

from collections import Counter
from sys import getrefcount
from typing import Any


def unlink(node: Any) -> None:
    """Take a node that is about to go, and all that only it keeps alive, apart: a `__del__` for Value."""
    waiting = [getattr(node, "parents", ())]  # it has none where its constructor refused
    node.parents = ()
    while waiting:
        references, operands = taken(waiting)
        if references == ALONE:  # nobody else has this tuple, as a copy of the node would
            for parent, others in operands:
                if others == NO_OTHERS and parent.parents:
                    waiting.append(parent.parents)
                    parent.parents = ()


def taken(waiting: list[tuple[Any, ...]]) -> tuple[int, list[tuple[Any, int]]]:
    """The references to the last tuple of operands, and those to each operand besides the ones of that tuple."""
    parents = waiting.pop()
    operands = Counter(parent for parent in parents if type(parent) is not float)
    return getrefcount(parents), [(parent, getrefcount(parent) - times) for parent, times in operands.items()]


ALONE, [(_, NO_OTHERS)] = taken([(object(),)])  # how Python counts where nothing else holds them: it differs by version
