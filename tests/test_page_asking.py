"""The page asks before it shows: which answers are right, and what it says to those that are not."""

import csv
import io
import random

import pytest

from tests.pages import SIZES, worked_example
from tinygrad_edu import Value
from tinygrad_edu.misconceptions import MISCONCEPTIONS
from tinygrad_edu.nn import MLP


def mixed():
    """A root with many operations, away from kinks and from numbers that agree by chance."""
    a, b, c = Value(0.7, "a"), Value(1.9, "b"), Value(-0.6, "c")
    z = a * b + c
    h = z.tanh()
    y = (h * a - b / (c + 3.0)).sigmoid()
    e = (y - 0.3) ** 2 + (a * 1.3).exp() * h.sin() + (b * b + 0.4).log() * a.sqrt()
    for label, value in (("z", z), ("h", h), ("y", y), ("E", e)):
        value.label = label
    return e


# Every question of a page: its kind, its formula as text, the right number, names to play with.
QUESTIONS = """
const all = steps.flatMap((step) => questionsOf(step));
const rule = (q) => plain(inNames(nodes[q.k].partials[q.i]));
const described = all.map((q) => ({ kind: q.kind, right: q.value(v), local: rule(q), upstream: grad[q.k] }));
"""


@pytest.fixture(scope="module")
def pages(browser, tmp_path_factory):
    from tinygrad_edu.show import explore

    found = []
    for k, root in enumerate((mixed(), worked_example()[1])):
        file = tmp_path_factory.mktemp("asking") / f"{k}.html"
        explore(root, file)
        page = browser.new_page(viewport=SIZES[3])
        page.goto(file.as_uri())
        page.evaluate(f"(() => {{ {QUESTIONS}; window.all = all; window.described = described; }})()")
        found.append((page, page.evaluate("window.described"), page.evaluate("nodes.map(n => n.name)")))
    yield found
    for page, _, _ in found:
        page.close()


def equivalents(rng, question, names):
    """Another way to write the same."""
    right, local, upstream = question["right"], f"({question['local']})", question["upstream"]
    n, m = rng.choice(names), rng.choice(names)
    as_number = [
        f"{right:.4g}",
        repr(right),
        f"{right * rng.uniform(0.999, 1.001)!r}",
        f"{right / 3!r} * 3",
        f"-({-right!r})",
        f"{right - 5!r} + 5",
    ]
    as_formula = [
        local,
        f"{local} + {n} − {n}",
        f"{n} * {local} / {n}",
        f"2{local} - {local}",
        f"−(−{local})",
        f"{local}^2 / {local}",
        f"{local} * exp({m} - {m})",
        f"({local} · {n} + {local} · {m}) / ({n} + {m})",
        f"{local} * (sin({n})² + cos({n})**2)",
    ]
    if question["kind"] == "local":
        return rng.choice(as_number + as_formula * 2)
    if question["kind"] == "contribution":
        return rng.choice([*as_number, *(f"{upstream:.4g} × ({formula})" for formula in as_formula)])
    return rng.choice(as_number)


def near_misses(rng, question, names):
    """Close to it, and not the same."""
    right, local, upstream = question["right"], f"({question['local']})", question["upstream"]
    n = rng.choice(names)
    off = 1 + rng.choice((-1, 1)) * rng.uniform(0.012, 0.2)
    as_number = [f"{right * off!r}", f"{-right!r}", f"{right * 10!r}", f"{right / 2!r}", f"{right + 1!r}", "0"]
    as_formula = [
        f"{local} * {off}",
        f"{local} + {off - 1} * {local} * exp({n})",
        f"−{local}",
        f"{local} / 2",
        f"{local} * ({n} − {n})",
        f"{local}^3",
        f"sin({local}) + 1",
        f"{local} + 0.001 + 0.02 * {n}^2",
    ]
    if question["kind"] == "local":
        return rng.choice(as_number + as_formula * 2)
    if question["kind"] == "contribution":
        return rng.choice([*as_number, *(f"{upstream:.4g} × ({formula})" for formula in as_formula[:4])])
    return rng.choice(as_number)


@pytest.mark.parametrize(("generator", "right"), [(equivalents, True), (near_misses, False)])
def test_a_thousand_answers_are_judged(pages, generator, right):
    rng = random.Random(7)
    wrong = []
    for page, questions, names in pages:
        usable = [k for k, q in enumerate(questions) if abs(q["right"]) > 1e-9]
        tries = []
        for _ in range(500):
            k = rng.choice(usable)
            tries.append([k, generator(rng, questions[k], names)])
        verdicts = page.evaluate("tries => tries.map(([k, text]) => judged(all[k], text))", tries)
        wrong += [
            (questions[k], text, verdict["words"])
            for (k, text), verdict in zip(tries, verdicts, strict=True)
            if verdict["right"] is not right
        ]
    assert wrong == []


