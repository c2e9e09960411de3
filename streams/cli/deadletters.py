"""The words of `ses-streams dead-letters`: records that could not be used, why, and how they are written back.

What is asked for is read here and checked; what a letter looks like, what would become of it today and how it goes
back stands in files of their own.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from streams.cli import completion
from streams.cli.options import BrokersOption, JsonOption, now

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Records that could not be used: look, write them back."
)

SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME|2h", help="Given up since then (ISO 8601, or so long ago).")
]
StageOption = Annotated[
    str | None,
    typer.Option(
        "--stage", metavar="STAGE", help="Only where this stage gave them up.", autocompletion=completion.stages
    ),
]
ReasonOption = Annotated[
    str | None,
    typer.Option(
        "--reason", metavar="REASON", help="Only those for this reason.", autocompletion=completion.dead_reasons
    ),
]
TopicOption = Annotated[
    str | None,
    typer.Option(
        "--topic",
        metavar="TOPIC",
        help="Only those from this topic, or from file: and its name.",
        autocompletion=completion.topics,
    ),
]
LimitOption = Annotated[
    int, typer.Option("--limit", min=0, max=1_000, help="The newest so many; 0 is all, in the order they lie in.")
]
ShowKeysOption = Annotated[bool, typer.Option("--show-keys", help="Keys as they are: they may hold addresses.")]
PlaceArgument = Annotated[
    str, typer.Argument(metavar="PARTITION/OFFSET", help="Where the letter lies; list says it.", show_default=False)
]
PlacesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PARTITION/OFFSET]...", help="Only these; list says it.", show_default=False),
]
BytesOption = Annotated[int, typer.Option("--bytes", min=0, help="So many bytes of key and value each; 0 is all.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it; without this word nothing is written.")]
AnywayOption = Annotated[
    bool, typer.Option("--anyway", help="Also what a worker could not use today either: it comes back as a letter.")
]

LIST_HELP = "Examples: ses-streams dead-letters list --since 2h; ses-streams dead-letters list --reason NOT_AVRO --json"
SHOW_HELP = "Example: ses-streams dead-letters show 3/17"
REPLAY_HELP = "Example: ses-streams dead-letters replay --reason UNKNOWN_SCHEMA, then the same with --yes"


@app.command("list", epilog=LIST_HELP)
def list_(
    *,
    since: SinceOption = None,
    stage: StageOption = None,
    reason: ReasonOption = None,
    topic: TopicOption = None,
    limit: LimitOption = 50,
    show_keys: ShowKeysOption = False,
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Show what could not be used: where it came from, which stage gave it up, and why; the newest first.

    Keys are shown as fingerprints, values by their size: both may hold addresses. --json has all of it, bytes as
    base64, and the letter's place beside the record.

    Exit codes: 0 done, 1 a record on the topic cannot be read, 2 wrong words or settings, 3 the brokers failed.
    """
    from streams.cli.deadletters_choice import newest, reading, wanted
    from streams.cli.deadletters_view import HEADS, Rows, as_json_line
    from streams.cli.desk import Desk
    from streams.cli.shown import people, print_table

    wish = wanted(since, stage, reason, topic, now())
    desk = Desk(brokers)
    with reading(desk, wish, shown=False if not limit and sys.stdout.isatty() else None) as letters:
        found = iter(newest(letters, limit)) if limit else letters
        if as_json:
            for letter in found:
                sys.stdout.write(as_json_line(letter))
        elif not print_table(HEADS, map(Rows(desk.settings.log, show_keys=show_keys).row, found)):
            people("there are no dead letters" + (" of what you asked for" if wish.narrows else ""))
    desk.close()


@app.command(epilog=SHOW_HELP)
def show(
    place: PlaceArgument,
    *,
    most: BytesOption = 512,
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Show all of one letter: where it came from, why it was given up, its bytes, and if it could be used today.

    It shows what the record holds, and that may be people's addresses.

    Exit codes: 0 done, 1 there is no such letter, 2 wrong words or settings, 3 the brokers failed.
    """
    from streams.cli import FOUND
    from streams.cli.deadletters_choice import letter_at, place_of
    from streams.cli.deadletters_today import Today
    from streams.cli.deadletters_view import as_json_line, told
    from streams.cli.desk import Desk
    from streams.cli.shown import people

    where, desk = place_of(place), Desk(brokers)
    letter = letter_at(desk, where)
    if letter is None:
        people(f"there is no dead letter at {place}")
        desk.close()
        raise typer.Exit(FOUND)
    verdict = Today(desk.settings, desk.codec).told(letter)
    sys.stdout.write(as_json_line(letter, today=verdict.told) if as_json else told(letter, verdict, most))


@app.command(epilog=REPLAY_HELP)
def replay(
    places: PlacesArgument = None,
    *,
    since: SinceOption = None,
    stage: StageOption = None,
    reason: ReasonOption = None,
    topic: TopicOption = None,
    yes: YesOption = False,
    anyway: AnywayOption = False,
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Write the original records back to where they came from, key and value byte for byte; a dry run without --yes.

    What intake gave up goes through intake again, and on as feedback. Letters that could not be used today either are
    left out. Writing one back twice does no harm: what comes of it has the same ids.

    Exit codes: 0 done; 1 letters were left out, or there are none; 2 wrong words or settings; 3 the brokers failed.
    """
    from streams.cli.deadletters_choice import place_of, wanted
    from streams.cli.deadletters_replay import Orders, run

    wish = wanted(since, stage, reason, topic, now())
    named = [place_of(place) for place in places or ()]
    if named and wish.narrows:
        raise typer.BadParameter("goes without --since, --stage, --reason and --topic", param_hint="PARTITION/OFFSET")
    run(wish, named, Orders(yes=yes, anyway=anyway, as_json=as_json), brokers)
