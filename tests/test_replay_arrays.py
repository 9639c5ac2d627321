"""Arrays recovered from scalars: they agree with the columns and with the engine, and read as a person would write."""

import importlib
import math
import os
import random
import sys
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.test_replay import INSTALLED, Picture, check_agreement, close, layers
from tinygrad_edu import nn
from tinygrad_edu.check.strategies import Graph, expressions
from tinygrad_edu.engine import TABLE, Value, hessian, leaves, registered
from tinygrad_edu.engine.languages import PRODUCT
from tinygrad_edu.replay import compile
from tinygrad_edu.replay.expressions import Expression, contracted
from tinygrad_edu.replay.places import sliced

np = pytest.importorskip("numpy")
NumpyProgram = importlib.import_module("tinygrad_edu.replay.numpy_arrays").NumpyProgram

ON_ARRAYS = [name for name in INSTALLED if name in ("numpy", "jax", "torch")]


@pytest.fixture(autouse=True)
def always_arrays(monkeypatch):
    """Small random graphs are irregular, and would run line by line."""
    monkeypatch.setattr(NumpyProgram, "irregular", False)


@settings(max_examples=200 if os.environ.get("CI") else settings().max_examples)
@given(expressions(max_nodes=10), st.integers(0, 3), st.data())
def test_random_graphs_agree(graph, n_params, data):
    check_agreement(["python", "numpy"], graph, n_params, data)


def test_a_product_with_one_is_summed_in_brackets():
    graph = Graph([0.0, 0.0], [("unit", 0, 1)])
    w, x = graph.leaves
    program = compile(graph.root, [w], [x], backend="numpy")
    assert program([0.0], [[0.0]] * 3)[1] == pytest.approx(program([0.0], [0.0])[1])
    assert "(square(unit(" in program.arrays


@settings(max_examples=100 if os.environ.get("CI") else 40)
@example(13, [(0, 12, (0, 0)), (7, 5, (3, 2))], 491, 7, 8)  # products have holes, with params for each
@given(st.integers(1, 40), layers, st.integers(0, 2**16), st.integers(0, 40), st.integers(1, 70))
def test_wide_graphs_agree(width, layers, seed, n_params, n):
    picture = Picture(width, layers, seed)
    check_wide("numpy", picture, n_params, n, seed)


@pytest.mark.skipif("torch" not in INSTALLED, reason="needs torch")
@settings(max_examples=50)
@given(st.integers(1, 40), layers, st.integers(0, 2**16), st.integers(0, 40), st.integers(1, 70))
def test_wide_graphs_agree_on_torch(width, layers, seed, n_params, n):
    check_wide("torch", Picture(width, layers, seed), n_params, n, seed)


@pytest.mark.skipif("jax" not in INSTALLED, reason="needs jax")
@settings(max_examples=3)  # XLA compiles each several times
@given(st.integers(1, 40), layers, st.integers(0, 2**16), st.integers(0, 40), st.integers(1, 70))
def test_wide_graphs_agree_on_jax(width, layers, seed, n_params, n):
    check_wide("jax", Picture(width, layers, seed), n_params, n, seed)


def check_wide(backend, picture, n_params, n, seed):
    params, inputs = picture.leaves[:n_params], picture.leaves[n_params:]
    data = [leaf.data for leaf in picture.leaves]
    picture.root.backward()
    expected = [leaf.grad for leaf in picture.leaves]
    size = max(1.0, *map(abs, expected))
    options = {"also": inputs, "outputs": [picture.root, *picture.outputs]}
    program = compile(picture.root, params, inputs, backend=backend, **options)
    value, *gradients = program(data[:n_params], data[n_params:])
    close(value, picture.root.data, 1e-11)
    close(np.concatenate(gradients), expected, 1e-11 * size)
    rng = np.random.default_rng(seed)
    batch = rng.uniform(-1, 1, size=(n, len(inputs)))
    batch[rng.uniform(size=batch.shape) < 0.01] = rng.choice([np.nan, np.inf, -np.inf, 0.0])
    for reduce in ("mean", "sum", None):
        other = compile(picture.root, params, inputs, reduce=reduce, backend="numpy", **options)
        other.irregular = True  # line by line
        program = compile(picture.root, params, inputs, reduce=reduce, backend=backend, **options)
        theirs = [*other(data[:n_params], batch), other.forward(data[:n_params], batch)]
        mine = [*program(data[:n_params], batch), program.forward(data[:n_params], batch)]
        for a, b in zip(mine, theirs, strict=True):
            close(a, b, 1e-10 * max(1.0, np.abs(np.nan_to_num(b, posinf=0, neginf=0)).max(initial=0.0)))


