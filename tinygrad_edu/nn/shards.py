"""One gradient from many workers, on any executor of `concurrent.futures`, or of Dask."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.engine import quoted
from tinygrad_edu.nn.engines import Batch, Replay

SHARDS = 8  # where an executor does not say how many workers it has
PROGRAMS: dict[int, Any] = {}  # of this worker, by the hash of their pickle; only the last is kept


class Sharded(Replay):
    """A recorded program, a shard of the batch for each worker, the parts added in the order of the shards.

    A worker that dies, or any that cannot be reached, leaves its shard to be computed here.
    """

    executor: Any
    lost = 0

    @classmethod
    def over(cls, replay: Replay, executor: Any) -> Sharded:
        """The program of a replay on an executor. Raises TypeError for what is none."""
        if not hasattr(executor, "submit"):
            raise TypeError(f"executor expected what has submit(), like a ProcessPoolExecutor, got {quoted(executor)}")
        made = object.__new__(cls)
        vars(made).update(vars(replay), executor=executor, pickled=pickle.dumps(replay.program))
        return made

    pickled: bytes

    def gradient(self, numbers: Any, batch: Batch) -> tuple[float, Any]:
        rows, given = self.chosen(batch), self.given(numbers)
        size = -(-len(rows) // min(len(rows), getattr(self.executor, "_max_workers", None) or SHARDS))
        shards = [rows[start : start + size] for start in range(0, len(rows), size)]
        futures = [self.submitted(given, shard) for shard in shards]
        loss, gradient = 0.0, None
        for shard, future in zip(shards, futures, strict=True):
            part, its = self.result(future, given, shard)
            share = len(shard) / len(rows)
            loss += float(part) * share
            scaled = [g * share for g in its] if isinstance(its, list) else its * share
            gradient = scaled if gradient is None else added(gradient, scaled)
        return loss, self.spread_out(gradient, numbers)

    def submitted(self, given: Any, shard: Any) -> Any:
        try:
            return self.executor.submit(part_of, self.pickled, given, shard)
        except (RuntimeError, OSError):  # a broken pool takes no more work
            return None

    def result(self, future: Any, given: Any, shard: Any) -> Any:
        if future is not None:
            try:
                return future.result()
            except Exception:
                pass
        self.lost += 1
        return self.program(given, shard)


def part_of(pickled: bytes, params: Any, rows: Any) -> Any:
    """The mean loss over a shard and its gradient, in a worker, which keeps the program for the next time."""
    key = hash(pickled)
    if key not in PROGRAMS:
        PROGRAMS.clear()
        PROGRAMS[key] = pickle.loads(pickled)
    return PROGRAMS[key](params, rows)


def added(left: Any, right: Sequence[float]) -> Any:
    return [a + b for a, b in zip(left, right, strict=True)] if isinstance(left, list) else left + right
