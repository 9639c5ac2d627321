"""Newton's method: where the gradient says which way is down, the Hessian says how far.

Rosenbrock's valley (1 - x)² + 100 (y - x²)² is steep across and flat along. Its curvatures differ by a factor of 2,500
at the minimum, and gradient descent has to be slow enough for the largest one.
"""

import math

from tinygrad_edu import Value, grad, hessian
from tinygrad_edu.plot import plot_loss_landscape

x, y = Value(-1.2, "x"), Value(1.0, "y")


def valley() -> Value:
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def set_to(point: list[float]) -> None:
    x.data, y.data = point


# Newton's step is -H⁻¹g: two equations for two unknowns.
path = [[x.data, y.data]]
for _ in range(6):
    root = valley()
    g = [v.data for v in grad(root, [x, y])]
    (a, b), (c, d) = [[v.data for v in line] for line in hessian(root, [x, y])]
    determinant = a * d - b * c
    set_to([x.data - (d * g[0] - b * g[1]) / determinant, y.data - (a * g[1] - b * g[0]) / determinant])
    path.append([x.data, y.data])
print(f"{x:.6f} {y:.6f}")  # 1.000000 1.000000
print(valley().data < 1e-15)  # True

# The curvatures at the minimum: the eigenvalues of the Hessian.
(a, b), (c, d) = [[v.data for v in line] for line in hessian(valley(), [x, y])]
middle, reach = (a + d) / 2, math.hypot((a - d) / 2, b)
print(f"{middle + reach:.1f} {middle - reach:.2f}")  # 1001.6 0.40

# Gradient descent stays stable up to a rate of 2 / the largest curvature.
set_to(path[0])
steps = 0
while math.hypot(x.data - 1, y.data - 1) > 1e-3:
    g = [v.data for v in grad(valley(), [x, y])]
    set_to([x.data - 0.001 * g[0], y.data - 0.001 * g[1]])
    steps += 1
print(steps)  # 17082

set_to([1.0, 1.0])
figure = plot_loss_landscape(valley, [x, y], path=path, directions=[[1.0, 0.0], [0.0, 1.0]], resolution=80)
figure.axes[0].set(xlabel="x - 1", ylabel="y - 1")
figure.savefig("newton.png")
