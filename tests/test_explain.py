"""Explanations: what is written, in every form."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu
from tests.graphs import graphs
from tinygrad_edu import MLP, TABLE, Value, registered
from tinygrad_edu.expression import parse
from tinygrad_edu.lesson.worked_example import forward, network
from tinygrad_edu.nn import squared_error
from tinygrad_edu.show import explain, explain_update
from tinygrad_edu.show.forms import Written, aligned_lines, as_text, html, markdown
from tinygrad_edu.show.symbols import evaluated

MLP_222 = network()
PASSED = forward(MLP_222)
W1, W5 = (MLP_222.layers[k].neurons[0].w[0] for k in (0, 1))


def test_w5_is_the_three_factors_of_the_document():
    assert str(explain(PASSED.total, W5)) == (
        "∂E/∂w₅ over 1 path\n"
        "\n"
        "  ∂E/∂y₁  = −(0.6905 − y₁) = −(0.6905 − 0.7333)  = 0.0428\n"
        "  ∂y₁/∂z₃ = y₁(1 − y₁)     = 0.7333·(1 − 0.7333) = 0.1956\n"
        "  ∂z₃/∂w₅ = h₁                                   = 0.5854\n"
        "\n"
        "  E → y₁ → z₃ → w₅  0.0428 × 0.1956 × 0.5854 = 0.004897\n"
        "\n"
        "∂E/∂w₅ = 0.004897 ✓ reverse mode gives the same"
    )


def test_w1_has_a_path_over_each_output():
    PASSED.total.backward()
    explanation = explain(PASSED.total, W1)
    assert [explanation.names.text(path.edges[0].lower) for path in explanation.paths] == ["y₂", "y₁"]
    assert sum(path.product for path in explanation.paths) == pytest.approx(-0.0049094985513, rel=1e-10)
    assert sum(path.product for path in explanation.paths) == pytest.approx(explanation.gradient, rel=1e-12)
    assert "The sum over both paths: ∂E/∂w₁ = −0.004909" in str(explanation)


def test_a_network_without_labels_takes_the_names_of_a_textbook():
    mlp = MLP.from_weights([[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [[0.4, 0.3, 0.6], [0.2, 1.0, 0.3]]])
    error = squared_error(mlp([0.85, 0.25]), [0.6905, 0.8657])
    text = str(explain(error, mlp.layers[1].neurons[0].w[0]))
    assert "E → y₁ → z₃ → w₅  0.0428 × 0.1956 × 0.5854 = 0.004897" in text
    assert "∂E/∂y₁  = y₁ − 0.6905 = 0.7333 − 0.6905 " in text
    assert "E → y₁ → z₃ → h₁ → z₁ → w₁" in str(explain(error, mlp.layers[0].neurons[0].w[0]))


def test_one_linear_output_and_two_examples():
    mlp = MLP(1, [1, 1], activation="tanh", seed=1)
    loss = squared_error([mlp([0.5]), mlp([-1.5])], [1, 0])
    text = str(explain(loss, mlp.layers[0].neurons[0].w[0]))
    assert "E → y → h₁ → z₁ → w₁" in text
    assert "E → y⁽²⁾ → h₁⁽²⁾ → z₁⁽²⁾ → w₁" in text
    assert "∂h₁/∂z₁       = 1 − h₁²" in text


def test_labelled_nodes_are_the_stations_of_a_graph_without_a_network():
    x = Value(2.0, "x")
    u = tinygrad_edu.sin(3 * x)
    u.label = "u"
    y = (u + 1) ** 2
    assert str(explain(y, x)).splitlines()[2:8] == [
        "  f = (u + 1)² = 0.5192",
        "",
        "  ∂f/∂u = 2·(u + 1)  = 2·(−0.2794 + 1) = 1.4412",
        "  ∂u/∂x = 3·cos(3·x) = 3·cos(3·2)      = 2.8805",
        "",
        "  f → u → x  1.4412 × 2.8805 = 4.1513",
    ]
    assert "f → v₂ → u → v₁ → x" in str(explain(y, x, through="operations"))


def test_without_labels_every_operation_is_a_step_and_is_defined():
    w = Value(0.3, "w")
    text = str(explain(parse("sigmoid(w*x + b)").build({"w": w, "x": 2, "b": 0.1}), w))
    assert "  v₁ = w·x    = 0.6\n  v₂ = v₁ + b = 0.7\n  f  = σ(v₂)  = 0.6682\n" in text
    assert "f → v₂ → v₁ → w  0.2217 × 1 × 2 = 0.4434" in text


def test_a_value_that_is_used_twice_is_told_apart_by_its_operand():
    x = Value(3.0, "x")
    text = str(explain(x * x, x))
    assert "  f → x[1]  = 3\n  f → x[2]  = 3\n" in text
    assert "∂f/∂x[1] = x = 3" in text
    assert "[1], [2], …: which operand, where an operation takes the same Value more than once." in text
    assert "[" not in str(explain(x * Value(2.0, "y"), x))


def test_through_chooses_the_stations():
    assert "E → Error₁ → y₁ → z₃ → w₅" in str(explain(PASSED.total, W5, through="names"))
    assert "E → z₃ → w₅" in str(explain(PASSED.total, W5, through=[PASSED.z[1][0]]))
    assert len(explain(PASSED.total, W5, through="operations").paths[0].edges) == 7
    assert explain(PASSED.total, W5, through=[]).paths[0].product == pytest.approx(0.0048972788)
    with pytest.raises(ValueError, match='through expected "neurons", "names", "operations" or Values, got \'layers\''):
        explain(PASSED.total, W5, through="layers")
    with pytest.raises(ValueError, match="through expected Values on the way from root to wrt"):
        explain(PASSED.total, W5, through=[PASSED.z[1][1]])


def test_html_sets_formulas_off_and_a_repr_is_short():
    explanation = explain(PASSED.total, W5)
    assert explanation.html().startswith("<div><p><i>∂E/∂w₅</i> over 1 path</p><table")
    assert explanation.html().endswith("<i>∂E/∂w₅ = 0.004897</i> ✓ reverse mode gives the same</p></div>")
    assert re.fullmatch(r"<explanation of ∂E/∂w₅ = 0\.00489727\d+>", repr(explanation))
    assert re.fullmatch(r"<update from 0\.3 to 0\.2995\d+>", repr(explain_update(PASSED.total, W5)))


def test_terms_stand_in_the_order_of_the_operations():
    x = Value(2.0, "x")
    assert "∂f/∂x = 2·x + 3 = 2·2 + 3 = 7" in str(explain(x * x + 3 * x, x, through=[]))
    assert "∂f/∂x = cos(x) + exp(x) =" in str(explain(tinygrad_edu.sin(x) + x.exp(), x, through=[]))


def test_a_root_and_a_leaf_without_label_stand_in_formulas_by_name():
    w = Value(0.5)
    z = w * w * 3
    z.label = "z"
    text = str(explain(z.sigmoid(), w))
    assert "∂f/∂z = f(1 − f) =" in text
    assert "∂z/∂x = 6·x " in text


def test_a_leaf_without_a_name_is_its_number_and_a_long_formula_is_left_out():
    w, unnamed = Value(0.5, "w"), Value(3.0)
    y = w * unnamed
    y.label = "y"
    assert "∂f/∂y = 2·y = 2·1.5 = 3\n  ∂y/∂w               = 3" in str(explain(y * y, w))
    y = w
    for k in range(1, 30):
        y = y * Value(1.0, f"a{k}") + w
    y.label = "y"
    assert "∂f/∂y = 2·y = 2·15 = 30\n  ∂y/∂w              = 30" in str(explain(y * y, w))


def test_top_lists_the_largest_and_sums_the_rest():
    mlp = MLP(2, [16, 16, 1], activation="tanh", seed=1)
    loss = squared_error(mlp([0.5, -0.3]), 1.0)
    explanation = explain(loss, mlp.parameters()[0], top=3)
    assert len(explanation.paths) == 3
    assert sum(p.product for p in explanation.paths) + explanation.rest == pytest.approx(explanation.gradient)
    assert "and 13 paths together" in str(explanation)
    assert "16 paths together" in str(explain(loss, mlp.parameters()[0], top=0))
    for top in (-1, 1.5):
        with pytest.raises(ValueError, match=f"top expected a whole number from 0, got {top}"):
            explain(loss, mlp.parameters()[0], top=top)
    for digits in (0, -1, 2.0, "4"):
        with pytest.raises(ValueError, match=f"digits expected a whole number from 1, got {digits!r}"):
            explain(loss, mlp.parameters()[0], digits=digits)
    with pytest.raises(TypeError, match=r"wrt expected a Value, got 1\.0 \(float\): take the result of"):
        explain(loss, 1.0)
    with pytest.raises(TypeError, match=r"root expected a Value, got .*: take an output or a loss of the network"):
        explain(mlp, loss)


def test_paper_arithmetic_rounds_each_number_before_it_is_used():
    explanation = explain(PASSED.total, W5, paper=True)
    assert explanation.on_paper == pytest.approx(0.0428 * 0.1956 * 0.5854)
    assert "0.0428 × 0.1956 × 0.5854 = 0.0049008" in str(explanation)
    assert "On paper, with every number rounded, 0.0049008; exactly 0.0048973" in str(explanation)
    assert [f.value for f in explain(PASSED.total, W5, paper=True, digits=2).factors.values()] == [0.04, 0.2, 0.59]
    # 0.69 − 0.73, where the exact factor rounds to 0.043


@pytest.mark.parametrize(
    "digits, factors", [(1, "0.04 × 0.2 × 0.6"), (2, "0.043 × 0.2 × 0.59"), (6, "0.042773 × 0.195584 × 0.585405")]
)
def test_digits(digits, factors):
    assert factors in str(explain(PASSED.total, W5, digits=digits))


@given(graphs(), st.sampled_from(["names", "operations"]))
def test_symbols_stand_for_the_factors(graph, through):
    """Every formula, evaluated with the data of its Values, gives the factor beside it."""
    nodes, root = graph
    explanation = explain(root, nodes[0], through=through)
    for edge, factor in explanation.factors.items():
        if factor.symbols is not None:
            assert evaluated(factor.symbols, lambda node: node.data) == pytest.approx(edge.factor, rel=1e-9, abs=1e-9)
    for node, made in explanation.definitions:
        if made is not None:
            assert evaluated(made, lambda node: node.data) == pytest.approx(node.data, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("row", TABLE.values(), ids=lambda row: row.name)
@pytest.mark.parametrize("operand", [0, 1])
def test_every_row_is_written_in_symbols_in_every_form(row, operand):
    if operand >= len(row.operands):
        return
    x, y = Value(0.4, "x"), Value(0.7, "y")
    operands = [[x, y], [y, x]] if row.many else [x, y]
    root = row.function(*operands[: len(row.operands)])
    explanation = explain(root, (x, y)[operand])
    [*_] = explanation.factors
    for edge, factor in explanation.factors.items():
        assert evaluated(factor.symbols, lambda node: node.data) == pytest.approx(edge.factor, rel=1e-12)
    check_forms(explanation)


def check_forms(written) -> None:
    """Each form is complete, and its formulas are formulas: Matplotlib's mathtext reads every one."""
    mathtext = pytest.importorskip("matplotlib.mathtext").MathTextParser("path")
    assert written.text() == str(written)
    assert written.markdown() == written._repr_markdown_()
    assert not hasattr(written, "_repr_html_")  # a notebook would prefer it to the formulas
    html = written.html()
    for tag in ("div", "table", "tr", "td", "p", "i"):
        assert html.count(f"<{tag}>") + html.count(f"<{tag} ") == html.count(f"</{tag}>")
    assert set(re.findall(r"</?(\w+)", html)) <= {"div", "table", "tr", "td", "p", "i"}
    formulas = re.findall(r"\$([^$]*)\$", re.sub(r"\\\$", "+", written.markdown()))
    latex = written.latex()
    assert latex.count(r"\begin{align*}") == latex.count(r"\end{align*}")
    aligned = re.findall(r"\\begin{align\*}\n(.*?)\n\\end{align\*}", latex, flags=re.DOTALL)
    for line in "\\\\\n".join(aligned).split("\\\\\n") if aligned else ():
        assert len(re.findall(r"(?<!\\)&", line)) == 1
        formulas.append(re.sub(r"(?<!\\)&", "", line))
    formulas += re.findall(r"\$([^$]*)\$", re.sub(r"\\\$", "+", latex))
    for formula in formulas:
        assert len(re.findall(r"(?<!\\){", formula)) == len(re.findall(r"(?<!\\)}", formula))
        # What LaTeX has and mathtext lacks.
        formula = formula.replace(r"\underbrace", "").replace(r"\&", "+").replace('"', "")
        formula = formula.replace(r"\lbrack", "[").replace(r"\rbrack", "]").replace("{@}", "a")
        mathtext.parse(f"${formula}$")
    tokens = pytest.importorskip("markdown_it").MarkdownIt().enable("table").parse(written.markdown())
    inline = {child.type for token in tokens for child in token.children or ()}
    assert inline <= {"text", "text_special", "softbreak"}  # no emphasis, code, link, image or tag
    assert not re.search(r"\w://|www\.\w|\w@\w", written.markdown())  # nor what some readers make a link of
    assert not [form for form in (written.text(), written.markdown(), latex, html) if form.endswith("\n")]
    verdict = "reverse mode gives the same"
    assert len({verdict in form for form in (written.text(), written.markdown(), latex, html)}) == 1


