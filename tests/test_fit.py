"""Training on examples: data, engines, what stops it, what is said, what is kept."""

import importlib.util
import json
import math
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from tinygrad_edu import Value, softmax
from tinygrad_edu.nn import (
    MLP,
    SGD,
    Adam,
    History,
    Layer,
    Module,
    Sequential,
    accuracy,
    binary_cross_entropy_with_logits,
    cosine_decay,
    fit,
    health,
    mse,
    save,
    train,
)
from tinygrad_edu.nn.data import Example, examples_of
from tinygrad_edu.nn.loop import norm_of

XOR = [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)]
ENGINES = ["eager", "python", "numpy", "native"]


def moons(count, seed=1, noise=0.1):
    rng = random.Random(seed)
    found = []
    for k in range(count):
        angle, upper = math.pi * rng.random(), k % 2
        x, y = (math.cos(angle), math.sin(angle)) if upper else (1 - math.cos(angle), 0.5 - math.sin(angle))
        found.append(([x + rng.gauss(0, noise), y + rng.gauss(0, noise)], 1 if upper else -1))
    return found


def numbers(network):
    return [p.data for p in network.parameters()]


def engine(name):
    if name in ("numpy", "native"):
        pytest.importorskip("numpy")
    if name == "native":
        pytest.importorskip("llvmlite")
    return name


def trained(engine_name, examples=None, loss="hinge", optimizer=None, **options):
    network = MLP(2, [4, 1], activation="tanh", seed=1)
    optimizer = optimizer(network.parameters()) if optimizer else SGD(network.parameters(), 0.2, weight_decay=1e-3)
    history = fit(
        network, loss, examples or moons(20), optimizer=optimizer, engine=engine_name, **{"epochs": 6} | options
    )
    return network, history


@pytest.mark.parametrize("name", ENGINES[1:])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch": 7, "seed": 3},
        {"batch": 6, "seed": 3, "validation": 0.25, "metrics": "accuracy", "clip": 0.5, "path": True},
        {"optimizer": lambda w: Adam(w, cosine_decay(0.1, 20)), "batch": 8, "seed": 1, "validation": moons(6, seed=2)},
        {"loss": "mse", "optimizer": lambda w: SGD(w, 0.1, momentum=0.9)},
        {"loss": lambda y, t: (y - t).abs() + 0.01 * y * y},
    ],
)
def test_replay_trains_to_the_numbers_of_the_graph(name, options):
    eager, replayed = trained("eager", **options), trained(engine(name), **options)
    assert numbers(replayed[0]) == pytest.approx(numbers(eager[0]), rel=1e-10, abs=1e-12)
    mine, its = vars(replayed[1]), vars(eager[1])
    for field in ("losses", "validation", "rates"):
        assert mine[field] == pytest.approx(its[field], rel=1e-10)
    assert mine["metrics"] == its["metrics"]
    for layer in ("layer 1", "layer 2"):
        assert mine["gradients"][layer] == pytest.approx(its["gradients"][layer], rel=1e-9)
    assert [*map(len, mine["path"])] == [*map(len, its["path"])] == ([17] * 7 if "path" in options else [])
    assert (mine["engine"], its["engine"]) == (name, "eager")
    assert mine["notes"] == its["notes"]


@pytest.mark.parametrize("name", ENGINES)
def test_classes_of_softmax(name):
    examples = [([x, y], int(x > 0) + 2 * int(y > 0)) for (x, y), _ in moons(40)]
    network = MLP(2, [6, 4], activation="tanh", seed=2)
    history = fit(
        network, "cross_entropy", examples, optimizer=Adam(network.parameters(), 0.05), metrics="accuracy",
        epochs=80, engine=engine(name),
    )  # fmt: skip
    assert history.losses[-1] < 0.3 * history.losses[0]
    assert history.metrics["accuracy"][-1] > 0.9
    assert len(history.metrics["accuracy"]) == history.epochs == 80


@pytest.mark.parametrize("name", ENGINES)
def test_the_loss_of_several_outputs_is_validated(name):
    network = MLP(2, [3], seed=1)
    examples = [([0.5, -1.0], [1.0, 0.0, 2.0]), ([2.0, 0.25], [0.5, -1.0, 0.0])]
    expected = sum(mse(network(x), t).data for x, t in examples) / 2
    history = fit(
        network, "mse", examples, optimizer=SGD(network.parameters(), 0.0), epochs=1, validation=examples,
        engine=engine(name),
    )  # fmt: skip
    assert history.validation == [pytest.approx(expected)] and history.engine == name


