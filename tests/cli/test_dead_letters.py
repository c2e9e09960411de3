"""`ses-streams dead-letters`: what could not be used is shown without addresses, and goes back byte for byte."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.cli.deadletters_choice import Found, Place, newest
from streams.cli.deadletters_today import Fate, Today
from streams.emit.publish import LARGEST, Publisher
from streams.emit.topic import Topic
from streams.errors import SchemaUnknown
from streams.hops.by_message import ByMessage
from streams.mail.deadletter import DeadReason
from streams.topics import topic_name
from tests.builders import CODEC, HOUR, NOON, POLICY, Bench, event, outcome, send
from tests.cli.conftest import Run, World
from tests.test_dead_reasons import EVENT

ANN = "ann@example.com"
TORN = CODEC.encode("mail.Send", send())[:-3]
GOOD = CODEC.encode("mail.Feedback", event("DELIVERY"))
BINARY = bytes(reversed(range(256))) + b"\x1b[31mred"


def set_aside(world: World, *letters: dict[str, Any]) -> None:
    """Put letters on their topic, each a minute after the one before."""
    with Publisher(world.settings.brokers, idempotent=False) as publisher:
        for number, fields in enumerate(letters):
            letter: dict[str, Any] = {"stage": "BY_MESSAGE", "partition": 1, "offset": 70 + number} | fields
            letter["topic"] = fields.get("topic", "feedback")
            if ":" not in letter["topic"]:
                letter["topic"] = world.settings.topic_prefix + letter["topic"]
            letter.setdefault("at", NOON + number * 60_000)
            letter.setdefault("reason", "NOT_AVRO")
            key = letter.get("key") or b""
            value = CODEC.encode("mail.DeadLetter", letter)
            publisher.publish(topic_name(world.settings.topic_prefix, "dead-letters"), key, value)


def places(run: Run, *words: str) -> list[str]:
    """Return the places of the letters that a list shows."""
    return [json.loads(line)["place"] for line in run("dead-letters", "list", "--json", *words).out.splitlines()]


def on(world: World, role: str) -> list[tuple[bytes | None, bytes | None]]:
    """Return keys and values of a topic, as they lie there."""
    with Topic(world.settings, role) as topic:
        return [(row.key, row.value) for row in topic.to_the_end()]


@pytest.fixture
def letters(world: World) -> World:
    """Give a world with five letters, of several stages and reasons, one of them of intake."""
    set_aside(
        world,
        {"key": ANN.encode(), "value": BINARY, "stage": "BY_RECIPIENT", "topic": "outcomes", "reason": "BAD_MAGIC"},
        {"key": b"m-1", "value": TORN, "topic": "sends", "detail": f"about {ANN}"},
        {"key": b"m-1", "value": GOOD, "reason": "UNKNOWN_SCHEMA"},
        {"key": None, "value": None, "reason": "NO_VALUE"},
        {
            "value": b"{",
            "topic": "file:day.json",
            "partition": -1,
            "offset": 3,
            "stage": "INTAKE",
            "reason": "NOT_JSON",
        },
    )
    return world


def test_a_list_shows_the_newest_first_and_no_address(letters: World, run: Run) -> None:
    ran = run("dead-letters", "list")
    rows = ran.out.splitlines()
    prefix = letters.settings.topic_prefix
    assert ran.code == 0
    assert rows[0].split()[:3] == ["place", "given", "up"]
    assert [re.findall(r"[A-Z]+_[A-Z_]+|INTAKE", row) for row in rows[1:]] == [
        ["INTAKE", "NOT_JSON"],
        ["BY_MESSAGE", "NO_VALUE"],
        ["BY_MESSAGE", "UNKNOWN_SCHEMA"],
        ["BY_MESSAGE", "NOT_AVRO"],
        ["BY_RECIPIENT", "BAD_MAGIC"],
    ]
    assert "file:day.json:3" in rows[1]
    assert f"{prefix}outcomes/1/70" in rows[5]
    assert "ann" not in ran.out
    assert re.search(r"<[0-9a-f]{10} at example\.com>", rows[5])
    assert ANN in run("dead-letters", "list", "--show-keys").out


def test_the_same_key_has_the_same_fingerprint_and_is_not_to_be_read(letters: World, run: Run) -> None:
    rows = run("dead-letters", "list").out.splitlines()
    marks = [re.findall(r"<([0-9a-f]{10})>", row) for row in rows[3:5]]
    assert marks[0] == marks[1] != []
    assert "m-1" not in "".join(rows)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], 5),
        (["--limit", "2"], 2),
        (["--limit", "0"], 5),
        (["--stage", "by_recipient"], 1),
        (["--reason", "not-avro"], 1),
        (["--topic", "feedback"], 2),
        (["--topic", "file:"], 1),
        (["--topic", "file:other"], 0),
        (["--since", "2026-09-21T14:14:20Z"], 4),
        (["--since", "2001-01-01", "--stage", "INTAKE"], 1),
        (["--since", "1h"], 0),
        (["--topic", "sends", "--reason", "BAD_MAGIC"], 0),
    ],
    ids=lambda asked: " ".join(asked) if isinstance(asked, list) else "",
)
def test_a_list_narrows_to_what_is_asked_for(words: list[str], expected: int, letters: World, run: Run) -> None:
    assert len(places(run, *words)) == expected


def test_json_has_the_whole_letter_byte_for_byte_and_its_place(letters: World, run: Run) -> None:
    (line,) = run("dead-letters", "list", "--stage", "BY_RECIPIENT", "--json").out.splitlines()
    said = json.loads(line)
    assert b64decode(said["mail.DeadLetter"]["value"]) == BINARY
    assert b64decode(said["mail.DeadLetter"]["key"]) == ANN.encode()
    shown = json.loads(run("dead-letters", "show", said["place"], "--json").out)
    assert shown["mail.DeadLetter"] == said["mail.DeadLetter"]
    assert shown["place"] == said["place"]
    assert "BAD_MAGIC" in shown["today"]


def test_nothing_there_is_said(world: World, run: Run) -> None:
    assert run("dead-letters", "list") == (0, "", "there are no dead letters\n")
    assert run("dead-letters", "list", "--since", "2h").err == "there are no dead letters of what you asked for\n"
    assert run("dead-letters", "replay") == (1, "", "there is no dead letter of what you asked for\n")
    assert run("dead-letters", "show", "0/7") == (1, "", "there is no dead letter at 0/7\n")
    assert run("dead-letters", "show", "77/0").code == 1


def test_show_prints_bytes_as_hexadecimal_and_nothing_that_a_terminal_obeys(letters: World, run: Run) -> None:
    (place,) = places(run, "--reason", "BAD_MAGIC")
    ran = run("dead-letters", "show", place)
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert ran.out.isascii()
    assert "value     264 bytes\n" in ran.out
    dumped = re.findall(r"^  [0-9a-f]{8}  ((?:[0-9a-f]{2} )+) ", ran.out.split("value  ")[1], re.MULTILINE)
    assert bytes.fromhex("".join(dumped)) == BINARY
    assert "  1b 5b 33 31 6d 72 65 64" in ran.out
    assert ".[31mred" in ran.out
    assert "value     264 bytes, the first 16:" in run("dead-letters", "show", place, "--bytes", "16").out


def test_show_says_whether_a_worker_could_use_it_today_and_how_to_write_it_back(letters: World, run: Run) -> None:
    told = {
        reason: run("dead-letters", "show", *places(run, "--reason", reason)).out
        for reason in ("UNKNOWN_SCHEMA", "NOT_AVRO", "NO_VALUE")
    }
    assert "today     a worker could use it today\n" in told["UNKNOWN_SCHEMA"]
    assert re.search(r"^back      ses-streams dead-letters replay \d/\d --yes$", told["UNKNOWN_SCHEMA"], re.MULTILINE)
    assert "today     it could not be used today either (NOT_AVRO): mail.Send" in told["NOT_AVRO"]
    assert "--yes --anyway\n" in told["NOT_AVRO"]
    assert "today     it has no value: there is nothing to write back\n" in told["NO_VALUE"]
    assert "replay" not in told["NO_VALUE"]


def test_a_replay_is_a_dry_run_that_says_what_would_go_where_and_what_not(letters: World, run: Run) -> None:
    ran = run("dead-letters", "replay")
    prefix = letters.settings.topic_prefix
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        f"1 record would be written: 1 to {prefix}feedback",
        "1 letter left out: it could not be used today either (BAD_MAGIC)",
        "1 letter left out: it could not be used today either (NOT_AVRO)",
        "1 letter left out: it could not be used today either (NOT_JSON)",
        "1 letter left out: it has no value: there is nothing to write back",
        "nothing is written: --yes does it",
    ]
    assert on(letters, "feedback") == on(letters, "sends") == on(letters, "outcomes") == []


def test_a_replay_writes_key_and_value_back_byte_for_byte(letters: World, run: Run) -> None:
    ran = run("dead-letters", "replay", "--reason", "UNKNOWN_SCHEMA", "--yes")
    assert (ran.code, ran.err) == (0, f"1 record written: 1 to {letters.settings.topic_prefix}feedback\n")
    assert on(letters, "feedback") == [(b"m-1", GOOD)]
    assert run("dead-letters", "replay", "--topic", "outcomes", "--yes", "--anyway").code == 0
    assert on(letters, "outcomes") == [(ANN.encode(), BINARY)]
    assert on(letters, "sends") == []


def test_a_replay_of_named_places_takes_these_each_once_and_tells_of_what_is_not_there(
    letters: World, run: Run
) -> None:
    (place,) = places(run, "--reason", "UNKNOWN_SCHEMA")
    ran = run("dead-letters", "replay", place, place, "0/999", "--yes", "--json")
    assert ran.code == 1
    assert [json.loads(line) for line in ran.out.splitlines()] == [
        {"place": place, "to": [f"{letters.settings.topic_prefix}feedback"]}
    ]
    assert "there is no dead letter at 0/999\n" in ran.err
    assert on(letters, "feedback") == [(b"m-1", GOOD)]


def test_a_key_that_is_missing_stays_missing_and_no_tombstone_is_ever_written(world: World, run: Run) -> None:
    set_aside(world, {"key": None, "value": GOOD}, {"key": b"m-1", "value": None})
    assert run("dead-letters", "replay", "--yes", "--anyway").code == 1
    assert on(world, "feedback") == [(None, GOOD)]


def test_a_letter_from_elsewhere_is_left_out(world: World, run: Run) -> None:
    set_aside(world, {"value": GOOD, "topic": "suppressions"}, {"value": GOOD, "topic": "x:y", "stage": "BY_MESSAGE"})
    ran = run("dead-letters", "replay", "--yes", "--anyway")
    assert ran.code == 1
    assert "2 letters left out: it comes from a topic that no worker of these settings reads\n" in ran.err
    assert on(world, "suppressions") == []


def test_what_intake_gave_up_goes_through_intake_again_and_on_as_feedback(world: World, run: Run) -> None:
    intake = {"stage": "INTAKE", "partition": -1, "topic": "file:f"}
    line = orjson.dumps({"mail.Send": {"message_id": "m-9", "sent_at": NOON, "recipients": [ANN]}})
    set_aside(
        world,
        intake | {"value": EVENT},
        intake | {"value": orjson.dumps({"Message": EVENT.decode()}), "topic": "sns:"},
        intake | {"value": line, "reason": "WRONG_TYPE"},
        intake | {"value": EVENT[:40], "reason": "TOO_LARGE"},
        intake | {"value": b'"Successfully validated SNS topic for Amazon SES event publishing."'},
    )
    ran = run("dead-letters", "replay", "--yes")
    assert ran.code == 1
    assert f"2 to {world.settings.topic_prefix}feedback, 1 to {world.settings.topic_prefix}sends" in ran.err
    assert "1 letter left out: only its beginning was kept: read the file again (ses-streams ingest)\n" in ran.err
    assert "1 letter left out: it holds no event of SES\n" in ran.err
    assert [(key, record and record["kind"]) for key, record in world.heard("feedback", "mail.Feedback")] == [
        ("0102-1", "DELIVERY"),
        ("0102-1", "DELIVERY"),
    ]
    assert [key for key, _ in world.heard("sends", "mail.Send")] == ["m-9"]


def test_a_letter_that_is_written_back_twice_has_one_effect(world: World, run: Run) -> None:
    set_aside(world, {"key": b"m-1", "value": GOOD}, {"key": b"m-1", "value": GOOD})
    for _ in range(2):
        assert run("dead-letters", "replay", "--yes").code == 0
    replayed = on(world, "feedback")
    assert replayed == [(b"m-1", GOOD)] * 4
    bench = Bench(ByMessage(CODEC, POLICY.join))
    bench.work("sends", [CODEC.encode("mail.Send", send())])
    for _, value in replayed:
        bench.work("feedback", [value], NOON + HOUR)
    assert [found["kind"] for found in bench.read("outcomes", "mail.Outcome")] == ["DELIVERED"]


def test_requests_are_said_to_be_mails(world: World, run: Run) -> None:
    request = {
        "request_id": "r-1",
        "stream": "s",
        "requested_at": NOON,
        "from_address": "shop@example.net",
        "to": [ANN],
        "content": ("mail.Simple", {"subject": "s", "text": "t"}),
    }
    set_aside(world, {"key": b"r-1", "value": CODEC.encode("mail.SendRequest", request), "topic": "send-requests"})
    assert "are mails: a worker that dispatches sends them, unless they expired\n" in run("dead-letters", "replay").err


def test_a_record_at_its_topics_limit_can_be_written_back(world: World, run: Run) -> None:
    value = CODEC.encode("mail.Outcome", dict(outcome("DELIVERED", reason="x" * 1_020_000)))
    assert len(value) > LARGEST
    set_aside_large(world, value)
    assert run("dead-letters", "replay", "--yes").code == 0
    assert on(world, "outcomes") == [(ANN.encode(), value)]


def set_aside_large(world: World, value: bytes) -> None:
    """Put one letter that is larger than librdkafka sends by default on the topic."""
    letter = {
        "topic": topic_name(world.settings.topic_prefix, "outcomes"),
        "key": ANN.encode(),
        "value": value,
        "stage": "BY_RECIPIENT",
        "reason": "UNKNOWN_SCHEMA",
        "at": NOON,
    }
    with Publisher(world.settings.brokers, idempotent=False, largest=4 << 20) as publisher:
        topic = topic_name(world.settings.topic_prefix, "dead-letters")
        publisher.publish(topic, ANN.encode(), CODEC.encode("mail.DeadLetter", letter))


def test_what_is_no_letter_is_told_by_its_place_and_the_others_are_shown(letters: World, run: Run) -> None:
    topic = topic_name(letters.settings.topic_prefix, "dead-letters")
    with Publisher(letters.settings.brokers, idempotent=False) as publisher:
        publisher.publish(topic, ANN.encode(), b"ann@example.com was here")
        publisher.publish(topic, ANN.encode(), None)
    ran = run("dead-letters", "list")
    assert ran.code == 1
    assert len(ran.out.splitlines()) == 6
    assert re.search(rf"^{topic}/\d at offset \d: BAD_MAGIC", ran.err, re.MULTILINE)
    assert ran.err.endswith("2 records cannot be read\n")
    assert "ann@" not in ran.err


def test_no_more_letters_are_held_than_are_shown() -> None:
    alive: list[int] = []

    class Record(dict[str, Any]):
        def __init__(self, at: int) -> None:
            super().__init__(at=at)
            alive.append(at)

        def __del__(self) -> None:
            alive.remove(self["at"])

    def many() -> Any:
        for number in range(1_000):
            yield Found(Place(0, number), Record((number * 7_919) % 1_000))
            assert len(alive) <= 12

    assert [letter.record["at"] for letter in newest(many(), 10)] == list(range(999, 989, -1))


def test_a_letter_is_shown_also_while_a_registry_that_would_know_its_schema_is_away(
    letters: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_: Today, __: Found) -> Fate:
        raise SchemaUnknown("the registry does not answer")

    (place,) = places(run, "--reason", "UNKNOWN_SCHEMA")
    monkeypatch.setattr(Today, "fate", nobody)
    ran = run("dead-letters", "show", place)
    assert ran.code == 0
    assert "today     whether a worker could use it today nobody can tell" in ran.out
    assert f"{len(GOOD)} bytes" in ran.out
    assert run("dead-letters", "replay", place).code == 3


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--since", "soon"],
        ["list", "--stage", "KITCHEN"],
        ["list", "--reason", "WHY"],
        ["list", "--limit", "-1"],
        ["show", "17"],
        ["replay", "3-17"],
        ["replay", "3/17", "--stage", "INTAKE"],
    ],
    ids=" ".join,
)
def test_wrong_words_end_with_two(words: list[str], no_broker: str, run: Run) -> None:
    assert run("dead-letters", *words).code == 2


@pytest.mark.parametrize("words", [["list"], ["show", "0/0"], ["replay"], ["replay", "--yes"]], ids=" ".join)
def test_no_broker_ends_with_three_and_a_sentence(words: list[str], no_broker: str, run: Run) -> None:
    ran = run("dead-letters", *words)
    assert (ran.code, ran.out) == (3, "")
    assert f"ses-streams: brokers {no_broker}: " in ran.err


PAGE = Path(__file__).resolve().parents[2] / "docs/dead-letters.md"
LINES = re.findall(r"^ses-streams .*$", PAGE.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("line", LINES)
def test_the_page_shows_words_that_are_known(line: str, run: Run) -> None:
    words = line.split()[1:]
    ran = run(*words[:2], "--help")
    assert ran.code == 0
    assert [word for word in words if word.startswith("--") and word not in ran.out] == []


def test_the_page_explains_every_reason() -> None:
    told = re.findall(r"^\| `([A-Z_]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(told) == sorted(DeadReason)
