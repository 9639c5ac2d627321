"""What is written stands for what is meant: formulas are read back and give the same number."""

import math
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Value
from tinygrad_edu.expression import parse
from tinygrad_edu.show.names import latex_name, pretty
from tinygrad_edu.show.notation import LatexWriter, Writer
from tinygrad_edu.show.numbers import latex_number, rounded
from tinygrad_edu.show.symbols import ONE, Symbol, add, evaluated, multiply, number, power, values_in

VALUES = {Value(data, name): name for data, name in ((0.7, "a"), (-1.3, "b"), (2.1, "c"))}
NUMBERS = st.sampled_from([-3, -1, 1, 2, Fraction(1, 3), Fraction(-5, 7), Fraction(1, 4)]).map(Fraction)

expressions = st.recursive(
    st.one_of(st.sampled_from(list(VALUES)), NUMBERS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: add(*parts)),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: multiply(*parts)),
        st.tuples(inner, st.sampled_from([-2, -1, 2, 3]).map(Fraction)).map(lambda two: power(*two)),
        st.tuples(inner, st.just(Fraction(1, 2))).map(lambda two: power(*two)),
        inner.map(lambda part: ("sigmoid", part)),
        inner.map(lambda part: ("abs", part)),
    ),
    max_leaves=10,
)


