"""Reports that come as mail: what each shape of them says, about which mail of ours, and what is none about us."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.decide.mailreport import ACTIONS, FEEDBACK_TYPES, MAIL_REPORT
from streams.intake.bodies import MAX_DEPTH, MAX_MAIL_BYTES, MAX_PARTS, parts_of
from streams.intake.mime import head_of
from streams.intake.received import read_mail, read_received
from streams.intake.reports import MAX_RECIPIENTS
from streams.mail.feedback import Feedback, FeedbackKind, FeedbackRecipient

OURS = "0102018c1b2c3d4e-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000000"
OTHER = "0102018c1b2c3d4e-5f607182-93a4-45b6-87c8-d9eaf0b1c2d3-000001"
WIRE = f"Message-ID: <{OURS}@eu-west-1.amazonses.com>"
HEAD = "From: MAILER-DAEMON@mx.example.org\nTo: shop@example.com\nDate: Sat, 28 Nov 2026 10:00:00 +0000\n"


def mail(content_type: str, body: str, *headers: str) -> bytes:
    """Return a raw mail."""
    said = "".join(f"{header}\n" for header in headers)
    return f"{HEAD}{said}Content-Type: {content_type}\n\n{body}".replace("\n", "\r\n").encode()


def multipart(*parts: str, kind: str = "report", boundary: str = "b") -> str:
    """Return the body of a multipart; each part begins with its type."""
    return "".join(f"--{boundary}\nContent-Type: {part}\n" for part in parts) + f"--{boundary}--\n"


def dsn(*people: str, returned: str = WIRE, first: str = "Reporting-MTA: dns; mx.example.org", **how: Any) -> bytes:
    """Return a delivery report; each of *people* is a block of fields."""
    status = "message/delivery-status\n\n" + "\n\n".join([first, *people]) + "\n"
    parts = ["text/plain\n\nIt did not work.", status, f"text/rfc822-headers\n\n{returned}\nTo: x@example.org\n"]
    body = multipart(*parts)
    return mail('multipart/report; report-type=delivery-status; boundary="b"', body, *how.get("headers", ()))


def person(
    address: str = "ann@example.org", action: str | None = "failed", status: str | None = "5.1.1", **more: str
) -> str:
    """Return the fields of one recipient."""
    said = {"Final-Recipient": f"rfc822; {address}", "Action": action, "Status": status}
    fields = {**said, **{name.replace("_", "-"): value for name, value in more.items()}}
    return "\n".join(f"{name}: {value}" for name, value in fields.items() if value is not None)


def arf(*fields: str, returned: str = WIRE) -> bytes:
    """Return a complaint."""
    parts = [
        "text/plain\n\nThis is a complaint.",
        "message/feedback-report\n\n" + "\n".join(fields) + "\n",
        f"message/rfc822\n\n{returned}\nTo: x@example.org\n\nText\n",
    ]
    return mail('multipart/report; report-type=feedback-report; boundary="b"', multipart(*parts))


def read(raw: bytes) -> Feedback:
    """Read a mail that is an event."""
    found = read_mail(raw)
    assert found is not None
    return found


def only(raw: bytes) -> FeedbackRecipient:
    """Read a mail that is an event of one recipient."""
    (who,) = read(raw).recipients
    return who


def test_a_delivery_report_says_who_why_and_by_which_server() -> None:
    found = read(dsn(person(Diagnostic_Code="smtp; 550 5.1.1 no such user")))
    assert (found.kind, found.message_id, found.reporting_mta) == (FeedbackKind.BOUNCE, OURS, "mx.example.org")
    assert (found.bounce_type, found.bounce_subtype) == ("Permanent", MAIL_REPORT)
    assert found.recipients == (
        FeedbackRecipient(
            address="ann@example.org", status="5.1.1", action="failed", diagnostic="smtp; 550 5.1.1 no such user"
        ),
    )


@pytest.mark.parametrize("word", ["delivered", "relayed", "expanded"])
def test_a_report_of_success_is_nothing_since_it_would_clear_bounces(word: str) -> None:
    assert read_mail(dsn(person(action=word))) is None


@pytest.mark.parametrize("word", ["not-spam", "auth-failure", "dmarc"])
def test_a_complaint_that_would_release_or_is_about_our_domain_is_nothing(word: str) -> None:
    assert read_mail(arf(f"Feedback-Type: {word}")) is None


@pytest.mark.parametrize("row", ACTIONS, ids=lambda row: row.word)
def test_each_action_becomes_what_the_table_says(row: Any) -> None:
    found = read_mail(dsn(person(action=row.word.upper(), status="4.2.0")))
    assert (None if found is None else found.kind) == row.kind
    if row.kind is FeedbackKind.DELIVERY_DELAY:
        assert found is not None
        assert found.delay_type == MAIL_REPORT


def test_an_action_that_nobody_knows_is_nothing() -> None:
    assert read_mail(dsn(person(action="teleported"))) is None


@pytest.mark.parametrize(
    ("statuses", "means"),
    [
        (("5.1.1", "5.2.2"), "Permanent"),
        (("4.4.7", "4.2.2"), "Transient"),
        (("5.1.1", "4.2.2"), "Transient"),
        ((None,), "Undetermined"),
        (("2.0.0",), "Undetermined"),
        (("5.1.1", None), "Transient"),
    ],
)
def test_the_class_of_a_bounce_is_that_of_all_statuses_and_never_worse_in_doubt(
    statuses: tuple[str | None, ...], means: str
) -> None:
    people = [person(f"p{number}@example.org", status=status) for number, status in enumerate(statuses)]
    assert read(dsn(*people)).bounce_type == means


def test_those_for_whom_it_is_still_tried_are_left_out_of_a_bounce() -> None:
    found = read(dsn(person("ann@example.org"), person("bob@example.org", "delayed", "4.4.1")))
    assert [who.address for who in found.recipients] == ["ann@example.org"]


@pytest.mark.parametrize(
    ("status", "kind"), [("5.0.0", "BOUNCE"), ("4.0.0", "DELIVERY_DELAY"), ("2.0.0", None), (None, None)]
)
def test_without_an_action_the_status_says_it(status: str | None, kind: str | None) -> None:
    found = read_mail(dsn(person(action=None, status=status)))
    assert (None if found is None else str(found.kind)) == kind


@pytest.mark.parametrize(
    ("status", "diagnostic", "counts"),
    [
        ("5.0.0", "smtp; 550-5.1.1 The account does not exist", "5.1.1"),
        ("5.0.0", "smtp; 450 4.2.1 busy", "5.0.0"),
        ("5.2.2", "smtp; 550 5.1.1 x", "5.2.2"),
        (None, "smtp; 552 5.2.2 full", "5.2.2"),
        ("5.0.0", "smtp; 550 from 10.5.1.1.example", "5.0.0"),
    ],
)
def test_a_closer_code_in_the_servers_own_words_counts_where_the_status_is_general(
    status: str | None, diagnostic: str, counts: str
) -> None:
    assert only(dsn(person(status=status, Diagnostic_Code=diagnostic))).status == counts


def test_a_recipient_is_taken_as_we_wrote_it_and_else_as_the_last_server_had_it() -> None:
    assert only(
        dsn(person("inbox@elsewhere.example", Original_Recipient="rfc822;Ann@Example.org"))
    ) == FeedbackRecipient(address="ann@example.org", written="Ann@Example.org", status="5.1.1", action="failed")
    assert only(dsn(person("ann@example.org", Original_Recipient="rfc822; undisclosed"))).address == "ann@example.org"
    assert only(dsn("Final-Recipient: ann@example.org\nAction: failed")).address == "ann@example.org"


def test_a_recipient_twice_is_one_and_one_without_an_address_is_none() -> None:
    assert len(read(dsn(person(), person())).recipients) == 1
    assert read_mail(dsn(person("postmaster"))) is None
    assert read_mail(dsn(person("x" * 400 + "@example.org"))) is None
    assert read_mail(dsn("Action: failed\nStatus: 5.1.1")) is None


def test_of_a_report_that_names_a_crowd_only_so_many_count() -> None:
    found = read(dsn(*(person(f"p{number}@example.org") for number in range(3 * MAX_RECIPIENTS))))
    assert len(found.recipients) == MAX_RECIPIENTS


@pytest.mark.parametrize(
    ("returned", "first", "headers"),
    [
        (WIRE, "", ()),
        (f"X-SES-Message-ID: {OURS}", "", ()),
        (f"Message-ID: <own@example.com>\nReturn-Path: <{OURS}@eu-west-1.amazonses.com>", "", ()),
        (f"Return-Path: <{OURS}@bounces.example.com>", "", ()),
        ("X: y", f"Original-Envelope-Id: {OURS}", ()),
        ("X: y", f"X-Original-Message-ID: <{OURS}@email.amazonses.com>", ()),
        ("X: y", "", (f"In-Reply-To: <{OURS}@eu-west-1.amazonses.com>",)),
        ("X: y", "", (f"References: <a@example.com> <{OURS}@eu-west-1.amazonses.com>",)),
    ],
)
def test_the_mail_is_found_wherever_its_id_stands(returned: str, first: str, headers: tuple[str, ...]) -> None:
    block = f"Reporting-MTA: dns; mx.example.org\n{first}".strip()
    assert read(dsn(person(), returned=returned, first=block, headers=headers)).message_id == OURS


def test_what_is_returned_of_the_mail_goes_before_what_the_report_answers() -> None:
    assert read(dsn(person(), headers=(f"In-Reply-To: <{OTHER}@eu-west-1.amazonses.com>",))).message_id == OURS


@pytest.mark.parametrize(
    "returned", ["X: y", "Message-ID: <own@example.com>", "Return-Path: <ann@bounces.example.com>"]
)
def test_a_report_without_an_id_of_ses_is_none_about_us(returned: str) -> None:
    assert read_mail(dsn(person(), returned=returned)) is None
    assert read_mail(arf("Feedback-Type: abuse", returned=returned)) is None


def test_a_report_that_a_list_or_a_scanner_wrapped_is_read_and_what_somebody_passes_on_is_not() -> None:
    inner = dsn(person()).decode().replace("\r\n", "\n").partition("\n\n")[2]
    report = f'multipart/report; report-type=delivery-status; boundary="b"\n\n{inner}'
    wrapped = mail('multipart/mixed; boundary="c"', multipart("text/plain\n\nScanned.\n", report, boundary="c"))
    assert read(wrapped).message_id == OURS
    passed_on = f"message/rfc822\n\n{HEAD}Content-Type: {report}"
    assert (
        read_mail(mail('multipart/mixed; boundary="c"', multipart("text/plain\n\nFyi\n", passed_on, boundary="c")))
        is None
    )


def test_a_report_in_international_mail_is_read_likewise() -> None:
    raw = dsn(person()).replace(b"message/delivery-status", b"message/global-delivery-status")
    assert read(raw.replace(b"text/rfc822-headers", b"message/global-headers")).message_id == OURS


def test_a_report_packed_in_base64_is_read_also_where_it_breaks_off() -> None:
    plain = f"Reporting-MTA: dns; mx\n\n{person()}\n\n"
    for cut in range(4):
        packed = base64.encodebytes(plain.encode()).decode().rstrip("\n=")
        status = "message/delivery-status\nContent-Transfer-Encoding: BASE64\n\n" + packed[: len(packed) - cut] + "\n"
        parts = multipart("text/plain\n\nx\n", status, f"text/rfc822-headers\n\n{WIRE}\n")
        assert read(mail('multipart/report; boundary="b"', parts)).message_id == OURS


def test_a_report_in_quoted_printable_is_read() -> None:
    head = "message/delivery-status\nContent-Transfer-Encoding: quoted-printable\n\n"
    status = f"{head}Reporting-MTA: dns; =6Dx\n\n{person()}\n"
    parts = multipart("text/plain\n\nx\n", status, f"text/rfc822-headers\n\n{WIRE}\n")
    assert read(mail('multipart/report; boundary="b"', parts)).reporting_mta == "mx"


def test_a_report_without_its_last_boundary_or_beyond_what_is_looked_at_is_read_as_far_as_it_goes() -> None:
    raw = dsn(person())
    assert read(raw[: raw.rindex(b"--b--")]).message_id == OURS
    assert read(raw.replace(b"To: x@example.org", b"X-Long: " + b"y" * MAX_MAIL_BYTES)).message_id == OURS


@pytest.mark.parametrize(
    "kind", ["multipart/report", "multipart/report; boundary=", 'multipart/report; boundary="\x00']
)
def test_a_report_without_a_boundary_says_nothing(kind: str) -> None:
    assert (
        read_mail(dsn(person()).replace(b'multipart/report; report-type=delivery-status; boundary="b"', kind.encode()))
        is None
    )


def test_of_a_mail_of_nothing_but_boundaries_only_so_many_parts_are_looked_at() -> None:
    raw = mail('multipart/mixed; boundary="b"', "--b\n\n" * 10_000)
    assert len(parts_of(raw, head_of(raw))) <= MAX_PARTS
    deep = "text/plain\n\nx\n"
    for number in range(3 * MAX_DEPTH):
        deep = f'multipart/mixed; boundary="b{number}"\n\n' + multipart(deep, boundary=f"b{number}")
    raw = mail("multipart/mixed; boundary=z", multipart(deep, boundary="z"))
    assert parts_of(raw, head_of(raw)) == []


@pytest.mark.parametrize("row", FEEDBACK_TYPES, ids=lambda row: row.word)
def test_each_feedback_type_becomes_what_the_table_says(row: Any) -> None:
    found = read_mail(arf(f"Feedback-Type: {row.word.title()}", "User-Agent: Some-FBL/1.0", "Version: 1"))
    assert (None if found is None else found.kind) == row.kind
    if found is not None:
        assert (found.complaint_type, found.complaint_subtype, found.user_agent) == (
            row.word,
            MAIL_REPORT,
            "Some-FBL/1.0",
        )


@pytest.mark.parametrize("fields", [(), ("Feedback-Type: ",), ("Feedback-Type: surprise",)])
def test_a_complaint_of_no_known_type_is_nothing(fields: tuple[str, ...]) -> None:
    assert read_mail(arf(*fields, "User-Agent: x")) is None


def test_a_complaint_names_those_to_whom_it_went_or_nobody() -> None:
    assert read(arf("Feedback-Type: abuse")).recipients == ()
    said = ("Original-Rcpt-To: <Ann@Example.org>", "Original-Rcpt-To: ann@example.org", "Original-Rcpt-To: redacted")
    assert [who.address for who in read(arf("Feedback-Type: abuse", *said)).recipients] == ["ann@example.org"]


def test_a_complaint_says_when_the_mail_arrived() -> None:
    at = "Sat, 28 Nov 2026 09:00:00 +0000"
    assert read(arf("Feedback-Type: abuse", f"Arrival-Date: {at}")).arrived_at == 1_795_856_400_000
    assert read(arf("Feedback-Type: abuse", f"Received-Date: {at}")).arrived_at == 1_795_856_400_000
    assert read(arf("Feedback-Type: abuse", "Arrival-Date: soon")).arrived_at is None


QMAIL = f"""\
Hi. This is the qmail-send program at mx.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.

