"""This machine's Python: whether the compiled short way is built and taken, and how many files may be open."""

from __future__ import annotations

import resource
from collections.abc import Iterator

from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.world import World
from streams.settings import Settings
from streams.topics import TABLES

NOT_BUILT = Rule(
    "NOT_COMPILED",
    Level.ADVICE,
    "the compiled short way is not installed: a worker does half as much",
    "pip install ./kernel, which wants a C compiler; then start the workers again",
)
NOT_TAKEN = Rule(
    "COMPILED_OFF",
    Level.ADVICE,
    "the compiled short way is installed, and not taken: a worker does half as much",
    "unset SES_STREAMS_ENGINE__COMPILED",
)
FEW_FILES = Rule(
    "FEW_OPEN_FILES",
    Level.ADVICE,
    "{limit:,} open files are allowed; tables of {partitions} partitions may want {wanted:,}",
    "ulimit -n {wanted}; LimitNOFILE={wanted} in a systemd unit",
)
FINE = Rule("MACHINE_FINE", Level.OK, "the compiled short way is taken, and {limit} open files are allowed")
RULES = (NOT_BUILT, NOT_TAKEN, FEW_FILES, FINE)

_OTHERS = 256
"""Sockets, logs, libraries."""
_OF_A_TABLE = 256
"""Files that each of RocksDB's databases keeps open at most (engine/rocks.py)."""


def look(world: World) -> list[Finding]:
    """Ask this process."""
    from streams.hops.compiled import kernel

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = None if soft == resource.RLIM_INFINITY else soft
    return list(judge(world.settings, installed=kernel is not None, limit=limit))


def judge(settings: Settings, *, installed: bool, limit: int | None) -> Iterator[Finding]:
    """Yield what slows or endangers a worker here, or that nothing does; *limit* of None is no limit."""
    tables = len(TABLES) - (not settings.dispatch.enabled)
    wanted = _OTHERS + _OF_A_TABLE * tables * settings.partitions
    found = []
    if not installed:
        found.append(NOT_BUILT.found())
    elif not settings.engine.compiled:
        found.append(NOT_TAKEN.found())
    if limit is not None and limit < wanted:
        found.append(FEW_FILES.found(limit=limit, wanted=wanted, partitions=settings.partitions))
    yield from found
    if not found:
        yield FINE.found(limit="any number of" if limit is None else f"{limit:,}")
