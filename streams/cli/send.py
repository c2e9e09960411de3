"""The words of `ses-streams send`: one mail said in options, or many as records in a file.

How words become a request, and what is checked before it goes, stands in requests.py; the publishing in sending.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli import completion
from streams.cli.options import BrokersOption, JsonOption, ProgressOption

app = typer.Typer(add_completion=False)

_EPILOG = "Example: ses-streams send --from shop@example.com --to ann@example.org --subject Hello --text 'Hello, Ann'"
DAY_S = 86_400

FileArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE|-", help="Requests, a line of JSON each, instead of one in options.", show_default=False
    ),
]
FromOption = Annotated[str | None, typer.Option("--from", metavar="ADDRESS", help="Who writes.")]
ToOption = Annotated[list[str] | None, typer.Option("--to", metavar="ADDRESS", help="Whom to; may be said often.")]
CcOption = Annotated[list[str] | None, typer.Option("--cc", metavar="ADDRESS", help="Who else is to see it.")]
BccOption = Annotated[list[str] | None, typer.Option("--bcc", metavar="ADDRESS", help="Who else, seen by nobody.")]
ReplyToOption = Annotated[list[str] | None, typer.Option("--reply-to", metavar="ADDRESS", help="Where answers go.")]
SubjectOption = Annotated[str | None, typer.Option("--subject", metavar="TEXT", help="The subject.")]
TextOption = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="The body, as it is.")]
TextFileOption = Annotated[Path | None, typer.Option("--text-file", metavar="FILE", help="The body, from a file.")]
HtmlFileOption = Annotated[Path | None, typer.Option("--html-file", metavar="FILE", help="The body as HTML.")]
TemplateOption = Annotated[str | None, typer.Option("--template", metavar="NAME", help="A template that SES keeps.")]
DataOption = Annotated[str | None, typer.Option("--data", metavar="JSON", help="What the template is filled with.")]
RawOption = Annotated[str | None, typer.Option("--raw", metavar="FILE|-", help="A whole mail (RFC 5322), as it is.")]
StreamOption = Annotated[
    str,
    typer.Option(
        "--stream", metavar="NAME", help="The sending stream it belongs to.", autocompletion=completion.streams
    ),
]
IdOption = Annotated[str | None, typer.Option("--id", metavar="ID", help="The request's id; else a new one.")]
AttemptOption = Annotated[int, typer.Option("--attempt", metavar="N", min=1, help="Which attempt this is.")]
HeaderOption = Annotated[
    list[str] | None, typer.Option("--header", metavar="NAME:VALUE", help="A header more; may be said often.")
]
TagOption = Annotated[
    list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="A message tag of SES; may be said often.")
]
SetOption = Annotated[str | None, typer.Option("--configuration-set", metavar="NAME", help="SES's configuration set.")]
InReplyToOption = Annotated[
    str | None, typer.Option("--in-reply-to", metavar="MESSAGE_ID", help="The mail that a machine of ours answers.")
]
NotBeforeOption = Annotated[
    str | None, typer.Option("--not-before", metavar="TIME|+2h", help="When it may go out, at the earliest.")
]
ExpiresOption = Annotated[
    str | None, typer.Option("--expires", metavar="TIME|+2h", help="When it is of no use any more.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print the records, and publish nothing.")]


def _a_day_at_most(seconds: float | None) -> float | None:
    if seconds is not None and seconds > DAY_S:
        raise typer.BadParameter(f"wants {DAY_S:,} seconds at most")
    return seconds


WaitOption = Annotated[
    float | None,
    typer.Option(
        "--wait",
        metavar="N",
        min=0,
        callback=_a_day_at_most,  # a range as typer shows it would leave no room for the names of options
        help="Wait so many seconds for what becomes of it, and say it.",
    ),
]


@app.command("send", epilog=_EPILOG)
def send(
    file: FileArgument = None,
    *,
    from_: FromOption = None,
    to: ToOption = None,
    cc: CcOption = None,
    bcc: BccOption = None,
    reply_to: ReplyToOption = None,
    subject: SubjectOption = None,
    text: TextOption = None,
    text_file: TextFileOption = None,
    html_file: HtmlFileOption = None,
    template: TemplateOption = None,
    data: DataOption = None,
    raw: RawOption = None,
    stream: StreamOption = "",
    request_id: IdOption = None,
    attempt: AttemptOption = 1,
    header: HeaderOption = None,
    tag: TagOption = None,
    configuration_set: SetOption = None,
    in_reply_to: InReplyToOption = None,
    not_before: NotBeforeOption = None,
    expires: ExpiresOption = None,
    dry_run: DryRunOption = False,
    wait: WaitOption = None,
    as_json: JsonOption = False,
    progress: ProgressOption = None,
    brokers: BrokersOption = None,
) -> None:
    """Ask for a mail: publish a request, which a dispatching worker hands to SES.

    Prints the request's id, with --json the record. What dispatch would refuse is refused here: nobody to send to, more
    than 50 recipients, what is no address, a line end where a header is made from, too much of everything. With FILE,
    each line is {"mail.SendRequest": {...}} or the bare record; request_id and requested_at may be missing. A line that
    cannot be used is named by its number, and the others go on. The same id and attempt twice are sent once.

    Exit codes: 0 done, 1 some lines cannot be used, or with --wait: not everybody got it; 2 wrong words or settings,
    3 a file or the brokers failed.
    """
    from streams.cli.requests import Said, request_of
    from streams.cli.sending import send_file, send_one

    # every word about the mail has the name of a field of Said
    words = Said(**{name: value for name, value in locals().items() if name in Said.__slots__})
    if file is None:
        send_one(request_of(words), dry_run=dry_run, wait=wait, as_json=as_json, brokers=brokers)
    elif words != Said() or wait is not None:
        raise typer.BadParameter("wants no other words about the mail, and no --wait", param_hint="FILE")
    else:
        send_file(file, dry_run=dry_run, as_json=as_json, progress=progress, brokers=brokers)
