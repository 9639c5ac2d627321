"""How weights start: one number for each, drawn for a layer of `nin` inputs and `nout` neurons."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import sqrt
from typing import Any

from tinygrad_edu.engine import quoted

Initialiser = Callable[[Any, int, int], float]  # of a random.Random, nin and nout

INITIALISERS: dict[str, Initialiser] = {
    "uniform": lambda rng, nin, nout: rng.uniform(-1, 1),  # micrograd's
    "xavier": lambda rng, nin, nout: rng.uniform(-1, 1) * sqrt(6 / (nin + nout)),
    "he": lambda rng, nin, nout: rng.gauss(0, sqrt(2 / nin)),
    "lecun": lambda rng, nin, nout: rng.gauss(0, sqrt(1 / nin)),
    "zeros": lambda rng, nin, nout: 0.0,
}


def initialiser(init: str | Initialiser) -> Initialiser:
    """The rule by its name, or a function of one's own as it is.

    "uniform" is U(-1, 1). "xavier", U(-a, a) with a² = 6 / (nin + nout), keeps the size of a signal where the
    activation is nearly linear, as tanh is (Glorot and Bengio 2010); "he", N(0, 2 / nin), where relu halves it (He et
    al. 2015); "lecun", N(0, 1 / nin), for inputs of unit size (LeCun et al. 1998). With "zeros" all neurons of a layer
    stay alike for ever.

    >>> from random import Random
    >>> round(initialiser("xavier")(Random(1), 2, 4), 4)
    -0.7313

    Raises ValueError for a name that is not known.
    """
    if callable(init):
        return init
    if not isinstance(init, str) or init not in INITIALISERS:
        raise ValueError(f"init expected a function or one of {', '.join(INITIALISERS)}, got {quoted(init)}")
    return INITIALISERS[init]


def generator(seed: Any) -> Any:
    """A source of random numbers: Python's `random` itself without a seed, so that `random.seed` is heard.

    Raises TypeError for what is neither a seed nor a `random.Random`.
    """
    if seed is None:
        return random
    try:
        return seed if hasattr(seed, "getstate") else random.Random(seed)
    except TypeError:
        raise TypeError(f"seed expected a number, a text or a random.Random, got {quoted(seed)}") from None
