"""Networks and graphs exchanged with PyTorch, in double precision; skipped where it is not installed."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import Value, explain, hvp, softmax
from tinygrad_edu.check.strategies import networks
from tinygrad_edu.engine import TABLE, leaves, topological
from tinygrad_edu.exchange import from_torch, from_torch_graph, to_torch
from tinygrad_edu.exchange.pytorch import ACTIVATIONS
from tinygrad_edu.exchange.rules import ALONG, BINARY, FORMULAS, LOSSES, MOVES, REDUCTIONS, RESHAPES, UNARY
from tinygrad_edu.neurons import neurons
from tinygrad_edu.nn import MLP, Layer, Neuron, Sequential

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional
KNOWN = [name for name in ACTIVATIONS if name in TABLE]


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def gradients(network, x):
    for parameter in network.parameters():
        parameter.grad = 0.0
    outputs = network(x)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    sum(y * y for y in outputs).backward()
    return [y.data for y in outputs], [p.grad for p in network.parameters()]


def gradients_in_torch(module, x):
    module.zero_grad()
    outputs = module(torch.tensor(x))
    (outputs**2).sum().backward()
    linear = [part for part in module if isinstance(part, nn.Linear)]
    found = []
    for part in linear:  # neuron by neuron, as ours
        for k, weights in enumerate(part.weight.grad.tolist()):
            found += weights + ([part.bias.grad[k].item()] if part.bias is not None else [])
    return outputs.tolist(), found


@pytest.mark.parametrize("activation", [*KNOWN, None])
@pytest.mark.parametrize("bias", [True, False])
def test_a_network_to_torch_and_back(activation, bias):
    network = MLP(2, [4, 3, 2], activation=activation, output_activation="tanh", bias=bias, seed=3)
    module = to_torch(network)
    x = [0.7, -1.3]
    ours, theirs = gradients(network, x), gradients_in_torch(module, x)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-12)
    assert ours[1] == pytest.approx(theirs[1], rel=1e-10, abs=1e-14)
    back = from_torch(module)
    position = "first" if bias else None
    assert back.to_weights(position) == network.to_weights(position)
    assert repr(back) == repr(network)
    assert [p.label for p in back.parameters()] == [p.label for p in network.parameters()]
    assert gradients(back, x) == ours


def test_a_layer_and_a_neuron():
    assert list(to_torch(Layer(2, 3, activation="tanh", seed=1))(torch.ones(2)).shape) == [3]
    neuron = Neuron(2, activation=None, seed=1)
    assert to_torch(neuron)(torch.tensor([1.0, 2.0])).item() == pytest.approx(neuron([1.0, 2.0]).data, rel=1e-15)


def test_from_torch_takes_what_people_build():
    module = nn.Sequential(
        nn.Sequential(nn.Linear(3, 4, dtype=torch.float32), nn.ReLU()),
        nn.Identity(),
        nn.Linear(4, 2, False).float(),
    )
    network = from_torch(module, labels="layer")
    assert [p.label for p in network.parameters()][-1] == "w2_2,4"
    expected = module(torch.ones(3, dtype=torch.float32)).tolist()
    assert [y.data for y in network([1.0, 1.0, 1.0])] == pytest.approx(expected, rel=1e-5)
    assert len(from_torch(nn.Linear(2, 1)).parameters()) == 3


def tanh(z):
    """A function of one's own with the name of a row."""
    return z * z


@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        (
            MLP(1, [1], output_activation="sin"),
            ValueError,
            "torch.nn has no module for sin, the activation of layer 1",
        ),
        (MLP(1, [1], output_activation=lambda z: z), ValueError, "torch.nn has no module for the function <lambda>"),
        (Layer(1, 1, activation=tanh), ValueError, "torch.nn has no module for the function tanh, the activation of"),
        (Layer(1, 2, bias="shared"), ValueError, "layer 1 shares one bias, and nn.Linear has one for each neuron"),
        ("net", TypeError, "to_torch expected a network of neurons, like MLP, got str"),
    ],
)
def test_what_torch_cannot_hold(network, error, message):
    with pytest.raises(error) as caught:
        to_torch(network)
    assert message in str(caught.value)


