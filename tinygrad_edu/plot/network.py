"""A network as neurons and lines, by weight or by gradient."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.engine import NOT_COMPUTED
from tinygrad_edu.plot.canvas import canvas, matplotlib, mixed

LABELLED = 24  # lines; with more, the numbers would lie on one another


def plot_network(network: Any, *, by: str = "weight", theme: str = "light") -> Any:
    """The neurons of each layer, and between them lines as wide as the weights, or their gradients, are large.

    >>> from types import SimpleNamespace as Some
    >>> from tinygrad_edu.engine import Value
    >>> neuron = Some(w=[Value(0.5), Value(-2.0)], b=Value(0.1))
    >>> len(plot_network(Some(layers=[Some(neurons=[neuron])])).axes[0].texts) > 0
    True

    Arguments:
        network: an MLP, or anything with `layers` of `neurons` that have weights `w` and a bias `b`.
        by: "weight" or "gradient".
        theme: "light", "dark" or "print".

    Blue lines are positive, orange ones negative; on paper negative ones are dashed. In small networks each line has
    its number, and each neuron its bias. Returns the Matplotlib figure. Raises TypeError for what is no network,
    ValueError for another `by` and for gradients that were never computed, ImportError without Matplotlib.
    """
    if by not in ("weight", "gradient"):
        raise ValueError(f'plot_network expected by="weight" or "gradient", got {by!r}')
    if not hasattr(network, "layers"):
        raise TypeError(f"plot_network expected a network with layers, like MLP, got {type(network).__name__}")
    layers = [list(layer.neurons) for layer in network.layers]

    def number(parameter: Any) -> float:
        if by == "weight":
            return float(parameter.data)
        if parameter.grad is NOT_COMPUTED:
            raise ValueError("plot_network(by='gradient') expected gradients: call backward() first")
        return float(parameter.grad)

    sizes = [len(layers[0][0].w), *map(len, layers)]
    figure, [ax], colours = canvas(theme, (2.4 + 1.9 * len(layers), min(2.0 + 0.55 * max(sizes), 9.0)))
    ax.set_axis_off()
    spots = [[(k, (size - 1) / 2 - n) for n in range(size)] for k, size in enumerate(sizes)]
    lines = [
        (spots[k][i], spots[k + 1][n], number(w))
        for k, layer in enumerate(layers)
        for n, neuron in enumerate(layer)
        for i, w in enumerate(neuron.w)
    ]
    largest = max(abs(x) for *_, x in lines) or 1.0
    shades = [colours.data_strong if x >= 0 else colours.grad_strong for *_, x in lines]
    # A weak line is thin and pale, so that the strong ones can be followed.
    ax.add_collection(
        matplotlib()["LineCollection"](
            [[start, end] for start, end, _ in lines],
            colors=[
                mixed(colours.background, c, 0.25 + 0.75 * abs(x) / largest)
                for c, (*_, x) in zip(shades, lines, strict=True)
            ],
            linewidths=[0.4 + 3.6 * abs(x) / largest for *_, x in lines],
            linestyles=["dashed" if x < 0 and colours.on_paper else "solid" for *_, x in lines],
            zorder=1,
        )
    )
    small = len(lines) <= LABELLED
    size = max(60.0, min(900.0, 16000.0 / max(sizes) ** 2))
    for k, column in enumerate(spots):
        ax.scatter(
            *zip(*column, strict=True),
            s=size,
            color=colours.leaf if k == 0 else colours.operation,
            edgecolors=colours.line,
            zorder=2,
        )
        for n, (x, y) in enumerate(column):
            last = k == len(layers)
            letter = "x" if k == 0 else "y" if last else "h"
            before = 0 if k == 0 or last else sum(sizes[1:k])
            text = letter if len(column) == 1 and k in (0, len(layers)) else f"${letter}_{{{before + n + 1}}}$"
            if max(sizes) <= 20:
                ax.text(x, y, text, ha="center", va="center", color=colours.text, fontsize=10)
            if k and small and layers[k - 1][n].b is not None:
                bias = number(layers[k - 1][n].b)
                ax.text(
                    x,
                    y - 0.27,
                    f"{'b' if by == 'weight' else '∂b'} {signed(bias)}",
                    ha="center",
                    va="top",
                    color=colours.line,
                    fontsize=8,
                )
    if small:
        for place, ((x1, y1), (x2, y2), number_of) in enumerate(lines):
            share = 0.3 if place % 2 else 0.68  # so that crossing lines' numbers lie apart
            at = (x1 + (x2 - x1) * share, y1 + (y2 - y1) * share)
            colour = colours.data if number_of >= 0 else colours.grad
            box = {"facecolor": colours.background, "edgecolor": "none", "pad": 1.0}
            ax.text(*at, signed(number_of), ha="center", va="center", color=colour, fontsize=8, bbox=box, zorder=2)
    ax.set_xlim(-0.4, len(layers) + 0.4)
    ax.set_ylim(-(max(sizes) - 1) / 2 - 0.8, (max(sizes) - 1) / 2 + 0.6)
    what, sign = "|w|" if by == "weight" else "|∂E/∂w|", "dashed" if colours.on_paper else "orange"
    ax.set_title(f"width: {what}, at most {largest:.3g}; {sign}: negative", fontsize=9, color=colours.line)
    return figure


def signed(number: float) -> str:
    return f"{number:+.3g}".replace("-", "−")