@given(expressions(max_nodes=6))
def test_second_derivatives_agree(graph):
    params = leaves(graph.root)
    expected = np.array([[h.data for h in row] for row in hessian(graph.root, params)])
    size = max(1.0, np.abs(expected).max(), *(abs(node.data) for node in graph.nodes))
    found = compile(graph.root, params, backend="numpy").hessian([leaf.data for leaf in params])
    close(found, expected, 1e-9 * size)


def demo():
    """One point of micrograd's demo: 2-16-16-1, hinge, L2."""
    network = nn.MLP(2, [16, 16, 1], activation="relu", seed=1)
    x1, x2, y = Value(0.5, "x1"), Value(-0.3, "x2"), Value(1.0, "y")
    penalty = 1e-4 * TABLE["sum"].function([p * p for p in network.parameters()])
    return compile((1 - y * network([x1, x2])).relu() + penalty, network.parameters(), [x1, x2, y], backend="numpy")


def test_the_demo_is_thirty_lines_of_slices_and_matrix_products():
    text = demo().arrays
    assert len(text.splitlines()) <= 30
    assert "W2 = w[48:320].reshape(16, 17)[:, 0:16]" in text
    assert "z3 = W2 @ relu1 + w[64:320:17][:, None]" in text
    assert "d_relu1 = W2.T @ d_z3" in text
    assert text.count("@") == 8
    assert "[i" not in text  # no table of indices


def test_recovered_source_runs_alone():
    """What is printed needs NumPy's names, and those of the operations."""
    program = demo()
    w = np.random.default_rng(0).normal(size=337)
    batch = np.random.default_rng(1).normal(size=(100, 3))
    names = {"relu": lambda x: np.maximum(x, 0), "step": lambda x: (x > 0) * 1.0, "zeros": np.zeros}
    exec(program.arrays, names)
    value, gradient = names["program"](w, batch.T)
    close(value, program(w, batch)[0])
    close(gradient, program(w, batch)[1])


def test_an_irregular_graph_stays_line_by_line(monkeypatch):
    monkeypatch.undo()
    w, x = Value(0.5, "w"), Value(2.0, "x")
    assert compile((w * x).sin() / x, [w], [x], backend="numpy").irregular
    assert not demo().irregular


@pytest.mark.parametrize("kind", ["convolution", "recurrent", "attention", "causal"])
def test_what_needs_no_indices_has_none(kind):
    """Shared weights, time steps and heads are slices and products; only windows and the causal mask take indices."""
    rng = random.Random(0)

    def numbers(n):
        return [Value(rng.uniform(-1, 1)) for _ in range(n)]

    dot, total = TABLE["dot"].function, TABLE["sum"].function
    if kind == "convolution":
        w, x = numbers(12), numbers(16)
        root = total([dot(w[3 * c : 3 * c + 3], x[k : k + 3]).relu() for c in range(4) for k in range(14)])
    elif kind == "recurrent":
        w, x = numbers(40), numbers(24)
        h = [dot(w[8 * k : 8 * k + 3], x[:3]).tanh() for k in range(5)]
        for t in range(1, 8):
            inner = [(w[8 * k : 8 * k + 3], w[8 * k + 3 : 8 * k + 8]) for k in range(5)]
            h = [(dot(a, x[3 * t : 3 * t + 3]) + dot(b, h)).tanh() for a, b in inner]
        root = total(h)
    else:
        w, x = numbers(48), numbers(20)
        rows = [x[4 * k : 4 * k + 4] for k in range(5)]
        q, k, v = [[[dot(w[16 * m + 4 * j : 16 * m + 4 * j + 4], r) for j in range(4)] for r in rows] for m in range(3)]
        mixed = []
        for i in range(5):
            seen = range(i + 1 if kind == "causal" else 5)
            e = [dot(q[i], k[j]).exp() for j in seen]
            mixed += [dot(e, [v[j][c] for j in seen]) / total(e) for c in range(4)]
        root = total([m * m for m in mixed])
    program = compile(root, w, x, backend="numpy")
    data, batch = [p.data for p in w], [[p.data for p in x], [rng.uniform(-1, 1) for _ in x]]
    by_lines = compile(root, w, x, backend="python")
    for mine, other in zip(program(data, batch), by_lines(data, batch), strict=True):
        close(mine, other)
    assert "@" in program.arrays
    assert ("[i" in program.arrays) == (kind in ("convolution", "causal"))


