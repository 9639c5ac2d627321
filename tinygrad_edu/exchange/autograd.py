"""The graph that PyTorch's autograd recorded, as a graph of Values.

PyTorch keeps for each operation a node (`grad_fn`) with the nodes of its operands, and those tensors that its
derivative needs. That is enough to go forward again from the leaves, on Values. What only moves numbers (a view, a
transpose, an index) PyTorch does itself, to a tensor of places.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, TypeVar

from tinygrad_edu.engine import TABLE, UNDEFINED, Value, data_of, operations
from tinygrad_edu.exchange.pytorch import torch
from tinygrad_edu.exchange.rules import (
    ALONG,
    BINARY,
    FORMULAS,
    LOSSES,
    MOVES,
    REDUCTIONS,
    RESHAPES,
    SAVED,
    UNARY,
    Array,
    added,
    constant,
    mean,
    signed,
)
from tinygrad_edu.nn import Parameter, Place

LIMIT = 2_000
Rule = TypeVar("Rule")


def from_torch_graph(loss: Any, names: Any = None, *, limit: int = LIMIT) -> Value:
    """The graph behind a PyTorch tensor as a graph of Values, to `explain`, `draw` and `explore` it.

    Call it before `loss.backward()`, which frees what it reads. It calculates in float64, whatever the tensors are.

    Arguments:
        loss: a tensor of one number that requires a gradient.
        names: a mapping of names to tensors, or a module, which names its own: the numbers of "0.weight" are labelled
            0.weight[1,2], as PyTorch counts them. Without a name, weights and biases of linear maps are labelled
            after their place, w1_2,3 and b1_2, counted from 1, and other leaves t1[0], t2[0], ….
        limit: how many numbers the leaves may have.

    Returns the root. Weights and biases know their place, so that pictures show the neurons.

    Raises ValueError for an operation that it does not know, by name; for more numbers than `limit`; for a graph that
    PyTorch has freed, and one whose tensors were changed since; for a constant that PyTorch did not keep. Raises
    TypeError for what is no tensor of one number with a graph, ImportError without PyTorch.
    """
    if not isinstance(loss, torch().Tensor):
        module = ": give what it computes, like from_torch_graph(loss, module)" if hasattr(loss, "parameters") else ""
        raise TypeError(f"from_torch_graph expected a tensor, got {type(loss).__name__}{module}")
    if loss.numel() != 1:
        raise TypeError(
            f"from_torch_graph expected a tensor of one number, got one of shape {tuple(loss.shape)}: "
            "take one element, or the sum"
        )
    if loss.grad_fn is None:
        raise TypeError("from_torch_graph expected a tensor with a graph, got one without a grad_fn")
    try:
        [root] = Graph(loss, named(names), limit).root().numbers
    except RuntimeError as error:
        if "freed" in str(error):
            advice = "call it before loss.backward(), or loss.backward(retain_graph=True)"
            raise ValueError(f"from_torch_graph: PyTorch has freed the graph: {advice}") from None
        if "inplace" in str(error):
            raise ValueError("from_torch_graph: its tensors were changed since: compute the loss again") from None
        raise
    return root if isinstance(root, Value) else Value(root)  # of no numbers at all


def named(names: Any) -> dict[int, str]:
    """The name of each tensor, by its id."""
    if hasattr(names, "named_parameters"):
        names = dict(names.named_parameters())
    if not isinstance(names, Mapping | None):
        raise TypeError(f"from_torch_graph expected names that map to tensors, or a module, got {type(names).__name__}")
    return {id(tensor): str(name) for name, tensor in (names or {}).items()}


class Graph:
    """PyTorch's nodes behind a tensor, and what they are on Values."""

    def __init__(self, loss: Any, names: dict[int, str], limit: int) -> None:
        self.tensor, self.names = loss, names
        self.nodes = in_order(loss.grad_fn)
        self.results: dict[Any, list[Array]] = {}
        self.assumed: list[Any] = []  # nodes whose constant is taken for 0
        self.known = known_results(self.nodes, loss)
        self.places = places_of_weights(self.nodes)
        leaves = [node.variable for node in self.nodes if hasattr(node, "variable")]
        count = sum(leaf.numel() for leaf in leaves)
        if any(leaf.is_complex() for leaf in leaves):
            raise ValueError("from_torch_graph does not know complex numbers")
        if count > limit:
            raise ValueError(f"from_torch_graph: the leaves have {count:,} numbers, more than limit={limit:,}")
        self.labels = {id(leaf): names.get(id(leaf), f"t{k}") for k, leaf in enumerate(leaves, start=1)}

    def root(self) -> Array:
        kinds = {data.dtype for node in self.nodes for data in node._input_metadata}
        epsilon = max(torch().finfo(kind).eps for kind in kinds)
        for node in self.nodes:
            try:
                self.results[node] = self.evaluated(node)
            except UNDEFINED:
                if self.assumed:
                    raise self.lost(self.assumed[0]) from None
                raise
            # A constant that was wrongly taken for 0 must not reach one that is worked out from what PyTorch kept.
            kept = self.tensor if node is self.nodes[-1] else getattr(node, "_saved_result", None)
            if kept is not None:
                self.require(self.results[node][0], constant(kept), epsilon)
        return self.results[self.nodes[-1]][0]

    def require(self, result: Array, kept: Array, epsilon: float) -> None:
        """Raise ValueError where Values come to other numbers than PyTorch did, whose floats are rounded by epsilon.

        Where a constant was taken for 0 only as much is allowed as rounding explains.
        """
        relative = absolute = 1e-9 if epsilon < 1e-12 else 1e-2
        if self.assumed:
            relative, absolute = min(relative, max(1e3 * epsilon, 1e-9)), min(absolute, 64 * epsilon)
        for number, its in zip(map(data_of, result.numbers), kept.numbers, strict=True):
            if math.isclose(number, its, rel_tol=relative, abs_tol=absolute) or not math.isfinite(its):
                continue
            if self.assumed:
                raise self.lost(self.assumed[0])
            raise ValueError(
                f"from_torch_graph: the graph gives {number}, the tensor is {its}: its tensors were changed "
                "since: compute the loss again"
            )

    def evaluated(self, node: Any) -> list[Array]:
        """What a node's operation gives, one Array a result."""
        if hasattr(node, "variable"):
            return [self.leaf(node.variable)]
        name = name_of(node)[1]
        formula = rule_of(FORMULAS, node)
        binary = None if formula else rule_of(BINARY, node)
        operands = self.operands(node)
        x, shape = operands[0], shape_of(node)
        if name in ("Add", "Sub", "Rsub"):
            return [self.addition(node, name, operands)]
        if binary:
            return [elementwise(binary, self.required(node, operands))]
        if name in LOSSES:
            return [self.loss(node, LOSSES[name], self.required(node, operands))]
        if name in ("Mm", "Bmm", "Mv", "Dot", "Addmm", "Addmv"):
            return [self.product(node, name, operands)]
        if name in ("Stack", "Cat"):
            return [joined(name, self.required(node, operands), signed(node._saved_dim), shape)]
        if x is None:
            raise self.unknown(node)
        if name in UNARY:
            return [Array([TABLE[UNARY[name]].function(number) for number in x.numbers], x.shape)]
        if formula:
            return [Array([formula(number, node) for number in x.numbers], x.shape)]
        if name in RESHAPES:
            return [Array(x.numbers, shape)]
        if name == "Expand":
            return [x.moved(lambda t: t.expand(shape))]
        if name in MOVES:
            return [x.moved(lambda t: MOVES[name](t, node))]
        if name == "Unbind":
            dim, count = signed(node._saved_dim), len(node._input_metadata)
            return [x.moved(partial(torch().select, dim=dim, index=k)) for k in range(count)]
        if name in REDUCTIONS:
            dims = getattr(node, "_saved_dim", None) or range(len(x.shape))
            return [Array([REDUCTIONS[name](numbers) for numbers in x.rows(map(signed, dims))], shape)]
        if name in ALONG:
            return [along(ALONG[name], x, signed(node._saved_dim))]
        if name == "NllLoss":
            return [self.nll_loss(node, x)]
        raise self.unknown(node)

    def leaf(self, tensor: Any) -> Array:
        """A Value for each number of a leaf, labelled."""
        values = constant(tensor)
        layer, part = self.places.get(id(tensor), (0, ""))
        leaves: list[Value] = []
        for at, number in zip(product(*map(range, values.shape)), values.numbers, strict=True):
            label = self.labels[id(tensor)] + (f"[{','.join(map(str, at))}]" if at else "")
            if not layer:
                leaves.append(Value(number, label))
                continue
            neuron, source = (at[0] + 1, 0) if part == "bias" else (at[0] + 1, at[1] + 1)
            if part == "columns":
                neuron, source = source, neuron
            if id(tensor) not in self.names:
                label = f"w{layer}_{neuron},{source}" if source else f"b{layer}_{neuron}"
            leaves.append(Parameter(number, label, Place(layer, neuron, source)))
        return Array(leaves, values.shape)

    def operands(self, node: Any) -> list[Array | None]:
        """The operands of a node: of other nodes, or saved as constants, or None where PyTorch did not keep them."""
        found: list[Array | None] = []
        saved = rule_of(SAVED, node) or ()
        for k, (source, number) in enumerate(node.next_functions):
            if source is not None:
                found.append(self.results[source][number])
            elif k < len(saved) and saved[k] and getattr(node, saved[k]) is not None:
                found.append(constant(getattr(node, saved[k])))
            else:
                found.append(None)
        return found

    def required(self, node: Any, operands: Sequence[Array | None]) -> list[Array]:
        if None in operands:
            raise self.lost(node)
        return list(operands)  # type: ignore[arg-type]

    def addition(self, node: Any, name: str, operands: list[Array | None]) -> Array:
        """x + alpha y, x - alpha y and y - alpha x, with a constant worked out from a result that PyTorch kept."""
        factor = -node._saved_alpha if name in ("Sub", "Rsub") else node._saved_alpha
        x, y = operands if len(operands) == 2 else (operands[0], None)
        if name == "Rsub":
            x, y = y, x
        known = y if x is None else x
        if known is None:
            raise self.lost(node)
        if x is not None and y is not None:
            if factor == 1:
                return elementwise(lambda a, b: a + b, [x, y])
            return elementwise(lambda a, b: a - b if factor == -1 else a + factor * b, [x, y])
        scaled = known if x is not None or factor == 1 else elementwise(lambda b: factor * b, [known])
        missing = self.missing(node, scaled, one=len(operands) == 1)  # x + missing, or missing + factor * y
        if x is None and factor == -1:
            return elementwise(lambda c, b: c - b, [missing, known])
        if y is None and factor < 0:
            return elementwise(lambda a, c: a - (-c), [scaled, missing])
        return elementwise(lambda a, c: a + c, [scaled, missing] if y is None else [missing, scaled])

    def missing(self, node: Any, rest: Array, one: bool = False) -> Array:
        """The constant that is added to `rest`: what the result is more than it, where PyTorch kept the result.

        Else it is taken for the 0 that Python's `sum` begins with; the value of the loss shows whether that is true.
        """
        shape = shape_of(node)
        spread = rest.moved(lambda t: t.expand(shape)).numbers
        results = self.known.get(node)
        if results is None:
            self.assumed.append(node)
            return Array([0.0] * len(spread), shape)
        numbers = [
            None if math.isnan(result) else shortest(result, data_of(x))
            for result, x in zip(results.double().flatten().tolist(), spread, strict=True)
        ]
        found = [number for number in numbers if number is not None]
        if one and found:  # a number of Python's
            numbers = [found[0]] * len(numbers)
        if None in numbers:
            raise self.lost(node)
        return Array(numbers, shape)

    def product(self, node: Any, name: str, operands: list[Array | None]) -> Array:
        """Matrices and vectors multiplied, with what is added to that."""
        left, right = self.required(node, operands[-2:])
        shape = shape_of(node)
        if name == "Bmm":
            picks = [partial(torch().select, dim=0, index=k) for k in range(left.shape[0])]
            return Array([number for pick in picks for number in dots(left.moved(pick), right.moved(pick))], shape)
        result = Array(dots(left, right), shape)
        if not name.startswith("Add"):
            return result
        if node._saved_alpha != 1:
            result = elementwise(lambda x: node._saved_alpha * x, [result])
        bias = operands[0] or self.missing(node, result)
        if node._saved_beta != 1 and operands[0]:
            bias = elementwise(lambda x: node._saved_beta * x, [bias])
        return elementwise(lambda x, b: x + b, [result, bias])

    def loss(self, node: Any, f: Callable[[Any, Any, Any], Any], operands: list[Array]) -> Array:
        """A loss of each number, then none, the mean or the sum of them."""
        for option in ("_saved_weight", "_saved_pos_weight"):
            if getattr(node, option, None) is not None:
                raise ValueError(f"from_torch_graph does not know {name_of(node)[1]} with {option[7:]}")
        return reduced(elementwise(lambda y, t: f(y, t, node), operands), node._saved_reduction)

    def nll_loss(self, node: Any, scores: Array) -> Array:
        if node._saved_weight is not None:
            raise ValueError("from_torch_graph does not know NllLoss with weight")
        classes = node._saved_target.reshape(-1).tolist()
        rows = scores.rows([-1])
        ignored = signed(node._saved_ignore_index)
        losses = [-scores[k] for scores, k in zip(rows, classes, strict=True) if k != ignored]
        return reduced(Array(losses, (len(losses),)), node._saved_reduction)

    def unknown(self, node: Any) -> ValueError:
        return ValueError(f"from_torch_graph does not know the operation {node.name()}")

    def lost(self, node: Any) -> ValueError:
        if name_of(node)[1] not in {"Add", "Sub", "Rsub", "Addmm", "Addmv", *SAVED}:
            return self.unknown(node)
        return ValueError(
            f"from_torch_graph: an operand of {node.name()} is a constant that PyTorch did not keep; it does with "
            "requires_grad=True"
        )


