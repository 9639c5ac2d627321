"""Losses, optimisers and a whole network against PyTorch in double precision; skipped where it is not installed."""

import copy
import math

import pytest

from tinygrad_edu import Value, grad
from tinygrad_edu.nn import (
    MLP,
    SGD,
    Adam,
    AdamW,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cosine_decay,
    cross_entropy,
    hinge,
    huber,
    mae,
    mse,
    squared_error,
    step_decay,
)

torch = pytest.importorskip("torch")
functional = torch.nn.functional

SCORES = [0.3, -1.7, 2.5, 0.9]  # no two errors alike, on both sides of huber's delta and of hinge's margin
PROBABILITIES = [0.3, 0.99, 0.5, 1e-6]
REALS, SIGNS, SHARES, CLASSES = [0.5, 1.0, -0.25, 0.8], [1, -1, -1, 1], [1.0, 0.0, 0.25, 1.0], [0.1, 0.2, 0.3, 0.4]


def tensor(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


LOSSES = {  # name: ours, PyTorch's, predictions, targets
    "squared_error": (squared_error, lambda y, t: 0.5 * functional.mse_loss(y, t, reduction="sum"), SCORES, REALS),
    "mse": (mse, functional.mse_loss, SCORES, REALS),
    "mae": (mae, functional.l1_loss, SCORES, REALS),
    "huber": (huber, functional.huber_loss, SCORES, REALS),
    "huber, delta 0.3": (
        lambda y, t: huber(y, t, delta=0.3),
        lambda y, t: functional.huber_loss(y, t, delta=0.3),
        SCORES,
        REALS,
    ),
    "hinge": (hinge, lambda y, t: torch.relu(1 - t * y).mean(), SCORES, SIGNS),
    "binary_cross_entropy": (binary_cross_entropy, functional.binary_cross_entropy, PROBABILITIES, SHARES),
    "with logits": (
        binary_cross_entropy_with_logits,
        functional.binary_cross_entropy_with_logits,
        [*SCORES[:2], 800.0, -800.0],
        SHARES,
    ),
    "cross_entropy, a class": (
        lambda z, _: cross_entropy(z, 2),
        lambda z, _: functional.cross_entropy(z, torch.tensor(2)),
        SCORES,
        CLASSES,
    ),
    "cross_entropy, probabilities": (cross_entropy, functional.cross_entropy, SCORES, CLASSES),
    "cross_entropy, far apart": (cross_entropy, functional.cross_entropy, [900.0, -900.0, 0.0, 1.0], CLASSES),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_and_its_gradient(name):
    ours, theirs, predictions, targets = LOSSES[name]
    values, leaf = [Value(p) for p in predictions], tensor(predictions).requires_grad_()
    loss, expected = ours(values, targets), theirs(leaf, tensor(targets))
    expected.backward()
    assert math.isclose(loss.data, expected.item(), rel_tol=1e-12)
    gradients = [g.data for g in grad(loss, values)]
    assert gradients == pytest.approx(leaf.grad.tolist(), rel=1e-11, abs=1e-15)
    assert any(gradients)


OPTIMIZERS = {  # name: ours, PyTorch's, options of both
    "SGD": (SGD, torch.optim.SGD, {"lr": 0.1}),
    "SGD, momentum": (SGD, torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "SGD, weight decay": (SGD, torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.03}),
    "SGD, both": (SGD, torch.optim.SGD, {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.03}),
    "Adam": (Adam, torch.optim.Adam, {}),
    "Adam, options": (
        Adam,
        torch.optim.Adam,
        {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1},
    ),
    "AdamW": (AdamW, torch.optim.AdamW, {}),
    "AdamW, options": (
        AdamW,
        torch.optim.AdamW,
        {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1},
    ),
}


def networks():
    """The same network twice, ours and PyTorch's."""
    ours = MLP(2, [5, 3, 2], activation="tanh", seed=7)
    layers = []
    for matrix in ours.to_weights("last"):
        weights = tensor(matrix)
        linear = torch.nn.Linear(weights.shape[1] - 1, weights.shape[0], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(weights[:, :-1])
            linear.bias.copy_(weights[:, -1])
        layers += [linear, torch.nn.Tanh()]
    return ours, torch.nn.Sequential(*layers[:-1])


def weights_of(sequential):
    return [
        torch.cat([layer.weight, layer.bias[:, None]], dim=1).tolist()
        for layer in sequential
        if isinstance(layer, torch.nn.Linear)
    ]


def flat(matrices):
    return [number for matrix in matrices for row in matrix for number in row]


def trained(optimizer, reference, options, schedule=None, steps=25):
    """The weights after some steps, ours and PyTorch's, which begin alike."""
    ours, theirs = networks()
    before = flat(ours.to_weights("last"))
    assert before == flat(weights_of(theirs))
    x, target = [0.5, -1.5], [0.3, -0.7]
    mine = optimizer(ours.parameters(), **options)
    other = reference(theirs.parameters(), **copy.deepcopy(options))
    scheduler = schedule(other) if schedule else None
    for _ in range(steps):
        mine.zero_grad()
        squared_error(ours(x), target).backward()
        mine.step()
        other.zero_grad()
        (0.5 * ((theirs(tensor(x)) - tensor(target)) ** 2).sum()).backward()
        other.step()
        if scheduler:
            scheduler.step()
    after = flat(ours.to_weights("last"))
    assert all(a != b for a, b in zip(before, after, strict=True)), "training moves every weight"
    return after, flat(weights_of(theirs))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimiser_takes_the_same_steps(name):
    after, expected = trained(*OPTIMIZERS[name])
    assert after == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_schedules_are_pytorchs():
    schedulers = torch.optim.lr_scheduler
    for options, schedule, reference in [
        ({"lr": 0.1}, step_decay(0.1, 0.5, every=4), lambda o: schedulers.StepLR(o, 4, gamma=0.5)),
        ({"lr": 0.1}, cosine_decay(0.1, steps=30), lambda o: schedulers.CosineAnnealingLR(o, 30)),
    ]:
        after, expected = trained(
            lambda parameters, lr, schedule=schedule: SGD(parameters, lr=schedule), torch.optim.SGD, options, reference
        )
        assert after == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_the_comparison_catches_adams_decay_for_adamws():
    options = {"lr": 0.05, "weight_decay": 0.1}
    after, expected = trained(Adam, torch.optim.AdamW, options)
    assert after != pytest.approx(expected, rel=1e-3)