def some(change):
    """A layer of three neurons, of which one is changed."""
    layer = Layer(1, 3, activation="tanh", seed=1)
    change(layer.neurons)
    return layer


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda neurons: setattr(neurons[1], "b", None), "some neurons of layer 1 have no bias, and nn.Linear has one"),
        (lambda neurons: [setattr(n, "b", None) for n in neurons[1:]], "some neurons of layer 1 have no bias"),
        (lambda neurons: setattr(neurons[2], "b", neurons[0].b), "layer 1 shares one bias, and nn.Linear has one"),
    ],
)
def test_neurons_of_a_layer_that_differ_in_their_bias(change, message):
    with pytest.raises(ValueError, match=message):
        to_torch(some(change))


def test_a_chain_of_networks_and_a_weight_that_is_a_number():
    network = Sequential(MLP(2, [3, 2], activation="tanh", seed=1), Layer(2, 1, seed=2))
    network.layers[0].layers[0].neurons[0].w[1] = 0.5
    assert to_torch(network)(torch.tensor([0.3, -2.0])).item() == pytest.approx(network([0.3, -2.0]).data, rel=1e-12)
    with pytest.raises(TypeError, match="to_torch expected a network of neurons, like MLP, got function"):
        to_torch(Sequential(network, softmax))


def test_neurons_of_a_layer_that_differ():
    layer = Layer(1, 2, activation="tanh")
    layer.neurons[1].activation = None
    with pytest.raises(ValueError, match="the neurons of layer 1 have several activations: linear, tanh"):
        to_torch(layer)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.Sequential(nn.Conv1d(1, 1, 1)), "module 0 is Conv1d; it knows Linear, Identity, ReLU"),
        (lambda: nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.GLU())), "module 1.0 is GLU"),
        (lambda: nn.Bilinear(1, 1, 1), "; what any module computes, from_torch_graph(loss, module) makes Values of"),
        (
            lambda: nn.Sequential(nn.Linear(1, 1), nn.LeakyReLU(0.2)),
            "is LeakyReLU with negative_slope=0.2, not 0.01",
        ),
        (lambda: nn.Sequential(nn.Linear(1, 1), nn.GELU("tanh")), "with approximate=tanh, not none"),
        (lambda: nn.Sequential(nn.ReLU()), "module 0 is ReLU, which does not follow an nn.Linear"),
        (lambda: nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.ReLU()), "module 2 is ReLU, which does not follow"),
        (lambda: nn.Sequential(nn.Linear(1, 2), nn.Linear(3, 1)), "linear layer 2 takes 3 inputs, and is given 2"),
        (lambda: nn.Sequential(), "expected at least one nn.Linear, got none"),
        (lambda: nn.Tanh(), "the module is Tanh, which does not follow an nn.Linear"),
    ],
)
def test_what_is_no_chain_of_layers(build, message):
    with pytest.raises(ValueError) as caught:
        from_torch(build())
    assert str(caught.value).startswith("from_torch") and message in str(caught.value)


def test_without_torch_the_error_names_the_command(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ImportError, match="-m pip install torch"):
        to_torch(MLP(1, [1]))


def agrees(loss, tensors, tolerance=1e-12, names=None):
    """The graph of Values has the value of `loss`, and its gradient for each number of the tensors."""
    root = from_torch_graph(loss, {f"#{k}": t for k, t in enumerate(tensors)} if names is None else names)
    assert root.data == pytest.approx(loss.item(), rel=tolerance, abs=tolerance)
    root.backward()
    ours = {leaf.label: leaf.grad for leaf in leaves(root)}
    expected = torch.autograd.grad(loss, tensors)
    scale = max(float(g.abs().max()) for g in expected)
    for k, gradient in enumerate(expected):
        for at, number in zip(
            torch.cartesian_prod(*map(torch.arange, gradient.shape)).reshape(gradient.numel(), -1).tolist()
            if gradient.dim()
            else [[]],
            gradient.flatten().tolist(),
            strict=True,
        ):
            label = f"#{k}" + (f"[{','.join(map(str, at))}]" if at else "")
            if label in ours or number:
                assert ours[label] == pytest.approx(number, rel=tolerance, abs=tolerance * scale), label
    return root


