"""`ses-streams retries`: what waits is shown, the earliest first, and calling it off reaches everybody concerned."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.builders import HOUR, NOON
from tests.cli.conftest import Run, World

ANN, BOB, DORA = "ann@example.com", "bob@example.net", "dora@example.org"


def _retry(request_id: str, due_at: int) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "attempt": 2,
        "due_at": due_at,
        "because": "SOFT_BOUNCED General",
        "message_id": f"m-{request_id}",
    }


@pytest.fixture
def waiting(world: World) -> World:
    """Give a world in which two requests wait for Ann, one of them for Bob too, and Dora's probe is under way."""
    records: list[dict[str, Any]] = [
        {"recipient": ANN, "holding": True, "retries": [_retry("r-1", NOON + HOUR), _retry("r-2", NOON + 3 * HOUR)]},
        {"recipient": BOB, "retries": [_retry("r-1", NOON + 2 * HOUR)]},
        {"recipient": DORA, "holding": True, "probe_at": NOON, "retries": []},
        {"recipient": "eve@example.com", "retries": [_retry("r-1", NOON)]},
    ]
    for record in records:
        world.say("waiting", "mail.Waiting", record["recipient"], {"since": NOON, **record})
    world.say("waiting", "mail.Waiting", "eve@example.com", None)
    return world


def _told(world: World) -> dict[str, tuple[str, str | None]]:
    """Return recipient to action and request of every instruction."""
    heard = world.heard("instructions", "mail.Instruction")
    return {key: (record["action"], record["request_id"]) for key, record in heard if record is not None}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([], {ANN, BOB, DORA}),
        ([ANN], {ANN}),
        (["--due-before", "2026-09-21T15:43:20Z"], {ANN}),
        (["--due-before", "2001-01-01"], set()),
    ],
)
def test_list_gives_whole_records_of_what_is_asked_for(
    asked: list[str], expected: set[str], waiting: World, run: Run
) -> None:
    ran = run("retries", "list", "--json", *asked)
    assert ran.code == 0
    assert {json.loads(line)["mail.Waiting"]["recipient"] for line in ran.out.splitlines()} == expected


def test_list_is_a_row_for_each_retry_the_earliest_first(waiting: World, run: Run) -> None:
    lines = run("retries", "list").out.splitlines()
    assert lines[0].split() == ["due", "recipient", "request", "try", "because", "newer", "mail"]
    assert lines[1].split()[:3] == ["-", DORA, "-"]
    assert [line.split()[2:4] for line in lines[2:]] == [[ANN, "r-1"], [BOB, "r-1"], [ANN, "r-2"]]
    assert lines[2].split()[-1] == "held"
    assert lines[3].rstrip().endswith("goes out")


def test_nothing_waits_is_said(world: World, run: Run) -> None:
    assert run("retries", "list") == (0, "", "nothing waits\n")
    assert run("retries", "list", ANN).err == "nothing waits of what you asked for\n"


def test_cancelling_a_request_reaches_everybody_for_whom_it_waits_and_nobody_else(waiting: World, run: Run) -> None:
    ran = run("retries", "cancel", "r-1", "--why", "the offer is over", "--json")
    assert (ran.code, ran.err) == (0, "2 instructions written\n")
    assert _told(waiting) == {ANN: ("CANCEL_RETRY", "r-1"), BOB: ("CANCEL_RETRY", "r-1")}
    assert {json.loads(line)["mail.Instruction"]["recipient"] for line in ran.out.splitlines()} == {ANN, BOB}


def test_cancelling_for_one_recipient_takes_all_that_waits_or_the_request_named(waiting: World, run: Run) -> None:
    assert run("retries", "cancel", "r-1", "--address", BOB, "--why", "x").code == 0
    assert run("retries", "cancel", "--address", DORA, "--why", "x").code == 0
    assert _told(waiting) == {BOB: ("CANCEL_RETRY", "r-1"), DORA: ("CANCEL_RETRY", None)}


@pytest.mark.parametrize("words", [["r-9"], ["r-2", "--address", BOB], ["--address", "eve@example.com"]], ids=" ".join)
def test_cancelling_what_does_not_wait_ends_with_one_and_writes_nothing(
    words: list[str], waiting: World, run: Run
) -> None:
    ran = run("retries", "cancel", *words, "--why", "x")
    assert (ran.code, ran.err) == (1, "nothing of the kind waits\n")
    assert _told(waiting) == {}


@pytest.mark.parametrize(
    "words",
    [
        ["cancel", "--why", "x"],
        ["cancel", "r-1"],
        ["cancel", "--address", "x", "--why", "x"],
        ["list", "--due-before", "soon"],
    ],
    ids=" ".join,
)
def test_wrong_words_end_with_two(words: list[str], no_broker: str, run: Run) -> None:
    assert run("retries", *words).code == 2


@pytest.mark.parametrize("words", [["list"], ["cancel", "r-1", "--why", "x"]], ids=" ".join)
def test_no_broker_ends_with_three_and_a_sentence(words: list[str], no_broker: str, run: Run) -> None:
    ran = run("retries", *words)
    assert (ran.code, ran.out) == (3, "")
    assert f"ses-streams: brokers {no_broker}: " in ran.err
