"""Programs called again and again, and chains of sums in every shape, on each backend beside the engine."""

import ctypes
import math
import threading

import pytest

from tests.test_replay import close, each_backend
from tinygrad_edu import Value, compile

np = pytest.importorskip("numpy")


def model(reduce="mean", backend="native", size=3):
    """½ (tanh(w·x + b) - t)², its params w and b, its inputs x and t."""
    from tinygrad_edu import dot

    w, x = ([Value(0.1 * (k + 1) * sign) for k in range(size)] for sign in (1, -1))
    b, t = Value(0.3), Value(0.5)
    root = (dot(w, x) + b).tanh()
    root = (root - t) ** 2 / 2
    return compile(root, [*w, b], [*x, t], backend=backend, reduce=reduce)


def by_hand(params, inputs):
    """Value and gradient of each example."""
    w, b, x, t = params[:-1], params[-1], inputs[:, :-1], inputs[:, -1]
    y = np.tanh(x @ w + b)
    slope = (y - t) * (1 - y * y)
    return (y - t) ** 2 / 2, np.column_stack([slope[:, None] * x, slope])


@each_backend
def test_arrays_that_must_not_change_are_read_without_a_warning(backend):
    program, rng = model(backend=backend), np.random.default_rng(1)
    program.irregular = False
    params, inputs = rng.normal(size=4), rng.normal(size=(5, 4))
    for array in (params, inputs):
        array.flags.writeable = False
    values, gradients = by_hand(params, inputs)
    value, gradient = program(params, inputs)
    close(value, values.mean())
    close(gradient, gradients.mean(0))
    close(program.value(params, inputs[0]), values[0])


@each_backend
@pytest.mark.parametrize("reduce", ["mean", "sum", None])
def test_every_call_is_right_not_only_the_first(backend, reduce):
    program, rng = model(reduce, backend), np.random.default_rng(1)
    for n in (1, 7, 1, 64, 65, 7, 300, 7):
        params, inputs = rng.normal(size=4), rng.normal(size=(n, 4))
        values, gradients = by_hand(params, inputs)
        if reduce:
            values, gradients = (getattr(np, reduce)(part, axis=0) for part in (values, gradients))
        for _ in range(2):
            value, gradient = program(params, inputs)
            close(value, values)
            close(gradient, gradients)
        one, gradient = program(params, inputs[0])
        close(one, by_hand(params, inputs[:1])[0][0])
        close(gradient, by_hand(params, inputs[:1])[1][0])


@each_backend
def test_a_warm_program_refuses_what_a_new_one_does(backend):
    program = model("mean", backend)
    params, inputs = np.full(4, 0.5), np.full((5, 4), 0.25)
    for _ in range(3):
        program(params, inputs)
        program(params, inputs[0])
        for wrong in (params[:3], np.full(5, 0.5), params.reshape(2, 2)):
            with pytest.raises((ValueError, TypeError), match="the program expected"):
                program(wrong, inputs)
            with pytest.raises((ValueError, TypeError), match="the program expected"):
                program(wrong, inputs[0])
        for wrong in (inputs[:, :3], np.full((5, 5), 0.5), inputs[:0], inputs[0][:3], np.full(5, 0.1)):
            with pytest.raises((ValueError, TypeError), match="the program expected"):
                program(params, wrong)


@each_backend
def test_a_result_is_not_changed_by_the_next_call(backend):
    program = model("sum", backend)
    first = program(np.full(4, 0.5), np.full((5, 4), 0.25))
    kept = [np.array(part, copy=True) for part in first]
    program(np.full(4, -0.5), np.full((5, 4), 0.75))
    program(np.full(4, -0.5), np.full((2, 4), 0.75))
    for part, copy in zip(first, kept, strict=True):
        assert np.array_equal(part, copy)


@each_backend
@pytest.mark.parametrize("reduce", ["mean", "sum", None])
def test_what_an_earlier_call_left_behind_does_not_come_into_a_later_one(backend, reduce):
    """Not even where its last examples were not finite, and vectors of the machine reach as far."""
    program, params = model(reduce, backend), np.full(4, 0.5)
    inputs = np.random.default_rng(3).normal(size=(300, 4))
    spoiled = inputs.copy()
    spoiled[1:] = [[np.nan], [np.inf], [-np.inf]] * 99 + [[np.nan]] * 2
    for n in (1, 5, 17, 31):
        fresh = model(reduce, backend)(params, inputs[:n])
        for before in (300, 32, n):
            program(params, spoiled[:before])
            for mine, other in zip(program(params, inputs[:n]), fresh, strict=True):
                close(mine, other)


