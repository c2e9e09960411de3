"""The same stories on a day without workers, brokers or faults: the hops alone, over memory, all told at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from streams.pipeline import Chunk, Effects, Hop
from streams.state.lives import unpack_life
from streams.state.memory import MemoryTable
from streams.state.standings import unpack_standing
from tests.builders import CODEC, NOON
from tests.simulation.hops import BY_MESSAGE, BY_RECIPIENT
from tests.simulation.stories import MINUTE, Input, Story

PARKED = 40 * MINUTE


@dataclass(frozen=True, slots=True)
class Calm:
    """What comes of a calm day: outcomes by id, and both tables."""

    outcomes: dict[str, dict[str, Any]]
    lives: dict[bytes, bytes]
    standings: dict[bytes, bytes]


def calm(stories: Iterable[Story]) -> Calm:
    """Return what comes of *stories*."""
    inputs = [one for story in stories for one in story.inputs if one not in story.spoilt]
    lives, standings = MemoryTable(), MemoryTable()
    said: list[bytes | None] = []
    for topic in ("sends", "feedback"):
        told = [one for one in inputs if one.topic == topic]
        said += _outcomes(_work(BY_MESSAGE, lives, topic, told))
    while (due := lives.next_due()) is not None and due <= NOON + PARKED:
        effects = BY_MESSAGE.wake(lives.take_due(), lives.recall, due)
        lives.apply(effects)
        said += _outcomes(effects)
    _work(BY_RECIPIENT, standings, "outcomes", [Input(0, "outcomes", b"k", value) for value in said])
    records = [CODEC.decode("mail.Outcome", value) for value in said if value is not None]
    return Calm({one["outcome_id"]: one for one in records}, lives.values, standings.values)


def _work(hop: Hop, table: MemoryTable, topic: str, told: list[Input]) -> Effects:
    chunk = Chunk(
        topic=topic,
        partition=0,
        keys=[one.key for one in told],
        values=[one.value for one in told],
        offsets=range(len(told)),
    )
    effects = hop.work(chunk, table.recall, NOON)
    table.apply(effects)
    return effects


def _outcomes(effects: Effects) -> list[bytes | None]:
    batch = effects.outputs.get("outcomes")
    return [] if batch is None else batch.values


def facts_of_life(value: bytes | None) -> Any:
    """Return what is known of a message, without when it was heard."""
    return None if value is None else unpack_life(value)._replace(born_at=0, touched_at=0)


def facts_of_standing(value: bytes | None) -> Any:
    """Return what is known of a person, without when it was heard and what waits for which time."""
    if value is None:
        return None
    standing = unpack_standing(value)._replace(touched_at=0, look_at=0, said_waiting=b"", waits=(), probe=None)
    return standing._replace(spent=())
