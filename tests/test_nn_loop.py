"""The loop of `train` and `fit`, on an engine whose losses are written down: what ends it, what is kept and said."""

import itertools
import math
from types import SimpleNamespace

import pytest

from tinygrad_edu import Value
from tinygrad_edu.nn import SGD, History, train
from tinygrad_edu.nn.loop import Loop
from tinygrad_edu.nn.modules import Parameter, Place


class Script:
    """Gives the losses and gradients of a list, an exception by raising it; its one parameter counts the steps."""

    name = "scripted"

    def __init__(self, losses, looks=(), gradients=None):
        self.losses, self.looks = iter(losses), iter(looks)
        self.gradients = itertools.repeat([1.0]) if gradients is None else iter(gradients)
        self.kept, self.looked, self.checked, self.clipped = None, [], [], []

    def numbers(self):
        return [0.0]

    def put(self, numbers):
        self.kept = numbers

    def gradient(self, numbers, batch):
        return given(self.losses), next(self.gradients)

    def moved(self, optimizer, numbers, gradient):
        optimizer.steps += 1
        self.clipped.append(gradient)
        return [numbers[0] + 1]

    def forward(self, numbers, batch):
        self.looked.append((numbers, batch))
        return given(self.looks), [[0.25], [0.75]]

    def check(self, numbers, which):
        self.checked.append([*which])

    def failed(self, error, numbers, batch):
        return str(error) if error else ""


def given(losses):
    loss = next(losses)
    if isinstance(loss, BaseException):
        raise loss
    return loss


def looped(losses, looks=(7.0,), gradients=None, batches=None, history=None, lr=0.5, epochs=100, **options):
    """The history, and the engine, of a loop with these losses; `looks` are what it finds by looking."""
    engine = Script(losses, looks, gradients)
    alone = batches is None
    optimizer = SGD([Value(0.0)], lr)
    taken = history or History()
    loop = Loop(engine, optimizer, taken, lambda: iter(batches or [slice(0, 1)]), alone, epochs, **options)
    return loop.run(), engine


def test_the_losses_are_those_before_each_step_and_that_of_the_parameters_that_are_kept():
    history, engine = looped([5.0, 3.0, 4.0], epochs=3)
    assert history.losses == [5.0, 3.0, 4.0, 7.0]
    assert (history.stopped, history.engine, history.epochs) == ("all 3 epochs are over", "scripted", 3)
    assert engine.kept == [3.0]
    assert engine.looked == [([3.0], slice(None))]
    assert history.rates == [0.5] * 3
    assert history.path == history.validation == []


@pytest.mark.parametrize(
    ("losses", "last", "best"),
    [
        ([5.0, 3.0, 4.0], 7.0, 1),  # the loss of an epoch is that of the parameters that it began with
        ([5.0, 3.0, 4.0], 2.0, 3),
        ([5.0, 3.0, 4.0], 3.0, 1),  # only what is lower is better
        ([1.0, 1.0, 1.0], 1.0, 0),
        ([3.0, 2.0, 1.0], 9.0, 2),
    ],
)
def test_the_best_of_all_in_one_batch(losses, last, best):
    assert looped(losses, [last], epochs=3)[0].best == best


@pytest.mark.parametrize(("losses", "best"), [([5.0, 3.0, 4.0], 2), ([1.0, 1.0, 2.0], 1), ([3.0, 2.0, 1.0], 3)])
def test_the_best_of_many_batches_is_after_the_epoch(losses, best):
    assert looped(losses, [0.0], batches=[[0]], epochs=3)[0].best == best


def test_the_best_on_a_validation_set_is_after_the_epoch():
    history, engine = looped(
        [5.0, 4.0, 3.0], [9.0, 6.0, 8.0, 0.5], epochs=3, validation=slice(1, 3), measured=slice(1, 3)
    )
    assert (history.validation, history.best) == ([9.0, 6.0, 8.0], 2)
    assert engine.looked == [([k], slice(1, 3)) for k in (1.0, 2.0, 3.0)] + [([3.0], slice(None))]


