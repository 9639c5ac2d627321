"""Networks in files and back."""

import json
import math
import random

import pytest
from hypothesis import given

from tinygrad_edu import TABLE, Value, log_softmax, registered, softmax
from tinygrad_edu.check.strategies import networks
from tinygrad_edu.nn import MLP, Layer, Module, Neuron, Sequential, load, save


def state(network):
    return [
        (name, p.data, math.copysign(1, p.data), p.label, getattr(p, "place", None))
        for name, p in network.named_parameters()
    ]


def there_and_back(network, folder):
    again = load(save(network, folder / "network.json"))
    assert type(again) is type(network)
    assert state(again) == state(network)
    assert repr(again) == repr(network)
    return again


@given(networks(MLP))
def test_every_network_that_strategies_draw_comes_back(tmp_path_factory, network):
    network.layers[0].neurons[0].w[0].data = -0.0
    again = there_and_back(network, tmp_path_factory.getbasetemp())
    x = [0.3, -1.7, 1e-3][: len(network.layers[0].neurons[0].w)]
    values = [y.data if isinstance(y, Value) else [v.data for v in y] for y in (again(x), network(x))]
    assert values[0] == values[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: MLP(2, [3, 2], bias="shared", activation=Value.tanh, labels="layer", seed=1),
        lambda: MLP(2, [3, 1], bias=False, output_activation="sigmoid", seed=2),
        lambda: Layer(3, 2, activation="gelu", seed=1),
        lambda: Neuron(3, nonlin=False, seed=1),
        lambda: Sequential(Layer(2, 2, seed=1), Layer(2, 2, bias="shared", seed=2), softmax),
        lambda: Sequential(Layer(2, 2, seed=1), Sequential(MLP(2, [2], seed=3)), log_softmax),
    ],
)
def test_other_networks_come_back(make, tmp_path):
    network = make()
    if isinstance(network, MLP):
        network.layers[0].neurons[1].activation = None
        network.layers[0].neurons[0].w[0].label = "θ₁ <b>"
    again = there_and_back(network, tmp_path)
    if isinstance(network, Layer):
        assert [y.data for y in again([1, 2, 3])] == [y.data for y in network([1, 2, 3])]
    for layer, its in zip(getattr(network, "layers", []), getattr(again, "layers", []), strict=True):
        if isinstance(layer, Layer):
            assert len({id(n.b) for n in layer.neurons}) == len({id(n.b) for n in its.neurons})


class Net(Module):
    def __init__(self):
        self.body, self.gain = Layer(2, 3, seed=1), Value(2.0)


def test_what_is_no_network_is_not_saved():
    words = r"^save expected a network and the path of a file, got 'a\.json' as the network$"
    with pytest.raises(TypeError, match=words):
        save("a.json", MLP(2, [1], seed=1))


def test_a_class_of_ones_own_is_given(tmp_path):
    net, other = Net(), Net()
    path = save(net, tmp_path / "net.json")
    other.gain.data = 7.0
    assert load(path, other) is other
    assert state(other) == state(net)
    with pytest.raises(ValueError, match=r"net\.json has a Net, which load cannot make: load\(path, Net\(\)\)$"):
        load(path)
    with pytest.raises(ValueError, match=r"net\.json does not fit the network: it lacks layers\.0.*; it has body\."):
        load(path, MLP(2, [3]))


def tied():
    layer = Layer(2, 2, seed=1)
    return Sequential(layer, layer)


def some_share():
    network = MLP(2, [3], seed=1)
    network.layers[0].neurons[2].b = network.layers[0].neurons[0].b
    return network


def frozen():
    network = MLP(2, [3], seed=1)
    network.layers[0].neurons[0].w[1] = 0.5
    return network


def scaled():
    network = MLP(2, [3], seed=1)
    network.gain = Value(2.0)
    return network


@pytest.mark.parametrize("make", [tied, some_share, frozen, scaled])
def test_what_the_file_does_not_describe_is_given(make, tmp_path):
    """Parameters in two places, numbers in the place of some, and more of them."""
    network, other = make(), make()
    for parameter in network.parameters():
        parameter.data += 1.0
    path = save(network, tmp_path / "net.json")
    assert state(load(path, other)) == state(network)
    with pytest.raises(ValueError, match=r"net\.json has a (MLP|Sequential), which load cannot make: load\(path, "):
        load(path)


