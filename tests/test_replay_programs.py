"""What programs take, refuse and show."""

import cmath
import gc
import importlib.util
import linecache
import math
import pickle
import re
import threading
import traceback
import weakref
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.forks import needs_fork, status_of_child
from tests.test_replay import BACKENDS, close, each_backend
from tinygrad_edu import nn
from tinygrad_edu.engine import TABLE, Value, hessian, registered
from tinygrad_edu.replay import compile
from tinygrad_edu.replay.trace import Operation

np = pytest.importorskip("numpy")

native = pytest.mark.skipif(importlib.util.find_spec("llvmlite") is None, reason="needs llvmlite")


def line(backend="python", power=2, **options):
    """(w x - t)², its leaves labelled."""
    w, x, t = Value(0.5, "w"), Value(2.0, "x"), Value(3.0, "t")
    return compile((w * x - t) ** power, [w], [x, t], backend=backend, **options)


# What is refused.


def test_a_leaf_that_the_root_does_not_depend_on_is_named():
    w, x, b = Value(1.0, "w"), Value(2.0), Value(0.0, "b")
    with pytest.raises(ValueError, match=re.escape("compile: the root does not depend on params[1] ('b')")):
        compile(w * x, [w, b], [x])
    with pytest.raises(ValueError, match=re.escape("compile: the root does not depend on inputs[1]")):
        compile(w * x, [w], [x, Value(3.0)])


def test_an_input_may_be_used_by_an_output_only():
    w, x, y = Value(1.0, "w"), Value(2.0), Value(5.0)
    program = compile(w * x, [w], [x, y], outputs=[w * y], backend="python")
    assert program([3.0], [2.0, 7.0]) == (6.0, [2.0])
    assert program.forward([3.0], [2.0, 7.0]) == [21.0]


def test_a_leaf_listed_twice_is_refused():
    w, x = Value(1.0, "w"), Value(2.0, "x")
    with pytest.raises(ValueError, match=re.escape("expected each leaf once, inputs[1] ('w') is params[0] too")):
        compile(w * x, [w], [x, w])


def test_a_node_between_is_refused():
    w, x = Value(1.0, "w"), Value(2.0, "x")
    z = w * x
    z.label = "z"
    with pytest.raises(ValueError, match=re.escape("expected leaves, params[0] ('z') is the result of mul (x * y)")):
        compile(z.tanh(), [z], [x])


X = Value(2.0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"params": [1.0]}, TypeError, "expected a Value in params, got 1.0 (float)"),
        ({"outputs": ["y"]}, TypeError, "expected a Value in outputs, got 'y' (str)"),
        ({"also": [Value(9.0)]}, ValueError, "expected inputs in also, listed once, got Value(data=9."),
        ({"root": X.__mul__, "inputs": [1.0], "also": [1.0]}, ValueError, "in also, listed once, got 1.0"),
        ({"root": max, "inputs": [X, X], "also": [X]}, ValueError, "in also, listed once, got Value(data=2.0"),
        ({"reduce": "max"}, ValueError, 'expected reduce="mean", "sum" or None, got \'max\''),
        (
            {"backend": "cuda"},
            ValueError,
            "a backend of python, numpy, native, jax, torch and auto, got 'cuda'",
        ),
        ({"root": 3}, TypeError, "expected a Value or a function, got 3"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, error, message):
    w, x = Value(1.0, "w"), Value(2.0, "x")
    with pytest.raises(error, match=re.escape(message)):
        compile(**({"root": w * x, "params": [w], "inputs": [x], "backend": "python"} | arguments))


