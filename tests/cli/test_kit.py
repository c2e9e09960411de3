"""`ses-streams kit write`: what a team takes home is whole, and says the bytes that the workers say."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka.partitioner import murmur2 as aiokafkas_murmur2

from streams.cli.kit_files import FILES, GOLDEN, kit_files, kit_home
from streams.cli.kit_golden import COUNTS, PRODUCED, golden_text
from streams.schemas.plain import from_plain
from streams.topics import ROLES
from tests.builders import CODEC

ROOT = Path(__file__).resolve().parents[2]
KNOWN = json.loads(golden_text())
VALUES = KNOWN["values"]


def test_the_golden_bytes_are_what_the_code_makes() -> None:
    assert (ROOT / "kit" / GOLDEN).read_text("utf-8") == golden_text(), "run `make docs`, and look at the difference"


def test_there_are_golden_bytes_of_every_schema_and_every_example_of_it() -> None:
    names = {ROLES[role].value for role in PRODUCED}
    examples = {path.name.removesuffix(".json") for path in (ROOT / "schemas" / "examples").iterdir()}
    wanted = {one for one in examples if one.rpartition(".")[0] in names} | {f"{name}.least" for name in names}
    assert names == {"mail.SendRequest", "mail.Send", "mail.Feedback"}
    assert {f"{one['schema']}.{one['example']}" for one in VALUES} == wanted


@pytest.mark.parametrize("one", VALUES, ids=lambda one: f"{one['schema']}.{one['example']}")
def test_golden_bytes_are_read_as_the_value_beside_them(one: dict[str, Any]) -> None:
    record = CODEC.decode(one["schema"], bytes.fromhex(one["hex"]))
    assert record == from_plain(one["schema"], one["value"])
    assert bytes.fromhex(one["hex"])[:5] == b"\0" + one["id"].to_bytes(4, "big")
    assert all(len(value) <= 1 for value in record.values() if isinstance(value, dict)), "one entry a map at most"


@pytest.mark.parametrize("one", [*VALUES, *KNOWN["partitioner"]], ids=lambda one: one["key"][:40])
def test_golden_partitions_are_those_of_another_murmur2(one: dict[str, Any]) -> None:
    hashed = aiokafkas_murmur2(one["key"].encode())
    assert one["partitions"] == {str(count): (hashed & 0x7FFFFFFF) % count for count in COUNTS}
    assert one.get("murmur2", hashed) in {hashed, hashed - (1 << 32)}


def test_the_keys_of_the_partitioner_are_such_as_go_wrong() -> None:
    keys = {one["key"]: one["murmur2"] for one in KNOWN["partitioner"]}
    assert "" in keys
    assert any(hashed < 0 for hashed in keys.values())
    assert any(hashed >= 0 for hashed in keys.values())
    assert any(not key.isascii() for key in keys)
    assert max(map(len, keys)) > 1_000
    assert {len(key.encode()) % 4 for key in keys} == {0, 1, 2, 3}


def test_a_kit_is_written_whole(run: Callable[..., Any], tmp_path: Path) -> None:
    ran = run("kit", "write", str(tmp_path / "kit"))
    assert (ran.code, ran.out) == (0, "")
    written = {
        path.relative_to(tmp_path / "kit").as_posix() for path in (tmp_path / "kit").rglob("*") if path.is_file()
    }
    assert written == set(kit_files())
    assert {"schemas/mail.Send.avsc", "schemas/lock.json", GOLDEN, "java/Publish.java"} <= written
    assert (tmp_path / "kit" / GOLDEN).read_text("utf-8") == golden_text()


def test_what_a_team_has_changed_is_not_written_over(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run("kit", "write", str(tmp_path)).code == 0
    assert run("kit", "write", str(tmp_path)).code == 0, "the same once more is no change"
    (tmp_path / "python" / "publish.py").write_text("mine")
    ran = run("kit", "write", str(tmp_path))
    assert ran.code == 1
    assert "python/publish.py" in ran.err
    assert (tmp_path / "python" / "publish.py").read_text() == "mine"
    assert run("kit", "write", str(tmp_path), "--force").code == 0
    assert (tmp_path / "python" / "publish.py").read_text() != "mine"


def test_a_directory_that_cannot_be_written_is_named(run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    ran = run("kit", "write", str(tmp_path / "taken" / "kit"))
    assert ran.code == 3
    assert "taken" in ran.err


def test_the_kit_is_all_that_lies_in_its_directory_and_the_wheel_carries_it() -> None:
    said = subprocess.run(["git", "ls-files", "kit"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert set(said.split()) == {f"kit/{name}" for name in (*FILES, GOLDEN)}
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"]["force-include"]["kit"] == "streams/cli/_kit"
    assert kit_home() == ROOT / "kit"


def test_node_s_lock_names_no_registry() -> None:
    lock = json.loads((ROOT / "kit/node/package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert all(
        "resolved" not in package and package["integrity"].startswith("sha512-") for package in packages.values()
    )
