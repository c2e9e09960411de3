"""``python -m tests.grafana``: plays a demo under Prometheus, and draws every dashboard into docs/images."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.grafana.observed import observed
from tests.grafana.picture import draw
from tests.grafana.reading import ROOT, dashboards
from tests.prometheus.tools import prometheus

MESSAGES, REQUESTS = 20_000, 2_000


def main(folder: Path) -> None:
    """Write one picture a dashboard."""
    with (
        tempfile.TemporaryDirectory() as home,
        observed(prometheus(), Path(home), MESSAGES, REQUESTS) as whole,
    ):
        run = whole.while_busy()
        for name, board in dashboards().items():
            path = folder / f"dashboard-{name}.svg"
            path.write_text(draw(board, run.answers, (run.start, run.end)), encoding="utf-8")
            print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs" / "images")
