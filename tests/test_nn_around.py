"""What stands around the loop of a training: data, checks of recordings, checkpoints, shards, the bar, what is said."""

import contextlib
import itertools
import json
import math
import pickle
import random
from types import SimpleNamespace

import pytest

from tinygrad_edu import Value, compile
from tinygrad_edu.nn import MLP, SGD, Adam, History, Module, accuracy, cross_entropy, fit, mse
from tinygrad_edu.nn.checkpoints import Checkpoint, digest
from tinygrad_edu.nn.data import Example, divided, examples_of, floats
from tinygrad_edu.nn.engines import DataDependent, Eager, Replay, Whole, first_bad, layer_of
from tinygrad_edu.nn.modules import Parameter, Place
from tinygrad_edu.nn.optim import cosine_decay
from tinygrad_edu.nn.progress import Progress
from tinygrad_edu.nn.shards import Sharded, part_of, unpickled
from tinygrad_edu.nn.training import Setup

# Data


@pytest.mark.parametrize(
    ("count", "share", "held"),
    [(10, 0.2, 2), (10, 0.25, 2), (10, 0.35, 4), (10, 0.01, 1), (10, 0.99, 9), (2, 0.5, 1), (2, 0.9, 1), (3, 0.9, 2)],
)
def test_a_share_is_held_back_in_order(count, share, held):
    examples = [Example([float(k)], k) for k in range(count)]
    ours, theirs = divided(examples, share, random.Random(1))
    assert (len(ours), len(theirs)) == (count - held, held)
    assert sorted([*ours, *theirs]) == examples
    assert ours == sorted(ours) and theirs == sorted(theirs)
    draws = {tuple(e.target for e in divided(examples, share, random.Random(seed))[1]) for seed in range(40)}
    assert len(draws) > 1


@pytest.mark.parametrize(("count", "share"), [(10, 0.0), (10, 1.0), (10, -0.1), (10, 1.1), (1, 0.5)])
def test_a_share_that_leaves_none_is_refused(count, share):
    words = f"validation expected a share between 0 and 1 of at least two examples, got {share!r} of {count}"
    with pytest.raises(ValueError) as error:
        divided([Example([0.0], 0)] * count, share, random.Random(1))
    assert str(error.value) == words


class Frame(dict):
    columns = property(lambda self: list(self))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([(2, 1), (3, 0)], [([2.0], 1), ([3.0], 0)]),  # one input
        ([([2], [1]), ([3], [0])], [([2.0], [1.0]), ([3.0], [0.0])]),
        ([([2], 0.5), ([3], True)], [([2.0], 0.5), ([3.0], 1)]),
        ([[[1, 2], 3], [[4, 5], 6]], [([1.0, 2.0], 3), ([4.0, 5.0], 6)]),
        (([[1, 2], [3, 4], [5, 6]], [7, 8, 9]), [([1.0, 2.0], 7), ([3.0, 4.0], 8), ([5.0, 6.0], 9)]),
        (((1, 2), (3, 4)), [([1.0], 2), ([3.0], 4)]),  # two pairs: not inputs and targets
        (([1, 2, 3], [4, 5, 6]), [([1.0], 4), ([2.0], 5), ([3.0], 6)]),
        (([1], [4]), [([1.0], 4)]),
        ((([1, 2], 3), ([4, 5], 6), ([7, 8], 9)), [([1.0, 2.0], 3), ([4.0, 5.0], 6), ([7.0, 8.0], 9)]),
        ((Frame(a=[1, 2], t=[3, 4], b=[5, 6]), "t"), [([1.0, 5.0], 3), ([2.0, 6.0], 4)]),
        ((Frame(a=[1, 2], t=[3, 4], b=[5, 6]), ["b", "t"]), [([1.0], [5.0, 3.0]), ([2.0], [6.0, 4.0])]),
        ((Frame(b=[1, 2], t=[3, 4], a=[5, 6]), "t"), [([1.0, 5.0], 3), ([2.0, 6.0], 4)]),  # in the frame's own order
        ((Frame(a=[1, 2], t=[3, 4], b=[5, 6]), ["t"]), [([1.0, 5.0], [3.0]), ([2.0, 6.0], [4.0])]),
    ],
)
def test_examples_as_they_come(given, expected):
    found = examples_of(given)
    assert found == expected
    assert [type(target) for _, target in found] == [type(target) for _, target in expected]


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (ValueError, [], "data: expected at least one example, got none"),
        (ValueError, [([1], 0), ([1, 2], 0)], "data: example 2 expected 1 input, like the first, got 2"),
        (
            ValueError, [([1], [1, 2]), ([1], [1])],
            "data: example 2 expected 2 targets, like the first, got [1]",
        ),
        (
            ValueError, [([1], 3), ([1], [1, 2])],
            "data: example 2 expected one number as its target, like the first, got [1, 2]",
        ),
        (
            ValueError, ([1, 2], [3, 4]),
            "data expected two pairs, or two inputs and their targets, and ([1, 2], [3, 4]) may be either: "
            "write [(1, 2), (3, 4)] or [(1, 3), (2, 4)]",
        ),
        (ValueError, ([[1], [2]], [1, 2, 3]), "data expected as many targets as inputs, 2, got 3"),
        (
            ValueError, [([1], math.inf)],
            "the target of data: example 1: expected a finite number, got inf: leave the example out, or fill the cell",
        ),
        (
            TypeError, [([1], 0), (["a"], 0)],
            "the inputs of data: example 2: expected a real number, got 'a' (str): give each word a number",
        ),
        (ValueError, (Frame(a=[1], b=[2]), "c"), "data expected a column of a, b, got 'c'"),
        (ValueError, (Frame(a=[1], b=[2]), ["a", "d"]), "data expected a column of a, b, got 'd'"),
        (
            TypeError, {"x": 1},
            "data expected pairs of inputs and target, a tuple (inputs, targets), or a frame with the name of its "
            "target, got {'x': 1}",
        ),
        (
            TypeError, ["ab"],
            "data expected pairs of inputs and target, a tuple (inputs, targets), or a frame with the name of its "
            "target, got 'ab' for one example",
        ),
    ],
)  # fmt: skip
def test_examples_that_are_none(kind, given, words):
    with pytest.raises(kind) as error:
        examples_of(given, "data")
    assert str(error.value) == words


