"""The simulator as others install it: one wheel in an empty environment, under its own name and its own licence."""

import importlib.util
import os
import re
import resource
import signal
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from simulator.started import Started, started
from tests.simulator.running import Client

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "packaging" / "forecourt-sim"
PATIENCE_S = 30
# the module that runs, and those for which bumble must be installed
NEED_MORE = ("__main__", ".radio", ".radio_ports")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as the build makes it, from the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=FOLDER, capture_output=True, check=True, timeout=60)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds nothing but the wheel."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=False)
    install = ["install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", str(wheel)]
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), *install]
    subprocess.run(command, check=True, timeout=PATIENCE_S)
    return folder / "bin"


@pytest.fixture
def running(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """The installed program, started in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    words = ("--scenario", "clean", "--tcp", "127.0.0.1:0")
    with started(*words, command=(str(environment / "forecourt-sim"),), environment=bare) as running:
        yield running


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """The build hook as a module."""
    found = importlib.util.spec_from_file_location("forecourt_sim_build", FOLDER / "hatch_build.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def texts(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def test_it_answers_under_its_own_name_and_ends_on_a_signal(running: Started) -> None:
    with Client(running.url) as client:
        client.ask("ATE0")
        answer = client.ask("010C")
    last = running.end(signal.SIGTERM)

    assert "41 0C 0C 30" in answer
    assert last == {"writes": 0, "requests": 1, "unsafe": []}


def test_it_starts_within_a_few_starts_of_python_itself(environment: Path, tmp_path: Path) -> None:
    started = [str(environment / "forecourt-sim"), "--scenario", "clean", "--tcp", "127.0.0.1:0", "--seconds", "0"]
    bare = [str(environment / "python"), "-c", "import argparse, asyncio, json, tomllib"]

    def computing_s(command: list[str]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE_S, cwd=tmp_path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # Half a second is some five of these; both are measured in turn on the same machine, the best of three each.
    pairs = [(computing_s(started), computing_s(bare)) for _ in range(3)]
    assert min(whole for whole, _ in pairs) < 6 * min(alone for _, alone in pairs)


def test_every_module_can_be_imported_and_brings_nothing_else(environment: Path, wheel: Path) -> None:
    modules = sorted(name[:-3].replace("/", ".") for name in texts(wheel) if name.endswith(".py"))
    script = f"""
import importlib, sys
for name in {[name.removesuffix(".__init__") for name in modules if not name.endswith(NEED_MORE)]!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(name, "wants", error.name)
print(*sorted({{name.split(".")[0] for name in sys.modules}} - sys.stdlib_module_names))
"""
    command = [str(environment / "python"), "-I", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S)

    # Debian's Python brings a ``sitecustomize`` of its own.
    assert set(done.stdout.split()) - {"__main__", "sitecustomize"} == {"forecourt_sim"}


def test_it_holds_the_same_modules_as_the_folder(wheel: Path) -> None:
    inside = {name.removeprefix("forecourt_sim/") for name in texts(wheel) if name.startswith("forecourt_sim/")}
    source = ROOT / "simulator"
    there = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}

    assert inside == {name for name in there if "__pycache__" not in name}


def test_it_is_offered_under_mit_and_carries_no_other_licence(wheel: Path) -> None:
    found = texts(wheel)
    metadata = next(text for name, text in found.items() if name.endswith("METADATA"))

    assert "License-Expression: MIT\n" in metadata
    assert re.findall(r"Requires-Dist: (.*)", metadata) == ["bumble>=0.0.230; extra == 'bluetooth'"]
    code = {name: text for name, text in found.items() if not name.endswith("METADATA")}
    banned = ("GPL", "GNU", "CC-BY-SA", "OBDb", "python-OBD")
    assert [(name, word) for name, text in code.items() for word in banned if word in text] == []


def maker_facts() -> tuple[set[str], set[str]]:
    """Requests and addresses in the makers' tables, without what ISO 15765-4 and SAE J1979 name themselves."""
    rows = [
        row
        for file in (ROOT / "config" / "vehicles").glob("*.toml")
        if file.stem != "standard"
        for row in tomllib.loads(file.read_text(encoding="utf-8")).get("odometer", [])
    ]
    addresses = {row[key] for row in rows for key in ("request_id", "response_id") if key in row}
    standard = {f"{number:03X}" for number in range(0x7E0, 0x7F0)} | {"7DF"}
    return {row["request"] for row in rows if row["request"][:2] in ("21", "22")}, addresses - standard


def test_no_makers_fact_from_a_database_goes_in(wheel: Path) -> None:
    requests, addresses = maker_facts()
    own = {name: text for name, text in texts(wheel).items() if name.endswith(".toml")}

    assert len(requests) > 20 and len(addresses) > 20 and len(own) > 20
    taken = [
        (name, value)
        for name, text in own.items()
        for key in ("request", "answer")
        for value in requests | addresses
        if f'{key} = "{value}"' in text and not value.startswith("18DA")
    ]
    assert taken == []


def test_a_wheel_can_be_built_from_the_source_distribution(wheel: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path), "-t"]
    subprocess.run([*build, "sdist"], cwd=FOLDER, capture_output=True, check=True, timeout=60)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path)  # noqa: S202 - our own; Debian 12's Python 3.11.2 knows no filter yet
    unpacked = next(path for path in tmp_path.iterdir() if path.is_dir())
    subprocess.run([*build, "wheel"], cwd=unpacked, capture_output=True, check=True, timeout=60)

    made = texts(next(tmp_path.glob("*.whl")))
    assert {name: made[name] for name in made if "RECORD" not in name} == {
        name: text for name, text in texts(wheel).items() if "RECORD" not in name
    }


def test_a_scenario_keeps_everything_else(hook: ModuleType) -> None:
    text = (ROOT / "simulator" / "scenarios" / "ford.toml").read_text(encoding="utf-8")
    theirs, ours = (tomllib.loads(one) for one in (text, hook.with_own_data(text)))

    assert [ecu.pop("read", []) for ecu in ours["car"]["ecu"]] == [
        [{"request": "22FD01", "bytes": 4, "unit_m": 100}],
        [],
        [{"request": "22FD02", "bytes": 4, "unit_m": 100}],
    ]
    assert [ecu["answer"] for ecu in ours["car"]["ecu"]] == ["7E8", "7E9", "7EA"]
    for ecu in theirs["car"]["ecu"]:
        ecu.pop("read", None)
    theirs["car"]["ecu"][2].update(request="7E2", answer="7EA")
    assert ours == theirs


def test_only_imports_are_renamed(hook: ModuleType) -> None:
    code = "from {0}.car import Car\n    import {0}.pids\n# simulator stays\nfrom simulators import x\n"

    assert hook.renamed(code.format("simulator")) == code.format("forecourt_sim")


def test_both_distributions_have_one_version() -> None:
    ours, whole = (
        tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
        for folder in (FOLDER, ROOT)
    )

    assert ours == whole
