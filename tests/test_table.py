"""Every row of the table: value and partials against SymPy, differences and each other."""

import math
import random

import pytest

import tinygrad_edu
from tinygrad_edu import TABLE, Value, grad
from tinygrad_edu.engine.primitives import sympy_primitives
from tinygrad_edu.engine.registry import function, on_floats, partials_on_floats
from tinygrad_edu.engine.validation import check_formulas

ROWS = list(TABLE.values())
PLAIN = [row for row in ROWS if not row.many]
SMOOTH = [row for row in PLAIN if not row.kink]
POINTS = 40


def named(row):
    return row.name


def points(row, count=POINTS):
    """Operands from the row's domain, away from its kink."""
    rng = random.Random(row.name)
    found = []
    while len(found) < count:
        at = [rng.uniform(domain.low, domain.high) for domain in row.domains]
        scope = dict(zip(row.operands, at, strict=True))
        smooth = not row.kink or abs(eval(row.kink, scope)) > 0.05
        if smooth and all(x in d for x, d in zip(at, row.domains, strict=True)):
            found.append(at)
    return found


def central(f, x, low, high):
    """The central difference with a scaled step, over the representable width."""
    h = min(6e-6 * max(1.0, abs(x)), (x - low) / 4 or math.inf, (high - x) / 4 or math.inf)
    up, down = x + h, x - h
    return (f(up) - f(down)) / (up - down)


def close(analytic, numeric, value, x):
    """The default tolerance of gradient checking: its absolute part grows with the value, as round-off does."""
    absolute = 1e-8 * max(1, abs(value)) / max(1, abs(x))
    return abs(analytic - numeric) <= absolute + 1e-6 * max(abs(analytic), abs(numeric))


def gradient_errors(row, samples):
    """Each point at which the gradient that `backward` gives differs from the central difference."""
    wrong = []
    for at in samples:
        operands = [Value(x) for x in at]
        out = function(row)(*operands)
        out.backward()
        for k, (operand, domain) in enumerate(zip(operands, row.domains, strict=True)):
            numeric = central(lambda x: on_floats(row)(*at[:k], x, *at[k + 1 :]), at[k], domain.low, domain.high)  # noqa: B023
            if not close(operand.grad, numeric, out.data, at[k]):
                wrong.append((at, operand.grad, numeric))
    return wrong


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_each_formula_keeps_to_the_rules(row):
    check_formulas(row)


@pytest.mark.parametrize("row", PLAIN, ids=named)
def test_gradients_equal_differences(row):
    samples = points(row)
    assert not gradient_errors(row, samples)
    if row.name not in ("sign", "step"):  # the comparison is not one of zeros
        assert any(partial(*at, on_floats(row)(*at)) for at in samples for partial in partials_on_floats(row))


@pytest.mark.parametrize("row", [row for row in PLAIN if row.name not in ("sign", "step")], ids=named)
@pytest.mark.parametrize("factor", [0.0, -1.0, 2.0, 1.001])
def test_a_wrong_gradient_is_caught(row, factor, monkeypatch):
    right = row.pullback

    def wrong(node):
        before = [p.grad for p in node.parents]
        right(node)
        for parent, old in zip(node.parents, before, strict=True):
            parent.grad = old + factor * (parent.grad - old)

    samples = points(row)
    gradient_errors(row, samples[:1])  # compiled by now
    right = row.pullback
    monkeypatch.setattr(row, "pullback", wrong)
    assert gradient_errors(row, samples)


@pytest.mark.parametrize("row", SMOOTH, ids=named)
def test_second_derivatives_equal_differences_of_the_gradient(row):
    for at in points(row, 12):
        operands = [Value(x) for x in at]
        first = grad(function(row)(*operands), operands)
        for i, partial in enumerate(partials_on_floats(row)):
            second = grad(first[i], operands)
            for j, domain in enumerate(row.domains):

                def slope(x, j=j, partial=partial):
                    moved = [*at[:j], x, *at[j + 1 :]]  # noqa: B023
                    return partial(*moved, on_floats(row)(*moved))

                numeric = central(slope, at[j], domain.low, domain.high)
                assert close(second[j].data, numeric, first[i].data, at[j]), (at, i, j)


def symbols(row):
    sympy = pytest.importorskip("sympy")
    at = [
        sympy.Symbol(x, real=True, **({"positive": True} if d.low >= 0 else {}))
        for x, d in zip(row.operands, row.domains, strict=True)
    ]
    return sympy, at


def in_sympy(row):
    """The row's primal as a function of SymPy expressions."""
    primitives = sympy_primitives()
    if row.primitive:
        return primitives[row.name]
    scope = {
        name: in_sympy(other)
        for name, other in TABLE.items()
        if not other.many and name in row.primal and other is not row
    }
    sympy = pytest.importorskip("sympy")
    text = row.primal
    return lambda *at: sympy.sympify(eval(text, scope, dict(zip(row.operands, at, strict=True))))


