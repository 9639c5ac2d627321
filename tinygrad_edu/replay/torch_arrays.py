"""The PyTorch backend: recovered arrays as tensors of 64 bits."""

from __future__ import annotations

from functools import cache
from typing import Any

from tinygrad_edu.engine.formulas import bind
from tinygrad_edu.replay.array_source import HELPERS
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

    def run(self, name: str, params: Any, block: Any) -> Any:
        with torch.no_grad():
            found = super().run(name, torch.from_numpy(params), torch.from_numpy(block))
        return [of_numpy(part) for part in found] if isinstance(found, tuple) else of_numpy(found)

    def constant(self, array: Any) -> Any:
        return torch.from_numpy(array)

    def primitives(self) -> Any:
        return on_torch()

    def library(self) -> dict[str, Any]:
        own: dict[str, Any] = {
            "concatenate": torch.cat,
            "transpose": torch.permute,
            "tensordot": tensordot,
            "add_at": add_at,
        }
        own["broadcast_to"] = lambda x, shape: torch.as_tensor(x, dtype=torch.float64).broadcast_to(shape)
        sized = {name: float64(getattr(torch, name)) for name in ("zeros", "empty", "full")}
        return {name: getattr(torch, name) for name in HELPERS if hasattr(torch, name)} | own | sized


def of_numpy(x: Any) -> Any:
    return torch.as_tensor(x, dtype=torch.float64).numpy().copy()


def float64(make: Any) -> Any:
    return lambda *arguments: make(*arguments, dtype=torch.float64)


def tensordot(x: Any, y: Any, axes: Any) -> Any:
    return torch.tensordot(x, y, dims=axes)


def add_at(target: Any, index: Any, term: Any) -> None:
    """Add to places, each as often as it is listed."""
    target.index_put_((torch.as_tensor(index),), term, accumulate=True)


def lifted(function: Any) -> Any:
    """An operation that takes plain numbers, too."""
    return lambda *xs: function(*[torch.as_tensor(x, dtype=torch.float64) for x in xs])


@cache
def on_torch() -> Any:
    same = "exp expm1 log log1p sqrt sin cos tan asin acos atan atan2 sinh cosh tanh hypot abs maximum minimum"
    own: dict[str, Any] = {name: lifted(getattr(torch, name)) for name in same.split()}
    own |= {"erf": lifted(torch.special.erf), "erfc": lifted(torch.special.erfc), "pow": lifted(torch.pow)}
    own["sign"] = lifted(lambda x: torch.where(x == x, torch.sign(x), x))
    own["sigmoid"] = lifted(torch.sigmoid)
    own["step"] = lifted(lambda x: torch.where(x > 0, 1.0, torch.where(x <= 0, 0.0, x)))
    return bind(own, "PyTorch")
