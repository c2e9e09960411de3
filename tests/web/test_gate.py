"""Who may ask, how often, and by which name: tokens, buckets and hosts by themselves."""

from __future__ import annotations

import socket

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from streams.errors import WorldFailed
from streams.observe.health import Health
from streams.observe.history import History
from streams.observe.metrics import Metrics
from streams.observe.progress import Phase, Progress
from streams.settings import Settings, Web
from streams.web.answering import Answering
from streams.web.hosts import is_ours, url_of
from streams.web.limits import BURST_S, MOST_CLIENTS, Limits, client_of
from streams.web.server import WebServer
from streams.web.status import status_page
from streams.web.tokens import Tokens
from tests.builders import CODEC, NOON
from tests.web.api_twins import Site, TwinTables

TOKEN = "a-token-of-many-letters"  # noqa: S105 - of tests
EVERYWHERE = "0.0.0.0"  # noqa: S104 - a setting, and nobody listens there


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer  {TOKEN} ", True),
        (TOKEN, False),
        (f"Basic {TOKEN}", False),
        (f"Bearer {TOKEN}x", False),
        (f"Bearer {TOKEN[:-1]}", False),
        ("Bearer", False),
        ("", False),
    ],
)
def test_a_token_is_shown_as_a_bearer_token_and_whole(header: str, shown: bool) -> None:
    request = make_mocked_request("GET", "/", headers={"Authorization": header})
    assert Tokens(SecretStr(TOKEN)).is_shown(request) is shown
    assert not Tokens(None).is_shown(request)


def test_nothing_is_a_token_where_none_is_set() -> None:
    assert not Tokens(None).is_right("")


@pytest.mark.parametrize("guess", ["", "\udcff", "größer", TOKEN * 1000])
def test_no_guess_is_too_odd_to_be_wrong(guess: str) -> None:
    assert not Tokens(SecretStr(TOKEN)).is_right(guess)


def test_a_token_that_can_be_guessed_is_refused_at_the_start() -> None:
    with pytest.raises(ValidationError, match="16 characters"):
        Web(token=SecretStr("secret"))


def test_a_client_gets_its_burst_then_its_rate_and_others_are_not_asked_to_wait() -> None:
    now = 0.0
    limits = Limits(2, lambda: now)
    assert [limits.take("a") for _ in range(10)] == [0.0] * 10
    assert limits.take("a") == pytest.approx(0.5)
    assert limits.take("b") == 0
    now = 0.5
    assert limits.take("a") == 0
    assert limits.take("a") == pytest.approx(0.5)


@given(st.lists(st.floats(min_value=0, max_value=3), min_size=1, max_size=200), st.floats(min_value=0.1, max_value=50))
def test_nobody_gets_more_than_a_burst_and_the_rate_whatever_they_do(pauses: list[float], rate: float) -> None:
    now = 0.0
    limits = Limits(rate, lambda: now)
    got = 0
    for pause in pauses:
        now += pause
        got += limits.take("a") == 0
    assert got <= max(rate * BURST_S, 1) + rate * now + 1e-6


def test_who_waits_for_as_long_as_they_are_told_gets_it() -> None:
    now = 0.0
    limits = Limits(0.1, lambda: now)
    assert limits.take("a") == 0
    now += limits.take("a") + 1e-9
    assert limits.take("a") == 0


def test_clients_do_not_fill_the_memory() -> None:
    limits = Limits(1)
    for client in range(MOST_CLIENTS + 10):
        limits.take(str(client))
    assert len(limits._buckets) == MOST_CLIENTS
    assert "0" not in limits._buckets


@pytest.mark.parametrize(
    ("remote", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        (None, ""),
        ("a socket", ""),
    ],
)
def test_a_client_is_an_address_and_of_ipv6_a_site(remote: str | None, client: str) -> None:
    assert client_of(remote) == client


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("192.0.2.7", True),
        ("localhost:8080", True),
        ("mail.localhost", True),
        ("worker-0", True),
        ("Mail.Example.com:443", True),
        ("mail.example.com.", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("mail.example.com@evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1@evil.example", False),
        ("", False),
        ("[::1", False),
        (":8080", False),
    ],
)
def test_a_name_is_ours_if_nobody_else_can_have_it_or_it_is_set(host: str, ours: bool) -> None:
    assert is_ours(host, frozenset({"mail.example.com"})) is ours


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"host": "127.0.0.1"}, "http://127.0.0.1:81"),
        ({"host": "::1"}, "http://[::1]:81"),
        ({"host": "mail.example.com"}, "http://mail.example.com:81"),
        ({"host": EVERYWHERE}, f"http://{socket.gethostname()}:81"),
        ({"host": "::"}, f"http://{socket.gethostname()}:81"),
        ({"host": EVERYWHERE, "advertise": "https://w0.example.com"}, "https://w0.example.com"),
    ],
)
def test_a_worker_says_where_it_listens_unless_it_is_told_what_to_say(settings: dict[str, str], url: str) -> None:
    assert url_of(Web.model_validate(settings), 81) == url


def _fails(error: WorldFailed) -> None:
    raise error


async def test_the_page_and_the_api_have_one_bucket_or_a_token_is_guessed_twice_as_fast() -> None:
    settings = Settings(web=Web(port=0, token=SecretStr(TOKEN), rate=1))
    topics = {"instructions": "ses.instructions"}
    answering = Answering(
        settings, TwinTables(), Site(), codec=CODEC, topics=topics, now=lambda: NOON, on_failure=_fails
    )
    page = status_page(settings.web, answering, History(Metrics(), NOON), lambda: NOON)
    health = Health(lambda: Progress(phase=Phase.RUNNING), lambda: NOON)
    server = WebServer(settings.web, Metrics(), health, [*page.routes, *answering.routes])
    await server.start()
    async with ClientSession(f"http://127.0.0.1:{server.port}") as client:
        for _ in range(int(BURST_S)):
            assert (await client.post("/search", data={"q": "x", "token": "a guess"})).status == 403
        assert (await client.get("/api/v1/recipients/ann@example.com")).status == 429
    await server.stop()
