"""docs/command-line.md, made from the commands themselves: how each is called, its options, what it says of itself.

What holds for all of them stands here as text. Nothing about a single command does: that is in its own help.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from streams.cli import COMMANDS, imported
from streams.cli.markdown import page, table

_ABOUT = """`ses-streams`, or `python -m streams`. What is written here, `--help` says too.

- **Settings** come from the environment and from a file: `ses-streams --config FILE COMMAND`, or `SES_STREAMS_CONFIG`
  ([all of them](settings.md)).
- **`--json`**, which every command has, gives one JSON object a line on stdout: records as `{"mail.Outcome": {...}}`,
  enums as symbols, times as ISO 8601 in UTC. Words for people go to stderr, errors too.
- **Errors** name the topic, partition and offset where there is one, and no address; and they say what to do next.
- **Completion** of commands, options and values: `ses-streams --install-completion`, once, for bash, zsh and fish.
"""
_CODES = """## Exit codes

| code | what it says |
|---|---|
| 0 | done; of a check: nothing was found |
| 1 | a check found something, or a result is wrong |
| 2 | wrong words or settings: nothing was done |
| 3 | the world failed: brokers, disk, files, registry, SES; what was acknowledged stays, try again |
| 4 | a fault of ses-streams itself: please report it |
| 130 | ended by Ctrl-C |
"""


_CALL = re.compile(r"""\bses-streams (?:"[^"]*"|'[^']*'|[^;,"'])+""")
"""A command line within an example: up to what separates it from the next, which may stand in quotes, too."""


def command_line_page() -> str:
    """Return docs/command-line.md."""
    shown = [command for command in COMMANDS if command.heading]
    rows = [(f"[`{one.name}`](#{one.name})", one.heading.lower(), one.summary) for one in shown]
    contents = table(("command", "to", "what it does"), rows)
    return page("Command line", _ABOUT, contents, _CODES, *(part for one in shown for part in _section(one.name, one)))


def _section(name: str, command: Any) -> Iterator[str]:
    """Yield a command's parts, and those of the commands below it."""
    found = imported(command)
    yield f"## {name}"
    inner = getattr(found, "commands", None)
    if inner is None:
        yield from _one(name, found)
        return
    yield command.summary
    for word, one in inner.items():
        if not one.hidden:
            yield f"### {name} {word}"
            yield from _one(f"{name} {word}", one)


def _one(name: str, command: Any) -> Iterator[str]:
    """Yield how a command is called, what it says of itself, and its words."""
    told = [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
    arguments = [one for one in told if one.param_type_name == "argument"]
    options = [one for one in told if one.param_type_name == "option"]
    must = [f"{one.opts[0]} {_value(one)}" for one in options if one.required]
    calls = " ".join(["ses-streams", name, *must, "[OPTIONS]", *map(_value, arguments)])
    yield f"```\n{calls}\n```"
    yield from map(_escaped, command.help.split("\n\n"))
    if command.epilog:
        yield _CALL.sub(r"`\g<0>`", command.epilog)
    rows = [(f"`{_value(one)}`", "", one.help or "") for one in arguments]
    rows += [(_names(one), _default(one), one.help or "") for one in options]
    yield table(("word", "default", "what it says"), rows)


def _names(option: Any) -> str:
    """Return an option's names, with what it wants."""
    value = "" if option.is_flag else f" {_value(option)}"
    return f"`{'`, `'.join(option.opts)}{value}`" + "".join(f", `{name}`" for name in option.secondary_opts)


def _value(parameter: Any) -> str:
    """Return what stands for a value: a number where one is wanted, else what the command calls it."""
    is_number = parameter.type_descriptor.annotation in (int, float)
    return str(parameter.metavar or ("N" if is_number else parameter.name.upper()))


def _default(option: Any) -> str:
    """Return an option's default; nothing where there is none, or it is a flag that is not said."""
    default = option.default
    if option.required or default is None or default is False or default == "" or callable(default):
        return ""
    if option.is_flag:
        return f"`{option.opts[0]}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _escaped(words: str) -> str:
    """Return words that Markdown shows as they are; what stands between backticks is left alone."""
    parts = re.split(r"(`[^`]*`)", words)
    return "".join(part if part.startswith("`") else re.sub(r"([*<>_])", r"\\\1", part) for part in parts)