def leaf(*shape, low=0.2, high=2.0):
    return (low + (high - low) * torch.rand(shape)).requires_grad_()


TENTHS = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
KINKED = [F.relu, F.leaky_relu, F.elu, F.selu, F.celu, F.relu6, F.hardtanh, torch.abs, lambda a: F.celu(a, 2.0)]
v, s, m = (3,), (), (3, 2)
EXPRESSIONS = {  # name: shapes of the leaves, a function of them
    "add": ((v, v), lambda a, b: a + b),
    "add, broadcast": ((m, (2,)), lambda a, b: a + b),
    "add, alpha": ((v, v), lambda a, b: torch.add(a, b, alpha=2)),
    "sub": ((v, v), lambda a, b: a - b),
    "sub, alpha": ((v, v), lambda a, b: torch.sub(a, b, alpha=3)),
    "mul": ((v, v), lambda a, b: a * b),
    "mul, itself": ((v,), lambda a: a * a),
    "mul, constant": ((v,), lambda a: 3 * a * torch.tensor([1.0, -2.0, 0.5])),
    "div": ((v, v), lambda a, b: a / b),
    "div, constants": ((v,), lambda a: 3 / a + a / 3 + a / torch.tensor([1.0, 2.0, 4.0])),
    "pow": ((v, v), lambda a, b: a**b + a**2.5 + 2.0**a + a**2),
    "powers of constants": ((v,), lambda a: torch.tensor([1.0, 2.0, 3.0]) ** a),
    "square": ((v,), lambda a: a.square() + a.sqrt() + a.rsqrt() + a.reciprocal()),
    "logs": ((v,), lambda a: a.log() + a.log1p() + a.log2() + a.log10()),
    "exps": ((v,), lambda a: a.exp() + a.expm1() + a.sinh() + a.cosh()),
    "waves": ((v,), lambda a: a.sin() + a.cos() + (a / 2).tan()),
    "arcs": ((v,), lambda a: (a / 3).asin() + (a / 3).acos() + a.atan()),
    "erfs": ((v,), lambda a: a.erf() + a.erfc()),
    "signs": ((v,), lambda a: (a - 1).abs() + -a),
    "atan2": ((v, v), lambda a, b: torch.atan2(a, b)),
    "max, min": ((v, v), lambda a, b: torch.maximum(a, b) * torch.minimum(a, b)),
    "clamp": ((v,), lambda a: a.clamp(0.5, 1.5) + a.clamp(min=1.0) + a.clamp(max=1.0)),
    "clamp, at the bounds": ((v,), lambda a: (a * 0 + 1).clamp(min=1.0) * a),
    "hardtanh": ((v,), lambda a: F.hardtanh(a, 0.5, 1.5) + F.relu6(4 * a)),
    "sigmoids": ((v,), lambda a: a.sigmoid() + a.tanh() + F.silu(a) + F.logsigmoid(a) + F.mish(a)),
    "relus": ((v,), lambda a: (a - 1).relu() + F.leaky_relu(a - 1) + F.leaky_relu(a - 1, 0.3)),
    "elus": ((v,), lambda a: F.elu(a - 1, alpha=0.7) + F.selu(a - 1) + F.celu(a - 1, alpha=2.0)),
    "gelus": ((v,), lambda a: F.gelu(a) + F.gelu(a, approximate="tanh")),
    "softplus": ((v,), lambda a: F.softplus(a) + F.softplus(20 * a) + F.softplus(a, beta=3)),
    "mean": ((m,), lambda a: a.mean(1) * a.sum(1) + a.mean() - a.sum()),
    "sum, kept": ((m,), lambda a: a / a.sum(-1, keepdim=True) + a.mean((0, 1), keepdim=True)),
    "logsumexp": ((m,), lambda a: a.logsumexp(1) + a.logsumexp((0, 1))),
    "softmax": ((m,), lambda a: a.softmax(1).square() + a.softmax(0) * a.log_softmax(-1)),
    "softmax, one vector": ((v,), lambda a: a.softmax(0).square()),
    "matrices": ((m, (2, 3)), lambda a, b: a @ b),
    "matrix, vector": ((m, (2,)), lambda a, b: (a @ b) ** 2),
    "vector, matrix": ((v, m), lambda a, b: (a @ b) ** 2),
    "matrix, constant": ((m,), lambda a: (a @ torch.tensor([[1.0, 2.0], [3.0, 4.0]])) ** 2),
    "constant, matrix": ((m,), lambda a: (torch.tensor([[1.0, 2.0, 3.0]]) @ a) ** 2),
    "dot": ((v, v), lambda a, b: torch.dot(a, b) * torch.dot(a, torch.tensor([1.0, 2.0, 3.0]))),
    "batches of matrices": (((2, 3, 2), (2, 2, 3)), lambda a, b: torch.bmm(a, b) ** 2),
    "addmm": (((3,), m, (2, 3)), lambda a, b, c: torch.addmm(a, b, c, alpha=2, beta=3)),
    "addmv": ((v, m, (2,)), lambda a, b, c: torch.addmv(a, b, c)),
    "linear": ((m, v, (4, 2)), lambda w, b, x: F.linear(x, w, b) ** 2),
    "linear, frozen bias": ((m,), lambda w: F.linear(torch.ones(4, 2), w, torch.tensor([1.0, 2.0, 3.0])) ** 2),
    "einsum": ((m, (2,)), lambda a, b: torch.einsum("ij,j->i", a, b) ** 2),
    "outer": ((v, v), lambda a, b: torch.outer(a, b) ** 2),
    "views": ((m,), lambda a: a.reshape(6)[1:4] * a.T.flatten()[::2] * a.view(2, 3)[1]),
    "unsqueezed": ((v,), lambda a: (a.unsqueeze(0).expand(2, 3) * a.unsqueeze(1).squeeze(1)) ** 2),
    "transposed": ((m,), lambda a: a.transpose(0, 1) * a.permute(1, 0) + a.mT),
    "chosen": ((m,), lambda a: a[0, 1] * a[:, 0] + a[-1, 1] + a[[0, 1], [1, 0]].sum() + a[a > 1].sum()),
    "gathered": ((m,), lambda a: a.gather(1, torch.tensor([[0], [1], [1]])) * a.flip(0)),
    "stacked": ((v, v), lambda a, b: torch.stack([a, b]) * torch.cat([b, a]).reshape(2, 3)),
    "stacked last": ((v, v), lambda a, b: torch.stack([a, b], dim=-1) * torch.cat([a, b]).reshape(3, 2)),
    "one by one": ((v,), lambda a: sum(x * k for k, x in enumerate(a)) * (a.clone() ** 2)),
    "to another type": ((v,), lambda a: a.float().double() * 0 + a),
    "mse": ((v, v), lambda y, t: F.mse_loss(y, t) + F.mse_loss(y, t, reduction="sum")),
    "mse, each": ((v,), lambda y: F.mse_loss(y, torch.ones(3), reduction="none") ** 2),
    "l1": ((v,), lambda y: F.l1_loss(y, torch.tensor([1.0, 0.0, 2.0]))),
    "huber": ((v,), lambda y: F.huber_loss(y, torch.zeros(3)) + F.smooth_l1_loss(y, torch.zeros(3), beta=0.7)),
    "bce": ((v,), lambda y: F.binary_cross_entropy(y.sigmoid(), torch.tensor([1.0, 0.0, 0.3]))),
    "bce with logits": ((v,), lambda y: F.binary_cross_entropy_with_logits(y, torch.tensor([1.0, 0.0, 0.3]))),
    "cross entropy": ((m,), lambda y: F.cross_entropy(y, torch.tensor([0, 1, 1]))),
    "cross entropy, ignored": ((m,), lambda y: F.cross_entropy(y, torch.tensor([0, -100, 1]), reduction="sum")),
    "cross entropy, one": ((v,), lambda y: F.cross_entropy(y, torch.tensor(2))),
    "cross entropy, shares": ((m,), lambda y: F.cross_entropy(y, torch.tensor([[0.3, 0.7]] * 3))),
    "max-margin": ((v,), lambda y: torch.relu(1 - torch.tensor([1.0, -1.0, 1.0]) * y)),
    "constants added": ((v,), lambda y: (y - TENTHS) ** 2 * (y + 2).log() * (1 - y).square()),
    "constants before": ((v,), lambda y: (TENTHS - y) ** 2 + torch.sub(torch.ones(3), y, alpha=2).abs()),
    "constants, scaled": ((v,), lambda y: torch.sub(y, TENTHS, alpha=2) ** 2 + torch.add(TENTHS, y, alpha=3) ** 2),
    "constant of one column": (((3, 1),), lambda y: (y.squeeze() - TENTHS) ** 2),
    "penalty": ((m, v), lambda w, b: (w @ torch.ones(2) + b).tanh().mean() + 0.01 * sum((p**2).sum() for p in (w, b))),
    "one number": ((s, s), lambda a, b: a * b + a),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_has_the_same_gradients_as_values(name):
    shapes, f = EXPRESSIONS[name]
    tensors = [leaf(*shape) for shape in shapes]
    agrees(f(*tensors).sum(), tensors)


@pytest.mark.parametrize("f", KINKED)
def test_the_derivative_at_a_kink_is_pytorchs(f):
    x = torch.zeros(3).requires_grad_()
    agrees((f(x) * torch.tensor([1.0, 2.0, 3.0])).sum(), [x])


def test_a_constant_that_is_not_kept_does_not_hide_behind_one_that_is_worked_out():
    """The 1 of b² + 1 is lost, 0.5 is what the square's operand is more than the rest: taken together they hid it."""
    a, b = leaf(2), leaf(2)
    loss = ((F.binary_cross_entropy_with_logits(a, (1 / (b * b + 1)).sigmoid()) - 0.5) ** 2).sum()
    with pytest.raises(ValueError, match="an operand of AddBackward0 is a constant that PyTorch did not keep"):
        from_torch_graph(loss)


def test_a_constant_that_is_not_kept_is_named_where_0_has_no_value():
    with pytest.raises(ValueError, match="an operand of AddBackward0 is a constant that PyTorch did not keep"):
        from_torch_graph(1 / (torch.tensor(0.0, requires_grad=True) + 1))


def test_complex_numbers_are_refused():
    with pytest.raises(ValueError, match="does not know complex numbers"):
        from_torch_graph((torch.tensor([1 + 2j, 3j], requires_grad=True).abs() ** 2).sum())


def test_a_loss_of_no_numbers_is_a_value():
    x = torch.ones(3, requires_grad=True)
    assert from_torch_graph((x[:0] ** 2).sum()).data == 0.0


def test_a_graph_that_is_single_precision_in_parts():
    x = torch.tensor([0.1, 0.7, 1.3], requires_grad=True)
    agrees((x.float().exp().double() ** 2).sum(), [x], tolerance=1e-6)


def test_huber_is_curved_where_there_is_no_error():
    x = torch.tensor([0.5, 1.0], requires_grad=True)
    root = from_torch_graph(F.huber_loss(x, torch.tensor([0.5, 0.25]), reduction="sum"), {"x": x})
    assert [y.data for y in hvp(root, leaves(root), [1.0, 1.0])] == [1.0, 1.0]


def test_every_rule_is_tried():
    seen = set()
    for shapes, f in EXPRESSIONS.values():
        stack = [f(*[leaf(*shape) for shape in shapes]).sum().grad_fn]
        while stack:
            node = stack.pop()
            full = node.name().replace("Backward", "")
            seen |= {full, full.rstrip("0123456789"), full.removesuffix("0")}
            stack += [source for source, _ in node.next_functions if source]
    rules = {*UNARY, *FORMULAS, *BINARY, *LOSSES, *MOVES, *REDUCTIONS, *ALONG, *RESHAPES}
    assert rules - seen <= {"ReshapeAlias", "Alias", "UnsafeView", "ToCopy", "Mul1"}


def random_module(rng):
    """A random chain of layers, and inputs and a loss for it."""
    sizes = [rng.randint(1, 5) for _ in range(rng.randint(2, 5))]
    activations = [
        nn.ReLU,
        nn.Tanh,
        nn.Sigmoid,
        nn.Softplus,
        nn.GELU,
        nn.SiLU,
        nn.ELU,
        nn.LeakyReLU,
        nn.Mish,
        nn.Hardtanh,
    ]
    parts = []
    for nin, nout in pairwise(sizes):
        parts += [nn.Linear(nin, nout, bias=rng.random() < 0.8), rng.choice([*activations, nn.Identity])()]
    n = rng.randint(1, 4)
    inputs = torch.randn(n, sizes[0]) if rng.random() < 0.7 else torch.randn(sizes[0])
    module = nn.Sequential(*parts)
    outputs = module(inputs)
    targets = torch.rand_like(outputs)
    kind = rng.choice(["mse", "own", "bce", "ce", "huber"])
    if kind == "ce" and outputs.dim() == 2:
        loss = F.cross_entropy(outputs, torch.randint(sizes[-1], (n,)))
    elif kind == "bce":
        loss = F.binary_cross_entropy_with_logits(outputs, targets)
    elif kind == "huber":
        loss = F.huber_loss(outputs, targets)
    else:
        loss = F.mse_loss(outputs, targets) if kind == "mse" else 0.5 * ((targets - outputs) ** 2).sum()
    return module, loss


@pytest.mark.parametrize("seed", range(50))
def test_a_random_network_of_torchs_as_values(seed):
    torch.manual_seed(seed)
    module, loss = random_module(random.Random(seed))
    names = {f"#{k}": p for k, p in enumerate(module.parameters())}
    agrees(loss, list(module.parameters()), names=names)


def test_labels_are_those_of_the_module_and_neurons_are_found():
    module = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1))
    loss = F.mse_loss(module(torch.tensor([[1.0, 2.0]])), torch.tensor([[0.5]]))
    labels = [leaf.label for leaf in leaves(from_torch_graph(loss, module))]
    assert labels[:3] == ["0.weight[0,0]", "0.weight[0,1]", "0.bias[0]"]
    assert labels[-1] == "2.bias[0]"
    root = from_torch_graph(loss)
    assert [leaf.label for leaf in leaves(root)][:4] == ["w1_1,1", "w1_1,2", "b1_1", "w1_2,1"]
    assert {place for node, place in neurons(root).items() if node.parents} == {(1, 1), (1, 2), (1, 3), (2, 1)}
    root.backward()
    assert "w2_1,3" in str(explain(root, leaves(root)[-2]))


