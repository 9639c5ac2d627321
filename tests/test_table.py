"""Every row of the table: value and partials against SymPy, differences and each other."""

import itertools
import math
import random

import pytest

import tinygrad_edu
from tinygrad_edu import TABLE, Value, grad
from tinygrad_edu.engine import Row
from tinygrad_edu.engine.formulas import (
    COMPLEX,
    MissingPrimitive,
    bind,
    folds,
    on_floats,
    partials_on_floats,
    rows_in,
    sums,
)
from tinygrad_edu.engine.registry import compiled
from tinygrad_edu.engine.validation import check_formulas
from tinygrad_edu.exchange.symbols import sympy_primitives

ROWS = list(TABLE.values())
PLAIN = [row for row in ROWS if not row.many]
MANY = [row for row in ROWS if row.many]
FLAT = ("sign", "step", "is_zero")  # whose derivative is 0 everywhere
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


# Each check gives the points at which a row fails it, so that it can be tried on wrong rows too.


def gradient_errors(row, samples):
    """Where the gradient that `backward` gives differs from the central difference."""
    wrong = []
    for at in samples:
        operands = [Value(x) for x in at]
        out = row.function(*operands)
        out.backward()
        for k, (operand, domain) in enumerate(zip(operands, row.domains, strict=True)):
            numeric = central(lambda x: on_floats(row)(*at[:k], x, *at[k + 1 :]), at[k], domain.low, domain.high)  # noqa: B023
            if not close(operand.grad, numeric, out.data, at[k]):
                wrong.append((at, operand.grad, numeric))
    return wrong


def second_order_errors(row, samples):
    """Where the derivative of the gradient differs from the central difference of the right row's partial."""
    wrong = []
    for at in samples:
        operands = [Value(x) for x in at]
        first = grad(row.function(*operands), operands)
        for i, partial in enumerate(partials_on_floats(TABLE[row.name])):
            second = grad(first[i], operands)
            for j, domain in enumerate(row.domains):

                def slope(x, j=j, partial=partial):
                    moved = [*at[:j], x, *at[j + 1 :]]  # noqa: B023
                    return partial(*moved, on_floats(row)(*moved))

                numeric = central(slope, at[j], domain.low, domain.high)
                if not close(second[j].data, numeric, first[i].data, at[j]):
                    wrong.append((at, i, j, second[j].data, numeric))
    return wrong


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
    return primitives[row.name] if row.primitive else lambda *at: formula_in_sympy(row, row.primal, at)


def formula_in_sympy(row, formula, at, out=None):
    import sympy

    scope = rows_in([formula], in_sympy)
    return sympy.sympify(eval(formula, scope, dict(zip(row.operands, at, strict=True)) | {"out": out}))


def sympy_errors(row, samples):
    """Where the value, or a partial, differs from SymPy's function and its own derivative of it."""
    sympy, at = symbols(row)
    out = in_sympy(row)(*at)
    wrong = []
    for k, x in enumerate(at):
        expected, ours = sympy.diff(out, x), formula_in_sympy(row, row.partials[k], at, out)
        for point in samples:
            there = dict(zip(at, point, strict=True))
            number = on_floats(row)(*point)
            pairs = (
                (number, out),
                (partials_on_floats(row)[k](*point, number), expected),
                (sympy.N(ours, subs=there), expected),
            )
            if not all(math.isclose(a, sympy.N(b, subs=there), rel_tol=1e-9, abs_tol=1e-12) for a, b in pairs):
                wrong.append((point, x))
    return wrong