@pytest.mark.parametrize("backend", ON_ARRAYS)
@pytest.mark.parametrize("name", ["where", "zeros", "einsum", "w"])
def test_a_row_may_have_the_name_of_what_array_programs_call(backend, name):
    with registered(name, name, "3 * x", "3") as row:
        w = [Value(0.1 * k) for k in range(9)]
        total = TABLE["sum"].function([row.function(p) * p for p in w])
        program, data = compile(total, w, outputs=[total], backend=backend), [p.data for p in w]
        value, gradient = program(data)
        close(value, total.data)
        close(program.forward(data), [total.data])
        close(gradient, [6 * p.data for p in w])


@pytest.mark.parametrize("library", ["numpy", "jax", "torch"])
@pytest.mark.parametrize("outer", [False, True])
def test_a_text_does_not_take_what_its_library_has_for_a_row_of_that_name(library, outer):
    with registered("amax", "amax", "x * x", "2 * x") as row, registered("beyond", "b", "amax(x)", "2 * x") as user:
        a, b = Value(2.0), Value(3.0)
        program = compile((user if outer else row).function(a) * b, [a, b], backend="python")
        with pytest.raises(
            ValueError, match=r"\(\) has something else called 'amax': register the operation by another"
        ):
            getattr(program, library)()
        assert program([2.0, 3.0]) == (12.0, [12.0, 4.0])


@pytest.mark.parametrize("name", ["params", "float"])
def test_a_row_called_as_a_word_of_programs_is_refused(name):
    with registered(name, name, "3 * x", "3") as row:
        w = Value(2.0)
        with pytest.raises(ValueError, match=f"^a program has something else called '{name}': register the operation"):
            compile(row.function(w), [w], backend="python")([2.0])


@pytest.mark.parametrize("backend", ON_ARRAYS)
@pytest.mark.parametrize("reduce", ["sum", None])
def test_a_gradient_is_that_of_the_table_also_where_a_library_has_its_own(backend, reduce):
    most = "max(x_i) + sum(x_i * y_i)"
    with registered("passed", "p", "step(x) + y", "1", "3") as passed, registered("most", "m", most, "2", "out") as row:
        w, x = [Value(0.1 * k - 0.3) for k in range(6)], [Value(0.5), Value(-0.25), Value(2.0)]
        terms = [passed.function(p * x[k % 3], x[0]) for k, p in enumerate(w)]
        root = row.function(terms, [p + x[1] for p in w]) + row.function(w, w)
        program, lines = (compile(root, w, x, also=x, reduce=reduce, backend=name) for name in (backend, "python"))
        data, batch = [p.data for p in w], [[0.5, -0.25, 2.0], [-1.0, 0.5, 3.0]]
        for mine, other in zip(program(data, batch), lines(data, batch), strict=True):
            close(mine, other)


@pytest.mark.parametrize("backend", ON_ARRAYS)
def test_what_is_not_read_may_be_infinite(backend):
    """Causal sums are padded and masked: what a row does not read must not make it nan."""
    w = [Value(0.1 * k) for k in range(12)]
    x = [Value(1.0 + k) for k in range(4)]
    dot, total = TABLE["dot"].function, TABLE["sum"].function
    e = [p.exp() for p in w]
    roots = [v.sqrt() for v in x]
    sums = [dot(e[3 * k : 3 * k + k + 1], roots[: k + 1]).tanh() for k in range(3)]
    root = total([*sums, *[p * 0.01 for p in w], x[3] * 1.0])
    program = compile(root, w, x, also=x, backend=backend)
    lines = compile(root, w, x, also=x, backend="python")
    data = [p.data for p in w]
    for batch in ([[1.0, 2.0, math.inf, 4.0]], [[1.0, math.inf, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0]]):
        for mine, other in zip(program(data, batch), lines(data, batch), strict=True):
            close(mine, other)


