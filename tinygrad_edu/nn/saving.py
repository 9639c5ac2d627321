"""Networks in files: JSON, floats exact, nothing in them executed."""

from __future__ import annotations

import json
import sys
from math import isfinite
from pathlib import Path
from typing import Any

from tinygrad_edu.engine import COMPOSITES, TABLE, Value, plain, quoted
from tinygrad_edu.engine.formulas import BUILT_IN
from tinygrad_edu.files import PathLike, write
from tinygrad_edu.nn.modules import MLP, Layer, Module, Neuron, Parameter, Place, Sequential
from tinygrad_edu.nn.weights import shares_bias

FORMAT, VERSION = "tinygrad_edu network", 1


class Damaged(ValueError):
    """A file is not what `save` wrote."""


def save(network: Module, path: PathLike) -> Path:
    """Write a network to a file: its layers, activations and biases, its parameters with their labels.

    >>> import tempfile
    >>> network = MLP(2, [3, 1], activation="tanh", seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load(save(network, Path(folder, "network.json")))
    >>> again([0.5, 1.0]).data == network([0.5, 1.0]).data
    True

    Arguments:
        network: of neurons, layers, `MLP` and `Sequential`, which the file describes; of any other module it has the
            parameters by name.
        path: of the file, which is replaced as a whole or, where that fails, left as it was.

    Returns the path. Raises ValueError for a parameter that is not finite and for an activation that the table does not
    have, TypeError for what is no network, OSError where the file cannot be written.
    """
    if not hasattr(network, "named_parameters"):
        raise TypeError(f"save expected a network and the path of a file, got {quoted(network)} as the network")
    named = dict(network.named_parameters())
    for name, parameter in named.items():
        if type(parameter.data) is not float or not isfinite(parameter.data):
            raise ValueError(f"save expected finite floats, {parameter.label or name} is {parameter.data!r}")
    structure = described(network)
    if structure and dict(made(structure, sys.maxsize).named_parameters()).keys() != named.keys():
        structure = None  # layers in two places, or without some of their parameters: only code makes these again
    content = {
        "format": FORMAT,
        "version": VERSION,
        "class": type(network).__name__,
        "network": structure,
        "operations": {
            name: [row.primal, *row.partials]
            for name, row in TABLE.items()
            if row not in BUILT_IN and name in operations_in(structure)
        },
        "parameters": {
            name: [parameter.data, parameter.label, *([*parameter.place] if isinstance(parameter, Parameter) else [])]
            for name, parameter in named.items()
        },
    }
    return write(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def load(path: PathLike, network: Module | None = None) -> Any:
    """Read a network that `save` wrote.

    Arguments:
        path: of the file.
        network: one with the same parameters, to set them; needed for classes of one's own, else it is made.

    Returns the network. Raises ValueError, with the reason, for a file that is damaged, of another kind or of a newer
    version, and where it does not fit the network, which is left as it was; TypeError for what is no network, OSError
    where it cannot be read.
    """
    if network is not None and not isinstance(network, Module):
        raise TypeError(f"load expected a network to set, like MLP(2, [1]), got {quoted(network)}")
    content = read(path, FORMAT, VERSION)
    try:
        parameters = {name: checked(*entry) for name, entry in content["parameters"].items()}
        if network is None:
            if content["network"] is None:
                kind = plain(content["class"])
                raise ValueError(f"{path} has a {kind}, which load cannot make: load(path, {kind}())")
            for name, formulas in content.get("operations", {}).items():
                if name in TABLE and formulas != [TABLE[name].primal, *TABLE[name].partials]:
                    raise ValueError(
                        f"{path} has another operation {plain(name)!r}, {plain(formulas[0])}: register that"
                    )
            limit = len(parameters)
            network = made(content["network"], limit)
        named = dict(network.named_parameters())
        if named.keys() != parameters.keys():
            missing, more = [*(named.keys() - parameters.keys())], [*(parameters.keys() - named.keys())]
            lacks_and_has = [
                f"{what} {plain(min(names), 80)}" for what, names in (("it lacks", missing), ("it has", more)) if names
            ]
            raise ValueError(f"{path} does not fit the network: {'; '.join(lacks_and_has)}")
    except Damaged as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"{path} is damaged: {type(error).__name__} {error}") from None
    for name, (data, label, place) in parameters.items():
        named[name].data, named[name].label = data, label
        if place and isinstance(named[name], Parameter):
            named[name].place = place
    return network


