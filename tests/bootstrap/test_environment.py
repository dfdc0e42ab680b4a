"""The environment of ./run: made once, found again at once, made anew when it cannot be trusted."""

import multiprocessing
import shutil
import time
from pathlib import Path

import pytest

from bootstrap.environment import RUN_LOCK, TEST_LOCK, Environment, pins, set_up
from bootstrap.speech import SetupError


class Installer:
    """Stands in for uv and pip: leaves one file a call, or stops in the middle."""

    def __init__(self, *, stops: bool = False) -> None:
        self.calls: list[str] = []
        self.stops = stops

    def __call__(self, environment: Environment, root: Path, lock: str) -> None:
        self.calls.append(lock)
        (environment.home / f"package-{len(self.calls)}").touch()
        if self.stops:
            raise SetupError("the network went away")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "a checkout with spaces"
    root.mkdir()
    (root / RUN_LOCK).write_text("one==1.0\n")
    (root / TEST_LOCK).write_text("-r requirements.lock\ntwo==2.0\n")
    (root / "pyproject.toml").write_text("[project]\n")
    return root


def test_a_second_run_installs_nothing(checkout: Path) -> None:
    install = Installer()
    set_up(checkout, RUN_LOCK, install)
    set_up(checkout, RUN_LOCK, install)

    assert install.calls == [RUN_LOCK]


def test_the_environment_of_the_tests_also_serves_the_demo(checkout: Path) -> None:
    install = Installer()
    set_up(checkout, TEST_LOCK, install)
    set_up(checkout, RUN_LOCK, install)

    assert install.calls == [TEST_LOCK]


def test_the_environment_of_the_demo_does_not_serve_the_tests(checkout: Path) -> None:
    install = Installer()
    set_up(checkout, RUN_LOCK, install)
    set_up(checkout, TEST_LOCK, install)

    assert install.calls == [RUN_LOCK, TEST_LOCK]


@pytest.mark.parametrize("name", [RUN_LOCK, "pyproject.toml"])
def test_a_changed_lock_or_project_installs_again_into_the_same_environment(checkout: Path, name: str) -> None:
    install = Installer()
    environment = set_up(checkout, RUN_LOCK, install)
    kept = environment.home / "kept"
    kept.touch()
    (checkout / name).write_text("[changed]\n")

    set_up(checkout, RUN_LOCK, install)

    assert len(install.calls) == 2
    assert kept.exists()


def test_an_install_that_was_cut_short_is_not_built_upon(checkout: Path) -> None:
    with pytest.raises(SetupError):
        set_up(checkout, RUN_LOCK, Installer(stops=True))
    half_done = checkout / ".venv" / "package-1"
    assert half_done.exists()

    environment = set_up(checkout, RUN_LOCK, lambda *_: None)

    assert not half_done.exists()
    assert environment.call(["python", "-c", "import sys; print(sys.prefix)"]).stdout.strip() == str(environment.home)


def test_a_moved_checkout_gets_a_new_environment(checkout: Path, tmp_path: Path) -> None:
    install = Installer()
    old = set_up(checkout, RUN_LOCK, install)
    (old.home / "old").touch()
    moved = tmp_path / "elsewhere"
    checkout.rename(moved)

    new = set_up(moved, RUN_LOCK, install)

    assert len(install.calls) == 2
    assert not (new.home / "old").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Path) -> None:
    environment = set_up(checkout, RUN_LOCK, Installer())
    for link in ("python", "python3"):
        (environment.home / "bin" / link).unlink()

    environment = set_up(checkout, RUN_LOCK, Installer())

    assert environment.call(["python", "-V"]).returncode == 0


def test_a_venv_that_is_a_link_is_left_alone(checkout: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (checkout / ".venv").symlink_to(precious)

    with pytest.raises(SetupError, match="no folder"):
        set_up(checkout, RUN_LOCK, Installer())

    assert (precious / "file").exists()


def _set_up_slowly(root: Path, journal: Path) -> None:
    def install(_environment: Environment, _root: Path, _lock: str) -> None:
        with journal.open("a") as file:
            file.write("installed\n")
        time.sleep(0.2)

    set_up(root, RUN_LOCK, install)


def test_two_runs_at_once_install_once(checkout: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=_set_up_slowly, args=(checkout, journal)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(timeout=30)

    assert journal.read_text() == "installed\n"


def test_a_command_finds_the_environment_first_and_keeps_the_callers_variables(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("FORECOURT_DEVICE__ID", "bay-7")
    environment = set_up(checkout, RUN_LOCK, Installer())
    variables = environment.variables()

    assert shutil.which("python", path=variables["PATH"]) == str(environment.python)
    assert variables["FORECOURT_DEVICE__ID"] == "bay-7"
    assert "PYTHONPATH" not in variables


def test_pins_are_read_with_and_without_markers() -> None:
    text = "one==1.0 \\\n    --hash=sha256:00\ntwo==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:11\n"

    assert pins(text) == {"one": "1.0", "two": "2.0"}
