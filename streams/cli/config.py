"""`ses-streams config`: each setting, its value, and where it comes from. Secrets are only said to be set."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli import completion
from streams.cli.options import JsonOption

if TYPE_CHECKING:
    from streams.settings import Loaded, Setting

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SETTING]...",
        help="Only these, such as web.port, or a whole table, such as web.",
        show_default=False,
        autocompletion=completion.settings,
    ),
]
ChangedOption = Annotated[bool, typer.Option("--changed", help="Only what differs from the default.")]


def config(names: NamesArgument = None, *, changed: ChangedOption = False, as_json: JsonOption = False) -> None:
    """Show each setting, its value, and where it comes from.

    The environment goes before the file (--config, or SES_STREAMS_CONFIG), the file before the default. What is wrong
    is said instead, all of it at once. Of a secret only that it is set is shown.

    Exit codes: 0 all is well, 2 something is wrong, or there is no such setting.
    """
    from streams.settings import known, load

    loaded, wanted = load(), _wanted(names)
    rows = [_row(loaded, setting) for setting in known() if wanted is None or setting.name in wanted]
    if changed:
        rows = [row for row in rows if row["value"] != row["default"]]
    if as_json:
        import orjson

        sys.stdout.write("".join(orjson.dumps(row).decode() + "\n" for row in rows))
    else:
        _show(rows)


def _wanted(names: list[str] | None) -> set[str] | None:
    """Return the settings that are asked for, None where all are; wrong words where there is none of a name."""
    from difflib import get_close_matches

    from streams.settings import known

    if not names:
        return None
    every, found = [setting.name for setting in known()], set[str]()
    for name in names:
        word = name.lower().removeprefix("ses_streams_").replace("__", ".")
        some = {one for one in every if one == word or one.startswith(f"{word}.")}
        if not some:
            near = get_close_matches(word, every, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise typer.BadParameter(f"{name} is no setting{meant}", param_hint="SETTING")
        found |= some
    return found


def _row(loaded: Loaded, setting: Setting) -> dict[str, Any]:
    """Return what is to be said of one setting."""
    return {
        "setting": setting.name,
        "variable": setting.variable,
        "value": setting.shown(loaded.value(setting)),
        "default": setting.default,
        "from": loaded.origins[setting.path].value,
        "about": setting.about,
    }


def _show(rows: list[dict[str, Any]]) -> None:
    """Print a table for people; what was set stands out."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", no_wrap=True)
    for row in rows:
        style = "" if row["from"] == "default" else "bold cyan"
        table.add_row(*(Text(words, style) for words in (row["setting"], _words(row["value"]), row["from"])))
    if not rows:
        sys.stderr.write("every setting is at its default\n")
        return
    Console().print(table)
    sys.stderr.write("web.port is SES_STREAMS_WEB__PORT in the environment, and port under [web] in the file\n")


def _words(value: object) -> str:
    """Return a value as one would write it."""
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return str(value).lower() if isinstance(value, bool) else str(value)
