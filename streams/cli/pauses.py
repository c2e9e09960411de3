"""`ses-streams pauses`: sending streams that send nothing for now, by their own bounces or by an operator's word."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli import completion
from streams.cli.options import (
    BrokersOption,
    ByOption,
    JsonOption,
    UntilOption,
    WhyOption,
    decider,
    later,
    now,
    said,
)

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Sending streams that send nothing for now: look, set, clear."
)

StreamArgument = Annotated[
    str,
    typer.Argument(metavar="STREAM", help="The sending stream; * is every one.", autocompletion=completion.streams),
]

LIST_HELP = "Example: ses-streams pauses list"
SET_HELP = 'Example: ses-streams pauses set newsletter --why "wrong list, ticket 4714" --until +2h'
CLEAR_HELP = "Example: ses-streams pauses clear newsletter"


@app.command("list", epilog=LIST_HELP)
def list_(*, as_json: JsonOption = False, brokers: BrokersOption = None) -> None:
    """Show which sending streams are paused, since when, by whom and why.

    Exit codes: 0 done, 1 a record on the topic cannot be read, 2 wrong words or settings, 3 the brokers failed.
    """
    from streams.cli import rows
    from streams.cli.desk import Desk
    from streams.cli.shown import people, print_table, say

    desk = Desk(brokers)
    with desk.table("pauses", "mail.Pause") as records:
        if as_json:
            for record in records:
                say("mail.Pause", record)
        elif not print_table(rows.PAUSE, map(rows.pause, records)):
            people("nothing is paused")
    desk.close()


@app.command("set", epilog=SET_HELP)
def set_(
    stream: StreamArgument,
    *,
    why: WhyOption,
    until: UntilOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Let a sending stream send nothing. Its requests wait, and go out when the pause ends, unless they expire.

    Exit codes: 0 done, 2 wrong words or settings, 3 the brokers failed.
    """
    from shlex import quote

    from streams.cli.desk import Desk
    from streams.cli.shown import minute, people

    at = now()
    end = later(until, "--until", at)
    record = {
        "stream": said(stream, "STREAM"),
        "since": at,
        "until": end,
        "because": said(why, "--why"),
        "by": decider(by),
    }
    Desk(brokers).post("mail.Pause", record, as_json=as_json)
    people(f"paused until {minute(end, none='somebody clears it: ses-streams pauses clear ' + quote(stream))}")


@app.command(epilog=CLEAR_HELP)
def clear(stream: StreamArgument, *, as_json: JsonOption = False, brokers: BrokersOption = None) -> None:
    """Let a sending stream go on, whoever paused it.

    Its bounces and complaints are counted anew: it pauses itself again if they are too many again.

    Exit codes: 0 done, also where it was not paused; 2 wrong words or settings, 3 the brokers failed.
    """
    import sys

    import orjson

    from streams.cli.desk import Desk
    from streams.cli.shown import people

    desk, name = Desk(brokers), said(stream, "STREAM")
    there = desk.one("pauses", "mail.Pause", name)
    with desk.outbox("mail.Pause") as outbox:
        outbox.clear("mail.Pause", name)
    if as_json:
        sys.stdout.write(orjson.dumps({"mail.Pause": None, "stream": name}).decode() + "\n")
    people("it goes on" if there is not None else "it was not paused: is the name right?")