@settings(max_examples=30)  # mathtext is slow
@given(graphs(), st.sampled_from([None, "operations"]), st.booleans())
def test_every_form_of_every_graph_is_well_formed(graph, through, paper):
    nodes, root = graph
    check_forms(explain(root, nodes[0], through=through, paper=paper, top=3))
    check_forms(explain_update(root, nodes[0], through=through, paper=paper))


AWKWARD = ["a_b", "50%", "x & y", "$", "{", "}}", "\\frac", "#1", "~", "^2", "<script>alert(1)</script>", "two\nlines"]
AWKWARD += ["日本", "🙂", "\x1b[31m", "a" * 10_000, "'\"", "|", "α1", "Δ", "error rate", "\u202e", "learning_rate_3"]
AWKWARD += ["[x](http://a.example)", "![x](http://a.example/b.png)", "www.example.com", "a@b.example", "`x`", "**x**"]
AWKWARD += ["<img src=x>", "&lt;b&gt;", "ftp://a.example", "$$x$$", "\\(x\\)"]


@pytest.mark.parametrize("label", AWKWARD, ids=range(len(AWKWARD)))
def test_no_label_is_markup_in_any_form(label):
    x = Value(0.5, label)
    y = tinygrad_edu.tanh(x)
    y.label = label
    explanation = explain(y * y, x)
    assert ("⁽²⁾" in explanation.text()) == (label != "\u202e")  # two nodes of one name are told apart
    assert "\x1b" not in explanation.text()
    assert max(map(len, explanation.text().splitlines())) < 400
    assert "<script" not in explanation.html()
    dollars = re.sub(r"\\\$", "", explanation.markdown()).count("$")
    assert dollars % 2 == 0
    check_forms(explanation)
    check_forms(explain_update(y * y, x))


