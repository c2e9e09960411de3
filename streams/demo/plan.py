"""What is to be played, and what follows from it: the pace, and how long feedback waits for its send."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be played."""

    messages: int
    seed: int
    partitions: int
    kills: int = 0

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
