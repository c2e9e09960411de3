"""What is asked of one queue, and what can go amiss with it; in words of ours, so that a model can stand in for SQS."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from streams.errors import SesStreamsError

MOST = 10
"""SQS hands out, and takes, as many messages in one call."""


class Why(StrEnum):
    """Why SQS did not do what it was asked; label of a metric."""

    GONE = "gone"
    """The message is no longer ours: its time hidden is over, or it is deleted."""
    MISSING = "missing"
    DENIED = "denied"
    CREDENTIALS = "credentials"
    THROTTLED = "throttled"
    CROWDED = "crowded"
    NETWORK = "network"
    SERVER = "server"
    OTHER = "other"


class Amiss(SesStreamsError):
    """A call that SQS did not answer, or not as asked; the words name the call and what to do."""

    def __init__(self, why: Why, words: str) -> None:
        """Keep both."""
        super().__init__(words)
        self.why = why


class Message(NamedTuple):
    """One message as it was received.

    id: SQS's own, the same each time it comes.
    handle: by which it is hidden longer and deleted; another each time it comes.
    body: its bytes.
    received: how often it was handed out, this time included.
    sent_at: when it came into the queue, ms since the epoch; None where SQS does not say.
    """

    id: str
    handle: str
    body: bytes
    received: int = 1
    sent_at: int | None = None


Answers = Sequence[Why | None]
"""One for each entry of a call: None where it was done."""


class Calls(Protocol):
    """One queue. Each call raises Amiss where all of it went amiss; single entries have their own answers."""

    @property
    def name(self) -> str:
        """Return the queue's name."""

    async def receive(self, most: int, wait_s: int, hidden_s: int) -> list[Message]:
        """Return up to *most* messages, hidden from others for *hidden_s*; wait up to *wait_s* for the first."""

    async def delete(self, handles: Sequence[str]) -> Answers:
        """Delete up to 10 messages."""

    async def hide(self, times: Sequence[tuple[str, int]]) -> Answers:
        """Hide up to 10 messages for so many seconds from now, each by its handle; 0 shows it again."""
