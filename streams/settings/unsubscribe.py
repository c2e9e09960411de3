"""How people leave a stream by a link or an address in its mails: the settings, for dispatch and intake alike.

Dispatch writes the links, the intake takes what comes by them, so both need the same words. Their use is in
streams/dispatch/leave.py and streams/inlets/unsubscribe.py.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from streams.mail.unsubscribe import LONGEST_STREAM
from streams.settings.group import Group, Words
from streams.settings.keys import SealingKey

SHORTEST_KEY = 32
_SHORT = f"a key has {SHORTEST_KEY} characters at least, such as `openssl rand -base64 33` makes"


class Unsubscribe(Group):
    """How people leave a stream by its mails (List-Unsubscribe); without a key they cannot."""

    url: str | None = Field(default=None, pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9/_.~-]{0,200})?$")
    """Where people reach /unsubscribe of the intake: https://mail.example.com/unsubscribe; tokens follow behind it."""
    address: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,40}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
    """Address for leaving by mail; SES receives for it, and the intake reads what SES receives."""
    key: SecretStr | None = None
    """Secret by which links are sealed, of 32 characters at least; the same for dispatch and intake."""
    old_keys: SecretStr | None = None
    """Former keys, separated by commas, by whose links people may still leave."""
    streams: Words = ()
    """Streams whose mails say how to leave them."""

    @field_validator("key", "old_keys")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        """Refuse a key that can be guessed, and a comma, which would make two of one."""
        if any(len(key) < SHORTEST_KEY for key in _secrets(value)):
            raise ValueError(_SHORT)
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Refuse half of it."""
        if self.key is not None and not _secrets(self.key):
            raise ValueError(_SHORT)
        if len(_secrets(self.key)) > 1:
            raise ValueError("key is one key, without a comma")
        if self.key is None and (self.url is not None or self.address is not None):
            raise ValueError("url and address need a key, or anybody could stop anybody's mail")
        if self.streams and self.url is None and self.address is None:
            raise ValueError("streams need a url or an address by which to leave them")
        if any(len(stream.encode()) > LONGEST_STREAM for stream in self.streams):
            raise ValueError(f"a stream's name has {LONGEST_STREAM} bytes at most")
        return self


def keys_of(unsubscribe: Unsubscribe) -> tuple[SealingKey, ...]:
    """Return the keys by which tokens are read, the one by which they are made first; none where none is set."""
    if unsubscribe.key is None:
        return ()
    return tuple(SealingKey.of(one) for one in (*_secrets(unsubscribe.key), *_secrets(unsubscribe.old_keys)))


def _secrets(value: SecretStr | None) -> list[str]:
    return [] if value is None else [one.strip() for one in value.get_secret_value().split(",") if one.strip()]
