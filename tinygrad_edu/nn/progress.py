"""A progress bar on terminals, with what there is to say of the run below it; nothing elsewhere."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Any

from tinygrad_edu.nn.history import History

EVERY = 0.1  # seconds between two looks at the bar
WIDEST = 24  # columns of the bar itself
WORDS = 68  # columns of all that stands beside it: loss, validation, a metric, the epochs and the time left


class Progress:
    """A bar with loss, metrics, epochs a second and the time left, on standard error where that is a terminal."""

    def __init__(self, epochs: int, wanted: bool | None = None) -> None:
        self.epochs, self.shown, self.started = epochs, 0.0, perf_counter()
        self.before = 0  # epochs of an earlier run, from whose checkpoint this one goes on
        self.bar: Any = None
        self.room = 0  # columns for words
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

            console = Console(stderr=True)
            if self.before:
                console.print(f"going on after {self.before} epochs", highlight=False)
            columns = [MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn()]
            if width := max(0, min(WIDEST, console.width - WORDS)):
                columns.insert(0, BarColumn(width))
            count = f"{self.epochs}/{self.epochs}"
            self.room = console.width - (width + 1 if width else 0) - len(f"{count}  0:00:00")
            self.bar = Bar(*columns, console=console, auto_refresh=False)
            self.task = self.bar.add_task("", total=self.epochs, completed=self.before)
            self.bar.start()
        words = [f"loss {history.losses[-1]:.4g}"]
        if history.validation:
            words.append(f"validation {history.validation[-1]:.4g}")
        words += [f"{name} {numbers[-1]:.3g}" for name, numbers in history.metrics.items() if numbers]
        words.append(f"{(done - self.before) / max(now - self.started, 1e-9):,.0f} epochs/s")
        while len(words) > 1 and len(" · ".join(words)) > self.room:  # or the count of the epochs would be cut
            words.pop()
        self.bar.update(self.task, completed=done, description=" · ".join(words), refresh=True)
