"""Every command: `--json` gives one JSON object a line on stdout, words go to stderr, and exit codes are the five."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streams.cli import COMMANDS, imported
from tests.builders import HOUR, NOON
from tests.cli.conftest import Run, World

ROOT = Path(__file__).resolve().parents[2]
ANN = "ann@example.com"
WHY = ("--why", "a test")
CODES = {"0", "1", "2", "3", "4", "130"}


class Example(NamedTuple):
    """Words after the command's name, the code that they end with here, and whether there is something to print."""

    words: tuple[str, ...] = ()
    code: int = 0
    prints: bool = True


EXAMPLES: dict[str, Example] = {
    "replay": Example(("{events}",)),
    "worker": Example(),
    "intake": Example(),
    "ingest": Example(("{events}", "--dry-run")),
    "send": Example(("--from", "shop@example.com", "--to", ANN, "--subject", "Hello", "--text", "Hello")),
    "suppressions list": Example(),
    "suppressions add": Example((ANN, *WHY)),
    "suppressions release": Example((ANN, *WHY)),
    "suppressions import": Example(("{list}",)),
    "suppressions export": Example(("-",)),
    "suppressions sync-ses": Example(("--pull",), 2, prints=False),  # there is no SES here: tests/cli/test_sync.py
    "retries list": Example(),
    "retries cancel": Example(("r-1", *WHY)),
    "loops list": Example(),
    "loops clear": Example((ANN, *WHY)),
    "dead-letters list": Example(),
    "dead-letters show": Example(("{letter}",)),
    "dead-letters replay": Example((), 1),
    "pauses list": Example(),
    "pauses set": Example(("newsletter", *WHY)),
    "pauses clear": Example(("newsletter",)),
    "topics create": Example(("--dry-run",)),
    "topics check": Example(prints=False),  # all is as planned: tests/cli/test_topics_command.py has what is not
    "schemas check": Example(),
    "schemas register": Example((), 2, prints=False),  # there is no registry here: tests/schemas/test_registry.py
    "kit write": Example(("{kit}",)),
    "kit check": Example(("--topic", "sends"), 1),
    "why": Example((ANN,)),
    "trace": Example(("m-1",), 1),
    "top": Example(("--once", "--every", "0.1", "--url", "127.0.0.1:9"), 3),
    "doctor": Example(("--only", "settings")),
    "probe": Example(("--seconds", "0"), 1),
    "config": Example(),
}
"""A command that is not here fails a test: add a line that prints something, if it can here."""
ELSEWHERE = {"demo": "tests/demo/test_demo.py", "simulate": "tests/cli/test_simulate.py"}
"""What runs long, and is held to its JSON by a test of its own."""


def _every() -> Iterator[tuple[str, Any]]:
    """Yield each command that people see, by all its words."""
    for command in COMMANDS:
        found = imported(command)
        if command.heading:
            inner = getattr(found, "commands", None)
            if inner is None:
                yield command.name, found
            else:
                yield from ((f"{command.name} {name}", one) for name, one in inner.items() if not one.hidden)


EVERY = dict(_every())


def test_the_table_names_every_command() -> None:
    assert set(EXAMPLES) | set(ELSEWHERE) == set(EVERY)
    assert all("--json" in (ROOT / test).read_text("utf-8") for test in ELSEWHERE.values())


@pytest.mark.parametrize("name", EVERY)
def test_a_command_has_json_and_says_how_it_ends(name: str) -> None:
    command = EVERY[name]
    assert "--json" in {word for parameter in command.params for word in parameter.opts}
    said = " ".join(command.help.split()).partition("Exit codes")[2]
    codes = set(re.findall(r"(?<![\w/])(\d+) (?!\d)", said))
    assert "0" in codes, f"{name} does not say how it ends"
    assert codes <= CODES


@pytest.fixture
def words(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give the words that examples need, in a world in which every list has something to show."""
    retry = {"request_id": "r-1", "recipient": ANN, "attempt": 2, "due_at": NOON, "because": "x", "message_id": "m-1"}
    flag = {"recipient": ANN, "local_address": "shop@example.com", "replies": 3, "window_seconds": 3600}
    letter = {"topic": "feedback", "partition": 0, "offset": 7, "stage": "BY_MESSAGE", "reason": "NOT_AVRO", "at": NOON}
    said = {"reason": "HARD_BOUNCE", "since": NOON}
    world.say("suppressions", "mail.Suppression", ANN, {"recipient": ANN, **said})
    world.say("waiting", "mail.Waiting", ANN, {"recipient": ANN, "since": NOON, "retries": [retry]})
    world.say("loops", "mail.LoopFlag", ANN, {**flag, "since": NOON, "until": NOON + HOUR, "evidence": []})
    world.say("pauses", "mail.Pause", "newsletter", {"stream": "newsletter", "since": NOON, "because": "x"})
    world.say("dead-letters", "mail.DeadLetter", "k", letter)
    world.say("sends", "mail.Send", "another", {"message_id": "m-1", "sent_at": NOON, "recipients": [ANN]})
    monkeypatch.setattr("streams.cli.serving.set_up_logs", lambda *_, **__: None)
    monkeypatch.setattr("streams.app.run", lambda _: 0)
    monkeypatch.setattr("streams.bridge.run", lambda _: 0)
    monkeypatch.setenv("SES_STREAMS_PARTITIONS", "2")
    monkeypatch.setenv("SES_STREAMS_GROUP", f"{world.settings.topic_prefix}group")
    events, people = tmp_path / "events.json", tmp_path / "list.csv"
    mail = {"messageId": "m-1", "timestamp": "2026-01-02T03:04:05Z", "destination": [ANN]}
    delivery = {"timestamp": "2026-01-02T03:04:06Z", "recipients": [ANN]}
    events.write_text(json.dumps({"eventType": "Delivery", "mail": mail, "delivery": delivery}))
    people.write_text(f"address\n{ANN}\n")
    return {"events": str(events), "list": str(people), "kit": str(tmp_path / "kit")}


@pytest.mark.parametrize("name", EXAMPLES)
def test_json_is_one_object_a_line_and_words_go_to_stderr(name: str, words: dict[str, str], run: Run) -> None:
    example = EXAMPLES[name]
    if "{letter}" in example.words:
        words["letter"] = json.loads(run("dead-letters", "list", "--json").out)["place"]
    ran = run(*name.split(), *(word.format_map(words) for word in example.words), "--json")
    assert ran.code == example.code, ran.err
    objects = [json.loads(line) for line in ran.out.splitlines()]
    assert bool(objects) is example.prints, ran.err
    assert {type(one) for one in objects} <= {dict}
    assert not [line for line in ran.err.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("name", EVERY)
def test_a_word_that_a_command_does_not_know_ends_with_two_and_nothing_on_stdout(name: str, run: Run) -> None:
    ran = run(*name.split(), "--no-such-word")
    assert (ran.code, ran.out) == (2, "")
    assert "--no-such-word" in ran.err
