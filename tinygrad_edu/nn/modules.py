"""Neurons, layers and networks of scalars, under micrograd's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from tinygrad_edu.engine import TABLE, Value, data_of, plural, quoted
from tinygrad_edu.engine.operations import dot
from tinygrad_edu.nn.initialisers import Initialiser, generator, initialiser
from tinygrad_edu.nn.weights import AS_WRITTEN, Matrices, joined, listed, shares_bias, split

Activation = str | Callable[[Any], Any] | None


class Place(NamedTuple):
    """Where a parameter belongs, counted from 1: input 0 is the bias, neuron 0 a bias that the whole layer shares."""

    layer: int
    neuron: int
    input: int


class Parameter(Value):
    """A leaf that training changes; it knows its place in the network, and its data before the last step."""

    __slots__ = ("before", "place")

    place: Place
    before: float

    def __init__(self, data: float, label: str = "", place: Place = Place(1, 1, 0)) -> None:  # noqa: B008 (immutable)
        super().__init__(data, label)
        self.place, self.before = place, self.data


# Names that networks of other packages have.
ELSEWHERE = {
    "forward": "call it, network(x)",
    "predict": "call it for each example, [network(x) for x in examples]",
    "fit": "write fit(network, loss, examples)",
    "train": "write fit(network, loss, examples)",
    "eval": "it computes alike whether it is trained or not",
    "state_dict": "save(network, path) keeps it, named_parameters() has the parameters by their names",
    "weight": "its parameters are network.parameters(), as matrices those of an MLP network.to_weights()",
    "weights": "its parameters are network.parameters(), as matrices those of an MLP network.to_weights()",
}


class Made(type):
    """Looks at a module when it is made: what it is made of has labels and places of its own."""

    def __call__(cls, *args: Any, **options: Any) -> Any:
        module = super().__call__(*args, **options)
        tell_apart(module)
        return module


class Module(metaclass=Made):
    """What has parameters: every leaf Value among its attributes, also in lists, tuples, dicts and modules there.

    >>> class Scaled(Module):
    ...     def __init__(self):
    ...         self.body, self.gain = Layer(2, 2, seed=1), Value(3.0)
    ...     def __call__(self, x):
    ...         return [self.gain * y for y in self.body(x)]
    >>> [parameter.label for parameter in Scaled().parameters()]
    ['w1', 'w2', 'b1', 'w3', 'w4', 'b2', 'gain']

    Where labels of the parts collide, layers and weights are counted through the whole module, once it is made; a Value
    without a label has the name of its attribute.
    """

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """Each parameter once, with the way to it, in the order in which the attributes were set.

        >>> [name for name, _ in MLP(1, [1]).named_parameters()]
        ['layers.0.neurons.0.w.0', 'layers.0.neurons.0.b']
        """
        seen = set()
        for name, part in parts(self):
            if isinstance(part, Value) and part not in seen:
                seen.add(part)
                yield name, part

    def parameters(self) -> list[Any]:
        """Every parameter once: layer by layer, neuron by neuron, the weights before the bias."""
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Set every gradient back, as before a new backward pass: it reads 0.0, and is not computed."""
        for parameter in self.parameters():
            parameter.zero_grad()

    if not TYPE_CHECKING:  # to a type checker, it would be every attribute

        def __getattr__(self, name: str) -> NoReturn:
            kind = type(self).__name__
            if name in ELSEWHERE:
                raise AttributeError(f"{kind} has no {name}: {ELSEWHERE[name]}")
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")


