"""The PyTorch backend: recovered arrays as tensors of 64 bits."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.replay.numpy_arrays import NumpyProgram, Recovered
from tinygrad_edu.shell import install

try:
    import torch
except ImportError:
    raise ImportError(f"programs on PyTorch need it: {install('torch')}") from None


class TorchProgram(NumpyProgram):
    """Runs on tensors; takes and gives NumPy's arrays."""

    backend = "torch"
    irregular = False

    def run(self, recovered: Recovered, params: Any, block: Any) -> Any:
        with torch.no_grad():
            found = super().run(recovered, torch.tensor(params), torch.tensor(block))
        return [of_numpy(part) for part in found] if isinstance(found, tuple) else of_numpy(found)

    def constant(self, array: Any) -> Any:
        return torch.from_numpy(array)

    def libraries(self) -> dict[str, Any]:
        return {"np": torch}


def of_numpy(x: Any) -> Any:
    return torch.as_tensor(x, dtype=torch.float64).numpy().copy()
