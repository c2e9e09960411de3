"""What a shell offers where a value is asked for: roles of topics, reasons, stages, streams, forms.

Typer completes commands and options by itself; this is the values. Each list is the one that the command itself checks
against, imported only when somebody asks for it, because completion must answer before it annoys. Typer leaves out
what does not begin as typed.
"""

from __future__ import annotations

from collections.abc import Iterable


def suppression_reasons() -> Iterable[str]:
    """Return why somebody may be suppressed."""
    from streams.decide.instruction import REASONS

    return sorted(REASONS)


def dead_reasons() -> Iterable[str]:
    """Return why a record may be unusable."""
    from streams.mail.deadletter import DeadReason

    return list(DeadReason)


def stages() -> Iterable[str]:
    """Return the stages that give records up."""
    from streams.mail.deadletter import Stage

    return list(Stage)


def topics() -> Iterable[str]:
    """Return the roles of all topics."""
    from streams.topics import ROLES

    return list(ROLES)


def produced() -> Iterable[str]:
    """Return the roles of the topics that others write to."""
    from streams.topics import ROLES

    return [role for role, spec in ROLES.items() if "upstream" in spec.written_by]


def streams() -> Iterable[str]:
    """Return the sending streams that the settings name; wrong settings are for the command to say."""
    from streams.errors import SesStreamsError
    from streams.settings import load_settings

    try:
        return load_settings().metrics.streams
    except SesStreamsError:
        return ()


def settings() -> Iterable[str]:
    """Return the names of all settings."""
    from streams.settings import known

    return [setting.name for setting in known()]


def simulated() -> Iterable[str]:
    """Return what the simulator can be told by --set."""
    from streams.cli.simulating import MORE

    return [f"{name}=" for name in MORE]


def checks(incomplete: str) -> Iterable[str]:
    """Return the groups of checks of doctor, behind those that are named already."""
    from streams.cli.doctor.table import CHECKS

    before = incomplete[: incomplete.rfind(",") + 1]
    return [f"{before}{check.name}" for check in CHECKS if check.name not in before.split(",")]


def forms() -> Iterable[str]:
    """Return the forms in which the simulator tells events."""
    from streams.simulator.words import Form

    return list(Form)


def event_sinks() -> Iterable[str]:
    """Return how a place begins to which the simulator tells events."""
    return "file:", "sns:", "kafka"
