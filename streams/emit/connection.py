"""How librdkafka is told to reach the brokers: settings in, its own words out.

The one place for both the publisher and the admin client, so that a worker that can read can also write. Faust's side
of the same settings is in engine/. No secret leaves here but in the returned configuration.
"""

from __future__ import annotations

from typing import Any

from streams.settings import Security

Words = dict[str, Any]


def librdkafka(brokers: str, security: Security) -> Words:
    """Return the configuration that every librdkafka client of ours starts from."""
    words: Words = {
        "bootstrap.servers": brokers,
        "client.id": "ses-streams",
        "security.protocol": security.protocol.value.lower(),
    }
    return words | _login(security) | _certificates(security)


def _login(security: Security) -> Words:
    """Return the SASL words; Settings has seen to it that there are all or none."""
    if security.sasl_mechanism is None or security.sasl_username is None or security.sasl_password is None:
        return {}
    return {
        "sasl.mechanism": security.sasl_mechanism.value,
        "sasl.username": security.sasl_username,
        "sasl.password": security.sasl_password.get_secret_value(),
    }


def _certificates(security: Security) -> Words:
    """Return the TLS words. The brokers' names are always checked: librdkafka does that unless told not to."""
    files = {
        "ssl.ca.location": security.ssl_cafile,
        "ssl.certificate.location": security.ssl_certfile,
        "ssl.key.location": security.ssl_keyfile,
    }
    words: Words = {name: str(path) for name, path in files.items() if path is not None}
    if security.ssl_key_password is not None:
        words["ssl.key.password"] = security.ssl_key_password.get_secret_value()
    return words
