"""The race's arithmetic: what is due and what came, medians and ratios within a round, the table and the picture."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from benchmarks.join import race
from benchmarks.join.due import Came, Due, zigzag
from benchmarks.join.field import Course, Run
from benchmarks.join.figures import figures, last_race, split, table
from benchmarks.join.peer import Peer, environment
from benchmarks.join.plot import across, draw
from benchmarks.join.ran import Failed
from benchmarks.join.roster import ENTRIES
from benchmarks.join.workload import Workload
from streams.schemas.codec import load_codec

SVG = "{http://www.w3.org/2000/svg}"


def _line(contestant: str, number: int, cpu_s: float, **more: Any) -> dict[str, Any]:
    return {
        "race": "2026-01-02",
        "round": number,
        "contestant": contestant,
        "title": contestant.title(),
        "events": 1_000_000,
        "seconds": 2 * cpu_s,
        "cpu_s": cpu_s,
        "peak_mb": 100.0,
        "broker_cpu_s": 1.0,
        "wrong": [],
        **more,
    }


def _due(messages: int) -> Due:
    due = Due()
    for role, _, record in Workload(messages=messages).records():
        due.saw(role, record)
    return due


def _came(messages: int, *, twice: bool = False) -> Came:
    """Return what a contestant writes that does all as it must be."""
    codec, found = load_codec(), Came()
    kinds = {"DELIVERY": "DELIVERED", "OPEN": "OPENED", "CLICK": "CLICKED", "DELIVERY_DELAY": "DELAYED"}
    kinds |= {"REJECT": "REJECTED", "COMPLAINT": "COMPLAINED"}
    for role, at, record in Workload(messages=messages).records():
        hard = record.get("bounce_type") == "Permanent"
        for one in record["recipients"] if role == "feedback" else ():
            outcome = {
                "kind": kinds.get(record["kind"], "HARD_BOUNCED" if hard else "SOFT_BOUNCED"),
                "occurred_at": at,
                "matched": True,
                "recipient": one["address"],
                "outcome_id": f"{record['feedback_id']}/{one['address']}",
            }
            for _ in range(1 + twice):
                found.outcome(codec.encode("mail.Outcome", outcome))
            if hard or record["kind"] == "COMPLAINT":
                found.suppression(one["address"].encode(), b"one")
    return found


def test_what_is_due_is_what_a_right_contestant_writes() -> None:
    due, found = _due(5_000), _came(5_000)
    assert found.wrongs(due) == []
    assert found.matched == found.outcomes == due.outcomes > 6_000
    assert due.suspected - due.suppressed


def test_an_outcome_that_comes_again_is_wrong() -> None:
    due, found = _due(100), _came(100, twice=True)
    assert found.wrongs(due)[:2] == [
        f"{2 * due.outcomes} outcomes of {due.outcomes}",
        f"{due.outcomes} outcomes came again",
    ]


def test_an_outcome_of_another_kind_is_wrong() -> None:
    found = _came(100)
    found.kinds[1] -= 1
    found.kinds[9] += 1
    assert [said.partition(" ")[0] for said in found.wrongs(_due(100))] == ["kinds"]


def test_a_suppression_that_is_missing_or_too_many_is_wrong() -> None:
    due, found = _due(1_000), _came(1_000)
    found.suppression(next(iter(due.suppressed)), None)
    found.suppression(b"nobody@example.com", b"one")
    assert found.wrongs(due) == [f"of {len(due.suppressed)} suppressed 1 are missing, 1 are too many"]


def test_those_who_are_only_suspected_may_be_there_or_not() -> None:
    due, found = _due(5_000), _came(5_000)
    for one in due.suspected - due.suppressed:
        found.suppression(one, None)
    assert found.wrongs(due) == []


@pytest.mark.parametrize(("value", "number"), [(b"\x00", 0), (b"\x01", -1), (b"\x14", 10), (b"\x80\x01", 64)])
def test_numbers_are_read_as_avro_writes_them(value: bytes, number: int) -> None:
    assert zigzag(value + b"\xff", 0) == (number, len(value))


def test_a_ratio_is_of_one_round_and_the_median_of_all() -> None:
    lines = [
        *(_line("ours", number, cpu) for number, cpu in enumerate((10.0, 20.0, 10.0), 1)),
        *(_line("faust", number, cpu, events=100_000) for number, cpu in enumerate((30.0, 40.0, 5.0), 1)),
    ]
    rows = figures(lines)
    assert [one.contestant for one in rows] == ["ours", "faust"]
    assert [one.ratio for one in rows] == [1.0, 20.0]
    assert [one.cpu_us for one in rows] == pytest.approx([10.0, 300.0])
    assert [one.per_cpu_second for one in rows] == pytest.approx([100_000.0, 100_000 / 30])


def test_a_wrong_run_counts_in_no_figure() -> None:
    lines = [_line("ours", 1, 10.0), _line("plain", 1, 30.0), _line("ours", 2, 1.0, wrong=["7 outcomes of 8"])]
    lines += [_line("plain", 2, 40.0), {"contestant": "quix", "title": "", "round": 1, "wrong": ["ended with 1"]}]
    rows = {one.contestant: one for one in figures(lines)}
    assert rows.keys() == {"ours", "plain"}
    assert (rows["ours"].runs, rows["plain"].runs, rows["plain"].ratio) == (1, 2, 3.0)


def test_without_ours_there_is_no_ratio() -> None:
    assert [one.ratio for one in figures([_line("plain", 1, 30.0)])] == [None]


def test_the_last_race_is_the_one_that_began_last() -> None:
    lines = [_line("ours", 1, 1.0, race="2026-01-02"), _line("ours", 1, 2.0, race="2026-01-01")]
    assert last_race(lines) == lines[:1]
    assert last_race([]) == []


def test_the_table_has_a_line_for_each_contestant() -> None:
    lines = [_line("ours", 1, 10.0), _line("faust", 1, 300.0, outcomes=1000, matched=970)]
    said = table(figures(lines)).splitlines()
    assert len(said) == 4
    assert len({len(line) for line in said}) == 1
    assert [cell.strip() for cell in said[3].split("|")[1:-1]] == [
        *("Faust", "1,667", "3,333", "300.0", "100", "1.0", "30.0 x", "3.0%", "1,000,000", "1")
    ]


def test_the_split_is_for_one_event_and_the_largest_comes_first() -> None:
    said = split(_line("ours", 1, 10.0, steps={"a/decode": 2.0, "a/decide": 3.0})).splitlines()
    assert [line.split() for line in said[1:3]] == [["a/decide", "3.00"], ["a/decode", "2.00"]]
    assert said[3].endswith("10.00")


def test_the_picture_has_a_bar_for_each_on_a_logarithmic_axis() -> None:
    root = ET.fromstring(draw(figures([_line("ours", 1, 10.0), _line("faust", 1, 300.0)]), "<here>"))  # noqa: S314 - ours
    bars = [float(one.get("width", "0")) for one in root.iter(f"{SVG}rect")][1:]
    assert bars == pytest.approx([across(100_000, 1_000, 100_000) - 210, across(1e6 / 300, 1_000, 100_000) - 210])
    assert across(1e4, 1e3, 1e5) - across(1e3, 1e3, 1e5) == pytest.approx(across(1e5, 1e3, 1e5) - across(1e4, 1e3, 1e5))


def test_nobody_who_does_not_exist_runs() -> None:
    with pytest.raises(SystemExit):
        race.main(["--only", "ours,nobody"])


def test_the_picture_is_drawn_again_from_the_history(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    line = _line("ours", 1, 10.0, cpu="a processor", cores=2, commit="abc")
    (tmp_path / "join.ndjson").write_text(json.dumps(line) + "\n")
    monkeypatch.setattr(race, "RESULTS", tmp_path / "join.ndjson")
    monkeypatch.setattr(race, "PICTURE", tmp_path / "images" / "join.svg")
    assert race.main(["--plot"]) == 0
    assert "a processor, 2 cores, 2026-01-02, abc" in (tmp_path / "images" / "join.svg").read_text()


@pytest.fixture
def told(tmp_path: Path) -> Run:
    """Give what a peer is told."""
    home = tmp_path / "bench-peer-1"
    home.mkdir()
    course = Course(prefix="small.", workload=Workload(messages=10), due=Due())
    return Run(brokers="127.0.0.1:1", broker_pid=1, course=course, group="bench-peer-1", home=home)


def _peer(program: str) -> Peer:
    return Peer(command=lambda: [sys.executable, "-c", program], variables=dict, absent=str)


def test_a_peer_is_timed_between_its_two_words(told: Run) -> None:
    work = "import time\nuntil = time.process_time() + 0.2\nwhile time.process_time() < until: pass\n"
    ran = _peer(f"{work}print('begun', flush=True)\n{work}print('done', flush=True)\n{work}").run(told)
    assert ran.cpu_s >= 0.15
    assert ran.life_cpu_s >= 0.55
    assert ran.cpu_s <= ran.life_cpu_s - 0.3
    assert ran.peak_mb > 1


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("raise SystemExit('no broker')", "no broker"),
        ("print('hello')", "hello"),
        ("print('begun')\nprint('done', flush=True)\nraise SystemExit(3)", "ended with 3"),
    ],
)
def test_a_peer_that_fails_says_why(told: Run, program: str, why: str) -> None:
    with pytest.raises(Failed, match=why):
        _peer(program).run(told)


def test_a_peer_is_told_all_that_its_contract_names(told: Run) -> None:
    contract = (Path(race.__file__).parent / "peers" / "README.md").read_text()
    said = {name for name in environment(told) if name.startswith("BENCH_")}
    assert {name for name in said if f"`{name}`" not in contract} == set()
    assert len(said) == 10


def test_every_entry_has_a_title_of_its_own() -> None:
    assert len({entry.title for entry in ENTRIES.values()}) == len(ENTRIES)
