"""The machine that runs a plan: one kernel after another, for one example or over blocks of them."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache, wraps
from threading import RLock
from typing import Any

from tinygrad_edu.replay.native.instructions import CODE, DOUBLE, INT64, LIBRARY, POINTER, binding, ir
from tinygrad_edu.replay.native.kernels import GRID, KERNEL, LANES, Kernel, Spec, is_layer
from tinygrad_edu.replay.native.lanes import InLanes
from tinygrad_edu.replay.native.products import Grid, Layer
from tinygrad_edu.replay.native.uniform import Uniform
from tinygrad_edu.replay.native.writer import WIDTH, Writer

# What the machine is told about a program: 64-bit words, most of them addresses. A kernel gets those from CONTEXT on.
FIELDS = [
    "uniform", "uniform gradients", "varying", "varying gradients", "lanes", "stride", "block", "n uniform",
    "u forward", "n u forward", "v forward", "n v forward", "v backward", "n v backward",
    "u backward", "n u backward", "n params", "n inputs", "first input", "roots", "n roots", "also", "n also",
    "driver", "each",
]  # fmt: skip
CONTEXT = FIELDS.index("varying")
WORDS = INT64.as_pointer()
DONE = ir.VoidType()
DRIVER = ir.FunctionType(DONE, [WORDS, POINTER, POINTER, INT64, POINTER, POINTER, POINTER])


LOCK = RLock()
if hasattr(os, "register_at_fork"):  # a thread that compiles would leave it taken for ever in the child
    os.register_at_fork(before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release)


def once(make: Callable[..., Any]) -> Callable[..., Any]:
    """A cache that no two threads fill at once: the loser's machine code would be freed while it is in use."""
    cached = cache(make)

    @wraps(make)
    def made(*arguments: Any) -> Any:
        with LOCK:
            return cached(*arguments)

    return made


class Code:
    """Machine code, made when it is first needed and kept for the life of the process."""

    def __init__(self) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        self.target = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(),
            features=binding.get_host_cpu_features().flatten(),
            opt=2,
            reloc="default",
            codemodel="jitdefault",
            jit=True,
        )
        self.engine = binding.create_mcjit_compiler(binding.parse_assembly(""), self.target)
        self.kernels: dict[Spec, int] = {}
        library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)  # elsewhere Python itself has loaded it
        for name in LIBRARY:
            binding.add_symbol(name, ctypes.cast(getattr(library, name), ctypes.c_void_p).value)

    def module(self) -> Any:
        module = ir.Module()
        module.triple, module.data_layout = self.target.triple, str(self.target.target_data)
        return module

    def add(self, module: Any, hasty: bool = False) -> None:
        """Compile a module; kernels, which are many and have their loops as they should be, with two passes alone."""
        parsed = binding.parse_assembly(str(module))
        builder = binding.create_pass_builder(self.target, binding.create_pipeline_tuning_options(speed_level=2))
        if hasty:
            passes = binding.create_new_function_pass_manager()
            passes.add_sroa_pass()
            passes.add_instruction_combine_pass()
            for function in parsed.functions:
                if not function.is_declaration:
                    passes.run(function, builder)
        else:
            builder.getModulePassManager().run(parsed, builder)
        with LOCK:
            self.engine.add_module(parsed)
            self.engine.finalize_object()

    def address(self, name: str) -> int:
        return self.engine.get_function_address(name)  # type: ignore[no-any-return]

    def addresses(self, specs: Iterable[Spec]) -> list[int]:
        """Where the kernels are, those that are new compiled first."""
        with LOCK:
            specs = list(specs)
            new = {spec: f"kernel{len(self.kernels) + k}" for k, spec in enumerate(specs) if spec not in self.kernels}
            if new:
                module = self.module()
                for spec, name in new.items():
                    kernel_class(spec)(module, spec, name)
                self.add(module, hasty=True)
                self.kernels |= {spec: self.address(name) for spec, name in new.items()}
            return [self.kernels[spec] for spec in specs]


