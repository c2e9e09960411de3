"""The lines of a worker: which hop reads which topics, writes which, and keeps which table. Wired once, then read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from streams.engine.globaltables import DIRECTORY
from streams.engine.lanes import Line
from streams.engine.route import Route, Witness
from streams.errors import BadSettings
from streams.pipeline import Hop


class Lines:
    """Hops and their topics; *topics* is role to name, *group* begins every changelog's name."""

    def __init__(self, group: str, topics: Mapping[str, str]) -> None:
        """Start without a hop."""
        self._group = group
        self.topics = dict(topics)
        self._roles = {name: role for role, name in topics.items()}
        self._lines: dict[str, Line] = {}

    def __iter__(self) -> Iterator[Line]:
        """Yield each line."""
        return iter(self._lines.values())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._lines)

    def add(  # noqa: PLR0913, PLR0917 - what a hop is wired to, each its own kind of thing
        self,
        hop: Hop,
        inputs: Sequence[str],
        outputs: Sequence[str],
        table: str,
        witness: Witness | None,
        first: Sequence[str],
    ) -> None:
        """Wire a hop.

        Raises:
            BadSettings: a role has no topic, *first* is not among the outputs, or the table or an input is taken.
        """
        unknown = [role for role in (*inputs, *outputs) if role not in self.topics]
        if unknown or not inputs or table in {"", DIRECTORY, *self._lines} or not set(first) <= set(outputs):
            raise BadSettings(f"hop {hop.name}: inputs {inputs}, table {table!r}; without a topic: {unknown}")
        names = tuple(self.topics[role] for role in inputs)
        if any(name in line.inputs for line in self for name in names):
            raise BadSettings(f"hop {hop.name}: one input has one hop, or commits would be two-minded")
        self._lines[table] = Line(
            hop=hop,
            inputs=names,
            outputs=tuple(outputs),
            table=table,
            changelog=f"{self._group}-{table}-changelog",
            witness=witness,
            first=frozenset(first),
        )

    @property
    def keyed(self) -> set[str]:
        """Return the topics that must have the one number of partitions: inputs and changelogs."""
        return {name for line in self for name in (*line.inputs, line.changelog)}

    @property
    def others(self) -> set[str]:
        """Return the topics that are written to and nothing more."""
        return {self.topics[role] for line in self for role in line.outputs} - self.keyed

    def role_of(self, topic: str) -> str:
        """Return the role that a topic plays; a changelog plays none and keeps its name."""
        return self._roles.get(topic, topic)

    def rank_of(self, topic: str) -> int:
        """Return the place of a topic among its hop's inputs, which lean on each other in that order; 0 for others."""
        return next((line.inputs.index(topic) for line in self if topic in line.inputs), 0)

    def of_table(self, table: str) -> Line:
        """Return the line that keeps a table.

        Raises:
            BadSettings: none does.
        """
        if table not in self._lines:
            raise BadSettings(f"there is no table {table!r}")
        return self._lines[table]

    def of_changelog(self, topic: str) -> Line:
        """Return the line whose changelog a topic is."""
        return next(line for line in self if line.changelog == topic)

    def route(self, line: Line, counts: Mapping[str, int]) -> Route:
        """Return where a line's effects go; *counts* is how many partitions each topic has."""
        return Route(
            hop=line.hop,
            outputs={role: (self.topics[role], counts[self.topics[role]]) for role in line.outputs},
            changelog=line.changelog,
            witness=line.witness,
            first=line.first,
        )
