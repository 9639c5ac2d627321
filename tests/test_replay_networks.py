"""Networks of random layers as programs: convolutions, attention, recurrences and more, beside the graph by lines."""

import pytest

from tests.structured import Computed, Network
from tests.test_replay import INSTALLED, close
from tinygrad_edu.replay import compile

np = pytest.importorskip("numpy")


def check(seed, backend, kind=Network):
    """Value, gradient, gradients for inputs, outputs, and the curvature along a line; of one example, and of many."""
    network, rng = kind(seed), np.random.default_rng(seed)
    sides = [network.params, network.inputs]
    params, inputs = sides if seed % 4 else sides[::-1]
    w, x = ([leaf.data for leaf in leaves] for leaves in (params, inputs))
    batch = (np.array(x) * rng.uniform(0.5, 1.5, (3, len(x)))).tolist()
    reduce = ("mean", None, "sum")[seed % 3]
    options = {"also": inputs, "outputs": [network.root, *network.outputs], "reduce": reduce}
    program, lines = (compile(network.root, params, inputs, backend=name, **options) for name in (backend, "python"))
    program.irregular = False  # also where it is too small to be worth it
    for data in (x, batch) if inputs else ((),):
        found, expected = ([*p(w, data), p.forward(w, data)] for p in (program, lines))
        if params and seed % 5 == 0:
            vector = rng.uniform(-1, 1, len(w)).tolist()
            program._directional.irregular = False
            found, expected = (
                [*results, p.hvp(w, data, vector)] for results, p in ((found, program), (expected, lines))
            )
        for mine, other in zip(found, expected, strict=True):
            other = np.asarray(other, float)
            close(mine, other, 1e-9 * max(1.0, np.abs(other).max(initial=0.0)))


# Of the seeds above 100, each once gave wrong numbers, or none.
@pytest.mark.parametrize("seed", [*range(60), 693, 1354, 1365, 1441, 1599, 1699])
def test_networks_agree_on_arrays(seed):
    check(seed, "numpy")


@pytest.mark.parametrize("seed", [*range(30), 30, 53, 87])  # the last three once gave wrong numbers
def test_networks_with_computed_weights_agree_on_arrays(seed):
    check(seed, "numpy", Computed)


@pytest.mark.parametrize("backend", [name for name in ("native", "torch", "jax") if name in INSTALLED])
@pytest.mark.parametrize("seed", [*range(100, 106), 6005])
def test_networks_agree_on_every_backend(seed, backend):
    check(seed, backend, Computed if seed % 2 else Network)


@pytest.mark.parametrize("seed", range(20))
def test_where_a_program_is_drawn_each_of_its_lines_stands_once(seed):
    network = Network(seed)
    program = compile(network.root, network.params, network.inputs, backend="numpy")
    *arrays, end = program.array_graph()
    told = [line for array in arrays for line in (*array.value, *array.gradient)]
    *lines, result = [line.strip() for line in program.arrays.splitlines()[1:]]
    assert sorted(told) == sorted(line for line in lines if not line.startswith(("#", "N =")))
    assert f"return {end.value[0]}, {end.gradient[0]}" == result
    names = {array.name for array in arrays}
    assert all({*array.operands} <= names - {array.name} for array in arrays)
