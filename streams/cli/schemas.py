"""`ses-streams schemas`: prove the schemas offline, and register them with a registry."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.errors import BadSettings

if TYPE_CHECKING:  # the command line starts quickly without them
    from streams.schemas.checks import Finding
    from streams.schemas.registry import Registry

app = typer.Typer(help="Register the schemas, or check that they may change.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
DirectoryOption = Annotated[
    Path | None,
    typer.Option("--dir", exists=True, file_okay=False, help="Check these schema files instead of our own."),
]
UrlOption = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The registry, instead of the one in the settings.")
]


@app.command()
def check(*, directory: DirectoryOption = None, as_json: JsonOption = False) -> None:
    """Prove offline that the schemas are sound, and that every version can read every other.

    All parse, and defaults fit; every field has a doc; every enum a default symbol; lock.json knows each as it is;
    every pair of released versions and today's is compatible in both directions (FULL_TRANSITIVE); every example goes
    to the wire and comes back.

    Exit codes: 0 sound, 1 a fault, with words that say what to do.
    """
    from streams.schemas.checks import check_schemas

    findings = list(check_schemas(directory))
    for line in _as_json(findings) if as_json else _as_words(findings):
        sys.stdout.write(line + "\n")
    if any(finding.fault for finding in findings):
        raise typer.Exit(1)


@app.command()
def register(*, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Register the eight schemas, with their references, as <topic>-value, and set FULL_TRANSITIVE for them.

    Doing it again changes nothing. Do it before the first worker with a registry starts, and before each release
    that changes a schema.

    Exit codes: 0 done, 2 no registry is set, 3 the registry refused or did not answer.
    """
    for row in _registry(url).register():
        words = f"{row.subject}: version {row.version}, id {row.id} ({row.schema})"
        sys.stdout.write((json.dumps(asdict(row)) if as_json else words) + "\n")


def _registry(url: str | None) -> Registry:
    """Return the registry of the command line or of the settings."""
    from streams.emit.codec import registry_of
    from streams.settings import load_settings

    settings = load_settings()
    registry = registry_of(settings, settings.schema_registry.url if url is None else url)
    if registry is None:
        raise BadSettings("no registry is set: say --url URL, or set SES_STREAMS_SCHEMA_REGISTRY__URL")
    return registry


def _as_json(findings: Sequence[Finding]) -> list[str]:
    return [json.dumps({**asdict(finding), "ok": finding.fault is None}) for finding in findings]


def _as_words(findings: Sequence[Finding]) -> list[str]:
    """Return a line a check that found nothing, a line a fault, and the sum."""
    faults = [finding for finding in findings if finding.fault]
    lines = []
    for word in dict.fromkeys(finding.check for finding in findings):
        mine = [finding for finding in findings if finding.check == word]
        bad = [finding for finding in mine if finding.fault]
        lines += [f"FAULT  {finding.schema}  {word}: {finding.fault}" for finding in bad]
        lines += [] if bad else [f"ok     {word}: {len({finding.schema for finding in mine})} schemas"]
    summary = f"{len(faults)} faults: nothing is released until they are mended" if faults else "sound"
    return [*lines, summary]