def test_python_does_not_look_at_each_number():
    """Arrays are checked by their type: the lines that Python runs in a call do not depend on the examples."""
    w, x = Value(0.5, "w"), Value(2.0, "x")
    program = compile((w * x).tanh(), [w], [x], outputs=[w * x], backend="numpy")

    def lines(n):
        count = 0

        def trace(frame, event, argument):
            nonlocal count
            count += 1
            return trace

        params, batch = np.array([0.5]), np.ones((n, 1))
        program(params, batch), program.forward(params, batch), program.value(params, batch)
        sys.settrace(trace)
        try:
            program(params, batch), program.forward(params, batch), program.value(params, batch)
        finally:
            sys.settrace(None)
        return count

    assert lines(1000) == lines(10)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.lists(st.integers(1, 14), min_size=3, max_size=3),
    st.integers(0, 20),
    st.integers(0, 9),
)
def test_a_slice_holds_exactly_the_places_of_its_table(lengths, steps, base, behind):
    table = np.full((), base)
    for n, step in zip(lengths, steps, strict=False):
        table = table[..., None] + step * np.arange(n)
    size = int(table.max()) + 1 + behind
    found = sliced(size, (size,), table)
    if found is not None:
        part = np.arange(size)[found.first : found.end].reshape(found.shape)
        part = eval(f"part[{', '.join(found.spans) or '...'}]", {"part": part})
        assert sorted(part.ravel()) == sorted(table.ravel())
        there = part.reshape(found.split).transpose(np.argsort(found.order))
        assert (there.ravel() == table.ravel()).all()


@given(st.lists(st.integers(2, 5), min_size=2, max_size=4), st.data())
def test_a_box_of_an_array_is_a_slice(shape, data):
    whole = np.arange(math.prod(shape)).reshape(shape)
    cuts = [slice(None)] if data.draw(st.booleans()) else []
    while len(cuts) < len(shape):
        first = data.draw(st.integers(0, shape[len(cuts)] - 2))
        cuts.append(slice(first, data.draw(st.integers(first + 2, shape[len(cuts)]))))
    table = whole[tuple(cuts)]
    found = sliced(whole.size, (whole.size,), table)
    assert found is not None
    part = np.arange(whole.size)[found.first : found.end].reshape(found.shape)
    part = eval(f"part[{', '.join(found.spans) or '...'}]", {"part": part})
    assert (part.ravel() == table.ravel()).all()


def test_rows_up_to_the_end_of_an_array_are_a_slice_of_its_last_rows():
    found = sliced(7, (7,), np.array([[2, 3], [5, 6]]))
    assert found is not None and (found.first, found.end, found.spans) == (1, 7, (":", "1:3"))


@pytest.mark.parametrize("name", ["sign", "step"])
def test_where_a_partial_is_0_nothing_flows_also_not_from_what_is_infinite(name):
    w, x = Value(2.0, "w"), Value(3.0, "x")
    product = w * x
    program = compile(getattr(product, name)() * product, [w], [x], also=[x], backend="numpy")
    assert program([2.0], [math.inf])[2] == [2.0]


def test_names_that_are_the_programs_own_are_given_once():
    a, b, x = Value(0.5, "a"), Value(-0.5, "b"), Value(2.0, "x")
    with registered("part", "p", "x * x", "2 * x"):
        hidden = [(a * x).part(), (b * x).exp(), (a * b).tanh()]
        for node, label in zip(hidden[1:], ("d_rest", "rest"), strict=True):
            node.label = label
        root = TABLE["logsumexp"].function(hidden)
        program, lines = (compile(root, [a, b], [x], backend=backend) for backend in ("numpy", "python"))
        for mine, other in zip(program([0.5, -0.5], [2.0]), lines([0.5, -0.5], [2.0]), strict=True):
            close(mine, other)
        targets = [line.partition(" = ")[0].strip() for line in program.arrays.splitlines()[1:] if " = " in line]
    assert len(targets) == len({*targets}) and "part1_2" in targets