@pytest.mark.parametrize(("patience", "epochs", "best"), [(1, 3, 1), (2, 4, 1), (3, 8, 4), (4, 9, 4), (5, 9, 4)])
def test_patience_without_validation(patience, epochs, best):
    """Parameters are judged by the loss of the next epoch: so it takes one epoch more."""
    history, engine = looped([5.0, 3.0, 3.0, 4.0, 2.0, 6.0, 6.0, 6.0, 6.0], patience=patience, epochs=9)
    assert (history.epochs, history.best) == (epochs, best)
    if patience < 5:
        assert history.stopped == f"no better for {patience} epochs: the parameters after {best} epochs are back"
        assert engine.kept == [best]


@pytest.mark.parametrize(("patience", "epochs", "best"), [(1, 3, 2), (2, 4, 2), (3, 8, 5), (4, 9, 5)])
def test_patience_with_validation(patience, epochs, best):
    looks = [5.0, 3.0, 3.0, 4.0, 2.0, 6.0, 6.0, 6.0, 6.0, 1.0]
    part = slice(1, 2)
    losses = [1 / k for k in range(1, 10)]
    history, engine = looped(losses, looks, patience=patience, epochs=9, validation=part, measured=part)
    assert (history.epochs, history.best) == (epochs, best)
    assert history.stopped == f"no better for {patience} epochs: the parameters after {best} epochs are back"
    assert engine.kept == [best]


@pytest.mark.parametrize(
    ("options", "epochs", "stopped"),
    [
        ({"goal": 3.0}, 1, "the loss reached the goal, 3"),
        ({"goal": 2.99}, 5, "all 5 epochs are over"),
        ({"goal": 7.0}, 0, "the loss reached the goal, 7"),
        ({"tolerance": 1.0}, 4, "the loss changed by less than 1 in an epoch"),
        ({"tolerance": 0.5}, 5, "all 5 epochs are over"),
        ({"tolerance": 0.51}, 4, "the loss changed by less than 0.51 in an epoch"),
        ({"gradient_tolerance": 1.0}, 5, "all 5 epochs are over"),
        ({"gradient_tolerance": 1.01}, 1, "the norm of the gradient fell below 1.01"),
        ({"on_epoch": lambda number, loss: loss == 3.0}, 2, "on_epoch said so after epoch 2"),
        ({"on_epoch": lambda number, loss: number == 5, "tolerance": 0.1}, 5, "on_epoch said so after epoch 5"),
    ],
)
def test_what_ends_it(options, epochs, stopped):
    history, _ = looped([5.0, 3.0, 5.0, 5.5, 6.5], [9.0], epochs=5, **options)
    assert (history.epochs, history.stopped) == (epochs, stopped)


def test_a_goal_is_looked_for_before_the_update_only_where_an_epoch_is_one_batch():
    history, engine = looped([5.0, 1.0, 5.0, 1.0], [2.5], batches=[[0], [1]], goal=2.0, epochs=2)
    assert (history.losses, history.stopped) == ([3.0, 3.0, 2.5], "all 2 epochs are over")
    assert engine.kept == [4.0]
    history, engine = looped([5.0, 1.0], [2.0], batches=[[0], [1]], goal=2.0, epochs=1)
    assert (history.losses, history.stopped) == ([3.0, 2.0], "the loss reached the goal, 2")
    history, engine = looped([5.0, 1.0, 3.0, 1.0, 9.0], [2.5], batches=[[0], [1]], goal=2.0, epochs=9)
    assert (history.losses, history.stopped) == ([3.0, 2.0, 2.5], "the loss reached the goal, 2")  # met on the way
    history, engine = looped([5.0, 2.0], [2.0], goal=2.0, epochs=9)
    assert (history.losses, engine.kept) == ([5.0, 2.0], [1.0])


def test_an_epoch_has_the_mean_over_examples_of_batches_of_any_size():
    history, _ = looped([4.0, 8.0], batches=[[0, 1, 2], [3]], epochs=1)
    assert history.losses[0] == 5.0
    history, _ = looped([4.0, 8.0, 3.0], batches=[slice(0, 5), slice(5, 7), slice(7, 9)], epochs=1)
    assert history.losses[0] == 5.0


