"""Messages that the real SNS signed, where somebody has some: a directory of posts, with the certificates in `certs`.

Its path is in SES_STREAMS_SNS_SAMPLES. Each message is checked as at the time it was sent.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from streams.inlets.sns.certificates import Certificates
from streams.inlets.sns.hosts import confirmation_url
from streams.inlets.sns.refusal import Refusal
from streams.inlets.sns.verify import Genuine, Verifier
from streams.intake.times import read_time
from tests.inlets.signing import Clock

FOLDER = os.environ.get("SES_STREAMS_SNS_SAMPLES", "")
SAMPLES = sorted(Path(FOLDER).glob("*.json")) if FOLDER else []


async def test_messages_of_the_real_sns_are_genuine_and_a_changed_one_is_not() -> None:
    if not FOLDER:
        pytest.skip("SES_STREAMS_SNS_SAMPLES names no directory: nobody has these but who kept some")
    assert SAMPLES, "the directory holds no *.json"
    for path in SAMPLES:
        body = path.read_bytes()
        said = json.loads(body)
        clock = Clock(read_time(said["Timestamp"]))

        async def shelf(url: str) -> bytes:
            return (Path(FOLDER) / "certs" / url.rpartition("/")[2]).read_bytes()

        verifier = Verifier([said["TopicArn"]], Certificates(shelf, clock), clock)
        found = await verifier.check(body, {})
        assert isinstance(found, Genuine), f"{path.name}: {found}"
        assert found.text == said["Message"]
        if "Token" in found.fields:
            assert confirmation_url(said["SubscribeURL"], found.topic_arn, said["Token"]) == said["SubscribeURL"]
        changed = json.dumps(said | {"Message": said["Message"] + " "}).encode()
        assert await verifier.check(changed, {}) is Refusal.SIGNATURE, path.name