@pytest.mark.parametrize("reduce", ["mean", "sum", None])
def test_examples_of_several_blocks_count_alike(reduce, monkeypatch):
    module = sys.modules[NumpyProgram.__module__]
    monkeypatch.setattr(module, "LEAST", 3)
    monkeypatch.setattr(module, "NUMBERS_IN_CACHE", 1)
    w, x = Value(2.0, "w"), Value(1.0, "x")
    program = compile(w * x * x, [w], [x], reduce=reduce, backend="numpy", also=[x])
    numbers = [float(k) for k in range(1, 9)]  # blocks of 3, 3 and 2
    value, gradient, beside = program([2.0], [[x] for x in numbers])
    squares = [x * x for x in numbers]
    if reduce is None:
        close(value, [2 * x for x in squares])
        close(gradient, [[x] for x in squares])
    else:
        share = 1 / 8 if reduce == "mean" else 1.0
        close(value, 2 * sum(squares) * share)
        close(gradient, [sum(squares) * share])
    close(beside, [[4 * x] for x in numbers])


def test_outputs_that_are_the_same_for_all_examples_stand_once_for_each(monkeypatch):
    module = sys.modules[NumpyProgram.__module__]
    monkeypatch.setattr(module, "LEAST", 3)
    monkeypatch.setattr(module, "NUMBERS_IN_CACHE", 1)
    w, x = Value(2.0, "w"), Value(1.0, "x")
    program = compile(w * x, [w], [x], outputs=[w * w, w], backend="numpy")
    close(program.forward([3.0], [[1.0]] * 8), [[9.0, 3.0]] * 8)


def test_the_text_of_arrays_says_what_is_done_with_the_examples():
    w, x = Value(2.0, "w"), Value(1.0, "x")
    mean, total = (compile((w * x).exp(), [w], [x], reduce=how, backend="numpy").arrays for how in ("mean", "sum"))
    assert "return exp1.sum() / N, d_w / N" in mean and "N = X.shape[-1]" in mean
    assert "return exp1.sum(), d_w\n" in total
    assert "N" not in compile(w * w, [w], backend="numpy").arrays


@pytest.mark.parametrize(
    ("a", "b", "out", "text"),
    [
        ("abt", "tn", "abn", "A @ B"),
        ("at", "tn", "an", "A @ B"),
        ("abt", "abt", "a", "einsum('abt,abt->a', A, B)"),
        # Axes side by side make one.
        ("atu", "btu", "ab", "A.reshape(2, -1) @ B.reshape(3, -1).T"),
        ("aj", "jkn", "akn", "(A @ B.reshape(5, -1)).reshape(2, 3, N)"),
        ("akn", "jkn", "aj", "A.reshape(2, -1) @ B.reshape(5, -1).T"),
        ("an", "jkn", "ajk", "(A @ B.reshape(-1, N).T).reshape(2, 5, 3)"),
        # One behind another, summed over too.
        ("abn", "atn", "bt", "(A @ B.swapaxes(-1, -2)).sum(-3)"),
        ("abkt", "abku", "tu", "(A.swapaxes(-1, -2) @ B).sum((-4, -3))"),
        ("t", "atn", "an", "A @ B"),
        ("abt", "t", "ab", "A @ B"),
    ],
)
def test_products_are_written_as_a_person_would(a, b, out, text):
    sizes = {"a": 2, "b": 3, "j": 5, "k": 3, "t": 5, "u": 7}
    found = contracted(Expression("A", a), Expression("B", b), out, sizes).text
    assert found == text
    arrays = [
        np.random.default_rng(k).uniform(size=[(sizes | {"n": 4})[x] for x in axes]) for k, axes in enumerate((a, b))
    ]
    given = eval(found, {"A": arrays[0], "B": arrays[1], "N": 4, "einsum": np.einsum})
    close(given, np.einsum(f"{a},{b}->{out}", *arrays), 1e-12)


def test_a_product_with_one_over_something_is_a_division():
    d, z = Expression("d", "an"), Expression("z", "an")
    found = [x * (1 / z) for x in (d, d + 1, 2.0)]
    found += [d * (1 / (z + 1)), d * (z / 1), d * Expression("1 / z @ y", "an", PRODUCT)]
    assert [*map(str, found)] == ["d / z", "(d + 1) / z", "2 / z", "d / (z + 1)", "d * z", "d * (1 / z @ y)"]


