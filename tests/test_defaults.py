"""What is taken for an argument that is not given: written out, since every call without it depends on it."""

import importlib
import inspect

import pytest

DEFAULTS = {
    "tinygrad_edu.engine": {
        "Domain": "margin=0.0",
        "Row": "shown=(), x=[-10, 10], y=[-10, 10], kink='', at_kink='', accuracy=''",
        "Value": "label='', finite=True",
        "edges": "among=None",
        "number": "finite=True",
        "places": "constants=True",
        "plain": "longest=40",
    },
    "tinygrad_edu.nn": {
        "Adam": "lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0",
        "AdamW": "lr=0.001",
        "History": (
            "losses=<factory>, validation=<factory>, metrics=<factory>, gradients=<factory>, rates=<factory>, "
            "path=<factory>, best=0, seconds=0.0, stopped='', interrupted=False, engine='eager', notes=<factory>"
        ),
        "Layer": "activation='relu', bias=True, init='uniform', nonlin=True, seed=None",
        "MLP": (
            "nouts=(), activation='relu', output_activation=None, bias=True, init='uniform', seed=None, "
            "labels='textbook'"
        ),
        "Neuron": "activation='relu', bias=True, init='uniform', nonlin=True, nout=1, seed=None",
        "Optimizer": "weight_decay=0.0",
        "Parameter": "label='', place=Place(layer=1, neuron=1, input=0)",
        "SGD": "lr=0.01, momentum=0.0, weight_decay=0.0",
        "accuracy": "threshold=0.5",
        "fit": (
            "optimizer=None, epochs=100, batch=None, validation=None, patience=None, goal=-inf, tolerance=0.0, "
            "gradient_tolerance=0.0, clip=None, seed=None, metrics=(), on_epoch=None, checkpoint=None, "
            "executor=None, engine='auto', progress=None, path=False"
        ),
        "health": "loss=None",
        "huber": "delta=1.0",
        "load": "network=None",
        "train": "epochs=1000, goal=-inf, tolerance=0.0, on_epoch=None",
    },
    "tinygrad_edu.check": {
        "check_gradients": "names=(), method='central', order=1, rtol=None",
    },
    "tinygrad_edu.check.strategies": {
        "batches": "max_size=4",
        "expressions": "ops=(), max_nodes=12, max_leaves=3",
        "networks": "max_inputs=3, max_layers=3, max_neurons=3",
    },
    "tinygrad_edu.exchange": {
        "as_script": "framework='torch'",
        "from_torch": "labels='textbook'",
        "from_torch_graph": "names=None, limit=2000",
    },
    "tinygrad_edu.plot": {
        "animate": "captions=(), seconds=1.0, theme='light'",
        "history_text": "width=72, height=8",
        "plot_decision_boundary": ("targets=None, names=('x1', 'x2'), threshold=None, resolution=80, theme='light'"),
        "plot_gradients": "theme='light'",
        "plot_health": "theme='light'",
        "plot_history": "theme='light'",
        "plot_loss_landscape": "path=(), directions=None, reach=1.0, resolution=25, seed=0, theme='light'",
        "plot_network": "by='weight', theme='light'",
    },
    "tinygrad_edu.plot.canvas": {
        "canvas": "size=(6.4, 4.2), rows=1, columns=1",
        "png": "dpi=110",
    },
    "tinygrad_edu.lesson": {
        "forward": "inputs=(0.85, 0.25), targets=(0.6905, 0.8657)",
        "network": "weights=[[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [[0.4, 0.3, 0.6], [0.2, 1.0, 0.3]]]",
    },
    "tinygrad_edu.live.charts": {
        "Chart": "height=260",
        "line": "name=''",
    },
    "tinygrad_edu.tasks": {
        "read": "name='the lesson'",
    },
    "tinygrad_edu.replay": {
        "Program": "also=(), reduce='mean'",
        "compile": (
            "params=(), inputs=(), outputs=(), also=(), reduce='mean', backend='auto', optimizer=None, "
            "allow_unused=False"
        ),
    },
}


def defaults(thing):
    """The arguments that need not be given, and what stands for them."""
    parameters = inspect.signature(thing.__init__ if inspect.isclass(thing) else thing).parameters.values()
    return ", ".join(f"{p.name}={p.default!r}" for p in parameters if p.default is not p.empty)


def public(room):
    module = importlib.import_module(room)
    own = [name for name in vars(module) if getattr(vars(module)[name], "__module__", "") == room and name[0] != "_"]
    return {name: getattr(module, name) for name in getattr(module, "__all__", own)}


@pytest.mark.parametrize("room", DEFAULTS)
def test_every_default_is_the_one_that_is_written_here(room):
    found = {}
    for name, thing in public(room).items():
        if callable(thing):
            text = defaults(thing)
            if text:
                found[name] = text
    assert found == DEFAULTS[room]
