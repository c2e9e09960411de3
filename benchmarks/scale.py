"""What it takes to see what became of a billion mails a day: the sums of docs/scale.md, from the latest results.

It measures nothing. It reads benchmarks/results/, does the arithmetic in the open, prints it, and writes it into the
page between two marks, so that page and figures cannot differ: a test holds the one against the other. The table of
capacity in docs/operating.md is of the same sums.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.scale_capacity import capacity
from benchmarks.scale_inputs import Missing, read
from benchmarks.scale_page import block
from benchmarks.scale_sums import Sums

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
OPERATING = PAGE.with_name("operating.md")
BEGIN, END = '<!-- figures: begin (make bench ARGS="scale") -->', "<!-- figures: end -->"


def main(words: list[str]) -> int:
    """Print the figures, and write them into the page."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='scale", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where the page says something else")
    said = parser.parse_args(words)
    try:
        inputs = read()
    except Missing as why:
        print(why, file=sys.stderr)
        return 3
    changed = False
    for page, figures in ((PAGE, block(Sums(inputs))), (OPERATING, capacity(inputs))):
        was = page.read_text("utf-8")
        now = written(was, figures)
        changed |= was != now
        if not said.check:
            print(figures)
            page.write_text(now, encoding="utf-8")
    return int(said.check and changed)


def written(page: str, figures: str) -> str:
    """Return the page with *figures* between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not before or not after:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}"
