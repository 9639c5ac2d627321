"""What becomes of scalar graphs as arrays: steps, matrix products, slices, gathers; seconds to be ready, and agreement.

`pip install -e ".[bench]"`, then run this file.
"""

import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from tinygrad_edu import MLP, Value, compile, sum
from tinygrad_edu.replay.array_gradients import ArrayGradients
from tinygrad_edu.replay.array_views import is_whole
from tinygrad_edu.replay.places import sliced
from tinygrad_edu.replay.recovery import Recovery, rolled

sys.path.insert(0, str(Path(__file__).parent))

from workloads import attention, convolution, recurrent, t5, t7, wide


class Counted(ArrayGradients):
    """Counts how often operands are whole arrays, slices and gathers."""

    def __init__(self, plan):
        self.accesses = Counter()
        super().__init__(plan)

    def access(self, view, name):
        regular = sliced(view.array.size, view.array.shape, view.table)
        self.accesses["whole" if is_whole(view) else "slice" if regular else "gather"] += 1
        return super().access(view, name)


def demo():
    network, x, y = MLP(2, [16, 16, 1], activation="relu", seed=1), [Value(0.5), Value(-0.3)], Value(1.0)
    penalty = 1e-4 * sum([p * p for p in network.parameters()])
    return (1 - y * network(x)).relu() + penalty, network.parameters(), [*x, y]


def gpt():
    everything = [Value(number) for number in t7.P.tolist()]
    root = t7.document_loss(t7.split(everything), t7.DOCUMENT)
    from tinygrad_edu.engine import leaves

    reached = {*leaves(root)}
    return root, [leaf for leaf in everything if leaf in reached], []


GRAPHS = {
    "micrograd's demo, 2-16-16-1": demo,
    "64-32-10": t5.graph,
    "784-100-10": wide.graph,
    "1-D convolution, 16 places, 4 kernels": convolution.LINE.graph,
    "2-D convolution, 6×6 places, 4 kernels": convolution.IMAGE.graph,
    "recurrent network, 8 steps": recurrent.graph,
    "LSTM, 5 steps": recurrent.lstm_graph,
    "attention, 5 positions": attention.graph,
    "character GPT, a document": gpt,
}


def main():
    table = Table("graph", "operations", "steps", "matrix products", "whole", "slices", "gathers", "ready", box=None)
    for name, make in GRAPHS.items():
        root, params, inputs = make()
        start = time.perf_counter()
        program = compile(root, params, inputs, backend="numpy")
        w, x = np.array([p.data for p in params]), np.array([x.data for x in inputs])
        value, gradient = program(w, x)
        seconds = time.perf_counter() - start
        by_columns = program.by_columns("reduced", w, x) if len(params) < 4000 else (value, gradient)
        assert np.allclose(value, by_columns[0], rtol=1e-11) and np.allclose(gradient, by_columns[1], rtol=1e-9)
        plan = Recovery(program.trace, rolled(program.trace, [program.trace.root]), range(len(params)))
        source = Counted(plan)
        products = source.text.count(" @ ")
        found = [len(program.trace.operations), len(plan.steps), products]
        found += [source.accesses[kind] for kind in ("whole", "slice", "gather")]
        table.add_row(name, *[f"{n:,}" for n in found], f"{seconds:.2f} s")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
