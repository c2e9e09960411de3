"""A road to SES: what dispatch asks of whatever carries its letters, be it the API or SMTP.

A road knows the wire and nothing else: not whether a letter should go, nor how often, nor what a refusal means.
"""

from __future__ import annotations

from typing import Protocol

from streams.mail.letter import Answer, Letter, Quota


class Road(Protocol):
    """Carries letters to SES. One road serves all of a worker's calls, side by side."""

    via: str
    """How a Send says that a mail took this road: a symbol of mail.SendVia, `API` or `SMTP`."""

    async def open(self) -> None:
        """Make ready; called once, before anything else."""

    async def close(self) -> None:
        """Let go of connections; called once, after the last call has ended."""

    async def carry(self, letter: Letter) -> Answer:
        """Hand *letter* to SES once, and return what it answers.

        Never raises for what the world says or fails to say, and takes no longer than the call time-out.
        """

    async def quota(self) -> Quota | None:
        """Return what SES allows now; None where SES does not say (SMTP has no way to ask)."""
