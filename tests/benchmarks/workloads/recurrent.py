"""Recurrent networks over time, a linear unit behind the last step, the mean square of 32 errors.

3 inputs a step and 5 units: tanh over 8 steps, and an LSTM over 5. Parameters: the weights of the inputs, a row a unit,
those of the state, the biases (of an LSTM for its input, forget, output gate and candidate in turn), the linear unit's.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from workloads.peer import Run, beside_hand, cut, objects, values

COUNT, NIN, UNITS, STEPS, LSTM_STEPS = 32, 3, 5, 8, 5


def shapes(gates):
    return (gates * UNITS, NIN), (gates * UNITS, UNITS), (gates * UNITS,), (UNITS,)


def numbers(gates, steps):
    """Parameters, inputs and targets."""
    rng = np.random.default_rng(1)
    p = rng.uniform(-0.5, 0.5, sum(map(np.prod, shapes(gates))))
    return p, rng.uniform(-1, 1, (COUNT, steps, NIN)), rng.uniform(-1, 1, COUNT)


PLAIN, LSTM = numbers(1, STEPS), numbers(4, LSTM_STEPS)


def graph():
    from tinygrad_edu import dot

    p, x, y = values(PLAIN[0]), values(PLAIN[1][0].ravel()), *values(PLAIN[2][:1])
    w, u, b, v = cut(objects(p), shapes(1))
    h = ()
    for now in objects(x).reshape(STEPS, NIN):
        z = [dot(w[k], now) + (dot(u[k], h) if len(h) else 0) + b[k] for k in range(UNITS)]
        h = [number.tanh() for number in z]
    return (dot(v, h) - y) ** 2, p, [*x, y]


def lstm_graph():
    from tinygrad_edu import dot

    p, x, y = values(LSTM[0]), values(LSTM[1][0].ravel()), *values(LSTM[2][:1])
    w, u, b, v = cut(objects(p), shapes(4))
    h, c = (), [0] * UNITS
    for now in objects(x).reshape(LSTM_STEPS, NIN):
        z = [dot(w[k], now) + (dot(u[k], h) if len(h) else 0) + b[k] for k in range(4 * UNITS)]
        i, f, o = ([number.sigmoid() for number in z[k * UNITS : (k + 1) * UNITS]] for k in range(3))
        new = [number.tanh() for number in z[3 * UNITS :]]
        c = [f[k] * c[k] + i[k] * new[k] for k in range(UNITS)]
        h = [o[k] * c[k].tanh() for k in range(UNITS)]
    return (dot(v, h) - y) ** 2, p, [*x, y]


def hand_written_numpy() -> Run:
    """What all steps share is one product: of the inputs forward, of all gradients backward. Examples come last."""
    p, x, y = (part.copy() for part in PLAIN)
    g = np.empty(len(p))
    (w, u, b, v), (dw, du, db, dv) = cut(p, shapes(1)), cut(g, shapes(1))
    x = x.transpose(1, 2, 0).copy()

    def call(x, y):
        n = len(y)
        h, dz = np.empty((STEPS, UNITS, n)), np.empty((STEPS, UNITS, n))
        z = w @ x + b[:, None]
        np.tanh(z[0], out=h[0])
        for t in range(1, STEPS):
            np.tanh(z[t] + u @ h[t - 1], out=h[t])
        error = v @ h[-1] - y
        d = 2 / n * error
        np.matmul(h[-1], d, out=dv)
        slopes = 1 - h * h
        np.multiply(np.multiply.outer(v, d), slopes[-1], out=dz[-1])
        for t in range(STEPS - 1, 0, -1):
            np.multiply(u.T @ dz[t], slopes[t - 1], out=dz[t - 1])
        np.sum(dz @ x.transpose(0, 2, 1), axis=0, out=dw)
        np.sum(dz[1:] @ h[:-1].transpose(0, 2, 1), axis=0, out=du)
        np.sum(dz, axis=(0, 2), out=db)
        return error @ error / n, g

    return Run(partial(call, x, y))


def lstm_by_hand() -> Run:
    """The four gates are one product."""
    p, x, y = (part.copy() for part in LSTM)
    g = np.empty(len(p))
    (w, u, b, v), (dw, du, db, dv) = cut(p, shapes(4)), cut(g, shapes(4))
    x = x.transpose(1, 2, 0).copy()
    last, sigmoids, tanh = LSTM_STEPS - 1, slice(0, 3 * UNITS), slice(3 * UNITS, None)

    def call(x, y):
        n = len(y)
        gates, dz = np.empty((LSTM_STEPS, 4 * UNITS, n)), np.empty((LSTM_STEPS, 4, UNITS, n))
        h, c, tanh_c = (np.empty((LSTM_STEPS, UNITS, n)) for _ in range(3))
        i, f, o, new = gates.reshape(LSTM_STEPS, 4, UNITS, n).swapaxes(0, 1)
        z = w @ x + b[:, None]
        for t in range(LSTM_STEPS):
            now = z[t] + u @ h[t - 1] if t else z[t]
            gates[t, sigmoids] = 1 / (1 + np.exp(-now[sigmoids]))
            np.tanh(now[tanh], out=gates[t, tanh])
            np.multiply(i[t], new[t], out=c[t])
            if t:
                c[t] += f[t] * c[t - 1]
            np.tanh(c[t], out=tanh_c[t])
            np.multiply(o[t], tanh_c[t], out=h[t])
        error = v @ h[-1] - y
        d = 2 / n * error
        np.matmul(h[-1], d, out=dv)
        # What dz of each gate is for one unit of gradient that comes in.
        slopes = o * (1 - tanh_c * tanh_c)
        by_i, by_new, by_o = new * i * (1 - i), i * (1 - new * new), tanh_c * o * (1 - o)
        by_f = np.zeros_like(c)
        np.multiply(c[:-1], (f * (1 - f))[1:], out=by_f[1:])
        dh, dc = np.multiply.outer(v, d), 0
        for t in range(last, -1, -1):
            dc = dc + dh * slopes[t]
            np.multiply(dc, by_i[t], out=dz[t, 0])
            np.multiply(dc, by_f[t], out=dz[t, 1])
            np.multiply(dh, by_o[t], out=dz[t, 2])
            np.multiply(dc, by_new[t], out=dz[t, 3])
            if t:
                dh = u.T @ dz[t].reshape(-1, n)
                dc = dc * f[t]
        flat = dz.reshape(LSTM_STEPS, -1, n)
        np.sum(flat @ x.transpose(0, 2, 1), axis=0, out=dw)
        np.sum(flat[1:] @ h[:-1].transpose(0, 2, 1), axis=0, out=du)
        np.sum(flat, axis=(0, 2), out=db)
        return error @ error / n, g

    return Run(partial(call, x, y))


def loss(p, x, y):
    import jax.numpy as jnp

    w, u, b, v = cut(p, shapes(1))
    z = x @ w.T + b
    h = jnp.tanh(z[:, 0])
    for t in range(1, STEPS):
        h = jnp.tanh(z[:, t] + h @ u.T)
    return jnp.mean((h @ v - y) ** 2)


def lstm_loss(p, x, y):
    import jax
    import jax.numpy as jnp

    w, u, b, v = cut(p, shapes(4))
    z = x @ w.T + b
    h = c = jnp.zeros((len(y), UNITS))
    for t in range(LSTM_STEPS):
        i, f, o, new = jnp.split(z[:, t] + h @ u.T, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(new)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return jnp.mean((h @ v - y) ** 2)


WORKLOADS = [
    beside_hand("recurrent network, 8 steps", graph, PLAIN[0], PLAIN[1:], hand_written_numpy, loss),
    beside_hand("LSTM, 5 steps", lstm_graph, LSTM[0], LSTM[1:], lstm_by_hand, lstm_loss),
]
