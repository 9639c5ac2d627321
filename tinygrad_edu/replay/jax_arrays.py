"""The JAX backend: recovered arrays on jax.numpy, in float64, compiled by XLA."""

from __future__ import annotations

import weakref
from contextlib import nullcontext
from functools import cached_property, partial
from importlib import import_module
from typing import Any

from tinygrad_edu.replay.array_source import JaxSource
from tinygrad_edu.replay.arrays import np
from tinygrad_edu.replay.numpy_arrays import NumpyProgram, Way
from tinygrad_edu.shell import install

try:
    import jax
except ImportError:
    raise ImportError(f"programs on JAX need it: {install('jax')}") from None


class JaxProgram(NumpyProgram):
    """Takes NumPy's arrays and gives such; called on JAX's, it gives JAX's, which stay where they are."""

    backend = "jax"
    source_of = JaxSource
    irregular = False  # many scalar lines take XLA longer still

    def __call__(self, params: Any, inputs: Any = ()) -> tuple[Any, ...]:
        on_jax = [isinstance(x, jax.Array) for x in (params, inputs)]
        if not any(on_jax) or self.clashes:
            return super().__call__(params, inputs)
        if not all(on_jax):
            params, inputs = map(jax.numpy.asarray, (params, inputs))
        found: tuple[Any, ...] = self.jitted(params, inputs)
        if self.reduced.exact or isinstance(found[0], jax.core.Tracer) or all(np.isfinite(x).all() for x in found):
            return found
        return tuple(map(jax.numpy.asarray, super().__call__(params, inputs)))

    def function(self, params: Any, inputs: Any) -> Any:
        """The program on JAX arrays, (p,) and (k,) or (N, k), free of side effects: for `jax.jit`, `vmap` and sharding.

        Returns JAX arrays of the type of what it is given; give float64, which JAX has under `jax.enable_x64`.
        """
        self.require_shapes(params, inputs)  # while it is traced, not at each call
        if self.has_own_results(inputs):
            found: tuple[Any, ...] = jax.vmap(self.function, (None, 0))(params, inputs)
            return found
        return in_rows(self.reduced, params, inputs)

    def by_arrays(self, what: str, params: Any, inputs: Any) -> tuple[Any, ...]:
        function = self.jitted_outputs if what == "outputs" else self.jitted
        with float64():
            value, *beside = map(np.array, function(params, inputs))
        return (value if value.ndim else float(value), *beside)

    @property
    def each(self) -> Way:
        return self.reduced  # as one example after another

    @cached_property
    def jitted(self) -> Any:
        own = weakref.ref(self)  # so that the program and what it keeps are no cycle
        return jax.jit(lambda params, inputs: own().function(params, inputs))  # type: ignore[union-attr]

    @cached_property
    def jitted_outputs(self) -> Any:
        return jax.jit(partial(in_rows, self.outputs))

    def libraries(self) -> dict[str, Any]:
        return {"np": jax.numpy, "jax": jax, "numpy": np}


def in_rows(way: Way, params: Any, inputs: Any) -> tuple[Any, ...]:
    """The results with a row for each example, or those of the one that there is."""
    found = way.function(params, inputs.T if inputs.ndim == 2 else inputs[:, None])
    beside = (part.T if inputs.ndim == 2 else part[:, 0] for part in found[way.n_summed :])
    return (*found[: way.n_summed], *beside)


def float64() -> Any:
    """A context in which JAX keeps 64 bits."""
    if jax.config.read("jax_enable_x64"):  # type: ignore[no-untyped-call]
        return nullcontext()
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return import_module("jax.experimental").enable_x64()  # of older JAX
