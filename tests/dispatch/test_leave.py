"""Mails say how to leave: to one person, of a stream that may be left, by both roads, in every content; or nothing."""

from __future__ import annotations

import email
import email.policy
import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.dispatch.api import call_of
from streams.dispatch.headers import headers_of
from streams.dispatch.leave import LONGEST, LeavingRoad, Ways, ways_of
from streams.dispatch.mime import mime_of, raw_for_api, raw_for_smtp
from streams.dispatch.roads import road_of
from streams.mail.letter import Accepted, Answer, Content, Letter, Quota, Raw
from streams.mail.unsubscribe import Leave, read_token
from streams.settings import Settings
from streams.settings.unsubscribe import Unsubscribe, keys_of
from tests.dispatch.letters import NOW, RAW, SIMPLE, TEMPLATE, clock, letter

WORDS = {
    "url": "https://mail.example.com/unsubscribe",
    "address": "unsubscribe@example.com",
    "key": "k" * 32,
    "old_keys": "o" * 32,
    "streams": "newsletter,news",
}
KEYS = keys_of(Unsubscribe.model_validate(WORDS))
ADA = Leave("ada@example.org", "newsletter", "order-7")
POST = "List-Unsubscribe=One-Click"


def ways(**words: str | None) -> Ways:
    said = {name: word for name, word in {**WORDS, **words}.items() if word is not None}
    found = ways_of(Unsubscribe.model_validate(said))
    assert found is not None
    return found


def leaving(content: Content = SIMPLE, by: Ways | None = None, **said: Any) -> Letter:
    made = letter(content=content, **{"stream": "newsletter", **said})
    return replace(made, leave=(by or ways()).out_of(made))


def named(said: Letter) -> dict[str, str]:
    return {name.lower(): value for name, value in headers_of(said)}


def tokens(header: str) -> list[Leave | None]:
    return [read_token(token, KEYS) for token in re.findall(r"[/=]([a-z2-7]{40,})>", header)]


def test_the_header_names_the_link_first_and_then_the_address_with_the_token_as_subject() -> None:
    said = named(leaving())
    link, mailto = said["list-unsubscribe"].split(", ")
    token = link.removeprefix("<https://mail.example.com/unsubscribe/").removesuffix(">")
    assert mailto == f"<mailto:unsubscribe@example.com?subject={token}>"
    assert read_token(token, KEYS[:1]) == ADA
    assert said["list-unsubscribe-post"] == POST


@pytest.mark.parametrize("content", [SIMPLE, TEMPLATE], ids=["simple", "template"])
def test_by_the_api_both_stand_beside_the_content(content: Content) -> None:
    (body,) = call_of(leaving(content))["Content"].values()
    said = {one["Name"]: one["Value"] for one in body["Headers"]}
    assert tokens(said["List-Unsubscribe"]) == [ADA, ADA]
    assert said["List-Unsubscribe-Post"] == POST
    assert list(said).index("List-Unsubscribe") + 1 == list(said).index("List-Unsubscribe-Post")


@pytest.mark.parametrize("road", ["simple by smtp", "raw by api", "raw by smtp"])
def test_in_a_mail_s_bytes_both_stand_in_its_header(road: str) -> None:
    sent = {
        "simple by smtp": lambda: mime_of(leaving(), SIMPLE),
        "raw by api": lambda: raw_for_api(leaving(RAW), RAW.mime),
        "raw by smtp": lambda: raw_for_smtp(leaving(RAW), RAW.mime),
    }[road]()
    message = email.message_from_bytes(sent, policy=email.policy.default)
    assert tokens(str(message["List-Unsubscribe"])) == [ADA, ADA]
    assert message["List-Unsubscribe-Post"] == POST


@pytest.mark.parametrize("name", ["List-Unsubscribe", "LIST-UNSUBSCRIBE", "list-unsubscribe-post"])
@pytest.mark.parametrize("value", ["<https://example.org/own>", ""])
def test_a_request_that_says_one_of_them_itself_gets_neither_of_ours(name: str, value: str) -> None:
    said = named(leaving(headers={name: value}))
    own = {one: word for one, word in said.items() if one.startswith("list-")}
    assert own == ({name.lower(): value} if value else {})


@pytest.mark.parametrize("own", [b"List-Unsubscribe: <https://example.org/own>", b"list-unsubscribe-post: x"])
def test_a_raw_mail_that_says_one_of_them_itself_keeps_it_alone(own: bytes) -> None:
    mime = own + b"\r\n" + RAW.mime
    for sent in (raw_for_api(leaving(Raw(mime)), mime), raw_for_smtp(leaving(Raw(mime)), mime)):
        assert re.findall(rb"(?im)^list-.*", sent) == [own + b"\r"]


