"""Networks of scalars: neurons, losses, optimisers and training."""

from tinygrad_edu.nn.health import Health, health
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge,
    huber,
    mae,
    mse,
    squared_error,
)
from tinygrad_edu.nn.metrics import accuracy
from tinygrad_edu.nn.modules import MLP, Layer, Module, Neuron, Parameter, Place, Sequential
from tinygrad_edu.nn.optim import (
    SGD,
    Adam,
    AdamW,
    Optimizer,
    clip_gradients,
    cosine_decay,
    step_decay,
    warmup,
)
from tinygrad_edu.nn.saving import load, save
from tinygrad_edu.nn.training import fit, train, training_step

__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "AdamW",
    "Health",
    "History",
    "Layer",
    "Module",
    "Neuron",
    "Optimizer",
    "Parameter",
    "Place",
    "Sequential",
    "accuracy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "clip_gradients",
    "cosine_decay",
    "cross_entropy",
    "fit",
    "health",
    "hinge",
    "huber",
    "load",
    "mae",
    "mse",
    "save",
    "squared_error",
    "step_decay",
    "train",
    "training_step",
    "warmup",
]
