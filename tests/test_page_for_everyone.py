"""The page for those who see, hear or move otherwise: axe-core, the keyboard alone, colours, motion."""

import colorsys
import math
import re

import pytest

from tests.pages import SIZES, moons, worked_example
from tests.test_shared import linear
from tinygrad_edu import Value
from tinygrad_edu.nn import MLP
from tinygrad_edu.themes import THEMES

sync_axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")


def violations(page):
    found = sync_axe.Axe().run(page).response
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZES[0], SIZES[-1]], ids=["phone", "projector"])
def test_axe_finds_nothing(visit, scheme, size):
    _, root = worked_example()
    for page in (
        visit(root, size, scheme),
        visit(MLP(2, [16, 16, 1], activation="tanh", seed=1), size, scheme, data=moons(20)),
    ):
        assert violations(page) == []
        page.evaluate("go(steps.length - 1); pin(0)")
        assert violations(page) == []
        page.evaluate("at('ask').checked = true; go(backwardBegins() + 2)")
        assert violations(page) == []


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_axe_finds_nothing_in_a_chosen_theme(visit, theme):
    page = visit((Value(0.3, "w") * 2.0).sigmoid())
    page.evaluate("at('tools').open = true")
    page.select_option("#theme", theme)
    assert violations(page) == []


def test_axe_would_find_something(visit):
    page = visit(Value(0.3, "w") * 2.0)
    page.evaluate("document.getElementById('rate').closest('label').replaceWith(document.getElementById('rate'))")
    assert violations(page) != []


def test_the_larger_of_two_paths_is_found_by_keyboard_alone(visit):
    _, root = worked_example()
    page = visit(root)
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "n0":
            break
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == (
        "w₁, leaf, moved by descent, data 0.2, grad not computed yet"
    )
    page.keyboard.press("Enter")
    assert page.locator("#paths li").count() == 2
    assert page.locator("#paths li .badge").inner_text() == "largest"
    products = [float(re.findall(r"= ([−\d.e]+)$", text)[0].replace("−", "-")) for text in products_of(page)]
    assert abs(products[0]) > abs(products[1])
    assert math.isclose(sum(products), page.evaluate("grad[0]"), rel_tol=1e-3)


def products_of(page):
    return page.evaluate(
        "[...document.querySelectorAll('#paths li .equation')].map(e => plain(e).replace(' · 10^', 'e'))"
    )


def test_boxes_are_reached_in_the_order_of_the_graph(visit):
    _, root = worked_example()
    page = visit(root)
    reached = []
    page.focus("#stage .box")
    while page.evaluate("document.activeElement.matches('.box')"):
        reached.append(page.evaluate("order.findIndex(u => u.id === document.activeElement.id)"))
        page.keyboard.press("Tab")
    assert reached == sorted(reached)
    assert len(reached) == page.evaluate("order.length")
    after = page.evaluate("order.every(u => u.inputs.every(w => order.indexOf(w.tail) < order.indexOf(u)))")
    assert after


def test_a_node_tells_its_name_operation_value_gradient_and_operands(visit):
    _, root = worked_example()
    page = visit(root)
    page.click("#last")
    label = page.evaluate("[...document.querySelectorAll('.box')].map(b => b.getAttribute('aria-label'))")
    assert "y₁, sigmoid of z₃, data 0.7333, grad 0.04277" in label


def test_every_control_has_a_name(visit):
    page = visit(MLP(2, [3, 1], seed=1), data=moons(4))
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, input, select, .box, canvas')]"
        ".filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels.length)))"
        ".map(e => e.id)"
    )
    assert unnamed == []


def test_formulas_are_mathml(visit):
    _, root = worked_example()
    page = visit(root)
    page.click("#last")
    assert page.locator("#sentence math mfrac").count() >= 3


def test_nothing_moves_where_that_is_not_wanted(visit):
    page = visit(Value(0.3, "w") * 2.0)
    assert page.evaluate("getComputedStyle(at('note')).transitionDuration") == "0s"


# Colours

# What the three deficiencies make of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
DEFICIENCIES = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_signs_are_told_apart_with_each_deficiency(theme, deficiency):
    seen = []
    for colour in (THEMES[theme].data_strong, THEMES[theme].grad_strong):
        channels = [sum(a * b for a, b in zip(line, linear(colour), strict=True)) for line in DEFICIENCIES[deficiency]]
        seen.append(colorsys.rgb_to_yiq(*[max(0.0, min(1.0, c)) ** (1 / 2.2) for c in channels]))
    assert math.dist(*seen) > 0.3


def test_signs_are_told_apart_in_greyscale(visit):
    _, root = worked_example()
    page = visit(root)
    page.click("#last")
    assert page.evaluate("getComputedStyle(document.querySelector('.wire.negative')).strokeDasharray") != "none"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.wire.positive:not(.now)')).strokeDasharray") == "none"
    )
