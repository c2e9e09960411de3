"""A request to send, and how far it has come: one try for each attempt and each group of people it goes to together.

A request is sent at most once per attempt. What makes that hold is kept here: a try that was handed to SES is known
to have been handed over, even where nobody heard what SES said.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

EVERYONE = ""
"""A try that goes to all recipients of its request; also a machine's answer of which nobody knows whose it was."""

NOT_CALLED = 0


class Phase(StrEnum):
    """How far a try is."""

    WAITING = "WAITING"
    """For its time, for room, or for whatever holds it back."""
    CALLING = "CALLING"
    """Handed to SES, or about to be: the intent is written down, the answer is not."""
    DOUBTFUL = "DOUBTFUL"
    """Handed to SES perhaps; SES's own events may still say so."""
    SENT = "SENT"
    """SES has it."""
    ENDED = "ENDED"
    """It will not be sent; everybody it was for has an outcome."""


OVER = frozenset({Phase.SENT, Phase.ENDED})


class Waits(StrEnum):
    """What a waiting try waits for, where it is not only its time."""

    NOTHING = "NOTHING"
    HOLD = "HOLD"
    """Something else is being sent to that person again; this comes after."""
    PAUSE = "PAUSE"
    """Its stream is paused."""


class Try(NamedTuple):
    """One attempt for everyone of a request, or for one recipient (normal form).

    due: when to look at it again (ms): not to be sent before, or no longer to be waited for. called_at: when it was
    last handed to SES. refused: calls that SES refused for now. since: from when it *waits*. message_ids: what SES
    calls it; two where a doubt ran out and both were sent. left_out: recipients of the request whom it does not go to
    any more. retried: it came as a retry. doubted: a doubt about it ran out, and
    it waits to be handed over again.
    """

    attempt: int
    to: str
    phase: Phase
    due: int
    called_at: int = NOT_CALLED
    refused: int = 0
    waits: Waits = Waits.NOTHING
    since: int = 0
    message_ids: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    retried: bool = False
    doubted: bool = False

    @property
    def name(self) -> tuple[int, str]:
        """What tells the tries of one request apart."""
        return self.attempt, self.to

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is to be done about it."""
        return self.phase in OVER


class Request(NamedTuple):
    """What is known of one request.

    record: the mail.SendRequest as it came. answered: whose machines answered a mail of it (normal form).
    born_at, touched_at: when it came, and when anything about it last changed (ms).
    """

    born_at: int
    touched_at: int
    record: bytes
    tries: tuple[Try, ...] = ()
    answered: frozenset[str] = frozenset()

    def find(self, name: tuple[int, str]) -> Try | None:
        """Return the try of that name."""
        return next((one for one in self.tries if one.name == name), None)

    def having(self, one: Try) -> Request:
        """Return the request with *one* in place of the try of its name, or added."""
        if self.find(one.name) is None:
            return self._replace(tries=(*self.tries, one))
        return self._replace(tries=tuple(one if other.name == one.name else other for other in self.tries))

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is to be done, unless a retry comes."""
        return all(one.is_over for one in self.tries)
