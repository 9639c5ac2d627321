"""XOR, and what goes wrong: two relu neurons learn it from 12 of 40 seeds, and why the other 28 are stuck.

A relu neuron that is 0 at a point hands no gradient on there. Where both neurons are 0 at several points, all that is
left for these points is the output's bias, which settles at the mean of their targets.
"""

from tinygrad_edu.nn import MLP, SGD, History, fit
from tinygrad_edu.plot import plot_decision_boundary

POINTS, TARGETS = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]


def trained(size: int, activation: str, seed: int) -> tuple[MLP, History]:
    network = MLP(2, [size, 1], activation=activation, seed=seed)
    optimizer = SGD(network.parameters(), lr=0.1)
    return network, fit(network, "mse", (POINTS, TARGETS), optimizer=optimizer, epochs=600, goal=1e-3)


def learned(network: MLP) -> bool:
    return all(abs(network(x).data - target) < 0.5 for x, target in zip(POINTS, TARGETS, strict=True))


def blind(network: MLP) -> int:
    """At how many points no hidden neuron is active."""
    return sum(all(neuron(x).data == 0 for neuron in network.layers[0].neurons) for x in POINTS)


runs = [trained(2, "relu", seed) for seed in range(40)]
networks = [network for network, _ in runs]
stuck = [network for network in networks if not learned(network)]
print(len(networks) - len(stuck), len(stuck))  # 12 28
print([sum(blind(network) == points for network in stuck) for points in range(5)])  # [3, 0, 2, 15, 8]

# The 3 without a blind point: what lives is active at all points, so the network is a plane; the best one here is flat.
print([round(networks[5](x).data, 1) for x in POINTS])  # [0.5, 0.5, 0.5, 0.5]

# One of the blind: where no neuron is active, the output is one number, the mean of the targets there.
print([round(networks[3](x).data, 2) for x in POINTS], blind(networks[3]))  # [0.33, 1.0, 0.33, 0.33] 3

# The history says what it saw.
print(runs[3][1].notes[0])  # the loss stands still at 0.1667
print(runs[3][1].notes[1])  # layer 1: 1 of 2 neurons is dead (2): for every example relu passes no gradient

plot_decision_boundary(networks[3], POINTS, TARGETS, threshold=0.5).savefig("xor_stuck.png")

# More neurons leave fewer blind spots, and tanh, which is flat nowhere, has none.
print(sum(learned(trained(8, "relu", seed)[0]) for seed in range(40)))  # 39
better = [trained(4, "tanh", seed)[0] for seed in range(40)]
print(sum(map(learned, better)))  # 40

plot_decision_boundary(better[0], POINTS, TARGETS, threshold=0.5).savefig("xor.png")