def shown_errors(row, samples):
    """Where the textbook form of a partial is not the partial: proven by SymPy, and tried at points."""
    sympy, at = symbols(row)
    out = in_sympy(row)(*at)
    wrong = []
    for partial, shown in zip(row.partials, row.shown, strict=True):
        ours, textbook = (formula_in_sympy(row, text, at, out) for text in (partial, shown))
        for sign in (1, -1):  # abs and minimum have two branches
            if sign < 0 and any(d.low >= 0 for d in row.domains):
                continue
            branch = {x: sympy.Symbol(f"{x}_", positive=True) * sign for x in at}
            difference = (ours - textbook).subs(branch).rewrite(sympy.exp)
            if row.name != "pow" and sympy.simplify(difference) != 0:  # whose guard SymPy sees only at a point
                wrong.append(difference)
        for point in samples:
            there = dict(zip(at, point, strict=True))
            if not math.isclose(sympy.N(ours.subs(there)), sympy.N(textbook.subs(there)), rel_tol=1e-9, abs_tol=1e-15):
                wrong.append(point)
    return wrong


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_each_formula_keeps_to_the_rules(row):
    check_formulas(row)


@pytest.mark.parametrize("row", PLAIN, ids=named)
def test_gradients_equal_differences(row):
    assert not gradient_errors(row, points(row))


@pytest.mark.parametrize("row", PLAIN, ids=named)
def test_second_derivatives_equal_differences_of_the_gradient(row):
    assert not second_order_errors(row, points(row, 12))


@pytest.mark.parametrize("row", PLAIN, ids=named)
def test_third_derivatives_equal_differences_of_the_second(row):
    """The table is closed: a partial is made of rows, which have partials."""

    def second(at, i, j):
        operands = [Value(x) for x in at]
        slope = grad(grad(row.function(*operands), operands[i]), operands[j])
        return slope.data, [v.data for v in grad(slope, operands)]

    places = range(len(row.operands))
    for at in points(row, 3):
        for i, j, k in itertools.product(places, repeat=3):
            value, third = second(at, i, j)
            domain = row.domains[k]
            numeric = central(lambda x: second([*at[:k], x, *at[k + 1 :]], i, j)[0], at[k], domain.low, domain.high)  # noqa: B023
            assert close(third[k], numeric, value, at[k]), (at, i, j, k)


@pytest.mark.parametrize("row", PLAIN, ids=named)
def test_values_and_partials_equal_sympys_functions_and_derivatives(row):
    assert not sympy_errors(row, points(row, 5))


@pytest.mark.parametrize("row", [row for row in PLAIN if row.shown != row.partials], ids=named)
def test_the_textbook_form_is_the_partial(row):
    assert not shown_errors(row, points(row, 5))


@pytest.mark.parametrize("row", [row for row in PLAIN if row.name not in FLAT], ids=named)
def test_the_checks_compare_with_something(row):
    """Not one of their references is 0 at every point."""
    for partial in partials_on_floats(row):
        for samples in (points(row), points(row, 12), points(row, 5)):
            assert any(abs(partial(*at, on_floats(row)(*at))) > 1e-3 for at in samples)


def live(row):
    """Give a row that is not in the table what Python runs for it."""
    _, row.pullback, methods = compiled(row)
    row.function = next(iter(methods.values()))


def wrong_rows(row):
    """Copies of the row, each wrong in one partial: too simple, of the wrong sign, a little too large."""
    for k, partial in enumerate(row.partials):
        for wrong in ("0", f"-({partial})", f"1.001 * ({partial})", f"{partial} + 0.001", f"({partial}) * x"):
            if row.name in FLAT and wrong != f"{partial} + 0.001":
                continue  # still 0
            partials = [*row.partials[:k], wrong, *row.partials[k + 1 :]]
            domains = dict(zip("xy", row.domains, strict=False))
            copy = Row(row.name, row.symbol, "" if row.primitive else row.primal, *partials, kink=row.kink, **domains)
            live(copy)
            yield copy


@pytest.mark.parametrize("row", PLAIN, ids=named)
def test_each_check_catches_a_wrong_partial(row):
    for wrong in wrong_rows(row):
        assert gradient_errors(wrong, points(row))
        assert sympy_errors(wrong, points(row, 5))


