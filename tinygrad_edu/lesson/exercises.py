"""Exercises: a backward pass with a classic mistake in it; find the mistake from what the checker says."""

from __future__ import annotations

from tinygrad_edu.check import check_gradients
from tinygrad_edu.check.faults import FAULTS, Fault
from tinygrad_edu.show.names import Names


def numbered(number: int) -> Fault:
    """The fault of an exercise. Raises ValueError for a number that there is not."""
    if not 1 <= number <= len(FAULTS):
        raise ValueError(f"there are exercises 1 to {len(FAULTS)}, got {number}")
    # In another order than the list of answers, which would otherwise give them away.
    return FAULTS[(5 * number) % len(FAULTS)]


def exercise(number: int) -> str:
    """What is to be solved: the graph, what the checker says of its gradient, and the mistakes to choose from.

    >>> print(exercise(2).splitlines()[0])
    Exercise 2. One rule of the backward pass is broken. Which?
    """
    fault = numbered(number)
    with fault.switch():
        report = check_gradients(fault.f, *fault.at)
    names = sorted(fault.name for fault in FAULTS)
    return "\n".join(
        [
            f"Exercise {number}. One rule of the backward pass is broken. Which?",
            "",
            "The graph:",
            "",
            *(f"    {line}" for line in listing(fault)),
            "",
            "What the checker says:",
            "",
            *(f"    {line}" for line in str(report).splitlines()),
            "",
            "The mistakes to choose from:",
            "",
            *(f"    {name}" for name in names),
            "",
            f'Answer with: tinygrad-edu exercise {number} --answer "…"',
        ]
    )


def answer(number: int, name: str) -> tuple[bool, str]:
    """Whether the answer is right, and what to say.

    Raises ValueError for a mistake that is not among those to choose from.
    """
    fault = numbered(number)
    if name not in {fault.name for fault in FAULTS}:
        raise ValueError(f"{name!r} is not one of the mistakes to choose from")
    if name == fault.name:
        return True, f"Right: {fault.lesson}."
    return False, "Not that one. Look at which input is wrong, and by what factor."


def listing(fault: Fault) -> list[str]:
    """The graph as one line an operation."""
    from tinygrad_edu.engine import Value, topological

    inputs = [Value(x, f"x{k}") for k, x in enumerate(fault.at, start=1)]
    root = fault.f(*inputs)
    names = Names(root, *inputs)
    lines = [f"{names.code(value)} = {value.data:g}" for value in inputs]
    for node in topological(root):
        operands = [f"{p:g}" if isinstance(p, float) else names.code(p) for p in node.parents]
        infix = node.op.call.startswith("x ")
        written = f" {node.op.symbol} ".join(operands) if infix else f"{node.op.name}({', '.join(operands)})"
        lines.append(f"{names.code(node)} = {written}")
    return lines
