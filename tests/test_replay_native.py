"""Machine code: what it computes to the last bits, what it takes at once, and how work is laid out for it.

The plans are in native_plans.txt. After a change that makes them better: `python -m tests.test_replay_native`.
"""

import math
import sys
import threading
import types
from itertools import pairwise

import pytest

from tests import kept
from tests.test_replay import close
from tinygrad_edu import nn
from tinygrad_edu.engine import TABLE, Value
from tinygrad_edu.nn import SGD, Adam, AdamW
from tinygrad_edu.nn.optim import Optimizer
from tinygrad_edu.replay import compile

np = pytest.importorskip("numpy")
pytest.importorskip("llvmlite")

from tinygrad_edu.replay.native import calling, items, kernels, machine, products, update  # noqa: E402
from tinygrad_edu.replay.native import plan as planning  # noqa: E402
from tinygrad_edu.replay.native import program as native  # noqa: E402
from tinygrad_edu.replay.native.instructions import DOUBLE, INT64, PRIMITIVES, Number, binding, ir  # noqa: E402
from tinygrad_edu.replay.native.writer import Writer  # noqa: E402
from tinygrad_edu.replay.rolling import DOT  # noqa: E402

dot, total, step = (TABLE[name].function for name in ("dot", "sum", "step"))


# Functions that are written here, not called.


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > 0 else exp(x) / (1 + exp(x)) if x <= 0 else x


def exp(x):
    return math.exp(x) if not x > 709.782712893384 else math.inf


def sign(x):
    return math.copysign(1.0, x) if abs(x) > 0 else x


