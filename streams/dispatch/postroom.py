"""All of dispatch for one worker, put together: the road, the pace, who asks SES for its quota, the breaker, the hop.

Only what is connected to what stands here. Whoever runs a worker starts it before the hops and stops it after them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.dispatch.breaker import Breaker
from streams.dispatch.by_request import ByRequest, Gauges
from streams.dispatch.gate import Globals
from streams.dispatch.pace import Pace
from streams.dispatch.quota import QuotaWatch
from streams.dispatch.roads import road_of
from streams.mail.policy import Policy
from streams.schemas.codec import Codec
from streams.settings import Settings

INPUTS = ("send-requests", "settlements", "retries")
OUTPUTS = ("sends", "outcomes", "pauses", "dead-letters", *INPUTS)
"""The inputs are among them for what lies on a wrong partition (emit/rekey.py)."""
FIRST = ("settlements",)
"""By these dispatch reads back what SES answered: were a send there and its settlement not, nobody would settle it."""
TABLE = "requests"


class PostRoom:
    """Where mails leave a worker."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it connects, each from somewhere else
        self,
        settings: Settings,
        codec: Codec,
        policy: Policy,
        names: Mapping[str, str],
        tables: Globals,
        clock: Callable[[], int],
    ) -> None:
        """Put it together; nothing is opened yet. *names* are topics by role, *clock* says the time in ms."""
        dispatch = settings.dispatch
        self._clock = clock
        self._road = road_of(settings, clock)
        self._pace = Pace(dispatch.rate, dispatch.max_in_flight)
        self._watch = QuotaWatch(self._road, self._pace, dispatch.quota_seconds, clock)
        self._breaker = Breaker(policy.breaker)
        self.hop = ByRequest(codec, policy, names, self._road, self._pace, tables, self._breaker, clock)

    async def start(self) -> None:
        """Open the road, and ask SES what it allows."""
        await self._road.open()
        await self._watch.start()

    async def stop(self) -> None:
        """Ask no more, and close the road."""
        await self._watch.stop()
        await self._road.close()

    def saw(self, counts: Mapping[tuple[str, ...], int]) -> None:
        """Hear what a chunk of any hop counted, once it is durable."""
        self._breaker.saw(counts, self._clock())

    def gauges(self) -> Gauges:
        """Return what metrics look up."""
        return self.hop.gauges(self._clock())