def test_an_array_of_no_dimension_holds_no_examples():
    np = pytest.importorskip("numpy")
    for given in (np.array(3.0), (np.array(3.0), np.array([1.0]))):
        with pytest.raises(TypeError, match=r"^examples expected pairs of inputs and target, .*, got "):
            examples_of(given)
    pairs = (np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0]))
    assert examples_of(pairs) == examples_of([*zip(*pairs, strict=True)]) == [([1.0, 2.0], 1), ([3.0, 4.0], 0)]


@pytest.mark.parametrize(
    ("answers", "targets", "threshold", "share"),
    [
        ([[0.6], [0.5], [0.4]], [1, 1, 0], 0.5, 2 / 3),  # a yes is above the threshold
        ([[0.6], [-0.1], [0.0]], [1, -1, -1], 0.0, 1.0),
        ([[0.6], [0.4]], [[1.0], [0.0]], 0.5, 1.0),
        ([[0.6], [0.4]], [0.51, 0.5], 0.5, 1.0),
        ([[1.0, 3.0, 2.0]] * 4, [0, 1, 2, [0.0, 1.0, 0.0]], 0.5, 0.5),
        ([[2.0, 2.0]], [0], 0.5, 1.0),  # the first of equals
        ([[3.0], [1.0]], [1, 0], 2.0, 1.0),  # what is wanted is yes or no, wherever the threshold is
        ([[0.0], [-3.0]], [1, 0], -2.0, 1.0),
    ],
)
def test_the_share_of_right_answers(answers, targets, threshold, share):
    assert accuracy(answers, targets, threshold) == share


# Engines


def eager(examples, network=None, loss=mse):
    network = network or MLP(len(examples[0].x), [1], activation=None, seed=1)
    return Eager(network, loss, network.parameters(), examples)


@pytest.mark.parametrize(
    ("targets", "which"),
    [
        ([0] * 5, [0, 1, 2, 3, 4]),
        ([0] * 24, [*range(24)]),
        ([0] * 48, [*range(0, 48, 2)]),
        ([0] * 100, [*range(0, 100, 4)]),
        ([0] * 50 + [1] + [0] * 46 + [2] * 3, [*range(0, 100, 4), 50, 97]),  # the first of each target among them
        ([*range(100)], [*range(0, 100, 4), *(k for k in range(24) if k % 4)]),
    ],
)
def test_a_recording_is_held_against_examples_from_all_over(targets, which):
    replay = Replay(eager([Example([1.0], target) for target in targets]), "python")
    assert replay.spread() == which


@pytest.mark.parametrize(("off", "found"), [(0.0, False), (2e-10, False), (3e-9, True)])
@pytest.mark.parametrize("size", [1.0, 1e3])
@pytest.mark.parametrize("where", [0, 7, 19])
def test_a_graph_that_is_not_the_recorded_one_shows_in_its_number(off, found, size, where):
    """By a billionth, of 1 or of the number."""

    class Own(Module):
        def __init__(self):
            self.w = Value(0.5)

        def __call__(self, x):
            here = x[0].data if isinstance(x[0], Value) else x[0]
            return self.w * 0.0 + size * (1 + off * (here == where) * (where > 0) + off * (here != 0) * (where == 0))

    examples = [Example([float(k)], 0.0) for k in range(20)]
    engine = eager(examples, Own(), lambda y, t: y * 1.0)
    if not found:
        Replay(engine, "python")
        return
    with pytest.raises(DataDependent) as error:
        Replay(engine, "python")
    assert str(error.value) == (
        f"the graph of example {(where or 1) + 1} is not that of the first: an `if` on data or on a Value, or a number "
        "taken from one"
    )
    assert engine.numbers() == [0.5]


@pytest.mark.parametrize(("off", "found"), [(9e-14, False), (-9e-14, False), (1.1e-13, True), (math.inf, False)])
def test_beside_zero_a_tenth_of_a_trillionth_is_the_same(off, found, monkeypatch):
    """So that sums that cancel in another order are; what is not finite says nothing."""
    graph = eager([Example([0.0], 0.0)], MLP(1, [1], activation=None, bias=False, seed=1))
    replay = Replay(graph, "python")
    if off == math.inf:
        monkeypatch.setattr(graph, "forward", lambda numbers, batch: (math.inf, [[math.nan]]))
    monkeypatch.setattr(replay, "forward", lambda numbers, batch: (0.0 if off == math.inf else off, [[0.0]]))
    if found:
        with pytest.raises(DataDependent):
            replay.check(graph.numbers(), [0])
    else:
        replay.check(graph.numbers(), [0])


@pytest.mark.parametrize(
    ("large", "off", "found"),
    [(1.0, 9e-10, False), (1.0, 1.1e-9, True), (1e6, 9e-10, False), (1e6, 1.1e-9, True), (0.1, 1.1e-10, True)],
)
def test_beside_larger_ones_a_billionth_of_them_is_the_same_and_no_more_than_that(large, off, found, monkeypatch):
    graph = eager([Example([0.0], 0.0), Example([1.0], 0.0)], MLP(1, [1], activation=None, bias=False, seed=1))
    replay = Replay(graph, "python")
    monkeypatch.setattr(graph, "forward", lambda numbers, batch: (0.0, [[0.0 if batch == [0] else large]]))
    monkeypatch.setattr(replay, "forward", lambda numbers, batch: (0.0, [[off if batch == [0] else large]]))
    with pytest.raises(DataDependent) if found else contextlib.nullcontext():
        replay.check(graph.numbers(), [0, 1])


