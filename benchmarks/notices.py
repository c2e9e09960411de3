"""SNS's notifications in bulk for the intake's benchmark: signed beforehand, on all cores, each about another event.

Posting is cheap and signing is not, so nothing is signed while anything is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from streams.demo.ses_json import Posted, Told, event_of
from streams.demo.stories import Said
from tests.inlets.signing import Signer, headers_of, iso

_SLICE = 1_000


def message_id(number: int) -> str:
    """Return the SES message id of event *number*."""
    return f"0100018c9f{number:08x}-7d0c2c6e-5a0f-4b7e-9c3c-{number:012x}-000000"


def signed_posts(signer: Signer, path: str, count: int, at: int) -> list[bytes]:
    """Return *count* whole HTTP requests for *path*, each a delivery, sent by SNS at *at* (ms since the epoch)."""
    der = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with ProcessPoolExecutor() as pool:
        slices = pool.map(partial(_slice, der, path, at), range(0, count, _SLICE))
        return [post for slice_ in slices for post in slice_][:count]


def _slice(der: bytes, path: str, at: int, start: int) -> list[bytes]:
    key = load_der_private_key(der, None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("SNS signs with RSA")
    return list(_posts(Signer(key=key), path, at, start))


def _posts(signer: Signer, path: str, at: int, start: int) -> Iterator[bytes]:
    for number in range(start, start + _SLICE):
        fields = signer.fields(
            orjson.dumps(_event(number, at)).decode(),
            MessageId=str(UUID(int=number + 1)),
            Subject="Amazon SES Email Event Notification",
            Timestamp=iso(at),
        )
        body = signer.sign(fields)
        head = {**headers_of(fields), "Host": "127.0.0.1", "Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        yield f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def _event(number: int, at: int) -> dict[str, object]:
    who = f"somebody+{number}@example.org"
    posted = Posted(
        message_id=message_id(number),
        sent_at=at - 2_000,
        recipients=(who,),
        stream="receipts",
        sender="receipts@shop.example.com",
    )
    told = Told(
        mail=posted,
        said=Said(event="Delivery", means="DELIVERED", after=(0, 0)),
        at=at - 500,
        about=(who,),
        feedback_id=message_id(number),
    )
    return event_of(told, legacy=False)
