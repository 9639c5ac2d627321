"""Draw the pictures of the documentation: `python docs/images/make.py`."""

import os
from doctest import DocTestParser
from pathlib import Path

from tinygrad_edu import MLP, Value, compile, draw, sum
from tinygrad_edu.files import write
from tinygrad_edu.lesson import forward, network

HERE = Path(__file__).parent


def worked_example():
    """The 2-2-2 network after the backward pass, with the way from w5 to E."""
    mlp = network()
    passed = forward(mlp)
    passed.total.backward()
    return draw(passed.total, highlight=mlp.layers[1].neurons[0].w[0], rankdir="TB")


def micrograd():
    """The expression of micrograd's README."""
    a, b = Value(-4.0, "a"), Value(2.0, "b")
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    for label, value in {"c": c, "d": d, "e": e, "f": f, "g": g}.items():
        value.label = label
    g.backward()
    return draw(g, rankdir="TB")


def contributions():
    """A neuron and its loss, with what each edge adds, and a weight in which an earlier pass left something."""
    w, x, b = Value(0.3, "w"), Value(2.0, "x"), Value(0.1, "b")
    (w * 0.5).backward()
    loss = ((w * x + b).sigmoid() - 1) ** 2 + 0.1 * w**2
    loss.label = "loss"
    loss.backward()
    return draw(loss, contributions=True)


def collapsed_2_16_16_1():
    """A network too large to draw in full, a box a layer, with the hinge loss of one example."""
    model = MLP(2, [16, 16, 1], seed=1337)
    x1, x2 = Value(0.5, "x1"), Value(-1.0, "x2")
    score = model([x1, x2])
    loss = (1 - score).relu()
    loss.label = "loss"
    loss.backward()
    return draw(loss, collapse="layers")


def demo_arrays():
    """The matrices in the scalars of micrograd's demo; it takes NumPy."""
    network = MLP(2, [16, 16, 1], activation="relu", seed=1)
    x1, x2, y = Value(0.5, "x1"), Value(-0.3, "x2"), Value(1.0, "y")
    penalty = 1e-4 * sum([p * p for p in network.parameters()])
    loss = (1 - y * network([x1, x2])).relu() + penalty
    return draw(compile(loss, network.parameters(), [x1, x2, y]), rankdir="TB")


def gpt_arrays():
    """The program of docs/gpt.md, as the page makes it; it takes NumPy."""
    made = {}
    for example in DocTestParser().get_examples((HERE.parent / "gpt.md").read_text(encoding="utf-8")):
        if "program" not in made:
            exec(example.source, made)
    return draw(made["program"], rankdir="TB")


PICTURES = worked_example, micrograd, contributions, collapsed_2_16_16_1, demo_arrays, gpt_arrays

if __name__ == "__main__":
    os.environ["PATH"] = ""  # so that it is the Graphviz from PyPI that draws, whose letters are as wide as a browser's
    for picture in PICTURES:
        print(write(HERE / f"{picture.__name__}.svg", picture().pipe(format="svg")))
