"""How a stage takes up a chunk: what can be read, and belongs here, is worked on; the rest goes where it must go.

Shared by all stages: the unusable become dead letters, what lies on another partition than its key's is sent on, and
what is left is known by its place in the chunk. What a record says is the stage's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

from streams.emit.dead import DeadLetters
from streams.emit.rekey import Rekeying
from streams.errors import Unusable
from streams.pipeline import Chunk, Effects

NOTHING = b""
"""In place of a key: a record that says nothing to this stage."""


class Keyed(Protocol):
    """Something read from a record, and the key to which it belongs."""

    @property
    def key(self) -> bytes:
        """Return the key in normal form."""


T = TypeVar("T", bound=Keyed)


@dataclass(frozen=True, slots=True)
class Taken(Generic[T]):
    """What of a chunk is to be worked on.

    *places* are its records' places, in order; *said* has the key of each place, in normal form, and *facts* what was
    read at a place. A record that was only scanned has a key and no fact.
    """

    places: Sequence[int]
    said: list[bytes | None]
    facts: dict[int, T]

    @property
    def keys(self) -> list[bytes]:
        """Return the keys of all that is to be worked on, in order."""
        return cast("list[bytes]", [self.said[place] for place in self.places])


@dataclass(frozen=True, slots=True)
class Taking:
    """Takes up the chunks of one stage."""

    dead: DeadLetters
    rekeying: Rekeying

    def take(
        self,
        read: Callable[[bytes | None], T | None],
        chunk: Chunk,
        effects: Effects,
        now: int,
        scanned: list[bytes | None] | None = None,
    ) -> Taken[T]:
        """Return what is to be worked on; a record that *read* finds to say nothing is left out.

        *scanned* has the keys of records that need not be read (NOTHING of those that say nothing), None of the others.
        """
        said: list[bytes | None] = [None] * len(chunk) if scanned is None else scanned
        facts: dict[int, T] = {}
        whole = True
        for place, key in enumerate(said):
            if key is None:
                fact = self._read(read, chunk, place, effects, now)
                if fact is None:
                    whole = False
                else:
                    facts[place] = fact
                    said[place] = fact.key
            elif not key:
                whole = False
        places = range(len(said)) if whole else [place for place, key in enumerate(said) if key or place in facts]
        return Taken(self.rekeying.here(effects, chunk, places, said, now), said, facts)

    def _read(
        self, read: Callable[[bytes | None], T | None], chunk: Chunk, place: int, effects: Effects, now: int
    ) -> T | None:
        try:
            return read(chunk.values[place])
        except Unusable as why:
            self.dead.add(effects, chunk, place, why, now)
            return None
