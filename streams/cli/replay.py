"""`ses-streams replay`: what the hops would have made of these events, on event time and without a broker."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

from streams.errors import BadSettings
from streams.replay import Replay, Said
from streams.schemas.plain import to_plain

FilesArgument = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Files or directories of SES events or records, or - for standard input."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run/--publish", help="Only say what would come out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
UntilOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Let time pass on to then (ISO 8601) at the end; else for the parking time."),
]


def replay(
    files: FilesArgument, *, dry_run: DryRunOption = True, as_json: JsonOption = False, until: UntilOption = None
) -> None:
    """Play SES events, sends and outcomes through the rules, on event time, and say what comes out.

    Each line is an SES event in any envelope, a received mail ({"received": {...}}, SES's Received notification), or
    a record as this command prints it: {"mail.Send": {...}}, {"mail.SendRequest": {...}}, {"mail.Feedback": {...}},
    {"mail.Outcome": {...}}, {"mail.Instruction": {...}}. The policy is that of the settings, so
    SES_STREAMS_SUPPRESSION__SOFT_BOUNCES=3 shows what three instead of five would have meant.
    A mail.Retry is said when it is planned, and once more, as cancelled, when its reason goes.

    Exit codes: 0 done, 2 bad settings or words, 3 a file or the world failed.
    """
    from streams.intake.files import RECORDS, read_files
    from streams.schemas.codec import load_codec
    from streams.settings import load_settings
    from streams.settings.policy import policy_of

    if not dry_run:
        raise BadSettings("replay publishes nothing yet: leave --publish out, or use `ses-streams ingest`")
    end = None if until is None else _time(until)
    player = Replay(load_codec(), policy_of(load_settings()))
    show = _as_json if as_json else _as_words
    for said in player.run(read_files(files, records=RECORDS | {"mail.Instruction"}), end):
        sys.stdout.write(show(said) + "\n")


def _time(text: str) -> int:
    """Return a time as ms since the epoch; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadSettings("--until wants a time as ISO 8601, such as 2026-11-30T12:00:00Z") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _as_json(said: Said) -> str:
    """Return one record as a JSON object; a release as a null with its recipient."""
    line: dict[str, Any] = {said.name: None if said.record is None else to_plain(said.name, said.record)}
    if said.record is None:
        line["recipient"] = said.key
    if said.cancelled:
        line["cancelled"] = True
    return orjson.dumps(line).decode()


def _as_words(said: Said) -> str:
    """Return one record as a line for people."""
    kind = said.name.removeprefix("mail.").lower()
    if said.record is None:
        return f"{ENDED[said.name]:<12} {said.key}"
    record = to_plain(said.name, said.record)
    match said.name:
        case "mail.Outcome":
            words = f"{record['kind']:<16} {record['recipient']}  {record['reason']}  {record['occurred_at']}"
        case "mail.Suppression":
            until = record["until"] or "for good"
            words = f"{record['reason']:<16} {record['recipient']}  scope {record['scope']}, until {until}"
        case "mail.Retry":
            when = "cancelled" if said.cancelled else f"due {record['due_at']}"
            words = f"{'attempt ' + str(record['attempt']):<16} {record['recipient']}  {record['request_id']}  {when}"
        case "mail.LoopFlag":
            counted = f"{record['replies']} auto-replies to {record['local_address'] or 'an unknown address'}"
            words = f"{'LOOP':<16} {record['recipient']}  {counted}, until {record['until']}"
        case _:
            words = f"{record['reason']:<16} {record['topic']} {record['offset']}  {record['detail']}"
    return f"{kind:<12} {words}"


ENDED = {"mail.Suppression": "release", "mail.LoopFlag": "loop over"}
"""What a null says, in words."""
