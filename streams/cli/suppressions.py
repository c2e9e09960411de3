"""The words of `ses-streams suppressions`: whom we must not write to, and an operator's word on it.

`list` and `export` read what hop 2 has published. `add`, `release` and `import` write instructions, which hop 2 carries
out with who and why. What import, export and sync-ses do stands in files of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.options import (
    AddressArgument,
    BrokersOption,
    ByOption,
    DryRunOption,
    GivenReasonOption,
    JsonOption,
    OneAddressArgument,
    ProgressOption,
    ReasonOption,
    ScopeOption,
    StreamOption,
    UntilOption,
    WhyOption,
    decider,
    later,
    now,
    reason_symbol,
    said,
    who,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Whom we must not write to: look, add, release.")

ImportArgument = Annotated[str, typer.Argument(metavar="FILE|-", help="CSV, NDJSON, or one address a line.")]
ExportArgument = Annotated[str, typer.Argument(metavar="FILE|-", help="Where to; - is stdout.")]
FileWhyOption = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why, for those who ask later.")]

PullOption = Annotated[bool, typer.Option("--pull", help="Only from SES to us.")]
PushOption = Annotated[bool, typer.Option("--push", help="Only from us to SES.")]
DeleteOption = Annotated[
    bool, typer.Option("--delete-released", help="Take off either list whom the other has let go since.")
]
ApplyOption = Annotated[bool, typer.Option("--apply", help="Do it.")]

LIST_HELP = "Examples: ses-streams suppressions list --reason COMPLAINT; ses-streams suppressions list ann@example.com"
ADD_HELP = 'Example: ses-streams suppressions add ann@example.com --why "asked by phone, ticket 4711"'
RELEASE_HELP = 'Example: ses-streams suppressions release ann@example.com --why "new mailbox, ticket 4712"'
IMPORT_HELP = "Example: ses-streams suppressions import old-list.csv --dry-run"
EXPORT_HELP = "Examples: ses-streams suppressions export list.csv; ses-streams suppressions export - --json"
SYNC_HELP = "Example: ses-streams suppressions sync-ses, then ses-streams suppressions sync-ses --apply"


@app.command("list", epilog=LIST_HELP)
def list_(
    address: OneAddressArgument = None,
    *,
    reason: ReasonOption = None,
    stream: StreamOption = None,
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Show whom we must not write to, why, and until when.

    Exit codes: 0 done, 1 a record on the topic cannot be read, 2 wrong words or settings, 3 the brokers failed.
    """
    from streams.cli import rows
    from streams.cli.desk import Desk
    from streams.cli.shown import people, print_table, say

    only = None if address is None else who(address).recipient
    wanted = None if reason is None else reason_symbol(reason)
    desk = Desk(brokers)
    with desk.table("suppressions", "mail.Suppression", only) as records:
        found = (record for record in records if _is_wanted(record, wanted, stream))
        if as_json:
            for record in found:
                say("mail.Suppression", record)
        elif not print_table(rows.SUPPRESSION, map(rows.suppression, found)):
            people("nobody is suppressed" + _narrowed(only, wanted, stream))
    desk.close()


