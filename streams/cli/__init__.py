"""The command `ses-streams`: which commands there are, and how every one of them ends.

A command's module is imported when it is called, not before: `--help` and completion must answer at once, and Faust
alone takes longer to import than they may. So the summaries stand here, and a test holds them to the commands' own.
Exit codes: 0 done, 1 a check found something or a result is wrong, 2 wrong words or settings, 3 the world failed
(brokers, disk, files, registry), 4 a fault of ses-streams itself. What a command does lives in its own file.
"""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from streams import __version__
from streams.errors import WORLD_FAILED, BadSettings, SesStreamsError

NEXT = "next: ses-streams doctor says what is wrong around it, and the fix"
DONE, FOUND, WRONG_WORDS, OUR_FAULT = 0, 1, 2, 4  # 3 is WORLD_FAILED

_TRY, _RUN, _DECIDE, _PREPARE, _LOOK, _HIDDEN = "Try it", "Run it", "Decide", "Prepare", "Look", ""


class Command(NamedTuple):
    """One command: where it lives (``module:name``), under which heading it is listed, and its one line."""

    name: str
    where: str
    heading: str
    summary: str


COMMANDS = (
    Command("demo", "streams.cli.demo:demo", _TRY, "Run it all on this machine, and reconcile what came out."),
    Command("simulate", "streams.cli.simulate:simulate", _TRY, "Run an SES at home, until told to stop."),
    Command("replay", "streams.cli.replay:replay", _TRY, "Play events through the rules, and say what comes out."),
    Command("worker", "streams.cli.worker:worker", _RUN, "Join sends with what became of them, until told to stop."),
    Command("intake", "streams.cli.intake:intake", _RUN, "Take in SES's events by SNS and SQS, until told to stop."),
    Command("ingest", "streams.cli.ingest:ingest", _RUN, "Read SES events from files and publish them as feedback."),
    Command("send", "streams.cli.send:app", _DECIDE, "Ask for a mail: publish a request, or a file of them."),
    Command("suppressions", "streams.cli.suppressions:app", _DECIDE, "Whom we must not write to: look, add, release."),
    Command("retries", "streams.cli.retries:app", _DECIDE, "What waits to be sent again: look, cancel."),
    Command("loops", "streams.cli.loops:app", _DECIDE, "Whose machine and ours answer each other: look, clear."),
    Command(
        "dead-letters",
        "streams.cli.deadletters:app",
        _DECIDE,
        "Records that could not be used: look, write them back.",
    ),
    Command(
        "pauses", "streams.cli.pauses:app", _DECIDE, "Sending streams that send nothing for now: look, set, clear."
    ),
    Command("topics", "streams.cli.topics:app", _PREPARE, "Create the topics, or check them against the plan."),
    Command("schemas", "streams.cli.schemas:app", _PREPARE, "Register the schemas, or check that they may change."),
    Command("kit", "streams.cli.kit:app", _PREPARE, "For teams that publish to us: take a kit, check a topic."),
    Command("why", "streams.cli.why:why", _LOOK, "Say whether we may write to somebody, why not, and the way out."),
    Command("trace", "streams.cli.trace:trace", _LOOK, "Show the life of one mail, with the rule of each step."),
    Command("top", "streams.cli.top:top", _LOOK, "Watch workers on this terminal: flow, lag, ratios, health."),
    Command("doctor", "streams.cli.doctor.words:doctor", _LOOK, "Say what is wrong around a worker, and the fix."),
    Command(
        "probe", "streams.cli.probe:probe", _LOOK, "Pass a made-up mail through the workers, and wait for its outcome."
    ),
    Command("config", "streams.cli.config:config", _LOOK, "Show each setting, its value, and where it comes from."),
    Command("docs", "streams.cli.docs:docs", _HIDDEN, "Write the pages of docs/ that are made from the code."),
)


class Commands(TyperGroup):
    """A group that knows its commands' names and lines, and imports one when it is called."""

    def __init__(self, **attributes: Any) -> None:
        """Fill in the names."""
        super().__init__(**attributes)
        for command in COMMANDS:
            self.commands[command.name] = TyperCommand(
                command.name,
                help=command.summary,
                rich_help_panel=command.heading,
                hidden=command.heading is _HIDDEN,
            )

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that is called, then find it as usual."""
        for command in COMMANDS:
            if args and args[0] == command.name:
                self.commands[command.name] = imported(command)
        return super().resolve_command(ctx, args)


def imported(command: Command) -> Any:
    """Return a command as typer runs it, its help in paragraphs: typer keeps the line ends of our source."""
    module, _, name = command.where.partition(":")
    home = import_module(module)
    found = getattr(home, name)
    group = found if isinstance(found, typer.Typer) else typer.Typer(add_completion=False)
    if group is not found:
        group.command(command.name, epilog=getattr(home, "HELP", None))(found)
    runnable = typer.main.get_command(group)
    runnable.name = command.name
    for one in (runnable, *getattr(runnable, "commands", {}).values()):
        one.help = "\n\n".join(" ".join(part.split()) for part in (one.help or "").split("\n\n"))
    return runnable


app = typer.Typer(
    name="ses-streams",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 a check found something, 2 wrong words or settings, 3 the world failed, 4 our fault.",
)


def _version(*, wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"ses-streams {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    *,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings (TOML); as SES_STREAMS_CONFIG.")
    ] = None,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version.")] = False,
) -> None:
    """Every mail handed to Amazon SES gets an answer: what became of it, and whether to write to that person again."""
    if config is not None:
        from streams.settings import choose_file

        choose_file(config)


def main(args: list[str] | None = None) -> None:
    """Run the command line; every way out is an exit code, and what went wrong is words on stderr."""
    command = typer.main.get_command(app)
    try:
        command.main(args, prog_name="ses-streams")
    except BadSettings as error:
        _say(str(error))
        sys.exit(WRONG_WORDS)
    except SesStreamsError as error:
        _say(_with_the_next_command(str(error)))
        sys.exit(WORLD_FAILED)
    except Exception:  # noqa: BLE001  # the last one to see it: it becomes words without addresses, and a code
        _say(f"this is a fault of ses-streams itself, please report it\n{traceback.format_exc()}")
        sys.exit(OUR_FAULT)


def _with_the_next_command(words: str) -> str:
    """Return what went wrong, and what to do next: where doctor can ask about it, and no word says it yet."""
    can_be_asked = any(what in words for what in ("broker", "topic", "registry", "SES's"))
    return f"{words}\n{NEXT}" if can_be_asked and "ses-streams " not in words else words


def _say(words: str) -> None:
    """Write to stderr, with no address in it whoever put one there."""
    from streams.observe.fingerprint import Fingerprints

    sys.stderr.write("".join(f"ses-streams: {line}\n" for line in Fingerprints().scrub(words).splitlines()))
