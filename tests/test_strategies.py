"""The public strategies, and what is checked with them."""

import inspect
import math
import re

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import tinygrad_edu
from tests.test_table import PLAIN
from tinygrad_edu import TABLE, Value, grad, registered
from tinygrad_edu.check import assert_gradients, check_gradients
from tinygrad_edu.check.strategies import Graph, away_from_kink, batches, expressions, networks, operands
from tinygrad_edu.engine import Domain, jvp, local_derivatives, operand_numbers, topological
from tinygrad_edu.nn import MLP, mse
from tinygrad_edu.shell import install

drawn = settings(max_examples=5000, deadline=None, derandomize=True, database=None, phases=[Phase.generate])


@pytest.mark.parametrize("row", PLAIN, ids=lambda row: row.name)
@given(data=st.data())
@settings(max_examples=20)
def test_operands_are_in_the_domain_and_off_the_kink(row, data):
    at = data.draw(operands(row.name))
    assert all(x in d or row.kink for x, d in zip(at, row.domains, strict=True))
    if row.kink:
        assert abs(eval(row.kink, dict(zip(row.operands, at, strict=True)))) >= 0.049
    getattr(tinygrad_edu, row.name)(*at)


@given(expressions())
def test_expressions_are_bounded_and_differentiable(graph):
    assert all(math.isfinite(node.data) and abs(node.data) < 1e4 for node in graph.nodes)
    graph.root.backward()
    assert all(math.isfinite(leaf.grad) for leaf in graph.leaves)


@pytest.mark.parametrize(
    ("data", "steps"),
    [
        ([0.0], [("add", 0, 2), ("add", 1, 1), ("exp", 2, 0), ("acos", 3, 0)]),
        ([2.0], [("add", 0, 0), *[("dot", k, k) for k in range(1, 12)]]),
    ],
)
def test_numbers_stay_inside_the_domains(data, steps):
    graph = Graph(data, steps)
    assert all(abs(node.data) < 100 for node in graph.nodes)
    graph.root.backward()


GRAPHS = {
    # An operand that fits is taken as it is, up to 4, so that numbers do not grow; what does not fit is mapped inside.
    "a = Value(4.0); n1 = a.exp()": ([4.0], [("exp", 0, 0)]),
    "a = Value(-4.0); n1 = a.exp()": ([-4.0], [("exp", 0, 0)]),
    "a = Value(4.1); n1 = a.tanh(); n2 = n1.exp()": ([4.1], [("exp", 0, 0)]),
    "a = Value(-4.1); n1 = a.tanh(); n2 = n1.exp()": ([-4.1], [("exp", 0, 0)]),
    "a = Value(2.0); n1 = a.tanh(); n2 = n1 * 0.891; n3 = n2.asin()": ([2.0], [("asin", 0, 0)]),
    "a = Value(-2.0); n1 = a.tanh(); n2 = n1 * 0.81; n3 = n2.log1p()": ([-2.0], [("log1p", 0, 0)]),
    "a = Value(2.0); n1 = a.tanh(); n2 = n1.tan()": ([2.0], [("tan", 0, 0)]),
    "a = Value(0.5); n1 = a.log()": ([0.5], [("log", 0, 0)]),
    "a = Value(-1.0); n1 = a.sigmoid(); n2 = n1 + 0.001; n3 = n2.log()": ([-1.0], [("log", 0, 0)]),
    "a = Value(0.05); n1 = a.sigmoid(); n2 = n1 + 0.1; n3 = a / n2": ([0.05], [("truediv", 0, 0)]),
    "a = Value(-0.1); n1 = a / a": ([-0.1], [("truediv", 0, 0)]),
    # Beside a kink, by less than 1/20, the first operand moves by 1/10.
    "a = Value(0.04); n1 = a + 0.1; n2 = n1.relu()": ([0.04], [("relu", 0, 0)]),
    "a = Value(0.05); n1 = a.relu()": ([0.05], [("relu", 0, 0)]),
    "a = Value(-0.06); n1 = a.relu()": ([-0.06], [("relu", 0, 0)]),
    "a = Value(0.5); n1 = a + 0.1; n2 = n1.maximum(a)": ([0.5], [("maximum", 0, 0)]),
    "a = Value(0.5); b = Value(0.56); n1 = a.maximum(b)": ([0.5, 0.56], [("maximum", 0, 1)]),
    # The second operand is one of the nodes there are, or after them one of three constants; and so on round.
    "a = Value(1.5); n1 = a + a; n2 = a + n1": ([1.5], [("add", 0, 0), ("add", 0, 1)]),
    "a = Value(1.5); n1 = a + 0.5; n2 = n1 - 0.5": ([1.5], [("add", 0, 1), ("sub", 1, 2)]),
    "a = Value(1.5); n1 = a * 2.0": ([1.5], [("mul", 0, 2)]),
    "a = Value(1.5); n1 = a - (-1.5)": ([1.5], [("sub", 0, 3)]),
    "a = Value(1.5); n1 = a - a; n2 = n1 - a": ([1.5], [("sub", 7, 4), ("sub", 3, 5)]),
    # Over many: the two of them, under each name.
    "a = Value(1.0); b = Value(2.0); n1 = dot([a, b], [a, b])": ([1.0, 2.0], [("dot", 0, 1)]),
    "a = Value(1.0); b = Value(5.0); n1 = b.tanh(); n2 = sum([n1, a])": ([1.0, 5.0], [("sum", 1, 0)]),
    "a = Value(1.0); n1 = logsumexp([a, -1.5])": ([1.0], [("logsumexp", 0, 3)]),
}


