"""A twin on stock Faust: the same join, written as Faust's documentation teaches it, with its default settings.

It is right when nothing fails. When a handler raises, or is cancelled by a stop or a rebalance, Faust acknowledges what
was not done, and the checker sees it lost. That is what it is here for. It does hop 1 only: outcomes and dead letters.

Run by the stage in place of a worker; settings are the worker's. SES_STREAMS_TWIN_LOOKUP_MS: how long its handler
waits for a look-up, of each event. SES_STREAMS_TWIN_RAISES: the share of these that time out.
SES_STREAMS_TWIN_FAILS_AT: the offset at which it fails, of each partition.
SES_STREAMS_TWIN_CONCURRENCY: of the agent that takes events.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import sys
import time
from collections.abc import Mapping
from random import Random
from typing import Any

import faust

from tests.faults.wire import Wire

SIMPLE = {
    "DELIVERY": "DELIVERED",
    "REJECT": "REJECTED",
    "DELIVERY_DELAY": "DELAYED",
    "OPEN": "OPENED",
    "CLICK": "CLICKED",
    "SUBSCRIPTION": "UNSUBSCRIBED",
}
GUESSED = {"COMPLAINT", "OPEN", "CLICK", "SUBSCRIPTION"}
LOOK_S = 1.0


def _meaning(event: dict[str, Any], recipient: dict[str, Any]) -> tuple[str, str]:
    """Return the outcome's kind and its reason."""
    kind = event["kind"]
    if kind == "BOUNCE":
        said = f"{event['bounce_type']}/{event['bounce_subtype']}"
        if event["bounce_type"] == "Permanent":
            return "HARD_BOUNCED", said
        return ("SOFT_BOUNCED" if recipient["status"] else "AUTO_REPLIED"), said
    if kind == "COMPLAINT":
        said = event["complaint_type"] or ""
        return ("NOT_SPAM" if said == "not-spam" else "COMPLAINED"), said
    return SIMPLE[kind], event["delay_type"] or event["reason"] or ""


