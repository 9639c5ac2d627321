"""One gradient from many workers, on any executor of `concurrent.futures`, or of Dask."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tinygrad_edu.engine import quoted
from tinygrad_edu.nn.engines import Batch, Replay
from tinygrad_edu.nn.loop import scaled

SHARDS = 8  # where an executor does not say how many workers it has


class Sharded(Replay):
    """A recorded program, a shard of the batch for each worker, the parts added in the order of the shards.

    A worker that dies, or any that cannot be reached, leaves its shard to be computed here.
    """

    lost = 0

    def __init__(self, replay: Replay, executor: Any) -> None:
        if not hasattr(executor, "submit"):
            raise TypeError(f"executor expected what has submit(), like a ProcessPoolExecutor, got {quoted(executor)}")
        vars(self).update(vars(replay))
        self.executor, self.pickled = executor, pickle.dumps(replay.program)

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
            weighted = scaled(its, share)
            gradient = weighted if gradient is None else added(gradient, weighted)
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
    """The mean loss over a shard and its gradient, in a worker."""
    return unpickled(pickled)(params, rows)


@lru_cache(1)
def unpickled(program: bytes) -> Any:
    """A program, which a worker keeps for the next time."""
    return pickle.loads(program)


def added(left: Any, right: Sequence[float]) -> Any:
    return [a + b for a, b in zip(left, right, strict=True)] if isinstance(left, list) else left + right
