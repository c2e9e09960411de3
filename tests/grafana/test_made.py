"""The dashboards beside the code are what the code makes, and the code cannot ask for what is not counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.grafana.__main__ import write
from deploy.grafana.board import Board
from deploy.grafana.boards import BOARDS
from deploy.grafana.promql import of
from tests.grafana.reading import FOLDER


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_dashboard_is_what_the_code_makes(board: Board) -> None:
    assert (FOLDER / f"{board.name}.json").read_text(encoding="utf-8") == board.text(), "run `make dashboards`"


def test_all_dashboards_are_written_and_no_other_file_is_there(tmp_path: Path) -> None:
    write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in FOLDER.glob("*.json"))


def test_a_query_follows_the_variables_that_its_metric_has() -> None:
    assert of("ses_loops") == 'ses_loops{job=~"$job"}'
    assert of("ses_outcomes_total", kind="DELIVERED", provider="!other|gmail") == (
        'ses_outcomes_total{job=~"$job", stream=~"$stream", provider=~"$provider", '
        'kind="DELIVERED", provider!~"other|gmail"}'
    )


@pytest.mark.parametrize(("metric", "wanted"), [("ses_lops", {}), ("ses_loops", {"address": "anybody"})])
def test_what_is_not_in_the_catalogue_cannot_be_asked_for(metric: str, wanted: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        of(metric, **wanted)
