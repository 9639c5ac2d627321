"""The arithmetic of a page, run by Node: what it computes is what the engine does, at the edges of floats too."""

import json
import math
import shutil
import struct
from fractions import Fraction

import pytest

from tests.pages import node
from tinygrad_edu import TABLE, Value, dot, logsumexp, registered
from tinygrad_edu.engine import local_derivatives, nodes
from tinygrad_edu.engine.formulas import on_floats
from tinygrad_edu.show.javascript import PRIMITIVES, operations, program
from tinygrad_edu.show.numbers import shown
from tinygrad_edu.show.page import formula, in_json, resource

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="no Node to run JavaScript with")
SPECIAL = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 1.9999, -1.9999, 2.0001, -2.0001, 5.0, -5.0, 26.0, -26.0]
SPECIAL += [1e-300, -1e-8, 700.0, -700.0, 1e300, math.inf, -math.inf, math.nan]


def same(found, expected, ulps=8):
    found = float(found.replace("Infinity", "inf").replace("NaN", "nan"))
    if expected != expected or math.isinf(expected) or expected == 0.0:
        return struct.pack("d", found) == struct.pack("d", expected) or (found != found and expected != expected)
    return abs(found - expected) <= ulps * math.ulp(expected)


def graphs():
    """A graph of each row: of Values, of a Value twice, beside constants of either sign."""
    for row in TABLE.values():
        xs = [Value((d.low + 3 * d.high) / 4 if d.low > -3 else 0.7 + k) for k, d in enumerate(row.domains)]
        if row.many:
            columns = [[x, x * 0.5, -1.25, x, Value(0.3), 2.0] for x in xs]
            yield row.function(*columns)
            yield row.function(*[[x] for x in xs])
            continue
        yield row.function(*xs)
        if len(xs) == 2:
            for constant in (2.0, -2.0, 0.5):
                yield row.function(xs[0], constant) if row.name != "pow" else xs[0] ** constant
                yield row.function(abs(constant) if row.name == "pow" else constant, xs[1])
            yield row.function(xs[0], xs[0])
    a, b = Value(1.5), Value(-0.5)
    yield -a * b - -b + 2 - (a - (b - 3)) / (a * (b / 2))
    yield -(a**2) + (-b) ** 2.0 + (-2.0) * -a + a**-b
    yield logsumexp([a, b, -1000.0, a]) + logsumexp([a * 1e16, a * 1e16]) * 1e-16 + dot([a, 1.0], [-1.0, b])


def test_each_operation_and_its_derivatives():
    roots = [root for root in graphs()]
    script, expected = operations() + "\n", []
    parts = []
    for root in roots:
        found = nodes(root)
        data = [value.data for value in found]
        expected.append([(k, value.data, local_derivatives(value)) for k, value in enumerate(found) if value.parents])
        parts.append(
            f"(() => {{ {program(found)} const v = {json.dumps(data)}; "
            "return forward.map((f, k) => f ? [k, f(v), partials[k](v)] : null).filter(Boolean); })()"
        )
    result = node(script + "const result = [" + ",\n".join(parts) + "];")
    for mine, its in zip(expected, result, strict=True):
        assert len(mine) == len(its)
        for (k, value, derivatives), (place, number, partials) in zip(mine, its, strict=True):
            assert k == int(place) and same(number, value), (value, number)
            of_values = [(i, partial) for i, partial in enumerate(partials) if partial is not None]
            assert [i for i, _ in of_values] == [i for i, _, _ in derivatives]
            assert all(same(p, d) for (_, p), (_, _, d) in zip(of_values, derivatives, strict=True)), (its, mine)


@pytest.mark.parametrize("name", PRIMITIVES)
def test_primitives_at_the_edges_of_floats(name):
    from tinygrad_edu.replay.primitives import Ieee, on_ieee

    row = TABLE.get(name)
    if row is None or name == "pow" or row.many:
        pytest.skip("for another test")
    at = [[x] for x in SPECIAL] if len(row.operands) == 1 else [[x, y] for x in SPECIAL for y in SPECIAL]
    texts = json.dumps([[str(x) for x in operands] for operands in at])
    read = "{'nan': NaN, 'inf': Infinity, '-inf': -Infinity}"
    script = f"{operations()}\nconst known = {read};\nconst of = (t) => t in known ? known[t] : Number(t);\n"
    result = node(script + f"const result = {texts}.map((at) => operation.{name}(...at.map(of)));")
    for operands, number in zip(at, result, strict=True):
        expected = float(on_ieee(row)(*map(Ieee, operands)))
        loose = 512 if name == "erfc" else 8
        assert same(number, expected, loose) or (expected == 0 == float(number)), (operands, number, expected)


def test_an_operation_that_javascript_has_not_is_refused():
    with registered("twice", "2x", "x + x", "2"):
        assert "const op_twice = (x) => x + x;" in operations()
        assert same(node(operations() + "\nconst result = operation.twice(-0.0);"), -0.0)
    assert on_floats(TABLE["square"])(3.0) == 9.0


@pytest.mark.parametrize("digits", [2, 4, 6])
def test_numbers_are_written_as_in_python_by_node(digits):
    numbers = [0.0, -0.0, 1.0, -1.5, 1e-5, 123456.789, 1e21, -1e-9, 2 / 3, 0.99996, 9.99995, 99999.5, 1e5, 1e308]
    numbers += [x * 10**k for x in (1.23456789, -9.999999, 5.5) for k in range(-12, 20)]
    script = f"const trace = {{digits: {digits}}};\n{resource('numbers.js')}\n"
    script += f"const result = [{json.dumps(numbers)}.map((x) => shown(x)), "
    script += "[NaN, Infinity, -Infinity].map((x) => shown(x)), "
    result = node(script + "[shownDerivative(NaN), shownDerivative(-0.5), shown(1 / 3, 3)]];")
    assert result[0] == [shown(x, digits) for x in numbers]
    assert result[1:] == [["nan", "∞", "−∞"], ["none", "−0.5", "0.333"]]


def test_constants_of_formulas_are_what_they_were():
    a = Value(2.0)

    def coded(*parts):
        return formula(lambda: parts[0] if len(parts) == 1 else parts, {a: 7})

    assert [coded(Fraction(n)) for n in (3, -3, 0, 2**53 - 1)] == [3, -3, 0, 2**53 - 1]
    assert all(type(coded(Fraction(n))) is int for n in (3, -3, 0, 2**53 - 1))
    assert (coded(Fraction(1, 2)), coded(Fraction(-3, 8)), coded(Fraction("0.1"))) == (0.5, -0.375, 0.1)
    assert coded(Fraction(1, 3)) == ["*", 1, ["**", 3, -1]]
    assert [coded(Fraction(2**60)), coded(Fraction(1, 2**60))] == [2.0**60, ["*", 1, ["**", 2.0**60, -1]]]
    assert coded("+", a, Fraction(1, 2)) == ["+", "7", 0.5]
    assert formula(lambda: Fraction(math.inf), {}) is None
    assert [in_json(x) for x in (1.5, math.inf, -math.inf, math.nan)] == [1.5, "Infinity", "-Infinity", "NaN"]
