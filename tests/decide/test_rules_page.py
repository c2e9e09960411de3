"""docs/rules.md says what the code does: every row of the tables stands there, in the code's own words."""

from __future__ import annotations

from pathlib import Path

from streams.decide.bounce import BAD_ADDRESS_CODES, BOUNCE_CLASSES
from streams.decide.lifecycle import RANKS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rules.md").read_text()


def test_every_row_of_the_bounce_table_stands_on_the_page_in_its_order() -> None:
    table = PAGE[PAGE.index("## The bounce table") : PAGE.index("## How far")]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert [row.rsplit("|", 2)[1].strip() for row in rows] == [row.why for row in BOUNCE_CLASSES]


def test_the_codes_of_a_bad_address_stand_on_the_page() -> None:
    assert all(code in PAGE for code in BAD_ADDRESS_CODES)


def test_every_outcome_that_has_a_rank_stands_on_the_page() -> None:
    assert all(kind in PAGE for kind in RANKS)
