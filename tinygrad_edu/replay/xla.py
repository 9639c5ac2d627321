"""The JAX backend: a program's source on jax.numpy, in float64, compiled by XLA."""

from __future__ import annotations

from functools import cache, cached_property, partial
from importlib import import_module
from typing import Any

from tinygrad_edu.engine.formulas import bind
from tinygrad_edu.replay.arrays import ArrayProgram, array_primitives, np

try:
    import jax
except ImportError:
    raise ImportError('programs on JAX need it: pip install "tinygrad_edu[jax]"') from None


def float64() -> Any:
    """A context in which JAX keeps 64 bits."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return import_module("jax.experimental").enable_x64()  # of older JAX


@cache
def on_jax() -> Any:
    special = jax.scipy.special
    return bind(array_primitives(jax.numpy) | {"erf": special.erf, "erfc": special.erfc}, "JAX")


class JaxProgram(ArrayProgram):
    """Runs on JAX arrays; inside of `jax.jit` and other transformations `function` is what to call."""

    backend = "jax"

    def __call__(self, params: Any, inputs: Any = ()) -> tuple[Any, ...]:
        value, *arrays = self.run("program", params, inputs)
        return (float(value) if value.ndim == 0 else np.array(value), *map(np.array, arrays))

    def forward(self, params: Any, inputs: Any = ()) -> Any:
        self.require_outputs()
        return np.array(self.run("forward", params, inputs))

    def run(self, name: str, params: Any, inputs: Any) -> Any:
        params, inputs = self.numbers(params, inputs)
        with float64():
            return self.compiled[name](params, inputs)

    @cached_property
    def compiled(self) -> dict[str, Any]:
        # Not of bound methods, which would tie the program into a cycle.
        functions = {"program": partial(evaluate, self.functions["program"], self.reduce)}
        if self.trace.outputs:
            functions["forward"] = partial(stacked_outputs, self.functions["forward"])
        return {name: jax.jit(function) for name, function in functions.items()}

    def function(self, params: Any, inputs: Any) -> Any:
        """The program on JAX arrays, (p,) and (k,) or (N, k), free of side effects: for `jax.jit`, `vmap` and sharding.

        Returns JAX arrays of the type of what it is given; give float64, which JAX has under `jax.enable_x64`.
        """
        return evaluate(self.functions["program"], self.reduce, params, inputs)

    @cached_property
    def functions(self) -> dict[str, Any]:
        return self.defined(self.source, on_jax(), "JAX")


def evaluate(program: Any, reduce: str | None, params: Any, inputs: Any) -> Any:
    """Value, gradient and, if there are, the gradients of inputs."""
    value, gradient, *also = program(list(params), list(inputs.T))
    shape = inputs.shape[:-1]
    value, gradient = stacked([value], shape)[..., 0], stacked(gradient, shape)
    if shape and reduce:
        value, gradient = (getattr(x, reduce)(axis=0) for x in (value, gradient))
    return (value, gradient, *(stacked(columns, shape) for columns in also))


def stacked_outputs(forward: Any, params: Any, inputs: Any) -> Any:
    return stacked(forward(list(params), list(inputs.T)), inputs.shape[:-1])


def stacked(columns: Any, shape: tuple[int, ...]) -> Any:
    """Columns, or numbers for the whole column, as the last axis."""
    jnp = jax.numpy
    if not columns:
        return jnp.empty((*shape, 0))
    return jnp.stack([jnp.broadcast_to(jnp.asarray(column, float), shape) for column in columns], axis=-1)
