"""What every group of settings is made of.

No setting lives here; only what makes a group frozen and a list readable from one line of text.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

KAFKA_NAME = r"^[A-Za-z0-9._-]+$"


def _split(value: object) -> object:
    """Read `a, b` as two words: a list in an environment variable is separated by commas."""
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Group(BaseModel):
    """Frozen, and deaf to unknown words."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)
