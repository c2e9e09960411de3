"""Holds a worker's metrics against the ledger: they must count what happened, each thing once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.faults.ledger import Ledger
from tests.faults.process import Page, by_label
from tests.faults.verdict import Finding, Verdict, What


def judge_counters(ledger: Ledger, page: Page | None, verdict: Verdict) -> None:
    """Note in *verdict* what the metrics of the one worker that lived throughout say otherwise; None: there is none."""
    if ledger.ends():
        verdict.skipped["I5"] = "counters are not compared where our own worker sends"
    elif page is None:
        verdict.skipped["I5"] = "no worker lived throughout"
    elif verdict.total("duplicated") or verdict.doubtful:
        verdict.skipped["I5"] = "records were worked on twice" if not verdict.doubtful else "some records are in doubt"
    else:
        for name, counted, wanted in _pairs(ledger, page):
            if counted != wanted:
                verdict.find(Finding("counters", What.WRONG, "I5", name, f"{counted}, not {wanted}"))


def _pairs(ledger: Ledger, page: Page) -> Iterator[tuple[str, object, object]]:
    """Yield each metric's name, what it says, and what is so."""
    kinds = Counter(one.kind for one in ledger.outcomes().values())
    yield "ses_outcomes_total", by_label(page, "ses_outcomes_total", "kind"), kinds
    reasons = Counter(one.reason for one in ledger.suppressions().values() if one.reason)
    yield "ses_suppressions", by_label(page, "ses_suppressions", "reason"), reasons
    sends = len(ledger.sends()) + ledger.stand_ins()
    yield "ses_sends_total", by_label(page, "ses_sends_total", "").total(), sends
    letters = by_label(page, "ses_dead_letters_total", "").total()
    yield "ses_dead_letters_total", letters, len(ledger.letters())
