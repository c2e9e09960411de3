"""The checker sees what is lost, wrong or there again, each thing alone; and of a perfect world it says nothing."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults.topics import Record
from tests.faults.wire import Wire
from tests.inlets.faults.checker import Checker
from tests.inlets.faults.events import Fact, Teller, Told
from tests.inlets.faults.ledger import Ledger

TOLD = 400
BEGAN = 1_790_000_000_000
WIRE = Wire()
Fields = dict[str, Any]


def id_of(told: Told) -> str:
    """Return the feedback id of an event as an intake may have made it."""
    return told.feedback_id or "-".join(map(str, told.fact or ()))


@dataclass
class World:
    """What was published, and what an intake without a fault makes of it."""

    ledger: Ledger = field(default_factory=Ledger)
    events: list[Fields] = field(default_factory=list)
    letters: list[Fields] = field(default_factory=list)
    left: int = 0

    @classmethod
    def of(cls, seed: int) -> World:
        """Return a perfect one."""
        world, teller = cls(), Teller(seed, BEGAN)
        for number in range(TOLD):
            for told in teller.tell():
                world.ledger.enter(told, ("sns", "sqs wrapped") if number % 5 == 0 else ("sns",))
                world.land(told, 2 if number % 5 == 0 else 1)
        return world

    def land(self, told: Told, times: int = 1) -> None:
        """Land it as an intake does."""
        if told.fact is not None:
            named = {**told.fact._asdict(), "occurred_at": told.fact.at, "feedback_id": id_of(told), "raw": told.text}
            del named["at"]
            self.events += [dict(named) for _ in range(times)]
        elif told.reason:
            said = {"topic": "sns:mail", "stage": "INTAKE", "reason": told.reason, "at": BEGAN}
            self.letters += [{**said, "value": told.text.encode()} for _ in range(times)]

    def event(self, kind: str = "OPEN", number: int = 0) -> Fields:
        """Return an event of a kind that came by SNS alone; it may be changed."""
        alone = {fact for fact, due in self.ledger.events.items() if due.roads == ["sns"] and fact.kind == kind}
        facts = [e for e in self.events if Fact(e["message_id"], e["kind"], e["occurred_at"]) in alone]
        return facts[number]

    def judge(self) -> dict[str, int]:
        """Return what the checker finds."""
        checker = Checker(self.ledger, WIRE)
        for at, fields in enumerate(self.events):
            key = fields.get("key", fields["message_id"].encode())
            value = WIRE.encode("feedback", {k: v for k, v in fields.items() if k != "key"})
            checker.feedback(Record("feedback", 0, at, BEGAN, key, value))
        for at, fields in enumerate(self.letters):
            checker.letter(Record("dead-letters", 0, at, BEGAN, None, letter_of(fields)))
        verdict = checker.judge({"queue": self.left})
        found = {word: verdict.total(word) for word in ("lost", "duplicated", "wrong")}
        assert verdict.clean == (not found["lost"] and not found["wrong"])
        return {word: count for word, count in found.items() if count}


def letter_of(fields: Fields) -> bytes:
    return WIRE.encode("dead-letters", {"partition": -1, "offset": -1, "key": None, "detail": "", **fields})


@pytest.fixture(params=[1, 2, 3])
def world(request: pytest.FixtureRequest) -> World:
    made = World.of(request.param)
    assert made.judge() == {}
    return made


def test_there_is_something_of_everything_to_find(world: World) -> None:
    kinds = {fact.kind for fact in world.ledger.events}
    assert len(kinds) == 12, kinds
    assert any(len(due.texts) == 2 for due in world.ledger.events.values()), "told in both formats"
    assert {reason for reason, _ in world.ledger.letters.values()} >= {"NOT_JSON", "NOT_AN_EVENT", "BAD_TIME"}
    assert world.ledger.nothings


def test_an_event_that_is_not_there_is_lost(world: World) -> None:
    world.events.remove(world.event())
    assert world.judge() == {"lost": 1}


def test_an_event_that_is_there_again_is_a_repeat(world: World) -> None:
    world.events.append(world.event())
    assert world.judge() == {"duplicated": 1}


def test_an_event_under_two_ids_is_wrong(world: World) -> None:
    world.events.append({**world.event(), "feedback_id": "another"})
    assert world.judge() == {"wrong": 1, "duplicated": 1}


def test_two_events_under_one_id_are_wrong(world: World) -> None:
    world.event()["feedback_id"] = world.event(number=1)["feedback_id"]
    assert world.judge() == {"wrong": 1}


def test_another_id_than_sess_own_is_wrong(world: World) -> None:
    world.event("BOUNCE")["feedback_id"] = "derived"
    assert world.judge() == {"wrong": 1}


def test_an_event_that_nobody_published_is_wrong(world: World) -> None:
    world.events.append({**world.event(), "message_id": "forged", "feedback_id": "forged"})
    assert world.judge() == {"wrong": 1}


def test_an_event_of_another_kind_or_time_is_lost_and_wrong(world: World) -> None:
    world.event()["kind"] = "CLICK"
    world.event("COMPLAINT")["occurred_at"] += 1
    assert world.judge() == {"lost": 2, "wrong": 2}


def test_a_text_that_is_not_what_ses_said_is_wrong(world: World) -> None:
    world.event()["raw"] += " "
    assert world.judge() == {"wrong": 1}


def test_a_key_that_is_not_the_message_id_is_wrong(world: World) -> None:
    world.event()["key"] = b"elsewhere"
    assert world.judge() == {"wrong": 1}


def test_poison_that_is_not_set_aside_is_lost(world: World) -> None:
    lost = world.letters[0]["value"]
    world.letters = [letter for letter in world.letters if letter["value"] != lost]
    assert world.judge() == {"lost": 1}


def test_poison_that_is_set_aside_again_is_a_repeat(world: World) -> None:
    world.letters.append(world.letters[0])
    assert world.judge() == {"duplicated": 1}


def test_poison_without_its_bytes_is_lost_and_wrong(world: World) -> None:
    [letter] = [one for one in world.letters if b"no JSON" in one["value"]][:1]
    times = world.ledger.letters[letter["value"].decode()][1]
    for one in [one for one in world.letters if one["value"] == letter["value"]]:
        one["value"] = one["value"][:-1]
    assert world.judge() == {"lost": 1, "wrong": times}


def test_poison_that_is_set_aside_for_another_reason_is_wrong(world: World) -> None:
    world.letters[0]["reason"] = "TOO_LARGE"
    assert world.judge() == {"wrong": 1}


def test_poison_is_known_in_the_envelope_in_which_it_came(world: World) -> None:
    letter = next(one for one in world.letters if b"no JSON" in one["value"])
    letter["value"] = json.dumps({"Type": "Notification", "Message": letter["value"].decode()}).encode()
    assert world.judge() == {}


def test_an_event_among_the_dead_letters_is_wrong(world: World) -> None:
    said = {"topic": "sns:mail", "stage": "INTAKE", "reason": "NOT_JSON", "at": BEGAN}
    world.letters.append({**said, "value": world.event()["raw"].encode()})
    assert world.judge() == {"wrong": 1}


def test_a_message_that_is_left_in_a_queue_is_wrong(world: World) -> None:
    world.left = 1
    assert world.judge() == {"wrong": 1}


def test_of_what_was_not_acknowledged_nothing_is_concluded(world: World) -> None:
    teller = Teller(99, BEGAN)
    for number in range(200):
        for told in teller.tell():
            world.ledger.doubt(told)
            if number % 2:
                world.land(told)
    assert world.judge() == {}


def test_a_record_that_cannot_be_read_is_wrong(world: World) -> None:
    checker = Checker(Ledger(), WIRE)
    head = WIRE.encode("feedback", {"message_id": "m", "kind": "OPEN", "occurred_at": 1})[:5]
    for value in (None, b"", head, head + b"\x10torn", b"{}"):
        checker.feedback(Record("feedback", 0, 0, BEGAN, b"k", value))
        checker.letter(Record("dead-letters", 0, 0, BEGAN, None, value))
    assert checker.judge({}).wrong == 10


def test_those_who_judge_share_no_line_with_the_product() -> None:
    judges = {f"tests.inlets.faults.{name}" for name in ("checker", "events", "ledger")}
    there = {f"tests.faults.{name}" for name in ("topics", "verdict", "wire")}  # which have a test of their own
    for name in judges:
        tree = ast.parse((Path(__file__).parent / f"{name.rpartition('.')[2]}.py").read_text("utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not {one for one in imported if one.partition(".")[0] == "streams"}, name
        assert {one for one in imported if one.partition(".")[0] == "tests"} <= judges | there, name