@app.command(epilog=ADD_HELP)
def add(
    address: AddressArgument,
    *,
    why: WhyOption,
    by: ByOption = None,
    scope: ScopeOption = "*",
    until: UntilOption = None,
    reason: GivenReasonOption = "MANUAL",
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Let nobody write to a recipient any more, or one sending stream only.

    Writes an instruction; a worker puts the recipient on the list, usually within a second or two.

    Exit codes: 0 done, 2 wrong words or settings, 3 the brokers failed.
    """
    from streams.cli.desk import Desk
    from streams.cli.shown import minute, people
    from streams.decide.instruction import Action
    from streams.emit.instruct import Word, instruction

    at, named = now(), who(address)
    end = later(until, "--until", at)
    word = Word(decider(by), at, said(why, "--why"))
    more = {"reason": reason_symbol(reason), "scope": said(scope, "--scope"), "until": end, "written": named.written}
    record = instruction(named.recipient, Action.SUPPRESS, word, **more)
    Desk(brokers).post("mail.Instruction", record, as_json=as_json)
    lasts = "for good" if end is None else f"until {minute(end)}"
    people(f"the instruction is written: suppressed {lasts}{_of(scope)}")


@app.command(epilog=RELEASE_HELP)
def release(
    address: AddressArgument,
    *,
    why: WhyOption,
    by: ByOption = None,
    scope: ScopeOption = "*",
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Let us write to a recipient again. What happens later counts again.

    Writes an instruction; a worker takes the recipient off the list. SES's own list is another one: see sync-ses.

    Exit codes: 0 done, also where the recipient was not on the list; 2 wrong words or settings, 3 the brokers failed.
    """
    from streams.cli.desk import Desk
    from streams.cli.shown import people
    from streams.decide.instruction import Action
    from streams.emit.instruct import Word, instruction

    named, word = who(address), Word(decider(by), now(), said(why, "--why"))
    record = instruction(named.recipient, Action.RELEASE, word, scope=said(scope, "--scope"), written=named.written)
    desk = Desk(brokers)
    there = desk.one("suppressions", "mail.Suppression", named.recipient)
    desk.post("mail.Instruction", record, as_json=as_json)
    unknown = "" if there is not None else "; at this moment the recipient is not on the list, is the address right?"
    people(f"the instruction is written: released{_of(scope)}{unknown}")


@app.command("import", epilog=IMPORT_HELP)
def import_(
    file: ImportArgument,
    *,
    why: FileWhyOption = "imported",
    by: ByOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    progress: ProgressOption = None,
    brokers: BrokersOption = None,
) -> None:
    """Suppress everybody whom a file names.

    CSV with a header (address, and where they are known reason, at, scope, until), one address a line, or the NDJSON
    of `export`. A reason is one of ours, or SES's BOUNCE and COMPLAINT; without one it is MANUAL. A line that cannot
    be used is named by its number, and the others go on. Doing it twice does no harm.

    Exit codes: 0 done, 1 some lines cannot be used, 2 wrong words or settings, 3 the file or the brokers failed.
    """
    from streams.cli.importing import run

    if file != "-" and not Path(file).is_file():
        raise typer.BadParameter(f"there is no file {file}", param_hint="FILE|-")
    run(file, decider(by), said(why, "--why"), dry_run=dry_run, as_json=as_json, progress=progress, brokers=brokers)


@app.command(epilog=EXPORT_HELP)
def export(
    file: ExportArgument,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="NDJSON, whatever the file is called.")] = False,
    progress: ProgressOption = None,
    brokers: BrokersOption = None,
) -> None:
    """Write the whole list to a file, which only you may read: NDJSON if its name says .ndjson or .jsonl, else CSV.

    NDJSON holds all that is known, evidence too; CSV holds address, reason, at, scope and until, and has a line for
    each further stream that was left. Either goes in again by `import`.

    Exit codes: 0 done, 1 a record on the topic cannot be read, 2 wrong words or settings, 3 file or brokers failed.
    """
    from streams.cli.exporting import run

    run(file, as_json=as_json, progress=progress, brokers=brokers)


@app.command("sync-ses", epilog=SYNC_HELP)
def sync_ses(
    *,
    pull: PullOption = False,
    push: PushOption = False,
    delete_released: DeleteOption = False,
    apply: ApplyOption = False,
    why: FileWhyOption = "on SES's own list",
    by: ByOption = None,
    as_json: JsonOption = False,
    progress: ProgressOption = None,
    brokers: BrokersOption = None,
) -> None:
    """Bring our list and SES's account-level list together. Only says what it would do, unless --apply is said.

    From SES to us goes whoever is there and not stopped here for good. From us to SES go hard bounces and complaints
    that hold for every stream; other reasons stay ours alone, for SES has no word for them. One request a second is all
    that SES takes. Whom an operator released after SES listed them is not suppressed again. Nothing is taken off either
    list, unless --delete-released is said: then SES's list loses whom an operator released since, and ours whom we had
    from SES's list only, which has dropped them.

    Exit codes: 0 done, or nothing but said; 1 a record on a topic cannot be read, 2 wrong words or settings, 3 SES or
    the brokers failed: what was done is done, run it again.
    """
    from streams.cli.syncing import Asked, run

    both = pull is push
    asked = Asked(pull or both, push or both, delete_released, apply, as_json, decider(by), said(why, "--why"))
    run(asked, progress=progress, brokers=brokers)


def _is_wanted(record: dict[str, Any], reason: str | None, stream: str | None) -> bool:
    """Tell whether a record is asked for."""
    if reason is not None and record["reason"] != reason:
        return False
    return stream is None or record["scope"] in ("*", stream) or stream in record["streams"]


def _narrowed(*asked: str | None) -> str:
    """Return what says that only a part was asked for."""
    return " that you asked for" if any(one is not None for one in asked) else ""


def _of(scope: str) -> str:
    """Return the one stream of which something is said; nothing where it is every one."""
    return "" if scope == "*" else f", for the stream {scope} only"
