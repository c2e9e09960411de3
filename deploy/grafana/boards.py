"""All dashboards, in the order in which people meet them."""

from __future__ import annotations

from deploy.grafana import deliverability, loops, pipeline, suppression

BOARDS = (deliverability.BOARD, suppression.BOARD, loops.BOARD, pipeline.BOARD)
