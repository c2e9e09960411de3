"""The words of `ses-streams ingest`: SES events from files to topics, or, with --dry-run, to the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FilesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE|DIR|s3://BUCKET/PREFIX|-...",
        help="Files, directories or objects in S3 of SES events, or - for standard input.",
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print what would be published; needs no broker.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout: one object a line, or the summary.")]
BrokersOption = Annotated[
    str | None, typer.Option("--brokers", metavar="HOST:PORT", help="Instead of SES_STREAMS_BROKERS.")
]
ResumeOption = Annotated[
    Path | None,
    typer.Option("--resume", metavar="FILE", help="Note in FILE what is acknowledged, and leave out what it notes."),
]
RateOption = Annotated[
    float | None, typer.Option("--rate", metavar="N", min=0.001, help="At most N records a second; else no limit.")
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
    resume: ResumeOption = None,
    rate: RateOption = None,
    progress: ProgressOption = None,
) -> None:
    """Read SES events from files or objects in S3 and publish them as feedback.

    JSON, NDJSON, arrays, objects glued together (Firehose) and gzip of these; both formats of SES, bare or in SNS, SQS,
    EventBridge or Lambda envelopes. Confirmations are no events and are left out; what cannot be used becomes a dead
    letter, and the rest goes on. Lines such as {"mail.Send": {...}} and {"mail.Feedback": {...}} are published as they
    are. Mail that you received, raw (*.eml, or as SES keeps it in S3), in SES's Received notifications, or as lines
    {"received": {...}}, counts where a machine answers a mail of yours or it is a report about one; all other mail is
    left out. A directory, and what lies in S3, is walked in order of name: *.json, *.ndjson, *.jsonl, *.log, *.gz,
    *.txt, *.eml, names without a suffix. S3 is asked where SES_STREAMS_INTAKE__OBJECTS__* says, as AWS's default chain
    says.

    Reading a file twice does no harm: an event's id comes from its content, and the worker knows it again. So with
    --resume a run that was killed goes on at the first file that was not acknowledged, from its beginning.

    Exit codes: 0 all was read and is acknowledged (dead letters are counted, and are no failure), 2 wrong words or
    settings, 3 the brokers or the disk failed, or S3: what was acknowledged stays; run it again. Also 3 where single
    files could not be read (packed by Snappy, Parquet, gone meanwhile): they are named, and the others are in.
    """
    from streams.cli.ingesting import Ways, run
    from streams.errors import WORLD_FAILED
    from streams.intake.sources import STDIN, is_elsewhere

    for name in files:
        if name != STDIN and not is_elsewhere(name) and not Path(name).exists():
            raise typer.BadParameter(f"there is no file or directory {name}", param_hint="FILE|DIR|-")
    if dry_run and resume is not None:
        raise typer.BadParameter("a dry run acknowledges nothing that could be noted", param_hint="--resume")
    ways = Ways(dry_run=dry_run, json=json, brokers=brokers, progress=progress, resume=resume, rate=rate)
    if not run(files, ways):
        raise typer.Exit(WORLD_FAILED)