@each_backend
def test_wrong_sizes_are_refused(backend):
    program = line(backend)
    program([0.5], [2.0, 3.0])
    with pytest.raises(ValueError, match="expected 1 params, got"):
        program([0.5, 1.0], [2.0, 3.0])
    for inputs in ([2.0], [[2.0, 3.0, 4.0]], [2.0, 3.0, 4.0]):
        with pytest.raises(ValueError, match="expected 2 inputs"):
            program([0.5], inputs)
    with pytest.raises(ValueError, match="forward expected a program with outputs"):
        program.forward([0.5], [2.0, 3.0])
    with pytest.raises(ValueError, match=re.escape("hvp expected a vector of 1 numbers, got [1.0, 1.0]")):
        program.hvp([0.5], [2.0, 3.0], [1.0, 1.0])


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_arrays_of_wrong_shape_are_refused(backend):
    program = line(backend)
    with pytest.raises(
        ValueError, match=re.escape("(2,) for one example or (N, 2) for a batch, got an array of shape (3, 1, 2)")
    ):
        program([0.5], np.zeros((3, 1, 2)))
    with pytest.raises(ValueError, match="expected at least one example, got none"):
        program([0.5], np.zeros((0, 2)))
    with pytest.raises(ValueError, match="rows of different lengths"):
        program([0.5], [[2.0, 3.0], [1.0]])
    with pytest.raises(TypeError, match=re.escape("expected real numbers in inputs, got [2j, 3.0]")):
        program([0.5], [2j, 3.0])


# A function instead of a graph.


def test_a_function_is_recorded():
    w = Value(0.5, "w")
    program = compile(lambda x, t: ((w * x - t) ** 2, [w * x]), [w], [2.0, Value(3.0, "t")], backend="python")
    assert program([0.5], [2.0, 3.0]) == (4.0, [-8.0])
    assert program.forward([0.5], [2.0, 3.0]) == [1.0]
    assert "t, = inputs" in program.source or ", t = inputs" in program.source


def test_an_if_on_data_is_caught():
    w = Value(0.5, "w")
    with pytest.raises(ValueError, match=re.escape("operation 1 is mul here and add there. A Python if")):
        compile(lambda x: w * x if x > 0 else w + x, [w], [1.0])


def test_data_used_as_a_number_is_caught():
    w = Value(0.5, "w")
    with pytest.raises(ValueError, match="builds another graph for the inputs"):
        compile(lambda x: w * x * x.data, [w], [1.0])


def test_a_function_with_a_domain_is_recorded_twice_inside_of_it():
    w = Value(0.5, "w")
    assert compile(lambda x: w * x.log(), [w], [2.0], backend="python")([1.0], [math.e])[0] == 1.0
    with pytest.raises(ValueError, match="builds another graph"):
        compile(lambda x: x.log() * x.data * w, [w], [2.0])


def test_a_function_must_return_a_value():
    with pytest.raises(TypeError, match="expected the function to return a Value, got 3"):
        compile(lambda x: 3, [], [1.0])
    with pytest.raises(ValueError, match=re.escape("a function to return (root, outputs), not outputs= beside it")):
        compile(lambda x: x, [], [1.0], outputs=[Value(1.0)])


# Source.


def test_the_source_is_straight_line_python():
    w, x, b = Value(0.5, "w"), Value(2.0, "x₁"), Value(0.1, "b")
    z = w * x + b
    z.label = "pre-activation"
    y = z.tanh()
    y.label = "y"
    program = compile(y * y + Value(2.0) * Value(3.0), [w, b], [x], backend="python")
    assert (
        program.source
        == """\
def program(params, inputs):
    w, b = params
    x1, = inputs
    # forward
    v1 = w * x1
    pre_activation = v1 + b  # pre-activation
    y = tanh(pre_activation)
    v2 = y * y
    v3 = v2 + 6
    # backward: d_w is the derivative of v3 for w
    d_y = y + y
    d_pre_activation = d_y * square(sech(pre_activation))
    d_w = d_pre_activation * x1
    d_b = d_pre_activation
    return v3, [d_w, d_b]"""
    )


def test_names_in_the_source_are_legal_and_unique():
    nasty = ["class", "sin", "params", "w", "w", "w 1", "2", "d_w", "v1", "a\nb", "é", "λ", "x'); import os #"]
    leaves = [Value(1.0 + k, label) for k, label in enumerate(nasty)]
    root = TABLE["sum"].function([leaf * leaf for leaf in leaves])
    program = compile(root, leaves, backend="python")
    value, gradient = program([leaf.data for leaf in leaves])
    assert value == root.data
    assert gradient == [2 * leaf.data for leaf in leaves]
    assert "import os" not in program.source.replace("x_import_os", "")


def test_common_parts_are_computed_once_and_unused_ones_not_at_all():
    w, x = Value(0.5, "w"), Value(2.0, "x")
    unused = w.exp()
    root = (w * x).tanh() + (w * x).tanh() * 1
    assert unused.data > 0
    source = compile(root, [w], [x], backend="python").source
    assert source.count("= tanh(") == 1
    assert "exp" not in source