def formula_in_sympy(row, formula, at, out):
    scope = {name: in_sympy(other) for name, other in TABLE.items() if not other.many}
    return eval(formula, scope, dict(zip(row.operands, at, strict=True)) | {"out": out})


@pytest.mark.parametrize("row", SMOOTH, ids=named)
def test_partials_equal_sympys_derivatives(row):
    sympy, at = symbols(row)
    out = in_sympy(row)(*at)
    for x, partial in zip(at, row.partials, strict=True):
        expected = sympy.diff(out, x)
        ours = formula_in_sympy(row, partial, at, out)
        for point in points(row, 5):
            values = dict(zip(at, point, strict=True))
            assert math.isclose(
                sympy.N(sympy.sympify(ours).subs(values)), sympy.N(expected.subs(values)), rel_tol=1e-9, abs_tol=1e-12
            )


@pytest.mark.parametrize("row", [row for row in PLAIN if row.shown != row.partials], ids=named)
def test_the_textbook_form_is_the_partial(row):
    sympy, at = symbols(row)
    out = in_sympy(row)(*at)
    for partial, shown in zip(row.partials, row.shown, strict=True):
        ours, textbook = (sympy.sympify(formula_in_sympy(row, text, at, out)) for text in (partial, shown))
        for sign in (1, -1):  # abs and minimum have two branches
            domain = {x: sympy.Symbol(f"{x}_", positive=True) * sign for x in at}
            if sign < 0 and any(d.low >= 0 for d in row.domains):
                continue
            difference = (ours - textbook).subs(domain).rewrite(sympy.exp)
            if row.name != "pow":  # whose guard SymPy sees only at a point
                assert sympy.simplify(difference) == 0
        for point in points(row, 5):
            values = dict(zip(at, point, strict=True))
            assert math.isclose(sympy.N(ours.subs(values)), sympy.N(textbook.subs(values)), rel_tol=1e-9, abs_tol=1e-15)


@pytest.mark.parametrize("row", PLAIN, ids=named)
def test_a_function_of_numbers_gives_a_number_and_of_a_value_a_value(row):
    for at in points(row, 3):
        plain = getattr(tinygrad_edu, row.name)(*at)
        recorded = getattr(tinygrad_edu, row.name)(*[Value(x) for x in at])
        assert type(plain) is float
        assert type(recorded.data) is float
        assert recorded.data == plain
        assert recorded.op is row
        mixed = getattr(tinygrad_edu, row.name)(Value(at[0]), *at[1:])
        assert mixed.data == plain


@pytest.mark.parametrize("row", [row for row in PLAIN if hasattr(Value, row.name)], ids=named)
def test_a_method_is_the_function(row):
    for at in points(row, 3):
        assert getattr(Value(at[0]), row.name)(*at[1:]).data == function(row)(*at)


@pytest.mark.parametrize("row", [row for row in PLAIN if len(row.operands) == 2], ids=named)
def test_a_constant_gets_no_gradient_and_its_partial_is_not_needed(row):
    for at in points(row, 3):
        both = [Value(x) for x in at]
        function(row)(*both).backward()
        for k in (0, 1):
            operands = list(at)
            operands[k] = Value(at[k])
            out = function(row)(*operands)
            out.backward()
            assert operands[k].grad == both[k].grad
            assert sum(isinstance(parent, float) for parent in out.parents) == 1


@pytest.mark.parametrize("name", ["dot", "sum", "logsumexp"])
def test_operations_over_many_operands_equal_differences(name):
    rng = random.Random(name)
    row = TABLE[name]
    for n in (1, 2, 5):
        groups = [[rng.uniform(-3, 3) for _ in range(n)] for _ in row.operands]
        values = [[Value(x) for x in group] for group in groups]
        out = function(row)(*values)
        out.backward()
        for g, group in enumerate(groups):
            for i in range(n):

                def at(x, g=g, i=i):
                    moved = [list(group) for group in groups]  # noqa: B023
                    moved[g][i] = x
                    return function(row)(*moved)

                assert math.isclose(values[g][i].grad, central(at, group[i], -4, 4), rel_tol=1e-7, abs_tol=1e-9)


def test_constants_among_many_operands():
    a, b, c = Value(2.0), Value(3.0), Value(5.0)
    out = tinygrad_edu.dot([a, 7, b, 4], [c, 8, 6, c])
    out.backward()
    assert (out.data, a.grad, b.grad, c.grad) == (2 * 5 + 56 + 18 + 20, 5.0, 6.0, 2.0 + 4.0)
    d = Value(1.0)
    for many in (tinygrad_edu.sum, tinygrad_edu.logsumexp):
        many([d, 1.0]).backward()
    assert d.grad == 1.5


def test_the_table_is_closed():
    words = {"x", "y", "x_i", "y_i", "out", "sum", "max"} | set(TABLE)
    from tinygrad_edu.engine.source import names

    for row in ROWS:
        for formula in (row.primal, *row.partials, *row.shown):
            assert set(names(formula)) <= words