EDGES = [
    0.0,
    5e-324,
    1e-310,
    1e-300,
    1e-17,
    1e-9,
    0.17554994126500043,
    0.34657,
    0.34658,
    21.9,
    22.1,
    700.0,
    708.3,
    708.5,
]
EDGES += [709.08, 709.1, 709.4, 709.6, 709.78, 709.8, 744.4, 745.1, 745.2, 746.5, 1e3, 1e4, 1e300, math.inf, math.nan]
GRID = [*EDGES, *[-x for x in EDGES], *np.linspace(-45.1, 44.9, 300), *np.linspace(-750.3, 711.7, 100)]
WRITTEN = {  # with the last bits that may be wrong
    "exp": (exp, 2),
    "tanh": (math.tanh, 3),
    "sigmoid": (sigmoid, 3),
    "sign": (sign, 0),
    "step": (lambda x: max(sign(x), 0.0) + 0.0, 0),
    "abs": (abs, 0),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_functions_are_right_to_the_last_bits_one_by_one_and_in_vectors(name):
    function, bits = WRITTEN[name]
    row, expected = TABLE[name].function, np.array([function(x) for x in GRID])
    x, xs = Value(0.5), [Value(0.5) for _ in range(19)]  # 16 of them in vectors
    many = compile(row(x), [], [x], outputs=[row(x)], backend="native").forward([], np.array(GRID)[:, None])[:, 0]
    few = compile(total(xs), [], xs, outputs=[row(x) for x in xs], backend="native")
    padded = np.resize(GRID, 19 * -(-len(GRID) // 19))
    vectors, singles = np.empty(len(padded)), np.empty(len(padded))
    for first in range(0, len(padded), 19):
        vectors[first : first + 19] = few.forward([], padded[first : first + 19])
        singles[first : first + 19] = few.forward([], padded[first : first + 19][::-1])[::-1]
    with np.errstate(invalid="ignore"):
        unit = np.spacing(np.abs(expected))
    for found in (many, vectors[: len(GRID)], singles[: len(GRID)]):
        same = (found == expected) | np.isnan(found) & np.isnan(expected)
        with np.errstate(invalid="ignore"):
            wrong = [x for x, ok in zip(GRID, same | (np.abs(found - expected) <= bits * unit), strict=True) if not ok]
        assert wrong == []
        assert (np.signbit(found) == np.signbit(expected))[~np.isnan(expected)].all()


@pytest.mark.parametrize("function", ["exp", "tanh", "sigmoid", "sqrt", "abs", "sign", "step"])
def test_functions_that_are_written_here_are_a_few_instructions(function):
    """No more terms of a series than the last bit needs, and no call."""
    writer = Writer(ir.Module(), ir.FunctionType(DOUBLE, [DOUBLE]), "f")
    PRIMITIVES[function](Number(writer.builder, writer.function.args[0]))
    assert len(writer.builder.block.instructions) <= 60
    called = {x.callee.name for x in writer.builder.block.instructions if x.opname == "call"}
    assert all(name.startswith("llvm.") for name in called)


# The built-in function.


def pair(reduce="mean", **options):
    """A program of two params and three inputs, that knows its plans for one example and for many."""
    w, b, *xs = (Value(0.1 * k) for k in range(5))
    program = compile((w * total(xs) + b).tanh(), [w, b], xs, reduce=reduce, backend="native", **options)
    for inputs in (XS, np.array([XS] * 2)):
        assert program.quick(WB, inputs) is None
        program(WB, inputs)
    return program


WB, XS = np.array([0.5, 0.25]), np.array([0.1, 0.2, 0.4])
BATCH = np.array([XS, XS * 2, XS * 3])


def by_hand(params, inputs):
    """The mean, and its gradient."""
    sums = np.atleast_2d(inputs).sum(axis=1)
    y = np.tanh(params[0] * sums + params[1])
    return y.mean(), [((1 - y**2) * sums).mean(), (1 - y**2).mean()]


def misaligned(array):
    odd = np.frombuffer(b"\0" + array.tobytes(), np.uint8)[1:].view(np.float64).reshape(array.shape)
    assert not odd.flags.aligned
    return odd


class Sub(np.ndarray):
    pass


@pytest.mark.parametrize("inputs", [XS, BATCH, BATCH[:1], np.resize(BATCH, (40, 3))])
def test_what_is_an_array_as_it_should_be_is_taken_at_once(inputs):
    program = pair()
    before = sys.getrefcount(WB), sys.getrefcount(inputs)
    result = program.quick(WB, inputs)
    value, gradient = result
    close(value, by_hand(WB, inputs)[0])
    close(gradient, by_hand(WB, inputs)[1])
    assert (type(result), type(value), type(gradient), gradient.dtype) == (tuple, float, np.ndarray, np.float64)
    assert gradient.flags.owndata and gradient.flags.writeable
    assert (sys.getrefcount(WB), sys.getrefcount(inputs)) == before
    made = 1.0, np.empty(2)
    _, array = made
    assert (sys.getrefcount(result), sys.getrefcount(gradient)) == (sys.getrefcount(made), sys.getrefcount(array))


def test_a_sum_is_not_divided():
    program = pair("sum")
    value, gradient = program.quick(WB, BATCH)
    close(value, 3 * by_hand(WB, BATCH)[0])
    close(gradient, np.multiply(3, by_hand(WB, BATCH)[1]))
    close(program.quick(WB, XS)[0], by_hand(WB, XS)[0])


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (WB,),
        (WB, XS, XS),
        (WB.tolist(), XS),
        (WB, BATCH.tolist()),
        (WB.astype(np.float32), XS),
        (WB, XS.astype(">f8")),
        (WB.view(Sub), XS),
        (WB, BATCH.view(Sub)),
        (WB.view(np.int64), XS),
        (np.array([0.5, 9.0, 0.25])[::2], XS),
        (WB, np.repeat(XS, 2)[::2]),
        (WB, BATCH.copy("F")),
        (WB, BATCH[::-1]),
        (misaligned(WB), XS),
        (WB, misaligned(BATCH)),
        (WB[:1], XS),
        (np.zeros(3), BATCH),
        (WB[None], XS),
        (np.array(0.5), XS),
        (WB, np.array(0.5)),
        (WB, XS[:2]),
        (WB, np.zeros(4)),
        (WB, np.zeros((3, 2))),
        (WB, np.zeros((3, 4))),
        (WB, np.zeros((0, 3))),
        (WB, np.zeros((1, 1, 3))),
        (WB, np.zeros((3, 1, 1))),
    ],
    ids=str,
)
def test_whatever_else_is_declined(arguments):
    assert pair().quick(*arguments) is None


def test_lists_become_arrays_that_are_taken_at_once(monkeypatch):
    program = pair()
    monkeypatch.setattr(program, "computed", None)
    for inputs in (XS, BATCH):
        close(program(WB.tolist(), inputs.tolist())[0], by_hand(WB, inputs)[0])


def test_nothing_is_declined_at_a_cost():
    program, before = pair(), sys.getrefcount(None)
    for _ in range(1000):
        program.quick()
    assert abs(sys.getrefcount(None) - before) < 100


def test_long_batches_are_not_taken_at_once_but_in_threads(monkeypatch):
    assert 10**5 < native.WORTH_A_THREAD < 10**7  # about a millisecond
    monkeypatch.setattr(native, "WORTH_A_THREAD", 1000)
    program = pair()
    longest = 1000 // program.runner("total", True).plan.sizes[1]
    assert 1 < longest < 1000
    assert program.quick(WB, np.ones((longest, 3))) is not None
    assert program.quick(WB, np.ones((longest + 1, 3))) is None
    close(program(WB, np.ones((longest + 1, 3)))[0], by_hand(WB, np.ones(3))[0])


@pytest.mark.parametrize("options", [{"reduce": None}, {"also": True}])
def test_programs_with_more_than_a_gradient_are_not_run_at_once(options):
    w, x = Value(0.5), Value(0.25)
    options = options | ({"also": [x]} if "also" in options else {})
    program = compile((w * x).sin(), [w], [x], backend="native", **options)
    for _ in range(2):
        program(WB[:1], BATCH[:, :1])
        assert program.quick(WB[:1], BATCH[:, :1]) is None


def test_where_there_is_no_memory_the_error_is_raised():
    nomemory = pytest.importorskip("_testcapi")
    program, found = pair(), []
    for k in range(12):
        nomemory.set_nomemory(k, k + 1)
        try:
            result = program.quick(WB, XS)
        except MemoryError:
            result = MemoryError
        finally:
            nomemory.remove_mem_hooks()
        found.append(result if result is MemoryError else result[0])
    assert {*found} == {MemoryError, program.quick(WB, XS)[0]}


@pytest.mark.parametrize(
    ("thing", "name", "value"),
    [
        (sys, "implementation", types.SimpleNamespace(name="pypy")),
        (sys, "_is_gil_enabled", lambda: False),
        (calling.ctypes, "sizeof", lambda kind: 4),
        (calling.ctypes, "sizeof", lambda kind: 8 if kind is calling.ctypes.c_void_p else 10**4),
    ],
)
def test_another_python_is_called_the_ordinary_way(thing, name, value, monkeypatch):
    assert calling.as_expected() is True
    monkeypatch.setattr(thing, name, value, raising=False)
    assert calling.as_expected() is False


def test_arrays_whose_shape_is_not_where_it_was_are_noticed(monkeypatch):
    others = {"shape": "strides", "strides": "shape"}
    fields = [(others.get(name, name), kind) for name, kind in calling.Array._fields_]
    monkeypatch.setattr(calling, "Array", type("Array", (calling.ctypes.Structure,), {"_fields_": fields}))
    assert not calling.as_expected()


@pytest.mark.parametrize("as_expected", [True, False])
def test_where_the_numbers_of_an_array_lie(as_expected, monkeypatch):
    class Slow(np.ndarray):
        """An array that is asked in the ordinary way, which takes a microsecond."""

        @property
        def ctypes(self):
            return types.SimpleNamespace(data="asked")

    monkeypatch.setattr(calling, "AS_EXPECTED", as_expected)
    for array in (WB, BATCH, BATCH[1:], np.empty(0)):
        assert calling.address(array) == array.ctypes.data
        assert calling.address(array.view(Slow)) == (array.ctypes.data if as_expected else "asked")


def test_the_table_of_numpy_is_found_where_it_was_before_numpy_2(monkeypatch):
    found = calling.array_functions()

    def old(name):
        if name == "numpy._core._multiarray_umath":
            raise ImportError(name)
        assert name == "numpy.core._multiarray_umath"
        return sys.modules["numpy._core._multiarray_umath"]

    monkeypatch.setattr(calling, "import_module", old)
    assert calling.array_functions() == found


# Plans: what is to be done, in which order, and where its numbers lie.


def told(plan):
    """The instructions line by line: ∂ for the backward step; + where it adds to a gradient, = where it sets it."""
    specs, lines = [*plan.specs], []
    lines.append(f"{plan.sizes[0]} uniform, {plan.sizes[1]} varying in blocks of {plan.lanes}; roots {plan.roots}")
    lines.append(
        f"constants {plan.constants} from {plan.first_constant}, inputs from {plan.first_input}, also {plan.also}"
    )
    for phase, numbers in plan.instructions.items():
        for k, begin in zip(*[iter(numbers)] * 2, strict=True):
            spec, words = specs[k], iter(plan.codes[phase][begin:])
            n, w, out = next(words), next(words), next(words)
            operands = []
            for area, order, active, fresh in spec.operands:
                length = {"rows": n, "table": n * w}.get(order, 1) if order != "grid" else next(words)
                places = " ".join(str(next(words)) for _ in range(length))
                operands.append(f" · {area} {order} {places}{' =' if fresh else ' +' if active else ''}")
            name = f"{'∂' * spec.backward}{spec.row.name} {spec.area} {out} ({n} of {w})"
            lines.append(f"{phase:8} {name}{''.join(operands)}")
    return "\n".join(lines)


def network():
    layers = nn.MLP(3, [4, 2], activation="tanh", seed=1)
    x = [Value(0.1 * k) for k in range(5)]
    return nn.squared_error(layers(x[:3]), x[3:]), layers.parameters(), x


def pieces(count):
    """As many equal operations side by side: operands that follow one another, are shared, or lie anyhow."""
    ws, xs = ([Value(0.1 * k + shift) for k in range(count)] for shift in (0.25, 0.5))
    odd = [ws[7 * k % count] for k in range(count)]
    middle = [w * x for w, x in zip(ws, xs, strict=True)] + [w - ws[0] for w in odd]
    return dot([y.sin() for y in middle], middle[::-1]), ws, xs


def folds():
    """Operations over many: of what follows, of what does not, in groups of two lengths, from a number on."""
    ws, xs = ([Value(0.1 * k + shift) for k in range(6)] for shift in (0.25, 0.5))
    found = [TABLE["logsumexp"].function(group) for group in (ws[:3], ws[3:], xs[:3], xs[::2], [ws[0], *xs[4:]])]
    found += [dot(ws[:4], xs[2:]), dot(xs[:4], ws[2:]) + ws[0] + xs[5], dot(ws[:2], ws[2:4]) + xs[0]]
    return total([*found, *ws]), ws, xs


def masks():
    """Gradients that stop, that come twice, that nothing flows to; a constant; a root with a number behind it."""
    w, v, x, t = (Value(0.1 * k + 0.5) for k in range(4))
    return step(w * x) * t + (w * w) * v * 3.0 + step(v * t) + x * v, [w, v], [x, t]


def matrices():
    """All rows of one matrix with all columns of another, in an order of their own; and one row with one."""
    rows, columns = ([[Value(0.1 * k - 0.2 * j) for k in range(2)] for j in range(n)] for n in (2, 3))
    pairs = [(row, column) for row in rows for column in columns]
    found = [dot(*pairs[5 * k % 7 - 1]) for k in range(1, 7)]
    root = dot([y.sin() for y in found], found[::-1]) + dot(rows[0], columns[0]).exp()
    return root, [*rows[0], *rows[1]], [x for column in columns for x in column]


PLANS = {
    "matrices": matrices,
    "network": network,
    "few operations": lambda: pieces(3),
    "many operations": lambda: pieces(17),
    "folds": folds,
    "masks": masks,
    "a leaf": lambda: (x := Value(0.5), [x], []),
    "a constant": lambda: (Value(3.0), [], []),
}


class Laid:
    """What would run a plan."""

    def __init__(self, *arguments, backward):
        self.plan = planning.Plan(*arguments, backward)

    def memory(self):
        return types.SimpleNamespace(address=0)


def plans():
    """Of each graph for one example, for many, for many by themselves; and of the results without a gradient."""
    found, runner = {}, native.Runner
    native.Runner = Laid
    for name, make in PLANS.items():
        root, params, inputs = make()
        program = compile(root, params, inputs, outputs=[root, *inputs[:1]], also=inputs[:1], backend="native")
        for task, many in (("total", False), ("total", True), ("each", True), ("forward", True))[: 4 if inputs else 1]:
            found[f"{name}: {task}, {'many' if many else 'one'}"] = told(program.runner(task, many).plan)
    native.Runner = runner
    return found


def test_plans_are_what_they_were():
    assert plans() == kept.read(FILE)


@pytest.mark.parametrize("n_rows", [1, 3, 32, 33, 100, 511, 512, 513, 1023, 1024, 1025, 2000])
def test_the_rows_of_a_block_fit_into_the_cache(n_rows):
    x = Value(0.5)
    y = x
    for _ in range(n_rows - 1):
        y = y.sin()
    plan = compile(y, [], [x], backend="native").runner("total", True).plan
    assert plan.sizes[1] == n_rows
    bytes_of_a_lane = 2 * 8 * n_rows  # values and gradients
    vectors, rest = divmod(plan.lanes, kernels.LANES)
    assert rest == 0 and 1 <= vectors <= 32
    assert vectors == 1 or plan.lanes * bytes_of_a_lane <= planning.CACHE
    assert vectors == 32 or (plan.lanes + kernels.LANES) * bytes_of_a_lane > planning.CACHE


def test_irregular_graphs_share_kernels():
    """One for each operation: what few of them have in common is not worth a kernel of its own."""
    xs = [Value(0.1 * k + 0.5) for k in range(12)]
    root, params = xs[0], list(xs)
    for k in range(200):
        xs.append(xs[-1 - k % 7] * xs[-1 - k % 3] if k % 2 else (xs[-1 - k % 5] + xs[-2 - k % 11]).sin())
    root = total(xs)
    specs = compile(root, params, backend="native").runner("total", False).plan.specs
    assert len({spec for spec in specs if spec.row.name in ("add", "mul", "sin") and not spec.backward}) == 3
    assert len(specs) <= 12


def test_a_program_whose_kernels_are_there_compiles_nothing(monkeypatch):
    first = pair()
    monkeypatch.setattr(machine.Code, "addresses", lambda *arguments: pytest.fail("compiled"))
    assert pair()(WB, BATCH)[0] == first(WB, BATCH)[0]


@pytest.mark.parametrize("columns", [1, 2])
def test_products_of_matrices_may_start_from_the_first_numbers(columns):
    starts = [Value(0.5 - 0.3 * k) for k in range(3 * columns)]
    rows, others = ([[Value(0.2 * j - 0.1 * k) for k in range(4)] for j in range(n)] for n in (3, columns))
    pairs = [(row, other) for other in others for row in rows]
    root = total([(start + dot(*pair)).sin() for start, pair in zip(starts, pairs, strict=True)])
    root.backward()
    leaves = [*starts, *[x for row in (*rows, *others) for x in row]]
    value, gradient = compile(root, leaves, backend="native")([leaf.data for leaf in leaves])
    close(value, root.data)
    close(gradient, [leaf.grad for leaf in leaves])


@pytest.mark.parametrize(
    ("name", "area", "orders", "width"),
    [
        ("mul", "u", ["run", "run"], 8),
        ("mul", "u", ["rows", "run"], None),
        ("dot", "u", ["rows", "rows"], 8),
        ("dot", "u", ["rows", "table"], None),
        ("logsumexp", "u", ["rows"], 8),
        ("logsumexp", "u", ["table"], None),
        ("mul", "v", ["rows", "rows"], 16),
        ("dot", "v", ["table", "one"], 16),
        ("logsumexp", "v", ["table"], 16),
    ],
)
@pytest.mark.parametrize("backward", [False, True])
def test_numbers_that_follow_one_another_are_read_in_vectors(name, area, orders, width, backward):
    module = ir.Module()
    operands = tuple([kernels.Operand(area, order, backward) for order in orders])
    machine.kernel_writer(kernels.Spec(TABLE[name], backward, area, operands))(module, "f")
    found = {line.split("=")[1] for line in str(module).splitlines() if " = load " in line and "double" in line}
    vectors = {int(line.split("<")[1].split()[0]) for line in found if "<" in line}
    assert vectors == ({width} if width else set())
    sums = [line for line in str(module).splitlines() if "call" in line and "reduce.fadd" in line]
    assert all("call reassoc double" in line for line in sums)  # over the lanes of a vector, in whatever order is fast


@pytest.mark.parametrize(("name", "backward"), [("mul", False), ("mul", True), ("dot", True)])
def test_what_is_the_same_for_all_examples_is_spread_over_the_lanes_before_their_loop(name, backward):
    operands = kernels.Operand("u", "rows"), kernels.Operand("v", "rows", backward)
    kernel = machine.kernel_writer(kernels.Spec(TABLE[name], backward, "v", operands))(ir.Module(), "f")
    depths = [
        kernel.depths.get(block, 0)
        for block in kernel.function.blocks
        for instruction in block.instructions
        if instruction.opname == "shufflevector"
    ]
    assert depths and max(depths) < max(kernel.depths.values())


def test_layers_and_products_of_matrices_are_done_in_tiles():
    root, params, inputs = network()
    program = compile(root, params, inputs, backend="native")
    for many, kind in ((True, products.Layer), (False, products.Grid)):
        specs = program.runner("total", many).plan.specs
        kinds = [machine.kernel_writer(spec).func for spec in specs if spec.row is DOT]
        assert kinds.count(kind) == 3  # forward, and back with and without the inputs
        assert len(kinds) == kinds.count(kind) + kinds.count(items.Items)
        assert all(machine.kernel_writer(spec).func is items.Items for spec in specs if spec.row is not DOT)


@pytest.mark.parametrize("backward", [False, True])
def test_the_areas_of_a_kernel_are_told_not_to_overlap(backward):
    spec = kernels.Spec(TABLE["sin"], backward, "v", (kernels.Operand("v", kernels.ROWS, backward),))
    uniform, gradients, context, code = machine.kernel_writer(spec)(ir.Module(), "f").function.args
    assert all("noalias" in area.attributes for area in (uniform, gradients, code))
    assert "noalias" not in context.attributes  # the driver writes there, of other blocks


@pytest.mark.parametrize("rough", [False, True])
def test_sums_stay_in_registers_and_nothing_is_divided_by_a_constant(rough):
    module = ir.Module()
    writer = Writer(module, ir.FunctionType(DOUBLE, [DOUBLE.as_pointer(), INT64]), "f")
    area, n = writer.function.args
    sums = writer.accumulator(1)
    with writer.loop(n) as k:
        writer.accumulate(sums, writer.load(area, k, 1) / 4.0)
    writer.builder.ret(writer.read(sums).value)
    found = str(machine.code().optimised(str(module), rough))
    assert "alloca" in str(module) and "alloca" not in found and "fdiv" not in found
    assert ("norecurse" in found) is rough  # what passes over the whole module find


# Memory, blocks and threads.


@pytest.mark.parametrize("n", range(20))
def test_memory_begins_at_a_line_of_the_cache(n):
    found = [native.zeros(n) for _ in range(4)]
    assert all(len(memory) == n and not memory.any() for memory in found)
    assert all(memory.ctypes.data % 64 == 0 for memory in found if n)


@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 31, 32, 33, 100, 511, 512, 513, 4000])
def test_rows_are_of_whole_vectors_an_odd_number_of_them(n):
    """Were they a power of two apart, all would meet in the same lines of the cache."""
    program = pair()
    program(WB, np.ones((n, 3)))
    runner = program.runner("total", True)
    plan = runner.plan
    [memory] = program.targets.memories[1:]
    stride, lanes = (memory.header[machine.FIELDS.index(name)] for name in ("stride", "lanes"))
    assert lanes == (n - 1) % plan.lanes + 1
    assert stride % (2 * kernels.LANES) == kernels.LANES
    longest = min(n, plan.lanes)
    assert longest <= stride < longest + 2 * kernels.LANES
    assert (
        plan.sizes[1] * stride
        <= plan.sizes[1] * (plan.lanes + kernels.LANES)
        == len(memory.arrays["varying gradients"])
    )


