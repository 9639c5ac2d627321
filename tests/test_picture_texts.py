"""Explanations and the sources of pictures, whole: tests/show.txt; `python -m tests.test_picture_texts` writes it anew.

Whoever changes one on purpose looks at the picture, and reads how that file changes.
"""

import pytest

from tests import kept
from tests.test_picture import NASTY
from tinygrad_edu import TABLE, Value, dot, logsumexp
from tinygrad_edu.engine import nodes
from tinygrad_edu.lesson import forward
from tinygrad_edu.lesson import network as article
from tinygrad_edu.nn import MLP
from tinygrad_edu.show import count_operations, draw, explain, explain_update, name, tree
from tinygrad_edu.show.names import Names


def worked():
    mlp = article()
    return mlp, forward(mlp).total


def labelled(value, label):
    value.label = label
    return value


def mixed():
    """A root with many operations, constants on either side, a value used twice, and one gradient left from before."""
    a, b, c = Value(0.7, "a"), Value(1.9, "b_2"), Value(-0.6, "c")
    z = labelled(a * b + c, "z")
    h = labelled(z.tanh(), "h")
    y = labelled((h * a - b / (c + 3.0)).sigmoid(), "y")
    return labelled((y - 0.3) ** 2 + (a * 1.3).exp() * h.sin() - (2.0 - b) / a + b**-1.5 + (-c).relu(), "E"), (a, b, c)


def unnamed():
    x, y = Value(2.0), Value(-3.0)
    return dot([x, y, 2.0], [y, 0.5, x]) + logsumexp([x, y, x * y]) - abs(y) * x.sqrt(), (x, y)


def doubled(count):
    x = y = Value(1.0, "x")
    for _ in range(count):
        y = y * 0.5 + y * 0.49
    return y, x


def closed(sizes=(2, [2, 2, 1])):
    mlp = MLP(*sizes, activation="tanh", seed=1)
    inputs = [Value(0.5 - k, f"x{k}") for k in range(1, sizes[0] + 1)]
    return mlp, labelled((mlp(inputs) - 1.0) ** 2, "E")


def done(root):
    root.backward()
    return root


def texts():
    made = {}
    mlp, E = worked()
    w1, w5 = mlp.layers[0].neurons[0].w[0], mlp.layers[1].neurons[0].w[0]
    for what, of in (("w1", w1), ("w5", w5), ("E", E)):
        explanation = explain(E, of)
        for form in ("text", "markdown", "latex", "html"):
            made[f"explain {what} as {form}"] = getattr(explanation, form)()
        made[f"explain {what}, shown"] = repr(explanation)
    made["explain on paper"] = explain(E, w1, paper=True, digits=3).text()
    made["explain in two digits"] = explain(E, w1, digits=2).text()
    for through in ("neurons", "names", "operations"):
        made[f"explain through {through}"] = explain(E, w1, through=through).text()
    made["explain through two nodes"] = explain(E, w1, through=[n for n in nodes(E) if n.label in ("z3", "y2")]).text()
    made["explain with 1 path"] = explain(E, w1, top=1).text()
    for form in ("text", "markdown", "latex", "html"):
        made[f"update as {form}"] = getattr(explain_update(E, w1, lr=0.25), form)()
    made["update on paper"] = explain_update(E, w5, paper=True, digits=3, through="neurons").text()
    root, leaves = mixed()
    for leaf in leaves:
        for form in ("text", "markdown", "latex", "html")[:: 1 if leaf is leaves[0] else 4]:
            made[f"explain {leaf.label} of many operations as {form}"] = getattr(explain(root, leaf), form)()
    made["update of a constant"] = explain_update(root, leaves[2], lr=2).text()
    bare, inputs = unnamed()
    for k, leaf in enumerate(inputs):
        made[f"explain an input {k} without a name"] = explain(bare, leaf).text()
    many, x = doubled(12)
    for form in ("text", "markdown", "latex", "html"):
        made[f"explain many paths as {form}"] = getattr(explain(many, x, top=2), form)()
    for row in TABLE.values():
        values = [
            Value((d.low + 3 * d.high) / 4 if d.low > -3 else 0.7 + k, "xyz"[k]) for k, d in enumerate(row.domains)
        ]
        of = row.function(*[[v, v * 0.5] for v in values]) if row.many else row.function(*values)
        made[f"explain {row.name}"] = "\n".join(
            getattr(explain(of, v), form)() for v in values for form in ("text", "latex")[: 1 + (len(values) == 1)]
        )
    made |= pictures()
    made |= trees()
    return made


