"""Two workers: who has a key answers for both, once, with the token, and whoever cannot says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from pydantic import BaseModel

from streams.errors import NotOurs, NotReady
from streams.web.peers import ASKED_BY, Peers, Question
from streams.web.problems import Refused
from tests.web.api_twins import BEARER, HERE, TOKEN, Site

ANN = "ann@example.com"
RECIPIENT = f"/api/v1/recipients/{ANN}"
MESSAGE = "/api/v1/messages/0102018b"
Pair = tuple[Site, Site]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """Give two workers: the second has everything, and the first knows that."""
    here, there = Site(), Site()
    for site in (here, there):
        await site.start()
    here.tables.raises, here.tables.owned_by = NotOurs("another"), there.tables.url
    here.tables.group = there.tables.group = [str(here.tables.url), str(there.tables.url)]
    yield here, there
    for site in (here, there):
        await site.stop()


async def test_a_worker_answers_for_keys_that_another_has(pair: Pair) -> None:
    here, there = pair
    there.tables.stored["lives", b"0102018b"] = there.tables.stored["standings", ANN.encode()] = b"something"
    for method, path, body in (
        ("GET", RECIPIENT, None),
        ("POST", "/api/v1/why", {"address": ANN}),
        ("GET", MESSAGE, None),
    ):
        mine, theirs = await here.ask(method, path, json=body), await there.ask(method, path, json=body)
        assert (mine.status, mine.body) == (200, theirs.body)


async def test_what_the_owner_does_not_find_is_not_found(pair: Pair) -> None:
    assert (await pair[0].ask("GET", MESSAGE)).status == 404


async def test_an_id_is_handed_on_as_it_is(pair: Pair) -> None:
    here, there = pair
    there.tables.stored["lives", b"a/b?c#d%2F"] = b"something"
    assert (await here.ask("GET", "/api/v1/messages/a%2Fb%3Fc%23d%252F")).body["message_id"] == "a/b?c#d%2F"


async def test_two_workers_that_each_think_the_other_has_it_ask_once(pair: Pair) -> None:
    here, there = pair
    there.tables.raises, there.tables.owned_by = NotOurs("another"), here.tables.url
    answer = await here.ask("GET", RECIPIENT)
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert len(here.tables.asked) == len(there.tables.asked) == 1


async def test_an_owner_that_recovers_is_to_be_asked_again(pair: Pair) -> None:
    here, there = pair
    there.tables.raises = NotReady("recovering")
    assert (await here.ask("GET", RECIPIENT)).status == 503


async def test_an_owner_that_has_died_is_to_be_asked_again(pair: Pair) -> None:
    here, there = pair
    await there.server.stop()
    answer = await here.ask("GET", RECIPIENT)
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert ANN not in answer.text


async def test_nobody_known_to_have_it_is_to_be_asked_again(pair: Pair) -> None:
    pair[0].tables.owned_by = None
    assert (await pair[0].ask("GET", RECIPIENT)).status == 503


async def test_workers_that_claim_one_place_are_told_to_differ(pair: Pair) -> None:
    pair[0].tables.owned_by = pair[0].tables.url
    answer = await pair[0].ask("GET", RECIPIENT)
    assert answer.status == 503
    assert "SES_STREAMS_WEB__ADVERTISE" in answer.body["detail"]


async def test_what_another_worker_asks_is_not_counted_twice() -> None:
    here, there = Site(), Site(rate=1)
    for site in (here, there):
        await site.start()
    here.tables.raises, here.tables.owned_by = NotOurs("another"), there.tables.url
    codes = {(await here.ask("GET", RECIPIENT)).status for _ in range(20)}
    forged = [(await there.ask("GET", RECIPIENT, headers={ASKED_BY: "me"})).status for _ in range(6)]
    for site in (here, there):
        await site.stop()
    assert codes == {200}
    assert forged == [401] * 5 + [429]


async def test_an_owner_with_another_token_is_a_fault_of_the_settings(pair: Pair) -> None:
    here, other = pair[0], Site(token=TOKEN[::-1])
    await other.start()
    here.tables.owned_by = other.tables.url
    answer = await here.ask("GET", RECIPIENT)
    await other.stop()
    assert answer.status == 502
    assert "SES_STREAMS_WEB__TOKEN" in answer.body["detail"]


async def test_the_overview_of_the_group_names_who_did_not_answer(pair: Pair) -> None:
    here, there = pair
    here.tables.group = [*here.tables.group, "http://127.0.0.1:1"]
    alone = await here.ask("GET", "/api/v1/overview", headers={})
    assert alone.body["missing"] == []
    both = await here.ask("GET", "/api/v1/overview?scope=group", headers={})
    assert both.status == 200
    assert len(both.body["workers"]) == 2 * len(alone.body["workers"])
    assert both.body["missing"] == ["http://127.0.0.1:1"]
    assert there.tables.asked == []


async def serving(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> tuple[web.AppRunner, str]:
    """Serve one answer to everything."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HERE, 0).start()
    return runner, f"http://{HERE}:{runner.addresses[0][1]}"


class Nothing(BaseModel):
    """An answer that says nothing."""


async def asked(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]], question: Question
) -> Nothing | Refused:
    """Ask a worker that answers so; return what it came to."""
    runner, url = await serving(answer)
    peers = Peers(Site().settings.token, lambda: "http://me")
    await peers.start()
    try:
        return await peers.ask(url, question, Nothing)
    except Refused as refused:
        return refused
    finally:
        await peers.stop()
        await runner.cleanup()


async def test_a_worker_is_asked_with_our_token_and_told_who_asks() -> None:
    heard: list[tuple[str, str]] = []

    async def hear(request: web.Request) -> web.Response:
        heard.append((request.headers["Authorization"], request.headers[ASKED_BY]))
        return web.json_response({})

    await asked(hear, Question("GET", "/"))
    assert heard == [(f"Bearer {TOKEN}", "http://me")]
    assert BEARER["Authorization"] == heard[0][0]


async def test_nobody_waits_for_a_worker_that_hangs() -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    refused = await asked(hang, Question("GET", "/", patience=0.05))
    assert isinstance(refused, Refused)
    assert refused.status == 503


async def test_a_token_follows_no_redirect() -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/")

    refused = await asked(elsewhere, Question("GET", "/"))
    assert isinstance(refused, Refused)
    assert refused.status == 502


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(20):
            await response.write(b" " * 1024 * 1024)
        return response

    refused = await asked(flood, Question("GET", "/", patience=30))
    assert isinstance(refused, Refused)
    assert refused.status == 503


async def test_an_answer_of_another_shape_is_not_handed_on() -> None:
    async def mumble(_: web.Request) -> web.Response:
        return web.Response(text="ann@example.com?")

    refused = await asked(mumble, Question("GET", "/"))
    assert isinstance(refused, Refused)
    assert refused.status == 502
    assert "ann" not in refused.detail


async def test_another_worker_is_asked_for_no_names_that_nobody_may_see(pair: Pair) -> None:
    here, there = pair
    for headers in ({}, BEARER):
        await here.ask("GET", "/api/v1/overview?scope=group", headers=headers)
    await here.ask("GET", "/api/v1/overview?scope=group&names=hidden")
    assert there.named == here.named == [False, True, False]
