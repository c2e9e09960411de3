"""What is to be played, and what follows from it: the pace, how long feedback waits for its send, when retries come."""

from __future__ import annotations

from dataclasses import dataclass

DRAINED_FROM = 50_000
"""From this many mails on the broker is filled before the worker starts, and the worker's speed is measured."""
MOST = 400_000
"""The ledger and the embedded broker keep everything in memory: about 4 kB a mail."""
LEAST = 200
"""Below this not every story fits into the day."""
MAILS_PER_S = 500
"""A live day's pace: 20,000 mails take forty seconds."""
REQUESTS_A_MAIL, FEWEST_REQUESTS, MOST_REQUESTS = 0.1, 200, 20_000
"""How many requests a day gets that is not told how many."""
REQUESTS_S, REQUESTS_PER_S = 20, (80, 250)
"""Requests are handed in over so many seconds, but at no other pace than between these."""
FIRST_RETRY_MS, RETRY_FACTOR = 2_000, 2
"""Two hours and four in earnest: here the third retry comes some 14 seconds after the first bounce."""
FULL_MINUTES = 30.0
"""A full mailbox is asked again after this: its retry still waits when the demo is over."""
MAX_IN_FLIGHT = 32
"""Calls to SES at a time; after a kill as many mails are in doubt at worst."""
CALL_TIMEOUT_MS = 3_000


def requests_for(messages: int) -> int:
    """Return how many requests a day of so many mails gets."""
    return min(MOST_REQUESTS, max(FEWEST_REQUESTS, round(messages * REQUESTS_A_MAIL)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be played."""

    messages: int
    seed: int
    partitions: int
    kills: int = 0
    requests: int = 0

    @property
    def drained(self) -> bool:
        """True where the broker is filled before the worker starts."""
        return self.messages >= DRAINED_FROM

    @property
    def measured(self) -> bool:
        """True where the worker's speed is measured: then nobody else works while it does."""
        return self.drained and not self.kills

    @property
    def park_s(self) -> float:
        """How long the worker lets feedback wait for its send.

        Half an hour in earnest. Here long enough for any send that does come, after a kill and a restart if need be,
        and short enough for a demo.
        """
        if self.kills:
            return 30.0
        return 25.0 if self.drained else 8.0

    @property
    def requests_per_s(self) -> float:
        """How many requests are handed in a second."""
        least, most = REQUESTS_PER_S
        return min(most, max(least, self.requests / REQUESTS_S))

    @property
    def doubt_minutes(self) -> float:
        """How long a mail in doubt waits for SES's word: ten minutes in earnest, here long enough for a restart."""
        return 0.5 if self.kills else 0.15

    @property
    def silence_minutes(self) -> float:
        """How long newer requests wait for word of a retry: two hours in earnest, here longer than any outage."""
        return 5.0 if self.kills else 0.5

    @property
    def vigil_s(self) -> float:
        """How long to watch, once all is there, that nothing more goes out: what was to come would have come."""
        if not self.requests:
            return 0.0
        return 2 * FIRST_RETRY_MS / 1000 + (self.doubt_minutes * 60 if self.kills else 0.0)

    @property
    def in_doubt_bound(self) -> int:
        """How many mails may be sent twice at most: those whose call a kill may have cut short."""
        return self.kills * MAX_IN_FLIGHT

    @property
    def told(self) -> str:
        """Say what events_per_s means."""
        if self.kills:
            return "sends and SES events over all the time from the first start to the last outcome, restarts included"
        if self.drained:
            return (
                "sends and SES events through both hops of one worker process over the time from its first chunk to "
                "its last; the broker was filled before and runs on the same machine"
            )
        return f"sends and SES events as they were handed in, at {MAILS_PER_S} mails/s; the worker kept up"
