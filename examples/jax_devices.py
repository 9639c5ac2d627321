"""More than one device: JAX shards a batch over four of them, and the gradient is that of the whole batch.

Here the devices are four threads of one processor; on a machine with four accelerators the lines are the same.
"""

import os
from typing import Any

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from tinygrad_edu import MLP, Value, compile
from tinygrad_edu.nn import squared_error

jax.config.update("jax_enable_x64", True)
network = MLP(3, [8, 1], activation="tanh", seed=1)
x, t = [Value(0.1 * k, f"x{k}") for k in range(1, 4)], Value(0.5, "t")
loss = squared_error(network(x), t)
program: Any = compile(loss, network.parameters(), [*x, t], backend="jax")

numbers = np.array([p.data for p in network.parameters()])
examples = np.random.default_rng(0).normal(size=(4096, 4))
mesh = Mesh(np.array(jax.devices()), ("examples",))
everywhere, sharded = (NamedSharding(mesh, spec) for spec in (PartitionSpec(), PartitionSpec("examples")))
shards = jax.device_put(examples, sharded)
print([shard.data.shape for shard in shards.addressable_shards])  # [(1024, 4), (1024, 4), (1024, 4), (1024, 4)]

value, gradient = jax.jit(program.function)(jax.device_put(numbers, everywhere), shards)
whole, expected = compile(loss, network.parameters(), [*x, t], backend="numpy")(numbers, examples)
print(abs(float(value) - float(whole)) < 1e-10)  # True
print(np.abs(np.asarray(gradient) - np.asarray(expected)).max() < 1e-10)  # True