def test_latex_of_w5():
    lines = explain(PASSED.total, W5).latex().splitlines()
    assert lines[:4] == [r"$\frac{\partial E}{\partial w_{5}}$ over 1 path", "", r"\begin{align*}", lines[3]]
    assert lines[3:6] == [
        r"\frac{\partial E}{\partial y_{1}} &= -\left(0.6905 - y_{1}\right)"
        r" = -\left(0.6905 - 0.7333\right) = 0.0428 \\",
        r"\frac{\partial y_{1}}{\partial z_{3}} &= y_{1}\left(1 - y_{1}\right)"
        r" = 0.7333 \cdot \left(1 - 0.7333\right) = 0.1956 \\",
        r"\frac{\partial z_{3}}{\partial w_{5}} &= h_{1} = 0.5854 \\",
    ]
    assert lines[6].startswith(r"\frac{\partial E}{\partial w_{5}} &= \frac{\partial E}{\partial y_{1}} \cdot \frac{")
    assert lines[7:] == [
        r"&= 0.0428 \cdot 0.1956 \cdot 0.5854 \\",
        r"&= 0.004897",
        r"\end{align*}",
        "",
        r"$\frac{\partial E}{\partial w_{5}} = 0.004897$, reverse mode gives the same",
    ]


def test_a_wrong_sum_is_told_in_every_form():
    explanation = explain(PASSED.total, W5)
    explanation.chain.total = 1.0
    for form in (explanation.text(), explanation.markdown(), explanation.latex(), explanation.html()):
        assert "the sum over the paths is 1.0" in form
    assert explanation.text().splitlines()[-1] == (
        f"∂E/∂w₅ = 0.004897 ✗ reverse mode gives {explanation.gradient!r}, the sum over the paths is 1.0"
    )


