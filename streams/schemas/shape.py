"""Is this value of the shape that a schema wants? Checks made once from a schema, then called for every value.

A check returns the value with defaults filled in and unknown fields left out, or raises `Misfit`, which gathers the
path on its way out and never quotes the value: values hold addresses. What a leaf may look like differs between
records (bytes, int milliseconds) and JSON (base64, ISO 8601), so leaves are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from streams.errors import Unusable
from streams.schemas.avsc import Schema

Check = Callable[[Any], Any]

_MISSING: Any = object()


class Misfit(Exception):
    """A value that does not fit; *wants* says what would, *where* is the path to it, outermost last."""

    def __init__(self, wants: str) -> None:
        """Start at the value itself."""
        super().__init__(wants)
        self.wants = wants
        self.where: list[str] = []

    def unusable(self, name: str) -> Unusable:
        """Return the error that the rest of the house knows; *name* is the schema's full name."""
        path = "".join(reversed(self.where)).removeprefix(".")
        return Unusable("WRONG_TYPE", f"{name}: {path or 'the record'} wants {self.wants}")


class Shapes:
    """Makes checks from schemas; *leaves* maps `bytes` and `timestamp-millis` to their checks."""

    def __init__(self, leaves: Mapping[str, Check]) -> None:
        """Start with no named type known."""
        self._leaves: dict[str, Check] = {**_LEAVES, **leaves}
        self._named: dict[str, Check] = {}

    def of(self, schema: Schema, namespace: str = "") -> Check:  # noqa: PLR0911 - one line a type
        """Return the check of *schema*; raises KeyError for a type that is not spoken here."""
        if isinstance(schema, list):
            return self._union(schema, namespace)
        if isinstance(schema, str):
            return self._leaves[schema] if schema in self._leaves else self._named[schema]
        match schema["type"]:
            case "record":
                return self._record(schema, namespace)
            case "enum":
                return self._keep(schema, namespace, _one_of(frozenset(schema["symbols"])))
            case "array":
                return _list_of(self.of(schema["items"], namespace))
            case "map":
                return _map_of(self.of(schema["values"], namespace))
            case leaf:
                return self.of(schema.get("logicalType", leaf), namespace)

    def _keep(self, schema: Schema, namespace: str, check: Check) -> Check:
        """Remember a named type, since a schema may use it again by its name."""
        self._named[full_name(schema, namespace)] = check
        return check

    def _record(self, schema: Schema, namespace: str) -> Check:
        inner = schema.get("namespace", namespace)
        fields = [(f["name"], self.of(f["type"], inner), f.get("default", _MISSING)) for f in schema["fields"]]

        def check(value: Any) -> dict[str, Any]:
            if not isinstance(value, Mapping):
                _refuse("an object")
            out: dict[str, Any] = {}
            for name, fits, default in fields:
                given = value.get(name, default)
                try:
                    out[name] = fits(given) if given is not _MISSING else _refuse("a value: it has no default")
                except Misfit as misfit:
                    misfit.where.append(f".{name}")
                    raise
            return out

        return self._keep(schema, namespace, check)

    def _union(self, branches: list[Schema], namespace: str) -> Check:
        optional = "null" in branches
        others = [branch for branch in branches if branch != "null"]
        fits = self.of(others[0], namespace) if len(others) == 1 else self._records(others, namespace)

        def check(value: Any) -> Any:
            if value is None and optional:
                return None
            try:
                return fits(value)
            except Misfit as misfit:
                if optional and not misfit.where:
                    misfit.wants += ", or null"
                raise

        return check

    def _records(self, branches: list[Schema], namespace: str) -> Check:
        """Return the check of a union of records: (full name, record), as fastavro has it, comes out."""
        checks = {full_name(branch, namespace): self.of(branch, namespace) for branch in branches}
        demanded = {
            full_name(branch, namespace): {f["name"] for f in branch["fields"] if "default" not in f}
            for branch in branches
        }

        def check(value: Any) -> tuple[str, Any]:
            branch, inner = _branch_of(value, demanded)
            try:
                return branch, checks[branch](inner)
            except Misfit as misfit:
                misfit.where.append(f".{branch.rpartition('.')[2]}")
                raise

        return check


def full_name(schema: Schema, namespace: str) -> str:
    """Return the full name of a named type inside *namespace*."""
    name: str = schema["name"]
    space = schema.get("namespace", namespace)
    return name if "." in name or not space else f"{space}.{name}"


def _branch_of(value: Any, demanded: Mapping[str, set[str]]) -> tuple[str, Any]:
    """Return (branch, record) of (name, record), {name: record}, or a bare record that only one branch can be."""
    if isinstance(value, Mapping):
        pair = next(iter(value.items())) if len(value) == 1 else ("", None)
    else:
        pair = value if isinstance(value, tuple) and len(value) == 2 else ("", None)  # noqa: PLR2004 - a pair
    for branch in demanded:
        if pair[0] in (branch, branch.rpartition(".")[2]):
            return branch, pair[1]
    fitting = [branch for branch, names in demanded.items() if isinstance(value, Mapping) and names <= value.keys()]
    if len(fitting) == 1:
        return fitting[0], value
    return _refuse("one of " + ", ".join(branch.rpartition(".")[2] for branch in demanded))


def _refuse(wants: str) -> NoReturn:
    raise Misfit(wants)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        _refuse("text")
    try:
        value.encode()
    except UnicodeEncodeError:
        _refuse("text that UTF-8 can carry")
    return value


def _whole_number(bits: int) -> Check:
    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not -(1 << bits - 1) <= value < 1 << bits - 1:
            _refuse(f"a whole number of {bits} bits")
        return value

    return check


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else _refuse("true or false")


def _octets(value: Any) -> bytes:
    return value if isinstance(value, bytes) else _refuse("bytes")


def _one_of(symbols: frozenset[str]) -> Check:
    def check(value: Any) -> str:
        return str(value) if isinstance(value, str) and value in symbols else _refuse("one of the schema's symbols")

    return check


def _list_of(fits: Check) -> Check:
    def check(value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            _refuse("a list")
        out: list[Any] = []
        for item in value:
            try:
                out.append(fits(item))
            except Misfit as misfit:
                misfit.where.append(f"[{len(out)}]")
                raise
        return out

    return check


def _map_of(fits: Check) -> Check:
    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            _refuse("an object")
        try:
            return {_text(key): fits(inner) for key, inner in value.items()}
        except Misfit as misfit:
            misfit.where.append("{}")  # not the key: a header's or a tag's name can hold an address too
            raise

    return check


_LEAVES: dict[str, Check] = {
    "null": lambda value: None if value is None else _refuse("null"),
    "boolean": _truth,
    "int": _whole_number(32),
    "long": _whole_number(64),
    "timestamp-millis": _whole_number(64),
    "bytes": _octets,
    "string": _text,
}