def plainly(text):
    """What people write, as the expression parser reads it."""
    text = text.replace("·", "*").replace("−", "-").replace("σ", "sigmoid").replace("^", "**")
    text = re.sub("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda power: f"**{str(power[0]).translate(BACK)}", text)
    text = re.sub(r"\|", "§", text)
    while "§" in text:  # |x|, innermost first
        text = re.sub(r"§((?:[^§])*)§", r"abs(\1)", text, count=1)
    return re.sub(r"(\b[abc]|\)|\*\*-?\d+)\(", r"\1*(", text)


BACK = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def value(expression):
    try:
        exact = evaluated(expression, lambda node: node.data)
    except (ArithmeticError, ValueError):
        return None
    return exact if math.isfinite(exact) and 1e-6 < abs(exact) < 1e6 else None


@given(expressions)
def test_text_read_back_gives_the_same_number(expression):
    exact = value(expression)
    text = Writer(VALUES.__getitem__, repr)(expression)
    if exact is None or text.count("|") > 2:
        return
    back = parse(plainly(text))
    data = {name: node.data for node, name in VALUES.items()}
    assert back.build({name: data[name] for name in back.names}).data == pytest.approx(exact, rel=1e-6)


@given(expressions)
def test_simplifying_again_changes_nothing_and_latex_is_balanced(expression):
    assert add(expression) == expression
    assert multiply(expression) == expression
    text = LatexWriter(VALUES.__getitem__, repr)(expression)
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")
    assert set(values_in(expression)) <= set(VALUES)


A, B, C = VALUES


@pytest.mark.parametrize(
    "expression, text, latex",
    [
        (multiply(A, add(ONE, multiply(-ONE, A))), "a(1 − a)", r"a\left(1 - a\right)"),
        (multiply(A, *[power(number(-3.0), number(0.5))] * 2), "−3·a", r"-3 \cdot a"),
        (multiply(C, *[power(multiply(A, B), number(0.5))] * 2), "c·a·b", r"c \cdot a \cdot b"),
        (multiply(number(-2.0), A, B), "−2·a·b", r"-2 \cdot a \cdot b"),
        (multiply(A, power(B, -ONE), power(C, number(-2.0))), "a/(b·c²)", r"\frac{a}{b \cdot c^{2}}"),
        (power(add(A, B), -ONE), "1/(a + b)", r"\frac{1}{a + b}"),
        (power(add(A, B), number(2.0)), "(a + b)²", r"\left(a + b\right)^{2}"),
        (add(number(-1.0), A), "a − 1", "a - 1"),
        (add(number(-1.0), A, B), "a + b − 1", "a + b - 1"),
        (add(A, multiply(-ONE, B), C), "a − b + c", "a - b + c"),
        (add(A, Fraction(2, 3)), "a + 2/3", r"a + \frac{2}{3}"),
        (("maximum", A, number(-2.0)), "max(a, −2)", r"\max\left(a, -2\right)"),
        (add(multiply(-ONE, A), multiply(-ONE, B), C), "c − a − b", "c - a - b"),
        (multiply(Fraction(2, 97), A), "(2/97)·a", r"\frac{2}{97} \cdot a"),
        (multiply(Fraction(1, 101), A), "0.009901·a", r"0.009901 \cdot a"),
        (multiply(Fraction(1, 64), A), "0.0156·a", r"0.0156 \cdot a"),
        (power(number(2.0), number(9.0)), "512", "512"),
        (power(number(2.0), number(10.0)), "2¹⁰", "2^{10}"),
        (power(number(2.0), number(-9.0)), "0.001953", "0.001953"),
        (multiply(Fraction(2, 3), A), "(2/3)·a", r"\frac{2}{3} \cdot a"),
        (add(A, A, multiply(-ONE, B)), "2·a − b", r"2 \cdot a - b"),
        (add(A, multiply(-ONE, A)), "0", "0"),
        (multiply(A, A, power(A, number(-2.0))), "1", "1"),
        (power(power(A, number(2.0)), number(3.0)), "a⁶", "a^{6}"),
        (power(A, number(0.5)), "a^0.5", "a^{0.5}"),
        (power(A, add(B, multiply(-ONE, ONE))), "a^(b − 1)", "a^{b - 1}"),
        (("sigmoid", multiply(-ONE, A)), "σ(−a)", r"\sigma\left(-a\right)"),
        (("leaky_relu", A), "leaky(a)", r"\operatorname{leaky\_relu}\left(a\right)"),
        (("sqrt", A), "√(a)", r"\sqrt{a}"),
        *(
            ((name, A), f"{name}(a)", rf"\{name}\left(a\right)")
            for name in ("exp", "sin", "cos", "tan", "sinh", "cosh", "tanh")
        ),
        (("maximum", A, B), "max(a, b)", r"\max\left(a, b\right)"),
        (("minimum", A, B), "min(a, b)", r"\min\left(a, b\right)"),
        (("abs", A), "|a|", r"\left|a\right|"),
        (("log", A), "log(a)", r"\ln\left(a\right)"),
        (("atan2", A, B), "atan2(a, b)", r"\operatorname{atan2}\left(a, b\right)"),
    ],
)
def test_notation(expression, text, latex):
    assert Writer(VALUES.__getitem__, rounded)(expression) == text
    assert LatexWriter(VALUES.__getitem__, lambda x: latex_number(rounded(x)))(expression) == latex


@pytest.mark.parametrize(
    "expression, text",
    [
        (multiply(number(2.0), B), "2·(−1.3)"),
        (power(B, number(2.0)), "(−1.3)²"),
        (add(A, multiply(-ONE, B)), "0.7 − (−1.3)"),
        (add(B, A), "−1.3 + 0.7"),
        (multiply(A, power(B, -ONE)), "0.7/(−1.3)"),
    ],
)
def test_negative_numbers_stand_in_brackets(expression, text):
    assert Writer(lambda node: rounded(node.data), rounded)(expression) == text


@pytest.mark.parametrize(
    "label, text, latex",
    [
        ("w12", "w₁₂", "w_{12}"),
        ("w2_1,3", "w2_1,3", "w_{2,1,3}"),
        ("Error1", "Error₁", r"\mathrm{Error}_{1}"),
        ("α1", "α₁", r"\alpha_{1}"),
        ("Δ", "Δ", r"\Delta"),
        ("λ", "λ", r"\lambda"),
        ("Größe", "Größe", r"\mathrm{Gr\text{ö}\text{ß}e}"),
        ("日", "日", r"\mathrm{?}"),
        ("Łx", "Łx", r"\mathrm{\text{Ł}x}"),
        ("ſƀ", "ſƀ", r"\mathrm{\text{ſ}?}"),  # the last letter that LaTeX's fonts have, and the next
        ("Γ1", "Γ₁", r"\Gamma_{1}"),
        ("Ω", "Ω", r"\Omega"),
        ("ω_2", "ω₂", r"\omega_{2}"),
        ("$x", "$x", r"\mathrm{\$x}"),
    ],
)
def test_labels(label, text, latex):
    assert pretty(label) == text
    assert latex_name(label) == latex


@pytest.mark.parametrize(
    "exact, digits, text",
    [
        (0.042772599, 4, "0.0428"),
        (0.004897279, 4, "0.004897"),
        (0.000517735, 4, "0.0005177"),
        (0.00001234567, 4, "1.235e−5"),
        (-645.57725, 4, "−645.5773"),
        (1.0, 4, "1"),
        (0.0, 4, "0"),
        (-0.0, 4, "0"),
        (123456789.0, 4, "1.235e8"),
        (999999.5, 4, "999999.5"),
        (1e6, 4, "1e6"),
        (0.01, 4, "0.01"),
        (0.0099996, 4, "0.01"),
        (0.00012345, 4, "0.0001234"),
        (9.9e-5, 4, "9.9e−5"),
        (0.69, 1, "0.7"),
        (float("-inf"), 4, "−∞"),
    ],
)
def test_rounding(exact, digits, text):
    assert rounded(exact, digits) == text


def test_numbers_in_latex():
    assert latex_number("−1.23e−5") == r"-1.23 \cdot 10^{-5}"
    assert latex_number("−∞") == r"-\infty"


def test_a_product_keeps_the_order_of_its_factors():
    a, b, _ = VALUES
    assert (Symbol(a) * Symbol(b)).expr == ("*", a, b)
    assert (Symbol(a) / Symbol(power(b, number(-1.0)))).expr == ("*", a, b)
    assert (Symbol(b) / Symbol(power(a, number(-1.0)))).expr == ("*", b, a)
    assert (2.0 * Symbol(a)).expr == (Symbol(a) * 2.0).expr == ("*", number(2.0), a)


def test_the_values_in_an_expression_in_the_order_in_which_they_stand():
    a, b, c = Value(1.0, "a"), Value(2.0, "b"), Value(3.0, "c")
    assert values_in(("×", c, ("+", b, Fraction(2)), ("σ", a), b)) == [c, b, a, b]
    assert (values_in(a), values_in(Fraction(2))) == ([a], [])


def test_a_number_with_a_power_of_ten_is_a_product():
    write = LatexWriter(lambda node: r"1.2 \cdot 10^{5}", rounded)
    assert write(power(A, number(2.0))) == r"{\left(1.2 \cdot 10^{5}\right)}^{2}"
    assert write(multiply(number(3.0), A)) == r"3 \cdot \left(1.2 \cdot 10^{5}\right)"
    assert write(add(ONE, multiply(-ONE, A))) == r"1 - 1.2 \cdot 10^{5}"


def test_a_second_node_of_a_name_stands_in_brackets_under_its_power():
    copies = {A: "a⁽²⁾"}
    assert Writer(copies.__getitem__, repr)(power(A, number(3.0))) == "(a⁽²⁾)³"
    assert Writer(copies.__getitem__, repr)(power(A, number(0.5))) == "(a⁽²⁾)^0.5"
    assert LatexWriter({A: "a^{(2)}"}.__getitem__, rounded)(power(A, number(3.0))) == "{a^{(2)}}^{3}"


GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip


def test_greek_letters_are_commands_of_latex_by_letter_and_by_name():
    for name, letter in GREEK.items():
        assert latex_name(name) == latex_name(letter) == rf"\{name}"
        assert latex_name(f"{letter}12") == latex_name(f"{name}_12") == rf"\{name}_{{12}}"
    assert latex_name("Alpha") == r"\mathrm{Alpha}"  # an A, which LaTeX has no command for
    assert latex_name("Α") == r"\mathrm{?}"


@pytest.mark.parametrize(
    ("letter", "latex"),
    [
        ("\\", r"\backslash "), ("~", r"\sim "), ("^", r"\wedge "), ("*", r"\ast "), ("|", r"\vert "), (" ", r"\ "),
        ("[", r"\lbrack "), ("]", r"\rbrack "), (":", "{:}"), (".", "{.}"), ("@", "{@}"), ("…", r"\dots "),
        ("<", r"\langle "), (">", r"\rangle "), ("'", r"\text{'}"), ("`", r"\text{'}"), ("{", r"\{"), ("}", r"\}"),
        ("$", r"\$"), ("&", r"\&"), ("#", r"\#"), ("_", r"\_"), ("%", r"\%"), ("-", "-"), ("+", "+"), ("(", "("),
    ],
)  # fmt: skip
def test_signs_in_a_label_stand_for_themselves_in_latex(letter, latex):
    assert latex_name(f"a{letter}b") == rf"\mathrm{{a{latex}b}}"
