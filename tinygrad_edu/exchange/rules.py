"""What the operations of PyTorch's autograd are on Values, by the names of their nodes without "Backward0".

A rule reads what PyTorch's node saved of its operation; attributes that begin with `_saved_` are documented with
`torch.autograd.graph.Node`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.engine import operations
from tinygrad_edu.exchange.pytorch import torch
from tinygrad_edu.nn.losses import cross_entropy_of_logit, huber_of


class Array(NamedTuple):
    """A tensor: its numbers, which are Values and floats, row by row, and its shape."""

    numbers: list[Any]
    shape: tuple[int, ...]

    def moved(self, move: Callable[[Any], Any]) -> Array:
        """The numbers as `move` arranges a tensor of their places."""
        places = move(torch().arange(len(self.numbers)).reshape(self.shape))
        return Array([self.numbers[k] for k in places.flatten().tolist()], tuple(places.shape))

    def rows(self, dims: Iterable[int]) -> list[list[Any]]:
        """The numbers along some dimensions, one list for each place in the others."""
        over = {dim % len(self.shape) for dim in dims} if self.shape else set()
        order = [*(dim for dim in range(len(self.shape)) if dim not in over), *sorted(over)]
        numbers = self.moved(lambda t: t.permute(order)).numbers
        width, count = (
            math.prod(self.shape[dim] for dim in order if (dim in over) is along) for along in (True, False)
        )
        return [numbers[k * width : (k + 1) * width] for k in range(count)]


def constant(tensor: Any) -> Array:
    tensor = torch().as_tensor(tensor)
    return Array(tensor.detach().double().flatten().tolist(), tuple(tensor.shape))


def signed(dim: int) -> int:
    """A dimension, of which PyTorch's nodes hold -1 as 2**64 - 1."""
    return dim - 2**64 if dim >= 2**63 else dim


# fmt: off
UNARY = {  # what is done to each number: the operation of the table
    "Neg": "neg", "Abs": "abs", "Exp": "exp", "Expm1": "expm1", "Log": "log", "Log1P": "log1p", "Sqrt": "sqrt",
    "Sin": "sin", "Cos": "cos", "Tan": "tan", "Asin": "asin", "Acos": "acos", "Atan": "atan", "Sinh": "sinh",
    "Cosh": "cosh", "Tanh": "tanh", "Erf": "erf", "Erfc": "erfc", "Sigmoid": "sigmoid", "Relu": "relu", "Silu": "silu",
}
# fmt: on


def leaky_relu(x: Any, slope: float) -> Any:
    # So that the derivative at 0 is the slope, as PyTorch's.
    return operations.leaky_relu(x) if slope == 0.01 else slope * x + (1 - slope) * operations.relu(x)


def elu(x: Any, node: Any) -> Any:
    positive = operations.relu(x)
    # Of x - relu(x) the derivative at 0 is 1, as PyTorch's; of minimum(x, 0) it is a half.
    negative = operations.expm1(node._saved_input_scale * (x - positive))
    return node._saved_scale * (positive + node._saved_alpha * negative)


def celu(x: Any, node: Any) -> Any:
    positive = operations.relu(x)
    return positive + node._saved_alpha * operations.expm1((x - positive) / node._saved_alpha)


def gelu(x: Any, node: Any) -> Any:
    if node._saved_approximate == "none":
        return operations.gelu(x)
    return 0.5 * x * (1 + operations.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softplus(x: Any, node: Any) -> Any:
    if x * node._saved_beta > node._saved_threshold:  # beyond it PyTorch hands on x itself
        return x
    return (
        operations.softplus(x)
        if node._saved_beta == 1
        else operations.softplus(node._saved_beta * x) / node._saved_beta
    )


def clamp(x: Any, node: Any) -> Any:
    # The derivative at the bounds is 1 here, and 0 in hardtanh.
    if node._saved_min is not None:
        x = x + operations.relu(node._saved_min - x)
    return x if node._saved_max is None else x - operations.relu(x - node._saved_max)


def hardtanh(x: Any, node: Any) -> Any:
    x = node._saved_min_val + operations.relu(x - node._saved_min_val)
    return node._saved_max_val - operations.relu(node._saved_max_val - x)


# The same with a formula, of the number and PyTorch's node.
FORMULAS: dict[str, Callable[[Any, Any], Any]] = {
    "Reciprocal": lambda x, node: 1 / x,
    "Rsqrt": lambda x, node: 1 / operations.sqrt(x),
    "Log2": lambda x, node: operations.log(x) / math.log(2),
    "Log10": lambda x, node: operations.log(x) / math.log(10),
    "Pow0": lambda x, node: x**node._saved_exponent,
    "Pow2": lambda x, node: node._saved_self**x,
    "Mul1": lambda x, node: x * node._saved_other,
    "Div1": lambda x, node: x / node._saved_other,
    "LeakyRelu": lambda x, node: leaky_relu(x, node._saved_negative_slope),
    "Celu": celu,
    "Elu": elu,
    "Gelu": gelu,
    "Softplus": softplus,
    "LogSigmoid": lambda x, node: -operations.softplus(-x),
    "Mish": lambda x, node: x * operations.tanh(operations.softplus(x)),
    "Clamp": clamp,
    "Hardtanh": hardtanh,
}

# Of two numbers.
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Mul": lambda x, y: x * y,
    "Div": lambda x, y: x / y,
    "Pow1": lambda x, y: x**y,
    "Maximum": operations.maximum,
    "Minimum": operations.minimum,
    "Atan2": operations.atan2,
}