def test_a_right_sum_of_terms_that_cancel_is_not_called_wrong():
    x = Value(1e-10, "x")
    q = x / x
    y = q * 1e-9 + x * 1e-9
    q.label, y.label = "q", "y"
    assert explain(y, x).text().endswith("✓ reverse mode gives the same")


def test_an_update_is_spelled_out():
    assert str(explain_update(PASSED.total, W5, lr=0.1)) == (
        "w₅ ← w₅ − η · ∂E/∂w₅\n"
        "   = 0.3 − 0.1 × 0.004897\n"
        "   = 0.2995\n"
        "∂E/∂w₅ is positive: E grows as w₅ grows, so w₅ goes down."
    )
    assert W5.data == 0.3
    paper = explain_update(PASSED.total, W5, lr=0.1, paper=True)
    assert paper.after == pytest.approx(0.3 - 0.1 * 0.0048972788, rel=1e-9)
    assert "= 0.3 − 0.1 × 0.0049008\n" in str(paper)
    assert str(paper).splitlines()[-2] == "On paper, with every number rounded, 0.2995; exactly 0.29951"
    for form in (paper.markdown(), paper.latex(), paper._repr_markdown_()):
        assert r"w_{5} " in form
        assert "is positive" in form
    assert "<td" in paper.html()


