"""Classic mistakes in backward passes, each to be switched on for a while.

They are exercises, and the proof that tests can fail. Nothing in the engine knows of them: a fault swaps the pullback
of rows, or the walk of `backward`, and puts it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from tinygrad_edu.engine import TABLE, Value, leaves, topological
from tinygrad_edu.engine.operations import exp, logsumexp
from tinygrad_edu.engine.operations import sum as total
from tinygrad_edu.misconceptions import MISCONCEPTIONS

LESSONS = {mistake.name: mistake.lesson for mistake in MISCONCEPTIONS}

Pullback = Callable[[Value], None]


class Fault(NamedTuple):
    """One mistake.

    Attributes:
        name: in a few words.
        lesson: what is wrong about it, and what would be right.
        switch: a context manager that makes it.
        f, at: a function of Values and numbers where it shows.
    """

    name: str
    lesson: str
    switch: Callable[[], Any]
    f: Callable[..., Value]
    at: tuple[float, ...]


def values(node: Value) -> list[Value]:
    return list(dict.fromkeys(p for p in node.parents if isinstance(p, Value)))


@contextmanager
def pullbacks(change: Callable[[Pullback, Value], None], *rows: str) -> Iterator[None]:
    """Replace the pullbacks of these rows, or of all, by `change(the right one, node)`."""
    with ExitStack() as undo:
        for name in rows or list(TABLE):
            row = TABLE[name]

            def wrong(node: Value, right: Pullback = row.pullback) -> None:
                change(right, node)

            undo.callback(setattr, row, "pullback", row.pullback)
            row.pullback = wrong
        yield


@contextmanager
def walk(backward: Callable[[Value], None]) -> Iterator[None]:
    """Replace the backward pass."""
    right = Value.backward
    Value.backward = backward  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Value.backward = right  # type: ignore[method-assign]


def contributions(right: Pullback, node: Value) -> dict[Value, float]:
    """What the right pullback would add to each operand, without adding it."""
    before = {p: p.grad for p in values(node)}
    right(node)
    added = {p: p.grad - old for p, old in before.items()}
    for p, old in before.items():
        p.grad = old
    return added


def overwritten(right: Pullback, node: Value) -> None:
    for p, added in contributions(right, node).items():
        p.grad = added


def upstream_forgotten(right: Pullback, node: Value) -> None:
    upstream, node.grad = node.grad, 1.0
    right(node)
    node.grad = upstream


def operands_swapped(right: Pullback, node: Value) -> None:
    if len(node.parents) != 2 or not all(isinstance(p, Value) for p in node.parents):
        return right(node)
    x, y = node.parents
    added = contributions(right, node)
    x.grad += added[y]
    y.grad += added[x]


def scaled(factor: Callable[[Value], float]) -> Callable[[Pullback, Value], None]:
    """A fault that multiplies what is added by a factor of the node."""

    def change(right: Pullback, node: Value) -> None:
        for p, added in contributions(right, node).items():
            p.grad += factor(node) * added

    return change


def replaced(partial: Callable[[float], float]) -> Callable[[Pullback, Value], None]:
    """A fault with another derivative, of the operand."""

    def change(right: Pullback, node: Value) -> None:
        x = node.parents[0]
        if isinstance(x, Value):
            x.grad += node.grad * partial(x.data)

    return change


def passed_over(right: Pullback, node: Value) -> None:
    """A fault that adds nothing."""


def second_edge_lost(right: Pullback, node: Value) -> None:
    once = len(values(node)) / sum(isinstance(p, Value) for p in node.parents)
    scaled(lambda _: once)(right, node)


def run(root: Value, order: list[Value], fresh: bool = True) -> None:
    """A backward pass over `order`, results before operands."""
    for node in order if fresh else ():
        node.grad = 0.0
    root.grad += 1.0
    for node in order:
        node.op.pullback(node)


def kept_between_passes(root: Value) -> None:
    run(root, topological(root)[::-1], fresh=False)


def before_its_consumers(root: Value) -> None:
    """Breadth first from the root: a node may come before one that still adds to it."""
    order = [root]
    for node in order:
        order += [p for p in values(node) if p.parents and p not in order]
    run(root, order)


def never_set_back(root: Value) -> None:
    """As if a pass before had left its gradients in the leaves."""
    for _ in range(2):
        run(root, topological(root)[::-1])


def updated_too_early(root: Value) -> None:
    """Each parameter is updated as soon as its gradient is there, and what lies below sees the new one."""
    order = topological(root)[::-1]
    before = {leaf: leaf.data for leaf in leaves(root)}
    for node in order:
        node.grad = 0.0
    root.grad = 1.0
    for node in order:
        for leaf, added in contributions(node.op.pullback, node).items():
            if not leaf.parents:
                leaf.grad += added
                leaf.data -= 0.1 * leaf.grad
        for p, added in contributions(node.op.pullback, node).items():
            if p.parents:
                p.grad += added
    for leaf, data in before.items():
        leaf.data = data


def softmax_first(x: Value, y: Value) -> Value:
    return exp(x - logsumexp([x, y]))


def sum_of_two(x: Value, y: Value) -> Value:
    return total([x, y])


def two_layers(w: Value, v: Value) -> Value:
    return ((w * 0.5).tanh() * v).tanh()


FAULTS = [
    Fault(
        "overwritten",
        "gradients are assigned (=) instead of added (+=): of a Value used twice only one use counts",
        lambda: pullbacks(overwritten),
        lambda x: x * 3 + x.exp(),
        (0.5,),
    ),
    Fault(
        "swapped operands",
        "the derivative for x is given to y and the other way round: for x / y they are 1/y and -x/y²",
        lambda: pullbacks(operands_swapped, "truediv", "sub", "pow", "mul"),
        lambda x, y: x / y,
        (0.5, 2.0),
    ),
    Fault(
        "gradient from above missing",
        "the local derivative is not multiplied by the gradient from above: the chain rule is a product",
        lambda: pullbacks(upstream_forgotten, "tanh", "exp", "sin"),
        lambda x: (x * 2).tanh() * 3,
        (0.5,),
    ),
    Fault(
        "updated too early",
        "weights are updated before the hidden deltas, which need the weights of the forward pass",
        lambda: walk(updated_too_early),
        two_layers,
        (0.7, 1.3),
    ),
    Fault(
        "sigmoid' of the input",
        LESSONS["sigmoid' of the input"],
        lambda: pullbacks(replaced(lambda x: x * (1 - x)), "sigmoid"),
        lambda x: x.sigmoid(),
        (0.3,),
    ),
    Fault(
        "no zero_grad",
        "the gradients of the pass before are still there: set them to 0 before a new pass",
        lambda: walk(never_set_back),
        lambda x: x.exp(),
        (0.3,),
    ),
    Fault(
        "relu' everywhere 1",
        "relu passes nothing back where its input is negative",
        lambda: pullbacks(replaced(lambda x: 1.0), "relu"),
        lambda x, y: x.relu() + y,
        (-0.5, 1.0),
    ),
    Fault(
        "softmax without cross terms",
        "the denominator of softmax depends on every input: ∂p_i/∂x_j is -p_i p_j",
        lambda: pullbacks(passed_over, "logsumexp"),
        softmax_first,
        (0.3, -0.2),
    ),
    Fault(
        "mean instead of sum",
        LESSONS["mean instead of sum"],
        lambda: pullbacks(scaled(lambda node: 1 / len(node.parents)), "sum"),
        sum_of_two,
        (1.0, 2.0),
    ),
    Fault(
        "kept between passes",
        "the gradients of nodes between must start at 0 in each pass; only leaves add up",
        lambda: walk(kept_between_passes),
        lambda x: (x * 2).exp() * 3,
        (0.3,),
    ),
    Fault(
        "before its consumers",
        "a node handed its gradient on before all its consumers had added to it: hence the topological order",
        lambda: walk(before_its_consumers),
        lambda x: longer_and_shorter(x.exp()),
        (0.3,),
    ),
    Fault(
        "an edge of x*x lost",
        "operands kept in a set: x * x has two edges",
        lambda: pullbacks(second_edge_lost, "mul"),
        lambda x: x * x + x * 4,
        (3.0,),
    ),
    Fault(
        "sign of a difference",
        "the derivative of -x for x is -1: the sign is missing",
        lambda: pullbacks(scaled(lambda node: -1.0), "neg"),
        lambda x: -x,
        (0.5,),
    ),
    Fault(
        "tanh' of the input",
        LESSONS["tanh' of the input"],
        lambda: pullbacks(replaced(lambda x: 1 - x * x), "tanh"),
        lambda x: x.tanh(),
        (0.7,),
    ),
]


def longer_and_shorter(x: Value) -> Value:
    """x is used near the root and far from it."""
    return x * (x.sin() * 2).tanh()


def fault(name: str) -> Fault:
    """The fault of this name. Raises ValueError for one that there is not."""
    for found in FAULTS:
        if found.name == name:
            return found
    raise ValueError(f"there is no fault {name!r}; there are {', '.join(found.name for found in FAULTS)}")
