"""The road by SES's API: what is asked of SES, and what each end of a call means, over real connections."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
import pytest

from streams.dispatch.api import MOST_HEADERS, ApiRoad
from streams.errors import BadSettings
from streams.mail.letter import Accepted, Answer, Letter, Quota, Raw, Refused, Silent, Simple, Unsent
from streams.settings.dispatch import Dispatch
from tests.dispatch.letters import NOW, RAW, TEMPLATE, clock, letter
from tests.dispatch.ses_stub import Cut, Hang, Say, SesStub, accepted, refused, ses

ACCOUNT = {
    "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 120.0},
    "SendingEnabled": True,
    "EnforcementStatus": "HEALTHY",
}


@asynccontextmanager
async def road(settings: Dispatch) -> AsyncIterator[ApiRoad]:
    opened = ApiRoad(settings, clock)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


async def carried(stub: SesStub, sent: Letter, **settings: Any) -> Answer:
    async with road(stub.settings(**settings)) as opened:
        return await opened.carry(sent)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


# What is asked


async def test_a_simple_mail_is_one_send_email_with_all_that_the_letter_says() -> None:
    sent = letter(
        to=("ada@example.org", "Bob <bob@example.org>"),
        cc=("cc@example.org",),
        bcc=("bcc@example.org",),
        reply_to=("help@example.com",),
        configuration_set="events",
        headers={"List-Id": "<news.example.com>"},
        tags={"campaign": "spring"},
    )
    async with ses(accepted("0100018c-00-000000")) as stub:
        assert await carried(stub, sent) == Accepted("0100018c-00-000000", NOW)
    assert [(asked.method, asked.path) for asked in stub.asked] == [("POST", "/v2/email/outbound-emails")]
    assert stub.asked[0].body == {
        "FromEmailAddress": "shop@example.com",
        "Destination": {
            "ToAddresses": ["ada@example.org", "Bob <bob@example.org>"],
            "CcAddresses": ["cc@example.org"],
            "BccAddresses": ["bcc@example.org"],
        },
        "ReplyToAddresses": ["help@example.com"],
        "ConfigurationSetName": "events",
        "EmailTags": [
            {"Name": "stream", "Value": "receipts"},
            {"Name": "request_id", "Value": "order-7"},
            {"Name": "attempt", "Value": "1"},
            {"Name": "campaign", "Value": "spring"},
        ],
        "Content": {
            "Simple": {
                "Subject": {"Data": "Your receipt", "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": "Thank you.\n", "Charset": "UTF-8"},
                    "Html": {"Data": "<p>Thank you.</p>\n", "Charset": "UTF-8"},
                },
                "Headers": [
                    {"Name": "List-Id", "Value": "<news.example.com>"},
                    {"Name": "Auto-Submitted", "Value": "auto-generated"},
                    {"Name": "X-Auto-Response-Suppress", "Value": "OOF, AutoReply"},
                    {"Name": "X-Ses-Streams-Request-Id", "Value": "order-7"},
                ],
            }
        },
    }


async def test_a_template_goes_with_its_data_and_our_headers() -> None:
    async with ses(accepted()) as stub:
        await carried(stub, letter(content=TEMPLATE, in_reply_to="q1@example.org"))
    said = stub.asked[0].body["Content"]["Template"]
    assert (said["TemplateName"], said["TemplateData"]) == ("welcome", '{"name": "Ada"}')
    assert {header["Name"]: header["Value"] for header in said["Headers"]} == {
        "Auto-Submitted": "auto-replied",
        "In-Reply-To": "<q1@example.org>",
        "References": "<q1@example.org>",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "X-Ses-Streams-Request-Id": "order-7",
    }


async def test_a_raw_mail_goes_as_its_bytes_behind_our_headers() -> None:
    async with ses(accepted()) as stub:
        await carried(stub, letter(content=RAW))
    sent = base64.b64decode(stub.asked[0].body["Content"]["Raw"]["Data"])
    assert sent == (
        b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: OOF, AutoReply\r\n"
        b"X-Ses-Streams-Request-Id: order-7\r\n" + RAW.mime
    )


async def test_tags_in_a_raw_mail_s_header_go_with_the_call_for_ses_would_drop_them() -> None:
    raw = Raw(b"X-SES-MESSAGE-TAGS: a=1,\r\n b=2\r\nFrom: shop@example.com\r\n\r\nBody\r\n")
    async with ses(accepted()) as stub:
        await carried(stub, letter(content=raw))
    assert {"Name": "b", "Value": "2"} in stub.asked[0].body["EmailTags"]


async def test_names_and_domains_beyond_ascii_go_as_ses_takes_them() -> None:
    async with ses(accepted()) as stub:
        await carried(stub, letter(to=("Zoë <zoe@bücher.example>",), headers={"X-Note": "grün"}))
    body = stub.asked[0].body
    assert body["Destination"]["ToAddresses"] == ["=?utf-8?q?Zo=C3=AB?= <zoe@xn--bcher-kva.example>"]
    assert {"Name": "X-Note", "Value": "=?utf-8?b?Z3LDvG4=?="} in body["Content"]["Simple"]["Headers"]


async def test_of_our_headers_only_as_many_go_as_ses_takes_besides_the_request_s_own() -> None:
    own = {f"X-{number}": "x" for number in range(13)}
    async with ses(accepted()) as stub:
        await carried(stub, letter(headers=own))
    names = [header["Name"] for header in stub.asked[0].body["Content"]["Simple"]["Headers"]]
    assert len(names) == MOST_HEADERS
    assert names[13:] == ["Auto-Submitted", "X-Auto-Response-Suppress"]


# Moto: somebody else's reading of SESv2. It knows simple and raw mails, neither templates nor tags, nor accounts.


@pytest.fixture
def verified(moto: str) -> str:
    client = boto3.client("sesv2", region_name="eu-central-1", endpoint_url=moto)
    client.create_email_identity(EmailIdentity="example.com")
    return moto


@pytest.mark.parametrize("content", [Simple("Hello", "text", None), Simple("Hello", None, "<p>html</p>"), RAW])
async def test_moto_takes_our_calls(verified: str, content: Simple | Raw) -> None:
    async with road(Dispatch(endpoint_url=verified, region="eu-central-1")) as opened:
        answer = await opened.carry(letter(content=content))
    assert isinstance(answer, Accepted)
    assert answer.message_id


async def test_moto_s_refusal_of_an_unverified_address_is_a_refusal(moto: str) -> None:
    async with road(Dispatch(endpoint_url=moto, region="us-west-2")) as opened:
        answer = await opened.carry(letter())
    assert isinstance(answer, Refused)
    assert answer.code == "MessageRejected"


# What each end of a call means

REFUSALS = [
    (429, "TooManyRequestsException"),
    (400, "LimitExceededException"),
    (400, "SendingPausedException"),
    (400, "AccountSuspendedException"),
    (400, "MessageRejected"),
    (400, "MailFromDomainNotVerifiedException"),
    (404, "NotFoundException"),
    (400, "BadRequestException"),
    (403, "AccessDeniedException"),
    (403, "UnrecognizedClientException"),
    (403, "ExpiredTokenException"),
    (403, "InvalidSignatureException"),
    (400, "ThrottlingException"),
]


@pytest.mark.parametrize(("status", "code"), REFUSALS, ids=[code for _, code in REFUSALS])
async def test_what_ses_refuses_is_refused_by_its_name_and_asked_once(status: int, code: str) -> None:
    async with ses(refused(status, code, "its words")) as stub:
        assert await carried(stub, letter()) == Refused(code, "its words", NOW)
    assert len(stub.asked) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(500, "InternalServiceErrorException"), (503, "ServiceUnavailable"), (504, "")]
)
async def test_a_failure_on_ses_s_side_leaves_a_doubt_and_is_never_asked_again(status: int, code: str) -> None:
    async with ses(refused(status, code)) as stub:
        assert await carried(stub, letter()) == Silent("server error", NOW)
    assert len(stub.asked) == 1


async def test_a_gateway_s_bare_status_is_not_taken_for_an_smtp_code() -> None:
    async with ses(Say(421, "<html>no</html>")) as stub:
        answer = await carried(stub, letter())
    assert isinstance(answer, Refused)
    assert answer.code == "HTTP421"


@pytest.mark.parametrize("body", [{}, "no JSON at all", {"MessageId": ""}])
async def test_a_yes_without_a_message_id_leaves_a_doubt(body: Any) -> None:
    async with ses(Say(200, body)) as stub:
        assert await carried(stub, letter()) == Silent("unreadable", NOW)


@pytest.mark.parametrize("cut", [Cut(), Cut(halfway=True)])
async def test_a_connection_cut_after_the_request_leaves_a_doubt(cut: Cut) -> None:
    async with ses(cut) as stub:
        assert await carried(stub, letter()) == Silent("connection", NOW)
    assert len(stub.asked) == 1


async def test_a_connection_reset_under_the_request_leaves_a_doubt() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, road(Dispatch(endpoint_url=url, region="eu-central-1")) as opened:
        answer = await opened.carry(letter(content=Raw(b"Subject: large\r\n\r\n" + b"x" * 8_000_000)))
    assert answer == Silent("connection", NOW)


async def test_a_call_without_an_answer_in_time_leaves_a_doubt() -> None:
    async with ses(Hang()) as stub:
        assert await carried(stub, letter(), call_timeout_ms=300) == Silent("timeout", NOW)


async def test_a_refused_connection_has_certainly_sent_nothing() -> None:
    settings = Dispatch(endpoint_url=f"http://127.0.0.1:{free_port()}", region="eu-central-1")
    async with road(settings) as opened:
        assert await opened.carry(letter()) == Unsent("connection", NOW)


async def test_a_host_without_a_name_has_certainly_sent_nothing() -> None:
    async with road(Dispatch(endpoint_url="http://ses.invalid", region="eu-central-1")) as opened:
        assert await opened.carry(letter()) == Unsent("connection", NOW)


async def test_a_connection_that_does_not_come_about_in_time_has_certainly_sent_nothing() -> None:
    with socket.socket() as full, socket.socket() as one, socket.socket() as other:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for filling in (one, other):  # nobody accepts: from here on the kernel drops who knocks
            filling.setblocking(False)  # noqa: FBT003 - the socket module's own order
            filling.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        async with road(Dispatch(endpoint_url=url, region="eu-central-1", call_timeout_ms=1000)) as opened:
            assert await opened.carry(letter()) == Unsent("connection", NOW)


async def test_a_proxy_that_is_not_there_has_certainly_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    async with road(Dispatch(region="eu-central-1", endpoint_url="https://ses.invalid")) as opened:
        assert await opened.carry(letter()) == Unsent("connection", NOW)


async def test_an_answer_that_is_no_http_leaves_a_doubt() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        await writer.drain()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, road(Dispatch(endpoint_url=url, region="eu-central-1")) as opened:
        assert await opened.carry(letter()) == Silent("connection", NOW)


async def test_a_failed_handshake_has_certainly_sent_nothing() -> None:
    async with ses(accepted()) as stub:
        url = stub.url.replace("http:", "https:")  # what listens there speaks no TLS
        assert await carried(stub, letter(), endpoint_url=url) == Unsent("tls", NOW)
    assert stub.asked == []


async def test_without_credentials_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with road(Dispatch(endpoint_url="https://127.0.0.1:1", region="eu-central-1")) as opened:
        assert await opened.carry(letter()) == Unsent("credentials", NOW)


async def test_a_token_file_that_cannot_be_read_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/mail")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "no-such-token")
    async with road(Dispatch(endpoint_url="https://127.0.0.1:1", region="eu-central-1")) as opened:
        assert await opened.carry(letter()) == Unsent("credentials", NOW)


async def test_what_sts_refuses_is_no_refusal_of_the_mail(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "token").write_text("token")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/mail")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    denied = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
    async with ses(Say(403, denied)) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
        assert await carried(stub, letter()) == Unsent("credentials", NOW)
    assert [asked.path for asked in stub.asked] == ["/"]


async def test_an_argument_that_ses_s_api_cannot_take_is_refused_before_the_call() -> None:
    async with ses(accepted()) as stub:
        answer = await carried(stub, letter(content=TEMPLATE._replace(name="")))
    assert isinstance(answer, Refused)
    assert answer.code == "ValidationError"
    assert stub.asked == []


async def test_a_line_end_in_a_header_is_refused_and_ses_never_asked() -> None:
    async with ses(accepted()) as stub:
        answer = await carried(stub, letter(headers={"X-A": "x\r\nBcc: eve@example.net"}))
    assert isinstance(answer, Refused)
    assert answer.code == "BadHeader"
    assert "eve" not in answer.text
    assert stub.asked == []


async def test_a_road_that_is_not_open_sends_nothing() -> None:
    assert await ApiRoad(Dispatch(region="eu-central-1"), clock).carry(letter()) == Unsent("closed", NOW)


async def test_the_caller_s_own_cancelling_goes_through() -> None:
    async with ses(Hang()) as stub, road(stub.settings()) as opened:
        call = asyncio.create_task(opened.carry(letter()))
        await stub.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_calls_side_by_side_each_get_their_own_answer() -> None:
    script = [accepted(f"id-{number}") for number in range(8)]
    async with ses(*script) as stub, road(stub.settings(max_in_flight=8)) as opened:
        answers = await asyncio.gather(*(opened.carry(letter(request_id=f"r-{number}")) for number in range(8)))
    assert {answer.message_id for answer in answers if isinstance(answer, Accepted)} == {f"id-{n}" for n in range(8)}


# Opening


async def test_without_a_region_the_road_says_which_setting_is_missing() -> None:
    with pytest.raises(BadSettings, match="set SES_STREAMS_DISPATCH__REGION"):
        await ApiRoad(Dispatch(), clock).open()


async def test_a_simulator_on_this_machine_needs_neither_region_nor_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    async with ses(accepted()) as stub, ses(Say(404, {})) as metadata_service:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata_service.url)
        assert await carried(stub, letter(), region=None) == Accepted("0100-id", NOW)
    assert metadata_service.asked == []


# The quota


async def test_the_quota_is_what_get_account_says() -> None:
    async with ses(Say(200, ACCOUNT)) as stub, road(stub.settings()) as opened:
        assert await opened.quota() == Quota(50000.0, 120.0, 14.0, sending=True)
    assert [(asked.method, asked.path) for asked in stub.asked] == [("GET", "/v2/email/account")]


@pytest.mark.parametrize("said", [{"SendingEnabled": False}, {"EnforcementStatus": "SHUTDOWN"}])
async def test_an_account_that_may_not_send_says_so(said: dict[str, Any]) -> None:
    async with ses(Say(200, ACCOUNT | said)) as stub, road(stub.settings()) as opened:
        quota = await opened.quota()
    assert quota is not None
    assert quota.sending is False


async def test_a_quota_that_cannot_be_had_is_the_last_one_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    no = refused(403, "AccessDeniedException", "ada@example.org may not")
    async with ses(no, Say(200, ACCOUNT), no) as stub, road(stub.settings()) as opened:
        with caplog.at_level(logging.WARNING, "streams.dispatch.api"):
            assert await opened.quota() is None
            learned = await opened.quota()
            assert await opened.quota() == learned is not None
            assert await opened.quota() == learned
    assert [record.getMessage() for record in caplog.records] == [
        "SES does not say what this account may send (GetAccount: AccessDeniedException): ses-streams doctor --only ses"
    ] * 2


@pytest.mark.parametrize("answer", [Say(200, {}), Say(200, "no JSON"), Cut(), Say(500, {})])
async def test_no_answer_about_the_quota_is_no_error(answer: Say | Cut) -> None:
    async with ses(answer) as stub, road(stub.settings()) as opened:
        assert await opened.quota() is None


async def test_a_road_that_is_not_open_knows_no_quota_and_a_closed_one_the_last() -> None:
    async with ses(Say(200, ACCOUNT)) as stub:
        opened = ApiRoad(stub.settings(), clock)
        assert await opened.quota() is None
        await opened.open()
        learned = await opened.quota()
        await opened.close()
        assert await opened.quota() == learned is not None


async def test_credentials_that_come_later_are_found_when_the_quota_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with road(Dispatch(endpoint_url="https://127.0.0.1:1", region="eu-central-1")) as opened:
        assert await opened.carry(letter()) == Unsent("credentials", NOW)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
        assert await opened.quota() is None
        assert await opened.carry(letter()) == Unsent("connection", NOW)
