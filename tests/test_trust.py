"""docs/trust.md says what the kept results say."""

from tests.mutation.patched import patches
from tests.mutation.run import EQUIVALENT, equivalents
from tests.mutation.slips import python
from tests.nightly import report


def test_the_page_is_that_of_the_results():
    assert report.PAGE.read_text(encoding="utf-8") == report.page(), "run python tests/nightly/report.py"


def test_every_equivalent_slip_has_its_reason():
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line in equivalents():
            assert after.startswith("    "), f"no reason for {line}"


def test_a_slip_is_put_into_the_functions_that_it_changes_and_not_into_what_an_import_runs(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("LIMIT = 2 + 1\nclass Box:\n    def full(self, n):\n        return n > LIMIT\n")
    scope: dict[str, object] = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    full = scope["Box"].full  # type: ignore[attr-defined]
    found = {slip.new: patches(path, slip, [full]) for slip in python(path.read_bytes())}
    assert found["(2 - 1)"] == []
    [(function, code)] = found["(n <= LIMIT)"]
    assert function is full and full(None, 4)
    full.__code__ = code
    assert not full(None, 4)