def test_a_graph_that_depends_on_parameters_shows_with_others():
    class Own(Module):
        def __init__(self):
            self.w = Value(0.5)

        def __call__(self, x):
            return self.w * (2.0 if self.w > 0 else 3.0)

    with pytest.raises(DataDependent, match="the graph of example 1 is not that of the first"):
        Replay(eager([Example([1.0], 0.0)], Own()), "python")


def test_an_example_whose_graph_cannot_be_made_says_nothing_and_the_next_one_does():
    class Own(Module):
        def __init__(self):
            self.w = Value(0.5)

        def __call__(self, x):
            here = x[0].data if isinstance(x[0], Value) else x[0]
            return Value(-1.0).log() if here == 1.0 else self.w * (1.0 if here < 2.0 else 2.0)

    with pytest.raises(DataDependent, match="the graph of example 3 is not that of the first"):
        Replay(eager([Example([float(k)], 0.0) for k in range(4)], Own()), "python")
    Replay(eager([Example([k], 0.0) for k in (0.0, 1.0, 0.5)], Own()), "python")


def test_the_first_value_that_went_bad_in_words():
    network = MLP(1, [2, 1], activation="exp", seed=1)
    engine = eager([Example([1.0], 0.0), Example([800.0], 0.0)], network)
    start = engine.numbers()
    assert first_bad(engine, start, [0]) == ""
    assert first_bad(engine, [math.inf, *start[1:]], [0]) == "w1 in layer 1 is inf"
    assert first_bad(engine, [*start[:-1], math.nan], [0]) == "b3 in layer 2 is nan"
    words = first_bad(engine, [1.0, *start[1:]], [0, 1])
    assert words.startswith("exp(x) overflows at x = ")
    huge = [1.0, 0.0, 1.0, 0.0, 1e308, 1e308, 0.0]
    assert first_bad(engine, huge, [0]) == "dot(x_i, y_i) in layer 2 is inf"


@pytest.mark.parametrize("name", ["eager", "auto"])
@pytest.mark.parametrize("seed", range(4))
def test_what_an_example_raises_from_the_start_is_no_divergence(name, seed):
    """In whichever batch it comes: no learning rate would help."""
    network = MLP(1, [1], activation=None, seed=1)
    examples = [([1.0], 1.0), ([2.0], 0.5), ([3.0], 0.0)]
    with pytest.raises(ValueError, match=r"^log\(a\) is undefined at a = 0$"):
        fit(network, lambda y, t: y - Value(t, "a").log(), examples, batch=1, seed=seed, engine=name)


@pytest.mark.parametrize("name", ["eager", "python", "numpy"])
def test_a_graph_that_fails_with_what_was_learned_is_a_divergence(name):
    network = MLP(1, [1], activation=None, bias=False, seed=1)
    network.layers[0].neurons[0].w[0].data = 3.0
    history = fit(network, lambda y, t: (y * y).exp(), [([1.0], 0.0), ([0.5], 0.0)], seed=1, engine=name,
                  optimizer=SGD(network.parameters(), 1.0), epochs=9)  # fmt: skip
    assert history.stopped.startswith("diverged in epoch 2, batch 1: ")
    assert "overflow" in history.stopped or "inf" in history.stopped
    assert (history.best, network.parameters()[0].data) == (0, 3.0)


@pytest.mark.parametrize(
    ("loss", "target", "words"),
    [
        (lambda y, t: y - t.log(), 0.0, "log(t) is undefined at t = 0"),
        (lambda y, t: y - t[1].log(), [1.0, 0.0], "log(t2) is undefined at t2 = 0"),
    ],
)
def test_what_cannot_be_recorded_is_told_with_the_target(loss, target, words):
    with pytest.raises(ValueError) as error:
        fit(MLP(1, [1], seed=1), loss, [([1.0], target)], engine="python")
    assert str(error.value) == words


def test_what_goes_bad_behind_a_layer_is_said_to_be_in_it():
    network = MLP(1, [1], output_activation=lambda z: z * z, seed=1)
    engine = eager([Example([1.0], 0.0)], network, lambda y, t: y * 2.0)
    assert first_bad(engine, [1e200, 0.0], [0]) == "x * y in layer 1 is inf"
    outside = eager([Example([1.0], 0.0)], MLP(1, [1], activation=None, seed=1), lambda y, t: y * 1e200 * 1e200)
    assert first_bad(outside, [1.0, 0.0], [0]) == "x * 1e+200 in layer 1 is inf"


def test_parameters_of_several_layers_are_said_to_be_in_that_of_the_first():
    second, first = Parameter(1.0, "w", Place(2, 1, 1)), Parameter(1.0, "v", Place(1, 1, 1))
    assert layer_of([Value(1.0), 2.0, second, first]) == " in layer 2"
    assert layer_of([Value(1.0), 2.0]) == ""


def test_a_derivative_that_does_not_exist_is_what_went_bad():
    network = MLP(1, [1], activation=None, bias=False, seed=1)
    engine = eager([Example([1.0], 0.0), Example([2.0], 0.0)], network, lambda y, t: y.sqrt())
    assert first_bad(engine, [1.0], [0, 1]) == ""
    assert first_bad(engine, [0.0], [0, 1]) == "the derivative of sqrt(x) is undefined at x = 0"


def test_a_node_with_a_label_that_went_bad_is_called_by_it():
    def named(y, t):
        h = y * 1e200
        h.label = "h"
        return h * 1e200

    network = MLP(1, [1], activation=None, seed=1)
    assert first_bad(eager([Example([1.0], 0.0)], network, named), [1e150, 0.0], [0]) == "h in layer 1 is inf"


