"""The words of `ses-streams probe`; what it publishes, and what it waits for, stands in probing.py."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli import completion
from streams.cli.options import BrokersOption, JsonOption

STREAM = "ses-streams-probe"

StreamOption = Annotated[
    str | None,
    typer.Option(
        "--stream",
        metavar="NAME",
        help=f"The stream that it is counted in; else {STREAM}, or none where the settings list streams.",
        autocompletion=completion.streams,
    ),
]
SecondsOption = Annotated[
    float, typer.Option("--seconds", metavar="N", min=0, max=86_400, help="How long the outcome may take.")
]


def probe(
    *,
    stream: StreamOption = None,
    seconds: SecondsOption = 30.0,
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Pass a made-up mail through the workers, and wait for its outcome.

    Publishes a Send and its Delivery, as upstream and intake would, and waits until a worker has joined them; says how
    long each step took. No mail goes out, so it works whether or not workers send. The recipient is of SES's mailbox
    simulator, and Send and Delivery bear the tag ses-streams=probe: docs/simulator.md says what is counted of it.

    Exit codes: 0 joined, 1 no outcome in time, 2 wrong words or settings, 3 the brokers failed.
    """
    from streams.cli.probing import run

    run(stream, seconds, as_json=as_json, brokers=brokers)
