"""Why the intake turns items away, and why its calls to AWS go amiss: closed lists for the labels of its metrics.

The words are those of streams/inlets, which may not be imported from here; tests hold the two together.
"""

from __future__ import annotations

REFUSALS = (
    "too_large",
    "incomplete",
    "not_json",
    "not_sns",
    "header_mismatch",
    "unsigned",
    "topic",
    "signature_version",
    "certificate_url",
    "certificate_redirected",
    "certificate_unreachable",
    "certificate_bad",
    "region",
    "signature",
    "expired",
    "future",
    "replayed",
    "busy",
    "subscribe_url",
    "not_confirmed",
    "token",
    "not_one_click",
    "object_unreadable",
)
"""Why a post is turned away."""

WHYS = ("gone", "missing", "denied", "credentials", "throttled", "crowded", "network", "server", "other")
"""Why a call to AWS goes amiss."""
