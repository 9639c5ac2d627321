"""Neurons, layers and networks of scalars, under micrograd's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tinygrad_edu.engine import TABLE, Value, number

dot = TABLE["dot"].function


class Place(NamedTuple):
    """Where a parameter belongs, counted from 1: input 0 is the bias, neuron 0 a bias that the whole layer shares."""

    layer: int
    neuron: int
    input: int


class Parameter(Value):
    """A leaf that training changes, and that knows its place in the network."""

    __slots__ = ("place",)

    place: Place

    def __init__(self, data: float, label: str = "", place: Place = Place(1, 1, 0)) -> None:  # noqa: B008 (immutable)
        super().__init__(data, label)
        self.place = place


class Module:
    """What has parameters."""

    def parameters(self) -> list[Parameter]:
        """Every parameter once: layer by layer, neuron by neuron, the weights before the bias."""
        return []

    def zero_grad(self) -> None:
        """Set every gradient back to 0.0, as before a new backward pass."""
        for parameter in self.parameters():
            parameter.grad = 0.0


class Neuron(Module):
    """One neuron: activation(w · x + b).

    >>> neuron = Neuron(2, activation="tanh")
    >>> neuron.w[0].data, neuron.w[1].data = 0.5, -1.0
    >>> round(neuron([1.0, 2.0]).data, 4)
    -0.9051

    Arguments:
        nin: the number of inputs.
        activation: an operation with one operand, by name or as a function; None for a linear neuron.
        bias: whether there is one; it starts at 0.
        seed: for the random weights, from -1 to 1; without one they come from Python's `random` as it stands.

    Raises ValueError for a size below 1, and for an activation that the table does not have.
    """

    def __init__(
        self,
        nin: int,
        *,
        activation: str | Callable[[Any], Any] | None = "relu",
        bias: bool = True,
        seed: Any = None,
    ) -> None:
        count = at_least_one("inputs of a neuron", nin)
        uniform = generator(seed).uniform
        self.w = [Parameter(uniform(-1, 1)) for _ in range(count)]
        self.b = Parameter(0.0) if bias else None
        self.activation = activation_function(activation)
        place([[self]])

    def __call__(self, x: Iterable[Value | float]) -> Value:
        return self.output(inputs(x, len(self.w), self))

    def _name(self) -> str:
        """What an error calls it."""
        return f"neuron {self.w[0].place.neuron} of layer {self.w[0].place.layer}"

    def output(self, x: Sequence[Value | float]) -> Value:
        """The same without counting the inputs, which a layer does once for all its neurons."""
        z = dot(self.w, x)
        if self.b is not None:
            z = z + self.b
        return z if self.activation is None else self.activation(z)  # type: ignore[no-any-return]

    def parameters(self) -> list[Parameter]:
        return [*self.w] if self.b is None else [*self.w, self.b]

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)}, {getattr(self.activation, '__name__', 'linear')})"


class Layer(Module):
    """Neurons side by side, on the same inputs.

    >>> layer = Layer(2, 3, activation=None, seed=1)
    >>> len(layer([1.0, 2.0])), len(layer.parameters())
    (3, 9)

    Arguments:
        nin, nout: the number of inputs and of neurons.
        activation, seed: as for `Neuron`.
        bias: True for one a neuron, False for none, "shared" for one that all neurons of the layer add.

    A call returns a list of `nout` Values; one Value, as in micrograd, where `nout` is 1.
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        *,
        activation: str | Callable[[Any], Any] | None = "relu",
        bias: bool | str = True,
        seed: Any = None,
    ) -> None:
        if bias not in (True, False, "shared"):
            raise ValueError(f'bias expected True, False or "shared", got {bias!r}')
        rng = generator(seed)
        count = at_least_one("neurons of a layer", nout)
        at_least_one("inputs of a layer", nin)
        self.neurons = [Neuron(nin, activation=activation, bias=bool(bias), seed=rng) for _ in range(count)]
        if bias == "shared":
            for neuron in self.neurons:
                neuron.b = self.neurons[0].b
        place([self.neurons])

    def outputs(self, x: Iterable[Value | float]) -> list[Value]:
        """The outputs as a list, however many."""
        x = inputs(x, len(self.neurons[0].w), self)
        return [neuron.output(x) for neuron in self.neurons]

    def _name(self) -> str:
        """What an error calls it."""
        return f"layer {self.neurons[0].w[0].place.layer}"

    def __call__(self, x: Iterable[Value | float]) -> Any:
        outputs = self.outputs(x)
        return outputs[0] if len(outputs) == 1 else outputs

    def parameters(self) -> list[Parameter]:
        # A dict keeps the order, and a shared bias once.
        return list(dict.fromkeys(p for neuron in self.neurons for p in neuron.parameters()))

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class MLP(Module):
    """A multi-layer perceptron: layers one after another.

    >>> network = MLP(2, [16, 16, 1], seed=1337)
    >>> len(network.parameters())
    337

    Arguments:
        nin: the number of inputs.
        nouts: the number of neurons of each layer.
        activation: of all layers but the last, as for `Neuron`.
        output_activation: of the last layer, which is linear without one.
        bias, seed: as for `Layer`.
        labels: "textbook" counts through the network, w1, w2, … and b1, b2, …; "layer" names the place, w2_1,3 for
            the weight in layer 2 of neuron 1 on input 3.

    A call takes `nin` Values or numbers and returns a list of Values; one Value where the last layer has one neuron.
    Raises ValueError for a size below 1, no layer, an activation that the table does not have, and when called for a
    wrong number of inputs.
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        *,
        activation: str | Callable[[Any], Any] | None = "relu",
        output_activation: str | Callable[[Any], Any] | None = None,
        bias: bool | str = True,
        seed: Any = None,
        labels: str = "textbook",
    ) -> None:
        if labels not in ("textbook", "layer"):
            raise ValueError(f'labels expected "textbook" or "layer", got {labels!r}')
        if not isinstance(nouts, Iterable):
            raise TypeError(f"an MLP expected the sizes of its layers, like [16, 16, 1], got {nouts!r}")
        sizes = [at_least_one("inputs of the network", nin)]
        sizes += [at_least_one(f"neurons of layer {k}", nout) for k, nout in enumerate(nouts, start=1)]
        if len(sizes) == 1:
            raise ValueError("an MLP expected at least one layer, got none")
        rng = generator(seed)
        hidden, output = activation_function(activation), activation_function(output_activation)
        self.layers = [
            Layer(i, o, activation=hidden if k < len(sizes) - 1 else output, bias=bias, seed=rng)
            for k, (i, o) in enumerate(pairwise(sizes), start=1)
        ]
        place([layer.neurons for layer in self.layers], labels)

    @classmethod
    def from_weights(
        cls,
        matrices: Sequence[Sequence[Sequence[float]]],
        *,
        bias: str | None = "first",
        activation: str | Callable[[Any], Any] | None = "sigmoid",
        output_activation: str | Callable[[Any], Any] | None = "sigmoid",
        labels: str = "textbook",
    ) -> MLP:
        """A network with a paper's matrices: one a layer, in each one row a neuron.

        >>> network = MLP.from_weights([[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [[0.4, 0.3, 0.6], [0.2, 1.0, 0.3]]])
        >>> [round(y.data, 4) for y in network([0.85, 0.25])]
        [0.7333, 0.7317]

        Arguments:
            matrices: numbers; the row of a neuron has a weight for each input, and its bias.
            bias: where it stands in the row, "first" or "last"; None where there is none.
            activation, output_activation, labels: as for `MLP`.

        Raises ValueError, with layer and neuron, for rows of the wrong length, and TypeError for what is no matrix.
        """
        split = bias_position(bias).split
        layers = [
            [split(row) for row in rows(matrix, f"layer {k}")]
            for k, matrix in enumerate(listed(matrices, "a network", "a matrix for each layer"), start=1)
        ]
        nin = len(layers[0][0][0]) if layers and layers[0] else 1
        for k, layer in enumerate(layers, start=1):
            for n, (weights, _) in enumerate(layer, start=1):
                if len(weights) != nin:
                    plus = " and a bias" if bias else ""
                    raise ValueError(f"neuron {n} of layer {k} expected {nin} weights{plus}, got {len(weights)}")
            nin = len(layer)
        network = cls(
            len(layers[0][0][0]) if layers and layers[0] else 1,
            [len(layer) for layer in layers],
            activation=activation,
            output_activation=output_activation,
            bias=bias is not None,
            seed=0,
            labels=labels,
        )
        for made, layer in zip(network.layers, layers, strict=True):
            for neuron, (weights, offset) in zip(made.neurons, layer, strict=True):
                for parameter, entry in zip(neuron.parameters(), weights + offset, strict=True):
                    parameter.data = entry
        return network

    def to_weights(self, bias: str | None = "first") -> list[list[list[float]]]:
        """The weights as `from_weights` takes them.

        Raises ValueError where `bias` is None and the network has biases, or the other way round.
        """
        join = bias_position(bias).join
        if (bias is None) != (self.layers[0].neurons[0].b is None):
            raise ValueError(f"bias={bias!r} does not fit: the network has {'biases' if bias is None else 'no bias'}")
        return [
            [join([w.data for w in neuron.w], [] if neuron.b is None else [neuron.b.data]) for neuron in layer.neurons]
            for layer in self.layers
        ]

    def __call__(self, x: Iterable[Value | float]) -> Any:
        for layer in self.layers:
            x = layer.outputs(x)
        outputs = list(x)
        return outputs[0] if len(outputs) == 1 else outputs

    def parameters(self) -> list[Parameter]:
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"


class BiasPosition(NamedTuple):
    """How a row of a matrix splits into weights and bias, and how they join into one."""

    split: Callable[[list[float]], tuple[list[float], list[float]]]
    join: Callable[[list[float], list[float]], list[float]]


def bias_position(bias: str | None) -> BiasPosition:
    if bias == "first":
        return BiasPosition(lambda row: (row[1:], row[:1]), lambda weights, bias: bias + weights)
    if bias == "last":
        return BiasPosition(lambda row: (row[:-1], row[-1:]), lambda weights, bias: weights + bias)
    if bias is None:
        return BiasPosition(lambda row: (row, []), lambda weights, bias: weights)
    raise ValueError(f'bias expected "first", "last" or None, got {bias!r}')


def rows(matrix: Any, layer: str) -> list[list[float]]:
    """The rows of the matrix of one layer, in floats."""
    found = []
    for n, row in enumerate(listed(matrix, layer, "a row for each neuron"), start=1):
        entries = listed(row, f"neuron {n} of {layer}", "a row of numbers")
        try:
            found.append([number(entry) for entry in entries])
        except (TypeError, ValueError) as error:
            raise type(error)(f"neuron {n} of {layer}: {error}") from None
    return found


def inputs(x: Iterable[Value | float], nin: int, module: Neuron | Layer) -> Sequence[Value | float]:
    """The inputs, counted."""
    if not isinstance(x, (list, tuple)):
        x = listed(x, module._name(), "a sequence of inputs")
    if len(x) != nin:
        raise ValueError(f"{module._name()} expected {nin} inputs, got {len(x)}")
    return x


def listed(many: Any, name: str, expected: str) -> list[Any]:
    """Many things as a list."""
    if not hasattr(many, "__iter__") or getattr(many, "shape", None) == ():
        raise TypeError(f"{name} expected {expected}, got {many!r}")
    return list(many)


def place(layers: Sequence[Sequence[Neuron]], labels: str = "textbook") -> None:
    """Tell each parameter its place, and label it."""
    seen: dict[Parameter, None] = {}
    weights = biases = 0
    for k, neurons in enumerate(layers, start=1):
        shared = len(neurons) > 1 and neurons[0].b is not None and neurons[0].b is neurons[1].b
        for n, neuron in enumerate(neurons, start=1):
            for i, w in enumerate(neuron.w, start=1):
                w.place = Place(k, n, i)
                w.label = f"w{(weights := weights + 1)}" if labels == "textbook" else f"w{k}_{n},{i}"
            if neuron.b is not None and neuron.b not in seen:
                seen[neuron.b] = None
                neuron.b.place = Place(k, 0 if shared else n, 0)
                biases += 1
                neuron.b.label = f"b{biases}" if labels == "textbook" else f"b{k}" + ("" if shared else f"_{n}")


def at_least_one(what: str, count: int) -> int:
    """A size, checked."""
    if isinstance(count, bool) or not hasattr(count, "__index__") or count < 1:
        raise ValueError(f"{what}: expected a whole number from 1, got {count!r}")
    return int(count)


def generator(seed: Any) -> Any:
    """A source of random numbers: Python's `random` itself without a seed, so that `random.seed` is heard."""
    import random

    if seed is None:
        return random
    return seed if hasattr(seed, "uniform") else random.Random(seed)


def activation_function(activation: str | Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """An operation with one operand by its name, and a function or None as it is."""
    if activation is None or callable(activation):
        return activation
    unary = [name for name, row in TABLE.items() if len(row.operands) == 1 and not row.many]
    if activation not in unary:
        from difflib import get_close_matches

        close = get_close_matches(str(activation), unary) or unary
        raise ValueError(
            f"activation expected an operation with one operand, like {', '.join(close)}, got {activation!r}"
        )
    return TABLE[activation].function
