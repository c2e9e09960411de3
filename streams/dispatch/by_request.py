"""The dispatch hop, by request id: requests become mails, and each is handed to SES at most once per attempt.

Requests, retries and what SES's own events say meet here in one table. This file takes a chunk through the stages;
what is decided, and by whom, is desk's affair and its neighbours'. Nothing here touches a broker, or SES: a call is
an errand, which the engine runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from streams.decide.request import next_look
from streams.dispatch.answers import hear
from streams.dispatch.breaker import US, Breaker, Pause
from streams.dispatch.desk import Desk, Tools
from streams.dispatch.doubt import overdue, settle
from streams.dispatch.gate import Gate, Globals
from streams.dispatch.leaving import let_go
from streams.dispatch.outcomes import Outcomes
from streams.dispatch.pace import Pace
from streams.dispatch.reading import Reading, SaidRequest, SaidRetry, SaidSettlement
from streams.dispatch.road import Road
from streams.emit.dead import DeadLetters
from streams.emit.rekey import Rekeying
from streams.emit.taking import Taken, Taking
from streams.mail.deadletter import Stage
from streams.mail.policy import Policy
from streams.pipeline import Chunk, Effects, Recall, Stopwatch
from streams.schemas.codec import Codec
from streams.state.requests import unpack_request

REQUESTS = "send-requests"
NEVER = 0

Said = SaidRequest | SaidRetry | SaidSettlement
Gauges = Mapping[str, Mapping[tuple[str, ...], float]]


class ByRequest:
    """Keep what becomes of each request, by request id, and hand it to SES; an `ActingHop`."""

    name = "by_request"

    def __init__(  # noqa: PLR0913, PLR0917 - all of what dispatch is connected to, and nobody groups it otherwise
        self,
        codec: Codec,
        policy: Policy,
        names: Mapping[str, str] | None,
        road: Road,
        pace: Pace,
        tables: Globals,
        breaker: Breaker,
        clock: Callable[[], int] | None = None,
    ) -> None:
        """Prepare readers and writers once; *names* are the topics' names by role, for dead letters.

        *clock* (ms since the epoch) lets calls leave on time to the millisecond; without one they leave at once.
        """
        reading = Reading(codec)
        self._codec = codec
        self._tools = Tools(
            reading=reading,
            outcomes=Outcomes(codec, road.via),
            gate=Gate(codec, tables, policy),
            pace=pace,
            breaker=breaker,
            road=road,
            policy=policy,
            clock=clock,
        )
        self._ways = _ways(reading)
        dead = DeadLetters(codec, Stage.DISPATCH, names or {})
        self._taking = Taking(dead, Rekeying(dead, names or {}))
        self._since = NEVER
        self._moved = False

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        """Return what a chunk of requests, of retries or of settlements leads to."""
        effects = Effects()
        effects.counts["ses_records_total", chunk.topic] += len(chunk)
        watch = Stopwatch(effects.steps)
        facts = self._read(chunk, effects, now)
        watch.mark("decode")
        desk = self._desk(effects, now)
        desk.recall([fact.key for fact in facts], recall)
        watch.skip()
        for fact in facts:
            _take(desk, fact)
        return self._finish(desk, watch, queued=False)

    def wake(self, keys: Sequence[bytes], recall: Recall, now: int) -> Effects:
        """Look at requests whose time has come: to be sent, given up, or forgotten."""
        effects = Effects()
        desk = self._desk(effects, now)
        desk.recall(keys, recall)
        watch = Stopwatch(effects.steps)
        for key in dict.fromkeys(keys):
            overdue(desk, key)
        return self._finish(desk, watch, queued=True)

    def heard(self, results: Sequence[tuple[bytes, Any]], recall: Recall, now: int) -> Effects:
        """Take what came of calls."""
        effects = Effects()
        desk = self._desk(effects, now)
        desk.recall([key for key, _ in results], recall)
        watch = Stopwatch(effects.steps)
        for key, heard in results:
            hear(desk, key, heard)
        desk.write()
        watch.mark("decide")
        return effects

    def is_full(self, topic: str, now: int) -> bool:
        """Tell whether to leave requests in their topic for now; what is said about those we have always passes."""
        return topic == REQUESTS and self._tools.pace.is_full(now)

    def shared(self, part: float) -> None:
        """Hear which part of all partitions is this worker's: so much of SES's rate and quota is."""
        self._tools.pace.share(part)
        self._moved = True

    def looks(self, values: Sequence[bytes], now: int) -> list[int]:
        """Return when (ms) to look at each of these requests again."""
        del now
        policy = self._tools.policy.dispatch
        return [next_look(unpack_request(value), {}, policy) for value in values]

    def census(self, values: Sequence[bytes]) -> Counter[tuple[str, ...]] | None:
        """Add to no gauge: what dispatch shows is not what it stores."""
        del values
        return None

    def gauges(self, now: int) -> Gauges:
        """Return what is looked up, not counted: metric to label values to number."""
        pace = self._tools.pace.standing(now)
        return {
            "ses_send_rate": {(): pace.rate},
            "ses_quota_remaining": {(): pace.remaining},
            "ses_quota_limit": {(): pace.limit},
            "ses_calls_in_flight": {(): float(pace.in_flight)},
            "ses_dispatch_paused": {(stream,): 1.0 for stream in self._tools.breaker.paused()},
        }

    def _desk(self, effects: Effects, now: int) -> Desk:
        """Return the desk of a chunk; after partitions have moved, what SES said meanwhile is still to be read."""
        if self._moved:
            self._moved, self._since = False, now
        return Desk(self._tools, effects, now, self._since)

    def _read(self, chunk: Chunk, effects: Effects, now: int) -> list[Said]:
        """Return the facts of a chunk that belong here; the unusable are dead letters."""
        taken: Taken[Said] = self._taking.take(self._ways[chunk.topic], chunk, effects, now)
        return [taken.facts[place] for place in taken.places]

    def _finish(self, desk: Desk, watch: Stopwatch, *, queued: bool) -> Effects:
        """Let go what may go, pause what must, and write down what has changed."""
        self._pause(desk.effects, desk.now)
        let_go(desk, queued=queued)
        desk.write()
        watch.mark("decide")
        return desk.effects

    def _pause(self, effects: Effects, now: int) -> None:
        """Say which streams pause, and which go on."""
        changes = self._tools.breaker.changes(self._tools.gate.pauses, now)
        for stream, pause in changes.items():
            effects.emit("pauses", stream.encode(), None if pause is None else self._record(stream, pause, now))

    def _record(self, stream: str, pause: Pause, now: int) -> bytes:
        """Return the mail.Pause of a stream that pauses itself."""
        return self._codec.encode("mail.Pause", {"stream": stream, "since": now, "by": US, **pause._asdict()})


def _ways(reading: Reading) -> dict[str, Callable[[bytes | None], Said]]:
    """Return how to read each input."""
    return {REQUESTS: reading.request, "retries": reading.retry, "settlements": reading.settlement}


def _take(desk: Desk, fact: Said) -> None:
    """Take one fact."""
    match fact:
        case SaidRequest():
            desk.asked(fact)
        case SaidRetry():
            desk.retried(fact)
        case SaidSettlement():
            settle(desk, fact)