@pytest.mark.parametrize(
    ("size", "epochs", "checked"),
    [
        (17, 20, [[1], [2], [4], [8], [16], [0, 2, 4, 6, 8, 10, 12, 14, 16]]),
        (5, 20, [[1], [2], [4], [3], [1], [0, 1, 2, 3, 4]]),
        (1, 2, [[0], [0]]),
        (80, 3, [[1], [2], [0, 10, 20, 30, 40, 50, 60, 70]]),
        (3, 1, [[0, 1, 2]]),
    ],
)
def test_a_recording_is_held_against_graphs_ever_more_seldom_and_at_last(size, epochs, checked):
    assert looped([1.0] * epochs, size=size, epochs=epochs)[1].checked == checked


def test_a_recording_is_held_against_graphs_where_the_training_stops_early_too():
    engine = looped([3.0, 2.0, 1.0], size=3, epochs=9, on_epoch=lambda number, loss: number == 3)[1]
    assert engine.checked == [[1], [2], [0, 1, 2]]


@pytest.mark.parametrize(
    ("clip", "gradient", "clipped"),
    [
        (None, [30.0, 40.0], [30.0, 40.0]),
        (5.0, [3.0, 4.0], [3.0, 4.0]),
        (5.0, [30.0, 40.0], [3.0, 4.0]),
        (10.0, [3.0, 4.0], [3.0, 4.0]),
    ],
)
def test_a_gradient_is_clipped_where_its_norm_is_larger(clip, gradient, clipped):
    history, engine = looped([1.0], gradients=[gradient], epochs=1, clip=clip)
    assert engine.clipped == [pytest.approx(clipped)]
    assert history.gradients == {"others": [gradient[0]]}  # what was found, not what was done with it


def test_the_path_begins_where_the_training_does():
    history, _ = looped([3.0, 2.0], epochs=2, keep_path=True)
    assert history.path == [[0.0], [1.0], [2.0]]
    history, _ = looped([3.0, 2.0], epochs=3, keep_path=True, history=History([4.0], path=[[0.0], [0.5]]))
    assert history.path == [[0.0], [0.5], [1.0], [2.0]]


def test_a_history_that_is_over_is_not_gone_on_with():
    history, engine = looped([], epochs=3, history=History([3.0, 2.0], stopped="enough"))
    assert (history.losses, history.stopped, history.engine) == ([3.0, 2.0], "enough", "scripted")
    assert engine.kept == [0.0]


def test_gradients_are_noted_layer_by_layer_and_the_others_apart():
    parameters = [Parameter(0.0, "a", Place(1, 1, 1)), Value(0.0), Parameter(0.0, "b", Place(2, 1, 0)), Value(1.0)]
    engine = Script([5.0, 4.0], [1.0], [[1.0] * 4, [3.0, 6.0, -2.0, 8.0]])
    loop = Loop(engine, SGD(parameters, lambda step: 1 / (step + 1)), History(), lambda: iter([[0], [1]]), False, 1)
    history = loop.run()
    assert history.gradients == {"layer 1": [3.0], "others": [10.0], "layer 2": [2.0]}  # of the last batch
    assert history.rates == [0.5]


HINT = "the learning rate 0.5 is probably too large, try 0.05"
OVERFLOW = OverflowError("exp(x) overflows")


@pytest.mark.parametrize(
    ("losses", "gradients", "words"),
    [
        ([3.0, math.inf], None, f"in epoch 2, batch 1: the gradient is not finite; {HINT}"),
        ([3.0, math.nan], None, f"in epoch 2, batch 1: the gradient is not finite; {HINT}"),
        ([3.0, 2.0], [[1.0], [math.inf]], f"in epoch 2, batch 1: the gradient is not finite; {HINT}"),
        ([3.0, 2.0], [[1.0], [math.nan]], f"in epoch 2, batch 1: the gradient is not finite; {HINT}"),
        ([3.0, OVERFLOW], None, f"in epoch 2, batch 1: exp(x) overflows; {HINT}"),
        ([3.0, ValueError("log")], None, f"in epoch 2, batch 1: log; {HINT}"),
        ([3.0, ZeroDivisionError("1/0")], None, f"in epoch 2, batch 1: 1/0; {HINT}"),
        ([3.0, FloatingPointError("bad")], None, f"in epoch 2, batch 1: bad; {HINT}"),
        ([3.0, 4.0, OVERFLOW], None, f"in epoch 3, batch 1: exp(x) overflows; {HINT}"),
        (
            [3.0, 4.0, 5.0, OVERFLOW], None,
            f"in epoch 4, batch 1: exp(x) overflows; the loss grew for 2 epochs: {HINT}",
        ),
    ],
)  # fmt: skip
def test_where_it_diverged_and_what_to_try(losses, gradients, words):
    history, engine = looped(losses, [3.0], gradients, epochs=9)
    assert history.stopped == f"diverged {words}. The parameters after 0 epochs are back"
    assert engine.kept == [0.0]
    assert history.losses == [loss for loss in losses[:-1]] + [3.0]


