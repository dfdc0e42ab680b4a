"""What is shipped: our folders and nothing else, with their data, under names nobody else claims, from true locks."""

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bootstrap.commands import RUN_EXTRAS
from bootstrap.environment import pins

ROOT = Path(__file__).parent.parent
OURS = ("agent", "backoffice", "collector", "config", "evidence", "protocols", "simulator", "sync")
# our own names of places on other machines, and what the documentation of formats needs
GENERIC_PATHS = ("/opt/forecourt", "/home/pi", "/root/.")
REGISTRY_HOSTS = ("pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs.org", "deb." + "debian.org")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|home)/[\w.-]+")


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def git_files(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "-z", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel as the build makes it, from the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        yield archive


def test_the_wheel_holds_exactly_our_folders(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}

    assert tops == {*OURS, f"forecourt-{project()['project']['version']}.dist-info"}


def test_the_wheel_holds_every_data_file_that_git_holds(wheel: zipfile.ZipFile) -> None:
    data = [path for folder in OURS for path in git_files(folder) if path.suffix != ".py"]
    inside = set(wheel.namelist())

    assert data
    assert [str(path) for path in data if path.relative_to(ROOT).as_posix() not in inside] == []


def test_every_folder_says_that_it_is_typed(wheel: zipfile.ZipFile) -> None:
    assert [folder for folder in OURS if f"{folder}/py.typed" not in wheel.namelist()] == []


def test_licence_and_notice_travel_along(wheel: zipfile.ZipFile) -> None:
    names = [name.rpartition("/")[2] for name in wheel.namelist() if ".dist-info/licenses/" in name]

    assert sorted(names) == ["LICENSE", "NOTICE"]


def test_console_scripts_exist(wheel: zipfile.ZipFile) -> None:
    inside = set(wheel.namelist())

    for target in project()["project"]["scripts"].values():
        module = target.partition(":")[0].replace(".", "/") + ".py"
        assert module in inside, target


def test_no_module_of_the_standard_library_has_one_of_our_names() -> None:
    assert set(OURS) & sys.stdlib_module_names == set()


def test_no_other_installed_distribution_claims_one_of_our_names() -> None:
    claims = {
        (distribution.metadata["Name"], Path(file).parts[0].removesuffix(".py"))
        for distribution in distributions()
        if distribution.metadata["Name"] != "forecourt"
        for file in distribution.files or ()
    }

    assert {claim for claim in claims if claim[1] in OURS} == set()


def test_the_installed_version_is_the_projects() -> None:
    assert version("forecourt") == project()["project"]["version"]


def test_the_changelog_knows_the_version() -> None:
    number = project()["project"]["version"]

    assert re.search(rf"(?m)^## (\[)?({re.escape(number)}|Unreleased)", (ROOT / "CHANGELOG.md").read_text("utf-8"))


def test_every_folder_is_checked_by_every_tool() -> None:
    tools = project()["tool"]

    assert tuple(tools["hatch"]["build"]["targets"]["wheel"]["packages"]) == OURS
    assert tuple(tools["importlinter"]["root_packages"]) == OURS
    assert set(OURS) | {"tests", "bootstrap"} <= set(tools["mypy"]["packages"])


def test_every_test_folder_is_a_package() -> None:
    folders = {path.parent for path in git_files("tests/*.py")}

    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize(("lock", "groups"), [("requirements.lock", ("build",)), ("requirements-test.lock", ("test",))])
def test_the_lock_fits_the_project(lock: str, groups: tuple[str, ...]) -> None:
    """Renew it by ./run lock when this fails."""
    text = (ROOT / "requirements.lock").read_text("utf-8") + (ROOT / lock).read_text("utf-8")
    locked = {canonicalize_name(name): number for name, number in pins(text).items()}
    data = project()
    extras = [line for extra in RUN_EXTRAS for line in data["project"]["optional-dependencies"][extra]]
    wanted = [*data["project"]["dependencies"], *extras]
    wanted += [line for group in groups for line in data["dependency-groups"][group]]

    for requirement in map(Requirement, wanted):
        if requirement.name == "forecourt" or (requirement.marker and not requirement.marker.evaluate(ENVIRONMENT)):
            continue
        found = locked.get(canonicalize_name(requirement.name), "")
        assert requirement.specifier.contains(found, prereleases=True), f"{requirement}: the lock has {found!r}"


ENVIRONMENT = {str(key): str(value) for key, value in default_environment().items()}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_a_lock_holds_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")

    assert "://" not in text
    assert not re.search(r"(?m)^--|^\s+--(?!hash=sha256:[0-9a-f]{64})", text)
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]
    assert [block for block in blocks if "--hash=" not in block] == []


def test_the_tests_lock_adds_to_the_other_and_repeats_nothing() -> None:
    text = (ROOT / "requirements-test.lock").read_text("utf-8")

    assert text.startswith("-r requirements.lock\n")
    assert set(pins(text)) & set(pins((ROOT / "requirements.lock").read_text("utf-8"))) == set()


def test_no_file_names_a_place_of_the_machine_it_was_written_on() -> None:
    found = []
    for path in git_files():
        text = path.read_bytes().decode("utf-8", "ignore")
        places = [place for place in MACHINE_PATHS.findall(text) if not place.startswith(GENERIC_PATHS)]
        hosts = [host for host in REGISTRY_HOSTS if host in text]
        if (places or hosts) and path != Path(__file__):
            found.append((path.relative_to(ROOT).as_posix(), *places[:3], *hosts))

    assert found == []


def test_ci_runs_the_tests_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".ci" / "run").read_text("utf-8").splitlines() if line.strip()]

    assert lines[0] == "#!/usr/bin/env bash"
    assert len(lines) == 2
    assert lines[1].endswith('/run" test')
