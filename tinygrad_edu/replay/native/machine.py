"""The machine that runs a plan: one kernel after another, for one example or over blocks of them."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache, partial
from typing import Any

from tinygrad_edu.engine import lock_over_forks
from tinygrad_edu.replay.native.instructions import CODE, DOUBLE, INT64, LIBRARY, POINTER, Number, binding, ir
from tinygrad_edu.replay.native.items import Items
from tinygrad_edu.replay.native.kernels import GRID, KERNEL, Kernel, Spec, is_layer
from tinygrad_edu.replay.native.plan import PHASES
from tinygrad_edu.replay.native.products import Grid, Layer
from tinygrad_edu.replay.native.writer import NONE, WIDTH, Writer

# What the machine is told about a program: 64-bit words, most of them addresses. A kernel gets those from CONTEXT on.
FIELDS = [
    "uniform", "uniform gradients", "varying", "varying gradients", "lanes", "stride", "block", "vector",
    *[name for phase in PHASES for name in (phase, f"n {phase}")],
    "n params", "n inputs", "first input", "roots", "n roots", "also", "n also",
]  # fmt: skip
CONTEXT = FIELDS.index("varying")
WORDS = INT64.as_pointer()
DRIVER = ir.FunctionType(ir.VoidType(), [WORDS, POINTER, POINTER, INT64, DOUBLE, POINTER, POINTER, POINTER, POINTER])


# Who compiles has it: machine code of a cache that two threads fill at once would be freed while it is in use.
LOCK = lock_over_forks()


class Code:
    """Machine code, made when it is first needed and kept for the life of the process."""

    def __init__(self) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        self.target = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), jit=True
        )
        self.engine = binding.create_mcjit_compiler(binding.parse_assembly(""), self.target)
        self.kernels: dict[Spec, int] = {}
        library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)  # elsewhere Python itself has loaded it
        for name in LIBRARY:
            binding.add_symbol(name, ctypes.cast(getattr(library, name), ctypes.c_void_p).value)

    def addresses(self, writers: Mapping[str, Callable[[Any, str], object]], rough: bool = False) -> list[int]:
        """Where functions are, by the names that their writers are given with a module to write into."""
        module = ir.Module()
        module.triple, module.data_layout = self.target.triple, str(self.target.target_data)
        for name, write in writers.items():
            write(module, name)
        self.engine.add_module(self.optimised(str(module), rough))
        self.engine.finalize_object()
        return [self.engine.get_function_address(name) for name in writers]

    def optimised(self, module: str, rough: bool) -> Any:
        """Two passes of LLVM are enough for what has its loops as they should be; what is `rough` gets all."""
        parsed = binding.parse_assembly(module)
        builder = binding.create_pass_builder(self.target, binding.create_pipeline_tuning_options(speed_level=2))
        if rough:
            builder.getModulePassManager().run(parsed, builder)
        else:
            passes = binding.create_new_function_pass_manager()
            passes.add_sroa_pass()
            passes.add_instruction_combine_pass()
            for function in parsed.functions:
                if not function.is_declaration:
                    passes.run(function, builder)
        return parsed

    def address(self, name: str, writer: Callable[[Any, str], object], rough: bool = False) -> int:
        """Where one function is."""
        return self.addresses({name: writer}, rough)[0]

    def kernels_of(self, specs: Collection[Spec]) -> list[int]:
        """Where kernels are, those that are new compiled first."""
        new = [spec for spec in specs if spec not in self.kernels]
        writers = {f"kernel{k}": kernel_writer(spec) for k, spec in enumerate(new, start=len(self.kernels))}
        if new:
            self.kernels.update(zip(new, self.addresses(writers), strict=True))
        return [self.kernels[spec] for spec in specs]


def kernel_writer(spec: Spec) -> Callable[[Any, str], Kernel]:
    """What writes a kernel."""
    if spec.operands and spec.operands[0].order == GRID:
        return partial(Grid, spec)
    return partial(Layer if is_layer(spec.row, spec.operands) else Items, spec)


@cache
def code() -> Code:
    return Code()


class Driver(Writer):
    """driver(header, params, inputs, n, share, total, gradient, values, also): runs a plan for n examples.

    What is null is not wanted: the sum of the first root over the examples and the gradient of that, times `share`; the
    values of the roots of each example. `also` has the gradients of each for some of the inputs.
    """

    def __init__(self, module: Any, name: str) -> None:
        super().__init__(module, DRIVER, name)
        self.header, params, inputs, n, share, total, gradient, values, also = self.function.args
        builder = self.builder
        self.fields = {name: builder.load(self.field(name)) for name in FIELDS}
        rows, row_gradients = self.area("varying"), self.area("varying gradients")
        found = self.accumulator(1, -0.0)
        self.copy(self.area("uniform"), params, self.fields["n params"])
        self.execute("before")
        for first, lanes, stride in self.blocks(inputs, n):
            self.execute("forward")
            with self.given(total):
                root = self.at(rows, builder.mul(self.place("roots", NONE), stride))
                self.accumulate(found, self.total(root, lanes))
            with self.given(values):
                self.to_columns(first, lanes, stride, "roots", rows, values)
            self.execute("backward")
            self.to_columns(first, lanes, stride, "also", row_gradients, also)
        self.execute("after")
        with self.given(total):
            builder.store(builder.fmul(self.read(found).value, share), total)
        with self.given(gradient):
            self.copy(gradient, self.area("uniform gradients"), self.fields["n params"], Number(builder, share))
        builder.ret_void()

    def blocks(self, inputs: Any, n: Any) -> Iterator[tuple[Any, Any, Any]]:
        """The first example of a block, how many there are, how far apart rows are; those of the inputs are filled."""
        builder, n_inputs, most = self.builder, self.fields["n inputs"], self.fields["block"]
        # Rows of whole vectors, as long as needed, not a power of two: all would meet in the same lines of the cache.
        vector = self.fields["vector"]
        longest = builder.add(self.least(n, most), builder.sub(vector, INT64(1)))
        stride = builder.or_(builder.and_(longest, builder.neg(vector)), vector)
        builder.store(stride, self.field("stride"))
        rows = self.at(self.area("varying"), builder.mul(self.fields["first input"], stride))
        with self.loop(n, step=most) as first:
            lanes = self.least(builder.sub(n, first), most)
            builder.store(lanes, self.field("lanes"))
            block = self.at(inputs, builder.mul(first, n_inputs))
            with self.loop(n_inputs) as k:
                source, row = self.at(block, k), self.at(rows, builder.mul(k, stride))
                with self.loop(lanes) as lane:
                    builder.store(builder.load(self.at(source, builder.mul(lane, n_inputs))), self.at(row, lane))
            yield first, lanes, stride

    def to_columns(self, first: Any, lanes: Any, stride: Any, table: str, rows: Any, target: Any) -> None:
        """Copy rows of lanes to the columns of an array (N, n)."""
        builder, n = self.builder, self.fields[f"n {table}"]
        target = self.at(target, builder.mul(first, n))
        with self.loop(n) as k:
            row, column = self.at(rows, builder.mul(self.place(table, k), stride)), self.at(target, k)
            with self.loop(lanes) as lane:
                builder.store(builder.load(self.at(row, lane)), self.at(column, builder.mul(lane, n)))

    def execute(self, phase: str) -> None:
        """Call the kernel of each instruction with the words that it has."""
        builder, instructions = self.builder, self.builder.inttoptr(self.fields[phase], WORDS)
        areas, context = [self.area("uniform"), self.area("uniform gradients")], self.at(self.header, INT64(CONTEXT))
        with self.loop(builder.mul(self.fields[f"n {phase}"], INT64(2)), step=INT64(2)) as k:
            kernel, words = (builder.load(self.at(instructions, builder.add(k, INT64(i)))) for i in range(2))
            kernel, words = builder.inttoptr(kernel, KERNEL.as_pointer()), builder.inttoptr(words, CODE)
            builder.call(kernel, [*areas, context, words])

    # The header.

    def field(self, name: str) -> Any:
        return self.at(self.header, INT64(FIELDS.index(name)))

    def area(self, name: str) -> Any:
        return self.builder.inttoptr(self.fields[name], POINTER)

    def place(self, table: str, k: Any) -> Any:
        return self.builder.load(self.at(self.builder.inttoptr(self.fields[table], WORDS), k))

    # Numbers.

    def given(self, pointer: Any) -> Any:
        return self.builder.if_then(self.builder.icmp_unsigned("!=", pointer, ir.Constant(POINTER, None)))

    def at(self, pointer: Any, place: Any) -> Any:
        return self.builder.gep(pointer, [place])

    def least(self, x: Any, y: Any) -> Any:
        return self.builder.select(self.builder.icmp_signed("<", x, y), x, y)

    def copy(self, target: Any, source: Any, n: Any, share: Number | None = None) -> None:
        """Numbers to another place, or a share of them."""
        for k, width in self.chunks(n):
            number = self.load(source, k, width)
            self.store(target, k, width, number * share if share else number)

    def total(self, numbers: Any, n: Any) -> Number:
        """The sum of n numbers, in whatever order is fast."""
        totals = {width: self.accumulator(width, -0.0) for width in (WIDTH, 1)}
        for k, width in self.chunks(n):
            self.accumulate(totals[width], self.load(numbers, k, width))
        return self.sum(self.read(totals[WIDTH])) + self.read(totals[1])


@cache
def driver() -> int:
    """The address of the driver."""
    return code().address("driver", Driver)