FRAMEWORK = """
import sys
from pytest import approx
from tests.test_fit import moons, numbers, trained
for options in ({}, {"batch": 6, "seed": 3, "validation": 0.25, "metrics": "accuracy"}):
    (eager, its), (replayed, history) = trained("eager", **options), trained(sys.argv[1], **options)
    assert numbers(replayed) == approx(numbers(eager), rel=1e-10, abs=1e-12)
    assert history.losses == approx(its.losses, rel=1e-10) and history.validation == approx(its.validation, rel=1e-10)
    print(history.engine, history.notes)
"""


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_a_framework_trains_to_the_numbers_of_the_graph(name):
    pytest.importorskip("numpy")
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"needs {name}")
    done = subprocess.run(  # in a process of its own: their threads do not stand a fork of a later test
        [sys.executable, "-c", FRAMEWORK, name], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert done.stdout.splitlines() == [f"{name} []"] * 2, done.stderr


def test_full_batch_is_train():
    one, other = (MLP(2, [3, 1], activation="tanh", seed=4) for _ in range(2))
    run = train(lambda: sum(mse(one(x), t) for x, t in XOR) / 4, SGD(one.parameters(), 0.3, momentum=0.5), epochs=20)
    history = fit(other, "mse", XOR, optimizer=SGD(other.parameters(), 0.3, momentum=0.5), epochs=20, engine="eager")
    assert numbers(other) == pytest.approx(numbers(one), rel=1e-12)
    assert history.losses == pytest.approx(run.losses, rel=1e-12)
    assert history.stopped == run.stopped == "all 20 epochs are over"


def forms():
    pairs = [([0.0, 1.0], 1), ([1.0, 1.0], 0), ([0.5, 0.25], 1)]
    xs, ts = [x for x, _ in pairs], [t for _, t in pairs]
    yield "pairs", pairs
    yield "a tuple of pairs", tuple(pairs)
    yield "a zip", zip(xs, ts, strict=True)
    yield "two lists", (xs, ts)
    yield "two tuples", (tuple(map(tuple, xs)), tuple(ts))
    yield "a tuple of two pairs", None

    class Frame(dict):
        columns = property(lambda self: list(self))

    yield "a frame", (Frame(a=[0.0, 1.0, 0.5], b=[1.0, 1.0, 0.25], label=ts), "label")


@pytest.mark.parametrize(("form", "data"), [*forms()], ids=[form for form, _ in forms()])
def test_examples_come_in_many_forms(form, data):
    expected = trained("python", [([0.0, 1.0], 1), ([1.0, 1.0], 0), ([0.5, 0.25], 1)], "mse")
    if data is None:
        data = (((0.0, 1.0), 1), ((1.0, 1.0), 0))
        expected = trained("python", [*data], "mse")
    assert numbers(trained("python", data, "mse")[0]) == numbers(expected[0])


def test_examples_may_be_arrays_and_pandas_frames():
    np = pytest.importorskip("numpy")
    pairs = moons(12)
    expected = numbers(trained("python", pairs)[0])
    xs, ts = np.array([x for x, _ in pairs]), np.array([t for _, t in pairs])
    assert numbers(trained("python", (xs, ts))[0]) == expected
    assert numbers(trained("python", (xs, ts.astype(float)))[0]) == expected
    assert numbers(trained("python", list(zip(xs, ts, strict=True)))[0]) == expected
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": xs[:, 0], "target": ts, "y": xs[:, 1]})
    assert numbers(trained("python", (frame, "target"))[0]) == expected
    for targets in (frame["target"], ts, ts.tolist()):
        assert numbers(trained("python", (frame[["x", "y"]], targets))[0]) == expected


class Table:
    """A data frame, as far as examples are read from it."""

    def __init__(self, **columns):
        self.contents, self.columns = columns, [*columns]

    def __getitem__(self, name):
        return self.contents[name]

    def to_numpy(self):
        np = pytest.importorskip("numpy")
        return np.array([*self.contents.values()]).T


def test_a_frame_of_inputs_stands_beside_its_targets():
    """As many columns as rows: they must not be taken for one another."""
    table = Table(x=[1.0, 2.0], y=[3.0, 4.0])
    expected = [Example([1.0, 3.0], 1), Example([2.0, 4.0], 0)]
    assert examples_of((table, [1, 0])) == examples_of((table, (1, 0))) == expected
    assert examples_of((table, Table(t=[1, 0]))) == [e._replace(target=[e.target]) for e in expected]
    assert examples_of((table, ["y"])) == [Example([1.0], [3.0]), Example([2.0], [4.0])]
    with pytest.raises(ValueError, match=r"^examples expected a column of x, y, got 'z'$"):
        examples_of((table, ["y", "z"]))
    with pytest.raises(
        ValueError, match=r"^examples expected columns of different names, some of them inputs, got \['x',"
    ):
        examples_of((table, ["x", "y"]))


def network():
    return MLP(2, [2, 1], seed=1)


MISTAKES = {
    "examples: expected at least one example, got none": lambda: fit(network(), "mse", []),
    "examples: example 2 expected 2 inputs, like the first, got 1": lambda: fit(
        network(), "mse", [([1, 2], 0), ([1], 0)]
    ),
    "examples: example 2 expected one number as its target, like the first, got [1]": lambda: fit(
        network(), "mse", [([1, 2], 0), ([1, 2], [1])]
    ),
    "the inputs of examples: example 1: expected a finite number, got nan: leave the example out, or fill the cell": (
        lambda: fit(network(), "mse", [([1, math.nan], 0)])
    ),
    "examples expected as many targets as inputs, 2, got 1": lambda: fit(network(), "mse", ([[1, 2], [3, 4]], [1])),
    "layer 1 expected 2 inputs, got 3": lambda: fit(network(), "mse", [([1, 2, 3], 0)]),
    "the target of example 2: cross_entropy expected a class from 0 to 2, got 3": lambda: fit(
        MLP(2, [3]), "cross_entropy", [([1, 2], 2), ([1, 2], 3)]
    ),
    "the target of example 1 of the validation: hinge expected the targets -1 and 1, got 0": lambda: fit(
        network(), "hinge", [([1, 2], 1)], validation=[([1, 2], 0)]
    ),
    "the target of example 1: mse expected as many targets as predictions, 1, got 2": lambda: fit(
        network(), "mse", [([1, 2], [1, 2])]
    ),
    "validation expected 2 inputs, as the examples, got 1": lambda: fit(
        network(), "mse", [([1, 2], 1)], validation=[([1], 0)]
    ),
    "validation expected one number as its target, as the examples, got [3.0, 4.0]": lambda: fit(
        network(), lambda y, t: mse(y, t), [([1, 2], 1)], validation=[([1, 2], [3, 4])]
    ),
    "fit expected clip to be above 0, got '1'": lambda: fit(network(), "mse", XOR, clip="1"),
    'fit expected metrics to be "accuracy" or functions, got 5': lambda: fit(network(), "mse", XOR, metrics=5),
    "fit expected a seed: a checkpoint is of no use where each run holds back other examples": lambda: fit(
        network(), "mse", XOR, validation=0.5, checkpoint="run.json"
    ),
    "validation expected a share between 0 and 1 of at least two examples, got 1.5 of 4": lambda: fit(
        network(), "mse", XOR, validation=1.5
    ),
    "fit expected a loss of squared_error, mse, mae, huber, hinge, binary_cross_entropy, "
    "binary_cross_entropy_with_logits, cross_entropy, or a function, got 'msee'": lambda: fit(network(), "msee", XOR),
    "fit expected an engine of auto, eager, python, numpy, native, jax, torch, got 'gpu'": lambda: fit(
        network(), "mse", XOR, engine="gpu"
    ),
    "batch of fit: expected a whole number from 1, got 0": lambda: fit(network(), "mse", XOR, batch=0),
    "epochs of fit: expected a whole number from 0, got -1": lambda: fit(network(), "mse", XOR, epochs=-1),
    "fit expected clip to be above 0, got 0": lambda: fit(network(), "mse", XOR, clip=0),
    "fit expected clip to be above 0, got nan": lambda: fit(network(), "mse", XOR, clip=math.nan),
    "patience of fit: expected a whole number from 1, got 0": lambda: fit(network(), "mse", XOR, patience=0),
    "fit expected metrics to be \"accuracy\" or functions, got 'recall'": lambda: fit(
        network(), "mse", XOR, metrics="recall"
    ),
    "log(a) is undefined at a = 0": lambda: fit(
        network(), lambda y, t: Value(t, "a").log() + y, [([1, 2], 1.0), ([1, 2], 0.0)], engine="eager"
    ),
}


@pytest.mark.parametrize("words", MISTAKES)
def test_mistakes_are_named(words):
    with pytest.raises(ValueError) as error:
        MISTAKES[words]()
    assert str(error.value) == words


class Torch:
    """What PyTorch's modules look like from here."""

    __module__ = "torch.nn.modules"
    parameters = list

    def __call__(self, *given):
        raise AssertionError("it is not called")

    def __repr__(self):
        return "Linear(2, 1)"


WRONG_KINDS = {
    "fit expected a network of Values, got Linear(2, 1): from_torch(module) makes one": lambda: fit(
        Torch(), "mse", XOR
    ),
    "fit expected a loss of squared_error, mse, mae, huber, hinge, binary_cross_entropy, "
    "binary_cross_entropy_with_logits, cross_entropy, or a function of Values, got Linear(2, 1)": lambda: fit(
        network(), Torch(), XOR
    ),
    "fit expected goal to be a number, got '1'": lambda: fit(network(), "mse", XOR, goal="1"),
    "fit expected gradient_tolerance to be a number, got None": lambda: fit(
        network(), "mse", XOR, gradient_tolerance=None
    ),
    "fit expected on_epoch to be a function of epoch and loss, got 5": lambda: fit(network(), "mse", XOR, on_epoch=5),
    "train expected tolerance to be a number, got [0.1]": lambda: train(
        lambda: Value(1.0), SGD([Value(1.0)]), tolerance=[0.1]
    ),
    "fit expected a network, like an MLP, got <class 'tinyg....modules.MLP'>": lambda: fit(MLP, "mse", XOR),
    "examples expected pairs of inputs and target, a tuple (inputs, targets), or a frame with the name of its target, "
    "got 3": lambda: fit(network(), "mse", 3),
    "examples expected pairs of inputs and target, a tuple (inputs, targets), or a frame with the name of its target, "
    "got [1, 2, 3] for one example": lambda: fit(network(), "mse", [[1, 2, 3]]),
    "the inputs of examples: example 2: expected a real number, got '' (str): leave the example out, or fill the "
    "cell": lambda: fit(network(), "mse", [([1, 2], 0), ([1, ""], 0)]),
    "the inputs of examples: example 1: expected a real number, got 'NA' (str): leave the example out, or fill the "
    "cell": lambda: fit(network(), "mse", [(["NA", 2], 0)]),
    "the inputs of examples: example 1: expected a real number, got '5.02' (str): write 5.02, as float('5.02') does": (
        lambda: fit(network(), "mse", [([1, "5.02"], 0)])
    ),
    "the target of examples: example 1: expected a real number, got 'cat' (str): give each word a number": lambda: fit(
        network(), "mse", [([1, 2], "cat")]
    ),
    "the target of validation: example 2: expected a real number, got 'cat' (str): give each word a number": (
        lambda: fit(network(), "mse", XOR, validation=[([1, 2], 1), ([1, 2], "cat")])
    ),
    "fit expected the loss function to return a Value, got 3.0": lambda: fit(network(), lambda y, t: 3.0, XOR),
    "fit expected the loss function to return a Value, got None": lambda: fit(
        network(), lambda y, t: None, XOR, engine="eager"
    ),
    "fit expected a network, like an MLP, got 3": lambda: fit(3, "mse", XOR),
    "fit expected the name of a loss or a function of answer and target, got 3": lambda: fit(network(), 3, XOR),
    "fit expected an optimiser, like SGD(network.parameters()), got 0.1": lambda: fit(
        network(), "mse", XOR, optimizer=0.1
    ),
    "train expected an optimiser, like SGD(network.parameters()), got [Value(data=1.0, grad=not computed)]": (
        lambda: train(lambda: Value(1.0), [Value(1.0)])
    ),
    "fit expected the name of a loss or a function of answer and target, got Value(data=1.0, grad=not computed)": (
        lambda: fit(network(), Value(1.0), XOR)
    ),
    "training expected a function that builds the loss anew for each step, got 'mse': "
    "train(lambda: mse(network(x), t), optimizer)": lambda: train("mse", SGD([Value(1.0)])),
    "training expected a function that builds the loss anew for each step, got a Value: "
    "train(lambda: mse(network(x), t), optimizer)": lambda: train(Value(1.0), SGD([Value(1.0)])),
    "seed expected a number, a text or a random.Random, got [1]": lambda: fit(network(), "mse", XOR, seed=[1]),
    "executor expected what has submit(), like a ProcessPoolExecutor, got 4": lambda: fit(
        network(), "mse", XOR, executor=4
    ),
}


@pytest.mark.parametrize("words", WRONG_KINDS)
def test_wrong_kinds_are_named(words):
    with pytest.raises(TypeError) as error:
        WRONG_KINDS[words]()
    assert str(error.value) == words


def test_without_an_epoch_the_loss_is_computed_and_nothing_changes():
    one, two = network(), network()
    history = fit(one, "mse", XOR, epochs=0, validation=XOR)
    assert (history.epochs, history.stopped) == (0, "all 0 epochs are over")
    assert history.losses == pytest.approx(fit(two, "mse", XOR, epochs=1).losses[:1])
    assert numbers(one) == numbers(network())


def test_one_example_and_a_batch_larger_than_the_data_are_all_of_it():
    assert trained("python", [([1, 2], 1)], batch=10)[1].epochs == 6
    assert numbers(trained("python", batch=500)[0]) == numbers(trained("python")[0])


def test_a_seed_gives_the_same_training_and_pythons_own_is_heard():
    def run(seed):
        return numbers(trained("python", batch=3, seed=seed, validation=0.2)[0])

    assert run(1) == run(1) != run(2)
    random.seed(5)
    first = run(None)
    random.seed(5)
    assert run(None) == first


def test_every_example_is_seen_once_an_epoch():
    seen = []

    def loss(y, t):
        seen.append(t.data if isinstance(t, Value) else t)
        return (y - t) ** 2

    examples, one = [([k, 1], k) for k in range(7)], network()
    fit(one, loss, examples, optimizer=SGD(one.parameters(), 0.0), batch=3, epochs=2, engine="eager", seed=1)
    assert [sorted(seen[7 * k : 7 * k + 7]) for k in range(3)] == [[*range(7)]] * 3  # the third time to look
    assert seen[:7] != seen[7:14]


@pytest.mark.parametrize("name", ["eager", "python"])
class TestStops:
    def test_at_the_goal(self, name):
        _, history = trained(name, XOR, "mse", optimizer=lambda w: Adam(w, 0.1), epochs=500, goal=0.05)
        assert history.stopped == "the loss reached the goal, 0.05"
        assert history.losses[-1] <= 0.05 < history.losses[-2]

    def test_where_the_loss_stands_still(self, name):
        _, history = trained(name, tolerance=1e-2, epochs=500)
        assert history.stopped == "the loss changed by less than 0.01 in an epoch"

    def test_where_the_gradient_is_small(self, name):
        _, history = trained(name, XOR, "mse", gradient_tolerance=0.3, epochs=500)
        assert history.stopped == "the norm of the gradient fell below 0.3"

    def test_when_on_epoch_says_so(self, name):
        seen = []
        _, history = trained(name, epochs=50, on_epoch=lambda epoch, loss: seen.append(loss) or epoch == 3)
        assert (history.stopped, history.epochs, history.losses[:3]) == ("on_epoch said so after epoch 3", 3, seen)

    def test_out_of_patience_with_the_best_parameters_back(self, name):
        network, history = trained(
            name, moons(8), optimizer=lambda w: Adam(w, 0.3), validation=moons(30, seed=9, noise=0.5), patience=5,
            epochs=500, path=True,
        )  # fmt: skip
        best = min(range(len(history.validation)), key=history.validation.__getitem__) + 1
        assert history.best == best
        assert history.epochs == best + 5
        assert history.stopped == f"no better for 5 epochs: the parameters after {best} epochs are back"
        assert numbers(network) == history.path[best]

    def test_out_of_patience_without_validation(self, name):
        network, history = trained(name, optimizer=lambda w: SGD(w, 3.0), patience=4, epochs=500, path=True)
        best = min(range(history.epochs), key=history.losses.__getitem__)
        assert (history.best, numbers(network)) == (best, history.path[best])
        assert history.losses[-1] == pytest.approx(history.losses[best], rel=1e-12)

    def test_diverging(self, name):
        network, history = trained(name, XOR, "mse", optimizer=lambda w: SGD(w, 30.0), epochs=500, path=True)
        assert history.stopped.startswith("diverged in epoch ")
        assert "the learning rate 30 is probably too large, try 3" in history.stopped
        best = min(range(history.epochs), key=history.losses.__getitem__)
        assert f"The parameters after {best} epochs are back" in history.stopped
        assert numbers(network) == history.path[best]
        assert all(map(math.isfinite, history.losses))

    def test_diverging_names_what_went_bad_first(self, name):
        network = MLP(1, [1], seed=1)
        history = fit(
            network, lambda y, t: (y - t).exp(), [([1.0], 0.0)], optimizer=SGD(network.parameters(), -0.0 + 50.0),
            epochs=50, engine=name, goal=-1,
        )  # fmt: skip
        assert history.epochs > 0
        network = MLP(1, [1], seed=1)
        with pytest.raises(OverflowError, match="overflows"):
            fit(network, lambda y, t: (1000 * y * y + 5000).exp(), [([1.0], 0.0)], engine="eager")

    def test_interrupted_with_what_was_learned(self, name):
        def stop(epoch, loss):
            if epoch == 4:
                signal.raise_signal(signal.SIGINT)  # what Ctrl-C does

        network, history = trained(name, epochs=50, on_epoch=stop, path=True)
        assert history.stopped == "interrupted in epoch 5: what was learned until then is kept"
        assert (history.epochs, numbers(network)) == (4, history.path[4])


def test_growing_without_an_end_is_told_after_some_epochs():
    w = Value(1.0, "w")
    run = train(lambda: w * w, SGD([w], 1.5), epochs=50)
    assert run.stopped == (
        "diverged in epoch 13, batch 1: the loss is 1.68e+07; the loss grew for 12 epochs: the learning rate 1.5 is "
        "probably too large, try 0.15. The parameters after 0 epochs are back"
    )
    assert w.data == 1.0


def test_a_value_that_goes_bad_is_named():
    w = Value(1.0, "w")
    run = train(lambda: (w * w).exp(), SGD([w], lambda step: 20.0 if step else 1.0), epochs=50)
    assert "diverged in epoch 3, batch 1: exp(x) overflows at x = " in run.stopped
    assert w.data == 1.0


@pytest.mark.parametrize(("label", "called"), [("w", "w"), ("", "a parameter")])
def test_a_parameter_that_goes_bad_is_named(label, called):
    w, v = Value(1.0, label), Value(1.0, "v")
    run = train(lambda: w * 1e308 + v, SGD([v, w], 10.0), epochs=5)
    assert run.stopped.startswith(f"diverged in epoch 2, batch 1: {called} is -inf; the learning rate 10 is probably ")
    assert (w.data, v.data) == (1.0, 1.0)


class Branching(Module):
    """Its graph depends on its input."""

    def __init__(self):
        self.left, self.right = Layer(2, 1, nonlin=False, seed=1), Layer(2, 1, nonlin=False, seed=2)

    def __call__(self, x):
        return self.left(x) if x[0] > 0 else self.right(x)


class Late(Module):
    """Its graph depends on what it has learned."""

    def __init__(self):
        self.w = Value(0.0)

    def __call__(self, x):
        return self.w * x[0] if self.w > -0.5 and self.w < 0.6 else 3 * self.w * x[0]


@pytest.mark.parametrize("make", [Branching, Late])
@pytest.mark.parametrize("epochs", [6, 7, 40])
def test_a_graph_that_depends_on_its_data_is_built_anew(make, epochs):
    one, other = make(), make()
    options = {"epochs": epochs, "batch": 2, "seed": 1}
    examples = [([x, 1], x + 0.5) for x in (-1.0, 2.0, 0.5, -0.25, 1.0)]
    history = fit(one, "mse", examples, optimizer=SGD(one.parameters(), 0.05, momentum=0.5), **options)
    expected = fit(
        other, "mse", examples, optimizer=SGD(other.parameters(), 0.05, momentum=0.5), engine="eager", **options
    )
    assert numbers(one) == numbers(other)
    assert (history.engine, history.losses) == ("eager", expected.losses)
    assert "on graphs built anew, which is slower: the graph of example" in history.notes[0]


def test_what_begins_again_has_the_momentum_that_it_began_with():
    np = pytest.importorskip("numpy")
    found = []
    for engine, kept in (("auto", np.array([0.25])), ("eager", [0.25])):
        net = Late()
        optimizer = SGD(net.parameters(), 0.05, momentum=0.5)
        optimizer.kept = [kept]
        examples = [([x, 1], x + 0.5) for x in (-1.0, 2.0, 0.5, -0.25, 1.0)]
        fit(net, "mse", examples, optimizer=optimizer, epochs=40, batch=2, seed=1, engine=engine)
        found.append(numbers(net))
    assert found[0] == found[1]


def test_a_checkpoint_knows_that_its_graph_depends_on_its_data(tmp_path):
    def run(**options):
        net = Late()
        options = {"epochs": 40, "batch": 2, "seed": 1, "engine": "auto"} | options
        examples = [([x, 1], x + 0.5) for x in (-1.0, 2.0, 0.5, -0.25, 1.0)]
        history = fit(net, "mse", examples, optimizer=SGD(net.parameters(), 0.05, momentum=0.5), **options)
        return numbers(net), history

    expected, _ = run(engine="eager")
    for epochs in (1, 20, 40):  # before and after it is found out
        found, history = run(epochs=epochs, checkpoint=tmp_path / "run.json")
    assert found == expected
    assert history.engine == "eager"


def test_a_checkpoint_that_is_gone_when_the_recording_will_not_do_is_begun_again(tmp_path):
    net, path = Late(), tmp_path / "run.json"
    examples = [([x, 1], x + 0.5) for x in (-1.0, 2.0, 0.5, -0.25, 1.0)]
    history = fit(net, "mse", examples, optimizer=SGD(net.parameters(), 0.05, momentum=0.5), epochs=40, batch=2, seed=1,
                  checkpoint=path, on_epoch=lambda epoch, loss: path.unlink(missing_ok=True))  # fmt: skip
    assert history.notes[0].startswith("began again on graphs built anew, which is slower: ")
    assert (history.engine, history.epochs) == ("eager", 40)


def test_a_target_used_as_a_number_is_built_anew():
    network = MLP(2, [3], seed=1)
    history = fit(network, lambda y, t: -softmax(y)[t].log(), [([1, 2], 0), ([2, 1], 2)], epochs=2)
    assert history.engine == "eager" and "trained on graphs built anew" in history.notes[0]


def test_parameters_that_the_loss_does_not_depend_on_stay():
    class Unused(Module):
        def __init__(self):
            self.first, self.w, self.idle = Value(3.0), Value(0.5), Value(2.0)

        def __call__(self, x):
            return self.w * x[1]

    found = {}
    for name in ("eager", "python", "auto", "shared"):
        network, executor = Unused(), None
        if name == "shared":
            name, executor = "python", Forgetful()
        history = fit(network, "mse", [([1, 2], 3), ([2, 5], 1)], epochs=5, engine=name, executor=executor)
        assert (network.first.data, network.idle.data) == (3.0, 2.0)
        assert network.w.data != 0.5
        found[name] = network.w.data
        assert history.notes == [] or executor
    assert len({*map("{:.12g}".format, found.values())}) == 1


def test_what_stands_still_says_why():
    network = MLP(2, [2, 1], seed=1)
    for neuron in network.layers[0].neurons:
        neuron.b.data = -5.0
    history = fit(network, "mse", XOR, optimizer=SGD(network.parameters(), 0.1), epochs=100)
    assert history.notes[0] == "the loss stands still at 0.25"
    assert "layer 1: its 2 neurons are dead: for every example relu passes no gradient" in history.notes
    assert "layer 1: every gradient is exactly 0" in history.notes
    assert "the network gives the same answer, 0.5, to every example" in history.notes


def test_forty_seeds_of_xor_with_relu_say_why_they_fail():
    failed = 0
    for seed in range(40):
        network = MLP(2, [4, 1], seed=seed)
        history = fit(network, "mse", XOR, optimizer=Adam(network.parameters(), 0.05), epochs=400, engine="python")
        if accuracy([[network(x).data] for x, _ in XOR], [t for _, t in XOR]) < 1:
            failed += 1
            assert any(note.startswith("the loss stands still at ") for note in history.notes), (seed, history)
            assert len(history.notes) >= 2
    assert 3 < failed < 37  # so that something was looked at


def test_health_of_nine_sigmoid_layers():
    network = MLP(2, [4] * 9 + [1], activation="sigmoid", init="xavier", seed=1)
    report = health(network, XOR, loss=mse)
    gradients = [row.gradient for row in report.layers]
    assert gradients[0] < 1e-4 * max(gradients)
    assert any(words.startswith("layer 1: the gradient vanishes") for words in report.findings)
    network = MLP(2, [4, 1], activation="tanh", seed=1)
    for p in network.layers[0].parameters():
        p.data *= 100
    report = health(network, moons(20))
    assert report.layers[0].flat > 0.8
    assert "<table>" in report._repr_html_() and str(report).startswith("layer  neurons")
    with pytest.raises(ValueError, match="health expected a network of neurons, like MLP, got "):
        health(Late(), XOR)


def test_health_finds_neurons_in_any_module():
    network = Sequential(Layer(2, 3, activation="tanh", bias=False, seed=1), Layer(3, 2, nonlin=False, seed=2), softmax)
    rows = health(network, XOR).layers
    assert [(row.neurons, row.activation) for row in rows] == [(3, "tanh"), (2, "linear")]
    expected = [y.data for x, _ in XOR for y in network.layers[0](x)]
    assert rows[0].mean == pytest.approx(sum(expected) / len(expected))


def test_printing_a_history_is_short():
    w = Value(3.0)
    run = train(lambda: w * w, SGD([Value(1.0)], 0.1), epochs=0)
    assert repr(run) == "<History: 0 epochs, loss 9 → 9: all 0 epochs are over>"
    history = History([1.0] * 5000, [2.0] * 4999, {"accuracy": [0.5]}, stopped="enough", notes=["a", "b"])
    assert str(history) == (
        "<History: 4999 epochs, loss 1 → 1, validation 2 → 2, accuracy 0.5: enough>\n  note: a\n  note: b"
    )
    history = History([4.0, 1.0], [3.0, 2.0], {"a": [0.25, 0.5], "b": []}, stopped="enough")
    assert str(history) == "<History: 1 epoch, loss 4 → 1, validation 3 → 2, a 0.5: enough>"


# Checkpoints


def with_checkpoint(path, /, **options):
    network = MLP(2, [3, 1], activation="tanh", seed=1)
    optimizer = Adam(network.parameters(), cosine_decay(0.1, 60))
    options = {"epochs": 12, "batch": 4, "seed": 7, "validation": 0.25, "engine": "python"} | options
    return network, fit(network, "hinge", moons(12), optimizer=optimizer, checkpoint=path, **options)


def test_a_training_goes_on_where_it_was(tmp_path):
    path = tmp_path / "run.json"
    expected, history = with_checkpoint(tmp_path / "whole.json")
    with_checkpoint(path, epochs=5)
    network, resumed = with_checkpoint(path)
    assert numbers(network) == numbers(expected)
    for field in ("losses", "validation", "gradients", "rates", "best", "stopped"):
        assert getattr(resumed, field) == getattr(history, field)
    for epochs in (12, 11, 1):  # over already
        again, same = with_checkpoint(path, epochs=epochs)
        assert (numbers(again), same.losses) == (numbers(expected), history.losses)
        assert same.stopped == "all 12 epochs are over"
    longer, _ = with_checkpoint(tmp_path / "longer.json", epochs=13)
    assert numbers(with_checkpoint(path, epochs=13)[0]) == numbers(longer) != numbers(expected)


def test_a_training_that_is_over_is_read_back_as_it_was(tmp_path):
    path, options = tmp_path / "run.json", {"metrics": "accuracy", "path": True}
    _, history = with_checkpoint(path, **options)
    state = json.loads(path.read_text())
    state["history"]["notes"] += ["what was said before"]
    path.write_text(json.dumps(state))
    _, again = with_checkpoint(path, **options)
    assert vars(again) == vars(history) | {"notes": [*history.notes, "what was said before"]}


def test_the_best_parameters_of_before_are_put_back_too(tmp_path):
    def run(epochs):
        w = Value(2.0, "w")
        network = Sequential(lambda x: w * x[0])
        history = fit(network, "mse", [([1.0], 0.0)], optimizer=SGD([w], 1.1), epochs=epochs, patience=3,
                      engine="python", checkpoint=tmp_path / "run.json")  # fmt: skip
        return w.data, history.stopped

    assert run(2) == (pytest.approx(2.88), "all 2 epochs are over")  # each step makes w -1.2 times as large
    assert run(9) == (2.0, "no better for 3 epochs: the parameters after 0 epochs are back")


KILLER = """
import os, signal, sys
from tests.test_fit import numbers, with_checkpoint

def killed_after(events, path):
    pid = os.fork()
    if pid == 0:
        left = [events]
        def count(*event):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        sys.setprofile(count)
        with_checkpoint(path)
        os._exit(0)
    return os.waitpid(pid, 0)[1]

path, kills, events = sys.argv[1], 0, 1500
while kills < 50:
    status = killed_after(events, path)
    if status == 0:  # it came to its end
        os.unlink(path)
        events = 1500
    else:
        assert status == signal.SIGKILL, status
        kills += 1
        events += 797
network, history = with_checkpoint(path)
print(kills, *map(float.hex, numbers(network)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_fifty_times_it_ends_with_the_same_parameters(tmp_path):
    expected, _ = with_checkpoint(tmp_path / "whole.json")
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path / "run.json")], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["50", *map(float.hex, numbers(expected))]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "run.json is damaged, or no file of tinygrad_edu: "),
        (b"\xff\xfe", "run.json is damaged, or no file of tinygrad_edu: "),
        (b"[" * 100_000, "run.json is damaged, or no file of tinygrad_edu: "),
        (b"[1, 2]", "run.json expected the format 'tinygrad_edu training', got None"),
        (b'{"format": "other"}', "run.json expected the format 'tinygrad_edu training', got 'other'"),
        (b'{"format": "tinygrad_edu training"}', "run.json is damaged: its version is None"),
        (
            b'{"format": "tinygrad_edu training", "version": 9}',
            "run.json is of version 9, newer than 1: upgrade tinygrad_edu",
        ),
        (b'{"format": "tinygrad_edu training", "version": 1}', "run.json is damaged: 'training'"),
    ],
)
def test_a_checkpoint_that_is_none_is_refused(tmp_path, content, words):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        with_checkpoint(path)
    assert words in str(error.value)
    assert path.read_bytes() == content


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "run.json"
    with_checkpoint(path)
    with pytest.raises(ValueError, match=r"run\.json is of another training: batch is 4 there and 3 here; name "):
        with_checkpoint(path, batch=3)
    state = json.loads(path.read_text())
    path.write_text(json.dumps(state | {"parameters": state["parameters"][:-1]}))
    with pytest.raises(ValueError, match=r"run\.json is damaged: "):
        with_checkpoint(path)


def test_a_training_is_taken_up_by_another_engine(tmp_path):
    path = tmp_path / "run.json"
    expected, _ = with_checkpoint(tmp_path / "whole.json")
    with_checkpoint(path, epochs=5, engine="python")
    network, history = with_checkpoint(path, engine=engine("numpy"))
    assert numbers(network) == pytest.approx(numbers(expected), rel=1e-12)
    assert (history.engine, history.notes) == ("numpy", [])


# Executors


@pytest.mark.parametrize("workers", [1, 3, 7])
@pytest.mark.parametrize("name", ["python", "native"])
def test_many_workers_come_to_the_same(workers, name):
    expected, history = trained(engine(name), batch=9, seed=1)
    with ThreadPoolExecutor(workers) as executor:
        network, shared = trained(name, batch=9, seed=1, executor=executor)
    assert numbers(network) == pytest.approx(numbers(expected), rel=1e-10, abs=1e-12)
    assert shared.losses == pytest.approx(history.losses, rel=1e-10)
    assert shared.notes == []


class Forgetful(Executor):
    """Every third task is lost, every fifth refused."""

    def __init__(self):
        self.count = 0

    def submit(self, function, *arguments, **options):
        self.count += 1
        if self.count % 5 == 0:
            raise RuntimeError("shut down")
        future = Future()
        if self.count % 3 == 0:
            future.set_exception(OSError("the worker is gone"))
        else:
            future.set_result(function(*arguments, **options))
        return future


def test_lost_shards_are_computed_here():
    expected, _ = trained("python")
    network, history = trained("python", executor=Forgetful())
    assert numbers(network) == pytest.approx(numbers(expected), rel=1e-10, abs=1e-12)
    assert history.notes == ["20 shards were computed here: their workers could not be reached"]


def test_a_worker_of_a_process_pool_that_is_killed_costs_no_result():
    expected, _ = trained("python", epochs=8)
    # Started afresh: what a fork copies of libraries with threads, which other tests have loaded, may wait for ever.
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:

        def kill(epoch, loss):
            if epoch == 3:
                os.kill(next(iter(executor._processes)), signal.SIGKILL)

        network, history = trained("python", epochs=8, executor=executor, on_epoch=kill)
    assert numbers(network) == pytest.approx(numbers(expected), rel=1e-10, abs=1e-12)
    assert history.epochs == 8


def test_workers_need_a_graph_that_can_be_recorded():
    with pytest.raises(ValueError, match="fit expected a loss that can be recorded, for an executor"):
        fit(Branching(), "mse", [([1, 2], 0), ([-1, 2], 1)], executor=Forgetful())


def test_a_constant_schedule_is_the_rate_itself():
    one = trained("python", optimizer=lambda w: SGD(w, 0.3))
    other = trained("python", optimizer=lambda w: SGD(w, lambda step: 0.3))
    assert numbers(one[0]) == numbers(other[0])
    assert other[1].rates == [0.3] * 6


def test_a_bar_is_drawn_where_it_is_wanted(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    trained("python", validation=0.2, metrics="accuracy", progress=True)
    shown = capfd.readouterr().err
    assert "6/6" in shown and "loss " in shown and "accuracy " in shown and "epochs/s" in shown
    trained("python")
    assert capfd.readouterr() == ("", "")


def test_the_bar_ends_with_what_the_training_came_to(capfd):
    network = MLP(2, [4, 1], activation="tanh", seed=3)
    history = fit(network, "mse", XOR, optimizer=Adam(network.parameters(), 0.05), goal=1e-3, progress=True)
    assert 0 < history.epochs < 100  # it stops within an epoch
    assert f"{history.epochs}/100 loss {history.losses[-1]:.4g}" in capfd.readouterr().err


def test_what_there_is_to_say_stands_below_the_bar(capfd):
    network = MLP(2, [2, 1], seed=1)
    for neuron in network.layers[0].neurons:
        neuron.b.data = -5.0
    history = fit(network, "mse", XOR, optimizer=SGD(network.parameters(), 0.1), epochs=100, progress=True)
    said = " ".join(capfd.readouterr().err.split())
    assert said.endswith(" ".join([history.stopped, *history.notes]))
    assert "layer 1: every gradient is exactly 0" in said


@pytest.mark.parametrize("name", ENGINES)
def test_on_epoch_looks_at_the_network_as_it_is_then(name):
    network, seen = MLP(2, [2, 1], activation="tanh", seed=1), []

    def look(epoch, loss):
        seen.append(numbers(network))

    history = fit(network, "mse", XOR, epochs=7, engine=engine(name), path=True, on_epoch=look)
    assert seen == history.path[1:]


def test_losses_by_name_and_by_function_agree():
    one = trained("python", [(x, max(t, 0)) for x, t in moons(10)], "binary_cross_entropy_with_logits")
    other = trained("python", [(x, max(t, 0)) for x, t in moons(10)], binary_cross_entropy_with_logits)
    assert numbers(one[0]) == numbers(other[0])


def test_binary_cross_entropy_is_replayed_and_built_anew_once_a_probability_is_certain():
    """Its term (1 - t) log(1 - p) is 0 · -inf there."""
    network = MLP(1, [1], output_activation="sigmoid", seed=1)
    examples = [([1.0], 1), ([-1.0], 0)]
    history = fit(network, "binary_cross_entropy", examples, engine="python", epochs=3)
    assert (history.engine, history.notes) == ("python", [])
    options = {"optimizer": SGD(network.parameters(), lambda step: 1e9 if step == 2 else 0.1), "epochs": 9}
    history = fit(network, "binary_cross_entropy", examples, engine="python", **options)
    assert history.stopped == "all 9 epochs are over" and history.losses[-1] == 0.0
    words = "began again on graphs built anew, which is slower: the recorded graph is not finite where a new one is"
    assert words in history.notes


class Stale(Module):
    def __init__(self):
        self.w = Value(2.0, "w")
        self.twice = self.w * 2

    def __call__(self, x):
        return self.twice * x[0]


@pytest.mark.parametrize("name", ["eager", "python"])
def test_a_result_of_parameters_that_is_kept_from_graph_to_graph_is_refused(name):
    network = Stale()
    words = r"uses w \* 2, which was computed before the parameters moved: compute it inside"
    with pytest.raises(TypeError, match=words):
        fit(network, "mse", [([1.0], 1.0), ([2.0], -1.0)], engine=name, epochs=3)


@pytest.mark.parametrize("name", [*ENGINES, "auto"])
def test_the_parameters_of_another_network_are_noticed(name):
    others = Adam(network().parameters(), 0.1)
    words = "^the loss depends on none of the optimiser's parameters: are they another network's"
    with pytest.raises(ValueError, match=words):
        fit(network(), "mse", XOR, optimizer=others, engine=name if name == "auto" else engine(name))
    with pytest.raises(ValueError, match=words):
        train(lambda: mse(network()([1, 2]), 0), others)


def test_a_loss_that_is_the_number_0_where_answers_are_right_may_be_0_for_all():
    one = network()
    history = fit(one, lambda y, t: Value(0.0), XOR, optimizer=Adam(one.parameters(), 0.1), epochs=2)
    assert (history.losses, history.stopped) == ([0.0, 0.0, 0.0], "all 2 epochs are over")


def test_the_norm_of_a_large_gradient_is_that_of_a_list():
    np = pytest.importorskip("numpy")
    for numbers in ([3e200, 4e200], [3.0, 4.0], [math.inf, 1.0], [1.7e308, 1.7e308], [3e-200, 4e-200], [0.0]):
        assert norm_of(np.array(numbers)) == pytest.approx(norm_of(numbers), rel=1e-15)
    assert math.isnan(norm_of(np.array([math.nan, 1.0])))


def test_numbers_in_two_lists_are_inputs_and_targets():
    expected = [Example([0.5], 1), Example([0.25], 2), Example([0.0], 3)]
    assert examples_of(([0.5, 0.25, 0.0], [1, 2, 3])) == expected
    assert examples_of([[0.5, 1], [0.25, 2], [0.0, 3]]) == expected
    assert examples_of(([0.5, 0.25, 0.0], [[1], [2], [3]])) == [e._replace(target=[float(e.target)]) for e in expected]
    assert examples_of(([[0, 1], 1], [[1, 1], 0])) == [Example([0.0, 1.0], 1), Example([1.0, 1.0], 0)]
    with pytest.raises(ValueError, match=r"^examples expected as many targets as inputs, 3, got 2$"):
        examples_of(([0.5, 0.25, 0.0], [1, 2]))


class Constant(Module):
    def __init__(self):
        self.c = Value(0.0, "c")

    def __call__(self, x):
        return self.c * 1.0


def test_a_network_without_neurons_may_stand_still():
    network = Constant()
    history = fit(network, "mse", [([0.0], 1.0), ([0.0], -1.0)], engine="python", epochs=20)
    assert (history.losses[-1], history.stopped) == (1.0, "all 20 epochs are over")
    assert history.notes[0] == "the loss never changed from 1"


def test_an_optimiser_goes_on_by_hand_after_a_training_on_arrays():
    network = MLP(2, [2, 1], activation="tanh", seed=1)
    optimizer = Adam(network.parameters(), 0.05)
    fit(network, "mse", XOR, optimizer=optimizer, epochs=2, engine=engine("numpy"))
    mse(network([1, 0]), 1).backward()
    optimizer.step()
    assert {type(number) for number in numbers(network)} == {float}
    mse(network([1, 0]), 1).backward()


def test_a_file_that_cannot_be_written_is_told_before_the_work(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        with_checkpoint(tmp_path / "nowhere" / "run.json")
    (tmp_path / "full.json").mkdir()
    with pytest.raises(ValueError, match=r"full\.json expected a file, got what is none"):
        with_checkpoint(tmp_path / "full.json")


def test_a_disk_that_fills_up_costs_the_checkpoint_only(tmp_path, monkeypatch):
    from tinygrad_edu.nn import checkpoints

    path, written = tmp_path / "run.json", []

    def full(target, content):
        written.append(content)
        if len(written) > 1:
            raise OSError(28, "No space left on device", str(target))
        target.write_text(content)
        return target

    expected, _ = with_checkpoint(tmp_path / "whole.json")
    monkeypatch.setattr(checkpoints, "write", full)
    network, history = with_checkpoint(path)
    assert numbers(network) == numbers(expected)
    assert history.notes == [f"{path} could not be written: No space left on device"]
    monkeypatch.undo()
    assert numbers(with_checkpoint(path)[0]) == numbers(expected)


@pytest.fixture
def full_disk(tmp_path):
    """A folder on a disk of 16 kB, which only root can make."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a disk")
