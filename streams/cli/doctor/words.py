"""The words of `ses-streams doctor`: what is asked for, how findings are shown, and what the exit code says."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import completion
from streams.cli.options import BrokersOption, JsonOption

if TYPE_CHECKING:
    from rich.table import Table

    from streams.cli.doctor.finding import Finding
    from streams.cli.doctor.run import Told
    from streams.settings import Settings

OnlyOption = Annotated[
    str | None,
    typer.Option(
        "--only",
        metavar="GROUP,GROUP",
        help="Only these, such as brokers,topics.",
        autocompletion=completion.checks,
    ),
]
PatienceOption = Annotated[
    float, typer.Option("--patience", min=0.1, max=60, metavar="SECONDS", help="How long one question may take.")
]


def doctor(
    *,
    only: OnlyOption = None,
    patience: PatienceOption = 5.0,
    as_json: JsonOption = False,
    brokers: BrokersOption = None,
) -> None:
    """Look at all that commonly goes wrong around a worker, and say how each thing is mended.

    Settings, brokers, rights, topics, records, schemas, the group, clocks, disk, this machine, SES, the intake's
    sources and the HTTP side are asked side by side; docs/doctor.md lists all that can be found. Nothing is changed
    or sent. Neither a secret nor a mail address is shown.

    Exit codes: 0 nothing is wrong, 1 something is, 2 wrong words or settings, 3 brokers, SES or another do not answer.
    """
    from streams.cli import FOUND
    from streams.cli.doctor.finding import Level
    from streams.cli.doctor.run import run
    from streams.cli.doctor.table import CHECKS
    from streams.cli.doctor.world import World
    from streams.cli.options import now
    from streams.cli.shown import Bar
    from streams.errors import WORLD_FAILED

    wanted = _wanted(only)
    settings = _settings(brokers, as_json=as_json)
    asked = frozenset(wanted or (check.name for check in CHECKS))
    with Bar("looking"):
        told = run(CHECKS, asked, World(settings, now(), patience, wanted))
    _show(told, settings, as_json=as_json)
    found = [one for each in told for one in each.findings]
    if any(one.rule.world for one in found):
        raise typer.Exit(WORLD_FAILED)
    if any(one.rule.level is Level.WRONG for one in found):
        raise typer.Exit(FOUND)


def _settings(brokers: str | None, *, as_json: bool) -> Settings:
    """Return the settings; where they are refused, that is the finding, and the end."""
    from streams.cli import WRONG_WORDS
    from streams.cli.doctor.run import Told
    from streams.cli.doctor.settings import REFUSED
    from streams.cli.doctor.table import CHECKS
    from streams.errors import BadSettings
    from streams.settings import load_settings

    try:
        return load_settings(brokers=brokers)
    except BadSettings as error:
        refused = [REFUSED.found(why=line) for line in str(error).splitlines()]
        _show([Told(CHECKS[0], refused)], None, as_json=as_json)
        raise typer.Exit(WRONG_WORDS) from None


def _wanted(only: str | None) -> frozenset[str]:
    """Return the groups that were asked for; none where all are."""
    from streams.cli.doctor.table import CHECKS

    names = frozenset(name.strip() for name in (only or "").split(",") if name.strip())
    known = [check.name for check in CHECKS]
    if not names <= set(known):
        raise typer.BadParameter(f"wants some of {', '.join(known)}", param_hint="--only")
    return names


def _show(told: Sequence[Told], settings: Settings | None, *, as_json: bool) -> None:
    """Print the findings, with no secret and no address in them, whoever put one there."""
    from streams.cli.shown import people

    hide = _hiding(settings)
    if as_json:
        import orjson

        for each in told:
            for one in each.findings:
                sys.stdout.write(orjson.dumps(_object(each.check.name, one, hide)).decode() + "\n")
        return
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(_table(told, hide))
    else:
        sys.stdout.write("".join(_lines(told, hide)))
    people(_summary([one for each in told for one in each.findings]))


def _hiding(settings: Settings | None) -> Any:
    """Return what takes secrets and addresses out of words."""
    from pydantic import SecretStr

    from streams.cli.shown import harmless
    from streams.observe.fingerprint import Fingerprints
    from streams.settings import Loaded, known

    scrub = Fingerprints().scrub
    values = [] if settings is None else [Loaded(settings=settings, origins={}).value(word) for word in known()]
    secrets = [one.get_secret_value() for one in values if isinstance(one, SecretStr) and one.get_secret_value()]

    def hide(words: str) -> str:
        for secret in secrets:
            words = words.replace(secret, "(secret)")
        return harmless(scrub(words))

    return hide


def _object(group: str, found: Finding, hide: Any) -> dict[str, object]:
    """Return a finding for programs."""
    return {
        "group": group,
        "finding": found.rule.name,
        "level": found.rule.level.value,
        "words": hide(found.words),
        "fix": hide(found.fix) or None,
    }


def _lines(told: Sequence[Told], hide: Any) -> Iterator[str]:
    """Yield a line a finding and one a fix, as long as they are: for files and programs."""
    for each in told:
        for one in each.findings:
            yield f"{each.check.name:<9}{one.rule.level.value:<12} {hide(one.words)}\n"
            if one.fix:
                yield f"{'':<22}fix: {hide(one.fix)}\n"


_STYLES = {"ok": "green", "advice": "yellow", "wrong": "bold red", "cannot tell": "magenta"}


def _table(told: Sequence[Told], hide: Any) -> Table:
    """Return the findings for people: a group once, a level in its colour, the fix below."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in told:
        for number, one in enumerate(each.findings):
            level = one.rule.level.value
            words = Text(hide(one.words))
            if one.fix:
                words.append("\nfix: ", "dim").append(hide(one.fix), "cyan")
            table.add_row(Text(each.check.name if number == 0 else "", "bold"), Text(level, _STYLES[level]), words)
    return table


def _summary(found: Sequence[Finding]) -> str:
    """Return how many findings there are of each level."""
    from streams.cli.doctor.finding import Level

    counts = {level: sum(one.rule.level is level for one in found) for level in Level}
    named = {Level.WRONG: "wrong", Level.ADVICE: "could be better", Level.UNKNOWN: "cannot be told"}
    said = [f"{counts[level]} {words}" for level, words in named.items() if counts[level]]
    return ", ".join(said) if said else "all is well"
