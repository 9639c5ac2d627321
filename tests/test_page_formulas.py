"""Formulas on the page, run by Node: read from what a person types, and written as a textbook has them."""

import json
import math
import random
import shutil
from functools import cache

import pytest

from tests.pages import node
from tinygrad_edu.show.javascript import operations
from tinygrad_edu.show.page import resource

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="no Node to run JavaScript with")

NAMES = {"a": 0.7, "b": -1.9, "y₁": 2.5, "w5": 0.25, "x12": 3.0, "E": 0.5, "α_2": 1.25, "ln2x": 4.0, "r²": 9.0}

# What the scripts need of a document: elements that are appended to, and read again.
DOCUMENT = """
const joined = (parent, child) => Object.assign(typeof child === "string" ? { nodeType: 3, data: child } : child,
  { previousSibling: parent.childNodes[parent.childNodes.length - 1] ?? null });
const document = { createElementNS: (space, localName) => ({ localName, nodeType: 1, childNodes: [], attributes: {},
  append(...children) { for (const child of children) this.childNodes.push(joined(this, child)); },
  setAttribute(key, value) { this.attributes[key] = value; } }) };
const markup = (e) => e.nodeType === 3 ? e.data : `<${e.localName}${Object.entries(e.attributes).map(([k, x]) =>
  ` ${k}=${x}`).join("")}>${e.childNodes.map(markup).join("")}</${e.localName}>`;
"""


def on_page(expression, *values):
    """A JavaScript function of each of some values, on a page whose nodes are NAMES."""
    nodes = [{"name": name, "data": x} for name, x in NAMES.items()]
    scripts = "\n".join([operations(), DOCUMENT, resource("numbers.js"), resource("formulas.js")])
    return node(
        f"const trace = {{digits: 4}}, nodes = {json.dumps(nodes)}, name = (k) => nodes[k].name, "
        f"v = nodes.map((n) => n.data);\n{scripts}\nconst result = {json.dumps(values)}.map({expression});"
    )


def number(text):
    return float(text.replace("Infinity", "inf").replace("NaN", "nan"))


READ = {
    "2 + 3 * 4": 14,
    "2 - 3 - 4": -5,
    "2 − 3 + 4": 3,
    "8 / 4 / 2": 1,
    "8:4:2": 1,
    "2 / 4 * 8": 4,
    "2 × 3 · 4": 24,
    "2 ^ 3 ^ 2": 512,
    "2 ** 3": 8,
    "-2 ^ 2": -4,
    "(-2) ^ 2": 4,
    "2 ^ -1": 0.5,
    "2 ^ −2": 0.25,
    "- -3": 3,
    "−−−3": -3,
    "+3": 3,
    "2 * -3": -6,
    "2 - -3": 5,
    "2 + +3": 5,
    "6 / -3": -2,
    "5²": 25,
    "2³": 8,
    "a²b": 0.49 * -1.9,
    "1.5e-3": 1.5e-3,
    "2E2": 200,
    "1e+2": 100,
    ".5": 0.5,
    "2.": 2,
    "10.25": 10.25,
    "((7))": 7,
    "2a": 1.4,
    "2 a b": 2 * 0.7 * -1.9,
    "a(1 − a)": 0.7 * (1 - 0.7),
    "(1 - a)(1 + a)": 1 - 0.49,
    "a/b a": 0.7 / -1.9 * 0.7,
    "2 sin(a)": 2 * math.sin(0.7),
    "2 sin(a)²": 2 * math.sin(0.7) ** 2,
    "y1": 2.5,
    "y₁": 2.5,
    "y_1": 2.5,
    "w5 + w_5 + w₅": 0.75,
    "x12": 3,
    "x₁₂": 3,
    "α2": 1.25,
    "E": 0.5,
    "e": None,
    "σ(a)": 1 / (1 + math.exp(-0.7)),
    "ln(y1)": math.log(2.5),
    "ln2x": 4,
    "√(y1 y1)": 2.5,
    "√y1": None,
    "atan2(a, b)": math.atan2(0.7, -1.9),
    "maximum(b, a)": 0.7,
    "hypot(3, 4)": 5,
    "a)": None,
    "(a": None,
    "sin(a": None,
    "sin a": None,
    "": None,
    "2 3": None,
    "2,3": None,
    "a b c": None,
    "toString(1)": None,
    "²": None,
    "a³": 0.343,
    "a²²": None,
    "r²": 9,
    "r²²": 81,
    "r³": None,
    "2r² a": 2 * 9 * 0.7,
}


def test_what_is_typed_is_read():
    result = on_page("(t) => { try { return evaluated(read(t), v); } catch (e) { return e.constructor.name; } }", *READ)
    for (text, expected), found in zip(READ.items(), result, strict=True):
        if expected is None or found == "Unreadable":
            assert expected is None and found == "Unreadable", text
        else:
            assert number(found) == pytest.approx(expected, rel=1e-15, abs=0), text


