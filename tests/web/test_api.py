"""The API of one worker: who may ask, what is read, what is answered and written, and what no error says."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from streams.errors import NotReady
from streams.web.operations import OPERATIONS
from streams.web.problems import later
from tests.web.api_twins import BEARER, HERE, NOW, Site

ANN = "ann@example.com"
RECIPIENT = f"/api/v1/recipients/{ANN}"
MESSAGE = "/api/v1/messages/0102018b"
CLOSED = [
    ("GET", RECIPIENT, None),
    ("PUT", RECIPIENT, {"why": "asked by phone"}),
    ("DELETE", f"{RECIPIENT}?why=asked", None),
    ("GET", MESSAGE, None),
    ("POST", "/api/v1/why", {"address": ANN}),
    ("POST", "/api/v1/suppress", {"address": ANN, "why": "asked"}),
    ("POST", "/api/v1/release", {"address": ANN, "why": "asked"}),
]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    await made.start()
    yield made
    await made.stop()


def is_a_problem(headers: dict[str, str], body: dict[str, Any], status: int) -> bool:
    return headers["content-type"].startswith("application/problem+json") and body["status"] == status


async def test_a_recipient_is_looked_up_in_normal_form_and_answered_for(site: Site) -> None:
    site.tables.stored["standings", ANN.encode()] = b"something"
    for path in (RECIPIENT, "/api/v1/recipients/Ann%40EXAMPLE.com"):
        answer = await site.ask("GET", path)
        assert (answer.status, answer.body["recipient"]) == (200, ANN)
        assert site.tables.asked[-1] == ("standings", ANN.encode())
    assert (await site.ask("POST", "/api/v1/why", json={"address": "ANN@example.com"})).status == 200
    assert site.tables.asked[-1] == ("standings", ANN.encode())


async def test_an_address_with_a_slash_in_it_is_one_address(site: Site) -> None:
    assert (await site.ask("GET", "/api/v1/recipients/a%2Fb@example.com")).status == 200
    assert site.tables.asked == [("standings", b"a/b@example.com")]


async def test_a_message_is_looked_up_by_its_bare_id(site: Site) -> None:
    site.tables.stored["lives", b"0102018b"] = b"something"
    for written in ("0102018b", "%3C0102018b%40eu-west-1.amazonses.com%3E"):
        answer = await site.ask("GET", f"/api/v1/messages/{written}")
        assert (answer.status, answer.body["message_id"]) == (200, "0102018b")


async def test_a_message_that_nobody_knows_is_not_found(site: Site) -> None:
    answer = await site.ask("GET", MESSAGE)
    assert answer.status == 404
    assert is_a_problem(answer.headers, answer.body, 404)


async def test_suppressing_writes_an_instruction_and_says_what_was_written(site: Site) -> None:
    body = {"why": " ticket 4711 ", "by": "eve", "scope": "newsletter", "until": "2030-01-01T00:00:00+01:00"}
    answer = await site.ask("PUT", "/api/v1/recipients/Ann@Example.com", json=body)
    assert answer.status == 202
    until = 1_893_452_400_000
    assert site.written == [
        {
            "recipient": ANN,
            "action": "SUPPRESS",
            "by": "eve",
            "at": NOW,
            "why": "ticket 4711",
            "scope": "newsletter",
            "reason": "MANUAL",
            "until": until,
            "written": "Ann@Example.com",
        }
    ]
    assert (answer.body["recipient"], answer.body["until"]) == (ANN, "2029-12-31T23:00:00Z")
    again = await site.ask("POST", "/api/v1/suppress", json={**body, "address": ANN})
    assert again.body == answer.body


async def test_releasing_writes_an_instruction(site: Site) -> None:
    answer = await site.ask("DELETE", f"{RECIPIENT}?why=new%20mailbox&by=eve")
    assert answer.status == 202
    assert site.written == [
        {"recipient": ANN, "action": "RELEASE", "by": "eve", "at": NOW, "why": "new mailbox", "scope": "*"}
    ]
    again = await site.ask("POST", "/api/v1/release", json={"address": ANN, "why": "new mailbox", "by": "eve"})
    assert (again.status, again.body) == (202, answer.body)


async def test_what_the_brokers_do_not_take_is_to_be_asked_again(site: Site) -> None:
    site.write_fails = later("the brokers have not taken it")
    answer = await site.ask("PUT", RECIPIENT, json={"why": "asked"})
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize(
    ("method", "path", "body", "where"),
    [
        ("PUT", RECIPIENT, {}, "why"),
        ("PUT", RECIPIENT, {"why": "   "}, "why"),
        ("PUT", RECIPIENT, {"why": "x", "by": "ses-streams"}, "by"),
        ("PUT", RECIPIENT, {"why": "x", "reason": "UNKNOWN"}, "reason"),
        ("PUT", RECIPIENT, {"why": "x", "until": "2020-01-01T00:00:00Z"}, "until"),
        ("PUT", RECIPIENT, {"why": "x", "until": "2030-01-01T00:00:00"}, "until"),
        ("PUT", RECIPIENT, {"why": "x", "bob@example.org": 1}, "body"),
        ("DELETE", RECIPIENT, None, "why"),
        ("DELETE", f"{RECIPIENT}?why=x&bob@example.org=1", None, "query"),
        ("GET", "/api/v1/recipients/bob.example.org", None, "address"),
        ("POST", "/api/v1/why", {"address": "bob.example.org"}, "address"),
        ("GET", "/api/v1/messages/%3C%3E", None, "id"),
        ("GET", "/api/v1/overview?scope=everyone", None, "scope"),
    ],
)
async def test_what_cannot_be_read_is_refused_field_by_field(
    site: Site, method: str, path: str, body: dict[str, Any] | None, where: str
) -> None:
    answer = await site.ask(method, path, json=body)
    assert answer.status == 422
    assert is_a_problem(answer.headers, answer.body, 422)
    assert [wrong["where"] for wrong in answer.body["errors"]] == [where]
    assert "example" not in answer.text.replace("such as ann@example.com", "")
    assert site.written == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"why": "x"}', "text/plain", 415),
        (b"{" + b" " * 70_000, "application/json", 413),
        (b"{ann@example.com", "application/json", 422),
        (b'{"why": "\xff"}', "application/json", 422),
    ],
)
async def test_a_body_that_is_none_is_refused(site: Site, body: bytes, kind: str, status: int) -> None:
    answer = await site.ask("PUT", RECIPIENT, headers={**BEARER, "Content-Type": kind}, data=body)
    assert answer.status == status
    assert is_a_problem(answer.headers, answer.body, status)
    assert "ann" not in answer.text


@pytest.mark.parametrize(("method", "path", "body"), CLOSED)
async def test_addresses_and_writing_need_the_token(site: Site, method: str, path: str, body: object) -> None:
    for shown in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": BEARER["Authorization"][7:]}):
        answer = await site.ask(method, path, headers=shown, json=body)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert is_a_problem(answer.headers, answer.body, 401)
    assert site.tables.asked == []
    assert site.written == []


def test_the_table_of_what_is_closed_has_all_of_it() -> None:
    assert len(CLOSED) == len([one for one in OPERATIONS if not one.open])


@pytest.mark.parametrize(("method", "path", "body"), CLOSED)
async def test_without_a_token_they_are_closed_and_it_says_what_to_set(method: str, path: str, body: object) -> None:
    site = Site(token=None)
    await site.start()
    answer = await site.ask(method, path, json=body)
    await site.stop()
    assert answer.status == 403
    assert "SES_STREAMS_WEB__TOKEN" in answer.body["detail"]
    assert site.tables.asked == []


async def test_the_overview_is_open_and_so_is_the_description(site: Site) -> None:
    assert (await site.ask("GET", "/api/v1/overview", headers={})).status == 200
    described = await site.ask("GET", "/openapi.json", headers={})
    assert (described.status, described.body["openapi"]) == (200, "3.1.0")


async def test_state_that_is_not_at_hand_is_asked_for_again(site: Site) -> None:
    site.tables.raises = NotReady("this worker is about to have it")
    for path in (RECIPIENT, MESSAGE):
        answer = await site.ask("GET", path)
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        assert is_a_problem(answer.headers, answer.body, 503)


async def test_a_fault_of_ours_says_nothing_of_what_was_asked(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.write_fails = ValueError(f"cannot write to {ANN}")
    answer = await site.ask("PUT", RECIPIENT, json={"why": "asked"})
    assert answer.status == 500
    assert is_a_problem(answer.headers, answer.body, 500)
    assert "ValueError" in caplog.text
    assert ANN not in answer.text + caplog.text


async def test_no_request_is_logged_not_even_one_that_is_no_http(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await site.ask("GET", RECIPIENT)
    for odd in (f"GET {RECIPIENT} HTTP/1.1\r\nbad header {ANN}\r\n\r\n", f"{ANN} {RECIPIENT}\r\n\r\n"):
        reader, writer = await asyncio.open_connection(HERE, site.server.port)
        writer.write(odd.encode())
        assert (await reader.read()).startswith(b"HTTP/1.0 400")
        writer.close()
    assert ANN not in caplog.text


async def test_another_method_and_another_path_are_problems_too(site: Site) -> None:
    answer = await site.ask("PATCH", RECIPIENT)
    assert (answer.status, set(answer.headers["allow"].split(","))) == (405, {"GET", "HEAD", "PUT", "DELETE"})
    assert is_a_problem(answer.headers, answer.body, 405)
    answer = await site.ask("GET", f"/api/v2/{ANN}")
    assert is_a_problem(answer.headers, answer.body, 404)
    assert ANN not in answer.text


async def test_who_asks_too_often_waits_and_others_do_not() -> None:
    site = Site(rate=1)
    await site.start()
    codes = [(await site.ask("GET", RECIPIENT, headers={})).status for _ in range(6)]
    refused = await site.ask("GET", RECIPIENT)
    site.clock += 1.0
    then = await site.ask("GET", RECIPIENT)
    await site.stop()
    assert codes == [401] * 5 + [429]
    assert (refused.status, refused.headers["retry-after"]) == (429, "2")
    assert is_a_problem(refused.headers, refused.body, 429)
    assert then.status == 200


@pytest.mark.parametrize("path", ["/", RECIPIENT, "/api/v1/overview", "/openapi.json"])
async def test_a_page_that_calls_us_by_its_own_name_gets_nothing(site: Site, path: str) -> None:
    answer = await site.ask("GET", path, headers={**BEARER, "Host": "evil.example"})
    assert is_a_problem(answer.headers, answer.body, 421)
    assert "SES_STREAMS_WEB__HOSTS" in answer.body["detail"]


@pytest.mark.parametrize("path", ["/metrics", "/health/live", "/health/ready"])
async def test_machines_may_call_us_by_any_name(site: Site, path: str) -> None:
    assert (await site.ask("GET", path, headers={"Host": "worker-0.mail.svc.cluster.local"})).status == 200


async def test_every_answer_of_the_api_is_json_that_nobody_may_keep(site: Site) -> None:
    for method, path, body in CLOSED:
        answer = await site.ask(method, path, json=body)
        assert answer.headers["cache-control"] == "no-store"
        assert json.loads(answer.text) == answer.body
