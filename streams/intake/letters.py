"""What a letter out of its envelopes says: an event of SES about a mail of ours, or a mail that SES received for us.

The one door for whoever takes items in (files, webhook, queue), so that no road forgets one of the two.
"""

from __future__ import annotations

from streams.intake.envelope import Letter
from streams.intake.received import is_received, read_received
from streams.intake.ses import read_event
from streams.mail.feedback import Feedback


def read_letter(letter: Letter) -> Feedback | None:
    """Return what a letter says; None for received mail that is no auto-reply to a mail of ours: that is no event.

    Raises:
        Unusable: NO_MESSAGE_ID or BAD_TIME.

    """
    if is_received(letter.event):
        return read_received(letter.event, letter.posted_at)
    return read_event(*letter)
