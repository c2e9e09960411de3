"""Tables as Markdown has them, and as the page of the scale sums wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Step = tuple[str, str, str]
"""What, the sum in words, the result."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Return a table; the columns after the first *left* hold figures."""
    rule = ["---" if place < left else "---:" for place in range(len(head))]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]


def steps(steps: Iterator[Step]) -> list[str]:
    """Return the table of a sum: what, how, the result."""
    return table(("what", "how", "result"), list(steps), left=2)
