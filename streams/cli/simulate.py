"""The words of `ses-streams simulate`: an SES that runs at home, until told to stop."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli import completion

_AT, _TROUBLE, _EVENTS = "Where", "Trouble", "Events"

HostOption = Annotated[str, typer.Option("--host", help="Where to listen: this machine only.", rich_help_panel=_AT)]
PortOption = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Port of the API; 0 takes a free one.", rich_help_panel=_AT)
]
SmtpPortOption = Annotated[
    int, typer.Option("--smtp-port", min=0, max=65535, help="Port of SMTP; 0 takes a free one.", rich_help_panel=_AT)
]
LoginOption = Annotated[
    str | None,
    typer.Option("--smtp-login", metavar="USER:PASSWORD", help="Demand this SMTP login.", rich_help_panel=_AT),
]
EventsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--events",
        metavar="WHERE",
        help="file:PATH, sns:URL or kafka; may be given twice.",
        rich_help_panel=_EVENTS,
        autocompletion=completion.event_sinks,
    ),
]
FormOption = Annotated[
    str,
    typer.Option(
        "--form",
        metavar="FORM",
        help="events, notifications (the older) or both.",
        rich_help_panel=_EVENTS,
        autocompletion=completion.forms,
    ),
]
SendEventsOption = Annotated[
    bool, typer.Option("--send-events/--no-send-events", help="A Send event for each mail.", rich_help_panel=_EVENTS)
]
DelayOption = Annotated[
    float, typer.Option("--delay-ms", min=0, help="Mean time before each event.", rich_help_panel=_EVENTS)
]
RepeatOption = Annotated[
    float, typer.Option("--repeat", min=0, max=1, help="Share of events that come twice.", rich_help_panel=_EVENTS)
]
DisorderOption = Annotated[
    bool, typer.Option("--disorder", help="A mail's events in any order.", rich_help_panel=_EVENTS)
]
RateOption = Annotated[float, typer.Option("--rate", min=0.001, help="Recipients a second.", rich_help_panel=_TROUBLE)]
QuotaOption = Annotated[
    float, typer.Option("--quota", min=-1, help="Recipients in 24 hours; -1 is no limit.", rich_help_panel=_TROUBLE)
]
ThrottleOption = Annotated[
    float, typer.Option("--throttle", min=0, max=1, help="Share refused as too fast.", rich_help_panel=_TROUBLE)
]
FailOption = Annotated[
    float, typer.Option("--fail", min=0, max=1, help="Share answered 500, and not taken.", rich_help_panel=_TROUBLE)
]
FailAfterOption = Annotated[
    float, typer.Option("--fail-after", min=0, max=1, help="Share taken, answered 500.", rich_help_panel=_TROUBLE)
]
HangOption = Annotated[
    float, typer.Option("--hang", min=0, max=1, help="Share taken, never answered.", rich_help_panel=_TROUBLE)
]
LatencyOption = Annotated[
    float, typer.Option("--latency-ms", min=0, help="How long an answer takes.", rich_help_panel=_TROUBLE)
]
PauseOption = Annotated[bool, typer.Option("--pause", help="Sending is paused.", rich_help_panel=_TROUBLE)]
VerifyOption = Annotated[
    bool, typer.Option("--verify", help="Take mail from verified identities only.", rich_help_panel=_TROUBLE)
]
MoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Anything else, e.g. outage=bigmail.example, suppress=true.",
        autocompletion=completion.simulated,
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", help="The same seed draws the same trouble.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object when ready, one at the end.")]


def simulate(
    *,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8026,
    smtp_port: SmtpPortOption = 2525,
    smtp_login: LoginOption = None,
    events: EventsOption = None,
    form: FormOption = "events",
    send_events: SendEventsOption = True,
    delay_ms: DelayOption = 200,
    repeat: RepeatOption = 0,
    disorder: DisorderOption = False,
    rate: RateOption = 1000,
    quota: QuotaOption = -1,
    throttle: ThrottleOption = 0,
    fail: FailOption = 0,
    fail_after: FailAfterOption = 0,
    hang: HangOption = 0,
    latency_ms: LatencyOption = 0,
    pause: PauseOption = False,
    verify: VerifyOption = False,
    more: MoreOption = None,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> None:
    """Run an SES at home, until told to stop.

    The API that an unmodified SDK sends with (endpoint_url), and SMTP; no mail leaves this machine. What becomes of a
    mail depends on its recipient: SES's five at simulator.amazonses.com, and at any other domain a word before the @,
    such as gone, full-2, slow-3, complain, robot or late: docs/simulator.md has them all. Trouble can be changed while
    it runs (POST /simulator/conditions). Any credentials will do: signatures are not checked, events are not signed.

    --set takes outage, refuse, region, sandbox, verified, configuration_sets, suppress, certificate, key,
    message_bytes, connections, remember and patience_ms; lists have commas. --events kafka goes by SES_STREAMS_*.

    Exit codes: 0 stopped as told, 2 wrong words, 3 a port is taken, or a file or the brokers took no events.
    """
    given = dict(locals())  # the options by their names, which are those of the simulator's settings

    from streams.cli.simulating import run

    run(given)