<ann@example.org>:
550 5.1.1 no such user
 - here

<bob@example.org>:
I'm not going to try again; this message has been in the queue too long.

--- Below this line is a copy of the message.

Return-Path: <{OURS}@eu-west-1.amazonses.com>
{WIRE}
To: ann@example.org

<carl@example.org>:
no recipient, but text of the mail
"""


def test_qmails_report_names_each_recipient_and_nobody_of_the_copy() -> None:
    found = read(mail("text/plain", QMAIL))
    assert [(who.address, who.status) for who in found.recipients] == [
        ("ann@example.org", "5.1.1"),
        ("bob@example.org", None),
    ]
    assert found.recipients[0].diagnostic == "550 5.1.1 no such user - here"
    assert (found.message_id, found.bounce_type) == (OURS, "Transient")


EXIM = f"""\
A message that you sent could not be delivered to one or more of its recipients.

  ann@example.org
    host mx.example.org: 550 5.1.1 Unknown user

------ This is a copy of the message's headers. ------

{WIRE}
To: ann@example.org
"""


def test_exims_report_names_those_of_its_header_and_why_where_there_is_one() -> None:
    found = only(mail("text/plain", EXIM, "X-Failed-Recipients: ann@example.org"))
    assert (found.address, found.status) == ("ann@example.org", "5.1.1")
    both = read(mail("text/plain", EXIM, "X-Failed-Recipients: ann@example.org, bob@example.org, nobody"))
    assert [(who.address, who.status) for who in both.recipients] == [
        ("ann@example.org", None),
        ("bob@example.org", None),
    ]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("Hi. This is the end.\n\n<not closed\n", ()),
        ("Hi. This is the qmail-send program.\n\n<postmaster>:\nno\n\n" + WIRE, ()),
        (EXIM, ()),
        (EXIM, ("X-Failed-Recipients: nobody",)),
        ("It did not work, and no copy is here.", ("X-Failed-Recipients: ann@example.org",)),
        ("Hello! How are you?\n\n" + WIRE, ()),
    ],
)
def test_any_other_text_is_no_report(body: str, headers: tuple[str, ...]) -> None:
    assert read_mail(mail("text/plain", body, *headers)) is None


def test_the_same_report_is_one_event_however_often_and_whoever_says_it() -> None:
    again = dsn(person(), headers=("Message-ID: <another@mx.example.org>", "Subject: again"))
    assert read(dsn(person())).feedback_id == read(again).feedback_id
    assert read(dsn(person(status="4.2.2"))).feedback_id != read(dsn(person())).feedback_id
    assert read(dsn(person(status="5.2.2"))).feedback_id != read(dsn(person())).feedback_id


@pytest.mark.parametrize(
    ("receipt", "counts"),
    [
        ({}, True),
        ({"spamVerdict": {"status": "FAIL"}}, False),
        ({"virusVerdict": {"status": "fail"}}, False),
        ({"spamVerdict": {"status": "GRAY"}, "virusVerdict": {"status": "DISABLED"}}, True),
        ({"dmarcVerdict": {"status": "FAIL"}, "dmarcPolicy": "reject"}, False),
        ({"dmarcVerdict": {"status": "FAIL"}, "dmarcPolicy": "none"}, True),
        ({"spfVerdict": {"status": "FAIL"}, "dkimVerdict": {"status": "FAIL"}}, True),
        ({"spamVerdict": "odd", "dmarcVerdict": None}, True),
    ],
)
def test_what_ses_finds_unwanted_is_no_event(receipt: dict[str, Any], counts: bool) -> None:
    event = {"notificationType": "Received", "mail": {}, "receipt": receipt, "content": dsn(person()).decode()}
    assert (read_received(event) is not None) is counts


@pytest.mark.parametrize(("verdict", "counts"), [("PASS", True), ("FAIL", False), ("fail ", False), ("GRAY", True)])
@pytest.mark.parametrize("name", ["X-SES-Spam-Verdict", "X-SES-Virus-Verdict"])
def test_what_ses_wrote_into_a_mail_that_it_keeps_counts_likewise(name: str, verdict: str, counts: bool) -> None:
    assert (read_mail(dsn(person(), headers=(f"{name}: {verdict}",))) is not None) is counts


@given(st.data())
def test_a_report_cut_and_spliced_anywhere_is_read_and_names_no_more_than_it_may(data: st.DataObject) -> None:
    raw = data.draw(st.sampled_from([dsn(person()), arf("Feedback-Type: abuse"), mail("text/plain", QMAIL)]))
    start, end = sorted((data.draw(st.integers(0, len(raw))), data.draw(st.integers(0, len(raw)))))
    found = read_mail(raw[:start] + data.draw(st.binary(max_size=30)) + raw[end:])
    assert found is None or len(found.recipients) <= MAX_RECIPIENTS
