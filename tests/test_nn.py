"""Networks, losses, optimisers and training, against micrograd's and the worked example's numbers."""

import copy
import gc
import inspect
import math
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu
from tinygrad_edu import NOT_COMPUTED, TABLE, Value, grad
from tinygrad_edu.nn import (
    MLP,
    SGD,
    Adam,
    AdamW,
    Layer,
    Module,
    Neuron,
    Place,
    Sequential,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    clip_gradients,
    cosine_decay,
    cross_entropy,
    hinge,
    huber,
    mae,
    mse,
    squared_error,
    step_decay,
    train,
    training_step,
    warmup,
)
from tinygrad_edu.nn.modules import place

THETA = [[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [[0.4, 0.3, 0.6], [0.2, 1.0, 0.3]]]
X1 = Value(1.0)
X, T = [0.85, 0.25], [0.6905, 0.8657]


def test_the_worked_examples_gradients():
    network = MLP.from_weights(THETA)
    outputs = network(X)
    assert [f"{y.data:.9f}" for y in outputs] == ["0.733272599", "0.731694940"]
    loss = squared_error(outputs, T)
    loss.backward()
    assert f"{loss.data:.8f}" == "0.00989343"
    gradients = [p.grad for layer in network.layers for n in layer.neurons for p in [n.b, *n.w]]
    assert gradients == pytest.approx(
        [
            *(-0.005775880648, -0.004909498551, -0.001443970162),
            *(-0.000571335594, -0.000485635255, -0.000142833898),
            *(0.008365631445, 0.004897278872, 0.006074410320),
            *(-0.026307532216, -0.015400549562, -0.019102293263),
        ],
        rel=0,
        abs=1e-12,
    )


TRAINED = [(1, "0.0097456"), (10, "0.0085332"), (100, "0.0027444"), (1000, "4.556e-06")]


@pytest.mark.parametrize(("epochs", "error"), TRAINED)
def test_the_worked_examples_training(epochs, error):
    network = MLP.from_weights(THETA)
    run = train(lambda: squared_error(network(X), T), SGD(network.parameters(), lr=0.1), epochs=epochs)
    digits = 4 if "e" in error else 5
    assert f"{run.losses[-1]:.{digits}g}" == error
    assert run.stopped == f"all {epochs} epochs are over"


def test_micrograds_weights_come_from_the_same_seed():
    random.seed(1337)
    network = MLP(2, [16, 16, 1])
    random.seed(1337)
    expected = []
    for nin, nout in ((2, 16), (16, 16), (16, 1)):
        for _ in range(nout):
            expected += [*(random.uniform(-1, 1) for _ in range(nin)), 0.0]
    assert [p.data for p in network.parameters()] == expected
    assert network.layers[0].neurons[0]([1.0, 1.0]).op.name == "relu"
    assert network([0.5, -0.5]).op.name == "add"  # the last layer is linear, and one output is no list
    # As micrograd 0.1.0 computes it.
    assert math.isclose(network([0.5, -0.5]).data, MICROGRAD, rel_tol=1e-12)


MICROGRAD = -0.4622584932316083


# Loss and accuracy of steps 0, 1, 4, 9 and 29 of the code below with micrograd 0.1.0.
MICROGRADS_DEMO = {
    0: (0.907348411565892, 0.5),
    1: (1.6557411550266985, 0.75),
    4: (0.52210107691479, 0.8),
    9: (0.30540386235336187, 0.85),
    29: (0.12351464830760914, 0.95),
}


def test_micrograds_demo_trains_step_by_step_as_in_micrograd():
    random.seed(1337)
    angles = [k * math.pi / 9 for k in range(10)]
    X = [[math.cos(a), math.sin(a)] for a in angles] + [[1 - math.cos(a), 0.5 - math.sin(a)] for a in angles]
    y = [-1] * 10 + [1] * 10
    model = MLP(2, [16, 16, 1])
    for k in range(30):
        scores = [model(list(map(Value, row))) for row in X]
        losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
        total = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * p.grad
        if k in MICROGRADS_DEMO:
            accuracy = sum((yi > 0) == (score.data > 0) for yi, score in zip(y, scores, strict=True)) / len(y)
            loss, right = MICROGRADS_DEMO[k]
            assert math.isclose(total.data, loss, rel_tol=1e-9)
            assert accuracy == right


def test_labels_and_places():
    network = MLP.from_weights(THETA)
    assert [p.label for p in network.parameters()] == [
        *("w1", "w2", "b1", "w3", "w4", "b2"),
        *("w5", "w6", "b3", "w7", "w8", "b4"),
    ]
    assert network.layers[1].neurons[0].w[0].place == Place(layer=2, neuron=1, input=1)
    assert network.layers[1].neurons[1].b.place == Place(2, 2, 0)
    by_layer = MLP(2, [2, 1], labels="layer")
    assert [p.label for p in by_layer.parameters()] == [
        *("w1_1,1", "w1_1,2", "b1_1", "w1_2,1", "w1_2,2", "b1_2"),
        *("w2_1,1", "w2_1,2", "b2_1"),
    ]


def test_a_bias_shared_by_the_layer():
    network = MLP(2, [3, 2], bias="shared", seed=1)
    assert len(network.parameters()) == 6 + 1 + 6 + 1
    assert {n.b for n in network.layers[0].neurons} == {network.layers[0].neurons[0].b}
    assert network.layers[1].neurons[1].b.place == Place(2, 0, 0)
    assert [p.label for p in network.parameters() if p.place.input == 0] == ["b1", "b2"]
    alone = Layer(2, 1, bias="shared")
    assert alone.neurons[0].b.label == "b1"


@pytest.mark.parametrize("bias", ["first", "last", None])
def test_weights_there_and_back(bias):
    network = MLP(3, [2, 2], bias=bias is not None, seed=5)
    matrices = network.to_weights(bias)
    again = MLP.from_weights(matrices, bias=bias, activation="relu", output_activation=None)
    assert again.to_weights(bias) == matrices
    assert [y.data for y in again([1, 2, 3])] == [y.data for y in network([1, 2, 3])]
    wrong = None if bias else "first"
    with pytest.raises(ValueError, match="does not fit: the network has"):
        network.to_weights(wrong)


def test_inputs_and_weights_may_come_from_any_iterable():
    network = MLP.from_weights(THETA)
    expected = [y.data for y in network(X)]
    for inputs in (iter(X), tuple(X), (Value(x) for x in X)):
        assert [y.data for y in network(inputs)] == expected
    assert MLP.from_weights(map(tuple, THETA)).to_weights() == THETA
    neuron = network.layers[0].neurons[0]
    assert neuron(iter(X)).data == neuron(X).data


def test_what_is_not_given_is_as_the_matrices_were_written():
    options = list(inspect.signature(MLP.from_weights).parameters.values())[1:]
    assert [str(option.default) for option in options] == ["as written"] * 4


def test_from_weights_draws_no_random_numbers():
    random.seed(1)
    state = random.getstate()
    MLP.from_weights(THETA)
    MLP(2, [2], seed=3)
    assert random.getstate() == state


def test_a_seed_gives_the_same_network():
    assert MLP(2, [3], seed=4).to_weights() == MLP(2, [3], seed=4).to_weights() != MLP(2, [3], seed=5).to_weights()


@pytest.mark.parametrize("name", [r.name for r in TABLE.values() if len(r.operands) == 1 and not r.many])
def test_any_operation_with_one_operand_is_an_activation(name):
    w = 0.7
    for activation in (name, getattr(tinygrad_edu, name)):
        neuron = Neuron(1, activation=activation)
        neuron.w[0].data = w
        assert neuron([1.0]).data == getattr(tinygrad_edu, name)(w)
    assert Neuron(1, activation=None)([2.0]).op.name == "add"
    assert Neuron(1, activation=lambda z: z * 2)([2.0]).op.name == "mul"


def test_an_activation_that_is_like_none_is_told_all_that_there_are():
    unary = [r.name for r in TABLE.values() if len(r.operands) == 1 and not r.many]
    with pytest.raises(ValueError) as error:
        Neuron(1, activation="?")
    assert str(error.value) == (f"activation expected an operation with one operand, like {', '.join(unary)}, got '?'")


def test_a_neuron_is_a_dot_product_plus_bias_then_activation():
    neuron = Neuron(2)
    out = neuron([1.0, 2.0])
    assert [out.op.name, out.parents[0].op.name, out.parents[0].parents[0].op.name] == ["relu", "add", "dot"]
    assert Neuron(2, bias=False)([1.0, 2.0]).parents[0].op.name == "dot"


MISTAKES = {
    "neurons of layer 2: expected a whole number from 1, got 0": lambda: MLP(2, [3, 0]),
    "neurons of layer 1: expected a whole number from 1, got -1": lambda: MLP(2, [-1]),
    "neurons of layer 1: expected a whole number from 1, got 1.5": lambda: MLP(2, [1.5]),
    "inputs of the network: expected a whole number from 1, got True": lambda: MLP(True, [1]),
    "inputs of a neuron: expected a whole number from 1, got 0": lambda: Neuron(0),
    "neurons of a layer: expected a whole number from 1, got 0": lambda: Layer(2, 0),
    "an MLP expected at least one layer, got none": lambda: MLP(2, []),
    "layer 1 expected 2 inputs, got 3": lambda: MLP(2, [3])([1, 2, 3]),
    "layer 1 expected 1 input, got 3": lambda: MLP(1, [3])([1, 2, 3]),
    "layer 1 expected 2 inputs, got 0": lambda: MLP(2, [3])([]),
    "neuron 1 of layer 1 expected 2 inputs, got 1": lambda: Neuron(2)([1]),
    "neuron 2 of layer 1 expected 2 weights and a bias, got 1": lambda: MLP.from_weights([[[1, 2, 3], [1, 2]]]),
    "neuron 1 of layer 2 expected 1 weight and a bias, got 2": lambda: MLP.from_weights([[[1, 2]], [[1, 2, 3]]]),
    "neurons of layer 3: expected a whole number from 1, got 0": lambda: MLP.from_weights([[[1, 2]], [[1, 2]], []]),
    "inputs of the network: expected a whole number from 1, got 0": lambda: MLP.from_weights([[[1]]]),
    "an MLP expected at least one layer, got none ": lambda: MLP.from_weights([]),
    "neurons of layer 1: expected a whole number from 1, got 0": lambda: MLP.from_weights([[]]),
    "neuron 1 of layer 1: expected a finite number, got nan (a Value takes it with finite=False)": lambda: (
        MLP.from_weights([[[1, math.nan]]])
    ),
    "bias expected True, False or \"shared\", got 'all'": lambda: Layer(2, 2, bias="all"),
    'bias expected "first", "last" or None, got \'middle\'': lambda: MLP.from_weights(THETA, bias="middle"),
    'labels expected "textbook" or "layer", got \'x\'': lambda: MLP(2, [1], labels="x"),
    "activation expected an operation with one operand, like relu, elu, gelu, got 'rellu'": lambda: MLP(
        2, [1], activation="rellu"
    ),
    "mse expected as many targets as predictions, 2, got 1": lambda: mse([1.0, 2.0], [1.0]),
    "squared_error expected predictions, got none": lambda: squared_error([], []),
    "cross_entropy expected logits, got none": lambda: cross_entropy([], 0),
    "hinge expected the targets -1 and 1, got 0": lambda: hinge([1.0], [0]),
    "huber expected a positive delta, got 0": lambda: huber([1.0], [1.0], delta=0),
    "cross_entropy expected a class from 0 to 1, got 2": lambda: cross_entropy([1.0, 2.0], 2),
    "cross_entropy expected targets from 0 to 1, got -1": lambda: cross_entropy([1.0, 2.0], [-1, 2]),
    "binary_cross_entropy expected targets from 0 to 1, got 2": lambda: binary_cross_entropy([0.5], [2]),
    "binary_cross_entropy expected probabilities from 0 to 1, got 1.5; for logits, which may be any number, there is "
    "binary_cross_entropy_with_logits": lambda: binary_cross_entropy([1.5], [1]),
    "binary_cross_entropy expected probabilities from 0 to 1, got -0.5; for logits, which may be any number, there is "
    "binary_cross_entropy_with_logits": lambda: binary_cross_entropy([-0.5], [0]),
    "binary_cross_entropy is infinite for the probability 0.0 and the target 1: train on logits, with "
    "binary_cross_entropy_with_logits": lambda: binary_cross_entropy([0.0], [1]),
    "binary_cross_entropy is infinite for the probability 1.0 and the target 0.5: train on logits, with "
    "binary_cross_entropy_with_logits": lambda: binary_cross_entropy([1.0], [0.5]),
    "SGD expected lr to be a number from 0, got -1": lambda: SGD([Value(1.0)], lr=-1),
    "SGD expected lr to be a number from 0, got '0.1'": lambda: SGD([Value(1.0)], lr="0.1"),
    "SGD expected lr(0) to be a number from 0, got nan": lambda: training_step(
        lambda: X1 * X1, SGD([X1], lr=lambda k: math.nan)
    ),
    "AdamW expected eps to be a number from 0, got inf": lambda: AdamW([Value(1.0)], eps=math.inf),
    "SGD expected leaves, got the result of exp(x), Value(data=1.0, grad=not computed)": lambda: SGD(
        [Value(0.0).exp()]
    ),
    "steps of step_decay: expected a whole number from 1, got 0": lambda: step_decay(0.1, 0.5, every=0),
    "steps of cosine_decay: expected a whole number from 1, got 0": lambda: cosine_decay(0.1, steps=0),
    "steps of warmup: expected a whole number from 1, got 1.5": lambda: warmup(0.1, steps=1.5),
    "Adam expected two betas from 0 to below 1, got (1, 0)": lambda: Adam([Value(1.0)], betas=(1, 0)),
    "Adam expected two betas from 0 to below 1, got (0.9, 0.9, 0.9)": lambda: Adam([Value(1.0)], betas=(0.9, 0.9, 0.9)),
    "Adam expected two betas from 0 to below 1, got 0.9": lambda: Adam([Value(1.0)], betas=0.9),
    "Adam expected two betas from 0 to below 1, got (0.9, nan)": lambda: Adam([Value(1.0)], betas=(0.9, math.nan)),
    "Adam expected two betas from 0 to below 1, got ('0.9', 0.9)": lambda: Adam([Value(1.0)], betas=("0.9", 0.9)),
    "Adam expected two betas from 0 to below 1, got (-0.1, 0.9)": lambda: Adam([Value(1.0)], betas=(-0.1, 0.9)),
    "clip_gradients expected a largest norm above 0, got nan": lambda: clip_gradients([Value(1.0)], math.nan),
    "huber expected a positive delta, got nan": lambda: huber([1.0], [1.0], delta=math.nan),
    "SGD expected momentum to be a number from 0, got -0.5": lambda: SGD([Value(1.0)], momentum=-0.5),
    "SGD expected lr(0) to be a number from 0, got -0.1": lambda: SGD([Value(1.0)], lr=lambda k: -0.1).rate(),
    'labels expected "textbook" or "layer", got \'layers\'': lambda: MLP(2, [1], labels="layers"),
    "SGD.step: no parameter has a gradient; call loss.backward() first, on a loss that depends on them": lambda: SGD(
        [Value(1.0)]
    ).step(),
    "cross_entropy expected probabilities that sum to 1, got [0.5, 1.0], 1.5": lambda: cross_entropy(
        [1.0, 2.0], [0.5, 1.0]
    ),
    "init expected a function or one of uniform, xavier, he, lecun, zeros, got 'He'": lambda: Layer(2, 2, init="He"),
    "init expected a function or one of uniform, xavier, he, lecun, zeros, got [1]": lambda: Layer(2, 2, init=[1]),
    "Sequential expected at least one layer, got none": lambda: Sequential(),
    "clip_gradients expected a largest norm above 0, got 0": lambda: clip_gradients([Value(1.0)], 0),
    "SGD expected parameters, got none": lambda: SGD([]),
    **{
        f"epochs of train: expected a whole number from 0, got {epochs!r}": lambda epochs=epochs: train(
            lambda: Value(1.0), SGD([Value(1.0)]), epochs=epochs
        )
        for epochs in (-1, 2.5, True)
    },
}


@pytest.mark.parametrize("words", MISTAKES)
def test_mistakes_are_named(words):
    with pytest.raises(ValueError) as error:
        MISTAKES[words]()
    assert str(error.value) == words.rstrip()


WRONG_KINDS = {
    "seed expected a number, a text or a random.Random, got [1]": lambda: Layer(2, 2, seed=[1]),
    "an MLP expected the sizes of its layers, like [16, 16, 1], got 3": lambda: MLP(2, 3),
    "layer 1 expected a sequence of inputs, got 0.5": lambda: MLP(1, [1])(0.5),
    "neuron 1 of layer 1 expected a sequence of inputs, got 0.5": lambda: Neuron(1)(0.5),
    "layer 1 expected 2 numbers, got [1, 2] as the first: a network takes one example at a time, "
    "[network(x) for x in examples]": lambda: MLP(2, [1])([[1, 2], [3, 4]]),
    "layer 1 expected 2 numbers, got (1, 2) as the first: a network takes one example at a time, "
    "[network(x) for x in examples]": lambda: MLP(2, [1])([(1, 2)]),
    "a network expected a matrix for each layer, got 3": lambda: MLP.from_weights(3),
    "layer 2 expected a row for each neuron, got 0.3": lambda: MLP.from_weights([[[0.1, 0.2]], 0.3]),
    "neuron 1 of layer 1 expected a row of numbers, got 0.1": lambda: MLP.from_weights([[0.1, 0.2]]),
    "neuron 2 of layer 1: expected a real number, got 'a' (str)": lambda: MLP.from_weights([[[1, 2], [1, "a"]]]),
    "SGD expected Values, like network.parameters(), got MLP of [Layer...n(2, linear)]]": lambda: SGD(MLP(2, [1])),
    "Adam expected Values, like network.parameters(), got 1.0": lambda: Adam([1.0]),
    "mse expected predictions that are numbers or Values, got [1.0]: call it once for each example": lambda: mse(
        [[1.0], [2.0]], [1.0, 2.0]
    ),
    "mse expected targets that are numbers or Values, got 'a': call it once for each example": lambda: mse([1.0], "a"),
    "cross_entropy expected a class or a probability for each, got 1.5": lambda: cross_entropy([1.0, 2.0], 1.5),
    "MLP expected its inputs as one list: call it with ([1, 2])": lambda: MLP(2, [1])(1, 2),
    "neuron 1 of layer 1 expected its inputs as one list: call it with ([1.0, 2])": lambda: Neuron(2)(Value(1.0), 2),
    "an MLP expected the number of inputs, and the sizes of its layers as one list: "
    "MLP(2, [3, 1], activation='tanh')": lambda: MLP(2, [3, 1], "tanh"),
    "an MLP expected the number of inputs, and the sizes of its layers as one list: MLP(2, [2, 1])": lambda: MLP(
        2, 2, 1
    ),
    "an MLP expected the number of inputs, and the sizes of its layers as one list: MLP(3, [4, 1])": lambda: MLP(
        [3, 4, 1]
    ),
    "warmup expected a learning rate or a schedule, got '0.1'": lambda: warmup("0.1", 3),
    "Sequential expected layers and functions, got 3": lambda: Sequential(3),
    "training expected the loss function to return a Value, got 3.0": lambda: training_step(
        lambda: 3.0, SGD([Value(1.0)])
    ),
    "training expected the loss function to return a Value, got None": lambda: train(lambda: None, SGD([Value(1.0)])),
}


@pytest.mark.parametrize("words", WRONG_KINDS)
def test_wrong_kinds_are_named(words):
    with pytest.raises(TypeError) as error:
        WRONG_KINDS[words]()
    assert str(error.value) == words


def test_zero_grad_then_backward_is_fresh():
    network = MLP(2, [2, 1], seed=1)
    network(X).backward()
    first = [p.grad for p in network.parameters()]
    network.zero_grad()
    network(X).backward()
    assert [p.grad for p in network.parameters()] == first


def test_networks_copy_and_pickle_with_their_places():
    network = MLP(2, [2, 1], activation="tanh", seed=1)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert twin(X).data == network(X).data
        assert [p.place for p in twin.parameters()] == [p.place for p in network.parameters()]
        assert [p.label for p in twin.parameters()] == [p.label for p in network.parameters()]
        assert all(p.grad is NOT_COMPUTED for p in twin.parameters())


def test_reprs():
    assert repr(MLP(2, [1], output_activation="sigmoid")) == "MLP of [Layer of [Neuron(2, sigmoid)]]"


def test_permuting_hidden_neurons_permutes_the_gradients():
    network, swapped = MLP.from_weights(THETA), MLP.from_weights([THETA[0][::-1], [[b, v, w] for b, w, v in THETA[1]]])
    for n in (network, swapped):
        squared_error(n(X), T).backward()
    first, second = ([[p.grad for p in m.parameters()] for m in n.layers[0].neurons] for n in (network, swapped))
    assert all(
        math.isclose(a, b) for one, two in zip(first, second[::-1], strict=True) for a, b in zip(one, two, strict=True)
    )


numbers = st.lists(st.floats(-3, 3), min_size=1, max_size=5)


@given(numbers)
def test_losses_by_their_definitions(y):
    t = [0.5] * len(y)
    values = [Value(v) for v in y]
    n = len(y)
    errors = [a - b for a, b in zip(y, t, strict=True)]
    for loss, expected in [
        (squared_error(values, t), sum(0.5 * e * e for e in errors)),
        (mse(values, t), sum(e * e for e in errors) / n),
        (mae(values, t), sum(abs(e) for e in errors) / n),
        (huber(values, t), sum(0.5 * e * e if abs(e) <= 1 else abs(e) - 0.5 for e in errors) / n),
        (hinge(values, [1] * n), sum(max(0.0, 1 - v) for v in y) / n),
        (
            binary_cross_entropy_with_logits(values, t),
            sum(-0.5 * (math.log(1 / (1 + math.exp(-v))) + math.log(1 / (1 + math.exp(v)))) for v in y) / n,
        ),
        (cross_entropy(values, n - 1), math.log(sum(math.exp(v - y[-1]) for v in y))),
    ]:
        assert math.isclose(loss.data, expected, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize(("logit", "target", "sign"), [(50.0, 1, -1), (-50.0, 0, 1), (700.0, Value(1.0), -1)])
def test_binary_cross_entropy_from_logits_keeps_the_digits_of_an_answer_that_is_nearly_right(logit, target, sign):
    z = Value(logit)
    loss = binary_cross_entropy_with_logits(z, target)
    loss.backward()
    assert loss.data == pytest.approx(math.exp(-abs(logit)), rel=1e-12, abs=0)  # log(1 + e)
    assert z.grad == pytest.approx(sign * math.exp(-abs(logit)), rel=1e-12, abs=0)


def test_binary_cross_entropy_from_probabilities_and_from_logits_agree():
    z = [Value(0.3), Value(-2.0)]
    left = binary_cross_entropy([v.sigmoid() for v in z], [1, 0.25])
    right = binary_cross_entropy_with_logits(z, [1, 0.25])
    assert math.isclose(left.data, right.data)
    for a, b in zip(grad(left, z), grad(right, z), strict=True):
        assert math.isclose(a.data, b.data)
    assert binary_cross_entropy([Value(1.0), Value(0.0)], [1, 0]).data == 0.0
    assert binary_cross_entropy_with_logits([Value(1000.0)], [0]).data == 1000.0


@pytest.mark.parametrize("p", [0.3, 1e-3, 1e-9, 1e-20, 5e-324])
def test_binary_cross_entropy_keeps_the_digits_of_a_small_probability(p):
    """Where 1 - p rounds to 1, its logarithm would be 0."""
    loss = binary_cross_entropy([Value(p)], [0])
    assert loss.data == binary_cross_entropy([p], [0.0]) == -math.log1p(-p) > 0
    loss.backward()
    assert binary_cross_entropy([1 - 2**-53, p], [1, 0]) == pytest.approx(
        (2**-53 - math.log1p(-p)) / 2, rel=1e-12, abs=0
    )


def test_cross_entropy_gradients_sum_to_zero_and_are_softmax_minus_target():
    z = [Value(1.0), Value(2.0), Value(-1.0)]
    for target in (1, [0.0, 1.0, 0.0]):
        gradients = [g.data for g in grad(cross_entropy(z, target), z)]
        expected = [p.data - (k == 1) for k, p in enumerate(tinygrad_edu.softmax(z))]
        assert all(math.isclose(a, b, abs_tol=1e-12) for a, b in zip(gradients, expected, strict=True))


def test_targets_may_come_from_any_iterable():
    z = [Value(1.0), Value(2.0), Value(-1.0)]
    shares = [0.25, 0.75, 0.0]
    assert cross_entropy(z, iter(shares)).data == cross_entropy(z, tuple(shares)).data == cross_entropy(z, shares).data


def steps(optimizer_of, count=3):
    """Where w² / 2 leads from w = 1 and -2; its gradient is w."""
    w = [Value(1.0), Value(-2.0)]
    optimizer = optimizer_of(w)
    for _ in range(count):
        optimizer.zero_grad()
        (0.5 * (w[0] * w[0] + w[1] * w[1])).backward()
        optimizer.step()
    return [v.data for v in w]


def by_hand(rule, count=3):
    found = []
    for w in (1.0, -2.0):
        state = {}
        for t in range(1, count + 1):
            w = rule(w, w, state, t)
        found.append(w)
    return found


def adam(decay, decoupled):
    def rule(w, g, state, t):
        g = g if decoupled else g + decay * w
        m = state["m"] = 0.9 * state.get("m", 0.0) + 0.1 * g
        v = state["v"] = 0.999 * state.get("v", 0.0) + 0.001 * g * g
        w = w * (1 - 0.1 * decay) if decoupled else w
        return w - 0.1 * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)

    return rule


def momentum(w, g, state, t):
    v = state["v"] = 0.9 * state.get("v", 0.0) + g + 0.01 * w
    return w - 0.1 * v


@pytest.mark.parametrize(
    ("optimizer", "rule"),
    [
        (lambda w: SGD(w, lr=0.1), lambda w, g, state, t: w - 0.1 * g),
        (lambda w: SGD(w, lr=0.1, momentum=0.9, weight_decay=0.01), momentum),
        (lambda w: Adam(w, lr=0.1), adam(0.0, False)),
        (lambda w: Adam(w, lr=0.1, weight_decay=0.05), adam(0.05, False)),
        (lambda w: AdamW(w, lr=0.1, weight_decay=0.05), adam(0.05, True)),
        (lambda w: AdamW(w, lr=0.1), adam(0.01, True)),
        (lambda w: SGD(w, lr=lambda t: 0.1 / (t + 1)), lambda w, g, state, t: w - 0.1 / t * g),
    ],
)
def test_optimisers_by_their_definitions(optimizer, rule):
    assert all(math.isclose(a, b, rel_tol=1e-12) for a, b in zip(steps(optimizer), by_hand(rule), strict=True))


def test_a_parameter_given_twice_is_changed_once():
    w = Value(3.0)
    (w * w).backward()
    SGD([w, w], lr=0.1).step()
    assert math.isclose(w.data, 2.4)


def test_schedules():
    assert [step_decay(1.0, 0.1, every=2)(t) for t in range(4)] == [1.0, 1.0, 0.1, 0.1]
    assert math.isclose(cosine_decay(1.0, 10)(5), 0.5) and cosine_decay(1.0, 10)(99) == 0.0
    assert [warmup(lambda t: 1.0, 4)(t) for t in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert [warmup(2, 4)(t) for t in (0, 3, 4, 99)] == [0.5, 2.0, 2.0, 2.0]
    assert [warmup(lambda t: 8.0 - t, 2)(t) for t in range(5)] == [4.0, 8.0, 8.0, 7.0, 6.0]


def test_a_small_step_lowers_the_loss_by_the_rate_times_the_squared_gradient():
    network = MLP.from_weights(THETA)
    lr = 1e-4
    loss = squared_error(network(X), T)
    loss.backward()
    expected = lr * sum(p.grad**2 for p in network.parameters())
    SGD(network.parameters(), lr=lr).step()
    assert math.isclose(loss.data - squared_error(network(X), T).data, expected, rel_tol=1e-3)


def test_training_stops_by_its_criteria():
    def run(**criteria):
        w = Value(3.0)
        return train(lambda: w * w, SGD([w], lr=0.1), **criteria)

    assert run(goal=0.01).stopped == "the loss reached the goal, 0.01"
    assert run(tolerance=0.1).stopped == "the loss changed by less than 0.1 in an epoch"
    assert run(epochs=0).losses == [9.0]
    assert run(epochs=0, goal=9.0).stopped == "the loss reached the goal, 9"
    seen = []
    assert run(epochs=3, on_epoch=lambda epoch, loss: seen.append((epoch, round(loss, 3)))).epochs == 3
    assert seen == [(1, 9.0), (2, 5.76), (3, 3.686)]


def test_training_stays_where_it_reached_the_goal():
    w = Value(3.0)
    run = train(lambda: w * w, SGD([w], lr=1.5), goal=9.0)  # a step would lead to w = -6
    assert (run.epochs, run.losses, w.data) == (0, [9.0], 3.0)
    run = train(lambda: w * w, SGD([w], lr=0.5), goal=0.0, epochs=1)  # reached by the last step
    assert (run.losses, run.stopped) == ([9.0, 0.0], "the loss reached the goal, 0")


def test_a_loss_that_stands_still_trains_on_without_a_tolerance():
    w = Value(3.0)
    assert train(lambda: w * w, SGD([w], lr=0.0), epochs=4).epochs == 4


def test_a_loss_below_zero_trains_on():
    w = Value(3.0)
    assert train(lambda: w * w - 10, SGD([w], lr=0.1), epochs=5).epochs == 5


def test_a_training_step_leaves_the_garbage_collector_as_it_was():
    w = Value(1.0)
    assert gc.isenabled()
    during = []

    def loss():
        during.append(gc.isenabled())
        return w.log()

    training_step(loss, SGD([w]))
    w.data = -1.0
    with pytest.raises(ValueError):
        training_step(loss, SGD([w]))
    assert during == [False, False]
    assert gc.isenabled()


class Net(Module):
    """A class of one's own, made of layers, a list, a dict, a neuron and a Value."""

    def __init__(self):
        self.body = Layer(2, 2, activation="tanh", seed=1)
        self.heads = {"left": MLP(2, [2, 1], seed=2), "right": [Neuron(2, nonlin=False, seed=3)]}
        self.gain = Value(2.0)
        self.itself = self
        self.memory = self.gain * 2.0

    def __call__(self, x):
        h = self.body(x)
        return self.gain * (self.heads["left"](h) + self.heads["right"][0](h))


def test_a_module_of_ones_own_finds_its_parameters():
    net = Net()
    named = dict(net.named_parameters())
    assert list(named) == [
        *("body.neurons.0.w.0", "body.neurons.0.w.1", "body.neurons.0.b"),
        *("body.neurons.1.w.0", "body.neurons.1.w.1", "body.neurons.1.b"),
        *("heads.left.layers.0.neurons.0.w.0", "heads.left.layers.0.neurons.0.w.1", "heads.left.layers.0.neurons.0.b"),
        *("heads.left.layers.0.neurons.1.w.0", "heads.left.layers.0.neurons.1.w.1", "heads.left.layers.0.neurons.1.b"),
        *("heads.left.layers.1.neurons.0.w.0", "heads.left.layers.1.neurons.0.w.1", "heads.left.layers.1.neurons.0.b"),
        *("heads.right.0.w.0", "heads.right.0.w.1", "heads.right.0.b"),
        "gain",
    ]
    assert list(named.values()) == net.parameters()
    labels = [p.label for p in net.parameters()]
    assert len({*labels}) == len(labels)
    assert labels[:3] + labels[-2:] == ["w1", "w2", "b1", "b6", "gain"]
    places = [p.place for p in net.parameters()[:-1]]
    assert len({*places}) == len(places)
    assert places[-1] == Place(4, 1, 0)
    net([1.0, 2.0]).backward()
    assert all(p.grad is not NOT_COMPUTED for p in net.parameters())
    net.zero_grad()
    assert [p.grad for p in net.parameters()] == [0.0] * len(labels)


def test_labels_that_differ_stay_as_they_are():
    class Pair(Module):
        def __init__(self):
            self.a, self.b = Value(1.0, "alpha"), Value(2.0, "beta")

    assert [p.label for p in Pair().parameters()] == ["alpha", "beta"]


def test_of_two_values_with_one_label_the_second_has_the_name_of_its_attribute():
    class Pair(Module):
        def __init__(self):
            self.a, self.b, self.c = Value(1.0, "same"), Value(2.0, "same"), Value(3.0)

    assert [p.label for p in Pair().parameters()] == ["same", "b", "c"]


def test_sequential_is_a_network_of_layers_and_functions():
    network = Sequential(
        Layer(2, 3, activation="tanh", seed=1), Layer(3, 2, activation=None, seed=2), tinygrad_edu.softmax
    )
    assert math.isclose(sum(y.data for y in network(X)), 1.0)
    assert [p.label for p in network.parameters()][-3:] == ["w11", "w12", "b5"]
    assert repr(Sequential(Layer(1, 1))) == "Sequential of [Layer of [Neuron(1, relu)]]"


@pytest.mark.parametrize(
    "first", [MLP(2, [2, 1], seed=1), Sequential(MLP(2, [1], seed=2)), Neuron(2, seed=3), lambda x: Value(x[0])]
)
def test_one_value_is_the_one_input_of_the_layer_behind_it(first):
    layer, x = Layer(1, 2, activation="tanh", seed=4), [0.5, 1.0]
    expected = [y.data for y in layer([first(x)])]
    for behind in (layer, Sequential(layer)):
        assert [y.data for y in Sequential(first, behind)(x)] == expected
    assert Sequential(first, layer.neurons[1])(x).data == expected[1]
    assert Sequential(first, tinygrad_edu.tanh)(x).data == math.tanh(first(x).data)  # a function has the Value itself


def test_a_linear_neuron_under_micrograds_name():
    assert Neuron(2, nonlin=False)([1.0, 2.0]).op.name == "add"
    assert {n.activation for n in Layer(2, 2, nonlin=False).neurons} == {None}


@pytest.mark.parametrize(
    ("init", "spread"), [("uniform", 1 / 3**0.5), ("xavier", 0.1), ("he", 0.2), ("lecun", 0.2 / 2**0.5), ("zeros", 0.0)]
)
def test_weights_start_as_their_rule_says(init, spread):
    layer = Layer(50, 150, init=init, seed=1)
    weights = [w.data for n in layer.neurons for w in n.w]
    assert math.isclose((sum(w * w for w in weights) / len(weights)) ** 0.5, spread, rel_tol=0.05)
    assert {n.b.data for n in layer.neurons} == {0.0}
    assert Neuron(3, init=lambda rng, nin, nout: nin + nout).w[0].data == 4.0


@pytest.mark.parametrize("activation", ["tanh", Value.tanh, None])
@pytest.mark.parametrize("bias", [True, False, "shared"])
@pytest.mark.parametrize("labels", ["textbook", "layer"])
def test_weights_there_and_back_are_the_same_network(activation, bias, labels):
    network = MLP(2, [3, 2], activation=activation, output_activation="sigmoid", bias=bias, labels=labels, seed=1)
    again = MLP.from_weights(network.to_weights(None if bias is False else "last"))
    assert [y.data for y in again(X)] == [y.data for y in network(X)]
    assert [(p.label, p.place, p.data) for p in again.parameters()] == [
        (p.label, p.place, p.data) for p in network.parameters()
    ]
    assert repr(again) == repr(network)


def test_what_is_given_counts_more_than_what_matrices_know():
    matrices = MLP(1, [1, 1], activation="tanh", output_activation="sigmoid", labels="layer", seed=1).to_weights()
    network = MLP.from_weights(matrices, activation="relu", output_activation=None, labels="textbook")
    assert repr(network) == "MLP of [Layer of [Neuron(1, relu)], Layer of [Neuron(1, linear)]]"
    assert [p.label for p in network.parameters()] == ["w1", "b1", "w2", "b2"]
    assert [p.label for p in MLP.from_weights(THETA, labels="layer").parameters()][:3] == ["w1_1,1", "w1_1,2", "b1_1"]


def test_a_bias_that_some_neurons_of_a_layer_share_is_no_bias_of_the_layer():
    network = MLP(1, [3], seed=1, labels="layer")
    first, second, third = network.layers[0].neurons
    second.b = first.b
    place([network.layers[0].neurons], "layer")
    assert [(n.b.label, n.b.place) for n in (first, third)] == [("b1_1", Place(1, 1, 0)), ("b1_3", Place(1, 3, 0))]
    words = "each weight in one place, and each bias in one neuron or in all of a layer: save the network instead"
    with pytest.raises(ValueError, match=words):
        network.to_weights()
    network = MLP(2, [2, 2], bias=False)
    network.layers[1].neurons[0].w = network.layers[0].neurons[0].w
    with pytest.raises(ValueError, match=words):
        network.to_weights(None)


def test_what_matrices_cannot_say_is_refused():
    network = MLP(2, [2, 2, 1])
    network.layers[1].neurons[0].activation = tinygrad_edu.tanh
    with pytest.raises(ValueError, match="hidden neurons with one activation, got relu, tanh: save the network"):
        network.to_weights()
    network = MLP(2, [2, 2])
    network.layers[1].neurons[1].activation = tinygrad_edu.tanh
    with pytest.raises(ValueError, match="output neurons with one activation, got linear, tanh: save the network"):
        network.to_weights()
    network = MLP(2, [2, 1])
    network.layers[1].neurons[0].b = None
    with pytest.raises(ValueError, match="expected all neurons to have a bias, or none: save the network"):
        network.to_weights()
    network = MLP(2, [2, 2], bias="shared")
    network.layers[1] = Layer(2, 2)
    with pytest.raises(ValueError, match="expected all layers to share a bias, or none: save the network instead"):
        network.to_weights()
    matrices = MLP(2, [2], bias="shared", seed=1).to_weights()
    matrices[0][1][0] = 5.0
    with pytest.raises(ValueError, match=r"neuron 2 of layer 1 expected the bias that the layer shares, got 5\.0"):
        MLP.from_weights(matrices)
    with pytest.raises(ValueError, match="the matrices were written with bias='first'"):
        MLP.from_weights(MLP(2, [2]).to_weights(), bias="last")


def test_losses_take_targets_that_are_values():
    y, one, zero = Value(0.25), Value(1.0), Value(0.0)
    assert binary_cross_entropy([0.0], [zero]).data == 0.0
    assert binary_cross_entropy([y], [one]).data == binary_cross_entropy([y], [1]).data
    assert grad(binary_cross_entropy([y], [zero]), zero).data == pytest.approx(math.log(0.75 / 0.25))
    assert grad(binary_cross_entropy([y], [one]), one).data == pytest.approx(math.log(0.75 / 0.25))
    assert hinge([y], [one]).data == hinge([y], [1]).data == 0.75
    assert cross_entropy([y, 1.0], [zero, one]).data == pytest.approx(cross_entropy([y, 1.0], 1).data, rel=1e-15)
    with pytest.raises(ValueError, match=r"hinge expected the targets -1 and 1, got 0\.0"):
        hinge([y], [zero])


def test_a_recorded_cross_entropy_is_right_far_from_its_recording():
    z, t = [Value(1e12), Value(0.0)], [Value(1.0), Value(0.0)]
    program = tinygrad_edu.compile(cross_entropy(z, t), z, t, backend="python")
    expected = math.log1p(math.exp(1.0))
    assert math.isclose(program([1.0, 2.0], [1.0, 0.0])[0], expected, rel_tol=1e-15)
    program = tinygrad_edu.compile(cross_entropy(z, 0), z, backend="python")
    assert math.isclose(program([1.0, 2.0])[0], expected, rel_tol=1e-15)
    assert tinygrad_edu.compile(lambda a, b: cross_entropy([a, b], 0), inputs=[0.0, 1.0], backend="python")


@pytest.mark.parametrize("target", [0, [1.0, 0.0]])
def test_cross_entropy_of_huge_logits(target):
    z = [Value(1e308), Value(-1e308)]
    loss = cross_entropy(z, target)
    loss.backward()
    assert (loss.data, [v.grad for v in z]) == (0.0, [0.0, 0.0])


@pytest.mark.parametrize("data", ["0.5", Value(0.5), 1])
def test_step_notices_data_that_is_no_float(data):
    w = Value(1.0, "w")
    (w * w).backward()
    optimizer = SGD([w], lr=0.1)
    w.data = data
    with pytest.raises(TypeError, match=r"^SGD\.step expected the data of 'w' to be a float, got "):
        optimizer.step()
    assert (w.data, optimizer.steps) == (data, 0)


def test_step_names_a_parameter_without_a_label_as_one():
    w = Value(1.0)
    (w * w).backward()
    w.data = 1
    with pytest.raises(TypeError, match=r"^Adam\.step expected the data of a parameter to be a float, got 1 \(int\)$"):
        Adam([w]).step()


def test_what_training_holds_can_be_pickled():
    network = MLP(2, [2, 1], activation=Value.tanh, seed=1)
    for schedule in (step_decay(0.1, 0.5, 10), cosine_decay(0.1, 10), warmup(0.1, 3)):
        optimizer = SGD(network.parameters(), schedule, momentum=0.9)
        network(X).backward()
        optimizer.step()
        twin, its = pickle.loads(pickle.dumps((network, optimizer)))
        assert twin(X).data == network(X).data
        assert its.parameters == twin.parameters()
        assert (its.kept, its.steps, its.rate()) == (optimizer.kept, 1, optimizer.rate())


def test_an_optimizer_without_a_rule_says_so():
    w = Value(3.0)
    (w * w).backward()
    with pytest.raises(NotImplementedError):
        tinygrad_edu.nn.Optimizer([w], lr=0.5).step()


def test_a_parameter_without_a_gradient_stays_where_others_have_one():
    w, idle = Value(3.0), Value(5.0)
    (w * w).backward()
    SGD([w, idle], lr=0.5).step()
    assert (w.data, idle.data) == (0.0, 5.0)


def test_matrices_of_three_layers_know_the_hidden_activation_from_the_last():
    network = MLP(2, [2, 2, 1], activation="tanh", output_activation="sigmoid", seed=1)
    again = MLP.from_weights(network.to_weights())
    assert repr(again) == repr(network)
    assert again(X).data == network(X).data


def test_clipping_scales_all_gradients_together():
    a, b = Value(3.0), Value(4.0)
    a.grad, b.grad = 3.0, 4.0
    assert (clip_gradients([a, b], 10.0), a.grad, b.grad) == (5.0, 3.0, 4.0)
    assert (clip_gradients([a, b], 1.0), a.grad, b.grad) == (5.0, pytest.approx(0.6), pytest.approx(0.8))
    a.grad = 3.0
    assert (clip_gradients([a, a], 1.0), a.grad) == (3.0, 1.0)  # one that is given twice counts once


def test_clipping_refuses_gradients_whose_norm_is_not_finite_and_leaves_them():
    a, b = Value(3.0), Value(4.0)
    a.grad = b.grad = 1.5e308  # the norm overflows: all gradients would be 0
    with pytest.raises(ValueError, match=r"^clip_gradients expected gradients of a finite norm, got inf$"):
        clip_gradients([a, b], 1.0)
    assert a.grad == b.grad == 1.5e308
    a.grad = math.nan
    with pytest.raises(ValueError, match=r"^clip_gradients expected gradients of a finite norm, got nan$"):
        clip_gradients([a, b], 1.0)
    assert b.grad == 1.5e308


def test_an_optimiser_names_a_list_among_its_parameters():
    with pytest.raises(TypeError, match=r"^SGD expected Values, like network\.parameters\(\), got \[Value\("):
        SGD([[Value(1.0)]])


@pytest.mark.parametrize("target", [-0.1, 1.1])
def test_a_target_that_is_no_probability_is_refused_beside_logits_too(target):
    with pytest.raises(ValueError, match="binary_cross_entropy_with_logits expected targets"):
        binary_cross_entropy_with_logits([0.5], [target])


def test_shares_may_be_off_by_a_rounding_only():
    cross_entropy([1.0, 2.0], [0.25, 0.7500005])
    for shares in ([0.25, 0.750002], [0.25, 0.749998]):
        with pytest.raises(ValueError, match="cross_entropy expected probabilities that sum to 1"):
            cross_entropy([1.0, 2.0], shares)


def test_a_parameter_of_ones_own_stands_in_the_first_place():
    from tinygrad_edu.nn.modules import Parameter

    assert tuple(Parameter(0.5).place) == (1, 1, 0)


def test_the_weights_come_before_the_inputs():
    neuron = MLP(2, [1], seed=1).layers[0].neurons[0]
    x = [Value(1.0, "x1"), Value(2.0, "x2")]
    nodes = tinygrad_edu.engine.topological(neuron(x))
    [dot] = [node for node in nodes if node.op.name == "dot"]
    assert list(dot.parents) == [*neuron.w, *x]


@pytest.mark.parametrize("make", [SGD, Adam])
def test_a_weight_decay_below_0_is_refused(make):
    with pytest.raises(ValueError, match=f"{make.__name__} expected .*weight_decay.*-0.1"):
        make([Value(1.0)], lr=0.1, weight_decay=-0.1)


def ruled(rule, memory=0):
    return type("Own", (tinygrad_edu.nn.Optimizer,), {"memory": memory, "rule": rule})


OWN_RULES = {
    "Own.rule expected a tuple of the changed parameter, got 0.8": ruled(lambda self, p, g, lr: p - lr * g),
    "Own.rule expected a tuple of the changed parameter and 1 to keep, got (0.8,)": ruled(
        lambda self, p, g, lr, mean: (p - lr * g,), memory=1
    ),
    "Own.rule expected a tuple of the changed parameter, got (0.8, 2.0)": ruled(lambda self, p, g, lr: (p - lr * g, g)),
    "Own expected a rule(p, g, lr, …) of its own": type("Own", (tinygrad_edu.nn.Optimizer,), {}),
}


@pytest.mark.parametrize("words", OWN_RULES)
def test_a_rule_of_ones_own_that_is_wrong_is_named(words):
    w = Value(1.0)
    (w * w).backward()
    with pytest.raises((TypeError, NotImplementedError)) as error:
        OWN_RULES[words]([w], 0.1).step()
    assert str(error.value) == words


def test_a_rule_that_takes_no_array_is_named():
    np = pytest.importorskip("numpy")
    optimizer = ruled(lambda self, p, g, lr: (p - lr if g > 0 else p + lr,))([Value(1.0), Value(2.0)], 0.1)
    with pytest.raises(ValueError, match=r"^Own\.rule, on an array of all parameters: The truth value of an array"):
        optimizer.moved(np.ones(2), np.ones(2))
    assert optimizer.moved([1.0, 2.0], [1.0, -1.0]) == [0.9, 2.1]


def test_a_step_that_fails_changes_nothing_and_names_the_parameter():
    v, w = Value(3.0, "v"), Value(2.0, "w")
    adam = Adam([v, w], lr=0.1, eps=0.0)
    for loss in (v * v + w * w, v * v + 0.0 * w):
        adam.zero_grad()
        loss.backward()
        adam.step()  # without eps, and there is no 0 in the mean square
    fresh = Adam([v, w], lr=0.1, eps=0.0)
    before = v.data, w.data, [*fresh.kept]
    words = rf"^Adam\.rule, on a parameter of {w.data!r} with the gradient 0\.0: .*division by zero"
    with pytest.raises(ZeroDivisionError, match=words):
        fresh.step()
    assert (v.data, w.data, fresh.kept, fresh.steps) == (*before, 0)


def test_a_rule_that_fails_on_arrays_has_taken_no_step():
    np = pytest.importorskip("numpy")
    optimizer = ruled(lambda self, p, g, lr: (p - lr if g > 0 else p + lr,))([Value(1.0), Value(2.0)], 0.1)
    with pytest.raises(ValueError, match=r"^Own\.rule"):
        optimizer.moved(np.ones(2), np.ones(2))
    assert optimizer.steps == 0


def test_an_optimizer_is_told_by_its_settings():
    w = Value(3.0)
    assert repr(SGD([w], lr=0.5)) == "SGD(1 parameter, lr=0.5, weight_decay=0.0, momentum=0.0)"
    adam = Adam([w, Value(1.0)], lr=cosine_decay(0.1, 5))
    assert repr(adam) == "Adam(2 parameters, lr=a schedule, weight_decay=0.0, betas=(0.9, 0.999), eps=1e-08)"


def test_an_optimizer_of_ones_own_keeps_nothing_unless_it_says_so():
    class Plain(tinygrad_edu.nn.Optimizer):
        def rule(self, p, g, lr):
            return (p - lr * g,)

    w = Value(3.0)
    (w * w).backward()
    optimizer = Plain([w], lr=0.5)
    optimizer.step()
    assert (w.data, optimizer.kept) == (0.0, [])


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (SGD.__init__, {"lr": 0.01, "momentum": 0.0, "weight_decay": 0.0}),
        (Adam.__init__, {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}),
        (tinygrad_edu.nn.train, {"epochs": 1000, "goal": -math.inf, "tolerance": 0.0, "on_epoch": None}),
        (tinygrad_edu.nn.huber, {"delta": 1.0}),
    ],
    ids=lambda case: getattr(case, "__qualname__", ""),
)
def test_what_is_not_given_is_as_documented(function, expected):
    parameters = inspect.signature(function).parameters.values()
    assert {p.name: p.default for p in parameters if p.default is not p.empty} == expected


