"""A program in machine code, as Python calls it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import cache, cached_property
from typing import Any

from tinygrad_edu.engine import collector_paused
from tinygrad_edu.replay.arrays import ArrayProgram, np
from tinygrad_edu.replay.native import machine
from tinygrad_edu.replay.native.calling import TARGETS, as_expected, built_in
from tinygrad_edu.replay.native.kernels import LANES
from tinygrad_edu.replay.native.machine import FIELDS, LOCK, code, once
from tinygrad_edu.replay.native.plan import Plan
from tinygrad_edu.replay.native.update import Moves
from tinygrad_edu.replay.trace import Trace

WORTH_A_THREAD = 2**20  # numbers computed in about a millisecond
NO_INPUTS = np.empty(0)
SIZE = 8  # bytes of a number
ADDRESS, COUNT = ctypes.c_void_p, ctypes.c_int64
# The first holds the lock of Python while it runs, the other lets other threads run.
LOCKED, FREE = (kind(None, *[ADDRESS] * 3, COUNT, *[ADDRESS] * 3) for kind in (ctypes.PYFUNCTYPE, ctypes.CFUNCTYPE))
HAS_LOCK = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


class Memory:
    """The memory that one run of a plan needs, and the header that tells the machine where it is."""

    def __init__(self, plan: Plan, codes: dict[str, Any], driver: str, each: bool) -> None:
        stride = plan.lanes + LANES
        n_uniform, n_varying = plan.sizes
        self.uniform, self.uniform_gradients = np.zeros(n_uniform), np.zeros(n_uniform)
        self.varying, self.varying_gradients = np.zeros(n_varying * stride), np.zeros(n_varying * stride)
        self.roots, self.also = np.array(plan.roots, np.int64), np.array(plan.also, np.int64)
        self.codes = codes
        self.uniform[plan.first_constant : plan.first_constant + len(plan.constants)] = plan.constants
        fields = {
            "uniform": address(self.uniform),
            "uniform gradients": address(self.uniform_gradients),
            "varying": address(self.varying),
            "varying gradients": address(self.varying_gradients),
            "lanes": 0,
            "stride": 0,
            "block": plan.lanes,
            "n uniform": n_uniform,
            "n params": plan.n_params,
            "n inputs": plan.n_inputs,
            "first input": plan.first_input,
            "roots": address(self.roots),
            "n roots": len(self.roots),
            "also": address(self.also),
            "n also": len(self.also),
            "driver": machine.driver(driver),
            "each": each,
        }
        for phase, (instructions, _) in codes.items():
            fields |= {phase: address(instructions), f"n {phase}": len(instructions)}
        self.header = np.array([fields[name] for name in FIELDS], np.int64)
        self.address = address(self.header)


def address(array: Any) -> int:
    return array.ctypes.data  # type: ignore[no-any-return]


def linked(plan: Plan) -> dict[str, tuple[Any, Any]]:
    """The instructions of each phase, the addresses of their kernels and words; and the words, which must live on."""
    kernels, found = np.array(code().addresses(plan.specs), np.int64), {}
    for phase, numbers in plan.instructions.items():
        words, pairs = np.array(plan.codes[phase], np.int32), np.array(numbers, np.int64).reshape(-1, 2)
        pairs[:, 0] = kernels[pairs[:, 0]]
        pairs[:, 1] = pairs[:, 1] * words.itemsize + address(words)
        found[phase] = pairs, words
    return found


class Runner:
    """A plan with its instructions, and memories to run it in, one for each thread that does."""

    def __init__(
        self, trace: Trace, roots: Sequence[int], also: Sequence[int], driver: str, backward: bool, each: bool = False
    ) -> None:
        with collector_paused():
            self.plan = Plan(trace, roots, also, driver == "batch", backward)
            self.codes = linked(self.plan)
        self.driver, self.each = driver, each
        self.locked, self.free = (function(driver, kind) for kind in (LOCKED, FREE))
        self.own = self.another()
        self.others: list[Memory] = []

    def another(self) -> Memory:
        return Memory(self.plan, self.codes, self.driver, self.each)

    def run(self, *arguments: Any, locked: bool = True) -> None:
        """Call the driver, in its own memory where Python's lock is held all the while, else in one nobody else has."""
        if locked and HAS_LOCK:
            self.locked(self.own.address, *arguments)
            return
        try:
            memory = self.others.pop()
        except IndexError:
            memory = self.another()
        self.free(memory.address, *arguments)
        self.others.append(memory)


