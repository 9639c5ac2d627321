"""The shortest way from Python into a native program: a built-in function, made at run time.

It takes `(params, inputs)` where both are plain float64 arrays of the right size, does all in machine code, and
returns the value and a new gradient array. It declines anything else with None: Python converts, checks and explains.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tinygrad_edu.replay.arrays import np
from tinygrad_edu.replay.native.instructions import BYTE, DOUBLE, INT32, INT64, POINTER, Number, ir
from tinygrad_edu.replay.native.machine import FIELDS, WORDS, code, driver, once
from tinygrad_edu.replay.native.writer import Writer

OBJECT = BYTE.as_pointer()
NOTHING = ir.Constant(OBJECT, None)
# Where the fields of an array lie, in bytes, and how wide they are: PyArrayObject_fields in NumPy's arrayobject header,
# which every compiled extension has built in, behind what each object of Python begins with, of which the type is last.
LAYOUT = {
    name: (object.__basicsize__ + offset, kind)
    for name, offset, kind in [
        ("type", -8, INT64),
        ("data", 0, INT64),
        ("dimensions", 8, INT32),
        ("shape", 16, INT64),
        ("dtype", 40, INT64),
        ("flags", 48, INT32),
    ]
}
PLAIN = 0x0001 | 0x0100  # NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_ALIGNED
NEW_LIKE = 277  # the place of PyArray_NewLikeArray in NumPy's table of C functions
FASTCALL = 0x0080  # METH_FASTCALL
# Once: each call of PYFUNCTYPE makes a class, which is never freed.
NEW_FUNCTION = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
TARGET = ["header", "longest batch", "mean"]  # what is run, of up to so many examples, and whether to divide by them


class Call(Writer):
    """call(self, arguments, count): what Python calls. `self` is an array of TARGETs, for one example and for many."""

    def __init__(self, module: Any) -> None:
        super().__init__(module, ir.FunctionType(OBJECT, [OBJECT, OBJECT.as_pointer(), INT64]), "call")
        self.declined, self.failed = (self.function.append_basic_block() for _ in range(2))
        self.result(*self.run(*self.accepted()))
        self.builder.position_at_end(self.declined)
        none = self.builder.inttoptr(INT64(id(None)), OBJECT)
        self.python("Py_IncRef", ir.VoidType(), none)
        self.builder.ret(none)
        self.builder.position_at_end(self.failed)
        self.builder.ret(NOTHING)  # an error is set

    def accepted(self) -> tuple[Any, ...]:
        """Go on only with the right arrays: the header, both arrays, how many examples, and whether to divide."""
        builder, (own, arguments, count) = self.builder, self.function.args
        self.require(self.same(count, 2))
        params, inputs = (builder.load(builder.gep(arguments, [INT64(k)])) for k in range(2))
        for array in (params, inputs):
            self.require(self.same(self.field(array, "type"), id(np.ndarray)))
            self.require(self.same(self.field(array, "dtype"), id(np.dtype(float))))
            self.require(self.same(builder.and_(self.field(array, "flags"), INT32(PLAIN)), PLAIN))
        self.require(self.same(self.field(params, "dimensions"), 1))
        many = builder.zext(builder.sub(self.field(inputs, "dimensions"), INT32(1)), INT64)
        self.require(builder.icmp_unsigned("<", many, INT64(2)))
        n = builder.select(self.same(many, 1), self.size(inputs, INT64(0)), INT64(1))
        targets, first = self.pointer(self.field(own, "data"), WORDS), builder.mul(many, INT64(len(TARGET)))
        header, longest, mean = (
            builder.load(builder.gep(targets, [builder.add(first, INT64(k))])) for k in range(len(TARGET))
        )
        self.require(builder.icmp_unsigned("<", builder.sub(n, INT64(1)), longest))  # 0 until the plan is made
        header = self.pointer(header, WORDS)
        for array, axis, name in ((params, INT64(0), "n params"), (inputs, many, "n inputs")):
            expected = builder.load(builder.gep(header, [INT64(FIELDS.index(name))]))
            self.require(builder.icmp_signed("==", self.size(array, axis), expected))
        return header, params, inputs, n, mean

    def run(self, header: Any, params: Any, inputs: Any, n: Any, mean: Any) -> tuple[Any, Any]:
        """The value, and the gradient as a new array."""
        builder = self.builder
        table = ctypes.cast(array_functions(), ctypes.POINTER(ctypes.c_void_p))
        gradient = self.made(self.call(table[NEW_LIKE], OBJECT, params, INT32(0), NOTHING, INT32(0)))
        with builder.goto_entry_block():
            value = builder.alloca(DOUBLE)
        p, x, g = (self.pointer(self.field(array, "data"), POINTER) for array in (params, inputs, gradient))
        nothing = ir.Constant(POINTER, None)
        self.call(driver(), ir.VoidType(), header, p, x, n, value, g, nothing, nothing)
        with builder.if_then(builder.not_(self.same(mean, 0))):
            self.divide(value, INT64(1), n)
            self.divide(g, self.size(params, INT64(0)), n)
        return builder.load(value), gradient

    def result(self, value: Any, gradient: Any) -> None:
        """Return both as a tuple."""
        number = self.made(self.python("PyFloat_FromDouble", OBJECT, value))
        result = self.made(self.python("PyTuple_New", OBJECT, INT64(2)))
        for k, item in enumerate((number, gradient)):
            self.python("PyTuple_SetItem", INT32, result, INT64(k), item)
        self.builder.ret(result)

    def divide(self, numbers: Any, n: Any, by: Any) -> None:
        divisor = Number(self.builder, self.builder.sitofp(by, DOUBLE))
        for k, width in self.chunks(n):
            self.store(numbers, k, width, self.load(numbers, k, width) / self.spread(divisor, width))

    def require(self, condition: Any, otherwise: Any = None) -> None:
        """Go on only where this holds; where it does not, decline."""
        on = self.function.append_basic_block()
        self.builder.cbranch(condition, on, otherwise or self.declined)
        self.builder.position_at_end(on)

    def made(self, thing: Any) -> Any:
        """Go on only with what there was memory for."""
        self.require(self.builder.icmp_unsigned("!=", thing, NOTHING), otherwise=self.failed)
        return thing

    # What is in memory.

    def pointer(self, number: Any, kind: Any) -> Any:
        return self.builder.inttoptr(number, kind)

    def field(self, thing: Any, name: str) -> Any:
        offset, kind = LAYOUT[name]
        return self.builder.load(self.builder.bitcast(self.builder.gep(thing, [INT64(offset)]), kind.as_pointer()))

    def same(self, number: Any, expected: int) -> Any:
        return self.builder.icmp_unsigned("==", number, number.type(expected))

    def size(self, array: Any, axis: Any) -> Any:
        return self.builder.load(self.builder.gep(self.pointer(self.field(array, "shape"), WORDS), [axis]))

    def python(self, name: str, result: Any, *arguments: Any) -> Any:
        """Call a function of Python's."""
        return self.call(ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value, result, *arguments)

    def call(self, address: Any, result: Any, *arguments: Any) -> Any:
        signature = ir.FunctionType(result, [argument.type for argument in arguments])
        return self.builder.call(self.pointer(INT64(address), signature.as_pointer()), arguments)


