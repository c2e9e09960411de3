"""The web server: metrics, health and one page, with the same guard on every answer, and nothing else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from streams.errors import WorldFailed
from streams.observe.health import DEAD_AFTER, UNREADY_AFTER, Health
from streams.observe.metrics import Metrics
from streams.observe.progress import Phase, Position, Progress
from streams.settings import Web
from streams.web.server import WebServer

HERE = "127.0.0.1"


@dataclass
class Worker:
    """What stands behind a server under test: an engine's word, a clock, metrics."""

    said: Progress = field(default_factory=lambda: Progress(phase=Phase.RUNNING))
    now: int = 0
    metrics: Metrics = field(default_factory=Metrics)

    def server(self, port: int = 0) -> WebServer:
        return WebServer(Web(host=HERE, port=port), self.metrics, Health(lambda: self.said, lambda: self.now))


@dataclass
class Site:
    """A running server and a client to ask it."""

    worker: Worker
    server: WebServer
    client: aiohttp.ClientSession

    async def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
        async with self.client.request(
            method, f"http://{HERE}:{self.server.port}{path}", headers=headers, allow_redirects=False
        ) as answer:
            return answer.status, await answer.text(), {name.lower(): value for name, value in answer.headers.items()}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Serve on a free port."""
    worker = Worker()
    server = worker.server()
    await server.start()
    async with aiohttp.ClientSession() as client:
        yield Site(worker, server, client)
    await server.stop()


async def test_a_server_with_port_zero_says_which_port_it_took(site: Site) -> None:
    assert site.server.port > 0


async def test_metrics_are_served_in_the_format_that_is_asked_for(site: Site) -> None:
    site.worker.metrics.apply(Counter({("ses_auto_replies_total",): 4}))
    status, page, headers = await site.get("/metrics")
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "ses_auto_replies_total 4.0" in page
    assert not page.endswith("# EOF\n")
    status, page, headers = await site.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert page.endswith("# EOF\n")


async def test_a_running_worker_is_live_and_ready(site: Site) -> None:
    for path in ("/health/live", "/health/ready"):
        status, body, headers = await site.get(path)
        assert (status, body) == (200, '{"state": "running", "live": true, "ready": true, "reasons": []}')
        assert headers["content-type"].startswith("application/json")


async def test_a_recovering_worker_is_live_and_says_why_it_is_not_ready(site: Site) -> None:
    site.worker.said = Progress(phase=Phase.RECOVERING, recovery_remaining=12)
    assert (await site.get("/health/live"))[0] == 200
    status, body, _ = await site.get("/health/ready")
    assert status == 503
    assert "recovering: 12 changelog records to read" in body


async def test_a_stuck_worker_is_first_unready_and_then_dead(site: Site) -> None:
    site.worker.said = Progress(phase=Phase.RUNNING, positions={("ses.sends", 0): Position(4, 2)})
    assert (await site.get("/health/ready"))[0] == 200
    site.worker.now = UNREADY_AFTER
    assert ((await site.get("/health/live"))[0], (await site.get("/health/ready"))[0]) == (200, 503)
    site.worker.now = DEAD_AFTER
    status, body, _ = await site.get("/health/live")
    assert status == 503
    assert f"ses.sends[0]: no progress for {DEAD_AFTER // 1000} s" in body


async def test_the_page_says_how_it_is_and_where_the_rest_is(site: Site) -> None:
    site.worker.said = Progress(phase=Phase.RECOVERING, recovery_remaining=12)
    status, page, headers = await site.get("/")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "recovering: 12 changelog records to read" in page
    for path in re.findall(r'href="([^"]+)"', page):
        assert (await site.get(path))[0] in (200, 503)
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page


async def test_the_pages_own_style_is_the_only_one_that_its_policy_lets_in(site: Site) -> None:
    _, page, headers = await site.get("/")
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in headers["content-security-policy"]
    assert "style=" not in page


@pytest.mark.parametrize("path", ["/", "/metrics", "/health/live", "/health/ready", "/none", "/table/lives/x"])
async def test_every_answer_carries_the_same_guard(site: Site, path: str) -> None:
    _, _, headers = await site.get(path)
    assert headers["content-security-policy"].startswith("default-src 'none';")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["server"] == "ses-streams"


@pytest.mark.parametrize("path", ["/none", "/table", "/table/lives/x", "/metrics/", "/health", "/../etc/passwd"])
async def test_nothing_else_is_served(site: Site, path: str) -> None:
    assert (await site.get(path))[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_nothing_can_be_changed(site: Site, method: str) -> None:
    assert (await site.get("/", method=method))[0] == 405


async def test_an_answer_that_has_begun_is_broken_off_and_nothing_of_the_fault_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    words = "ann@example.com"

    async def begin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        raise ValueError(words)

    worker = Worker()
    health = Health(lambda: worker.said, lambda: worker.now)
    server = WebServer(Web(host=HERE, port=0), worker.metrics, health, [web.get("/begin", begin)])
    await server.start()
    reader, writer = await asyncio.open_connection(HERE, server.port)
    writer.write(b"GET /begin HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with asyncio.timeout(10):  # an answer that is not broken off has no end
        said = await reader.read()
    writer.close()
    await server.stop()
    assert said.count(b"HTTP/1.1") == 1
    assert said.endswith(b"begun\r\n")
    assert "ValueError" in caplog.text
    assert words not in caplog.text


async def test_a_taken_port_fails_with_words_that_say_what_to_set() -> None:
    with socket.socket() as taken:
        taken.bind((HERE, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            WorldFailed, match=rf"cannot listen on {HERE}:{port}: address already in use; set .*WEB__PORT"
        ):
            await Worker().server(port).start()


async def test_a_stopped_server_lets_go_of_its_port_and_stopping_twice_is_stopping_once() -> None:
    server = Worker().server()
    await server.start()
    port = server.port
    await server.stop()
    await server.stop()
    again = Worker().server(port)
    await again.start()
    assert again.port == port
    await again.stop()
