"""Markdown for the pages of docs/ that are made from the code. It knows no table of ours."""

from __future__ import annotations

from collections.abc import Iterable

_MADE = "<!-- made by `ses-streams docs docs`; change the code, not this page -->"


def page(title: str, *parts: str) -> str:
    """Return a page in Markdown: its title, that it is made, and its parts."""
    return "\n\n".join((f"# {title}", _MADE, *(part.strip() for part in parts))) + "\n"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