def in_order(root: Any) -> list[Any]:
    """PyTorch's nodes below one, itself included, each after those of its operands."""
    found: dict[Any, None] = {}
    stack = [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            found[node] = None
        elif node not in found:
            stack.append((node, True))
            stack += [(source, False) for source, _ in reversed(node.next_functions) if source is not None]
    return list(found)


def name_of(node: Any) -> tuple[str, str]:
    """The name of an operation, with the number of its variant and without: MulBackward0 is ("Mul0", "Mul")."""
    found = re.fullmatch(r"(\w+?)Backward(\d*)", node.name())
    return (found[1] + found[2], found[1]) if found else (node.name(), node.name())


def rule_of(rules: Mapping[str, Rule], node: Any) -> Rule | None:
    """What there is for the variant of an operation, or for all of them."""
    full, name = name_of(node)
    return rules.get(full, rules.get(name))


def shape_of(node: Any) -> tuple[int, ...]:
    """The shape of a node's result."""
    return tuple(node._input_metadata[0].shape)


def known_results(nodes: Sequence[Any], loss: Any) -> dict[Any, Any]:
    """What PyTorch kept of the nodes' results: the loss, what derivatives need; nan where that is only a part."""
    found = {nodes[-1]: loss.detach()}
    for node in reversed(nodes):
        name = name_of(node)[1]
        sources = [source for source, number in node.next_functions]
        for source, attribute in zip(sources, rule_of(SAVED, node) or ("_saved_self",), strict=False):
            if source is not None and attribute and getattr(node, attribute, None) is not None:
                saved = getattr(node, attribute)
                if hasattr(saved, "shape") and tuple(saved.shape) == shape_of(source):
                    found[source] = saved.detach()
        if name == "Relu":  # where it is 0, what went in is not known
            result = node._saved_result.detach()
            found.setdefault(sources[0], result.masked_fill(result <= 0, math.nan))
        if name in RESHAPES and node in found:
            found.setdefault(sources[0], found[node].reshape(shape_of(sources[0])))
    return found


def places_of_weights(nodes: Sequence[Any]) -> dict[int, tuple[int, str]]:
    """Which leaves are the weights and biases of linear maps, by id: the layer, and how the neurons lie in it."""
    found: dict[int, tuple[int, str]] = {}
    layers = 0
    for node in nodes:
        name = name_of(node)[1]
        if name in ("Mm", "Addmm", "Mv", "Addmv"):
            sides = [source for source, _ in node.next_functions][-2:]
            vector = name in ("Mv", "Addmv")
            for source, across in [(sides[0], False)] if vector else [(sides[1], True), (sides[0], False)]:
                turned = source is not None and name_of(source)[1] in ("T", "Transpose", "Permute")
                leaf = source.next_functions[0][0] if turned else source
                if hasattr(leaf, "variable") and leaf.variable.dim() == 2:
                    if id(leaf.variable) not in found:
                        layers += 1
                        found[id(leaf.variable)] = layers, "rows" if turned is across else "columns"
                    layer = found[id(leaf.variable)][0]
                    if name.startswith("Add"):
                        note_bias(found, node.next_functions[0][0], layer)
                    break
        elif name == "Add":
            sources = [source for source, _ in node.next_functions]
            for source, other in (sources, sources[::-1]):
                if source is not None and name_of(source)[1] in ("Mm", "Mv"):
                    weights = [id(leaf.variable) for leaf in in_order(source) if hasattr(leaf, "variable")]
                    layer = max((found[leaf][0] for leaf in weights if leaf in found), default=0)
                    note_bias(found, other, layer)
    return found


def note_bias(found: dict[int, tuple[int, str]], node: Any, layer: int) -> None:
    """The leaf of one dimension behind a node is the bias of a layer."""
    while node is not None and name_of(node)[1] in ("Expand", "View", "Unsqueeze"):
        node = node.next_functions[0][0]
    if layer and hasattr(node, "variable") and node.variable.dim() == 1:
        found.setdefault(id(node.variable), (layer, "bias"))


def elementwise(f: Callable[..., Any], operands: Sequence[Array]) -> Array:
    """f of the numbers in the same place, after broadcasting."""
    shape = tuple(torch().broadcast_shapes(*[x.shape for x in operands]))
    spread = [x.moved(lambda t: t.expand(shape)).numbers for x in operands]
    return Array([f(*numbers) for numbers in zip(*spread, strict=True)], shape)


def dots(left: Array, right: Array) -> list[Any]:
    """The dot product of each row with each column, weights first, as a neuron writes them."""
    rows, columns = left.rows([-1]), right.rows([0])
    turned = isinstance(columns[0][0], Parameter) and not isinstance(rows[0][0], Parameter)
    return [operations.dot(*((y, x) if turned else (x, y))) for x in rows for y in columns]


def joined(name: str, arrays: Sequence[Array], dim: int, shape: tuple[int, ...]) -> Array:
    """Tensors stacked, or put one behind the other."""
    numbers = [number for array in arrays for number in array.numbers]
    starts = [sum(len(array.numbers) for array in arrays[:k]) for k in range(len(arrays))]
    places = [
        start + torch().arange(len(array.numbers)).reshape(array.shape)
        for start, array in zip(starts, arrays, strict=True)
    ]
    at = (torch().stack if name == "Stack" else torch().cat)(places, dim)
    return Array([numbers[k] for k in at.flatten().tolist()], shape)


def along(f: Callable[[Sequence[Any]], list[Any]], x: Array, dim: int) -> Array:
    """f of the numbers along one dimension, in their places."""
    numbers = [number for line in x.rows([dim]) for number in f(line)]
    last = x.moved(lambda t: t.movedim(dim, -1)).shape if x.shape else ()
    return Array(numbers, last).moved(lambda t: t.movedim(-1, dim) if last else t)


def reduced(losses: Array, reduction: int) -> Array:
    if reduction == 0:
        return losses
    return Array([(mean if reduction == 1 else added)(losses.numbers)], ())


def shortest(result: float, x: float) -> float:
    """The number c with the fewest digits for which x + c is the result."""
    for digits in range(1, 17):
        if x + (c := float(f"{result - x:.{digits}g}")) == result:
            return c
    return result - x