# Numbers.


def test_fractions_stay_exact():
    w, x, t = Value(0.5, "w"), Value(2.0, "x"), Value(3.0, "t")
    program = compile((w * x - t) ** 2 + (2 * w - 1).relu(), [w], [x, t], backend="python")
    third = Fraction(1, 3)
    assert program([third], [Fraction(2), Fraction(1, 7)]) == (Fraction(121, 441), [Fraction(44, 21)])


def test_complex_numbers_run():
    w = Value(0.5, "w")
    value, gradient = compile((w.sin() * w).exp() / w, [w], backend="python")([0.3 + 0.4j])
    z = 0.3 + 0.4j
    assert abs(value - cmath.exp(z * cmath.sin(z)) / z) < 1e-15
    slope = cmath.exp(z * cmath.sin(z)) * (cmath.sin(z) + z * cmath.cos(z)) / z - value / z
    assert abs(gradient[0] - slope) < 1e-14


@each_backend
def test_nan_and_inf_follow_numpy(backend):
    x = Value(0.5, "x")
    numbers = [0.0, -0.0, -1.0, math.inf, -math.inf, math.nan, 1e3, -1e3]
    cases = {
        "log": [-math.inf, -math.inf, math.nan, math.inf, math.nan, math.nan, math.log(1e3), math.nan],
        "exp": [1, 1, math.exp(-1), math.inf, 0, math.nan, math.inf, 0],
        "sqrt": [0, 0, math.nan, math.inf, math.nan, math.nan, math.sqrt(1e3), math.nan],
        "sin": [0, 0, math.sin(-1), math.nan, math.nan, math.nan, math.sin(1e3), math.sin(-1e3)],
        "sinh": [0, 0, math.sinh(-1), math.inf, -math.inf, math.nan, math.inf, -math.inf],
        "tanh": [0, 0, math.tanh(-1), 1, -1, math.nan, 1, -1],
        "sigmoid": [0.5, 0.5, 1 / (1 + math.e), 1, 0, math.nan, 1, 0],
        "relu": [0, 0, 0, math.inf, 0, math.nan, 1e3, 0],
        "sign": [0, 0, -1, 1, -1, math.nan, 1, -1],
        "step": [0, 0, 0, 1, 0, math.nan, 1, 0],
        "log1p": [0, 0, -math.inf, math.inf, math.nan, math.nan, math.log1p(1e3), math.nan],
    }
    for name, expected in cases.items():
        row = TABLE[name]
        program = compile(row.function(x), [], [x], reduce=None, backend=backend)
        close(program([], [[number] for number in numbers])[0], expected)
    inverse = compile(1 / x, [], [x], reduce=None, also=[x], backend=backend)
    values, _, slopes = inverse([], [[0.0], [-0.0], [math.inf], [math.nan]])
    close(values, [math.inf, -math.inf, 0, math.nan])
    close(slopes, [[-math.inf], [-math.inf], [0], [math.nan]])


@each_backend
def test_one_bad_example_does_not_spoil_the_others(backend):
    w, x = Value(0.5, "w"), Value(2.0, "x")
    program = compile((w * x).log(), [w], [x], reduce=None, backend=backend)
    values, gradients = program([0.5], [[2.0], [-1.0], [4.0]])
    close(values, [0, math.nan, math.log(2)])
    close(gradients, [[2.0], [2.0], [2.0]])


# Second order, pickles, blocks, threads.


@each_backend
def test_second_order_comes_from_the_same_trace(backend):
    network = nn.MLP(2, [2, 1], activation="tanh", seed=3)
    x = [Value(0.3), Value(-0.6)]
    params = network.parameters()
    root = (network(x) - 0.5) ** 2
    data = [p.data for p in params]
    program = compile(root, params, x, backend=backend)
    expected = [[h.data for h in row] for row in hessian(root, params)]
    close(program.hessian(data, [0.3, -0.6]), expected)
    vector = [0.1 * k for k in range(len(params))]
    close(program.hvp(data, [0.3, -0.6], vector), np.array(expected) @ vector)
    close(program.hvp(data, [[0.3, -0.6], [0.3, -0.6]], vector), np.array(expected) @ vector)


