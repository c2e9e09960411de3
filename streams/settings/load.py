"""Where settings come from: the environment over the file, the file over the default; arguments over all.

The only module that reads the environment. A word that nobody knows is refused with the nearest known one, because a
misspelt setting that is silently ignored is the worst of both. Kubernetes puts variables of its own into pods
(SES_STREAMS_SERVICE_HOST for a Service called ses-streams): those are no settings and are passed over. An empty
variable counts as not set. No message shows a secret, nor anything with an @ in it.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from streams.errors import BadSettings
from streams.settings.words import Settings

PREFIX = "SES_STREAMS_"
FILE_VARIABLE = PREFIX + "CONFIG"
_KUBERNETES = re.compile(r"SES_STREAMS_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
_KUBERNETES_LINK = re.compile(r"(tcp|udp|sctp)://")


class Origin(StrEnum):
    """Where a value comes from."""

    DEFAULT = "default"
    FILE = "file"
    ENV = "env"
    ARGUMENT = "argument"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One word: its path (`("web", "port")`), and what pydantic knows of it."""

    path: tuple[str, ...]
    field: FieldInfo

    @property
    def name(self) -> str:
        """The word as in a file: `web.port`."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """The word as in the environment: `SES_STREAMS_WEB__PORT`."""
        return PREFIX + "__".join(self.path).upper()

    @property
    def default(self) -> object:
        """What it is where nobody sets it, as it may be shown."""
        return self.shown(self.field.default)

    @property
    def about(self) -> str:
        """One sentence for people."""
        return self.field.description or ""

    def shown(self, value: object) -> object:
        """Return a value as it may be shown, in JSON's types; of a secret only that it is set."""
        match value:
            case SecretStr():
                return "(set)"
            case None | bool() | int():
                return value
            case tuple():
                return list(value)
            case _:
                return str(value)

    @property
    def secret(self) -> bool:
        """True where the value must never be shown."""
        return SecretStr in (self.field.annotation, *get_args(self.field.annotation))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings, and where each word's value comes from."""

    settings: Settings
    origins: Mapping[tuple[str, ...], Origin]

    def value(self, setting: Setting) -> object:
        """Return the value of one word; a secret stays wrapped."""
        found: object = self.settings
        for step in setting.path:
            found = getattr(found, step)
        return found


