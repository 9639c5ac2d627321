"""Text to Values: an expression over the operations of the table, parsed and never evaluated as Python."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from unicodedata import east_asian_width

from tinygrad_edu.engine import COMPOSITES, TABLE, Value, number, printable

LONGEST = 10_000  # characters of an expression
BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.Pow: "pow"}
PRODUCT = "; a product is written with *"
POWER = "; a power is written **"
HINTS = {"^": POWER, "=": "; the numbers for the names are given apart", "−": "; a minus is written -"}
HINTS |= {"÷": "; a quotient is written with /"} | dict.fromkeys("×·⋅∙", PRODUCT) | dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹", POWER)
HINTS |= dict.fromkeys("₀₁₂₃₄₅₆₇₈₉", "; an index is written as in w1")
WORDS = {"ln": "log", "σ": "sigmoid"}  # of textbooks


class ExpressionError(ValueError):
    """What cannot be read as an expression, and where.

    Attributes:
        reason: one line without the position.
        text: the expression.
        start, end: the place in it, counted from 0.
    """

    def __init__(self, reason: str, text: str, start: int, end: int) -> None:
        self.reason, self.text, self.start, self.end = reason, text, start, end
        before, place = text[:start][-40:], text[start:end][:40]
        after = text[end:][:30] if len(place) == end - start else ""
        left, right = "…" * (start > 40), "…" * (len(text) > start + len(place + after))
        line = printable(f"{left}{before}{place}{after}{right}")
        caret = " " * width(printable(left + before)) + "^" * (width(printable(place)) or 1)
        super().__init__(f"{reason}, at character {start + 1}\n  {line}\n  {caret}")


class Step(NamedTuple):
    """What to do with one node of the syntax tree: `make` takes the results of the operands, which are built before."""

    make: Callable[..., Any]
    operands: list[ast.expr]
    takes_lists: bool = False
    gives_list: bool = False
    name: str = ""  # of a variable


class Expression:
    """A parsed expression.

    Attributes:
        text: as it was given.
        names: its variables, in the order in which they first stand there.
    """

    def __init__(self, text: str, steps: list[Step]) -> None:
        self.text, self.steps = text, steps
        self.names = tuple(dict.fromkeys(step.name for step in steps if step.name))

    def build(self, values: Mapping[str, Value | float] | None = None) -> Value:
        """The expression as a graph.

        >>> parse("w * x").build({"w": 0.5, "x": 4.0}).parents[0].label
        'w'

        Arguments:
            values: a Value for each name, or a number, which becomes a leaf with the name as its label.

        Raises ValueError for a name without a value and a value without a name, and what the operations raise.
        """
        given = values or {}
        missing, unknown = [n for n in self.names if n not in given], [n for n in given if n not in self.names]
        if missing:
            hint = PRODUCT if re.fullmatch(rf"({'|'.join(map(re.escape, given)) or '-'}){{2,}}", missing[0]) else ""
            raise ValueError(f"{missing[0]} has no value: expected one for each of {', '.join(self.names)}{hint}")
        if unknown:
            raise ValueError(f"{unknown[0]} is not in {self.text!r}, which has {', '.join(self.names) or 'no names'}")
        leaves = {name: v if isinstance(v, Value) else Value(v, name) for name, v in given.items()}
        stack: list[Any] = []
        for step in self.steps:
            taken = [stack.pop() for _ in step.operands][::-1]
            stack.append(leaves[step.name] if step.name else step.make(*taken))
        [result] = stack
        return result if isinstance(result, Value) else Value(result, finite=False)

    def __repr__(self) -> str:
        return f"parse({self.text!r})"


def parse(text: str) -> Expression:
    """Read an expression: numbers, names, + - * / **, brackets, and the operations of the table.

    >>> expression = parse("sigmoid(w*x + b)")
    >>> expression.names
    ('w', 'x', 'b')
    >>> y = expression.build({"w": 0.3, "x": 2, "b": 0.1})
    >>> round(y.data, 4)
    0.6682

    Operations over many operands take lists: `dot([a, b], [c, d])`, `sum([a, b])`, `logsumexp([a, b])`, `max([a, b])`,
    `min([a, b])`; `softmax([a, b])[0]` and `log_softmax([a, b])[0]` are single elements.

    Raises ExpressionError, a ValueError that marks the place, for anything else; nothing of the text is ever run.
    """
    if len(text) > LONGEST:
        raise ExpressionError(
            f"expected at most {LONGEST:,} characters, got {len(text):,}", text[: LONGEST + 80], LONGEST, LONGEST + 1
        )
    line = re.sub(r"\s", " ", text)  # of the same length, so that positions hold
    if not line.strip():
        raise ExpressionError("expected an expression, got nothing", line, len(line), len(line))
    if found := re.search(r"[^\w \-+*/.,()\[\]]|[⁰¹²³⁴-⁹₀-₉]", line):
        symbol = found[0] if found[0].isprintable() else repr(found[0])
        raise ExpressionError(f"{symbol} is not part of an expression{HINTS.get(symbol, '')}", line, *found.span())
    return Expression(text.strip(), Reader(line).steps())


class Reader:
    """Turns Python's syntax tree of a line into steps. Nothing here recurses."""

    def __init__(self, line: str) -> None:
        self.line, self.source = line, line.strip()
        self.indent = len(line) - len(line.lstrip())

    def steps(self) -> list[Step]:
        """The steps, each after those of its operands."""
        root = self.tree()
        if self.step(root).gives_list:
            raise self.refuse("expected a number, got a list; one of its elements is softmax([a, b])[0]", root)
        found: list[Step] = []
        stack: list[ast.expr | Step] = [root]
        while stack:
            top = stack.pop()
            if isinstance(top, Step):
                found.append(top)
                continue
            step = self.step(top)
            for operand in step.operands:
                if self.step(operand).gives_list != step.takes_lists:
                    kinds = ("a list, like [a, b]", "a number") if step.takes_lists else ("a number", "a list")
                    raise self.refuse(f"expected {kinds[0]}, got {kinds[1]}", operand)
            stack += [step, *reversed(step.operands)]
        return found

    def tree(self) -> ast.expr:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Python, about the style of literals
                return ast.parse(self.source, mode="eval").body
        except (RecursionError, MemoryError):
            raise self.refuse("nested too deeply") from None
        except SyntaxError as error:
            if "nested" in error.msg or "limit" in error.msg:  # the limit of digits in an integer
                raise self.refuse("nested too deeply" if "nested" in error.msg else "a number is too large") from None
            end = len(self.source)  # where Python says 0: the text ends too early
            start = self.indent + min(error.offset - 1 if error.offset else end, end)
            reason = re.split(r"[.:] (Perhaps|Maybe)", error.msg)[0]
            before = re.search(r"(\w+|[)\]])\s+$", self.line[:start])
            side_by_side = before and re.match(r"[\w(\[]", self.line[start:])
            if before and side_by_side and before[1] in (*TABLE, *COMPOSITES):
                reason += f"; {before[1]} is written {usage(before[1])}"
            elif reason == "invalid decimal literal" or (reason == "invalid syntax" and side_by_side):
                reason += PRODUCT
            raise ExpressionError(reason, self.line, start, start + 1) from None

    def step(self, node: ast.expr) -> Step:
        match node:
            case ast.Constant(value=int() | float() as literal) if not isinstance(literal, bool):
                return self.constant(literal, node)
            case ast.Name(id=name):
                if name in TABLE or name in COMPOSITES:
                    raise self.refuse(f"{name} is an operation: {usage(name)}", node)
                return Step(lambda: None, [], name=name)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                return Step(TABLE["neg"].function if isinstance(sign, ast.USub) else lambda x: x, [operand])
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in BINARY:
                return Step(TABLE[BINARY[type(operator)]].function, [left, right])
            case ast.List(elts=elements) if elements:
                return Step(lambda *elements: list(elements), elements, gives_list=True)
            case ast.Call(func=ast.Name(id=name) as called, args=args, keywords=[]):
                return self.operation(name, called, args, node)
            case ast.Subscript(value=of, slice=ast.Constant(value=int() as index)) if not isinstance(index, bool):
                return Step(lambda elements: element(elements, index), [of], takes_lists=True)
        reason = "only numbers, names, + - * / ** and operations of the table are read"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TABLE:
            reason += f"; {node.func.attr} is written {usage(node.func.attr)}"
        raise self.refuse(reason, node)

    def constant(self, literal: int | float, node: ast.expr) -> Step:
        try:
            constant = number(literal)
        except ValueError:
            raise self.refuse("the number is too large for a float", node) from None
        return Step(lambda: constant, [])

    def operation(self, name: str, called: ast.expr, args: list[ast.expr], node: ast.expr) -> Step:
        if name not in TABLE and name not in COMPOSITES:
            raise self.refuse(f"{name} is not an operation of the table{close_to(name)}", called)
        expected = len(TABLE[name].operands) if name in TABLE else 1
        if len(args) != expected:
            raise self.refuse(
                f"{name} expected {expected} operand{'s' * (expected > 1)}, got {len(args)}: {usage(name)}", node
            )
        if name in COMPOSITES:
            composite = COMPOSITES[name]
            return Step(composite.function, args, takes_lists=True, gives_list=composite.gives_list)
        return Step(TABLE[name].function, args, takes_lists=TABLE[name].many)

    def refuse(self, reason: str, node: ast.expr | None = None) -> ExpressionError:
        start, end = 0, len(self.source)
        if node is not None and node.end_col_offset is not None:
            encoded = self.source.encode()  # Python counts bytes
            start, end = (len(encoded[:at].decode()) for at in (node.col_offset, node.end_col_offset))
        return ExpressionError(reason, self.line, start + self.indent, end + self.indent)


def element(elements: list[Any], index: int) -> Any:
    if index < len(elements):
        return elements[index]
    raise ValueError(f"expected the number of an element, from 0 to {len(elements) - 1}, got {index}")


def usage(name: str) -> str:
    """How an operation is written."""
    if name not in TABLE:
        return f"{name}([a, b])"
    row = TABLE[name]
    return row.written(["a", "b", "c", "d"][: 2 * len(row.operands)]) if row.many else row.call


def close_to(name: str) -> str:
    from difflib import get_close_matches

    close = [WORDS[name]] if name in WORDS else get_close_matches(name, [*TABLE, *COMPOSITES], n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def width(text: str) -> int:
    """Columns of a terminal that the text takes."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
