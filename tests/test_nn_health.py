"""What is said of a network's layers: the numbers, the bounds, the words, the table."""

import math

import pytest

import tinygrad_edu
from tinygrad_edu import NOT_COMPUTED, Value, registered
from tinygrad_edu.nn import Layer, Sequential, health, mse
from tinygrad_edu.nn.health import Health, LayerHealth, findings


def layer(**known):
    usual = {
        "layer": 1, "neurons": 4, "activation": "tanh", "mean": 0.0, "spread": 1.0, "flat": 0.0, "dead": [],
        "weights": 1.0, "gradient": 1.0,
    }  # fmt: skip
    return LayerHealth(**usual | known)


DIFFERENT = [[1.0], [2.0]]
LESS = "for every example tanh passes less than 1 % of a gradient"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{}], []),
        ([{"flat": 0.5}], []),
        ([{"flat": 0.51}], ["layer 1: tanh is saturated in 51% of cases: try smaller weights"]),
        ([{"layer": 3, "flat": 1.0, "activation": "sigmoid"}],
         ["layer 3: sigmoid is saturated in 100% of cases: try smaller weights"]),
        ([{"flat": 0.9, "activation": "relu"}], []),  # what relu is for
        ([{"dead": [2], "flat": 0.9}], [f"layer 1: 1 of 4 neurons is dead (2): {LESS}"]),
        ([{"dead": [1, 4]}], [f"layer 1: 2 of 4 neurons are dead (1, 4): {LESS}"]),
        ([{"dead": [1, 2, 3, 4]}], [f"layer 1: its 4 neurons are dead: {LESS}"]),
        ([{"dead": [1], "neurons": 1}], [f"layer 1: its neuron is dead: {LESS}"]),
        ([{"dead": [3], "activation": "relu"}],
         ["layer 1: 1 of 4 neurons is dead (3): for every example relu passes no gradient"]),
        ([{"dead": [*range(1, 9)], "neurons": 20}],
         [f"layer 1: 8 of 20 neurons are dead (1, 2, 3, 4, 5, 6, 7, 8): {LESS}"]),
        ([{"dead": [*range(2, 11)], "neurons": 20}],
         [f"layer 1: 9 of 20 neurons are dead (2, 3, 4, 5, 6, 7, 8, 9, …): {LESS}"]),
        ([{"gradient": 0.0}], ["layer 1: every gradient is exactly 0"]),
        ([{"gradient": 1e-4}, {"layer": 2}], []),
        ([{"gradient": 9.9e-5}, {"layer": 2}],
         ["layer 1: the gradient vanishes, 9.9e-05 where the largest is 1"]),
        ([{"gradient": 2.0}, {"layer": 2, "gradient": 1e-4}, {"layer": 3, "gradient": math.nan}],
         ["layer 2: the gradient vanishes, 0.0001 where the largest is 2"]),
        ([{"gradient": math.nan}, {"layer": 2, "gradient": math.nan}], []),
        ([{"gradient": 0.0}, {"layer": 2, "gradient": math.nan}], ["layer 1: every gradient is exactly 0"]),
        ([{"flat": 0.6}, {"layer": 2, "dead": [1], "gradient": 0.0}],
         ["layer 1: tanh is saturated in 60% of cases: try smaller weights",
          f"layer 2: 1 of 4 neurons is dead (1): {LESS}", "layer 2: every gradient is exactly 0"]),
    ],
)  # fmt: skip
def test_what_is_found(rows, words):
    assert findings([layer(**row) for row in rows], DIFFERENT) == words


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([[1.0]], []),  # of one example nothing can be said
        ([[1.0], [1.0]], ["the network gives the same answer, 1, to every example"]),
        ([[1.0], [1.0], [2.0]], []),
        ([[0.123456, 2.0, 3.0, 4.0, 5.0]] * 2,
         ["the network gives the same answer, 0.1235, 2, 3, 4, to every example"]),
        ([], []),
    ],
)  # fmt: skip
def test_the_same_answer_to_every_example(answers, words):
    assert findings([layer()], answers) == words


