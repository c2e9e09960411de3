"""The code on the page for producers does what the page says it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.foreign.clients import librdkafka
from tests.foreign.line import Line
from tests.foreign.test_foreign import check_joined, delivery

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "producers.md"
MESSAGE = "0102018f-example-000000"


@pytest.mark.parametrize(("client", "number"), [("confluent-kafka", 1), ("aiokafka", 2)])
def test_what_the_page_publishes_is_joined(
    line: Line, client: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    message_id = f"{MESSAGE}-{client}"
    for said, here in (
        ("localhost:9092", line.brokers),
        ('"ses.sends"', f'"{line.name("sends")}"'),
        (MESSAGE, message_id),
    ):
        blocks = [block.replace(said, here) for block in blocks]
    exec(blocks[0] + blocks[number], {})  # noqa: S102 - our own page
    line.publish(librdkafka(partitioner="murmur2_random"), delivery(line, message_id))
    check_joined(line, [message_id])
