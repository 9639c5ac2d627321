"""Where a network is dead, saturated, or passes no gradient: layer by layer, in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

from tinygrad_edu.engine import NOT_COMPUTED, UNDEFINED, Value, collector_paused, data_of, quoted
from tinygrad_edu.engine.formulas import partials_on_floats
from tinygrad_edu.neurons import first_weights
from tinygrad_edu.nn.data import Example, examples_of
from tinygrad_edu.nn.engines import outputs_of
from tinygrad_edu.nn.losses import loss_named
from tinygrad_edu.nn.modules import Module, Neuron, neurons_of

FLAT = 0.01  # an activation that passes less than this of a gradient
VANISHED = 1e-4  # the gradient of a layer beside the largest of all layers
ENOUGH = 200  # examples


class LayerHealth(NamedTuple):
    """One layer over all examples.

    Attributes:
        layer: its number, from 1.
        neurons: how many.
        activation: its name.
        mean, spread: of the outputs, over neurons and examples; the spread is a standard deviation.
        flat: the share of neurons and examples where the activation passes less than 1 % of a gradient.
        dead: the neurons, from 1, where it does so for every example.
        weights: the norm of the parameters.
        gradient: the norm of their gradients, nan where none was computed.
    """

    layer: int
    neurons: int
    activation: str
    mean: float
    spread: float
    flat: float
    dead: list[int]
    weights: float
    gradient: float


class Health(NamedTuple):
    """The layers of a network, and what is wrong with them, in words."""

    layers: list[LayerHealth]
    findings: list[str]

    def table(self) -> list[list[str]]:
        """The layers as rows of text, with a heading."""
        heading = ["layer", "neurons", "activation", "mean", "spread", "flat", "dead", "weights", "gradient"]
        return [heading] + [
            [
                *(str(row.layer), str(row.neurons), row.activation, f"{row.mean:.3g}", f"{row.spread:.3g}"),
                *(f"{row.flat:.0%}", str(len(row.dead)), f"{row.weights:.3g}"),
                "–" if math.isnan(row.gradient) else f"{row.gradient:.3g}",
            ]
            for row in self.layers
        ]

    def __repr__(self) -> str:
        table = self.table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
        return "\n".join([*lines, *(self.findings or ["nothing to complain of"])])

    def _repr_html_(self) -> str:
        heading, *rows = self.table()
        cells = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
        found = "".join(f"<li>{escape(words)}</li>" for words in self.findings)
        head = "".join(f"<th>{name}</th>" for name in heading)
        return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in cells)}</table><ul>{found}</ul>"


def health(network: Module, examples: Any, loss: str | Callable[[Any, Any], Value] | None = None) -> Health:
    """How the layers of a network do on examples: dead and saturated neurons, vanishing gradients, equal answers.

    >>> from tinygrad_edu.nn import MLP
    >>> network = MLP(1, [2, 1], seed=1)
    >>> network.layers[0].neurons[1].b.data = -9.0
    >>> print(health(network, [([0.5], 0), ([1.0], 1)]))
    layer  neurons  activation  mean  spread  flat  dead  weights  gradient
        1        2        relu     0       0  100%     2     9.06         –
        2        1      linear     0       0    0%     0     0.72         –
    layer 1: its 2 neurons are dead: for every example relu passes no gradient
    the network gives the same answer, 0, to every example

    Arguments:
        network: a module made of neurons.
        examples: as for `fit`, the first 200 are looked at.
        loss: as for `fit`; with it the gradients are those of the mean loss, and are left in the parameters. Without
            it they are those of the last `backward()`, if there was one.

    Raises ValueError for what has no neurons and for an unknown loss, TypeError for another loss, and what `examples`
    raise.
    """
    chosen = None if loss is None else loss_named(loss, "health")
    with collector_paused():
        return examined(network, examples_of(examples)[:ENOUGH], chosen)


def examined(network: Module, examples: Sequence[Example], loss: Callable[[Any, Any], Value] | None) -> Health:
    layers = neurons_of(network)
    if not layers:
        raise ValueError(f"health expected a network of neurons, like MLP, got {quoted(network)}")
    seen: dict[Neuron, list[tuple[float, float]]] = {neuron: [] for layer in layers for neuron in layer}
    starts: dict[Value, Neuron] = {neuron.w[0]: neuron for neuron in seen}
    answers, losses = [], []
    for example in examples:
        answer = network(example.x)  # type: ignore[operator]
        answers.append([data_of(value) for value in outputs_of(answer)])
        roots = [value for value in outputs_of(answer) if isinstance(value, Value)]
        for neuron, output_and_slope in activations(roots, starts).items():
            seen[neuron].append(output_and_slope)
        if loss:
            losses.append(loss(answer, example.target))
    if losses:
        network.zero_grad()
        for each in losses:
            (each / len(losses)).backward()
    rows = [layer_health(k, layer, seen) for k, layer in enumerate(layers, start=1)]
    return Health(rows, findings(rows, answers))


def activations(roots: Sequence[Value], starts: dict[Value, Neuron]) -> dict[Neuron, tuple[float, float]]:
    """The output of each neuron in a graph, by its first weight, and the derivative of its activation there."""
    found: dict[Neuron, tuple[float, float]] = {}
    for root in roots:
        for node, weight in first_weights(root).items():
            neuron = starts.get(weight)
            if neuron is None or not node.parents:
                continue
            slope = 1.0
            if len(node.parents) == 1:
                if neuron.activation is None:  # what is applied to a linear neuron is not its own
                    continue
                try:
                    slope = partials_on_floats(node.op)[0](node.parents[0].data, node.data)
                except UNDEFINED:
                    slope = math.inf
            found[neuron] = (node.data, slope)
    return found


def layer_health(k: int, layer: Sequence[Neuron], seen: dict[Neuron, list[tuple[float, float]]]) -> LayerHealth:
    every = [output for neuron in layer for output, _ in seen[neuron]] or [math.nan]
    flat = [[abs(slope) < FLAT for _, slope in seen[neuron]] for neuron in layer]
    counted = [each for row in flat for each in row] or [False]
    parameters = {p: None for neuron in layer for p in neuron.parameters()}
    mean = sum(every) / len(every)
    computed = [p.grad for p in parameters if p.grad is not NOT_COMPUTED]
    return LayerHealth(
        layer=k,
        neurons=len(layer),
        activation=getattr(layer[0].activation, "__name__", "linear"),
        mean=mean,
        spread=math.sqrt(sum((output - mean) ** 2 for output in every) / len(every)),
        flat=sum(counted) / len(counted),
        dead=[n for n, row in enumerate(flat, start=1) if row and all(row)],
        weights=math.hypot(*(p.data for p in parameters)),
        gradient=math.hypot(*computed) if computed else math.nan,
    )


def findings(rows: Sequence[LayerHealth], answers: Sequence[Sequence[float]]) -> list[str]:
    """What is wrong, in words."""
    found = []
    for row in rows:
        if row.dead:
            number, every = len(row.dead), len(row.dead) == row.neurons
            all_of_them = f"its {number} neurons" if number > 1 else "its neuron"
            which = all_of_them if every else f"{number} of {row.neurons} neurons"
            which += " are" if number > 1 else " is"
            listed = "" if every else f" ({', '.join(map(str, row.dead[:8]))}{', …' if len(row.dead) > 8 else ''})"
            passes = "passes no gradient" if row.activation == "relu" else "passes less than 1 % of a gradient"
            found.append(f"layer {row.layer}: {which} dead{listed}: for every example {row.activation} {passes}")
        elif row.flat > 0.5 and row.activation != "relu":
            found.append(
                f"layer {row.layer}: {row.activation} is saturated in {row.flat:.0%} of cases: try smaller weights"
            )
    largest = max((row.gradient for row in rows if row.gradient == row.gradient), default=0.0)
    for row in rows:
        if row.gradient == 0:
            found.append(f"layer {row.layer}: every gradient is exactly 0")
        elif row.gradient < VANISHED * largest:
            found.append(
                f"layer {row.layer}: the gradient vanishes, {row.gradient:.2g} where the largest is {largest:.2g}"
            )
    if len(answers) > 1 and all(answer == answers[0] for answer in answers):
        same = ", ".join(f"{number:.4g}" for number in answers[0][:4])
        found.append(f"the network gives the same answer, {same}, to every example")
    return found


def stalled(losses: Sequence[float]) -> bool:
    """Whether a loss that has not come down to a hundredth of where it began stood still for the last quarter."""
    if len(losses) < 9 or not math.isfinite(losses[-1]):
        return False
    before, now = losses[-1 - len(losses) // 4], losses[-1]
    return now > 0.01 * abs(losses[0]) and before - now < 0.01 * abs(before)