def test_one_graph_for_all_epochs_is_refused():
    w = Value(2.0, "w")
    loss = w * w
    with pytest.raises(TypeError, match="gave one and the same graph twice: compute the loss inside of it"):
        train(lambda: loss, SGD([w], lr=0.1), epochs=5)
    assert train(lambda: w, SGD([w], lr=0.1), epochs=2).epochs == 2


def test_a_result_of_parameters_that_is_computed_outside_of_the_loss_is_refused():
    """It stays as it was while they move, and the loss with it."""
    w, x = Value(2.0, "w"), Value(3.0, "x") * 1.0
    y = w * x
    y.label = "y"
    words = r"the loss function uses y, w \* y, which was computed before the parameters moved: compute it inside"
    with pytest.raises(TypeError, match=words):
        train(lambda: mse(y, 1.0), SGD([w], lr=0.1), epochs=5)
    assert train(lambda: mse(w * x, 1.0), SGD([w], lr=0.1), epochs=2).epochs == 2  # x depends on no parameter


def test_cross_entropy_of_plain_logits_is_that_of_values():
    assert cross_entropy([1e308, -1e308], 0) == cross_entropy([Value(1e308), -1e308], 0).data == 0.0
    for logits in ([800.0, -800.0], [1.0, 2.0]):
        for target in (0, 1, [0.5, 0.5]):
            assert cross_entropy(logits, target) == cross_entropy([*map(Value, logits)], target).data


