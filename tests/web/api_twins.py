"""What stands behind the API in tests: tables that are dicts, answers that say what they were asked, a server each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import aiohttp
from pydantic import SecretStr

from streams.answers.model import Trace, Verdict, Why
from streams.answers.steps import Search
from streams.decide.instruction import Action
from streams.emit.instruct import Word, instruction
from streams.errors import SesStreamsError
from streams.mail.address import Who
from streams.observe.health import Health
from streams.observe.metrics import Metrics
from streams.observe.progress import Phase, Progress
from streams.settings import Web
from streams.web.anywhere import Anywhere
from streams.web.api import Api
from streams.web.limits import Limits
from streams.web.overview import ACCOUNT, Counts, Flow, Notice, Overview, Stock, Worker, reputation
from streams.web.peers import Peers
from streams.web.server import WebServer
from streams.web.tokens import Tokens

HERE = "127.0.0.1"
TOKEN = "a-token-of-many-letters"  # noqa: S105 - of tests
NOW = 1_800_000_000_000
AT = datetime.fromtimestamp(NOW / 1000, UTC)
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class TwinTables:
    """One worker's tables: what it has, what it says of what it has not, and who has that."""

    stored: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    raises: SesStreamsError | None = None
    owned_by: str | None = None
    group: list[str] = field(default_factory=list)
    url: str | None = None
    asked: list[tuple[str, bytes]] = field(default_factory=list)

    def look_up(self, table: str, key: bytes) -> bytes | None:
        self.asked.append((table, key))
        if self.raises is not None:
            raise self.raises
        return self.stored.get((table, key))

    def owner(self, table: str, key: bytes) -> str | None:
        return self.owned_by

    def peers(self) -> Sequence[str]:
        return self.group


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: Any
    headers: dict[str, str]
    text: str


class Site:
    """One worker's API on a free port, and a client that shows the token unless told otherwise."""

    def __init__(self, **settings: Any) -> None:
        given = {"host": HERE, "port": 0, "token": TOKEN, "rate": 100_000, **settings}
        self.settings = Web.model_validate(given)
        self.tables = TwinTables()
        self.written: list[dict[str, Any]] = []
        self.write_fails: Exception | None = None
        self.clock = 0.0
        self.named: list[bool] = []
        token: SecretStr | None = self.settings.token
        self.peers = Peers(token, lambda: self.tables.url)
        api = Api(
            Anywhere(self.tables, self, self.peers),
            tokens=Tokens(token),
            limits=Limits(self.settings.rate, lambda: self.clock),
            write=self.write,
            clock=lambda: NOW,
        )
        health = Health(lambda: Progress(phase=Phase.RUNNING), lambda: 0)
        self.server = WebServer(self.settings, Metrics(), health, api.routes())

    def why(self, address: str, stored: bytes | None) -> Why:
        return a_why(address, stored)

    async def trace(self, message_id: str, stored: bytes | None) -> Trace:
        return a_trace(message_id, stored)

    def overview(self, *, named: bool) -> Overview:
        self.named.append(named)
        return an_overview(self.tables.url or "alone", named=named)

    async def write(self, who: Who, action: Action, word: Word, **more: Any) -> dict[str, Any]:
        if self.write_fails is not None:
            raise self.write_fails
        self.written.append(instruction(who.recipient, action, word, written=who.written, **more))
        return self.written[-1]

    async def start(self) -> None:
        await self.server.start()
        await self.peers.start()
        self.tables.url = self.server.url
        self.client = aiohttp.ClientSession()

    async def stop(self) -> None:
        await self.client.close()
        await self.peers.stop()
        await self.server.stop()

    async def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
        given = BEARER if headers is None else headers
        url = f"http://{HERE}:{self.server.port}{path}"
        async with self.client.request(method, url, headers=given, allow_redirects=False, **more) as answer:
            text = await answer.text()
            body = await answer.json() if "json" in answer.content_type else None
            return Answer(answer.status, body, {name.lower(): one for name, one in answer.headers.items()}, text)


def a_why(address: str, stored: bytes | None) -> Why:
    verdict, words = (Verdict.YES, "yes") if stored is None else (Verdict.NO, "no")
    return Why(recipient=address, asked_at=AT, known=stored is not None, verdict=verdict, answer=words)


def a_trace(message_id: str, stored: bytes | None) -> Trace:
    search = Search(heard=0, found=0, complete=True, says="nothing was looked for")
    return Trace(message_id=message_id, asked_at=AT, known=stored is not None, answer="it went", search=search)


def an_overview(worker: str, *, named: bool) -> Overview:
    ann = Notice(at=AT, said="suppressed", who="<1 at example.com>", address="ann@example.com" if named else None)
    return Overview(
        at=AT,
        workers=[Worker(name=worker, version="1", state="running", live=True, ready=True, since=AT)],
        flow=Flow(),
        account=reputation(ACCOUNT, Counts(), 1, Counts(), 1.0),
        streams=[],
        providers=[],
        providers_minutes=60.0,
        notices=[ann],
        partitions=[],
        stock=Stock(),
    )
