"""The backend that needs nothing: a program's source, run by Python on plain numbers."""

from __future__ import annotations

from functools import cached_property
from numbers import Number
from sys import float_info
from typing import Any

from tinygrad_edu.engine import UNDEFINED, quoted
from tinygrad_edu.engine.formulas import COMPLEX, bind
from tinygrad_edu.replay.listing import listing
from tinygrad_edu.replay.primitives import Ieee, on_ieee, on_plain
from tinygrad_edu.replay.program import Program

on_complex = bind(COMPLEX, "complex")


class PythonProgram(Program):
    """Runs on floats; exactly on Fractions, and on complex numbers, where the operations allow it."""

    backend = "python"

    def __call__(self, params: Any, inputs: Any = ()) -> tuple[Any, ...]:
        result = self.quickly("program", params, inputs)
        if result is not None:
            return result  # type: ignore[no-any-return]
        if not self.is_batch(inputs):
            return self.carefully("program", params, inputs)  # type: ignore[no-any-return]
        self.require_examples(inputs)
        params, inputs = as_list(params), as_list(inputs)
        results = [self.run("program", params, example) for example in inputs]
        values, gradients, *also = ([*column] for column in zip(*results, strict=True))
        if self.reduce is None:
            return (values, gradients, *also)
        share = len(results) if self.reduce == "mean" else 1
        return (sum(values) / share, [sum(column) / share for column in zip(*gradients, strict=True)], *also)

    def forward(self, params: Any, inputs: Any = ()) -> Any:
        self.require_outputs()
        if not self.is_batch(inputs):
            return self.run("forward", params, inputs)
        self.require_examples(inputs)
        params, inputs = as_list(params), as_list(inputs)
        return [self.run("forward", params, example) for example in inputs]

    def run(self, name: str, params: Any, inputs: Any) -> Any:
        """One function of the source, for one example."""
        result = self.quickly(name, params, inputs)
        return self.carefully(name, params, inputs) if result is None else result

    def quickly(self, name: str, params: Any, inputs: Any) -> Any:
        """One function of the source, if all numbers are floats and nothing fails; otherwise None."""
        try:
            return self.floats[name](params, inputs)
        except (*UNDEFINED, TypeError):
            return None

    def carefully(self, name: str, params: Any, inputs: Any) -> Any:
        """One function of the source for numbers of any kind, once they are checked."""
        params, inputs = as_list(params), as_list(inputs)
        self.require_length("params", params)
        self.require_length("inputs", inputs)
        wrong = [x for x in (*params, *inputs) if not isinstance(x, Number)]
        if wrong:
            raise TypeError(f"the program expected numbers, got {quoted(wrong[0])} ({type(wrong[0]).__name__})")
        # NumPy's scalars wrap around at 255, or keep 7 digits.
        params, inputs = ([x.item() if hasattr(x, "item") else x for x in part] for part in (params, inputs))
        numbers = [*params, *inputs]
        real = all(isinstance(x, float | int) for x in numbers)
        huge = [x for x in numbers if isinstance(x, int) and abs(x) > float_info.max]
        if huge:
            raise TypeError(f"the program expected numbers that floats can hold, got {quoted(huge[0])}")
        try:
            if real:
                return self.floats[name]([*map(float, params)], [*map(float, inputs)])
            return self.exact[name](params, inputs)
        except UNDEFINED:  # log(0), 1 / 0, exp(1000): what NumPy answers, with the rest of the numbers
            if not real:
                raise
            return as_floats(self.ieee[name]([*map(Ieee, params)], [*map(Ieee, inputs)]))
        except TypeError:  # the functions of `math` refuse complex numbers
            if not any(isinstance(x, complex) for x in numbers):
                raise
            return self.complex[name](params, inputs)

    @cached_property
    def floats(self) -> dict[str, Any]:
        return self.defined(listing(self.trace, self.also, for_floats=True), self.scope(on_plain), "floats")

    @cached_property
    def exact(self) -> dict[str, Any]:
        return self.defined(self.source, self.scope(on_plain), "exact")

    @cached_property
    def ieee(self) -> dict[str, Any]:
        return self.defined(self.source, self.scope(on_ieee), "IEEE")

    @cached_property
    def complex(self) -> dict[str, Any]:
        return self.defined(self.source, self.scope(on_complex), "complex")


def as_list(numbers: Any) -> Any:
    return numbers.tolist() if hasattr(numbers, "tolist") else numbers


def as_floats(result: Any) -> Any:
    return type(result)(map(as_floats, result)) if isinstance(result, list | tuple) else float(result)