def known(model: type[BaseModel] = Settings, path: tuple[str, ...] = ()) -> Iterator[Setting]:
    """Yield every word there is, in the order of the file."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from known(inner, (*path, name))
        else:
            yield Setting(path=(*path, name), field=field)


def choose_file(file: Path) -> None:
    """Let *file* be the one that `load` reads: what --config says, for this process and those that it starts."""
    os.environ[FILE_VARIABLE] = str(file)


def load_settings(
    file: Path | str | None = None, environ: Mapping[str, str] | None = None, **arguments: object
) -> Settings:
    """Return the settings; see `load`."""
    return load(file, environ, **arguments).settings


def load(file: Path | str | None = None, environ: Mapping[str, str] | None = None, **arguments: object) -> Loaded:
    """Read all sources and check them.

    Args:
        file: a TOML file; without one, the file that SES_STREAMS_CONFIG names, if any.
        environ: instead of the process's own environment.
        arguments: what a command line says, such as `partitions=2` or `web__port=0`; None counts as not said.

    Raises:
        BadSettings: one line for each thing that is wrong, each naming the word to mend.

    """
    variables = os.environ if environ is None else environ
    source = _file_of(file, variables)
    said = {
        Origin.FILE: {} if source is None else _from_file(source),
        Origin.ENV: _from_environment(variables),
        Origin.ARGUMENT: {_path(name): value for name, value in arguments.items() if value is not None},
    }
    merged: dict[tuple[str, ...], tuple[Origin, object]] = {}
    for origin, values in said.items():
        merged |= {path: (origin, value) for path, value in values.items()}
    origins = {setting.path: Origin.DEFAULT for setting in known()} | {p: o for p, (o, _) in merged.items()}
    try:
        settings = Settings.model_validate(_tree({path: value for path, (_, value) in merged.items()}))
    except ValidationError as error:
        raise BadSettings("\n".join(_plainly(error, merged, source))) from None
    return Loaded(settings=settings, origins=origins)


def _file_of(file: Path | str | None, variables: Mapping[str, str]) -> Path | None:
    """Return the file to read: the one that was asked for, else the one that the environment names."""
    named = variables.get(FILE_VARIABLE) if file is None else str(file)
    return Path(named) if named else None


def _from_file(file: Path) -> dict[tuple[str, ...], object]:
    """Return what the TOML file says, by path; unknown words are refused."""
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSettings(f"settings file {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"settings file {file} is not TOML: {error}") from error
    names = {setting.name: setting.path for setting in known()}
    found = dict(_leaves(tree, set(names.values())))
    unknown = [".".join(path) for path in found if path not in names.values()]
    _refuse([f"settings file {file}: {_no_such(word, list(names))}" for word in unknown])
    return found


def _from_environment(variables: Mapping[str, str]) -> dict[tuple[str, ...], object]:
    """Return what the environment says, by path; unknown words are refused."""
    names = {setting.variable: setting.path for setting in known()}
    ours = {name: value for name, value in variables.items() if name.startswith(PREFIX) and name != FILE_VARIABLE}
    unknown = [name for name, value in ours.items() if name not in names and not _is_of_kubernetes(name, value)]
    _refuse([_no_such(word, [*names, FILE_VARIABLE]) for word in sorted(unknown)])
    return {names[name]: value for name, value in ours.items() if value and name in names}


def _is_of_kubernetes(name: str, value: str) -> bool:
    """Tell Kubernetes's service links from settings."""
    if _KUBERNETES.fullmatch(name):
        return True
    return name.endswith("_PORT") and _KUBERNETES_LINK.match(value) is not None


def _refuse(faults: list[str]) -> None:
    """Stop if there are faults."""
    if faults:
        raise BadSettings("\n".join(faults))


def _no_such(word: str, words: list[str]) -> str:
    """Say that there is no such word, and which one may have been meant."""
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"{word} is no setting" + (f"; did you mean {near[0]}?" if near else "")


def _leaves(tree: Mapping[str, object], ends: set[tuple[str, ...]], path: tuple[str, ...] = ()) -> Iterator[Any]:
    """Yield (path, value) for every leaf of nested tables."""
    for name, value in tree.items():
        here = (*path, name)
        if isinstance(value, dict) and here not in ends:
            yield from _leaves(value, ends, here)
        else:
            yield here, value


def _path(name: str) -> tuple[str, ...]:
    """Turn `web__port` into a path."""
    return tuple(name.split("__"))


def _tree(values: Mapping[tuple[str, ...], object]) -> dict[str, Any]:
    """Turn paths into nested dicts, as pydantic wants them."""
    root: dict[str, Any] = {}
    for (*above, last), value in values.items():
        node = root
        for step in above:
            node = node.setdefault(step, {})
        node[last] = value
    return root


def _plainly(
    error: ValidationError, said: Mapping[tuple[str, ...], tuple[Origin, object]], file: Path | None
) -> Iterator[str]:
    """Yield one line a fault: where the word was said, what it says, what is wrong with it."""
    words = {setting.path: setting for setting in known()}
    for fault in error.errors(include_url=False, include_context=False):
        path = tuple(str(step) for step in fault["loc"])
        told = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
        setting = next((words[path[:n]] for n in range(len(path), 0, -1) if path[:n] in words), None)
        if setting is None:
            yield f"{PREFIX}{'__'.join(path).upper()}: {told}"
            continue
        origin, value = said.get(setting.path, (Origin.DEFAULT, ""))
        where = f"{setting.name} in {file}" if origin is Origin.FILE else setting.variable
        hidden = setting.secret or "@" in str(value)
        yield f"{where}={'(not shown)' if hidden else value}: {told}"
