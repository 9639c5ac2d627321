"""The PyTorch backend: recovered arrays as tensors of 64 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu.replay.array_source import ArraySource
from tinygrad_edu.replay.numpy_arrays import NumpyProgram
from tinygrad_edu.shell import install

try:
    import torch
except ImportError:
    raise ImportError(f"programs on PyTorch need it: {install('torch')}") from None


class TorchProgram(NumpyProgram):
    """Runs on tensors; takes and gives NumPy's arrays."""

    backend = "torch"
    irregular = False

    def defining(self, source: ArraySource) -> Callable[..., Any]:
        function = super().defining(source)

        def on_tensors(params: Any, block: Any) -> tuple[Any, ...]:
            with torch.no_grad():
                return tuple(map(of_numpy, function(torch.tensor(params), torch.tensor(block))))

        return on_tensors

    def constant(self, array: Any) -> Any:
        return torch.from_numpy(array)

    def libraries(self) -> dict[str, Any]:
        return {"np": torch}


def of_numpy(x: Any) -> Any:
    return torch.as_tensor(x, dtype=torch.float64).numpy().copy()