def test_a_disk_that_is_full_costs_the_checkpoint_only(full_disk, tmp_path):
    path = full_disk / "run.json"

    def fill(epoch, loss):
        if epoch == 3:
            with pytest.raises(OSError, match="No space left"), (full_disk / "other").open("wb", 0) as other:
                while True:
                    other.write(bytes(1024))

    expected, _ = with_checkpoint(tmp_path / "whole.json")
    network, history = with_checkpoint(path, on_epoch=fill)
    assert numbers(network) == numbers(expected)
    assert history.notes == [f"{path} could not be written: No space left on device"]
    assert sorted(file.name for file in full_disk.iterdir()) == ["other", "run.json"]
    before = json.loads(path.read_text())  # of an earlier epoch, and whole
    with pytest.raises(OSError, match="No space left on device"):
        save(network, path)
    assert json.loads(path.read_text()) == before
    (full_disk / "other").unlink()
    assert numbers(with_checkpoint(path)[0]) == numbers(expected)


LIMITED = """
import resource, sys
from tests.test_fit import numbers, with_checkpoint

def limit(epoch, loss):
    if epoch == 3:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))

network, history = with_checkpoint(sys.argv[1], on_epoch=limit)
print(numbers(network), history.notes)
"""


def test_a_file_that_may_not_grow_costs_the_checkpoint_only(tmp_path):
    pytest.importorskip("resource")
    expected, _ = with_checkpoint(tmp_path / "whole.json")
    path = tmp_path / "run.json"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert done.stdout == f"{numbers(expected)} {[f'{path} could not be written: File too large']}\n", done.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run.json", "whole.json"]
    assert numbers(with_checkpoint(path)[0]) == numbers(expected)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([1.0] * 9, True),
        ([1.0] * 8, False),  # too short to say
        ([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.9], False),  # it still falls
        ([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 2.0, 1.995, 1.99], True),  # by less than a hundredth in the last quarter
        ([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 2.0, 1.98, 1.97], False),
        ([900.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 3.0, 3.0], False),  # a hundredth of where it began
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], True),  # it rises
        ([1.0] * 8 + [math.inf], False),
    ],
)
def test_a_loss_stands_still_where_its_last_quarter_does(losses, expected):
    from tinygrad_edu.nn.health import stalled

    assert stalled(losses) is expected


