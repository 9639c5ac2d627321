"""The loss around where a training ended, along two directions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from math import hypot, isfinite, sqrt
from typing import Any

from tinygrad_edu.engine import UNDEFINED, plural, quoted
from tinygrad_edu.plot.canvas import canvas, colorbar, logarithmic, sequential


def plot_loss_landscape(
    loss: Callable[[], Any],
    parameters: Sequence[Any],
    *,
    path: Sequence[Sequence[float]] = (),
    directions: Sequence[Sequence[float]] | None = None,
    reach: float = 1.0,
    resolution: int = 25,
    seed: int = 0,
    theme: str = "light",
) -> Any:
    """The loss over a plane through the parameters, as contours, with the way that the training took.

    >>> from tinygrad_edu.engine import Value
    >>> a, b = Value(0.0), Value(0.0)
    >>> figure = plot_loss_landscape(lambda: a**2 + 4 * b**2, [a, b], directions=[[1, 0], [0, 1]], resolution=5)
    >>> figure.axes[0].get_xlabel()
    'direction 1'

    Arguments:
        loss: called without arguments after the parameters' data was set; returns a Value or a number.
        parameters: p Values; in the end they are as they were, and they are the middle of the plane.
        path: p numbers a step, such as `History.path`; with one, the plane is the one that shows most of it, its two
            principal components, and covers it.
        directions: two vectors of p numbers; without them and a path, two random ones, each number as large as its
            parameter (Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets").
        reach: how far the plane goes from the middle, in lengths of the directions.
        resolution: how many points are tried along each.
        seed: of the random directions.
        theme: "light", "dark" or "print".

    Where the loss is not defined, the plane is left blank. Returns the Matplotlib figure. Raises ValueError for
    directions or a path of another length than the parameters, ImportError without Matplotlib.
    """
    if not callable(loss):
        raise TypeError(f"plot_loss_landscape expected loss as a function without arguments, got {quoted(loss)}")
    for what, given in (("parameters, like network.parameters()", parameters), ("path, like history.path", path)):
        if not isinstance(given, Iterable):
            raise TypeError(f"plot_loss_landscape expected {what}, got {quoted(given)}")
    here = [parameter.data for parameter in parameters]
    for what, vectors in (("directions", directions or ()), ("path", path)):
        for vector in vectors:
            if len(vector) != len(here):
                raise ValueError(
                    f"plot_loss_landscape expected {what} of {plural(len(here), 'number')}, got {len(vector)}"
                )
    if directions is not None and len(directions) != 2:
        raise ValueError(f"plot_loss_landscape expected 2 directions, got {len(directions)}")
    moves = [[x - middle for x, middle in zip(step, here, strict=True)] for step in path]
    if directions is not None:
        axes = [list(map(float, vector)) for vector in directions]
    elif moves:
        axes = principal(moves)
    else:
        rng = random.Random(seed)
        axes = [[rng.gauss(0, 1) * (abs(x) or 0.1) for x in here] for _ in range(2)]
    track = [coordinates(move, axes) for move in moves]
    low, high = bounds(track, reach)
    steps = [[low[k] + (high[k] - low[k]) * j / (resolution - 1) for j in range(resolution)] for k in (0, 1)]
    try:
        heights = [[height(loss, parameters, here, axes, (u, v)) for u in steps[0]] for v in steps[1]]
    finally:
        for parameter, number in zip(parameters, here, strict=True):
            parameter.data = number
    figure, [ax], colours = canvas(theme, (6.0, 4.6))
    levels, growing = levels_of([x for line in heights for x in line if isfinite(x)])
    options = {"norm": "log"} if growing else {}
    shown = ax.contourf(*steps, heights, levels=levels, cmap=sequential(colours), alpha=0.8, extend="max", **options)
    ax.contour(*steps, heights, levels=levels, colors=[colours.line], linewidths=0.5)
    colorbar(figure, ax, shown, colours, digits=2, label="loss")
    if track:
        us, vs = zip(*track, strict=True)
        ax.plot(us, vs, "-", color=colours.grad, linewidth=1.6, marker=".", markersize=4)
        ax.plot(us[:1], vs[:1], "o", color=colours.background, markeredgecolor=colours.grad, markersize=8)
        ax.annotate("start", (us[0], vs[0]), xytext=(6, 6), textcoords="offset points", color=colours.text)
    ax.plot([0], [0], "*", color=colours.grad, markeredgecolor=colours.background, markersize=13)
    ax.set_xlabel("direction 1" + (", along the path" if track and directions is None else ""))
    ax.set_ylabel("direction 2" + (", across it" if track and directions is None else ""))
    return figure


def height(loss: Callable[[], Any], parameters: Sequence[Any], here: Any, axes: Any, at: tuple[float, float]) -> float:
    """The loss at a point of the plane; nan where it has none."""
    for k, parameter in enumerate(parameters):
        parameter.data = here[k] + at[0] * axes[0][k] + at[1] * axes[1][k]
    try:
        result = loss()
    except UNDEFINED:
        return float("nan")
    return float(getattr(result, "data", result))


def principal(moves: list[list[float]]) -> list[list[float]]:
    """The two directions along which vectors differ most, of length 1, by power iteration."""
    found: list[list[float]] = []
    for _ in range(2):
        rest = [without(move, found) for move in moves]
        axis = max(rest, key=lambda v: dot(v, v))
        for _ in range(50):
            shares = [dot(move, axis) for move in rest]
            axis = unit([sum(s * move[k] for s, move in zip(shares, rest, strict=True)) for k in range(len(axis))])
        if not any(axis):  # the path is a point or a straight line: any direction, across it
            least = min(range(len(axis)), key=lambda k: abs(found[0][k]) if found else 0.0)
            axis = unit(without([float(k == least) for k in range(len(axis))], found))
        found.append(axis)
    return found


def dot(x: Sequence[float], y: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(x, y, strict=True))


def unit(vector: list[float]) -> list[float]:
    length = sqrt(dot(vector, vector))
    return [x / length for x in vector] if length else vector


def without(vector: list[float], axes: list[list[float]]) -> list[float]:
    """What is left of a vector beside axes of length 1."""
    for axis in axes:
        share = dot(vector, axis)
        vector = [x - share * a for x, a in zip(vector, axis, strict=True)]
    return vector


def coordinates(move: list[float], axes: list[list[float]]) -> tuple[float, float]:
    """Where in the plane the nearest point to a move lies; the axes need not be at right angles."""
    (aa, ab), (_, bb) = [[dot(x, y) for y in axes] for x in axes]
    p, q = (dot(move, axis) for axis in axes)
    determinant = aa * bb - ab * ab
    return ((p * bb - q * ab) / determinant, (q * aa - p * ab) / determinant) if determinant else (0.0, 0.0)


def bounds(track: list[tuple[float, float]], reach: float) -> tuple[list[float], list[float]]:
    """The corners of the plane: the path with a margin, or the reach."""
    if not track:
        return [-reach, -reach], [reach, reach]
    points = [*track, (0.0, 0.0)]
    low, high = ([f(point[k] for point in points) for k in (0, 1)] for f in (min, max))
    margin = 0.25 * hypot(high[0] - low[0], high[1] - low[1]) or reach
    return [x - margin for x in low], [x + margin for x in high]


def levels_of(heights: list[float]) -> tuple[list[float], bool]:
    """Where the contours are, and whether their distances grow."""
    if not heights:
        raise ValueError("plot_loss_landscape found no point with a loss")
    low, high = min(heights), max(heights)
    if logarithmic(heights):
        return [low * (high / low) ** (k / 14) for k in range(15)], True
    return [low + ((high - low) or 1.0) * k / 14 for k in range(15)], False
