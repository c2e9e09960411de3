"""Servers that speak SMTP on this machine: one does as a test's script says, one is aiosmtpd with TLS and login.

The script answers by stage: `greeting`, the command's verb, and `dot` for the end of the data.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from streams.settings.dispatch import Dispatch, Via


class Cut(NamedTuple):
    """Close the connection instead of an answer."""


class Hang(NamedTuple):
    """Never answer."""


ORDINARY = {
    "greeting": "220 ready",
    "ehlo": "250-stub\r\n250 8BITMIME",
    "mail": "250 Ok",
    "rcpt": "250 Ok",
    "data": "354 go ahead",
    "dot": "250 Ok 0102018c-id",
    "auth": "235 Ok",
    "rset": "250 Ok",
    "quit": "221 bye",
}


class SmtpStub:
    """Answers by script; of each stage the last answer stands for all that follow."""

    def __init__(self, **script: Sequence[str | Cut | Hang]) -> None:
        self.script = {stage: list(steps) for stage, steps in script.items()}
        self.lines: list[str] = []
        self.data: list[bytes] = []
        self.connections = 0
        self.port = 0
        self.dotted = asyncio.Event()

    def settings(self, *, tls: str = "none", **said: Any) -> Dispatch:
        """Return settings that lead here."""
        smtp = {"host": "127.0.0.1", "port": self.port, "tls": tls}
        return Dispatch(**{"via": Via.SMTP, "smtp": smtp, "call_timeout_ms": 5000} | said)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Go through one connection."""
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._speak(reader, writer)
        writer.close()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        going = await self._answer("greeting", writer)
        while going:
            line = (await reader.readuntil(b"\r\n")).decode().strip()
            self.lines.append(line)
            verb = line.split()[0].lower()
            going = await self._answer(verb, writer)
            if verb == "data" and self._last.startswith("354") and going:
                self.data.append(await reader.readuntil(b"\r\n.\r\n"))
                self.dotted.set()
                going = await self._answer("dot", writer)

    async def _answer(self, stage: str, writer: asyncio.StreamWriter) -> bool:
        """Answer, and tell whether the conversation goes on."""
        steps = self.script.get(stage, [ORDINARY.get(stage, "500 what?")])
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        match step:
            case Cut():
                return False
            case Hang():
                await asyncio.sleep(3600)
            case str():
                self._last = step
                writer.write(step.encode("utf-8", "surrogateescape") + b"\r\n")
                await writer.drain()
        return not str(step).startswith(("421", "221"))


@asynccontextmanager
async def smtp(**script: Sequence[str | Cut | Hang]) -> AsyncIterator[SmtpStub]:
    """Run a scripted server on a free port of this machine."""
    stub = SmtpStub(**script)
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0, limit=64 * 1024 * 1024)
    stub.port = server.sockets[0].getsockname()[1]
    try:
        yield stub
    finally:
        server.close()


class Mailbox:
    """What aiosmtpd hands over: who logged in, and every envelope."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.over_tls: list[bool] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name in aiosmtpd
        """Take a mail as SES does."""
        self.envelopes.append(envelope)
        self.over_tls.append(session.ssl is not None)
        return f"250 Ok 0102018c-{len(self.envelopes)}"

    def login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Let in whoever knows the password."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


@asynccontextmanager
async def aiosmtpd(mailbox: Mailbox, **said: Any) -> AsyncIterator[int]:
    """Run aiosmtpd on a free port of this machine, and give the port."""
    loop = asyncio.get_running_loop()
    from_the_start = said.pop("ssl", None)
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="127.0.0.1", loop=loop, **said), "127.0.0.1", 0, ssl=from_the_start
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for 127.0.0.1; return its file, for whoever should trust it, and a server's context."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context