def test_a_parameter_without_label_or_place_that_went_bad():
    class Own(Module):
        def __init__(self):
            self.w = Value(0.5)

        def __call__(self, x):
            return self.w * x[0]

    network = Own()
    network.w.label = ""
    assert first_bad(eager([Example([1.0], 0.0)], network), [math.inf], [0]) == "a parameter is inf"


def test_an_engine_takes_batches_as_slices_and_as_lists():
    examples = [Example([float(k)], float(k * k)) for k in range(6)]
    graph = eager(examples)
    replay = Replay(graph, "python")
    for batch in (slice(1, 4), [1, 2, 3], [5, 0, 0], slice(0, 6)):
        (loss, gradient), (again, its) = (engine.gradient(graph.numbers(), batch) for engine in (graph, replay))
        assert loss == pytest.approx(again, rel=1e-12)
        assert gradient == pytest.approx(its, rel=1e-12)
        (loss, answers), (again, theirs) = (engine.forward(graph.numbers(), batch) for engine in (graph, replay))
        assert loss == pytest.approx(again, rel=1e-12)
        assert [*itertools.chain(*answers)] == pytest.approx([*itertools.chain(*theirs)], rel=1e-12)
        expected = examples[batch] if isinstance(batch, slice) else [examples[k] for k in batch]
        assert len(answers) == len(expected)
        network = graph.network
        assert loss == pytest.approx(sum(mse(network(x), t).data for x, t in expected) / len(expected), rel=1e-12)


@pytest.mark.parametrize("name", ["eager", "python", "numpy", "train"])
def test_an_engine_computes_with_the_numbers_that_it_is_given(name):
    """Not with those that the parameters hold at the time."""
    w = Value(9.0)
    network = SimpleNamespace(parameters=lambda: [w])
    graph = Eager(lambda x: w * x[0], mse, network.parameters(), [Example([2.0], 1.0)])
    if name == "numpy":
        pytest.importorskip("numpy")
    engine = graph if name == "eager" else Replay(graph, name) if name != "train" else Whole(lambda: mse(2 * w, 1), [w])
    for number, loss, slope in ((3.0, 25.0, 20.0), (0.0, 1.0, -4.0), (0.5, 0.0, 0.0)):
        numbers = engine.like([number]) if name == "numpy" else [number]
        assert engine.forward(numbers, slice(0, 1))[0] == loss
        assert engine.gradient(numbers, slice(0, 1)) == (loss, [slope])


# Shards


class Here:
    """Computes at once, and keeps what it was given."""

    def __init__(self, workers):
        self.sizes = []
        if workers:
            self._max_workers = workers

    def submit(self, function, pickled, given, rows):
        self.sizes.append(len(rows))
        return SimpleNamespace(result=lambda: function(pickled, given, rows))


@pytest.mark.parametrize(
    ("workers", "rows", "sizes"),
    [
        (1, 5, [5]), (2, 5, [3, 2]), (3, 9, [3, 3, 3]), (4, 9, [3, 3, 3]), (5, 3, [1, 1, 1]), (None, 20, [3] * 6 + [2]),
        (None, 8, [1] * 8), (8, 1, [1]),
    ],
)  # fmt: skip
def test_a_batch_is_cut_into_as_many_shards_as_there_are_workers(workers, rows, sizes):
    """Eight where an executor does not say; the parts weigh as much as they have examples."""
    graph = eager([Example([float(k), 1.0], float(k % 3)) for k in range(rows)])
    replay = Replay(graph, "python")
    sharded = Sharded(replay, here := Here(workers))
    loss, gradient = sharded.gradient(graph.numbers(), slice(0, rows))
    expected, its = replay.gradient(graph.numbers(), slice(0, rows))
    assert here.sizes == sizes
    assert loss == pytest.approx(expected, rel=1e-13)
    assert gradient == pytest.approx(its, rel=1e-13)
    assert sharded.lost == 0


def test_a_worker_keeps_the_program_of_the_last_task():
    w = Value(2.0)
    first, second = (pickle.dumps(compile(w * k, [w], backend="python")) for k in (3.0, 5.0))
    unpickled.cache_clear()
    assert part_of(first, [2.0], [])[0] == 6.0
    assert part_of(first, [4.0], [])[0] == 12.0
    assert unpickled.cache_info()[:2] == (1, 1)  # hits, misses
    assert part_of(second, [2.0], [])[0] == 10.0
    assert unpickled.cache_info().currsize == 1 and unpickled(second) is unpickled(second)
    unpickled.cache_clear()


# Checkpoints


def test_data_is_told_from_other_data_by_numbers_that_stay_the_same():
    """A file that was written yesterday is taken up tomorrow."""
    assert digest([[[0.5, 1.0], 2.0]]) == "4240a3aaa6627188"
    assert digest([[[0.5, 1.0], 2.5]]) != digest([[[0.5, 1.0], 2.0]])


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self, monkeypatch, where):
        self.now = 100.0
        monkeypatch.setattr(where, lambda: self.now)


def test_writing_takes_a_twentieth_of_the_time_at_most(monkeypatch, tmp_path):
    clock, written = Clock(monkeypatch, "tinygrad_edu.nn.checkpoints.perf_counter"), []

    def write(path, content):
        written.append(clock.now)
        clock.now += 2.0

    monkeypatch.setattr("tinygrad_edu.nn.checkpoints.write", write)
    loop = SimpleNamespace(
        history=History(), engine=SimpleNamespace(name="eager"), numbers=[0.5], best=[0.25], lowest=1.0,
        optimizer=SimpleNamespace(steps=3, kept=[[0.0]]),
    )  # fmt: skip
    checkpoint = Checkpoint(tmp_path / "run.json", {}, random.Random(1))
    checkpoint.offer(loop)
    assert written == []  # no time has passed
    clock.now += 0.001
    checkpoint.offer(loop)
    assert len(written) == 1
    for after, count in ((0.0, 1), (39.0, 1), (0.99, 1), (0.02, 2), (40.0, 2), (0.01, 3)):
        clock.now += after
        checkpoint.offer(loop)
        assert len(written) == count
    loop.history.interrupted = True
    checkpoint.save(loop)
    assert len(written) == 3  # what is in the middle of an epoch cannot be taken up


