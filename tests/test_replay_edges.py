"""Programs of odd graphs, in odd hands."""

import contextlib
import gc
import math
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.test_replay import INSTALLED, close, each_backend
from tests.test_replay_programs import native
from tinygrad_edu.engine import TABLE, Value, registered
from tinygrad_edu.replay import compile

np = pytest.importorskip("numpy")

ROOT = Path(__file__).parents[1]
step, total, dot = (TABLE[name].function for name in ("step", "sum", "dot"))


@each_backend
def test_a_sum_of_one_term_and_zeros(backend):
    for build in (lambda x: x + 0.0 + 0.0 + 0.0, lambda x: 0 + x + 0 + 0, lambda x: (x * x) + 0.0 + 0.0 + 0.0):
        x = Value(2.0)
        root = build(x)
        root.backward()
        for program in (compile(root, [x], backend=backend), compile(root, [], [x], also=[x], backend=backend)):
            value, *gradients = program([2.0], []) if program.trace.n_params else program([], [2.0])
            close(value, root.data)
            close(gradients[-1], [x.grad])


@each_backend
def test_more_constants_than_slots(backend):
    x = Value(2.0)
    program = compile(total([x, 1.0, 2.0, 3.0, 4.0]), [x], outputs=[Value(8.0), Value(9.0), x], backend=backend)
    close(program([2.0])[0], 12.0)
    close(program([2.0])[1], [1.0])
    close(program.forward([2.0]), [8.0, 9.0, 2.0])


@each_backend
def test_a_root_that_is_a_leaf_or_a_constant(backend):
    x, t = Value(2.0), Value(5.0)
    value, gradient = compile(x, [x], backend=backend)([3.0])
    close(value, 3.0)
    close(gradient, [1.0])
    close(compile(Value(3.0), backend=backend)([])[0], 3.0)
    value, gradient, by_input = compile(t, [], [t], also=[t], backend=backend)([], [[1.0], [2.0]])
    close(value, 1.5)
    close(by_input, [[1.0], [1.0]])


@each_backend
def test_outputs_may_be_anything(backend):
    w, x = Value(0.5, "w"), Value(2.0, "x")
    root = w * x
    program = compile(root, [w], [x], outputs=[root, x, w, root, Value(7.0)], backend=backend)
    close(program.forward([3.0], [4.0]), [12.0, 4.0, 3.0, 12.0, 7.0])
    close(program.forward([3.0], [[4.0], [5.0]]), [[12.0, 4.0, 3.0, 12.0, 7.0], [15.0, 5.0, 3.0, 15.0, 7.0]])


def test_labels_may_be_names_that_the_program_uses():
    for label in ("float", "len", "program", "params", "tanh", "d_x", "None"):
        x = Value(2.0, label)
        assert compile(x * x.tanh(), [x], backend="python")([3.0])[0] == 3 * math.tanh(3)
        assert compile(x * x, [], [x], backend="python")([], [3.0])[0] == 9.0


@pytest.mark.parametrize("backend", [name for name in INSTALLED if name != "python"])
def test_arrays_that_come_back_are_float64_and_writable(backend):
    w, x = Value(1.0), Value(2.0)
    for reduce in ("mean", None):
        program = compile(w + x, [w], [x], also=[x], outputs=[x], reduce=reduce, backend=backend)
        for inputs in ([2.0], [[2.0], [3.0]]):
            for array in (*program([1.0], inputs)[1:], program.forward([1.0], inputs)):
                assert array.dtype == np.float64
                array *= 0.5


@each_backend
def test_second_order_does_not_depend_on_the_numbers_at_recording(backend):
    x = Value(0.0)
    close(compile(x.sqrt(), [x], backend=backend).hessian([4.0]), [[-1 / 32]])
    x = Value(1e200, finite=False)
    close(compile(x * x * x, [x], backend=backend).hessian([4.0]), [[24.0]])
    x = Value(2.0)
    assert len(compile(x * x, [], [x], backend=backend).hvp([], [2.0], [])) == 0
    close(compile(3 * x, [x], backend=backend).hessian([4.0]), [[0.0]])


