"""The front door: settings become topics, tables, hops and agents, and one worker runs them.

This is the one file that knows every room. It holds no rule and no loop: it says what is connected to what, and hands
the clock, the settings and the engine's snapshots to those who need them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

from pydantic import SecretStr

from streams.dispatch.gate import Globals
from streams.dispatch.postroom import FIRST, INPUTS, OUTPUTS, TABLE, PostRoom
from streams.emit.codec import codec_of
from streams.engine.app import ChunkApp
from streams.engine.config import Compression, EngineConfig, Security
from streams.engine.progress import Progress as EngineProgress
from streams.engine.route import Timings
from streams.errors import WORLD_FAILED
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.observe.disk import room_of
from streams.observe.health import Health
from streams.observe.history import History
from streams.observe.logs import fingerprints_of
from streams.observe.metrics import Metrics
from streams.observe.progress import Phase, Position, Progress
from streams.observe.recent import Recent
from streams.pipeline import Effects
from streams.schemas.codec import Codec
from streams.settings import Protocol, Settings
from streams.settings import Security as SecuritySettings
from streams.settings.policy import policy_of
from streams.topics import ROLES, topic_name
from streams.web.answering import Answering
from streams.web.here import OwnState
from streams.web.server import WebServer
from streams.web.status import status_page
from streams.web.survey import Sources, Survey
from streams.web.tracing import Tracing


def run(settings: Settings) -> int:
    """Run one worker until it is told to stop; return its exit code."""
    topics = {role: topic_name(settings.topic_prefix, role) for role in ROLES}
    metrics = Metrics(settings.metrics.streams)
    codec = codec_of(settings, aside=True)
    recent = Recent(codec, fingerprints_of(settings.log), _now)
    engine = build_engine(settings, codec, topics, metrics, recent)

    def ask() -> Progress:
        return snapshot(engine.progress())

    metrics.watch(ask)
    stall = settings.engine.stall_seconds * 1000
    health = Health(ask, _now, unready_after=stall, dead_after=2 * stall)
    metrics.look_up(lambda: {"ses_state": {(health.check().state,): 1.0}})
    metrics.look_up(lambda: room_of(settings.data_dir))
    _serve(settings, engine, codec, topics, Sources(metrics, History(metrics, _now()), recent, health, ask))
    return engine.run()


def _serve(settings: Settings, engine: ChunkApp, codec: Codec, topics: Mapping[str, str], sources: Sources) -> None:
    """Have the engine run the HTTP side: metrics, health, the page, the API."""
    survey, policy = Survey(lambda: web.url, sources, _now()), policy_of(settings)
    answering = Answering(
        settings,
        engine.tables,
        OwnState(survey, Tracing(settings, policy, _now), policy, _now),
        codec=codec,
        topics=topics,
        now=_now,
        on_failure=lambda failure: engine.fail(failure, "web"),
    )
    page = status_page(settings.web, answering, sources.history, _now)
    web = WebServer(settings.web, sources.metrics, sources.health, [*page.routes, *answering.routes])

    async def listen() -> None:
        await web.start()
        engine.tables.url = web.url  # before the group is joined: it tells the others

    engine.add_service(listen, web.stop)
    engine.add_service(answering.start, answering.stop)
    engine.add_service(page.live.start, page.live.stop)


def build_engine(
    settings: Settings, codec: Codec, topics: Mapping[str, str], metrics: Metrics, recent: Recent
) -> ChunkApp:
    """Return the engine with its hops: by message id, by recipient, and, where it sends, by request id."""
    policy = policy_of(settings)
    engine = ChunkApp(engine_config(settings), topics)
    note = Note(metrics, recent)
    engine.add_hop(
        ByMessage(codec, policy.join, topics, compiled=settings.engine.compiled),
        inputs=("sends", "feedback"),
        outputs=("outcomes", "settlements", "dead-letters", "sends", "feedback"),  # inputs, for emit/rekey.py
        table="lives",
        witness=note,
    )
    engine.add_hop(
        ByRecipient(codec, policy, topics, compiled=settings.engine.compiled),
        inputs=("outcomes", "instructions"),
        outputs=("suppressions", "retries", "loops", "waiting", "dead-letters", "outcomes", "instructions"),
        table="standings",
        witness=note,
    )
    if settings.dispatch.enabled:
        tables = Globals(**{role: engine.add_global(role) for role in Globals._fields})
        room = PostRoom(settings, codec, policy, topics, tables, _now)
        engine.add_hop(room.hop, inputs=INPUTS, outputs=OUTPUTS, table=TABLE, witness=note, first=FIRST)
        engine.add_service(room.start, room.stop)
        note.also(room.saw)
        metrics.look_up(room.gauges)
    return engine


def engine_config(settings: Settings) -> EngineConfig:
    """Return what the engine must know."""
    engine = settings.engine
    return EngineConfig(
        brokers=tuple(settings.brokers.split(",")),
        group=settings.group,
        data_dir=settings.data_dir,
        partitions=settings.partitions,
        instance_id=engine.instance_id,
        standbys=engine.standbys,
        security=_security(settings.security),
        session_timeout=engine.session_timeout_ms,
        heartbeat_interval=min(3_000, engine.session_timeout_ms // 4),
        commit_interval=engine.commit_interval_ms,
        stall=engine.stall_seconds * 1000,
        chunk_records=engine.chunk_records,
        dead_letter_share=settings.dead_letters.max_share,
        dead_letter_window=settings.dead_letters.window,
        compression=Compression(settings.producer.compression),
        idempotent=settings.producer.idempotent,
        failed_code=WORLD_FAILED,
    )


def _security(security: SecuritySettings) -> Security:
    """Return how the engine is to reach the brokers."""
    return Security(
        tls=security.protocol in (Protocol.SSL, Protocol.SASL_SSL),
        ca_file=security.ssl_cafile,
        cert_file=security.ssl_certfile,
        key_file=security.ssl_keyfile,
        key_password=_plain(security.ssl_key_password),
        mechanism=security.sasl_mechanism,
        username=security.sasl_username,
        password=_plain(security.sasl_password),
    )


def _plain(secret: SecretStr | None) -> str | None:
    """Return a secret's text, for the one who needs it."""
    return None if secret is None else secret.get_secret_value()


