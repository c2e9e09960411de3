"""Somebody leaves a stream, by a link or by a mail to the address for leaving: to a `Feedback` of kind SUBSCRIPTION.

Who leaves must be sure, or anybody could stop anybody's mail. A token (mail/unsubscribe.py) is proof by itself, however
the mail that bears it came. Without one a mail's From counts, where SES says that DMARC passed, it names one address
and no machine wrote it, and the stream is in the address: `unsubscribe+newsletter@`. All else is no event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from streams.decide.autoreply import judge_headers
from streams.intake.answered import address_in
from streams.intake.mime import Headers, decoded
from streams.intake.verdicts import Verdicts
from streams.mail.address import normal_address
from streams.mail.feedback import Feedback, FeedbackKind, FeedbackRecipient
from streams.mail.identity import derived_id
from streams.mail.policy import MINUTE
from streams.mail.tagging import REQUEST_TAG, STREAM_TAG, tag_of
from streams.mail.unsubscribe import BY_MAIL, TOKEN, Key, Leave, read_token
from streams.settings.unsubscribe import Unsubscribe, keys_of

_ADDRESSED = ("delivered-to", "x-original-to", "to", "cc")
_MOST = 16  # of anything that a mail may repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Somebody leaves; *how* is ONE_CLICK or BY_MAIL."""

    leave: Leave
    how: str

    def feedback(self, *, occurred_at: int, headers: Headers, raw: str) -> Feedback:
        """Return it as an event at *occurred_at* (ms), about no mail that SES knows of: its message id is made up.

        The stream and the request stand where SES puts them, in tags. Twice within a minute is once: mailbox providers
        ask again where an answer was lost. Later it is another event, for a release may lie between.
        """
        who, stream, request = self.leave
        message_id = derived_id(who, "unsubscribe", 0, stream, request or "")
        tags = {STREAM_TAG: tag_of(stream), REQUEST_TAG: tag_of(request or "")}
        return Feedback(
            kind=FeedbackKind.SUBSCRIPTION,
            occurred_at=occurred_at,
            feedback_id=derived_id(message_id, FeedbackKind.SUBSCRIPTION, occurred_at - occurred_at % MINUTE),
            message_id=message_id,
            recipients=(FeedbackRecipient(address=who),),
            reason=self.how,
            tags={name: [value] for name, value in tags.items() if value is not None},
            headers=headers,
            raw=raw,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribes:
    """How to read mail from people who leave: the keys of tokens, the addresses for leaving, the streams to leave."""

    keys: tuple[Key, ...]
    addresses: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()

    def read(self, head: Headers, envelope_to: Sequence[str], verdicts: Verdicts) -> Leaving | None:
        """Return who leaves what by a mail with that *head*; None for any other mail."""
        labels = list(self._labels(head, envelope_to))
        if not labels:
            return None
        subject = decoded(next(iter(head.get("subject", ())), ""))
        written = [*labels, *(found[0] for found in TOKEN.finditer(subject.lower()))]
        tokens = (read_token(token, self.keys) for token in written[:_MOST])
        leave = next((leave for leave in tokens if leave is not None), None)
        if leave is None and verdicts.vouched and judge_headers(head, subject) is None:
            leave = self._by_sender(head, labels)
        return None if leave is None else Leaving(leave=leave, how=BY_MAIL)

    def _labels(self, head: Headers, envelope_to: Sequence[str]) -> Iterator[str]:
        """Yield what stands behind the + of each address for leaving that the mail came to; empty where nothing."""
        values = [*envelope_to[:_MOST], *(value for name in _ADDRESSED for value in head.get(name, ())[:_MOST])]
        for value in values:
            written = address_in(value)
            local, _, domain = normal_address(written or "").rpartition("@")
            name, _, label = local.partition("+")
            if f"{name}@{domain}" in self.addresses:
                yield label

    def _by_sender(self, head: Headers, labels: Sequence[str]) -> Leave | None:
        """Return what the mail's From leaves; only where it names one address beyond doubt, and the stream is known."""
        written = head.get("from", [])
        who = address_in(written[0]) if len(written) == 1 and written[0].count("@") == 1 else None
        stream = next((stream for label in labels if (stream := self._stream(label)) is not None), None)
        if who is None or stream is None or _is_report(head):
            return None
        return Leave(normal_address(who), stream, None)

    def _stream(self, label: str) -> str | None:
        """Return the stream that a label names; where it is empty, the only one that there is."""
        if not label:
            return self.streams[0] if len(self.streams) == 1 else None
        return next((stream for stream in self.streams if stream.lower() == label), None)


def unsubscribes_of(settings: Unsubscribe) -> Unsubscribes | None:
    """Return how to read mail from people who leave, as *settings* say; None where there is no key."""
    keys = keys_of(settings)
    addresses = () if settings.address is None else (normal_address(settings.address),)
    return Unsubscribes(keys=keys, addresses=addresses, streams=settings.streams) if keys else None


def _is_report(head: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether a mail is a server's report, which is nobody's wish."""
    return any(value.strip().lower().startswith("multipart/report") for value in head.get("content-type", ()))
