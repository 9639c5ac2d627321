"""What several rooms share: the neurons of a network, themes, commands to type, the classic mistakes.

The words for mistakes are in tests/mistakes.txt, which `python -m tests.test_shared` writes anew.
"""

import os
import re
import sys

import pytest

from tests import kept
from tinygrad_edu import Value, dot
from tinygrad_edu.expression import parse
from tinygrad_edu.misconceptions import MISCONCEPTIONS
from tinygrad_edu.neurons import first_weights, neurons
from tinygrad_edu.nn import MLP
from tinygrad_edu.shell import install, program
from tinygrad_edu.tasks.slips import LESSONS
from tinygrad_edu.themes import THEMES, theme


class Placed(Value):
    """A parameter of a network, as `neurons` knows them: with (layer, neuron, input), 0 for a bias."""

    __slots__ = ("place",)


def placed(data, *place):
    value = Placed(data)
    value.place = place
    return value


def weighted(layer, neuron, *inputs):
    weights = [placed(0.1 * k, layer, neuron, k) for k, _ in enumerate(inputs, start=1)]
    return weights, dot(weights, list(inputs))


def test_each_node_of_a_network_is_in_its_neuron():
    mlp = MLP(2, [2, 1], activation="tanh", seed=1)
    x = [Value(1.0), Value(2.0)]
    y = mlp(x)
    found = neurons(y)
    assert not {*x} & found.keys()
    for (layer, neuron), count in {
        (1, 1): 6,
        (1, 2): 6,
        (2, 1): 5,
    }.items():  # w w b dot z h; the last has no activation
        assert sum(place == (layer, neuron) for place in found.values()) >= count
    for parameter in mlp.parameters():
        assert found[parameter] == parameter.place[:2]
    assert found[y] == (2, 1)
    assert {*found.values()} == {(1, 1), (1, 2), (2, 1)}
    assert all(weight.place[2] == 1 for weight in first_weights(y).values())


def test_a_sum_over_the_weights_of_two_neurons_is_in_none():
    (a,), _ = weighted(1, 1, Value(1.0))
    (b,), _ = weighted(1, 2, Value(1.0))
    assert neurons(dot([a, b], [1.0, 2.0])) == {}


def test_only_a_dot_product_of_weights_begins_a_neuron():
    (a,), s = weighted(1, 1, Value(1.0))
    assert neurons(a * 2.0) == neurons(a + 1.0) == {}
    assert neurons(dot([Value(1.0)], [Value(2.0)])) == {}
    assert neurons(s + a) == {a: (1, 1), s: (1, 1)}  # a weight is no bias
    bias = placed(0.5, 1, 1, 0)
    product = dot([a, bias], [1.0, 1.0])
    assert neurons(product) == {a: (1, 1), product: (1, 1)}  # and a bias no weight


def test_neurons_behind_a_sum_of_others_are_found():
    parts = [weighted(1, neuron, Value(1.0)) for neuron in (1, 2, 3)]
    (_, s1), (_, s2), (_, s3) = parts
    expected = {node: (1, k) for k, (weights, s) in enumerate(parts, start=1) for node in (*weights, s)}
    assert neurons((s1 + s2) * s3) == expected


def test_a_bias_that_a_layer_shares_stands_outside():
    weights, s = weighted(1, 1, Value(1.0))
    shared = placed(0.5, 1, 0, 0)
    own = placed(0.5, 1, 1, 0)
    other = placed(0.5, 2, 1, 0)
    z = s + own
    assert neurons(z) == {weights[0]: (1, 1), s: (1, 1), z: (1, 1), own: (1, 1)}
    z = s + shared
    assert neurons(z) == {weights[0]: (1, 1), s: (1, 1), z: (1, 1)}
    z = s + other  # of another layer: no bias of this one
    assert neurons(z) == {weights[0]: (1, 1), s: (1, 1)}
    z = s * own
    assert neurons(z) == {weights[0]: (1, 1), s: (1, 1)}


def test_a_neuron_that_is_called_twice_has_the_nodes_of_both_calls():
    weights = [placed(0.1, 1, 1, 1)]
    bias = placed(0.5, 1, 1, 0)
    sums = [dot(weights, [x]) for x in (1.0, 2.0)]
    outputs = [s + bias for s in sums]
    assert neurons(outputs[0] * outputs[1]) == dict.fromkeys([*weights, *sums, *outputs, bias], (1, 1))


def test_an_activation_is_in_the_neuron_and_what_follows_is_not():
    _, s = weighted(1, 1, Value(1.0))
    z = s + placed(0.5, 1, 1, 0)
    h = z.tanh()
    assert neurons(h)[h] == (1, 1)
    assert h.exp() not in neurons(h.exp())
    direct = s.tanh()
    assert neurons(direct)[direct] == (1, 1)
    for outside in (s + s, s + weighted(1, 2, Value(1.0))[1], s * 2.0, z.exp().tanh()):
        assert outside not in neurons(outside)


