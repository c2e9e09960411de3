"""The connections to SES's SMTP interface: made as the settings say, kept while they are of use, a few at a time.

A connection costs several round trips (TLS, login), a mail on it few; so they are kept. SES limits how many there may
be, and says 421 beyond. What goes over them is smtp.py's affair.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

import aiosmtplib
from aiosmtplib.errors import SMTPException

from streams.dispatch.client import region_of
from streams.errors import BadSettings
from streams.settings.dispatch import Dispatch, SmtpTls

Connection = aiosmtplib.SMTP
"""One connection; aiosmtplib names it after the protocol."""

_IDLE_S = 60.0  # a server may end what is idle for five minutes (RFC 5321 4.5.3.2.7), and NAT gateways sooner
_FAREWELL_S = 2.0  # QUIT is a courtesy: nobody waits long for its answer
_WHO = "[127.0.0.1]"  # EHLO's word stands in the mail's Received: a host's name is nobody's business (RFC 5321 4.1.3)


class Connections:
    """Connections to one host, as many as may be in flight at most."""

    def __init__(self, settings: Dispatch) -> None:
        """Keep *settings*; nothing is connected yet."""
        self._settings = settings
        self._host = settings.smtp.host
        self._tls: ssl.SSLContext | None = None
        self._idle: list[tuple[Connection, float]] = []
        self.room = asyncio.Semaphore(settings.max_in_flight)
        """Whoever uses a connection holds this."""
        self.is_open = False

    async def open(self) -> None:
        """Make ready; raises BadSettings where neither a host nor a region is known."""
        if self._host is None:
            region = region_of(self._settings)
            if region is None:
                raise BadSettings("no region: set dispatch.region or dispatch.smtp.host")
            self._host = f"email-smtp.{region}.amazonaws.com"
        if self._settings.smtp.tls is not SmtpTls.NONE:
            self._tls = await asyncio.to_thread(ssl.create_default_context)  # reads the machine's certificates
        self.is_open = True

    async def close(self) -> None:
        """Say goodbye on each, and end it."""
        self.is_open = False
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_leave(connection) for connection, _ in idle))

    def kept(self) -> Connection | None:
        """Return a connection that seems to be alive, the one used last; None where there is none."""
        while self._idle:
            connection, since = self._idle.pop()
            if _is_fresh(connection, since):
                return connection
            connection.close()
        return None

    async def new(self) -> Connection:
        """Connect, by TLS and with a login as the settings say; raises what aiosmtplib raises."""
        smtp = self._settings.smtp
        connection = Connection(
            hostname=self._host,
            port=smtp.port,
            local_hostname=_WHO,
            timeout=self._settings.call_timeout_ms / 1000,
            use_tls=smtp.tls is SmtpTls.TLS,
            start_tls=smtp.tls is SmtpTls.STARTTLS,
            tls_context=self._tls,
        )
        try:
            await connection.connect()
            await connection.ehlo()
            await self._log_in(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    async def tried(self) -> str:
        """Connect and log in as for a mail, and leave; return nothing, "login" where it is refused, or what came."""
        try:
            self.keep(await self.new())
        except aiosmtplib.SMTPAuthenticationError:
            return "login"
        except (SMTPException, OSError) as error:
            return type(error).__name__
        return ""

    async def _log_in(self, connection: Connection) -> None:
        """Log in where the settings say as whom; by PLAIN alone if SES offers it.

        aiosmtplib's own login would try the next way after a refusal, on a connection that may be closed by then.
        """
        username, password = self._settings.smtp.username, self._settings.smtp.password
        if username is None or password is None:
            return
        plain = "plain" in connection.server_auth_methods
        await (connection.auth_plain if plain else connection.login)(username, password.get_secret_value())

    def keep(self, connection: Connection) -> None:
        """Take *connection* back, ready for the next mail, and end what has been idle for too long."""
        if not self.is_open:
            connection.close()
            return
        stale = [kept for kept, since in self._idle if not _is_fresh(kept, since)]
        for kept in stale:
            kept.close()
        self._idle = [(kept, since) for kept, since in self._idle if kept not in stale] + [(connection, _now())]

    async def clean(self, connection: Connection) -> None:
        """Take *connection* back though its mail did not come to an end; RSET forgets it (RFC 5321 4.1.1.5)."""
        try:
            await connection.rset()
        except (SMTPException, OSError):
            connection.close()
        except BaseException:
            connection.close()
            raise
        else:
            self.keep(connection)


async def _leave(connection: Connection) -> None:
    """Say QUIT; whatever comes, the connection is closed."""
    with suppress(SMTPException, OSError):
        async with asyncio.timeout(_FAREWELL_S):
            await connection.quit()
    connection.close()


def _is_fresh(connection: Connection, since: float) -> bool:
    """Tell whether a connection that is idle *since* then seems to be of use still."""
    return connection.is_connected and _now() - since < _IDLE_S


def _now() -> float:
    """Return the loop's own time in seconds: how long a connection was idle is nobody's fact."""
    return asyncio.get_running_loop().time()
