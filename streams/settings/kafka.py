"""How to reach the brokers, write to them, and share the work: the settings that speak Kafka.

Names and values are Kafka's own where Kafka has one. Nothing here opens a connection.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from streams.settings.group import KAFKA_NAME, Group


class Protocol(StrEnum):
    """How to talk to the brokers; the names are Kafka's own."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SaslMechanism(StrEnum):
    """How to log in to the brokers."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class Compression(StrEnum):
    """How record batches are packed."""

    NONE = "none"
    LZ4 = "lz4"
    ZSTD = "zstd"


class Security(Group):
    """How to reach the brokers safely."""

    protocol: Protocol = Protocol.PLAINTEXT
    """PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    sasl_mechanism: SaslMechanism | None = None
    """PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""
    sasl_username: str | None = None
    """User name for SASL."""
    sasl_password: SecretStr | None = None
    """Password for SASL."""
    ssl_cafile: Path | None = None
    """Certificates of the authorities to trust (PEM); without it the system's."""
    ssl_certfile: Path | None = None
    """Our own certificate (PEM), where the brokers ask for one."""
    ssl_keyfile: Path | None = None
    """The key of our own certificate (PEM)."""
    ssl_key_password: SecretStr | None = None
    """Password of that key."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Refuse a half-made login here, where a time-out somewhere else would come later."""
        login = {
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_username": self.sasl_username,
            "sasl_password": self.sasl_password,
        }
        by_sasl = self.protocol in (Protocol.SASL_PLAINTEXT, Protocol.SASL_SSL)
        wrong = [name for name, value in login.items() if (value is None) is by_sasl]
        if wrong:
            verb = "needs" if by_sasl else "has no use for"
            raise ValueError(f"protocol {self.protocol} {verb} {', '.join(wrong)}")
        if (self.ssl_certfile is None) is not (self.ssl_keyfile is None):
            raise ValueError("ssl_certfile and ssl_keyfile go together")
        return self

    @model_validator(mode="after")
    def _files_are_there(self) -> Self:
        """Refuse a certificate file that is not there."""
        for path in (self.ssl_cafile, self.ssl_certfile, self.ssl_keyfile):
            if path is not None and not path.is_file():
                raise ValueError(f"there is no file {path}")
        return self


class Producer(Group):
    """How records are written."""

    idempotent: bool = True
    """Let the broker drop repeats of a batch that was sent twice; only the embedded broker cannot."""
    compression: Compression = Compression.ZSTD
    """none, lz4 or zstd."""


class Engine(Group):
    """How chunks run."""

    chunk_records: int = Field(default=4000, ge=1, le=1_000_000)
    """Most records in one chunk."""
    commit_interval_ms: int = Field(default=1000, ge=10, le=60_000)
    """How often finished work is acknowledged to the broker; less means fewer repeats after a crash."""
    compiled: bool = True
    """Take the compiled short way for ordinary records, where it is installed; what comes out is the same."""
    session_timeout_ms: int = Field(default=45_000, ge=1000, le=1_800_000)
    """After how long without a sign of life the group takes a worker's partitions away."""
    stall_seconds: int = Field(default=120, ge=10, le=86_400)
    """Where work waits and nothing moves for so long, a worker is not ready; after twice as long it ends."""
    standbys: int = Field(default=0, ge=0, le=3)
    """How many other workers keep a copy of each partition's state, for a quick takeover; with several workers, 1."""
    instance_id: str | None = Field(default=None, pattern=KAFKA_NAME)
    """A name that survives a restart (static membership): the same worker gets the same partitions back."""
