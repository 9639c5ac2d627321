"""A progress bar on terminals, with what there is to say of the run below it; nothing elsewhere."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Any

from tinygrad_edu.nn.history import History

EVERY = 0.1  # seconds between two looks at the bar


class Progress:
    """A bar with loss, metrics, epochs a second and the time left, on standard error where that is a terminal."""

    def __init__(self, epochs: int, wanted: bool | None = None) -> None:
        self.epochs, self.shown, self.started = epochs, 0.0, perf_counter()
        self.bar: Any = None
        self.task: Any = None
        self.wanted = sys.stderr.isatty() if wanted is None else wanted

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: Any) -> None:
        if self.bar:
            self.bar.stop()

    def say(self, history: History) -> None:
        """Below the bar, what a person should know of a training that is over."""
        if not self.bar:
            return
        for words in (history.stopped, *history.notes):
            self.bar.console.print(words, markup=False, highlight=False)

    def show(self, history: History, done: int, last: bool = False) -> None:
        """Move the bar, unless it was moved a moment ago."""
        now = perf_counter()
        if not self.wanted or (now - self.shown < EVERY and not last):
            return
        self.shown = now
        if self.bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = [BarColumn(24), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn()]
            self.bar = Bar(*columns, console=Console(stderr=True), auto_refresh=False)
            self.task = self.bar.add_task("", total=self.epochs)
            self.bar.start()
        words = [f"loss {history.losses[-1]:.4g}"]
        if history.validation:
            words.append(f"validation {history.validation[-1]:.4g}")
        words += [f"{name} {numbers[-1]:.3g}" for name, numbers in history.metrics.items() if numbers]
        words.append(f"{done / max(now - self.started, 1e-9):,.0f} epochs/s")
        self.bar.update(self.task, completed=done, description=" · ".join(words), refresh=True)
