"""Subscriptions that wait: shown and confirmed for whoever has the token, never with the URL that confirms them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web
from pydantic import SecretStr

from streams.bridge import gate
from streams.inlets.sns.confirm import Confirmations
from streams.inlets.sns.fetch import Unreachable
from streams.inlets.sns.message import Kind
from streams.inlets.sns.subscriptions import PATH, Subscriptions
from streams.inlets.sns.verify import Genuine
from streams.settings import Web
from streams.web.limits import BURST_S
from streams.web.problems import as_problems
from tests.builders import NOON
from tests.inlets.signing import TOKEN, Clock, Shelf, Signer

SNS = Signer()
WORD = "a-token-of-many-letters"
BEARER = {"Authorization": f"Bearer {WORD}"}


class Desk:
    """An operator's server with one subscription that waits."""

    def __init__(self, url: str, session: ClientSession, shelf: Shelf, subscriptions: Subscriptions) -> None:
        self.url, self.session, self.shelf, self.subscriptions = url, session, shelf, subscriptions

    def waiting(self) -> float:
        return self.subscriptions.figures()["ses_intake_pending_subscriptions"][()]

    async def ask(self, method: str, body: bytes | AsyncIterator[bytes] | None, **headers: str) -> tuple[int, str]:
        async with self.session.request(method, self.url, data=body, headers=headers) as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def desk_of(token: str | None = WORD, shelf: Shelf | None = None) -> AsyncIterator[Desk]:
    asked = SNS.confirmation()
    shelf = shelf or Shelf({asked["SubscribeURL"]: b"<ConfirmSubscriptionResponse/>"})
    confirmations = Confirmations(shelf, Clock(), confirm=False)
    await confirmations.take(Genuine(Kind.SUBSCRIPTION, asked, NOON))
    web_settings = Web(token=None if token is None else SecretStr(token), rate=2)
    subscriptions = Subscriptions(confirmations, gate(web_settings))
    app = web.Application(middlewares=[as_problems])
    app.router.add_routes(subscriptions.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession() as session:
        yield Desk(f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}", session, shelf, subscriptions)
    await runner.cleanup()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with desk_of() as one:
        yield one


async def test_what_waits_is_shown_without_the_url_that_confirms_it(desk: Desk) -> None:
    status, text = await desk.ask("GET", None, **BEARER)
    assert status == 200
    assert SNS.topic in text
    assert '"can_be_confirmed": true' in text
    assert TOKEN not in text


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": WORD}])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_sees_or_confirms_anything_without_the_token(
    desk: Desk, method: str, headers: dict[str, str]
) -> None:
    status, text = await desk.ask(method, b"{}", **headers)
    assert (status, SNS.topic in text, desk.shelf.asked) == (401, False, [])


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_without_a_token_in_the_settings_it_is_closed(method: str) -> None:
    async with desk_of(token=None) as desk:
        assert (await desk.ask(method, b"{}", **BEARER))[0] == 403


async def test_whoever_guesses_is_told_to_wait(desk: Desk) -> None:
    guess = {"Authorization": "Bearer a guess"}
    answers = [(await desk.ask("GET", None, **guess))[0] for _ in range(int(BURST_S * 2) + 1)]
    assert (answers[0], answers[-1]) == (401, 429)


async def test_an_operator_confirms_what_waits_once(desk: Desk) -> None:
    said = b'{"topic_arn": "%s"}' % SNS.topic.encode()
    assert desk.waiting() == 1
    assert (await desk.ask("POST", said, **BEARER))[0] == 200
    assert desk.waiting() == 0
    assert len(desk.shelf.asked) == 1
    assert (await desk.ask("POST", said, **BEARER))[0] == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b'{"topic_arn": 1}', 400), (b'{"topic_arn": "arn:aws:sns:eu-west-1:1:other"}', 404)],
)
async def test_what_does_not_wait_is_not_confirmed(desk: Desk, body: bytes, status: int) -> None:
    assert (await desk.ask("POST", body, **BEARER))[0] == status
    assert desk.shelf.asked == []


async def test_a_confirmation_that_fails_is_said_and_goes_on_waiting() -> None:
    url = SNS.confirmation()["SubscribeURL"]
    async with desk_of(shelf=Shelf({url: Unreachable("HTTP 500")})) as desk:
        assert (await desk.ask("POST", b'{"topic_arn": "%s"}' % SNS.topic.encode(), **BEARER))[0] == 502
        assert desk.waiting() == 1


async def test_a_request_that_comes_in_pieces_is_read_whole(desk: Desk) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for letter in f'{{"topic_arn": "{SNS.topic}"}}':
            yield letter.encode()
            await asyncio.sleep(0)

    assert (await desk.ask("POST", pieces(), **BEARER))[0] == 200


async def test_a_request_that_is_too_large_confirms_nothing(desk: Desk) -> None:
    written = f'{{"topic_arn": "{SNS.topic}"}}'.encode()
    assert (await desk.ask("POST", written + b" " * 5_000, **BEARER))[0] == 400
    assert desk.waiting() == 1