def test_what_a_checkpoint_holds(tmp_path):
    network = MLP(1, [2, 1], activation="tanh", seed=1)
    examples = [([0.5], 1.0), ([-1.0], 0.0), ([2.0], 0.5)]
    path = tmp_path / "run.json"
    rng = random.Random(5)
    optimizer = Adam(network.parameters(), 0.125)
    history = fit(network, "mse", examples, optimizer=optimizer, epochs=3, batch=2, seed=rng, checkpoint=path)
    state = json.loads(path.read_text())
    assert (state["format"], state["version"], state["engine"]) == ("tinygrad_edu training", 1, history.engine)
    assert state["parameters"] == [p.data for p in network.parameters()]
    assert state["steps"] == 6 and len(state["kept"]) == 2
    assert state["training"] == {
        "parameters": [p.label for p in network.parameters()], "optimizer": "Adam", "learning rate": 0.125,
        "loss": "mse", "batch": 2, "examples": [3, 0, digest([[x, t] for x, t in examples])],
    }  # fmt: skip
    assert state["history"]["losses"] == history.losses
    version, inner, following = rng.getstate()
    assert state["random"] == [version, [*inner], following]
    assert state["lowest"] == min(history.losses[:-1])


CHANGES = {
    "parameters": lambda t: t | {"network": MLP(1, [3, 1], activation="tanh", seed=1)},
    "optimizer": lambda t: t | {"make": SGD},
    "learning rate": lambda t: t | {"lr": 0.25},
    "loss": lambda t: t | {"loss": "mae"},
    "batch": lambda t: t | {"batch": None},
    "examples": lambda t: t | {"examples": [([0.5], 1.0), ([-1.0], 0.0), ([2.0], 0.25)]},
}


SETTINGS = {
    "momentum": (lambda p: SGD(p, 0.1), lambda p: SGD(p, 0.1, momentum=0.5), {}),
    "weight_decay": (lambda p: Adam(p, 0.1), lambda p: Adam(p, 0.1, weight_decay=0.5), {}),
    "betas": (lambda p: Adam(p, 0.1), lambda p: Adam(p, 0.1, betas=(0.5, 0.9)), {}),
    "eps": (lambda p: Adam(p, 0.1), lambda p: Adam(p, 0.1, eps=0.5), {}),
    "schedule": (lambda p: SGD(p, cosine_decay(0.1, 9)), lambda p: SGD(p, cosine_decay(0.1, 5)), {}),
    "clip": (lambda p: SGD(p, 0.1), lambda p: SGD(p, 0.1), {"clip": 0.01}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_checkpoint_of_other_settings_is_refused_by_name(name, tmp_path):
    def run(make, **options):
        network = MLP(1, [2, 1], activation="tanh", seed=1)
        fit(network, "mse", [([0.5], 1.0), ([-1.0], 0.0)], optimizer=make(network.parameters()), epochs=2, seed=1,
            checkpoint=tmp_path / "run.json", **options)  # fmt: skip
        return [p.data for p in network.parameters()]

    first, second, options = SETTINGS[name]
    expected = run(first)
    before = (tmp_path / "run.json").read_bytes()
    with pytest.raises(ValueError, match=f"is of another training: {name} is .* there and .* here; name another file"):
        run(second, **options)
    assert (tmp_path / "run.json").read_bytes() == before
    assert run(first) == expected
    state = json.loads(before)
    (tmp_path / "run.json").write_text(json.dumps({key: state[key] for key in state if key != "settings"}))
    assert run(second, **options) == expected  # of an older file it is not known


@pytest.mark.parametrize("engine", ["auto", "python"])
@pytest.mark.parametrize("change", ["activation", "loss"])
def test_a_checkpoint_of_another_function_of_the_same_parameters_is_refused(change, engine, tmp_path):
    def run(activation="tanh", power=2):
        network = MLP(1, [2, 1], activation=activation, seed=1)
        fit(network, lambda y, t: (y - t) ** power, [([0.5], 1.0), ([-1.0], 0.0)], epochs=2, seed=1, engine=engine,
            checkpoint=tmp_path / "run.json")  # fmt: skip
        return [p.data for p in network.parameters()]

    expected = run()
    words = "is of another training: with its parameters the loss of the first example is .* there and .* here; name an"
    with pytest.raises(ValueError, match=words):
        run("relu") if change == "activation" else run(power=4)
    assert run() == expected


def test_a_loss_that_draws_random_numbers_is_taken_up(tmp_path):
    """It draws no more than it would without a checkpoint."""

    def run(checkpoint=None):
        network, noise = MLP(1, [2, 1], activation="tanh", seed=1), random.Random(3)
        history = fit(network, lambda y, t: (y - t + noise.gauss(0, 0.1)) ** 2, [([0.5], 1.0), ([-1.0], 0.0)],
                      epochs=3, seed=1, engine="eager", checkpoint=checkpoint)  # fmt: skip
        return history.losses

    assert run(tmp_path / "run.json") == run() == run(tmp_path / "run.json")


@pytest.mark.parametrize("name", CHANGES)
def test_a_checkpoint_of_another_training_is_refused_by_name(name, tmp_path):
    def run(network=None, make=Adam, lr=0.125, loss="mse", batch=2, examples=None):
        network = network or MLP(1, [2, 1], activation="tanh", seed=1)
        examples = examples or [([0.5], 1.0), ([-1.0], 0.0), ([2.0], 0.5)]
        optimizer = make(network.parameters(), lr)
        fit(network, loss, examples, optimizer=optimizer, epochs=1, batch=batch, seed=1, engine="python",
            checkpoint=tmp_path / "run.json")  # fmt: skip

    run()
    before = (tmp_path / "run.json").read_bytes()
    with pytest.raises(ValueError, match=f"is of another training: {name} is .* there and .* here; name another file"):
        run(**CHANGES[name]({}))
    assert (tmp_path / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parameters": [1.0]}, r"expected 7 parameters, got \{.*\}"),
        ({"settings": 3}, "unsupported operand"),
        ({"first loss": "1"}, "expected floats"),
        ({"best": [1.0]}, r"expected 7 parameters, got \{.*\}"),
        ({"kept": [[0.0] * 7]}, r"expected 7 parameters, got \{7\}"),
        ({"kept": [[0.0] * 7, [0.0] * 6]}, r"expected 7 parameters, got \{.*\}"),
        ({"random": [3, [1]]}, "not enough values"),
        ({"history": {"nothing": 1}}, "unexpected keyword argument 'nothing'"),
        ({"training": 3}, "'int' object has no attribute 'get'"),
        ({"parameters": ["1"] * 7}, r"it expected floats, got \['1', '1', "),
        ({"kept": 3}, "must be an iterable, not int"),
        ({"steps": "1"}, "it expected the steps taken, got '1'"),
        ({"steps": -1}, "it expected the steps taken, got -1"),
        ({"lowest": {}}, r"it expected floats, got \[\{\}\]"),
        ({"random": [3, [1], None]}, "state vector is the wrong size"),
        ({"history": {"losses": 3}}, "it expected losses to be a list, got 3"),
        ({"history": {"stopped": 1.5}}, "it expected stopped to be a str, got 1.5"),
        ({"history": {"metrics": {"accuracy": [None]}}}, r"it expected floats, got \[None\]"),
        ({"history": 3}, "must be a mapping, not int"),
    ],
)
def test_a_checkpoint_that_is_damaged_is_refused_before_anything_is_changed(change, words, tmp_path):
    def run():
        network = MLP(1, [2, 1], activation="tanh", seed=1)
        optimizer = Adam(network.parameters(), 0.1)
        before = [p.data for p in network.parameters()], optimizer.steps, optimizer.kept
        try:
            fit(network, "mse", [([0.5], 1.0), ([-1.0], 0.0)], epochs=1, seed=1, engine="python",
                optimizer=optimizer, checkpoint=path)  # fmt: skip
        except ValueError:
            assert before == ([p.data for p in network.parameters()], optimizer.steps, optimizer.kept)
            raise

    path = tmp_path / "run.json"
    run()
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=rf"run\.json is damaged: .*{words}"):
        run()


