"""What a hop must ask for is asked aside: its lane waits, the others go on, and silence stops the worker in the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from streams.engine import asking
from streams.errors import MustAsk, WorldFailed
from streams.pipeline import Chunk, Effects, Recall
from tests.engine.acting import Courier, Crew, until

Ask = Callable[[Sequence[bytes | None]], None]


class Asker(Courier):
    """Cannot work on what it has not asked for; *ask* does, and says so by returning."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self.ask = ask
        self.known = False
        self.asked_for: list[list[bytes | None]] = []
        self.threads: set[str] = set()

    def work(self, chunk: Chunk, recall: Recall, now: int) -> Effects:
        if chunk.partition == 0 and not self.known:
            raise MustAsk("what nobody told", self._ask)
        super().work(chunk, recall, now)
        return Effects(writes={key: b"%d" % chunk.partition for key in chunk.keys if key is not None})

    def _ask(self, values: Sequence[bytes | None]) -> None:
        self.asked_for.append(list(values))
        self.threads.add(threading.current_thread().name)
        self.ask(values)
        self.known = True


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once, and lose patience soon."""
    monkeypatch.setattr(asking, "AGAIN_S", 0.001)
    monkeypatch.setattr(asking, "PATIENCE_S", 0.2)


async def test_other_lanes_work_while_one_waits_for_an_answer(tmp_path: Path) -> None:
    answer = threading.Event()
    crew = Crew(hop := Asker(lambda _: assert_set(answer)), tmp_path)
    crew.open(0)
    crew.open(1)
    waits = crew.put(b"waits")
    await until(lambda: hop.threads)
    delivery = crew.put(b"goes on", partition=1)
    await until(lambda: delivery.done)
    assert not waits.done
    assert hop.worked == [("a", b"goes on")]
    answer.set()
    await until(lambda: waits.done)
    assert crew.changelog(0) == [(b"waits", b"0")]
    assert hop.asked_for == [[b""]], "the values of the chunk that could not be read"
    assert threading.main_thread().name not in hop.threads
    assert await crew.lanes.rest()


async def test_who_does_not_answer_is_asked_again_and_the_chunk_worked_on_once(tmp_path: Path) -> None:
    silences = 3

    def silent_at_first(_: Sequence[bytes | None]) -> None:
        nonlocal silences
        silences -= 1
        if silences >= 0:
            raise WorldFailed("no answer")

    crew = Crew(hop := Asker(silent_at_first), tmp_path)
    crew.open()
    delivery = crew.put(b"k")
    await until(lambda: delivery.done)
    assert len(hop.asked_for) == 4
    assert hop.worked == [("a", b"k")]
    assert crew.failures == []
    assert await crew.lanes.rest()


async def test_who_never_answers_stops_the_worker_with_nothing_acknowledged(tmp_path: Path) -> None:
    def silent(_: Sequence[bytes | None]) -> None:
        raise WorldFailed("the registry gave no answer")

    crew = Crew(Asker(silent), tmp_path)
    crew.open()
    delivery = crew.put(b"k")
    await until(lambda: crew.failures)
    [(where, why)] = crew.failures
    assert "a/0" in where
    assert "the registry gave no answer" in why
    assert not delivery.done
    assert crew.slate.written == {}


def assert_set(event: threading.Event) -> None:
    """Wait until *event* is set; fail in the end."""
    assert event.wait(30)
