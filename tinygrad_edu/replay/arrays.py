"""What programs on arrays share: NumPy, and what goes in."""

from __future__ import annotations

from numbers import Real
from typing import Any

from tinygrad_edu.engine import quoted
from tinygrad_edu.replay.program import Program
from tinygrad_edu.shell import install

try:
    import numpy as np
except ImportError:
    raise ImportError(f"programs on arrays need NumPy: {install('numpy')}") from None

__all__ = ["ArrayProgram", "np"]


class ArrayProgram(Program):
    """Converts and checks what goes into a program on arrays."""

    def numbers(self, params: Any, inputs: Any) -> tuple[Any, Any]:
        """Both as float64 arrays, (p,) and (k,) or (N, k).

        Raises ValueError for other shapes and for a batch of no example, TypeError for what are no real numbers.
        """
        params, inputs = as_array("params", params), as_array("inputs", inputs)
        self.require_shapes(params, inputs)
        return params, inputs

    def require_shapes(self, params: Any, inputs: Any) -> None:
        trace = self.trace
        if params.shape != (trace.n_params,):
            raise ValueError(f"the program expected {trace.n_params} params, got an array of shape {params.shape}")
        if inputs.ndim not in (1, 2) or inputs.shape[-1] != trace.n_inputs:
            raise ValueError(
                f"the program expected {trace.n_inputs} inputs, ({trace.n_inputs},) for one example or "
                f"(N, {trace.n_inputs}) for a batch, got an array of shape {inputs.shape}"
            )
        if inputs.ndim == 2:
            self.require_examples(inputs)

    def as_numbers(self, numbers: Any) -> Any:
        return np.array(numbers, float)

    def hessian(self, params: Any, inputs: Any = ()) -> Any:
        n = self.trace.n_params
        return np.reshape(super().hessian(params, inputs), (n, n))


def as_array(what: str, numbers: Any) -> Any:
    if type(numbers) is np.ndarray and numbers.dtype == np.float64 and numbers.flags.carray:
        return numbers  # most are, and the rest costs microseconds
    if isinstance(numbers, list | tuple) and numbers and hasattr(numbers[0], "mask"):  # rows of an array that is masked
        numbers = np.ma.array(numbers)
    if isinstance(numbers, np.ndarray) and hasattr(numbers, "mask") and numbers.mask.any():  # numpy.ma is slow to load
        raise ValueError(f"the program expected numbers in {what}, {numbers.mask.sum()} of them are masked")
    try:
        array = np.asarray(numbers)
    except ValueError:  # rows of different lengths
        raise ValueError(f"the program expected {what} of one shape, got rows of different lengths") from None
    try:
        if array.dtype.kind not in "fiub" and not (
            array.dtype == object and all(isinstance(x, Real) for x in array.flat)
        ):
            raise TypeError
        return np.require(array, np.float64, ["C_CONTIGUOUS", "ALIGNED"])
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"the program expected real numbers in {what}, got {quoted(numbers)}") from None