REPORT = Health(
    [
        layer(mean=-0.00123456, spread=12.3456, flat=0.256, dead=[2, 3], weights=1234.5, gradient=math.nan),
        layer(layer=10, neurons=16, activation="leaky_relu", flat=1.0, gradient=0.123456),
    ],
    ["a < b", "c"],
)


def test_a_report_is_a_table_and_what_was_found():
    assert repr(REPORT).splitlines() == [
        "layer  neurons  activation      mean  spread  flat  dead   weights  gradient",
        "    1        4        tanh  -0.00123    12.3   26%     2  1.23e+03         –",
        "   10       16  leaky_relu         0       1  100%     0         1     0.123",
        "a < b",
        "c",
    ]
    assert repr(Health(REPORT.layers, [])).splitlines()[-1] == "nothing to complain of"


def test_a_report_in_a_notebook():
    names = ["layer", "neurons", "activation", "mean", "spread", "flat", "dead", "weights", "gradient"]
    cells = [
        ["1", "4", "tanh", "-0.00123", "12.3", "26%", "2", "1.23e+03", "–"],
        ["10", "16", "leaky_relu", "0", "1", "100%", "0", "1", "0.123"],
    ]
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
    head = "".join(f"<th>{name}</th>" for name in names)
    assert REPORT._repr_html_() == f"<table><tr>{head}</tr>{rows}</table><ul><li>a &lt; b</li><li>c</li></ul>"


def network(weights, activation="relu"):
    """Neurons of one input and no bias."""
    made = Layer(1, len(weights), activation=activation, bias=False)
    for neuron, w in zip(made.neurons, weights, strict=True):
        neuron.w[0].data = w
    return Sequential(made, Layer(len(weights), 1, activation=None, seed=1))


def test_the_numbers_of_a_layer():
    net = network([1.0, -2.0, 0.5])
    examples = [([x], 0) for x in (1.0, 2.0, -1.0, 3.0)]
    first, second = health(net, examples).layers
    outputs = [max(w * x, 0.0) for x in (1.0, 2.0, -1.0, 3.0) for w in (1.0, -2.0, 0.5)]
    mean = sum(outputs) / 12
    assert first[:3] == (1, 3, "relu")
    assert first.mean == pytest.approx(mean)
    assert first.spread == pytest.approx(math.sqrt(sum((y - mean) ** 2 for y in outputs) / 12))
    assert first.flat == pytest.approx(5 / 12)  # one, three, one of four
    assert first.dead == []
    assert first.weights == pytest.approx(math.hypot(1.0, -2.0, 0.5))
    assert math.isnan(first.gradient) and math.isnan(second.gradient)
    assert (second.activation, second.flat, second.dead) == ("linear", 0.0, [])
    assert health(net, [([1.0], 0), ([2.0], 0)]).layers[0].dead == [2]
    assert all(p.grad is NOT_COMPUTED for p in net.parameters())


@pytest.mark.parametrize(("slope", "flat"), [(0.0101, 0.0), (0.0099, 1.0), (-0.0101, 0.0), (-0.0099, 1.0)])
def test_flat_is_a_slope_below_a_hundredth(slope, flat):
    with registered("gentle", "g", f"{slope!r} * x", repr(slope)):
        row = health(network([1.0], "gentle"), [([1.0], 0), ([2.0], 0)]).layers[0]
    assert (row.flat, row.dead) == (flat, [1] if flat else [])


def test_a_slope_that_does_not_exist_is_not_flat():
    row = health(network([0.0], "sqrt"), [([1.0], 0)]).layers[0]
    assert (row.flat, row.mean) == (0.0, 0.0)


