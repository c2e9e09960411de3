"""The road by SMTP: one mail a transaction, on connections that are kept and used again.

The point of no return is the dot that ends the data. Before it nothing has gone, whatever breaks; from it on, a broken
connection leaves a doubt. A kept connection that SES has closed meanwhile shows itself before that point, and the mail
takes a new one. SES says its message id in the answer to the dot: `250 Ok 0102...`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Callable
from typing import NamedTuple

from aiosmtplib.errors import (
    SMTPConnectError,
    SMTPDataError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from aiosmtplib.response import SMTPResponse

from streams.dispatch.api import ApiRoad
from streams.dispatch.connections import Connection, Connections
from streams.dispatch.fault import fault_of
from streams.dispatch.mime import bare_address, mime_of, raw_for_smtp
from streams.dispatch.trouble import readable
from streams.errors import BadSettings
from streams.mail.address import normal_message_id
from streams.mail.letter import Accepted, Answer, Letter, Quota, Raw, Refused, Silent, Simple, Template, Unsent
from streams.settings.dispatch import Dispatch

log = logging.getLogger(__name__)

_GO_AHEAD, _DONE, _LEAVING = 354, 250, 421  # RFC 5321 4.2.3; aiosmtplib's own codes are below 0
_ACCEPTED_AS = re.compile(r"\bok\s+(\S+)", re.IGNORECASE)
_LINE_END = re.compile(rb"\r\n|\n|\r")
_DOT = re.compile(rb"(?m)^\.")
_TROUBLES = (SMTPException, OSError, ValueError)
"""All that aiosmtplib raises for what the world does; ValueError: an address that would not stay one argument."""


class Broken(NamedTuple):
    """One row: an error, the one that caused it (any where None), a word of ours, and what we know by it."""

    error: type[Exception]
    cause: type[Exception] | None
    why: str
    because: str


BROKEN = (
    Broken(SMTPConnectError, ssl.SSLError, "tls", "the handshake failed"),
    Broken(ssl.SSLError, None, "tls", "the handshake after STARTTLS failed"),
    Broken(TimeoutError, None, "timeout", "no answer in time"),
    Broken(OSError, None, "connection", "refused, unreachable, no such name, or closed by the other side"),
    Broken(SMTPResponseException, None, "unreadable", "what answers does not speak SMTP"),
    Broken(SMTPException, None, "tls", "STARTTLS or the login that comes with it is not offered: readable is no way"),
    Broken(Exception, None, "connection", "the honest default"),
)
"""How a transaction ends without SES's answer; the dot says whether that is a doubt. Source: aiosmtplib.errors."""


class SmtpRoad:
    """Carries letters by SES's SMTP interface; a `streams.dispatch.road.Road`."""

    via = "SMTP"

    def __init__(self, settings: Dispatch, clock: Callable[[], int], account: ApiRoad | None = None) -> None:
        """Keep *settings*; *clock* says the time in ms since the epoch; *account* is asked for the quota, if given."""
        self._clock = clock
        self._longest = settings.call_timeout_ms / 1000
        self._connections = Connections(settings)
        self._account = account

    async def open(self) -> None:
        """Find out where SES is; BadSettings where no region says. Connections are made when mails need them."""
        await self._connections.open()
        if self._account is None:
            return
        try:
            await self._account.open()
        except BadSettings as error:
            log.warning("SES cannot be asked for its quota beside SMTP: %s", error)
            self._account = None

    async def close(self) -> None:
        """Say QUIT on every connection, and let go of it."""
        await self._connections.close()
        if self._account is not None:
            await self._account.close()

    async def carry(self, letter: Letter) -> Answer:
        """Hand *letter* to SES once, within the call time-out; what became of it, never an error of the world's."""
        fault = fault_of(letter)
        if fault is not None:
            return Refused(*fault, self._clock())
        if isinstance(letter.content, Template):
            return Refused("TemplateBySmtp", "SES's templates are for its API", self._clock())
        if not self._connections.is_open:
            return Unsent("closed", self._clock())
        transaction = _Transaction(letter, letter.content)
        try:
            async with asyncio.timeout(self._longest):
                said = await self._deliver(transaction)
        except _TROUBLES as error:
            return _answer_of(error, dotted=transaction.dotted, at=self._clock())
        found = _ACCEPTED_AS.search(said.message)
        if found is None:  # SES took it, and only its events will say under which name
            return Silent("unreadable", self._clock())
        return Accepted(normal_message_id(readable(found[1])), self._clock())

    async def quota(self) -> Quota | None:
        """Return what SES's API says beside; SMTP has no way to ask."""
        return None if self._account is None else await self._account.quota()

    async def _deliver(self, transaction: _Transaction) -> SMTPResponse:
        """Go through *transaction* on a kept connection; if that turns out to be gone, on a new one."""
        async with self._connections.room:
            kept = self._connections.kept()
            if kept is not None:
                try:
                    return await self._on(kept, transaction)
                except (SMTPServerDisconnected, SMTPResponseException, OSError) as error:
                    if transaction.dotted or not _is_gone(error):
                        raise
            return await self._on(await self._connections.new(), transaction)

    async def _on(self, connection: Connection, transaction: _Transaction) -> SMTPResponse:
        """Go through *transaction* on *connection*, and keep the connection if it is still good."""
        try:
            said = await transaction.through(connection)
        except SMTPResponseException as error:
            if error.code == _LEAVING or error.code < 0:
                connection.close()
            elif transaction.dotted:
                self._connections.keep(connection)  # the mail has come to its end, if not to the one we wanted
            else:
                await self._connections.clean(connection)
            raise
        except BaseException:
            connection.close()
            raise
        self._connections.keep(connection)
        return said