def outcomes_of(event: dict[str, Any], send: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the outcomes of one event, joined with its Send where there is one."""
    if event["kind"] not in {*SIMPLE, "BOUNCE", "COMPLAINT"}:
        return []
    found = []
    for recipient in event["recipients"]:
        kind, reason = _meaning(event, recipient)
        name = f"{event['feedback_id']}/{recipient['address']}"
        found.append(
            {
                "kind": kind,
                "reason": reason,
                "occurred_at": event["occurred_at"],
                "certain": len(event["recipients"]) == 1 or event["kind"] not in GUESSED,
                "matched": send is not None,
                "recipient": recipient["address"],
                "outcome_id": hashlib.sha256(name.encode()).hexdigest()[:32],
                "message_id": event["message_id"],
                "status": recipient["status"],
                "stream": "" if send is None else send["stream"],
                "send": send,
                "feedback": event,
            }
        )
    return found


Life = dict[str, Any]
"""What the table keeps of a message: its Send, the events that wait for it, and which were seen; JSON, so base64."""


def after_send(life: Life | None, value: bytes) -> tuple[Life, list[str]]:
    """Return a life after its Send, and the events that waited for it."""
    was = life or {"waiting": [], "seen": []}
    return {**was, "waiting": [], "send": _text(value)}, [text for _, text, _ in was["waiting"]]


def after_event(life: Life | None, event: dict[str, Any], value: bytes, now: float) -> tuple[Life, bool]:
    """Return a life after an event, and whether that goes out now: it waits where no Send is known."""
    was = life or {"waiting": [], "seen": []}
    name = event["feedback_id"]
    if name in was["seen"]:
        return was, False
    was = {**was, "seen": [*was["seen"], name]}
    if "send" in was:
        return was, True
    return {**was, "waiting": [*was["waiting"], [name, _text(value), now]]}, False


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


class Twin:
    """The app: its topics, its table, its agents."""

    def __init__(self, asked: Mapping[str, str]) -> None:
        """Make the app; nothing runs yet."""
        self._wire, self._prefix = Wire(), asked["topic_prefix"]
        self._park = float(asked["join__park_minutes"]) * 60
        self._lookup = float(asked.get("twin_lookup_ms", 0)) / 1000
        self._raises, self._chance = float(asked.get("twin_raises", 0)), Random(1)
        self.app = app = faust.App(
            asked["group"],
            broker=[f"kafka://{one}" for one in asked["brokers"].split(",")],
            store="memory://",
            datadir=asked["data_dir"],
            topic_partitions=int(asked["partitions"]),
            web_enabled=False,  # several on one machine
            broker_session_timeout=int(asked["engine__session_timeout_ms"]) / 1000,
            broker_heartbeat_interval=2.0,
            key_serializer="raw",
            value_serializer="raw",
        )
        self._fails_at, concurrency = int(asked.get("twin_fails_at", -1)), int(asked.get("twin_concurrency", 1))
        self._outcomes, self._dead = self._topic("outcomes"), self._topic("dead-letters")
        self._lives = app.Table("lives", key_type=bytes)
        self._gone: set[str] = set()
        app.agent(self._topic("sends"), name="sends")(self.on_send)
        app.agent(self._topic("feedback"), name="feedback", concurrency=concurrency)(self.on_feedback)
        app.timer(LOOK_S)(self.overdue)

    async def on_send(self, stream: Any) -> None:
        """Keep each Send, and let go what waited for it."""
        async for event in stream.events():
            send = await self._read("sends", event)
            if send is None:
                continue
            key = send["message_id"].encode()
            life, waited = after_send(self._lives.get(key), event.value)
            for text in waited:
                await self._say(text, send)
            self._lives[key] = life

    async def on_feedback(self, stream: Any) -> None:
        """Join each event with its Send, or let it wait."""
        async for event in stream.events():
            said = await self._read("feedback", event)
            if said is None:
                continue
            await asyncio.sleep(self._lookup)
            if self._chance.random() < self._raises:
                raise RuntimeError("a look-up timed out")
            if event.message.offset == self._fails_at:
                raise RuntimeError("a fault that nobody has found yet")
            key = said["message_id"].encode()
            if said["kind"] == "SEND":
                life, waited = self._stood_in(said, self._lives.get(key))
                for text in waited:
                    await self._say(text, self._send(life))
            else:
                life, now = after_event(self._lives.get(key), said, event.value, time.time())
                if now:
                    await self._say(_text(event.value), self._send(life))
            self._lives[key] = life

    async def overdue(self) -> None:
        """Let go what has waited for too long."""
        for life in list(self._lives.values()):
            for name, text, at in life["waiting"]:
                if at + self._park < time.time() and name not in self._gone:
                    self._gone.add(name)
                    await self._say(text, None)

    def _topic(self, role: str) -> Any:
        return self.app.topic(self._prefix + role, key_type=bytes, value_type=bytes)

    def _send(self, life: Life) -> dict[str, Any]:
        return self._wire.decode("sends", base64.b64decode(life["send"]))

    def _stood_in(self, said: dict[str, Any], life: Life | None) -> tuple[Life, list[str]]:
        """Return a life after SES's own SEND event, which stands in for a Send."""
        if life is not None and "send" in life:
            return life, []
        send = {"message_id": said["message_id"], "sent_at": said["sent_at"], "recipients": said["destination"]}
        return after_send(life, self._wire.encode("sends", send))

    async def _say(self, text: str, send: dict[str, Any] | None) -> None:
        event = self._wire.decode("feedback", base64.b64decode(text))
        for outcome in outcomes_of(event, send):
            await self._outcomes.send(key=outcome["recipient"].encode(), value=self._wire.encode("outcomes", outcome))

    async def _read(self, role: str, event: Any) -> dict[str, Any] | None:
        try:
            return self._wire.decode(role, event.value)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is set aside
            at = int(time.time() * 1000)
            letter = {"topic": self._prefix + role, "key": event.key, "value": event.value, "at": at}
            await self._dead.send(key=event.key, value=self._wire.encode("dead-letters", letter))
            return None


def main() -> None:
    """Run it until it is told to stop."""
    asked = {key.removeprefix("SES_STREAMS_").lower(): value for key, value in os.environ.items()}
    faust.Worker(Twin(asked).app, loglevel="INFO", logfile=sys.stderr).execute_from_commandline()


if __name__ == "__main__":
    main()
