"""The compiled short way of ses-streams; what it is and when it is taken, docs/decisions/0017 says."""

from ses_streams_kernel._kernel import (
    Feedback,
    Judgement,
    Layout,
    People,
    Sends,
    Tally,
    at_hand,
    digest_of,
    pack,
    partitions,
    size_of,
    split,
    strays,
)

__all__ = [
    "Feedback",
    "Judgement",
    "Layout",
    "People",
    "Sends",
    "Tally",
    "at_hand",
    "digest_of",
    "pack",
    "partitions",
    "size_of",
    "split",
    "strays",
]
