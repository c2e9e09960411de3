"""The rules by name, as answers quote them: one sentence each, with the numbers that are set, and where to read on.

The rules themselves are decide/'s; here is only what they are called and how they are said. A test holds each section
to a heading of docs/rules.md, and each name to a place that says it.
"""

from __future__ import annotations

from typing import NamedTuple

from streams.answers.said import Rule
from streams.mail.policy import Policy
from streams.mail.suppression import SuppressionReason

PAGE = "rules.md"
OUTCOMES, BOUNCES, FURTHEST, JOIN, SUPPRESSION, RETRIES, PROBE, LOOPS, OPERATORS, GATE = (
    "from-an-event-to-outcomes",
    "the-bounce-table",
    "how-far-a-mail-got",
    "the-join",
    "whom-we-do-not-write-to",
    "what-is-sent-again",
    "one-asks-the-others-wait",
    "two-machines-that-answer-each-other",
    "what-an-operator-decides",
    "before-a-mail-leaves",
)


class Row(NamedTuple):
    """A rule: its sentence, with numbers of the policy in braces, and the section that says more."""

    says: str
    section: str


ROWS: dict[str, Row] = {
    "complaint": Row("a complaint, beyond doubt this person's: for good", SUPPRESSION),
    "hard-bounce": Row("a hard bounce: for good", SUPPRESSION),
    "ses-list": Row("SES has them on a list of its own, and sends nothing: for good", SUPPRESSION),
    "suspicion": Row(
        "one of several possible complainers: {suspicion}, unless another mail says so again", SUPPRESSION
    ),
    "suspicion-twice": Row("a possible complainer of more than one mail: for good", SUPPRESSION),
    "suspicion-over": Row("its {suspicion} are over; from another mail again, it would be for good", SUPPRESSION),
    "soft-bounces": Row(
        "{soft_bounces} soft bounces in a row over {soft_span} or more: {soft_pause}, doubling each time", SUPPRESSION
    ),
    "soft-bounces-over": Row("the pause that it made is over; the next row makes one twice as long", SUPPRESSION),
    "soft-bounces-few": Row(
        "one of a row that is too short yet: {soft_bounces} over {soft_span} without a delivery make a pause",
        SUPPRESSION,
    ),
    "soft-same-mail": Row("several bounces of one mail are one", SUPPRESSION),
    "soft-in-pause": Row("it came while a pause lasted, and counts towards no further one", SUPPRESSION),
    "unsubscribed": Row("they left the stream: it does not write to them, for good", SUPPRESSION),
    "unsubscribed-somewhere": Row("they left a stream that is not known: no stream writes to them", SUPPRESSION),
    "order": Row("an operator said that nobody writes to them", OPERATORS),
    "order-of-a-stream": Row("an operator said that the stream does not write to them", OPERATORS),
    "order-over": Row("an operator's word, until a time that is over", OPERATORS),
    "release": Row("an operator's release settles everything before it; what came later counts", OPERATORS),
    "release-of-a-stream": Row("an operator's release settles that the stream was left or closed before it", OPERATORS),
    "delivery": Row("a delivery settles the soft bounces before it, and nothing else", SUPPRESSION),
    "not-spam": Row("they took a mail out of the spam folder: it settles complaints before it", SUPPRESSION),
    "perhaps-not-spam": Row("perhaps they took a mail out of the spam folder: it settles suspicions", SUPPRESSION),
    "loop": Row("a machine answered: {windows}; flagged for {flag}, doubling up to {longest}", LOOPS),
    "loop-answer": Row("a machine answered a mail that was an answer itself: flagged for {flag}, doubling", LOOPS),
    "loop-few": Row("a machine answered, too seldom to be a loop: {windows}", LOOPS),
    "loop-over": Row("the flag that it raised is over; the next lasts twice as long", LOOPS),
    "loop-same-mail": Row("several replies to one mail are one", LOOPS),
    "loop-in-flag": Row("it came while a flag lasted, and counts towards no further one", LOOPS),
    "loop-before-quiet": Row("the pair was quiet for longer than any flag since: it begins anew", LOOPS),
    "loop-settled": Row("it came before an operator cleared the loop", OPERATORS),
    "loop-cleared": Row("an operator cleared the loop: auto-replies up to then count no more", OPERATORS),
    "retry": Row("sent again when it is due: {retries} after the bounce, {most} times at most", RETRIES),
    "retry-full": Row("a full mailbox is asked again after {full} at the soonest, {most} times at most", RETRIES),
    "retry-refused": Row("SES refused it for a reason that may pass, the mailbox was not asked: it waits", RETRIES),
    "retry-turn": Row("one retry asks the mailbox, the others wait for its answer", PROBE),
    "retry-barred": Row("nobody may write to them now: it goes only if that ends before it is due", RETRIES),
    "retry-cancelled": Row("an operator cancelled what had bounced up to then", OPERATORS),
    "requested": Row("a service asked for it; one request is sent once per attempt", GATE),
    "sent": Row("SES has it; what SES says of it finds it by the message id", JOIN),
    "sent-again": Row("the same Send twice is one", JOIN),
    "stand-in": Row("SES's own Send event stands in until the Send comes", JOIN),
    "stand-in-needless": Row("the Send is known: SES's own Send event adds nothing", JOIN),
    "heard": Row("one event gives one outcome for each recipient that it is about", OUTCOMES),
    "duplicate": Row("the same event twice is one: it was heard before", JOIN),
    "parked": Row("an event that comes before its Send waits {park} for it", JOIN),
    "parked-joined": Row("it came before its Send, waited, and was joined with it", JOIN),
    "unmatched": Row("{park} went by without its Send: it went out unmatched, and still counts for suppression", JOIN),
    "too-many-wait": Row("too much waits for this Send already: it went out unmatched at once", JOIN),
    "by-mail-dropped": Row("a report by mail counts only for a recipient of a Send that is known", OUTCOMES),
    "says-nothing": Row("it says nothing of anybody's mail; it is kept as it is", OUTCOMES),
    "unusable": Row("a record that cannot be used is set aside, and its neighbours go on", OUTCOMES),
    "silence": Row("a send of which SES says nothing for {unanswered} is counted", JOIN),
    "forgotten": Row("a message is forgotten {forget} after its last event; what comes later goes out unmatched", JOIN),
    "retry-due": Row("its turn came: it goes to the one recipient concerned, as the next attempt", RETRIES),
    "bounce": Row("{type}/{subtype} with {dsn}: {why}", BOUNCES),
    "delivered": Row("the receiving server took it; that is not the inbox", OUTCOMES),
    "complained": Row("a person called it spam", OUTCOMES),
    "fetched": Row("a person fetched it out of the spam folder", OUTCOMES),
    "rejected": Row("SES accepted it, found a virus, and did not send it", OUTCOMES),
    "not-rendered": Row("its template could not be filled in: never sent", OUTCOMES),
    "delayed": Row("SES goes on trying", OUTCOMES),
    "opened": Row("it was looked at, by a person or a machine", OUTCOMES),
    "clicked": Row("a link in it was followed, by a person or a machine", OUTCOMES),
    "left": Row("somebody left the stream", OUTCOMES),
    "answered": Row("a machine answered it: no bounce, and never sent again", LOOPS),
    "guess": Row("SES names nobody, or several who may be meant: a guess", OUTCOMES),
    "further": Row("{further} is further than {here}: the mail stands at {further}", FURTHEST),
}