def test_weights_by_columns_with_a_bias_added_know_their_place():
    weights, bias, plain = leaf(2, 3), leaf(3), leaf(3)
    loss = ((torch.ones(4, 2) @ weights + bias) * plain).mean()
    labels = {leaf.label for leaf in leaves(from_torch_graph(loss))}
    assert {"w1_3,2", "b1_3", "t3[2]"} < labels


def test_an_operation_it_does_not_know_is_named():
    for loss, name in [
        (leaf(3).cumsum(0).sum(), "CumsumBackward0"),
        (F.layer_norm(leaf(3), (3,)).sum(), "NativeLayerNormBackward0"),
        (F.conv1d(leaf(1, 1, 3), leaf(1, 1, 2)).sum(), "ConvolutionBackward0"),
        (torch.where(leaf(3) > 0, leaf(3), torch.ones(3)).sum(), "WhereBackward0"),
    ]:
        with pytest.raises(ValueError, match=f"does not know the operation {name}"):
            from_torch_graph(loss)
    weighted = F.cross_entropy(leaf(3, 2), torch.tensor([0, 1, 1]), weight=torch.ones(2))
    with pytest.raises(ValueError, match="does not know NllLoss with weight"):
        from_torch_graph(weighted)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: 3.0, TypeError, "expected a tensor, got float"),
        (lambda: leaf(2) * 2, TypeError, r"expected a tensor of one number, got one of shape \(2,\): take one element"),
        (lambda: torch.tensor(1.0), TypeError, "expected a tensor with a graph, got one without a grad_fn"),
        (lambda: nn.Linear(50, 50)(torch.ones(50)).sum(), ValueError, "the leaves have 2,550 numbers, more than limit"),
        (lambda: (leaf(3) + torch.ones(3)).sum(), ValueError, "an operand of AddBackward0 is a constant that"),
        (lambda: torch.relu(1 + -leaf(1, low=5, high=6)).sum(), ValueError, "an operand of AddBackward0 is a constant"),
    ],
)  # fmt: skip
def test_what_it_cannot_take(build, error, message):
    with pytest.raises(error, match=message):
        from_torch_graph(build())


