"""The mathematics of explanations: the paths, their order, their number, their sum."""

import math
import tracemalloc
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu
from tests.graphs import graphs
from tinygrad_edu import MLP, TABLE, Value
from tinygrad_edu.engine import leaves, local_derivatives, topological
from tinygrad_edu.nn import squared_error
from tinygrad_edu.show import count_operations, explain
from tinygrad_edu.show.costs import large
from tinygrad_edu.show.numbers import counted
from tinygrad_edu.show.paths import Paths


def every_path(node, wrt):
    """All paths as lists of (upper, lower, factor), the slow and plain way."""
    if node is wrt:
        return [[]]
    return [[(node, p, d), *rest] for _, p, d in local_derivatives(node) for rest in every_path(p, wrt)]


def product(path):
    return math.prod(factor for _, _, factor in path)


@given(graphs())
def test_the_sum_over_paths_is_what_backward_gives(graph):
    _, root = graph
    root.backward()
    for leaf in leaves(root):
        paths = Paths(root, leaf)
        scale = sum(abs(product(path)) for path in every_path(root, leaf))
        assert sum(path.product for path in paths.largest()) == pytest.approx(leaf.grad, rel=0, abs=1e-12 * scale)
        assert paths.gradient == pytest.approx(leaf.grad, rel=0, abs=1e-12 * scale)
        assert paths.agrees


@given(graphs())
def test_all_paths_are_found_the_largest_first(graph):
    nodes, root = graph
    plain = every_path(root, nodes[0])
    paths = Paths(root, nodes[0])
    found = list(paths.largest())
    assert paths.count == len(plain) == len(found)
    assert len(set(found)) == len(found)
    assert sorted(map(key, found)) == sorted(map(key_of_plain, plain))
    sizes = [abs(path.product) for path in found]
    assert all(later <= earlier * (1 + 1e-12) for earlier, later in pairwise(sizes))


def test_the_order_in_a_network():
    mlp = MLP(2, [4, 4, 4, 2], activation="tanh", seed=3)
    loss = squared_error(mlp([0.5, -0.3]), [1.0, 0.0])
    plain = sorted((abs(product(path)) for path in every_path(loss, mlp.parameters()[0])), reverse=True)
    found = [abs(path.product) for path in Paths(loss, mlp.parameters()[0]).largest()]
    assert len(found) == 64
    assert found == pytest.approx(plain, rel=1e-12)


def key(path):
    return [(id(edge.upper), id(edge.lower), edge.factor) for edge in path.edges]


def key_of_plain(path):
    return [(id(upper), id(lower), factor) for upper, lower, factor in path]


@given(graphs(), st.integers(0, 20))
def test_the_rest_is_what_is_not_listed(graph, top):
    nodes, root = graph
    paths = Paths(root, nodes[0])
    everything = list(paths.largest())
    listed = everything[:top]
    scale = paths.scale()
    assert paths.rest(listed) == pytest.approx(sum(p.product for p in everything[top:]), rel=0, abs=1e-12 * scale)
    if len(listed) == paths.count:
        assert paths.rest(listed) == 0.0


@given(graphs(), st.data())
def test_steps_between_stations_add_up_the_same(graph, data):
    nodes, root = graph
    wrt = data.draw(st.sampled_from(nodes))
    chosen = set(data.draw(st.lists(st.sampled_from(nodes), max_size=5)))
    paths, plain = Paths(root, wrt, chosen), Paths(root, wrt)
    scale = plain.scale()
    assert paths.total == pytest.approx(plain.total, rel=0, abs=1e-12 * scale)
    assert paths.agrees
    assert paths.count <= plain.count
    for path in paths.largest():
        assert {edge.lower for edge in path.edges[:-1]} <= chosen
        assert not path.edges or (path.edges[0].upper, path.edges[-1].lower) == (root, wrt)


def test_the_check_can_fail():
    x = Value(0.5, "x")
    y = tinygrad_edu.tanh(x) * x
    paths = Paths(y, x)
    assert paths.agrees
    first = paths.steps[y][0]
    paths = Paths(y, x)
    paths.steps = {**paths.steps, y: [first._replace(factor=2 * first.factor), *paths.steps[y][1:]]}
    paths.total = paths.summed()
    assert not paths.agrees


@pytest.mark.parametrize(("off", "agrees"), [(1e-10, False), (3e-12, False), (3e-13, True)])
def test_a_sum_agrees_up_to_round_off(off, agrees):
    x = Value(0.5, "x")
    paths = Paths(x * 4.0, x)
    paths.total *= 1 + off
    assert paths.agrees is agrees


