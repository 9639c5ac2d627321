"""Programs: every backend gives what the eager engine gives, and says what is wrong."""

import importlib.util
import math
import os
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinygrad_edu import nn
from tinygrad_edu.check.functions import rebuilt
from tinygrad_edu.check.strategies import expressions, kink
from tinygrad_edu.engine import TABLE, Value, hessian, leaves, operand_numbers, registered, topological
from tinygrad_edu.engine.formulas import applied
from tinygrad_edu.replay import compile

np = pytest.importorskip("numpy")
dot = TABLE["dot"].function

NEEDS = {"python": None, "numpy": "numpy", "native": "llvmlite", "jax": "jax", "torch": "torch"}
BACKENDS = [
    pytest.param(
        name, marks=pytest.mark.skipif(bool(lib) and importlib.util.find_spec(lib) is None, reason=f"needs {lib}")
    )
    for name, lib in NEEDS.items()
]
INSTALLED = [name for name, lib in NEEDS.items() if lib is None or importlib.util.find_spec(lib)]
each_backend = pytest.mark.parametrize("backend", BACKENDS)
each_row = pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)


def eager(root, params, inputs, data, examples):
    """Value and gradients of each example, by the engine."""
    leaves = [*params, *inputs]
    results = []
    for example in examples:
        fresh, again = rebuilt(root, leaves, [*data, *example])
        again.backward()
        results.append((again.data, [leaf.grad for leaf in fresh]))
    return results


def operands(row):
    """Three operands of each kind for an operation over many, one for others, well inside of the domain."""
    count = 3 if row.many else 1
    found = []
    for domain, places in zip(row.domains, ((0.55, 0.6, 0.7), (0.8, 0.52, 0.66)), strict=False):
        low, high = max(domain.low, -3.0), min(domain.high, 3.0)
        found += [low + (high - low) * place for place in places[:count]]
    return found


def close(actual, expected, tolerance=1e-12):
    np.testing.assert_allclose(
        np.asarray(actual, float), np.asarray(expected, float), rtol=tolerance, atol=tolerance, equal_nan=True
    )


@each_backend
@pytest.mark.parametrize("rows, columns, width", [(1, 3, 4), (3, 1, 4), (2, 2, 3), (5, 3, 8), (9, 6, 17), (8, 8, 16)])
def test_products_of_matrices_in_any_order_of_their_entries_agree_with_the_engine(backend, rows, columns, width):
    rng = random.Random(rows * columns * width)
    weights = [[Value(rng.uniform(-1, 1)) for _ in range(width)] for _ in range(rows)]
    xs = [[Value(rng.uniform(-1, 1)) for _ in range(width)] for _ in range(columns)]
    hidden = [[x.tanh() for x in column] for column in xs]
    pairs = [(row, column) for row in weights for column in hidden]
    rng.shuffle(pairs)
    entries = [dot(row, column) for row, column in pairs]
    starts = [x + dot(row, column) for x, (row, column) in zip(xs[0] * len(pairs), pairs, strict=False)]
    root = dot([y.sin() for y in entries], [y.exp() for y in starts])
    leaves = [leaf for row in (*weights, *xs) for leaf in row]
    data = [leaf.data for leaf in leaves]
    root.backward()
    value, gradient = compile(root, leaves, backend=backend)(data)
    close(value, root.data)
    close(gradient, [leaf.grad for leaf in leaves], 1e-11)


@each_backend
@each_row
def test_every_row_agrees_with_the_engine(backend, row):
    leaves = [Value(x) for x in operands(row)]
    root = applied(row, leaves)
    data = [leaf.data for leaf in leaves]
    batch = [data, [x * 0.9 for x in data], [x * 1.05 for x in data]]
    expected = eager(root, [], leaves, [], batch)

    value, gradient = compile(root, params=leaves, backend=backend)(data)
    close(value, expected[0][0])
    close(gradient, expected[0][1])

    program = compile(root, [], leaves, also=leaves, backend=backend)
    value, _, gradients = program([], batch)
    close(value, np.mean([x for x, _ in expected]))
    close(gradients, [g for _, g in expected])


@each_backend
def test_a_row_registered_at_run_time_runs(backend):
    with registered(
        "swish2", "s2", "x * sigmoid(2*x) + y / 3", "sigmoid(2*x) + 2*x*sigmoid(2*x)*sigmoid(-2*x)", "1 / 3"
    ) as row:
        a, b = Value(0.3, "a"), Value(-0.4, "b")
        root = row.function(a * b, b)
        root.backward()
        value, gradient = compile(root, [a], [b], backend=backend)([0.3], [[-0.4], [-0.4]])
        close(value, root.data)
        close(gradient, [a.grad])


