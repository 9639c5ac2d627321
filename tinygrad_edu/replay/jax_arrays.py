"""The JAX backend: recovered arrays on jax.numpy, in float64, compiled by XLA."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache, cached_property
from importlib import import_module
from typing import Any

from tinygrad_edu.engine.formulas import bind
from tinygrad_edu.replay.array_source import HELPERS
from tinygrad_edu.replay.arrays import array_primitives, np
from tinygrad_edu.replay.numpy_arrays import NumpyProgram
from tinygrad_edu.shell import install

try:
    import jax
except ImportError:
    raise ImportError(f"programs on JAX need it: {install('jax')}") from None


class JaxProgram(NumpyProgram):
    """Runs on JAX arrays; inside of `jax.jit` and other transformations `function` is what to call."""

    backend = "jax"
    functional = True
    irregular = False  # many scalar lines take XLA longer still

    def function(self, params: Any, inputs: Any) -> Any:
        """The program on JAX arrays, (p,) and (k,) or (N, k), free of side effects: for `jax.jit`, `vmap` and sharding.

        Returns JAX arrays of the type of what it is given; give float64, which JAX has under `jax.enable_x64`.
        """
        columns = inputs.T if inputs.ndim == 2 else inputs[:, None]
        if self.reduce is None and inputs.ndim == 2:
            n = len(inputs)
            value, gradient, *also = self.each_function(jax.numpy.repeat(params[:, None], n, axis=1), columns)
            return (jax.numpy.broadcast_to(value, n), gradient.T, *(part.T for part in also))
        value, gradient, *also = self.program_function(params, columns)
        return (value, gradient, *(part.T if inputs.ndim == 2 else part[:, 0] for part in also))

    def run(self, name: str, params: Any, block: Any) -> Any:
        with float64():
            if name not in self.jitted:
                self.jitted[name] = jax.jit(getattr(self, f"{name}_function"))
            found = self.jitted[name](params, block)
            return [np.array(part) for part in found] if isinstance(found, tuple) else np.array(found)

    def blocks(self, batch: Any) -> Iterator[Any]:
        yield batch.T

    @cached_property
    def jitted(self) -> dict[str, Any]:
        return {}

    def primitives(self) -> Any:
        return on_jax()

    def library(self) -> dict[str, Any]:
        return {name: getattr(jax.numpy, name) for name in HELPERS if hasattr(jax.numpy, name)} | {"onto": onto}


def float64() -> Any:
    """A context in which JAX keeps 64 bits."""
    if jax.config.read("jax_enable_x64"):  # type: ignore[no-untyped-call]
        return nullcontext()
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return import_module("jax.experimental").enable_x64()  # of older JAX


@cache
def on_jax() -> Any:
    special = jax.scipy.special
    return bind(array_primitives(jax.numpy) | {"erf": special.erf, "erfc": special.erfc}, "JAX")


def onto(view: Any, shape: tuple[int, ...], term: Any) -> Any:
    """Zeros of a shape, with a term added in the places that a view of it shows."""
    term = jax.numpy.asarray(term, jax.numpy.result_type(term, float))
    return jax.linear_transpose(view, jax.ShapeDtypeStruct(shape, term.dtype))(term)[0]  # type: ignore[no-untyped-call]
