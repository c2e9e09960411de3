"""What an alert names instead of carrying it: an object in S3, by SES's own alert of an S3 action or by S3's events.

S3 writes a key URL-encoded into its own events, SES and EventBridge write it as it is. Nothing is fetched here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from streams.intake.fields import mapping, text, word
from streams.intake.times import time_or_none


class Pointer(NamedTuple):
    """An object that holds what an alert is about; *at* is when it came there, ms since the epoch, if that is said."""

    bucket: str
    key: str
    at: int | None = None


def kept_by_ses(event: Mapping[str, Any]) -> Pointer | None:
    """Return where SES put a mail that it received; None where it did not, or sent the mail along."""
    action = mapping(mapping(event.get("receipt")).get("action"))
    bucket, key = word(action.get("bucketName")), text(action.get("objectKey"))
    if bucket is None or key is None or "content" in event or (word(action.get("type")) or "").lower() != "s3":
        return None
    return Pointer(bucket, key)


def is_by_s3(outer: Mapping[str, Any]) -> bool:
    """Tell whether S3 itself says something: a record of its events, its test, or by EventBridge."""
    return "s3" in outer or outer.get("source") == "aws.s3" or outer.get("Event") == "s3:TestEvent"


def new_object(outer: Mapping[str, Any]) -> Pointer | None:
    """Return which object is new, by what S3 says; None where it speaks of something else: a test, a removal."""
    if "s3" in outer:
        about, name, written = mapping(outer["s3"]), word(outer.get("eventName")) or "", outer.get("eventTime")
        is_new = name.removeprefix("s3:").startswith("ObjectCreated")
    else:
        about, written = mapping(outer.get("detail")), outer.get("time")
        is_new = outer.get("detail-type") == "Object Created"
    bucket, key = word(mapping(about.get("bucket")).get("name")), text(mapping(about.get("object")).get("key"))
    if not is_new or bucket is None or key is None:
        return None
    return Pointer(bucket, unquote_plus(key) if "s3" in outer else key, time_or_none(written))
