"""The corpora of tests/corpus as data: each file of events (ses) or of received mail, with what it must say."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent / "corpus" / "ses"
RECEIVED = ROOT.parent / "received"
TIMES = frozenset({"occurred_at", "sent_at", "expires_at", "arrived_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One file and its expected facts."""

    name: str
    path: Path
    feedback: list[dict[str, Any]]
    dead: list[dict[str, Any]]
    no_events: int
    same_as: str | None


def cases(root: Path = ROOT) -> list[Case]:
    """Return every file of a corpus, in order of name."""
    return [_case(expected) for expected in sorted(root.glob("*.expect.toml"))]


def case(name: str, root: Path = ROOT) -> Case:
    """Return one file of a corpus."""
    return _case(root / f"{name}.expect.toml")


def milliseconds(written: str) -> int:
    """Return an expected time as ms, by another road than the code's."""
    moment = datetime.strptime(written, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _case(expected: Path) -> Case:
    name = expected.name.removesuffix(".expect.toml")
    found = [path for path in expected.parent.iterdir() if path.stem == name and path.suffix != ".toml"]
    assert len(found) == 1, f"{name}: {len(found)} files"
    facts = tomllib.loads(expected.read_text(encoding="utf-8"))
    assert facts["note"], f"{name} does not say why it is here"
    return Case(
        name=name,
        path=found[0],
        feedback=[_in_ms(entry) for entry in facts.get("feedback", [])],
        dead=facts.get("dead", []),
        no_events=facts.get("no_events", 0),
        same_as=facts.get("same_as"),
    )


def _in_ms(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: milliseconds(value) if name in TIMES else value for name, value in entry.items()}
