"""The graph as an interactive page: one HTML file that steps, trains and asks, without a network."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import partial
from hashlib import sha256
from html import escape
from importlib.resources import files
from math import isfinite
from numbers import Real
from os import PathLike, fspath
from string import Template
from typing import Any, NamedTuple

from tinygrad_edu.engine import NOT_COMPUTED, Value, nodes, plain, plural, quoted
from tinygrad_edu.engine.operations import dot
from tinygrad_edu.files import form, in_script, write
from tinygrad_edu.misconceptions import MISCONCEPTIONS
from tinygrad_edu.neurons import neurons
from tinygrad_edu.show import javascript
from tinygrad_edu.show.backward import beyond, checked
from tinygrad_edu.show.names import Names, symbol
from tinygrad_edu.show.numbers import require_whole
from tinygrad_edu.show.symbols import Expr, local_derivative, number, operation
from tinygrad_edu.themes import THEMES

FORMS = (".html", ".htm")
LARGEST = 800  # nodes
UNPLACED = 250  # of them, nodes outside of a network's neurons, which cannot be closed
SCRIPTS = (  # in this order; each has one subject, and the first line of each says which
    "graph",
    "numbers",
    "formulas",
    "layout",
    "picture",
    "camera",
    "note",
    "paths",
    "training",
    "leaves",
    "data",
    "ask",
    "saving",
    "page",
)
HELD = re.compile(r"(x|t|target|input|label)s?[\d_,]*", re.IGNORECASE)  # what inputs and targets are mostly called


class Page:
    """An interactive page of a graph; a notebook shows it.

    Attributes:
        html: the whole file.
        path: where it was written, None where it was not.
    """

    def __init__(self, html: str, path: str | PathLike[str] | None = None) -> None:
        self.html, self.path = html, path

    def __repr__(self) -> str:
        if self.path is None:
            return '<interactive page; explore(root, "page.html") writes it to a file>'
        return f"<interactive page; open {fspath(self.path)} in a browser>"

    def _repr_html_(self) -> str:
        """A frame that may run its script and save files, and nothing else; it becomes as high as what is in it."""
        return (
            f'<iframe srcdoc="{escape(self.html, quote=True)}" sandbox="allow-scripts allow-downloads" '
            'title="The chain rule, step by step" style="width: 100%; height: 900px; border: 0"></iframe>'
            "<script>"
            'window.addEventListener("message", (event) => { const height = event.data && event.data.tinygradEdu; '
            'if (height > 0) for (const frame of document.querySelectorAll("iframe")) '
            'if (frame.contentWindow === event.source) frame.style.height = height + "px"; });'
            "</script>"
        )


def explore(
    root: Any,
    path: str | PathLike[str] | None = None,
    *,
    params: Value | Iterable[Value] | None = None,
    inputs: Value | Iterable[Value] = (),
    data: Any = None,
    loss: Callable[[Any, Any], Any] | None = None,
    title: str = "The chain rule, step by step",
    learning_rate: float = 0.1,
    digits: int = 4,
) -> Page:
    """Make a page on which a graph is stepped through, changed, trained, and asked about.

    The page steps one operation forward and one edge backward at a time, says what each step does, lists the paths of
    the box that is pointed at, recomputes everything when a number is changed, and takes gradient descent steps. It is
    one file that needs no network.

    >>> from tinygrad_edu import Value
    >>> w = Value(0.3, "w")
    >>> page = explore((w * 2.0).sigmoid())
    >>> page.html.startswith("<!DOCTYPE html>"), "https:" in page.html
    (True, False)

    Arguments:
        root: the Value at the end of the graph; with `data`, a network: a function of a list of Values.
        path: the file to write, .html; without one the page is only returned.
        params: the leaves that gradient descent moves. Without them these are the parameters of a network, or else
            all leaves but those that are named like inputs and targets (x, x1, t, target); the page says which.
        inputs: leaves that it does not move.
        data: examples (inputs, targets) to train the network on, each a number or a sequence of them; or a tuple of the
            inputs of all and the targets of all.
        loss: of the outputs and targets, as Values; without one, half the sum of the squared errors.
        title: the heading.
        learning_rate: of the gradient descent step at first.
        digits: significant digits.

    Returns the page. Raises TypeError for what is no Value or no network; ValueError for a graph that is too large,
    for data that the network or the loss does not take, for `params` and `inputs` that are no leaves of the graph, and
    for a path that ends otherwise.
    """
    examples = None
    if path is not None:
        form("explore", path, FORMS)
    if not (isinstance(learning_rate, Real) and isfinite(learning_rate)):
        raise ValueError(f"learning_rate expected a finite number, got {quoted(learning_rate)}")
    require_whole("digits", digits, 1)
    if data is not None:
        root, examples = on_data(root, data, loss)
    elif loss is not None:
        raise ValueError("explore expected data= with loss=")
    graph = nodes(checked(root))
    places = neurons(root)
    unplaced = sum(node not in places for node in graph)
    if len(graph) > LARGEST or unplaced > UNPLACED:
        most, what = (UNPLACED, " outside of neurons") if len(graph) <= LARGEST else (LARGEST, "")
        count = unplaced if what else len(graph)
        raise ValueError(
            f"the graph has {count} nodes{what}, more than the {most} that a page can show: explore a node within it, "
            "or draw a part of it with draw(root, depth=5)"
        )
    leaves = {node for node in graph if not node.parents}
    moved, held = chosen("params", params, leaves), chosen("inputs", inputs, leaves)
    known = page_data(graph, places, digits, None if params is None else moved, held, examples)
    script = "\n".join(['"use strict";', javascript.operations(), javascript.program(graph), *map(source, SCRIPTS)])
    style = colours() + resource("page.css")
    page = Template(resource("page.html")).substitute(
        title=escape(plain(title, 200)),
        rate=float(learning_rate),
        loss_name=("mean " if examples else "") + escape(Names(root).text(root)),
        trace=in_script(known),
        style=style,
        style_hash=fingerprint(style),
        script=script,
        script_hash=fingerprint(script),
    )
    if path is not None:
        write(path, page)
    return Page(page, path)


def chosen(name: str, wanted: Value | Iterable[Value] | None, leaves: set[Value]) -> set[Value]:
    """Leaves of the graph. Raises ValueError for what is none."""
    found = list(wanted) if isinstance(wanted, Iterable) else [] if wanted is None else [wanted]
    for value in found:
        if value not in leaves:
            raise ValueError(f"{name} expected leaves of the graph, got {quoted(value)}")
    return set(found)


# Data


class Examples(NamedTuple):
    """A data set beside the graph of one example: which leaves are its inputs and targets, and the numbers for them."""

    inputs: list[Value]
    targets: list[Value]
    outputs: list[Any]
    rows: list[list[float]]


def on_data(network: Any, data: Any, loss: Any) -> tuple[Value, Examples]:
    """The graph of the loss on one example, with Values for its inputs and targets."""
    if not callable(network):
        raise TypeError(f"explore expected a network with data=, got {quoted(network)}")
    pairs = []
    for k, pair in enumerate(paired(data), start=1):
        try:
            x, t = pair
            pairs.append(([float(one) for one in listed(x)], [float(one) for one in listed(t)]))
        except (TypeError, ValueError):
            raise ValueError(f"example {k} expected inputs and targets, numbers each, got {quoted(pair)}") from None
    if loss is not None and not callable(loss):
        raise TypeError(f"loss expected a function of outputs and targets, like mse, got {quoted(loss)}")
    if not pairs:
        raise ValueError("data expected at least one example, got none")
    for k, (x, t) in enumerate(pairs, start=1):
        if (len(x), len(t)) != (len(pairs[0][0]), len(pairs[0][1])):
            has = f"{plural(len(x), 'input')} and {plural(len(t), 'target')}"
            raise ValueError(f"example {k} has {has}, the first has other numbers of them")
    x = [Value(one, f"x{k}" if len(pairs[0][0]) > 1 else "x") for k, one in enumerate(pairs[0][0], start=1)]
    t = [Value(one, f"t{k}" if len(pairs[0][1]) > 1 else "t") for k, one in enumerate(pairs[0][1], start=1)]
    outputs = listed(network(x))
    targets: Any = t if len(outputs) > 1 or len(t) > 1 else t[0]
    predictions: Any = outputs if len(outputs) > 1 or len(t) > 1 else outputs[0]
    try:
        root = loss(predictions, targets) if loss else half_squared(outputs, t)
    except (TypeError, ValueError) as error:
        raise ValueError(f"loss has to take the targets as Values, so that the page can change them: {error}") from None
    if not isinstance(root, Value):
        raise TypeError(f"loss expected to return a Value, got {quoted(root)}")
    root.label = root.label or "E"
    return root, Examples(x, t, outputs, [[*x, *t] for x, t in pairs])


def paired(data: Any) -> Iterable[Any]:
    """Examples one by one, of which all inputs and all targets may have been given apart."""
    if isinstance(data, tuple) and len(data) == 2 and all(hasattr(part, "__len__") for part in data):
        x, t = data
        apart = len(x) > 2 or (
            all(hasattr(one, "__len__") for one in x) and not any(hasattr(one, "__len__") for one in t)
        )
        if len(x) == len(t) and apart:
            return zip(x, t, strict=True)
    if not isinstance(data, Iterable):
        raise TypeError(f"data expected examples, pairs of inputs and targets, got {quoted(data)}")
    return data


def half_squared(outputs: Sequence[Any], targets: Sequence[Any]) -> Any:
    if len(outputs) != len(targets):
        raise ValueError(
            f"the network has {plural(len(outputs), 'output')}, the examples {plural(len(targets), 'target')}"
        )
    errors = [y - t for y, t in zip(outputs, targets, strict=True)]
    return 0.5 * dot(errors, errors)


def listed(numbers: Any) -> list[Any]:
    return list(numbers) if hasattr(numbers, "__iter__") else [numbers]


# What the page knows


def page_data(
    graph: list[Value],
    places: dict[Value, tuple[int, int]],
    digits: int,
    moved: set[Value] | None,
    held: set[Value],
    examples: Examples | None,
) -> dict[str, Any]:
    """What the page knows of the graph."""
    place = {node: k for k, node in enumerate(graph)}
    names = Names(graph[-1])
    given = {*examples.inputs, *examples.targets} if examples else set()
    network = any(hasattr(node, "place") for node in graph)
    reason = "params= does not name them" if moved is not None else "named like inputs or targets"
    if moved is None:
        moved = {n for n in graph if (hasattr(n, "place") if network else not HELD.fullmatch(n.label))}
        reason = "not among the parameters of the network" if network else reason

    def role(node: Value) -> str:
        return "parameter" if node in moved and node not in held | given else "held"

    def entry(node: Value) -> dict[str, Any]:
        made: dict[str, Any] = {"name": names.text(node), "data": in_json(node.data), "parents": []}
        if node in places:
            made["place"] = places[node]
        if not node.parents:
            return made | {"role": role(node)}
        made |= {"op": node.op.name, "symbol": symbol(node)}
        made["parents"] = [place[p] if isinstance(p, Value) else None for p in node.parents]
        made["constants"] = [None if isinstance(p, Value) else in_json(p) for p in node.parents]
        made["formula"] = formula(partial(operation, node, expression), place)
        partials = [partial(local_derivative, node, k, expression) for k in range(len(node.parents))]
        made["partials"] = [
            formula(rule, place) if isinstance(p, Value) else None
            for p, rule in zip(node.parents, partials, strict=True)
        ]
        return made

    known: dict[str, Any] = {
        "digits": digits,
        "held": reason,
        "leftover": graph[-1].grad not in (NOT_COMPUTED, 0.0, 1.0) or bool(beyond(graph[-1])),
        "misconceptions": [mistake._asdict() for mistake in MISCONCEPTIONS],
        "nodes": [entry(node) for node in graph],
    }
    if examples:
        rows = list(zip(*examples.rows, strict=True))
        targets = [x for row in rows[len(examples.inputs) :] for x in row]
        below = nodes(*[y for y in examples.outputs if isinstance(y, Value)])
        known["data"] = {
            "leaves": [place.get(node) for node in (*examples.inputs, *examples.targets)],
            "inputs": [place.get(node) for node in examples.inputs],
            "outputs": [place.get(node) for node in examples.outputs],
            "network": [place[node] for node in below if node.parents and node in place],
            "low": in_json(min(targets)),
            "high": in_json(max(targets) if max(targets) > min(targets) else min(targets) + 1),
            "examples": [[in_json(x) for x in row] for row in examples.rows],
        }
    return known


def in_json(x: float) -> float | str:
    """A number as JSON has it: infinities and nan as text, which JavaScript's Number reads."""
    return x if isfinite(x) else {"inf": "Infinity", "-inf": "-Infinity"}.get(str(x), "NaN")


