"""`compile`: from a graph, or a function that builds one, to a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

from tinygrad_edu.engine import Value, collector_paused, quoted
from tinygrad_edu.replay.program import Program
from tinygrad_edu.replay.rolling import DOT, Graph, sides
from tinygrad_edu.replay.trace import Trace, recorded

# How a function's inputs and params are changed for another look: across 0, both ways, and then less and less, for
# functions that are not defined everywhere.
CHANGES: tuple[Callable[[float], float], ...] = (
    lambda x: -x - 0.375,
    lambda x: -x + 0.375,
    lambda x: 0.75 * x + 0.0625,
    lambda x: x * 1.0078125,
)
ACROSS = 2  # as many of them lead across 0
WIDE = 2**18  # weights of a layer from which on NumPy's BLAS is quicker than the native machine
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
    optimizer: Any = None,
    allow_unused: bool = False,
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
            installed, else NumPy where it is and there are inputs, else Python; but NumPy, too, where layers of 262,144
            weights or more do most of the work, and no optimiser its steps. `program.reason` says why.
        optimizer: of `params`, such as Adam(params): `program.step(inputs)` then changes the program's own params.
        allow_unused: whether there may be inputs that nothing depends on, such as spare columns of the data.

    Returns a program: `program(params, inputs)` is `(value, gradient)`, of one example, inputs `(k,)`, or of a batch,
    `(N, k)`. On arrays, nan and inf follow NumPy: log(0) is -inf, where a Value raises.

    A Python `if` on the data of a Value is decided while the graph is recorded. From a root alone that cannot be seen;
    a function is recorded again for other inputs and params, and refused where the graphs differ.

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
            raise TypeError(f"compile expected a list of Values for {what}, got {quoted(nodes)}")
    params, inputs, outputs, also = [*params], [*inputs], [*outputs], [*also]
    places = {leaf: slot for slot, leaf in enumerate(inputs, start=len(params)) if isinstance(leaf, Value)}
    for node in also:
        if not isinstance(node, Value) or inputs.count(node) != 1:
            raise ValueError(f"compile expected inputs in also, listed once, got {quoted(node)}")
    f = None
    if not isinstance(root, Value):
        if not callable(root):
            raise TypeError(f"compile expected a Value or a function, got {quoted(root)}")
        if outputs:
            raise ValueError("compile expected a function to return (root, outputs), not outputs= beside it")
        f, given = root, inputs
        root, inputs, outputs = called(f, numbers_of(given), labels_of(given))
    if optimizer is not None and not isinstance(getattr(optimizer, "parameters", None), list):
        raise TypeError(f"compile expected an optimizer, like Adam(params), got {quoted(optimizer)}")
    if optimizer is not None and [*map(id, optimizer.parameters)] != [*map(id, params)]:
        raise ValueError(
            f"compile expected an optimizer of the {len(params)} params, in their order; it has "
            f"{len(optimizer.parameters)} parameters"
        )
    with collector_paused():
        trace = recorded(root, params, inputs, outputs, allow_unused)  # type: ignore[arg-type]
    if f:
        refuse_another_graph(f, trace, params, given, allow_unused)
    kind, reason = choice(trace, optimizer is not None) if backend == "auto" else (program_class(backend), "")
    program = kind(trace, [places[node] for node in also], reduce)
    program.optimizer, program.reason = optimizer, reason
    if optimizer is not None:
        program.params = [p.data for p in params]
    return program


def program_class(backend: str) -> type[Program]:
    """The class of programs for a backend."""
    module, name = BACKENDS[backend]
    found: type[Program] = getattr(import_module(f"tinygrad_edu.replay.{module}"), name)
    return found


def choice(trace: Trace, has_optimizer: bool) -> tuple[type[Program], str]:
    """The class of programs that `auto` takes for a trace, and why."""
    share = 0.0 if has_optimizer or not trace.n_inputs else share_of_wide_layers(trace)
    names = ["numpy", "native"] if share > 0.5 else ["native", "numpy"] if trace.n_inputs else ["native"]
    missing = []
    for name in [*names, "python"]:
        try:
            found = program_class(name)
            break
        except ImportError:
            missing.append(name)
    if missing:
        return found, f"not installed: {', '.join(missing)}"
    if has_optimizer:
        return found, "an optimiser takes its steps in machine code"
    return found, f"layers of {WIDE:,} weights or more do {share:.0%} of the work"


def share_of_wide_layers(trace: Trace) -> float:
    """The share of a graph's work that is in dot products of many weights with one and the same list of numbers."""
    if trace.n_params < WIDE:
        return 0.0
    nodes = Graph(trace, [trace.root], varying=False).nodes.values()
    dots = [sides(node) for node in nodes if node.row is DOT]
    layers = Counter[tuple[int, ...]]()
    for factors in dots:
        for side in factors:
            layers[side] += len(side)
    wide = sum(len(x) for x, y in dots if max(layers[x], layers[y]) >= WIDE)
    return wide / (len(nodes) - len(dots) + sum(len(x) for x, _ in dots))


def numbers_of(inputs: Sequence[Any]) -> list[float]:
    return [x.data if isinstance(x, Value) else x for x in inputs]


def labels_of(inputs: Sequence[Any]) -> list[str]:
    return [x.label if isinstance(x, Value) else "" for x in inputs]


def refuse_another_graph(
    f: Callable[..., Any], trace: Trace, params: Sequence[Value], inputs: Sequence[Any], allow_unused: bool
) -> None:
    """Raise ValueError where f builds another graph than this for other inputs and params."""
    numbers, data = numbers_of(inputs), [p.data for p in params]

    def difference(numbers: Sequence[float], data: Sequence[float]) -> str:
        for p, x in zip(params, data, strict=True):
            p.data = x
        root, leaves, outputs = called(f, numbers, labels_of(inputs))
        return trace.difference(recorded(root, params, leaves, outputs, allow_unused))

    looks = {"inputs": 0, "params": 0}
    try:
        for k, change in enumerate(CHANGES):
            for what, own in (("inputs", numbers), ("params", data)):
                others = [change(x) for x in own]
                if k >= ACROSS and looks[what]:
                    continue
                try:
                    found = difference(others, data) if what == "inputs" else difference(numbers, others)
                except Exception:  # outside of where f is defined, which the last is the nearest to
                    continue
                looks[what] += 1
                if found:
                    raise ValueError(
                        f"compile: the function builds another graph for the {what} {quoted(others)} than for "
                        f"{quoted(own)}: {found}. "
                        "A Python if on a Value, or its data used as a number, is fixed when the graph is recorded."
                    )
        if not any(looks.values()):
            difference(numbers, data)  # as it fails elsewhere, it may fail here
    finally:
        for p, x in zip(params, data, strict=True):
            p.data = x


def called(
    f: Callable[..., Any], numbers: Sequence[float], labels: Sequence[str]
) -> tuple[Value, list[Value], Sequence[Value]]:
    """The root, inputs and outputs of the graph that f builds."""
    leaves = [Value(x, label) for x, label in zip(numbers, labels, strict=True)]
    result = f(*leaves)
    root, outputs = result if isinstance(result, tuple) else (result, ())
    if not isinstance(root, Value):
        raise TypeError(f"compile expected the function to return a Value, got {quoted(root)}")
    if isinstance(outputs, Value):
        raise TypeError(
            "compile expected the function to return (root, outputs), outputs a list of Values, got one Value"
        )
    return root, leaves, list(outputs)
