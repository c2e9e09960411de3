"""Where in a topic a log line is about is read from the words that the engine itself writes."""

from __future__ import annotations

import logging

import pytest
from faust.types import TP

from streams.engine.delivery import Ledger
from streams.observe.places import place_of


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("ses.sends/3: offsets 17..20 were not fetched", ("ses.sends", 3, 17)),
        ("stopping: lane of ses.feedback/0 offsets 5..9: RuntimeError", ("ses.feedback", 0, 5)),
        ("ses-streams-lives-changelog/12 offset 99: we wait", ("ses-streams-lives-changelog", 12, 99)),
        ("ses.loops/1 at offset 8: TRUNCATED", ("ses.loops", 1, 8)),
        ("standby of a.b/1 has caught up at offset 7", ("a.b", 1, None)),
        ("global table: ses.loops/2: its end is gone: reading it anew", ("ses.loops", 2, None)),
        ("SES answered HTTP/1.1 503", None),
        ("state in /data/ses-streams/lives/3 is wiped", None),
        ("see https://example.com/page/2", None),
        ("5/7 of all", None),
        ("brokers 127.0.0.1:9092/1 and kafka:9092", None),
        ("recovering 4 partitions: 100 changelog offsets to read", None),
    ],
)
def test_a_place_is_read_and_what_only_looks_like_one_is_not(
    words: str, place: tuple[str, int, int | None] | None
) -> None:
    found = place_of(words)
    if place is None:
        assert found == {}
        return
    topic, partition, offset = place
    wanted = {"topic": topic, "partition": partition} | ({} if offset is None else {"offset": offset})
    assert found == wanted


def test_a_line_that_the_engine_really_writes_is_read(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        Ledger().jump(TP("ses.sends", 3), 10, 25, generation=1)
    (message,) = caplog.messages
    assert place_of(message) == {"topic": "ses.sends", "partition": 3, "offset": 10}
