"""Plots as SVG for lessons, where Matplotlib is not at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from tinygrad_edu.themes import THEMES

WIDTH, HEIGHT, MARGIN = 460, 260, 40
CELLS = 24  # of the map, each way


class Chart:
    """A drawing; a notebook and a live page show it."""

    def __init__(self, parts: Sequence[str], title: str, height: int = HEIGHT) -> None:
        self.svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'role="img" font-family="Helvetica, Arial, sans-serif" font-size="17"><title>{escape(title)}</title>'
            f'<rect width="{WIDTH}" height="{height}" fill="{THEMES["light"].background}"/>{"".join(parts)}</svg>'
        )

    def _repr_svg_(self) -> str:
        return self.svg


def line(numbers: Sequence[float], name: str = "") -> Chart:
    """Numbers in their order, as a line.

    >>> line([3.0, 2.0, 1.5], "loss").svg.count("<polyline")
    1

    Raises ValueError for less than two numbers.
    """
    if len(numbers) < 2:
        raise ValueError(f"line expected at least two numbers, got {len(numbers)}")
    colours, low, high = THEMES["light"], min(numbers), max(numbers)
    across = (WIDTH - 2 * MARGIN) / (len(numbers) - 1)
    up = (HEIGHT - 2 * MARGIN) / (high - low or 1.0)
    points = " ".join(
        f"{MARGIN + k * across:.1f},{HEIGHT - MARGIN - (y - low) * up:.1f}" for k, y in enumerate(numbers)
    )
    base = HEIGHT - MARGIN
    return Chart(
        [
            f'<path d="M{MARGIN},{MARGIN}V{base}H{WIDTH - MARGIN}" fill="none" stroke="{colours.edge}"/>',
            f'<polyline points="{points}" fill="none" stroke="{colours.data_strong}" stroke-width="2"/>',
            f'<text x="{MARGIN}" y="{MARGIN - 10}" fill="{colours.text}">{escape(name)} {high:.4g}</text>',
            f'<text x="{WIDTH - MARGIN}" y="{base + 20}" text-anchor="end" fill="{colours.text}">'
            f"{len(numbers)} steps, at last {numbers[-1]:.4g}</text>",
        ],
        f"{name}, from {numbers[0]:.4g} to {numbers[-1]:.4g}",
    )


def boundary(network: Callable[[list[float]], Any], examples: Sequence[tuple[Sequence[float], float]]) -> Chart:
    """Where a network of two inputs answers above 0, and where below, with the examples: blue above, orange below.

    Raises ValueError for examples that have other than two inputs.
    """
    if not examples or any(len(x) != 2 for x, _ in examples):
        raise ValueError("boundary expected examples of two inputs each")
    colours, size = THEMES["light"], WIDTH / CELLS
    ends = [(min(x[k] for x, _ in examples) - 0.3, max(x[k] for x, _ in examples) + 0.3) for k in (0, 1)]

    def answer(column: float, row: float) -> float:
        x, y = (low + (high - low) * at / CELLS for at, (low, high) in zip((column, CELLS - row), ends, strict=True))
        result = network([x, y])
        return float(getattr(result, "data", result))

    parts = []
    for row in range(CELLS):
        for column in range(CELLS):
            y = answer(column + 0.5, row + 0.5)
            colour, strength = colours.data_strong if y > 0 else colours.grad_strong, min(1.0, abs(y)) * 0.55 + 0.05
            place = f'x="{column * size:.2f}" y="{row * size:.2f}" width="{size:.2f}" height="{size:.2f}"'
            parts.append(f'<rect {place} fill="{colour}" fill-opacity="{strength:.2f}" shape-rendering="crispEdges"/>')
    for x, target in examples:
        across, down = ((at - low) / (high - low) * WIDTH for at, (low, high) in zip(x, ends, strict=True))
        colour = colours.data_strong if target > 0 else colours.grad_strong
        mark = f'<circle cx="{across:.1f}" cy="{WIDTH - down:.1f}" r="5" '
        parts.append(f'{mark}fill="{colour}" stroke="{colours.background}" stroke-width="1.5"/>')
    return Chart(parts, f"The boundary between {len(examples)} examples", WIDTH)