@pytest.mark.parametrize(
    ("dots", "lines"),
    [
        (True, ["X_1 = X.reshape(4, 2, N)", "z1 = W1 @ X_1 + w[8:10][:, None]", "z4 = W2 @ tanh3 + z1[3]"]),
        (False, ["X_1 = X[2:8].reshape(3, 2, N)", "z2 = W1 @ X_1", "z5 = z2[2] + W2 @ tanh3 + w[8:10][:, None]"]),
    ],
)
def test_what_no_step_waits_for_is_one_product_over_all_steps(dots, lines):
    """Also where sums are written with + and *."""

    def product(x, y):
        return (
            TABLE["dot"].function(x, y)
            if dots
            else sum((a * b for a, b in zip(x[1:], y[1:], strict=True)), x[0] * y[0])
        )

    rng = random.Random(1)
    w, v, a, c, biases, *x = [[Value(rng.uniform(-1, 1)) for _ in range(2)] for _ in range(9)]
    params, inputs = [*w, *v, *a, *c, *biases], [number for now in x for number in now]
    h = [(b + product(own, x[0])).tanh() for own, b in zip((a, c), biases, strict=True)]
    for now in x[1:]:
        rows = zip((w, v), (a, c), biases, strict=True)
        h = [(product(row, h) + b + product(own, now)).tanh() for row, own, b in rows]
    program = compile(h[0] * h[1], params, inputs, backend="numpy")
    assert {*lines} <= {*program.arrays.split("\n    ")}
    batch = np.random.default_rng(1).uniform(-1, 1, (7, len(inputs)))
    data = [p.data for p in params]
    close(program(data, batch)[1], program.by_columns("reduced", np.array(data), batch)[1], 1e-13)


def test_the_arrays_of_a_program_in_order_with_their_lines():
    w, b, x = Value(2.0, "w"), Value(0.5, "b"), Value(1.0, "x")
    program = compile((w * x + b).tanh(), [w, b], [x], backend="numpy")
    nodes = {node.name: node for node in program.array_graph()}
    assert [*nodes][:2] == ["w", "X"] and [*nodes][-1] == "program"
    lines = [line for node in nodes.values() for line in (*node.value, *node.gradient)]
    text = program.arrays.splitlines()[1:]
    written = [line.strip() for line in text if line.strip() and not line.strip().startswith(("#", "N =", "return"))]
    assert sorted(lines[:-2]) == sorted(written)
    assert nodes["X"].operands == nodes["w"].operands == []


@pytest.mark.skipif("jax" not in INSTALLED, reason="needs jax")
@pytest.mark.parametrize("reduce", ["mean", "sum", None])
def test_arrays_of_jax_stay_arrays_of_jax(reduce):
    import jax

    w, b, x, t = Value(0.5, "w"), Value(0.1, "b"), Value(2.0, "x"), Value(1.0, "t")
    root = ((w * x + b).sigmoid() - t) ** 2
    program = compile(root, [w, b], [x, t], also=[x], backend="jax", reduce=reduce)
    params, batch = np.array([0.5, 0.1]), np.array([[2.0, 1.0], [-800.0, 0.0], [800.0, 0.0]])
    with jax.enable_x64(True):
        for inputs in (batch[0], batch):
            expected = program(params, inputs)
            found = program(jax.numpy.asarray(params), jax.numpy.asarray(inputs))
            assert all(isinstance(part, jax.Array) for part in found)
            for mine, other in zip(found, expected, strict=True):
                close(np.asarray(mine), other)
            for mine, other in zip(jax.jit(program)(params, inputs), expected, strict=True):
                close(np.asarray(mine), other)
        with pytest.raises(ValueError, match="the program expected 2 params, got an array of shape"):
            program(jax.numpy.zeros(3), batch)


@pytest.mark.parametrize(("missing", "product"), [(0, True), (3, True), (8, True), (9, False)])
def test_of_all_pairs_half_make_a_product_of_matrices(missing, product):
    rows, columns = (
        [[Value(0.1 * (4 * r + k + 1)) for k in range(3)] for r in range(4)],
        [[Value(0.3 * (4 * c + k + 1)) for k in range(3)] for c in range(4)],
    )
    pairs = [(r, c) for r in range(4) for c in range(4)]
    random.Random(missing).shuffle(pairs)
    pairs = sorted(pairs[missing:])
    ends = {r for r, _ in pairs} | {c + 4 for _, c in pairs}
    dot = TABLE["dot"].function
    root = TABLE["sum"].function([dot(rows[r], columns[c]).tanh() for r, c in pairs])
    used = [side for k, side in enumerate(rows + columns) if k in ends]
    assert (" @ " in compile(root, [p for side in used for p in side], backend="numpy").arrays) == product


