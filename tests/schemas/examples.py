"""The examples of schemas/examples/, as records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from streams.schemas.files import schema_home
from streams.schemas.plain import from_plain

EXAMPLES: list[Path] = sorted((schema_home() / "examples").glob("*.json"))


def schema_of(path: Path) -> str:
    """Return the full name of the schema of which *path* is an example: mail.Send of mail.Send.api.json."""
    return ".".join(path.name.split(".")[:2])


def plain_example(name: str) -> dict[str, Any]:
    """Return the JSON of the example `mail.Send.api`."""
    plain: dict[str, Any] = json.loads((schema_home() / "examples" / f"{name}.json").read_text("utf-8"))
    return plain


def example(name: str) -> dict[str, Any]:
    """Return the record of the example `mail.Send.api`."""
    return from_plain(name.rpartition(".")[0], plain_example(name))
