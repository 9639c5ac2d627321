"""Graphs as SymPy's expressions: the same values and derivatives."""

import math

import pytest

from tinygrad_edu import TABLE, Value, grad, registered, softmax
from tinygrad_edu.engine import leaves
from tinygrad_edu.exchange import to_sympy
from tinygrad_edu.nn import MLP, squared_error

sympy = pytest.importorskip("sympy")


def agrees(root):
    """Value and gradients at the leaves' data."""
    expression, named = to_sympy(root), {leaf.label: leaf for leaf in leaves(root)}
    at = {name: leaf.data for name, leaf in named.items()}
    assert math.isclose(float(expression.subs(at)), root.data, rel_tol=1e-10, abs_tol=1e-12)
    for name, leaf in named.items():
        right = grad(root, leaf).data
        assert math.isclose(float(expression.diff(name).subs(at)), right, rel_tol=1e-10, abs_tol=1e-10)


@pytest.mark.parametrize("name", TABLE)
def test_an_operation(name):
    row = TABLE[name]
    if row.many:
        agrees(row.function(*[[Value(0.5, f"{x}1"), Value(-1.5, f"{x}2"), 2.0] for x in "xy"[: len(row.operands)]]) * 3)
        return
    if name in ("sign", "is_zero"):  # SymPy leaves their derivative open
        assert float(to_sympy(row.function(Value(2.0, "x"))).subs("x", 2.0)) == row.function(2.0)
        return
    at = [d.low + (d.high - d.low) * (0.3 + 0.31 * k) for k, d in enumerate(row.domains)]
    agrees(row.function(*[Value(max(min(x, 5), -5), label) for x, label in zip(at, "xy", strict=False)]) * 3)


def test_a_network_a_softmax_and_an_operation_of_ones_own():
    network = MLP(2, [2, 1], activation="sigmoid", seed=1)
    agrees(squared_error(network([0.5, -1.0]), [0.25]))
    agrees(softmax([Value(1.0, "a"), Value(2.0, "b")])[0])
    with registered("cube", "³", "x**3", "3 * x**2"):
        agrees(Value(2.0, "x").cube() / 4)


def test_it_reads_as_a_textbook():
    w, x, b = Value(1.0, "w"), Value(2.0, "x"), Value(0.5, "b")
    assert str(to_sympy((w * x + b).sigmoid())) == "1/(exp(-b - w*x) + 1)"
    assert str(to_sympy(w.softplus())) == "log(exp(w) + 1)"
    assert str(to_sympy(w.expm1())) == "exp(w) - 1"
    assert str(to_sympy(w.log1p())) == "log(w + 1)"
    assert str(to_sympy(w.hypot(x))) == "sqrt(w**2 + x**2)"
    assert str(to_sympy(0.5 * w**2 + 3)) == "0.5*w**2 + 3"
    assert str(to_sympy(w.relu())) == "Max(0, w)"
    assert str(to_sympy(w.abs()).diff("w").subs("w", -2)) == "-1"
    assert to_sympy(w) == sympy.Symbol("w")


def test_names_of_leaves_without_a_label_and_of_one_label():
    a, b = Value(1.0), Value(2.0)
    assert {str(s) for s in to_sympy(a * b).free_symbols} == {"x1", "x2"}
    a.label = b.label = "w"
    assert len(to_sympy(a * b).free_symbols) == 2


def test_a_step_is_0_at_0_and_what_changed_is_refused():
    x = Value(0.0, "x")
    step = to_sympy(x.step())
    assert [step.subs("x", at) for at in (-1, 0, 1)] == [0, 0, 1]
    y = x * 2.0
    x.data = 3.0
    with pytest.raises(ValueError, match=r"^x was changed after the result was computed: "):
        to_sympy(y)


def test_what_is_no_value_is_refused():
    with pytest.raises(TypeError, match=r"to_sympy expected a Value, got 3\.0 \(float\)"):
        to_sympy(3.0)


def test_an_operation_without_a_form_is_named():
    from tinygrad_edu.engine.formulas import bind

    with pytest.raises(ValueError, match="exp has no SymPy form"):
        bind({}, "SymPy")(TABLE["exp"])


def test_without_sympy_the_error_names_the_command(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sympy", None)
    with pytest.raises(ImportError, match=r"formulas as symbols need SymPy: .* -m pip install sympy"):
        to_sympy(Value(1.0) * 2)


def test_a_graph_of_an_operation_that_was_taken_back_keeps_what_it_was():
    """Its formula names another that has since become another one."""
    with registered("inner", "i", "x * x * 3", "6 * x"), registered("outer", "o", "inner(x) + 1", "6 * x"):
        y = Value(0.5, "v").outer()
    with registered("inner", "i", "x * x * 5", "10 * x"):
        assert str(to_sympy(y)) == "3*v**2 + 1"