@each_backend
def test_programs_pickle(backend):
    program = line(backend, reduce="sum")
    again = pickle.loads(pickle.dumps(program))
    assert again.backend == backend
    assert repr(again) == repr(program) == f"<{backend} program: 1 params, 2 inputs, 3 operations>"
    close(again([0.5], [[2.0, 3.0], [2.0, 3.0]])[0], 8.0)


def test_a_pickle_needs_its_operations():
    with registered("thrice", "3·", "3 * x", "3"):
        x = Value(1.0)
        stored = pickle.dumps(compile(TABLE["thrice"].function(x), [x], backend="python"))
        assert pickle.loads(stored)([2.0]) == (6.0, [3])
    with pytest.raises(LookupError, match="uses the operation 'thrice', which is not registered"):
        pickle.loads(stored)


DAMAGE = [
    ("root", 99, "the root or an output is [99], of 6 slots and 1 constants"),
    ("root", -2, "the root or an output is [-2]"),
    ("root", True, "the root or an output is [True]"),
    ("outputs", [10**9], "the root or an output is [1000000000]"),
    ("outputs", (1,), "outputs (1,) is no list"),
    ("n_params", 2, "it has (2, 2) leaves"),
    ("n_inputs", -1, "it has (1, -1) leaves"),
    ("n_params", "1", "it has ('1', 2) leaves"),
    ("labels", ["a", 5, "b"], "[5] among the labels"),
    ("labels", ["a"] * 10**3, "it has (1, 2) leaves, 3 operations and 1000 labels"),
    ("constants", ["1"], "['1'] among the constants"),
    ("constants", [1], "[1] among the constants"),
    ("constants", [], "is [-1], of 5 slots and 0 constants"),
    ("operations", None, "operations None is no list"),
    ("operations", [("mul", (0, 1), "")], "an operation is ('mul', (0, 1), '')"),
    ("operations", [Operation(TABLE["mul"], (0, 3))], "an operand of mul is [3], of 3 slots"),
    ("operations", [Operation(TABLE["mul"], (0, -2))], "an operand of mul is [-2]"),
    ("operations", [Operation(TABLE["mul"], (0, 1.0))], "an operand of mul is [1.0]"),
    ("operations", [Operation(TABLE["mul"], (0,))], "mul has 1 operands"),
    ("operations", [Operation(TABLE["neg"], (0, 1))], "neg has 2 operands"),
    ("operations", [Operation(TABLE["dot"], (0, 1, 2))], "dot has 3 operands"),
    ("operations", [Operation(TABLE["sum"], ())], "sum has 0 operands"),
    ("operations", [("mul", (0, 1))], "an operation is ('mul', (0, 1))"),
]


@pytest.mark.parametrize(("field", "value", "words"), DAMAGE)
def test_a_damaged_pickle_is_refused(field, value, words):
    trace = line("python", power=4, reduce="sum").trace
    state = dict(vars(trace))
    again = type(trace).__new__(type(trace))
    again.__setstate__(dict(state))
    assert (again.operations, again.constants, again.root) == (trace.operations, trace.constants, trace.root)
    for wrong in (state | {field: value}, {name: kept for name, kept in state.items() if name != field}):
        with pytest.raises(ValueError, match="the pickle of this program is damaged: ") as raised:
            again.__setstate__(wrong)
        assert words in str(raised.value) or "it has not all of" in str(raised.value)
    with pytest.raises(ValueError, match="the pickle of this program is damaged: it has not all of constants, labels"):
        again.__setstate__([])


@pytest.mark.parametrize(("also", "reduce"), [([0], "sum"), ([3], "sum"), ([-1], "sum"), ((), "max")])
def test_what_is_pickled_beside_the_trace_is_checked(also, reduce):
    program = line("python", reduce="sum")
    with pytest.raises(ValueError, match="a program has also in range"):
        type(program)(program.trace, also, reduce)


