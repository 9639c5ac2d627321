"""A graph as a script for another framework, which prints the same value and gradients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tinygrad_edu.engine import TABLE, Row, Value, check_recorded, leaves
from tinygrad_edu.engine.formulas import BUILT_IN as TABLE_ITSELF
from tinygrad_edu.engine.formulas import folds, for_numbers, names, tree
from tinygrad_edu.replay.listing import Listing, refuse_names
from tinygrad_edu.replay.trace import recorded
from tinygrad_edu.show.backward import to_show

MATH = "exp expm1 log log1p sqrt sin cos tan sinh cosh tanh sign"
ARCS = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2"}


def over_many(row: Row, tensors: bool = False) -> str:
    """An operation over many operands as a function of sequences."""
    found, rest = folds(for_tensors(row.primal) if tensors else row.primal)
    sequences = [operand[0] for operand in row.operands]
    zipped = ", ".join(f"map(tensor, {x})" if tensors else x for x in sequences)
    lines = [
        f"    {name} = {fold}([{term} for {', '.join(row.operands)}, in zip({zipped})])" for name, fold, term in found
    ]
    return "\n".join([f"def {row.name}({', '.join(sequences)}):", *lines, f"    return {rest}"])


def by_formula(row: Row, tensors: bool) -> str:
    """An operation as a function; of tensors, if so, where an operand is a plain number."""
    operands = ", ".join(row.operands)
    made = f"    {operands} = {', '.join(f'tensor({x})' for x in row.operands)}\n" * (tensors and len(row.operands) > 1)
    formula = for_tensors(row.primal) if tensors else for_numbers(row.primal)
    return f"def {row.name}({operands}):\n{made}    return {formula}"


def for_tensors(formula: str) -> str:
    """The formula with a tensor for each number that a function is called on: `x / log(tensor(2))`."""
    import ast

    class Tensors(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.expr:
            self.generic_visit(node)
            node.args = [
                ast.Call(ast.Name("tensor"), [arg], []) if not names(ast.unparse(arg)) else arg for arg in node.args
            ]
            return node

    return ast.unparse(Tensors().visit(tree(formula)))


def of(module: str, names: str) -> dict[str, str]:
    return {name: f"{module}.{name}" for name in names.split()}


# What each framework calls an operation: a name, or the body of a function of x and y. The others are written by their
# formulas in the table. Where an operation has a kink, these have the table's derivative there.
FUNCTIONS: dict[str, dict[str, str]] = {
    "numpy": of("np", f"{MATH} maximum minimum hypot")
    | {name: f"np.{theirs}" for name, theirs in ARCS.items()}
    | {"pow": "np.power", "erf": "math.erf", "erfc": "math.erfc", "step": "(x) np.heaviside(x, 0.0)"},
    "torch": of("torch", f"{MATH} asin acos atan erf erfc sigmoid relu pow")
    | of("torch.nn.functional", "leaky_relu gelu silu")
    | {name: f"(x, y) torch.{name}(tensor(x), tensor(y))" for name in ("maximum", "minimum", "hypot", "atan2")}
    | {
        "softplus": "(x) torch.logaddexp(x, tensor(0.0))",
        "step": "(x) torch.sign(torch.relu(x))",
        "logsumexp": "(x) torch.logsumexp(torch.stack([tensor(x_i) for x_i in x]), 0)",
    },
    "jax": of("jnp", f"{MATH} maximum minimum hypot")
    | {name: f"jnp.{theirs}" for name, theirs in ARCS.items()}
    | of("jax.nn", "sigmoid relu silu softplus")
    | of("jax.scipy.special", "erf erfc")
    | {
        "pow": "jnp.power",
        "abs": "(x) jnp.sign(x) * x",
        "gelu": "(x) jax.nn.gelu(x, approximate=False)",
        "leaky_relu": "(x) 0.01 * x + 0.99 * jax.nn.relu(x)",
        "step": "(x) jnp.sign(jax.nn.relu(x))",
        "logsumexp": "(x) jax.scipy.special.logsumexp(jnp.array(x))",
    },
}
BUILT_IN = {"abs", "sum"}  # Python's own do

IMPORTS = {
    "numpy": "import numpy as np",
    "torch": "import torch",
    "jax": 'import jax\nimport jax.numpy as jnp\n\njax.config.update("jax_enable_x64", True)',
}
TENSOR = "def tensor(number):\n    return torch.as_tensor(number, dtype=torch.float64)"
# What no operation can be called in a script.
NEEDED = {
    "numpy": {"np", "math", "print", "zip"},
    "torch": {"torch", "tensor", "map", "print", "zip"},
    "jax": {"jax", "jnp", "f", "float", "range", "print", "zip"},
}
RESERVED = {"np", "math", "torch", "tensor", "jax", "jnp", "print", "range", "abs", "sum", "max", "map", "zip"}


def as_script(root: Value, framework: str = "torch") -> str:
    """A script that calculates the graph in another framework, in float64, and prints the value and the gradients.

    >>> w, x = Value(0.5, "w"), Value(2.0, "x")
    >>> y = w * x + 1
    >>> y.label = "y"
    >>> print(as_script(y, "numpy"), end="")
    import numpy as np
    <BLANKLINE>
    w = 0.5
    x = 2.0
    # forward
    v1 = w * x
    y = v1 + 1
    # backward: d_w is the derivative of y for w
    d_y = 1
    d_w = d_y * x
    d_x = d_y * w
    <BLANKLINE>
    print("y =", y)
    print("dy/dw =", d_w)
    print("dy/dx =", d_x)

    Arguments:
        framework: "torch" and "jax" differentiate themselves; "numpy" is the chain rule line by line.

    Every leaf that is a Value has a variable, named after its label, and its gradient is printed. What a framework has
    no name for is written by its formula in the table.

    Raises ValueError for another framework, for data that changed since the forward pass, and for an operation that
    neither the framework nor a formula expresses; TypeError for what is no Value.
    """
    if framework not in IMPORTS:
        raise ValueError(f"as_script expected a framework of {', '.join(IMPORTS)}, got {framework!r}")
    check_recorded(to_show(root, "as_script expected a Value"))
    params = leaves(root)
    trace = recorded(root, params, [])
    refuse_names("as_script", {operation.row.name for operation in trace.operations} & NEEDED[framework])
    trace.labels = [spared(label) for label in trace.labels]
    listing = Listing(trace, (), False)
    needed = trace.needed_by([trace.root])
    names, out = listing.names[: len(params)], listing.name(trace.root)
    forward = listing.values(needed)
    numbers = [repr(leaf.data) for leaf in params]
    if framework == "numpy":
        backward: list[str] = []
        gradients = listing.gradients(backward, range(len(params)))
        body = [f"{name} = {number}" for name, number in zip(names, numbers, strict=True)]
        body += [line[4:] for line in ["    # forward", *forward, *backward]]
    elif framework == "torch":
        gradients = [f"{name}.grad.item()" for name in names]
        body = [
            f"{name} = torch.tensor({number}, dtype=torch.float64, requires_grad=True)"
            for name, number in zip(names, numbers, strict=True)
        ]
        body += [line[4:] for line in ["    # forward", *forward, "    # backward", f"    {out}.backward()"]]
    else:
        gradients = [f"float(gradients[{k}])" for k in range(len(names))]
        body = [f"def f({', '.join(names)}):", *forward, f"    return {out}", "", ""]
        body += [f"value, gradients = jax.value_and_grad(f, argnums=range({len(names)}))({', '.join(numbers)})"]
    value = {"numpy": out, "torch": f"{out}.item()", "jax": "float(value)"}[framework]
    results = [f'print("{out} =", {value})']
    results += [f'print("d{out}/d{name} =", {g})' for name, g in zip(names, gradients, strict=True)]
    return "\n".join(
        [preamble(framework, {operation.row for operation in trace.operations}, body), *body, "", *results, ""]
    )


def spared(label: str) -> str:
    """A label that hides no name that the script needs."""
    return f"{label}_1" if label in RESERVED else label


def preamble(framework: str, rows: Iterable[Row], body: Sequence[str]) -> str:
    """What a script begins with: imports, and the operations that its lines call, each after those that it calls."""
    known = TABLE | {row.name: row for row in rows}
    aliases: dict[str, str] = {}
    functions: dict[str, str] = {}

    def define(name: str) -> None:
        row, theirs = known[name], FUNCTIONS[framework].get(name, "")
        if name in {*aliases, *functions} or (name in BUILT_IN and not theirs):
            return
        if theirs.startswith("("):
            parameters, _, expression = theirs.partition(") ")
            functions[name] = f"def {name}{parameters}):\n    return {expression}"
        elif theirs:
            aliases[name] = f"{name} = {theirs}"
        elif row.primitive:
            raise ValueError(f"as_script: {framework} has no {name}, and no formula expresses it")
        else:
            calls = [other for other in called([for_numbers(row.primal)]) if other in known]
            for other in calls:
                define(other)
            of_numbers = row not in TABLE_ITSELF and calls not in ([], ["sum"])  # the table calls none on plain numbers
            tensors = framework == "torch" and of_numbers
            functions[name] = over_many(row, tensors) if row.many else by_formula(row, tensors)

    for name in called(body):
        if name in known and not (framework == "jax" and name == "f"):
            define(name)
    text = "\n".join([*aliases.values(), *functions.values()])
    imports = ["import math\n"] * ("math." in text) + [IMPORTS[framework]]
    top = "\n".join([*imports, *([""] * bool(aliases)), *aliases.values()])
    defs = [TENSOR] * ("tensor(" in text and framework == "torch") + [*functions.values()]
    return "\n\n\n".join([top, *defs]) + ("\n\n" if defs or framework == "jax" else "\n")


def called(lines: Iterable[str]) -> list[str]:
    """The names that lines of Python call, once each, in order."""
    return list(dict.fromkeys(name for line in lines for name in re.findall(r"\b[A-Za-z_]\w*(?=\()", line)))
