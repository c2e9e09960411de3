"""An address is seen in whatever way a line, a dump or a URL writes it; and nothing else is taken away."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.mail.spotting import with_addresses
from streams.mail.tagging import tag_of

MIME = f"=?utf-8?b?{b64encode('<ann@bücher.example>'.encode()).decode()}?="
PARTED = "\r\n ".join(f"=?utf-8?B?{b64encode(part).decode()}?=" for part in (b"<ann.of.s", b"ales@example.com>"))


PIECES = (
    *("=?", "?=", "utf-8", "?b?", "?B?", "?", "=", "%3F", "%3D", "%25", "%", "b64_", "QGV4YW1wbGU", "+", "/", "-", "_"),
    *("@", "=40", "%40", "\\u0040", "\\", "'", '"', "é", "\U0001f600", "\ud800", "\0", "\r\n ", " ", "[", "]"),
)


def hidden(text: str) -> str:
    return with_addresses(text, lambda _: "<somebody>")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("ann@example.com", "<somebody>"),
        ("Ann <ann@example.com>, bob", "Ann <<somebody>>, bob"),
        ('"ann of sales"@example.com is away', "<somebody> is away"),
        (json.dumps('"ann of sales"@example.com'), '<somebody>"'),  # a quotation mark more than there is
        ("ann.o'brien@example.com", "<somebody>"),
        ("'ann@example.com'", "'<somebody>'"),
        (repr("jörg@example.com".encode()), "b'<somebody>'"),
        (json.dumps("jörg@example.com"), '"<somebody>"'),
        ("ann@example.com*bob@example.com", "<somebody>"),  # in Avro, a length stands between them
        ("ann@example.com4bob+news@example.com", "<somebody>"),
        ("/in/ann@example.com/bob@example.com/x", "<somebody>/x"),
        ("ann@[192.0.2.1]: refused", "<somebody>: refused"),
        (quote("ann@example.com/x?y", safe=""), "<somebody>%2Fx%3Fy"),
        (quote(quote("ann@example.com")), "<somebody>"),
        ("ann=40example.com", "<somebody>"),
        ("ann&#64;example.com", "<somebody>"),
        ("ann\\u0040example.com", "<somebody>"),
        (f"tag {tag_of('ann@example.com')} of", "tag <somebody> of"),
        ("ann@bücher.example.", "<somebody>."),
        (MIME, "<<somebody>>"),
        (f"to {MIME} of", "to <<somebody>> of"),
        (quote(f"to {MIME}"), "to%20<<somebody>>"),
        (quote(quote(f"to {MIME}", safe=""), safe=""), "to%2520<<somebody>>"),
        (repr(PARTED), "'<<somebody>>'"),
        (quote(PARTED), "<<somebody>>"),
    ],
)
def test_an_address_is_seen(written: str, said: str) -> None:
    assert hidden(written) == said


@pytest.mark.parametrize(
    "text",
    [
        "ses.sends/3 at offset 17: NOT_AVRO",
        "broker-1:9092 took 40 % of 1,000",
        f"tag {tag_of('order 4711')} of",
        "=?utf-8?b?T3JkZXIgNDcxMQ==?=",
        "=?utf-8?b?no base64 at all?=",
        "it's Ann's @ home",
        "https://example.com/a?b=c#d",
    ],
)
def test_what_holds_nobody_stays_as_it_is(text: str) -> None:
    assert hidden(text) == text


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join))
@example("=?utf-8?b?jörg@example.com?=")
@example("=?utf-8?b?Ym9i-QGV4!?=")
@example("=?utf-8?b?Ym=9iQGV4?=")
def test_no_text_is_too_odd_to_be_looked_through(text: str) -> None:
    assert "ann@example.com" not in hidden(f"{text} ann@example.com")


@pytest.mark.parametrize(
    "unit",
    [
        "\\u0061",
        "a'",
        '\\"',
        "\\\\",
        "a\\'",
        "a@[",
        "@",
        "%25",
        "&#64",
        "=?a?b?",
        "=?a?b?c?=",
        "%3D%3F",
        f"=?a?b?%{'25' * 99}",
    ],
)
def test_a_text_made_to_be_slow_is_not(unit: str) -> None:
    """Of so long a text a look that goes back again and again takes hours: the suite's time-out would end it."""
    assert "bob@" not in with_addresses("bob@example.com " + unit * 200_000, lambda _: "somebody")
