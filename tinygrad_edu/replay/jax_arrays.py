"""The JAX backend: recovered arrays on jax.numpy, in float64, compiled by XLA."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cached_property
from importlib import import_module
from typing import Any

from tinygrad_edu.replay.arrays import np
from tinygrad_edu.replay.numpy_arrays import NumpyProgram, Recovered
from tinygrad_edu.replay.recovery import Recovery
from tinygrad_edu.shell import install

try:
    import jax
except ImportError:
    raise ImportError(f"programs on JAX need it: {install('jax')}") from None


class JaxProgram(NumpyProgram):
    """Takes NumPy's arrays and gives such; called on JAX's, it gives JAX's, which stay where they are."""

    backend = "jax"
    functional = True
    irregular = False  # many scalar lines take XLA longer still

    def __call__(self, params: Any, inputs: Any = ()) -> tuple[Any, ...]:
        on_jax = [isinstance(x, jax.Array) for x in (params, inputs)]
        if not any(on_jax) or self.clashes:
            return super().__call__(params, inputs)
        if not all(on_jax):
            params, inputs = map(jax.numpy.asarray, (params, inputs))
        found: tuple[Any, ...] = self.jitted(params, inputs)
        if self.recovered(inputs).plan.exact or isinstance(found[0], jax.core.Tracer):
            return found
        if all(np.isfinite(x).all() for x in found):
            return found
        with np.errstate(all="ignore"):
            return tuple(map(jax.numpy.asarray, self.by_columns(*self.numbers(params, inputs))))

    def function(self, params: Any, inputs: Any) -> Any:
        """The program on JAX arrays, (p,) and (k,) or (N, k), free of side effects: for `jax.jit`, `vmap` and sharding.

        Returns JAX arrays of the type of what it is given; give float64, which JAX has under `jax.enable_x64`.
        """
        self.require_shapes(params, inputs)  # while it is traced, not at each call
        columns = inputs.T if inputs.ndim == 2 else inputs[:, None]
        if self.has_own_results(inputs):
            n, p = len(inputs), len(params)
            rows = jax.numpy.vstack([jax.numpy.repeat(params[:, None], n, axis=1), columns])
            value, _, *gradients = self.each.function(params[:0], rows)
            found = jax.numpy.vstack([rows[:0], *gradients])  # there is none without params
            return (jax.numpy.broadcast_to(value, n), found[:p].T, found[p:].T)[: 3 if self.also else 2]
        value, gradient, *also = self.reduced.function(params, columns)
        return (value, gradient, *(part.T if inputs.ndim == 2 else part[:, 0] for part in also))

    def by_arrays(self, params: Any, inputs: Any) -> tuple[Any, ...]:
        with float64():
            value, *beside = map(np.array, self.jitted(params, inputs))
        return (value if value.ndim else float(value), *beside)

    def run(self, recovered: Recovered, params: Any, block: Any) -> Any:
        with float64():  # only the outputs come here
            return np.array(self.jitted_outputs(params, block))

    def blocks(self, batch: Any, plan: Recovery) -> Iterator[Any]:
        yield batch.T

    @cached_property
    def jitted(self) -> Any:
        own = weakref.ref(self)  # so that the program and what it keeps are no cycle
        return jax.jit(lambda params, inputs: own().function(params, inputs))  # type: ignore[union-attr]

    @cached_property
    def jitted_outputs(self) -> Any:
        return jax.jit(self.outputs.function)

    def libraries(self) -> dict[str, Any]:
        return {"np": jax.numpy, "jax": jax}


def float64() -> Any:
    """A context in which JAX keeps 64 bits."""
    if jax.config.read("jax_enable_x64"):  # type: ignore[no-untyped-call]
        return nullcontext()
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return import_module("jax.experimental").enable_x64()  # of older JAX
