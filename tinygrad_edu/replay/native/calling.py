"""The shortest way from Python into a native program: a built-in function, made at run time.

It takes `(params, inputs)` where both are plain float64 arrays of the right size, does all in machine code, and
returns the value and a new gradient array. It declines anything else with None: Python converts, checks and explains.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from tinygrad_edu.replay.arrays import np
from tinygrad_edu.replay.native.instructions import BYTE, DOUBLE, INT32, INT64, POINTER, ir
from tinygrad_edu.replay.native.machine import FIELDS, LOCK, WORDS, code, driver
from tinygrad_edu.replay.native.writer import Writer

OBJECT = BYTE.as_pointer()
NOTHING = ir.Constant(OBJECT, None)
PLAIN = 0x0001 | 0x0100  # NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_ALIGNED
NEW_LIKE = 277  # the place of PyArray_NewLikeArray in NumPy's table of C functions
FASTCALL = 0x0080  # METH_FASTCALL
# Once: each call of PYFUNCTYPE makes a class, which is never freed.
NEW_FUNCTION = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
TARGET = 3  # numbers: the address of the header, for up to how many examples, and whether for their mean


class Array(ctypes.Structure):
    """PyArrayObject_fields of NumPy's arrayobject header, which every compiled extension has built in.

    They come behind what each object of Python begins with, of which the type is the last.
    """

    _fields_ = (
        ("object", ctypes.c_char * (object.__basicsize__ - 8)),
        ("type", ctypes.c_int64),
        ("data", ctypes.c_int64),
        ("dimensions", ctypes.c_int32),
        ("shape", ctypes.c_int64),
        ("strides", ctypes.c_int64),
        ("base", ctypes.c_int64),
        ("dtype", ctypes.c_int64),
        ("flags", ctypes.c_int32),
    )


class Method(ctypes.Structure):
    """What Python knows of a built-in function."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class Call(Writer):
    """call(self, arguments, count): what Python calls. `self` is an array of TARGETs, for one example and for many."""

    def __init__(self, module: Any, name: str) -> None:
        super().__init__(module, ir.FunctionType(OBJECT, [OBJECT, OBJECT.as_pointer(), INT64]), name)
        self.declined, self.failed = (self.function.append_basic_block() for _ in range(2))
        self.result(*self.accepted())
        self.builder.position_at_end(self.declined)
        none = self.builder.inttoptr(INT64(id(None)), OBJECT)
        self.python("Py_IncRef", ir.VoidType(), none)
        self.builder.ret(none)
        self.builder.position_at_end(self.failed)
        self.builder.ret(NOTHING)  # an error is set

    def accepted(self) -> tuple[Any, ...]:
        """Go on only with the right arrays: the header, both arrays, how many examples, and their share."""
        builder, (own, arguments, count) = self.builder, self.function.args
        self.require(count, 2)
        params, inputs = (builder.load(builder.gep(arguments, [INT64(k)])) for k in range(2))
        for array in (params, inputs):
            self.require(self.field(array, "type"), id(np.ndarray))
            self.require(self.field(array, "dtype"), id(np.dtype(float)))
            self.require(builder.and_(self.field(array, "flags"), INT32(PLAIN)), PLAIN)
        self.require(self.field(params, "dimensions"), 1)
        many = builder.zext(builder.sub(self.field(inputs, "dimensions"), INT32(1)), INT64)
        self.require(many, 2, "<")
        n = builder.select(builder.trunc(many, ir.IntType(1)), self.size(inputs, INT64(0)), INT64(1))
        targets, first = self.builder.inttoptr(self.field(own, "data"), WORDS), builder.mul(many, INT64(TARGET))
        header, longest, mean = (
            builder.load(builder.gep(targets, [builder.add(first, INT64(k))])) for k in range(TARGET)
        )
        self.require(builder.sub(n, INT64(1)), longest, "<")  # 0 until the plan is made
        header = self.builder.inttoptr(header, WORDS)
        for array, axis, name in ((params, INT64(0), "n params"), (inputs, many, "n inputs")):
            self.require(self.size(array, axis), builder.load(builder.gep(header, [INT64(FIELDS.index(name))])))
        divisor = builder.select(builder.trunc(mean, ir.IntType(1)), n, INT64(1))
        return header, params, inputs, n, builder.fdiv(DOUBLE(1.0), builder.sitofp(divisor, DOUBLE))

    def result(self, header: Any, params: Any, inputs: Any, n: Any, share: Any) -> None:
        """Return a tuple of the value and the gradient, a new array."""
        builder, table = self.builder, ctypes.cast(array_functions(), ctypes.POINTER(ctypes.c_void_p))
        gradient = self.made(self.call(table[NEW_LIKE], OBJECT, params, INT32(0), NOTHING, INT32(0)))
        with builder.goto_entry_block():
            value = builder.alloca(DOUBLE)
        p, x, g = (self.builder.inttoptr(self.field(array, "data"), POINTER) for array in (params, inputs, gradient))
        nothing = ir.Constant(POINTER, None)
        self.call(driver(), ir.VoidType(), header, p, x, n, share, value, g, nothing, nothing)
        number = self.made(self.python("PyFloat_FromDouble", OBJECT, builder.load(value)))
        result = self.made(self.python("PyTuple_New", OBJECT, INT64(2)))
        for k, item in enumerate((number, gradient)):
            self.python("PyTuple_SetItem", INT32, result, INT64(k), item)
        builder.ret(result)

    def require(self, number: Any, expected: Any, relation: str = "==", otherwise: Any = None) -> None:
        """Go on only where this holds; where it does not, decline."""
        on = self.function.append_basic_block()
        expected = number.type(expected) if isinstance(expected, int) else expected
        holds = self.builder.icmp_unsigned(relation, number, expected)
        self.builder.cbranch(holds, on, otherwise or self.declined)
        self.builder.position_at_end(on)

    def made(self, thing: Any) -> Any:
        """Go on only with what there was memory for."""
        self.require(thing, NOTHING, "!=", self.failed)
        return thing

    def field(self, array: Any, name: str) -> Any:
        field = getattr(Array, name)
        place = self.builder.gep(array, [INT64(field.offset)])
        return self.builder.load(self.builder.bitcast(place, ir.IntType(8 * field.size).as_pointer()))

    def size(self, array: Any, axis: Any) -> Any:
        return self.builder.load(self.builder.gep(self.builder.inttoptr(self.field(array, "shape"), WORDS), [axis]))

    def python(self, name: str, result: Any, *arguments: Any) -> Any:
        """Call a function of Python's."""
        return self.call(ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value, result, *arguments)

    def call(self, address: Any, result: Any, *arguments: Any) -> Any:
        signature = ir.FunctionType(result, [argument.type for argument in arguments])
        return self.builder.call(self.builder.inttoptr(INT64(address), signature.as_pointer()), arguments)


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


