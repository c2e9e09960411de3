"""What a letter out of its envelopes says: an event of SES about a mail of ours, or a mail that SES received for us.

The one door for whoever takes items in (files, webhook, queue), so that no road forgets one of the two.
"""

from __future__ import annotations

from streams.intake.envelope import Letter
from streams.intake.received import is_received, read_received
from streams.intake.ses import read_event
from streams.intake.unsubscribes import Unsubscribes
from streams.mail.feedback import Feedback


def read_letter(letter: Letter, unsubscribes: Unsubscribes | None = None) -> Feedback | None:
    """Return what a letter says; None for received mail that says nothing about mail of ours: that is no event.

    *unsubscribes* says how to read mail from people who leave; without it there is none.

    Raises:
        Unusable: NO_MESSAGE_ID or BAD_TIME.

    """
    if is_received(letter.event):
        return read_received(letter.event, letter.posted_at, unsubscribes)
    return read_event(*letter)
