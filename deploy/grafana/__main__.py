"""`make dashboards`: writes every dashboard as JSON, beside this file or where it is told to."""

from __future__ import annotations

import argparse
from pathlib import Path

from deploy.grafana.board import DOCS
from deploy.grafana.boards import BOARDS

HERE = Path(__file__).resolve().parent


def write(directory: Path, docs: str = DOCS) -> None:
    """Write one file a board; *docs* is where people read our docs/."""
    for board in BOARDS:
        (directory / f"{board.name}.json").write_text(board.text(docs), encoding="utf-8")


if __name__ == "__main__":
    words = argparse.ArgumentParser(prog="make dashboards", description=__doc__)
    words.add_argument("directory", type=Path, nargs="?", default=HERE)
    words.add_argument("--docs", default=DOCS, help="where people read docs/, for links into the runbook")
    said = words.parse_args()
    write(said.directory, said.docs)