def parts(module: Module) -> Iterator[tuple[str, Any]]:
    """A module, and the modules and leaf Values it is made of, each after what it is part of, with the way there."""
    stack: list[tuple[str, Any]] = [("", module)]
    entered = set()
    while stack:
        name, part = stack.pop()
        if isinstance(part, Value):
            if not part.parents:
                yield name, part
            continue
        if isinstance(part, Module):
            inside: Iterable[tuple[Any, Any]] = vars(part).items()
        elif isinstance(part, dict):
            inside = part.items()
        elif isinstance(part, (list, tuple)):
            inside = enumerate(part)
        else:
            continue
        if id(part) in entered:  # a module may hold itself
            continue
        entered.add(id(part))
        if isinstance(part, Module):
            yield name, part
        prefix = f"{name}." if name else ""
        stack += [(f"{prefix}{key}", content) for key, content in reversed([*inside])]


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
        init: how weights start: "uniform" from -1 to 1, "he", "xavier", "lecun", or a function, see `initialisers`.
        nonlin: False for a linear neuron, as in micrograd.
        nout: the number of neurons of its layer, which some `init` ask for.
        seed: for the random weights; without one they come from Python's `random` as it stands.

    Raises ValueError for a size below 1, an activation that the table does not have and an unknown `init`.
    """

    def __init__(
        self,
        nin: int,
        *,
        activation: Activation = "relu",
        bias: bool = True,
        init: str | Initialiser = "uniform",
        nonlin: bool = True,
        nout: int = 1,
        seed: Any = None,
    ) -> None:
        count = whole_number("inputs of a neuron", nin)
        draw, rng = initialiser(init), generator(seed)
        self.w = [Parameter(draw(rng, nin, nout)) for _ in range(count)]
        self.b = Parameter(0.0) if bias else None
        self.activation = activation_function(activation) if nonlin else None
        place([[self]])

    def __call__(self, x: Iterable[Value | float], *others: Any) -> Value:
        return self.output(inputs(x, len(self.w), self, *others))

    def _name(self) -> str:
        """What an error calls it."""
        return f"neuron {self.w[0].place.neuron} of layer {self.w[0].place.layer}"

    def output(self, x: Sequence[Value | float]) -> Value:
        """activation(w · x + b), the inputs uncounted: a layer counts them once for all its neurons."""
        z = dot(self.w, x)
        if self.b is not None:
            z = z + self.b
        return z if self.activation is None else self.activation(z)

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)}, {getattr(self.activation, '__name__', 'linear')})"


class Layer(Module):
    """Neurons side by side, on the same inputs.

    >>> layer = Layer(2, 3, activation=None, seed=1)
    >>> len(layer([1.0, 2.0])), len(layer.parameters())
    (3, 9)

    Arguments:
        nin, nout: the number of inputs and of neurons.
        activation, init, nonlin, seed: as for `Neuron`.
        bias: True for one a neuron, False for none, "shared" for one that all neurons of the layer add.

    A call returns a list of `nout` Values; one Value, as in micrograd, where `nout` is 1.
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        *,
        activation: Activation = "relu",
        bias: bool | str = True,
        init: str | Initialiser = "uniform",
        nonlin: bool = True,
        seed: Any = None,
    ) -> None:
        if bias not in (True, False, "shared"):
            raise ValueError(f'bias expected True, False or "shared", got {bias!r}')
        rng = generator(seed)
        count = whole_number("neurons of a layer", nout)
        whole_number("inputs of a layer", nin)
        options: dict[str, Any] = {"activation": activation, "bias": bool(bias), "init": init, "nonlin": nonlin}
        self.neurons = [Neuron(nin, nout=count, seed=rng, **options) for _ in range(count)]
        if bias == "shared":
            for neuron in self.neurons:
                neuron.b = self.neurons[0].b
        place([self.neurons])

    def outputs(self, x: Iterable[Value | float], *others: Any) -> list[Value]:
        """The outputs as a list, however many."""
        x = inputs(x, len(self.neurons[0].w), self, *others)
        return [neuron.output(x) for neuron in self.neurons]

    def _name(self) -> str:
        """What an error calls it."""
        return f"layer {self.neurons[0].w[0].place.layer}"

    def __call__(self, x: Iterable[Value | float], *others: Any) -> Any:
        outputs = self.outputs(x, *others)
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class Sequential(Module):
    """Modules and functions one after another, each called with what the one before gave.

    >>> from tinygrad_edu import softmax
    >>> network = Sequential(Layer(2, 3, activation="tanh", seed=1), Layer(3, 2, activation=None, seed=2), softmax)
    >>> round(sum(y.data for y in network([1.0, -1.0])), 12)
    1.0

    A layer gives a list of Values, of one Value where it has one neuron; a call returns that one Value by itself. One
    Value before a layer, as of an MLP with one output, is its one input.
    Raises ValueError for none, TypeError for what cannot be called.
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        if not layers:
            raise ValueError("Sequential expected at least one layer, got none")
        for layer in layers:
            if not callable(layer):
                raise TypeError(f"Sequential expected layers and functions, got {quoted(layer)}")
        self.layers: list[Any] = list(layers)

    def __call__(self, x: Iterable[Value | float], *others: Any) -> Any:
        if others:
            raise one_list(type(self).__name__, x, *others)
        out: Any = x
        for k, layer in enumerate(self.layers):
            if k and isinstance(out, Value) and takes_list(layer):
                out = [out]
            out = layer.outputs(out) if isinstance(layer, Layer) else layer(out)
        return out[0] if isinstance(out, list) and len(out) == 1 else out

    def __repr__(self) -> str:
        return f"{type(self).__name__} of [{', '.join(map(repr, self.layers))}]"


class MLP(Sequential):
    """A multi-layer perceptron: layers one after another.

    >>> network = MLP(2, [16, 16, 1], seed=1337)
    >>> len(network.parameters())
    337

    Arguments:
        nin: the number of inputs.
        nouts: the number of neurons of each layer.
        activation: of all layers but the last, as for `Neuron`.
        output_activation: of the last layer, which is linear without one.
        bias, init, seed: as for `Layer`.
        labels: "textbook" counts through the network, w1, w2, … and b1, b2, …; "layer" names the place, w2_1,3 for
            the weight in layer 2 of neuron 1 on input 3.

    A call takes `nin` Values or numbers and returns a list of Values; one Value where the last layer has one neuron.
    Raises ValueError for a size below 1, no layer, an activation that the table does not have, and when called for a
    wrong number of inputs.
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int] = (),
        *others: Any,
        activation: Activation = "relu",
        output_activation: Activation = None,
        bias: bool | str = True,
        init: str | Initialiser = "uniform",
        seed: Any = None,
        labels: str = "textbook",
    ) -> None:
        if labels not in ("textbook", "layer"):
            raise ValueError(f'labels expected "textbook" or "layer", got {labels!r}')
        given = [*nin, nouts] if isinstance(nin, (list, tuple)) and nouts else nin
        if isinstance(given, (list, tuple)) or others:
            first, *following = given if isinstance(given, (list, tuple)) else (nin, nouts, *others)
            found = [size for size in following if not isinstance(size, str)]
            words = "".join(f", activation={word!r}" for word in following if isinstance(word, str))
            if len(found) == 1 and isinstance(found[0], (list, tuple)):
                found = [*found[0]]
            raise TypeError(
                "an MLP expected the number of inputs, and the sizes of its layers as one list: "
                f"MLP({first!r}, {found!r}{words})"
            )
        if not isinstance(nouts, Iterable):
            raise TypeError(f"an MLP expected the sizes of its layers, like [16, 16, 1], got {quoted(nouts)}")
        sizes = [whole_number("inputs of the network", nin)]
        sizes += [whole_number(f"neurons of layer {k}", nout) for k, nout in enumerate(nouts, start=1)]
        if len(sizes) == 1:
            raise ValueError("an MLP expected at least one layer, got none")
        hidden, output = activation_function(activation), activation_function(output_activation)
        options: dict[str, Any] = {"bias": bias, "init": init, "seed": generator(seed)}
        self.layers: list[Any] = [
            Layer(i, o, activation=hidden if k < len(sizes) - 1 else output, **options)
            for k, (i, o) in enumerate(pairwise(sizes), start=1)
        ]
        place([layer.neurons for layer in self.layers], labels)

    @classmethod
    def from_weights(
        cls,
        matrices: Sequence[Sequence[Sequence[float]]],
        *,
        bias: str | None = AS_WRITTEN,
        activation: Activation = AS_WRITTEN,
        output_activation: Activation = AS_WRITTEN,
        labels: str = AS_WRITTEN,
    ) -> MLP:
        """A network with a paper's matrices: one a layer, in each one row a neuron.

        >>> network = MLP.from_weights([[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [[0.4, 0.3, 0.6], [0.2, 1.0, 0.3]]])
        >>> [round(y.data, 4) for y in network([0.85, 0.25])]
        [0.7333, 0.7317]

        Arguments:
            matrices: numbers; the row of a neuron has a weight for each input, and its bias.
            bias: where it stands in the row, "first" or "last"; None where there is none.
            activation, output_activation, labels: as for `MLP`.

        What is not given is as the matrices of `to_weights` know it of their network; for others the bias stands first,
        the activations are sigmoid and the labels those of a textbook.
        Raises ValueError, with layer and neuron, for rows of the wrong length, and TypeError for what is no matrix.
        """
        given = {"bias": bias, "activation": activation, "output_activation": output_activation, "labels": labels}
        layers, known = split(matrices, {name: option for name, option in given.items() if option is not AS_WRITTEN})
        network = cls(
            len(layers[0][0][0]) if layers and layers[0] else 1,
            [len(layer) for layer in layers],
            activation=known.activation,
            output_activation=known.output_activation,
            bias="shared" if known.shared else known.bias is not None,
            init="zeros",
            labels=known.labels,
        )
        for made, layer in zip(network.layers, layers, strict=True):
            for neuron, (weights, offset) in zip(made.neurons, layer, strict=True):
                for parameter, entry in zip(neuron.parameters(), weights + offset, strict=True):
                    parameter.data = entry
        return network

    def to_weights(self, bias: str | None = "first") -> Matrices:
        """The weights as `from_weights` takes them, a list that also knows the activations, biases and labels.

        Raises ValueError where `bias` is None and the network has biases, or the other way round, and where the
        matrices cannot say what the neurons are: where hidden neurons, or output neurons, differ in their activation.
        """
        return joined([layer.neurons for layer in self.layers], bias)


