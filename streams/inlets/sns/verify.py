"""Asks of a post all that must be true of a message of SNS, the cheap and safe first; strangers make us fetch nothing.

Size, JSON, fields, headers; then whether the topic is one of ours, by its whole ARN: until here no network, no
cryptography. Then the version and the place of the certificate, the certificate, the signature, and the age. Whether
the message came before is asked where it lands (replays.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from streams.inlets.sns.canonical import VERSIONS, is_signed
from streams.inlets.sns.certificates import Certificates
from streams.inlets.sns.hosts import Place, certificate_place, home_of
from streams.inlets.sns.message import Kind, Message, read_message
from streams.inlets.sns.refusal import Refusal

AHEAD_MS = 5 * 60_000
"""How far the clocks of SNS and ours may be apart, before a message is from the future."""


class Genuine(NamedTuple):
    """A message that SNS signed, of a topic of ours: its signed fields alone, and *sent_at*, ms since the epoch."""

    kind: Kind
    fields: dict[str, str]
    sent_at: int

    @property
    def message_id(self) -> str:
        """Return SNS's id of the message: the same when SNS posts it again."""
        return self.fields["MessageId"]

    @property
    def topic_arn(self) -> str:
        """Return the topic that it came by."""
        return self.fields["TopicArn"]

    @property
    def text(self) -> str:
        """Return what was published: for topics of SES, an event."""
        return self.fields["Message"]

    def __repr__(self) -> str:
        """Say which message, and not what is in it: it may be written to a log."""
        return f"Genuine({self.kind}, {self.message_id}, {self.topic_arn})"


class Verifier:
    """Tells SNS's messages from everything else; it cannot be told to take others."""

    def __init__(  # noqa: PLR0913 - each is a choice of its own, and has a name
        self,
        topics: Collection[str],
        certificates: Certificates,
        clock: Callable[[], int],
        *,
        versions: Collection[str] = ("1", "2"),
        max_age_ms: int = 3_600_000,
        max_body: int = 512 * 1024,
    ) -> None:
        """Take messages of *topics* alone.

        Args:
            topics: whole ARNs.
            certificates: where keys are.
            clock: ms since the epoch.
            versions: of signatures that are taken.
            max_age_ms: of a message; SNS tries for an hour at most.
            max_body: bytes of a post.

        Raises:
            ValueError: a topic or a version is none.

        """
        if not set(versions) <= set(VERSIONS):
            raise ValueError("SNS has signature versions 1 and 2")
        self._homes = {arn: home_of(arn) for arn in topics}
        self._certificates, self._clock = certificates, clock
        self._versions, self._max_age_ms, self._max_body = frozenset(versions), max_age_ms, max_body

    async def check(self, body: bytes, headers: Mapping[str, str]) -> Genuine | Refusal:
        """Return the message of a post, or why it is not taken."""
        message = read_message(body, headers, self._max_body)
        if isinstance(message, Refusal):
            return message
        place = self._place(message)
        if isinstance(place, Refusal):
            return place
        key = await self._certificates.key_at(place)
        if isinstance(key, Refusal):
            return key
        if not is_signed(message, key):
            return Refusal.SIGNATURE
        return self._untimely(message) or Genuine(message.kind, message.fields, message.sent_at)

    def _place(self, message: Message) -> Place | Refusal:
        """Return where the certificate is, of a message that is worth a look at it."""
        home = self._homes.get(message.fields["TopicArn"])
        if home is None:
            return Refusal.TOPIC
        if message.version not in self._versions:
            return Refusal.SIGNATURE_VERSION
        return certificate_place(message.certificate_url, home)

    def _untimely(self, message: Message) -> Refusal | None:
        """Return why a message comes at the wrong time, if it does."""
        age = self._clock() - message.sent_at
        if age > self._max_age_ms:
            return Refusal.EXPIRED
        return Refusal.FUTURE if age < -AHEAD_MS else None