def pictures():
    mlp, E = closed((1, [2, 1]))
    w1 = mlp.layers[0].neurons[0].w[0]
    made = {"draw before": draw(E).source}
    for k in (0, 1, 4):
        made[f"draw step {k}"] = draw(E, step=k).source + draw(E, step=k).caption
    done(E)
    for what, options in {
        "as it is": {},
        "dark, from top to bottom": {"theme": "dark", "rankdir": "TB"},
        "on paper, in two digits": {"theme": "print", "digits": 2},
        "with contributions": {"contributions": True},
        "without constants": {"constants": False},
        "without boxes": {"boxes": False},
        "with layers as boxes": {"boxes": "layers"},
        "to a depth": {"depth": 3},
        "with the way of w1": {"highlight": w1},
        "with the way of w1 on paper": {"highlight": [w1, mlp.layers[1].neurons[0].w[0]], "theme": "print"},
        "with neurons closed": {"collapse": "neurons"},
        "with layers closed": {"collapse": "layers"},
        "with one layer closed": {"collapse": [1]},
        "with the way of w1 into closed neurons": {"collapse": "neurons", "highlight": w1},
    }.items():
        try:
            made[f"draw {what}"] = draw(E, **options).source
        except (ValueError, TypeError) as error:
            made[f"draw {what}"] = str(error)
    root, (a, b, _) = mixed()
    done(root)
    made["draw many operations with a way"] = draw(root, highlight=a, contributions=True).source
    b.grad += 0.5
    made["draw what is from before"] = draw(root).source
    made["draw without names"] = draw(done(unnamed()[0])).source
    _, loss = closed()
    done(loss)
    for collapse in ("neurons", [2, 3]):
        made[f"draw a network, closed: {collapse}"] = draw(loss, collapse=collapse).source
    for nasty in ("quotes", "backslashes", "script", "table", "newlines", "entity", "escapes", "colon", "blank"):
        v = Value(1.5, NASTY[nasty])
        made[f"draw the label {nasty}"] = draw(v * v).source + "\n" + tree(v * v) + "\n" + explain(v * v, v).latex()
    made["draw numbers that are not finite"] = draw(Value(1e200, "a") * Value(1e200, "b")).source
    made["draw an edge without a derivative"] = draw((Value(0.0, "x") * 2).sqrt()).source
    return made


def trees():
    _, E = worked()
    made = {"tree before": tree(E), "tree": tree(done(E)), "tree of two levels": tree(E, depth=2)}
    made["tree in two digits"] = tree(E, digits=2)
    made["tree of ten lines"] = tree(E, max_lines=10)
    root, _ = mixed()
    made["tree of many operations"] = tree(done(root))
    made["tree without names"] = tree(done(unnamed()[0]))
    made["tree of a chain"] = tree(doubled(6)[0])
    for what, of in (("the worked example", E), ("many operations", root), ("many paths", doubled(40)[0])):
        made[f"costs of {what}"] = str(count_operations(of))
    _, loss = closed()
    made["names of a network"] = "\n".join(map(Names(loss).text, nodes(loss)))
    h, k = Value(1.0), [Value(2.0), Value(3.0)]
    name({"h": h, "k": k, "_m": Value(1.0), "n": (h * k[0],)})
    made["names of variables"] = " ".join(v.label for v in (h, *k))
    return made


@pytest.fixture(scope="module")
def before():
    return kept.read("show.txt")


@pytest.fixture(scope="module")
def now():
    return {key: clean(text) for key, text in texts().items()}


def clean(text):
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_the_same_texts_are_kept(before, now):
    assert list(now) == list(before)


@pytest.mark.parametrize("key", kept.read("show.txt"))
def test_a_text_is_what_it_was(key, before, now):
    assert now[key].splitlines() == before[key].splitlines()


if __name__ == "__main__":
    kept.write("show.txt", {key: clean(text) for key, text in texts().items()})
