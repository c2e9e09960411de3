"""The road by SMTP: what goes over the wire, connections that are kept, and what each end of a transaction means."""

from __future__ import annotations

import asyncio
import importlib.util
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from streams.dispatch import connections
from streams.dispatch.api import ApiRoad
from streams.dispatch.smtp import SmtpRoad
from streams.errors import BadSettings
from streams.mail.letter import Accepted, Answer, Letter, Quota, Raw, Refused, Silent, Unsent
from streams.settings.dispatch import Dispatch, Via
from tests.conftest import Need
from tests.dispatch.letters import NOW, RAW, TEMPLATE, clock, letter
from tests.dispatch.ses_stub import Say, ses
from tests.dispatch.smtp_stub import Cut, Hang, Mailbox, SmtpStub, aiosmtpd, certificate, smtp

YES = Accepted("0102018c-id", NOW)


@asynccontextmanager
async def road(settings: Dispatch) -> AsyncIterator[SmtpRoad]:
    opened = SmtpRoad(settings, clock)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


async def carried(stub: SmtpStub, sent: Letter, **settings: Any) -> Answer:
    async with road(stub.settings(**settings)) as opened:
        return await opened.carry(sent)


# What goes over the wire


async def test_a_mail_is_accepted_under_the_id_in_the_answer_to_the_dot() -> None:
    async with smtp() as stub:
        assert await carried(stub, letter(from_address="Shop <shop@example.com>")) == YES
    assert stub.lines == [
        "EHLO [127.0.0.1]",
        "MAIL FROM:<shop@example.com>",
        "RCPT TO:<ada@example.org>",
        "DATA",
        "QUIT",
    ]


async def test_bcc_is_in_the_envelope_and_nowhere_else() -> None:
    async with smtp() as stub:
        await carried(stub, letter(cc=("cc@example.org",), bcc=("secret@example.org",)))
    assert [line for line in stub.lines if line.startswith("RCPT")] == [
        "RCPT TO:<ada@example.org>",
        "RCPT TO:<cc@example.org>",
        "RCPT TO:<secret@example.org>",
    ]
    assert b"secret" not in stub.data[0]


async def test_a_raw_mail_s_own_bcc_does_not_go_out() -> None:
    raw = Raw(b"From: shop@example.com\nBcc: secret@example.org,\n also@example.org\nSubject: x\n\nBcc: stays\n")
    async with smtp() as stub:
        await carried(stub, letter(content=raw))
    assert b"secret" not in stub.data[0]
    assert b"also@" not in stub.data[0]
    assert b"Bcc: stays" in stub.data[0]


async def test_configuration_set_and_tags_go_as_the_headers_that_ses_reads() -> None:
    async with smtp() as stub:
        await carried(stub, letter(configuration_set="events", tags={"campaign": "spring sale"}))
    assert b"\r\nX-SES-CONFIGURATION-SET: events\r\n" in stub.data[0]
    assert (
        b"\r\nX-SES-MESSAGE-TAGS: stream=receipts, request_id=order-7, attempt=1, campaign=b64_c3ByaW5nIHNhbGU\r\n"
        in stub.data[0]
    )


async def test_lines_end_as_smtp_wants_and_a_dot_at_a_line_s_start_is_doubled() -> None:
    raw = Raw(b"Subject: dots\n\n.\n..two\nno end")
    async with smtp() as stub:
        await carried(stub, letter(content=raw))
    assert stub.data[0].endswith(b"Subject: dots\r\n\r\n..\r\n...two\r\nno end\r\n.\r\n")
    assert stub.data[0].count(b"\n") == stub.data[0].count(b"\r\n")


async def test_a_mail_beyond_ascii_says_so_where_the_server_may_hear_it() -> None:
    async with smtp() as stub:
        await carried(stub, letter(content=Raw("Subject: x\r\n\r\ngrün\r\n".encode())))
    assert "MAIL FROM:<shop@example.com> BODY=8BITMIME" in stub.lines


async def test_a_template_cannot_go_by_smtp() -> None:
    async with smtp() as stub:
        answer = await carried(stub, letter(content=TEMPLATE))
    assert isinstance(answer, Refused)
    assert answer.code == "TemplateBySmtp"
    assert stub.connections == 0


@pytest.mark.parametrize("to", ["ada@example.org\r\nRCPT TO:<eve@example.net>", "zoë@example.org", "a b@example.org"])
async def test_an_address_that_is_more_than_an_address_never_reaches_the_wire(to: str) -> None:
    async with smtp() as stub:
        answer = await carried(stub, letter(to=(to,)))
    assert isinstance(answer, Refused)
    assert answer.code in {"BadHeader", "BadAddress"}
    assert not any(line.startswith("RCPT") for line in stub.lines)