def test_divergence_in_a_later_batch_of_the_first_epoch():
    history, _ = looped([3.0, OVERFLOW], batches=[[0], [1]])
    assert (
        history.stopped
        == f"diverged in epoch 1, batch 2: exp(x) overflows; {HINT}. The parameters after 0 epochs are back"
    )


def test_what_fails_at_the_very_start_is_no_divergence():
    with pytest.raises(OverflowError, match="overflows"):
        looped([OVERFLOW])
    with pytest.raises(KeyError):  # and what is no matter of numbers is never taken for one
        looped([3.0, KeyError("x")])


@pytest.mark.parametrize(
    ("factor", "epochs"),
    [
        (100.0, 12),  # a hundred times the lowest is not yet too far
        (101.0, 12),
        (99.0, 40),
    ],
)
def test_a_loss_that_runs_away_has_grown_twelve_times_to_more_than_a_hundredfold(factor, epochs):
    def losses():
        yield 2.0
        for k in range(11):
            yield 2.0 + k / 16 + 1 / 16
        yield from (2 * factor + k / 16 for k in range(30))

    history, _ = looped(losses(), [2.0], epochs=40)
    grown = 13 if factor > 100 else 14 if factor == 100 else 40
    if epochs == 40:
        # Below the bound it stays, however long it grows: 2 * 99 + 27/16 < 200.
        assert history.stopped == "all 40 epochs are over"
        return
    assert history.stopped.startswith(
        f"diverged in epoch {grown}, batch 1: the loss is {2 * factor + (grown - 13) / 16:.3g}; "
    )
    assert f"; the loss grew for {grown - 1} epochs: the learning rate" in history.stopped


def test_a_loss_that_jumps_up_has_not_run_away_before_twelve_epochs():
    losses = [1.0, *(1000.0 + k for k in range(11)), 999.0, *(1000.0 + k for k in range(11)), 1.0]
    history, _ = looped(losses, epochs=len(losses))
    assert history.stopped == f"all {len(losses)} epochs are over"


def test_a_loss_that_was_zero_may_grow_a_little():
    history, _ = looped([0.0, *(1e-300 * k for k in range(1, 20))], epochs=20)
    assert history.stopped == "all 20 epochs are over"
    history, _ = looped([0.0, *(1e-297 * k for k in range(1, 20))], epochs=20)
    assert history.stopped.startswith("diverged in epoch 13")


def test_an_interruption_keeps_what_was_learned_and_its_loss():
    history, engine = looped([3.0, 2.0, KeyboardInterrupt()], [1.5], epochs=9)
    assert history.stopped == "interrupted in epoch 3: what was learned until then is kept"
    assert (history.losses, engine.kept, history.interrupted) == ([3.0, 2.0, 1.5], [2.0], True)


@pytest.mark.parametrize(
    ("losses", "options", "stopped"),
    [
        ([3.0, KeyboardInterrupt()], {}, "interrupted in epoch 2: what was learned until then is kept"),
        ([3.0, 3.0], {"tolerance": 1.0}, "the loss changed by less than 1 in an epoch"),
        ([3.0, 2.0], {"epochs": 2}, "the loss reached the goal, 1"),
    ],
)
def test_parameters_that_reach_the_goal_at_last_do_not_hide_what_ended_it(losses, options, stopped):
    history, _ = looped(losses, [0.5], batches=[[0]], goal=1.0, **options)
    assert (history.stopped, history.interrupted) == (stopped, "interrupted" in stopped)


