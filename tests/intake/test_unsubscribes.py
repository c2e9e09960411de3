"""People leave by mail: with a token always, without one only where it is sure who writes; nobody else can do it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.emit.records import feedback_record
from streams.inlets.sorting import Sorter
from streams.intake.files import read_files
from streams.intake.unsubscribes import Unsubscribes, unsubscribes_of
from streams.intake.verdicts import Verdicts
from streams.mail.feedback import Feedback, FeedbackKind
from streams.mail.tagging import REQUEST_TAG, STREAM_TAG, text_of
from streams.mail.unsubscribe import Leave, make_token
from streams.settings.keys import SealingKey
from streams.settings.unsubscribe import Unsubscribe
from tests.builders import CODEC, NOON

WORDS = {
    "key": "k" * 32,
    "old_keys": "o" * 32,
    "url": "https://mail.example.com/unsubscribe",
    "address": "Unsubscribe@example.com",
    "streams": "newsletter,News",
}
ADA = Leave("ada@example.org", "newsletter", "order-7")
TO = "unsubscribe@example.com"
AT = "2026-09-21T12:00:00.000Z"
PASS, FAIL, GRAY = {"status": "PASS"}, {"status": "FAIL"}, {"status": "GRAY"}
ANN = Leave("ann@example.net", "newsletter", None)


def ours(**words: str) -> Unsubscribes:
    found = unsubscribes_of(Unsubscribe.model_validate(WORDS | words))
    assert found is not None
    return found


def token_of(leave: Leave = ADA, secret: str = "k" * 32) -> str:
    token = make_token(leave, SealingKey.of(secret))
    assert token is not None
    return token


def mail(to: str = TO, **headers: str) -> dict[str, Any]:
    """Return SES's notification of a mail that it received; `_` in a header's name stands for a hyphen."""
    said = {"From": "Ann <ann@example.net>", "To": to, "Subject": "unsubscribe"} | headers
    listed = [{"name": name.replace("_", "-"), "value": value} for name, value in said.items()]
    return {
        "notificationType": "Received",
        "mail": {"timestamp": AT, "messageId": "d6i", "source": "ann@example.net", "destination": [to]}
        | {"headers": listed},
        "receipt": {"timestamp": AT, "recipients": [to], "dmarcVerdict": PASS},
    }


def verdict(event: dict[str, Any], **said: dict[str, str] | str) -> dict[str, Any]:
    return event | {"receipt": event["receipt"] | said}


def left(event: dict[str, Any], by: Unsubscribes | None = None) -> Leave | None:
    """Return who leaves what by a mail, as Kafka would hear of it; nothing else may come of one."""
    found = Sorter(CODEC, lambda: NOON, by or ours()).sort(json.dumps(event).encode(), "sqs:received")
    assert not found.dead
    assert len(found.records) <= 1
    for record in found.records:
        said = CODEC.decode("mail.Feedback", record.value)
        assert (said["kind"], said["reason"]) == ("SUBSCRIPTION", "unsubscribed-by-mail")
        tags = {name: text_of(values[0]) for name, values in said["tags"].items()}
        (who,) = said["recipients"]
        return Leave(who["address"], tags[STREAM_TAG], tags.get(REQUEST_TAG))
    return None


# A token is proof by itself


@pytest.mark.parametrize(
    "subject",
    [
        token_of(),
        token_of().upper(),
        f"Re: unsubscribe {token_of()} please",
        f"=?utf-8?q?{token_of()}?=",
        f"=?utf-8?b?{base64.b64encode(token_of().encode()).decode()}?=",
        f"=?us-ascii?q?{token_of()[:50]}?= =?us-ascii?q?{token_of()[50:]}?=",
        f"{'a' * 50} {token_of()}",
        token_of(secret="o" * 32),
    ],
)
def test_a_token_in_the_subject_leaves_whoever_sends_it(subject: str) -> None:
    assert left(mail(Subject=subject, From="somebody@example.net")) == ADA


def test_a_token_counts_however_its_mail_came() -> None:
    event = mail(Subject=token_of(), From="a@example.net, b@example.net", Auto_Submitted="auto-replied")
    assert left(verdict(event, dmarcVerdict=FAIL, spamVerdict=FAIL, dmarcPolicy="REJECT")) == ADA


def test_a_token_behind_the_plus_leaves() -> None:
    short = Leave("a@b.cd", "n", None)
    assert len("unsubscribe+" + token_of(short)) <= 64, "few tokens fit there, and this is one"
    assert left(mail(f"unsubscribe+{token_of(short).upper()}@example.com"), ours(streams="n")) == short


def test_a_token_of_another_key_or_a_torn_one_leaves_nothing() -> None:
    for subject in (
        token_of(secret="x" * 32),
        token_of()[:-1],
        "x" + token_of(),
        token_of()[:60] + " " + token_of()[60:],
    ):
        assert left(verdict(mail(Subject=subject), dmarcVerdict=FAIL)) is None


def test_a_token_sent_to_another_address_of_ours_is_no_wish() -> None:
    assert left(mail("shop@example.com", Subject=token_of())) is None


def test_a_token_goes_before_what_the_sender_could_leave() -> None:
    assert left(mail("unsubscribe+news@example.com", Subject=token_of())) == ADA


# Without one, the sender must be sure


@pytest.mark.parametrize(
    ("to", "stream"),
    [
        ("unsubscribe+newsletter@example.com", "newsletter"),
        ("UNSUBSCRIBE+NewsLetter@EXAMPLE.com", "newsletter"),
        ("unsubscribe+news@example.com", "News"),
        ("unsubscribe+other@example.com", None),
        ("unsubscribe@example.com", None),
        ("unsubscribe+@example.com", None),
        ("unsubscribe+newsletter@example.org", None),
        ("unsubscribe.newsletter@example.com", None),
    ],
)
def test_who_is_vouched_for_leaves_the_stream_that_the_address_names(to: str, stream: str | None) -> None:
    assert left(mail(to)) == (None if stream is None else ANN._replace(stream=stream))


def test_where_there_is_one_stream_the_bare_address_names_it() -> None:
    assert left(mail(), ours(streams="newsletter")) == ANN


@pytest.mark.parametrize(
    "verdicts",
    [
        {"dmarcVerdict": FAIL},
        {"dmarcVerdict": GRAY},
        {"dmarcVerdict": {"status": "PROCESSING_FAILED"}},
        {"dmarcVerdict": "PASS"},
        {"dmarcVerdict": {}},
        {"spamVerdict": FAIL},
        {"virusVerdict": FAIL},
    ],
)
def test_who_is_not_vouched_for_leaves_nothing(verdicts: dict[str, Any]) -> None:
    assert left(verdict(mail("unsubscribe+news@example.com"), **verdicts)) is None


def test_that_dkim_and_spf_pass_proves_nothing_about_from() -> None:
    event = mail("unsubscribe+news@example.com")
    assert left(verdict(event, dmarcVerdict=GRAY, dkimVerdict=PASS, spfVerdict=PASS)) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"From": "ann@example.net, ben@example.net"},
        {"From": '"ben@example.net" <ann@example.net>'},
        {"From": "nobody"},
        {"From": ""},
        {"Auto_Submitted": "auto-replied"},
        {"Content_Type": "multipart/report; report-type=delivery-status"},
        {"X_Autoreply": "yes", "Precedence": "auto_reply"},
    ],
)
def test_a_machine_or_a_sender_in_doubt_leaves_nothing(headers: dict[str, str]) -> None:
    assert left(mail("unsubscribe+news@example.com", **headers)) is None


def test_two_from_lines_leave_nothing() -> None:
    event = mail("unsubscribe+news@example.com")
    event["mail"]["headers"].append({"name": "From", "value": "ben@example.net"})
    assert left(event) is None


def test_of_several_addresses_the_one_for_leaving_counts() -> None:
    event = mail("shop@example.com", To="shop@example.com", Cc="Leave <unsubscribe+news@example.com>")
    assert left(event) == ANN._replace(stream="News")


def test_the_envelope_counts_where_the_header_hides_it() -> None:
    event = mail(TO, To="undisclosed-recipients:;")
    event["receipt"]["recipients"] = ["unsubscribe+newsletter@example.com"]
    assert left(event) == ANN


def test_without_a_key_nobody_leaves_by_mail() -> None:
    assert unsubscribes_of(Unsubscribe()) is None
    sorter = Sorter(CODEC, lambda: NOON)
    assert (
        sorter.sort(json.dumps(mail("unsubscribe+news@example.com", Subject=token_of())).encode(), "sqs:q").records
        == []
    )


# What it becomes


def test_the_mail_s_own_words_are_not_kept() -> None:
    event = mail(Subject=f"{token_of()} because of my illness") | {"content": "Subject: x\n\nmy illness"}
    (record,) = Sorter(CODEC, lambda: NOON, ours()).sort(json.dumps(event).encode(), "sqs:received").records
    assert b"illness" not in record.value


def test_the_same_wish_by_link_and_by_mail_is_about_the_same_made_up_message() -> None:
    (by_mail,) = Sorter(CODEC, lambda: NOON, ours()).sort(json.dumps(mail(Subject=token_of())).encode(), "q").records
    assert (by_mail.key or b"").startswith(b"unsubscribe-")


def test_a_raw_mail_from_a_file_leaves_by_its_token_and_never_by_its_from(tmp_path: Path) -> None:
    for name, subject in (("token", token_of()), ("bare", "unsubscribe")):
        (tmp_path / f"{name}.eml").write_bytes(
            b"From: ann@example.net\r\nTo: unsubscribe+news@example.com\r\nSubject: %b\r\n"
            b"Authentication-Results: amazonses.com; dmarc=pass\r\n\r\nBye\r\n" % subject.encode()
        )
    found = [item.feedback for item in read_files([tmp_path], at=NOON, unsubscribes=ours())]
    assert [one and (one.kind, one.recipients[0].address) for one in found] == [
        (FeedbackKind.SUBSCRIPTION, "ada@example.org")
    ]
    assert list(read_files([tmp_path], at=NOON)) == []


# Whatever comes

_HEADERS = st.sampled_from(["from", "to", "cc", "subject", "delivered-to", "x-original-to", "content-type", "x"])
_VALUES = st.text() | st.sampled_from(
    [TO, "unsubscribe+news@example.com", "unsubscribe+@example.com", "<>", "=?utf-8?b?!?=", "a" * 2_000, token_of()]
)


@given(
    st.dictionaries(_HEADERS, st.lists(_VALUES, max_size=20), max_size=6),
    st.lists(_VALUES, max_size=20),
    st.builds(Verdicts, st.booleans(), st.booleans()),
)
def test_any_mail_is_somebody_who_leaves_or_nothing_and_never_an_error(
    head: dict[str, list[str]], envelope: list[str], verdicts: Verdicts
) -> None:
    found = ours().read(head, envelope, verdicts)
    if found is None:
        return
    said = found.feedback(occurred_at=NOON, headers={}, raw="{}")
    assert isinstance(said, Feedback)
    CODEC.encode("mail.Feedback", feedback_record(said))
    assert found.leave == ADA or verdicts.vouched
    assert found.leave == ADA or found.leave.stream in {"newsletter", "News"}
