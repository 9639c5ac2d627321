"""An operation of your own is one row: its method, function, gradient and every higher derivative follow."""

from tinygrad_edu import Value, grad, registered

with registered(
    "hardswish",
    "hswish",
    "x * minimum(maximum(x + 3, 0), 6) / 6",
    "(minimum(maximum(x + 3, 0), 6) + x * (step(x + 3) - step(x - 3))) / 6",
):
    x = Value(1.0)
    y = x.hardswish()
    y.backward()
    print(f"{y.data:.4f} {x.grad:.4f}")  # 0.6667 0.8333
    print(f"{grad(grad(x.hardswish(), x), x).data:.4f}")  # 0.3333