class _Transaction:
    """One mail's way through SMTP: envelope, data, dot (RFC 5321 3.3)."""

    def __init__(self, letter: Letter, content: Simple | Raw) -> None:
        mime = raw_for_smtp(letter, content.mime) if isinstance(content, Raw) else mime_of(letter, content)
        self._from = bare_address(letter.from_address)
        self._to = tuple(map(bare_address, letter.recipients))
        self._data = _data(mime)
        self.dotted = False
        """Whether the dot that ends the data has been handed to the network: from then on there is doubt."""

    async def through(self, connection: Connection) -> SMTPResponse:
        """Return what SES says to the dot; whatever else it says before is raised, one refused recipient included.

        SES would take the others and say no to the data; so nothing is lost by not asking it.
        """
        eight = not self._data.isascii() and connection.supports_extension("8bitmime")
        await connection.mail(self._from, options=["BODY=8BITMIME"] if eight else [])
        for address in self._to:
            await connection.rcpt(address)
        said = await connection.execute_command(b"DATA")
        if said.code != _GO_AHEAD:
            raise SMTPDataError(said.code, said.message)
        if connection.protocol is None:
            raise SMTPServerDisconnected("gone between two lines")
        connection.protocol.write(self._data)
        self.dotted = True
        said = await connection.protocol.read_response()
        if said.code != _DONE:
            raise SMTPDataError(said.code, said.message)
        return said


def _answer_of(error: Exception, *, dotted: bool, at: int) -> Answer:
    """Return what *error* means for the mail; *dotted* is whether its data's end had been handed over."""
    if isinstance(error, SMTPResponseException) and error.code > 0:
        return Refused(str(error.code), readable(error.message), at)
    if isinstance(error, ValueError) and not isinstance(error, OSError):  # a certificate's error is both
        return Refused("BadAddress", "an address does not fit into an SMTP command", at)
    row = next(
        row
        for row in BROKEN
        if isinstance(error, row.error) and (row.cause is None or isinstance(error.__cause__, row.cause))
    )
    return Silent(row.why, at) if dotted else Unsent(row.why, at)


def _data(mime: bytes) -> bytes:
    """Return *mime* as it goes over the wire: lines end in CRLF, leading dots doubled, a dot alone at the end."""
    lines = _LINE_END.sub(b"\r\n", mime)
    ended = lines if lines.endswith(b"\r\n") else lines + b"\r\n"
    return _DOT.sub(b"..", ended) + b".\r\n"


def _is_gone(error: Exception) -> bool:
    """Tell whether a kept connection was closed by the other side, perhaps with a word: RFC 5321 3.8 allows 421."""
    return not isinstance(error, SMTPResponseException) or error.code == _LEAVING