@pytest.mark.parametrize("reduce", ["mean", "sum", None])
@each_backend
def test_a_batch_is_reduced(backend, reduce):
    w, x, t = Value(0.5, "w"), Value(2.0, "x"), Value(3.0, "t")
    root = (w * x - t) ** 2 + 0.1 * w * w
    batch = [[2.0, 3.0], [1.0, 0.5], [0.25, -1.0]]
    expected = eager(root, [w], [x, t], [0.5], batch)
    program = compile(root, [w], [x, t], also=[x], outputs=[w * x], reduce=reduce, backend=backend)
    value, gradient, by_input = program([0.5], batch)
    values, gradients = np.array([v for v, _ in expected]), np.array([g[:1] for _, g in expected])
    close(value, {"mean": values.mean(), "sum": values.sum(), None: values}[reduce])
    close(gradient, {"mean": gradients.mean(axis=0), "sum": gradients.sum(axis=0), None: gradients}[reduce])
    close(by_input, [g[1:2] for _, g in expected])
    close(program.forward([0.5], batch), [[0.5 * x] for x, _ in batch])
    value, gradient, by_input = program([0.5], batch[0])
    close(value, expected[0][0])
    close([*gradient, *by_input], expected[0][1][:2])
    close(program.forward([0.5], batch[0]), [1.0])


@each_backend
def test_a_penalty_on_the_params_counts_once_in_the_mean(backend):
    w, x = Value(2.0, "w"), Value(1.0, "x")
    program = compile(w * x + 10 * w**2, [w], [x], backend=backend)
    close(program([2.0], [[1.0], [3.0]])[0], 2 * 2 + 40)
    close(program([2.0], [[1.0], [3.0]])[1], [2 + 40])


@each_backend
def test_a_network_agrees_with_the_engine(backend):
    network = nn.MLP(3, [4, 5, 2], activation="tanh", seed=1)
    inputs = [Value(x) for x in (0.1, -0.2, 0.3, 1.0, 0.0)]
    outputs = network(inputs[:3])
    root = nn.squared_error(outputs, inputs[3:])
    params = network.parameters()
    rng = random.Random(0)
    data = [p.data for p in params]
    batch = [[rng.uniform(-1, 1) for _ in inputs] for _ in range(70)]
    expected = eager(root, params, inputs, data, batch)
    program = compile(root, params, inputs, outputs=outputs, backend=backend)
    value, gradient = program(data, batch)
    close(value, np.mean([v for v, _ in expected]))
    close(gradient, np.mean([g[: len(params)] for _, g in expected], axis=0))
    close(program.forward(data, batch)[69], [y.data for y in network(batch[69][:3])])


SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0]


def check_agreement(backends, graph, n_params, data):
    """One example with the engine to 1e-12 of the largest number met; a batch, nan and inf in it, with one another."""
    leaves_of_root = leaves(graph.root)
    params, inputs = leaves_of_root[:n_params], leaves_of_root[n_params:]
    start = [leaf.data for leaf in leaves_of_root]
    near = st.tuples(*[st.floats(0.95, 1.05).map(lambda factor, x=x.data: x * factor) for x in inputs])
    wild = st.tuples(*[st.sampled_from([*SPECIAL, x.data]) for x in inputs])
    batch = [start[n_params:], *map(list, data.draw(st.lists(near | wild, max_size=9)))]
    graph.root.backward()
    expected = [leaf.grad for leaf in leaves_of_root]
    size = max(1.0, *map(abs, expected), *(abs(node.data) for node in graph.nodes))
    results = []
    for backend in backends:
        program = compile(graph.root, params, inputs, also=inputs, backend=backend, reduce=None)
        value, *gradients = program(start[:n_params], batch[0])
        close(value, graph.root.data, 1e-12 * size)
        close(np.concatenate([np.asarray(g, float) for g in gradients]), expected, 1e-12 * size)
        if inputs:
            together = compile(graph.root, params, inputs, backend=backend, reduce="sum")
            results.append([*program(start[:n_params], batch), *together(start[:n_params], batch)])
    for result in results[1:]:
        for mine, other in zip(result, results[0], strict=True):
            finite = np.abs(np.asarray(other, float)[np.isfinite(other)])
            close(mine, other, 1e-11 * max(size, *finite.flat, 1.0))


@settings(max_examples=2000 if os.environ.get("CI") else settings().max_examples)
@given(expressions(max_nodes=10), st.integers(0, 3), st.data())
def test_random_graphs_agree(graph, n_params, data):
    check_agreement([name for name in INSTALLED if name != "jax"], graph, n_params, data)


