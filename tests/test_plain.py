"""Text of a user's, fit to print."""

import pytest

from tinygrad_edu import Value
from tinygrad_edu.engine import plain, printable, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a" * 40, "a" * 40),
        ("a" * 41, "a" * 39 + "…"),
        ("  two\r\n\tlines ", "two lines"),
        ("\x1b[31mred\x07", "[31mred"),
        ("\u202eabc\u200b\ud800", "abc"),
        ("日本 🙂 é", "日本 🙂 é"),
        (5, "5"),
        ("", ""),
        (" " * 159 + "far", "f"),
        (" " * 160 + "far", ""),  # nothing is looked at that lies far behind
    ],
)
def test_one_line_without_control_characters_not_too_long(text, shown):
    assert plain(text) == shown


def test_the_length_can_be_chosen():
    assert [plain("abcdef", longest=n) for n in (6, 5, 2, 1)] == ["abcdef", "abcd…", "a…", "…"]
    assert plain("a\n" * 10, longest=5) == "a a …"
    assert plain("x" * 200_000, longest=200) == "x" * 199 + "…"


def test_one_character_for_one():
    assert printable("a\x1b[31m\u202e\n日") == "a�[31m��日"


def test_a_value_is_quoted_on_one_line_that_is_not_too_long():
    many = quoted(["x" * 100] * 6)
    assert len(many) == 80
    assert many.startswith("['xxx") and many.endswith("…")
    w = Value(0.123456789, label="weight")
    assert quoted([w]) == f"[{w!r}]"  # whole, but for what is too long for the line