def test_a_graph_that_was_freed_or_changed():
    w = leaf(2)
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    assert from_torch_graph(loss).data == loss.item()
    with torch.no_grad():
        w += 1
    with pytest.raises(ValueError, match="its tensors were changed since"):
        from_torch_graph(loss)
    loss = (leaf(2) ** 2).sum()
    loss.backward()
    with pytest.raises(ValueError, match="PyTorch has freed the graph: call it before loss"):
        from_torch_graph(loss)


def test_single_precision_is_calculated_in_double():
    module = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)).float()
    loss = module(torch.ones(2, dtype=torch.float32)).sum()
    root = from_torch_graph(loss, module)
    assert math.isclose(root.data, loss.item(), rel_tol=1e-5)


def test_a_graph_of_a_thousand_steps():
    x = start = leaf()
    for _ in range(1000):
        x = (x * 1.001).sin()
    root = agrees(x, [start])
    assert len(topological(root)) == 2000


def test_the_root_may_be_the_leaf_times_one():
    x = leaf()
    root = from_torch_graph(x * 1, {"x": x})
    assert isinstance(root, Value)
    assert [leaf.label for leaf in leaves(root)] == ["x"]


@given(networks(MLP), st.integers(0, 1000))
@settings(max_examples=50)
def test_any_network_to_torch_and_back_is_the_same_network(network, seed):
    rng = random.Random(seed)
    x = [rng.uniform(-2, 2) for _ in network.layers[0].neurons[0].w]
    module = to_torch(network)
    ours, theirs = gradients(network, x), gradients_in_torch(module, x)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-10, abs=1e-14)
    assert ours[1] == pytest.approx(theirs[1], rel=1e-10, abs=1e-14)
    assert from_torch(module).to_weights() == network.to_weights()