def expression(operand: Value | float) -> Expr:
    return operand if isinstance(operand, Value) else number(operand)


def formula(made: Callable[[], Expr], place: dict[Value, int]) -> Any:
    """An expression for the page: numbers, places of nodes as text, lists; null where there is none."""

    def coded(part: Expr) -> Any:
        if isinstance(part, Fraction):
            whole = int(part) if part.denominator == 1 and abs(part) < 2**53 else None
            decimal = float(part)
            if part.denominator == 1 or Fraction(repr(decimal)) == part:
                return decimal if whole is None else whole
            return ["*", coded(Fraction(part.numerator)), ["**", coded(Fraction(part.denominator)), -1]]
        if isinstance(part, Value):
            return str(place[part])
        return [part[0], *map(coded, part[1:])]

    try:
        return coded(made())
    except (ValueError, ArithmeticError):  # a constant that is not finite
        return None


# The file


def colours() -> str:
    """The themes as variables of the style sheet: the reader's preference, or what the page's switch says."""

    def rules(name: str) -> str:
        single = {key: value for key, value in THEMES[name]._asdict().items() if key != "series"}
        return "".join(f"--{key.replace('_', '-')}: {value}; " for key, value in single.items())

    dark = f"{rules('dark')}color-scheme: dark;"
    return (
        f":root {{ {rules('light')}color-scheme: light; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root[data-theme=auto] {{ {dark} }} }}\n"
        f":root[data-theme=dark] {{ {dark} }}\n"
        f":root[data-theme=print] {{ {rules('print')} }}\n"
        f"@media print {{ :root[data-theme] {{ {rules('print')}color-scheme: light; }} }}\n"
    )


def source(script: str) -> str:
    return resource(f"{script}.js")


def resource(file: str) -> str:
    return files("tinygrad_edu.show").joinpath("web", file).read_bytes().decode()


def fingerprint(text: str) -> str:
    """The hash by which the page's security policy knows its own script and style."""
    return b64encode(sha256(text.encode()).digest()).decode()
