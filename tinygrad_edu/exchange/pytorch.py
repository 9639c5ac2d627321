"""Networks to PyTorch and back: `nn.Sequential` of `nn.Linear` and activations, in double precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinygrad_edu.engine import TABLE, Value, data_of
from tinygrad_edu.nn import MLP
from tinygrad_edu.nn.modules import place
from tinygrad_edu.nn.saving import operation_name
from tinygrad_edu.shell import install

# Row: the module of torch.nn, and the options with which it is the same function.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("ReLU", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.01}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "softplus": ("Softplus", {"beta": 1.0}),
    "gelu": ("GELU", {"approximate": "none"}),
    "silu": ("SiLU", {}),
    "elu": ("ELU", {"alpha": 1.0}),
}


def torch() -> Any:
    """PyTorch. Raises ImportError, with the command to run, where it is not installed."""
    try:
        import torch
    except ImportError:
        raise ImportError(f"exchange with PyTorch needs it: {install('torch')}") from None
    return torch


def to_torch(network: Any) -> Any:
    """The network as an `nn.Sequential` of `nn.Linear` and activations, with the same weights, in float64.

    Arguments:
        network: an MLP, a Layer, a Neuron, or anything with `layers` of `neurons`.

    Its inputs are float64, `(nin,)` or `(N, nin)`, its outputs `(nout,)` or `(N, nout)`, also where `nout` is 1. Layers
    that share all their weights share them there.

    Raises ValueError, with the layer, for an activation that `torch.nn` has no module for, for neurons of one layer
    with different ones, for weights of which only some are shared, and for a bias that neurons share or that only some
    have; TypeError for what is no network; ImportError without PyTorch.
    """
    nn, double = torch().nn, torch().float64
    modules = []
    tensors: dict[tuple[int, ...], Any] = {}  # by the Values in them
    for k, neurons in enumerate(layers_of(network), start=1):
        weights = [[data_of(w) for w in neuron.w] for neuron in neurons]
        its = [neuron.b for neuron in neurons if neuron.b is not None]
        biases = [*map(data_of, its)]
        if len(its) not in (0, len(neurons)):
            raise ValueError(f"to_torch: some neurons of layer {k} have no bias, and nn.Linear has one for each neuron")
        if len({*map(id, its)}) < len(its):
            raise ValueError(f"to_torch: layer {k} shares one bias, and nn.Linear has one for each neuron")
        linear = nn.Linear(len(weights[0]), len(weights), bias=bool(biases), dtype=double)
        with torch().no_grad():
            linear.weight.copy_(torch().tensor(weights, dtype=double))
            if biases:
                linear.bias.copy_(torch().tensor(biases, dtype=double))
        for name, parts in (("weight", [w for neuron in neurons for w in neuron.w]), ("bias", its)):
            key = tuple(id(part) for part in parts if isinstance(part, Value))
            taken = {one for known in tensors for one in known}
            if key in tensors:
                setattr(linear, name, tensors[key])
            elif len({*key} - taken) < len(key):
                raise ValueError(f"to_torch: layer {k} shares some of its {name}s, and a tensor is shared as a whole")
            elif key:
                tensors[key] = getattr(linear, name)
        modules.append(linear)
        names = {row_of(neuron.activation) for neuron in neurons}
        if len(names) > 1:
            raise ValueError(f"to_torch: the neurons of layer {k} have several activations: {', '.join(sorted(names))}")
        [name] = names
        if name != "linear":
            if name not in ACTIVATIONS:
                raise ValueError(f"to_torch: torch.nn has no module for {name}, the activation of layer {k}")
            module, options = ACTIVATIONS[name]
            modules.append(getattr(nn, module)(**options))
    return nn.Sequential(*modules)


def layers_of(network: Any) -> list[list[Any]]:
    """The neurons of each layer."""
    if hasattr(network, "layers"):
        return [neurons for layer in network.layers for neurons in layers_of(layer)]
    if hasattr(network, "neurons"):
        return [list(network.neurons)]
    if hasattr(network, "w") and hasattr(network, "activation"):
        return [[network]]
    raise TypeError(f"to_torch expected a network of neurons, like MLP, got {type(network).__name__}")


def row_of(activation: Any) -> str:
    """The name of the operation that an activation is; "linear" where there is none."""
    if activation is None:
        return "linear"
    shown = getattr(activation, "__name__", type(activation).__name__)
    return operation_name(activation) or f"the function {shown}"


def from_torch(module: Any, *, labels: str = "textbook") -> MLP:
    """An MLP with the weights of an `nn.Sequential` of `nn.Linear` and activations.

    Arguments:
        module: an `nn.Sequential`, which may hold others, or one `nn.Linear`, of any floating type.
        labels: of the parameters, as for `MLP`.

    A tensor that several layers share is shared by the neurons.

    Raises ValueError, with its place, for a module that is neither, for an option that makes it another function than
    the table's (`nn.LeakyReLU(0.2)`), and for an order that is no chain of layers; ImportError without PyTorch.
    """
    layers: list[tuple[list[list[float]], list[float] | None, str]] = []
    tensors: list[tuple[Any, Any]] = []  # the weights and the bias of each layer
    open_for_activation = False
    for where, part in parts(module):
        kind = type(part).__name__
        if kind == "Identity":
            continue
        if kind == "Linear":
            biases = None if part.bias is None else part.bias.detach().double().tolist()
            layers.append((part.weight.detach().double().tolist(), biases, "linear"))
            tensors.append((part.weight, part.bias))
            open_for_activation = True
            continue
        found = [(name, options) for name, (module_name, options) in ACTIVATIONS.items() if module_name == kind]
        if not found or type(part) is not getattr(torch().nn, kind):
            known = ", ".join(["Linear", "Identity", *(name for name, _ in ACTIVATIONS.values())])
            raise ValueError(
                f"from_torch: {where} is {kind}; it knows {known}, in nn.Sequential; what any module computes, "
                "from_torch_graph(loss, module) makes Values of"
            )
        [(name, options)] = found
        for option, expected in options.items():
            if getattr(part, option) != expected:
                raise ValueError(f"from_torch: {where} is {kind} with {option}={getattr(part, option)}, not {expected}")
        if not open_for_activation:
            raise ValueError(f"from_torch: {where} is {kind}, which does not follow an nn.Linear")
        layers[-1] = (*layers[-1][:2], name)
        open_for_activation = False
    if not layers:
        raise ValueError("from_torch expected at least one nn.Linear, got none")
    network = MLP(len(layers[0][0][0]), [len(weights) for weights, _, _ in layers], seed=0)
    nin = len(layers[0][0][0])
    for k, (layer, (weights, biases, name)) in enumerate(zip(network.layers, layers, strict=True), start=1):
        if len(weights[0]) != nin:
            raise ValueError(f"from_torch: linear layer {k} takes {len(weights[0])} inputs, and is given {nin}")
        nin = len(weights)
        for n, neuron in enumerate(layer.neurons):
            neuron.activation = None if name == "linear" else TABLE[name].function
            for parameter, weight in zip(neuron.w, weights[n], strict=True):
                parameter.data = weight
            if biases is None:
                neuron.b = None
            elif neuron.b is not None:
                neuron.b.data = biases[n]
    place([layer.neurons for layer in network.layers], labels)
    shared: dict[int, list[Any]] = {}
    for layer, (weight, bias) in zip(network.layers, tensors, strict=True):
        for tensor, part in ((weight, "w"), (bias, "b")):
            if tensor is not None:
                its = shared.setdefault(id(tensor), [getattr(neuron, part) for neuron in layer.neurons])
                for neuron, one in zip(layer.neurons, its, strict=True):
                    setattr(neuron, part, one)
    return network


def parts(module: Any, where: str = "the module") -> Iterator[tuple[str, Any]]:
    """Each module of a Sequential with its place, those of a Sequential inside of it, too."""
    if isinstance(module, torch().nn.Sequential):
        for k, part in enumerate(module):
            yield from parts(part, f"module {k}" if where == "the module" else f"{where}.{k}")
    else:
        yield where, module