def kernel_class(spec: Spec) -> type[Kernel]:
    """What writes a kernel."""
    if spec.area == "u":
        return Grid if spec.operands and spec.operands[0].order == GRID else Uniform
    return Layer if is_layer(spec.row, spec.operands) else InLanes


@once
def code() -> Code:
    return Code()


class Execute(Writer):
    """execute(header, instructions, n): call the kernel of each instruction with the words that it has."""

    def __init__(self, module: Any) -> None:
        super().__init__(module, ir.FunctionType(DONE, [WORDS, WORDS, INT64]), "execute")
        self.function.linkage = "internal"
        builder, (header, instructions, n) = self.builder, self.function.args
        areas = [builder.inttoptr(builder.load(builder.gep(header, [INT64(k)])), POINTER) for k in range(2)]
        context = builder.gep(header, [INT64(CONTEXT)])
        with self.loop(builder.mul(n, INT64(2)), step=INT64(2)) as k:
            kernel, words = (builder.load(builder.gep(instructions, [builder.add(k, INT64(i))])) for i in range(2))
            kernel, words = builder.inttoptr(kernel, KERNEL.as_pointer()), builder.inttoptr(words, CODE)
            builder.call(kernel, [*areas, context, words])
        builder.ret_void()


class Driver(Writer):
    """driver(header, params, inputs, n, values, gradient, also): what runs a plan; `gradient` may be null."""

    def __init__(self, module: Any, name: str) -> None:
        self.run = Execute(module).function
        super().__init__(module, DRIVER, name)
        self.header, *arguments = self.function.args
        self.write(*arguments)
        self.builder.ret_void()

    def write(self, params: Any, inputs: Any, n: Any, values: Any, gradient: Any, also: Any) -> None:
        raise NotImplementedError

    def field(self, name: str) -> Any:
        return self.builder.load(self.builder.gep(self.header, [INT64(FIELDS.index(name))]))

    def set(self, name: str, value: Any) -> None:
        self.builder.store(value, self.builder.gep(self.header, [INT64(FIELDS.index(name))]))

    def area(self, name: str) -> Any:
        return self.builder.inttoptr(self.field(name), POINTER)

    def execute(self, phase: str) -> None:
        instructions = self.builder.inttoptr(self.field(phase), WORDS)
        self.builder.call(self.run, [self.header, instructions, self.field(f"n {phase}")])

    def given(self, pointer: Any) -> Any:
        return self.builder.icmp_unsigned("!=", self.builder.ptrtoint(pointer, INT64), INT64(0))

    def at(self, pointer: Any, place: Any) -> Any:
        return self.builder.gep(pointer, [place])

    def copy(self, target: Any, source: Any, n: Any) -> None:
        for k, width in self.chunks(n):
            self.store(target, k, width, self.load(source, k, width))

    def fill(self, target: Any, n: Any, number: float) -> None:
        for k, width in self.chunks(n):
            self.store(target, k, width, self.number(number, width))

    def total(self, numbers: Any, n: Any) -> Any:
        """The sum of n numbers, in whatever order is fast."""
        totals = {width: self.accumulator(width) for width in (WIDTH, 1)}
        for k, width in self.chunks(n):
            self.accumulate(totals[width], self.load(numbers, k, width))
        return (self.sum(self.read(totals[WIDTH])) + self.read(totals[1])).value

    def place(self, table: str, k: Any) -> Any:
        return self.builder.load(self.at(self.builder.inttoptr(self.field(table), WORDS), k))


class Example(Driver):
    """Runs one example: the values of the roots, the gradient of the first of them."""

    def write(self, params: Any, inputs: Any, n: Any, values: Any, gradient: Any, also: Any) -> None:
        builder, uniform, gradients = self.builder, self.area("uniform"), self.area("uniform gradients")
        self.copy(uniform, params, self.field("n params"))
        self.copy(self.at(uniform, self.field("first input")), inputs, self.field("n inputs"))
        self.execute("u forward")
        with self.loop(self.field("n roots")) as k:
            builder.store(builder.load(self.at(uniform, self.place("roots", k))), self.at(values, k))
        with builder.if_then(self.given(gradient)):
            builder.store(DOUBLE(1.0), self.at(gradients, self.place("roots", INT64(0))))
            self.execute("u backward")
            self.copy(gradient, gradients, self.field("n params"))
            with self.loop(self.field("n also")) as k:
                builder.store(builder.load(self.at(gradients, self.place("also", k))), self.at(also, k))