@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 17])
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_sum_of_zeros_has_their_sign(zero, n):
    x = Value(1.0)
    value, gradient, _ = compile(x * 1.0, [], [x], also=[x], backend="native")([], np.full((n, 1), zero))
    assert (math.copysign(1.0, value), len(gradient)) == (math.copysign(1.0, zero), 0)


@pytest.mark.parametrize("reduce", ["mean", "sum", None])
def test_examples_without_inputs_are_examples(reduce):
    x = Value(2.0)
    value, gradient = compile(x * x, [x], reduce=reduce, backend="native")([3.0], np.empty((5, 0)))
    close(value, {"mean": 9.0, "sum": 45.0, None: [9.0] * 5}[reduce])
    close(gradient, {"mean": [6.0], "sum": [30.0], None: [[6.0]] * 5}[reduce])


def test_a_program_uses_its_memory_again():
    program = pair("sum")
    for _ in range(5):
        for inputs in (XS, BATCH):
            program.results("total", WB, inputs)
    assert [len(runner.memories) for runner in program.runners.values()] == [1, 1]
    quick = {memory.address for memory in program.targets.memories}
    assert len(quick) == 2
    assert not quick & {memory.address for runner in program.runners.values() for memory in runner.memories}


@pytest.mark.parametrize("n", [1, 16, 17, 100, 511, 512, 513, 1024, 1025, 5000])
def test_batches_are_cut_at_ends_of_blocks_into_parts_that_are_worth_a_thread(n, monkeypatch):
    program = pair()
    plan = program.runner("total", True).plan
    blocks, numbers = -(-n // plan.lanes), n * plan.sizes[1]
    for parts in (0, 1, 2, 3, 4, 7, 50):
        monkeypatch.setattr(native, "WORTH_A_THREAD", max(1, numbers // parts) if parts else numbers + 1)
        cuts = program.cuts(plan, n)
        assert (cuts[0], cuts[-1]) == (0, n)
        assert all(first < end for first, end in pairwise(cuts))
        assert all(cut % plan.lanes == 0 for cut in cuts[1:-1])
        assert len(cuts) - 1 == max(1, min(blocks, numbers // native.WORTH_A_THREAD))
        sizes = [-(-(end - first) // plan.lanes) for first, end in pairwise(cuts)]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("worth", "n_cores", "in_threads", "locked"),
    [(10**9, 2, False, True), (1000, 1, False, False), (1000, 2, True, False)],
)
def test_only_what_is_worth_it_is_run_in_threads_and_lets_others_run(worth, n_cores, in_threads, locked, monkeypatch):
    """Where there is one core, a long batch is still cut, so that an interrupt is heard."""
    monkeypatch.setattr(native, "WORTH_A_THREAD", worth)
    monkeypatch.setattr(native, "cores", lambda: n_cores)
    found, lengths, run, own = [], [], native.Runner.run, threading.get_ident()

    def noted(runner, *arguments, locked):
        found.append((threading.get_ident() != own, locked))
        lengths.append(arguments[2])
        run(runner, *arguments, locked=locked)

    monkeypatch.setattr(native.Runner, "run", noted)
    program = pair()
    found.clear(), lengths.clear()
    close(program(WB, np.resize(BATCH, (3000, 3)))[0], by_hand(WB, BATCH)[0])
    assert (sum(lengths), min(lengths) > 400) == (3000, True) if lengths else worth == 10**9
    assert {*found} == {(in_threads, locked)} if worth < 10**9 else found == []
    close(program.value(WB, BATCH), by_hand(WB, BATCH)[0])
    found.clear()
    program.results("total", WB, BATCH)
    assert found == [(False, True)]


def test_short_runs_keep_the_lock_of_python_and_long_ones_let_it_go():
    runner, found = pair().runner("total", True), []
    runner.locked, runner.free = (lambda *arguments, name=name: found.append(name) for name in ("locked", "free"))
    for locked in (True, False):
        runner.run(None, locked=locked)
    assert found == ["locked", "free"]
    of_python = 4  # FUNCFLAG_PYTHONAPI
    assert (native.LOCKED._flags_ & of_python, native.FREE._flags_ & of_python) == (of_python, 0)


@pytest.mark.parametrize(
    ("affinity", "count", "expected"), [({0, 2, 5}, 8, 3), ({1}, 8, 1), (None, 8, 8), (None, None, 1)]
)
def test_as_many_cores_as_there_are_for_this_process(affinity, count, expected, monkeypatch):
    names = {"cpu_count": lambda: count} | ({"sched_getaffinity": {0: affinity}.__getitem__} if affinity else {})
    monkeypatch.setattr(native, "os", types.SimpleNamespace(**names))
    assert native.cores() == expected


# Writing: what is the same in a loop is computed before it.


def test_what_a_loop_does_not_change_is_written_before_it():
    module = ir.Module()
    writer = Writer(module, ir.FunctionType(ir.VoidType(), [INT64, INT64]), "f")
    n, m = writer.function.args
    with writer.loop(n) as k:
        first = writer.builder.block
        with writer.loop(m, start=k, step=INT64(2)) as j:
            second = writer.builder.block
            found = [writer.plus(n, m), writer.times(k, n), writer.plus(m, k), writer.times(j, k), writer.plus(n, j)]
            again = writer.plus(found[1], found[0])
        after = writer.plus(k, n)
        place = writer.builder.block
    end = writer.plus(n, m)
    writer.builder.ret_void()
    entry = writer.function.blocks[0]
    assert [x.parent for x in found] == [entry, first, first, second, second]
    assert (again.parent, after.parent, end.parent) == (first, place, writer.builder.block)
    assert len({entry, first, second, place, writer.builder.block}) == 5
    binding.parse_assembly(str(module)).verify()


@pytest.mark.parametrize("size", [8, 4, 2])
def test_what_can_be_done_in_vectors_is(size):
    def write(module, name):
        writer = Writer(module, ir.FunctionType(ir.VoidType(), [DOUBLE.as_pointer(), INT64]), name)
        area, n = writer.function.args
        for k, width in writer.chunks(n, size):
            writer.store(area, k, 1, writer.number(width, 1))  # where it begins, how wide it is
        writer.builder.ret_void()

    address = machine.code().address(f"chunks of {size}", write)
    run = calling.ctypes.CFUNCTYPE(None, calling.ctypes.c_void_p, calling.ctypes.c_int64)(address)
    for length in range(0, 26):
        found, whole = np.zeros(26), length // size
        run(found.ctypes.data, length)
        assert found[:length].tolist() == ([size, *[0] * (size - 1)] * whole + [1] * (length - whole * size))
        assert not found[length:].any()


# The step of an optimiser.


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_a_rule_is_run_to_write_it_and_never_again(kind, monkeypatch):
    monkeypatch.setattr(update, "MOST", len(update.UPDATES) + 1)
    calls, passes, optimised = [], [], machine.Code.optimised

    def noted(code, module, rough):
        passes.append(rough)
        return optimised(code, module, rough)

    monkeypatch.setattr(machine.Code, "optimised", noted)

    class Counted(kind):
        def rule(self, *numbers):
            calls.append(type(numbers[0]))
            return super().rule(*numbers)

    for n in (1, 8, 9, 21):
        params, gradient = [Value(0.1 * k - 0.3) for k in range(n)], np.linspace(-1, 1, n)
        optimizer, other = Counted(params, lr=0.1), kind(params, lr=0.1)
        mine = expected = np.array([p.data for p in params])
        for k in range(3):
            before = mine.copy()
            optimizer.lr = other.lr = 0.1 / (k + 1)
            mine, expected = update.moved(optimizer, mine, gradient), other.moved(expected, gradient)
            assert not np.array_equal(mine, before)
            close(mine, expected)
            close(optimizer.kept, other.kept)
        assert optimizer.steps == 3
    assert calls == [update.Lanes] * 6  # in vectors, and one by one; twice before, to see whether it is the same again
    assert passes == [True]  # a rule has no care for what it does twice


class Counting(Optimizer):
    """A rule that changes a setting."""

    count = 0

    def rule(self, p, g, lr):
        self.count += 1
        return (p - lr * g / self.count,)


def test_a_rule_that_changes_a_setting_is_run_at_every_step():
    optimizer, numbers = Counting([Value(0.5)], lr=0.1), np.array([0.5])
    for expected in (0.4, 0.35):
        numbers = update.moved(optimizer, numbers, np.array([1.0]))
        close(numbers, [expected])


def test_powers_in_a_rule_are_instructions_where_they_can_be():
    writer = Writer(ir.Module(), ir.FunctionType(DOUBLE, [DOUBLE]), "f")
    x = update.Lanes(writer.builder, writer.function.args[0])
    found = [(x**power).value for power in (2, 0.5, 3, 1.5)]
    assert [value.opname for value in found] == ["fmul", "call", "call", "call"]
    assert [value.callee.name for value in found[1:]] == ["llvm.sqrt.f64", "pow", "pow"]
    assert [(value.args[0], value.args[1].constant) for value in found[2:]] == [(x.value, 3.0), (x.value, 1.5)]


@pytest.mark.parametrize("ask", [bool, lambda x: x > 0, lambda x: x < 0, lambda x: x == 0, lambda x: x != 0])
def test_a_rule_that_asks_which_number_is_larger_is_not_written(ask):
    writer = Writer(ir.Module(), ir.FunctionType(DOUBLE, [DOUBLE]), "f")
    with pytest.raises(TypeError, match="a rule in machine code has no conditions"):
        ask(update.Lanes(writer.builder, writer.function.args[0]))


@pytest.mark.parametrize("setting", [[1.0], 2.0, "words"])
def test_an_optimiser_may_have_any_settings(setting):
    params, numbers = [Value(0.5), Value(0.25)], np.array([0.5, 0.25])
    optimizer = SGD(params, lr=0.1, momentum=0.5)
    optimizer.note = setting
    for k in range(2):
        numbers = update.moved(optimizer, numbers, np.array([1.0, -1.0]))
        close(numbers, [[0.4, 0.35], [0.25, 0.5]][k])


FILE = "native_plans.txt"
if __name__ == "__main__":
    kept.write(FILE, plans())