def checked(data: Any, label: Any, *place: Any) -> tuple[float, str, Place | None]:
    """A parameter's number, label and place."""
    if type(data) is not float or not isfinite(data) or type(label) is not str:
        raise Damaged(f"expected a finite float and a label, got {quoted(data)} and {quoted(label)}")
    if place and not (len(place) == 3 and all(type(number) is int for number in place)):
        raise Damaged(f"expected layer, neuron and input, got {quoted(place)}")
    return data, label, Place(*place) if place else None


def described(part: Any) -> Any:
    """What a part of a network is, without its numbers; None for a class of one's own."""
    if type(part) is Neuron:
        return {
            "kind": "Neuron",
            "inputs": len(part.w),
            "activation": written(part.activation),
            "bias": part.b is not None,
        }
    if type(part) is Layer:
        neurons = [described(neuron) for neuron in part.neurons]
        return {"kind": "Layer", "shared": shares_bias(part.neurons), "neurons": neurons}
    if type(part) in (MLP, Sequential):
        layers = [described(layer) for layer in part.layers]
        return None if None in layers else {"kind": type(part).__name__, "layers": layers}
    return None if isinstance(part, Module) else {"kind": "function", "name": written(part)}


def operations_in(part: Any) -> set[str | None]:
    """The names of the operations that a described part has."""
    if part is None or part["kind"] in ("function", "Neuron"):
        return set() if part is None else {part.get("name"), part.get("activation")}
    return {name for inner in part.get("layers", part.get("neurons")) for name in operations_in(inner)}


def operation_name(function: Any) -> str | None:
    """The name of an operation, of the table or composed of it; None for a function of one's own."""
    for name, row in TABLE.items():
        if function is row.function or function is getattr(Value, name, None):
            return name
    return next((name for name, composite in COMPOSITES.items() if function is composite.function), None)


def written(function: Any) -> str | None:
    """An activation as a file has it."""
    if function is None:
        return None
    if name := operation_name(function):
        return name
    shown = getattr(function, "__name__", repr(function))
    raise ValueError(f"save: {shown} is no operation of the table, and a file holds no code; register it as a row")


def function_of(name: Any) -> Any:
    if name is None:
        return None
    if name in COMPOSITES:
        return COMPOSITES[name].function
    if name not in TABLE:
        raise Damaged(f"its operation {quoted(name)} is not registered here")
    return TABLE[name].function


def made(part: dict[str, Any], limit: int) -> Any:
    """The part of a network that a file describes, of at most `limit` weights a neuron."""
    kind = part["kind"]
    if kind == "function":
        return function_of(part["name"])
    if kind == "Neuron":
        if type(part["inputs"]) is not int or not 1 <= part["inputs"] <= limit:
            raise Damaged(f"expected a neuron with 1 to {limit} inputs, got {quoted(part['inputs'])}")
        neuron = Neuron(part["inputs"], activation=None, bias=part["bias"] is True, init="zeros")
        neuron.activation = function_of(part["activation"])
        return neuron
    if kind == "Layer":
        layer = object.__new__(Layer)  # made of what the file has, not of random numbers
        layer.neurons = [made(neuron, limit) for neuron in part["neurons"]]
        if part["shared"] is True:
            for neuron in layer.neurons:
                neuron.b = layer.neurons[0].b
        return layer
    if kind in ("MLP", "Sequential"):
        network = object.__new__(MLP if kind == "MLP" else Sequential)
        network.layers = [made(layer, limit) for layer in part["layers"]]
        return network
    raise Damaged(f"expected a Neuron, Layer, MLP or Sequential, got {quoted(kind)}")


def read(path: PathLike, expected: str, version: int) -> dict[str, Any]:
    """A file of ours. Raises ValueError, with the reason, for any other."""
    if Path(path).exists() and not Path(path).is_file():  # a device may have no end
        raise ValueError(f"{path} expected a file, got what is none")
    try:
        found = json.loads(Path(path).read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged, or no file of {expected.split()[0]}: {error}") from None
    if not isinstance(found, dict) or found.get("format") != expected:
        got = found.get("format") if isinstance(found, dict) else None
        raise ValueError(f"{path} expected the format {expected!r}, got {quoted(got)}")
    if type(found.get("version")) is not int:
        raise ValueError(f"{path} is damaged: its version is {quoted(found.get('version'))}")
    if found["version"] > version:
        raise ValueError(f"{path} is of version {quoted(found['version'])}, newer than {version}: upgrade tinygrad_edu")
    return found