# What SES refuses

STAGES = [
    ("greeting", "421 Too many concurrent SMTP connections"),
    ("greeting", "554 no service"),
    ("mail", "530 Authentication required"),
    ("mail", "454 Throttling failure: Maximum sending rate exceeded."),
    ("rcpt", "553 user unknown"),
    ("rcpt", "454 Throttling failure: Daily message quota exceeded."),
    ("data", "451 Temporary service failure"),
    ("data", "554 Access denied"),
    ("dot", "552 Message is too long."),
    ("dot", "554 Message rejected: Email address is not verified."),
    ("dot", "451 Timeout waiting for data from client."),
    ("dot", "421 shutting down"),
]


@pytest.mark.parametrize(("stage", "said"), STAGES)
async def test_whatever_ses_says_no_at_is_refused_by_its_code(stage: str, said: str) -> None:
    async with smtp(**{stage: [said]}) as stub:
        assert await carried(stub, letter()) == Refused(said[:3], said[4:], NOW)
    assert stub.connections == 1


async def test_one_refused_recipient_refuses_the_whole_mail_and_the_connection_goes_on() -> None:
    async with smtp(rcpt=["250 Ok", "553 no such", "250 Ok"]) as stub, road(stub.settings()) as opened:
        assert await opened.carry(letter(to=("a@example.org", "b@example.org"))) == Refused("553", "no such", NOW)
        assert await opened.carry(letter()) == YES
    assert stub.connections == 1
    assert [line.split()[0] for line in stub.lines] == [
        "EHLO",
        "MAIL",
        "RCPT",
        "RCPT",
        "RSET",
        "MAIL",
        "RCPT",
        "DATA",
        "QUIT",
    ]
    assert len(stub.data) == 1


async def test_after_a_refusal_at_the_dot_the_connection_takes_the_next_mail() -> None:
    async with smtp(dot=["554 rejected", "250 Ok 0102018c-id"]) as stub, road(stub.settings()) as opened:
        assert await opened.carry(letter()) == Refused("554", "rejected", NOW)
        assert await opened.carry(letter()) == YES
    assert stub.connections == 1


async def test_words_that_are_no_text_can_still_be_recorded() -> None:
    async with smtp(dot=["554 gr\udcfcn"]) as stub:
        answer = await carried(stub, letter())
    assert isinstance(answer, Refused)
    assert answer.text.encode() == b"gr?n"


# Where the connection breaks

BEFORE_THE_DOT = ["greeting", "ehlo", "mail", "rcpt", "data"]


@pytest.mark.parametrize("stage", BEFORE_THE_DOT)
async def test_a_connection_cut_before_the_dot_has_certainly_sent_nothing(stage: str) -> None:
    async with smtp(**{stage: [Cut()]}) as stub:
        assert await carried(stub, letter()) == Unsent("connection", NOW)
    assert stub.data == []


@pytest.mark.parametrize("stage", BEFORE_THE_DOT)
async def test_silence_before_the_dot_has_certainly_sent_nothing(stage: str) -> None:
    async with smtp(**{stage: [Hang()]}) as stub:
        assert await carried(stub, letter(), call_timeout_ms=200) == Unsent("timeout", NOW)
    assert stub.data == []


async def test_a_connection_cut_after_the_dot_leaves_a_doubt() -> None:
    async with smtp(dot=[Cut()]) as stub:
        assert await carried(stub, letter()) == Silent("connection", NOW)
    assert len(stub.data) == 1
    assert stub.connections == 1


async def test_silence_after_the_dot_leaves_a_doubt() -> None:
    async with smtp(dot=[Hang()]) as stub:
        assert await carried(stub, letter(), call_timeout_ms=300) == Silent("timeout", NOW)


@pytest.mark.parametrize("said", ["250 done", "what?"])
async def test_an_answer_to_the_dot_without_an_id_leaves_a_doubt(said: str) -> None:
    async with smtp(dot=[said]) as stub:
        assert await carried(stub, letter()) == Silent("unreadable", NOW)


async def test_what_does_not_speak_smtp_has_certainly_sent_nothing() -> None:
    async with smtp(greeting=["HTTP/1.1 400 Bad Request"]) as stub:
        assert await carried(stub, letter()) == Unsent("unreadable", NOW)


async def test_where_nobody_listens_nothing_is_sent() -> None:
    async with smtp() as stub:
        settings = stub.settings()
    async with road(settings) as opened:
        assert await opened.carry(letter()) == Unsent("connection", NOW)


