"""Which mail is answered, by whom, and where it came to: every form in which a header may say it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.answered import address_in, answered_id, answerer, came_to, ses_ids

ONE = "0102019b00000301-5e5e0301-4c1d-4b7a-9f00-000000000301-000000"
TWO = "0100019b00000302-5e5e0302-4c1d-4b7a-9f00-000000000302-000000"


@pytest.mark.parametrize(
    "value",
    [
        f"<{ONE}@email.amazonses.com>",
        f"<{ONE}@eu-west-1.amazonses.com>",
        f"<{ONE}@us-gov-west-1.amazonses.com>",
        f"<{ONE}@cn-north-1.amazonses.com.cn>",
        f"<{ONE}@amazonses.com>",
        f"{ONE}@eu-west-1.amazonses.com",
        f"<{ONE}>",
        ONE,
        f"  < {ONE}@email.amazonses.com >  ",
        f'"<{ONE}@email.amazonses.com>"',
        f"'{ONE}'",
        f"&lt;{ONE}@email.amazonses.com&gt;",
        f"mid:{ONE}@email.amazonses.com",
        f"Your message of Tue, 3 Feb 2026 <{ONE}@email.amazonses.com>.",
        f"<{ONE}@email.amazonses.com> (Ann's message of Tue)",
        f"(see {TWO}) <{ONE}@email.amazonses.com>",
        f"({ONE}@email.amazonses.com)",
        f"<x@example.org> <{ONE}@email.amazonses.com> <y@example.org>",
        f"<x@example.org>,<{ONE}@email.amazonses.com>;",
        f"<{ONE}@Email.AmazonSES.com>",
        f"<{ONE.upper()}@EMAIL.AMAZONSES.COM>",
        f"\t<{ONE}@email.amazonses.com>\t",
    ],
)
def test_a_message_id_is_found_in_every_form(value: str) -> None:
    assert answered_id({"in-reply-to": [value]}) == ONE


@pytest.mark.parametrize(
    "value",
    [
        "",
        "<>",
        "<abc@example.org>",
        f"<{ONE}@example.org>",
        f"<{ONE}@notamazonses.com>",
        f"<{ONE}@email.amazonses.com.example.org>",
        f"<{ONE}@email.amazonses.com-x.example>",
        f"<{ONE}@email.amazonses.org>",
        f"x{ONE}",
        f"{ONE}0",
        f"{ONE}-1",
        ONE[:-1],
        ONE.replace("-", ""),
        "@email.amazonses.com",
        "< @email.amazonses.com>",
    ],
)
def test_an_id_of_somebody_else_is_none_of_ours(value: str) -> None:
    assert answered_id({"in-reply-to": [value], "references": [value]}) is None


def test_an_id_at_amazonses_need_not_look_like_todays() -> None:
    assert ses_ids("<Some-Thing.1@email.amazonses.com>") == ["Some-Thing.1"]


def test_in_reply_to_goes_before_references_and_there_the_last_one_counts() -> None:
    both = {"in-reply-to": [f"<{ONE}@email.amazonses.com>"], "references": [f"<{TWO}@email.amazonses.com>"]}
    assert answered_id(both) == ONE
    thread = f"<{ONE}@email.amazonses.com> <{TWO}@email.amazonses.com> <x@example.org>"
    assert answered_id({"in-reply-to": ["<x@example.org>"], "references": [thread]}) == TWO
    assert answered_id({"references": [f"<{ONE}>", f"<{TWO}>"]}) == TWO
    assert answered_id({}) is None


def test_a_thread_without_end_is_read_from_its_end() -> None:
    thread = f"<{ONE}> " + "<x@example.org> " * 10_000 + f"<{TWO}>"
    assert answered_id({"references": [thread]}) == TWO


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("ann@example.org", "ann@example.org"),
        ("Ann <Ann@Example.org>", "Ann@Example.org"),
        ('"Example, Ann" <ann@example.org>', "ann@example.org"),
        ("Example, Ann <ann@example.org>", "ann@example.org"),
        ('"ben@example.net" <ann@example.org>', "ann@example.org"),
        ('"ben@example.net via Shop <x@example.net>" <ann@example.org>', "ann@example.org"),
        ("ann@example.org (Ann)", "ann@example.org"),
        ("=?utf-8?q?Ann?= <ann@example.org>", "ann@example.org"),
        ("Zoë <zoë@exämple.org>", "zoë@exämple.org"),
        ("ann@example.org, ben@example.net", "ann@example.org"),
        ("team: ann@example.org;", "ann@example.org"),
        ("<>", None),
        ("", None),
        ("Ann", None),
        ("Ann <ann>", None),
        ("undisclosed-recipients:;", None),
        ("<" * 5000 + "ann@example.org>", None),
        ('"<' + "(" * 5000, None),
    ],
)
def test_an_address_is_found_among_names_and_comments(value: str, address: str | None) -> None:
    assert address_in(value) == address


def test_who_answered_is_from_else_sender_else_the_envelope() -> None:
    every = {"from": ["Ann <ann@example.org>"], "sender": ["ben@example.org"], "return-path": ["<cid@example.org>"]}
    found = []
    for name in ("from", "sender", "return-path"):
        who = answerer(every, "dan@example.org")
        found.append(None if who is None else who.address)
        every[name] = ["<>"]
    who = answerer(every, "Dan@example.org")
    assert who is not None
    assert [*found, who.address] == ["ann@example.org", "ben@example.org", "cid@example.org", "dan@example.org"]
    assert who.written == "Dan@example.org"
    assert answerer(every, "") is None


def test_a_mail_server_answers_for_nobody() -> None:
    assert answerer({"from": ["MAILER-DAEMON@example.org"], "return-path": ["<>"]}) is None
    assert answerer({}) is None


def test_where_it_came_to_is_the_envelopes_word_first() -> None:
    headers = {"to": ["Shop <Shop@Example.com>"], "delivered-to": ["Autoresponder", "inbound@example.com"]}
    assert came_to(headers, ["Help@Example.com", "shop@example.com"]) == "help@example.com"
    assert came_to(headers) == "inbound@example.com"
    assert came_to({"to": headers["to"]}) == "shop@example.com"
    assert came_to({}, [""]) is None


@given(value=st.text(max_size=200) | st.text(alphabet='<>()"@.,;: a0-=\\', max_size=400))
def test_anything_may_stand_in_a_header(value: str) -> None:
    headers = {name: [value] for name in ("in-reply-to", "references", "from", "sender", "return-path", "to")}
    answered_id(headers)
    who = answerer(headers, value)
    assert who is None or "@" in who.address
    came_to(headers, [value])
