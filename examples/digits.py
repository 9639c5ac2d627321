"""Handwritten digits: 64 pixels, 32 neurons, 10 classes, and at least 95 % of unseen digits told apart in seconds."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from tinygrad_edu.nn import MLP, Adam, fit
from tinygrad_edu.plot import plot_history

data = load_digits()
seen, unseen, right, right_unseen = train_test_split(data.data / 16, data.target, test_size=0.25, random_state=0)
print(len(seen), len(unseen))  # 1347 450

network = MLP(64, [32, 10], init="he", seed=1)
print(len(network.parameters()))  # 2410

history = fit(
    network,
    "cross_entropy",
    (seen, right),
    optimizer=Adam(network.parameters(), lr=lambda step: 0.01 * 0.999**step),
    epochs=40,
    batch=64,
    validation=(unseen, right_unseen),
    metrics="accuracy",
    seed=1,
)
print(history.metrics["accuracy"][-1] >= 0.95)  # True
print(history.seconds < 60)  # True
plot_history(history).savefig("digits.png")
