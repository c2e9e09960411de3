"""What to do so that SES's suppression list and ours agree: decided here, from both lists, and done elsewhere.

Addresses are compared in normal form, and written as SES has them: it finds an entry by its exact case only (SES
developer guide, "Managing the tenant-level suppression list"). What an operator has released since is not taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from streams.dispatch.account import Listed, ListReason
from streams.mail.address import normal_address
from streams.mail.suppression import EVERY_STREAM, SuppressionReason

PUSHED: Mapping[str, ListReason] = {
    SuppressionReason.HARD_BOUNCE: ListReason.BOUNCE,  # SES would have listed it itself
    SuppressionReason.COMPLAINT: ListReason.COMPLAINT,  # as above
}
"""Which of our reasons SES has a word for. The others are ours alone: SES's list knows no stream and no end."""


class Push(NamedTuple):
    """An address for SES's list, as it is to be written there."""

    address: str
    reason: ListReason


class Plan(NamedTuple):
    """What each side lacks, and what it has too much.

    pull: SES has it, we do not. push: we have it, SES does not. release: we took it over from SES, which has dropped
    it. delete: an operator released it after SES had listed it. both: how many stand on either list.
    """

    pull: tuple[Listed, ...] = ()
    push: tuple[Push, ...] = ()
    release: tuple[str, ...] = ()
    delete: tuple[Listed, ...] = ()
    both: int = 0


def plan_sync(ours: Iterable[Mapping[str, Any]], theirs: Iterable[Listed], released: Mapping[str, int]) -> Plan:
    """Return the plan.

    Args:
        ours: mail.Suppression records, times in ms.
        theirs: SES's entries; one recipient may have several, in different spellings.
        released: recipient (normal form) to when an operator last released it for every stream (ms).

    """
    at_ses: dict[str, list[Listed]] = {}
    for entry in theirs:
        at_ses.setdefault(normal_address(entry.address), []).append(entry)
    stopped, push, release = set[str](), list[Push](), list[str]()
    for record in ours:
        recipient = record["recipient"]
        if not _for_good(record) or released.get(recipient, -1) >= record["since"]:  # hop 2 has yet to hear of it
            continue
        stopped.add(recipient)
        if recipient not in at_ses and record["reason"] in PUSHED:
            push.append(Push(_written(record), PUSHED[record["reason"]]))
        elif recipient not in at_ses and _taken_over(record):
            release.append(recipient)
    open_here = {recipient: entries for recipient, entries in at_ses.items() if recipient not in stopped}
    latest = [max(entries, key=lambda entry: entry.at) for entries in open_here.values()]
    return Plan(
        pull=tuple(entry for entry in latest if not _is_released(entry, released)),
        push=tuple(push),
        release=tuple(release),
        delete=tuple(one for last in latest if _is_released(last, released) for one in open_here[_key(last)]),
        both=len(at_ses) - len(open_here),
    )


def _for_good(record: Mapping[str, Any]) -> bool:
    """Tell whether nobody may write, ever: only that is what SES's list says."""
    return record["scope"] == EVERY_STREAM and record["until"] is None


def _taken_over(record: Mapping[str, Any]) -> bool:
    """Tell whether we have it from SES's list alone: an event of SES that says so would be its evidence."""
    return record["reason"] == SuppressionReason.SES_LIST and not record["evidence"]


def _is_released(entry: Listed, released: Mapping[str, int]) -> bool:
    """Tell whether an operator released the recipient after SES had listed it."""
    return released.get(_key(entry), -1) >= entry.at


def _key(entry: Listed) -> str:
    return normal_address(entry.address)


def _written(record: Mapping[str, Any]) -> str:
    """Return the address as SES wrote it."""
    return str(record["recipient"] if record["written"] is None else record["written"])
