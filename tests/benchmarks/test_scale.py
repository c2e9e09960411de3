"""docs/scale.md says what the sums make of the committed results, and the sums are right where the answer is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.balance import EVENTS, simulated
from benchmarks.scale import BEGIN, END, PAGE, main, written
from benchmarks.scale_inputs import Missing, latest_by_size, read
from benchmarks.scale_page import block
from benchmarks.scale_sums import BACK_WITHIN_MIN, REPLICATION, Sums


def test_the_page_says_what_the_committed_results_make() -> None:
    page = PAGE.read_text("utf-8")
    assert page == written(page, block(Sums(read()))), 'make bench ARGS="scale" writes the page'
    assert main(["--check"]) == 0


def test_what_stands_around_the_figures_stays() -> None:
    page = written(f"before\n{BEGIN}\nold\n{END}\nafter", "new")
    assert page == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter"
    assert written(page, "new") == page
    with pytest.raises(ValueError, match="no"):
        written("a page without marks", "new")


def test_without_results_there_are_no_sums(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="growth"):
        read(tmp_path)


def test_of_each_size_the_latest_run_counts() -> None:
    rows = [{"open": 2, "at": 1}, {"open": 1, "at": 2}, {"open": 2, "at": 3}]
    assert latest_by_size(rows) == [{"open": 1, "at": 2}, {"open": 2, "at": 3}]


def test_the_race_says_what_an_event_costs_where_it_was_run(tmp_path: Path) -> None:
    _results(tmp_path)
    assert read(tmp_path).cpu_us == 20.0
    runs: list[tuple[str, str, float, list[str]]]
    runs = [("b", "ours", 1.0, []), ("b", "ours", 3.0, []), ("b", "ours", 2.0, []), ("a", "ours", 9.0, [])]
    runs += [("b", "quix", 9.0, []), ("b", "ours", 9.0, ["lost"])]
    lines = [
        {"race": race, "contestant": name, "cpu_s": cpu, "events": 100_000, "wrong": wrong, "at": "", "commit": "c"}
        for race, name, cpu, wrong in runs
    ]
    (tmp_path / "join.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    inputs = read(tmp_path)
    assert inputs.cpu_us == pytest.approx(20.0)
    assert "`join`, median of 3" in inputs.cpu_from


def test_latency_is_shown_at_half_load_where_it_was_measured(tmp_path: Path) -> None:
    _results(tmp_path)
    assert "not measured yet" in block(Sums(read(tmp_path)))
    runs = [(0.25, 1), (0.5, 2), (0.8, 3)]
    lines = [
        {"load": load, "events_per_s": 9_000.0, "p50_ms": p50, "p99_ms": 77, "at": "2026-12-01", "commit": "c"}
        for load, p50 in runs
    ]
    (tmp_path / "latency.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "9,000 events a second): 2 ms" in block(Sums(read(tmp_path)))


def test_ten_million_open_sends_are_the_reference_where_they_were_measured(tmp_path: Path) -> None:
    _results(tmp_path, sizes=(1_000_000, 10_000_000, 50_000_000))
    assert read(tmp_path).reference["open"] == 10_000_000
    _results(tmp_path, sizes=(1_000_000, 2_000_000))
    assert read(tmp_path).reference["open"] == 2_000_000


def test_a_sum_by_hand(tmp_path: Path) -> None:
    _results(tmp_path)
    sums = Sums(read(tmp_path))
    assert sums.mean == pytest.approx(11_574.07, abs=0.01)
    assert sums.cores_mean == pytest.approx(11_574.07 * EVENTS * 20e-6, rel=1e-6)
    assert sums.answered == 2 * 350 - 300
    assert sums.life_on_disk == pytest.approx(2_000e6 / 10_000_000 * 400 / 300)
    assert sums.packed() == pytest.approx(1 * 60 + 1.2 * 70 + 1.25 * 150 + 2 * 80 + 1 * 30)
    fortnight = sums.pods[0]
    assert fortnight.days == 14
    assert fortnight.by_recovery == -(-14_000_000_000 // (250_000 * BACK_WITHIN_MIN * 60))
    assert fortnight.pods == max(fortnight.by_processor, fortnight.by_disk, fortnight.by_recovery)
    assert fortnight.partitions % 12 == 0
    assert fortnight.partitions >= 4 * fortnight.pods
    daily = 14 * 60 + 14 * 1.2 * 70 + 30 * 1.25 * 150
    assert sums.log_disk(14) == pytest.approx(REPLICATION * 1e9 * (daily + 14 * 80 / 0.8))


def test_fewer_days_take_less_of_everything(tmp_path: Path) -> None:
    _results(tmp_path)
    sums = Sums(read(tmp_path))
    for name in ("lives", "disk", "by_disk", "by_recovery", "pods", "partitions"):
        values = [getattr(one, name) for one in sums.pods]
        assert values == sorted(values, reverse=True), name


def test_the_hottest_recipient_may_have_less_where_each_lane_has_less_left(tmp_path: Path) -> None:
    _results(tmp_path, cpu_us=100.0)
    sums = Sums(read(tmp_path))
    assert 0 < sums.hottest(48) < sums.hottest(768) < 1


def _results(path: Path, sizes: tuple[int, ...] = (10_000_000,), cpu_us: float = 20.0) -> None:
    """Write results with figures that are easy to reckon with."""
    rows = [_growth(size, cpu_us) for size in sizes]
    (path / "growth.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    balance = path / "balance.ndjson"
    if not balance.exists():
        balance.write_text(json.dumps({**simulated(1, 7, head=100, ids=1_000), "at": "", "commit": "c"}) + "\n")


def _growth(opened: int, cpu_us: float) -> dict[str, Any]:
    topic = {"records_a_batch": 30.0}
    return {
        "at": "2026-11-28T00:00:00+00:00",
        "commit": "c",
        "cores": 2,
        "cpu": "a processor",
        "open": opened,
        "partitions": 4,
        "bytes_a_life": 300.0,
        "recovery": {"records_per_s": 250_000, "ready_s": 40.0, "disk_mb": 2_000.0, "peak_mb": 600},
        "backlog": {"events_per_s": 50_000, "cpu_us_an_event": cpu_us},
        "steady": {
            "rate": 4_000,
            "cpu_share": 0.4,
            "cpu_us_an_event": 100.0,
            "memory_mb": {"middle": 500.0, "peak": 600},
            "slope_mb_a_minute": 0.1,
            "slope_error": 0.1,
            "series": 500,
            "topics": {
                "sends": {**topic, "a_mail": 1.0, "raw_bytes": 290.0, "packed_bytes": 60.0},
                "feedback": {**topic, "a_mail": 1.2, "raw_bytes": 400.0, "packed_bytes": 70.0},
                "outcomes": {**topic, "a_mail": 1.25, "raw_bytes": 770.0, "packed_bytes": 150.0},
                "lives_changelog": {**topic, "a_mail": 2.0, "raw_bytes": 350.0, "packed_bytes": 80.0},
                "standings_changelog": {**topic, "a_mail": 1.0, "raw_bytes": 90.0, "packed_bytes": 30.0},
            },
        },
        "rebalance": {"joins": {"ready_s": 9.0}, "leaves": {"ready_s": 2.0}},
    }