# The bar


class Bar:
    """What rich's bar is told."""

    def __init__(self, *columns, console, auto_refresh):
        assert console.stderr and not auto_refresh  # it moves when it is told to, with no thread of its own
        assert columns[0].bar_width == 24  # which leaves room for words
        self.told, self.started, self.total = [], False, None
        self.console = SimpleNamespace(print=lambda words, **how: self.told.append((words, how)))

    def add_task(self, description, total, completed):
        self.total, self.completed = total, completed
        return 7

    def start(self):
        self.started = True

    def stop(self):
        self.started = False

    def update(self, task, completed, description, refresh):
        assert task == 7 and refresh and self.started
        self.told.append((completed, description))


def test_a_bar_says_how_far_how_well_and_how_fast(monkeypatch):
    pytest.importorskip("rich")
    clock = Clock(monkeypatch, "tinygrad_edu.nn.progress.perf_counter")
    monkeypatch.setattr("rich.progress.Progress", Bar)
    monkeypatch.setenv("COLUMNS", "120")
    history = History([3.0, 1.23456], [2.34567], {"accuracy": [0.5, 0.98765], "empty": []}, stopped="over", notes=["n"])
    with Progress(50, True) as progress:
        clock.now += 0.5
        progress.show(history, 1000)
        clock.now += 0.09
        progress.show(history, 1001)  # a moment ago
        clock.now += 0.02
        progress.show(History([0.5]), 20)
        progress.show(History([0.25]), 50, last=True)
        progress.say(history)
        bar = progress.bar
        assert bar.started
    assert (bar.total, bar.started) == (50, False)
    how = {"markup": False, "highlight": False}
    assert bar.told == [
        (1000, "loss 1.235 · validation 2.346 · accuracy 0.988 · 2,000 epochs/s"),
        (20, f"loss 0.5 · {20 / 0.61:,.0f} epochs/s"),
        (50, f"loss 0.25 · {50 / 0.61:,.0f} epochs/s"),
        ("over", how),
        ("n", how),
    ]