def test_a_function_with_wrong_leaves_or_outputs_is_refused():
    with pytest.raises(TypeError, match=re.escape("expected a Value in params, got 1.0")):
        compile(lambda x: x * 2.0, [1.0], [1.0])
    with pytest.raises(TypeError, match=re.escape("to return (root, outputs), outputs a list of Values")):
        compile(lambda x: (x * 2.0, x), [], [1.0])


@pytest.mark.parametrize("backend", [name for name in INSTALLED if name != "jax"])  # XLA leaves out + 0
def test_adding_zero_keeps_the_sign_that_it_gives(backend):
    x = Value(-0.0)
    root = TABLE["atan2"].function(x + 0.0, -1.0)
    assert root.data == math.pi
    close(compile(root, [x], backend=backend)([-0.0])[0], math.pi)


@each_backend
def test_a_constant_keeps_its_sign(backend):
    x = Value(-1.0)
    for zero in (0.0, -0.0):
        root = TABLE["atan2"].function(zero, x)
        close(compile(root, [x], backend=backend)([-1.0])[0], math.copysign(math.pi, zero))


@each_backend
def test_pieces_are_added_whole(backend):
    """A conditional expression inside of a sum needs brackets."""
    with registered("gg", "gg", "maximum(x, 0) + 2*y", "step(x)", "2") as row:
        x = Value(-1.0)
        value, gradient = compile(row.function(x, x), [x], backend=backend)([-1.0])
        close([value, *gradient], [-2.0, 2.0])
    with registered("kk", "kk", "sum(maximum(x_i, 0))", "step(x_i)") as row:
        x, y = Value(-1.0), Value(3.0)
        value, gradient = compile(row.function([x, y, x]), [x, y], backend=backend)([2.0, 3.0])
        close([value, *gradient], [7.0, 2.0, 1.0])


def test_an_operation_registered_anew_is_not_the_old_one():
    x = Value(3.0)
    for factor in (2, 5):
        with (
            registered("inner", "i", f"{factor} * x", str(factor)),
            registered("outer", "o", "inner(x) + inner(1)", "inner(1) + 0 * x", shown=str(factor)) as row,
        ):
            root = row.function(x)
            for backend in INSTALLED:
                value, gradient = compile(root, [x], backend=backend)([3.0])
                close([value, *gradient], [4.0 * factor, factor])


@each_backend
def test_an_operation_that_was_taken_back_is_not_mistaken_for_one_of_its_name(backend):
    x = Value(2.0)
    with registered("own", "o", "3 * x * x", "6 * x") as row:
        warm, cold = (compile(row.function(x), [x], outputs=[x], backend=backend) for _ in range(2))
        expected = warm([1.0])
    gone = pytest.raises(LookupError, match="the program uses the operation 'own', which was taken back since")
    for again in (False, True):
        with registered("own", "o", "5 * x * x", "10 * x") if again else contextlib.nullcontext():
            assert warm([1.0]) == expected
            for use in (
                lambda: cold([1.0]),
                lambda: cold.value([1.0]),
                lambda: cold.hessian([1.0]),
                lambda: cold.source,
                lambda: cold.arrays,
                cold.numpy,
                cold.c,
            ):
                with gone:
                    use()


@each_backend
@pytest.mark.parametrize(
    ("primal", "partial"),
    [("2**x", "out * log(2)"), ("+x * sqrt(4) * maximum(1, 2)", "sqrt(16) * 1"), ("x * sigmoid(0.5)", "sigmoid(0.5)")],
)
def test_formulas_may_have_operations_of_numbers_only(backend, primal, partial):
    with registered("made", "m", primal, partial) as row:
        x = Value(0.5)
        root = row.function(x)
        root.backward()
        program = compile(root, [x], backend=backend)
        value, gradient = program([0.5])
        close([value, *gradient], [root.data, x.grad])
        assert program.hvp([0.5], [], [1.0]) is not None