@pytest.mark.parametrize("network", [5, MLP, [MLP(2, [1])]])
def test_what_is_no_network_to_set_is_named(network, tmp_path):
    with pytest.raises(TypeError, match=r"^load expected a network to set, like MLP\(2, \[1\]\), got "):
        load(save(MLP(2, [1]), tmp_path / "net.json"), network)


def test_an_operation_of_ones_own(tmp_path):
    with registered("cube", "³", "x * x * x", "3 * x * x"):
        network = MLP(1, [2], output_activation="cube", seed=1)
        path = save(network, tmp_path / "cube.json")
        assert state(load(path)) == state(network)
    assert "cube" not in TABLE
    with pytest.raises(ValueError, match=r"cube\.json is damaged: its operation 'cube' is not registered here"):
        load(path)


@pytest.mark.parametrize(
    "make", [lambda f: MLP(1, [2, 1], activation="own", seed=1), lambda f: Sequential(Layer(1, 2), f)]
)
def test_another_operation_of_that_name_is_not_taken_for_it(make, tmp_path):
    with registered("own", "o", "x * x", "2 * x") as row:
        path = save(make(row.function), tmp_path / "own.json")
    words = r"own\.json has another operation 'own', x \* x: register that"
    with registered("own", "o", "x * x * x", "3 * x * x"), pytest.raises(ValueError, match=words):
        load(path)
    with registered("own", "o", "x * x", "2 * x"):
        assert load(path).parameters()
    content = json.loads(path.read_text())
    path.write_text(json.dumps({name: content[name] for name in content if name != "operations"}))
    with registered("own", "o", "x * x * x", "3 * x * x"):
        assert load(path).parameters()  # of an older file it is not known


def test_what_a_file_cannot_hold_is_refused_and_the_file_stays(tmp_path):
    path = save(MLP(1, [1], seed=1), tmp_path / "network.json")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="save: <lambda> is no operation of the table, and a file holds no code"):
        save(MLP(1, [1], output_activation=lambda z: z * z), path)
    network = MLP(1, [1])
    for data in (math.nan, -math.inf, 3, "0.5", None):
        network.layers[0].neurons[0].w[0].data = data
        with pytest.raises(ValueError, match=f"^save expected finite floats, w1 is {data!r}$"):
            save(network, path)
    assert path.read_bytes() == before
    with pytest.raises(OSError, match="nowhere"):
        save(MLP(1, [1]), tmp_path / "nowhere" / "network.json")


def damage(content, *way, to):
    *way, last = way
    inner = content
    for key in way:
        inner = inner[key]
    inner[last] = to
    return content


WEIGHT = "layers.0.neurons.0.w.0"
DAMAGES = {
    "expected the format 'tinygrad_edu network', got 'tinygrad_edu training'": ("format", "tinygrad_edu training"),
    "is of version 2, newer than 1: upgrade tinygrad_edu": ("version", 2),
    "is damaged: its version is '1'": ("version", "1"),
    "is damaged: expected a finite float and a label, got 'os' and 'w1'": ("parameters", WEIGHT, 0, "os"),
    "is damaged: expected a finite float and a label, got inf and 'w1'": ("parameters", WEIGHT, 0, math.inf),
    "is damaged: expected layer, neuron and input, got (1, 1)": ("parameters", WEIGHT, [0.5, "w1", 1, 1]),
    "is damaged: expected a neuron with 1 to 3 inputs, got 1000000000": (
        "network", "layers", 0, "neurons", 0, "inputs", 10**9,
    ),
    "is damaged: its operation '__import__' is not registered here": (
        "network", "layers", 0, "neurons", 0, "activation", "__import__",
    ),
    "is damaged: expected a Neuron, Layer, MLP or Sequential, got 'Net'": ("network", "kind", "Net"),
    "is damaged: KeyError 'neurons'": ("network", "layers", 0, {"kind": "Layer"}),
    "does not fit the network: it lacks layers.0.neurons.0.w.1": ("network", "layers", 0, "neurons", 0, "inputs", 2),
    "does not fit the network: it has layers.0.neurons.0.b": ("network", "layers", 0, "neurons", 0, "bias", False),
}  # fmt: skip


