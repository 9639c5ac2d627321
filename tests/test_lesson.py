"""The worked example and its audit, against the figures of the document recomputed by hand and with plain floats."""

import itertools
from decimal import Decimal
from math import exp

import pytest

from tinygrad_edu.engine import grad
from tinygrad_edu.lesson import Figure, audit, forward, network, remarks
from tinygrad_edu.lesson.figures import decimals, rounded
from tinygrad_edu.lesson.worked_example import INPUTS, LEARNING_RATE, TARGETS, UPDATED_WEIGHTS, WEIGHTS
from tinygrad_edu.nn import SGD, squared_error, train

FIGURES = {figure.name: figure for figure in audit()}

# Name, printed, recomputed without rounding from the figures above it on paper, recomputed exactly, verdict.
RECOMPUTED = [
    ("H1, H2", [0.5854, 0.7261], [0.585404569, 0.726114981], [0.585404569, 0.726114981], "match"),
    ("a3", [0.7333, 0.7317], [0.733271, 0.731690], [0.733272599, 0.731694940], "match"),
    ("Error1", [0.00183], [0.00183184], [0.001829495], "match"),
    ("Error2", [0.01796], [0.017956], [0.017957366], "match"),
    ("total error", [0.009895], [0.009895], [0.00989343], "rounding"),
    ("∂E/∂out", [0.0428], [0.0428], [0.042772599], "match"),
    ("∂out/∂in", [0.1958], [0.19557111], [0.195583895], "slip"),
    ("∂in/∂w5", [0.5854], [0.585404569], [0.585404569], "match"),
    ("∂E/∂w5", [0.00490579], [0.00490078], [0.004897279], "slip"),
    ("new w5", [0.3995], [0.39950992], [0.39951027], "match"),
    ("new z2", [1.13, 1.03], [1.13, 1.03], [1.135, 1.03], "rounding"),
    ("new a2", [0.756, 0.737], [0.75583, 0.736916], [0.756760, 0.736916], "rounding"),
    ("new z3", [1.5015, 1.3709], [1.3709, 1.5015], [1.371162, 1.502159], "swapped"),
    ("new a3", [0.7975, 0.8178], [0.797526, 0.817798], [0.797568, 0.817896], "rounding"),
]
each_figure = pytest.mark.parametrize("name, printed, paper, exact, verdict", RECOMPUTED, ids=lambda value: str(value))


@each_figure
def test_a_figure_is_what_recomputing_gives(name, printed, paper, exact, verdict):
    figure = FIGURES[name]
    assert [float(text) for text in figure.printed] == printed
    for column, numbers in ((figure.paper, paper), (figure.exact, exact)):
        for text, number in zip(column, numbers, strict=True):
            places = len(text.partition(".")[2])
            assert float(text) == pytest.approx(number, abs=0.5001 * 10**-places)
    assert figure.verdict == verdict


def test_every_figure_is_audited_once():
    audited = [figure.name for figure in audit()]
    assert sorted(audited) == sorted([*(row[0] for row in RECOMPUTED), "in z3"])
    assert FIGURES["in z3"] == Figure("in z3", ["05*.737"], ["0.5*0.737"], ["0.5*0.737"], "the decimal point is lost")
    assert FIGURES["in z3"].verdict == "slip"


def test_what_is_not_right_to_its_last_digit_has_a_note():
    assert [figure.name for figure in audit() if figure.verdict != "match" and not figure.note] == []


@pytest.mark.parametrize(
    "printed, paper, exact, verdict",
    [
        (["1.2", "3.4"], ["1.2", "3.4"], ["1.2", "3.4"], "match"),
        (["1.2", "3.4"], ["1.3", "3.4"], ["1.2", "3.4"], "match"),
        (["1.2", "3.4"], ["1.2", "3.4"], ["1.2", "3.5"], "rounding"),
        (["3.4", "1.2"], ["1.2", "3.4"], ["1.2", "3.4"], "swapped"),
        (["3.4", "1.2"], ["1.2", "3.4"], ["1.2", "3.5"], "swapped"),
        (["1.2", "3.5"], ["1.2", "3.4"], ["1.2", "3.4"], "slip"),
        (["1.20"], ["1.2"], ["1.2"], "slip"),
    ],
)
def test_the_verdict_follows_from_the_three_columns(printed, paper, exact, verdict):
    assert Figure("", printed, paper, exact).verdict == verdict


@pytest.mark.parametrize("name", [name for name, figure in FIGURES.items() if figure.verdict in ("match", "rounding")])
def test_a_changed_digit_is_a_slip(name):
    figure = FIGURES[name]
    changed = [figure.printed[0][:-1] + str((int(figure.printed[0][-1]) + 3) % 10), *figure.printed[1:]]
    assert figure._replace(printed=changed).verdict == "slip"


@pytest.mark.parametrize(
    "number, places, text",
    [
        ("1.135", 2, "1.14"),
        ("1.125", 2, "1.13"),
        ("0.00183184", 5, "0.00183"),
        ("0.19557111", 4, "0.1956"),
        ("2", 1, "2.0"),
    ],
)
def test_paper_rounds_a_half_upwards(number, places, text):
    assert str(rounded(Decimal(number), places)) == text


