"""How mail goes out: the settings of dispatch. Their use is in streams/dispatch; nothing here opens a connection."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, SecretStr, model_validator

from streams.settings.group import Group


class Via(StrEnum):
    """By which road mails reach SES."""

    API = "api"
    SMTP = "smtp"


class SmtpTls(StrEnum):
    """How an SMTP connection is encrypted."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Smtp(Group):
    """SES's SMTP interface; used where dispatch.via is smtp."""

    host: str | None = None
    """Host; without one email-smtp.REGION.amazonaws.com."""
    port: int = Field(default=587, ge=1, le=65535)
    """587 for STARTTLS, 465 for TLS from the start."""
    tls: SmtpTls = SmtpTls.STARTTLS
    """starttls, tls, or none: the last only for a simulator on the same machine."""
    username: str | None = None
    """SMTP user name: SES gives it out, it is not an access key."""
    password: SecretStr | None = None
    """SMTP password."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Refuse half a login, and a login that would cross the network readable."""
        if (self.username is None) is not (self.password is None):
            raise ValueError("username and password go together")
        if (
            self.tls is SmtpTls.NONE
            and self.username is not None
            and self.host not in ("127.0.0.1", "localhost", "::1")
        ):
            raise ValueError("tls=none with a login is only for a simulator on this machine")
        return self


class Breaker(Group):
    """When a stream's dispatch pauses itself, before SES pauses the account."""

    bounce_percent: float = Field(default=8, gt=0, le=100)
    """Hard bounces among the sends of the window; SES may pause an account from 10."""
    complaint_percent: float = Field(default=0.4, gt=0, le=100)
    """Complaints among the sends of the window; SES may pause an account from 0.5."""
    min_sends: int = Field(default=1000, ge=1, le=10_000_000)
    """Below so many sends a ratio says nothing."""
    window_minutes: int = Field(default=1440, ge=1, le=10_080)
    """Sends and what became of them count for so long."""


class Dispatch(Group):
    """Whether this worker sends mail, and how."""

    enabled: bool = False
    """True lets ses-streams send the mail; false only watches what others send."""
    via: Via = Via.API
    """api or smtp."""
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://[^@\s]+$")
    """Where the SESv2 API is, instead of AWS: a simulator, a VPC endpoint."""
    region: str | None = Field(default=None, pattern=r"^[a-z0-9-]{3,30}$")
    """AWS region; without one AWS's default chain decides (AWS_REGION, the profile, the instance)."""
    rate: float | None = Field(default=None, gt=0, le=1_000_000)
    """Most recipients a second, of all workers together; SES's own limit holds in any case."""
    max_in_flight: int = Field(default=32, ge=1, le=10_000)
    """Most calls to SES at a time, a worker; as many mails are in doubt after a crash at worst."""
    call_timeout_ms: int = Field(default=30_000, ge=100, le=600_000)
    """No call to SES takes longer; what is not answered by then is in doubt."""
    doubt_minutes: float = Field(default=10, ge=0, le=1440)
    """How long a mail in doubt waits for SES's word before it is sent again."""
    quota_seconds: float = Field(default=60, ge=0.1, le=3600)
    """How often SES is asked for rate and quota."""
    tries: int = Field(default=4, ge=1, le=20)
    """Calls that SES may refuse for now before the request ends as FAILED (and may be retried hours later)."""
    forget_days: int = Field(default=7, ge=1, le=60)
    """How long a request is remembered, for its retries and against its repeats."""
    smtp: Smtp = Smtp()
    breaker: Breaker = Breaker()