def test_what_is_wrong_with_it_is_said():
    words = {
        "": "Something is missing at the end.",
        "2 *": "Something is missing at the end.",
        "sin(a": "A bracket is not closed.",
        "(a + b": "A bracket is not closed.",
        "sin(a; b)": "A bracket is not closed.",
        "a quark": "“quark” is no name in this graph.",
        "sin + 1": "“sin” is no name in this graph.",
        "2 3": "“3” is not expected here.",
        "a + 2)": "“)” is not expected here.",
    }
    assert on_page("(t) => { try { read(t); } catch (e) { return e.message; } }", *words) == list(words.values())


def test_names_and_their_absence():
    given = ["1", "-1", "a", "2 + sin(3)", "2 + sin(b)", "2 ^ y1"]
    found = on_page("(t) => String(hasNames(read(t)))", *given)
    assert found == ["false", "false", "true", "false", "true", "true"]


WRITTEN = [
    (3, "3"),
    (-3, "−3"),
    (0.5, "0.5"),
    (1e-9, "1 · 10^−9"),
    (-2.5e21, "−2.5 · 10^21"),
    ("0", "a"),
    ("2", "y₁"),
    (["+", "0", "1"], "a + b"),
    (["+", "0", -1], "a − 1"),
    (["+", -1, "0"], "a − 1"),
    (["+", ["*", -1, "0"], 1], "1 − a"),
    (["+", ["*", -2, "0"], ["*", -1, "1"]], "−2 · a − b"),
    (["+", "0", ["*", -2, "0", "1"]], "a − 2 · a · b"),
    (["+", "0", ["+", "1", "2"]], "a + (b + y₁)"),
    (["+", ["+", "0", "1"], "2"], "a + b + y₁"),
    (["*", "0", ["+", 1, ["*", -1, "0"]]], "a · (1 − a)"),
    (["*", -1, "0"], "−a"),
    (["*", -1, "0", "1"], "−a · b"),
    (["*", 1, "0"], "a"),
    (["*", -1, 1], "−1"),
    (["*", 1, 1], "1"),
    (["*", 2, "0", -3], "−2 · a · 3"),
    (["*", -2, "0", -3], "2 · a · 3"),
    (["*", 2, "0", ["**", "1", -1], -3], "−(2 · a · 3)/b"),
    (["*", "0", ["*", "1", "2"]], "a · (b · y₁)"),
    (["*", "0", ["**", "1", -1]], "a/b"),
    (["*", "0", ["**", "1", -2]], "a/b^2"),
    (["*", "0", "1", ["**", "2", -1], ["**", "3", -1]], "(a · b)/(y₁ · w5)"),
    (["*", -1, ["**", "0", -1]], "−1/a"),
    (["**", "0", -1], "1/a"),
    (["**", "0", -0.5], "1/a^0.5"),
    (["*", ["+", "0", "1"], ["**", ["+", "0", 2], -1]], "(a + b)/(a + 2)"),
    (["*", "0", ["*", "1", ["**", "2", -1]]], "a · b/y₁"),
    (["**", "0", 2], "a^2"),
    (["**", ["+", "0", "1"], 2], "(a + b)^2"),
    (["**", ["*", "0", "1"], 2], "(a · b)^2"),
    (["**", ["**", "0", 2], 3], "(a^2)^3"),
    (["**", -2, "0"], "(−2)^a"),
    (["**", "0", ["+", "1", 1]], "a^(b + 1)"),
    (["**", "0", "1"], "a^b"),
    (["*", 2, -3, -5, "0", -7], "−2 · 3 · 5 · a · 7"),
    (["*", 0, "0"], "0 · a"),
    (["*", 0.5, "0"], "0.5 · a"),
    (["*", "0", ["**", "1", 0]], "a · b^0"),
    (["*", "0", ["**", "1", 0.5]], "a · b^0.5"),
    (["*", ["+", "0", "1"]], "(a + b)"),
    (["*", ["*", "0", "1"]], "a · b"),
    (["*", "0", ["*", "1", "2"], 3], "a · (b · y₁) · 3"),
    (["**", "0", 0], "a^0"),
    (["**", 0.5, "0"], "0.5^a"),
    (["**", 0, "0"], "0^a"),
    (["+", "0", 0.5], "a + 0.5"),
    (["+", "0", 0], "a + 0"),
    (["+", "0", ["*", 0.5, "1"]], "a + 0.5 · b"),
    (["+", "0", ["*", 0, "1"]], "a + 0 · b"),
    (["+", "0", ["*", -1, ["+", "1", "2"]]], "a − (b + y₁)"),
    (["+", "0", ["*", -1, "1", ["**", "2", -1]]], "a − b/y₁"),
    (["sqrt", ["+", "0", 1]], "√(a + 1)"),
    (["abs", "1"], "|b|"),
    (["sigmoid", "0"], "σ(a)"),
    (["sin", ["+", "0", "1"]], "sin(a + b)"),
    (["atan2", "0", -1], "atan2(a,−1)"),
    (["+", *"01234"], "a + b + y₁ + w5 + x12"),
    (["+", *"012345"], "a + b + … + E"),
    (["+", *"01234", ["+", "0", "1"]], "a + b + … + (a + b)"),
]


