"""`ses-streams config`: each setting, its value, and where it comes from. Secrets are only said to be set."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from streams.settings import Loaded, Setting

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def config(*, as_json: JsonOption = False) -> None:
    """Show each setting, its value, and where it comes from.

    The environment goes before the file (--config, or SES_STREAMS_CONFIG), the file before the default. What is wrong
    is said instead, all of it at once. Secrets are not shown.

    Exit codes: 0 all is well, 2 something is wrong.
    """
    from streams.settings import known, load

    loaded = load()
    rows = [_row(loaded, setting) for setting in known()]
    if as_json:
        import orjson

        sys.stdout.write("".join(orjson.dumps(row).decode() + "\n" for row in rows))
    else:
        _show(rows)


def _row(loaded: Loaded, setting: Setting) -> dict[str, Any]:
    """Return what is to be said of one setting."""
    return {
        "setting": setting.name,
        "variable": setting.variable,
        "value": setting.shown(loaded.value(setting)),
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
    Console().print(table)
    sys.stderr.write("web.port is SES_STREAMS_WEB__PORT in the environment, and port under [web] in the file\n")


def _words(value: object) -> str:
    """Return a value as one would write it."""
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return str(value).lower() if isinstance(value, bool) else str(value)
