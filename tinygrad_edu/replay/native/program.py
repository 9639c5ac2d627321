"""A program in machine code, as Python calls it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any

from tinygrad_edu.engine import collector_paused
from tinygrad_edu.replay.arrays import ArrayProgram, np
from tinygrad_edu.replay.native.calling import TARGETS, built_in
from tinygrad_edu.replay.native.kernels import WIDTH
from tinygrad_edu.replay.native.machine import FIELDS, LOCK, code, once
from tinygrad_edu.replay.native.plan import Plan
from tinygrad_edu.replay.native.update import Moves
from tinygrad_edu.replay.trace import Trace

WORTH_A_THREAD = 2**20  # numbers computed in about a millisecond
NO_INPUTS = np.empty(0)
ADDRESS, COUNT = ctypes.c_void_p, ctypes.c_int64
# The first holds the lock of Python while it runs, the others let other threads run.
LOCKED = ctypes.PYFUNCTYPE(None, *[ADDRESS] * 3, COUNT, *[ADDRESS] * 3)
FREE = ctypes.CFUNCTYPE(None, *[ADDRESS] * 3, COUNT, *[ADDRESS] * 3)
FREE_FORWARD = ctypes.CFUNCTYPE(None, *[ADDRESS] * 3, COUNT, ADDRESS)
HAS_LOCK = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


class Memory:
    """The memory that one run of a plan needs, and the header that tells the machine where it is."""

    def __init__(self, plan: Plan, codes: dict[str, Any]) -> None:
        stride = plan.lanes + WIDTH
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
        }
        for phase, words in codes.items():
            fields |= {phase: address(words), f"{phase} end": address(words) + words.nbytes}
        self.header = np.array([fields[name] for name in FIELDS], np.int64)
        self.address = address(self.header)


def address(array: Any) -> int:
    return array.ctypes.data  # type: ignore[no-any-return]


def linked(plan: Plan) -> dict[str, Any]:
    """The instructions of a plan with the addresses of their kernels."""
    addresses = np.array(code().addresses(plan.specs), np.int64)
    codes = {}
    for phase, words in plan.codes.items():
        codes[phase] = made = np.array(words, np.int32)
        if words:
            at = np.frombuffer(plan.starts[phase], np.int64)
            made[at], made[at + 1] = addresses[made[at]].view(np.int32).reshape(-1, 2).T
    return codes


class Runner:
    """A plan with its instructions, and memories to run it in, one for each thread that does."""

    def __init__(self, trace: Trace, roots: Sequence[int], also: Sequence[int], varying: bool, backward: bool) -> None:
        with collector_paused():
            self.plan = Plan(trace, roots, also, varying, backward)
            self.codes = linked(self.plan)
        self.own = Memory(self.plan, self.codes)
        self.others: list[Memory] = []

    @contextmanager
    def memory(self, locked: bool) -> Iterator[Memory]:
        """Its own, where the lock of Python is held all the while, else one that nobody else has."""
        if locked and HAS_LOCK:
            yield self.own
            return
        try:
            memory = self.others.pop()
        except IndexError:
            memory = Memory(self.plan, self.codes)
        yield memory
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
        if inputs.ndim == 1 or self.reduce is None:
            return self.examples(params, inputs)
        return self.batch(params, inputs)

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
        return built_in(self.targets) if HAS_LOCK else lambda params, inputs: None

    def publish(self, target: str, runner: Runner) -> None:
        """Let `quick` run a plan from now on."""
        if not self.also and (target == "example" or self.reduce is not None):
            self.targets.memories.append(runner.own)
            self.targets[TARGETS.index(target)] = runner.own.address

    def examples(self, params: Any, inputs: Any) -> tuple[Any, ...]:
        """Each example by itself."""
        many, n = inputs.ndim == 2, len(np.atleast_2d(inputs))
        values, gradients, also = np.empty(n), np.empty((n, len(params))), np.empty((n, len(self.also)))
        inputs = inputs.reshape(n, -1)
        # In slices, between which Python hears an interrupt and lets other threads run.
        step = max(1, WORTH_A_THREAD // self.example_runner.plan.sizes[0])
        with self.example_runner.memory(locked=True) as memory:
            for k in range(0, n, step):
                arrays = [address(array[k : k + step]) for array in (inputs, values, gradients, also)]
                function("examples", LOCKED)(memory.address, address(params), arrays[0], min(step, n - k), *arrays[1:])
        results = (values, gradients, also)[: 3 if self.also else 2]
        if many:
            return results
        return (float(values[0]), *(result[0] for result in results[1:]))

    def batch(self, params: Any, inputs: Any) -> tuple[Any, ...]:
        """All examples, summed or averaged."""
        n = len(inputs)
        also = np.empty((n, len(self.also)))
        cuts = self.cuts(n)
        alone = len(cuts) == 2

        def part(k: int) -> Any:
            first, end = cuts[k], cuts[k + 1]
            total = np.empty(1 + len(params))
            with self.batch_runner.memory(locked=alone) as memory:
                function("batch", LOCKED if alone else FREE)(
                    memory.address, address(params), address(inputs[first:]), end - first,
                    address(total), address(total[1:]), address(also[first:]),
                )  # fmt: skip
            return total

        totals = [*(map if alone else pool().map)(part, range(len(cuts) - 1))]
        total = sum(totals[1:], totals[0])
        if self.reduce == "mean":
            total /= n
        return (float(total[0]), total[1:], also)[: 3 if self.also else 2]

    def forward(self, params: Any, inputs: Any = NO_INPUTS) -> Any:
        self.require_outputs()
        params, inputs = self.numbers(params, inputs)
        n = len(np.atleast_2d(inputs))
        values = np.empty((n, len(self.trace.outputs)))
        if inputs.ndim == 1:
            with self.example_forward_runner.memory(locked=True) as memory:
                run = function("examples", LOCKED)
                run(memory.address, address(params), address(inputs), 1, address(values), None, None)
            return values[0]
        with self.batch_forward_runner.memory(locked=False) as memory:
            run = function("batch_forward", FREE_FORWARD)
            run(memory.address, address(params), address(inputs), n, address(values))
        return values

    def cuts(self, n: int) -> list[int]:
        """Where a batch is cut for threads: at ends of blocks, into parts that are worth a thread."""
        plan = self.batch_runner.plan
        blocks = -(-n // plan.lanes)
        threads = min(cores(), blocks, n * plan.sizes[1] // WORTH_A_THREAD) or 1
        return [min(n, blocks * k // threads * plan.lanes) for k in range(threads + 1)]

    @shared
    def example_runner(self) -> Runner:
        runner = Runner(self.trace, [self.trace.root], self.also, varying=False, backward=True)
        self.publish("example", runner)
        return runner

    @shared
    def batch_runner(self) -> Runner:
        runner = Runner(self.trace, [self.trace.root], self.also, varying=True, backward=True)
        self.targets[TARGETS.index("longest batch")] = WORTH_A_THREAD // runner.plan.sizes[1]
        self.publish("batch", runner)
        return runner

    @shared
    def example_forward_runner(self) -> Runner:
        return Runner(self.trace, self.trace.outputs, (), varying=False, backward=False)

    @shared
    def batch_forward_runner(self) -> Runner:
        return Runner(self.trace, self.trace.outputs, (), varying=True, backward=False)


@once
def function(name: str, kind: Any) -> Any:
    """A function of the machine, as Python calls it."""
    return kind(code().address(name))


@cache
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.cache_clear)  # a forked process has none of the threads


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
