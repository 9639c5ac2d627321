"""docs/trust.md says what the kept results say."""

from tests.mutation.run import EQUIVALENT, equivalents
from tests.nightly import report


def test_the_page_is_that_of_the_results():
    assert report.PAGE.read_text(encoding="utf-8") == report.page(), "run python tests/nightly/report.py"


def test_every_equivalent_slip_has_its_reason():
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line in equivalents():
            assert after.startswith("    "), f"no reason for {line}"
