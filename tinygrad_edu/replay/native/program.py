"""A program in machine code, as Python calls it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

from tinygrad_edu.engine import collector_paused
from tinygrad_edu.replay.arrays import ArrayProgram, np
from tinygrad_edu.replay.native.calling import TARGET, address, built_in
from tinygrad_edu.replay.native.kernels import LANES
from tinygrad_edu.replay.native.machine import FIELDS, LOCK, code, driver
from tinygrad_edu.replay.native.plan import Plan
from tinygrad_edu.replay.native.update import moved
from tinygrad_edu.replay.trace import Trace

WORTH_A_THREAD = 2**20  # numbers computed in about a millisecond
NO_INPUTS = np.empty(0)
SIZE = 8  # bytes of a number
ADDRESS = ctypes.c_void_p
# The first holds the lock of Python while it runs, the other lets other threads run.
LOCKED, FREE = (
    kind(None, *[ADDRESS] * 3, ctypes.c_int64, ctypes.c_double, *[ADDRESS] * 4)
    for kind in (ctypes.PYFUNCTYPE, ctypes.CFUNCTYPE)
)


class Memory:
    """The memory that one run of a plan needs, and the header that tells the machine where it is."""

    def __init__(self, plan: Plan, codes: dict[str, tuple[Any, Any]]) -> None:
        uniform, varying = (zeros(2 * n) for n in (plan.sizes[0], plan.sizes[1] * (plan.lanes + LANES)))
        uniform[plan.first_constant : plan.first_constant + len(plan.constants)] = plan.constants
        rows = varying if plan.varying else uniform  # of one lane
        self.codes = codes
        self.arrays = {phase: instructions for phase, (instructions, _) in codes.items()}
        self.arrays |= {"roots": np.array(plan.roots, np.int64), "also": np.array(plan.also, np.int64)}
        for name, both in (("uniform", uniform), ("varying", rows)):
            self.arrays |= {name: both, f"{name} gradients": both[len(both) // 2 :]}
        fields = {"block": plan.lanes, "vector": LANES if plan.varying else 1, "lanes": 0, "stride": 0}
        fields |= {"n params": plan.n_params, "n inputs": plan.n_inputs, "first input": plan.first_input}
        for name, array in self.arrays.items():
            fields |= {name: address(array), f"n {name}": len(array)}
        self.header = np.array([fields[name] for name in FIELDS], np.int64)
        self.address = address(self.header)


def zeros(n: int) -> Any:
    """So many, from the beginning of a line of the cache on, so that vectors of lanes do not lie across two."""
    memory = np.zeros(n + 8)
    first = -(address(memory) // SIZE) % 8
    return memory[first : first + n]


def linked(plan: Plan) -> dict[str, tuple[Any, Any]]:
    """The instructions of each phase, the addresses of their kernels and words; and the words, which must live on."""
    kernels, found = np.array(code().kernels_of(plan.specs), np.int64), {}
    for phase, numbers in plan.instructions.items():
        words, pairs = np.array(plan.codes[phase], np.int32), np.array(numbers, np.int64).reshape(-1, 2)
        pairs[:, 0] = kernels[pairs[:, 0]]
        pairs[:, 1] = pairs[:, 1] * words.itemsize + address(words)
        found[phase] = pairs, words
    return found


class Runner:
    """A plan with its instructions, and memories to run it in, one for each thread that does."""

    def __init__(self, trace: Trace, roots: Sequence[int], also: Sequence[int], many: bool, backward: bool) -> None:
        with collector_paused():
            self.plan = Plan(trace, roots, also, many, backward)
            self.codes = linked(self.plan)
        self.locked, self.free = LOCKED(driver()), FREE(driver())
        self.memories: list[Memory] = []

    def memory(self) -> Memory:
        """One that nobody uses."""
        try:
            return self.memories.pop()
        except IndexError:
            return Memory(self.plan, self.codes)

    def run(self, *arguments: Any, locked: bool) -> None:
        """Call the driver."""
        memory = self.memory()
        (self.locked if locked else self.free)(memory.address, *arguments)
        self.memories.append(memory)


class Targets(np.ndarray):
    """What the built-in function of a program reads, and owns, so that both live as long as it does."""

    memories: list[Memory]


class NativeProgram(ArrayProgram):
    """Runs machine code.

    Attributes:
        runners: by what they compute, and whether for many examples.
        quick: runs the common cases, once their plan is made, and else gives None.
    """

    backend = "native"

    def __init__(self, trace: Trace, also: Sequence[int] = (), reduce: str | None = "mean") -> None:
        super().__init__(trace, also, reduce)
        self.runners: dict[tuple[str, bool], Runner] = {}
        self.targets: Targets = np.zeros((2, TARGET), np.int64).view(Targets)
        self.targets.memories = []
        self.quick = built_in(self.targets)

    def __call__(self, params: Any, inputs: Any = NO_INPUTS) -> tuple[Any, ...]:
        result = self.quick(params, inputs)
        if result is None:
            arrays = self.numbers(params, inputs)
            result = self.quick(*arrays) or self.computed(*arrays)
        return result  # type: ignore[no-any-return]

    def computed(self, params: Any, inputs: Any) -> tuple[Any, ...]:
        """What `quick` declined."""
        if inputs.ndim == 2 and self.reduce is None:
            return self.each(params, inputs)
        total, _, also = self.results("total", params, inputs)
        return (float(total[0]), total[1:], also)[: 2 + bool(self.also)]

    def each(self, params: Any, inputs: Any) -> tuple[Any, ...]:
        """Each example by itself: one with params of its own, whose gradients are those of further inputs."""
        p = len(params)
        rows = np.hstack([np.tile(params, (len(inputs), 1)), inputs])
        _, values, found = self.results("each", NO_INPUTS, rows)
        return (values[:, 0], found[:, :p], found[:, p:])[: 2 + bool(self.also)]

    def forward(self, params: Any, inputs: Any = NO_INPUTS) -> Any:
        self.require_outputs()
        return self.results("forward", *self.numbers(params, inputs))[1]

    def moved(self, optimizer: Any, numbers: Any, gradient: Any) -> Any:
        return moved(optimizer, numbers, gradient)

    def runner(self, task: str, many: bool) -> Runner:
        """What computes the "total" with its gradient, that of "each" example, or the outputs "forward"."""
        with LOCK:
            if (task, many) not in self.runners:
                self.runners[task, many] = self.planned(task, many)
            return self.runners[task, many]

    def planned(self, task: str, many: bool) -> Runner:
        trace, p = self.trace, self.trace.n_params
        if task == "forward":
            return Runner(trace, trace.outputs, (), many, backward=False)
        if task == "each":
            trace = replace(trace, n_params=0, n_inputs=trace.n_leaves)
            return Runner(trace, [trace.root], [*range(p), *self.also], many, backward=True)
        runner = Runner(trace, [trace.root], self.also, many, backward=True)
        if not self.also:  # `quick` runs it from now on
            self.targets.memories.append(memory := runner.memory())
            longest = WORTH_A_THREAD // runner.plan.sizes[1] if many else 1
            self.targets[int(many)] = memory.address, longest, many and self.reduce == "mean"
        return runner

    def results(self, task: str, params: Any, inputs: Any) -> tuple[Any, Any, Any]:
        """The total with its gradient, or the values of each example; and `also`. In threads where that pays."""
        many = inputs.ndim == 2
        runner, n = self.runner(task, many), len(inputs) if many else 1
        plan, cuts = runner.plan, self.cuts(runner.plan, n)
        totals = np.empty((len(cuts) - 1, 1 + len(params)))
        values, also = (np.empty((n, len(places))) for places in (plan.roots, plan.also))
        at_params, at_totals = address(params), address(totals)
        alone, share = len(cuts) == 2, 1 / n if self.reduce == "mean" else 1.0
        rows = [(address(array), array.strides[0]) for array in (inputs, values, also)]

        def run(k: int) -> None:
            first, end = cuts[k], cuts[k + 1]
            x, value, by_inputs = [start + first * stride for start, stride in rows]
            total = at_totals + k * totals.strides[0]
            wanted = (total, total + SIZE, None) if task == "total" else (None, None, value)
            runner.run(at_params, x, end - first, share, *wanted, by_inputs, locked=alone)

        list((map if alone or cores() == 1 else pool().map)(run, range(len(cuts) - 1)))
        total = totals[0] if alone else totals.sum(axis=0)
        return (total, values, also) if many else (total, values[0], also[0])

    def cuts(self, plan: Plan, n: int) -> list[int]:
        """Where a batch is cut: at ends of blocks, into parts that are worth a thread and soon over."""
        blocks, parts = -(-n // plan.lanes), n * plan.sizes[1] // WORTH_A_THREAD
        if parts < 2:
            return [0, n]
        parts = min(blocks, parts)
        return [min(n, blocks * k // parts * plan.lanes) for k in range(parts + 1)]


@cache
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.cache_clear)  # a forked process has none of the threads


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
