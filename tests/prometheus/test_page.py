"""The page of metrics as Prometheus's own tool sees it: nothing to say against it, whatever has been counted."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from streams.observe.exposition import Exposition
from streams.observe.metrics import Metrics
from tests.observe.seen import flooded, full
from tests.prometheus.tools import promtool


def check_metrics(page: bytes) -> str:
    """Return what `promtool check metrics` has to say of a page; nothing where it is well."""
    done = subprocess.run([promtool(), "check", "metrics"], input=page, capture_output=True, check=False, timeout=60)
    said = (done.stdout + done.stderr).decode()
    assert bool(said) is bool(done.returncode), said
    return said


@pytest.mark.parametrize("made", [Metrics, full, flooded])
def test_promtool_has_nothing_to_say(made: Callable[[], Metrics]) -> None:
    page, _ = Exposition(made()).page()
    assert check_metrics(page) == ""


def test_promtool_would_say_it() -> None:
    assert "no help text" in check_metrics(b"# TYPE ses_sends_total counter\nses_sends_total 1\n")
    assert "_total" in check_metrics(b"# HELP ses_sends Mails.\n# TYPE ses_sends counter\nses_sends 1\n")
