"""The head of a raw mail, whatever was done to it; and the time that it bears."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.mime import MAX_HEAD_BYTES, content_head, decoded, head_of, received_time, unfolded


def test_headers_are_told_by_their_name_in_any_case_in_order_and_on_one_line() -> None:
    mail = b"X-A: 1\r\nx-a:2\r\nSubject: one\r\n two\r\n\tthree\r\n\r\nX-A: body"
    assert head_of(mail) == {"x-a": ["1", "2"], "subject": ["one two\tthree"]}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_line_ends_will_do(end: str) -> None:
    assert head_of(f"A: 1{end}B: 2{end}{end}C: 3".encode()) == {"a": ["1"], "b": ["2"]}


def test_a_body_that_is_missing_is_not_missed() -> None:
    assert head_of(b"A: 1") == {"a": ["1"]}
    assert head_of(b"\xef\xbb\xbf\r\n\nA: 1\n\nB: 2") == {"a": ["1"]}
    assert head_of(b"From nobody Tue Feb  3 09:15:02 2026\nA: 1\n\n") == {"a": ["1"]}


def test_bytes_that_are_no_ascii_are_utf_8_or_else_replaced() -> None:
    assert head_of("A: Zoë".encode()) == {"a": ["Zoë"]}
    assert head_of("A: Zoë".encode("latin-1")) == {"a": ["Zo\ufffd"]}


def test_headers_without_end_are_read_up_to_a_bound() -> None:
    found = head_of(b"A: 1\n" + b"B: 2\n" * MAX_HEAD_BYTES)
    assert found["a"] == ["1"]
    assert len(found["b"]) < MAX_HEAD_BYTES / 4


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?Q?Fr=C3=A5nvaro?= now", "Frånvaro now"),
        ("=?utf-8?B?6Ieq5YuV5b+c562U?=", "自動応答"),
        ("=?iso-8859-1?Q?Fr=E5nvaro?=", "Frånvaro"),
        ("=?utf-8?Q?Auto?= =?utf-8?Q?matic?=", "Automatic"),
        ("=?no-such-charset?Q?x?=", "=?no-such-charset?Q?x?="),
        ("=?utf-8?B?abc?=", "=?utf-8?B?abc?="),
        ("=?utf-8?Q?=FF?=", "=?utf-8?Q?=FF?="),
        ("Frånvaro", "Frånvaro"),
    ],
)
def test_encoded_words_are_decoded_or_left_as_they_are(written: str, text: str) -> None:
    assert decoded(written) == text


AT = 1_770_110_102_000


@pytest.mark.parametrize(
    ("headers", "at"),
    [
        ({"received": ["by mx.example.org; Tue, 3 Feb 2026 09:15:02 +0000 (UTC)"]}, AT),
        ({"received": ["by a; Tue, 3 Feb 2026 10:15:02 +0100", "by b; Tue, 3 Feb 2026 09:00:00 +0000"]}, AT),
        ({"received": ["by a; nonsense"], "date": ["Tue, 3 Feb 2026 09:15:02 +0000"]}, AT),
        ({"received": ["by a"], "date": ["3 Feb 2026 09:15:02"]}, AT),
        ({"received": ["by a; Tue, 3 Feb 2026 09:15:02 +0000"], "date": ["Mon, 3 Feb 2031 09:15:02 +0000"]}, AT),
        ({"date": ["Tue, 3 Feb 2026 09:15:02 +9999999"]}, None),
        ({"date": ["Tue, 99 Feb 99999 09:15:02 +0000"]}, None),
        ({"date": ["Thu, 1 Jan 1903 00:00:00 +0000"]}, None),
        ({"date": [""]}, None),
        ({"date": []}, None),
        ({}, None),
    ],
)
def test_a_mails_time_is_the_newest_servers_word_else_the_senders(
    headers: dict[str, list[str]], at: int | None
) -> None:
    assert received_time(headers) == at


def test_content_comes_as_text_or_in_base64_and_says_so_or_not() -> None:
    mail = "A: Zoë\r\n\r\nbody"
    packed = base64.b64encode(mail.encode()).decode()
    for content, encoding in [(mail, "UTF-8"), (mail, None), (packed, "BASE64"), (packed, "Base64"), (packed, None)]:
        assert content_head(content, encoding) == {"a": ["Zoë"]}
    assert content_head("\u00e9 is no base64", None) == {}
    assert content_head(mail, "BASE64") == {}


@given(mail=st.binary(max_size=400) | st.text(alphabet="AB: \r\n\t=?", max_size=200).map(str.encode))
def test_any_bytes_have_a_head(mail: bytes) -> None:
    found = head_of(mail)
    for values in found.values():
        for value in values:
            value.encode()
            decoded(value).encode("utf-8", "surrogateescape")
    received_time({**found, "date": found.get("a", [])})


@given(text=st.text(max_size=300))
def test_any_text_is_content(text: str) -> None:
    content_head(text, None)
    content_head(text, "BASE64")
    unfolded(text)
    received_time({"received": [text], "date": [text]})
