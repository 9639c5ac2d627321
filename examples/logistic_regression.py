"""Logistic regression on scalars, against scikit-learn's coefficients."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

from tinygrad_edu import Value, compile
from tinygrad_edu.plot import plot_decision_boundary

data = load_breast_cancer()
columns = [0, 1]  # mean radius and mean texture
raw = [[float(row[k]) for k in columns] for row in data.data]
means = [sum(column) / len(raw) for column in zip(*raw, strict=True)]
sizes = [
    (sum((x - mean) ** 2 for x in column) / len(raw)) ** 0.5
    for column, mean in zip(zip(*raw, strict=True), means, strict=True)
]
points = [[(x - mean) / size for x, mean, size in zip(row, means, sizes, strict=True)] for row in raw]
labels = [int(t) for t in data.target]

# -log p of one example from its logit z, softplus(z) - t z, with scikit-learn's penalty |w|²/2, shared by all examples.
w1, w2, b = Value(0.0, "w1"), Value(0.0, "w2"), Value(0.0, "b")
x1, x2, t = Value(0.5, "x1"), Value(-0.5, "x2"), Value(1.0, "t")
z = w1 * x1 + w2 * x2 + b
loss = z.softplus() - t * z + (w1 * w1 + w2 * w2) / 2 / len(points)
program = compile(loss, [w1, w2, b], [x1, x2, t])
examples = [[*point, float(label)] for point, label in zip(points, labels, strict=True)]

# Newton's method, since the loss is convex: three linear equations a step.
numbers = [0.0, 0.0, 0.0]
for _ in range(8):
    _, gradient = program(numbers, examples)
    rows = [[*map(float, line), float(g)] for line, g in zip(program.hessian(numbers, examples), gradient, strict=True)]
    for k in range(3):  # Gauss-Jordan: what is positive definite needs no pivots
        rows[k] = [entry / rows[k][k] for entry in rows[k]]
        for j in range(3):
            if j != k:
                rows[j] = [a - rows[j][k] * c for a, c in zip(rows[j], rows[k], strict=True)]
    numbers = [w - row[3] for w, row in zip(numbers, rows, strict=True)]
print(" ".join(f"{w:.4f}" for w in numbers))  # -3.3373 -0.8771 0.6996

theirs = LogisticRegression(tol=1e-10, max_iter=1000).fit(points, labels)
print(" ".join(f"{w:.4f}" for w in [*theirs.coef_[0], theirs.intercept_[0]]))  # -3.3373 -0.8771 0.6996
agree = [abs(a - c) < 1e-6 for a, c in zip(numbers, [*theirs.coef_[0], theirs.intercept_[0]], strict=True)]
print(all(agree))  # True

for value, number in zip((w1, w2, b), numbers, strict=True):
    value.data = number
figure = plot_decision_boundary(
    lambda x: (w1 * x[0] + w2 * x[1] + b).sigmoid(),
    points,
    [str(data.target_names[label]) for label in labels],
    names=["radius", "texture"],
)
figure.savefig("logistic.png")
