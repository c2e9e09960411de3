"""Mails as bytes: golden ones, line by line; and whatever is put into one comes out again by somebody else's parser."""

from __future__ import annotations

import email
import email.policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.dispatch.fault import TAKEN, Fault, fault_of
from streams.dispatch.headers import MOST_TAGS, configuration_set_of, end_of_header, headers_of, tags_of
from streams.dispatch.mime import ascii_mailbox, bare_address, mime_of, raw_for_api, raw_for_smtp
from streams.mail.letter import Letter, Raw, Simple
from streams.mail.tagging import text_of
from tests.dispatch.letters import SIMPLE, TEMPLATE, letter


def built(content: Simple = SIMPLE, **said: Any) -> bytes:
    return mime_of(letter(content=content, **said), content)


def parsed(mime: bytes) -> EmailMessage:
    message = email.message_from_bytes(mime, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def lines(mime: bytes) -> list[str]:
    text = mime.decode("ascii")
    assert text.count("\n") == text.count("\r\n")
    return text.split("\r\n")


# Golden


def test_a_text_alone() -> None:
    assert lines(built(Simple("Your receipt", "Thank you.\n", None))) == [
        "From: shop@example.com",
        "To: ada@example.org",
        "Subject: Your receipt",
        "X-SES-MESSAGE-TAGS: stream=receipts, request_id=order-7, attempt=1",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: OOF, AutoReply",
        "X-Ses-Streams-Request-Id: order-7",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: 7bit",
        "MIME-Version: 1.0",
        "",
        "Thank you.",
        "",
    ]


def test_text_and_html_beyond_ascii_with_all_that_a_letter_may_say() -> None:
    sent = letter(
        from_address="Bücher & Töchter <shop@bücher.example>",
        to=("Ada Lovelace <ada@example.org>", '"Søren, the old" <soren@example.org>'),
        cc=("cc@example.org",),
        bcc=("secret@example.org",),
        reply_to=("Help <help@example.com>",),
        in_reply_to="0100-q@eu-west-1.amazonses.com",
        configuration_set="events",
        headers={"List-Unsubscribe": "<https://example.com/u/" + "x" * 70 + ">", "X-Note": "grün"},
        content=Simple("Ihr Einkauf bei Bücher & Töchter vom ersten Mai", "Grüße\n", "<p>Grüße</p>\n"),
    )
    assert isinstance(sent.content, Simple)
    assert lines(mime_of(sent, sent.content)) == [
        "From: =?utf-8?b?QsO8Y2hlciAmIFTDtmNodGVy?= <shop@xn--bcher-kva.example>",
        "To: Ada Lovelace <ada@example.org>, =?utf-8?b?U8O4cmVuLCB0aGUgb2xk?=",
        " <soren@example.org>",
        "Cc: cc@example.org",
        "Reply-To: Help <help@example.com>",
        "Subject: =?utf-8?q?Ihr_Einkauf_bei_B=C3=BCcher_=26_T=C3=B6chter_vom?=",
        " =?utf-8?q?_ersten_Mai?=",
        "X-SES-CONFIGURATION-SET: events",
        "X-SES-MESSAGE-TAGS: stream=receipts, request_id=order-7, attempt=1",
        "List-Unsubscribe: <https://example.com/u/" + "x" * 70 + ">",
        "X-Note: =?utf-8?b?Z3LDvG4=?=",
        "Auto-Submitted: auto-replied",
        "In-Reply-To: <0100-q@eu-west-1.amazonses.com>",
        "References: <0100-q@eu-west-1.amazonses.com>",
        "X-Auto-Response-Suppress: OOF, AutoReply",
        "X-Ses-Streams-Request-Id: order-7",
        "MIME-Version: 1.0",
        "Content-Type: multipart/alternative;",
        ' boundary="=_f5be99f9496b639b51663eb7a130f34e"',
        "",
        "--=_f5be99f9496b639b51663eb7a130f34e",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: base64",
        "",
        "R3LDvMOfZQ0K",
        "",
        "--=_f5be99f9496b639b51663eb7a130f34e",
        'Content-Type: text/html; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "MIME-Version: 1.0",
        "",
        "<p>Gr=C3=BC=C3=9Fe</p>",
        "",
        "--=_f5be99f9496b639b51663eb7a130f34e--",
        "",
    ]


def test_html_alone_and_nothing_at_all_are_mails_too() -> None:
    assert parsed(built(Simple("x", None, "<p>x</p>"))).get_content_type() == "text/html"
    assert parsed(built(Simple("x", None, None))).get_content().strip() == ""


# A raw mail

OURS = b"Auto-Submitted: auto-generated%sX-Auto-Response-Suppress: OOF, AutoReply%sX-Ses-Streams-Request-Id: order-7%s"


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_raw_mail_keeps_its_bytes_and_its_line_ends(end: bytes) -> None:
    mime = end.join([b"From: shop@example.com", b"Subject: \xff", b"", b"body\xfe", b"", b"no end"])
    assert raw_for_api(letter(content=Raw(mime)), mime) == OURS % (end, end, end) + mime


def test_what_a_raw_mail_says_itself_is_not_said_again() -> None:
    mime = b"auto-submitted: no\r\nX-AUTO-RESPONSE-SUPPRESS : All\r\nReply-To: a@example.com\r\n\r\nx"
    sent = letter(content=Raw(mime), reply_to=("b@example.com",), headers={"REPLY-to": "c@example.com"})
    assert raw_for_api(sent, mime) == b"X-Ses-Streams-Request-Id: order-7\r\n" + mime


def test_the_letter_s_reply_to_goes_in_front_of_a_raw_mail_that_has_none() -> None:
    mime = b"Subject: x\n\nx"
    sent = raw_for_smtp(letter(content=Raw(mime), reply_to=("Help <help@example.com>", "b@example.com")), mime)
    assert parsed(sent)["Reply-To"] == "Help <help@example.com>, b@example.com"
    assert b"\r" not in sent


def test_an_empty_header_is_left_out() -> None:
    assert "X-Empty" not in dict(headers_of(letter(headers={"X-Empty": " "})))


def test_a_body_that_looks_like_a_header_is_none() -> None:
    mime = b"Subject: x\n\nAuto-Submitted: no\n"
    assert b"Auto-Submitted: auto-generated\n" in raw_for_api(letter(content=Raw(mime)), mime)


def test_a_raw_mail_that_names_its_recipients_itself_keeps_its_bcc() -> None:
    mime = b"Subject: x\r\nBcc: secret@example.org\r\n\r\nx"
    assert b"Bcc: secret" in raw_for_api(letter(content=Raw(mime), to=()), mime)
    assert b"Bcc: secret" not in raw_for_api(letter(content=Raw(mime)), mime)


def test_by_smtp_a_raw_mail_s_own_tags_are_said_together_with_ours() -> None:
    mime = b"X-SES-CONFIGURATION-SET: own\r\nX-SES-Message-Tags: a=1,\r\n b=2\r\nSubject: x\r\n\r\nx"
    sent = raw_for_smtp(letter(content=Raw(mime)), mime)
    assert parsed(sent).get_all("X-SES-MESSAGE-TAGS") == ["stream=receipts, request_id=order-7, attempt=1, a=1, b=2"]
    assert parsed(sent).get_all("X-SES-CONFIGURATION-SET") == ["own"]
    assert sent.endswith(b"\r\nSubject: x\r\n\r\nx")


@pytest.mark.parametrize(
    ("mime", "head"),
    [(b"A: b\r\n\r\nx", 6), (b"A: b\n\nx", 5), (b"\r\nx", 0), (b"\nx", 0), (b"A: b", 4), (b"", 0), (b"A: b\r\n\nx", 6)],
)
def test_where_a_header_block_ends(mime: bytes, head: int) -> None:
    assert end_of_header(mime) == head


# Ours


@pytest.mark.parametrize("name", ["Auto-Submitted", "auto-submitted", "AUTO-SUBMITTED"])
def test_what_the_request_says_itself_stays_the_only_word(name: str) -> None:
    said = [value for own, value in headers_of(letter(headers={name: "no"})) if own.lower() == "auto-submitted"]
    assert said == ["no"]


def test_a_request_id_beyond_ascii_still_has_its_header() -> None:
    said = dict(headers_of(letter(request_id="bestellung-ü")))
    assert text_of(said["X-Ses-Streams-Request-Id"]) == "bestellung-ü"


def test_a_value_that_ses_takes_no_tag_for_is_packed_and_a_name_is_left_out() -> None:
    tags = tags_of(letter(request_id="a b", tags={"campaign": "spring sale", "bad name": "x", "empty": "", "": "x"}))
    assert {name: text_of(value) for name, value in tags.items()} == {
        "stream": "receipts",
        "request_id": "a b",
        "attempt": "1",
        "campaign": "spring sale",
    }


def test_a_value_that_is_packed_already_is_not_packed_twice() -> None:
    once = tags_of(letter(request_id="a b"))["request_id"]
    assert tags_of(letter(tags={"x": once}))["x"] == once


def test_ours_come_first_and_win_and_fifty_is_the_end() -> None:
    tags = tags_of(letter(tags={"request_id": "another"} | {f"t{number}": "x" for number in range(60)}))
    assert list(tags.items())[:3] == [("stream", "receipts"), ("request_id", "order-7"), ("attempt", "1")]
    assert len(tags) == MOST_TAGS


def test_the_letter_s_configuration_set_comes_before_its_header_s() -> None:
    own = {"x-ses-configuration-set": "own"}
    assert configuration_set_of(letter(headers=own)) == "own"
    assert configuration_set_of(letter(headers=own, configuration_set="events")) == "events"
    assert "own" not in dict(headers_of(letter(headers=own))).values()


# What may not go out

BREAKS = ["\r\nBcc: eve@example.net", "\nx", "\rx", "\x00", "\u2028x", "\x85x", "\x0bx"]


@pytest.mark.parametrize("bad", BREAKS)
@pytest.mark.parametrize(
    "said",
    [
        lambda bad: letter(headers={"X-A": bad}),
        lambda bad: letter(headers={f"X-A{bad}": "x"}),
        lambda bad: letter(from_address=f"a{bad}@example.com"),
        lambda bad: letter(to=(f"a{bad}@example.org",)),
        lambda bad: letter(cc=(f"a{bad}@example.org",)),
        lambda bad: letter(bcc=(f"a{bad}@example.org",)),
        lambda bad: letter(reply_to=(f"a{bad}@example.org",)),
        lambda bad: letter(in_reply_to=f"a{bad}"),
        lambda bad: letter(configuration_set=f"a{bad}"),
        lambda bad: letter(content=SIMPLE._replace(subject=f"a{bad}")),
        lambda bad: letter(content=TEMPLATE._replace(name=f"a{bad}")),
    ],
)
def test_a_line_end_where_a_header_is_made_from_is_refused_without_quoting_it(said: Any, bad: str) -> None:
    fault = fault_of(said(bad))
    assert fault is not None
    assert fault.code == "BadHeader"
    assert "eve" not in fault.text


@pytest.mark.parametrize("name", ["", "X A", "X:A", "Ü", "x" * 127])
def test_a_name_that_is_no_header_s_is_refused(name: str) -> None:
    assert fault_of(letter(headers={name: "x"})) is not None


@pytest.mark.parametrize("taken", TAKEN, ids=[row.name for row in TAKEN])
def test_a_header_that_is_not_for_a_request_to_set_is_refused(taken: Any) -> None:
    assert fault_of(letter(headers={taken.name.title(): "x"})) is not None
    raw = fault_of(letter(headers={taken.name.title(): "x"}, content=Raw(b"\r\n")))
    assert (raw is not None) is taken.raw_too


def test_reply_to_is_said_once() -> None:
    assert fault_of(letter(headers={"Reply-To": "a@example.com"})) is None
    assert fault_of(letter(headers={"Reply-To": "a@example.com"}, reply_to=("b@example.com",))) is not None


def test_before_the_at_sign_ses_takes_ascii_only() -> None:
    assert fault_of(letter(to=("zoë@example.org",))) == Fault(
        "BadAddress", "before the @ SES takes ASCII only: it has no SMTPUTF8 (RFC 6531)"
    )


def test_an_ordinary_letter_has_no_fault() -> None:
    assert fault_of(letter(headers={"List-Id": "<a.example.com>", "X-Tab": "a\tb"}, in_reply_to="<a@b>")) is None


# Addresses


@pytest.mark.parametrize(
    ("written", "mailbox", "bare"),
    [
        ("ada@example.org", "ada@example.org", "ada@example.org"),
        (' "Ada" <ada@example.org> ', ' "Ada" <ada@example.org> ', "ada@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("Ada <ada@BÜCHER.example>", "Ada <ada@xn--bcher-kva.example>", "ada@xn--bcher-kva.example"),
        ("Zoë, A. <z@example.org>", "=?utf-8?b?Wm/DqywgQS4=?= <z@example.org>", "z@example.org"),
        ('"O\\"Zoë" <z@example.org>', "=?utf-8?b?TyJab8Or?= <z@example.org>", "z@example.org"),
        ("zoë@example.org", "zoë@example.org", "zoë@example.org"),
        ("ada@-.ü", "ada@-.ü", "ada@-.ü"),
        ("no address", "no address", "no address"),
    ],
)
def test_an_address_as_ses_takes_it(written: str, mailbox: str, bare: str) -> None:
    assert ascii_mailbox(written) == mailbox
    assert bare_address(written) == bare


# Laws

PRINTABLE = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
VALUES = st.text(PRINTABLE, max_size=200).map(lambda text: " ".join(text.split())).filter(bool)
NAMES = st.text(st.characters(categories=["Ll", "Lu", "Lo", "N"], include_characters=" ,.-'"), max_size=80).map(
    lambda text: " ".join(text.split())
)


@given(subject=VALUES, value=VALUES)
def test_a_subject_and_a_header_come_out_as_they_went_in(subject: str, value: str) -> None:
    sent = letter(headers={"X-Value": value}, content=SIMPLE._replace(subject=subject))
    if fault_of(sent) is not None or "=?" in subject + value:
        return  # what looks encoded would be decoded, as whoever wrote it so wants
    message = parsed(built(SIMPLE._replace(subject=subject), headers={"X-Value": value}))
    assert (message["Subject"], message["X-Value"]) == (subject, value)


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_a_body_comes_out_as_it_went_in_but_for_its_line_ends(text: str) -> None:
    message = parsed(built(Simple("x", text, "<p>" + text)))
    plain = message.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().split() == text.split()
    assert len(list(message.iter_parts())) == 2


@given(name=NAMES)
def test_a_display_name_beyond_ascii_comes_out_as_it_went_in(name: str) -> None:
    if name.isascii():
        return  # goes as it was written
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    read, address = parseaddr(ascii_mailbox(f"{quoted} <ada@example.org>"))
    assert address == "ada@example.org"
    # The old decoder: the new one, in Python 3.11, leaves the space between two encoded words in (RFC 2047 6.2).
    assert str(make_header(decode_header(read))) == name


@given(sent=st.builds(letter, to=st.lists(NAMES.map(lambda name: f"{name}ü <a@example.org>"), min_size=1).map(tuple)))
def test_no_line_is_longer_than_a_mail_s_may_be(sent: Letter) -> None:
    assert isinstance(sent.content, Simple)
    assert max(map(len, lines(mime_of(sent, sent.content)))) <= 998