def test_a_training_that_goes_on_says_so_and_how_fast_it_is_itself(monkeypatch, capsys):
    pytest.importorskip("rich")
    clock = Clock(monkeypatch, "tinygrad_edu.nn.progress.perf_counter")
    monkeypatch.setattr("rich.progress.Progress", Bar)
    monkeypatch.setenv("COLUMNS", "120")
    with Progress(5000, True) as progress:
        progress.before = 1000
        clock.now += 0.5
        progress.show(History([0.5]), 1100)
    assert (progress.bar.completed, progress.bar.told) == (1000, [(1100, "loss 0.5 · 200 epochs/s")])
    assert capsys.readouterr().err == "going on after 1000 epochs\n"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (140, "loss 0.006443 · validation 0.05003 · accuracy 0.967 · "),
        (80, "loss 0.006443 · validation 0.05003 "),
        (60, "loss 0.006443 · validation 0.05003 "),
        (40, "loss 0.006443 "),
    ],
)
def test_however_narrow_a_terminal_the_bar_keeps_the_count_and_the_loss(columns, words, monkeypatch, capsys):
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", str(columns))
    with Progress(100_000, True) as progress:
        progress.show(History([0.0064432], [0.0500312], {"accuracy": [0.96667]}), 2385, last=True)
    lines = capsys.readouterr().err.splitlines()
    assert f"2385/100000 {words}" in lines[-1] and "…" not in lines[-1]
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize(
    ("terminal", "wanted", "drawn"), [(True, None, True), (False, None, False), (True, False, False)]
)
def test_a_bar_is_drawn_on_a_terminal_unless_said_otherwise(terminal, wanted, drawn, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr("rich.progress.Progress", Bar)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("sys.stderr", SimpleNamespace(isatty=lambda: terminal, write=len, flush=int))
    with Progress(3, wanted) as progress:
        progress.show(History([1.0]), 3, last=True)
        assert (progress.bar is not None) is drawn
        progress.say(History(stopped="over"))


# What is said


@pytest.mark.parametrize(
    ("losses", "first"),
    [
        ([0.5] * 10, "the loss never changed from 0.5"),
        ([0.5] * 9, "the loss stands still at 0.5"),
        ([*([0.51] * 6), *([0.5] * 4)], "the loss stands still at 0.5"),
        ([0.123456] * 12, "the loss never changed from 0.1235"),
        ([5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.4, 0.3, 0.2], None),
    ],
)
def test_what_is_said_of_a_loss_that_stands_still(losses, first):
    network = MLP(1, [1], seed=1)
    setup = Setup(network, "mse", [([1.0], 0.0), ([2.0], 1.0)], None, (), random.Random(1))
    history = History(losses)
    setup.notes(history, 0)
    assert (history.notes[0] if history.notes else None) == first
    if first:
        assert history.notes[-1] == (
            "it may be a local minimum, a plateau, or the least that can be had: try another seed, more neurons, "
            "another activation, or another learning rate"
        )
    history = History([1.0])
    setup.notes(history, 3)
    assert history.notes == ["3 shards were computed here: their workers could not be reached"]


def test_what_is_said_is_of_the_examples_that_were_trained_on():
    """On those of the validation this network gives another answer."""
    network = MLP(1, [1, 1], seed=1)
    setup = Setup(network, "mse", [([-1.0], 0.5), ([-2.0], 0.5)], [([1.0], 0.5), ([2.0], 0.5)], (), random.Random(1))
    network.layers[0].neurons[0].w[0].data = 1.0
    history = History([0.25] * 12)
    setup.notes(history, 0)
    assert "layer 1: its neuron is dead: for every example relu passes no gradient" in history.notes
    assert "the network gives the same answer, 0, to every example" in history.notes


def test_what_is_said_twice_is_noted_once():
    history = History()
    for words in ("a", "b", "a"):
        history.note(words)
    assert history.notes == ["a", "b"]


@pytest.mark.parametrize(
    ("loss", "targets", "right"),
    [
        ("mse", [1, 0], 1.0),  # 0.3 is no yes from 0 to 1
        ("mse", [1, -1], 0.5),  # and is one from -1 to 1
        ("hinge", [1, 1], 1.0),
        ("binary_cross_entropy_with_logits", [1, 0], 0.5),
    ],
)
def test_what_counts_as_a_yes(loss, targets, right):
    network = MLP(1, [1], bias=False, activation=None, seed=1)
    network.layers[0].neurons[0].w[0].data = 1.0
    examples = [([0.7], targets[0]), ([0.3], targets[1])]
    history = fit(network, loss, examples, optimizer=SGD(network.parameters(), 0.0), epochs=1, metrics="accuracy")
    assert history.metrics == {"accuracy": [right]}


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        ("accuracy", ["accuracy"]),
        (["accuracy", len], ["accuracy", "len"]),
        (lambda answers, targets: 2.0, ["<lambda>"]),
        ({"mine": lambda answers, targets: 2.0, "share": "accuracy"}, ["mine", "share"]),
        ([SimpleNamespace(__call__=None)], None),
    ],
)
def test_metrics_by_name(metrics, names):
    network = MLP(1, [1], seed=1)
    if names is None:
        with pytest.raises(
            ValueError, match=r'^fit expected metrics to be "accuracy" or functions, got namespace\(.*\)$'
        ):
            Setup(network, "mse", [([1.0], 0.0)], None, metrics, random.Random(1))
        return
    setup = Setup(network, "mse", [([1.0], 0.0)], None, metrics, random.Random(1))
    assert [*setup.metrics] == names


def test_a_class_may_be_a_whole_float_and_is_a_share_for_each():
    network = MLP(1, [3], seed=1)
    setup = Setup(network, "cross_entropy", [([1.0], 2.0), ([2.0], 0), ([3.0], 1)], None, (), random.Random(1))
    assert [e.target for e in setup.examples] == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    own = Setup(network, lambda y, t: cross_entropy(y, int(t)), [([1.0], 2.0)], None, (), random.Random(1))
    assert own.examples == [([1.0], 2.0)]  # what a loss of one's own takes is its own matter
    with pytest.raises(TypeError, match=r"^the target of example 1: cross_entropy expected a class .*, got 0\.5"):
        Setup(network, "cross_entropy", [([1.0], 0.5)], None, (), random.Random(1))


@pytest.mark.parametrize("no_network", [3, len, SimpleNamespace(parameters=lambda: [])])
def test_a_network_can_be_called_and_has_parameters(no_network):
    with pytest.raises(TypeError, match=r"^fit expected a network, like an MLP, got "):
        fit(no_network, "mse", [([1.0], 0.0)])


def test_what_fit_does_unless_said_otherwise():
    network = MLP(1, [1], activation=None, seed=1)
    before = [p.data for p in network.parameters()]
    history = fit(network, "mse", [([1.0], 100.0)])
    assert history.epochs == 100
    assert history.rates == [0.01] * 100  # of Adam, whose step is its rate where all gradients agree
    assert [p.data - b for p, b in zip(network.parameters(), before, strict=True)] == pytest.approx([1.0] * 2, rel=0.01)
    assert (history.path, history.validation, history.metrics) == ([], [], {})


