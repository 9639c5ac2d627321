"""The optimiser in the program, and what a program tells besides."""

import json
import math
import pickle
import random
import re

import pytest

from tests.test_replay import INSTALLED, close, each_backend
from tinygrad_edu import nn
from tinygrad_edu.engine import Value
from tinygrad_edu.nn import SGD, Adam, AdamW, cosine_decay
from tinygrad_edu.nn.optim import Optimizer
from tinygrad_edu.replay import compile

np = pytest.importorskip("numpy")
DATA = [[0.1 * k, math.sin(k), 0.5 * math.cos(k)] for k in range(8)]
OPTIMISERS = [
    lambda p: SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    lambda p: Adam(p, lr=cosine_decay(0.1, 5)),
    lambda p: AdamW(p, lr=0.05),
]


def model():
    network = nn.MLP(2, [3, 1], activation="tanh", seed=1)
    x = [Value(0.3, "x1"), Value(-0.2, "x2"), Value(0.5, "t")]
    return network, (network(x[:2]) - x[2]) ** 2, x


def eager(make, steps):
    network, _, _ = model()
    optimizer = make(network.parameters())
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        (loss := (network(DATA[0][:2]) - DATA[0][2]) ** 2).backward()
        optimizer.step()
        losses.append(loss.data)
    return losses, [p.data for p in network.parameters()], optimizer


@each_backend
@pytest.mark.parametrize("make", OPTIMISERS, ids=["SGD", "Adam", "AdamW"])
def test_the_optimiser_in_the_program_does_what_the_eager_one_does(backend, make):
    network, loss, x = model()
    optimizer = make(network.parameters())
    program = compile(loss, network.parameters(), x, optimizer=optimizer, backend=backend)
    losses = [program.step(DATA[0]) for _ in range(5)]
    expected, params, other = eager(make, 5)
    close(losses, expected)
    close(program.params, params)
    program.store()
    close([p.data for p in network.parameters()], params)
    assert all(type(p.data) is float for p in network.parameters())
    assert optimizer.steps == other.steps == 5
    if backend == "python":
        close(optimizer.kept, other.kept)


class Own(Optimizer):
    """A rule of one's own: with a condition in it, it is no plain arithmetic."""

    memory = 1

    def rule(self, p, g, lr, mean):
        change = (mean > 0) * 1.0 - (mean < 0) * 1.0 if self.weight_decay else mean * 0.5 + g**3 / (1 + abs(g))
        return p - lr * change, (1 - 0.5**self.steps) * mean + g


@each_backend
@pytest.mark.parametrize("decay", [0.0, 0.1], ids=["arithmetic", "conditions"])
def test_a_rule_of_ones_own_is_followed_and_so_are_its_settings(backend, decay):
    network, loss, x = model()
    optimizer, other = (Own(network.parameters(), lr=0.05, weight_decay=decay) for _ in range(2))
    program = compile(loss, network.parameters(), x, optimizer=optimizer, backend=backend)
    numbers = np.array([p.data for p in network.parameters()])
    for k in range(4):
        _, gradient = program(numbers, DATA)
        numbers = other.moved(numbers, np.asarray(gradient))
        program.step(DATA)
        close(program.params, numbers)
        optimizer.lr = other.lr = 0.1 / (k + 1)
        optimizer.weight_decay = other.weight_decay = decay * (k % 2)
    assert optimizer.steps == 4


class First(Optimizer):
    """A rule that asks which step it is."""

    memory = 1

    def rule(self, p, g, lr, mean):
        mean = g if self.asked(self.steps) else 0.9 * mean + 0.1 * g
        return p - lr * mean, mean


@each_backend
@pytest.mark.parametrize("asked", [lambda k: k == 1, lambda k: k <= 1, lambda k: k % 2, lambda k: not k])
def test_a_rule_may_ask_which_step_it_is(backend, asked):
    network, loss, x = model()
    optimizer, other = (First(network.parameters(), lr=0.05) for _ in range(2))
    optimizer.asked = other.asked = asked
    program = compile(loss, network.parameters(), x, optimizer=optimizer, backend=backend)
    numbers = np.array([p.data for p in network.parameters()])
    for _ in range(3):
        numbers = other.moved(numbers, np.asarray(program(numbers, DATA)[1]))
        program.step(DATA)
        close(program.params, numbers)


