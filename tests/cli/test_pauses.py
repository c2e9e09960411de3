"""`ses-streams pauses`: an operator stops a stream and lets it go on, and sees which ones stopped by themselves."""

from __future__ import annotations

import json

import pytest

from tests.builders import HOUR, NOON
from tests.cli.conftest import Run, World


def test_nothing_is_paused_is_said(world: World, run: Run) -> None:
    assert run("pauses", "list") == (0, "", "nothing is paused\n")


def test_a_stream_that_paused_itself_is_shown_with_its_ratio(world: World, run: Run) -> None:
    breaker = {"stream": "newsletter", "since": NOON, "because": "bounce_ratio", "bad": 91, "sends": 1040}
    world.say("pauses", "mail.Pause", "newsletter", breaker)
    head, row = run("pauses", "list").out.splitlines()
    assert head.split() == ["stream", "since", "until", "by", "because"]
    assert " ".join(row.split()) == (
        "newsletter 2026-09-21 14:13Z somebody clears it ses-streams bounce_ratio (91 of 1,040 sends)"
    )


def test_set_pauses_a_stream_under_its_own_key(world: World, run: Run) -> None:
    ran = run("pauses", "set", "newsletter", "--why", "wrong list", "--by", "carla", "--until", "+2h", "--json")
    assert ran.code == 0
    ((key, pause),) = world.heard("pauses", "mail.Pause")
    assert pause is not None
    assert (key, pause["stream"], pause["because"], pause["by"]) == ("newsletter", "newsletter", "wrong list", "carla")
    assert pause["until"] - pause["since"] == 2 * HOUR
    assert json.loads(ran.out)["mail.Pause"]["stream"] == "newsletter"
    assert json.loads(run("pauses", "list", "--json").out) == json.loads(ran.out)


def test_a_pause_without_an_end_says_how_to_end_it(world: World, run: Run) -> None:
    ran = run("pauses", "set", "*", "--why", "under review")
    assert ran.err == "paused until somebody clears it: ses-streams pauses clear '*'\n"


def test_clear_writes_a_null_and_says_where_nothing_was_paused(world: World, run: Run) -> None:
    run("pauses", "set", "newsletter", "--why", "wrong list")
    first, second = run("pauses", "clear", "newsletter", "--json"), run("pauses", "clear", "newsletter")
    assert (first.code, first.err) == (0, "it goes on\n")
    assert json.loads(first.out) == {"mail.Pause": None, "stream": "newsletter"}
    assert (second.code, second.err) == (0, "it was not paused: is the name right?\n")
    assert world.heard("pauses", "mail.Pause")[-1] == ("newsletter", None)
    assert run("pauses", "list").err == "nothing is paused\n"


@pytest.mark.parametrize("name", ["ses-streams", None])
def test_nobody_decides_under_the_programs_own_name(
    name: str | None, world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def login() -> str:
        if name is None:
            raise OSError("no such user")
        return name

    monkeypatch.setattr("getpass.getuser", login)
    assert run("pauses", "set", "newsletter", "--why", "x", "--by", "ses-streams").code == 2
    assert run("pauses", "set", "newsletter", "--why", "x").code == 0
    ((_, pause),) = world.heard("pauses", "mail.Pause")
    assert pause is not None
    assert pause["by"] == "operator"


@pytest.mark.parametrize(
    "words",
    [["set", "newsletter"], ["set", " ", "--why", "x"], ["set", "x", "--why", "x", "--until", "2001-01-01"], ["clear"]],
    ids=" ".join,
)
def test_wrong_words_end_with_two(words: list[str], no_broker: str, run: Run) -> None:
    assert run("pauses", *words).code == 2


@pytest.mark.parametrize("words", [["list"], ["set", "x", "--why", "x"], ["clear", "x"]], ids=" ".join)
def test_no_broker_ends_with_three_and_a_sentence(words: list[str], no_broker: str, run: Run) -> None:
    ran = run("pauses", *words)
    assert (ran.code, ran.out) == (3, "")
    assert f"ses-streams: brokers {no_broker}: " in ran.err
