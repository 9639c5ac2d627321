"""The JAX backend: recovered arrays on jax.numpy, in float64, compiled by XLA."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cached_property
from importlib import import_module
from typing import Any

from tinygrad_edu.replay.arrays import np
from tinygrad_edu.replay.numpy_arrays import NumpyProgram
from tinygrad_edu.replay.recovery import Recovery
from tinygrad_edu.shell import install

try:
    import jax
except ImportError:
    raise ImportError(f"programs on JAX need it: {install('jax')}") from None


class JaxProgram(NumpyProgram):
    """Takes NumPy's arrays and gives such, or JAX's: these stay where they are, as in `jax.jit` and the like."""

    backend = "jax"
    functional = True
    irregular = False  # many scalar lines take XLA longer still

    def __call__(self, params: Any, inputs: Any = ()) -> tuple[Any, ...]:
        on_jax = [isinstance(x, jax.Array) for x in (params, inputs)]
        if not any(on_jax) or self.clashes:
            return super().__call__(params, inputs)
        if not all(on_jax):
            params, inputs = map(jax.numpy.asarray, (params, inputs))
        found: tuple[Any, ...] = self.jitted("function")(params, inputs)
        if self.plan_for(inputs).exact or isinstance(found[0], jax.core.Tracer):
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
        if self.each(inputs):
            n = len(inputs)
            value, gradient, *also = self.each_function(jax.numpy.repeat(params[:, None], n, axis=1), columns)
            return (jax.numpy.broadcast_to(value, n), gradient.T, *(part.T for part in also))
        value, gradient, *also = self.program_function(params, columns)
        return (value, gradient, *(part.T if inputs.ndim == 2 else part[:, 0] for part in also))

    def by_arrays(self, params: Any, inputs: Any) -> tuple[Any, ...]:
        with float64():
            value, *beside = map(np.array, self.jitted("function")(params, inputs))
        return (value if value.ndim else float(value), *beside)

    def run(self, name: str, params: Any, block: Any) -> Any:
        with float64():
            return np.array(self.jitted(f"{name}_function")(params, block))

    def blocks(self, batch: Any, plan: Recovery) -> Iterator[Any]:
        yield batch.T

    def jitted(self, name: str) -> Any:
        if name not in self.compiled:
            own = weakref.ref(self)  # so that the program and what it keeps are no cycle
            self.compiled[name] = jax.jit(lambda *arrays: getattr(own(), name)(*arrays))
        return self.compiled[name]

    @cached_property
    def compiled(self) -> dict[str, Any]:
        return {}

    def libraries(self) -> dict[str, Any]:
        return {"np": jax.numpy, "jax": jax}


def float64() -> Any:
    """A context in which JAX keeps 64 bits."""
    if jax.config.read("jax_enable_x64"):  # type: ignore[no-untyped-call]
        return nullcontext()
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return import_module("jax.experimental").enable_x64()  # of older JAX