def test_a_loss_from_logits_keeps_the_digits_of_an_answer_that_is_nearly_right():
    z = torch.tensor([50.0, -50.0], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([1.0, 0.0], dtype=torch.float64)
    root = from_torch_graph(torch.nn.functional.binary_cross_entropy_with_logits(z, target, reduction="sum"))
    root.backward()
    assert root.data == pytest.approx(2 * math.exp(-50), rel=1e-14, abs=0)
    assert [leaf.grad for leaf in leaves(root)] == pytest.approx([-math.exp(-50), math.exp(-50)], rel=1e-14, abs=0)


def test_a_binary_cross_entropy_of_small_probabilities_has_the_digits_of_pytorchs():
    y = torch.tensor([1e-9, 1e-14], dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.binary_cross_entropy(y, torch.zeros(2, dtype=torch.float64), reduction="sum")
    assert from_torch_graph(loss).data == pytest.approx(loss.item(), rel=1e-14, abs=0)


def test_what_layers_share_is_shared_on_both_sides():
    first, last = Layer(2, 2, activation="tanh", seed=1), Layer(2, 1, activation=None, bias=False, seed=2)
    network = Sequential(first, first, last)
    module = to_torch(network)
    assert sum(p.numel() for p in module.parameters()) == len(network.parameters()) == 8
    again = from_torch(module)
    assert len(again.parameters()) == 8 and again.layers[1].neurons[0].b is again.layers[0].neurons[0].b
    assert [(p.label, p.place.layer) for p in again.parameters()][-3:] == [("b2", 1), ("w9", 3), ("w10", 3)]
    x = [0.5, -1.0]
    assert again(x).data == network(x).data
    for loss, module_loss in ((network(x), module(torch.tensor(x, dtype=torch.float64))), (again(x), None)):
        loss.backward()
        if module_loss is not None:
            module_loss.backward()
    theirs = [g for p in module.parameters() for g in p.grad.flatten().tolist()]
    for these in (network.parameters(), again.parameters()):
        assert sorted(p.grad for p in these) == pytest.approx(sorted(theirs), rel=1e-12)


def test_weights_tied_to_another_bias():
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    other.weight = one.weight
    network = from_torch(torch.nn.Sequential(one, torch.nn.Tanh(), other))
    assert len(network.parameters()) == 8
    module = to_torch(network)
    assert module[0].weight is module[2].weight and module[0].bias is not module[2].bias


def test_weights_of_which_some_are_shared_are_refused():
    within, across = MLP(2, [2, 1], seed=1), MLP(2, [2, 2], seed=1)
    within.layers[0].neurons[1].w[0] = within.layers[0].neurons[0].w[0]
    across.layers[1].neurons[1].w[0] = across.layers[0].neurons[0].w[0]
    for network, k in ((within, 1), (across, 2)):
        with pytest.raises(
            ValueError, match=f"^to_torch: layer {k} shares some of its weights, and a tensor is shared "
        ):
            to_torch(network)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("number", [0.5, 0.004, -1e-3])
def test_a_small_constant_that_was_not_kept_is_missed_in_any_precision(kind, number):
    """PyTorch keeps no operand of a sum: what is not there is not taken for 0 where that shows."""
    x = torch.tensor([1.5, -0.7], dtype=kind, requires_grad=True)
    for loss in ((x.tanh() * 2 + number).sum(), (x.sin() - number).mean(), (x - x.detach() + number).sum()):
        with pytest.raises(ValueError, match="is a constant that PyTorch did not keep"):
            from_torch_graph(loss)


def test_a_constant_that_was_not_kept_is_missed_among_small_numbers():
    x = torch.tensor([1.5, -0.7], dtype=torch.float64, requires_grad=True)
    with pytest.raises(ValueError, match="is a constant that PyTorch did not keep"):
        from_torch_graph((x.tanh() * 1e-10 + 1e-11).sum())
    assert from_torch_graph(sum(x.tanh() * 1e-10)).data == pytest.approx(sum(x.tanh() * 1e-10).item(), rel=1e-12, abs=0)


def test_a_long_sum_in_single_precision_is_taken():
    """Python's sum begins with a 0 that PyTorch does not keep; what rounding does is allowed."""
    torch.manual_seed(0)
    x = torch.randn(200, dtype=torch.float32, requires_grad=True)
    for loss in (sum(x.tanh()) + 0.0, sum((x * 100).sin() * x.exp()) / 7, sum(x - x.mean())):
        assert from_torch_graph(loss).data == pytest.approx(loss.item(), rel=1e-4, abs=1e-4)
