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
from tests.builders import CODEC, DAY, HOUR, NOON, POLICY, bounce, event, outcome, send

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
