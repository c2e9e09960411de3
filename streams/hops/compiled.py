"""The compiled short way of both hops, made of what the schemas and the rules say; None where it is not installed.

The package `ses-streams-kernel` (kernel/) takes the ordinary record of an ordinary mail from bytes to bytes. It holds
no rule: it is told here where fields lie, what SES's words mean (asked once for each thing said), how far each kind of
outcome is, and how stored forms begin. Whatever is out of the ordinary it hands back, in its place. So effects are the
same with it and without it, and tests/hops/test_compiled.py holds them against each other.
"""

from __future__ import annotations

import logging
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from streams.decide.lifecycle import RANKS
from streams.decide.mailreport import is_mail_report
from streams.decide.verdict import needs_no_send
from streams.errors import SchemaUnsupported
from streams.hops.outcome_reading import OutcomeReading
from streams.hops.outcomes import about_of
from streams.hops.reading import Reading
from streams.mail.feedback import FeedbackKind
from streams.mail.outcome import OutcomeKind
from streams.mail.standing import NEVER
from streams.mail.time import LATEST
from streams.schemas.codec import Codec
from streams.state.lives import KIND_NUMBERS, KINDS
from streams.state.standings import VERSION, VERSIONS, delivered

if TYPE_CHECKING:
    from ses_streams_kernel import Feedback, People, Sends

try:
    import ses_streams_kernel as _installed
except ImportError:
    _installed = None  # type: ignore[assignment]  # not there: no compiler, or no wheel for this machine
kernel: ModuleType | None = _installed

log = logging.getLogger(__name__)


class ShortJoin(NamedTuple):
    """The short way of hop 1."""

    sends: Sends
    events: Feedback


def short_join(codec: Codec, reading: Reading) -> ShortJoin | None:
    """Return the short way of hop 1; None where there is none for these schemas, or on this machine."""
    if kernel is None or codec.symbols("mail.Outcome", "kind") != [str(kind) for kind in KINDS]:
        return None
    try:
        sends = kernel.Layout(codec.header("mail.Send"), codec.plans("mail.Send", "via"))
        events = kernel.Layout(codec.header("mail.Feedback"), codec.plans("mail.Feedback", "reporting_mta"))
    except SchemaUnsupported as why:
        log.warning("the compiled short way is not taken: %s", why)
        return None
    names = sorted(KINDS)
    return ShortJoin(
        kernel.Sends(sends, _VIA, codec.symbols("mail.Send", "via"), LATEST),
        kernel.Feedback(
            events,
            sends,
            codec.header("mail.Outcome"),
            [kind.encode() for kind in codec.symbols("mail.Feedback", "kind")],
            bytes(RANKS.get(kind, 0) for kind in KINDS),
            bytes(names.index(kind) for kind in KINDS),
            KIND_NUMBERS[OutcomeKind.DELIVERED],
            LATEST,
            lambda value: _judged(kernel, reading, value),
        ),
    )


_VIA = 9
"""The place of that field in mail.Send."""
_BEHIND = 6
"""Fields of mail.Outcome up to one behind the recipient: what follows is not looked at."""


def short_people(codec: Codec, reading: OutcomeReading) -> People | None:
    """Return the short way of hop 2; None as above."""
    fresh = delivered(None, NEVER, NEVER)
    if kernel is None or fresh is None:
        return None
    try:
        layout = kernel.Layout(codec.header("mail.Outcome"), codec.plans("mail.Outcome", "recipient")[:_BEHIND])
    except SchemaUnsupported as why:
        log.warning("the compiled short way is not taken: %s", why)
        return None
    versions = bytes((VERSION, *(each for each in VERSIONS if each != VERSION)))
    short: People = kernel.People(layout, reading.silent, reading.delivered, versions, fresh, LATEST)
    return short


def _judged(made: Any, reading: Reading, value: bytes) -> Any:
    """Return what an event means for each of its recipients alike; None where that differs, or more than that follows.

    More follows from SES's SEND event, from a report that came by mail, from a link by which somebody left, and from
    an auto-reply.
    """
    said = reading.feedback(value)
    feedback = said.feedback
    if feedback["kind"] == FeedbackKind.SEND or is_mail_report(feedback) or needs_no_send(feedback):
        return None
    verdicts = [one.verdict for one in reading.judge(said)]
    if not verdicts or len({verdict[1:] for verdict in verdicts}) > 1:
        return None
    _, kind, reason, certain, status, written = verdicts[0]
    if kind == OutcomeKind.AUTO_REPLIED or written is not None:
        return None
    status_ = None if status is None else status.encode()
    return made.Judgement(KIND_NUMBERS[kind], reason.encode(), status_, certain, about_of(feedback))
