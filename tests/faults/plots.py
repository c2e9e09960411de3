"""The plots: what SES says of mails, as it does say it, with what must come of each by construction.

What each says is what SES was seen to say; PLOTS says how often each is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults.plot import Plot
from tests.faults.stories import DueRetry

HOUR = 3_600_000
EARLY = 4.0
"""Windows by which some feedback is ahead of its Send."""


def delivered(plot: Plot) -> None:
    """Deliver it."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))


def read(plot: Plot) -> None:
    """Deliver it; it is opened, and clicked."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    plot.event(mail, "OPEN", due=("OPENED", ""), after=60)
    plot.event(mail, "CLICK", due=("CLICKED", ""), after=70)


def bounced(plot: Plot) -> None:
    """Bounce it for good: there is no such mailbox."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.bounce(mail, means="HARD_BOUNCED", said="Permanent/NoEmail", dsn="5.1.1")
    plot.stands(mail.people, mail, "HARD_BOUNCE")


def listed(plot: Plot) -> None:
    """Bounce it because SES's own list has the recipient."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.bounce(mail, means="HARD_BOUNCED", said="Permanent/OnAccountSuppressionList", dsn="5.1.1")
    plot.stands(mail.people, mail, "SES_LIST")


def soft_then_delivered(plot: Plot) -> None:
    """Bounce it softly, perhaps twice, and then deliver it."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    for turn in range(plot.chance.randint(1, 2)):
        plot.bounce(mail, means="SOFT_BOUNCED", said="Transient/MailboxFull", dsn="4.2.2", after=2 + turn)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""), after=9)


def soft_at_last(plot: Plot) -> None:
    """Bounce it softly: SES has given up, so it is to be sent again."""
    mail = plot.mail(plot.people(), request=True)
    plot.send(mail)
    plot.bounce(mail, means="SOFT_BOUNCED", said="Transient/General", dsn="4.4.1")
    plot.story.retries.append(DueRetry(request_id=mail.request_id or "", recipient=mail.people[0], attempt=2))


def soft_for_days(plot: Plot) -> None:
    """Bounce five mails to one recipient softly, over 80 hours."""
    people = plot.people()
    mails = [plot.mail(people, ago=(4 - turn) * 20 * HOUR) for turn in range(5)]
    for turn, mail in enumerate(mails):
        plot.send(mail, slot=float(turn))
        plot.bounce(mail, means="SOFT_BOUNCED", said="Transient/MailboxFull", dsn="4.2.2")
    plot.stands(people, mails[-1], "SOFT_BOUNCES")


def complained(plot: Plot) -> None:
    """Deliver it; the recipient complains."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    plot.event(mail, "COMPLAINT", due=("COMPLAINED", "abuse"), after=60, complaint_type="abuse")
    plot.stands(mail.people, mail, "COMPLAINT")


def suspected(plot: Plot) -> None:
    """Deliver it to several, of whom SES says that one complained."""
    mail = plot.mail(plot.people(plot.chance.randint(2, 4)))
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    plot.event(mail, "COMPLAINT", due=("COMPLAINED", "abuse"), certain=False, after=60, complaint_type="abuse")
    plot.stands(mail.people, mail, "SUSPECTED_COMPLAINT")


def forgiven(plot: Plot) -> None:
    """Let a recipient complain, and then fetch the mail out of the spam folder."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "COMPLAINT", due=("COMPLAINED", "abuse"), after=60, complaint_type="abuse")
    plot.event(mail, "COMPLAINT", due=("NOT_SPAM", "not-spam"), after=90, complaint_type="not-spam")
    plot.stands(mail.people, mail, "")


def answered(plot: Plot) -> None:
    """Let a machine answer it."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.bounce(mail, means="AUTO_REPLIED", said="Transient/General")


def rejected(plot: Plot) -> None:
    """Let SES find a virus in it."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "REJECT", due=("REJECTED", "Bad content"), reason="Bad content")


def delayed(plot: Plot) -> None:
    """Delay it, perhaps twice, and deliver it."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    for turn in range(plot.chance.randint(1, 2)):
        plot.event(mail, "DELIVERY_DELAY", due=("DELAYED", "MailboxFull"), after=2 + turn, delay_type="MailboxFull")
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""), after=9)


def bounced_late(plot: Plot) -> None:
    """Deliver it; the server that took it bounces it later."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    plot.bounce(mail, means="HARD_BOUNCED", said="Permanent/General", dsn="5.2.0", after=30)
    plot.stands(mail.people, mail, "HARD_BOUNCE")


