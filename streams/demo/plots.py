"""All stories that a demo day is made of: a table of what happens to mail, with the shares of a healthy sender.

About 96 % delivered, 2 % hard bounces, 1.5 % soft ones, 1 % auto-replies, below 0.1 % complaints. Facts about what SES
says come from its developer guide and from captured events; what must come of it from the rules page (DESIGN,
section 4). Each row is told at least once a day, however rare.
"""

from __future__ import annotations

from streams.demo.stories import DAY, HOUR, MINUTE, RELEASED, SECOND, Dsn, Ending, Mail, Said, Story

GONE = Dsn(status="5.1.1", diagnostic="smtp; 550 5.1.1 user unknown")
FULL = Dsn(status="4.2.2", diagnostic="smtp; 452 4.2.2 mailbox full")
EXPIRED = Dsn(status="4.4.7", diagnostic="smtp; 554 4.4.7 message expired: unable to deliver in 840 minutes")
NO_DOMAIN = Dsn(status="5.4.4", diagnostic="smtp; 550 5.4.4 invalid domain")
VAGUE = Dsn(status="5.0.0", diagnostic="smtp; 550 denied")
REFUSED = Dsn(status="5.7.1", diagnostic="smtp; 550 5.7.1 message refused\nsee the policy page of the receiving site")
NOT_ASKED = Dsn(status="5.1.1", diagnostic="Amazon SES did not send the message to this address")


def _bounce(kind: str, subtype: str, means: str, dsn: Dsn | None, after: tuple[int, int]) -> Said:
    return Said(event="Bounce", bounce=(kind, subtype), means=means, dsn=dsn, after=after)


def _soft(subtype: str, dsn: Dsn, after: tuple[int, int] = (20 * MINUTE, 3 * HOUR)) -> Said:
    return _bounce("Transient", subtype, "SOFT_BOUNCED", dsn, after)


def _delay(delay: str, dsn: Dsn) -> Said:
    return Said(event="DeliveryDelay", delay=delay, means="DELAYED", dsn=dsn, after=(5 * MINUTE, HOUR))


def _complaint(kind: str | None, *, means: str = "COMPLAINED", certain: bool = True, days: int = 0) -> Said:
    after = (days * DAY + 10 * MINUTE, days * DAY + 3 * HOUR)
    return Said(event="Complaint", complaint=kind, means=means, certain=certain, after=after)


DELIVERED = Said(event="Delivery", means="DELIVERED", after=(400, 9 * SECOND))
OPENED = Said(event="Open", means="OPENED", after=(MINUTE, 2 * HOUR))
CLICKED = Said(event="Click", means="CLICKED", after=(3 * SECOND, 4 * MINUTE))
LEFT = Said(event="Subscription", means="UNSUBSCRIBED", after=(MINUTE, HOUR))
HARD = _bounce("Permanent", "General", "HARD_BOUNCED", GONE, (300, 30 * SECOND))
SUSPECTED = _complaint("abuse", certain=False)
FULL_AGAIN = Mail(said=(_soft("MailboxFull", FULL, (HOUR, HOUR)),))

FOR_GOOD = Ending(reason="HARD_BOUNCE")
ON_A_LIST = Ending(reason="SES_LIST")
COMPLAINED = Ending(reason="COMPLAINT")
RESCUED = Ending(reason=RELEASED)
LEFT_STREAM = Ending(reason="UNSUBSCRIBED", of_stream=True)
MARKETING = ("newsletter", "digest")


def _one(name: str, share: float, *said: Said, ending: Ending | None = None, streams: tuple[str, ...] = ()) -> Story:
    """One mail to one person of the story's own."""
    return Story(name=name, share=share, mails=(Mail(said=said),), endings=(ending,), streams=streams)


def _daily(name: str, share: float, *said: Said, streams: tuple[str, ...] = ()) -> Story:
    """One mail to a regular recipient, who can be told of many times: nothing here may lead to a suppression."""
    return Story(name=name, share=share, mails=(Mail(said=said),), regulars=True, streams=streams)


def _full(name: str, hours: tuple[int, ...], ending: Ending | None, between: Mail | None = None) -> Story:
    """A mailbox that is full each time, *hours* before now; *between* is another mail in the middle."""
    mails = [Mail(said=FULL_AGAIN.said, ago=h * HOUR) for h in hours]
    if between is not None:
        mails.append(between)
    return Story(name=name, share=0.0002, mails=tuple(mails), endings=(ending,))


EVERYDAY = (
    _daily("delivered", 0.826, DELIVERED),
    _daily("opened", 0.070, DELIVERED, OPENED, streams=MARKETING),
    _daily("clicked", 0.018, DELIVERED, OPENED, CLICKED, streams=MARKETING),
    _daily("delayed, then delivered", 0.008, _delay("TransientCommunicationFailure", EXPIRED), DELIVERED),
    _daily("SES says nothing", 0.003),
    _daily("out of office", 0.008, DELIVERED, _bounce("Transient", "General", "AUTO_REPLIED", None, (500, MINUTE))),
    _daily(
        "auto-reply that names nobody",
        0.002,
        DELIVERED,
        Said(
            event="Bounce",
            bounce=("Undetermined", "Undetermined"),
            names_nobody=True,
            means="AUTO_REPLIED",
            after=(SECOND, MINUTE),
        ),
    ),
    _daily("mailbox full", 0.005, _delay("MailboxFull", FULL), _soft("MailboxFull", FULL)),
    _daily("expired", 0.004, _delay("General", EXPIRED), _delay("General", EXPIRED), _soft("General", EXPIRED)),
    _daily("no such domain", 0.002, _soft("General", NO_DOMAIN)),
    _daily("undetermined", 0.001, _bounce("Undetermined", "Undetermined", "SOFT_BOUNCED", VAGUE, (SECOND, MINUTE))),
    _daily("too large", 0.0004, _soft("MessageTooLarge", Dsn(status="5.3.4"))),
    _daily("content refused", 0.0006, _soft("ContentRejected", REFUSED)),
    _daily("attachment refused", 0.0002, _soft("AttachmentRejected", Dsn(status="5.7.1"))),
    _daily("own time limit", 0.0003, _soft("CustomTimeoutExceeded", EXPIRED)),
    _daily("virus found", 0.0003, Said(event="Reject", means="REJECTED", after=(0, 0))),
    _daily("template broken", 0.0006, Said(event="Rendering Failure", means="RENDERING_FAILED", after=(0, 0))),
    _daily("auth-failure report", 0.00002, DELIVERED, _complaint("auth-failure")),
    _daily("rescued from spam", 0.00002, DELIVERED, _complaint("not-spam", means="NOT_SPAM")),
)

