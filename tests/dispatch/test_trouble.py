"""Every row of the table: which error leaves a doubt, and which is certain; test_api.py meets most of them for real."""

from __future__ import annotations

import socket
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from streams.dispatch.trouble import AFTER, BEFORE, answer_of, name_of
from streams.mail.letter import Answer, Refused, Silent, Unsent
from tests.dispatch.letters import NOW

URL = "https://email.example.com"
NEVER_MADE = aiohttp.ClientConnectorError(
    ConnectionKey("email.example.com", 443, True, True, None, None, None),  # noqa: FBT003 - aiohttp's own order
    OSError(111, "refused"),
)


def client_error(status: int, operation: str = "SendEmail") -> boto.ClientError:
    said: Any = {"Error": {"Code": "Code", "Message": "half a \ud800"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(said, operation)


AFTERWARDS: list[tuple[Exception, Answer]] = [
    (boto.SSLError(endpoint_url=URL, error=OSError("x")), Unsent("tls", NOW)),
    (boto.ProxyConnectionError(proxy_url=URL, error="x"), Unsent("connection", NOW)),
    (boto.ConnectTimeoutError(endpoint_url=URL, error="x"), Unsent("connection", NOW)),
    (boto.EndpointConnectionError(endpoint_url=URL, error=NEVER_MADE), Unsent("connection", NOW)),
    (
        boto.EndpointConnectionError(endpoint_url=URL, error=aiohttp.ClientOSError(104, "reset")),
        Silent("connection", NOW),
    ),
    (boto.EndpointConnectionError(endpoint_url=URL, error=socket.gaierror()), Unsent("connection", NOW)),
    (boto.ConnectionClosedError(endpoint_url=URL), Silent("connection", NOW)),
    (boto.ReadTimeoutError(endpoint_url=URL, error="x"), Silent("timeout", NOW)),
    (TimeoutError(), Silent("timeout", NOW)),
    (boto.HTTPClientError(error="x"), Silent("connection", NOW)),
    (ResponseParserError("x"), Silent("unreadable", NOW)),
    (boto.BotoCoreError(), Silent("unknown", NOW)),
    (RuntimeError("x"), Silent("unknown", NOW)),
    (client_error(500), Silent("server error", NOW)),
    (client_error(400), Refused("Code", "half a ?", NOW)),
]
BEFOREHAND: list[tuple[Exception, Answer]] = [
    (boto.EndpointProviderError(msg="x"), Unsent("settings", NOW)),
    (TimeoutError(), Unsent("timeout", NOW)),
    (boto.NoCredentialsError(), Unsent("credentials", NOW)),
    (boto.CredentialRetrievalError(provider="x", error_msg="x"), Unsent("credentials", NOW)),
    (boto.ReadTimeoutError(endpoint_url=URL, error="of the metadata service"), Unsent("credentials", NOW)),
    (client_error(403, "AssumeRole"), Unsent("credentials", NOW)),
    (client_error(500, "AssumeRole"), Unsent("credentials", NOW)),
    (FileNotFoundError("token"), Unsent("credentials", NOW)),
    (RuntimeError("still expired"), Unsent("credentials", NOW)),
]


@pytest.mark.parametrize(("error", "answer"), AFTERWARDS, ids=lambda said: type(said).__name__)
def test_once_the_request_was_handed_over(error: Exception, answer: Answer) -> None:
    assert answer_of(error, begun=True, at=NOW) == answer


@pytest.mark.parametrize(("error", "answer"), BEFOREHAND, ids=lambda said: type(said).__name__)
def test_before_the_request_was_handed_over(error: Exception, answer: Answer) -> None:
    assert answer_of(error, begun=False, at=NOW) == answer


def test_an_argument_that_ses_could_not_take_is_refused_in_our_words() -> None:
    answer = answer_of(boto.ParamValidationError(report="ada@example.org"), begun=False, at=NOW)
    assert isinstance(answer, Refused)
    assert answer.code == "ValidationError"
    assert "ada" not in answer.text


def test_nothing_that_goes_wrong_before_is_a_doubt_and_each_row_says_why() -> None:
    assert not any(row.doubt for row in BEFORE)
    assert all(row.because for row in BEFORE + AFTER)
    assert BEFORE[-1].error is AFTER[-1].error is Exception
    assert AFTER[-1].doubt


def test_an_error_is_named_without_its_words() -> None:
    assert name_of(client_error(400)) == "Code"
    assert name_of(boto.EndpointConnectionError(endpoint_url=URL)) == "EndpointConnectionError"


def test_a_doubt_never_equals_a_certainty() -> None:
    unlike: list[object] = [Silent("timeout", NOW), Unsent("timeout", NOW)]
    assert unlike[0] != unlike[1]
