"""A scalar autograd engine that shows the chain rule.

>>> from tinygrad_edu import Value
>>> w, x, b = Value(0.3, "w"), 2.0, Value(0.1, "b")
>>> y = (w * x + b).sigmoid()
>>> y.backward()
>>> round(y.data, 4), round(w.grad, 4), round(b.grad, 4)
(0.6682, 0.4434, 0.2217)

Every operation of the table is a function here too: `tinygrad_edu.tanh(value)`.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from tinygrad_edu.engine import (
    NOT_COMPUTED,
    TABLE,
    Domain,
    Value,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    log_softmax,
    one_hot,
    operations,
    register,
    registered,
    softmax,
    take,
    unregister,
    vjp,
)

# Not in `__all__`: `from tinygrad_edu import *` must not take Python's own away.
from tinygrad_edu.engine import max as max
from tinygrad_edu.engine import min as min
from tinygrad_edu.engine.operations import *  # noqa: F403  every row as a function
from tinygrad_edu.engine.operations import abs as abs
from tinygrad_edu.engine.operations import pow as pow
from tinygrad_edu.engine.operations import sum as sum

if _TYPE_CHECKING:
    from tinygrad_edu.check import assert_gradients, check_gradients
    from tinygrad_edu.exchange import as_script, from_torch, from_torch_graph, to_sympy, to_torch
    from tinygrad_edu.nn import MLP, SGD, Adam, History, Layer, Neuron, Sequential, fit, health, load, save, train
    from tinygrad_edu.plot import (
        animate,
        plot_decision_boundary,
        plot_gradients,
        plot_health,
        plot_history,
        plot_loss_landscape,
        plot_network,
    )
    from tinygrad_edu.replay import compile as compile
    from tinygrad_edu.show import (
        count_operations,
        draw,
        draw_dot,
        explain,
        explain_update,
        explore,
        frames,
        name,
        trace,
        tree,
    )

__version__ = "0.1.0"

# Loaded when first asked for, so that `import tinygrad_edu` stays quick: the names of each room.
_NAMES = {
    "check": "assert_gradients check_gradients",
    "exchange": "as_script from_torch from_torch_graph to_sympy to_torch",
    "nn": "MLP SGD Adam History Layer Neuron Sequential fit health load save train",
    "plot": "animate plot_decision_boundary plot_gradients plot_health plot_history plot_loss_landscape plot_network",
    "replay": "compile",
    "show": "count_operations draw draw_dot explain explain_update explore frames name trace tree",
}
_LAZY = {name: room for room, names in _NAMES.items() for name in names.split()}
_ROOMS = {*_NAMES, "lesson"}

__all__ = [
    "MLP",
    "NOT_COMPUTED",
    "SGD",
    "TABLE",
    "Adam",
    "Domain",
    "History",
    "Layer",
    "Neuron",
    "Sequential",
    "Value",
    "animate",
    "as_script",
    "assert_gradients",
    "check_gradients",
    "count_operations",
    "draw",
    "draw_dot",
    "explain",
    "explain_update",
    "explore",
    "fit",
    "frames",
    "from_torch",
    "from_torch_graph",
    "grad",
    "health",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "load",
    "log_softmax",
    "name",
    "one_hot",
    "plot_decision_boundary",
    "plot_gradients",
    "plot_health",
    "plot_history",
    "plot_loss_landscape",
    "plot_network",
    "register",
    "registered",
    "save",
    "softmax",
    "take",
    "to_sympy",
    "to_torch",
    "trace",
    "train",
    "tree",
    "unregister",
    "vjp",
]
__all__ += operations.__all__

_ELSEWHERE = {  # names that other packages have
    "no_grad": "take value.data, or value.detach(), through which no gradient flows",
    "Tensor": "a number is a Value, an array is a list of Values",
    "tensor": "a number is a Value, an array is a list of Values",
    "Linear": "write Layer(nin, nout, activation=None)",
    "mean": "the mean of a list is tinygrad_edu.sum(xs) / len(xs)",
}


def __getattr__(name: str) -> _Any:
    if name in _LAZY:
        globals()[name] = found = getattr(_import_module(f"tinygrad_edu.{_LAZY[name]}"), name)
        return found
    if name in _ROOMS:
        return _import_module(f"tinygrad_edu.{name}")
    if name in TABLE:
        return TABLE[name].function
    if name in _ELSEWHERE:
        raise AttributeError(f"there is no {name}: {_ELSEWHERE[name]}")
    raise AttributeError(f"module 'tinygrad_edu' has no attribute {name!r}")


def __dir__() -> list[str]:
    own = {name for name in globals() if name.startswith("__") or not name.startswith("_")}
    return sorted((own | {*TABLE, *_LAZY, *_ROOMS}) - {"operations"})