@pytest.mark.parametrize("name", ENGINES)
def test_a_gradient_that_is_clipped_keeps_its_direction(name):
    a, b = Value(0.0), Value(0.0)

    class Two(Module):
        def __init__(self):
            self.w = [a, b]

        def __call__(self, x):
            return self.w[0] * x[0] + self.w[1] * x[1]

    engine(name)
    network = Two()
    history = fit(network, lambda y, t: y - t, [([3.0, 4.0], 0.0)], optimizer=SGD([a, b], 0.5), clip=1.0, epochs=1,
                  engine=name)  # fmt: skip
    assert [a.data, b.data] == pytest.approx([-0.3, -0.4])  # a gradient of 3 and 4 has the norm 5
    history = fit(network, lambda y, t: y - t, [([3.0, 4.0], 0.0)], optimizer=SGD([a, b], 0.5), clip=5.0, epochs=1,
                  engine=name)  # fmt: skip
    assert [a.data, b.data] == pytest.approx([-1.8, -2.4])
    assert history.epochs == 1


def test_a_loss_that_grows_slowly_has_not_diverged():
    w = Value(1.0, "w")
    run = train(lambda: w * w, SGD([w], 1.01), epochs=50)  # each step makes w 1.02 times as large
    assert (run.epochs, run.stopped) == (50, "all 50 epochs are over")
    assert run.losses[-1] == pytest.approx(1.02**100)