def array_functions() -> Any:
    """NumPy's table of C functions."""
    try:
        core = import_module("numpy._core._multiarray_umath")
    except ImportError:  # before NumPy 2
        core = import_module("numpy.core._multiarray_umath")
    get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    return get(core._ARRAY_API, None)


class Method(ctypes.Structure):
    """What Python knows of a built-in function."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


@once
def method() -> Method:
    machine = code()
    module = machine.module()
    Call(module)
    machine.add(module)
    return Method(b"program", machine.address("call"), FASTCALL, None)


def as_expected() -> bool:
    """Whether an array lies in memory as the built-in function reads it, by the look of one that is known."""
    array = np.arange(6.0).reshape(2, 3)
    ends = [offset + kind.width // 8 for offset, kind in LAYOUT.values()]
    if ctypes.sizeof(ctypes.c_void_p) != 8 or max(ends) > np.ndarray.__basicsize__:
        return False

    def read(name: str) -> Any:
        offset, kind = LAYOUT[name]
        return {32: ctypes.c_int32, 64: ctypes.c_int64}[kind.width].from_address(id(array) + offset).value

    expected = {"type": id(np.ndarray), "dtype": id(np.dtype(float)), "data": array.ctypes.data, "dimensions": 2}
    if any(read(name) != right for name, right in expected.items()) or read("flags") & PLAIN != PLAIN:
        return False
    return tuple((ctypes.c_int64 * 2).from_address(read("shape"))) == (2, 3)


def built_in(targets: Any) -> Callable[..., Any]:
    """A function of params and inputs for the programs whose headers stand in the array `targets`."""
    make = NEW_FUNCTION(("PyCFunction_NewEx", ctypes.pythonapi))
    made: Callable[..., Any] = make(ctypes.addressof(method()), targets, None)
    return made
