"""The step of an optimiser in machine code: its rule, run once on numbers that write instructions."""

from __future__ import annotations

import ctypes
from functools import partial
from typing import Any

from tinygrad_edu.replay.arrays import as_array, np
from tinygrad_edu.replay.native.calling import address
from tinygrad_edu.replay.native.instructions import DOUBLE, INT64, POINTER, Number, arithmetic, ir
from tinygrad_edu.replay.native.machine import LOCK, code
from tinygrad_edu.replay.native.writer import Writer

MOST = 64  # so many rules are written, after which NumPy does: settings may change at every step
UPDATES: dict[Any, Any] = {}


class Lanes(Number):
    """Some parameters, or what is kept for them, in a rule; to ask which is larger would need an answer for each."""

    __slots__ = ()
    __truediv__, __rtruediv__ = arithmetic("fdiv", "arcp")  # by a reciprocal, made once
    __hash__ = None  # type: ignore[assignment]

    def __pow__(self, power: float) -> Number:
        if power == 0.5:
            return self.intrinsic("sqrt")
        return self * self if power == 2 else self.called("pow", power)

    def refused(self, *other: Any) -> Any:
        raise TypeError("a rule in machine code has no conditions")

    __eq__ = __ne__ = __lt__ = __gt__ = __bool__ = refused


class Steps:
    """How many steps were taken, which a rule may raise a number to."""

    def __init__(self, number: Number) -> None:
        self.number = number

    def __rpow__(self, base: float) -> Number:
        return self.number.of(self.number.same(base)).intrinsic("pow", self.number)

    __eq__ = __bool__ = Lanes.refused


class Update(Writer):
    """update(p, g, moved, n, lr, steps, kept...): one step for n parameters; what is kept changes where it lies."""

    def __init__(self, optimizer: Any, module: Any, name: str) -> None:
        kept = [POINTER] * optimizer.memory
        super().__init__(module, ir.FunctionType(ir.VoidType(), [*[POINTER] * 3, INT64, DOUBLE, DOUBLE, *kept]), name)
        p, g, moved, n, lr, steps, *kept = self.function.args
        for k, width in self.chunks(n):
            given = [Lanes(self.builder, self.load(area, k, width).value) for area in (p, g, *kept)]
            rate, optimizer.steps = Lanes(self.builder, lr), Steps(Lanes(self.builder, steps))
            results = optimizer.rule(*given[:2], rate, *given[2:])
            for area, result in zip((moved, *kept), results, strict=True):
                self.store(area, k, width, self.number(result, width))
        self.builder.ret_void()


def update(optimizer: Any) -> Any:
    """The step of such an optimiser; None for a rule that is not plain arithmetic."""
    key = type(optimizer), tuple(optimizer.hyperparameters().items())
    try:
        return UPDATES[key]
    except KeyError:
        with LOCK:
            if key not in UPDATES and len(UPDATES) < MOST:
                UPDATES[key] = compiled(*key, f"update{len(UPDATES)}")
            return UPDATES.get(key)
    except TypeError:  # a setting that cannot be looked up
        return None


def compiled(kind: Any, settings: Any, name: str) -> Any:
    optimizer = kind.__new__(kind)
    vars(optimizer).update(settings)
    try:
        for module in (modules := [ir.Module(), ir.Module()]):
            Update(optimizer, module, name)
        if str(modules[0]) != str(modules[1]) or vars(optimizer) != dict(settings) | {"steps": optimizer.steps}:
            return None  # it draws random numbers, or changes a setting at every step
        address = code().address(name, partial(Update, optimizer), rough=True)
    except Exception:  # whatever a rule does with what are no numbers
        return None
    kinds = [*[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_double, ctypes.c_double, *[ctypes.c_void_p] * kind.memory]
    return ctypes.PYFUNCTYPE(None, *kinds)(address)


def moved(optimizer: Any, numbers: Any, gradient: Any) -> Any:
    """As `Optimizer.moved`, in machine code where the rule is plain arithmetic."""
    kept = [a if a.flags.writeable else a.copy() for a in map(partial(as_array, "kept"), optimizer.kept)]
    function, numbers, gradient = update(optimizer), as_array("params", numbers), as_array("gradient", gradient)
    if function is None or len({numbers.size, gradient.size, *[array.size for array in kept]}) > 1:
        return optimizer.moved(np.array(numbers), gradient)
    rate, optimizer.kept = optimizer.rate(), kept
    optimizer.steps += 1
    result = np.empty_like(numbers)
    places = map(address, (numbers, gradient, result))
    function(*places, len(result), rate, optimizer.steps, *map(address, kept))
    return result