@each_backend
def test_no_gradient_comes_through_what_has_none(backend):
    w, x = Value(1.0, "w"), Value(1.0, "x")
    root = step((w * x).sqrt()) + w
    close(compile(root, [w], [x], backend=backend)([0.0], [1.0])[1], [1.0])
    close(compile(root, [w], [x], backend=backend)([1.0], [[0.0], [1.0]])[1], [1.0])


@each_backend
def test_a_mask_beside_equal_operations_does_not_stop_their_gradients(backend):
    """Only one of two equal operations is used by a step, which lets no gradient through."""
    w, v = Value(0.5, "w"), Value(0.7, "v")
    for root in (
        step(w * w) + w * v,
        w * v + step(w * w),
        step(w.sin()) * w + v.sin(),
        v.sin() + step(w.sin()) * w,
        step(total([w, v])) * w + total([v, w]) * v,
        sum((step(w * k) * v + w * (k + 30.0)).tanh() for k in range(1, 30)),
    ):
        w.grad = v.grad = 0.0
        root.backward()
        close(compile(root, [w, v], backend=backend)([0.5, 0.7])[1], [w.grad, v.grad])
        program = compile(root, [w], [v], also=[v], backend=backend)
        _, gradient, by_input = program([0.5], [[0.7]] * 9)
        close([*gradient, *by_input[8]], [w.grad, v.grad])


@pytest.mark.parametrize("backend", [name for name in INSTALLED if name != "python"])
@pytest.mark.parametrize("bad", [[None], ["1"], [10**400], [1j], [Value(1.0)], np.array(["a"])])
def test_what_are_no_numbers_is_refused(backend, bad):
    x = Value(1.0)
    with pytest.raises(TypeError, match="the program expected real numbers in params, got"):
        compile(x * x, [x], backend=backend)(bad)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: p(2.0, 3.0), TypeError, "the program expected 1 params in a sequence, got 2.0"),
        (lambda p: p("2", [3.0]), TypeError, "the program expected 1 params in a sequence, got '2'"),
        (lambda p: p(["2"], [3.0]), TypeError, "the program expected numbers, got '2' (str)"),
        (lambda p: p([10**400], [3.0]), TypeError, "the program expected numbers that floats can hold, got 1000"),
        (lambda p: p([Value(2.0)], [3.0]), TypeError, "the program expected numbers, got Value(data=2."),
        (lambda p: p([2.0], None), TypeError, "the program expected 1 inputs in a sequence, got None"),
        (lambda p: p.hvp([2.0], [1.0], 1.0), ValueError, "hvp expected a vector of 1 numbers, got 1.0"),
        (lambda p: p.hvp([2.0, 3.0], [1.0], [1.0]), ValueError, "the program expected 1 params, got 2"),
        (
            lambda p: p.forward([2.0], np.empty((0, 1))),
            ValueError,
            "the program expected at least one example, got none",
        ),
        (lambda p: p([2.0], np.empty((0, 1))), ValueError, "the program expected at least one example, got none"),
    ],
)
def test_plain_python_says_what_it_expected(call, error, message):
    w, x = Value(1.0), Value(2.0)
    program = compile(w * x, [w], [x], outputs=[w], backend="python")
    with pytest.raises(error, match=re.escape(message)):
        call(program)


@each_backend
@pytest.mark.parametrize(("kind", "x", "y"), [("uint8", 200, 100), ("float16", 300, 200), ("float32", 0.5, 1e-9)])
def test_numbers_of_numpy_are_reckoned_with_as_floats(kind, x, y, backend):
    """A pixel as NumPy has it wraps around at 255: 200 * 100 would be 32."""
    a, b = Value(1.0), Value(2.0)
    root = a * b - a * a
    program = compile(root, [], [a, b], also=[a], outputs=[root], backend=backend)
    given = [getattr(np, kind)(x), getattr(np, kind)(y)]
    x, y = map(float, given)
    close(program([], given)[0], x * y - x * x)
    close(program([], given)[2], [y - 2 * x])
    close(program.forward([], given), [x * y - x * x])
    close(program([], [given, given])[0], x * y - x * x)