@pytest.mark.parametrize("code", GRAPHS)
def test_what_steps_build(code):
    graph = Graph(*GRAPHS[code])
    assert "; ".join(line.split("  #")[0] for line in repr(graph).splitlines()) == code
    assert [float(line.split("# ")[1]) for line in graph.lines[len(graph.leaves) :]] == [
        node.data for node in graph.nodes[len(graph.leaves) :]
    ]
    assert graph.root is graph.nodes[-1]
    assert [node.label for node in graph.nodes] == [line.split(" = ")[0] for line in graph.lines]


@pytest.mark.parametrize(
    ("name", "at", "moved"),
    [
        ("relu", (0.0,), (0.1,)),
        ("relu", (0.049,), (0.149,)),
        ("relu", (0.05,), (0.05,)),
        ("abs", (-0.049,), (0.051,)),
        ("abs", (-0.05,), (-0.05,)),
        ("maximum", (1.0, 1.04), (1.1, 1.04)),
        ("minimum", (1.0, 1.06), (1.0, 1.06)),
        ("mul", (0.0, 0.0), (0.0, 0.0)),
    ],
)
def test_operands_beside_a_kink_are_moved_off_it(name, at, moved):
    assert away_from_kink(TABLE[name], at) == pytest.approx(moved)


@pytest.mark.parametrize(
    ("strategy", "wanted", "smallest"),
    [
        (expressions(["exp"]), lambda graph: True, "a = Value(0.0)\nn1 = a.exp()  # 1.0"),
        (
            expressions(["exp"]),
            lambda graph: len(graph.leaves) == 2,
            "a = Value(0.0)\nb = Value(0.0)\nn1 = a.exp()  # 1.0",
        ),
        (expressions(["mul"]), lambda graph: True, "a = Value(0.0)\nn1 = a * a  # 0.0"),
        (batches(2, 1), lambda batch: True, "[([0.0, 0.0], [0.0])]"),
        (operands("mul"), lambda at: True, "(0.0, 0.0)"),
        (operands("relu"), lambda at: True, "(0.1,)"),
        (networks(lambda *given, **more: (given, more)), lambda made: True,
         "((1, [1]), {'activation': 'tanh', 'seed': 0})"),
    ],
)  # fmt: skip
def test_what_fails_shrinks_to_the_simplest(strategy, wanted, smallest):
    quick = settings(
        max_examples=50, deadline=None, derandomize=True, database=None, phases=[Phase.generate, Phase.shrink]
    )
    assert repr(find(strategy, wanted, settings=quick)) == smallest


def test_what_is_drawn_unless_said_otherwise():
    def defaults(function):
        parameters = inspect.signature(function).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not p.empty}

    assert defaults(expressions) == {"ops": (), "max_nodes": 12, "max_leaves": 3}
    assert defaults(networks) == {"max_inputs": 3, "max_layers": 3, "max_neurons": 3}
    assert defaults(batches) == {"max_size": 4}


def test_a_domain_of_ones_own_is_kept_to():
    with (
        registered("narrow", "n", "2 * x", "2", x=Domain(-5, 0.5)),
        registered("left", "l", "x", "1", x=Domain(-0.5, 5)),
        registered("from_zero", "z", "x", "1", x=Domain(0, 5)),
    ):
        for name, low, high in (("narrow", -5, 0.5), ("left", -0.5, 5), ("from_zero", 1e-3, 5)):
            for x in (-4.0, -0.6, 0.6, 4.0):
                node = Graph([x], [(name, 0, 0)]).root
                assert low <= node.parents[0].data <= high


