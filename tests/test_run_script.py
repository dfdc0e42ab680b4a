"""`./run` as a stranger meets it: a fresh copy in a path with a space, an empty HOME, with uv and without."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.needs import unmet

ROOT = Path(__file__).parent.parent
PLAIN_PATH = "/usr/bin:/bin"
SETUP_TIMEOUT_S = 500


def call(checkout: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "SSL_", "UV_", "CI"))}
    return subprocess.run(
        [checkout / "run", *arguments],
        env={"PATH": PLAIN_PATH, **kept, **variables},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SETUP_TIMEOUT_S,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What git knows of this checkout, copied where nothing has been set up."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    copy = tmp_path / "a fresh copy"
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


def expect_ready(done: subprocess.CompletedProcess[str]) -> None:
    if "could not be read" in done.stderr or "has no pip" in done.stderr:
        unmet(f"the package registry ({done.stderr.strip().splitlines()[-1]})")
    assert done.returncode == 0, done.stderr


def test_help_needs_no_environment(checkout: Path) -> None:
    done = call(checkout, "help", HOME="")

    assert done.returncode == 0
    assert "./run test" in done.stdout
    assert not (checkout / ".venv").exists()


def test_an_unknown_word_is_answered_with_what_there_is(checkout: Path) -> None:
    done = call(checkout, "fly")

    assert done.returncode == 2
    assert "./run test" in done.stderr


def test_without_python_one_line_says_what_to_install(checkout: Path, tmp_path: Path) -> None:
    programs = tmp_path / "only a shell"
    programs.mkdir()
    for name in ("sh", "dirname"):
        (programs / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    script = (checkout / "run").read_text().replace(" /usr/bin/python3;", ";")
    (checkout / "run").write_text(script)

    done = call(checkout, PATH=str(programs))

    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert "Python 3.11" in done.stderr


@pytest.mark.peer
@pytest.mark.timeout(SETUP_TIMEOUT_S)
@pytest.mark.parametrize("with_uv", [True, False], ids=["with uv", "without uv"])
def test_a_fresh_copy_with_an_empty_home_is_set_up_once(checkout: Path, tmp_path: Path, *, with_uv: bool) -> None:
    uv = shutil.which("uv")
    if with_uv and uv is None:
        pytest.skip("uv is not here; ./run works without it, as the other case shows")
    path = f"{Path(uv).parent}{os.pathsep}{PLAIN_PATH}" if with_uv and uv else PLAIN_PATH
    home = tmp_path / "home"
    home.mkdir()
    print_prefix = ["--", "python", "-c", "import sys, pydantic, fastapi, config; print(sys.prefix)"]

    first = call(checkout, *print_prefix, PATH=path, HOME=str(home))
    expect_ready(first)
    began = time.monotonic()
    second = call(checkout, *print_prefix, PATH=path, HOME=str(home))
    took_s = time.monotonic() - began

    assert first.stdout.strip() == str(checkout / ".venv")
    assert (" with uv" in first.stderr) is with_uv
    assert second.stdout == first.stdout
    assert second.stderr == ""
    assert took_s < 5