@pytest.mark.parametrize(("off", "agrees"), [(4.3e-12, True), (4.6e-12, False)])
def test_round_off_grows_with_the_number_of_operations(off, agrees):
    """By four times what separates 1 from the next number, each: for 5,000 operations 4.4e-12."""
    y = x = Value(1.0, "x")
    for _ in range(5000):
        y = y * 1.0
    paths = Paths(y, x)
    paths.total += off
    assert paths.agrees is agrees


def test_a_path_without_any_effect_comes_last():
    x = Value(2.0, "x")
    paths = Paths(x * 0.0 + x * 1e-9 + x * -3.0, x)
    assert [path.product for path in paths.largest()] == [-3.0, 1e-9, 0.0]


def test_x_times_x_has_two_paths():
    x = Value(3.0, "x")
    assert [path.product for path in Paths(x * x, x).largest()] == [3.0, 3.0]


def doubling(depth):
    x = Value(1.0, "x")
    y = x
    for _ in range(depth):
        y = y * 0.5 + y * 0.49
    return y, x


def test_a_trillion_paths_are_counted_and_summed_and_the_largest_listed():
    y, x = doubling(40)
    paths = Paths(y, x)
    assert paths.count == 2**40
    listed = list(islice(paths.largest(), 42))
    assert listed[0].product == pytest.approx(0.5**40)
    assert all(path.product == pytest.approx(0.5**39 * 0.49) for path in listed[1:41])  # 40 places for the 0.49
    assert listed[41].product == pytest.approx(0.5**38 * 0.49**2)
    assert len(set(listed)) == 42
    assert sum(path.product for path in listed) + paths.rest(listed) == pytest.approx(0.99**40, rel=1e-12)
    assert paths.agrees


def test_numbers_of_paths_with_thousands_of_digits_and_products_that_underflow():
    y, x = doubling(5000)
    explanation = explain(y, x, top=2)
    assert explanation.count == 2**5000
    assert [path.product for path in explanation.paths] == [0.0, 0.0]  # 0.5**5000
    assert "e1505 paths" in explanation.text()
    first, second = explanation.paths
    assert sum(edge.factor == 0.49 for edge in first.edges) == 0
    assert sum(edge.factor == 0.49 for edge in second.edges) == 1


def test_a_long_chain():
    y = x = Value(0.5, "x")
    for _ in range(50_000):
        y = y + 1e-9
    explanation = explain(y, x)
    assert explanation.gradient == 1.0
    assert len(explanation.text()) < 10_000


def test_a_factor_of_thousands_of_digits_is_a_number_only():
    y = x = Value(0.5, "x")
    for _ in range(3000):
        y = y * 1.001
    [factor] = explain(y, x, through=[]).factors.values()
    assert factor.symbols is None  # 1.001**3000 exactly, whose digits take long to multiply
    assert factor.value == pytest.approx(1.001**3000)


def test_wrt_may_lie_between_be_the_root_or_out_of_reach():
    x, unused = Value(2.0, "x"), Value(1.0, "u")
    y = x * x
    z = 3 * y
    z.label = "z"
    assert explain(z, y).gradient == 3.0
    assert explain(z, z).gradient == 1.0
    assert explain(z, z).count == 1
    assert str(explain(z, z)) == "∂z/∂z = 1: z is the root itself"
    assert explain(z, unused).count == 0
    assert (Paths(z, unused).total, Paths(z, unused).gradient, [*Paths(z, unused).largest()]) == (0.0, 0.0, [])
    assert str(explain(z, unused)) == "∂z/∂u = 0: no path leads from z to u"


def test_a_derivative_for_another_operand_need_not_exist():
    x, n = Value(-2.0, "x"), Value(2.0, "n")
    assert explain(x**n, x).gradient == -4.0
    with pytest.raises(ValueError, match=r"the derivative of x \*\* n is undefined"):
        explain(x**n, n)


def test_grad_is_neither_read_nor_written():
    x = Value(2.0, "x")
    y = x * x
    x.grad = 17.0
    assert explain(y, x).gradient == 4.0
    assert x.grad == 17.0
    assert repr(y) == "Value(data=4.0, grad=not computed)"