def test_a_change_of_exactly_the_tolerance_is_not_less_than_it():
    def run(tolerance):
        w = Value(10.0)
        return train(lambda: w * 1.0, SGD([w], lr=1.0), epochs=4, tolerance=tolerance)  # 10, 9, 8, 7, 6

    assert (run(1.0).epochs, run(1.0).losses) == (4, [10.0, 9.0, 8.0, 7.0, 6.0])
    assert (run(1.5).epochs, run(1.5).stopped) == (2, "the loss changed by less than 1.5 in an epoch")


LOSSES = ["squared_error", "mse", "mae", "huber", "hinge", "binary_cross_entropy", "binary_cross_entropy_with_logits"]


@pytest.mark.parametrize("name", [*LOSSES, "cross_entropy"])
def test_losses_refuse_what_does_not_fit_together(name):
    loss = getattr(tinygrad_edu.nn, name)
    good, shares = [Value(0.25), 0.75], [0.5, 0.5] if name != "hinge" else [1, -1]
    assert isinstance(loss(good, shares), Value)
    assert isinstance(loss([0.25, 0.75], shares), float)
    with pytest.raises(ValueError, match=f"^{name} expected as many targets as predictions, 2, got 3"):
        loss(good, [*shares, 1])
    with pytest.raises(ValueError, match=f"^{name} expected (predictions|logits), got none"):
        loss([], [] if name != "cross_entropy" else 0)
    with pytest.raises(TypeError, match=rf"^{name} expected predictions that are numbers .*: call it once for"):
        loss([good, good], shares)
    with pytest.raises(TypeError, match=rf"^{name} expected targets that are numbers .*: call it once for"):
        loss(good, [shares, shares])


