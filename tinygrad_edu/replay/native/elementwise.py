"""Kernels of operations of one or two operands, and the one that clears gradients."""

from __future__ import annotations

from functools import partial
from typing import Any

from tinygrad_edu.replay.native.instructions import INT64, Number, on_native
from tinygrad_edu.replay.native.kernels import FEW, WIDTH, Kernel, Lookup
from tinygrad_edu.replay.native.writer import constant


class Clear(Kernel):
    """Makes the gradients of n slots 0."""

    def write(self) -> None:
        with self.loop(self.n) as k:
            place = self.builder.add(self.out, k)
            if self.spec.area == "u":
                self.store(self.gradients["u"], place, 1, Number(self.builder, constant(0.0, 1)))
            else:
                with self.loop(self.lanes, step=INT64(WIDTH)) as lane:
                    zeros = Number(self.builder, constant(0.0, WIDTH))
                    self.store(self.gradients["v"], self.row_at(place, lane), WIDTH, zeros)


class Elementwise(Kernel):
    """One operation for n items."""

    def write(self) -> None:
        if self.spec.size == FEW:
            with self.loop(self.n) as k:
                self.items(k, 1)
        elif self.spec.area == "u":
            for k, width in self.chunks(self.n):
                self.items(k, width)
        else:
            with self.loop(self.n) as k:
                self.in_lanes(k)

    def items(self, k: Any, width: int) -> None:
        """Uniform items from k on, as many as a vector holds."""
        slots = {x: self.slots(p, width, partial(self.place, p), k) for x, p in self.kinds.items()}
        out, values = self.builder.add(self.out, k), self.values["u"]
        if not self.spec.backward:
            operands = [self.gathered(values, at, width) for at in slots.values()]
            self.store(values, out, width, self.result(on_native(self.row)(*operands), width))
            return
        numbers = Lookup(
            lambda x: self.load(values, out, width) if x == "out" else self.gathered(values, slots[x], width)
        )
        gradient = self.load(self.gradients["u"], out, width)
        places = dict(zip(self.kinds.values(), slots.values(), strict=True))
        for p, text in self.active():
            self.scatter_add(p, places[p], width, self.contribution(text, gradient, numbers, width))

    def in_lanes(self, k: Any) -> None:
        """Item k for all examples."""
        places = {p: self.place(p, k) for p in self.kinds.values()}
        out = self.builder.add(self.out, k)
        if self.spec.backward:
            self.backward_in_lanes(places, out, [*self.active()])
            return
        for lane, width in self.lane_chunks():
            operands = [self.lane(p, place, lane, width) for p, place in places.items()]
            result = self.result(on_native(self.row)(*operands), width)
            self.store(self.values["v"], self.row_at(out, lane), width, result)
