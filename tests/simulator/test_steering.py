"""The simulator's own routes: conditions change while it runs, what was sent is listed, a reset forgets."""

from __future__ import annotations

from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson
import pytest
from botocore.exceptions import ClientError

from tests.simulator.conftest import Run, Running, simple


def _ask(running: Running, path: str, body: object = None, method: str = "GET") -> tuple[int, bytes]:
    data = None if body is None else orjson.dumps(body)
    request = Request(f"{running.url}/simulator/{path}", data=data, method=method)  # noqa: S310 - http, on this machine
    try:
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def _post(running: Running, path: str, **words: Any) -> dict[str, Any]:
    status, body = _ask(running, path, words, "POST")
    assert status == 200, body
    found: dict[str, Any] = orjson.loads(body)
    return found


def test_conditions_are_shown_and_changed_while_it_runs(run: Run) -> None:
    running = run()
    before = orjson.loads(_ask(running, "conditions")[1])
    after = _post(running, "conditions", paused=True, rate=5, outage=["BigMail.example"])
    assert after == before | {"paused": True, "rate": 5, "outage": ["bigmail.example"]}
    with pytest.raises(ClientError) as error:
        running.client.send_email(**simple("ann@bigmail.example"))
    assert error.value.response["Error"]["Code"] == "SendingPausedException"
    _post(running, "conditions", paused=False)
    running.client.send_email(**simple("ann@bigmail.example"))
    assert running.kinds() == ["Send", "DeliveryDelay", "Bounce"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"speed": 1}, "no condition is called speed; there are "),
        ({"rate": 0}, "rate must be recipients a second, more than 0"),
        ({"rate": True}, "rate must be"),
        ({"fail": 1.5}, "fail must be a share from 0 to 1"),
        ({"paused": "yes"}, "paused must be true or false"),
        ({"refuse": "Nothing"}, "refuse must be null or one of TooManyRequestsException, "),
        ({"outage": "bigmail.example"}, "outage must be a list of domains"),
        ({"quota": -2, "hang": "x"}, "quota must be recipients in 24 hours, or -1; hang must be"),
    ],
)
def test_a_condition_that_does_not_fit_changes_nothing(run: Run, words: dict[str, Any], said: str) -> None:
    running = run()
    before = _ask(running, "conditions")
    status, body = _ask(running, "conditions", words | {"latency_ms": 7}, "POST")
    assert (status, orjson.loads(body)["message"][: len(said)]) == (400, said)
    assert _ask(running, "conditions") == before


def test_what_is_no_json_is_refused(run: Run) -> None:
    running = run()
    for body in ([1], "x"):
        assert _ask(running, "conditions", body, "POST")[0] == 400


def test_what_was_sent_is_listed_without_what_it_said(run: Run) -> None:
    running = run(clock=1_790_000_000_000)
    tags = [{"Name": "request_id", "Value": "r-1"}]
    sent = running.client.send_email(**simple("Ann@example.org", "bob@example.org", EmailTags=tags))
    (line,) = _ask(running, "sent")[1].splitlines()
    assert orjson.loads(line) == {
        "message_id": sent["MessageId"],
        "at": "2026-09-21T14:13:20.000Z",
        "from": "shop@example.com",
        "recipients": ["Ann@example.org", "bob@example.org"],
        "tags": {"request_id": "r-1"},
        "via": "API",
        "answered": True,
    }


def test_a_mail_whose_sender_was_not_told_is_listed_too(run: Run) -> None:
    running = run(fail_after=1)
    with pytest.raises(ClientError):
        running.client.send_email(**simple("ann@example.org"))
    (line,) = _ask(running, "sent")[1].splitlines()
    assert orjson.loads(line)["answered"] is False


def test_thousands_of_lines_come_whole_and_only_the_last_are_remembered(run: Run) -> None:
    running = run(remember=1200, rate=1e6)
    client = running.client
    first = client.send_email(**simple("ann@example.org"))["MessageId"]
    for _ in range(1200):
        client.send_email(**simple("silent@bigmail.example"))
    lines = _ask(running, "sent")[1].splitlines()
    assert len(lines) == 1200
    assert first not in {orjson.loads(line)["message_id"] for line in lines}


def test_health_counts_what_was_done(run: Run) -> None:
    running = run()
    running.client.send_email(**simple("complain@bigmail.example"))
    with pytest.raises(ClientError):
        running.client.send_email(**simple("nobody"))
    running.events()
    assert orjson.loads(_ask(running, "health")[1]) == {
        "state": "up",
        "accepted": 1,
        "refused": {"BadRequestException": 1},
        "events": {"Complaint": 1, "Delivery": 1, "Send": 1},
        "waiting": 0,
        "undelivered": 0,
    }


def test_a_reset_forgets_all_but_the_settings(run: Run) -> None:
    running = run(delay_ms=60_000.0, verified=("example.com",), quota=5)
    client = running.client
    client.put_suppressed_destination(EmailAddress="ann@example.org", Reason="BOUNCE")
    client.create_email_identity(EmailIdentity="example.net")
    client.create_email_template(TemplateName="welcome", TemplateContent={"Subject": "x"})
    client.send_email(**simple("full-1@bigmail.example"))
    _post(running, "conditions", paused=True, delay_ms=0)
    _post(running, "reset")
    health = orjson.loads(_ask(running, "health")[1])
    assert (health["accepted"], health["waiting"], health["events"]) == (0, 0, {})
    assert _ask(running, "sent")[1] == b""
    assert client.list_suppressed_destinations()["SuppressedDestinationSummaries"] == []
    assert [one["IdentityName"] for one in client.list_email_identities()["EmailIdentities"]] == ["example.com"]
    assert client.list_email_templates()["TemplatesMetadata"] == []
    assert client.get_account()["SendQuota"]["SentLast24Hours"] == 0
    _post(running, "conditions", delay_ms=0)
    client.send_email(**simple("full-1@bigmail.example"))
    assert running.kinds() == ["Send", "Bounce"]


def test_it_listens_on_this_machine_only(run: Run) -> None:
    running = run()
    assert running.simulator.settings.host == "127.0.0.1"
    assert running.url.startswith("http://127.0.0.1:")
