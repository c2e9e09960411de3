"""The pages of docs/ that are made from the code are what the code makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.cli.docs import PAGES, docs

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_makes(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name](), "run `ses-streams docs docs`"


def test_the_command_writes_every_page(tmp_path: Path) -> None:
    docs(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PAGES)
