"""A chunk's view of the table of lives: read once, changed in memory, written once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from streams.decide.lifecycle import next_look
from streams.mail.life import Life
from streams.mail.policy import JoinPolicy
from streams.pipeline import Effects, Recall
from streams.state.lives import pack_life, unpack_life


class Lives:
    """The lives of a chunk's messages."""

    def __init__(self, recall: Recall, keys: Sequence[bytes], now: int) -> None:
        """Recall the stored lives of *keys*, each once; nothing is unpacked before it is asked for."""
        unique = list(dict.fromkeys(keys))
        self._stored = dict(zip(unique, recall(unique), strict=True))
        self._changed: dict[bytes, Life] = {}
        self._parked: set[bytes] = set()
        self._now = now

    def get(self, key: bytes) -> Life:
        """Return a message's life as it stands; a new one where nothing is stored."""
        life = self._changed.get(key)
        if life is not None:
            return life
        stored = self._stored[key]
        return Life(self._now, self._now) if stored is None else unpack_life(stored)

    def put(self, key: bytes, life: Life, *, parked: bool = False) -> None:
        """Keep a life as it is now; *parked* where feedback has newly begun to wait in it."""
        self._changed[key] = life
        if parked:
            self._parked.add(key)

    def write(self, effects: Effects, policy: JoinPolicy) -> None:
        """Write what has changed, and say when to look again at what is new or waits."""
        looks: defaultdict[int, list[bytes]] = defaultdict(list)
        stored, parked = self._stored, self._parked
        for key, life in self._changed.items():
            effects.writes[key] = pack_life(life)
            if stored[key] is None or key in parked:
                looks[next_look(life, policy)].append(key)
        effects.wake.extend(looks.items())
