"""SNS's way to a webhook: what moto posts is signed anew, as AWS signs, and posted by SNS's delivery policy.

moto delivers to http endpoints, but nobody can verify its signature: its certificates are nowhere to be had. So it
posts here, and here is what SNS does besides: the same message comes again under the same id where the answer is 5xx,
429, late, or nobody listens; any other answer is final. It comes again by chance too, before and after the answer.
Forgeries are among it, which nobody may take. Intervals are shorter than AWS's, for tests that end.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import web

from tests.inlets.signing import Signer, headers_of, rsa_key

SIGNED = ("Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp")
TAKEN = range(200, 300)
LISTEN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How posts are delivered.

    tries and the pauses between them (seconds, growing to the longest): SNS's own numbers are settings of a topic.
    timeout: SNS waits 15 s. again: of the messages, so many are posted once more; copies: each is posted so often.
    forged: of the messages, so many are followed by a forgery. at_once: posts under way at most.
    """

    tries: int = 100
    first_pause: float = 0.2
    longest_pause: float = 2.0
    timeout: float = 15.0
    again: float = 0.1
    copies: int = 1
    forged: float = 0.03
    at_once: int = 60


@dataclass(slots=True)
class Counts:
    """What came of posts.

    answers: statuses, `timeout`, and `unheard` where nobody listens or the connection broke.
    forgeries: the same for forgeries. repeats: messages posted again though nobody asked.
    refused and given_up: ids of messages that were answered for good other than well, or too often.
    """

    answers: Counter[str] = field(default_factory=Counter)
    forgeries: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    repeats: int = 0
    refused: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)


class Relay:
    """Runs in a thread of its own between `start` and `stop`.

    Args:
        signer: signs for every topic of its region.
        targets: the webhooks' URLs; each post goes to one of them by chance, as behind a balancer that asks nobody.
        forge: makes up an event for a forgery.
        seed: of chance.
        policy: how posts are delivered.

    """

    def __init__(
        self,
        signer: Signer,
        targets: Callable[[], Sequence[str]],
        forge: Callable[[], str],
        seed: int,
        policy: Policy,
    ) -> None:
        """Nothing runs yet."""
        self._signer, self._targets, self._forge, self._policy = signer, targets, forge, policy
        self._stranger = Signer(key=rsa_key(serial=1))
        self._chance = Random(f"relay {seed}")
        self._under_way: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._listens, self._over = threading.Event(), asyncio.Event()
        self._session: aiohttp.ClientSession | None = None
        self.url = ""
        """Where moto posts."""
        self.counts = Counts()

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        if not self._listens.wait(LISTEN_S):
            raise RuntimeError("the relay does not listen")

    def stop(self) -> None:
        """Leave everything."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()

    @property
    def waiting(self) -> int:
        """Return how many posts are not over."""
        return len(self._under_way)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_post("/", self._take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._policy.timeout, sock_read=self._policy.timeout)
        connector = aiohttp.TCPConnector(limit=self._policy.at_once)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as self._session:
            self._listens.set()
            await self._over.wait()
            for task in self._under_way:
                task.cancel()
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        """Take a message from moto, which hears at once that it is taken: SNS has it now."""
        posted = await request.json()
        fields = {name: posted[name] for name in SIGNED if name in posted}
        body = self._signer.sign(fields, self._chance.choice(("1", "2")))
        self.counts.messages += 1
        more = self._policy.copies - 1 + (self._chance.random() < self._policy.again)
        self.counts.repeats += more
        self._begin(self._deliver(fields, body, self._chance.uniform(0, 0.3)))
        for _ in range(more):  # before the first, beside it, or long after
            self._begin(self._deliver(fields, body, self._chance.choice((0.0, 0.15, self._chance.uniform(1, 5)))))
        if self._chance.random() < self._policy.forged:
            self._begin(self._forgery(fields))
        return web.Response()

    def _begin(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, fields: Mapping[str, Any], body: bytes, after: float) -> None:
        """Post one message until it is taken, refused for good, or given up."""
        pause = self._policy.first_pause
        await asyncio.sleep(after)
        for _ in range(self._policy.tries):
            said = await self._post(fields, body)
            self.counts.answers[said] += 1
            if said.isdecimal() and int(said) in TAKEN:
                return
            if said.isdecimal() and said[0] != "5" and said != "429":
                self.counts.refused.append(fields["MessageId"])
                return
            await asyncio.sleep(pause * self._chance.uniform(0.7, 1.3))
            pause = min(pause * 2, self._policy.longest_pause)
        self.counts.given_up.append(fields["MessageId"])

    async def _forgery(self, fields: Mapping[str, Any]) -> None:
        """Post what nobody published, once: signed by a stranger, with another's signature, or by another topic."""
        made_up = {**fields, "MessageId": str(UUID(int=self._chance.getrandbits(128))), "Message": self._forge()}
        wrong = {**self._signer.signed(dict(fields)), "Message": made_up["Message"]}
        others = {**made_up, "TopicArn": made_up["TopicArn"] + "-of-others"}
        message = self._chance.choice((self._stranger.signed(made_up), wrong, self._signer.signed(others), made_up))
        said = await self._post(message, json.dumps(message).encode())
        self.counts.forgeries[said] += 1

    async def _post(self, fields: Mapping[str, Any], body: bytes) -> str:
        """Post once; return the status, or what came instead."""
        targets = self._targets()
        if not targets:
            return "unheard"
        assert self._session is not None
        try:
            async with self._session.post(
                self._chance.choice(targets), data=body, headers=headers_of(dict(fields))
            ) as answer:
                await answer.read()
                return str(answer.status)
        except TimeoutError:
            return "timeout"
        except (aiohttp.ClientError, OSError):
            return "unheard"