@cache
def method() -> Method:
    return Method(b"program", code().address("call", Call), FASTCALL, None)


def as_expected() -> bool:
    """Whether arrays lie in memory as the built-in function reads them, by the look of one, and Python has its lock."""
    has_lock = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()
    if not has_lock or ctypes.sizeof(ctypes.c_void_p) != 8 or ctypes.sizeof(Array) > np.ndarray.__basicsize__:
        return False
    array = np.arange(6.0).reshape(2, 3)
    seen = Array.from_address(id(array))
    found = seen.type, seen.dtype, seen.data, seen.dimensions, seen.flags & PLAIN
    expected = id(np.ndarray), id(np.dtype(float)), array.ctypes.data, 2, PLAIN
    return found == expected and tuple((ctypes.c_int64 * 2).from_address(seen.shape)) == array.shape


AS_EXPECTED = as_expected()


def address(array: Any) -> int:
    """Where the numbers of an array lie."""
    return Array.from_address(id(array)).data if AS_EXPECTED else array.ctypes.data  # type: ignore[no-any-return]


def built_in(targets: Any) -> Callable[..., Any]:
    """A function of params and inputs for the programs whose headers stand in the array `targets`."""
    if not AS_EXPECTED:
        return lambda params, inputs: None
    with LOCK:
        make = NEW_FUNCTION(("PyCFunction_NewEx", ctypes.pythonapi))
        return make(ctypes.addressof(method()), targets, None)  # type: ignore[no-any-return]
