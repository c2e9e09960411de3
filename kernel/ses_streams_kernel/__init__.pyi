from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Keys: TypeAlias = list[bytes | None]

class Layout:
    def __init__(self, header: bytes, plans: list[bytes]) -> None: ...
    def starts(self, value: bytes) -> list[int] | None: ...

class Judgement:
    kind: int
    reason: bytes
    status: bytes | None
    certain: bool
    about: Any
    def __init__(self, kind: int, reason: bytes, status: bytes | None, certain: bool, about: Any) -> None: ...

class Tally:
    judgement: Judgement
    stream: str
    domain: str
    count: int
    latencies: list[int]

class Sends:
    def __init__(self, layout: Layout, via: int, vias: list[str], latest: int) -> None: ...
    def scan(self, keys: Keys, values: Keys) -> tuple[Any, Keys]: ...
    def take(
        self,
        scan: Any,
        places: Sequence[int],
        keys: Keys,
        values: Keys,
        lives: dict[bytes, Any],
        stored: dict[bytes, bytes | None],
        writes: dict[bytes, bytes | None],
        begun: list[bytes],
        now: int,
        slow: Callable[[int], None],
        counts: dict[tuple[str, ...], int],
    ) -> None: ...

class Feedback:
    def __init__(
        self,
        layout: Layout,
        sends: Layout,
        outcome: bytes,
        kinds: list[bytes],
        ranks: bytes,
        names: bytes,
        timed: int,
        latest: int,
        judge: Callable[[bytes], Judgement | None],
    ) -> None: ...
    def scan(self, keys: Keys, values: Keys) -> tuple[Any, Keys]: ...
    def take(
        self,
        scan: Any,
        places: Sequence[int],
        keys: Keys,
        values: Keys,
        lives: dict[bytes, Any],
        stored: dict[bytes, bytes | None],
        writes: dict[bytes, bytes | None],
        out_keys: list[bytes],
        out_values: Keys,
        now: int,
        slow: Callable[[int], None],
    ) -> list[Tally]: ...

class People:
    def __init__(
        self, layout: Layout, silent: frozenset[int], delivered: int, versions: bytes, fresh: bytes, latest: int
    ) -> None: ...
    def scan(self, values: Keys) -> tuple[Any, Keys]: ...
    def take(
        self,
        scan: Any,
        places: Sequence[int],
        keys: Keys,
        values: Keys,
        known: dict[bytes, Any],
        stored: dict[bytes, bytes | None],
        writes: dict[bytes, bytes | None],
        now: int,
        slow: Callable[[int], None],
    ) -> None: ...

def digest_of(said: bytes) -> bytes: ...
def partitions(keys: Sequence[bytes], count: int) -> list[int]: ...
def strays(keys: Sequence[bytes], partition: int, count: int) -> list[int]: ...
def split(keys: list[bytes], values: Keys, count: int) -> list[tuple[int, list[bytes], Keys]]: ...
def pack(keys: Sequence[bytes]) -> bytes: ...
def at_hand(
    newer: dict[bytes, bytes | None], older: dict[bytes, bytes | None], keys: list[bytes]
) -> tuple[Keys, list[int], list[bytes]]: ...
def size_of(rows: dict[bytes, bytes | None]) -> int: ...
