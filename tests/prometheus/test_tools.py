"""What `make tools` gets: PATH goes first, and what cannot be had is said, skipped, or in CI a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import debian
from tests.debian import NoPackage, get, program
from tests.prometheus.tools import promtool


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be on a machine with nothing on PATH and nothing unpacked; return the directory that PATH names."""
    monkeypatch.setattr(debian, "TOOLS", tmp_path / "tools")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def _put(place: Path) -> Path:
    place.mkdir(parents=True)
    (place / "promtool").touch(mode=0o755)
    return place / "promtool"


def test_what_is_on_path_goes_before_what_was_unpacked(bare: Path) -> None:
    assert program("promtool") is None
    unpacked = _put(debian.TOOLS / "usr/bin")
    assert promtool() == unpacked
    assert _put(bare) == promtool()


@pytest.mark.parametrize(("ci", "ending"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_test_without_its_tool_is_skipped_and_in_ci_fails(
    ci: str, ending: type[BaseException], bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(ending, match="no promtool: `make tools` gets it"):
        promtool()


def test_without_apt_the_words_say_what_to_install(bare: Path) -> None:
    with pytest.raises(NoPackage, match="no apt-get here: install prometheus as your system does it"):
        get("prometheus")