@pytest.mark.parametrize("name", ["k", "i", "m", "b"])
def test_a_row_that_is_called_as_a_table_or_a_view_is_has_arrays_of_its_own(name):
    with registered(name, name, "x * x + x", "2 * x + 1"):
        w = [Value(x) for x in (0.5, -2.0, 3.0, 0.25)]
        terms = [TABLE[name].function(a * 0.5) * c + c for a, c in zip(w, (1.0, 2.0, 4.0, 3.5), strict=True)]
        root = sum(w[k] * terms[k] for k in (1, 0, 3, 2))
        root.backward()
        program, data = compile(root, w, backend="numpy"), np.array([p.data for p in w])
        value, gradient = program.by_arrays("reduced", data, np.empty(0))
        assert value == pytest.approx(root.data, rel=1e-14)
        close(gradient, [p.grad for p in w], 1e-14)


def test_a_label_with_an_n_is_no_number_of_examples():
    w = [Value(0.5), Value(2.0)]
    hidden = [p.tanh() for p in w]
    for k, node in enumerate(hidden):
        node.label = f"hN{k}"
    program = compile(hidden[0] * hidden[1], w, backend="numpy")
    assert "hN = tanh(w)" in program.arrays and "X.shape" not in program.arrays


def test_rows_in_any_order_are_chosen_whole():
    letters, places = ([[Value(0.5 * i - j + k) for j in range(3)] for i in range(5)] for k in (0, 7))
    rows = [[a + b for a, b in zip(letters[i], places[k], strict=True)] for k, i in enumerate((3, 0, 4, 1, 2))]
    root = sum((x * y).tanh() for row in rows for x, y in pairwise(row))
    used = [x for row in (*letters, *places) for x in row]
    program = compile(root, used, backend="numpy")
    assert "w[0:15].reshape(5, 3)[i1]" in program.arrays
    root.backward()
    close(program([x.data for x in used])[1], [x.grad for x in used])


@pytest.mark.skipif("jax" not in INSTALLED, reason="needs jax")
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_function_on_jax_gives_numbers_of_the_type_that_it_is_given(kind):
    import jax

    network, x = nn.MLP(2, [3, 2], activation="tanh", seed=1), [Value(0.5), Value(-0.25)]
    program = compile(TABLE["logsumexp"].function(network(x)), network.parameters(), x, also=x, backend="jax")
    data, batch = np.array([p.data for p in network.parameters()], kind), np.array([[0.5, -0.25], [2.0, 1.0]], kind)
    with jax.enable_x64(True):
        found = program.function(data, batch)
    assert [part.dtype.name for part in found] == [kind] * 3
    for mine, other in zip(found, program(data, batch), strict=True):
        close(np.asarray(mine), other, 1e-6 if kind == "float32" else 1e-12)


@pytest.mark.skipif("jax" not in INSTALLED, reason="needs jax")
def test_what_is_not_finite_is_computed_line_by_line_for_arrays_of_jax_too():
    import jax

    w, x = [Value(0.1 * k) for k in range(9)], [Value(1.0 + k) for k in range(3)]
    e, roots = [p.exp() for p in w], [v.sqrt() for v in x]
    dot, total = TABLE["dot"].function, TABLE["sum"].function
    root = total([*(dot(e[3 * k : 4 * k + 1], roots[: k + 1]).tanh() for k in range(3)), *[p * 0.01 for p in w]])
    program, lines = (compile(root, w, x, backend=name) for name in ("jax", "python"))
    data, batch = [p.data for p in w], [[1.0, 2.0, math.inf], [1.0, 2.0, 3.0]]
    with jax.enable_x64(True):
        found = program(jax.numpy.asarray(data), jax.numpy.asarray(batch))
    assert not program.reduced.exact and all(isinstance(part, jax.Array) for part in found)
    for mine, other in zip(found, lines(data, batch), strict=True):
        close(np.asarray(mine), other)
