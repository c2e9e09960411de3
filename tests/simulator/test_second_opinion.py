"""moto's SES as a second opinion: the same requests, and answers of the same shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.simulator.conftest import Run, simple


@pytest.fixture
def both(run: Run) -> Iterator[tuple[Any, Any]]:
    """Return a client of the simulator's and one of moto's."""
    ours = run().client
    ours.get_account()  # connects before moto stands between
    with mock_aws(config={"core": {"passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}}):
        yield ours, boto3.client("sesv2", region_name="us-east-1")


def _shape(answer: Any) -> Any:
    """Return what is in an answer without what it says."""
    if isinstance(answer, dict):
        return {name: _shape(value) for name, value in answer.items() if name != "ResponseMetadata"}
    return type(answer).__name__


def test_a_sent_mail_has_an_id(both: tuple[Any, Any]) -> None:
    for client in both:
        client.create_email_identity(EmailIdentity="shop@example.com")
        words = simple("ann@example.org", FromEmailAddress="shop@example.com")
        assert client.send_email(**words)["MessageId"]


def test_the_quota_is_described_alike(both: tuple[Any, Any]) -> None:
    theirs = boto3.client("ses", region_name="us-east-1").get_send_quota()  # moto has no GetAccount yet
    assert _shape(both[0].get_account()["SendQuota"]) == _shape(theirs)


def test_identities_are_described_alike(both: tuple[Any, Any]) -> None:
    answers = []
    for client in both:
        made = client.create_email_identity(EmailIdentity="example.com")
        listed = client.list_email_identities()["EmailIdentities"]
        answers.append((made["IdentityType"], [(one["IdentityName"], one["IdentityType"]) for one in listed]))
    assert answers[0] == answers[1]


def test_an_unverified_sender_is_rejected_by_both(run: Run) -> None:
    ours = run(verify=True).client
    ours.get_account()
    codes = set()
    with mock_aws(config={"core": {"passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}}):
        for client in (ours, boto3.client("sesv2", region_name="us-east-1")):
            with pytest.raises(ClientError) as error:
                client.send_email(**simple("ann@example.org"))
            codes.add(error.value.response["Error"]["Code"])
    assert codes == {"MessageRejected"}