def test_formulas_are_written_in_names():
    found = on_page("(tree) => plain(inNames(tree))", *[tree for tree, _ in WRITTEN])
    assert dict(zip(map(json.dumps, (tree for tree, _ in WRITTEN)), found, strict=True)) == {
        json.dumps(tree): text for tree, text in WRITTEN
    }


def test_formulas_are_written_in_numbers():
    cases = {
        '"1"': "−1.9",
        '["+", "0", "1"]': "0.7 + (−1.9)",
        '["*", "0", "1"]': "0.7 · (−1.9)",
        '["**", "1", 2]': "(−1.9)^2",
        '["*", -1, "1"]': "−(−1.9)",
        '["+", 1, ["*", -1, "0"]]': "1 − 0.7",
        '["+", "1", "0"]': "−1.9 + 0.7",
    }
    assert on_page("(tree) => plain(inNumbers(tree))", *map(json.loads, cases)) == list(cases.values())


def test_formulas_are_elements_of_mathml():
    cases = {
        '["*", "0", ["**", "2", -2]]': "<mfrac><mi>a</mi><msup><msub><mi>y</mi><mn>1</mn></msub>"
        "<mn>2</mn></msup></mfrac>",
        '["sqrt", ["abs", "4"]]': "<msqrt><mrow><mo>|</mo><mi>x12</mi><mo>|</mo></mrow></msqrt>",
        '["sigmoid", 1e-7]': "<mrow><mi>σ</mi><mo>(</mo><mrow><mn>1</mn><mo>·</mo>"
        "<msup><mn>10</mn><mn>−7</mn></msup></mrow><mo>)</mo></mrow>",
        '["atan2", "6", "7"]': "<mrow><mi>atan2</mi><mo>(</mo><mi>α_2</mi><mo>,</mo><mi>ln2x</mi><mo>)</mo></mrow>",
    }
    assert on_page("(tree) => markup(inNames(tree))", *map(json.loads, cases)) == list(cases.values())
    sign = "<mo form=infix lspace=0.27em rspace=0.27em>{}</mo>"  # before which a line may break
    assert on_page("(text) => markup(mo(text))", *"=×+·") == [*map(sign.format, "=×+"), "<mo>·</mo>"]
    assert on_page("(text) => markup(mo(text))", "+=") == [sign.format("+=")]
    parts = on_page("(x) => markup(x < 0 ? factor(x) : mn(String(x)))", -2, 5)
    assert parts == ["<mrow><mo>(</mo><mn>−2</mn><mo>)</mo></mrow>", "<mn>5</mn>"]
    assert on_page("([k, l]) => plain(derivative(k, l))", [2, 0], [5, 4]) == ["∂y₁/∂a", "∂E/∂x12"]
    assert on_page("() => [plain(mn(NaN)), plain(mn(Infinity)), plain(factor(0)), plain(factor(NaN))]", 0) == [
        ["none", "∞", "0", "none"]
    ]


def test_a_line_as_text():
    """With the spaces that a reader expects around its signs, at its beginning too."""
    script = "(parts) => plain(row(...parts.map((p) => /^[=+×−·→,(|]/.test(p) ? mo(p) : math('mi', p))))"
    cases = {
        "a=b": "a = b",
        "=b": "= b",
        "+b": "+ b",
        "−b": "−b",
        "a+=b": "a += b",
        "×b": "× b",
        "(a": "(a",
        "a→b": "a → b",
    }
    split = [list(c) if "+=" not in c else ["a", "+=", "b"] for c in cases]
    assert on_page(script, *split) == list(cases.values())


@cache
def trees():
    """Random formulas, of few enough terms to be written whole."""
    rng = random.Random(11)

    def tree(depth):
        kind = rng.choice(
            ["name", "number", "+", "*", "**", "/", "sin", "sqrt", "sigmoid", "atan2"] if depth else ["name"]
        )
        if kind == "name":
            return str(rng.randrange(len(NAMES)))
        if kind == "number":
            return rng.choice([1, 2, 3, 0.5, -1, -2, -0.25, 1e-7, -3e6])
        if kind in "+*":
            return [kind, *(tree(depth - 1) for _ in range(rng.randint(2, 4)))]
        if kind == "**":
            return ["**", tree(depth - 1), rng.choice([2, 3, -1, -2, 0.5])]
        if kind == "/":
            return ["*", tree(depth - 1), ["**", tree(depth - 1), -1]]
        return [kind, *(tree(depth - 1) for _ in range(2 if kind == "atan2" else 1))]

    return [tree(4) for _ in range(400)]


def test_what_is_written_reads_as_the_formula_that_it_was():
    for write in ("inNames", "inNumbers"):
        pairs = on_page(f"(t) => [evaluated(t, v), evaluated(read(plain({write}(t))), v), plain({write}(t))]", *trees())
        told = 0
        for mine, its, text in pairs:
            if write == "inNames" or (math.isfinite(number(mine)) and "." not in text):
                told += 1
                assert number(its) == pytest.approx(number(mine), rel=1e-9, nan_ok=True), text
        assert told > 20
