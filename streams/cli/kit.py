"""The words of `ses-streams kit`: what other teams need to publish what we read, and what is wrong where they do.

What a kit is made of, what can be wrong, how it is judged and how a topic is read stand in files of their own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import completion
from streams.cli.options import BrokersOption, JsonOption, ProgressOption, now

if TYPE_CHECKING:
    from streams.cli.kit_findings import Found
    from streams.cli.kit_judging import Judge

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="For teams that publish to us: take a kit, check a topic."
)

DirArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Where to write it.", show_default=False)]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over files that were changed.")]
TopicOption = Annotated[
    str,
    typer.Option(
        "--topic",
        metavar="TOPIC",
        help="send-requests, sends or feedback.",
        show_default=False,
        autocompletion=completion.produced,
    ),
]
LastOption = Annotated[int, typer.Option("--last", min=1, metavar="N", help="So many records of each partition.")]
FromBeginningOption = Annotated[bool, typer.Option("--from-beginning", help="All records that the topic holds.")]

WRITE_HELP = "Example: ses-streams kit write ses-streams-kit, then python ses-streams-kit/python/publish.py verify"
CHECK_HELP = "Examples: ses-streams kit check --topic sends; ses-streams kit check --topic feedback --last 50000 --json"


@app.command(epilog=WRITE_HELP)
def write(directory: DirArgument, *, force: ForceOption = False, as_json: JsonOption = False) -> None:
    """Write a kit for a team: schemas, ids, golden bytes, and a small producer in Python, Java, Go and Node.

    With --json, the name of each file that was written.

    Exit codes: 0 done, 1 there are changed files and nothing was written, 3 the disk refused.
    """
    from streams.cli import FOUND
    from streams.cli.kit_files import differing, write_kit
    from streams.cli.shown import people

    changed = [] if force else differing(directory)
    if changed:
        people(f"{directory} has other files of these names, and nothing was written: {', '.join(changed)}")
        people("    fix: take another directory, or write over them with --force")
        raise typer.Exit(FOUND)
    files = write_kit(directory)
    if as_json:
        sys.stdout.write("".join(json.dumps({"file": str(directory / name)}) + "\n" for name in files))
    people(f"{len(files)} files are in {directory}: begin with {directory / 'README.md'}")


@app.command(epilog=CHECK_HELP)
def check(
    *,
    topic: TopicOption,
    last: LastOption = 1_000,
    from_beginning: FromBeginningOption = False,
    as_json: JsonOption = False,
    progress: ProgressOption = None,
    brokers: BrokersOption = None,
) -> None:
    """Read a topic that others write to, and say what is wrong with it, how often, where first, and how to mend it.

    Nothing is written, no group is joined, no address is shown. Notes do no harm and leave the exit code at 0.

    Exit codes: 0 nothing is wrong, 1 something is, 2 wrong words or settings, 3 the brokers or the registry failed.
    """
    from streams.cli import FOUND
    from streams.cli.kit_reading import judged
    from streams.cli.shown import Bar, counted, people
    from streams.emit.codec import codec_of
    from streams.settings import load_settings
    from streams.topics import topic_name

    settings = load_settings(brokers=brokers)
    role = _role(topic, settings.topic_prefix)
    name = topic_name(settings.topic_prefix, role)
    judging = _judging(codec_of(settings), now())
    with Bar(f"reading {name}", shown=progress) as bar:
        judge, held = judged(settings, role, None if from_beginning else last, judging, bar.told)
    harmful = _report(judge.found(), as_json=as_json)
    wrong = f"{counted(harmful, 'thing')} wrong" if harmful else "nothing is wrong"
    people(f"{name}: {judge.records:,} of {counted(held, 'record')} read, {wrong}")
    if harmful:
        raise typer.Exit(FOUND)


@app.command(hidden=True)
def golden() -> None:
    """Print kit/golden.json, for `make docs`."""
    from streams.cli.kit_golden import golden_text

    sys.stdout.write(golden_text())


def _role(topic: str, prefix: str) -> str:
    """Return the role of a topic that is named by its role or by its whole name."""
    from streams.cli.kit_golden import PRODUCED

    role = topic.removeprefix(prefix)
    if role not in PRODUCED:
        raise typer.BadParameter(f"wants one of {', '.join(PRODUCED)}", param_hint="--topic")
    return role


def _judging(codec: Any, at: int) -> Any:
    from streams.cli.kit_judging import Judge

    def make(name: str, count: int) -> Judge:
        return Judge(codec, name, count, at)

    return make


def _report(found: list[Found], *, as_json: bool) -> int:
    """Print the findings; return how many of them do harm."""
    from streams.cli.kit_findings import Harm

    for one in found:
        sys.stdout.write(_line(one) if as_json else _words(one))
    return sum(one.rule.harm is not Harm.NOTE for one in found)


def _words(found: Found) -> str:
    """Return a finding for people."""
    from streams.cli.shown import counted

    many = f"{counted(found.records, 'record')} " if found.records else ""
    place = f"; first at {found.first[0]}/{found.first[1]}" if found.first is not None else ""
    detail = f"; {found.detail}" if found.detail else ""
    said = f"{found.rule.harm.value:<6} {found.rule.name}: {many}{found.rule.words}{detail}{place}\n"
    return f"{said}       fix: {found.rule.fix}\n"


def _line(found: Found) -> str:
    """Return a finding as a line of JSON."""
    import orjson

    place = None if found.first is None else {"partition": found.first[0], "offset": found.first[1]}
    said = {
        "finding": found.rule.name,
        "harm": found.rule.harm.value,
        "records": found.records,
        "first": place,
        "words": found.rule.words,
        "detail": found.detail,
        "fix": found.rule.fix,
    }
    return orjson.dumps(said).decode() + "\n"