@pytest.mark.parametrize("backend", [name for name in INSTALLED if name != "python"])
def test_arrays_of_no_dimension_are_numbers(backend):
    x = Value(1.0)
    program = compile(x * x, [], [x], backend=backend)
    close(program.value([], [np.array(3.0)]), 9.0)
    close(program.hessian([], [np.array(3.0)]), np.zeros((0, 0)))


@each_backend
def test_names_for_the_inputs_are_refused(backend):
    x = Value(2.0)
    with pytest.raises(TypeError, match="the program expected"):
        compile(x * x, [], [x], backend=backend)([], {"x": 2.0})


def test_lists_are_expected_and_anything_that_gives_values_is_taken():
    w, x = Value(1.0), Value(2.0)
    for what in ("params", "inputs", "outputs", "also"):
        with pytest.raises(TypeError, match=re.escape(f"compile expected a list of Values for {what}, got Value(")):
            compile(w * x, **{what: w})
    assert compile(w * x, (v for v in [w]), iter([x]), backend="python")([3.0], [4.0]) == (12.0, [4.0])


def test_a_function_may_fail_elsewhere():
    w, table = Value(2.0), {1.0: 3.0}
    assert compile(lambda x: w * x * table[1.0 if x.data == 1.0 else 9.0], [w], [1.0], backend="python")([1.0], [1.0])


@native
def test_the_built_in_function_outlives_its_program():
    w, x = Value(0.5), Value(2.0)
    program = compile((w * x).tanh(), [w], [x], backend="native")
    params, inputs = np.array([0.5]), np.array([2.0])
    expected = program(params, inputs)
    quick = program.quick
    del program
    gc.collect()
    junk = [np.full(64, 1e9) for _ in range(1000)]
    assert quick(params, inputs) == expected
    assert len(junk) == 1000