def test_batches_are_shuffled_anew_and_the_last_may_be_smaller():
    seen = []
    network = MLP(1, [1], seed=1)
    examples = [([float(k)], float(k)) for k in range(5)]
    rng = random.Random(3)
    setup = Setup(network, "mse", examples, None, (), rng)
    engine = SimpleNamespace(name="x", numbers=lambda: [0.0])
    loop = setup.loop(engine, History(), SGD(network.parameters()), 2, None, epochs=1)
    for _ in range(2):
        seen.append([*loop.batches()])
    assert [[*map(len, epoch)] for epoch in seen] == [[2, 2, 1]] * 2
    orders = [[*itertools.chain(*epoch)] for epoch in seen]
    again = random.Random(3)
    for order in orders:
        expected = [*range(5)]
        again.shuffle(expected)
        assert order == expected
    for batch in (None, 5, 6):
        loop = setup.loop(engine, History(), SGD(network.parameters()), batch, None, epochs=1)
        assert ([*loop.batches()], loop.alone) == ([slice(0, 5)], True)
    assert not setup.loop(engine, History(), SGD(network.parameters()), 4, None, epochs=1).alone


def test_what_is_measured_is_the_validation_set_where_there_is_one():
    network = MLP(1, [1], seed=1)
    examples = [([float(k)], float(k)) for k in range(5)]
    engine = SimpleNamespace(name="x", numbers=lambda: [0.0])

    def looks(validation, metrics):
        setup = Setup(network, "mse", examples, validation, metrics, random.Random(1))
        loop = setup.loop(engine, History(), SGD(network.parameters()), None, None, epochs=1)
        return loop.validation, loop.measured, loop.targets, loop.whole, loop.size

    assert looks(None, ()) == (None, None, (), slice(0, 5), 5)
    assert looks(None, "accuracy") == (None, slice(0, 5), [0.0, 1.0, 2.0, 3.0, 4.0], slice(0, 5), 5)
    held = [([7.0], 8.0), ([9.0], 10.0)]
    assert looks(held, ()) == (slice(5, 7), slice(5, 7), [8.0, 10.0], slice(0, 5), 5)


def test_a_row_may_be_any_sequence():
    class Readings:
        """What has a length and items by their number, and no more."""

        def __len__(self):
            return 2

        def __getitem__(self, k):
            return (0.5, -1)[k]

    assert floats(Readings(), "the inputs") == [0.5, -1.0]
    with pytest.raises(TypeError, match="the inputs: expected a real number, got 'a'"):
        floats("ab", "the inputs")


@pytest.mark.parametrize("kind", ["float64", "float32", "int64"])
def test_settings_of_numpy_leave_the_parameters_floats(kind):
    """As in `for lr in np.logspace(-3, 0, 4)`, or `lr=lambda k: np.cos(k)`."""
    one = getattr(pytest.importorskip("numpy"), kind)(1)
    for make in (
        lambda w: SGD(w, one, momentum=one, weight_decay=one),
        lambda w: SGD(w, lambda steps: one),
        lambda w: Adam(w, one, betas=(one * 0, one * 0), eps=one),
    ):
        w = Value(3.0)
        optimizer = make([w])
        for _ in range(2):
            optimizer.zero_grad()
            (w * w).backward()
            optimizer.step()
            assert type(w.data) is float and {type(n) for kept in optimizer.kept for n in kept} == {float}


@pytest.mark.parametrize("make", [lambda w: SGD(w, 0.1, momentum=0.5), lambda w: SGD(w, 0.1)])
def test_arrays_step_where_a_gradient_is_infinite_as_lists_do(make):
    np = pytest.importorskip("numpy")
    on_lists, on_arrays = make([Value(1.0)]), make([Value(1.0)])
    assert on_lists.moved([1.0], [math.inf]) == on_arrays.moved(np.array([1.0]), np.array([math.inf])).tolist()
    assert on_lists.kept == [kept.tolist() for kept in on_arrays.kept]


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e-9, 1e-10, 1e-12])
def test_a_graph_that_depends_on_its_data_is_noticed_among_small_numbers(scale):
    class Own(Module):
        def __init__(self):
            self.w = Value(1.0)

        def __call__(self, x):
            return self.w * x[0] * (scale if x[0] > 0 else 2 * scale)

    examples = [([x], 0.5 * scale * x) for x in (1.0, 2.0, -1.0, 3.0)]
    history = fit(Own(), lambda y, t: (y - t) ** 2, examples, epochs=1, engine="python")
    assert history.engine == "eager" and "is not that of the first" in history.notes[0]


def test_what_rounding_leaves_of_numbers_that_cancel_is_no_other_graph():
    network = MLP(2, [3, 1], activation="tanh", seed=1)
    zero = lambda x: network(x) + 100.0 * x[0] - (x[0] * 70.0 + x[0] * 30.0) - network(x)  # noqa: E731
    zero.parameters = network.parameters
    history = fit(zero, "mse", [([0.1 * k, 0.3], 0.0) for k in range(9)], epochs=1, engine="python")
    assert history.engine == "python"


@pytest.mark.parametrize("rare", [1, 100, 298])
def test_one_example_of_hundreds_that_has_another_graph_is_noticed(rare):
    class Own(Module):
        def __init__(self):
            self.w = Value(1.0)

        def __call__(self, x):
            return self.w * x[0] if x[0] < 2 else self.w * 50.0

    examples = [([2.0 if k == rare else 0.001 * k], 0.5) for k in range(300)]
    history = fit(Own(), "mse", examples, epochs=1, engine="python")
    assert history.engine == "eager" and f"the graph of example {rare + 1} is not" in history.notes[0]