def takes_list(layer: Any) -> bool:
    """Whether it is, or begins with, what has a list of inputs: a layer or a neuron."""
    while isinstance(layer, Sequential):
        layer = layer.layers[0]
    return isinstance(layer, (Layer, Neuron))


def inputs(x: Iterable[Value | float], nin: int, module: Neuron | Layer, *others: Any) -> Sequence[Value | float]:
    """The inputs, counted."""
    if others:
        raise one_list(module._name(), x, *others)
    if not isinstance(x, (list, tuple)):
        x = listed(x, module._name(), "a sequence of inputs")
    if x and (isinstance(x[0], (list, tuple)) or getattr(x[0], "ndim", False)):
        raise TypeError(
            f"{module._name()} expected {plural(nin, 'number')}, got {quoted(x[0])} as the first: "
            "a network takes one example at a time, [network(x) for x in examples]"
        )
    if len(x) != nin:
        raise ValueError(f"{module._name()} expected {plural(nin, 'input')}, got {len(x)}")
    return x


def one_list(name: str, *given: Any) -> TypeError:
    """An error for inputs that are given one by one."""
    numbers = [data_of(x) for x in given]
    return TypeError(f"{name} expected its inputs as one list: call it with ({numbers!r})")


def neurons_of(module: Module) -> list[list[Neuron]]:
    """The neurons of each layer in a module; one outside of a layer is a layer by itself."""
    found: list[list[Neuron]] = []
    known: set[Neuron] = set()
    for _, part in parts(module):
        group = part.neurons if isinstance(part, Layer) else [part] if isinstance(part, Neuron) else []
        if group and group[0] not in known:
            known |= {*group}
            found.append(group)
    return found


