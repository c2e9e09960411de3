"""deploy/helm/README.md: the values of values.yaml as a table, each with the comment that stands above it.

A word without a comment is part of the default of the word it stands in (resources), or only leads to those below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_WORD = re.compile(r"^(?P<indent> *)(?P<word>[A-Za-z_]+):(?: (?P<value>.*))?$")
_TEXT = """# ses-streams, for Kubernetes

<!-- made of values.yaml by `make chart`; change that file, not this page -->

Workers as a StatefulSet with their state on volumes, the intake as a Deployment, topics and schemas by Jobs, probes
that know recovery, alerts, dashboards. [docs/helm.md](../../docs/helm.md) walks through an installation.

    helm install mail deploy/helm --set settings.brokers=kafka:9092

A word that does not exist is refused, and so is what cannot work: more workers than partitions, another number of
partitions than before.

"""


@dataclass(kw_only=True)
class Row:
    """One word of values.yaml."""

    path: tuple[str, ...]
    about: str
    default: str
    within: list[str] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """The default, as it may stand in a table."""
        text = self.default or ("{" + ", ".join(self.within) + "}" if self.within else "")
        return f"`{text}`" if text else ""


def readme(values: Path) -> str:
    """Return the page."""
    found = list(rows(values.read_text(encoding="utf-8")))
    tops = [row for row in found if len(row.path) == 1]
    alone = [row for row in tops if not any(other.path[0] == row.path[0] for other in found if other is not row)]
    parts = [_table(alone)]
    for top in tops:
        if top not in alone:
            below = [row for row in found if row.path[0] == top.path[0] and row is not top]
            parts.append(f"## {top.path[0]}\n\n{top.about}\n\n{_table(below)}")
    return _TEXT + "\n\n".join(parts) + "\n"


def rows(text: str) -> Iterator[Row]:
    """Yield each word that has a comment."""
    said: list[str] = []
    open_rows: list[Row] = []
    found: list[Row] = []
    path: list[str] = []
    for line in text.splitlines():
        comment = line.strip()
        if comment.startswith("#"):
            said.append(comment.removeprefix("#").strip())
            continue
        if match := _WORD.match(line):
            depth = len(match["indent"]) // 2
            path = [*path[:depth], match["word"]]
            open_rows = [row for row in open_rows if len(row.path) <= depth]
            value = (match["value"] or "").strip()
            if said:
                open_rows.append(Row(path=tuple(path), about=" ".join(said), default=value))
                found.append(open_rows[-1])
            elif open_rows and value:
                open_rows[-1].within.append(f"{match['word']}: {value}")
        said = []
    yield from found


def _table(found: list[Row]) -> str:
    lines = ["| word | default | what it is |", "| --- | --- | --- |"]
    return "\n".join(
        [
            *lines,
            *(f"| `{'.'.join(row.path)}` | {row.shown} | {row.about.replace('|', chr(92) + '|')} |" for row in found),
        ]
    )
