"""SES's SMTP interface: the same desk behind it, its answers as SMTP codes.

`250 Ok <message id>`, and for a refusal the code and words of refusals.py. AUTH takes any login and demands none,
unless one is configured; STARTTLS is offered where there is a certificate. aiosmtpd logs whole conversations: it is
kept from that, for they hold addresses. Source: SES developer guide, "Amazon SES SMTP response codes".
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import ssl
import warnings
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from streams.errors import WorldFailed, cannot_listen
from streams.simulator import virus
from streams.simulator.desk import Desk, Silence
from streams.simulator.mail import Submission, Via
from streams.simulator.mime import read_headers
from streams.simulator.refusals import BROKEN, INVALID, Refusal
from streams.simulator.words import SimulatorSettings

BUSY = "421 Too many concurrent SMTP connections"
WRONG_LOGIN = "535 Authentication Credentials Invalid"

_LOG = logging.getLogger(__name__)

logging.getLogger("mail.log").setLevel(logging.ERROR)  # its other lines quote what was said, addresses and all


class SmtpDoor:
    """Listens for SMTP: `start`, then `port` says where, then `stop`."""

    def __init__(self, desk: Desk, settings: SimulatorSettings, closing: asyncio.Event) -> None:
        """Prepare; *closing* lets those go who wait for an answer in vain."""
        self._desk, self._settings, self._closing = desk, settings, closing
        self._host_name = f"email-smtp.{settings.region}.amazonaws.com"
        self._open: set[Conversation] = set()
        self._tls: ssl.SSLContext | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            WorldFailed: the port is taken, or the certificate cannot be read.

        """
        settings = self._settings
        # A login without TLS is no risk within one machine, and aiosmtpd would say so at each connection.
        warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
        if settings.certificate is not None:
            self._tls = _context(settings)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._conversation, settings.host, settings.smtp_port or 0)
        except OSError as error:
            mend = "take another --smtp-port, or 0 for one that is free"
            raise cannot_listen(settings.host, settings.smtp_port, error, mend) from error

    async def stop(self) -> None:
        """Stop listening, and hang up."""
        if self._server is None:
            return
        self._server.close()
        for one in list(self._open):
            one.hang_up()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        """The port that is listened on; 0 while nothing listens."""
        return 0 if self._server is None else int(self._server.sockets[0].getsockname()[1])

    def _conversation(self) -> asyncio.Protocol:
        """Return what speaks on a new connection."""
        most = self._settings.connections
        if most and len(self._open) >= most:
            return Refusing()
        return Conversation(
            self,
            self._open,
            data_size_limit=self._settings.message_bytes,
            hostname=self._host_name,
            ident="ESMTP SimpleEmailService-simulator",
            tls_context=self._tls,
            auth_required=self._settings.smtp_login is not None,
            auth_require_tls=False,
            authenticator=self._authenticate,
        )

    def _authenticate(self, _: SMTP, __: Session, ___: Envelope, ____: str, login: Any) -> AuthResult:
        """Say whether a login is right; with none configured any is."""
        wanted = self._settings.smtp_login
        if wanted is None:
            return AuthResult(success=True)
        given = login if isinstance(login, LoginPassword) else LoginPassword(b"", b"")
        right = [hmac.compare_digest(ours.encode(), theirs) for ours, theirs in zip(wanted, given, strict=True)]
        return AuthResult(success=all(right), handled=False, message=None if all(right) else WRONG_LOGIN)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds it by this name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        """Note a recipient, unless it is none."""
        if "@" not in address.strip("@"):
            return INVALID.reply
        envelope.rcpt_tos.append(address)
        return "250 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Hand a mail in, and answer for SES."""
        answer = await self._desk.hand_in(lambda: self._submission(server, session, envelope))
        match answer:
            case Silence():
                await self._closing.wait()
                return BUSY
            case Refusal():
                return answer.reply
        return f"250 Ok {answer}"

    async def handle_exception(self, _: Exception) -> str:
        """Answer for a fault of ours as SES does for one of its own; aiosmtpd would quote it to the other side."""
        _LOG.exception("the simulator failed on a mail")
        return BROKEN.reply

    def _submission(self, server: SMTP, session: Session, envelope: Envelope) -> Submission:
        raw = envelope.original_content or b""
        headers = read_headers(raw)
        peer = str(session.peer[0]) if session.peer else "127.0.0.1"
        received = f"from {session.host_name} ([{peer}]) by {self._host_name} with SMTP (SimpleEmailService-simulator)"
        return Submission(
            via=Via.SMTP,
            sender=envelope.mail_from or "",
            to=tuple(envelope.rcpt_tos),
            headers=(("Received", received), *headers.shown),
            tags=headers.tags,
            configuration_set=headers.configuration_set,
            virus=virus.in_mime(raw),
            size=len(raw),
            source_ip=peer,
            tls=_tls_version(server),
        )


class Conversation(SMTP):
    """One connection; knows itself to be among the open ones while it lasts."""

    def __init__(self, door: SmtpDoor, among: set[Conversation], **words: Any) -> None:
        """Speak for *door*."""
        super().__init__(door, **words)
        self._among = among

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; STARTTLS begins a second time."""
        self._among.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        self._among.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        """Close the connection from our side."""
        if self.transport is not None:
            self.transport.close()


class Refusing(asyncio.Protocol):
    """What speaks where too many connections are open already."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so, and hang up."""
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(f"{BUSY}\r\n".encode())
        transport.close()


def _tls_version(server: SMTP) -> str | None:
    """Return how a connection is encrypted, such as `TLSv1.3`."""
    found = None if server.transport is None else server.transport.get_extra_info("ssl_object")
    return found.version() if isinstance(found, ssl.SSLObject) else None


def _context(settings: SimulatorSettings) -> ssl.SSLContext:
    """Return what STARTTLS is done with.

    Raises:
        WorldFailed: the certificate or its key cannot be read.

    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(str(settings.certificate), None if settings.key is None else str(settings.key))
    except OSError as error:
        raise WorldFailed(f"no certificate and key in {settings.certificate}: {error.strerror}") from error
    return context