@each_backend
def test_threads_may_call_one_program(backend):
    program, rng = model("mean", backend), np.random.default_rng(2)
    cases = [(rng.normal(size=4), rng.normal(size=(n, 4))) for n in (1, 3, 50, 400)]
    expected = [[part.mean(axis=0) for part in by_hand(*case)] for case in cases]
    wrong = []

    def call(case, right):
        for _ in range(30):
            value, gradient = program(*case)
            if not (np.allclose(value, right[0], rtol=1e-12) and np.allclose(gradient, right[1], rtol=1e-12)):
                wrong.append(case)

    threads = [threading.Thread(target=call, args=pair) for pair in zip(cases, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@each_backend
@pytest.mark.parametrize("power", [2, 3, 4, 1, 0, -1, -2, 0.5, -0.5, 2.5])
def test_powers_with_constant_exponents(backend, power):
    x, w = Value(1.7), Value(0.6)
    root = (w * x) ** power + w
    root.backward()
    program = compile(root, [w], [x], backend=backend, reduce="sum")
    for _ in range(2):
        value, gradient = program([0.6], [1.7])
        close(value, root.data)
        close(gradient[0], w.grad)
        value, gradient = program([0.6], [[1.7], [1.7], [1.7]])
        close(value, 3 * root.data)
        close(gradient[0], 3 * w.grad)


def chain(w, x, start, products, extra):
    """start + Σ products, written term by term; `extra` uses what else there is."""
    total = start
    for k in range(len(w)):
        total = products(total, w[k], x[k])
    return extra(total, w, x, start)


PRODUCTS = {
    "acc + w x": lambda acc, w, x: acc + w * x,
    "acc + x w": lambda acc, w, x: acc + x * w,
    "w x + acc": lambda acc, w, x: w * x + acc,
    "acc + x x": lambda acc, w, x: acc + x * x,
    "acc + w w": lambda acc, w, x: acc + w * w,
    "acc - w x": lambda acc, w, x: acc - w * x,
    "acc + 2 x": lambda acc, w, x: acc + 2 * x,
    "acc + x": lambda acc, w, x: acc + x,
}
EXTRA = {
    "alone": lambda acc, w, x, start: acc,
    "base used twice": lambda acc, w, x, start: acc * start + start,
    "an operand used again": lambda acc, w, x, start: acc * w[0] + x[-1],
    "the end used twice": lambda acc, w, x, start: acc * acc,
}


@each_backend
@pytest.mark.parametrize("products", PRODUCTS)
@pytest.mark.parametrize("extra", EXTRA)
def test_chains_of_sums(backend, products, extra):
    for size in (1, 2, 3, 8, 17):
        for start_is in ("param", "input", "constant", "an operand"):
            w = [Value(0.3 + 0.1 * k, f"w{k}") for k in range(size)]
            x = [Value(0.9 - 0.2 * k, f"x{k}") for k in range(size)]
            start = {"param": Value(0.7), "input": Value(-0.4), "constant": 1.5, "an operand": w[0]}[start_is]
            root = chain(w, x, start, PRODUCTS[products], EXTRA[extra])
            root.backward()
            used = {p for node in tape(root) for p in node.parents if isinstance(p, Value)}
            params = [leaf for leaf in [*w, *([start] if start_is == "param" else [])] if leaf in used]
            inputs = [leaf for leaf in [*x, *([start] if start_is == "input" else [])] if leaf in used]
            if not params:
                params, inputs = inputs, []
            program = compile(root, params, inputs, backend=backend, reduce="sum")
            data = [p.data for p in params], [i.data for i in inputs]
            value, gradient = program(*data)
            close(value, root.data)
            close(gradient, [p.grad for p in params])
            if inputs:
                value, gradient = program(data[0], [data[1]] * 3)
                close(value, 3 * root.data)
                close(gradient, [3 * p.grad for p in params])


def tape(root):
    from tinygrad_edu.engine import topological

    return topological(root)


@pytest.mark.parametrize("field", ["type", "data", "dimensions", "shape", "dtype", "flags"])
def test_where_arrays_lie_otherwise_in_memory_native_calls_the_ordinary_way(monkeypatch, field):
    calling = pytest.importorskip("tinygrad_edu.replay.native.calling")
    assert calling.as_expected()
    fields = [*calling.Array._fields_]
    fields.insert([name for name, _ in fields].index(field), ("more", ctypes.c_int64))
    monkeypatch.setattr(calling, "Array", type("Array", (ctypes.Structure,), {"_fields_": fields}))
    assert ctypes.sizeof(calling.Array) <= np.ndarray.__basicsize__
    assert not calling.as_expected()
    monkeypatch.setattr(calling, "AS_EXPECTED", False)
    w, x = Value(0.5), Value(2.0)
    program = compile((w * x).tanh(), [w], [x], backend="native")
    params, batch = np.array([0.5]), np.array([[2.0], [4.0]])
    for _ in range(2):
        assert program.quick(params, batch[0]) is None
        close(program(params, batch[0])[0], math.tanh(1.0))
        close(program(params, batch)[1], [(2 / math.cosh(1.0) ** 2 + 4 / math.cosh(2.0) ** 2) / 2])


def test_values_alone_of_many_examples_need_no_place_for_gradients():
    """No place is computed from that of a gradient which is not wanted."""
    program_module = pytest.importorskip("tinygrad_edu.replay.native.program")
    w, x = Value(0.5), Value(2.0)
    program = compile((w * x).tanh(), [w], [x], outputs=[w * x], reduce=None, backend="native")
    params, inputs, values = np.array([0.5]), np.array([[2.0], [4.0], [6.0]]), np.empty((3, 1))
    program(params, inputs)
    runner, address = program.runner("each", True), program_module.address
    rows, also = np.hstack([np.full((3, 1), 0.5), inputs]), np.empty((3, 1))
    runner.run(address(params), address(rows), 3, 1.0, None, None, address(values), address(also), locked=True)
    close(values[:, 0], np.tanh([1.0, 2.0, 3.0]))
    close(program.forward(params, inputs)[:, 0], [1.0, 2.0, 3.0])
