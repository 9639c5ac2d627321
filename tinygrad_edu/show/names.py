"""What the nodes of a graph are called: by their labels, as parts of a network, or by the caller's variables."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from itertools import count
from typing import Any

from tinygrad_edu.engine import Value, nodes, plain, quoted, topological
from tinygrad_edu.neurons import neurons


def name(namespace: Mapping[str, Any]) -> None:
    """Label each Value after the variable that holds it; in a list, h gives h1, h2, ….

    >>> a, b = Value(2.0), Value(3.0)
    >>> c = a * b
    >>> name(locals())
    >>> [parent.label for parent in c.parents], c.label
    (['a', 'b'], 'c')

    Arguments:
        namespace: variables and what they hold, mostly `locals()`. Values that have a label keep it, and variables
            whose names begin with an underscore are passed over.
    """
    if not isinstance(namespace, Mapping):
        raise TypeError(f"name expected variables and what they hold, like locals(), got {quoted(namespace)}")
    for variable, held in list(namespace.items()):
        if variable.startswith("_"):
            continue
        if isinstance(held, Value):
            held.label = held.label or variable
        elif isinstance(held, (list, tuple)):
            for k, value in enumerate(held, start=1):
                if isinstance(value, Value):
                    value.label = value.label or f"{variable}{k}"


def roles(root: Value) -> dict[Value, str]:
    """What a textbook calls the nodes of a network: z a neuron's weighted sum, h what it hands on, y an output.

    Counted neuron by neuron through the network, as its parameters are: the hidden neurons are h1, h2, …, the outputs
    y1, y2, …, and each z has the number of its neuron. Where examples share the network, names recur.
    """
    places = {node: place for node, place in neurons(root).items() if node.parents}
    if not places:
        return {}
    sizes: dict[int, int] = {}
    for layer, neuron in places.values():
        sizes[layer] = max(sizes.get(layer, 0), neuron)
    last = max(sizes)
    found: dict[Value, str] = {}
    for node in topological(root):
        if node not in places:
            continue
        layer, neuron = places[node]
        before = sum(sizes.get(k, 0) for k in range(1, layer))
        inner = [parent for parent in node.parents if isinstance(parent, Value) and parent in places]
        for parent in inner:  # the weighted sum without its bias, or z: only the end of the neuron keeps its name
            if places[parent] == (layer, neuron):
                if node.op.name == "add":
                    del found[parent]
                else:
                    found[parent] = f"z{before + neuron}"
        number = neuron if layer == last else before + neuron
        found[node] = ("y" if layer == last else "h") + ("" if layer == last and sizes[layer] == 1 else str(number))
    return found


class Names:
    """The name of each node under a root, the same in every explanation, picture, page and listing of it.

    A label comes first, then the role in a network. Of the others, the root is f (E where it follows a network), the
    operations are v1, v2, … in the order of the forward pass, and the leaves x1, x2, … in the order of their use; x
    where there is one. A name that several nodes have is counted: y, y⁽²⁾, ….

    >>> a, b = Value(2.0, "a"), Value(3.0)
    >>> root = (a * b + 1) * a
    >>> names = Names(root)
    >>> [names.text(node) for node in (a, b, *topological(root))]
    ['a', 'x', 'v₁', 'v₂', 'f']

    Arguments:
        root: whose graph it is.
        others: Values outside of it that need a name too.

    Attributes:
        roles: the nodes of a network, see `roles`.
        own: the nodes that have a label or a role.
    """

    def __init__(self, root: Value, *others: Value) -> None:
        everything = dict.fromkeys([*nodes(root), *others])
        self.roles = roles(root)
        self.given: dict[Value, tuple[str, int]] = {}
        self.copies: dict[str, int] = {}
        for node in everything:
            if label := plain(node.label) or self.roles.get(node, ""):
                self.give(node, label)
        self.own = frozenset(self.given)
        unnamed = [node for node in everything if node not in self.given]
        if root.parents and root in unnamed and (label := "E" if self.roles else "f") not in self.copies:
            self.give(root, label)
        bare = [node for node in unnamed if not node.parents]
        if len(bare) == 1 and "x" not in self.copies:
            self.give(bare[0], "x")
        numbers = {"x": count(1), "v": count(1)}
        for node in unnamed:
            if node not in self.given:
                letter = "v" if node.parents else "x"
                self.give(node, next(name for k in numbers[letter] if (name := f"{letter}{k}") not in self.copies))

    def give(self, node: Value, label: str) -> None:
        self.copies[label] = self.copies.get(label, 0) + 1
        self.given[node] = label, self.copies[label]

    def text(self, node: Value) -> str:
        """For people: digits at the end are an index, w₅."""
        return pretty(*self.given[node])

    def code(self, node: Value) -> str:
        """For listings: as in the program that made it, w5."""
        label, copy = self.given[node]
        return label if copy == 1 else f"{label}({copy})"

    def latex(self, node: Value) -> str:
        """For LaTeX's math mode."""
        return latex_name(*self.given[node])


