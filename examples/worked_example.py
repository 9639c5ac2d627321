"""The 2-2-2 network of the worked example: forward, backward, one update, training."""

from tinygrad_edu.nn import MLP, SGD, squared_error, train
from tinygrad_edu.plot import plot_history, plot_network

network = MLP.from_weights([[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [[0.4, 0.3, 0.6], [0.2, 1.0, 0.3]]])
inputs, targets = [0.85, 0.25], [0.6905, 0.8657]

y1, y2 = network(inputs)
print(f"{y1:.4f} {y2:.4f}")  # 0.7333 0.7317

loss = squared_error([y1, y2], targets)
loss.backward()
w5 = network.layers[1].neurons[0].w[0]
print(w5.label, f"{w5.grad:.6f}")  # w5 0.004897

optimizer = SGD(network.parameters(), lr=0.1)
optimizer.step()
print(f"{w5:.5f}")  # 0.29951

run = train(lambda: squared_error(network(inputs), targets), optimizer, epochs=999)
print(f"{run.losses[-1]:.3e}")  # 4.556e-06
plot_history(run).savefig("worked_example_loss.png")

plot_network(network).savefig("worked_example_network.png")