@pytest.mark.parametrize(
    "said",
    [
        {"to": ("ada@example.org", "ben@example.org")},
        {"to": ("ada@example.org",), "cc": ("ben@example.org",)},
        {"to": ("ada@example.org",), "bcc": ("ben@example.org",)},
        {"to": ()},
        {"stream": "receipts"},
        {"to": ("no-address",)},
    ],
)
def test_a_mail_to_several_or_of_another_stream_does_not_say_how_to_leave(said: dict[str, Any]) -> None:
    assert leaving(**said).leave == ()
    assert not any(name.startswith("list-") for name in named(leaving(**said)))


def test_a_mail_to_one_hidden_person_does() -> None:
    assert tokens(named(leaving(to=(), bcc=("Ada <ADA@Example.org>",)))["list-unsubscribe"]) == [ADA, ADA]


def test_without_a_url_there_is_no_one_click() -> None:
    said = named(leaving(by=ways(url=None)))
    assert tokens(said["list-unsubscribe"]) == [ADA]
    assert said["list-unsubscribe"].startswith("<mailto:")
    assert "list-unsubscribe-post" not in said


def test_without_an_address_there_is_the_link_alone() -> None:
    assert tokens(named(leaving(by=ways(address=None)))["list-unsubscribe"]) == [ADA]
    assert "mailto" not in named(leaving(by=ways(address=None)))["list-unsubscribe"]


def test_a_slash_at_the_url_s_end_is_not_doubled() -> None:
    assert leaving(by=ways(url="https://example.com/"), to=("a@example.org",)).leave[0].count("//") == 1


@given(local=st.integers(1, 308), request=st.integers(1, 200), path=st.integers(0, 200), address=st.booleans())
def test_whatever_the_length_of_its_parts_the_header_fits_and_its_tokens_open(
    local: int, request: int, path: int, address: bool
) -> None:
    by = ways(url="https://example.com/" + "p" * path, address=WORDS["address"] if address else None)
    said = named(leaving(by=by, to=("a" * local + "@example.org",), request_id="r" * request))
    written = said["list-unsubscribe"]
    assert len(written) <= LONGEST
    assert written.startswith("<https:")
    assert {one and one[:2] for one in tokens(written)} == {("a" * local + "@example.org", "newsletter")}


def test_where_there_is_no_room_the_request_is_left_out_first_and_then_the_address() -> None:
    def said(local: int) -> list[Leave | None]:
        return tokens(named(leaving(to=("a" * local + "@example.org",), request_id="r" * 100))["list-unsubscribe"])

    who = [Leave("a" * local + "@example.org", "newsletter", None) for local in (160, 300)]
    assert [said(20), said(160), said(300)] == [
        [Leave("a" * 20 + "@example.org", "newsletter", "r" * 100)] * 2,
        [who[0]] * 2,
        [who[1]],
    ]


class Kept:
    """A road that keeps what it is given."""

    via = "API"

    def __init__(self) -> None:
        self.carried: list[Letter] = []
        self.open_now = False

    async def open(self) -> None:
        self.open_now = True

    async def close(self) -> None:
        self.open_now = False

    async def carry(self, letter: Letter) -> Answer:
        self.carried.append(letter)
        return Accepted("m-1", NOW)

    async def quota(self) -> Quota | None:
        return Quota(-1, 0, 7.0, sending=True)


async def test_the_road_carries_the_same_letter_with_how_to_leave(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    kept = Kept()
    road = LeavingRoad(kept, ways())
    await road.open()
    assert kept.open_now
    assert f"mails of news, newsletter say how to leave, by key {KEYS[0].id.hex()}" in caplog.text
    asked = letter(stream="newsletter")
    assert await road.carry(asked) == Accepted("m-1", NOW)
    assert await road.carry(letter()) == Accepted("m-1", NOW)
    assert kept.carried == [replace(asked, leave=ways().out_of(asked)), letter()]
    assert kept.carried[0].leave
    assert await road.quota() == Quota(-1, 0, 7.0, sending=True)
    await road.close()
    assert (kept.open_now, road.via) == (False, "API")


async def test_that_a_stream_s_mails_go_to_several_is_said_once_and_without_an_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    road = LeavingRoad(Kept(), ways())
    for _ in range(2):
        await road.carry(letter(stream="news", to=("ada@example.org", "ben@example.org")))
    await road.carry(letter(to=("ada@example.org", "ben@example.org")))
    assert [record.getMessage() for record in caplog.records] == [
        "mails of stream news do not say how to leave it: they go to several people"
    ]


@pytest.mark.parametrize("via", ["api", "smtp"])
@pytest.mark.parametrize(("words", "leaves"), [(WORDS, True), ({"key": "k" * 32}, False), ({}, False)])
def test_the_settings_decide_whether_mails_say_how_to_leave(via: str, words: dict[str, str], leaves: bool) -> None:
    road = road_of(Settings.model_validate({"dispatch": {"via": via}, "unsubscribe": words}), clock)
    assert isinstance(road, LeavingRoad) is leaves