def test_gradients_are_those_of_the_mean_loss_and_are_left():
    net = network([1.0, -2.0])
    examples = [([1.0], 0.5), ([-1.5], 1.0)]
    for p in net.parameters():
        p.grad = 99.0
    report = health(net, examples, mse)
    found = [p.grad for p in net.parameters()]
    net.zero_grad()
    (sum(mse(net(x), t) for x, t in examples) / 2).backward()
    assert found == pytest.approx([p.grad for p in net.parameters()])
    assert [row.gradient for row in report.layers] == pytest.approx([math.hypot(*found[:2]), math.hypot(*found[2:])])
    assert [row.gradient for row in health(net, examples).layers] == pytest.approx(
        [row.gradient for row in report.layers]
    )  # those of the last backward()


def test_the_first_two_hundred_examples_are_looked_at():
    seen = []

    def loss(answer, target):
        seen.append(target)
        return mse(answer, target)

    health(network([1.0]), [([1.0], k) for k in range(250)], loss)
    assert seen == [*range(200)]


def test_what_is_applied_to_a_linear_neuron_is_not_its_own():
    net = Sequential(Layer(1, 2, activation=None, bias=False, seed=1), lambda ys: [y.tanh() * 0.001 for y in ys])
    [row] = health(net, [([100.0], 0), ([200.0], 0)]).layers
    assert (row.activation, row.flat) == ("linear", 0.0)
    assert row.mean == pytest.approx(sum(net.layers[0](x)[k].data for x in ([100.0], [200.0]) for k in (0, 1)) / 4)


def test_neurons_behind_one_another_are_all_looked_at_whatever_is_applied_to_each():
    """One root, into which two linear neurons lead, each through a function that is not its own."""
    net = Sequential(Layer(1, 2, activation=None, bias=False, seed=1), lambda ys: ys[0].tanh() + ys[1].tanh())
    [row] = health(net, [([2.0], 0), ([3.0], 0)]).layers
    outputs = [y.data for x in ([2.0], [3.0]) for y in net.layers[0](x)]
    assert row.mean == pytest.approx(sum(outputs) / 4)
    assert row.spread == pytest.approx(math.sqrt(sum((y - row.mean) ** 2 for y in outputs) / 4))


def test_a_network_beside_it_is_not_looked_at():
    other, net = Layer(1, 2, activation="tanh", seed=3), network([1.0, -2.0])

    class Both(Sequential):
        def __call__(self, x):
            return super().__call__([tinygrad_edu.sum(other(x))])

    rows = health(Both(*net.layers), [([1.0], 0), ([2.0], 0)]).layers
    assert [(row.neurons, row.activation) for row in rows] == [(2, "relu"), (1, "linear")]


def test_a_bias_that_is_shared_counts_once():
    shared = Layer(1, 3, bias="shared", seed=1)
    shared.neurons[0].b.data = 7.0
    [row] = health(shared, [([1.0], 0)]).layers
    assert row.weights == pytest.approx(math.hypot(7.0, *(n.w[0].data for n in shared.neurons)))


def test_a_network_that_ignores_its_layers_has_no_outputs_to_look_at():
    class Idle(Sequential):
        def __call__(self, x):
            return [Value(1.0), 2.0]

    [row] = health(Idle(Layer(1, 1, seed=1)), [([1.0], 0)]).layers
    assert math.isnan(row.mean) and math.isnan(row.spread)
    assert (row.flat, row.dead, row.neurons) == (0.0, [], 1)


def test_a_loss_may_be_named():
    network = Layer(2, 1, seed=1)
    assert health(network, [([1.0, 2.0], 3.0)], "mse") == health(network, [([1.0, 2.0], 3.0)], mse)
    with pytest.raises(ValueError, match=r"health expected a loss of squared_error, .* or a function, got 'mean'"):
        health(network, [([1.0, 2.0], 3.0)], "mean")
    with pytest.raises(TypeError, match="health expected the name of a loss or a function of answer and target, got 0"):
        health(network, [([1.0, 2.0], 3.0)], 0)


def test_neurons_with_the_same_weights_are_looked_at_once():
    layer = Layer(1, 2, activation="tanh", seed=1)
    layer.neurons[1].w = layer.neurons[0].w
    [row] = health(layer, [([1.0], 0.0)]).layers
    assert row.neurons == 2 and math.isfinite(row.mean)