def snapshot(progress: EngineProgress) -> Progress:
    """Return the engine's progress as metrics and health want to know it."""
    return Progress(
        phase=Phase(progress.state),
        positions={
            (p.topic, p.partition): Position(-1 if p.next_offset is None else p.next_offset, p.lag, p.held)
            for p in progress.partitions
        },
        recovery_remaining=progress.recovery_remaining,
        committed_at=progress.committed_at,
        lost=progress.lost,
    )


GAUGES = frozenset({"ses_suppressions", "ses_retries_pending", "ses_loops"})
"""What a hop counts up and down: it stands in the table, and goes with its partition."""


class Note:
    """Takes down what a chunk counted and how long it took, once all of it is durable."""

    def __init__(self, metrics: Metrics, recent: Recent | None = None) -> None:
        """Keep where to write it; *recent* hears what was said of people."""
        self._metrics = metrics
        self._recent = recent
        self._listeners: list[Callable[[Counter[tuple[str, ...]]], None]] = []
        self._edges: dict[tuple[str, ...], float] = {}
        self._held: dict[tuple[str, int], Counter[tuple[str, ...]]] = {}

    def also(self, listener: Callable[[Counter[tuple[str, ...]]], None]) -> None:
        """Let somebody else hear what each chunk counted, too."""
        self._listeners.append(listener)

    def counted(self, hop: str, partition: int, counts: Counter[tuple[str, ...]] | None) -> None:
        """Take down what the state of a partition adds to gauges when work on it begins; None takes it all back."""
        change = Counter[tuple[str, ...]]()
        change.subtract(self._held.pop((hop, partition), {}))
        if counts is not None:
            self._held[hop, partition] = counts
            change.update(counts)
        self._metrics.apply(change)

    def done(self, hop: str, partition: int, effects: Effects, timings: Timings) -> None:
        """Take down one chunk, or one look at keys whose time has come."""
        held = self._held.get((hop, partition))
        if held is not None:
            held.update({key: count for key, count in effects.counts.items() if key[0] in GAUGES})
        self._metrics.apply(effects.counts, effects.latencies)
        for listener in self._listeners:
            listener(effects.counts)
        if self._recent is not None:
            self._recent.saw(effects.outputs)
        steps = {
            **effects.steps,
            "fetch": timings.fetch,
            "state": timings.recall + timings.state,
            "produce": timings.build,
            "wait": timings.outputs + timings.changelog - timings.build,
        }
        whole = timings.work + timings.outputs + timings.changelog + timings.state
        self._metrics.chunk(hop, whole * 1000, steps)
        if timings.appended_at is not None:
            now = time.time()
            self._metrics.ages((max(int(now * 1000) - timings.appended_at, 0),))
            self._edges = {("first",): now - whole, **self._edges, ("last",): now}
            self._metrics.set("ses_chunk_timestamp_seconds", self._edges)


def _now() -> int:
    """Return the time, ms since the epoch; the rules get it as an argument."""
    return int(time.time() * 1000)