@pytest.mark.parametrize("row", [row for row in PLAIN if row.name not in FLAT], ids=named)
def test_a_wrong_second_derivative_is_caught(row):
    """x² more in a partial is 2x more in its derivative."""
    wrong = Row(row.name, row.symbol, "" if row.primitive else row.primal, *[f"{p} + x * x" for p in row.partials])
    wrong.domains = row.domains
    live(wrong)
    assert second_order_errors(wrong, points(row, 12))


def test_a_wrong_textbook_form_is_caught():
    row = TABLE["tanh"]
    for shown in ("1 - out", "1 + out**2", "out**2", "1 - x**2", "1.0001 - out**2"):
        assert shown_errors(Row("tanh", "tanh", "", *row.partials, shown=shown), points(row, 5)), shown


@pytest.mark.parametrize("row", [row for row in PLAIN if row.kink and row.name not in FLAT], ids=named)
def test_at_a_kink_the_derivative_lies_between_the_slopes(row):
    at = [0.0] if len(row.operands) == 1 else [1.5, 1.5]
    assert eval(row.kink, dict(zip(row.operands, at, strict=True))) == 0
    f, out = on_floats(row), on_floats(row)(*at)
    for k, partial in enumerate(partials_on_floats(row)):
        left, right = ((f(*at[:k], at[k] + h, *at[k + 1 :]) - out) / h for h in (-1e-6, 1e-6))
        assert abs(left - right) > 0.5
        assert min(left, right) - 1e-9 <= partial(*at, out) <= max(left, right) + 1e-9


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


METHODS = [row for row in PLAIN if callable(getattr(Value, row.name, None))]  # not x.pow, which says what to write


@pytest.mark.parametrize("row", METHODS, ids=named)
def test_a_method_is_the_function(row):
    for at in points(row, 3):
        assert getattr(Value(at[0]), row.name)(*at[1:]).data == row.function(*at)


@pytest.mark.parametrize("row", [row for row in PLAIN if len(row.operands) == 2], ids=named)
def test_a_constant_gets_no_gradient_and_its_partial_is_not_needed(row):
    for at in points(row, 3):
        both = [Value(x) for x in at]
        row.function(*both).backward()
        for k in (0, 1):
            operands = list(at)
            operands[k] = Value(at[k])
            out = row.function(*operands)
            out.backward()
            assert operands[k].grad == both[k].grad
            assert sum(isinstance(parent, float) for parent in out.parents) == 1