def test_the_mean_over_logits_is_over_all_of_them():
    zs, ts = [0.5, -2.0, 30.0], [1.0, 0.0, 0.25]
    each = [math.log1p(math.exp(z)) - t * z for z, t in zip(zs, ts, strict=True)]
    loss = tinygrad_edu.nn.binary_cross_entropy_with_logits
    assert math.isclose(loss(zs, ts), sum(each) / 3)
    assert math.isclose(loss(zs[0], ts[0]), each[0])
    values = [Value(z) for z in zs]
    loss(values, ts).backward()
    expected = [(1 / (1 + math.exp(-z)) - t) / 3 for z, t in zip(zs, ts, strict=True)]
    assert [v.grad for v in values] == pytest.approx(expected)


def test_averages_over_no_past_are_allowed():
    w = Value(1.0)
    w.grad = 2.0
    Adam([w], lr=0.5, betas=(0.0, 0.0), eps=0.0).step()
    assert w.data == 0.5  # the gradient over its size, times the rate
    SGD([w], lr=0.25, momentum=0.0).step()
    assert w.data == 0.0


def test_huber_is_curved_where_there_is_no_error():
    y = Value(0.5)
    assert grad(grad(huber([y], [0.5]), y), y).data == 1.0


@pytest.mark.parametrize("delta", [0.5, 1.0, 2.0])
def test_huber_bends_at_delta(delta):
    for e in (-3.0, -2.0, -1.5, -0.5, -0.25, 0.0, 0.4, 0.75, 1.75, 2.5):
        y = Value(e)
        loss = huber(y, 0.0, delta)
        loss.backward()
        inside = abs(e) <= delta
        assert loss.data == pytest.approx(0.5 * e * e if inside else delta * (abs(e) - 0.5 * delta))
        assert y.grad == pytest.approx(e if inside else math.copysign(delta, e))
    with pytest.raises(ValueError, match=r"huber expected a positive delta, got -0\.5"):
        huber(1.0, 0.0, -0.5)


def test_a_graph_from_before_a_step_says_what_the_step_changed():
    network = MLP.from_weights([[[0.0, 0.5]]], activation=None, output_activation=None)
    loss = mse(network([1.0]), 1.0)
    loss.backward()
    SGD(network.parameters(), lr=0.25).step()
    with pytest.raises(ValueError, match=r"^w1 \(0\.5 → 0\.75\) was changed after the result was computed"):
        tinygrad_edu.explain(loss, network.parameters()[0])


def test_matrices_know_the_labels_of_layers_from_all_others():
    network = MLP(1, [2], labels="layer", seed=1)
    assert network.to_weights().labels == "layer"
    network.layers[0].neurons[0].w[0].label = "theta"
    assert network.to_weights().labels == MLP(1, [2]).to_weights().labels == "textbook"


@pytest.mark.parametrize("loss", [binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy])
def test_nan_is_no_probability(loss):
    with pytest.raises(ValueError, match=f"^{loss.__name__} expected targets from 0 to 1, got nan"):
        loss([0.5, 0.5], [math.nan, 0.5])
    if loss is binary_cross_entropy:
        with pytest.raises(ValueError, match="expected probabilities from 0 to 1, got nan; for logits"):
            loss([math.nan], [1])