def test_an_error_of_ones_own_comes_out_and_nothing_more_is_computed():
    def broken(number, loss):
        if number == 2:
            raise KeyError("mine")

    engine, history, kept = Script([3.0, 2.0, 1.0]), History(), Kept()
    options = {"epochs": 9, "on_epoch": broken, "checkpoint": kept}
    loop = Loop(engine, SGD([Value(0.0)]), history, lambda: iter([slice(0, 1)]), True, **options)
    with pytest.raises(KeyError, match="mine"):
        loop.run()
    assert (engine.kept, engine.looked, history.losses, history.stopped) == ([2.0], [], [3.0, 2.0], "")
    assert kept.saved == []  # what was written before is taken up


def test_a_last_look_that_has_no_value_is_nan():
    history, _ = looped([3.0], [ValueError("log(0)")], epochs=1)
    assert history.losses[0] == 3.0 and math.isnan(history.losses[1])
    assert history.stopped == "all 1 epochs are over"


def test_metrics_are_measured_after_each_epoch():
    seen = []

    def metric(answers, targets):
        seen.append((answers, targets))
        return len(seen)

    history, _ = looped(
        [3.0, 2.0, 1.0],
        [1.5, OVERFLOW, 1.0, 0.5],
        epochs=3,
        measured=slice(0, 2),
        metrics={"m": metric},
        targets=[1, 0],
    )
    assert history.metrics["m"][0] == 1.0 and math.isnan(history.metrics["m"][1]) and history.metrics["m"][2] == 2.0
    assert seen == [([[0.25], [0.75]], [1, 0])] * 2
    assert history.validation == []


def test_a_validation_set_without_a_value_counts_as_infinitely_bad():
    part = slice(1, 2)
    history, _ = looped([3.0, 2.0], [OVERFLOW, 4.0, 1.0], epochs=2, measured=part, validation=part)
    assert (history.validation, history.best) == ([math.inf, 4.0], 2)


class Kept:
    """A checkpoint that counts."""

    def __init__(self):
        self.offered, self.saved = [], []

    def offer(self, loop):
        self.offered.append((len(loop.history.losses), loop.numbers))

    def save(self, loop):
        self.saved.append((loop.history.stopped, loop.numbers, [*loop.history.losses]))


def test_a_checkpoint_is_offered_after_each_epoch_that_stops_nothing_and_saved_at_the_end():
    kept = Kept()
    looped([3.0, 2.0, 1.0], epochs=3, checkpoint=kept)
    assert kept.offered == [(1, [1.0]), (2, [2.0]), (3, [3.0])]
    assert kept.saved == [("all 3 epochs are over", [3.0], [3.0, 2.0, 1.0, 7.0])]
    kept = Kept()
    looped([3.0, 2.0], epochs=9, checkpoint=kept, goal=2.0)
    assert (len(kept.offered), len(kept.saved)) == (1, 1)


def test_a_bar_is_moved_each_epoch_and_told_of_the_last():
    shown = []
    bar = SimpleNamespace(show=lambda history, number, last=False: shown.append((number, history.losses[-1], last)))
    looped([3.0, 2.0, 1.0], epochs=3, progress=bar)
    assert shown == [(1, 3.0, False), (2, 2.0, False), (3, 1.0, False), (3, 7.0, True)]
    shown.clear()
    looped([3.0, 2.0, 1.0], epochs=9, progress=bar, goal=2.0)  # met within an epoch
    assert shown == [(1, 3.0, False), (1, 7.0, True)]
    assert bar.before == 0
    looped([3.0, 2.0, 1.0], epochs=9, progress=bar, goal=2.0, history=History([9.0, 8.0]))
    assert bar.before == 2


def test_the_time_it_takes_adds_to_that_of_before(monkeypatch):
    clock = itertools.count(100.0, 0.25)
    monkeypatch.setattr("tinygrad_edu.nn.loop.perf_counter", lambda: next(clock))
    history, _ = looped([3.0, 2.0], epochs=2, history=History(seconds=10.0))
    assert history.seconds == 10.75  # at the start, after each epoch, at the end


def test_train_is_the_loop_on_one_graph():
    w = Value(4.0)
    told = []
    history = train(lambda: w * w, SGD([w], 0.25), epochs=3, on_epoch=lambda *what: told.append(what))
    assert history.losses == [16.0, 4.0, 1.0, 0.25]
    assert told == [(1, 16.0), (2, 4.0), (3, 1.0)]
    assert (history.best, w.data, w.grad) == (3, 0.5, 2.0)
