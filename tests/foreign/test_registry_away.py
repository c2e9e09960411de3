"""A registry that is slow, refuses, or is away: known ids go on, an unknown one waits, and then it stops a worker.

Nothing becomes a dead letter for it: what nobody could be asked about is as good as any other record.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from streams.partition import partitions
from streams.schemas.avsc import read_directory
from streams.schemas.files import schema_home
from tests.builders import send
from tests.foreign.clients import Post
from tests.foreign.line import PARTITIONS, PATIENCE_S, Line
from tests.foreign.test_foreign import JAVA, check_joined, delivery, ids

pytestmark = pytest.mark.kafka

IMPATIENT = """
import sys
from streams.engine import asking
asking.PATIENCE_S = 2.0
from streams.cli import main
sys.argv[1:] = ["worker"]
main()
"""
WORLD_FAILED = 3


def of_another_team(line: Line, message_ids: list[str]) -> list[Post]:
    """Return sends under an id that only the registry can tell: our schema in other words."""
    schema = {**read_directory(schema_home())["mail.Send"], "doc": "Another team's copy."}
    row = line.twin.register(line.name("sends-value"), {"schema": json.dumps(schema)})
    header = b"\0" + row["id"].to_bytes(4, "big")
    return [Post("sends", one.encode(), header + line.codec.encode("mail.Send", send(one))[5:]) for one in message_ids]


def ours(line: Line, message_ids: list[str]) -> list[Post]:
    """Return sends under an id that needs no registry."""
    return [Post("sends", one.encode(), line.codec.encode("mail.Send", send(one))) for one in message_ids]


def asked(line: Line, schema_id: int) -> int:
    """Return how often the registry was asked for an id."""
    return line.twin.asked.count(f"GET /schemas/ids/{schema_id}")


@pytest.fixture
def line(make_line: Callable[[], Line]) -> Iterator[Line]:
    """Run a worker of a test's own, which has asked for our own schemas."""
    made = make_line()
    made.worker.start()
    made.wait_for(made.worker.ready, "a start")
    yield made
    made.twin.pause = 0.0


def test_a_registry_that_is_away_for_a_moment_holds_up_only_what_it_must_tell(line: Line) -> None:
    line.twin.refuse = 500
    theirs, known = ids("theirs", 1), ids("known")
    posts = of_another_team(line, theirs)
    schema_id = int.from_bytes((posts[0].value or b"")[1:5], "big")
    line.publish(JAVA, *posts)
    line.wait_for(lambda: asked(line, schema_id) >= 2, "a second question")
    elsewhere = [one for one in known if home(one) != home(theirs[0])]
    line.publish(JAVA, *ours(line, elsewhere), *[delivery(line, one) for one in elsewhere])
    check_joined(line, elsewhere)
    line.twin.refuse = None
    line.publish(JAVA, *[delivery(line, one) for one in theirs])
    check_joined(line, theirs)
    assert line.letters() == 0


def home(message_id: str) -> int:
    """Return the partition of a message."""
    return partitions([message_id.encode()], PARTITIONS)[0]


def test_a_slow_registry_holds_up_neither_other_partitions_nor_the_pages(line: Line) -> None:
    theirs = ids("slow", 1)
    elsewhere = [one for one in ids("quick") if home(one) != home(theirs[0])]
    line.twin.pause = 4.0
    posts = of_another_team(line, theirs)
    line.publish(JAVA, *posts)
    schema_id = int.from_bytes((posts[0].value or b"")[1:5], "big")
    line.wait_for(lambda: asked(line, schema_id) >= 1, "a question")
    line.publish(JAVA, *ours(line, elsewhere), *[delivery(line, one) for one in elsewhere])
    check_joined(line, elsewhere)
    assert line.worker.ready()
    assert line.twin.answered < len(line.twin.asked), "the registry has not answered yet: nobody waited for it"
    line.publish(JAVA, *[delivery(line, one) for one in theirs])
    check_joined(line, theirs)


def test_a_registry_that_stays_away_stops_the_worker_and_the_next_one_loses_nothing(
    make_line: Callable[[], Line],
) -> None:
    made = make_line()
    worker = subprocess.Popen(
        [sys.executable, "-c", IMPATIENT],
        env=made.worker._environment,
        stdout=subprocess.DEVNULL,
        stderr=(made.home / "impatient.log").open("wb"),
    )
    try:
        until = time.monotonic() + PATIENCE_S
        while not made.worker.ready():
            assert worker.poll() is None, (made.home / "impatient.log").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)
        made.twin.refuse = 503
        theirs = ids("away", 4)
        made.publish(JAVA, *of_another_team(made, theirs))
        assert worker.wait(PATIENCE_S) == WORLD_FAILED
    finally:
        worker.kill()
        worker.wait()
    said = (made.home / "impatient.log").read_text()
    assert "503 to GET /schemas/ids/" in said
    assert made.name("sends") + "/" in said
    assert "start the worker again" in said
    assert made.letters() == 0
    made.twin.refuse = None
    made.worker.start()
    made.publish(JAVA, *[delivery(made, one) for one in theirs])
    check_joined(made, theirs)
    assert made.letters() == 0