class Noisy(Optimizer):
    """A rule that draws a number at every step."""

    def rule(self, p, g, lr):
        return (p - lr * g + 0.01 * self.rng.random(),)


@each_backend
def test_a_rule_may_draw_random_numbers(backend):
    network, loss, x = model()
    optimizer = Noisy(network.parameters(), lr=0.0)
    optimizer.rng = random.Random(1)
    program = compile(loss, network.parameters(), x, optimizer=optimizer, backend=backend)
    moves = []
    for _ in range(4):
        before = np.array(program.params)
        program.step(DATA)
        moves.append(float((np.array(program.params) - before)[0]))
    assert len({round(move, 9) for move in moves}) == 4


def test_settings_that_change_at_every_step_do_not_fill_the_memory():
    update = pytest.importorskip("tinygrad_edu.replay.native.update")
    network, loss, x = model()
    optimizer, other = (SGD(network.parameters(), momentum=0.9) for _ in range(2))
    program = compile(loss, network.parameters(), x, optimizer=optimizer, backend="native")
    numbers = np.array([p.data for p in network.parameters()])
    for k in range(update.MOST + 3):
        optimizer.momentum = other.momentum = 0.9 / (k + 1)
        numbers = other.moved(numbers, program(numbers, DATA)[1])
        program.step(DATA)
        close(program.params, numbers)
    assert len(update.UPDATES) == update.MOST


@each_backend
def test_what_an_optimiser_keeps_is_of_one_length_or_refused(backend):
    """Machine code would write behind the end of an array that is too short."""
    network, loss, x = model()
    optimizer = Adam(network.parameters())
    program = compile(loss, network.parameters(), x, optimizer=optimizer, backend=backend)
    program.step(DATA)
    optimizer.kept = [program.as_numbers([0.0] * 12), program.as_numbers([0.0] * 13)]
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        program.step(DATA)


def test_what_an_optimiser_keeps_may_be_what_must_not_change():
    network, loss, x = model()
    optimizer = SGD(network.parameters(), momentum=0.5)
    program = compile(loss, network.parameters(), x, optimizer=optimizer)
    kept = np.ones(len(network.parameters()))
    kept.flags.writeable = False
    optimizer.kept = [kept]
    gradient = program(program.params, DATA)[1]
    program.step(DATA)
    assert (kept == 1).all()
    close(optimizer.kept[0], 0.5 + np.asarray(gradient))


def test_steps_leave_alone_what_was_given_and_taken():
    network, loss, x = model()
    program = compile(loss, network.parameters(), x, optimizer=Adam(network.parameters()))
    given = np.array([p.data for p in network.parameters()])
    program.params, before = given, given.copy()
    program.step(DATA)
    taken, after = program.params, np.array(program.params)
    program.step(DATA)
    assert (given == before).all() and (np.asarray(taken) == after).all()


@each_backend
def test_training_goes_on_from_a_state(backend):
    network, loss, x = model()
    make = OPTIMISERS[1]
    whole, half = (
        compile(loss, network.parameters(), x, optimizer=make(network.parameters()), backend=backend) for _ in range(2)
    )
    losses = [whole.step(DATA) for _ in range(6)]
    for _ in range(3):
        half.step(DATA)
    state = json.loads(json.dumps(half.state))
    again = compile(loss, network.parameters(), x, optimizer=make(network.parameters()), backend=backend)
    again.state = state
    close([again.step(DATA) for _ in range(3)], losses[3:])
    copied = pickle.loads(pickle.dumps(half))
    close([copied.step(DATA) for _ in range(3)], losses[3:])
    with pytest.raises(ValueError, match="state expected 13 params and 2 lists of as many numbers"):
        again.state = {"params": [1.0], "steps": 3, "kept": [[1.0], [1.0]]}
    with pytest.raises(ValueError, match="state expected 13 params and 2 lists of as many numbers"):
        again.state = {"params": [1.0] * 13, "steps": 3, "kept": [[1.0] * 13]}
    before = again.state
    for damage in (
        *({name: None} for name in state),
        *({"steps": steps} for steps in (-1, 1.5, "3")),
        *({"params": params} for params in ([1.0] * 12 + ["x"], [[1.0]] * 13, [1.0] * 12 + [10**400])),
    ):
        with pytest.raises(ValueError, match="lists of as many numbers, and the steps taken"):
            again.state = state | damage
    with pytest.raises(ValueError, match="lists of as many numbers, and the steps taken"):
        again.state = {}
    assert again.state == before
    with pytest.raises(ValueError, match="state expected a program with an optimiser"):
        compile(loss, network.parameters(), x, backend=backend).state = state