class shared(cached_property[Any]):
    """A cached property that no two threads make at once."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        with LOCK:
            return super().__get__(instance, owner)


class Targets(np.ndarray):
    """What the built-in function of a program reads, and owns, so that both live as long as it does."""

    memories: list[Memory]


class NativeProgram(ArrayProgram):
    """Runs machine code."""

    backend = "native"
    moves = Moves(None)

    def __call__(self, params: Any, inputs: Any = NO_INPUTS) -> tuple[Any, ...]:
        result = self.quick(params, inputs)
        if result is not None:
            return result  # type: ignore[no-any-return]
        params, inputs = self.numbers(params, inputs)
        if inputs.ndim == 1:
            return self.one(params, inputs)
        return self.each(params, inputs) if self.reduce is None else self.batch(params, inputs)

    @shared
    def targets(self) -> Targets:
        targets: Targets = np.zeros(len(TARGETS), np.int64).view(Targets)
        targets.memories = []
        targets[TARGETS.index("mean")], targets[TARGETS.index("longest batch")] = self.reduce == "mean", 1
        return targets

    def moved(self, optimizer: Any, numbers: Any, gradient: Any) -> Any:
        if optimizer is not self.moves.optimizer:
            self.moves = Moves(optimizer)
        return self.moves(numbers, gradient)

    @shared
    def quick(self) -> Callable[..., Any]:
        """What runs the common cases, once their plan is made, and else gives None."""
        return built_in(self.targets) if HAS_LOCK and as_expected() else lambda params, inputs: None

    def publish(self, target: str, runner: Runner) -> None:
        """Let `quick` run a plan from now on."""
        if not self.also:
            self.targets.memories.append(runner.own)
            self.targets[TARGETS.index(target)] = runner.own.address

    def one(self, params: Any, inputs: Any) -> tuple[Any, ...]:
        """One example."""
        end = 1 + len(params)
        result = np.empty(end + len(self.also))
        at = address(result)
        self.example_runner.run(address(params), address(inputs), 1, at, at + SIZE, at + end * SIZE)
        return (float(result[0]), result[1:end], result[end:])[: 3 if self.also else 2]

    def batch(self, params: Any, inputs: Any) -> tuple[Any, ...]:
        """All examples, summed or averaged."""
        total, also = self.in_parts(self.batch_runner, params, inputs)
        if self.reduce == "mean":
            total /= len(inputs)
        return (float(total[0]), total[1:], also)[: 3 if self.also else 2]

    def each(self, params: Any, inputs: Any) -> tuple[Any, ...]:
        """Each example by itself: one with params of its own, whose gradients are those of further inputs."""
        p = len(params)
        rows = np.hstack([np.tile(params, (len(inputs), 1)), inputs])
        values, found = self.in_parts(self.each_runner, NO_INPUTS, rows)
        return (values[:, 0], found[:, :p], found[:, p:])[: 3 if self.also else 2]

    def forward(self, params: Any, inputs: Any = NO_INPUTS) -> Any:
        self.require_outputs()
        params, inputs = self.numbers(params, inputs)
        if inputs.ndim == 2:
            return self.in_parts(self.batch_forward_runner, params, inputs)[0]
        values = np.empty(len(self.trace.outputs))
        self.example_forward_runner.run(address(params), address(inputs), 1, address(values), None, None)
        return values

    def in_parts(self, runner: Runner, params: Any, inputs: Any) -> tuple[Any, Any]:
        """What a runner gives for a batch, in threads where that pays: the sums, or each value, and `also`."""
        plan, n, cuts = runner.plan, len(inputs), self.cuts(runner.plan, len(inputs))
        values, also = np.empty((n, len(plan.roots)) if runner.each else 0), np.empty((n, len(plan.also)))
        alone = len(cuts) == 2

        def part(k: int) -> Any:
            first, end = cuts[k], cuts[k + 1]
            total = np.empty(1 + len(params))
            at = address(total)
            found = address(values[first:]) if runner.each else at
            gradient = None if runner.each else at + SIZE
            given = address(params), address(inputs[first:]), end - first
            runner.run(*given, found, gradient, address(also[first:]), locked=alone)
            return total

        totals = [*(map if alone or cores() == 1 else pool().map)(part, range(len(cuts) - 1))]
        return values if runner.each else sum(totals[1:], totals[0]), also

    def cuts(self, plan: Plan, n: int) -> list[int]:
        """Where a batch is cut: at ends of blocks, into parts that are worth a thread and soon over."""
        blocks = -(-n // plan.lanes)
        parts = min(blocks, n * plan.sizes[1] // WORTH_A_THREAD) or 1
        return [min(n, blocks * k // parts * plan.lanes) for k in range(parts + 1)]

    @shared
    def example_runner(self) -> Runner:
        runner = Runner(self.trace, [self.trace.root], self.also, "example", backward=True)
        self.publish("example", runner)
        return runner

    @shared
    def batch_runner(self) -> Runner:
        runner = Runner(self.trace, [self.trace.root], self.also, "batch", backward=True)
        self.targets[TARGETS.index("longest batch")] = WORTH_A_THREAD // runner.plan.sizes[1]
        self.publish("batch", runner)
        return runner

    @shared
    def each_runner(self) -> Runner:
        trace, p = copy(self.trace), self.trace.n_params
        trace.n_params, trace.n_inputs = 0, p + trace.n_inputs
        return Runner(trace, [trace.root], [*range(p), *self.also], "batch", backward=True, each=True)

    @shared
    def example_forward_runner(self) -> Runner:
        return Runner(self.trace, self.trace.outputs, (), "example", backward=False)

    @shared
    def batch_forward_runner(self) -> Runner:
        return Runner(self.trace, self.trace.outputs, (), "batch", backward=False, each=True)


@once
def function(name: str, kind: Any) -> Any:
    """A function of the machine, as Python calls it."""
    return kind(machine.driver(name))


@cache
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.cache_clear)  # a forked process has none of the threads


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
