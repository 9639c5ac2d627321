"""Is the gradient of your own operation, loss or layer right? The checker says, and names the rule to blame."""

from hypothesis import given, settings

from tinygrad_edu import check_gradients, registered
from tinygrad_edu.check import assert_gradients
from tinygrad_edu.check.strategies import Graph, expressions, operands
from tinygrad_edu.engine import leaves
from tinygrad_edu.nn import MLP, squared_error

# A function of Values, compared with differences.
report = check_gradients(lambda x, y: x**3 * y.log(), 2.0, 3.0)
print([comparison.diagnosis for comparison in report.comparisons])  # ['ok', 'ok']

# A network with a loss: every parameter is an input.
network = MLP(2, [2, 1], activation="tanh", seed=1)
report = check_gradients(lambda: squared_error(network([1.0, 2.0]), [1.0]), *network.parameters())
print(len(report.comparisons), report.passed)  # 9 True


# Any operands in the domain of an operation.
@given(operands("atan2"))
@settings(max_examples=25)
def right_everywhere(at: tuple[float, float]) -> None:
    assert_gradients(lambda x, y: x.atan2(y), *at)


right_everywhere()


# Any expression. One that fails shrinks to a short one, printed as code to paste.
@given(expressions(["mul", "tanh", "exp", "sigmoid"]))
@settings(derandomize=True, database=None)
def right_in_any_expression(graph: Graph) -> None:
    diagnoses = [c.diagnosis for c in check_gradients(graph.root, *leaves(graph.root)).comparisons]
    assert "wrong" not in diagnoses


right_in_any_expression()

# An operation of your own, with a mistake: the derivative of x³ is 3x², not 2x².
with registered("cube", "³", "x * x * x", "2 * x * x"):
    report = check_gradients(lambda x, y: (x.cube() * y).tanh(), 0.5, 0.8)
    print([comparison.diagnosis for comparison in report.comparisons])  # ['wrong', 'ok']
    print(report.comparisons[0].hint)  # 0.6667 times what it should be: a term or a factor is missing
    print(report.blame[0].row, "has the derivative", report.blame[0].formula)  # cube has the derivative 2 * x * x

    @given(expressions(["mul", "tanh", "exp", "cube"]))
    @settings(derandomize=True, database=None, report_multiple_bugs=False)
    def right_with_cubes(graph: Graph) -> None:
        diagnoses = [c.diagnosis for c in check_gradients(graph.root, *leaves(graph.root)).comparisons]
        assert "wrong" not in diagnoses, graph

    try:
        right_with_cubes()
    except AssertionError as error:
        print(str(error).splitlines()[1].split("  #")[0])  # n1 = a.cube()
