"""What is written from the table is current, and reads as a person would have written it."""

import ast
import inspect
import pickle
import re
import runpy
import traceback
import warnings
from pathlib import Path
from textwrap import dedent

import pytest

import tinygrad_edu
from tinygrad_edu import TABLE, Domain, Value, registered
from tinygrad_edu.engine import operations, table, value, write
from tinygrad_edu.engine.formulas import formulas_of, names
from tinygrad_edu.engine.numbers import FLOATS
from tinygrad_edu.engine.table import Row

ENGINE = Path(operations.__file__).parent

# A row of each kind: what is written of them is in written_rows.txt. After a change that makes it better:
# `python -m tests.test_write`.
ROWS = [
    Row("cube", "³", "x * x * x", "3 * x * x"),
    Row("less", "<", "x - 2 * y", "1", "-2"),
    Row("bent", "b", "maximum(x, y) / 2", "0.5 * step(x - y)", "0", shown=("step(x - y) / 2", "0"), kink="x - y",
        at_kink="0", accuracy="it is exact"),
    Row("norm", "‖", "sqrt(sum(x_i * x_i))", "x_i / out"),
    Row("weighed", "w", "sum(x_i * y_i * y_i) + max(x_i)", "y_i * y_i", "-1", x=Domain(0, 1)),
    Row("shares", "s|t", "log(sum(exp(x_i)))", "exp(x_i) / sum(exp(x_i))"),
    *(TABLE[name] for name in ("sub", "neg", "pow", "abs")),
]  # fmt: skip
WRITTEN = Path(__file__).with_name("written_rows.txt")


@pytest.mark.parametrize(("path", "text"), [(write.FILE, write.operations), (write.PAGE, write.page)])
def test_what_is_written_is_current(path, text):
    assert path.read_text(encoding="utf-8") == text(TABLE.values()), "run python -m tinygrad_edu.engine.write"


def test_rows_of_every_kind_are_written_as_a_person_would():
    assert write.operations(ROWS) + write.page(ROWS) == WRITTEN.read_text(encoding="utf-8")


def test_the_command_writes_both_files(monkeypatch):
    written = []
    monkeypatch.setattr(
        Path, "write_text", lambda path, text, encoding=None: written.append((path, encoding, text[:2]))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that the module is there already
        runpy.run_module("tinygrad_edu.engine.write", run_name="__main__")
    assert written == [(write.FILE, "utf-8", "# "), (write.PAGE, "utf-8", "# ")]


def test_every_method_of_every_row_is_in_the_file():
    source = write.FILE.read_text(encoding="utf-8")
    for row in TABLE.values():
        for name in [*write.methods(row), write.pullback_name(row)]:
            assert len(re.findall(rf"^(?:    )?def {name}\((?:self|node)", source, flags=re.MULTILINE)) == 1
        assert f"\ndef {row.name}(" in source


def test_value_inherits_the_operations_and_pickles_them():
    assert operations.Operations in Value.__bases__
    assert pickle.loads(pickle.dumps(Value.tanh)) is Value.tanh
    assert pickle.loads(pickle.dumps(tinygrad_edu.tanh)) is tinygrad_edu.tanh
    assert Value(1.0).maximum(other=2.0).data == 2.0
    assert inspect.getsourcefile(Value.__mul__) == str(write.FILE)


def test_no_operation_looks_like_a_call_of_itself():
    for row in TABLE.values():
        for name in write.methods(row):
            calls = [
                node.func
                for node in ast.walk(ast.parse(dedent(inspect.getsource(getattr(Value, name)))))
                if isinstance(node, ast.Call)
            ]
            assert not [call for call in calls if isinstance(call, ast.Name) and call.id == row.name]


def test_the_formulas_of_the_table_call_what_floats_have():
    """So that no function of the file stands for its float form."""
    operands = {"x", "y", "x_i", "y_i", "out", "sum", "max"}
    for row in TABLE.values():
        for formula in formulas_of(row):
            assert {*names(formula)} <= operands | FLOATS.keys() | {"pow"}


def test_a_traceback_shows_a_file_that_can_be_opened():
    try:
        Value(0.0).log()
    except ValueError as error:
        frames = traceback.extract_tb(error.__traceback__)
    assert Path(frames[-1].filename) == write.FILE
    assert frames[-1].line == "raise undefined(LOG, (self,), error) from None"


def test_a_registered_row_goes_through_the_same_writer():
    with registered("cube", "³", "x * x * x", "3 * x * x") as row:
        assert inspect.getsource(Value.cube) == write.method(row, "cube", ("self",))
        assert "operand.grad += g * (3 * x * x)" in inspect.getsource(row.pullback)


def lines(*objects):
    return sum(len(inspect.getsourcelines(thing)[0]) for thing in objects)


def test_the_path_of_one_product_and_its_gradient_is_short():
    """From Value to the end of backward, its walk, one operation and its pullback."""
    source, start = inspect.getsourcelines(Value)
    end = start + next(k for k, line in enumerate(source) if "def backward" in line) + lines(Value.backward)
    read = (end - start) + lines(value.cleared) + lines(Value.__mul__, Value._mul_pullback)
    assert read <= 110, read


def test_the_core_is_one_sitting():
    read = sum(len((ENGINE / name).read_text(encoding="utf-8").splitlines()) for name in ("table.py", "value.py"))
    assert read <= 350, read
    assert table.TABLE is TABLE


def test_the_package_has_no_stubs():
    assert not [*ENGINE.parent.rglob("*.pyi")]


def test_the_engine_knows_no_other_room_by_name():
    rooms = {path.name for path in ENGINE.parent.iterdir() if path.is_dir()} - {"engine", "__pycache__"}
    for path in ENGINE.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not rooms & texts
        assert not re.search(rf"tinygrad_edu\.({'|'.join(rooms)})\b", path.read_text(encoding="utf-8"))


def test_each_docstring_stands_alone():
    for path in ENGINE.parent.rglob("*.py"):
        assert '"""The same' not in path.read_text(encoding="utf-8"), path


if __name__ == "__main__":
    WRITTEN.write_text(write.operations(ROWS) + write.page(ROWS), encoding="utf-8")
