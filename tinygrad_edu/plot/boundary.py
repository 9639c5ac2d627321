"""Where a network of two inputs decides for which class, or how high its score is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any

from tinygrad_edu.engine import plain, plural, quoted
from tinygrad_edu.plot.canvas import MARKERS, canvas, colorbar, diverging, legend, mixed


def plot_decision_boundary(
    network: Callable[[list[float]], Any],
    points: Iterable[Sequence[float]],
    targets: Iterable[Any] | None = None,
    *,
    names: Sequence[str] = ("x1", "x2"),
    threshold: float | None = None,
    resolution: int = 80,
    theme: str = "light",
) -> Any:
    """The plane of two inputs, coloured by what a network says, with the points that it learned from.

    >>> figure = plot_decision_boundary(lambda x: x[0] - x[1], [[0, 1], [1, 0]], [-1, 1], resolution=9)
    >>> figure.axes[0].get_xlabel()
    'x1'

    Arguments:
        network: takes two numbers; returns a score, a Value or a number, or one for each class.
        points: pairs of numbers.
        targets: the class of each point, or a number where the network's score is one; any labels. Of two classes for
            one score, the larger number has the colour of what is positive, or the word with the higher scores.
        names: of the two inputs, for the axes.
        threshold: of the score, where the line between two classes is drawn; without one, 0.5 where all scores are from
            0 to 1, else 0.
        resolution: how many numbers are tried along each axis.
        theme: "light", "dark" or "print".

    Returns the Matplotlib figure. Raises ValueError where there are no points, for a point that is no pair, and for
    targets that are not as many; ImportError without Matplotlib.
    """
    if not isinstance(points, Iterable):
        raise TypeError(f"plot_decision_boundary expected points, pairs of numbers, got {quoted(points)}")
    pairs = [pair(point, k) for k, point in enumerate(points)]
    if not pairs:
        raise ValueError("plot_decision_boundary expected points, got none")
    labels = list(targets) if targets is not None else [None] * len(pairs)
    if len(labels) != len(pairs):
        raise ValueError(f"plot_decision_boundary expected {plural(len(pairs), 'target')}, got {len(labels)}")
    figure, [ax], colours = canvas(theme, (6.0, 4.6))
    xs, ys = (spread([point[k] for point in pairs], resolution) for k in (0, 1))
    grid = [[numbers_of(network([x, y])) for x in xs] for y in ys]
    classes = sorted({label for label in labels if label is not None}, key=lambda c: (str(type(c)), c))
    if len(grid[0][0]) == 1:
        scores = [[cell[0] for cell in line] for line in grid]
        score(figure, ax, colours, xs, ys, scores, threshold)
    else:
        regions(ax, colours, xs, ys, grid)
    if len(grid[0][0]) == 1 and len(classes) == 2:  # the first has the colour of what is positive
        if all(isinstance(label, Real) for label in classes):  # also of a network that has it wrong, as it learns
            classes.sort(key=float, reverse=True)
        else:
            classes.sort(key=lambda c: -mean_score(network, pairs, [label == c for label in labels]))
    for k, label in enumerate(classes):
        at = [point for point, its in zip(pairs, labels, strict=True) if its == label]
        colour = colours.series[k % 10]
        fill = colours.background if colours.on_paper and k % 2 else colour
        edge = colour if colours.on_paper else colours.background
        ax.plot(
            *zip(*at, strict=True), MARKERS[k % 10], color=fill, markeredgecolor=edge, markersize=6, label=named(label)
        )
    if not classes:
        ax.plot(*zip(*pairs, strict=True), "o", color=colours.text, markersize=4)
    elif len(classes) <= 10:
        legend(ax, colours, loc="best", fontsize=9)
    ax.set_xlabel(plain(names[0]))
    ax.set_ylabel(plain(names[1]))
    return figure


def pair(point: Any, k: int) -> list[float]:
    """A point as two numbers."""
    try:
        found = [float(x) for x in point]
    except (TypeError, ValueError):
        raise TypeError(
            f"plot_decision_boundary expected points, pairs of numbers, got {quoted(point)} as point {k}; "
            "of examples (inputs, target) give inputs and targets in two lists"
        ) from None
    if len(found) != 2:
        raise ValueError(f"plot_decision_boundary expected points of 2 numbers, point {k} has {len(found)}")
    return found


def named(label: Any) -> str:
    number = isinstance(label, Real) and not isinstance(label, bool)
    return f"{label:g}".replace("-", "−") if number else plain(label)


def score(figure: Any, ax: Any, colours: Any, xs: Any, ys: Any, scores: Any, threshold: float | None) -> None:
    """One score: its height by colour, and a line at the threshold."""
    low, high = min(map(min, scores)), max(map(max, scores))
    middle = threshold if threshold is not None else 0.5 if low >= 0 and high <= 1 else 0.0
    reach = 0.5 if threshold is None and middle == 0.5 else max(high - middle, middle - low) or 1.0
    levels = [middle + reach * (k - 10) / 10 for k in range(21)]
    shown = ax.contourf(xs, ys, scores, levels=levels, cmap=diverging(colours), alpha=0.55, extend="both")
    if low < middle < high:
        ax.contour(xs, ys, scores, levels=[middle], colors=[colours.text], linewidths=1.6)
    colorbar(figure, ax, shown, colours, digits=3, label="score", ticks=levels[::5])


def regions(ax: Any, colours: Any, xs: Any, ys: Any, grid: Any) -> None:
    """A score for each class: the region of the highest."""
    count = len(grid[0][0])
    winners = [[max(range(count), key=cell.__getitem__) for cell in line] for line in grid]
    shades = [
        mixed(colours.background, colours.series[k % 10], 0.15 + 0.2 * (k % 2) * colours.on_paper) for k in range(count)
    ]
    levels = [k - 0.5 for k in range(count + 1)]
    ax.contourf(xs, ys, winners, levels=levels, colors=shades)
    for k in range(count):
        # Where a class's score passes all others: the borders, without steps of the grid.
        lead = [[cell[k] - max(cell[j] for j in range(count) if j != k) for cell in line] for line in grid]
        if min(map(min, lead)) < 0 < max(map(max, lead)):
            ax.contour(xs, ys, lead, levels=[0.0], colors=[colours.text], linewidths=1.0)


def spread(numbers: list[float], resolution: int) -> list[float]:
    """Evenly from a little below the least to a little above the greatest."""
    low, high = min(numbers), max(numbers)
    margin = 0.12 * (high - low) or 1.0
    return [low - margin + (high - low + 2 * margin) * k / (resolution - 1) for k in range(resolution)]


def mean_score(network: Callable[[list[float]], Any], pairs: list[list[float]], chosen: list[bool]) -> float:
    """The mean of the scores at some points."""
    scores = [numbers_of(network(point))[0] for point, its in zip(pairs, chosen, strict=True) if its]
    return sum(scores) / len(scores)


def numbers_of(outputs: Any) -> list[float]:
    """What a network returns, as numbers."""
    listed = list(outputs) if hasattr(outputs, "__iter__") else [outputs]
    return [float(getattr(y, "data", y)) for y in listed]
