"""The words of `ses-streams demo`: a mail day on an embedded broker, and whether what came out is right."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.demo.plan import LEAST, MOST, MOST_REQUESTS

MessagesOption = Annotated[int, typer.Option("--messages", "-n", min=LEAST, max=MOST, help="About how many mails.")]
SeedOption = Annotated[int, typer.Option("--seed", help="The same seed makes the same day.")]
KillsOption = Annotated[
    int,
    typer.Option("--kills", min=0, max=100, help="Kill the worker (SIGKILL) so often in mid-stream, and restart it."),
]
RequestsOption = Annotated[
    int | None,
    typer.Option(
        "--requests",
        min=0,
        max=MOST_REQUESTS,
        help="How many requests go round the closed loop; a tenth of the mails, unless told. 0 leaves it out.",
    ),
]
PartitionsOption = Annotated[int, typer.Option("--partitions", min=1, max=64, help="Partitions of every topic.")]
JsonOption = Annotated[bool, typer.Option("--json", help="The summary as one JSON object on stdout.")]
KeepOption = Annotated[bool, typer.Option("--keep", help="Stay up afterwards, until Ctrl-C, with the page's token.")]


def demo(
    *,
    messages: MessagesOption = 20_000,
    seed: SeedOption = 1,
    requests: RequestsOption = None,
    kills: KillsOption = 0,
    partitions: PartitionsOption = 4,
    json: JsonOption = False,
    keep: KeepOption = False,
) -> None:
    """Run it all on this machine, and reconcile what came out.

    Starts a broker in memory, a simulated SES and one worker process, makes up a day's mail (sends, and what SES says
    of them: bounces of every class, complaints, auto-replies, repeats, disorder, broken records), hands it in, and
    compares the topics of results with what must come out, which was written down while the day was made up. Needs no
    Docker and no account; leaves nothing behind.

    Beside the day runs the closed loop: requests that the worker hands to the simulated SES, whose events come back;
    retries, holds and loops follow, within seconds in place of hours. Each request must end in exactly one of
    delivered, bounced, complained, rejected, failed, suppressed, looping, expired, or waiting with a due time, and no
    mail may be sent twice; after a kill at most as many as were in doubt, which the summary names (in_doubt_bound).

    With fewer than 50,000 mails the day is handed in at 500 mails/s while the worker works. From 50,000 on the broker
    is filled first and the worker started after: events_per_s is then the number of sends and SES events over the time
    from the worker's first chunk to the last outcome through both hops, with the broker on the same machine; requests
    come only after that.

    Exit codes: 0 nothing is lost, wrong or sent twice, 1 something is, 3 a part did not start or died, 130 Ctrl-C.
    """
    from streams.demo.perform import perform
    from streams.demo.plan import Plan, requests_for

    asked = requests_for(messages) if requests is None else requests
    plan = Plan(messages=messages, seed=seed, partitions=partitions, kills=kills, requests=asked)
    raise typer.Exit(perform(plan, json=json, keep=keep))