def test_what_training_needs_is_said():
    network, loss, x = model()
    program = compile(loss, network.parameters(), x, backend="python")
    with pytest.raises(ValueError, match=re.escape("step expected a program with an optimiser: compile(...")):
        program.step(DATA)
    for wrong in ("adam", Adam, network, network.parameters()):
        with pytest.raises(TypeError, match=re.escape("compile expected an optimizer, like Adam(params), got ")):
            compile(loss, network.parameters(), x, optimizer=wrong)
    with pytest.raises(ValueError, match=re.escape("compile expected an optimizer of the 13 params, in their order")):
        compile(loss, network.parameters(), x, optimizer=SGD(network.parameters()[1:]))
    program = compile(loss, network.parameters(), x, optimizer=SGD(network.parameters()), reduce=None, backend="python")
    with pytest.raises(ValueError, match="step expected one example, or a program that reduces a batch"):
        program.step(DATA)


@each_backend
@pytest.mark.parametrize("reduce", ["mean", "sum", None])
def test_the_value_alone(backend, reduce):
    network, loss, x = model()
    program = compile(loss, network.parameters(), x, reduce=reduce, backend=backend)
    data = [p.data for p in network.parameters()]
    close(program.value(data, DATA), program(data, DATA)[0])
    close(program.value(data, DATA[0]), program(data, DATA[0])[0])


@each_backend
def test_spare_inputs_are_allowed_on_request(backend):
    w, x, spare = Value(0.5, "w"), Value(2.0, "x"), Value(3.0, "spare")
    with pytest.raises(ValueError, match="does not depend on inputs"):
        compile(w * x, [w], [x, spare], backend=backend)
    program = compile(w * x, [w], [x, spare], allow_unused=True, also=[spare], backend=backend)
    for inputs in ([2.0, 3.0], [[2.0, 3.0], [4.0, 5.0]]):
        value, gradient, by_spare = program([0.5], inputs)
        close(gradient, [2.0 if inputs[0] == 2.0 else 3.0])
        close(by_spare, np.zeros(np.shape(inputs))[..., :1])
        close(value, 0.5 * gradient[0])


@pytest.mark.parametrize("start", [-1.0, -0.3, -0.1, 0.0, 0.1, 0.3, 1.0])
def test_an_if_is_seen_wherever_it_was_recorded(start):
    w = Value(0.5, "w")
    with pytest.raises(ValueError, match="builds another graph for the inputs"):
        compile(lambda x: w * x if x > 0 else -w * x * x, [w], [start])


@pytest.mark.parametrize("start", [-0.3, 0.0, 1.0])
def test_an_if_on_a_param_is_seen(start):
    u = Value(start, "u")
    with pytest.raises(ValueError, match=re.escape("builds another graph for the params [")):
        compile(lambda x: u * x if u > 0 else -u * x, [u], [1.0])
    assert u.data == start


@pytest.mark.parametrize("label", ["a\0b", "\ud800", "\x1b[31m"])
@each_backend
def test_labels_may_be_anything(backend, label):
    w, x = Value(0.5, "w"), Value(2.0, label)
    z = w * x
    z.label = label
    close(compile(z.tanh(), [w], [x], backend=backend)([0.5], [2.0])[0], math.tanh(1.0))


@each_backend
def test_division_by_a_constant_zero_follows_numpy(backend):
    w, c = Value(2.0, "w"), Value(1.0, "c")
    y = w / c
    c.data = 0.0
    value, gradient = compile(y, [w], backend=backend)([2.0])
    assert (value, *gradient) == (math.inf, math.inf)


@pytest.mark.parametrize("backend", [name for name in INSTALLED if name != "python"])
def test_arrays_may_be_misaligned(backend):
    w, x = Value(0.5, "w"), Value(2.0, "x")
    program = compile((w * x).tanh(), [w], [x], backend=backend)
    odd = np.frombuffer(b"\0" + np.arange(9.0).tobytes(), np.uint8)[1:].view(np.float64).reshape(9, 1)
    assert not odd.flags.aligned
    for k in range(9):
        close(program([0.5], odd[k])[0], math.tanh(0.5 * k))
    close(program([0.5], odd)[0], np.tanh(0.5 * np.arange(9.0)).mean())