async def test_a_host_without_a_name_has_certainly_sent_nothing() -> None:
    settings = Dispatch.model_validate({"via": Via.SMTP, "smtp": {"host": "ses.invalid", "tls": "none"}})
    async with road(settings) as opened:
        assert await opened.carry(letter()) == Unsent("connection", NOW)


async def test_a_road_that_is_not_open_sends_nothing() -> None:
    async with smtp() as stub:
        assert await SmtpRoad(stub.settings(), clock).carry(letter()) == Unsent("closed", NOW)


async def test_the_caller_s_own_cancelling_goes_through_and_frees_the_room() -> None:
    async with smtp(dot=[Hang(), "250 Ok 0102018c-id"]) as stub, road(stub.settings(max_in_flight=1)) as opened:
        call = asyncio.create_task(opened.carry(letter()))
        await stub.dotted.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await opened.carry(letter()) == YES


# Connections that are kept


async def test_mails_one_after_the_other_share_a_connection() -> None:
    async with smtp() as stub, road(stub.settings()) as opened:
        assert [await opened.carry(letter()) for _ in range(3)] == [YES] * 3
    assert stub.connections == 1


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("gone", [Cut(), "421 Timeout, closing"])
async def test_a_kept_connection_that_is_gone_costs_no_mail(stage: str, gone: Cut | str) -> None:
    fine = {"mail": "250 Ok", "rcpt": "250 Ok", "data": "354 go"}[stage]
    async with smtp(**{stage: [fine, gone, fine]}) as stub, road(stub.settings()) as opened:
        assert await opened.carry(letter()) == YES
        assert await opened.carry(letter()) == YES
    assert stub.connections == 2
    assert len(stub.data) == 2


async def test_a_kept_connection_cut_after_the_dot_is_a_doubt_and_no_second_mail() -> None:
    async with smtp(dot=["250 Ok 0102018c-id", Cut()]) as stub, road(stub.settings()) as opened:
        assert await opened.carry(letter()) == YES
        assert await opened.carry(letter()) == Silent("connection", NOW)
    assert len(stub.data) == 2


async def test_a_connection_that_was_idle_for_too_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with smtp() as stub, road(stub.settings()) as opened:
        await opened.carry(letter())
        monkeypatch.setattr(connections, "_IDLE_S", 0.0)
        await opened.carry(letter())
    assert stub.connections == 2


async def test_what_has_been_idle_for_too_long_is_closed_when_another_mail_is_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with smtp() as stub, road(stub.settings()) as opened:
        await asyncio.gather(opened.carry(letter()), opened.carry(letter()))
        one, other = (connection for connection, _ in opened._connections._idle)
        opened._connections._idle[0] = (one, -1000.0)
        await opened.carry(letter())
        assert [connection for connection, _ in opened._connections._idle] == [other]
        assert not one.is_connected


async def test_a_refusal_whose_clearing_up_fails_is_still_the_answer() -> None:
    async with smtp(rcpt=["553 no such", "250 Ok"], rset=[Cut()]) as stub, road(stub.settings()) as opened:
        assert await opened.carry(letter()) == Refused("553", "no such", NOW)
        assert await opened.carry(letter()) == YES
    assert stub.connections == 2


async def test_a_421_at_the_dot_ends_the_connection() -> None:
    async with smtp(dot=["421 shutting down", "250 Ok 0102018c-id"]) as stub, road(stub.settings()) as opened:
        assert await opened.carry(letter()) == Refused("421", "shutting down", NOW)
        assert opened._connections._idle == []
        assert await opened.carry(letter()) == YES
    assert stub.connections == 2


async def test_a_mail_on_its_way_when_the_road_closes_leaves_no_connection_behind() -> None:
    async with smtp(dot=[Hang()]) as stub:
        opened = SmtpRoad(stub.settings(call_timeout_ms=300), clock)
        await opened.open()
        call = asyncio.create_task(opened.carry(letter()))
        await stub.dotted.wait()
        await opened.close()
        assert await call == Silent("timeout", NOW)
        assert opened._connections._idle == []


async def test_no_more_connections_than_calls_in_flight() -> None:
    async with smtp() as stub, road(stub.settings(max_in_flight=2)) as opened:
        answers = await asyncio.gather(*(opened.carry(letter()) for _ in range(10)))
    assert answers == [YES] * 10
    assert stub.connections == 2


# TLS and login