@given(st.data())
def test_no_pickle_with_another_number_in_it_reads_outside_of_its_slots(data):
    """What is accepted can be run, operation by operation."""
    trace = line("python", reduce="sum").trace
    state = dict(vars(trace))
    numbers = st.integers(-3, 8)
    state["operations"] = [
        Operation(row, tuple(data.draw(numbers) if data.draw(st.booleans()) else k for k in operands))
        for row, operands in state["operations"]
    ]
    state["root"] = data.draw(numbers)
    again = type(trace).__new__(type(trace))
    try:
        again.__setstate__(state)
    except ValueError:
        return
    slots = list(range(len(again.labels)))
    for operation in again.operations:
        for k in operation.operands:
            assert again.constants[~k] is not None if k < 0 else slots[k] == k
        slots.append(len(slots))
    assert again.root < len(slots)


def test_many_examples_by_themselves_are_run_in_slices(monkeypatch):
    """So that other threads have their turn, and an interrupt is heard."""
    pytest.importorskip("llvmlite")
    from tinygrad_edu.replay.native import program as native

    calls = []
    right = native.Runner.run

    def counted(runner, *arguments, **how):
        calls.append((arguments[2], how["locked"]))
        right(runner, *arguments, **how)

    program = line("native", reduce=None)
    inputs = np.linspace(-1, 1, 2 * 10_000).reshape(-1, 2)
    values, gradients = program([0.5], inputs)
    monkeypatch.setattr(native.Runner, "run", counted)
    monkeypatch.setattr(native, "WORTH_A_THREAD", 1000)
    again, gradients_again = program([0.5], inputs)
    assert np.array_equal(values, again) and np.array_equal(gradients, gradients_again)
    close(values, (0.5 * inputs[:, 0] - inputs[:, 1]) ** 2)
    assert sum(n for n, _ in calls) == 10_000
    assert max(n for n, _ in calls) <= 10_000 // 5 and not any(locked for _, locked in calls)


@each_backend
@pytest.mark.filterwarnings("ignore:.*torch.distributed.*:FutureWarning")
def test_programs_leave_no_classes_and_no_formulas_behind(backend):
    """One more program of a formula with another constant costs nothing that stays, once the caches are full."""
    if backend == "jax":
        pytest.skip("JAX keeps what it compiles")

    def classes():
        return len([thing for thing in gc.get_objects() if isinstance(thing, type)])

    def use(k):
        x = Value(2.0)
        compile(x**2 + k * x.tanh(), [x], backend=backend)([2.0])

    for k in range(3):
        use(k + 0.5)
    gc.collect()
    gc.disable()  # a class is in a cycle: it would be freed in the end, and cost the collection
    try:
        before = classes()
        for k in range(20):
            use(k + 0.25)
        assert classes() - before < 5
    finally:
        gc.enable()


@needs_fork
def test_a_process_forked_while_a_thread_compiles_can_compile():
    pytest.importorskip("llvmlite")
    from tinygrad_edu.replay.native.machine import LOCK

    def is_right():
        x = Value(2.0)
        return compile((x * x * 0.125).sin(), [x], backend="native")([2.0])[0] == math.sin(0.5)

    assert status_of_child(LOCK, is_right) == 0


def test_numpy_works_in_blocks(monkeypatch):
    from tinygrad_edu.replay import numpy_arrays as arrays

    rng = np.random.default_rng(0)
    batch = rng.normal(size=(1000, 2))
    whole = line("numpy")([0.5], batch)
    monkeypatch.setattr(arrays, "NUMBERS_IN_CACHE", 1)
    parts = line("numpy")([0.5], batch)
    close(parts[0], whole[0])
    close(parts[1], whole[1])
    each = line("numpy", reduce=None, outputs=())([0.5], batch)
    assert each[0].shape == (1000,)
    assert each[1].shape == (1000, 1)


@native
@pytest.mark.parametrize("n", [1, 7, 8, 9, 31, 33, 100, 1023, 1024, 1025, 5000])
def test_native_takes_any_number_of_examples(n):
    batch = np.random.default_rng(n).normal(size=(n, 2))
    for reduce in ("mean", "sum", None):
        for mine, other in zip(
            line("native", reduce=reduce)([0.5], batch), line("numpy", reduce=reduce)([0.5], batch), strict=True
        ):
            close(mine, other)


