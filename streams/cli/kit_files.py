"""The kit that a team takes home: which files it is made of, where they lie, and how they are written to a directory.

The producers in Python, Java, Go and Node are files of the repository's kit/, and a wheel carries them; schemas and
ids come from the schemas' own place, so that there is one of each. A list and not a directory, because whoever ran a
producer has left a node_modules/ or a target/ beside it.
"""

from __future__ import annotations

from pathlib import Path

from streams.cli.kit_golden import PRODUCED, golden_text
from streams.errors import WorldFailed
from streams.schemas.files import schema_home
from streams.topics import ROLES

_SHIPPED = Path(__file__).parent / "_kit"  # the wheel carries the repository's kit/ under this name
_CHECKOUT = Path(__file__).parents[2] / "kit"

GOLDEN = "golden.json"
FILES = (
    "README.md",
    "python/publish.py",
    "python/requirements.txt",
    "java/Publish.java",
    "java/pom.xml",
    "go/main.go",
    "go/go.mod",
    "go/go.sum",
    "node/publish.mjs",
    "node/package.json",
    "node/package-lock.json",
)


def kit_home() -> Path:
    """Return the directory of the kit's files; raises FileNotFoundError where a package was built without them."""
    for home in (_SHIPPED, _CHECKOUT):
        if (home / GOLDEN).is_file():
            return home
    message = f"no kit in {_SHIPPED}: the package was built without its kit/ directory"
    raise FileNotFoundError(message)


def kit_files() -> dict[str, bytes]:
    """Return each file of the kit by its path within it."""
    home, schemas = kit_home(), schema_home()
    names = [f"{ROLES[role].value}.avsc" for role in PRODUCED] + ["lock.json"]
    files = {name: (home / name).read_bytes() for name in FILES}
    files[GOLDEN] = golden_text().encode()
    return files | {f"schemas/{name}": (schemas / name).read_bytes() for name in names}


def differing(directory: Path) -> list[str]:
    """Return those files of the kit that are in *directory* with other bytes."""
    files = kit_files()
    return [
        name for name, text in files.items() if (directory / name).exists() and (directory / name).read_bytes() != text
    ]


def write_kit(directory: Path) -> list[str]:
    """Write the kit, over what is there; return the names of its files.

    Raises:
        WorldFailed: the disk refuses.

    """
    try:
        for name, text in kit_files().items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_bytes(text)
    except OSError as error:
        raise WorldFailed(f"{error.filename or directory}: {error.strerror}") from error
    return list(kit_files())
