"""The JAX backend: a program's source on jax.numpy, in float64, compiled by XLA."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

from tinygrad_edu.engine.registry import bind
from tinygrad_edu.engine.source import define
from tinygrad_edu.replay.arrays import ArrayProgram, array_primitives, numpy


def jax() -> Any:
    try:
        import jax
    except ImportError:
        raise ImportError('programs on JAX need it: pip install "tinygrad_edu[jax]"') from None
    return jax


@cache
def on_jax() -> Any:
    special = jax().scipy.special
    return bind(array_primitives(jax().numpy) | {"erf": special.erf, "erfc": special.erfc}, "JAX")


class JaxProgram(ArrayProgram):
    """Runs on JAX arrays; inside of `jax.jit` and other transformations `function` is what to call."""

    backend = "jax"

    def __call__(self, params: Any, inputs: Any = ()) -> tuple[Any, ...]:
        value, *arrays = self.run("program", params, inputs)
        return (float(value) if value.ndim == 0 else numpy().array(value), *map(numpy().array, arrays))

    def forward(self, params: Any, inputs: Any = ()) -> Any:
        self.require_outputs()
        return numpy().array(self.run("forward", params, inputs))

    def run(self, name: str, params: Any, inputs: Any) -> Any:
        params, inputs = self.numbers(params, inputs)
        with jax().enable_x64(True):
            return self.compiled[name](params, inputs)

    @cached_property
    def compiled(self) -> dict[str, Any]:
        return {
            name: jax().jit(function) for name, function in {"program": self.function, "forward": self.outputs}.items()
        }

    def function(self, params: Any, inputs: Any) -> Any:
        """The program on JAX arrays, (p,) and (k,) or (N, k), free of side effects: for `jax.jit`, `vmap` and sharding.

        Returns JAX arrays of the type of what it is given; give float64, which JAX has under `jax.enable_x64`.
        """
        value, gradient, *also = self.functions["program"](list(params), list(inputs.T))
        shape = inputs.shape[:-1]
        value, gradient = self.stacked([value], shape)[..., 0], self.stacked(gradient, shape)
        if shape and self.reduce:
            value, gradient = (getattr(x, self.reduce)(axis=0) for x in (value, gradient))
        return (value, gradient, *(self.stacked(columns, shape) for columns in also))

    def outputs(self, params: Any, inputs: Any) -> Any:
        """`forward` on JAX arrays."""
        return self.stacked(self.functions["forward"](list(params), list(inputs.T)), inputs.shape[:-1])

    def stacked(self, columns: Any, shape: tuple[int, ...]) -> Any:
        jnp = jax().numpy
        if not columns:
            return jnp.empty((*shape, 0))
        return jnp.stack([jnp.broadcast_to(jnp.asarray(column, float), shape) for column in columns], axis=-1)

    @cached_property
    def functions(self) -> dict[str, Any]:
        return define(f"program {id(self.trace):x}", self.source, self.scope(on_jax()))
