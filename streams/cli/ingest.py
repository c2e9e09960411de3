"""The words of `ses-streams ingest`: SES events from files to topics, or, with --dry-run, to the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FilesArgument = Annotated[
    list[str],
    typer.Argument(metavar="FILE|DIR|-...", help="Files or directories of SES events, or - for standard input."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print what would be published; needs no broker.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout: one object a line, or the summary.")]
BrokersOption = Annotated[
    str | None, typer.Option("--brokers", metavar="HOST:PORT", help="Instead of SES_STREAMS_BROKERS.")
]
ProgressOption = Annotated[
    bool | None, typer.Option("--progress/--no-progress", help="A bar on stderr; by itself only on a terminal.")
]


def ingest(
    files: FilesArgument,
    *,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    brokers: BrokersOption = None,
    progress: ProgressOption = None,
) -> None:
    """Read SES events from files and publish them as feedback.

    JSON, NDJSON, arrays, objects glued together (Firehose) and gzip of these; both formats of SES, bare or in SNS, SQS,
    EventBridge or Lambda envelopes. Confirmations are no events and are left out; what cannot be used becomes a dead
    letter, and the rest goes on. Lines such as {"mail.Send": {...}} and {"mail.Feedback": {...}} are published as they
    are. Mail that you received, raw (*.eml, or as SES keeps it in S3), in SES's Received notifications, or as lines
    {"received": {...}}, counts where a machine answers a mail of yours; all other mail is left out. A directory is
    walked in order of name: *.json, *.ndjson, *.jsonl, *.log, *.gz, *.txt, *.eml, names without a dot.

    Reading a file twice does no harm: an event's id comes from its content, and the worker knows it again.

    Exit codes: 0 all was read and is acknowledged (dead letters are counted, and are no failure), 2 wrong words or
    settings, 3 a file or the brokers failed: what was acknowledged stays; run it again.
    """
    from streams.cli.ingesting import run

    for name in files:
        if name != "-" and not Path(name).exists():
            raise typer.BadParameter(f"there is no file or directory {name}", param_hint="FILE|DIR|-")
    run(files, dry_run=dry_run, json=json, brokers=brokers, progress=progress)
