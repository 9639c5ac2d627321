"""Curves over the epochs of a training, and its layers: the loss, what was measured beside it, gradients, health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, isfinite, log10
from textwrap import wrap
from typing import Any

from tinygrad_edu.engine import plain, quoted
from tinygrad_edu.plot.canvas import DASHES, canvas, legend, logarithmic, mixed


def losses_of(history: Any) -> list[float]:
    """The losses of a history, or numbers as they are."""
    try:
        numbers = [float(x) for x in getattr(history, "losses", history)]
    except (TypeError, ValueError):
        raise TypeError(f"a plot of a training expected its history, or its losses, got {quoted(history)}") from None
    if not numbers:
        raise ValueError("a plot of a training expected at least one loss, got none")
    return numbers


def plot_history(history: Any, *, theme: str = "light") -> Any:
    """The loss over the epochs, with validation, best epoch and metrics where there are any; above, what was said.

    >>> figure = plot_history([4.0, 2.0, 1.0])
    >>> figure.axes[0].get_ylabel()
    'loss'

    Arguments:
        history: what `fit` or `train` returns, or the losses alone.
        theme: "light", "dark" or "print".

    The axis is logarithmic where the losses are positive and span more than a factor of 30. Returns the Matplotlib
    figure. Raises ValueError where there is no loss, ImportError without Matplotlib.
    """
    losses = losses_of(history)
    validation = list(getattr(history, "validation", []))
    metrics: Mapping[str, Sequence[float]] = getattr(history, "metrics", {})
    figure, [top, *rest], colours = canvas(theme, (6.4, 5.6 if metrics else 4.0), rows=2 if metrics else 1)
    series = colours.series
    top.plot(range(len(losses)), losses, color=series[0], label="training")
    if validation:
        top.plot(range(1, len(validation) + 1), validation, color=series[1], linestyle="dashed", label="validation")
    best = getattr(history, "best", None)
    if validation and best is not None and 1 <= best <= len(validation):
        top.plot([best], [validation[best - 1]], "o", color=series[1], label=f"best, epoch {best}")
    if logarithmic([x for x in [*losses, *validation] if isfinite(x)]):
        top.set_yscale("log")
    top.set_ylabel("loss")
    if validation:
        legend(top, colours)
    for ax in rest:
        ax.sharex(top)
        for k, (name, numbers) in enumerate(metrics.items()):
            style = DASHES[k % len(DASHES)]
            ax.plot(range(1, len(numbers) + 1), numbers, color=series[k % 10], linestyle=style, label=plain(name))
        ax.set_ylabel(plain(next(iter(metrics))) if len(metrics) == 1 else "metrics")
        if len(metrics) > 1:
            legend(ax, colours)
    ([top, *rest][-1]).set_xlabel("epoch")
    top.xaxis.get_major_locator().set_params(integer=True)
    said = [getattr(history, "stopped", ""), *getattr(history, "notes", [])]
    lines = [line for words in said if words for line in wrap(plain(words, longest=270), 82)]
    if lines:
        top.set_title("\n".join(lines), fontsize=9, color=colours.line, loc="left")
    for ax in [top, *rest]:
        ax.grid(color=mixed(colours.line, colours.background, 0.75), linewidth=0.6)
    return figure


def plot_gradients(gradients: Any, *, theme: str = "light") -> Any:
    """The norm of each layer's gradient over the epochs, on a logarithmic axis: where it vanishes, a line lies low.

    >>> figure = plot_gradients({"layer 1": [1e-6, 1e-7], "layer 2": [0.1, 0.2]})
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['layer 1', 'layer 2']

    Arguments:
        gradients: what `fit` returns, or a mapping from the name of each layer to one norm an epoch.
        theme: "light", "dark" or "print".

    Zeros have no place on the axis and are left out. Returns the Matplotlib figure. Raises ValueError where there are
    no gradients, ImportError without Matplotlib.
    """
    norms: Mapping[str, Sequence[float]] = getattr(gradients, "gradients", gradients)
    if not isinstance(norms, Mapping) or not any(len(numbers) for numbers in norms.values()):
        raise ValueError(
            "plot_gradients expected a history with gradients, or a norm an epoch for each layer, "
            f"got {quoted(gradients)}"
        )
    figure, [ax], colours = canvas(theme)
    last = len(norms) - 1
    for k, (name, numbers) in enumerate(norms.items()):
        # From early to late layers along one scale, since their order is what is looked for.
        early, late = (0, 3) if colours.on_paper else (1, 0)
        colour = mixed(colours.series[early], colours.series[late], k / max(last, 1))
        shown = [x if x > 0 and isfinite(x) else float("nan") for x in numbers]
        style = DASHES[k % 4] if colours.on_paper else "solid"
        ax.plot(range(1, len(shown) + 1), shown, color=colour, linestyle=style, label=plain(name))
    ax.set_yscale("log")
    ax.set_xlabel("epoch")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_ylabel("norm of the gradient")
    ax.grid(color=mixed(colours.line, colours.background, 0.75), linewidth=0.6)
    handles, labels = ax.get_legend_handles_labels()
    legend(
        ax,
        colours,
        handles=handles[::-1],
        labels=labels[::-1],
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        fontsize=9,
    )
    return figure


def plot_health(report: Any, *, theme: str = "light") -> Any:
    """The layers of a network: where neurons are flat or dead, and how large outputs and gradients are.

    >>> from types import SimpleNamespace as Some
    >>> row = Some(layer=1, neurons=2, activation="relu", spread=0.5, flat=0.75, dead=[2], gradient=0.1)
    >>> [ax.get_xlabel() for ax in plot_health(Some(layers=[row], findings=[])).axes]
    ['share of neurons', 'spread of the outputs', 'norm of the gradient']

    Arguments:
        report: what `health` returns; with its `loss=` there are gradients to draw.
        theme: "light", "dark" or "print".

    A neuron is dead where it passes hardly any gradient for every example, flat where it does so for one. Sizes are
    on a logarithmic axis, on which zeros have no place. What `health` finds wrong stands above. Returns the Matplotlib
    figure. Raises ValueError where there are no layers, ImportError without Matplotlib.
    """
    rows = list(getattr(report, "layers", []))
    if not rows or not hasattr(rows[0], "flat"):
        raise ValueError(f"plot_health expected the report of health, with layers, got {quoted(report)}")
    findings = [line for words in report.findings for line in wrap(plain(words, longest=220), 100)]
    figure, [first, *rest], colours = canvas(theme, (8.4, 1.6 + 0.42 * len(rows) + 0.17 * len(findings)), columns=3)
    places = [-k for k in range(len(rows))]
    first.barh(
        places, [row.flat for row in rows], color=mixed(colours.grad_strong, colours.background, 0.55), label="flat"
    )
    first.barh(
        places, [len(row.dead) / row.neurons for row in rows], color=colours.grad_strong, height=0.45, label="dead"
    )
    first.set_xlim(0, 1)
    first.xaxis.set_major_formatter("{x:.0%}")
    first.set_yticks(places, [f"{row.layer}: {row.neurons} {plain(row.activation)}" for row in rows])
    first.set_xlabel("share of neurons")
    if any(row.flat for row in rows):
        legend(first, colours, fontsize=8)
    for ax, name, numbers in zip(
        rest,
        ("spread of the outputs", "norm of the gradient"),
        ([row.spread for row in rows], [row.gradient for row in rows]),
        strict=True,
    ):
        known = [x if isfinite(x) and x > 0 else float("nan") for x in numbers]
        ax.plot(known, places, "o", color=colours.data_strong, linestyle="solid", linewidth=1)
        if sizes := [x for x in known if x == x]:
            ax.set_xscale("log")
            ax.xaxis.set_minor_formatter("")  # within a decade the labels would overlap
            ax.set_xlim(10 ** floor(log10(min(sizes)) - 0.1), 10 ** ceil(log10(max(sizes)) + 0.1))
        else:
            ax.text(
                0.5,
                0.5,
                "all 0" if 0 in numbers else "not computed",
                ha="center",
                color=colours.line,
                transform=ax.transAxes,
            )
            ax.set_xticks([])
        ax.set_yticks(places, [""] * len(places))
        ax.set_xlabel(name)
    for ax in [first, *rest]:
        ax.set_ylim(places[-1] - 0.6, 0.6)
        ax.grid(axis="x", color=mixed(colours.line, colours.background, 0.75), linewidth=0.6)
    words = "\n".join(findings) or "nothing to complain of"
    figure.suptitle(words, fontsize=9, color=colours.line, x=0.01, ha="left")
    return figure
