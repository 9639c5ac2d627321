"""The history of a training as text, for a terminal without Matplotlib."""

from __future__ import annotations

from math import isfinite, log10
from typing import Any

from tinygrad_edu.engine import plain
from tinygrad_edu.plot.canvas import logarithmic
from tinygrad_edu.plot.curves import losses_of

EIGHTHS = " ▁▂▃▄▅▆▇█"


def history_text(history: Any, *, width: int = 72, height: int = 8) -> str:
    """The losses of a training as columns of blocks, with the numbers at both ends, why it stopped, and its notes.

    >>> print(history_text([8.0, 4.0, 2.0, 1.0], width=24, height=2))
    8 ┤██
    1 ┤██▇▇▇▇▃▃▃▃▁▁
      0          3

    Arguments:
        history: what `fit` or `train` returns, or the losses alone.
        width, height: of the columns, in characters.

    The scale is logarithmic where all losses are positive and span more than a factor of 30.
    """
    losses = losses_of(history)
    finite = [x for x in losses if isfinite(x)]
    if not finite:
        return f"no finite loss among {len(losses)}"
    by_decades = logarithmic(finite)
    scaled = [log10(x) if by_decades and isfinite(x) else x for x in losses]
    known = [x for x in scaled if isfinite(x)]
    low, high = min(known), max(known)
    top, bottom = f"{max(finite):.3g}", f"{min(finite):.3g}"
    margin = max(len(top), len(bottom))
    columns = min(max(width - margin - 3, 1), len(losses) * 3)
    heights = []
    for column in range(columns):
        x = scaled[round(column * (len(scaled) - 1) / max(columns - 1, 1))]
        share = 1.0 if not isfinite(x) else (x - low) / (high - low) if high > low else 0.0
        heights.append(1 + round(share * (8 * height - 1)))
    lines = []
    for row in range(height - 1, -1, -1):
        name = top if row == height - 1 else bottom if row == 0 else ""
        blocks = "".join(EIGHTHS[min(max(h - 8 * row, 0), 8)] for h in heights)
        lines.append(f"{name:>{margin}} ┤{blocks}".rstrip())
    last = str(len(losses) - 1)
    lines.append(f"{'':{margin}} 0{last:>{max(columns - 1, len(last) + 1)}}" + ("   log scale" if by_decades else ""))
    best, stopped = getattr(history, "best", None), plain(getattr(history, "stopped", ""), longest=width * 2)
    if best and getattr(history, "validation", []):
        lines.append(f"best validation {history.validation[best - 1]:.4g} in epoch {best}")
    notes = [f"note: {plain(note, longest=width * 4)}" for note in getattr(history, "notes", [])]
    return "\n".join([*lines, *([stopped] if stopped else []), *notes])