@pytest.mark.parametrize("words", DAMAGES)
def test_damaged_foreign_and_newer_files_are_refused(words, tmp_path):
    path = save(MLP(1, [1, 1], bias=True, seed=1) if "3 inputs" in words else MLP(1, [1], seed=1), tmp_path / "n.json")
    content = json.loads(path.read_text())
    if "3 inputs" in words:
        content["parameters"].pop("layers.1.neurons.0.b")
    *way, to = DAMAGES[words]
    path.write_text(json.dumps(damage(content, *way, to=to)))
    with pytest.raises(ValueError) as error:
        load(path)
    assert str(error.value).removeprefix(f"{path} ") == words


LONG = "x" * 10_000


@pytest.mark.parametrize(
    "way",
    [
        ("format", LONG),
        ("version", LONG),
        ("version", int("9" * 4000)),
        ("parameters", WEIGHT, 0, LONG),
        ("parameters", WEIGHT, 1, [LONG]),
        ("parameters", WEIGHT, [0.5, "w1", 1, 1, LONG]),
        ("parameters", LONG, [0.5, "w1"]),
        ("network", "layers", 0, "neurons", 0, "inputs", LONG),
        ("network", "layers", 0, "neurons", 0, "activation", LONG),
        ("network", "kind", LONG),
    ],
)
def test_what_is_long_in_a_damaged_file_is_not_quoted_whole(way, tmp_path):
    path = save(MLP(1, [1], seed=1), tmp_path / "n.json")
    *way, to = way
    path.write_text(json.dumps(damage(json.loads(path.read_text()), *way, to=to)))
    with pytest.raises(ValueError) as error:
        load(path)
    assert len(str(error.value).removeprefix(str(path))) < 200


def test_a_class_with_a_long_name_is_not_quoted_whole(tmp_path):
    path = save(MLP(1, [1], seed=1), tmp_path / "n.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"network": None, "class": LONG}))
    with pytest.raises(ValueError, match="which load cannot make") as error:
        load(path)
    assert len(str(error.value).removeprefix(str(path))) < 200


def test_older_files_are_read_and_what_is_true_is_true_only(tmp_path):
    network = MLP(1, [1], seed=1)
    path = save(network, tmp_path / "n.json")
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"version": 0}))
    assert state(load(path)) == state(network)
    for bias in (1, "true", [True]):
        path.write_text(json.dumps(damage(content, "network", "layers", 0, "neurons", 0, "bias", to=bias)))
        with pytest.raises(ValueError, match=r"does not fit the network: it has layers\.0\.neurons\.0\.b$"):
            load(path)


def test_every_truncation_is_refused(tmp_path):
    path = save(MLP(2, [2], seed=1), tmp_path / "n.json")
    whole = path.read_bytes()
    for length in range(len(whole.rstrip())):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"n\.json is damaged, or no file of tinygrad_edu"):
            load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.json")


def test_the_format_of_a_file_is_the_one_that_is_read_tomorrow(tmp_path):
    network = Neuron(1, seed=1)
    network.w[0].label = "w₁"
    text = save(network, tmp_path / "neuron.json").read_text(encoding="utf-8")
    content = json.loads(text)
    assert (content["format"], content["version"]) == ("tinygrad_edu network", 1)
    assert content["parameters"]["w.0"] == [network.w[0].data, "w₁", *network.w[0].place]
    assert '"w₁"' in text  # for people, as it is


def test_a_place_is_left_where_a_parameter_of_ones_own_has_none(tmp_path):
    class Mine(Module):
        def __init__(self, make):
            self.w = make()

    path = save(Mine(lambda: Neuron(1, seed=1).w[0]), tmp_path / "mine.json")
    again = load(path, Mine(lambda: Value(0.0)))
    assert again.w.data == Neuron(1, seed=1).w[0].data
    assert not hasattr(again.w, "place")


def test_loading_draws_no_random_numbers(tmp_path):
    path = save(Sequential(MLP(2, [3, 1], seed=1), Layer(1, 2, seed=2)), tmp_path / "n.json")
    before = random.getstate()
    load(path)
    assert random.getstate() == before


def test_a_bias_that_neurons_share_is_shared_again(tmp_path):
    again = there_and_back(Layer(2, 3, bias="shared", seed=1), tmp_path)
    assert again.neurons[0].b is again.neurons[1].b is again.neurons[2].b
    own = there_and_back(Layer(2, 2, seed=1), tmp_path)
    assert own.neurons[0].b is not own.neurons[1].b
    one = there_and_back(Layer(2, 1, seed=1), tmp_path)
    assert not json.loads((tmp_path / "network.json").read_text())["network"]["shared"]
    assert one.neurons[0].b is not None