@pytest.mark.skipif("jax" not in INSTALLED, reason="needs jax")
@settings(max_examples=20)  # each graph is compiled by XLA three times
@given(expressions(max_nodes=6), st.integers(0, 3), st.data())
def test_random_graphs_agree_on_jax(graph, n_params, data):
    check_agreement(["numpy", "jax"], graph, n_params, data)


ROWS = [TABLE[name] for name in ("add", "mul", "sub", "tanh", "sigmoid", "maximum", "step", "dot", "sum", "logsumexp")]
KINKS = {row: kink(row) for row in ROWS if row.kink}


class Picture:
    """A graph with many equal operations side by side, their operands in runs, shifted, shared, strided or anyhow."""

    def __init__(self, width, layers, seed):
        rng = random.Random(seed)
        self.leaves = [Value(rng.uniform(-1, 1)) for _ in range(width)]
        nodes = list(self.leaves)
        for row_number, size, patterns in layers:
            row = ROWS[row_number % len(ROWS)]
            per_item = 1 + patterns[0] % 19 if row.many else 1
            columns = [self.pick(rng, nodes, pattern, size * per_item) for pattern in patterns[: len(row.operands)]]
            made = []
            for k in range(size):
                items = [column[k * per_item : (k + 1) * per_item] for column in columns]
                node = applied(row, [x for item in items for x in item])
                made.append(node * (1 / per_item) if row.name in ("dot", "sum") else node)
            nodes += made
        total = nodes[-1] * 0.5
        for leaf in self.leaves:  # each is reached, if only by a step
            total = total + TABLE["step"].function(leaf)
        for node in nodes:
            factor = 0.1 + 0.01 * rng.randrange(7)
            choice = rng.randrange(4)
            if choice == 1:
                total = total + TABLE["step"].function(node + 2) * factor
            elif choice > 1:
                total = total + node * factor
        self.root = total
        self.outputs = [rng.choice(nodes) for _ in range(9)]
        # Where a step or the like is taken at 0, the order in which numbers are summed decides on which side.
        jumps = [node for node in topological(total) if node.op.kink and len({*node.parents}) == len(node.parents)]
        assume(all(abs(KINKS[node.op](*operand_numbers(node))) > 1e-9 for node in jumps))

    @staticmethod
    def pick(rng, nodes, pattern, count):
        start = rng.randrange(len(nodes))
        if pattern % 5 == 0:
            return [nodes[start]] * count
        if pattern % 5 == 1:  # the newest, in order
            return [nodes[-count + k] if count <= len(nodes) else nodes[k % len(nodes)] for k in range(count)]
        if pattern % 5 == 2:
            return [nodes[(start + k) % len(nodes)] for k in range(count)]
        if pattern % 5 == 3:
            return [nodes[(start + (pattern % 4) * k) % len(nodes)] for k in range(count)]
        return [rng.choice(nodes) for _ in range(count)]


layers = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 40), st.tuples(st.integers(0, 99), st.integers(0, 99))),
    min_size=1,
    max_size=5,
)


@pytest.mark.skipif("native" not in INSTALLED, reason="needs llvmlite")
@given(st.integers(1, 40), layers, st.integers(0, 2**16), st.integers(0, 40), st.integers(1, 70))
def test_graphs_with_equal_operations_side_by_side_agree(width, layers, seed, n_params, n):
    picture = Picture(width, layers, seed)
    params, inputs = picture.leaves[:n_params], picture.leaves[n_params:]
    data = [leaf.data for leaf in picture.leaves]
    picture.root.backward()
    expected = [leaf.grad for leaf in picture.leaves]
    size = max(1.0, *map(abs, expected))
    program = compile(picture.root, params, inputs, also=inputs, backend="native")
    value, *gradients = program(data[:n_params], data[n_params:])
    close(value, picture.root.data, 1e-11)
    close(np.concatenate(gradients), expected, 1e-11 * size)
    rng = np.random.default_rng(seed)
    batch = rng.uniform(-1, 1, size=(n, len(inputs)))
    other = compile(picture.root, params, inputs, also=inputs, backend="numpy")
    for mine, its in zip(program(data[:n_params], batch), other(data[:n_params], batch), strict=True):
        close(mine, its, 1e-11 * max(1.0, np.abs(its).max(initial=0.0)))


@given(expressions(max_nodes=6))
def test_second_derivatives_of_random_graphs_agree(graph):
    params = leaves(graph.root)
    expected = np.array([[h.data for h in row] for row in hessian(graph.root, params)])
    data = [leaf.data for leaf in params]
    size = max(1.0, np.abs(expected).max(), *(abs(node.data) for node in graph.nodes))
    for backend in INSTALLED:
        if backend != "jax":
            found = compile(graph.root, params, backend=backend).hessian(data)
            close(found, expected, 1e-9 * size)
