"""From what was decided to the record that says so: dictionaries in the shape of schemas/mail.*.avsc.

Nothing is decided here. Dead letters keep the original bytes; their words for people are scrubbed of addresses.
"""

from __future__ import annotations

from typing import Any

from streams.mail.deadletter import DeadLetter
from streams.mail.feedback import Feedback
from streams.mail.loop import LoopFlag
from streams.mail.retry import Retry
from streams.mail.spotting import with_addresses
from streams.mail.suppression import Suppression
from streams.mail.waiting import Waiting


def scrub(text: str) -> str:
    """Return *text* with everything that looks like a mail address taken out."""
    return with_addresses(text, lambda _: "<address>")


def scrub_path(path: str) -> str:
    """Return a path, or a URL of one, without steps that look like a mail address."""
    return "/".join(scrub(step) for step in path.split("/"))


def feedback_record(feedback: Feedback) -> dict[str, Any]:
    """Return the mail.Feedback record of an event."""
    record = _fields(feedback)
    record["recipients"] = [_fields(recipient) for recipient in feedback.recipients]
    record["destination"] = list(feedback.destination)
    return record


def dead_letter_record(dead: DeadLetter) -> dict[str, Any]:
    """Return the mail.DeadLetter record; its detail is scrubbed once more, since it may quote what was unusable."""
    record = _fields(dead)
    record["detail"] = scrub(dead.detail)
    return record


def suppression_record(suppression: Suppression) -> dict[str, Any]:
    """Return the mail.Suppression record of a decision."""
    return {**_fields(suppression), "evidence": [_fields(one) for one in suppression.evidence]}


def retry_record(retry: Retry) -> dict[str, Any]:
    """Return the mail.Retry record of a request that is due again."""
    return _fields(retry)


def loop_record(flag: LoopFlag) -> dict[str, Any]:
    """Return the mail.LoopFlag record of a flag."""
    return {**_fields(flag), "evidence": [_fields(one) for one in flag.evidence]}


def waiting_record(waiting: Waiting) -> dict[str, Any]:
    """Return the mail.Waiting record of what waits."""
    return {**_fields(waiting), "retries": [_fields(one) for one in waiting.retries]}


def _fields(said: Any) -> dict[str, Any]:
    """Return the fields of a dataclass with slots; asdict() copies them deeply, 20 times as slowly."""
    return {name: getattr(said, name) for name in type(said).__slots__}
