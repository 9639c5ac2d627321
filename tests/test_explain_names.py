"""Names: from labels, from the network, from the caller's variables."""

import re

import pytest
from hypothesis import given

from tests.graphs import graphs
from tinygrad_edu import MLP, Value
from tinygrad_edu.engine import leaves, topological
from tinygrad_edu.nn import mse
from tinygrad_edu.show import draw, explain, name, tree
from tinygrad_edu.show.names import Names, roles


def test_values_take_the_names_of_variables():
    a, b = Value(2.0), Value(3.0, "own label")
    h = [a * b, a + b]
    total = h[0] + h[1]
    _hidden, other = Value(1.0), 5
    name(locals())
    assert (a.label, b.label, total.label) == ("a", "own label", "total")
    assert [value.label for value in h] == ["h1", "h2"]
    assert _hidden.label == ""
    assert other == 5


def test_values_in_a_list_are_counted_and_keep_the_labels_they_have():
    pair = (Value(1.0), "no Value", Value(2.0, "own"), Value(3.0))
    name({"h": pair, "later": [pair[0], Value(4.0)]})
    assert [value.label for value in pair if isinstance(value, Value)] == ["h1", "own", "h4"]


def test_the_first_of_two_variables_names_a_value():
    first = Value(1.0)
    second = first
    name({"first": first, "second": second})
    assert first.label == "first"


@pytest.mark.parametrize("bias", [True, False, "shared"])
@pytest.mark.parametrize("activation", ["tanh", None])
def test_roles_in_a_network(bias, activation):
    mlp = MLP(2, [2, 3, 2], activation=activation, output_activation="sigmoid", bias=bias, seed=1)
    loss = mse(mlp([1.0, 2.0]), [0.0, 1.0])
    found = sorted(roles(loss).values(), key=lambda role: (role[0], int(role[1:])))
    zs = ["z1", "z2", "z3", "z4", "z5"] if activation else []
    assert found == ["h1", "h2", "h3", "h4", "h5", "y1", "y2", *zs, "z6", "z7"]
    for node, role in roles(loss).items():
        if role[0] == "z":
            assert node.op.name == ("add" if bias else "dot")


def test_neurons_are_counted_from_the_first_layer_that_is_there():
    mlp = MLP(2, [3, 2, 1], activation="sigmoid", seed=1)
    hidden = mlp.layers[1]([Value(0.1), Value(0.2), Value(0.3)])
    found = roles(mlp.layers[2](hidden))
    assert [found[a] for a in hidden] == ["h1", "h2"] and found[hidden[0].parents[0]] == "z1"


def test_what_has_no_names_is_refused():
    with pytest.raises(TypeError, match=r"name expected variables and what they hold, .* got Value\(data=2"):
        name(Value(2.0))


def test_names_are_given_once():
    a, b, c = Value(1.0, "a"), Value(2.0, "a"), Value(3.0, "v1")
    inner = a * b
    root = inner + c + 1
    names = Names(root, a)
    assert [names.text(v) for v in (a, b, c, root)] == ["a", "a⁽²⁾", "v₁", "f"]
    assert [names.text(v) for v in topological(root)] == ["v₂", "v₃", "f"]
    assert names.text(inner) == "v₂"
    assert names.latex(b) == "a^{(2)}"
    assert [names.code(v) for v in (a, b, c, inner)] == ["a", "a(2)", "v1", "v2"]


def test_copies_are_counted_from_the_first_example_and_from_the_leaves_up():
    mlp = MLP(1, [1], activation=None, seed=1)
    outputs = [mlp([float(k)]) for k in range(1, 4)]
    for loss in (mse(outputs, [0.0] * 3), outputs[0] + outputs[1] + outputs[2]):
        names = Names(loss, mlp.parameters()[0])
        assert [names.text(y) for y in outputs] == ["y", "y⁽²⁾", "y⁽³⁾"]
    first = a = Value(1.0, "a")
    for _ in range(2):
        a = a * 2
        a.label = "a"
    names = Names(a, first)
    assert [names.text(v) for v in (first, a.parents[0], a)] == ["a", "a⁽²⁾", "a⁽³⁾"]


def test_values_without_labels_are_numbered_in_the_order_of_their_computation():
    x, other = Value(1.0), Value(1.0, "x")
    y = x * 2
    assert [Names(y).text(v) for v in (x, y)] == ["x", "f"]
    assert Names(x * other).text(x) == "x₁"
    first, second, third = Value(1.0), Value(2.0), Value(3.0, "x2")
    root = (first * second + third).tanh()
    root.label = "f"
    top = root * 2
    names = Names(top)
    assert [names.text(v) for v in (first, second, third)] == ["x₁", "x₃", "x₂"]
    assert [names.text(v) for v in topological(top)] == ["v₁", "v₂", "f", "v₃"]
    assert Names(x).text(x) == "x"
    outside = Value(0.0)
    assert Names(y, outside).text(outside) == "x₂"


@given(graphs(labels=False))
def test_a_node_has_one_name_in_explanation_picture_and_tree(graph):
    nodes, root = graph
    names = Names(root)
    written = [names.text(node) for node in (*leaves(root), *topological(root))]
    assert len(set(written)) == len(written)
    assert sorted(re.findall("<I>(.*?)</I>", draw(root).source)) == sorted(written)
    listed = [line.split("  data")[0].split()[-1] for line in tree(root).splitlines() if "  data" in line]
    assert sorted(listed) == sorted(written)
    explanation = explain(root, nodes[0], through="operations")
    assert [explanation.names.text(node) for node in leaves(root)] == written[: len(leaves(root))]
    for node, _ in explanation.definitions if explanation.count else ():
        assert f"  {names.text(node)} " in str(explanation)
