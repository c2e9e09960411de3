"""Files over HTTPS: from the host that the certificate names, without detours, small and soon."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from socket import AddressFamily

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from streams.inlets.sns import fetch
from streams.inlets.sns.certificates import Certificates
from streams.inlets.sns.fetch import MOST_BYTES, HttpsFetcher, Redirected, Unreachable, careful_session
from streams.inlets.sns.verify import Genuine, Verifier
from tests.inlets.signing import Clock, Signer, certificate, rsa_key

HERE = "127.0.0.1"
SNS = Signer()


class Here(AbstractResolver):
    """Says that every host is this machine, and remembers which were asked for."""

    def __init__(self) -> None:
        """Know no port yet."""
        self.port = 0
        self.hosts: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_INET
    ) -> list[ResolveResult]:
        """Return this machine."""
        self.hosts.append(host)
        return [ResolveResult(hostname=host, host=HERE, port=self.port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Have nothing to close."""


@dataclass
class Amazon:
    """A server that calls itself SNS by a certificate of an authority of our own."""

    fetch: HttpsFetcher
    resolver: Here
    asked: list[web.BaseRequest]
    answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


async def plain(request: web.BaseRequest) -> web.StreamResponse:
    """Answer with SNS's signing certificate."""
    return web.Response(body=SNS.pem())


def authority(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server of SNS's name shows, and what a client trusts."""
    key = rsa_key(serial=7)
    pem = folder / "sns.pem"
    made = x509.load_pem_x509_certificate(certificate(key, SNS.host, 0, 4_000_000_000_000))
    names = x509.SubjectAlternativeName([x509.DNSName(SNS.host), x509.IPAddress(ip_address("127.0.0.2"))])
    again = x509.CertificateBuilder(made.issuer, made.subject, key.public_key(), made.serial_number)
    again = again.not_valid_before(made.not_valid_before_utc).not_valid_after(made.not_valid_after_utc)
    signed = again.add_extension(names, critical=False).sign(key, SHA256()).public_bytes(Encoding.PEM)
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + signed)
    shows = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shows.load_cert_chain(pem)
    trusts = ssl.create_default_context()
    trusts.load_verify_locations(cadata=signed.decode())
    return shows, trusts


@pytest.fixture
async def amazon(tmp_path: Path) -> AsyncIterator[Amazon]:
    """Serve as SNS on a free port."""
    shows, trusts = authority(tmp_path)
    resolver = Here()
    session = careful_session(aiohttp.TCPConnector(resolver=resolver, ssl=trusts))
    one = Amazon(HttpsFetcher(session), resolver, [], plain)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        one.asked.append(request)
        return await one.answer(request)

    runner = web.ServerRunner(web.Server(answer, handler_cancellation=True), shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, HERE, 0, ssl_context=shows)
    await site.start()
    resolver.port = runner.addresses[0][1]
    yield one
    await session.close()
    await runner.cleanup()


async def test_a_file_comes_over_tls_from_the_host_that_was_named(amazon: Amazon) -> None:
    pem = await amazon.fetch(SNS.url)
    assert pem.startswith(b"-----BEGIN CERTIFICATE-----")
    assert [(request.host, request.path_qs) for request in amazon.asked] == [(SNS.host, SNS.url.split(SNS.host)[1])]
    assert amazon.asked[0].headers["Accept-Encoding"] == "identity"


async def test_a_message_is_verified_by_a_certificate_that_came_over_the_network(amazon: Amazon) -> None:
    clock = Clock()
    one = Verifier([SNS.topic], Certificates(amazon.fetch, clock), clock)
    assert isinstance(await one.check(SNS.post(), {}), Genuine)
    assert isinstance(await one.check(SNS.post(), {}), Genuine)
    assert len(amazon.asked) == 1


async def test_a_host_whose_certificate_is_of_another_name_is_not_believed(amazon: Amazon) -> None:
    with pytest.raises(Unreachable):
        await amazon.fetch(SNS.url.replace("eu-west-1", "eu-west-2"))
    assert amazon.asked == []


async def test_a_host_whose_authority_is_unknown_is_not_believed(amazon: Amazon) -> None:
    async with careful_session(aiohttp.TCPConnector(resolver=amazon.resolver)) as session:
        with pytest.raises(Unreachable):
            await HttpsFetcher(session)(SNS.url)
    assert amazon.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
async def test_a_redirect_is_not_followed(amazon: Amazon, status: int) -> None:
    async def elsewhere(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": "https://evil.example/"})

    amazon.answer = elsewhere
    with pytest.raises(Redirected):
        await amazon.fetch(SNS.url)
    assert amazon.resolver.hosts == [SNS.host]


@pytest.mark.parametrize("status", [201, 204, 206, 400, 403, 404, 500, 503])
async def test_an_answer_that_is_no_file_is_none(amazon: Amazon, status: int) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, body=b"" if status == 204 else SNS.pem())

    amazon.answer = answer
    with pytest.raises(Unreachable):
        await amazon.fetch(SNS.url)


@pytest.mark.parametrize("size", [MOST_BYTES, MOST_BYTES + 1])
@pytest.mark.parametrize("chunked", [True, False])
async def test_a_file_may_be_so_large_and_no_larger(amazon: Amazon, size: int, chunked: bool) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        made = web.Response(body=b"x" * size)
        if chunked:
            made.enable_chunked_encoding()
        return made

    amazon.answer = answer
    if size <= MOST_BYTES:
        assert await amazon.fetch(SNS.url) == b"x" * size
        return
    with pytest.raises(Unreachable, match="more than"):
        await amazon.fetch(SNS.url)


async def test_a_compressed_file_is_not_unpacked(amazon: Amazon) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=gzip.compress(b"x" * 10_000_000), headers={"Content-Encoding": "gzip"})

    amazon.answer = answer
    with pytest.raises(Unreachable, match="compressed"):
        await amazon.fetch(SNS.url)


async def test_a_host_that_says_nothing_is_given_up(amazon: Amazon, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    amazon.answer = nothing
    monkeypatch.setattr(fetch, "_TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    with pytest.raises(Unreachable, match="Timeout"):
        await amazon.fetch(SNS.url)


async def test_a_host_that_drips_is_given_up(amazon: Amazon, monkeypatch: pytest.MonkeyPatch) -> None:
    async def drip(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(600):
            await answer.write(b"x")
            await asyncio.sleep(0.05)
        return answer

    amazon.answer = drip
    monkeypatch.setattr(fetch, "_TIMEOUT", aiohttp.ClientTimeout(total=0.3))
    with pytest.raises(Unreachable, match="Timeout"):
        await amazon.fetch(SNS.url)


async def test_nobody_there_is_unreachable(amazon: Amazon) -> None:
    amazon.resolver.port = 1
    with pytest.raises(Unreachable):
        await amazon.fetch(SNS.url)


async def test_without_tls_nothing_is_asked(amazon: Amazon) -> None:
    with pytest.raises(Unreachable, match="HTTPS"):
        await amazon.fetch(SNS.url.replace("https", "http"))
    assert amazon.resolver.hosts == []


async def test_a_cookie_is_not_kept(amazon: Amazon) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        made = web.Response(body=b"x")
        made.set_cookie("a", "b")
        return made

    amazon.answer = answer
    for _ in range(2):
        await amazon.fetch(SNS.url)
    assert "Cookie" not in amazon.asked[1].headers