def test_an_update_shows_enough_decimals_to_see_the_step():
    x = Value(1.0, "x")
    assert "= 0.9999998" in str(explain_update(x * x, x, lr=1e-7))
    zero = Value(0.0, "x")
    assert str(explain_update(zero * zero, zero)).endswith("∂f/∂x is 0: x stays.")
    for lr in (0.0, -1.0, float("nan"), float("inf"), "fast", None):
        with pytest.raises(ValueError, match=f"lr expected a positive number, got {lr!r}"):
            explain_update(x * x, x, lr=lr)


def chain(count):
    y = x = Value(1.0, "x")
    for _ in range(count):
        y = y * 1.01
    return y, x


def test_forty_factors_are_written_out_and_how_many_more_there_are():
    for count, more in ((40, ""), (41, "… and 1 more"), (1240, "… and 1,200 more")):
        explanation = explain(*chain(count), through="operations")
        assert len(explanation.factors) == count
        assert len(re.findall(r"(?m)^  ∂\S+/∂\S+ += 1\.01$", explanation.text())) == 40
        for form, line in (
            (explanation.text(), f"\n  {more}\n"),
            (explanation.markdown(), f"\n* {more}\n"),
            (explanation.latex(), f"\n&\\text{{{more}}} \\\\\n"),
            (explanation.html(), f"</table><p>{more}</p><table"),
        ):
            assert line in form if more else "more" not in form


