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
from tinygrad_edu.replay.native.machine import DRIVER, FIELDS, WORDS, code, once
from tinygrad_edu.replay.native.writer import Writer

OBJECT = BYTE.as_pointer()
# Where the fields of an array lie, in bytes: PyArrayObject_fields in NumPy's arrayobject header, which every compiled
# extension has built in, behind what each object of Python begins with, of which the type is the last.
TYPE, DATA, DIMENSIONS, SHAPE, DTYPE, FLAGS = (object.__basicsize__ + n for n in (-8, 0, 8, 16, 40, 48))
PLAIN = 0x0001 | 0x0100  # NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_ALIGNED
NEW_ARRAY, FLOAT64 = 93, 12  # the place of PyArray_New in NumPy's table of C functions; NPY_DOUBLE
FASTCALL = 0x0080  # METH_FASTCALL
# Once: each call of PYFUNCTYPE makes a class, which is never freed.
NEW_FUNCTION = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
TARGETS = ["example", "batch", "longest batch", "mean"]  # headers, or 0; how long a batch may be; whether to divide


class Call(Writer):
    """call(self, arguments, count): what Python calls. `self` is an array of the TARGETS."""

    def __init__(self, module: Any) -> None:
        super().__init__(module, ir.FunctionType(OBJECT, [OBJECT, OBJECT.as_pointer(), INT64]), "call")
        self.declined, self.failed = (self.function.append_basic_block() for _ in range(2))
        self.result(*self.run(*self.accepted()))
        self.builder.position_at_end(self.declined)
        none = self.builder.inttoptr(INT64(id(None)), OBJECT)
        self.python("Py_IncRef", ir.VoidType(), none)
        self.builder.ret(none)
        self.builder.position_at_end(self.failed)
        self.builder.ret(ir.Constant(OBJECT, None))  # an error is set

    def accepted(self) -> tuple[Any, ...]:
        """Go on only with the right arrays: the header, both arrays, whether they are a batch, and its size."""
        builder, (own, arguments, count) = self.builder, self.function.args
        targets = builder.inttoptr(self.field(own, DATA, INT64), WORDS)
        example, batch, longest, self.mean = (builder.load(builder.gep(targets, [INT64(k)])) for k in range(4))
        self.require(self.same(count, 2))
        params, inputs = (builder.load(builder.gep(arguments, [INT64(k)])) for k in range(2))
        for array in (params, inputs):
            self.require(self.same(self.field(array, TYPE, INT64), id(np.ndarray)))
            self.require(self.same(self.field(array, DTYPE, INT64), id(np.dtype(float))))
            self.require(self.same(builder.and_(self.field(array, FLAGS, INT32), INT32(PLAIN)), PLAIN))
        self.require(self.same(self.field(params, DIMENSIONS, INT32), 1))
        many, alone = (self.same(self.field(inputs, DIMENSIONS, INT32), n) for n in (2, 1))
        self.require(builder.or_(many, alone))
        header = builder.select(many, batch, example)
        self.require(builder.not_(self.same(header, 0)))  # 0 until the plan is made
        header = builder.inttoptr(header, WORDS)
        for array, axis, name in ((params, INT64(0), "n params"), (inputs, builder.zext(many, INT64), "n inputs")):
            expected = builder.load(builder.gep(header, [INT64(FIELDS.index(name))]))
            self.require(builder.icmp_signed("==", self.size(array, axis), expected))
        n = builder.select(many, self.size(inputs, INT64(0)), INT64(1))
        self.require(builder.icmp_signed(">", n, INT64(0)))
        self.require(builder.icmp_signed("<=", n, longest))
        return header, params, inputs, many, n

    def run(self, header: Any, params: Any, inputs: Any, many: Any, n: Any) -> tuple[Any, Any]:
        """The value, and the gradient as a new array."""
        builder = self.builder
        gradient = self.made(self.new_array(self.field(params, SHAPE, INT64)))
        with builder.goto_entry_block():
            value = builder.alloca(DOUBLE)
        p, x, g = (builder.inttoptr(self.field(array, DATA, INT64), POINTER) for array in (params, inputs, gradient))
        driver = builder.load(builder.gep(header, [INT64(FIELDS.index("driver"))]))
        nothing = ir.Constant(POINTER, None)
        builder.call(builder.inttoptr(driver, DRIVER.as_pointer()), [header, p, x, n, value, g, nothing])
        with builder.if_then(builder.and_(many, builder.not_(self.same(self.mean, 0)))):
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

    def made(self, thing: Any) -> Any:
        """Go on only with what there was memory for."""
        on = self.function.append_basic_block()
        self.builder.cbranch(self.same(self.builder.ptrtoint(thing, INT64), 0), self.failed, on)
        self.builder.position_at_end(on)
        return thing

    def require(self, condition: Any) -> None:
        """Go on only where this holds; where it does not, decline."""
        on = self.function.append_basic_block()
        self.builder.cbranch(condition, on, self.declined)
        self.builder.position_at_end(on)

    def field(self, thing: Any, offset: int, kind: Any) -> Any:
        return self.builder.load(self.builder.bitcast(self.builder.gep(thing, [INT64(offset)]), kind.as_pointer()))

    def same(self, number: Any, expected: int) -> Any:
        return self.builder.icmp_unsigned("==", number, number.type(expected))

    def size(self, array: Any, axis: Any) -> Any:
        shape = self.builder.inttoptr(self.field(array, SHAPE, INT64), WORDS)
        return self.builder.load(self.builder.gep(shape, [axis]))

    def divide(self, numbers: Any, n: Any, by: Any) -> None:
        divisor = Number(self.builder, self.builder.sitofp(by, DOUBLE))
        for k, width in self.chunks(n):
            self.store(numbers, k, width, self.load(numbers, k, width) / self.spread(divisor, width))

    def python(self, name: str, result: Any, *arguments: Any) -> Any:
        """Call a function of Python's."""
        return self.call_at(ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value, result, *arguments)

    def new_array(self, shape: Any) -> Any:
        table = ctypes.cast(array_functions(), ctypes.POINTER(ctypes.c_void_p))
        kind, nothing = self.builder.inttoptr(INT64(id(np.ndarray)), OBJECT), ir.Constant(OBJECT, None)
        shape = self.builder.inttoptr(shape, OBJECT)
        zero = INT32(0)
        arguments = [kind, INT32(1), shape, INT32(FLOAT64), nothing, nothing, zero, zero, nothing]
        return self.call_at(table[NEW_ARRAY], OBJECT, *arguments)

    def call_at(self, address: Any, result: Any, *arguments: Any) -> Any:
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
    if ctypes.sizeof(ctypes.c_void_p) != 8 or not 0 < max(TYPE, FLAGS) <= np.ndarray.__basicsize__ - 4:
        return False

    def read(offset: int, kind: Any = ctypes.c_int64) -> Any:
        return kind.from_address(id(array) + offset).value

    seen = [read(offset) for offset in (TYPE, DTYPE, DATA)]
    seen += [read(DIMENSIONS, ctypes.c_int32), read(FLAGS, ctypes.c_int32) & PLAIN]
    if seen != [id(np.ndarray), id(np.dtype(float)), array.ctypes.data, 2, PLAIN]:
        return False
    return tuple((ctypes.c_int64 * 2).from_address(read(SHAPE))) == (2, 3)


def built_in(targets: Any) -> Callable[..., Any]:
    """A function of params and inputs for the programs whose headers stand in the array `targets`."""
    make = NEW_FUNCTION(("PyCFunction_NewEx", ctypes.pythonapi))
    made: Callable[..., Any] = make(ctypes.addressof(method()), targets, None)
    return made
