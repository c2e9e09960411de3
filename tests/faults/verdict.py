"""The verdict: how many of each kind were sent, seen, lost, repeated, wrong or late, and which promises held.

A finding names no address: a message id, a feedback id or a place on a topic is enough to go and look.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

SAMPLES = 5
INVARIANTS = {
    "I1": "every mail and recipient ends in the outcomes that are due, or is open",
    "I2": "every event is joined, goes out unmatched, or is set aside byte for byte",
    "I3": "those are suppressed who are to be, and nobody else",
    "I4": "no retry too many, none after a suppression",
    "I5": "counters tell what happened",
    "I6": "each table is the fold of its changelog",
    "I7": "nothing waits: committed is the end of each input",
}


class What(StrEnum):
    """What can be said of one thing."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    WRONG = "wrong"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, or only just; *of* names it, without an address."""

    kind: str
    what: What
    invariant: str
    of: str
    why: str


@dataclass(slots=True)
class Count:
    """One kind: how many were due, and how many of these were seen."""

    sent: int = 0
    seen: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0
    late: int = 0


@dataclass(slots=True)
class Verdict:
    """All of it. *skipped*: invariants that were not looked at, and why not."""

    kinds: dict[str, Count] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    doubtful: int = 0
    """Records of which it is not known whether they arrived; nothing is concluded from them."""

    def due(self, kind: str, sent: int, seen: int) -> None:
        """Note how many of a kind were due, and how many of them came."""
        count = self.kinds.setdefault(kind, Count())
        count.sent += sent
        count.seen += seen

    def find(self, finding: Finding) -> None:
        """Note a finding, and count it."""
        self.findings.append(finding)
        count = self.kinds.setdefault(finding.kind, Count())
        setattr(count, finding.what, getattr(count, finding.what) + 1)

    def total(self, word: str) -> int:
        """Return the sum of one count over all kinds; keys of tables are neither sent nor seen."""
        left_out = {"tables"} if word in ("sent", "seen") else set()
        return sum(getattr(count, word) for kind, count in self.kinds.items() if kind not in left_out)

    @property
    def lost(self) -> int:
        """Return how much was lost."""
        return self.total("lost")

    @property
    def wrong(self) -> int:
        """Return how much was wrong."""
        return self.total("wrong")

    @property
    def clean(self) -> bool:
        """Tell whether nothing was lost, nothing was wrong, and every invariant that was looked at held."""
        return not self.lost and not self.wrong and "broken" not in self.invariants.values()

    @property
    def invariants(self) -> dict[str, str]:
        """Return each invariant: held, broken, or skipped."""
        broken = {one.invariant for one in self.findings if one.what in (What.LOST, What.WRONG)}
        return {
            name: "broken" if name in broken else "skipped" if name in self.skipped else "held" for name in INVARIANTS
        }

    def words(self) -> str:
        """Return it for people: a line a kind, then samples of what is lost or wrong."""
        lines = [f"{'':<13} {'sent':>8} {'seen':>8} {'lost':>6} {'dupl.':>6} {'wrong':>6} {'late':>6}"]
        lines += [
            f"{kind:<13} {c.sent:>8} {c.seen:>8} {c.lost:>6} {c.duplicated:>6} {c.wrong:>6} {c.late:>6}"
            for kind, c in self.kinds.items()
        ]
        for name, state in self.invariants.items():
            why = f": {self.skipped[name]}" if state == "skipped" else ""
            lines.append(f"{name} {state}{why} ({INVARIANTS[name]})")
        shown = Counter[tuple[str, What]]()
        for one in self.findings:
            shown[one.kind, one.what] += 1
            if one.what in (What.LOST, What.WRONG) and shown[one.kind, one.what] <= SAMPLES:
                lines.append(f"  {one.what} ({one.invariant}, {one.kind}): {one.of}: {one.why}")
        return "\n".join(lines)
