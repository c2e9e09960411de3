"""`ses-streams send`: words become a request, and what dispatch would refuse is refused before."""

from __future__ import annotations

import io
import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from tests.builders import HOUR, NOON
from tests.cli.conftest import Run, World

FROM = ("--from", "Shop <shop@example.com>")
MAIL = (*FROM, "--to", "ann@example.org", "--subject", "Hello", "--text", "Hello, Ann")


def _published(world: World) -> dict[str, dict[str, Any]]:
    """Return every request, found under its own id as key."""
    heard = world.heard("send-requests", "mail.SendRequest")
    assert all(record is not None and record["request_id"] == key for key, record in heard)
    return {key: record for key, record in heard if record is not None}


def _dry(run: Run, *words: str) -> dict[str, Any]:
    ran = run("send", *words, "--dry-run")
    assert ran.code == 0, ran.err
    record: dict[str, Any] = json.loads(ran.out)["mail.SendRequest"]
    return record


def test_a_mail_in_words_is_published_and_its_new_id_is_printed(world: World, run: Run) -> None:
    ran = run("send", *MAIL)
    assert ran.code == 0
    request_id = ran.out.strip()
    assert str(UUID(request_id)) == request_id
    record = _published(world)[request_id]
    assert record["content"] == ("mail.Simple", {"subject": "Hello", "text": "Hello, Ann", "html": None})
    assert (record["from_address"], record["to"], record["attempt"]) == (FROM[1], ["ann@example.org"], 1)


def test_every_word_finds_its_field(no_broker: str, run: Run) -> None:
    words = (
        *("--to", "ann@example.org"),
        *("--to", "bob@example.net"),
        *("--cc", "cc@example.org"),
        *("--bcc", "bcc@example.org"),
        *("--reply-to", "re@example.com"),
        *("--stream", "receipts"),
        *("--id", "order-4711"),
        *("--attempt", "2"),
        *("--tag", "order=4711"),
        *("--tag", "kind=a=b"),
        *("--configuration-set", "main"),
        *("--in-reply-to", "<m-1@example.org>"),
        *("--not-before", "+1h"),
        *("--expires", "+2h"),
        *("--subject", "Hello"),
        *("--text", "Hello"),
    )
    record = _dry(run, *FROM, *words, "--header", "X-Order: 4711: a")
    asked = record.pop("requested_at")
    assert asked.endswith("Z")
    assert asked < record.pop("not_before") < record.pop("expires_at")
    assert record == {
        "request_id": "order-4711",
        "attempt": 2,
        "stream": "receipts",
        "from_address": "Shop <shop@example.com>",
        "to": ["ann@example.org", "bob@example.net"],
        "cc": ["cc@example.org"],
        "bcc": ["bcc@example.org"],
        "reply_to": ["re@example.com"],
        "in_reply_to": "<m-1@example.org>",
        "configuration_set": "main",
        "headers": {"X-Order": "4711: a"},
        "tags": {"order": "4711", "kind": "a=b"},
        "content": {"Simple": {"subject": "Hello", "text": "Hello", "html": None}},
    }


def test_bodies_come_from_files_a_template_from_its_name_and_a_whole_mail_from_stdin(
    no_broker: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = (*FROM, "--to", "ann@example.org")
    text, html = tmp_path / "a.txt", tmp_path / "a.html"
    text.write_text("Grüße")
    html.write_text("<p>Grüße</p>")
    simple = _dry(run, *to, "--subject", "Hello", "--text-file", str(text), "--html-file", str(html))
    assert simple["content"] == {"Simple": {"subject": "Hello", "text": "Grüße", "html": "<p>Grüße</p>"}}
    template = _dry(run, *to, "--template", "welcome", "--data", '{"name": "Ann"}')
    assert template["content"] == {"Template": {"name": "welcome", "data": '{"name": "Ann"}'}}
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"Subject: x\r\n\r\nx")))
    assert _dry(run, *to, "--raw", "-")["content"] == {"Raw": {"mime": "U3ViamVjdDogeA0KDQp4"}}


