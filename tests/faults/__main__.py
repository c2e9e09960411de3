"""``python -m tests.faults table``: the latest fault tests, into docs/faults.md and README, and onto the terminal."""

from __future__ import annotations

import argparse
import sys

from tests.faults.results import RESULTS, for_terminal, read_results, rows_of, write_page
from tests.faults.summary import write_readme


def main() -> int:
    """Return the exit code: 1 where a promise was broken or nothing was tested."""
    words = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    words.add_argument("what", choices=["table"])
    words.parse_args()
    results = read_results()
    if not results:
        print(f"no results in {RESULTS}: run `make faults` first", file=sys.stderr)
        return 1
    ours = rows_of(results, twin=False)
    print(for_terminal(ours))
    twins = rows_of(results, twin=True)
    if twins:
        print(f"\nThe same for a twin on stock Faust, which is to lose:\n\n{for_terminal(twins)}")
    write_page(results)
    write_readme(results)
    return 0 if all("broken" not in "".join(row) for row in ours) else 1


if __name__ == "__main__":
    sys.exit(main())
