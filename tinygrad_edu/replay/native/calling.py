"""The shortest way from Python into a native program: a built-in function, made at run time.

It takes `(params, inputs)` where both are plain float64 arrays of the right size, does all in machine code, and
returns the value and a new gradient array. It declines anything else with None: Python converts, checks and explains.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tinygrad_edu.replay.arrays import numpy
from tinygrad_edu.replay.native.instructions import BYTE, DOUBLE, INT32, INT64, POINTER, ir
from tinygrad_edu.replay.native.machine import FIELDS, WORDS, code, once
from tinygrad_edu.replay.native.writer import Writer

OBJECT = BYTE.as_pointer()
# The fields of an array that NumPy's header publishes, and that every compiled extension has built in; in bytes.
DATA, DIMENSIONS, SHAPE, DTYPE, FLAGS = 16, 24, 32, 56, 64
PLAIN = 0x0001 | 0x0100  # C-contiguous, aligned
NEW_ARRAY, FLOAT64 = 93, 12  # PyArray_New in NumPy's table of functions; the number of the type
TARGETS = ["example", "batch", "longest batch", "mean"]  # headers, or 0; how long a batch may be; whether to divide


class Call(Writer):
    """call(self, arguments, count): what Python calls. `self` is an array of the TARGETS."""

    def __init__(self, module: Any) -> None:
        objects = OBJECT.as_pointer()
        super().__init__(module, ir.FunctionType(OBJECT, [OBJECT, objects, INT64]), "call")
        builder = self.builder
        self.declined = self.function.append_basic_block()
        targets = builder.inttoptr(self.read(self.function.args[0], DATA, INT64), WORDS)
        example, batch, longest, mean = (builder.load(builder.gep(targets, [INT64(k)])) for k in range(4))
        self.require(builder.icmp_signed("==", self.function.args[2], INT64(2)))
        params, inputs = (builder.load(builder.gep(self.function.args[1], [INT64(k)])) for k in range(2))
        for array in (params, inputs):
            self.require(self.same(self.read(array, 8, INT64), id(numpy().ndarray)))
            self.require(self.same(self.read(array, DTYPE, INT64), id(numpy().dtype(float))))
            flags = builder.and_(self.read(array, FLAGS, INT32), INT32(PLAIN))
            self.require(builder.icmp_signed("==", flags, INT32(PLAIN)))
        self.require(builder.icmp_signed("==", self.read(params, DIMENSIONS, INT32), INT32(1)))
        many = builder.icmp_signed("==", self.read(inputs, DIMENSIONS, INT32), INT32(2))
        alone = builder.icmp_signed("==", self.read(inputs, DIMENSIONS, INT32), INT32(1))
        self.require(builder.or_(many, alone))
        header = builder.select(many, batch, example)
        self.require(builder.icmp_signed("!=", header, INT64(0)))
        header = builder.inttoptr(header, WORDS)
        n_params, n_inputs = (
            builder.load(builder.gep(header, [INT64(FIELDS.index(x))])) for x in ("n params", "n inputs")
        )
        self.require(builder.icmp_signed("==", self.size(params, INT64(0)), n_params))
        self.require(builder.icmp_signed("==", self.size(inputs, builder.zext(many, INT64)), n_inputs))
        n = builder.select(many, self.size(inputs, INT64(0)), INT64(1))
        self.require(builder.icmp_signed(">", n, INT64(0)))
        self.require(builder.icmp_signed("<=", n, longest))
        gradient = self.new_array(self.read(params, SHAPE, INT64))
        self.require(builder.icmp_signed("!=", builder.ptrtoint(gradient, INT64), INT64(0)))
        with builder.goto_entry_block():
            value = builder.alloca(DOUBLE)
        nothing = ir.Constant(POINTER, None)
        data = [builder.inttoptr(self.read(array, DATA, INT64), POINTER) for array in (params, inputs, gradient)]
        functions = module.globals
        with builder.if_else(many) as (then, otherwise):
            with then:
                builder.call(functions["batch"], [header, data[0], data[1], n, value, data[2], nothing])
                with builder.if_then(builder.icmp_signed("!=", mean, INT64(0))):
                    self.divide(value, INT64(1), n)
                    self.divide(data[2], n_params, n)
            with otherwise:
                builder.call(functions["example"], [header, data[0], data[1], value, data[2], nothing])
        number = self.python("PyFloat_FromDouble", OBJECT, builder.load(value))
        result = self.python("PyTuple_New", OBJECT, INT64(2))
        for k, item in enumerate((number, gradient)):
            self.python("PyTuple_SetItem", INT32, result, INT64(k), item)
        builder.ret(result)
        builder.position_at_end(self.declined)
        none = builder.inttoptr(INT64(id(None)), OBJECT)
        self.python("Py_IncRef", ir.VoidType(), none)
        builder.ret(none)

    def require(self, condition: Any) -> None:
        """Go on only where this holds; where it does not, decline."""
        on = self.function.append_basic_block()
        self.builder.cbranch(condition, on, self.declined)
        self.builder.position_at_end(on)

    def read(self, thing: Any, offset: int, kind: Any) -> Any:
        return self.builder.load(self.builder.bitcast(self.builder.gep(thing, [INT64(offset)]), kind.as_pointer()))

    def same(self, address: Any, expected: int) -> Any:
        return self.builder.icmp_unsigned("==", address, INT64(expected))

    def size(self, array: Any, axis: Any) -> Any:
        return self.builder.load(self.builder.gep(self.builder.inttoptr(self.read(array, SHAPE, INT64), WORDS), [axis]))

    def divide(self, numbers: Any, n: Any, by: Any) -> None:
        builder = self.builder
        divisor = builder.sitofp(by, DOUBLE)
        with self.loop(n) as k:
            at = builder.gep(numbers, [k])
            builder.store(builder.fdiv(builder.load(at), divisor), at)

    def python(self, name: str, result: Any, *arguments: Any) -> Any:
        """Call a function of Python's."""
        return self.call_at(ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value, result, *arguments)

    def new_array(self, shape: Any) -> Any:
        table = ctypes.cast(array_functions(), ctypes.POINTER(ctypes.c_void_p))
        kind, nothing = self.builder.inttoptr(INT64(id(numpy().ndarray)), OBJECT), ir.Constant(OBJECT, None)
        shape = self.builder.inttoptr(shape, OBJECT)
        zero = INT32(0)
        arguments = [kind, INT32(1), shape, INT32(FLOAT64), nothing, nothing, zero, zero, nothing]
        return self.call_at(table[NEW_ARRAY], OBJECT, *arguments)

    def call_at(self, address: Any, result: Any, *arguments: Any) -> Any:
        signature = ir.FunctionType(result, [argument.type for argument in arguments])
        return self.builder.call(self.builder.inttoptr(INT64(address), signature.as_pointer()), arguments)


def array_functions() -> Any:
    """NumPy's table of C functions."""
    numpy()
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
    for name in ("example", "batch"):
        ir.Function(module, machine.signatures[name], name)
    Call(module)
    machine.add(module)
    fast = 0x0080  # METH_FASTCALL
    return Method(b"program", machine.address("call"), fast, None)


def built_in(targets: Any) -> Callable[..., Any]:
    """A function of params and inputs for the programs whose headers stand in the array `targets`."""
    signature = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    make = signature(("PyCFunction_NewEx", ctypes.pythonapi))
    made: Callable[..., Any] = make(ctypes.addressof(method()), targets, None)
    return made
