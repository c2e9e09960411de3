"""`ses-streams retries`: what waits to be sent again, and an operator's word that it shall not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.options import (
    BrokersOption,
    ByOption,
    JsonOption,
    OneAddressArgument,
    WhyOption,
    decider,
    moment,
    now,
    said,
    who,
)

if TYPE_CHECKING:
    from streams.cli.desk import Desk
    from streams.emit.instruct import Word

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What waits to be sent again: look, cancel.")

DueOption = Annotated[
    str | None, typer.Option("--due-before", metavar="TIME|+2h", help="Only those that are due by then.")
]
RequestArgument = Annotated[
    str | None, typer.Argument(metavar="REQUEST_ID", help="The request; else all to --address.", show_default=False)
]
AddressOption = Annotated[str | None, typer.Option("--address", metavar="ADDRESS", help="Only to this recipient.")]

LIST_HELP = "Examples: ses-streams retries list --due-before +2h; ses-streams retries list ann@example.com --json"
CANCEL_HELP = 'Example: ses-streams retries cancel 1f0c6a --why "the offer is over"'


@app.command("list", epilog=LIST_HELP)
def list_(
    address: OneAddressArgument = None,
    *,
    due_before: DueOption = None,
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Show what waits to be sent again, to whom, when it is due and why; the earliest first.

    "Newer mail" says whether newer requests to the same recipient wait too. With --json, the records in the order of
    their recipients.

    Exit codes: 0 done, 1 a record on the topic cannot be read, 2 wrong words or settings, 3 the brokers failed.
    """
    from streams.cli import rows
    from streams.cli.desk import Desk
    from streams.cli.shown import people, print_table, say

    end = None if due_before is None else moment(due_before, "--due-before", now())
    only = None if address is None else who(address).recipient
    desk = Desk(brokers)
    with desk.table("waiting", "mail.Waiting", only) as records:
        found = _due(records, end)
        if as_json:
            for record in found:
                say("mail.Waiting", record)
        elif not print_table(rows.WAITING, sorted(row for record in found for row in rows.waiting(record))):
            people("nothing waits" + ("" if only is None and end is None else " of what you asked for"))
    desk.close()


@app.command(epilog=CANCEL_HELP)
def cancel(
    request_id: RequestArgument = None,
    *,
    why: WhyOption,
    address: AddressOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Let a request that waits not be sent again: to everybody for whom it waits, or to one recipient.

    Writes an instruction for each of them; a worker takes what waits off the list.

    Exit codes: 0 done, 1 nothing of the kind waits, 2 wrong words or settings, 3 the brokers failed.
    """
    from streams.cli import FOUND
    from streams.cli.desk import Desk
    from streams.cli.shown import counted, people, say
    from streams.emit.instruct import Word

    if request_id is None and address is None:
        raise typer.BadParameter("wants a request, or --address", param_hint="REQUEST_ID")
    only = None if address is None else who(address, "--address").recipient
    word = Word(decider(by), now(), said(why, "--why"))
    desk, told = Desk(brokers), 0
    for order in _call_off(desk, only, request_id, word):
        told += 1
        if as_json:
            say("mail.Instruction", order)
    people(f"{counted(told, 'instruction')} written" if told else "nothing of the kind waits")
    desk.close()
    if not told:
        raise typer.Exit(FOUND)


def _call_off(desk: Desk, only: str | None, request_id: str | None, word: Word) -> Iterator[dict[str, Any]]:
    """Write an instruction to everybody for whom the request waits, and yield it; for *only* one where that is said."""
    from streams.decide.instruction import Action
    from streams.emit.instruct import instruction

    with desk.table("waiting", "mail.Waiting", only) as records, desk.outbox("mail.Instruction") as outbox:
        for record in records:
            if _waits(record, request_id):
                order = instruction(record["recipient"], Action.CANCEL_RETRY, word, request_id=request_id)
                outbox.write("mail.Instruction", order)
                yield order


def _waits(record: dict[str, Any], request_id: str | None) -> bool:
    """Tell whether a request waits for a recipient, or whatever it is where none is named."""
    return request_id is None or any(retry["request_id"] == request_id for retry in record["retries"])


def _due(records: Iterator[dict[str, Any]], end: int | None) -> Iterator[dict[str, Any]]:
    """Yield what has a retry that is due by *end*; all where that is None."""
    for record in records:
        if end is None or any(retry["due_at"] <= end for retry in record["retries"]):
            yield record
