"""The table: runs of one fault are added up, a broken promise is named, and twins stand apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.faults import summary
from tests.faults.results import BEGIN, END, for_terminal, read_results, rows_of, write_page, write_result


def run(**more: Any) -> dict[str, Any]:
    counts = {"sent": 1000, "seen": 1000, "lost": 0, "duplicated": 1, "wrong": 0, "late": 0}
    said = {"fault": "kill -9", "broker": "kafka", "twin": "", "seed": 7, "seconds": 60, "clean": True}
    return said | counts | {"invariants": {"I1": "held"}} | more


def test_the_latest_three_runs_of_a_fault_are_added_up() -> None:
    runs = [run(seed=seed, lost=seed == 1) for seed in (1, 2, 3, 4)]
    assert rows_of(runs, twin=False) == [
        ["kill -9", "kafka", "2, 3, 4", "3,000", "3,000", "0", "3", "0", "0", "held", "60"]
    ]


def test_a_broken_promise_is_named() -> None:
    broken = run(seed=8, lost=2, clean=False, invariants={"I1": "broken", "I2": "held"})
    assert rows_of([run(), broken], twin=False)[0][-2] == "broken: I1"


def test_brokers_and_twins_stand_apart() -> None:
    runs = [run(), run(broker="embedded"), run(twin="vanilla", lost=5)]
    assert [row[1] for row in rows_of(runs, twin=False)] == ["embedded", "kafka"]
    assert [row[5] for row in rows_of(runs, twin=True)] == ["5"]


def test_what_is_written_down_is_read_again_and_shown(tmp_path: Path) -> None:
    path, page = tmp_path / "var" / "results.ndjson", tmp_path / "faults.md"
    assert read_results(path) == []
    write_result(run(), path)
    write_result(run(twin="vanilla", fault="a handler fails"), path)
    page.write_text(f"head\n{BEGIN}\nold\n{END}\ntail\n", "utf-8")
    write_page(read_results(path), page)
    write_page(read_results(path), page)
    text = page.read_text("utf-8")
    assert text.startswith("head\n")
    assert text.endswith("tail\n")
    assert "old" not in text
    assert "| kill -9 | kafka | 7 | 1,000 |" in text
    assert "a handler fails" in text
    assert "kill -9" in for_terminal(rows_of(read_results(path), twin=False))


def test_the_short_table_adds_up_kinds_of_faults_and_names_stock_faust_last(tmp_path: Path) -> None:
    kills = [run(kind="test_kills", seed=seed) for seed in (1, 2, 3, 4)]
    again = run(kind="test_kills", fault="kill -9 while state is rebuilt", lost=1, wrong=2)
    stock = run(kind="test_vanilla", twin="vanilla", fault="a handler fails", lost=5)
    beside_ours = run(kind="test_kills", twin="vanilla", fault="an agent fails", lost=7)
    calm = run(kind="test_vanilla", twin="vanilla", fault="nothing happens")
    rigged = run(kind="test_kills", twin="keeps state first", lost=500)
    page = tmp_path / "README.md"
    page.write_text(f"head\n{summary.BEGIN}\nold\n{summary.END}\ntail\n", "utf-8")
    summary.write_readme([stock, *kills, again, beside_ours, calm, rigged], page)
    text = page.read_text("utf-8")
    assert text.startswith("head\n")
    assert text.endswith("tail\n")
    lines = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert lines == [
        f"| {summary.KINDS['test_kills']} | 2 | 4 | 4,000 | 1 | 2 | 4 |",
        f"| {summary.STOCK} | 2 | 2 | 2,000 | 12 | 0 | 2 |",
    ]


def test_every_file_of_fault_tests_has_its_line_in_the_short_table() -> None:
    files = {
        path.stem for path in Path(__file__).parent.glob("test_*.py") if ("mark." + "faults") in path.read_text("utf-8")
    }
    assert not files - summary.KINDS.keys() - {"test_vanilla"}