def tell_apart(module: Module) -> None:
    """Give the parameters labels that differ, and places that say where in the whole module they are."""
    named = dict(module.named_parameters())
    given = [parameter.label for parameter in named.values()]
    if "" in given:
        for name, parameter in named.items():
            parameter.label = parameter.label or name
    elif len({*given}) == len(given):
        return
    layers = neurons_of(module)
    if len({parameter.label for parameter in named.values()}) < len(named):
        place(layers)
    taken: set[str] = set()
    for name, parameter in named.items():
        if parameter.label in taken:
            parameter.label = name
        taken.add(parameter.label)


def place(layers: Sequence[Sequence[Neuron]], labels: str = "textbook") -> None:
    """Tell each parameter its place, and label it."""
    seen: dict[Parameter, None] = {}
    weights = biases = 0
    for k, neurons in enumerate(layers, start=1):
        shared = shares_bias(neurons)
        for n, neuron in enumerate(neurons, start=1):
            for i, w in enumerate(neuron.w, start=1):
                w.place = Place(k, n, i)
                w.label = f"w{(weights := weights + 1)}" if labels == "textbook" else f"w{k}_{n},{i}"
            if neuron.b is not None and neuron.b not in seen:
                seen[neuron.b] = None
                neuron.b.place = Place(k, 0 if shared else n, 0)
                biases += 1
                neuron.b.label = f"b{biases}" if labels == "textbook" else f"b{k}" + ("" if shared else f"_{n}")


def whole_number(what: str, count: int, least: int = 1) -> int:
    """A size, checked."""
    if isinstance(count, bool) or not hasattr(count, "__index__") or count < least:
        raise ValueError(f"{what}: expected a whole number from {least}, got {quoted(count)}")
    return int(count)


def activation_function(activation: Activation) -> Callable[[Any], Any] | None:
    """An operation with one operand by its name, and a function or None as it is."""
    if activation is None or callable(activation):
        return activation
    unary = [name for name, row in TABLE.items() if len(row.operands) == 1 and not row.many]
    if activation not in unary:
        from difflib import get_close_matches

        close = get_close_matches(str(activation), unary) or unary
        raise ValueError(
            f"activation expected an operation with one operand, like {', '.join(close)}, got {quoted(activation)}"
        )
    return TABLE[activation].function