def test_themes():
    for name, colours in THEMES.items():
        assert theme(name) is colours
        for colour in (*colours[:-1], *colours.series):
            assert re.fullmatch(r"#[0-9a-f]{6}", colour)
        assert len({*colours.series}) == 10
    with pytest.raises(ValueError, match="theme expected one of light, dark, print, got 'sepia'"):
        theme("sepia")


def linear(colour):
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def contrast(one, other):
    lights = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(one), linear(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_text_has_contrast(name):
    colours = THEMES[name]._asdict()
    backs = {
        "background": ("text", "data", "grad", "quiet", "accent", "line", "data_strong", "grad_strong"),
        **dict.fromkeys(("leaf", "operation", "constant"), ("text", "data", "grad")),
        "data_back": ("text", "data"),
        "grad_back": ("text", "grad"),
    }
    for back, texts in backs.items():
        assert contrast(colours[back], colours["background"]) < 2
        for text in texts:
            assert contrast(colours[text], colours[back]) >= 4.5, (text, back)
    for quiet, least in {"edge": 2.5, "hair": 1.4}.items():
        assert least < contrast(colours[quiet], colours["background"])
    assert contrast(colours["hair"], colours["background"]) < contrast(colours["edge"], colours["background"])


@pytest.mark.parametrize("name", ["light", "dark"])
def test_numbers_of_the_forward_pass_are_blue_and_of_the_backward_pass_red(name):
    for colour, found in THEMES[name]._asdict().items():
        if colour.startswith(("data", "grad")):
            red, _, blue = linear(found)
            assert (blue > red) == colour.startswith("data"), colour


def test_the_command_that_installs(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/a b/python")
    assert install("x", "y==1") == "'/a b/python' -m pip install x y==1"
    monkeypatch.setattr(sys, "executable", None)
    assert install("x") == "python -m pip install x"
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert install("x", "y") == "import micropip; await micropip.install(['x', 'y'])"


def script(folder, name="tool"):
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_how_a_program_is_started(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    assert program("tool") == f"{tmp_path}/bin/python -m tinygrad_edu"
    script(tmp_path / "bin")
    assert program("tool") == "bin/tool"
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    assert program("tool") == "../../bin/tool"
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert program("tool") == "tool"
    script(tmp_path / "elsewhere")  # another of the same name goes before
    monkeypatch.setenv("PATH", f"{tmp_path}/elsewhere:{tmp_path}/bin")
    assert program("tool") == "../../bin/tool"
    (tmp_path / "elsewhere" / "tool").unlink()
    os.symlink(tmp_path / "bin" / "tool", tmp_path / "elsewhere" / "tool")
    assert program("tool") == "tool"
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.chdir(tmp_path)
    assert program("tool") == "python -m tinygrad_edu"


def test_a_far_program_is_started_by_its_shortest_path(tmp_path, monkeypatch):
    script(tmp_path / "with space")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "with space" / "python"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    assert program("tool") == "'with space/tool'"
    deep = tmp_path / "/".join("abcdefghijklmnopqrstuvwxyz")
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert program("tool") == min(f"'{tmp_path}/with space/tool'", "'" + "../" * 26 + "with space/tool'", key=len)


NUMBERS = {"right": 6.0, "upstream": 2.0, "local": 3.0, "swapped": 5.0, "last": 4.0, "before": 7.0, "count": 3.0}
NUMBERS |= {"data": 0.5, "out": 0.25}


def test_what_each_mistake_comes_to():
    values = {name: Value(x, name) for name, x in NUMBERS.items()}
    wrong = {
        m.name: parse(m.wrong).build({x: value for x, value in values.items() if x in re.findall(r"\w+", m.wrong)}).data
        for m in MISCONCEPTIONS
    }
    assert wrong == {
        "sign of a difference": -6.0,
        "overwritten": 4.0,
        "no zero_grad": 13.0,
        "inner derivative missing": 2.0,
        "gradient from above missing": 3.0,
        "swapped operands": 10.0,
        "added instead of multiplied": 5.0,
        "the square's 2": 3.0,
        "counted twice": 12.0,
        "mean instead of sum": 2.0,
        "sigmoid' of the input": 0.5,
        "tanh' of the input": 1.5,
        "the value, not its derivative": 0.25,
        "the operand, not its derivative": 0.5,
    }
    assert all(m.hint.endswith("?") and m.lesson[-1].isalnum() for m in MISCONCEPTIONS)


def words_for_mistakes():
    return LESSONS | {m.name: f"{m.lesson}. {m.hint}" for m in MISCONCEPTIONS}


def test_what_is_said_of_a_mistake_is_what_was_said():
    assert words_for_mistakes() == kept.read("mistakes.txt")


if __name__ == "__main__":
    kept.write("mistakes.txt", words_for_mistakes())