BOUNCES = (
    _one("hard bounce", 0.009, HARD, ending=FOR_GOOD),
    _one("no such mailbox", 0.003, _bounce("Permanent", "NoEmail", "HARD_BOUNCED", GONE, HARD.after), ending=FOR_GOOD),
    _one(
        "on SES's list",
        0.002,
        _bounce("Permanent", "Suppressed", "HARD_BOUNCED", NOT_ASKED, HARD.after),
        ending=ON_A_LIST,
    ),
    _one(
        "on the account's list",
        0.002,
        _bounce("Permanent", "OnAccountSuppressionList", "HARD_BOUNCED", NOT_ASKED, HARD.after),
        ending=ON_A_LIST,
    ),
    _one(
        "hard, labelled transient",
        0.001,
        _bounce("Transient", "General", "HARD_BOUNCED", GONE, HARD.after),
        ending=FOR_GOOD,
    ),
    _one("accepted, then bounced", 0.0008, DELIVERED, HARD, ending=FOR_GOOD),
    _full(
        "full for four days", (96, 72, 48, 24, 0), Ending(reason="SOFT_BOUNCES", days=30, rests_on=(4,), counted_from=4)
    ),
    _full("full, but only four times", (96, 72, 48, 24), None),
    _full("full five times in a day", (20, 15, 10, 5, 0), None),
    _full("full, then emptied, then full", (120, 96, 72, 24, 0), None, Mail(said=(DELIVERED,), ago=48 * HOUR)),
)

COMPLAINTS = (
    _one("complaint", 0.00015, DELIVERED, _complaint("abuse"), ending=COMPLAINED),
    _one("complaint without a type", 0.00002, DELIVERED, _complaint(None), ending=COMPLAINED),
    Story(
        name="complaint after three days",
        share=0.00002,
        mails=(Mail(said=(DELIVERED, _complaint("abuse", days=3)), ago=4 * DAY),),
        endings=(COMPLAINED,),
    ),
    Story(
        name="one of two complained",
        share=0.00002,
        mails=(Mail(said=(DELIVERED, SUSPECTED), to=(0, 1)),),
        endings=(Ending(reason="SUSPECTED_COMPLAINT", days=30),) * 2,
    ),
    Story(
        name="suspected twice",
        share=0.00002,
        mails=(Mail(said=(DELIVERED, SUSPECTED), to=(0, 1), ago=DAY), Mail(said=(DELIVERED, SUSPECTED), to=(0, 2))),
        endings=(
            Ending(reason="SUSPECTED_COMPLAINT", rests_on=(0, 1)),  # twice is for good
            Ending(reason="SUSPECTED_COMPLAINT", days=30),
            Ending(reason="SUSPECTED_COMPLAINT", days=30, rests_on=(1,), counted_from=1),
        ),
    ),
    _one(
        "complained, then rescued",
        0.00002,
        DELIVERED,
        _complaint("abuse"),
        _complaint("not-spam", means="NOT_SPAM"),
        ending=RESCUED,
    ),
    _one("unsubscribed", 0.002, DELIVERED, LEFT, ending=LEFT_STREAM, streams=MARKETING),
    _one(
        "SES knows they left",
        0.0003,
        _bounce("Permanent", "UnsubscribedRecipient", "UNSUBSCRIBED", NOT_ASKED, HARD.after),
        ending=LEFT_STREAM,
        streams=MARKETING,
    ),
)

ODDITIES = (
    Story(name="two recipients", share=0.010, mails=(Mail(said=(DELIVERED,), to=(0, 1)),), endings=(None, None)),
    Story(
        name="two recipients, two events of one moment",
        share=0.003,
        mails=(Mail(said=(Said(event="Delivery", means="DELIVERED", after=(900, SECOND), each=True),), to=(0, 1)),),
        endings=(None, None),
    ),
    Story(name="heard before it was sent", share=0.004, mails=(Mail(said=(DELIVERED,), early=True),)),
    Story(
        name="bounced before it was sent", share=0.0005, mails=(Mail(said=(HARD,), early=True),), endings=(FOR_GOOD,)
    ),
    Story(name="nobody told us of it", share=0.002, mails=(Mail(said=(DELIVERED,), known=False),)),
    Story(
        name="nobody told us, and it bounced",
        share=0.0003,
        mails=(Mail(said=(HARD,), known=False),),
        endings=(FOR_GOOD,),
    ),
    Story(name="SES's own word stands in", share=0.003, mails=(Mail(said=(DELIVERED,), known=False, stand_in=True),)),
)

STORIES = EVERYDAY + BOUNCES + COMPLAINTS + ODDITIES
