"""Draw the plots of the documentation: `python docs/images/plots.py`."""

from pathlib import Path

from tinygrad_edu.files import write
from tinygrad_edu.nn import MLP, SGD, fit, mse
from tinygrad_edu.plot import plot_decision_boundary, plot_gradients, plot_loss_landscape
from tinygrad_edu.plot.canvas import png

HERE = Path(__file__).parent
POINTS, TARGETS = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]


def xor():
    """A network that learned XOR, and how, over rate 0.5: it fell out of one valley and found another."""
    network = MLP(2, [4, 1], activation="tanh", seed=1)
    optimizer = SGD(network.parameters(), lr=0.5)
    return network, fit(network, "mse", (POINTS, TARGETS), optimizer=optimizer, epochs=100, path=True)


def boundary():
    return plot_decision_boundary(xor()[0], POINTS, TARGETS, threshold=0.5)


def landscape():
    network, history = xor()

    def loss():
        return mse([network(x) for x in POINTS], TARGETS)

    return plot_loss_landscape(loss, network.parameters(), path=history.path, resolution=40)


def vanishing():
    """Nine layers of sigmoids: each makes the gradient smaller by its derivative, at most 1/4."""
    network = MLP(2, [4] * 8 + [1], activation="sigmoid", output_activation="sigmoid", seed=1)
    optimizer = SGD(network.parameters(), lr=0.5)
    return plot_gradients(fit(network, "mse", (POINTS, TARGETS), optimizer=optimizer, epochs=60))


if __name__ == "__main__":
    for plot in (boundary, landscape, vanishing):
        print(write(HERE / f"{plot.__name__}.png", png(plot(), dpi=80)))
