"""T1: the expression of micrograd's README, its value and gradient for a and b, one call.

Replay engines and hand-written code have parameters in an array, and give the value and an array. There is no data.
"""

from __future__ import annotations

import operator
from functools import partial

import numpy as np

from workloads import c
from workloads.peer import Peer, Run, Target, Workload, peer, replay

A, B = -4.0, 2.0
P = np.array([A, B])
LINES = "hand-written Python, a line an operation"
CASADI_BOUND = "CasADi, generated C, memory bound before"
relu = operator.methodcaller("relu")


def expression(a, b, relu=relu):
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + relu(b + a))
    d = d + (3 * d + relu(b - a))
    e = c - d
    f = e**2
    return f / 2.0 + 10.0 / f


def ours(backend) -> Run:
    from tinygrad_edu import Value

    def trace():
        a, b = Value(A, "a"), Value(B, "b")
        return expression(a, b), [a, b], []

    # The python backend is at home on floats, the native one on arrays.
    p, x = ([A, B], []) if backend == "python" else (P.copy(), np.empty(0))
    program, seconds = replay(trace, backend, lambda: (p, x))
    return Run(partial(program, p, x), compiled=seconds)


def straight_line(a, b):
    """Value and gradient, derived by hand."""
    c0 = a + b
    d0 = a * b + b * b * b
    c1 = c0 + c0 + 1.0
    c2 = c1 + 1.0 + c1 - a
    s = b + a
    d1 = d0 + d0 * 2.0 + (s if s > 0.0 else 0.0)
    t = b - a
    d2 = d1 + 3.0 * d1 + (t if t > 0.0 else 0.0)
    e = c2 - d2
    f = e * e
    g = f / 2.0 + 10.0 / f
    de = 2.0 * e * (0.5 - 10.0 / (f * f))
    ds = -4.0 * de if s > 0.0 else 0.0
    dt = -de if t > 0.0 else 0.0
    dd0 = -12.0 * de
    dc0 = 4.0 * de
    return g, (dc0 - de + dd0 * b + ds - dt, dc0 + dd0 * (a + 3.0 * b * b) + ds + dt)


def line_by_line(a, b):
    """The same as one writes it at first: each operation of the expression has its line, forward and backward."""
    c0 = a + b
    ab = a * b
    b3 = b**3
    d0 = ab + b3
    c1 = c0 + (c0 + 1.0)
    c2 = c1 + (1.0 + c1 + (-a))
    s = b + a
    rs = s if s > 0.0 else 0.0
    d1 = d0 + (d0 * 2.0 + rs)
    t = b - a
    rt = t if t > 0.0 else 0.0
    d2 = d1 + (3.0 * d1 + rt)
    e = c2 - d2
    f = e**2
    half = f / 2.0
    tenth = 10.0 / f
    g = half + tenth
    df = 0.5 + -tenth / f
    de = df * 2.0 * e
    dd2 = -de
    dd1 = dd2 + dd2 * 3.0
    drt = dd2
    dt = drt if t > 0.0 else 0.0
    db = dt
    da = -dt
    dd0 = dd1 + dd1 * 2.0
    drs = dd1
    ds = drs if s > 0.0 else 0.0
    db += ds
    da += ds
    dc1 = de + de
    da -= de
    dc0 = dc1 + dc1
    db += dd0 * (3.0 * b**2)
    da += dd0 * b
    db += dd0 * a
    da += dc0
    db += dc0
    return g, (da, db)


def hand_written_python(function) -> Run:
    return Run(partial(function, A, B))


def hand_written_numba() -> Run:
    import numba

    gradient = numba.njit(straight_line)

    @numba.njit("Tuple((float64, float64[::1]))(float64[::1], float64[::1])")
    def f(params, inputs):
        value, (da, db) = gradient(params[0], params[1])
        result = np.empty(2)
        result[0] = da
        result[1] = db
        return value, result

    return Run(partial(f, P.copy(), np.empty(0)))


SOURCE = """
__attribute__((noinline)) void f(const double *p, double *out) {
    double a = p[0], b = p[1];
    double c0 = a + b, d0 = a * b + b * b * b;
    double c1 = c0 + c0 + 1, c2 = c1 + 1 + c1 - a;
    double s = b + a, t = b - a;
    double d1 = d0 + d0 * 2 + (s > 0 ? s : 0);
    double d2 = d1 + 3 * d1 + (t > 0 ? t : 0);
    double e = c2 - d2, f = e * e;
    double de = 2 * e * (0.5 - 10 / (f * f));
    double ds = s > 0 ? -4 * de : 0, dt = t > 0 ? -de : 0, dd0 = -12 * de, dc0 = 4 * de;
    out[0] = f / 2 + 10 / f;
    out[1] = dc0 - de + dd0 * b + ds - dt;
    out[2] = dc0 + dd0 * (a + 3 * b * b) + ds + dt;
}
void loop(const double *p, double *out, int times) {
    for (int k = 0; k < times; k++) {
        f(p, out);
        __asm__ volatile("" : : "r"(p), "r"(out) : "memory");  // each call reads and writes memory anew
    }
}
"""


