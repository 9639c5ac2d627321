"""The graph as plain text for a terminal."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.engine import NOT_COMPUTED, Value
from tinygrad_edu.show.backward import beyond, checked, factors
from tinygrad_edu.show.names import Names, symbol
from tinygrad_edu.show.numbers import gradient, require_whole, shown, times

LINES = 500  # of a tree; more are not read
LEVELS = 60  # of indentation; more are wider than any terminal


def tree(root: Value, *, digits: int = 4, depth: int | None = None, max_lines: int = LINES) -> str:
    """The graph of a Value, indented: the root first, each operand under its result with its local derivative.

    A node that is used again is not written out again; what is more than 60 levels below the root reads "…".

    >>> a = Value(2.0, "a")
    >>> print(tree((a * a).exp()))
    exp f  data 54.6  grad not computed
    └─ ×54.6  × v₁  data 4  grad not computed
       ├─ ×2  a  data 2  grad not computed
       └─ ×2  a  (above)

    Arguments:
        root: the Value at the top.
        digits: significant digits.
        depth: how many levels below the root; None for all that fit.
        max_lines: how many lines at most; the last then says how much is left out.

    Raises TypeError for what is no Value, ValueError where data were changed after the forward pass.
    """
    checked(root)
    require_whole("digits", digits, 1)
    if depth is not None:
        require_whole("depth", depth, 0)
    lines: list[str] = []
    seen: set[Value] = set()
    names, strange = Names(root), beyond(root)
    # What is still to write: the operand, the indentation before it, its branch, and the factor on its edge.
    waiting: list[tuple[Any, str, str, str]] = [(root, "", "", "")]
    deepest = LEVELS if depth is None else min(depth, LEVELS)
    while waiting:
        if len(lines) == max_lines:
            lines.append(f"… and more: the graph has {len(names.given):,} nodes; depth= shows the top of it")
            break
        node, indent, branch, factor = waiting.pop()
        if isinstance(node, float):
            lines.append(f"{indent}{branch}{shown(node, digits)}")
            continue
        name = f"{symbol(node)} {names.text(node)}".strip()
        if node in seen:
            lines.append(f"{indent}{branch}{factor}{name}  (above)")
            continue
        seen.add(node)
        grad = "not computed" if node.grad is NOT_COMPUTED else gradient(node.grad, digits)
        grad += f" ({strange[node].text(digits)})" if node in strange else ""
        lines.append(f"{indent}{branch}{factor}{name}  data {shown(node.data, digits)}  grad {grad}")
        indent += {"├─ ": "│  ", "└─ ": "   ", "": ""}[branch]
        if len(indent) // 3 >= deepest and node.parents:
            lines.append(f"{indent}└─ …")
            continue
        partials = {k: f"{times(partial, digits)}  " for k, partial in factors(node).items()}
        for k, parent in reversed(list(enumerate(node.parents))):
            last = k == len(node.parents) - 1
            waiting.append((parent, indent, "└─ " if last else "├─ ", partials.get(k, "")))
    return "\n".join(lines)