class Batch(Driver):
    """Runs n examples, one block of them after another: the sums of the first root and of its gradient, and `also`.

    Or, for `each` of them, the values of the roots; `also` is of each of them in any case.
    """

    def write(self, params: Any, inputs: Any, n: Any, values: Any, gradient: Any, also: Any) -> None:
        builder, gradients = self.builder, self.area("uniform gradients")
        varying, varying_gradients = self.area("varying"), self.area("varying gradients")
        root, each = self.place("roots", INT64(0)), builder.icmp_signed("!=", self.field("each"), INT64(0))
        self.fill(gradients, self.field("n uniform"), 0.0)
        with builder.if_then(builder.not_(each)):
            builder.store(DOUBLE(0.0), values)
        for first, lanes, filled in self.blocks(params, inputs, n):
            row = builder.mul(root, self.field("stride"))
            with builder.if_else(each) as (then, otherwise):
                with then:
                    self.to_columns(first, lanes, self.field("n roots"), "roots", "varying", values)
                with otherwise:
                    total = self.total(self.at(varying, row), lanes)
                    builder.store(builder.fadd(builder.load(values), total), values)
            self.fill(self.at(varying_gradients, row), filled, 1.0)
            self.execute("v backward")
            self.to_columns(first, lanes, self.field("n also"), "also", "varying gradients", also)
        with builder.if_then(self.given(gradient)):
            self.execute("u backward")
            self.copy(gradient, gradients, self.field("n params"))

    def blocks(self, params: Any, inputs: Any, n: Any) -> Iterator[tuple[Any, Any, Any]]:
        """The first example of a block, how many there are, and the same filled up to whole vectors."""
        builder, uniform, varying = self.builder, self.area("uniform"), self.area("varying")
        n_inputs, most = self.field("n inputs"), self.field("block")
        # A row as long as needed, and not a power of two, or all rows would meet in the same lines of the cache.
        longest = builder.select(builder.icmp_signed("<", n, most), n, most)
        stride = builder.add(builder.and_(builder.add(longest, INT64(LANES - 1)), INT64(-LANES)), INT64(LANES))
        self.set("stride", stride)
        self.copy(uniform, params, self.field("n params"))
        self.execute("u forward")
        with self.loop(n, step=most) as first:
            left = builder.sub(n, first)
            lanes = builder.select(builder.icmp_signed("<", left, most), left, most)
            self.set("lanes", lanes)
            filled = builder.and_(builder.add(lanes, INT64(LANES - 1)), INT64(-LANES))
            last = builder.sub(lanes, INT64(1))
            block = self.at(inputs, builder.mul(first, n_inputs))
            with self.loop(n_inputs) as k:
                source, row = self.at(block, k), self.at(varying, builder.mul(k, stride))
                with self.loop(lanes) as lane:
                    builder.store(builder.load(self.at(source, builder.mul(lane, n_inputs))), self.at(row, lane))
                with self.loop(filled, start=lanes) as lane:
                    builder.store(builder.load(self.at(row, last)), self.at(row, lane))
            self.execute("v forward")
            yield first, lanes, filled

    def to_columns(self, first: Any, lanes: Any, n: Any, table: str, area: str, target: Any) -> None:
        """Copy rows of lanes to the columns of an array (N, n)."""
        builder, rows, stride = self.builder, self.area(area), self.field("stride")
        with self.loop(n) as k:
            row = builder.mul(self.place(table, k), stride)
            with self.loop(lanes) as lane:
                number = builder.load(self.at(rows, builder.add(row, lane)))
                builder.store(number, self.at(target, builder.add(builder.mul(builder.add(first, lane), n), k)))


@once
def driver(name: str) -> Any:
    """The address of the driver for an example, or for a batch of them."""
    machine = code()
    module = machine.module()
    {"example": Example, "batch": Batch}[name](module, name)
    machine.add(module)
    return machine.address(name)
