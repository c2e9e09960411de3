"""How a hop sets a record aside: as every stage does."""

from __future__ import annotations

from streams.emit.dead import DeadLetters, check_key

__all__ = ["DeadLetters", "check_key"]
