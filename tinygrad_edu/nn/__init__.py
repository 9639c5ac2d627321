"""Networks of scalars: neurons, losses, optimisers and training."""

from tinygrad_edu.nn.modules import MLP, Layer, Module, Neuron, Parameter, Place

__all__ = ["MLP", "Layer", "Module", "Neuron", "Parameter", "Place"]
