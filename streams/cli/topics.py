"""`ses-streams topics create|check`: the topics as planned, made where missing, and held against what is there."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from streams.settings import Settings
    from streams.topics import Difference, TopicPlan, TopicState

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Create the topics, or check them against the plan.")

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be made, and make nothing.")]
BrokersOption = Annotated[
    str | None, typer.Option("--brokers", metavar="HOST:PORT", help="Instead of SES_STREAMS_BROKERS.")
]


@app.command()
def create(*, dry_run: DryRunOption = False, as_json: JsonOption = False, brokers: BrokersOption = None) -> None:
    """Create every topic that is missing, changelogs too; what exists stays as it is.

    Names, partitions and replication come from the settings (`ses-streams config`). The number of partitions of an
    existing topic is never changed, because every key's records and its state would part company: where it differs,
    nothing is made.

    Exit codes: 0 done, 1 partitions differ, 2 bad settings, 3 the brokers failed.
    """
    from streams.cli import FOUND
    from streams.emit.admin import ensure_topics
    from streams.topics import Fault, difference

    settings, planned, existing = _look(brokers)
    differences = [found for found in difference(planned, existing) if found.fault is not Fault.MISSING]
    _warn(differences)
    if any(found.fault is Fault.PARTITIONS for found in differences):
        raise typer.Exit(FOUND)
    missing = {topic.name for topic in planned} - set(existing)
    made = missing if dry_run else set(ensure_topics(settings.brokers, settings.security, planned))
    did = "would make" if dry_run else "made"
    _say(({"did": did if topic.name in made else "kept", **_shape(topic)} for topic in planned), as_json=as_json)


@app.command()
def check(*, as_json: JsonOption = False, brokers: BrokersOption = None) -> None:
    """Say what differs from the plan, and what to do about it.

    Exit codes: 0 all is as planned, 1 something differs, 2 bad settings, 3 the brokers failed.
    """
    from streams.cli import FOUND
    from streams.topics import difference

    _, planned, existing = _look(brokers)
    differences = difference(planned, existing)
    if as_json:
        _say((_fault(found) for found in differences), as_json=True)
    else:
        _warn(differences)
        sys.stderr.write(f"{len(planned)} topics planned, {len(differences)} differences\n")
    if differences:
        raise typer.Exit(FOUND)


def _look(brokers: str | None) -> tuple[Settings, list[TopicPlan], Mapping[str, TopicState]]:
    """Return the settings, the plan and what is there."""
    from streams.emit.admin import existing_topics
    from streams.settings import load_settings
    from streams.topics import plan

    settings = load_settings(brokers=brokers)
    planned = plan(
        prefix=settings.topic_prefix,
        partitions=settings.partitions,
        replication=settings.replication,
        group=settings.group,
    )
    return settings, planned, existing_topics(settings.brokers, settings.security, planned)


def _shape(topic: TopicPlan) -> dict[str, Any]:
    """Return a topic as it is planned, for JSON."""
    return {
        "topic": topic.name,
        "partitions": topic.partitions,
        "replication": topic.replication,
        "config": dict(topic.config),
    }


def _fault(found: Difference) -> dict[str, Any]:
    """Return a difference, for JSON."""
    return {
        "topic": found.topic,
        "fault": found.fault.value,
        "planned": found.planned,
        "found": found.found,
        "fix": found.fix,
    }


def _say(rows: Iterable[dict[str, Any]], *, as_json: bool) -> None:
    """Print what was done, a line a topic."""
    import orjson

    for row in rows:
        words = f"{row.get('did', ''):<11}{row['topic']}"
        sys.stdout.write((orjson.dumps(row).decode() if as_json else words) + "\n")


def _warn(differences: Iterable[Difference]) -> None:
    """Print differences for people, on stderr; topics with the same one share its fix."""
    alike: dict[tuple[str, str], list[str]] = {}
    for found in differences:
        words = "missing" if found.found == "none" else f"found {found.found}, planned {found.planned}"
        alike.setdefault((words, found.fix), []).append(found.topic)
    for (words, fix), topics in alike.items():
        sys.stderr.write(f"{', '.join(topics)}: {words}\n    fix: {fix}\n")
