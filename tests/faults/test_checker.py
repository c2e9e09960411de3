"""The checker can see: whatever is taken from perfect evidence, added to it or altered in it, is found and named."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.checker import Terms, judge
from tests.faults.evidence import Evidence
from tests.faults.ledger import Ledger
from tests.faults.perfect import PARK, ROLES, Perfect
from tests.faults.plots import PLOTS
from tests.faults.tables import Changelogs, Table, judge_tables
from tests.faults.teller import Teller
from tests.faults.topics import Record
from tests.faults.verdict import Verdict
from tests.faults.wire import Wire

STORIES = 200
WORDS = ("lost", "duplicated", "wrong", "late")
TERMS = Terms(park=PARK)


@pytest.fixture(scope="module")
def wire() -> Wire:
    return Wire()


@pytest.fixture
def ledger(wire: Wire, tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite")
    teller = Teller(2, wire, 1_795_000_000_000)
    for _ in range(STORIES):
        story = teller.tell()
        story.published_at = 1_795_000_000_000
        made.enter(story)
    yield made
    made.close()


@pytest.fixture
def world(ledger: Ledger, wire: Wire) -> Perfect:
    return Perfect(ledger, wire)


def verdict_on(ledger: Ledger, world: Perfect) -> Verdict:
    evidence = Evidence(Wire(), {role: role for role in ROLES})
    for record in world.records:
        evidence.take(record)
    return judge(ledger, evidence, TERMS)


def counts(verdict: Verdict) -> dict[str, int]:
    return {word: verdict.total(word) for word in WORDS if verdict.total(word)}


def outcome(world: Perfect, kind: str) -> Record:
    return next(record for record in world.of("outcomes") if world.decoded(record)["kind"] == kind)


def test_all_plots_are_told(wire: Wire) -> None:
    teller = Teller(7, wire, 1)
    assert {teller.tell().name for _ in range(3_000)} == {plot.__name__ for plot, _ in PLOTS}


def test_the_same_seed_tells_the_same_stories(wire: Wire) -> None:
    one, other = Teller(7, wire, 1), Teller(7, wire, 1)
    assert [one.tell() for _ in range(200)] == [other.tell() for _ in range(200)]
    assert Teller(8, wire, 1).tell() != Teller(7, wire, 1).tell()


def test_nothing_is_found_in_perfect_evidence(ledger: Ledger, world: Perfect) -> None:
    verdict = verdict_on(ledger, world)
    assert verdict.clean
    assert verdict.findings == []
    assert {kind: count.sent == count.seen > 0 for kind, count in verdict.kinds.items()} == {
        "outcomes": True,
        "suppressions": True,
        "dead letters": True,
        "retries": True,
    }


@pytest.mark.parametrize(
    ("role", "invariants"),
    [("outcomes", {"I1", "I2"}), ("suppressions", {"I3"}), ("dead-letters", {"I2"}), ("retries", {"I4"})],
)
def test_each_record_that_is_missing_is_lost(ledger: Ledger, world: Perfect, role: str, invariants: set[str]) -> None:
    for record in world.of(role)[:6]:
        if role == "suppressions" and record.value is None:
            continue
        one = Perfect(ledger, Wire())
        one.spoil(next(same for same in one.of(role) if (same.key, same.value) == (record.key, record.value)))
        verdict = verdict_on(ledger, one)
        assert counts(verdict) == {"lost": 1}
        assert {name for name, state in verdict.invariants.items() if state == "broken"} <= invariants
        assert not verdict.clean


def test_an_outcome_of_another_kind_is_wrong(ledger: Ledger, world: Perfect) -> None:
    record = outcome(world, "DELIVERED")
    world.spoil(record, world.altered(record, kind="DELAYED"))
    assert counts(verdict_on(ledger, world)) == {"wrong": 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"certain": False},
        {"reason": "Permanent/General"},
        {"occurred_at": 1},
        {"message_id": "another"},
        {"outcome_id": ""},
    ],
)
def test_an_outcome_that_says_something_else_is_wrong(
    ledger: Ledger, world: Perfect, fields: dict[str, object]
) -> None:
    record = outcome(world, "DELIVERED")
    world.spoil(record, world.altered(record, **fields))
    assert counts(verdict_on(ledger, world)) == {"wrong": 1}


@pytest.mark.parametrize("part", ["send", "feedback"])
def test_an_outcome_that_embeds_altered_bytes_is_wrong(ledger: Ledger, world: Perfect, part: str) -> None:
    record = outcome(world, "HARD_BOUNCED")
    name = "stream" if part == "send" else "raw"
    altered = world.decoded(record)[part] | {name: "something else"}
    world.spoil(record, world.altered(record, **{part: altered}))
    assert counts(verdict_on(ledger, world)) == {"wrong": 1}


def test_an_outcome_under_another_key_is_wrong(ledger: Ledger, world: Perfect) -> None:
    record = outcome(world, "DELIVERED")
    world.spoil(record, replace(record, key=b"somebody else"))
    assert counts(verdict_on(ledger, world)) == {"wrong": 1}


def test_an_outcome_that_nobody_gave_cause_for_is_wrong(ledger: Ledger, world: Perfect) -> None:
    record = outcome(world, "DELIVERED")
    event = world.decoded(record)["feedback"] | {"feedback_id": "nobody's"}
    world.records.append(world.altered(record, feedback=event))
    assert counts(verdict_on(ledger, world)) == {"wrong": 1}


def test_an_outcome_that_is_repeated_is_a_duplicate_and_no_fault(ledger: Ledger, world: Perfect) -> None:
    record = outcome(world, "DELIVERED")
    world.spoil(record, record, record, record)
    verdict = verdict_on(ledger, world)
    assert counts(verdict) == {"duplicated": 2}
    assert verdict.clean


@pytest.mark.parametrize("fields", [{"outcome_id": "another"}, {"status": "5.0.0"}])
def test_a_repeat_that_means_something_else_is_wrong(ledger: Ledger, world: Perfect, fields: dict[str, object]) -> None:
    record = outcome(world, "DELIVERED")
    world.spoil(record, record, world.altered(record, **fields))
    verdict = verdict_on(ledger, world)
    assert verdict.wrong
    assert not verdict.clean


def test_an_outcome_is_unmatched_only_after_the_time_that_was_agreed(ledger: Ledger, world: Perfect) -> None:
    record = outcome(world, "CLICKED")
    alone = world.altered(record, matched=False, send=None)
    world.spoil(record, replace(alone, at=record.at + PARK - 1))
    assert counts(verdict_on(ledger, world)) == {"wrong": 1}
    world.spoil(
        world.records[world.records.index(replace(alone, at=record.at + PARK - 1))], replace(alone, at=record.at + PARK)
    )
    assert counts(verdict_on(ledger, world)) == {"late": 1}


def test_a_suppression_too_many_is_wrong(ledger: Ledger, world: Perfect) -> None:
    said = {"recipient": "nobody@example.com", "reason": "HARD_BOUNCE", "since": 1}
    world.add("suppressions", b"nobody@example.com", said)
    assert counts(verdict_on(ledger, world)) == {"wrong": 1}
    world.add("suppressions", b"nobody@example.com", None)
    assert counts(verdict_on(ledger, world)) == {"wrong": 1}, "it was lifted, but should never have been"


@pytest.mark.parametrize("fields", [{"reason": "SOFT_BOUNCES"}, {"scope": "news"}, {"evidence": []}])
def test_a_suppression_that_says_something_else_is_wrong(
    ledger: Ledger, world: Perfect, fields: dict[str, object]
) -> None:
    record = next(r for r in world.of("suppressions") if r.value and world.decoded(r)["reason"] == "HARD_BOUNCE")
    world.spoil(record, world.altered(record, **fields))
    assert counts(verdict_on(ledger, world)) == {"wrong": 1}


def test_a_suppression_that_was_never_lifted_is_wrong(ledger: Ledger, world: Perfect) -> None:
    record = next(record for record in world.of("suppressions") if record.value is None)
    key = record.key or b""
    world.add("suppressions", key, {"recipient": key.decode(), "reason": "COMPLAINT", "since": 1})
    assert counts(verdict_on(ledger, world)) == {"wrong": 1}


def test_a_suppression_that_is_lifted_again_is_lost(ledger: Ledger, world: Perfect) -> None:
    record = next(record for record in world.of("suppressions") if record.value is not None)
    world.add("suppressions", record.key or b"", None)
    assert counts(verdict_on(ledger, world)) == {"lost": 1}


def test_a_dead_letter_with_one_byte_altered_is_lost_and_wrong(ledger: Ledger, world: Perfect) -> None:
    record = next(record for record in world.of("dead-letters") if world.decoded(record)["value"])
    value = world.decoded(record)["value"]
    world.spoil(record, world.altered(record, value=value[:-1] + bytes([value[-1] ^ 1])))
    assert counts(verdict_on(ledger, world)) == {"lost": 1, "wrong": 1}


def test_a_retry_too_many_is_wrong(ledger: Ledger, world: Perfect) -> None:
    record = world.of("retries")[0]
    world.records.append(world.altered(record, attempt=3))
    assert counts(verdict_on(ledger, world)) == {"wrong": 1}
    world.records.append(record)
    assert counts(verdict_on(ledger, world)) == {"wrong": 1, "duplicated": 1}


def test_a_retry_to_somebody_who_is_suppressed_is_wrong(ledger: Ledger, world: Perfect) -> None:
    person = world.decoded(world.of("retries")[0])["recipient"]
    world.add("suppressions", person.encode(), {"recipient": person, "reason": "MANUAL", "since": 1})
    verdict = verdict_on(ledger, world)
    assert {one.invariant for one in verdict.findings} == {"I3", "I4"}


def test_what_cannot_be_read_is_wrong(ledger: Ledger, world: Perfect) -> None:
    record = outcome(world, "DELIVERED")
    world.spoil(record, record, replace(record, value=(record.value or b"")[:-3]))
    assert counts(verdict_on(ledger, world)) == {"wrong": 1}


def test_nothing_is_concluded_from_what_is_in_doubt(wire: Wire, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "doubts.sqlite")
    sure = Ledger(tmp_path / "sure.sqlite")
    teller = Teller(3, wire, 1)
    for story in (teller.tell() for _ in range(100)):
        if not story.letters:
            sure.enter(story)
            ledger.doubt(story)
    assert verdict_on(ledger, Perfect(sure, wire)).findings == []
    assert verdict_on(ledger, Perfect(ledger, wire)).findings == []


def test_a_sample_names_no_address(ledger: Ledger, world: Perfect) -> None:
    world.records = []
    words = verdict_on(ledger, world).words()
    assert "lost (I1" in words
    assert "@" not in words


class TestTables:
    """A table must be its changelog, folded up to the position that it names."""

    def changelogs(self) -> Changelogs:
        made = Changelogs({"log": "lives"})
        for offset, (key, value) in enumerate([(b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"b", None), (b"c", b"1")]):
            made.take(Record("log", 0, offset, 0, key, value))
        return made

    def counts(self, position: int, values: dict[bytes, bytes]) -> dict[str, int]:
        verdict, changelogs = Verdict(), self.changelogs()
        judge_tables([Table("one", "lives", 0, position, values)], changelogs, verdict)
        changelogs.judge_ends(verdict)
        return counts(verdict)

    def test_one_that_is_right_is_right(self) -> None:
        assert self.counts(5, {b"a": b"2", b"c": b"1"}) == {}

    def test_one_that_is_behind_must_be_right_as_far_as_it_goes(self) -> None:
        assert self.counts(2, {b"a": b"1", b"b": b"1"}) == {"lost": 1}, "and then nobody has come to the end"
        assert self.counts(2, {b"a": b"2", b"b": b"1"}) == {"lost": 1, "wrong": 1}

    @pytest.mark.parametrize(
        ("values", "found"),
        [
            ({b"a": b"2"}, {"lost": 1}),
            ({b"a": b"1", b"c": b"1"}, {"wrong": 1}),
            ({b"a": b"2", b"c": b"1", b"b": b"1"}, {"wrong": 1}),
        ],
    )
    def test_one_that_differs_is_found_out(self, values: dict[bytes, bytes], found: dict[str, int]) -> None:
        assert self.counts(5, values) == found

    def test_one_that_is_ahead_is_wrong(self) -> None:
        assert self.counts(6, {b"a": b"2", b"c": b"1"}) == {"wrong": 1, "lost": 1}


def test_those_who_judge_share_no_line_with_the_product() -> None:
    here = Path(__file__).parent
    judges = ["checker", "evidence", "generator", "ledger", "perfect", "plot", "plots", "requests", "stories"]
    judges += ["tables", "teller", "topics", "verdict", "wire"]
    for name in judges:
        tree = ast.parse((here / f"{name}.py").read_text("utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        ours = {f"tests.faults.{one}" for one in judges}
        assert not {one for one in imported if one.partition(".")[0] == "streams"}, name
        assert {one for one in imported if one.partition(".")[0] == "tests"} <= ours, name
