"""A training, kept in a file, so that it goes on where it was after whatever ended it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from math import isclose, isfinite, nan
from pathlib import Path
from random import Random
from time import perf_counter
from types import MappingProxyType
from typing import Any

from tinygrad_edu.engine import UNDEFINED, plain, quoted
from tinygrad_edu.files import PathLike, write
from tinygrad_edu.nn.engines import DataDependent
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.saving import read

FORMAT, VERSION = "tinygrad_edu training", 1
SHARE = 0.05  # of the time that may go into writing


class Checkpoint:
    """The file of one training.

    Arguments:
        path: the file.
        training: what tells this training from others, by name; a file of another one is refused.
        random: the source of random numbers.
        settings: further names, which older files may lack.
    """

    def __init__(
        self, path: PathLike, training: dict[str, Any], random: Any, settings: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self.path, self.random = Path(path), random
        self.training, self.settings = json.loads(json.dumps([training, dict(settings)]))
        self.cost, self.last = 0.0, perf_counter()

    def offer(self, loop: Any) -> None:
        """Write, unless writing takes more than its share of the time: what is lost is trained again, to the same."""
        if perf_counter() - self.last > self.cost / SHARE:
            self.save(loop)

    def save(self, loop: Any) -> None:
        """Write; where that fails, on a full disk for example, say so and go on: the file is as it was."""
        try:
            self.write(loop)
        except OSError as error:
            loop.history.note(f"{self.path} could not be written: {error.strerror}")

    def write(self, loop: Any) -> None:
        """Write the state after an epoch."""
        if loop.history.interrupted:  # in the middle of an epoch, which cannot be taken up
            return
        started = perf_counter()
        state = {
            "format": FORMAT,
            "version": VERSION,
            "training": self.training,
            "settings": self.settings,
            "first loss": first_loss(loop.engine, loop.numbers),
            "engine": loop.engine.name,
            "parameters": [*map(float, loop.numbers)],
            "steps": loop.optimizer.steps,
            "kept": [[*map(float, kept)] for kept in loop.optimizer.kept],
            "best": [*map(float, loop.best)],
            "lowest": loop.lowest,
            "random": self.random.getstate(),
            "history": asdict(loop.history),
        }
        write(self.path, json.dumps(state))
        self.last = perf_counter()
        self.cost = self.last - started

    def restore(self, loop: Any) -> None:
        """Take up the state in the file, if there is one.

        Raises ValueError, with the reason, where it is damaged, of a newer version, or of another training, and
        DataDependent where it was found out that a recording will not do.
        """
        if not self.path.exists():
            self.write(loop)  # so that a path that cannot be written to is refused before the work is done
            return
        state = read(self.path, FORMAT, VERSION)
        try:
            theirs, engine = state["training"], state["engine"]
            others = [name for name, mine in self.training.items() if theirs.get(name) != mine]
            theirs = theirs | state.get("settings", {})
            others += [name for name, mine in self.settings.items() if theirs.get(name, mine) != mine]
            mine = self.training | self.settings
        except (KeyError, AttributeError, TypeError) as error:
            raise ValueError(f"{self.path} is damaged: {plain(error, 200)}") from None
        if others:
            name = others[0]
            raise ValueError(
                f"{self.path} is of another training: {name} is {quoted(theirs.get(name))} there and "
                f"{quoted(mine[name])} here; name another file, or remove it"
            )
        if engine == "eager" != loop.engine.name:
            raise DataDependent(f"{self.path} was trained so")
        try:
            history = history_of(state["history"])
            parameters, best, [lowest], *kept = map(
                floats, (state["parameters"], state["best"], [state["lowest"]], *state["kept"])
            )
            sizes = {len(numbers) for numbers in (parameters, best, *kept)}
            if sizes != {len(loop.numbers)} or len(kept) != loop.optimizer.memory:
                raise ValueError(f"it expected {len(loop.numbers)} parameters, got {sizes}")
            steps, (version, inner, following) = state["steps"], state["random"]
            if type(steps) is not int or steps < 0:
                raise ValueError(f"it expected the steps taken, got {quoted(steps)}")
            Random().setstate((version, tuple(inner), following))  # nothing is changed before all of it is right
            [first] = floats([state.get("first loss", nan)])
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{self.path} is damaged: {plain(error, 200)}") from None
        as_numbers = getattr(loop.engine, "like", list)
        if isfinite(first) and loop.engine.name != "eager":
            again = first_loss(loop.engine, as_numbers(parameters))
            if not isclose(first, again, rel_tol=1e-6, abs_tol=1e-13):
                raise ValueError(
                    f"{self.path} is of another training: with its parameters the loss of the first example is "
                    f"{first:.6g} there and {again:.6g} here; name another file, or remove it"
                )
        loop.numbers, loop.best, loop.lowest = as_numbers(parameters), as_numbers(best), lowest
        loop.optimizer.steps, loop.optimizer.kept = steps, kept
        self.random.setstate((version, tuple(inner), following))
        vars(loop.history).update(vars(history))
        history = loop.history
        if history.stopped == f"all {history.epochs} epochs are over" and 0 < len(history.losses) <= loop.epochs:
            history.stopped = ""  # it was to be shorter
            history.losses.pop()


def first_loss(engine: Any, numbers: Any) -> float:
    """What tells a network and its loss from others with as many parameters.

    A graph that is built anew may draw random numbers: there it is nan.
    """
    if engine.name == "eager":
        return nan
    try:
        return float(engine.forward(numbers, [0])[0])
    except UNDEFINED:
        return nan


def settings_of(optimizer: Any) -> dict[str, Any]:
    """What an optimiser was made with, as far as a file can hold it: numbers, and schedules of ours."""
    found = {name: setting for name, setting in optimizer.hyperparameters().items() if is_plain(setting)}
    return found | {"schedule": spelled(optimizer.lr)} if isinstance(optimizer.lr, partial) else found


def is_plain(setting: Any) -> bool:
    several = isinstance(setting, (list, tuple))
    return all(map(is_plain, setting)) if several else isinstance(setting, (int, float, str, type(None)))


def spelled(schedule: Any) -> Any:
    """A schedule as its name and what it was made of."""
    if isinstance(schedule, partial):
        return [schedule.func.__name__.strip("_"), *map(spelled, schedule.args)]
    return schedule if is_plain(schedule) else ""


def history_of(given: Any) -> History:
    """A history as it was written. Raises TypeError for what is none."""
    history = History(**given)
    for name, empty in vars(History()).items():
        if type(getattr(history, name)) is not type(empty):
            raise TypeError(f"it expected {name} to be a {type(empty).__name__}, got {quoted(getattr(history, name))}")
    series = [*history.metrics.values(), *history.gradients.values(), *history.path]
    for numbers in (history.losses, history.validation, history.rates, *series):
        floats(numbers)
    return history


def floats(given: Any) -> list[float]:
    """A list of floats as it was written. Raises TypeError for another thing."""
    if type(given) is not list or any(type(number) is not float for number in given):
        raise TypeError(f"it expected floats, got {quoted(given)}")
    return given


def digest(rows: Any) -> str:
    """Numbers that tell data from other data."""
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]