@native
def test_threads_may_make_the_first_call_together():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            w, x = Value(0.5), Value(2.0)
            program = compile((w * x).tanh() + w, [w], [x], backend="native")
            start, found = threading.Barrier(4), []

            def run(program=program, start=start, found=found):
                start.wait(timeout=60)
                for inputs in (np.array([2.0]), np.array([[2.0], [2.0]])):
                    found.append(program(np.array([0.5]), inputs)[0])

            threads = [threading.Thread(target=run) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            close(found, [math.tanh(1.0) + 0.5] * 8)
            assert program.quick(np.array([0.5]), np.array([2.0])) is not None
    finally:
        sys.setswitchinterval(before)


FORK = """
import os, numpy, tinygrad_edu.replay.native.program as native
from tinygrad_edu import Value, compile
native.WORTH_A_THREAD, native.cores = 100, lambda: 2
w, x = Value(0.5), Value(2.0)
program = compile((w * x).tanh(), [w], [x], backend="native")
batch = numpy.ones((5000, 1))
expected = program([0.5], batch)[0]
child = os.fork()
if not child:
    os._exit(0 if program([0.5], batch)[0] == expected else 1)
print(os.waitpid(child, 0)[1])
"""


@native
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_threads_of_its_own():
    done = subprocess.run([sys.executable, "-c", FORK], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "0\n", done.stderr


@native
def test_many_calls_keep_no_memory():
    import resource

    w, x = Value(0.5), Value(2.0)
    program = compile((w * x).tanh(), [w], [x], backend="native")
    params, one, batch = np.array([0.5]), np.array([2.0]), np.ones((9, 1))
    for _ in range(1000):
        program(params, one), program(params, batch)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(100_000):
        program(params, one), program(params, batch)
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 3000
    )  # kilobytes; a lost object a call is 10,000


@pytest.mark.parametrize(("backend", "length"), [("python", 20_000), ("numpy", 5_000), ("native", 100_000)])
def test_a_long_chain_needs_no_recursion(backend, length):
    if backend not in INSTALLED:
        pytest.skip(f"no {backend} here")
    w, x = Value(1.0), Value(1.0)
    y = x
    for _ in range(length // 2):
        y = y * w * (1 + 1e-6)
    value, gradient = compile(y, [w], [x], backend=backend)([1.0], [1.0])
    close(value, (1 + 1e-6) ** (length // 2), 1e-9)
    close(gradient, [length // 2 * value], 1e-9)


AUTO = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1:]:
            raise ImportError(name)
sys.meta_path.insert(0, Missing())
from tinygrad_edu import Value, compile
w, x = Value(2.0), Value(3.0)
print(compile(w * x, [w], [x]).backend, compile(w * w, [w]).backend)
for backend in ("numpy", "native", "jax"):
    try:
        compile(w * x, [w], [x], backend=backend)
    except ImportError as error:
        print(error)
"""
ARRAYS = f"programs on arrays need NumPy: {sys.executable} -m pip install numpy\n"
NATIVE = f"native programs need llvmlite and NumPy: {sys.executable} -m pip install llvmlite numpy\n"
JAX = f"programs on JAX need it: {sys.executable} -m pip install jax\n"


@pytest.mark.parametrize(
    ("missing", "printed"),
    [
        (["jax"], f"native native\n{JAX}"),
        (["jax", "llvmlite"], f"numpy python\n{NATIVE}{JAX}"),
        (["jax", "llvmlite", "numpy"], f"python python\n{ARRAYS * 3}"),
    ],
)
def test_what_is_not_installed_is_done_without_or_named(missing, printed):
    if "native" not in INSTALLED:
        pytest.skip("needs llvmlite")
    done = subprocess.run([sys.executable, "-c", AUTO, *missing], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == printed, done.stderr


@pytest.mark.parametrize("backend", ["python", "numpy", "native"])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_weight_of_a_layer_that_is_used_once_more_gets_both_gradients(backend, before, which):
    if backend != "python":
        pytest.importorskip({"numpy": "numpy", "native": "llvmlite"}[backend])
    xs = [Value(x) for x in (0.5, -1.0, 2.0, 0.25)]
    ws = [[Value(0.1 * (k + 1) * (j - 1.5)) for j in range(4)] for k in range(3)]
    again = (ws[which][1] * xs[0]).sin()
    rows = [dot(w, xs) for w in ws]
    if before:
        rows[0] = rows[0] + again
    root = rows[0].tanh() * 2 + rows[1].tanh() * 3 + rows[2].tanh() * 5
    if not before:
        root = root + again
    root.backward()
    params = [w for row in ws for w in row]
    data = [x.data for x in xs]
    program = compile(root, params, xs, backend=backend)
    for examples in ([data], [data] * 7, [data] * 40):
        assert program([w.data for w in params], examples)[1] == pytest.approx([w.grad for w in params], rel=1e-12)


def test_a_constant_of_the_other_sign_is_another_constant():
    signs = iter([0.0, -0.0, 0.0, -0.0, 0.0, -0.0])
    with pytest.raises(ValueError, match=r"the constant 0\.0 is -0\.0 there"):
        compile(lambda x: x.atan2(next(signs)), [], [2.0])
    steady = compile(lambda x: x.maximum(1.0) + 1.0, [], [2.0], backend="python")
    assert steady([], [3.0])[0] == 4.0


@each_backend
def test_zeros_of_both_signs_stay_apart(backend):
    x = Value(1.0)
    program = compile(x.atan2(0.0) + 2 * x.atan2(-0.0), [x], outputs=[x.atan2(0.0), x.atan2(-0.0)], backend=backend)
    close(program.forward([0.0]), [0.0, math.pi])
    close(program.forward([-0.0]), [0.0, -math.pi])


POWERS = {
    "x**2": lambda x, y: x**2 + y,
    "x**3": lambda x, y: x**3 + y,
    "x**4": lambda x, y: x**4 + y,
    "x**-1": lambda x, y: x**-1 * y,
    "x**0.5": lambda x, y: x**0.5 * y,
    "a base twice": lambda x, y: x**2 * y + x**3 * y + x * y**2,
    "products of one": lambda x, y: x * x + x * x * y + y * x * x + y * y * y,
    "a factor of itself": lambda x, y: dot([x, y, x, x], [x, x, y, x]) + x * y,
    "a sum of itself": lambda x, y: x + x + x + y + x + y * y + total([x, y, x]),
    "differences": lambda x, y: (x - y) * (y - x) - (x - x * y) - (-y),
    "weights last": lambda x, y: x * 2 + 3 * y + (x + 1) * y + y * (x + 1) + 1 * x,
    "from a number": lambda x, y: 5 + x * y + x * 3 + y * y + 0.0,
}


@each_backend
@pytest.mark.parametrize("name", POWERS)
@pytest.mark.parametrize("n_params", [0, 1, 2])
def test_powers_and_sums_roll_up_to_the_same(name, n_params, backend):
    def expected(x, y):
        leaves = Value(x), Value(y)
        root = POWERS[name](*leaves)
        root.backward()
        return root.data, [leaf.grad for leaf in leaves]

    leaves = Value(1.5), Value(2.5)
    root = POWERS[name](*leaves)
    also = leaves[n_params:]
    program = compile(root, leaves[:n_params], also, backend=backend, also=also)
    for x, y in ((1.5, 2.5), (0.75, 3.0)):
        value, gradient, *beside = program([x, y][:n_params], [x, y][n_params:])
        close(value, expected(x, y)[0])
        close([*gradient, *(beside[0] if also else [])], expected(x, y)[1])
    if also:
        ys = [0.5 + 0.25 * k for k in range(11)]
        rows = [[0.75, y][n_params:] for y in ys]
        value, gradient, beside = program([0.75], rows) if n_params else program([], rows)
        each = [expected(0.75, y) for y in ys]
        close(value, sum(v for v, _ in each) / 11)
        close(gradient, [sum(g[k] for _, g in each) / 11 for k in range(n_params)])
        close(beside, [g[n_params:] for _, g in each])


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("threads", [False, True])
def test_call_after_call_with_batches_of_any_length(reduce, threads, monkeypatch):
    module = pytest.importorskip("tinygrad_edu.replay.native.program")
    if threads:
        monkeypatch.setattr(module, "WORTH_A_THREAD", 50)
        monkeypatch.setattr(module, "cores", lambda: 3)
    w, b, x = Value(0.5), Value(0.25), Value(1.0)
    program = compile((w * x + b).tanh(), [w, b], [x], reduce=reduce, backend="native", also=[])
    plain = compile((w * x + b).tanh(), [w, b], [x], reduce=reduce, backend="python")
    for n in (7, 3, 1, 64, 65, 2, 300, 300, 5):
        rows = np.linspace(-1, 1, n)[:, None]
        value, gradient = program([0.5, 0.25], rows)
        expected = plain([0.5, 0.25], rows.tolist())
        close(value, expected[0])
        close(gradient, expected[1])
        close(program([0.5, 0.25], rows[0])[1], plain([0.5, 0.25], rows[0].tolist())[1])
        for wrong in (np.zeros((n, 2)), np.zeros((n, 0)), np.zeros(2), np.zeros(0), np.zeros((1, n, 1))):
            with pytest.raises(ValueError, match="expected"):
                program([0.5, 0.25], wrong)
        for wrong in ([0.5], [0.5, 0.25, 1.0], []):
            with pytest.raises(ValueError, match="expected 2 params"):
                program(np.array(wrong), rows)


@each_backend
def test_sums_inside_of_sums_in_a_partial(backend):
    partial = "2 * (x_i - sum(x_i)) - 2 * sum(x_i - sum(x_i))"
    with registered("spread", "s", "sum(square(x_i - sum(x_i)))", partial) as row:
        a, b, x = Value(2.0), Value(3.0), Value(4.0)
        program = compile(row.function([a, b, x]), [a, b], [x], backend=backend)
        value, gradient = program([2.0, 3.0], [4.0])
        close(value, 110.0)
        close(gradient, [22.0, 24.0])
        close(program([2.0, 3.0], [[4.0], [0.0]])[1], [(22.0 + 14.0) / 2, (24.0 + 16.0) / 2])
        close(program.hessian([2.0, 3.0], [4.0]), [[4.0, 2.0], [2.0, 4.0]])
