"""An SNS of our own: it signs messages with keys made here, and serves its certificates to whoever fetches.

Everything is as AWS does it but the key, so that verification runs whole, and nothing in it is switched off for tests.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from streams.inlets.sns.canonical import VERSIONS, string_to_sign
from streams.inlets.sns.fetch import Unreachable
from streams.inlets.sns.message import Kind
from tests.builders import DAY, NOON

REGION = "eu-west-1"
TOKEN = "2336412f37fb687f5d51e6e2425929f5" * 4
_IDS = count(1)

Key = RSAPrivateKey | EllipticCurvePrivateKey


@cache
def rsa_key(bits: int = 2048, serial: int = 0) -> RSAPrivateKey:
    """Return a key that is made once a run, since making one takes long; another *serial* gives another key."""
    return generate_rsa_key(public_exponent=65537, key_size=bits)


@cache
def curve_key() -> EllipticCurvePrivateKey:
    """Return a key that is not RSA's."""
    return generate_private_key(SECP256R1())


def iso(at: int) -> str:
    """Return ms since the epoch as SNS writes a time."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def certificate(key: Key, name: str, begins: int = NOON - 100 * DAY, ends: int = NOON + 100 * DAY) -> bytes:
    """Return a certificate for *name* that its key signed, as a PEM file; times are ms since the epoch."""
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(issuer_name=called, subject_name=called, public_key=key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(datetime.fromtimestamp(begins / 1000, UTC))
    made = made.not_valid_after(datetime.fromtimestamp(ends / 1000, UTC))
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM)


class Signer:
    """One region's SNS, which signs for one topic."""

    def __init__(self, region: str = REGION, *, key: RSAPrivateKey | None = None, topic: str = "mail") -> None:
        """Sign with *key*, or the run's own."""
        partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
        suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
        self.key = key or rsa_key()
        self.topic = f"arn:{partition}:sns:{region}:123456789012:{topic}"
        self.host = f"sns.{region}.{suffix}"
        self.url = f"https://{self.host}/SimpleNotificationService-{'0123456789abcdef' * 2}.pem"
        self.name = "sns.amazonaws.com" if partition == "aws" else f"sns-signing.{region}.{suffix}"

    def pem(self, begins: int = NOON - 100 * DAY, ends: int = NOON + 100 * DAY) -> bytes:
        """Return the file at `url`."""
        return certificate(self.key, self.name, begins, ends)

    def fields(self, message: str = "{}", **others: Any) -> dict[str, Any]:
        """Return a notification that is not signed yet; None leaves a field out."""
        made = {
            "Type": Kind.NOTIFICATION.value,
            "MessageId": str(UUID(int=next(_IDS))),
            "TopicArn": self.topic,
            "Message": message,
            "Timestamp": iso(NOON),
            **others,
        }
        return {name: value for name, value in made.items() if value is not None}

    def confirmation(self, kind: Kind = Kind.SUBSCRIPTION, **others: Any) -> dict[str, Any]:
        """Return a confirmation that is not signed yet."""
        url = f"https://{self.host}/?Action=ConfirmSubscription&TopicArn={self.topic}&Token={TOKEN}"
        made = {"Type": kind.value, "Token": TOKEN, "SubscribeURL": url, **others}
        return self.fields("You have ...\nTo ...", **made)

    def signed(self, fields: dict[str, Any], version: str = "2") -> dict[str, Any]:
        """Return a message with its signature, and with what is not signed."""
        text = string_to_sign(Kind(fields["Type"]), fields)
        signature = self.key.sign(text, PKCS1v15(), VERSIONS[version])
        unsubscribe = f"https://{self.host}/?Action=Unsubscribe&SubscriptionArn={self.topic}:1"
        return {
            **fields,
            "SignatureVersion": version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": self.url,
            "UnsubscribeURL": unsubscribe,
        }

    def sign(self, fields: dict[str, Any], version: str = "2") -> bytes:
        """Return what SNS posts."""
        return json.dumps(self.signed(fields, version), indent=2).encode()

    def post(self, message: str = "{}", **others: Any) -> bytes:
        """Return a notification as SNS posts it."""
        return self.sign(self.fields(message, **others))


def headers_of(fields: dict[str, Any]) -> dict[str, str]:
    """Return the headers of a post."""
    return {
        "Content-Type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": fields["Type"],
        "x-amz-sns-message-id": fields["MessageId"],
        "x-amz-sns-topic-arn": fields["TopicArn"],
        "x-amz-sns-subscription-arn": f"{fields['TopicArn']}:1",
    }


@dataclass
class Shelf:
    """A fetcher that has files by URL, raises what it was told to, and remembers what it was asked for."""

    files: dict[str, bytes | Exception | Callable[[], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, *signers: Signer) -> Shelf:
        """Return a shelf with the certificates of *signers*."""
        return cls({signer.url: signer.pem() for signer in signers})

    async def __call__(self, url: str) -> bytes:
        """Return a file."""
        self.asked.append(url)
        found = self.files.get(url, Unreachable("HTTP 404"))
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, bytes) else found()


@dataclass
class Clock:
    """A clock that stands till it is moved; ms since the epoch."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now