def test_what_a_loss_raises_late_is_told_in_its_words():
    w = Value(1.0, "w")

    said = []

    def loss():
        if w.data < 0.9 and not said:  # once: who looks again finds nothing wrong
            said.append(1)
            raise OverflowError("too small for me")
        return w * w

    assert "epoch 2, batch 1: too small for me" in train(loss, SGD([w], 0.1), epochs=5).stopped


def test_a_training_taken_up_again_is_kept_after_its_first_epoch(tmp_path):
    class Gone(BaseException):
        pass

    def gone(epoch, _):
        if epoch == 7:
            raise Gone

    def steps():
        return json.loads((tmp_path / "run.json").read_text())["steps"]

    with_checkpoint(tmp_path / "run.json", epochs=5)
    before = steps()
    with pytest.raises(Gone):
        with_checkpoint(tmp_path / "run.json", on_epoch=gone)
    assert steps() > before


def test_what_a_loss_raises_once_is_told_in_its_words_by_fit_too():
    calls = []

    def loss(y, t):
        calls.append(1)
        if len(calls) == 3:
            raise OverflowError("too small for me")
        return (y - t) ** 2

    network = MLP(1, [1], seed=1)
    history = fit(network, loss, [([1.0], 0.5)], optimizer=SGD(network.parameters(), 0.1), epochs=5, engine="eager")
    assert ", batch 1: too small for me" in history.stopped
