"""`compile`: from a graph, or a function that builds one, to a program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from reprlib import repr as short
from typing import Any

from tinygrad_edu.engine import Value, collector_paused
from tinygrad_edu.replay.program import Program
from tinygrad_edu.replay.trace import Trace, check_leaves, recorded

# How a function's inputs are changed for a second look: across 0, or, where that is outside of a domain, less and less.
CHANGES: tuple[Callable[[float], float], ...] = (
    lambda x: -x - 0.375,
    lambda x: 0.75 * x + 0.0625,
    lambda x: x * 1.0078125,
)
REDUCTIONS = ("mean", "sum", None)
BACKENDS = {  # name: module, class
    "python": ("plain", "PythonProgram"),
    "numpy": ("numpy_arrays", "NumpyProgram"),
    "native": ("native.program", "NativeProgram"),
    "jax": ("jax_arrays", "JaxProgram"),
    "torch": ("torch_arrays", "TorchProgram"),
}


def compile(
    root: Value | Callable[..., Any],
    params: Sequence[Value] = (),
    inputs: Sequence[Value | float] = (),
    *,
    outputs: Sequence[Value] = (),
    also: Sequence[Value] = (),
    reduce: str | None = "mean",
    backend: str = "auto",
) -> Program:
    """Record a graph once, to run it forward and backward again and again on other numbers.

    >>> w, x, t = Value(0.5, "w"), Value(2.0, "x"), Value(3.0, "t")
    >>> program = compile((w * x - t) ** 2, params=[w], inputs=[x, t], backend="python")
    >>> program([0.5], [2.0, 3.0])
    (4.0, [-8.0])
    >>> program([0.5], [[2.0, 3.0], [1.0, 0.5]])  # the mean over two examples
    (2.0, [-4.0])

    Arguments:
        root: the Value to differentiate, the graph of one example; or a function of the inputs, called as
            `f(*inputs)`, that returns it, or returns `(root, outputs)`.
        params: leaves of the graph, p of them, that all examples share.
        inputs: leaves of the graph, k of them, that each example has its own of, targets included; for a function,
            Values or numbers to call it with. All other leaves are constants.
        outputs: m further nodes, such as predictions, for `program.forward(params, inputs)`.
        also: inputs whose gradients come as a third result, (q,), or (N, q) for a batch, not reduced.
        reduce: for a batch, "mean" or "sum" of the values and gradients over the examples (a penalty on the params
            counts once in the mean), or None: values (N,), gradients (N, p).
        backend: "python", "numpy", "native" (needs NumPy and llvmlite), "jax", "torch", or "auto": native where it is
            installed, else NumPy where it is and there are inputs, else Python.

    Returns a program: `program(params, inputs)` is `(value, gradient)`, of one example, inputs `(k,)`, or of a batch,
    `(N, k)`. On arrays, nan and inf follow NumPy: log(0) is -inf, where a Value raises.

    A Python `if` on the data of a Value is decided while the graph is recorded. From a root alone that cannot be seen;
    a function is recorded for two different inputs, and refused where the graphs differ.

    Raises ValueError for a param or input that the root does not depend on, a leaf listed twice, a node that is no
    leaf, graphs that differ, and an unknown backend or reduction; TypeError for anything that is no Value; ImportError
    where the backend is not installed.
    """
    if reduce not in REDUCTIONS:
        raise ValueError(f'compile expected reduce="mean", "sum" or None, got {reduce!r}')
    if backend not in (*BACKENDS, "auto"):
        raise ValueError(f"compile expected a backend of {', '.join(BACKENDS)} and auto, got {backend!r}")
    for what, nodes in {"params": params, "inputs": inputs, "outputs": outputs, "also": also}.items():
        if not isinstance(nodes, Iterable):
            raise TypeError(f"compile expected a list of Values for {what}, got {short(nodes)}")
    params, inputs, outputs, also = [*params], [*inputs], [*outputs], [*also]
    places = {id(leaf): slot for slot, leaf in enumerate(inputs, start=len(params))}
    for node in also:
        if id(node) not in places:
            raise ValueError(f"compile expected inputs in also, got {short(node)}")
    f = None
    if not isinstance(root, Value):
        if not callable(root):
            raise TypeError(f"compile expected a Value or a function, got {short(root)}")
        if outputs:
            raise ValueError("compile expected a function to return (root, outputs), not outputs= beside it")
        f, given = root, inputs
        root, inputs, outputs = called(f, numbers_of(given), labels_of(given))
    check_leaves(root, params, inputs, outputs)  # type: ignore[arg-type]
    with collector_paused():
        trace = recorded(root, params, inputs, outputs)  # type: ignore[arg-type]
    if f:
        refuse_another_graph(f, trace, params, given)
    return program_class(backend, has_inputs=len(inputs) > 0)(trace, [places[id(node)] for node in also], reduce)


def program_class(backend: str, has_inputs: bool) -> type[Program]:
    """The class of programs for a backend."""
    if backend == "auto":
        for name in ("native", "numpy") if has_inputs else ("native",):
            try:
                return program_class(name, has_inputs)
            except ImportError:
                continue
        backend = "python"
    module, name = BACKENDS[backend]
    found: type[Program] = getattr(import_module(f"tinygrad_edu.replay.{module}"), name)
    return found


def numbers_of(inputs: Sequence[Any]) -> list[float]:
    return [x.data if isinstance(x, Value) else x for x in inputs]


def labels_of(inputs: Sequence[Any]) -> list[str]:
    return [x.label if isinstance(x, Value) else "" for x in inputs]


def refuse_another_graph(f: Callable[..., Any], trace: Trace, params: Sequence[Value], inputs: Sequence[Any]) -> None:
    """Raise ValueError where f builds another graph than this for other inputs."""
    numbers = others = numbers_of(inputs)
    again = None
    for change in CHANGES:
        others = [change(x) for x in numbers]
        try:
            again = called(f, others, labels_of(inputs))
            break
        except Exception:  # outside of where f is defined, which the last is the nearest to
            continue
    root, leaves, outputs = again or called(f, numbers, labels_of(inputs))
    check_leaves(root, params, leaves, outputs)
    difference = trace.difference(recorded(root, params, leaves, outputs))
    if difference:
        raise ValueError(
            f"compile: the function builds another graph for the inputs {short(others)} than for {short(numbers)}: "
            f"{difference}. A Python if on a Value, or its data used as a number, is fixed when the graph is recorded."
        )


def called(
    f: Callable[..., Any], numbers: Sequence[float], labels: Sequence[str]
) -> tuple[Value, list[Value], Sequence[Value]]:
    """The root, inputs and outputs of the graph that f builds."""
    leaves = [Value(x, label) for x, label in zip(numbers, labels, strict=True)]
    result = f(*leaves)
    root, outputs = result if isinstance(result, tuple) else (result, ())
    if not isinstance(root, Value):
        raise TypeError(f"compile expected the function to return a Value, got {short(root)}")
    if isinstance(outputs, Value):
        raise TypeError(
            "compile expected the function to return (root, outputs), outputs a list of Values, got one Value"
        )
    return root, leaves, list(outputs)