def symbol(node: Value) -> str:
    """The sign of the operation that made a node, legible on its own; "" for a leaf."""
    return plain(LEGIBLE.get(node.op.symbol, node.op.symbol)) if node.op else ""


LEGIBLE = {"-": "−", "·": "dot"}


# Labels

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi"
GREEK_NAMES = {*GREEK.split(), "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"}


def pretty(label: str, copy: int = 1) -> str:
    """A label as text: digits at its end are an index; a second node of this label is marked.

    >>> pretty("w5"), pretty("z_1"), pretty("y1", copy=2), pretty("learning rate")
    ('w₅', 'z₁', 'y₁⁽²⁾', 'learning rate')
    """
    label = plain(label)
    if index := re.fullmatch(r"([^\W\d_]+)_?([0-9]+)", label):
        label = index[1] + index[2].translate(SUBSCRIPTS)
    return label + (f"⁽{str(copy).translate(SUPERSCRIPTS)}⁾" if copy > 1 else "")


def latex_name(label: str, copy: int = 1) -> str:
    r"""A label for LaTeX's math mode: no character of it is a command, nor markup or a link to Markdown.

    >>> latex_name("w5"), latex_name("total_error"), latex_name("w2_1,3")
    ('w_{5}', '\\mathrm{total\\_error}', 'w_{2,1,3}')
    """
    label = plain(label)
    index = re.fullmatch(r"([^\W\d_]+)_?([0-9]+(?:[_,][0-9]+)*)", label)
    stem, digits = (index[1], index[2].replace("_", ",")) if index else (label, "")
    if spelled(stem) in GREEK_NAMES:
        name = rf"\{spelled(stem)}"
    elif re.fullmatch("[A-Za-z]", stem):
        name = stem
    else:
        name = latex_word(stem)
    return name + (f"_{{{digits}}}" if digits else "") + (f"^{{({copy})}}" if copy > 1 else "")


def spelled(letter: str) -> str:
    """α as alpha, Δ as Delta; anything else as it is."""
    words = unicodedata.name(letter, "").split() if len(letter) == 1 else []
    if words[:1] != ["GREEK"] or len(words) != 4:
        return letter
    spelling = words[3].lower().replace("lamda", "lambda")
    return spelling.capitalize() if words[1] == "CAPITAL" else spelling


# MathJax reads commands in math mode only. In Markdown neither < nor | nor ` nor [ may stand for itself, and a colon or
# a dot in braces keeps an address from becoming a link.
IN_MATH_MODE = {"\\": r"\backslash ", "~": r"\sim ", "^": r"\wedge ", "*": r"\ast ", "|": r"\vert ", " ": r"\ "}
IN_MATH_MODE |= {"[": r"\lbrack ", "]": r"\rbrack ", ":": "{:}", ".": "{.}", "@": "{@}"}
IN_MATH_MODE |= {"…": r"\dots ", "<": r"\langle ", ">": r"\rangle ", "'": r"\text{'}", "`": r"\text{'}"}
IN_MATH_MODE |= {c: rf"\{c}" for c in "{}$&#_%"}


def latex_word(text: str) -> str:
    """A word in upright letters for math mode; what LaTeX's own fonts lack becomes a ?."""
    return r"\mathrm{" + "".join(map(latex_letter, text)) + "}"


def latex_letter(letter: str) -> str:
    if letter.isascii() or letter in IN_MATH_MODE:
        return IN_MATH_MODE.get(letter, letter)
    return rf"\text{{{letter}}}" if letter < "\u0180" else "?"