class Rules:
    """Says rules with the numbers of one policy."""

    def __init__(self, policy: Policy) -> None:
        """Write out the numbers once."""
        soft, retry, loops = policy.suppression, policy.retry, policy.loops
        delays = [retry.first * retry.factor**n for n in range(retry.most)]
        self._numbers = {
            "suspicion": span(soft.suspicion),
            "soft_bounces": soft.soft_bounces,
            "soft_span": span(soft.soft_span),
            "soft_pause": span(soft.soft_pause),
            "windows": ", ".join(f"{count} times in {span(window)}" for count, window in loops.windows),
            "flag": span(loops.flag),
            "longest": span(loops.longest),
            "retries": ", ".join(map(span, delays)),
            "full": span(retry.mailbox_full),
            "most": retry.most,
            "park": span(policy.join.park),
            "unanswered": span(policy.join.unanswered),
            "forget": span(policy.join.forget),
        }

    def __call__(self, name: str, **words: str) -> Rule:
        """Return the rule of that name; *words* are what its sentence says of the case."""
        row = ROWS[name]
        return Rule(name=name, says=row.says.format(**self._numbers, **words), section=f"{PAGE}#{row.section}")


OF_REASON: dict[SuppressionReason, str] = {
    SuppressionReason.COMPLAINT: "complaint",
    SuppressionReason.HARD_BOUNCE: "hard-bounce",
    SuppressionReason.SES_LIST: "ses-list",
    SuppressionReason.SUSPECTED_COMPLAINT: "suspicion",
    SuppressionReason.SOFT_BOUNCES: "soft-bounces",
    SuppressionReason.UNSUBSCRIBED: "unsubscribed",
}
"""The rule behind each reason that events give; what operators say is `order`."""

UNDONE_BY: dict[SuppressionReason, str] = {
    SuppressionReason.COMPLAINT: "a later not-spam of the same person, or an operator's release",
    SuppressionReason.SUSPECTED_COMPLAINT: "a later not-spam, or an operator's release",
    SuppressionReason.SOFT_BOUNCES: "a delivery, or an operator's release",
}
"""What takes a ground away before its time; all others only an operator's release."""

_UNITS = ((3_600_000, "h"), (60_000, "min"), (1_000, "s"))
_DAY = 86_400_000
_FEW_DAYS = 3 * _DAY
"""Up to here people count in hours: a pause of 24 h, a row over 72 h."""


def span(ms: int) -> str:
    """Return a length of time in its largest whole unit, such as `30 days`, `72 h`, `10 min`."""
    if ms > _FEW_DAYS and ms % _DAY == 0:
        return f"{ms // _DAY} days"
    size, unit = next(((size, unit) for size, unit in _UNITS if ms >= size and ms % size == 0), (1, "ms"))
    return f"{ms // size} {unit}"
