"""Whatever is handed in is taken or refused, and never a fault of the simulator's; whatever is told is about it."""

from __future__ import annotations

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from streams.simulator import virus
from streams.simulator.fates import MAILBOX, MAILBOXES, WORDS, Event
from streams.simulator.mime import read_headers
from streams.simulator.reading import submission_of
from streams.simulator.refusals import No
from streams.simulator.templates import Template
from streams.simulator.words import Conditions, Form
from tests.simulator.lives import Bench

TEMPLATES = {"welcome": Template("Hello {{name}}", "{{a.b}} {{{c}}}", "<p>{{name}}</p>")}
WORDS_OF_SES = (
    *("FromEmailAddress", "Destination", "ToAddresses", "CcAddresses", "Content", "Simple", "Raw", "Template"),
    *("Data", "Subject", "Body", "Text", "Html", "Headers", "Name", "Value", "Attachments", "RawContent"),
    *("TemplateName", "TemplateData", "TemplateContent", "EmailTags", "ConfigurationSetName"),
)
SOMETHING = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["ann@example.org", "welcome", "e30="]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS_OF_SES), inner, max_size=5),
    max_leaves=12,
)


def _requests() -> st.SearchStrategy[dict[str, Any]]:
    """Return requests that are nearly right: SES's words in SES's places, and anything for a value."""
    part = st.dictionaries(st.sampled_from(WORDS_OF_SES), ODD, max_size=5)
    content = st.fixed_dictionaries({}, optional={"Simple": part, "Raw": part, "Template": part})
    known = st.fixed_dictionaries(
        {"Content": content | ODD},
        optional={"FromEmailAddress": ODD, "Destination": part | ODD, "EmailTags": st.lists(part, max_size=2) | ODD},
    )
    return known | part


@given(_requests())
def test_any_request_is_taken_or_refused(request: dict[str, Any]) -> None:
    bench = Bench()
    try:
        submission = submission_of(orjson.loads(json.dumps(request)), TEMPLATES, "127.0.0.1")
        mail = bench.account.take(submission, bench.now, bench.conditions)
    except No:
        return
    assert mail.submission.recipients


@given(st.binary(max_size=300) | st.builds(lambda head, body: head + b"\r\n\r\n" + body, st.binary(), st.binary()))
def test_any_bytes_are_read_as_a_mail(raw: bytes) -> None:
    headers = read_headers(raw)
    orjson.dumps([headers.shown, headers.to, headers.tags])
    assert not virus.in_mime(raw)


@given(st.sampled_from(["base64", "quoted-printable", "x-odd", "BASE64 "]), st.binary(max_size=200))
def test_any_part_is_looked_into(encoding: str, body: bytes) -> None:
    head = f"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    assert not virus.in_mime(head.encode() + body + b"\r\n--x--\r\n")


_PEOPLE = st.sampled_from(
    [f"{name}@{MAILBOX}" for name in MAILBOXES]
    + [f"{word}@{domain}" for word in WORDS for domain in ("bigmail.example", "outpost.example")]
    + ["full-1@bigmail.example", "slow-2@outpost.example", "ann@example.org", "bob@down.example"]
)


@given(st.lists(_PEOPLE, min_size=1, max_size=50), st.booleans(), st.sampled_from(Form))
def test_every_recipient_has_a_first_end_and_nobody_else_is_named(to: list[str], disorder: bool, form: Form) -> None:
    bench = Bench(Conditions(disorder=disorder, outage=("down.example",)))
    follows = bench.follows(*to)
    assert {address for one in follows for address in one.about} <= set(to)
    ends = {Event.DELIVERY, Event.BOUNCE}
    for address in {one for one in to if not one.startswith("silent@")}:
        own = sorted((one for one in follows if address in one.about), key=lambda one: one.at)
        assert own[0].turn.event is Event.SEND
        assert [one for one in own if one.turn.event in ends]
        assert [one.turn.event for one in own].count(Event.DELIVERY) <= 1
    assert len({one.name for one in follows}) == len(follows)