# The loss of one number y whose target is t.
LOSSES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "MseLoss": lambda y, t, node: (y - t) ** 2,
    "HuberLoss": lambda y, t, node: huber_of(y - t, node._saved_delta),
    "SmoothL1Loss": lambda y, t, node: huber_of(y - t, node._saved_beta) / node._saved_beta,
    "BinaryCrossEntropy": lambda y, t, node: -(t * operations.log(y)) - (1 - t) * operations.log1p(-y),
    "BinaryCrossEntropyWithLogits": lambda y, t, node: cross_entropy_of_logit(y, t),
}

# What a node does to the places of its numbers.
MOVES: dict[str, Callable[[Any, Any], Any]] = {
    "T": lambda x, node: x.t(),
    "Transpose": lambda x, node: x.transpose(signed(node._saved_dim0), signed(node._saved_dim1)),
    "Permute": lambda x, node: x.permute([signed(dim) for dim in node._saved_dims]),
    "Select": lambda x, node: x.select(signed(node._saved_dim), signed(node._saved_index)),
    "Slice": lambda x, node: x[
        (slice(None),) * signed(node._saved_dim)
        + (slice(signed(node._saved_start), signed(node._saved_end), node._saved_step),)
    ],
    "Index": lambda x, node: x[tuple(slice(None) if k is None else k for k in node._saved_indices)],
    "Gather": lambda x, node: x.gather(signed(node._saved_dim), node._saved_index),
    "Flip": lambda x, node: x.flip([signed(dim) for dim in node._saved_dims]),
}

# What only gives numbers another shape, that of the result.
RESHAPES = {
    *("View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Clone", "Alias", "ToCopy"),
}


def added(numbers: Sequence[Any]) -> Any:
    return numbers[0] if len(numbers) == 1 else operations.sum(numbers)


def mean(numbers: Sequence[Any]) -> Any:
    return added(numbers) / len(numbers)


# Of the numbers along some dimensions, one number.
REDUCTIONS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "Sum": added,
    "Mean": mean,
    "Logsumexp": operations.logsumexp,
}


def log_softmax(numbers: Sequence[Any]) -> list[Any]:
    total = operations.logsumexp(numbers)
    return [x - total for x in numbers]


def softmax(numbers: Sequence[Any]) -> list[Any]:
    return [operations.exp(x) for x in log_softmax(numbers)]


# Of the numbers along one dimension, as many.
ALONG: dict[str, Callable[[Sequence[Any]], list[Any]]] = {"Softmax": softmax, "LogSoftmax": log_softmax}

# Where a node saved an operand that has no node of its own, in the order of the operands.
SAVED: dict[str, tuple[str, ...]] = {
    "Mm": ("_saved_self", "_saved_mat2"),
    "Bmm": ("_saved_self", "_saved_mat2"),
    "Mv": ("_saved_self", "_saved_vec"),
    "Dot": ("_saved_self", "_saved_tensor"),
    "Addmm": ("", "_saved_mat1", "_saved_mat2"),
    "Addmv": ("", "_saved_mat", "_saved_vec"),
    "Pow1": ("_saved_self", "_saved_exponent"),
    **dict.fromkeys(["Mul", "Div", "Maximum", "Minimum", "Atan2"], ("_saved_self", "_saved_other")),
    **dict.fromkeys(LOSSES, ("_saved_self", "_saved_target")),
}
