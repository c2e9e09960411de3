"""`ses-streams loops`: who is flagged is shown, and clearing a flag becomes an instruction."""

from __future__ import annotations

import json

import pytest

from tests.builders import DAY, NOON
from tests.cli.conftest import Run, World

DESK = "desk@example.com"


@pytest.fixture
def flagged(world: World) -> World:
    """Give a world in which a help desk's machine answers ours, and another one's flag was cleared."""
    flag = {
        "recipient": DESK,
        "local_address": "support@example.net",
        "replies": 3,
        "window_seconds": 3600,
        "since": NOON,
        "until": NOON + DAY,
        "evidence": [{"message_id": "m-1", "at": NOON}],
    }
    world.say("loops", "mail.LoopFlag", DESK, flag)
    world.say("loops", "mail.LoopFlag", "info@example.org", {**flag, "recipient": "info@example.org"})
    world.say("loops", "mail.LoopFlag", "info@example.org", None)
    return world


def test_list_gives_whole_records(flagged: World, run: Run) -> None:
    ran = run("loops", "list", "--json")
    (flag,) = [json.loads(line)["mail.LoopFlag"] for line in ran.out.splitlines()]
    assert (flag["recipient"], flag["replies"], flag["until"]) == (DESK, 3, "2026-09-22T14:13:20.000Z")
    assert flag["evidence"] == [{"message_id": "m-1", "at": "2026-09-21T14:13:20.000Z"}]


def test_list_is_a_table_for_people(flagged: World, run: Run) -> None:
    head, row = run("loops", "list", "Desk@Example.com").out.splitlines()
    assert head.split() == ["recipient", "answers", "mails", "within", "since", "until"]
    assert row.split()[:5] == [DESK, "support@example.net", "3", "1", "h"]


def test_no_loop_is_said(flagged: World, run: Run) -> None:
    assert run("loops", "list", "info@example.org") == (0, "", "no loop is flagged for this recipient\n")


def test_clear_writes_an_instruction_and_says_where_nothing_was_flagged(flagged: World, run: Run) -> None:
    known = run("loops", "clear", DESK, "--why", "their machine is off", "--by", "carla", "--json")
    unknown = run("loops", "clear", "info@example.org", "--why", "x")
    assert (known.code, unknown.code) == (0, 0)
    assert "no loop is flagged" not in known.err
    assert "no loop is flagged" in unknown.err
    heard = flagged.heard("instructions", "mail.Instruction")
    assert {(key, record["action"]) for key, record in heard if record is not None} == {
        (DESK, "CLEAR_LOOP"),
        ("info@example.org", "CLEAR_LOOP"),
    }
    said = json.loads(known.out)["mail.Instruction"]
    assert (said["recipient"], said["by"], said["why"]) == (DESK, "carla", "their machine is off")


@pytest.mark.parametrize("words", [["clear", DESK], ["clear", "desk", "--why", "x"], ["list", "desk"]], ids=" ".join)
def test_wrong_words_end_with_two(words: list[str], no_broker: str, run: Run) -> None:
    assert run("loops", *words).code == 2


@pytest.mark.parametrize("words", [["list"], ["clear", DESK, "--why", "x"]], ids=" ".join)
def test_no_broker_ends_with_three_and_a_sentence(words: list[str], no_broker: str, run: Run) -> None:
    ran = run("loops", *words)
    assert (ran.code, ran.out) == (3, "")
    assert f"ses-streams: brokers {no_broker}: " in ran.err
