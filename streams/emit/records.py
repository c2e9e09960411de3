"""From what was decided to the record that says so: dictionaries in the shape of schemas/mail.*.avsc.

Nothing is decided here. Dead letters keep the original bytes; their words for people are scrubbed of addresses.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from streams.mail.deadletter import DeadLetter
from streams.mail.feedback import Feedback, FeedbackRecipient
from streams.mail.loop import LoopFlag
from streams.mail.retry import Retry
from streams.mail.suppression import Suppression
from streams.mail.waiting import Waiting

_ADDRESS = re.compile(r"[^\s<>\"',;:()\[\]]+@[^\s<>\"',;:()\[\]]+")


def scrub(text: str) -> str:
    """Return *text* with everything that looks like a mail address taken out."""
    return _ADDRESS.sub("<address>", text)


def scrub_path(path: str) -> str:
    """Return a path, or a URL of one, without steps that look like a mail address."""
    return "/".join(scrub(step) for step in path.split("/"))


def feedback_record(feedback: Feedback) -> dict[str, Any]:
    """Return the mail.Feedback record of an event."""
    record = {name: getattr(feedback, name) for name in Feedback.__slots__}
    record["recipients"] = [_recipient_record(r) for r in feedback.recipients]
    record["destination"] = list(feedback.destination)
    return record


def _recipient_record(recipient: FeedbackRecipient) -> dict[str, Any]:
    """Return the mail.FeedbackRecipient record of one recipient."""
    return {name: getattr(recipient, name) for name in FeedbackRecipient.__slots__}


def dead_letter_record(dead: DeadLetter) -> dict[str, Any]:
    """Return the mail.DeadLetter record; its detail is scrubbed once more, since it may quote what was unusable."""
    record = {name: getattr(dead, name) for name in DeadLetter.__slots__}  # asdict() copies deeply, 20 times as slowly
    record["detail"] = scrub(dead.detail)
    return record


def suppression_record(suppression: Suppression) -> dict[str, Any]:
    """Return the mail.Suppression record of a decision."""
    return asdict(suppression)


def retry_record(retry: Retry) -> dict[str, Any]:
    """Return the mail.Retry record of a request that is due again."""
    return asdict(retry)


def loop_record(flag: LoopFlag) -> dict[str, Any]:
    """Return the mail.LoopFlag record of a flag."""
    return asdict(flag)


def waiting_record(waiting: Waiting) -> dict[str, Any]:
    """Return the mail.Waiting record of what waits."""
    return asdict(waiting)