def asked(page, k, text):
    return page.evaluate("([k, text]) => judged(all[k], text)", [k, text])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2 +", "Something is missing at the end."),
        ("(2", "A bracket is not closed."),
        ("quark", "“quark” is no name in this graph."),
        ("2 )", "“)” is not expected here."),
        ("constructor", "“constructor” is no name in this graph."),
        ("exp", "“exp” is no name in this graph."),
    ],
)
def test_what_cannot_be_read_is_said(pages, text, words):
    verdict = asked(pages[0][0], 0, text)
    assert (verdict["right"], verdict["readable"], verdict["words"]) == (False, False, words)


def mistake(page, kind, op, wrong):
    """What is said to a wrong answer, an expression in JavaScript of the question `q`."""
    return page.evaluate(
        f"(() => {{ const k = all.findIndex(q => q.kind === '{kind}' && nodes[q.k].op === '{op}'); const q = all[k];"
        f"const found = judged(q, String({wrong})); return [found.right, found.mistake && found.mistake.name]; }})()"
    )


@pytest.mark.parametrize(
    ("kind", "op", "wrong", "name"),
    [
        ("local", "sigmoid", "-q.value(v)", "sign of a difference"),
        ("local", "sigmoid", "v[nodes[q.k].parents[0]] * (1 - v[nodes[q.k].parents[0]])", "sigmoid' of the input"),
        ("local", "tanh", "1 - v[nodes[q.k].parents[0]] ** 2", "tanh' of the input"),
        ("local", "pow", "q.value(v) / 2", "the square's 2"),
        ("contribution", "tanh", "grad[q.k]", "inner derivative missing"),
        ("contribution", "tanh", "d[q.k][0]", "gradient from above missing"),
        ("local", "tanh", "v[q.k]", "the value, not its derivative"),
    ],
)
def test_a_wrong_answer_is_met_with_the_mistake_that_it_betrays(pages, kind, op, wrong, name):
    assert name in {m.name for m in MISCONCEPTIONS}
    assert mistake(pages[0][0], kind, op, wrong) == [False, name]


def test_half_the_derivative_of_a_square_lacks_its_2_however_it_is_written(desk):
    for root in (Value(3.0, "a").square(), Value(3.0, "a") ** 2):
        page = desk.open(root * 0.7)
        found = page.evaluate(
            "steps.flatMap(questionsOf).filter((q) => q.kind === 'local')"
            ".map((q) => judged(q, String(q.value(v) / 2)).mistake.name)"
        )
        assert found == ["the square's 2"]


def test_a_constant_is_not_swapped_with_its_operand(pages):
    names = pages[0][0].evaluate(
        """all.filter((q) => q.kind === "contribution" && nodes[q.k].parents.includes(null))
          .map((q) => judged(q, "0").mistake?.name)"""
    )
    assert len(names) > 3 and "swapped operands" not in names


def test_a_mistake_that_gives_nearly_the_right_answer_is_not_told(visit):
    page = visit(Value(1.0, "a") * Value(1.004, "b"))
    judge = "(text) => { const q = steps.flatMap(questionsOf).find((q) => q.kind === 'local' && q.i === 0);"
    judge += "const { right, words } = judged(q, text); return [right, words.slice(0, 9)]; }"
    assert page.evaluate(judge, "0.9965") == [
        False,
        "Not that.",
    ]  # near to 1, the other derivative, for which 1.004 is it
    assert page.evaluate(judge, "1") == [True, "Right."]


def test_a_sum_is_that_of_the_ways_so_far(visit):
    x = Value(3.0, "x")
    page = visit(x * x + x)
    sums = "steps.flatMap((step) => questionsOf(step).filter((q) => q.kind === 'sum').map((q) => q.value(v)))"
    assert page.evaluate(sums) == [4, 7]


def test_the_last_contribution_for_the_sum_is_overwriting(pages):
    found = pages[0][0].evaluate(
        "(() => { const k = all.findIndex(q => q.kind === 'sum'); return judged(all[k], "
        "String(grad[all[k].k] * d[all[k].k][all[k].i])).mistake.name; })()"
    )
    assert found == "overwritten"