def several(plot: Plot) -> None:
    """Send it to four: two get it, one bounces for good, one softly."""
    mail = plot.mail(plot.people(4))
    plot.send(mail)
    plot.event(mail, "DELIVERY", mail.people[:2], due=("DELIVERED", ""))
    plot.bounce(mail, mail.people[2:3], means="HARD_BOUNCED", said="Permanent/NoEmail", dsn="5.1.1")
    plot.bounce(mail, mail.people[3:], means="SOFT_BOUNCED", said="Transient/General", dsn="4.4.1")
    plot.stands(mail.people[2:3], mail, "HARD_BOUNCE")


def early(plot: Plot) -> None:
    """Let SES speak before the Send comes: a delivery, or a bounce for good."""
    mail = plot.mail(plot.people())
    if plot.chance.random() < 0.5:
        plot.event(mail, "DELIVERY", due=("DELIVERED", ""), slot=0)
    else:
        plot.bounce(mail, means="HARD_BOUNCED", said="Permanent/NoEmail", dsn="5.1.1", slot=0)
        plot.stands(mail.people, mail, "HARD_BOUNCE")
    plot.send(mail, slot=EARLY)


def orphaned(plot: Plot) -> None:
    """Let SES speak of a mail of which no Send ever comes."""
    mail = plot.mail(plot.people(), matched=False)
    if plot.chance.random() < 0.5:
        plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    else:
        plot.bounce(mail, means="HARD_BOUNCED", said="Permanent/NoEmail", dsn="5.1.1")
        plot.stands(mail.people, mail, "HARD_BOUNCE")


def stood_in(plot: Plot) -> None:
    """Let SES's own SEND event stand in for a Send that never comes."""
    mail = plot.mail(plot.people())
    plot.event(mail, "SEND", due=None, slot=0)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    plot.story.stand_ins += 1


def left(plot: Plot) -> None:
    """Let a recipient leave the stream."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "SUBSCRIPTION", due=("UNSUBSCRIBED", "unsubscribed-all"), after=60, reason="unsubscribed-all")
    plot.stands(mail.people, mail, "UNSUBSCRIBED")


def silent(plot: Plot) -> None:
    """Send it, and hear nothing."""
    plot.send(plot.mail(plot.people()))


def odd_key(plot: Plot) -> None:
    """Deliver it, with keys that are nobody's: none at all, or bytes that are no text."""
    mail = plot.mail(plot.people())
    plot.send(mail, key=None)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""), key=b"\xff\xfe" + mail.message_id.encode())


def poison(plot: Plot) -> None:
    """Publish one record that nobody can use."""
    name = f"poison-{plot.story.number}"
    role = plot.chance.choice(("sends", "feedback"))
    record: dict[str, Any] = {"message_id": name}
    record |= {"sent_at": plot.at} if role == "sends" else {"kind": "DELIVERY", "occurred_at": plot.at}
    good = plot.encoded(role, record)
    key, value = plot.chance.choice(
        (
            (name.encode(), b"\x07" + good[1:]),  # another first byte than the wire's
            (name.encode(), good[: plot.chance.randrange(6, len(good) - 1)]),  # torn
            (name.encode(), b"\0\x7f\xff\xff\x01" + good[5:]),  # nobody's schema
            (name.encode(), None),
            (None, b"\x08" + good[1:]),
            (b"\xff\xfe" + name.encode(), b"{" + good[1:]),
        )
    )
    plot.broken(role, key, value)


PLOTS: tuple[tuple[Callable[[Plot], None], float], ...] = (
    (delivered, 38),
    (read, 6),
    (bounced, 7),
    (listed, 3),
    (soft_then_delivered, 5),
    (soft_at_last, 4),
    (soft_for_days, 0.7),
    (complained, 3),
    (suspected, 2),
    (forgiven, 2),
    (answered, 3),
    (rejected, 1),
    (delayed, 4),
    (bounced_late, 3),
    (several, 4),
    (early, 4),
    (orphaned, 2),
    (stood_in, 2),
    (left, 2),
    (silent, 2),
    (odd_key, 1),
    (poison, 1.3),
)
"""Each plot, and how many of a hundred stories it is, about."""