@native
def test_native_uses_threads_for_large_batches(monkeypatch):
    from tinygrad_edu.replay.native import program as native

    monkeypatch.setattr(native, "WORTH_A_THREAD", 1000)
    monkeypatch.setattr(native, "cores", lambda: 2)
    x = Value(2.0)
    w = Value(0.5)
    program = compile((w * x).tanh() + w * w, [w], [x], also=[x], backend="native")
    batch = np.random.default_rng(0).normal(size=(20_001, 1))
    right, both, first_two = native.Runner.run, threading.Barrier(2), iter(range(2))

    def run(runner, *arguments, **how):
        if next(first_two, None) is not None:
            both.wait(timeout=60)  # only two threads at once come further
        right(runner, *arguments, **how)

    monkeypatch.setattr(native.Runner, "run", run)
    for mine, other in zip(
        program([0.5], batch),
        compile((w * x).tanh() + w * w, [w], [x], also=[x], backend="numpy")([0.5], batch),
        strict=True,
    ):
        close(mine, other)


@native
def test_native_results_do_not_change_later():
    program = line("native")
    params, inputs = np.array([0.5]), np.array([2.0, 3.0])
    program(params, inputs)
    first = program(params, inputs)
    second = program(params * 2, inputs)
    assert first[1][0] == -8.0
    assert second[1][0] != -8.0
    assert type(first) is tuple
    assert type(first[0]) is float


@native
@pytest.mark.parametrize(
    ("params", "inputs"),
    [
        ([0.5], [2.0, 3.0]),
        (np.array([0.5], np.float32), np.array([2, 3])),
        (np.array([0.5, 9.0])[::2], np.array([[2.0, 9.0, 3.0]])[0, ::2]),
        (np.array([0.5]), np.array([[2.0, 3.0], [2.0, 3.0]]).T.copy().T),
        (np.array([0.5]), np.ma.array([2.0, 3.0])),
        ((Fraction(1, 2),), (2, True + 2)),
    ],
)
def test_native_takes_what_becomes_an_array(params, inputs):
    program = line("native")
    for _ in range(2):
        value, gradient = program(params, inputs)
        assert value == 4.0
        assert gradient.tolist() == [-8.0]


@each_backend
def test_programs_leave_no_garbage(backend):
    before = sources_kept()
    program = line(backend, outputs=())
    program([0.5], [2.0, 3.0])
    program.hvp([0.5], [2.0, 3.0], [1.0])
    gone = weakref.ref(program)
    gc.disable()
    try:
        del program
        assert gone() is None
    finally:
        gc.enable()
    assert sources_kept() == before


def sources_kept():
    gc.collect()  # the programs of other tests
    return [name for name in linecache.cache if name.startswith("<tinygrad_edu program")]


def test_a_traceback_shows_the_line_of_the_program():
    x = Value(2.0, "x")
    program = compile(x.log(), [x], backend="python")
    with pytest.raises(TypeError) as caught:
        program.exact["program"]([Value(1.0)], [])
    assert "v1 = log(x)" in "".join(traceback.format_exception(caught.value))


@native
def test_native_leaves_nothing_behind_from_batch_to_batch():
    """Nothing is ever added to the gradients of w·x and s: what rows of another length left there must not show."""
    w, x, t, s = Value(0.5, "w"), Value(2.0, "x"), Value(3.0, "t"), Value(1.0, "s")
    step = TABLE["step"].function
    root = step(w * x) * t + (w * t).tanh() + step(s) * t
    inputs = [t, s, x]
    mine, other = (compile(root, [w], inputs, also=inputs, backend=backend) for backend in ("native", "numpy"))
    for n in (1000, 8, 100, 3, 1000, 17):
        batch = np.random.default_rng(n).normal(size=(n, 3))
        for a, b in zip(mine([0.5], batch), other([0.5], batch), strict=True):
            close(a, b)


@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [
        ("step", "1/2", "1"),
        ("step", "0", "0"),
        ("step", "-1/2", "0"),
        ("sign", "1/3", "1"),
        ("sign", "0", "0"),
        ("sign", "-1/3", "-1"),
        ("abs", "-2/3", "2/3"),
        ("relu", "2/3", "2/3"),
        ("relu", "-2/3", "0"),
    ],
)
def test_fractions_stay_exact_where_operations_jump(name, at, expected):
    x = Value(0.5, "x")
    program = compile(TABLE[name].function(x) * 1.0, [], [x], backend="python")
    assert program([], [Fraction(at)])[0] == Fraction(expected)
