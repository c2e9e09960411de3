"""Events as SES writes them: every one is read by intake, in both formats, and says what it should."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from streams.intake.envelope import Letter
from streams.intake.letters import read_letter
from streams.intake.ses import read_event
from streams.mail.feedback import Feedback, FeedbackKind
from streams.simulator.events import HEADERS_LIMIT
from streams.simulator.fates import MAILBOXES, WORDS
from streams.simulator.life import happenings
from streams.simulator.mail import Failure
from streams.simulator.outlets import ToCallback
from streams.simulator.telling import Teller, Told
from streams.simulator.words import Conditions, Form
from tests.simulator.lives import Bench

EVERYBODY = (
    *(f"{name}@simulator.amazonses.com" for name in MAILBOXES),
    *(f"{word}@bigmail.example" for word in WORDS),
    "ann@down.example",
)


def _all_told(form: Form) -> list[Told]:
    """Return every event that a simulator can make, as it goes out."""
    found: list[Told] = []

    async def tell() -> None:
        bench = Bench(Conditions(delay_ms=0, outage=("down.example",)))
        teller = Teller(seed=1, region="us-east-1", form=form, outlets=[ToCallback(found.append)])
        failure = Failure("welcome", "Attribute 'name' is not present in the rendering data.")
        mails = [
            bench.take(*EVERYBODY, tags={"stream": "receipts"}),
            bench.take("ann@example.org", virus=True),
            bench.take("ann@example.org", failure=failure),
        ]
        for mail in mails:
            teller.expect(mail, happenings(mail, bench.memory, bench.conditions, 1), bench.conditions)
        telling = asyncio.create_task(teller.run())
        await teller.idle.wait()
        telling.cancel()

    asyncio.run(tell())
    return found


def _read(told: list[Told]) -> list[Feedback]:
    found = []
    for one in told:
        feedback = read_letter(Letter(orjson.loads(one.body), one.body.decode()))
        assert feedback is not None
        found.append(feedback)
    return found


def test_every_event_is_read_by_intake_without_a_dead_letter() -> None:
    told = _all_told(Form.EVENTS)
    assert {one.kind for one in _read(told)} == set(FeedbackKind) - {FeedbackKind.UNKNOWN, FeedbackKind.SUBSCRIPTION}
    for one in told:
        assert read_event(orjson.loads(one.body), one.body.decode()).message_id


def test_an_event_in_both_formats_is_one_event_to_intake() -> None:
    told = _all_told(Form.BOTH)
    named = [(one.kind, one.feedback_id) for one in _read(told) if one.kind in {"BOUNCE", "COMPLAINT", "DELIVERY"}]
    assert len(named) == 2 * len(set(named))
    assert len({one.name for one in told}) == len(told)


def test_the_older_format_has_bounces_complaints_deliveries_and_received_mail_only() -> None:
    told = [orjson.loads(one.body) for one in _all_told(Form.NOTIFICATIONS)]
    assert {one["notificationType"] for one in told} == {"Bounce", "Complaint", "Delivery", "Received"}
    ours = [one for one in told if one["notificationType"] != "Received"]
    assert all("tags" not in one["mail"] and one["mail"]["sourceIp"] == "127.0.0.1" for one in ours)


def test_an_auto_reply_looks_like_one_and_a_real_bounce_does_not() -> None:
    events = _all_told(Form.EVENTS)
    bounces = [orjson.loads(one.body)["bounce"] for one in events if one.kind == "Bounce"]
    bare = {one["bouncedRecipients"][0]["emailAddress"] for one in bounces if "reportingMTA" not in one}
    assert bare == {"ooto@simulator.amazonses.com", "robot@bigmail.example", "vacation@bigmail.example"}
    for one in bounces:
        with_dsn = {"action", "status", "diagnosticCode"} <= one["bouncedRecipients"][0].keys()
        assert with_dsn is ("reportingMTA" in one)


def test_an_answer_names_our_mail_and_says_that_a_machine_wrote_it() -> None:
    (answer,) = [orjson.loads(one.body) for one in _all_told(Form.EVENTS) if one.kind == "Received"]
    headers = {header["name"]: header["value"] for header in answer["mail"]["headers"]}
    assert headers["Auto-Submitted"] == "auto-replied"
    (auto_reply,) = [one for one in _read(_all_told(Form.EVENTS)) if one.kind is FeedbackKind.AUTO_REPLY]
    assert headers["In-Reply-To"] == f"<{auto_reply.message_id}@email.amazonses.com>"
    assert [one.address for one in auto_reply.recipients] == ["responder@bigmail.example"]
    assert auto_reply.source == "shop@example.com"


def test_an_event_carries_tags_of_the_sender_and_of_ses() -> None:
    send, delivery = Bench().events("ann@example.org", tags={"stream": "receipts"}, configuration_set="events")
    assert send["mail"] == delivery["mail"]
    assert send["mail"]["tags"] == {
        "ses:operation": ["SendEmail"],
        "ses:source-ip": ["127.0.0.1"],
        "ses:from-domain": ["example.com"],
        "ses:caller-identity": ["simulator"],
        "ses:configuration-set": ["events"],
        "stream": ["receipts"],
    }
    assert send["mail"]["commonHeaders"] == {
        "returnPath": "shop@example.com",
        "from": ["shop@example.com"],
        "to": ["ann@example.org"],
        "messageId": send["mail"]["messageId"],
        "subject": "Your order",
    }


def test_long_headers_are_cut_off_and_it_is_said() -> None:
    headers = tuple((f"X-{number}", "x" * 1000) for number in range(20))
    (send, _) = Bench().events("ann@example.org", headers=headers)
    assert send["mail"]["headersTruncated"] is True
    assert len(send["mail"]["headers"]) == HEADERS_LIMIT // 1010
    (send, _) = Bench().events("ann@example.org")
    assert send["mail"]["headersTruncated"] is False


@pytest.mark.parametrize("written", ["Ann@Example.ORG", "ann+label@example.org"])
def test_an_address_stays_as_it_was_written(written: str) -> None:
    send, delivery = Bench().events(written)
    assert send["mail"]["destination"] == delivery["delivery"]["recipients"] == [written]
