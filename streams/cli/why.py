"""`ses-streams why`: whether we may write to somebody, since when not, by which evidence, and how to lift it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from streams.cli.options import AddressArgument, BrokersOption, JsonOption, who

UrlOption = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The worker to ask; else that of web.port here.")
]
HELP = "Examples: ses-streams why ann@example.com; ses-streams why ann@example.com --json | jq .lift"


def why(
    address: AddressArgument, *, url: UrlOption = None, as_json: JsonOption = False, brokers: BrokersOption = None
) -> None:
    """Say whether we may write to somebody, and why: each thing heard, the rule by which it counts, and the way out.

    Asks a worker where --url is said or SES_STREAMS_WEB__TOKEN is set; any worker answers for anybody. Without one it
    reads one partition of the changelog, and needs no worker at all.

    Exit codes: 0 every stream may write to them, 1 one may not or none, 2 wrong words or settings, 3 the worker or the
    brokers failed.
    """
    from streams.answers.model import Verdict
    from streams.cli import FOUND
    from streams.cli.answer_view import print_why
    from streams.cli.asking import Asking

    answer = Asking(brokers, url).why(who(address).recipient)
    if as_json:
        sys.stdout.write(answer.model_dump_json() + "\n")
    else:
        print_why(answer)
    if answer.verdict is not Verdict.YES:
        raise typer.Exit(FOUND)