def hand_written_c() -> Run:
    times, p, out = 10_000, P.copy(), np.empty(3)
    return Run(c.call(SOURCE, "loop", p, out, times), lambda _: (out[0], out[1:]), share=times)


def casadi_function(generated):
    """The function of CasADi, run by its virtual machine or as C that it generates."""
    import casadi as ca

    p = ca.SX.sym("p", 2)
    value = expression(p[0], p[1], lambda x: ca.fmax(x, 0))
    return casadi_compiled(ca.Function("f", [p], [value, ca.gradient(value, p)]), generated)


def casadi_compiled(f, generated):
    import casadi as ca

    if not generated:
        return f
    generator = ca.CodeGenerator("f.c")
    generator.add(f)
    with c.compiled(generator.dump()) as library:
        return ca.external(f.name(), library)


def casadi_run(f, *arguments, bound=False) -> Run:
    """Through the buffer interface, CasADi's fastest.

    It reads and writes memory in place. Like the others, the function is given its arrays at each call and gives an
    array of its own; `bound` takes both for settled before, so that a call passes nothing.
    """
    buffer, trigger = f.buffer()
    value, gradient = np.empty(1), np.empty(f.numel_out(1))

    def give(*arrays):
        for k, array in enumerate(arrays):
            buffer.set_arg(k, memoryview(array))

    def call(*arrays):
        give(*arrays)
        trigger()
        return value[0], gradient.copy()

    give(*arguments)
    buffer.set_res(0, memoryview(value))
    buffer.set_res(1, memoryview(gradient))
    if not bound:
        return Run(partial(call, *arguments))
    trigger.keep = buffer, arguments, value, gradient  # as long as the call: CasADi knows only where they are
    return Run(trigger, lambda _: (value[0], gradient))


def casadi(generated, bound=False) -> Run:
    return casadi_run(casadi_function(generated), P.copy(), bound=bound)


def jax_scalars() -> Run:
    import jax
    import jax.numpy as jnp

    f = jax.jit(jax.value_and_grad(lambda a, b: expression(a, b, lambda x: jnp.maximum(x, 0)), argnums=(0, 1)))
    a, b = jnp.asarray(A), jnp.asarray(B)
    return Run(lambda: jax.block_until_ready(f(a, b)))


def pytorch() -> Run:
    import torch

    a, b = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (A, B))

    def call():
        value = expression(a, b)
        return value, torch.autograd.grad(value, (a, b))

    return Run(call, lambda result: (result[0].item(), [g.item() for g in result[1]]))


def hips_autograd() -> Run:
    import autograd.numpy as anp
    from autograd import value_and_grad

    f = value_and_grad(lambda a, b: expression(a, b, lambda x: anp.maximum(x, 0.0)), argnum=(0, 1))
    return Run(partial(f, A, B))


def eager(engine) -> Run:
    """A scalar engine that builds the graph at each call."""
    from importlib import import_module

    value = import_module(engine).Value

    def call():
        a, b = value(A), value(B)
        g = expression(a, b)
        g.backward()
        return g.data, (a.grad, b.grad)

    return Run(call)


def peers() -> list[Peer]:
    return [
        peer("tinygrad_edu native", ours, "native"),
        peer("tinygrad_edu python", ours, "python"),
        peer("hand-written C, in a loop in C", hand_written_c),
        peer("hand-written Numba", hand_written_numba),
        peer("hand-written Python", hand_written_python, straight_line),
        peer(LINES, hand_written_python, line_by_line),
        peer("CasADi, generated C", casadi, True),
        peer(CASADI_BOUND, casadi, True, True),
        peer("CasADi, virtual machine", casadi, False),
        peer("jax.jit on scalars", jax_scalars),
        peer("PyTorch", pytorch),
        peer("HIPS autograd", hips_autograd),
        peer("tinygrad_edu eager", eager, "tinygrad_edu"),
        peer("micrograd", eager, "micrograd.engine"),
    ]


WORKLOADS = [
    Workload(
        "T1 README expression, one call",
        peers,
        [
            Target("native at most 1.5 × Numba", "tinygrad_edu native", "hand-written Numba", at_most=1.5),
            Target("native faster than CasADi's C", "CasADi, generated C", "tinygrad_edu native", at_least=1),
            Target("the same, its memory bound before", CASADI_BOUND, "tinygrad_edu native", at_least=1),
            Target("python at most 1.5 × Python by lines", "tinygrad_edu python", LINES, at_most=1.5),
            Target("the same, rearranged by hand", "tinygrad_edu python", "hand-written Python", at_most=1.5),
        ],
    )
]