DOMAINS = [
    (-5, -1),
    (-3, 0),
    (2, 3),
    (0.5, 0.6),
    (-10, -0.1, 0.05),
    (-0.3, 9, 0.5),
    (-10, 0.3, 0.4),
    (1e3, 1e4),
    (-0.2, 0.1),
]


@pytest.mark.parametrize("domain", [Domain(*bounds) for bounds in DOMAINS], ids=str)
def test_any_domain_is_kept_to(domain):
    """Below 0, narrow, far from 0, with a gap at its edge; in whole numbers; for constants, too."""
    with registered("narrow", "n", "x + y", "1", "1", x=domain, y=domain) as row:
        assert all(number in domain for number in find(operands(row), lambda at: True))
        for x in (-1e3, -40.0, -0.15, 0.0, 0.7, 3.0, 1e3):
            for second in range(4):  # the leaf, or a constant
                root = Graph([x], [("narrow", 0, second)]).root
                assert all(number in domain for number in operand_numbers(root))
    root.backward()


@given(expressions(["add"], max_nodes=3, max_leaves=2), networks(MLP, 2, 2, 2), batches(2, 1, max_size=2))
def test_sizes_are_kept_to(graph, network, batch):
    assert len(batch) <= 2
    assert all(-2 <= leaf.data <= 2 for leaf in graph.leaves)
    assert 1 <= len(network.layers[0].neurons[0].w) <= 2
    assert 1 <= len(graph.leaves) <= 2
    assert 1 <= sum(node.op is not None and node.op.name == "add" for node in graph.nodes) <= 3
    assert 1 <= len(network.layers) <= 2
    assert all(1 <= len(layer.neurons) <= 2 for layer in network.layers)


@given(batches(2, 1))
def test_batches_are_between_minus_one_and_one(batch):
    assert 1 <= len(batch) <= 4
    assert all((len(x), len(t)) == (2, 1) and max(map(abs, [*x, *t])) <= 1 for x, t in batch)


@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [
        (expressions(), lambda graph: all(leaf.data < 0 for leaf in graph.leaves)),
        (expressions(), lambda graph: len(graph.leaves) == 3),
        (expressions(), lambda graph: min(leaf.data for leaf in graph.leaves) < -1.99),
        (expressions(), lambda graph: max(leaf.data for leaf in graph.leaves) > 1.99),
        (expressions(["add"], max_leaves=1), lambda graph: len(graph.nodes) == 13),
        (expressions(["mul"], max_leaves=1), lambda graph: "* (-1.5)" in repr(graph) and "* 2.0" in repr(graph)),
        (networks(MLP), lambda network: [len(layer.neurons) for layer in network.layers] == [1]),
        (networks(MLP), lambda network: len(network.layers[0].neurons[0].w) == 3),
        (networks(lambda *given, **more: more["seed"]), lambda seed: seed > 60_000),
        (batches(2, 3), lambda batch: (len(batch[0][0]), len(batch[0][1])) == (2, 3)),
        (batches(1, 1), lambda batch: batch[0][0][0] < -0.9 and batch[0][1][0] > 0.9),
        (operands("truediv"), lambda at: -0.15 < at[1] < 0),
        (operands("truediv"), lambda at: 0 < at[1] < 0.15),
        (operands("truediv"), lambda at: at[1] < -9),
        (operands("log"), lambda at: at[0] > 100),
        (networks(MLP), lambda network: [len(layer.neurons) for layer in network.layers] == [2, 3, 1]),
        (networks(MLP, 1, 1, 1), lambda network: network.parameters()[0].data < -0.9),
        (networks(MLP, 1, 1, 1), lambda network: network.parameters()[0].data > 0.9),
        (batches(1, 1), lambda batch: batch[0][0][0] < 0 < batch[0][1][0]),
        (batches(1, 1), lambda batch: len(batch) == 4),
        (operands("mul"), lambda at: at[0] < -9),
        (operands("mul"), lambda at: at[1] > 9),
    ],
)
def test_everything_inside_the_bounds_is_drawn(strategy, wanted):
    find(strategy, wanted, settings=drawn)


@given(expressions())
def test_a_graph_prints_as_code_that_builds_it(graph):
    scope = {"Value": Value} | {row.name: getattr(tinygrad_edu, row.name) for row in TABLE.values()}
    exec(repr(graph), scope)
    assert scope[graph.root.label].data == graph.root.data


