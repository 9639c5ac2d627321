"""What is checked, in one shape: a function of a list of numbers, with its graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu.engine import Value, nodes, quoted, topological
from tinygrad_edu.engine.formulas import applied


class Function:
    """A function of numbers, made from a function of Values, a function that uses Values, or the root of a graph.

    Attributes:
        start: the numbers to check at.
        names: of the inputs.
    """

    def __init__(self, f: Callable[..., Value] | Value, inputs: Sequence[Any], names: Sequence[str]) -> None:
        self.f, self.inputs = f, inputs
        self.on_values = isinstance(inputs[0], Value)
        if any(isinstance(x, Value) != self.on_values for x in inputs):
            raise TypeError("inputs expected all numbers or all Values, got both")
        if isinstance(f, Value) and not self.on_values:
            raise TypeError(f"a root expected the Values to differentiate for, one by one, got {quoted(inputs[0])}")
        if isinstance(f, Value):
            there = {*nodes(f)}
            missing = [x for x in inputs if x not in there]
            if missing:
                raise ValueError(f"the root does not depend on {missing[0]!r}")
        if len(names) not in (0, len(inputs)):
            raise ValueError(f"names expected one an input, {len(inputs)}, got {len(names)}")
        values = inputs if self.on_values else [Value(x) for x in inputs]
        self.start = [value.data for value in values]
        self.names = list(names) or [value.label or f"x{k}" for k, value in enumerate(values, start=1)]
        self.on_values = self.on_values and (isinstance(f, Value) or not takes_arguments(f))

    def root(self, at: Sequence[float]) -> tuple[list[Value], Value]:
        """The graph at these numbers: its inputs and its root."""
        if not self.on_values:
            values = [Value(x, name) for x, name in zip(at, self.names, strict=True)]
            return values, self.called(*values)
        if isinstance(self.f, Value):
            return rebuilt(self.f, self.inputs, at)
        before = [value.data for value in self.inputs]
        try:
            for value, x in zip(self.inputs, at, strict=True):
                value.data = x
            # A graph of its own: what is kept of it must not change when the data are put back.
            return rebuilt(self.called(), self.inputs, at)
        finally:
            for value, x in zip(self.inputs, before, strict=True):
                value.data = x

    def called(self, *values: Value) -> Value:
        """What the function gives. Raises TypeError for what is no Value, such as a number taken from one."""
        result = self.f(*values)  # type: ignore[operator]
        if not isinstance(result, Value):
            raise TypeError(f"check_gradients expected the function to return a Value, got {quoted(result)}")
        return result

    def __call__(self, at: Sequence[float]) -> float:
        return self.root(at)[1].data

    def unsteady(self) -> bool:
        """Whether calls with the same numbers give different values."""
        return len({self(self.start) for _ in range(3)}) > 1


def takes_arguments(f: Callable[..., Value]) -> bool:
    """Whether a function is one of its arguments, and not of Values that it uses as they are.

    >>> takes_arguments(lambda x: x), takes_arguments(lambda: x), takes_arguments(lambda step=1: x)
    (True, False, False)
    """
    from inspect import Parameter, signature

    try:
        parameters = signature(f).parameters.values()
    except ValueError:  # some functions in C say nothing of themselves
        return True
    by_place = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return any(p.kind is p.VAR_POSITIONAL or (p.kind in by_place and p.default is p.empty) for p in parameters)


def rebuilt(root: Value, wrt: Sequence[Value], at: Sequence[float]) -> tuple[list[Value], Value]:
    """The graph of `root` again, with other numbers for some of its nodes."""
    fresh = {value: Value(x, value.label) for value, x in zip(wrt, at, strict=True)}
    copies: dict[Any, Any] = dict(fresh)
    for node in topological(root):
        if node not in copies:
            copies[node] = applied(node.op, [copies.get(p, p) for p in node.parents])
    return list(fresh.values()), copies.get(root, root)
