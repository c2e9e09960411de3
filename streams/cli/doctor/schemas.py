"""Schemas: ours as they were released, and known to the registry where one is set, under ids that can be asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.world import World
from streams.errors import SchemaUnknown

if TYPE_CHECKING:
    from streams.schemas.registry import Registry

CHANGED = Rule(
    "SCHEMA_NOT_AS_RELEASED",
    Level.WRONG,
    "{schema}: {fault}",
    "install ses-streams anew; who changed a schema runs `ses-streams schemas check`",
)
SILENT = Rule(
    "REGISTRY_SILENT",
    Level.WRONG,
    "{why}",
    "start the registry, or set SES_STREAMS_SCHEMA_REGISTRY__URL, __USERNAME and __PASSWORD",
    world=True,
)
UNREGISTERED = Rule(
    "SCHEMA_NOT_REGISTERED",
    Level.WRONG,
    "the registry does not have these as ours are: {schemas}",
    "ses-streams schemas register",
)
BY_LOCK = Rule("SCHEMAS_FINE_BY_LOCK", Level.OK, "{count} schemas are as released; ids come from schemas/lock.json")
FINE = Rule("SCHEMAS_FINE", Level.OK, "{count} schemas are as released, and registered at {url}")
RULES = (CHANGED, SILENT, UNREGISTERED, BY_LOCK, FINE)


def look(world: World) -> list[Finding]:
    """Hold our schemas against the lock, and ask the registry for each."""
    from streams.emit.codec import registry_of
    from streams.schemas.avsc import load_head
    from streams.schemas.checks import lock_faults
    from streams.schemas.files import schema_home

    home = schema_home()
    names = sorted(load_head(home))
    url = world.settings.schema_registry.url
    registry = registry_of(world.settings, url)
    lacking = {} if registry is None else _lacking(registry, names)
    return list(judge(lock_faults(home), lacking, url))


def _lacking(registry: Registry, names: Sequence[str]) -> dict[str, str]:
    """Return why the registry has no id for some of our schemas; one that is silent is not asked on."""
    lacking: dict[str, str] = {}
    for name in names:
        try:
            registry.id_of(name)
        except SchemaUnknown as why:
            lacking[name] = str(why)
            if _is_silence(str(why)):
                break
    return lacking


def judge(faults: Mapping[str, Sequence[str]], lacking: Mapping[str, str], url: str | None) -> Iterator[Finding]:
    """Yield what is wrong with the schemas, or that nothing is; *lacking* holds why the registry has no id for some."""
    told = [CHANGED.found(schema=name, fault=fault) for name, some in faults.items() for fault in some]
    silent = [why for why in lacking.values() if _is_silence(why)]
    if silent:
        told.append(SILENT.found(why=silent[0]))
    elif lacking:
        told.append(UNREGISTERED.found(schemas=", ".join(sorted(lacking))))
    yield from told
    if not told:
        yield BY_LOCK.found(count=len(faults)) if url is None else FINE.found(count=len(faults), url=url)


def _is_silence(why: str) -> bool:
    """Tell by the words of schemas/registry.py one that did not answer, or not to us, from one that lacks a schema."""
    return " gave no answer to " in why or " answered " in why
