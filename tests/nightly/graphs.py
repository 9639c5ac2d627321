"""Random graphs: the engine in reverse and forward mode, differences, and programs on every backend that is there.

python tests/nightly/graphs.py                   20,000 graphs
python tests/nightly/graphs.py --graphs 100 --seed 7
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import random
import sys
import time
from copy import copy
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.nightly.results import keep
from tests.structured import Computed, Network
from tests.test_replay_networks import check, check_odd_numbers
from tinygrad_edu import TABLE, compile, grad, jvp
from tinygrad_edu.check import check_gradients
from tinygrad_edu.check.strategies import Graph
from tinygrad_edu.engine import leaves, local_derivatives, topological

NAMES = [row.name for row in TABLE.values() if set(row.partials) != {"0"}]
NEEDS = {"python": (), "numpy": ("numpy",), "native": ("numpy", "llvmlite"), "jax": ("jax",)}
TOLERANCE = 1e-12  # of the largest number in a graph


def drawn(rng: random.Random) -> Graph:
    """A graph of one to three leaves and up to twelve operations, and those that keep operands in their domains."""
    data = [rng.choice([rng.uniform(-2, 2), rng.uniform(-2, 2), 0.0, 1.0, -1.0, 0.5]) for _ in range(rng.randint(1, 3))]
    steps = [(rng.choice(NAMES), rng.randrange(41), rng.randrange(41)) for _ in range(rng.randint(1, 12))]
    return Graph(data, steps)


def differences(graph: Graph, backends: list[str], by_differences: bool) -> dict[str, float]:
    """How far each way to differentiate is from `backward`, in parts of the largest number in the graph."""
    root = graph.root
    params = [leaf for leaf in leaves(root) if leaf in graph.leaves]
    root.backward()
    gradient = [p.grad for p in params]
    nodes = topological(root)
    partials = [abs(partial) for node in nodes for _, _, partial in local_derivatives(node)]
    size = max([1.0, *map(abs, gradient), *(abs(node.data) for node in graph.nodes), *partials])

    def apart(value: float, other: object) -> float:
        pairs = zip([root.data, *gradient], [value, *map(float, other)], strict=True)  # type: ignore[call-overload]
        return max(abs(a - b) for a, b in pairs) / size

    found = {"grad": apart(root.data, [v.data for v in grad(root, params)])}
    found["jvp"] = apart(root.data, [jvp([root], [p], [1.0])[0].data for p in params])
    for backend in backends:
        found[backend] = apart(*compile(root, params, backend=backend)([p.data for p in params]))
    if "numpy" in backends:
        found["arrays"] = on_arrays(graph)
    if by_differences:
        found["differences"] = float(any(c.diagnosis == "wrong" for c in check_gradients(root, *params).comparisons))
    return found


def on_arrays(graph: Graph) -> float:
    """How far recovered arrays are from columns, on a batch with nan and inf in it; inf where one is finite alone."""
    import numpy as np

    inputs = [leaf for leaf in leaves(graph.root) if leaf in graph.leaves]
    data = np.array([leaf.data for leaf in inputs])
    batch = np.vstack(
        [data, 0.999 * data, *(np.where(np.eye(len(data)), x, data) for x in (math.nan, math.inf, -math.inf))]
    )
    program: Any = compile(graph.root, [], inputs, also=inputs, reduce=None, backend="numpy")
    columns: Any = copy(program)
    program.irregular, columns.irregular = False, True
    worst = 0.0
    for mine, other in zip(program([], batch), columns([], batch), strict=True):
        if not np.array_equal(np.isfinite(mine), np.isfinite(other)):
            return math.inf
        mine, other = mine[np.isfinite(mine)], other[np.isfinite(other)]
        worst = max([worst, *(abs(mine - other) / max([1.0, *abs(other)])).tolist()])
    return worst


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--graphs", type=int, default=20_000)
    options.add_argument("--networks", type=int, default=5_000, help="networks of random layers, as programs")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    there = [b for b, needs in NEEDS.items() if all(map(importlib.util.find_spec, needs))]
    rng, start = random.Random(given.seed), time.monotonic()
    worst: dict[str, float] = {}
    tried: dict[str, int] = {}
    wrong: dict[str, int] = {}
    for k in range(given.graphs):
        graph = drawn(rng)
        if not any(leaf in graph.leaves for leaf in leaves(graph.root)):
            continue
        # Of these, each graph is compiled for long, or called often: one in twenty.
        backends = [b for b in there if b != "jax" or k % 20 == 0]
        for way, apart in differences(graph, backends, k % 20 == 0).items():
            tried[way] = tried.get(way, 0) + 1
            worst[way] = max(worst.get(way, 0.0), apart)
            if not apart <= TOLERANCE:
                wrong[way] = wrong.get(way, 0) + 1
                print(f"{way} is {apart:.1e} apart in\n{graph}")
    for k, seed in enumerate(range(given.seed, given.seed + given.networks)):
        kind = (Network, Computed)[k % 2]
        for backend in (b for b in there if b in ("numpy", "native") or (b == "jax" and k % 50 < 2)):
            way = f"networks, {backend}"
            tried[way] = tried.get(way, 0) + 1
            try:
                check(seed, backend, kind)
                check_odd_numbers(seed, backend, kind)
            except Exception as error:  # whatever it is, it is a wrong program
                wrong[way] = wrong.get(way, 0) + 1
                print(f"tests/structured.py: {kind.__name__}({seed}) on {backend}: {type(error).__name__} {error}")
    rows = [
        {"way": way, "tried": n, "wrong": wrong.get(way, 0), "worst": worst.get(way, 0.0)} for way, n in tried.items()
    ]
    print(*rows, sep="\n")
    keep("graphs", time.monotonic() - start, rows)


if __name__ == "__main__":
    main()