def test_twelve_steps_of_a_path_are_written_out_and_of_more_the_first_and_the_last_six():
    [line] = [line for line in explain(*chain(12), through="operations").text().splitlines() if "→" in line]
    assert "…" not in line and line.count("→") == 12 and line.count("1.01") == 12
    [line] = [line for line in explain(*chain(30), through="operations").text().splitlines() if "→" in line]
    nodes, numbers = line.strip().split("  ")
    assert nodes == "f → v₂₉ → v₂₈ → v₂₇ → v₂₆ → v₂₅ → v₂₄ → … → v₅ → v₄ → v₃ → v₂ → v₁ → x"
    assert numbers == f"{' × '.join(['1.01'] * 6 + ['…'] + ['1.01'] * 6)} = 1.3478"


def test_twenty_nodes_without_a_name_are_defined():
    for count, defined in ((20, 20), (21, 20)):
        assert len(explain(*chain(count), through="operations").definitions) == defined


@pytest.mark.parametrize(("operations", "written"), [(8, "sin(" * 8 + "w" + ")" * 8), (9, "v₉")])
def test_eight_operations_are_written_out_in_a_formula_and_of_more_the_name(operations, written):
    x, w = Value(0.5, "x"), Value(0.3, "w")
    z = w
    for _ in range(operations):
        z = z.sin()
    assert f"\n  ∂f/∂x = {written} = " in str(explain(x * z, x, through=[]))


@pytest.mark.parametrize(("operands", "written"), [(8, "tanh(a₁ + a₂ + a₃ + a₄ + a₅ + a₆ + a₇ + a₈)"), (9, "v₂")])
def test_eight_operands_are_written_out_in_a_formula_and_of_more_the_name(operands, written):
    x, ones = Value(0.5, "x"), [Value(1.0, f"a{k}") for k in range(1, operands + 1)]
    assert f"\n  ∂f/∂x = {written} = " in str(explain(x * tinygrad_edu.sum(ones).tanh(), x, through=[]))


@pytest.mark.parametrize(("names", "written"), [(24, True), (25, False)])
def test_a_formula_of_twenty_four_names_is_written_out_and_a_longer_one_left_out(names, written):
    xs = [Value(1.0, f"a{k}") for k in range(names)]
    text = str(explain(tinygrad_edu.sum(xs) ** 2, xs[0], through=[]))
    assert ("a₀ + a₁ + " in text, "v₁ = sum(…) " in text) == (written, not written)


def test_what_is_left_out_of_the_paths_is_counted():
    x = Value(2.0, "x")
    for root, words in ((x * x, "and 1 path more  = 2"), (x * x * x, "and 2 paths together  = 8")):
        assert f"  {words}\n" in str(explain(root, x, top=1, through="operations"))
    assert "  2 paths together  = 4\n" in str(explain(x * x, x, top=0))


def test_on_paper_the_paths_that_are_left_out_count_too():
    x = Value(0.3, "x")
    assert explain(x * x, x, top=1, paper=True).on_paper == pytest.approx(0.6)
    assert explain(x * x, x, top=0, paper=True).on_paper == pytest.approx(0.6)


def test_a_path_may_be_named_through_its_root():
    x = Value(2.0, "x")
    y = x * 3
    root = y * y
    assert str(explain(root, x, through=[root, y])) == str(explain(root, x, through=[y]))
    assert str(explain(root, Value(1.0, "u"), through=[root])) == "∂f/∂u = 0: no path leads from f to u"


def test_an_update_shows_fifteen_decimals_at_most():
    x = Value(1.0, "x")
    assert "\n  = 0.99999999999998\n" in str(explain_update(x * x, x, lr=1e-14))
    assert "\n  = 0.999999999999998\n" in str(explain_update(x * x, x, lr=1e-15))
    assert "\n  = 1\n" in str(explain_update(x * x, x, lr=1e-16))


