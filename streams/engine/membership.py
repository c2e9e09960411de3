"""Whether the group still counts on us: a worker that was not heard of for too long must not write.

A stopped process (SIGSTOP, a long pause of the machine) wakes up in the midst of its work while another owns its
partitions. The producer asks here at the last moment, when a batch is about to leave, and holds it back until a
heartbeat was answered; when the group has given our partitions away, what was held is thrown away.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SHARE_OF_SESSION = 2 / 3
"""How much of the session may pass without an answer; the rest is for what is on its way to the broker."""

NOBODY = ""
"""The member id of who has none."""


class Membership:
    """When the coordinator last answered, and whether it has given up on us."""

    def __init__(self, session_timeout_ms: int) -> None:
        """Start as a member in good standing: partitions come only after a first answer."""
        self._fresh_for = session_timeout_ms / 1000 * SHARE_OF_SESSION
        self._answered_at = self._counted_from = time.monotonic()
        self._counted_at = 0.0
        self.lost = False

    def renew(self) -> None:
        """Note that the group has just dealt with us."""
        self._answered_at = time.monotonic()
        self.lost = False

    def listen(self, coordinator: Any, on_ousted: Callable[[], None] = lambda: None) -> None:
        """Hear every answered heartbeat; when it was *sent* counts, for the broker counts from then.

        *on_ousted* is called, from the coordinator's thread, when the group knows us no longer although it has just
        heard of us: somebody with our name has joined it.
        """
        beat = coordinator._do_heartbeat

        async def _heard() -> bool:
            sent_at, was_fresh = time.monotonic(), self.fresh
            answered = bool(await beat())
            if answered:
                self._answered_at = sent_at
            elif was_fresh and coordinator.member_id == NOBODY:
                on_ousted()
            return answered

        coordinator._do_heartbeat = _heard

    def silent_for(self, now: float) -> float:
        """Return for how long the group has not answered, of the time in which this process ran.

        *now* is that time, in seconds; call it again and again.
        """
        if self._answered_at != self._counted_from:
            self._counted_from, self._counted_at = self._answered_at, now
        return now - self._counted_at

    @property
    def silence(self) -> float:
        """Return for how many seconds the group has not answered."""
        return time.monotonic() - self._answered_at

    @property
    def fresh(self) -> bool:
        """Return whether the last answer is recent enough to write on."""
        return self.silence < self._fresh_for