@pytest.fixture
def trusted(need: Need, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Return a server's TLS, whose certificate this process trusts."""
    need(importlib.util.find_spec("cryptography") is not None, "cryptography, to make a certificate")
    public, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    return context


def with_login(port: int, tls: str, *, right: bool = True) -> Dispatch:
    smtp = {
        "host": "127.0.0.1",
        "port": port,
        "tls": tls,
        "username": "smtp-user",
        "password": "right" if right else "wrong",
    }
    return Dispatch.model_validate({"via": Via.SMTP, "smtp": smtp})


async def test_starttls_and_login_come_before_the_mail(trusted: ssl.SSLContext) -> None:
    mailbox = Mailbox()
    async with (
        aiosmtpd(
            mailbox, tls_context=trusted, require_starttls=True, auth_required=True, authenticator=mailbox.login
        ) as port,
        road(with_login(port, "starttls")) as opened,
    ):
        assert await opened.carry(letter(content=RAW)) == Accepted("0102018c-1", NOW)
    assert mailbox.logins == [(b"smtp-user", b"right")]
    assert mailbox.over_tls == [True]
    assert mailbox.envelopes[0].rcpt_tos == ["ada@example.org"]


async def test_tls_from_the_start(trusted: ssl.SSLContext) -> None:
    mailbox = Mailbox()
    async with (
        aiosmtpd(mailbox, ssl=trusted, auth_require_tls=False, authenticator=mailbox.login) as port,
        road(with_login(port, "tls")) as opened,
    ):
        assert await opened.carry(letter()) == Accepted("0102018c-1", NOW)
    assert mailbox.logins == [(b"smtp-user", b"right")]


async def test_a_wrong_password_is_ses_s_refusal(trusted: ssl.SSLContext) -> None:
    mailbox = Mailbox()
    async with (
        aiosmtpd(mailbox, tls_context=trusted, authenticator=mailbox.login) as port,
        road(with_login(port, "starttls", right=False)) as opened,
    ):
        answer = await opened.carry(letter())
    assert isinstance(answer, Refused)
    assert answer.code == "535"


async def test_a_refused_login_is_the_answer_though_the_connection_ends_with_it() -> None:
    async with (
        smtp(ehlo=["250-stub\r\n250 AUTH PLAIN LOGIN"], auth=["535 wrong", Cut()]) as stub,
        road(with_login(stub.port, "none")) as opened,
    ):
        assert await opened.carry(letter()) == Refused("535", "wrong", NOW)
    assert [line.split()[:2] for line in stub.lines[1:]] == [["AUTH", "PLAIN"]]


async def test_a_login_that_is_not_offered_sends_nothing() -> None:
    async with smtp() as stub, road(with_login(stub.port, "none")) as opened:
        assert await opened.carry(letter()) == Unsent("tls", NOW)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_certificate_that_nobody_vouches_for_gets_no_mail(
    trusted: ssl.SSLContext, tls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    mailbox = Mailbox()
    said: dict[str, Any] = {"ssl": trusted} if tls == "tls" else {"tls_context": trusted}
    async with aiosmtpd(mailbox, **said) as port, road(with_login(port, tls)) as opened:
        assert await opened.carry(letter()) == Unsent("tls", NOW)
    assert mailbox.logins == []


async def test_where_starttls_is_taken_away_nothing_goes_readable() -> None:
    async with smtp() as stub:
        assert await carried(stub, letter(), tls="starttls") == Unsent("tls", NOW)
    assert not any(line.startswith(("AUTH", "MAIL")) for line in stub.lines)


# Opening, and the quota beside


async def test_without_a_host_the_region_names_it() -> None:
    opened = SmtpRoad(Dispatch(via=Via.SMTP, region="eu-west-1"), clock)
    await opened.open()
    assert opened._connections._host == "email-smtp.eu-west-1.amazonaws.com"
    await opened.close()


async def test_without_a_host_and_a_region_the_road_says_what_is_missing() -> None:
    with pytest.raises(BadSettings, match=r"dispatch\.region"):
        await SmtpRoad(Dispatch(via=Via.SMTP), clock).open()


async def test_the_quota_is_asked_of_the_api_beside() -> None:
    said = {"SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 0.0}}
    async with ses(Say(200, said)) as stub:
        settings = Dispatch(via=Via.SMTP, region="eu-west-1", endpoint_url=stub.url)
        opened = SmtpRoad(settings, clock, ApiRoad(settings, clock))
        await opened.open()
        assert await opened.quota() == Quota(200.0, 0.0, 1.0, sending=True)
        await opened.close()


async def test_without_an_api_beside_there_is_no_quota() -> None:
    async with smtp() as stub, road(stub.settings()) as opened:
        assert await opened.quota() is None


async def test_an_api_that_cannot_be_opened_stops_no_mail() -> None:
    async with smtp() as stub:
        opened = SmtpRoad(stub.settings(), clock, ApiRoad(stub.settings(), clock))  # no region: no client
        await opened.open()
        assert await opened.carry(letter()) == YES
        assert await opened.quota() is None
        await opened.close()
