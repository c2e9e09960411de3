"""`ses-streams trace`: the life of one mail, from its request to the last event, with the rule of each step."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from streams.cli.options import BrokersOption, JsonOption
from streams.cli.why import UrlOption

MessageArgument = Annotated[str, typer.Argument(metavar="MESSAGE_ID", help="What SES calls the mail.")]
DeepOption = Annotated[
    bool, typer.Option("--deep", help="Read all that the mail's partitions hold, not only near the known times.")
]
HELP = "Example: ses-streams trace 0100019cd7e2b3f4-8a1f0c3e-5b7d-4e2a-9f60-1c2d3e4f5a6b-000000"


def trace(
    message_id: MessageArgument,
    *,
    deep: DeepOption = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Show the life of one mail: each record found of it, in order, what it led to, by which rule, and what is ahead.

    Asks a worker where --url is said or SES_STREAMS_WEB__TOKEN is set; any worker answers for any mail. Without one, or
    with --deep, it reads the topics itself, and needs no worker at all.

    Exit codes: 0 all that was heard of it was found, 1 not all, or nothing is known of it, 2 wrong words or settings, 3
    the worker or the brokers failed.
    """
    from streams.cli import FOUND
    from streams.cli.answer_view import print_trace
    from streams.cli.asking import Asking
    from streams.mail.address import normal_message_id

    wanted = normal_message_id(message_id)
    if not wanted or not wanted.isprintable():
        raise typer.BadParameter("wants the id that SES gave the mail", param_hint="MESSAGE_ID")
    answer = Asking(brokers, url, deep=deep).trace(wanted)
    if as_json:
        sys.stdout.write(answer.model_dump_json() + "\n")
    else:
        print_trace(answer)
    if not answer.search.complete:
        raise typer.Exit(FOUND)