@given(expressions())
def test_gradients_of_random_graphs_are_right(graph):
    """By a second way to differentiate, and by differences where they are sure."""
    graph.root.backward()
    for leaf, value in zip(graph.leaves, grad(graph.root, graph.leaves), strict=True):
        forward = jvp([graph.root], [leaf], [1.0])[0].data
        scale = 1 + sum(abs(partial) for n in topological(graph.root) for _, _, partial in local_derivatives(n))
        assert abs(value.data - leaf.grad) <= 1e-12 * scale * max(1.0, abs(leaf.grad))
        assert abs(forward - leaf.grad) <= 1e-12 * scale * max(1.0, abs(leaf.grad))
    if graph.root.parents:
        report = check_gradients(graph.root, *[leaf for leaf in graph.leaves if leaf in below(graph.root)])
        assert not any(c.diagnosis == "wrong" for c in report.comparisons), f"{graph}\n{report}"


def below(root):
    return {p for node in topological(root) for p in node.parents}


@given(networks(MLP), st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_networks_and_batches(network, data):
    nin, nout = len(network.layers[0].neurons[0].w), len(network.layers[-1].neurons)
    batch = data.draw(batches(nin, nout, max_size=2))

    def loss():
        return sum(mse(network(x), t) for x, t in batch)

    report = check_gradients(loss, *network.parameters())
    assert not any(c.diagnosis == "wrong" for c in report.comparisons), report


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus", "silu"])
def test_networks_have_smooth_activations(activation):
    function = TABLE[activation].function

    def wanted(network):
        return len(network.layers) == 2 and network.layers[0].neurons[0].activation is function

    network = find(networks(MLP, 1, 2, 1), wanted, settings=drawn)
    assert repr(network).count(activation) == 1  # of the hidden layer


@pytest.mark.parametrize("name", ["exp", "mul", "tanh", "truediv", "pow", "dot", "sigmoid", "maximum"])
def test_a_fault_in_one_row_shrinks_to_at_most_three_operations(name, monkeypatch):
    row = TABLE[name]
    Graph([1.5], [(name, 0, 0)]).root.backward()  # its pullback is compiled by now
    right = row.pullback

    def wrong(node):
        before = {id(p): p.grad for p in node.parents if isinstance(p, Value)}
        right(node)
        for parent in {id(p): p for p in node.parents if isinstance(p, Value)}.values():
            parent.grad = before[id(parent)] + 1.5 * (parent.grad - before[id(parent)])

    monkeypatch.setattr(row, "pullback", wrong)

    def caught(graph):
        graph.root.backward()
        recorded = grad(graph.root, graph.leaves)  # does not use the pullbacks
        return any(abs(v.data - leaf.grad) > 1e-6 * abs(v.data) for leaf, v in zip(graph.leaves, recorded, strict=True))

    thorough = settings(max_examples=2_000, deadline=None, derandomize=True, database=None)
    smallest = find(expressions(), caught, settings=thorough)
    assert len(topological(smallest.root)) <= 3, smallest
    assert name in {node.op.name for node in topological(smallest.root)}
    used = [leaf for leaf in smallest.leaves if leaf in below(smallest.root)]
    assert any(c.diagnosis == "wrong" for c in check_gradients(smallest.root, *used).comparisons), smallest


def test_an_operation_may_be_given_as_its_row():
    with registered("half", "h", "x / 2", "0.5"):
        row = TABLE["half"]
        graph = find(expressions([row], max_leaves=1, max_nodes=1), lambda graph: True, settings=drawn)
        assert graph.root.op is row
    assert len(find(operands(TABLE["mul"]), lambda at: True, settings=drawn)) == 2


def test_mistakes():
    with pytest.raises(ValueError, match="the table has no operation 'exo'"):
        expressions(["exo"])
    with pytest.raises(ValueError, match="dot takes any numbers: draw lists of floats"):
        operands("dot")


def test_the_checker_works_without_hypothesis(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "hypothesis", None)
    assert_gradients(lambda x: x.tanh(), 0.5)
    with pytest.raises(ImportError, match=re.escape(f"strategies need Hypothesis: {install('hypothesis')}")):
        expressions()


@given(expressions())
def test_the_code_of_a_graph_can_be_pasted(graph):
    scope = dict(vars(tinygrad_edu)) | {name: getattr(tinygrad_edu, name) for name in ("sum", "abs", "pow")}
    exec(repr(graph), scope)
    for node in graph.nodes:
        assert scope[node.label].data == node.data


def test_the_code_of_constants_can_be_pasted_too():
    lines = repr(Graph([1.5], [("maximum", 7, 0), ("pow", 7, 0), ("sub", 0, 7), ("mul", 0, 7)]))
    exec(lines, dict(vars(tinygrad_edu)))
