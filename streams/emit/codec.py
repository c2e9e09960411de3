"""The codec that the settings ask for: ids from a registry where one is set, from schemas/lock.json otherwise."""

from __future__ import annotations

from streams.schemas.codec import Codec, load_codec
from streams.schemas.registry import Client, Registry
from streams.settings import Settings


def codec_of(settings: Settings, *, aside: bool = False) -> Codec:
    """Return the codec; with *aside*, what it must ask a registry for later on raises MustAsk.

    Raises:
        SchemaUnknown: a registry is set and does not know our schemas, or does not answer.

    """
    return load_codec(registry_of(settings, settings.schema_registry.url), aside=aside)


def registry_of(settings: Settings, url: str | None) -> Registry | None:
    """Return the registry at *url*, with the login of the settings; None where there is no url."""
    if url is None:
        return None
    known = settings.schema_registry
    password = None if known.password is None else known.password.get_secret_value()
    return Registry(Client(url, known.username, password), settings.topic_prefix)