MANY = [word for number in range(51) for word in ("--to", f"tirili{number}@example.com")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (MAIL[2:], "who writes"),
        ((*FROM, "--subject", "x", "--text", "x"), "nobody to send it to"),
        ((*MAIL, "--to", "tirili"), "one of the addresses is none"),
        (("--from", "tirili", *MAIL[2:]), "one of the addresses is none"),
        ((*MAIL, *MANY), "52 recipients: SES takes 50 at most"),
        ((*MAIL, "--subject", "tirili\r\nBcc: tirili@example.com"), "a line end or another control character"),
        ((*MAIL, "--header", "X-A: tirili\nBcc: tirili@example.com"), "a line end or another control character"),
        ((*MAIL, "--header", "X-A: tirili\n"), "a line end or another control character"),
        ((*MAIL, "--header", "Bcc: tirili@example.com"), "the header bcc is not for a request to set"),
        ((*MAIL, "--header", "tirili"), "wants a name, : and a value"),
        ((*MAIL, "--tag", "tirili"), "wants a name, = and a value"),
        ((*MAIL, "--text", "x" * 1_000_001), "a record may have 1,000,000"),
        ((*MAIL, "--expires", "2001-01-01"), "expires before it may go out"),
        ((*MAIL, "--expires", "+1h", "--not-before", "+2h"), "expires before it may go out"),
        ((*MAIL, "--id", ""), "request_id is empty"),
        ((*MAIL, "--template", "welcome"), "wants one of --subject"),
        (MAIL[:4], "wants one of --subject"),
        (MAIL[:6], "wants a body"),
        ((*MAIL[:4], "--text", "x"), "--subject"),
        ((*MAIL, "--data", "{}"), "goes with --template"),
        ((*MAIL[:4], "--template", "x", "--data", "[tirili]"), "wants a JSON object"),
        (("requests.ndjson", *MAIL), "wants no other words about the mail"),
        (("requests.ndjson", "--wait", "1"), "wants no other words about the mail"),
        ((*MAIL, "--wait", "86401"), "wants 86,400 seconds at most"),
    ],
)
def test_what_dispatch_would_refuse_ends_with_two_and_quotes_nothing(
    words: tuple[str, ...], said: str, no_broker: str, run: Run
) -> None:
    ran = run("send", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in " ".join(ran.err.replace("│", " ").split())
    assert "tirili" not in ran.err


def test_a_file_that_is_not_there_and_no_broker_end_with_three(no_broker: str, run: Run, tmp_path: Path) -> None:
    gone = run("send", *MAIL[:4], "--raw", str(tmp_path / "no.eml"))
    assert (gone.code, gone.err) == (3, f"ses-streams: {tmp_path}/no.eml: No such file or directory\n")
    ran = run("send", *MAIL)
    assert (ran.code, ran.out) == (3, "")
    assert f"ses-streams: brokers {no_broker}: " in ran.err


def test_a_file_of_requests_is_published_and_a_bad_line_is_told_by_its_number(
    world: World, run: Run, tmp_path: Path
) -> None:
    content = {"Simple": {"subject": "Hello", "text": "Hello"}}
    good = {"from_address": "shop@example.com", "to": ["ann@example.org"], "content": content}
    lines = [
        json.dumps({"mail.SendRequest": {**good, "request_id": "r-1", "requested_at": "2026-01-02T03:04:05Z"}}),
        json.dumps(good),
        "",
        json.dumps({**good, "to": ["tirili"]}),
        '{"tirili',
        "[]",
        json.dumps({**good, "content": {"Simple": {"text": "no subject"}}}),
    ]
    file = tmp_path / "requests.ndjson"
    file.write_text("\n".join(lines))
    ran = run("send", str(file))
    published = _published(world)
    assert ran.code == 1
    assert ran.out.split() == [
        "r-1",
        *(request_id for request_id in published if request_id != "r-1"),
    ]
    assert len(published) == 2
    assert [line.partition(":")[0] for line in ran.err.splitlines()[:4]] == ["line 4", "line 5", "line 6", "line 7"]
    assert ran.err.splitlines()[4:] == ["2 requests published, acknowledged", "4 lines cannot be used"]
    assert "tirili" not in ran.err


def test_a_dry_run_of_a_file_prints_what_it_would_publish(
    no_broker: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = _dry(run, *MAIL)
    line = json.dumps({"mail.SendRequest": record}).encode()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(line)))
    ran = run("send", "-", "--dry-run")
    assert (ran.code, json.loads(ran.out)) == (0, {"mail.SendRequest": record})
    assert ran.err == "1 request would be published\n"


def _outcome(recipient: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "occurred_at": NOON + HOUR,
        "recipient": recipient,
        "outcome_id": f"{recipient}-{kind}",
        "request_id": "r-1",
        "attempt": 1,
        "reason": "",
        **fields,
    }


@pytest.mark.parametrize(("last", "code"), [("DELIVERED", 0), ("HARD_BOUNCED", 1)])
def test_waiting_ends_when_everybody_has_an_outcome_of_this_attempt(
    last: str, code: int, world: World, run: Run
) -> None:
    def play() -> None:
        while not world.heard("send-requests", "mail.SendRequest"):
            time.sleep(0.05)
        for outcome in (
            _outcome("ann@example.org", "DELIVERED", request_id="r-0"),
            _outcome("ann@example.org", "DELIVERED", attempt=2),
            _outcome("ann@example.org", "DELAYED"),
            _outcome("bob@example.net", "DELIVERED"),
            _outcome("ann@example.org", last),
        ):
            world.say("outcomes", "mail.Outcome", outcome["recipient"], outcome)

    world.say("outcomes", "mail.Outcome", "ann@example.org", _outcome("ann@example.org", "REJECTED"))
    player = threading.Thread(target=play)
    player.start()
    ran = run("send", *MAIL, "--to", "Bob@Example.net", "--id", "r-1", "--wait", "60", "--json")
    player.join()
    heard = [json.loads(line) for line in ran.out.splitlines()]
    kinds = {(line["mail.Outcome"]["recipient"], line["mail.Outcome"]["kind"]) for line in heard[1:]}
    assert ran.code == code
    assert heard[0]["mail.SendRequest"]["request_id"] == "r-1"
    assert kinds == {
        ("ann@example.org", "DELAYED"),
        ("bob@example.net", "DELIVERED"),
        ("ann@example.org", last),
    }


def test_waiting_in_vain_ends_with_one(world: World, run: Run) -> None:
    ran = run("send", *MAIL, "--id", "r-1", "--wait", "0.2")
    assert (ran.code, ran.out) == (1, "r-1\n")
    waited, likely, following = ran.err.splitlines()
    assert waited == "no answer yet for 1 recipient after 0.2 s"
    assert likely.startswith("likely: no worker sends (SES_STREAMS_DISPATCH__ENABLED)")
    assert following == "next: ses-streams doctor; ses-streams pauses list"