def test_numbers_on_paper_are_as_they_are_written():
    assert decimals([0.1, -0.25]) == [Decimal("0.1"), Decimal("-0.25")]


def test_the_remarks_carry_the_reconstruction_and_the_minimum_that_is_none():
    said = " ".join(remarks())
    assert (
        "The 0.4 that the article takes for w5 is b3, the bias of that row; w5 itself goes from 0.3 to 0.29951." in said
    )
    assert "E is 0.0068744 and ∂E/∂w5 is 0.0130817" in said
    assert "away from its target 0.6905, from 0.7333 to 0.7976" in said


def by_hand(weights, x=INPUTS):
    """The outputs of each layer, without the engine."""
    for matrix in weights:
        x = [1 / (1 + exp(-(bias + sum(w * v for w, v in zip(row, x, strict=True))))) for bias, *row in matrix]
        yield x


@pytest.mark.parametrize("weights", [WEIGHTS, UPDATED_WEIGHTS])
def test_the_forward_pass_is_that_of_plain_floats(weights):
    passed = forward(network(weights))
    for layer, numbers in zip(passed.a, by_hand(weights), strict=True):
        assert [value.data for value in layer] == pytest.approx(numbers, rel=1e-15)
    *_, outputs = by_hand(weights)
    assert passed.total.data == pytest.approx(sum((t - y) ** 2 / 2 for t, y in zip(TARGETS, outputs, strict=True)))


def test_values_carry_the_names_of_the_textbook():
    mlp = network()
    passed = forward(mlp)
    labels = [[value.label for value in values] for values in (passed.inputs, *passed.z, *passed.a, passed.errors)]
    assert labels == [["x1", "x2"], ["z1", "z2"], ["z3", "z4"], ["h1", "h2"], ["y1", "y2"], ["Error1", "Error2"]]
    assert passed.total.label == "E"
    assert [parameter.label for parameter in mlp.parameters()] == [
        "w1",
        "w2",
        "b1",
        "w3",
        "w4",
        "b2",
        "w5",
        "w6",
        "b3",
        "w7",
        "w8",
        "b4",
    ]


GRADIENTS = {  # bias first
    "b1": -0.005775880648, "w1": -0.004909498551, "w2": -0.001443970162,
    "b2": -0.000571335594, "w3": -0.000485635255, "w4": -0.000142833898,
    "b3": 0.008365631445, "w5": 0.004897278872, "w6": 0.006074410320,
    "b4": -0.026307532216, "w7": -0.015400549562, "w8": -0.019102293262,
}  # fmt: skip


def test_the_twelve_gradients():
    mlp = network()
    forward(mlp).total.backward()
    assert {parameter.label: parameter.grad for parameter in mlp.parameters()} == pytest.approx(GRADIENTS, abs=5e-13)


def test_the_three_factors_of_w5_multiply_to_its_gradient():
    mlp = network()
    passed = forward(mlp)
    w5, z3, y1 = mlp.layers[1].neurons[0].w[0], passed.z[1][0], passed.a[1][0]
    factors = [grad(passed.total, y1).data, grad(y1, z3).data, grad(z3, w5).data]
    assert [f"{factor:.4f}" for factor in factors] == ["0.0428", "0.1956", "0.5854"]
    assert factors[0] * factors[1] * factors[2] == pytest.approx(GRADIENTS["w5"], abs=5e-13)


def test_the_total_is_the_squared_error_of_nn():
    passed = forward(network())
    assert passed.total.data == squared_error(passed.a[-1], TARGETS).data


def test_training_goes_as_recomputed():
    mlp = network()
    run = train(lambda: forward(mlp).total, SGD(mlp.parameters(), lr=LEARNING_RATE), epochs=1000)
    assert [f"{run.losses[epoch]:.7f}" for epoch in (0, 1, 10, 100)] == [
        "0.0098934",
        "0.0097456",
        "0.0085332",
        "0.0027444",
    ]
    assert f"{run.losses[1000]:.3e}" == "4.556e-06"


def test_the_weights_are_the_reconstruction_that_the_activations_allow():
    tenths = [k / 10 for k in range(11)]

    def rows(inputs, activation):
        for bias, w, v in itertools.product(tenths, repeat=3):
            if f"{1 / (1 + exp(-(bias + w * inputs[0] + v * inputs[1]))):.4f}" == activation:
                yield [bias, w, v]

    assert [*rows([0.5854, 0.7261], "0.7333")] == [WEIGHTS[1][0]]
    assert [*rows([0.5854, 0.7261], "0.7317")] == [WEIGHTS[1][1]]
    for row, activation in zip(WEIGHTS[0], ("0.5854", "0.7261"), strict=True):
        alternatives = [*rows(INPUTS, activation)]
        assert row in alternatives
        assert len(alternatives) < 10


def test_a_network_of_another_size_is_refused_by_name():
    with pytest.raises(ValueError, match=r"^the network has 2 outputs, expected as many targets, got 3$"):
        forward(network(), INPUTS, [1, 2, 3])
    with pytest.raises(ValueError, match=r"^layer 1 expected 2 inputs, got 1$"):
        forward(network(), [1.0])
