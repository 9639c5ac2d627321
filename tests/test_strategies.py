"""The public strategies, and what is checked with them."""

import math
import re

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

import tinygrad_edu
from tests.test_table import PLAIN
from tinygrad_edu import TABLE, Value, grad, registered
from tinygrad_edu.check import assert_gradients, check_gradients
from tinygrad_edu.check.strategies import Graph, batches, expressions, networks, operands
from tinygrad_edu.engine import Domain, jvp, local_derivatives, topological
from tinygrad_edu.nn import MLP, mse
from tinygrad_edu.shell import install


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


def test_a_domain_of_ones_own_is_kept_to():
    with (
        registered("narrow", "n", "2 * x", "2", x=Domain(-5, 0.5)),
        registered("left", "l", "x", "1", x=Domain(-0.5, 5)),
    ):
        for name, low, high in (("narrow", -5, 0.5), ("left", -0.5, 5)):
            for x in (-4.0, -0.6, 0.6, 4.0):
                node = Graph([x], [(name, 0, 0)]).root
                assert low <= node.parents[0].data <= high


@given(expressions(["add"], max_nodes=3, max_leaves=2), networks(MLP, 2, 2, 2))
def test_sizes_are_kept_to(graph, network):
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
        (networks(MLP), lambda network: [len(layer.neurons) for layer in network.layers] == [1]),
        (networks(MLP), lambda network: [len(layer.neurons) for layer in network.layers] == [2, 3, 1]),
        (batches(1, 1), lambda batch: batch[0][0][0] < 0 < batch[0][1][0]),
        (batches(1, 1), lambda batch: len(batch) == 4),
        (operands("mul"), lambda at: at[0] < -9 and at[1] > 9),
    ],
)
def test_everything_inside_the_bounds_is_drawn(strategy, wanted):
    find(strategy, wanted, settings=settings(max_examples=5000, deadline=None, derandomize=True, database=None))


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
