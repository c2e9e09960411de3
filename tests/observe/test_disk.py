"""The disk of the tables: its room as the system says it, and nothing where there is no such directory."""

from __future__ import annotations

import shutil
from pathlib import Path

from streams.observe.disk import room_of
from streams.observe.metrics import Metrics


def test_the_room_of_a_disk_is_shown(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.look_up(lambda: room_of(tmp_path))
    metrics.look()
    assert metrics.values("ses_disk_size_bytes")[()] == shutil.disk_usage(tmp_path).total
    assert 0 < metrics.values("ses_disk_free_bytes")[()] < metrics.values("ses_disk_size_bytes")[()]


def test_a_directory_that_is_not_there_yet_has_no_room_to_show(tmp_path: Path) -> None:
    assert room_of(tmp_path / "later") == {}