def test_an_update_goes_through_the_nodes_that_are_chosen():
    for through in ([], "neurons", "operations"):
        on_paper = explain(PASSED.total, W5, through=through, paper=True, digits=1).on_paper
        update = explain_update(PASSED.total, W5, lr=1.0, through=through, paper=True, digits=1)
        assert update.on_paper == 0.3 - on_paper
    assert on_paper != explain(PASSED.total, W5, through=[], paper=True, digits=1).on_paper


def test_an_update_on_paper_shows_where_the_paper_leads():
    x = Value(1.0, "x")
    update = explain_update(x * 1.0449, x, lr=1.0, digits=2, paper=True)
    assert str(update).splitlines()[1:4] == [
        "  = 1 − 1 × 1.04",
        "  = −0.04",
        "On paper, with every number rounded, −0.04; exactly −0.0449",
    ]
    lines = str(explain_update(x * -1.0449, x, lr=1.0, digits=2, paper=True)).splitlines()
    assert lines[1:3] == ["  = 1 − 1 × (−1.04)", "  = 2.04"]


def test_paper_arithmetic_keeps_fractions_and_passes_over_formulas_without_a_value():
    x, y = Value(0.5, "x"), Value(10.0, "y")
    [factor] = explain(x * y * 2 / 3, x, through=[], paper=True, digits=2).factors.values()
    assert factor.value == 6.67  # two thirds of 10, and not 0.67 of it
    y = Value(1.0014, "y")
    [factor] = explain(1 / (y - 0.9996), y, through=[], paper=True, digits=2).factors.values()
    assert factor.value == pytest.approx(-308641.98, abs=0.005)  # on paper, 1 over 0


def test_only_blocks_are_written():
    for write in (as_text, markdown, aligned_lines, html):
        with pytest.raises(TypeError, match="no block"):
            write("no block")
    for part in (lambda: Written().blocks(None), lambda: Written().style(None), lambda: Written().text()):
        with pytest.raises(NotImplementedError):
            part()


def test_products_of_paths_of_different_lengths_stand_below_one_another():
    a, b = Value(2.0, "a"), Value(3.0, "b")
    root = (a * b).sin() * a + a
    root.label = "f"
    root.backward()
    explanation = explain(root, a)
    lines = [line for line in str(explanation).splitlines() if line.startswith("  f → ")]
    columns = {re.match(r"  \S+(?: → \S+)* +", line).end() for line in lines}
    assert len(lines) == 3 and len(columns) == 1
    assert all(f">{name}</td>" in explanation.html() for name in ("v₁", "∂f/∂v₃", "∂v₂/∂v₁"))


def test_what_is_infinite_on_the_way_to_a_number_is_explained_and_at_the_end_refused():
    x = Value(1e200, "x")
    y = x * x
    assert explain(1 / y, x).gradient == 0
    with pytest.raises(ValueError, match=r"is inf, the result of x \* x at x = 1e\+200"):
        explain(y + 1, x)


def test_a_derivative_with_a_sum_over_all_operands_is_written_out():
    """A row of one's own without a `shown` form of its own."""
    a, b = Value(2.0, "a"), Value(3.0, "b")
    with registered("length", "‖", "sqrt(sum(x_i * x_i))", "x_i / sqrt(sum(x_i * x_i))") as row:
        root = row.function([a, b, 6.0])
        root.label = "y"
        explanation = str(explain(root, a))
    assert "a/√(a² + b² + 36)" in explanation and "2/√(2² + 3² + 36) = 0.2857" in explanation
    with registered("spread", "s", "sum(square(x_i - 1)) / 2", "x_i - 1 + 0 * sum(x_i * out)") as row:
        assert explain(row.function([a, b]), b).gradient == 2.0
    with registered("nested", "n", "log(sum(exp(x_i)))", "exp(x_i) / sum(exp(x_i + 0 * sum(x_i)))") as row:
        assert explain(row.function([a, b]), b).gradient == pytest.approx(1 / (1 + math.exp(-1)))
