"""An index as an input: rows of a table chosen anew at each replay, and documents of any length in one program."""

import random
import re

import pytest

from tests.test_replay import close, each_backend
from tinygrad_edu import TABLE, Value, compile, log_softmax, one_hot, take
from tinygrad_edu.engine import topological

np = pytest.importorskip("numpy")
dot, total = TABLE["dot"].function, TABLE["sum"].function


def matrix(rows, columns, seed=0):
    rng = random.Random(seed)
    return [[Value(rng.gauss(0, 1)) for _ in range(columns)] for _ in range(rows)]


def test_a_plain_index_is_plain_indexing():
    table = matrix(3, 2)
    assert take(table, 2) is table[2]
    assert take([5.0, 6.0], 1) == 6.0
    assert one_hot(0, 2) == [1.0, 0.0]


def test_the_gradient_goes_to_the_one_that_is_taken():
    values, index = [Value(x) for x in (3.0, 4.0, 5.0)], Value(1.0, "index")
    y = take(values, index) ** 2
    y.backward()
    assert (y.data, [v.grad for v in values], index.grad) == (16.0, [0.0, 8.0, 0.0], 0.0)


@pytest.mark.parametrize("index", [-1, 3, 1.5, Value(3.0, "token"), Value(0.5)], ids=repr)
def test_an_index_without_a_place_is_named(index):
    said = r"take expected an index from 0 to 2, a whole number, got (-1|3|1.5|Value\()"
    with pytest.raises(ValueError, match=said):
        take([1.0, 2.0, 3.0], index)
    with pytest.raises(ValueError, match="one_hot expected an index from 0 to 2"):
        one_hot(index, 3)


def test_rows_have_one_length():
    with pytest.raises(ValueError, match=re.escape("take expected rows of one length, got [1, 2]")):
        take([[1.0], [1.0, 2.0]], Value(0.0))


@each_backend
def test_a_program_takes_another_row_at_each_replay(backend):
    table, index = matrix(5, 3), Value(0.0, "index")
    x, y, z = take(table, index)
    leaves = [leaf for row in table for leaf in row]
    program = compile(x * y.sin() + z * z, leaves, [index], outputs=[x, y, z], backend=backend)
    data = [leaf.data for leaf in leaves]
    for k in range(5):
        a, b, c = (leaf.data for leaf in table[k])
        value, gradient = program(data, [float(k)])
        close(program.forward(data, [k]), [a, b, c])
        close(value, a * np.sin(b) + c * c)
        expected = np.zeros((5, 3))
        expected[k] = np.sin(b), a * np.cos(b), 2 * c
        close(gradient, expected.ravel())
    values, _ = compile(x * y.sin() + z * z, leaves, [index], reduce=None, backend=backend)(data, [[k] for k in (3, 1)])
    close(values, [program(data, [k])[0] for k in (3, 1)])
    for k in (-1, 5, 0.5):
        assert np.isnan(program.forward(data, [k])).all()


CONTEXT, LETTERS = 5, 4
WEIGHTS = [matrix(LETTERS, 3, 1), matrix(3, 3, 2), matrix(LETTERS, 3, 3)]
LEAVES = [leaf for rows in WEIGHTS for row in rows for leaf in row]


def loss_of(tokens, targets, weights):
    """A recurrent network on a document: Σ weight · -log p(target)."""
    embedding, inner, head = WEIGHTS
    state, losses = [0.0] * 3, []
    for token, target, weight in zip(tokens, targets, weights, strict=True):
        new = take(embedding, token)
        state = [(x + dot(row, state)).tanh() for x, row in zip(new, inner, strict=True)]
        losses.append(weight * -take(log_softmax([dot(row, state) for row in head]), target))
    return total(losses)


def padded(document):
    """Tokens, targets and weights of a document, filled up with a letter that counts nothing."""
    n, fill = len(document) - 1, CONTEXT + 1 - len(document)
    return [*document[:-1], *[0] * fill, *document[1:], *[0] * fill, *[1 / n] * n, *[0.0] * fill]


@each_backend
def test_documents_of_any_length_share_a_program(backend):
    inputs = [Value(1.0) for _ in range(3 * CONTEXT)]
    root = loss_of(inputs[:CONTEXT], inputs[CONTEXT : 2 * CONTEXT], inputs[2 * CONTEXT :])
    program = compile(root, LEAVES, inputs, backend=backend)
    data = [leaf.data for leaf in LEAVES]
    for document in ([0, 1], [3, 3, 2], [1, 2, 0, 3, 0, 1]):
        own = loss_of(document[:-1], document[1:], [1 / (len(document) - 1)] * (len(document) - 1))
        for leaf in LEAVES:
            leaf.zero_grad()
        own.backward()
        value, gradient = program(data, padded(document))
        close(value, own.data)
        close(gradient, [leaf.grad for leaf in LEAVES])
    assert len(topological(root)) > len(topological(own))
