"""What an operator's commands work with: settings and codec, one topic read as a table, and the outbox.

One place, so that each of them reads with the same bar, says the same of a record that cannot be read, and ends with
the same codes. What is asked of the records, and what is decided, stands in the commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import typer

from streams.cli import FOUND
from streams.cli.shown import Bar, counted, people, say
from streams.emit.codec import codec_of
from streams.emit.instruct import Outbox
from streams.emit.tables import read_table
from streams.settings import load_settings
from streams.topics import topic_name

SHOWN_FAULTS = 20
"""So many records or lines that cannot be used are named one by one; of more only the number is said."""

Records = Iterator[dict[str, Any]]


class Desk:
    """An operator's desk: opened once a command."""

    def __init__(self, brokers: str | None) -> None:
        """Read the settings, with *brokers* in place of theirs; raises BadSettings, SchemaUnknown."""
        self.settings = load_settings(brokers=brokers)
        self.codec = codec_of(self.settings)
        self.faults = Faults()

    @contextmanager
    def table(self, role: str, name: str, only: str | None = None) -> Iterator[Records]:
        """Read the topic of *role* and give its records of schema *name*, in the order of their keys."""
        topic = topic_name(self.settings.topic_prefix, role)
        key = None if only is None else only.encode()
        with ExitStack() as stack:
            with Bar(f"reading {topic}") as bar:
                table = stack.enter_context(read_table(self.settings, role, only=key, told=bar.told))
            yield table.records(self.codec, name, self.faults.add)

    def one(self, role: str, name: str, key: str) -> dict[str, Any] | None:
        """Return what a table says of one key, None where it says nothing."""
        with self.table(role, name, only=key) as records:
            return next(records, None)

    def outbox(self, *names: str) -> Outbox:
        """Return what publishes records of the schemas *names*."""
        return Outbox(self.settings, self.codec, *names)

    def post(self, name: str, record: dict[str, Any], *, as_json: bool) -> None:
        """Publish one record, and print it where JSON is wanted."""
        with self.outbox(name) as outbox:
            outbox.write(name, record)
        if as_json:
            say(name, record)

    def close(self) -> None:
        """Say which records could not be read; ends with exit code 1 where there are any."""
        self.faults.close("record cannot be read", "records cannot be read")


class Faults:
    """What could not be used: the first ones by their place, the others by their number. Never what was in them."""

    def __init__(self) -> None:
        """Start with none."""
        self.count = 0

    def add(self, words: str) -> None:
        """Note one."""
        self.count += 1
        if self.count <= SHOWN_FAULTS:
            people(words)

    def close(self, one: str, many: str) -> None:
        """Say how many there were; ends with exit code 1 where there were any."""
        if self.count:
            people(counted(self.count, one, many))
            raise typer.Exit(FOUND)