OPERATORS = {  # name: with the Value on the left, on the right
    "add": (lambda v, n: v + n, lambda v, n: n + v),
    "sub": (lambda v, n: v - n, lambda v, n: n - v),
    "mul": (lambda v, n: v * n, lambda v, n: n * v),
    "truediv": (lambda v, n: v / n, lambda v, n: n / v),
    "pow": (lambda v, n: v**n, lambda v, n: n**v),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_and_its_reflected_form_are_the_function(name):
    left, right = OPERATORS[name]
    for x, y in [(0.5, 1.5), (2.0, 0.25), (3.0, 7.0)]:
        for operator, at in ((left, (x, y)), (right, (y, x))):
            v, w, both = Value(x), Value(x), Value(x)
            numbers = (v, y) if operator is left else (y, v)
            out = operator(w, y)
            assert out.op is TABLE[name] and out.data == on_floats(TABLE[name])(*at)
            out.backward()
            TABLE[name].function(*numbers).backward()
            operator(both, Value(y)).backward()
            assert v.grad == w.grad == both.grad != 0.0


def groups_of(row, n):
    """n numbers for each of the row's operands."""
    rng = random.Random(row.name)
    return [[rng.uniform(-3, 3) for _ in range(n)] for _ in row.operands]


def with_one_moved(groups, g, i, x):
    return [[x if (h, j) == (g, i) else y for j, y in enumerate(group)] for h, group in enumerate(groups)]


@pytest.mark.parametrize("name", ["dot", "sum", "logsumexp"])
def test_operations_over_many_operands_equal_differences(name):
    row = TABLE[name]
    for n in (1, 2, 5):
        groups = groups_of(row, n)
        values = [[Value(x) for x in group] for group in groups]
        out = row.function(*values)
        out.backward()
        assert row.function(*groups) == out.data and type(row.function(*groups)) is float
        for g, group in enumerate(groups):
            for i, x in enumerate(group):
                numeric = central(lambda x: row.function(*with_one_moved(groups, g, i, x)), x, -4, 4)  # noqa: B023
                assert math.isclose(values[g][i].grad, numeric, rel_tol=1e-7, abs_tol=1e-9)


@pytest.mark.parametrize("row", MANY, ids=named)
def test_second_derivatives_over_many_operands_equal_differences_of_the_gradient(row):
    groups = groups_of(row, 3)

    def gradient(*groups):
        values = [[Value(x) for x in group] for group in groups]
        flat = [*itertools.chain(*values)]
        return flat, grad(row.function(*values), flat)

    flat, first = gradient(*groups)
    for k, slope in enumerate(first):
        second = [v.data for v in grad(slope, flat)]
        places = [(g, i) for g, group in enumerate(groups) for i in range(len(group))]
        for value, (g, i) in zip(second, places, strict=True):
            numeric = central(
                lambda x: gradient(*with_one_moved(groups, g, i, x))[1][k].data,  # noqa: B023
                groups[g][i],
                -4,
                4,
            )
            assert math.isclose(value, numeric, rel_tol=1e-7, abs_tol=1e-9)


@pytest.mark.parametrize("row", MANY, ids=named)
def test_partials_of_operations_over_many_operands_equal_sympys_derivatives(row):
    sympy = pytest.importorskip("sympy")
    groups = groups_of(row, 3)
    at = [sympy.symbols(f"{x}1:4", real=True) for x in row.operands]
    found, rest = folds(row.primal)
    scope = {}
    for name, fold, term in found:
        terms = [
            formula_with(term, dict(zip(row.operands, each, strict=True)) | scope) for each in zip(*at, strict=True)
        ]
        scope[name] = {"sum": sympy.Add, "max": sympy.Max}[fold](*terms)
    out = formula_with(rest, scope)
    there = dict(zip(itertools.chain(*at), itertools.chain(*groups), strict=True))
    number = row.function(*groups)
    assert math.isclose(number, out.subs(there), rel_tol=1e-12)
    for k, partial in enumerate(partials_on_floats(row)):
        for i, numbers in enumerate(zip(*groups, strict=True)):
            known = sums(partial, groups, number)
            assert math.isclose(partial(*numbers, number, *known), sympy.diff(out, at[k][i]).subs(there), rel_tol=1e-9)


def formula_with(formula, scope):
    return eval(formula, rows_in([formula], in_sympy) | scope)


def test_interior_values_among_many_operands():
    leaf = [Value(x) for x in (0.5, -1.0, 2.0, 0.3)]
    inner = [v * v for v in leaf]
    tinygrad_edu.dot(inner, inner[::-1]).backward()
    for v, other in zip(leaf, leaf[::-1], strict=True):
        assert math.isclose(v.grad, 2 * other.data**2 * 2 * v.data)


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
    from tinygrad_edu.engine.formulas import names

    for row in ROWS:
        for formula in (row.primal, *row.partials, *row.shown):
            assert set(names(formula)) <= words


@pytest.mark.parametrize("row", [row for row in PLAIN if row.name not in FLAT], ids=named)
def test_complex_numbers_give_the_values_and_by_a_step_the_derivatives(row):
    """f(x + ih) is f(x) + ih f'(x): for every row whose primitives have a complex form."""
    try:
        f = bind(COMPLEX, "complex")(row)
    except MissingPrimitive:
        assert row.name in ("erf", "erfc", "gelu", "atan2")
        return
    for at in points(row, 10):
        out = on_floats(row)(*at)
        assert math.isclose(complex(f(*map(complex, at))).real, out, rel_tol=1e-12, abs_tol=1e-15)
        for k, partial in enumerate(partials_on_floats(row)):
            moved = [complex(x, 1e-20 * (j == k)) for j, x in enumerate(at)]
            assert math.isclose(complex(f(*moved)).imag / 1e-20, partial(*at, out), rel_tol=1e-10, abs_tol=1e-15)


def test_complex_numbers_choose_by_their_real_parts_and_ties_go_by_half():
    x, above, below = complex(1, 2), complex(1.5, 7), complex(-0.5, 1)
    for name, at, expected in [
        ("maximum", (x, above), above), ("maximum", (x, below), x), ("maximum", (x, complex(1, 4)), complex(1, 3)),
        ("minimum", (x, above), x), ("minimum", (x, below), below), ("minimum", (x, complex(1, 4)), complex(1, 3)),
        ("abs", (below,), -below), ("abs", (x,), x), ("abs", (complex(0, 1),), 0),
        ("sign", (below,), -1), ("sign", (x,), 1), ("sign", (complex(0, 1),), 0),
        ("step", (complex(0.5, 1),), 1), ("step", (below,), 0), ("step", (complex(0, 1),), 0),
    ]:  # fmt: skip
        assert COMPLEX[name](*at) == expected, (name, at)


@pytest.mark.parametrize("row", PLAIN, ids=named)
def test_what_is_written_computes_what_the_formula_does(row):
    """The methods and functions of operations.py, with a Value or a number on either side."""
    for at in points(row, 10):
        expected = on_floats(row)(*at)
        ways = [[Value(x) for x in at], at]
        if len(at) == 2:
            ways += [[Value(at[0]), at[1]], [at[0], Value(at[1])]]
        for operands in ways:
            made = row.function(*operands)
            assert math.isclose(getattr(made, "data", made), expected, rel_tol=1e-14, abs_tol=1e-300), (row, operands)
            assert isinstance(made, float) == (operands is at)


@pytest.mark.parametrize("row", PLAIN, ids=named)
def test_what_is_written_hands_back_the_partials(row):
    """With a Value or a constant on either side, times the gradient from above."""
    for at in points(row, 10):
        out = on_floats(row)(*at)
        for constants in itertools.product([False, True], repeat=len(at)):
            if all(constants):
                continue
            operands = [x if constant else Value(x) for x, constant in zip(at, constants, strict=True)]
            (3 * row.function(*operands)).backward()
            for operand, partial in zip(operands, partials_on_floats(row), strict=True):
                if isinstance(operand, Value):
                    assert math.isclose(operand.grad, 3 * partial(*at, out), rel_tol=1e-14, abs_tol=0.0), (
                        at,
                        constants,
                    )


DOMAINS = {
    "any": (
        "add add sub sub mul mul truediv neg square sin cos atan sinh cosh relu leaky_relu elu linear abs sign step "
        "is_zero maximum maximum minimum minimum dot dot sum"
    ),
    "[-40, 40]": "sigmoid softplus silu logsumexp",
    "[0.001, 1000]": "log log10 sqrt",
    "[-10, 10] without |x| < 0.1": "truediv reciprocal hypot hypot unit unit atan2 atan2",
    "[-0.99, 0.99]": "asin acos cos_asin",
    "[-20, 20]": "exp expm1 sech tanh",
    "[-5, 5]": "pow erf erfc gelu",
    "[0.1, 10]": "pow",
    "[-1.5, 1.5]": "tan",
    "[-0.9, 100]": "log1p",
}


def test_the_domains_of_rows():
    """Written out: a domain that shrinks would make every test that draws from it a weaker one, and none fail."""
    expected = sorted(
        (name, "[-10, 10]" if d == "any" else d) for d, names in DOMAINS.items() for name in names.split()
    )
    assert sorted((row.name, repr(domain)) for row in ROWS for domain in row.domains) == expected
    assert 0.1 in TABLE["truediv"].domains[1] and 0.09 not in TABLE["truediv"].domains[1]
    assert -0.1 in TABLE["truediv"].domains[1] and 10 in TABLE["add"].domains[0] and 10.1 not in TABLE["add"].domains[0]
