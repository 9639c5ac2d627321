"""The NumPy backend: a program's source, run on a column of numbers for each input."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache, cached_property
from numbers import Real
from reprlib import repr as short
from typing import Any

from tinygrad_edu.engine.formulas import bind
from tinygrad_edu.replay.program import Program

try:
    import numpy as np
except ImportError:
    raise ImportError('programs on arrays need NumPy: pip install "tinygrad_edu[fast]"') from None

__all__ = ["ArrayProgram", "NumpyProgram", "array_primitives", "np"]
NUMBERS_IN_A_BLOCK = 2**22  # 32 MB: what the variables of one block of examples may hold


def array_primitives(xp: Any) -> dict[str, Any]:
    """The primitives in the words of NumPy, which jax.numpy shares, but for erf and erfc."""
    same = ["exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot"]
    own = {"asin": xp.arcsin, "acos": xp.arccos, "atan": xp.arctan, "atan2": xp.arctan2, "pow": xp.float_power}
    same += ["abs", "maximum", "minimum", "sign"]
    # Not heaviside, which some releases of JAX answer nan with 0.
    own["step"] = lambda x: xp.where(x > 0, 1.0, xp.where(x <= 0, 0.0, x))
    return {name: getattr(xp, name) for name in same} | own


@cache
def on_arrays() -> Any:
    # NumPy has no error function of its own.
    own = {name: np.vectorize(getattr(math, name), otypes=[float]) for name in ("erf", "erfc")}
    return bind(array_primitives(np) | own, "NumPy")


class ArrayProgram(Program):
    """Converts and checks what goes into a program on arrays."""

    def numbers(self, params: Any, inputs: Any) -> tuple[Any, Any]:
        """Both as float64 arrays, (p,) and (k,) or (N, k).

        Raises ValueError for other shapes and for a batch of no example, TypeError for what are no real numbers.
        """
        trace = self.trace
        params, inputs = as_array("params", params), as_array("inputs", inputs)
        if params.shape != (trace.n_params,):
            raise ValueError(f"the program expected {trace.n_params} params, got an array of shape {params.shape}")
        if inputs.ndim not in (1, 2) or inputs.shape[-1] != trace.n_inputs:
            raise ValueError(
                f"the program expected {trace.n_inputs} inputs, ({trace.n_inputs},) for one example or "
                f"(N, {trace.n_inputs}) for a batch, got an array of shape {inputs.shape}"
            )
        if inputs.ndim == 2:
            self.require_examples(inputs)
        return params, inputs

    def hessian(self, params: Any, inputs: Any = ()) -> Any:
        n = self.trace.n_params
        return np.reshape(super().hessian(params, inputs), (n, n))


def as_array(what: str, numbers: Any) -> Any:
    try:
        array = np.asarray(numbers)
    except ValueError:  # rows of different lengths
        raise ValueError(f"the program expected {what} of one shape, got rows of different lengths") from None
    try:
        if array.dtype.kind not in "fiubO" or not all(isinstance(x, Real) for x in array.flat if array.dtype == object):
            raise TypeError
        return array.astype(np.float64, order="C", copy=False)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"the program expected real numbers in {what}, got {short(numbers)}") from None


class NumpyProgram(ArrayProgram):
    """Runs on all examples at once, a block of them at a time."""

    backend = "numpy"

    def __call__(self, params: Any, inputs: Any = ()) -> tuple[Any, ...]:
        params, inputs = self.numbers(params, inputs)
        reduced = self.reduce is not None and inputs.ndim == 2
        parts = []
        for n, (value, gradient, *also) in self.blocks("program", params, inputs):
            also = [rows(column, n) for column in also]
            if reduced:
                parts.append((total(value, n), np.array([total(x, n) for x in gradient], float), *also))
            else:
                parts.append((rows([value], n)[:, 0], rows(gradient, n), *also))
        values, gradients, *also = zip(*parts, strict=True)
        also = [np.concatenate(part) for part in also]
        if inputs.ndim == 1:
            return (float(values[0][0]), gradients[0][0], *(part[0] for part in also))
        if not reduced:
            return (np.concatenate(values), np.concatenate(gradients), *also)
        share = len(inputs) if self.reduce == "mean" else 1
        return (float(sum(values)) / share, sum(gradients) / share, *also)

    def forward(self, params: Any, inputs: Any = ()) -> Any:
        self.require_outputs()
        params, inputs = self.numbers(params, inputs)
        parts = [rows(outputs, n) for n, outputs in self.blocks("forward", params, inputs)]
        return parts[0][0] if inputs.ndim == 1 else np.concatenate(parts)

    def blocks(self, name: str, params: Any, inputs: Any) -> Iterator[tuple[int, Any]]:
        """The results of a function of the source for each block of examples, and how many they are."""
        batch = np.atleast_2d(inputs)
        size = max(1, NUMBERS_IN_A_BLOCK // (2 * len(self.trace.operations) + 1))
        for start in range(0, len(batch), size):
            block = batch[start : start + size]
            with np.errstate(all="ignore"):
                yield len(block), self.functions[name](list(params), list(np.ascontiguousarray(block.T)))

    @cached_property
    def functions(self) -> dict[str, Any]:
        return self.defined(self.source, on_arrays(), "NumPy")


def rows(columns: Any, n: int) -> Any:
    """Columns, or numbers for the whole column, as (n, columns)."""
    made = np.empty((n, len(columns)))
    for k, column in enumerate(columns):
        made[:, k] = column
    return made


def total(column: Any, n: int) -> Any:
    """The sum over n examples of a column, or of one number that is the same for all."""
    return column.sum() if getattr(column, "ndim", 0) else column * n
