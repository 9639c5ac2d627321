"""Networks and graphs handed to other libraries, and taken from them: PyTorch, JAX, NumPy, SymPy."""

from tinygrad_edu.exchange.autograd import from_torch_graph
from tinygrad_edu.exchange.pytorch import from_torch, to_torch
from tinygrad_edu.exchange.scripts import as_script
from tinygrad_edu.exchange.symbols import to_sympy

__all__ = ["as_script", "from_torch", "from_torch_graph", "to_sympy", "to_torch"]
