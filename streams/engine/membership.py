"""Whether the group still counts on us: a worker that was not heard of for too long must not write.

A stopped process (SIGSTOP, a long pause of the machine) wakes up in the midst of its work while another owns its
partitions. The producer asks here at the last moment, when a batch is about to leave, and holds it back until a
heartbeat was answered; when the group has given our partitions away, what was held is thrown away.
"""

from __future__ import annotations

import time
from typing import Any

SHARE_OF_SESSION = 2 / 3
"""How much of the session may pass without an answer; the rest is for what is on its way to the broker."""


class Membership:
    """When the coordinator last answered, and whether it has given up on us."""

    def __init__(self, session_timeout_ms: int) -> None:
        """Start as a member in good standing: partitions come only after a first answer."""
        self._fresh_for = session_timeout_ms / 1000 * SHARE_OF_SESSION
        self._answered_at = time.monotonic()
        self.lost = False

    def renew(self) -> None:
        """Note that the group has just dealt with us."""
        self._answered_at = time.monotonic()
        self.lost = False

    def listen(self, coordinator: Any) -> None:
        """Hear every answered heartbeat; when it was *sent* counts, for the broker counts from then."""
        beat = coordinator._do_heartbeat

        async def _heard() -> bool:
            sent_at = time.monotonic()
            answered = bool(await beat())
            if answered:
                self._answered_at = sent_at
            return answered

        coordinator._do_heartbeat = _heard

    @property
    def silence(self) -> float:
        """Return for how many seconds the group has not answered."""
        return time.monotonic() - self._answered_at

    @property
    def fresh(self) -> bool:
        """Return whether the last answer is recent enough to write on."""
        return self.silence < self._fresh_for
