"""Every knob of the engine, in one frozen object, with what each costs. Nothing here reads the environment."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from streams.errors import BadSettings

_SHORTEST_REQUEST_MS = 1_000


class Compression(StrEnum):
    """How record batches are compressed on their way to the broker."""

    NONE = "none"
    LZ4 = "lz4"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """How to reach the brokers: TLS, SASL, or both. Secrets stay out of its repr.

    Args:
        tls: encrypt; *ca_file* instead of the system's authorities, *cert_file* and *key_file* for mutual TLS.
        mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; None is no SASL.
    """

    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: str | None = None
    mechanism: str | None = None
    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        """Return a form without secrets."""
        return f"Security(tls={self.tls}, mechanism={self.mechanism})"

    @property
    def protocol(self) -> str:
        """Return Kafka's name for the combination."""
        if self.mechanism is None:
            return "SSL" if self.tls else "PLAINTEXT"
        return "SASL_SSL" if self.tls else "SASL_PLAINTEXT"

    def client_options(self) -> dict[str, Any]:
        """Return the keyword arguments that every aiokafka client takes."""
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self.tls:
            options["ssl_context"] = self._context()
        if self.mechanism is not None:
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        if self.cert_file is not None:
            key = None if self.key_file is None else str(self.key_file)
            # never None: OpenSSL would ask for the password of a locked key on a terminal that nobody sits at
            context.load_cert_chain(str(self.cert_file), key, self.key_password or "")
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """What the engine must know of the world. Times are milliseconds, sizes are bytes.

    Args:
        brokers: ``host:port`` each.
        group: consumer group; also the first part of every changelog's name and of the state's directory.
        data_dir: where local state lives, as ``data_dir/group/table/partition``; may be lost, is rebuilt then.
        partitions: of every input topic and changelog; one number, so that a key's records and its state meet.
        instance_id: static group membership: a restart within the session causes no rebalance. None for none.
        session_timeout: after this long without a heartbeat the group gives our partitions away.
        heartbeat_interval: a third of the session at most.
        rebalance_timeout: how long the group waits for us to finish chunks when it rebalances.
        request_timeout: after this long an unanswered request is a failure of the world. A batch that the brokers do
            not acknowledge is one after `patience`.
        commit_interval: how often offsets are committed; a crash repeats at most this much work.
        stop_timeout: a stop that takes longer is cut short (nothing is lost: what was not committed is done again).
        stall: where work waits and nothing moves for so long, the worker is stuck; after twice as long it ends.
        chunk_records: records a chunk at most; larger is faster and holds the loop for longer.
        backlog_chunks: so many chunks' records of a partition may wait in its lane before it is no longer fetched. What
            waits is worked on as one chunk: chunks grow with the load, and an idle worker's are small.
        fetch_wait: how long the broker holds a fetch open for new data. aiokafka has one fetch in flight a broker, so
            a long wait on idle partitions delays busy ones.
        fetch_bytes: a partition and fetch at most.
        batch_bytes: of a record batch before compression; the broker refuses above its message.max.bytes (1 MiB).
        outstanding_batches: sent and not yet acknowledged, of the whole worker.
        compression: of outputs and changelogs.
        idempotent: the broker drops repeats of a batch that was sent again. Off only for the embedded broker.
        check_crcs: of fetched batches (0.2 us a record).
        wake_keys: keys handed to `Hop.wake` at a time.
        wake_interval: a busy lane looks for due keys this often; an idle one does so too.
        standbys: other workers that keep a copy of each partition's state, so that a takeover begins near the end.
        trusted_for: local state that is behind its changelog and older than this is rebuilt: the changelog may have
            forgotten deletions by then (its delete.retention.ms, a day).
        state_cache_bytes: RocksDB's block cache, of the whole worker.
        state_buffer_bytes: RocksDB's write buffers, of the whole worker.
        state_flush: how seldom a store is written out; a busy one is whenever its memory is full. Since the last time
            it reads its changelog again after a crash.
        dead_letter_share, dead_letter_window: more dead letters than this share of a hop's last records, so many or
            more, stop the worker; a share of 1 never does.
        failed_code: exit code of a worker that failed and cannot even stop, so that the process must be ended.
        freeze: gc.freeze() once running: what was built by then is never walked again.
    """

    brokers: tuple[str, ...]
    group: str
    data_dir: Path
    partitions: int
    instance_id: str | None = None
    security: Security = Security()
    session_timeout: int = 45_000
    heartbeat_interval: int = 3_000
    rebalance_timeout: int = 60_000
    request_timeout: int = 40_000
    commit_interval: int = 1_000
    stop_timeout: int = 15_000
    stall: int = 120_000
    chunk_records: int = 4_000
    backlog_chunks: int = 2
    fetch_wait: int = 50
    fetch_bytes: int = 1 << 20
    batch_bytes: int = 900_000
    outstanding_batches: int = 64
    compression: Compression = Compression.ZSTD
    idempotent: bool = True
    check_crcs: bool = True
    wake_keys: int = 4_000
    wake_interval: int = 1_000
    standbys: int = 0
    trusted_for: int = 20 * 3_600_000
    state_cache_bytes: int = 128 << 20
    state_buffer_bytes: int = 256 << 20
    state_flush: int = 600_000
    dead_letter_share: float = 0.05
    dead_letter_window: int = 1_000
    failed_code: int = 1
    freeze: bool = True

    @property
    def patience(self) -> int:
        """Return how long the group may be silent, joins included, before the worker gives up and says so."""
        return self.rebalance_timeout + self.request_timeout

    def __post_init__(self) -> None:
        """Refuse what cannot work, before anything starts."""
        if not self.brokers:
            raise BadSettings("no brokers are named")
        if self.partitions < 1 or self.chunk_records < 1 or self.backlog_chunks < 1:
            raise BadSettings("partitions, chunk_records and backlog_chunks must be 1 or more")
        if self.heartbeat_interval * 2 > self.session_timeout:
            raise BadSettings("heartbeat_interval must leave room for two heartbeats in session_timeout")
        if self.request_timeout < _SHORTEST_REQUEST_MS:
            raise BadSettings("request_timeout must be a second or more")
