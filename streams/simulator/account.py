"""The rules of an account: may this mail go, and what is then its id. Pure: no clock, no chance but the seed's.

Each rule is a question that is asked in turn, and the first that has an answer refuses the mail. What is refused leaves
no trace, neither in the rate nor in the quota.
"""

from __future__ import annotations

import re

from streams.simulator.fates import MAILBOX
from streams.simulator.identities import Identities
from streams.simulator.ids import message_id
from streams.simulator.mail import Mail, Submission, bare, domain_of
from streams.simulator.pace import Pace
from streams.simulator.refusals import (
    BAD,
    INVALID,
    NOT_FOUND,
    PAUSED,
    REFUSALS,
    REJECTED,
    TOO_FAST,
    TOO_LONG,
    TOO_MANY,
    No,
    Refusal,
)
from streams.simulator.suppressed import SuppressionList
from streams.simulator.templates import Templates
from streams.simulator.words import Conditions, SimulatorSettings

MOST_RECIPIENTS = 50
"""Of one mail: To, Cc and Bcc together (SES developer guide, "Service quotas")."""

_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>.]+(\.[^\s@<>.]+)*")


class Account:
    """What SES knows of one account."""

    def __init__(self, settings: SimulatorSettings) -> None:
        """Begin with a clean record."""
        self._settings = settings
        self.identities = Identities(settings.verified)
        self.suppressed = SuppressionList()
        self.templates = Templates()
        self.pace = Pace()
        self.accepted = 0

    def take(self, submission: Submission, now: int, conditions: Conditions) -> Mail:
        """Accept a mail handed in at *now* (ms since the epoch).

        Raises:
            No: SES would refuse it.

        """
        recipients = submission.recipients
        counted = sum(domain_of(address) != MAILBOX for address in recipients)
        refusal = (
            _standing(conditions)
            or _misaddressed(submission)
            or self._fault(submission)
            or self._unverified(submission)
            or self._beyond(len(recipients), counted, now, conditions)
        )
        if refusal is not None:
            raise No(refusal)
        self.pace.took(len(recipients), counted, conditions.rate, now)
        self.accepted += 1
        named = message_id(self._settings.seed, self.accepted, now)
        held = tuple(address for address in dict.fromkeys(recipients) if self._holds(address))
        return Mail(number=self.accepted, message_id=named, at=now, submission=submission, suppressed=held)

    def _holds(self, address: str) -> bool:
        """Return whether the account's list has the address; the mailbox simulator's five are never held."""
        return self.suppressed.holds(address) and domain_of(address) != MAILBOX

    def _fault(self, submission: Submission) -> Refusal | None:
        """Return what is wrong with the mail itself."""
        sets, most = self._settings.configuration_sets, self._settings.message_bytes
        if submission.size > most:
            return TOO_LONG.saying(f"Message is too long: {submission.size} bytes, at most {most} are allowed.")
        if not all(_TAG.fullmatch(word) for tag in submission.tags.items() for word in tag):
            return BAD.saying("Invalid message tag: only letters, digits, - and _ are allowed, 256 at most.")
        if sets is not None and submission.configuration_set not in {None, *sets}:
            return NOT_FOUND.saying(f"Configuration set <{submission.configuration_set}> does not exist.")
        return None

    def _unverified(self, submission: Submission) -> Refusal | None:
        """Return whose address is not verified, where that matters: senders, and in the sandbox recipients too."""
        if not (self._settings.verify or self._settings.sandbox):
            return None
        asked = [bare(submission.sender)]
        if self._settings.sandbox:
            asked += [address for address in submission.recipients if domain_of(address) != MAILBOX]
        wrong = [address for address in asked if not self.identities.cover(address)]
        region = self._settings.region.upper()
        said = f"The following identities failed the check in region {region}: {', '.join(wrong)}"
        return REJECTED.saying(f"Email address is not verified. {said}") if wrong else None

    def _beyond(self, recipients: int, counted: int, now: int, conditions: Conditions) -> Refusal | None:
        """Return which limit the mail would break."""
        if self.pace.too_many(counted, conditions.quota, now):
            return TOO_MANY
        return TOO_FAST if self.pace.too_fast(recipients, conditions.rate, now) else None


def _misaddressed(submission: Submission) -> Refusal | None:
    """Return what is wrong with the addresses."""
    recipients = submission.recipients
    if not recipients:
        return BAD.saying("Destination is required.")
    if len(recipients) > MOST_RECIPIENTS:
        return BAD.saying(f"Recipient count exceeds {MOST_RECIPIENTS}.")
    if not all(_ADDRESS.fullmatch(address) and address.isascii() for address in recipients):
        return INVALID
    return None if _ADDRESS.fullmatch(bare(submission.sender)) else INVALID.saying("Missing or invalid From address.")


def _standing(conditions: Conditions) -> Refusal | None:
    """Return why the account may send nothing at all."""
    if conditions.refuse is not None:
        return REFUSALS[conditions.refuse]
    return PAUSED if conditions.paused else None
