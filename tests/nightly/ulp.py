"""How many units in the last place each row is off: its result and its derivatives, beside 50 digits.

python tests/nightly/ulp.py                      1,000 points a row
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.nightly.results import keep
from tests.test_oracle import SCALED, derivative, mp, on_mpmath, ulps
from tests.test_table import PLAIN, points
from tinygrad_edu.engine.formulas import on_floats, partials_on_floats


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--points", type=int, default=1000)
    given = options.parse_args()
    start, rows = time.monotonic(), []
    for row in PLAIN:
        f, worst = on_mpmath(row), [0.0] * (1 + len(row.operands))
        for at in points(row, given.points):
            exact, out = [mp.mpf(x) for x in at], on_floats(row)(*at)
            size = 1.0 if row.name in SCALED else 0.0
            found = [ulps(out, f(*exact))]
            found += [
                ulps(partial(*at, out), derivative(f, exact, k), size)
                for k, partial in enumerate(partials_on_floats(row))
            ]
            worst = [max(pair) for pair in zip(worst, found, strict=True)]
        rounded = [math.ceil(10 * each) / 10 for each in worst]
        rows.append({"row": row.name, "tried": given.points, "result": rounded[0], "derivatives": rounded[1:]})
        print(rows[-1], flush=True)
    keep("ulp", time.monotonic() - start, rows)


if __name__ == "__main__":
    main()
