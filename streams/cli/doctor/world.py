"""What a check is given: the settings, the time, and how long it may take. It asks nobody by itself."""

from __future__ import annotations

from typing import NamedTuple

from streams.settings import Settings
from streams.topics import TopicPlan, plan


class World(NamedTuple):
    """What is looked at. *now* in ms since the epoch; *patience_s* is for one question, a check may ask several."""

    settings: Settings
    now: int
    patience_s: float
    only: frozenset[str] = frozenset()
    """Groups that were asked for by name."""

    @property
    def planned(self) -> list[TopicPlan]:
        """Every topic as it should be."""
        said = self.settings
        return plan(
            prefix=said.topic_prefix, partitions=said.partitions, replication=said.replication, group=said.group
        )
