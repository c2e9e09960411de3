"""``python -m tests.chart``: write what in deploy/helm is made from something else."""

from __future__ import annotations

from tests.chart.made import write

if __name__ == "__main__":
    write()
