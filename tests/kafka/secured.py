"""A door of the broker that wants TLS and a password, beside the plain one: how clusters are run in earnest.

Its certificate is made by Java's own keytool, for 127.0.0.1, and signs itself. Whoever comes in by the plain door may
do anything; USER may do what ACLs allow, which is all until there is one (`deny`).
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its re-exports are public, and not marked so
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from tests.kafka.jars import java

USER, PASSWORD = "alice", "wonderland"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
SCRAM_WORDS = [
    word for mechanism in MECHANISMS[1:] for word in ("--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]")
]
"""For the formatting of a node: SCRAM's names and passwords live in the cluster's own log."""
PATIENCE_S = 30.0
_STORE_PASSWORD = "only-on-this-machine"  # noqa: S105 - of a key that is made for one test and signs itself
_MODULES = "org.apache.kafka.common.security"


class Door:
    """The secured listener of one node; *ca_file* is what a client trusts (PEM)."""

    def __init__(self, home: Path, port: int) -> None:
        """Make the certificate, unless it is there."""
        home.mkdir(parents=True, exist_ok=True)
        self.port, self.ca_file, self._store = port, home / "ca.pem", home / "broker.p12"
        if not self._store.exists():
            self._keytool("-genkeypair", "-keyalg", "EC", "-dname", "CN=127.0.0.1", "-ext", "san=ip:127.0.0.1")
            self._keytool("-exportcert", "-rfc", "-file", str(self.ca_file))

    def properties(self) -> dict[str, str]:
        """Return the broker's settings for it, without its place in `listeners`."""
        prefix = "listener.name.secured"
        plain = f'{_MODULES}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        scram = f"{_MODULES}.scram.ScramLoginModule required;"
        return {
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.location": str(self._store),
            "ssl.keystore.password": _STORE_PASSWORD,
            "sasl.enabled.mechanisms": ",".join(MECHANISMS),
            f"{prefix}.plain.sasl.jaas.config": plain,
            **{f"{prefix}.{name.lower()}.sasl.jaas.config": scram for name in MECHANISMS[1:]},
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "allow.everyone.if.no.acl.found": "true",
        }

    def settings(self, mechanism: str = "SCRAM-SHA-512") -> dict[str, str]:
        """Return what the product must be told to come in by this door, as its environment."""
        said = {
            "PROTOCOL": "SASL_SSL",
            "SSL_CAFILE": str(self.ca_file),
            "SASL_MECHANISM": mechanism,
            "SASL_USERNAME": USER,
            "SASL_PASSWORD": PASSWORD,
        }
        return {f"SES_STREAMS_SECURITY__{name}": value for name, value in said.items()}

    def _keytool(self, command: str, *words: str) -> None:
        tool = Path(java()).resolve().parent / "keytool"
        store = ["-keystore", str(self._store), "-storetype", "PKCS12", "-storepass", _STORE_PASSWORD]
        subprocess.run([str(tool), command, "-alias", "broker", *store, *words], check=True, capture_output=True)


def deny(brokers: str, topic: str, operation: AclOperation = AclOperation.WRITE) -> None:
    """Forbid USER one thing with one topic; *brokers* are those of the plain door."""
    admin = AdminClient({"bootstrap.servers": brokers})
    rules = [
        AclBinding(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, f"User:{USER}", "*", what, how)
        for what, how in ((operation, AclPermissionType.DENY), (AclOperation.ALL, AclPermissionType.ALLOW))
    ]  # a topic with a rule is closed to all whom no rule allows
    for done in admin.create_acls(rules).values():
        done.result(PATIENCE_S)
