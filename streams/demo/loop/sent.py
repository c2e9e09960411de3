"""What the simulator itself says that it has sent, sorted by request and recipient: a witness from outside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.demo.loop.ledger import LineKey


class Accepted(NamedTuple):
    """One mail that the simulator took; its tags say for which request, and which attempt of it. *at* in ms."""

    message_id: str
    at: int
    request_id: str
    attempt: int
    recipients: tuple[str, ...]


class Mailed(NamedTuple):
    """One mail for one recipient, as the simulator or an outcome names it."""

    message_id: str
    key: LineKey
    attempt: int


class Sent:
    """What has been sent, by line: for each attempt the times of its mails, ms since the epoch."""

    def __init__(self, accepted: Iterable[Accepted]) -> None:
        """Sort it."""
        self.lines: dict[LineKey, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        self.known: set[Mailed] = set()
        self.mails = self.retries = 0
        for mail in accepted:
            self.mails += 1
            self.retries += mail.attempt > 1
            for recipient in mail.recipients:
                key = LineKey(mail.request_id, recipient.lower())
                self.lines[key][mail.attempt].append(mail.at)
                self.known.add(Mailed(mail.message_id, key, mail.attempt))

    def of(self, key: LineKey) -> Mapping[int, list[int]]:
        """Return the mails of a line: attempt to times."""
        return self.lines.get(key, {})

    def twice(self, key: LineKey) -> int:
        """Return how many mails more than one there are for an attempt of this line."""
        return sum(len(times) - 1 for times in self.of(key).values())

    @property
    def sent_twice(self) -> int:
        """Return the same for all lines."""
        return sum(self.twice(key) for key in self.lines)

    def first(self, key: LineKey) -> int | None:
        """Return when the first mail of a line went out, None where there is none."""
        return min((at for times in self.of(key).values() for at in times), default=None)

    def last(self, key: LineKey) -> int | None:
        """Return when the last mail of a line went out, None where there is none."""
        return max((at for times in self.of(key).values() for at in times), default=None)
