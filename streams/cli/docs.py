"""The pages of docs/ that are made from the code: settings, topics, metrics, rules. A test holds them to it.

What the tables cannot say (why a default is what it is, how to add workers up) stands here as text around them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.doctor.page import doctor_page
from streams.cli.markdown import page, table
from streams.cli.metrics_page import metrics_page
from streams.cli.reference import command_line_page
from streams.cli.rule_pages import auto_replies_page, refusals_page

_SETTINGS = """Every word can be set in the environment, as named here, or in a TOML file named by `--config` or
`SES_STREAMS_CONFIG`, in lower case and with tables for levels: `SES_STREAMS_WEB__PORT=8081` is

    [web]
    port = 8081

The environment goes before the file, the file before the default. An empty variable counts as not set; a list is
separated by commas. A word that does not exist is refused, with the nearest one that does (variables that Kubernetes
makes for a Service called `ses-streams` are passed over). `ses-streams config` shows each value and where it comes
from. Secrets are never shown.
"""
_SETTINGS_WHY = """## Why some defaults are what they are

- **web.host is 127.0.0.1.** In a container set it to `0.0.0.0`, or no probe and no scraper gets through. Forgetting
  that is loud and takes a minute to mend; the other default would open the port of every laptop and every host
  network, silently.
- **replication is 3**, because what is acknowledged must survive the loss of a broker: with 3, `min.insync.replicas`
  is 2. A single broker needs `SES_STREAMS_REPLICATION=1`.
- **dispatch.enabled is false**: nothing sends mail that was not told to.
- **partitions is 4**, enough to try it; take 24 for production. It cannot be changed later, because a key would move
  to another partition than its state.
- **engine.session_timeout_ms is 45,000**, as in Apache Kafka's own clients. With `engine.instance_id` (in Kubernetes,
  the pod's name) a restart within that time moves no partition.
- **log.key**: without one, fingerprints of addresses change at every start and differ between workers. Take any
  secret of 16 characters or more, the same for all workers: then a log can be followed over restarts and workers.
- **log.format is auto**: lines for people on a terminal, else one JSON object a line: `at`, `level`, `worker`
  (engine.instance_id, or host and process), `logger`, `message`, `topic`, `partition` and `offset` where the line is
  about a place, `error` where there is one. Addresses are fingerprints in either.
"""

_TOPICS = """Made by `ses-streams topics create`, held against the brokers by `ses-streams topics check`; never created
by accident, never altered. `ses.` is `SES_STREAMS_TOPIC_PREFIX`, `ses-streams` is `SES_STREAMS_GROUP`. Keys are plain
UTF-8; producers partition by murmur2, as Java and Faust do (librdkafka: `partitioner=murmur2_random`). Values are Avro
in the Confluent wire format.
"""
_TOPICS_WHY = """## Configuration

Retention counts from a record's arrival (`LogAppendTime`), so that old events can be ingested without being deleted at
once. A tombstone stays 7 days, longer than any reader should be away. Records made of other records may be 4 MiB large.
With three copies or more, `min.insync.replicas` is 2.
"""


def docs(directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write them.")]) -> None:
    """Write the pages of docs/ that are made from the code."""
    for name, made in PAGES.items():
        (directory / name).write_text(made(), encoding="utf-8")


def settings_page() -> str:
    """Return docs/settings.md."""
    from streams.settings import known

    rows = [(f"`{each.variable}`", _code(each.default), each.about) for each in known()]
    return page("Settings", _SETTINGS, table(("variable", "default", "what it is"), rows), _SETTINGS_WHY)


def topics_page() -> str:
    """Return docs/topics.md."""
    from streams.topics import NULL_MEANS, ROLES, TABLES, changelog_name, plan, topic_name

    head = ("topic", "key", "value", "written by", "kept", "what it holds")
    rows = []
    for role, spec in ROLES.items():
        kept = "compacted" if spec.days is None else f"{spec.days} days"
        value = f"{spec.value}, null: {NULL_MEANS[role]}" if role in NULL_MEANS else spec.value
        rows.append((f"`{topic_name('ses.', role)}`", spec.key, value, spec.written_by, kept, spec.about))
    for kept_in, key in TABLES.items():
        name = f"`{changelog_name('ses-streams', kept_in)}`"
        rows.append((name, key, "stored form", "its worker", "compacted", f"The changelog of the table {kept_in}."))
    planned = plan(prefix="ses.", partitions=4, replication=3, group="ses-streams")
    configs = [(f"`{topic.name}`", _config(topic.config)) for topic in planned]
    return page("Topics", _TOPICS, table(head, rows), _TOPICS_WHY, table(("topic", "configuration"), configs))


def _config(config: Mapping[str, str]) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in config.items())


def _code(value: object) -> str:
    return "-" if value is None or value == [] else f"`{str(value).lower() if isinstance(value, bool) else value}`"


PAGES: Mapping[str, Callable[[], str]] = {
    "command-line.md": command_line_page,
    "settings.md": settings_page,
    "topics.md": topics_page,
    "metrics.md": metrics_page,
    "refusals.md": refusals_page,
    "auto-replies.md": auto_replies_page,
    "doctor.md": doctor_page,
}