def test_changed_data_and_values_that_are_not_finite_are_refused():
    x = Value(2.0, "x")
    y = x * x
    x.data = 3.0
    with pytest.raises(ValueError, match="compute the result again"):
        explain(y, x)
    tiny = Value(1e-320, "tiny")
    with pytest.raises(ValueError, match=r"^the derivative of log\(x\) for tiny = 1e-320 is inf: no path can be weigh"):
        explain(tiny.log(), tiny)
    big = Value(1e200, "big")
    with pytest.raises(ValueError, match="needs a finite root"):
        explain(big * big, big)


def test_a_network_of_two_hidden_layers_of_sixteen():
    mlp = MLP(2, [16, 16, 1], activation="tanh", seed=1)
    loss = squared_error(mlp([0.5, -0.3]), 1.0)
    loss.backward()
    for parameter in mlp.parameters()[::37]:
        explanation = explain(loss, parameter)
        assert explanation.gradient == pytest.approx(parameter.grad, rel=1e-12)
        assert explanation.chain.agrees
    assert explain(loss, mlp.layers[0].neurons[0].w[0]).count == 16
    assert explain(loss, mlp.layers[0].neurons[0].w[0], through="operations").count == 32  # E = ½ e·e


# What each way to differentiate costs


def counted_by_hand(root):
    """The same counts, by walking all paths."""
    plain = {leaf: every_path(root, leaf) for leaf in leaves(root)}
    multiplications = sum(max(len(path) - 1, 0) for paths in plain.values() for path in paths)
    additions = sum(len(paths) - 1 for paths in plain.values())
    forward = [0, 0]
    for leaf in leaves(root):
        depends = {leaf}
        for node in topological(root):
            below = [p for p in node.parents if isinstance(p, Value) and p in depends]
            if below:
                depends.add(node)
                forward[0] += sum(p is not leaf for p in below)
                forward[1] += len(below) - 1
    visits = [0, 0]
    received = set()

    def visit(node, first):
        for parent in node.parents:
            if isinstance(parent, Value):
                visits[0] += not first
                visits[1] += parent in received
                received.add(parent)
                visit(parent, False)

    visit(root, True)
    return (tuple(forward), tuple(visits), (multiplications, additions))


@given(graphs())
def test_costs_are_those_counted_by_walking(graph):
    _, root = graph
    costs = count_operations(root)
    assert tuple(map(tuple, costs[1:])) == counted_by_hand(root)
    edges = [(node, p) for node in topological(root) for p in node.parents if isinstance(p, Value)]
    assert costs.reverse == (
        sum(node is not root for node, _ in edges),
        len(edges) - len({parent for _, parent in edges}),
    )


def test_a_notebook_shows_costs_and_explanations_as_they_are_printed():
    said = []
    printer = type("Printer", (), {"text": said.append})()
    x = Value(1.0, "x")
    for shown in (count_operations(x * x), explain(x * x, x)):
        shown._repr_pretty_(printer, False)
        assert said.pop() == str(shown)


def test_costs_of_a_long_sum_take_memory_in_proportion_to_it():
    leaves = [Value(1.0) for _ in range(20_000)]
    total = leaves[0]
    for leaf in leaves[1:]:
        total = total + leaf
    tracemalloc.start()
    costs = count_operations(total)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert costs.forward.multiplications == sum(range(2, 20_000))
    assert peak < 20_000 * 2000  # a bit a leaf at every node would be 25 MB more


def test_costs_of_a_wide_sum_take_memory_in_proportion_to_it():
    wide = TABLE["sum"].function([Value(1.0) * Value(2.0) for _ in range(10_000)])
    tracemalloc.start()
    costs = count_operations(wide)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert costs.forward == (20_000, 0)
    assert peak < 10_000 * 1400  # a bit for each leaf before a node's own would be 7 MB more


def test_costs_of_a_network_and_of_a_leaf():
    costs = count_operations(MLP(2, [16, 16, 1], seed=1)([1.0, 2.0]))
    assert costs.reverse.multiplications < costs.unordered.multiplications < costs.paths.multiplications
    assert costs.forward.multiplications > 6 * costs.reverse.multiplications
    assert set(count_operations(Value(1.0))) == {(0, 0)}
    y, _ = doubling(2000)
    assert "about 10^603" in str(count_operations(y))


def test_counts_are_written_out_below_a_quadrillion():
    assert (large(10**15 - 1), large(10**15)) == ("999,999,999,999,999", "about 10^15")
    assert (counted(10**15 - 1), counted(10**15)) == ("999,999,999,999,999 paths", "1.000e15 paths")
