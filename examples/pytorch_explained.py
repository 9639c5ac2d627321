"""A PyTorch model explained: the graph of its autograd as a graph of scalars, and the chain rule of one weight."""

import torch
from torch import nn

from tinygrad_edu import draw, explain
from tinygrad_edu.engine import leaves
from tinygrad_edu.exchange import from_torch_graph, to_torch
from tinygrad_edu.nn import MLP

network = MLP.from_weights([[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [[0.4, 0.3, 0.6], [0.2, 1.0, 0.3]]])
model = to_torch(network)
print([type(part).__name__ for part in model])  # ['Linear', 'Sigmoid', 'Linear', 'Sigmoid']

inputs = torch.tensor([0.85, 0.25], dtype=torch.float64)
targets = torch.tensor([0.6905, 0.8657], dtype=torch.float64)
loss = 0.5 * nn.functional.mse_loss(model(inputs), targets, reduction="sum")

root = from_torch_graph(loss, model)  # before loss.backward(), which frees what it reads
root.backward()
loss.backward()
found = {leaf.label: leaf for leaf in leaves(root)}
weight = found["2.weight[0,0]"]
print(f"{weight.grad:.9f} {model[2].weight.grad[0, 0].item():.9f}")  # 0.004897279 0.004897279

differences = [
    abs(found[f"{name}[{','.join(map(str, at))}]"].grad - parameter.grad[at].item())
    for name, parameter in model.named_parameters()
    for at in [tuple(place) for place in torch.ones_like(parameter).nonzero().tolist()]
]
print(len(differences), max(differences) < 1e-12)  # 12 True

root.label = "E"
print(str(explain(root, weight)).splitlines()[0])  # ∂E/∂2.weight[0,0] over 1 path
draw(root, highlight=weight).render("pytorch_explained", format="svg")
