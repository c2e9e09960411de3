"""`ses-streams loops`: whose machine and ours answer each other, and an operator's word that it is over."""

from __future__ import annotations

import typer

from streams.cli.options import (
    AddressArgument,
    BrokersOption,
    ByOption,
    JsonOption,
    OneAddressArgument,
    WhyOption,
    decider,
    now,
    said,
    who,
)

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Whose machine and ours answer each other: look, clear."
)

LIST_HELP = "Example: ses-streams loops list --json"
CLEAR_HELP = 'Example: ses-streams loops clear desk@example.com --why "their auto-responder is off, ticket 4713"'


@app.command("list", epilog=LIST_HELP)
def list_(address: OneAddressArgument = None, *, as_json: JsonOption = False, brokers: BrokersOption = None) -> None:
    """Show whose machine answers our machine, which of our addresses it answers, and until when we answer nothing.

    Exit codes: 0 done, 1 a record on the topic cannot be read, 2 wrong words or settings, 3 the brokers failed.
    """
    from streams.cli import rows
    from streams.cli.desk import Desk
    from streams.cli.shown import people, print_table, say

    only = None if address is None else who(address).recipient
    desk = Desk(brokers)
    with desk.table("loops", "mail.LoopFlag", only) as records:
        if as_json:
            for record in records:
                say("mail.LoopFlag", record)
        elif not print_table(rows.LOOP, map(rows.loop, records)):
            people("no loop is flagged" + ("" if only is None else " for this recipient"))
    desk.close()


@app.command(epilog=CLEAR_HELP)
def clear(
    address: AddressArgument,
    *,
    why: WhyOption,
    by: ByOption = None,
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Let our machines answer a recipient again. Further auto-replies count from then on.

    Writes an instruction; a worker takes the flag away.

    Exit codes: 0 done, also where no loop was flagged; 2 wrong words or settings, 3 the brokers failed.
    """
    from streams.cli.desk import Desk
    from streams.cli.shown import people
    from streams.decide.instruction import Action
    from streams.emit.instruct import Word, instruction

    named, word = who(address), Word(decider(by), now(), said(why, "--why"))
    desk = Desk(brokers)
    there = desk.one("loops", "mail.LoopFlag", named.recipient)
    desk.post("mail.Instruction", instruction(named.recipient, Action.CLEAR_LOOP, word), as_json=as_json)
    unknown = (
        "" if there is not None else "; at this moment no loop is flagged for the recipient, is the address right?"
    )
    people(f"the instruction is written: the flag is taken away{unknown}")