def test_a_question_covers_its_answer_and_leads_on(visit):
    w = Value(0.3, "w")
    z = w * 2.0
    z.label = "z"
    y = z.sigmoid()
    y.label = "y"
    page = visit(y)
    page.check("#ask")
    page.evaluate("go(backwardBegins() + 1)")
    assert page.evaluate("document.querySelector('#n1 .grad').textContent") == ""
    assert page.inner_text("#paths") == "Covered while a question is open."
    page.fill("#answer", "z(1 − z)")
    page.keyboard.press("Enter")
    assert page.inner_text(".verdict") == "Is y in y (1 - y) what goes in, or what comes out?"
    page.keyboard.press("Enter")
    assert page.inner_text(".verdict").startswith("Not that: σ' is y (1 - y) with the output y")
    page.fill("#answer", "y(1 − y)")
    page.keyboard.press("Enter")
    page.fill("#answer", "1")
    page.keyboard.press("Enter")
    assert page.inner_text(".verdict").startswith("The outer function is one factor.")
    page.click(".question >> text=Show")
    assert page.evaluate("document.querySelector('#n1 .grad').textContent") == "0.2288"
    assert page.inner_text("#points") == "1 of 2 right, 0 at the first try"


def test_the_score_is_kept_and_saved_as_csv(visit, tmp_path):
    page = visit((Value(0.3, "w") * 2.0).sigmoid())
    page.check("#ask")
    page.evaluate("go(backwardBegins() + 1)")
    page.fill("#answer", "0.2288")
    page.keyboard.press("Enter")
    page.fill("#answer", "=1+1")
    page.click(".question >> text=Show")
    with page.expect_download() as download:
        page.click("#save-score")
    download.value.save_as(tmp_path / "score.csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "score.csv").read_text(encoding="utf-8"))))
    assert rows[0] == ["step", "question", "answer", "right", "tries", "hint"]
    assert [row[2:4] for row in rows[1:]] == [["0.2288", "true"], ["'=1+1", "false"]]
    page.reload()
    assert page.inner_text("#points") == "1 of 2 right, 1 at the first try"
    page.click("#forget-score")
    assert page.is_hidden("#score")


def test_a_box_is_closed_while_a_question_is_open(visit):
    page = visit(worked_example()[1])
    page.check("#ask")
    page.evaluate("go(backwardBegins() + 4)")
    assert page.locator(".question").count() == 1
    page.select_option("#boxes", "neurons")
    page.click("#last")
    page.select_option("#boxes", "nodes")
    assert page.evaluate("now === steps.length - 1")


def test_closed_boxes_are_not_asked_about(visit):
    page = visit(MLP(2, [16, 16, 1], activation="tanh", seed=1), data=[([0.1, 0.2], 1.0)])
    page.check("#ask")
    page.click("#last")
    assert page.locator(".question").count() == 0
    asked_about = "steps.map((step) => [step.unit?.node === null, step.terms?.length, questionsOf(step).length])"
    for level in ("neurons", "layers"):
        page.select_option("#boxes", level)
        found = page.evaluate(asked_about)
        assert [True, 1, 0] in found
        assert all(count == 0 for is_closed, _, count in found if is_closed)


def test_where_there_is_no_derivative_nothing_is_asked(visit):
    page = visit((Value(0.0, "x") * 2.0).sqrt() * 3.0)
    kinds = page.evaluate("steps.map((step) => questionsOf(step).map((q) => q.kind).join(' '))")
    assert kinds == ["", "", "", "", "", "contribution", "", ""]  # 3, then the root of 0


def test_a_formula_of_large_numbers_may_be_off_by_a_rounding(visit):
    a, b, c = Value(701.3, "a"), Value(903.7, "b"), Value(517.9, "c")
    page = visit((a * b + c) * b)
    page.evaluate(f"(() => {{ {QUESTIONS}; window.all = all; window.described = described; }})()")
    questions = page.evaluate("window.described")
    asked_for = [k for k, q in enumerate(questions) if q["kind"] == "local" and q["local"] != "1"]
    assert asked_for
    for k in asked_for:
        assert asked(page, k, f"({questions[k]['local']}) * 3.7 / 1.1 / 3.7 * 1.1")["right"]
        assert not asked(page, k, f"({questions[k]['local']}) * 1.00001")["right"]


# What is asked, exactly


def test_the_right_answers_are_the_engines_and_the_steps_own(pages):
    for page, _, _ in pages:
        found = page.evaluate(
            """steps.flatMap((step) => questionsOf(step).map((q) => {
              const [{ term, after, before, parent }] = step.terms;
              const expected = { local: d[q.k][q.i], contribution: term, sum: after }[q.kind];
              return [q.kind, q.value(v), expected, plain(row(...q.asked)), q.hint, name(q.k), name(parent),
                shown(grad[q.k]), shown(before), nodes[q.k].op]; }))"""
        )
        kinds = {kind for kind, *_ in found}
        assert kinds == {"local", "contribution", "sum"}
        root = page.evaluate("name(root)")
        for kind, value, expected, asked_for, hint, upper, lower, above, before, op in found:
            assert value == pytest.approx(expected, rel=1e-12)
            assert (asked_for, hint) == {
                "local": (
                    f"∂{upper}/∂{lower}",
                    f"It is the derivative of {op} for this operand. "
                    "Name it with the names in the graph, or as a number.",
                ),
                "contribution": (
                    f"∂{root}/∂{upper} × ∂{upper}/∂{lower}",
                    f"Two factors: what comes from above, {above}, and the local derivative.",
                ),
                "sum": (
                    f"∂{root}/∂{lower}so far",
                    f"There was {before} already, from another way. Gradients add up.",
                ),
            }[kind]


def test_which_steps_ask_what(pages):
    for page, _, _ in pages:
        wrong = page.evaluate(
            """steps.filter((step) => {
              const kinds = questionsOf(step).map((q) => q.kind).join(" ");
              if (step.kind !== "backward") return kinds !== "";
              const { k, i } = step.wire.edges[0], given = typeof nodes[k].partials[i] === "number";
              const joins = step.terms[0].before ? ["sum"] : [];
              return kinds !== [...(given ? [] : ["local"]), "contribution", ...joins].join(" ");
            }).length"""
        )
        assert wrong == 0


def test_how_far_an_answer_may_be_off(pages):
    page = pages[0][0]
    near = "([a, b]) => near(a, b)"
    for right in (2.0, -0.003, 4e7):
        for share, well in (
            (1.0049, True),
            (0.9951, True),
            (1.0051, False),
            (1.00502, False),
            (0.9949, False),
            (-1.0, False),
        ):
            assert page.evaluate(near, [right * share, right]) is well
    assert page.evaluate(near, [0, 0]) and not page.evaluate(near, [1e-9, 0])
    rounded = "(tree) => hasRounded(tree)"
    for number, well in (
        (2, False),
        (12, False),
        (0.25, False),
        (123, True),
        (0.123, True),
        (0.05, False),
        (1.5, False),
    ):
        assert page.evaluate(rounded, number) is well
    assert page.evaluate(rounded, ["*", "3", 0.7333]) is True
    assert page.evaluate(rounded, ["*", "3", ["+", 1, 2]]) is False
    assert page.evaluate(rounded, "3") is False


def test_the_points_at_which_formulas_are_compared(pages):
    page = pages[0][0]
    points = page.evaluate("randomPoints().map((data) => [...data])")
    values, leaves_ = page.evaluate("[[...v], leaves]")
    assert len(points) == 12
    for data in points:
        assert all(abs(data[k] - values[k]) <= 0.3 * abs(values[k]) + 0.1 for k in leaves_)
    spread = [max(data[k] for data in points) - min(data[k] for data in points) for k in leaves_]
    assert all(s > 0.3 * (0.3 * abs(values[k]) + 0.1) for s, k in zip(spread, leaves_, strict=True))
    recomputed = page.evaluate(
        "(data) => { const own = Float64Array.from(data); runForward(own); return [...own]; }", points[3]
    )
    assert recomputed == points[3]


def test_each_mistake_is_told_where_it_can_be_made(pages):
    """What the misconceptions' own formulas give, for every question: the one that is met has that number."""
    page = pages[0][0]
    found = page.evaluate(
        """all.flatMap((q) => {
          const scope = scopeOf(q), names = new Map(Object.keys(scope).filter((key) => scope[key] !== undefined)
            .map((key) => [key, key]));
          return trace.misconceptions.map((m) => {
            let number;
            try { number = evaluated(read(m.wrong, names), scope); } catch { return null; }
            if (near(number, scope.right) || !Number.isFinite(number)) return null;
            const met = judged(q, String(number));
            return [m.name, q.kind, nodes[q.k].op, met.right, met.mistake && met.mistake.name, met.words,
              met.mistake && met.mistake.hint, number];
          }).filter(Boolean); })"""
    )
    assert len(found) > 100
    told = {name for name, *_, number in found for _ in [number]}
    assert {"sign of a difference", "counted twice", "mean instead of sum", "overwritten", "swapped operands"} <= told
    for name, kind, op, right, met, words, hint, _ in found:
        assert not right
        local_only = kind == "local" and name in (
            "inner derivative missing", "gradient from above missing", "added instead of multiplied")  # fmt: skip
        [made] = [m.operations for m in MISCONCEPTIONS if m.name == name]
        other = made and op not in made
        if local_only or other:
            assert met != name, (name, kind, op)
        else:
            assert met is not None, (name, kind, op)
        if met:
            assert words == hint


def test_what_the_scope_of_a_question_holds(pages):
    page = pages[0][0]
    for kind, keys in (
        ("local", {"right", "swapped", "count", "data", "out", "upstream"}),
        ("contribution", {"right", "swapped", "count", "data", "out", "upstream", "local"}),
        ("sum", {"right", "last"}),
    ):
        found = page.evaluate(
            f"""all.filter((q) => q.kind === "{kind}").map((q) => {{ const s = scopeOf(q), node = nodes[q.k];
              const beside = node.parents.length === 2 ? 1 - q.i : null;
              return [Object.keys(s), s, {{ right: q.value(v), count: node.parents.length, data: v[node.parents[q.i]],
                out: v[q.k], upstream: "{kind}" === "local" ? 1 : grad[q.k], local: d[q.k][q.i],
                last: grad[q.k] * d[q.k][q.i],
                swapped: beside !== null && node.parents[beside] !== null ? d[q.k][beside] : null }}]; }})"""
        )
        for names, scope, expected in found:
            assert set(names) == keys
            assert all(scope.get(key) == expected[key] for key in names)


def test_a_score_is_counted(visit):
    page = visit((Value(0.3, "w") * 2.0).sigmoid())
    answers = [(True, 1, False), (True, 2, False), (True, 1, True), (False, 1, False), (False, 0, False)]
    page.evaluate(
        "(given) => { score = { answers: given.map(([right, tries, helped]) => ({ step: 1, question: 'q', answer: 'a', "
        "right, tries, helped })) }; showScore(); }",
        answers,
    )
    assert page.inner_text("#points") == "3 of 5 right, 1 at the first try"
    cells = ["=1", "+1", "-1", "@x", "\tx", 'a"b', "1=2", "x,y"]
    page.evaluate(
        "(cells) => { score.answers = cells.map((answer) => ({ step: 2, question: 'q', answer, right: true, "
        "tries: 1, helped: false })); }",
        cells,
    )
    text = page.evaluate("scoreAsCsv()")
    assert text.endswith("\r\n") and text.count("\r\n") == len(cells) + 1
    rows = list(csv.reader(io.StringIO(text)))
    assert [row[2] for row in rows[1:]] == ["'=1", "'+1", "'-1", "'@x", "'\tx", 'a"b', "1=2", "x,y"]
    assert rows[1] == ["2", "q", "'=1", "true", "1", "false"]
    for stored in ("null", "[]", '{"answers": 3}', "no json"):
        page.evaluate(
            "(text) => { localStorage.setItem(scoreKey, text); score = { answers: [] }; loadScore(); }", stored
        )
        assert page.evaluate("score.answers") == []
        assert page.is_hidden("#score")
    page.evaluate("localStorage.removeItem(scoreKey)")


def test_hints_tries_and_empty_answers(visit):
    page = visit((Value(0.3, "w") * 2.0).sigmoid())
    page.check("#ask")
    page.evaluate("go(backwardBegins() + 1)")
    assert page.inner_text(".question p").startswith("How much is the local derivative?")
    page.keyboard.press("Enter")
    assert page.inner_text(".verdict") == ""
    page.fill("#answer", "2 +")
    page.keyboard.press("Enter")
    page.click(".question >> text=Hint")
    assert page.inner_text(".verdict").startswith("It is the derivative of sigmoid")
    page.fill("#answer", "0.2288")
    page.keyboard.press("Enter")
    assert page.evaluate("score.answers[0]") == {
        "step": page.evaluate("now"), "question": "local: ∂f/∂v₁", "answer": "0.2288", "right": True, "tries": 1,
        "helped": True}  # fmt: skip
    assert page.inner_text(".question p").startswith("What does this way add?")
    page.fill("#answer", "7")
    page.keyboard.press("Enter")
    assert page.inner_text(".verdict") == ("Not that. Two factors: what comes from above, 1, and the local derivative.")
    assert page.evaluate("document.activeElement.id") == "answer"
    page.fill("#answer", "0.2288")
    page.keyboard.press("Enter")
    assert page.evaluate("[asking, document.activeElement.id, score.answers[1].tries]") == [None, "next", 2]
    page.uncheck("#ask")
    page.evaluate("go(backwardBegins() + 1)")
    assert page.locator(".question").count() == 0


def test_the_answer_can_be_typed_at_once(visit):
    """The field has the focus wherever the question comes from: a button, a key, the tick."""
    page = visit((Value(0.3, "w") * 2.0).sigmoid())
    page.evaluate("go(backwardBegins() + 1)")
    page.check("#ask")
    focus = "document.activeElement.id"
    assert page.evaluate(focus) == "answer"
    page.keyboard.type("0.2288")
    assert page.input_value("#answer") == "0.2288"
    page.click("#back")
    page.click("#next")
    assert page.evaluate(focus) == "answer"
    page.focus("#back")
    page.keyboard.press("ArrowRight")
    page.focus("#back")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(focus) == "answer"
    page.fill("#answer", "not that")
    page.keyboard.press("Enter")
    page.keyboard.type("7")  # what was wrong is selected, so that it is written over
    assert page.input_value("#answer") == "7"


def test_the_field_for_an_answer(visit):
    page = visit((Value(0.3, "w") * 2.0).sigmoid(), title="a page")
    page.check("#ask")
    page.evaluate("go(backwardBegins() + 1)")
    form = page.locator(".question")
    assert form.evaluate("(f) => [f.className, f.autocomplete]") == ["question", "off"]
    assert page.locator("#answer").evaluate("(e) => [e.type, e.spellcheck, e.placeholder, e.ariaLabel]") == [
        "text", False, "number or formula", "Your answer"]  # fmt: skip
    assert form.locator("button").evaluate_all("(all) => all.map((b) => [b.type, b.className, b.textContent])") == [
        ["submit", "main", "Check"], ["button", "", "Hint"], ["button", "", "Show"]]  # fmt: skip
    assert page.get_attribute(".verdict", "role") == "status"
    page.click(".question >> text=Show")
    assert page.evaluate("Object.keys(localStorage)") == ["tinygrad-edu a page"]
    page.evaluate("localStorage.clear()")


def test_nothing_scrolls_where_the_focus_goes(visit):
    page = visit(MLP(2, [2, 1], activation="tanh", seed=1), viewport={"width": 900, "height": 320}, data=[([1, 2], 3)])
    page.click("summary")
    page.select_option("#boxes", "nodes")
    page.evaluate("at('ask').checked = true; window.scrollTo(0, 0); go(steps.length - 3)")
    for _ in range(3):  # after the last question Next has the focus, far below
        if page.evaluate("asking !== null"):
            page.evaluate("at('answer').value = asking.question.value(v); at('answer').form.requestSubmit()")
    assert page.evaluate("[document.activeElement.id, scrollY]") == ["next", 0]
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    below = page.evaluate("scrollY")
    assert below > 300
    page.evaluate("go(steps.length - 3)")
    assert page.evaluate("[document.activeElement.id, scrollY]") == ["answer", below]
    page.evaluate("at('ask').checked = false; ask(); closeAll('layers'); rearrange(); openGroup('1')")
    assert page.evaluate("[document.activeElement.id, scrollY]") == ["g1_1", below]


def test_at_how_many_points_a_formula_is_tried(pages):
    """Where it has a value at two points only, that says too little."""
    found = pages[0][0].evaluate(
        """() => {
          const all = randomPoints, nowhere = Float64Array.from(v, () => NaN);
          const right = (points, value, text = "a") => {
            randomPoints = () => points;
            return isRight({ kind: "local", value }, read(text));
          };
          const a = (data) => data[0], always = () => v[0], zero = () => 0;
          const verdicts = [
            [[], [v], [v, v], [v, nowhere], [v, v, nowhere], [nowhere, v, v]].map((points) => right(points, a)),
            right([v, nowhere], always),  // the formula has no value where it should
            ["a × 1.000005", "a × 1.0000005"].map((text) => right([v, v], a, text)),
            ["0 a + 5e-15", "0 a + 5e-16"].map((text) => right([v, v], zero, text)),
          ];
          randomPoints = all;
          return verdicts;
        }"""
    )
    assert found == [[False, False, True, False, True, True], False, [False, True], [False, True]]
