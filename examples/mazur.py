"""Matt Mazur's "A Step by Step Backpropagation Example" (2015), with the figures that it should have.

Two inputs, two hidden and two output neurons, all sigmoid; the biases are constants. The weights that the article
prints after one step are right; its error after that step, 0.291027924, is not: it belongs to hidden gradients that
were taken with output weights updated before. All gradients at one point give 0.291027774. Its outputs after 10,000
steps are reproduced below in its own order; they give the error 0.0000350848, where it prints 0.0000351085.
"""

from tinygrad_edu.engine import Value
from tinygrad_edu.nn import MLP, SGD, squared_error, train
from tinygrad_edu.plot import plot_history, plot_network

INPUTS, TARGETS = [0.05, 0.10], [0.01, 0.99]


def weights(network: MLP) -> list[Value]:
    """What is trained: w1 to w8, not the biases."""
    return [w for layer in network.layers for neuron in layer.neurons for w in neuron.w]


def start() -> MLP:
    return MLP.from_weights([[[0.35, 0.15, 0.20], [0.35, 0.25, 0.30]], [[0.60, 0.40, 0.45], [0.60, 0.50, 0.55]]])


network = start()
error = squared_error(network(INPUTS), TARGETS)
error.backward()
print(f"{error:.9f}")  # 0.298371109
w1, w5 = weights(network)[0], weights(network)[4]
print(f"{w5.grad:.9f} {w1.grad:.9f}")  # 0.082167041 0.000438568

optimizer = SGD(weights(network), lr=0.5)
optimizer.step()
print(f"{w5:.9f} {w1:.9f}")  # 0.358916480 0.149780716
print(f"{squared_error(network(INPUTS), TARGETS):.9f}")  # 0.291027774


def article_step(network: MLP) -> None:
    """The output weights first, then the hidden weights with the gradients that the new output weights give."""
    squared_error(network(INPUTS), TARGETS).backward()
    output = weights(network)[4:]
    h = [neuron(INPUTS).data for neuron in network.layers[0].neurons]
    deltas = [output[2 * k].grad / h[0] for k in range(2)]  # of the outputs: ∂E/∂w5 = δ1 h1
    SGD(output, lr=0.5).step()
    for j, neuron in enumerate(network.layers[0].neurons):
        slope = (deltas[0] * output[j].data + deltas[1] * output[2 + j].data) * h[j] * (1 - h[j])
        for w, x in zip(neuron.w, INPUTS, strict=True):
            w.data -= 0.5 * slope * x
    network.zero_grad()


article = start()
article_step(article)
print(f"{squared_error(article(INPUTS), TARGETS):.9f}")  # 0.291027924

# After 10,000 steps: the right figures, then the article's.
history = train(lambda: squared_error(network(INPUTS), TARGETS), optimizer, epochs=9_999)
print(f"{history.losses[-1]:.9f}")  # 0.000035102
print(" ".join(f"{y:.9f}" for y in network(INPUTS)))  # 0.015913620 0.984064274

for _ in range(9_999):
    article_step(article)
print(f"{squared_error(article(INPUTS), TARGETS):.9f}")  # 0.000035085
print(" ".join(f"{y:.9f}" for y in article(INPUTS)))  # 0.015912196 0.984065734

plot_history(history).savefig("mazur_loss.png")

plot_network(network).savefig("mazur_network.png")
