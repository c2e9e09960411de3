"""Replay: the hops on event time, as an operator tries a policy on old mail."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer import Typer
from typer.testing import CliRunner

from streams.cli.replay import replay
from streams.intake.files import Item
from streams.mail.policy import Policy, SuppressionPolicy
from streams.replay import Replay, Said
from streams.schemas.plain import to_plain
from tests.builders import (
    CODEC,
    DAY,
    HOUR,
    NOON,
    POLICY,
    bounce,
    event,
    instruction,
    of,
    outcome,
    reply,
    send,
    soft,
)

app = Typer()
app.command()(replay)


def play(records: Iterable[tuple[str, Any]], until: int | None = None, policy: Policy = POLICY) -> list[Said]:
    """Return what comes out of these records."""
    items = [Item(source=f"test:{n}", record=(name, record)) for n, (name, record) in enumerate(records, 1)]
    return list(Replay(CODEC, policy).run(items, until))


def words(said: list[Said]) -> list[str]:
    """Return the kind or the reason of each record, or "release"."""
    return ["release" if s.record is None else s.record.get("kind") or s.record["reason"] for s in said]


def test_an_outcome_is_followed_by_what_it_leads_to() -> None:
    records = [("mail.Send", send()), ("mail.Feedback", bounce("Permanent", "General", "5.1.1"))]
    assert [(s.name, s.key) for s in play(records)] == [
        ("mail.Outcome", "ann@example.com"),
        ("mail.Suppression", "ann@example.com"),
    ]


def test_timers_fire_as_event_time_passes_and_before_the_event_that_moves_it() -> None:
    early = event("DELIVERY", "m-1")
    later = event("DELIVERY", "m-2", occurred_at=NOON + 2 * HOUR)
    said = play([("mail.Feedback", early), ("mail.Send", send("m-2", sent_at=NOON + HOUR)), ("mail.Feedback", later)])
    assert [(s.record["message_id"], s.record["matched"]) for s in said if s.record] == [("m-1", False), ("m-2", True)]


def test_at_the_end_what_was_read_is_said() -> None:
    assert words(play([("mail.Feedback", event("DELIVERY"))])) == ["DELIVERED"]


def test_time_passes_on_to_until_and_no_further() -> None:
    suspicion = [("mail.Outcome", outcome("COMPLAINED", NOON, certain=False))]
    assert words(play(suspicion, NOON + 30 * DAY - 1)) == ["SUSPECTED_COMPLAINT"]
    assert words(play(suspicion, NOON + 30 * DAY)) == ["SUSPECTED_COMPLAINT", "release"]


def test_another_policy_comes_to_another_end() -> None:
    soft = [("mail.Outcome", outcome("SOFT_BOUNCED", NOON + n * HOUR, f"m-{n}")) for n in range(3)]
    strict = Policy(suppression=SuppressionPolicy(soft_bounces=3, soft_span=2 * HOUR))
    assert words(play(soft)) == []
    assert words(play(soft, policy=strict)) == ["SOFT_BOUNCES"]


def test_a_time_that_nobody_can_keep_does_not_move_the_clock() -> None:
    wild = event("DELIVERY", "m-9", occurred_at=1 << 60)
    player = Replay(CODEC, POLICY)
    said = list(player.run([Item(source="test:1", record=("mail.Feedback", wild))], until=NOON))
    assert words(said) == ["BAD_TIME"]
    assert player.now == NOON


def plans(said: list[Said]) -> list[tuple[str, int, bool]]:
    """Return what was said of retries: request, attempt, and whether it was cancelled."""
    return [(s.key, s.record["attempt"], s.cancelled) for s in said if s.name == "mail.Retry" and s.record]


def test_a_retry_is_said_when_it_is_planned_and_not_again_when_it_falls_due() -> None:
    said = play([("mail.Outcome", soft("r-1"))], NOON + 9 * DAY)
    assert plans(said) == [("r-1", 2, False)]
    [retry] = [s.record for s in said if s.record]
    assert 1.6 * HOUR <= retry["due_at"] - NOON <= 2.4 * HOUR
    assert (retry["recipient"], retry["message_id"]) == ("ann@example.com", "m-r-1-1")


def test_a_retry_that_is_due_when_it_is_heard_of_is_said_once_too() -> None:
    late = [
        ("mail.Outcome", outcome("DELIVERED", NOON + DAY, recipient="ben@example.org")),
        ("mail.Outcome", soft("r-1")),
    ]
    assert plans(play(late)) == [("r-1", 2, False)]


def test_two_recipients_of_one_request_are_two_retries() -> None:
    both = [("mail.Outcome", soft("r-1", recipient=who)) for who in ("ann@example.com", "ben@example.org")]
    assert plans(play(both, NOON + 9 * DAY)) == [("r-1", 2, False)] * 2


def test_a_cancelled_retry_is_said_once_more_and_its_successor_anew() -> None:
    history = [
        ("mail.Outcome", soft("r-1")),
        ("mail.Outcome", soft("r-1", 2, NOON + 3 * HOUR)),
        ("mail.Outcome", outcome("DELIVERED", NOON + 4 * HOUR, "m-9")),
    ]
    assert plans(play(history, NOON + 9 * DAY)) == [("r-1", 2, False), ("r-1", 3, False), ("r-1", 3, True)]


def test_what_the_probe_sets_free_is_not_said_again() -> None:
    history = [
        ("mail.Outcome", soft("r-1")),
        ("mail.Outcome", soft("r-2", at=NOON + HOUR)),
        ("mail.Outcome", of("DELIVERED", "r-1", 2, NOON + 3 * HOUR)),
    ]
    assert plans(play(history)) == [
        ("r-1", 2, False),
        ("r-2", 2, False),
    ]


def test_a_loop_is_said_and_its_end_by_a_null() -> None:
    history = [("mail.Outcome", reply("m-1")), ("mail.Outcome", reply("m-2", NOON + 1))]
    said = [s for s in play(history, NOON + 2 * DAY) if s.name == "mail.LoopFlag"]
    assert [(s.key, s.record and s.record["until"]) for s in said] == [
        ("ann@example.com", NOON + 1 + DAY),
        ("ann@example.com", None),
    ]


def test_an_instruction_is_carried_out_at_its_time() -> None:
    history = [
        ("mail.Outcome", soft("r-1")),
        ("mail.Instruction", instruction("CANCEL_RETRY", NOON + HOUR)),
        ("mail.Instruction", instruction("SUPPRESS", NOON + 3 * HOUR, until=NOON + DAY)),
    ]
    said = play(history, NOON + 2 * DAY)
    assert plans(said) == [("r-1", 2, False), ("r-1", 2, True)]
    assert [s.record and s.record["reason"] for s in said if s.name == "mail.Suppression"] == ["MANUAL", None]


def test_an_auto_reply_reaches_both_hops_and_what_is_for_dispatch_is_not_said() -> None:
    soft_one = bounce("Transient", "General", "4.2.1", occurred_at=NOON + HOUR)
    answered = event("AUTO_REPLY", occurred_at=NOON + 2 * HOUR, source="shop@example.net")
    said = play([("mail.Send", send()), ("mail.Feedback", soft_one), ("mail.Feedback", answered)], NOON + DAY)
    assert [s.name for s in said] == ["mail.Outcome", "mail.Retry", "mail.Outcome", "mail.Retry"]
    assert plans(said) == [("r-m-1", 2, False), ("r-m-1", 2, True)]


LINES = [
    {"mail.Send": {"message_id": "m-1", "sent_at": "2026-11-01T10:00:00Z", "recipients": ["ann@example.com"]}},
    {
        "notificationType": "Complaint",
        "mail": {"messageId": "m-1", "timestamp": "2026-11-01T10:00:00.000Z", "destination": ["ann@example.com"]},
        "complaint": {
            "complainedRecipients": [{"emailAddress": "Ann@example.com"}, {"emailAddress": "ben@example.com"}],
            "timestamp": "2026-11-01T11:00:00.000Z",
            "feedbackId": "f-1",
        },
    },
]


@pytest.fixture
def month(tmp_path: Path) -> Path:
    """Return a file with a send, a complaint and a line that is no event."""
    path = tmp_path / "month.ndjson"
    path.write_bytes(b"\n".join([*map(orjson.dumps, LINES), b"not json"]) + b"\n")
    return path


def test_the_command_says_records_by_their_names_and_releases_by_a_null(month: Path) -> None:
    result = CliRunner().invoke(app, [str(month), "--dry-run", "--json", "--until", "2026-12-31T00:00:00Z"])
    assert result.exit_code == 0, result.output
    lines = [orjson.loads(line) for line in result.stdout.splitlines()]
    assert [next(iter(line)) for line in lines] == [
        "mail.Outcome",
        "mail.Suppression",
        "mail.Outcome",
        "mail.Suppression",
        "mail.DeadLetter",
        "mail.Suppression",
        "mail.Suppression",
    ]
    assert lines[1]["mail.Suppression"]["until"] == "2026-12-01T11:00:00.000Z"
    assert lines[1]["mail.Suppression"]["written"] == "Ann@example.com"
    assert lines[-1] == {"mail.Suppression": None, "recipient": "ben@example.com"}


def test_the_command_takes_the_policy_of_the_settings(month: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SES_STREAMS_SUPPRESSION__SUSPICION_DAYS", "2")
    result = CliRunner().invoke(app, [str(month)])
    assert "until 2026-11-03T11:00:00.000Z" in result.stdout


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    """Return a file with a soft bounce, a loop that cancels its retry, and an operator who clears it too late."""
    told = [
        ("mail.Outcome", soft("r-1")),
        ("mail.Outcome", reply("m-2", NOON + HOUR)),
        ("mail.Outcome", reply("m-3", NOON + HOUR + 1)),
        ("mail.Instruction", instruction("CLEAR_LOOP", NOON + 3 * HOUR)),
    ]
    path = tmp_path / "loop.ndjson"
    path.write_bytes(b"".join(orjson.dumps({name: to_plain(name, record)}) + b"\n" for name, record in told))
    return path


def test_the_command_says_retries_and_loops_and_takes_instructions(loop: Path) -> None:
    result = CliRunner().invoke(app, [str(loop), "--json"])
    assert result.exit_code == 0, result.output
    lines = [orjson.loads(line) for line in result.stdout.splitlines()]
    assert [next(iter(line)) for line in lines] == ["mail.Retry", "mail.LoopFlag", "mail.Retry", "mail.LoopFlag"]
    assert lines[2] == {**lines[0], "cancelled": True}
    assert lines[3] == {"mail.LoopFlag": None, "recipient": "ann@example.com"}


def test_the_command_has_words_for_people_too(loop: Path) -> None:
    lines = CliRunner().invoke(app, [str(loop)]).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["retry", "loopflag", "retry", "loop"]
    assert "ann@example.com  r-1  due 20" in lines[0]
    assert "2 auto-replies to desk@example.org" in lines[1]
    assert lines[2].endswith("cancelled")
    assert lines[3] == "loop over    ann@example.com"
