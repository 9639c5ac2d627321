"""Small random graphs with shared nodes, for the tests of explanations."""

from hypothesis import strategies as st

from tinygrad_edu import Value, dot, sigmoid, sin, tanh

OPERATIONS = [
    lambda a, b, c: a + b,
    lambda a, b, c: a - b,
    lambda a, b, c: a * b,
    lambda a, b, c: a / (2 + b * b),
    lambda a, b, c: dot([a, 0.5, b], [b, c, c]),
    lambda a, b, c: tanh(a),
    lambda a, b, c: sin(a) * 0.7,
    lambda a, b, c: sigmoid(a + b),
    lambda a, b, c: a**2,
    lambda a, b, c: -a,
]


@st.composite
def graphs(draw, labels=True):
    """(nodes, root): the leaves first; some of the others have labels."""
    numbers = draw(st.lists(st.integers(-20, 20), min_size=2, max_size=3))
    nodes = [Value(number / 10, f"x{k}") for k, number in enumerate(numbers)]
    for k in range(draw(st.integers(1, 7))):
        operands = [nodes[-1 - draw(st.integers(0, min(3, len(nodes) - 1)))] for _ in range(3)]
        node = draw(st.sampled_from(OPERATIONS))(*operands)
        if labels and draw(st.booleans()):
            node.label = f"n{k}"
        nodes.append(node)
    return nodes, nodes[-1]
