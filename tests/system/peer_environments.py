"""Programs that others wrote, each in an environment of its own outside the tree, installed once per machine.

They are met over their wires only: never imported, copied or depended upon.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import unmet

INSTALL_TIMEOUT_S = 300


def peer_python(*requirements: str, python: str = "", whole: bool = False) -> Path:
    """The Python of an environment that holds these packages; skips (fails in CI) when it cannot be made.

    Only these, without what they bring for screens and reports that we never open, unless the ``whole`` of what they
    ask for is wanted. ``python`` is a name to look for on PATH (``python3.12``), ours when empty; where none is found
    the test is skipped in CI too, for no package brings it.
    """
    base = find_python(python) if python else Path(sys.executable)
    home = peers_folder() / "-".join((*requirements, base.name)).replace("==", "-").lower()
    with alone(peers_folder()):
        if not (home / "installed").exists():
            shutil.rmtree(home, ignore_errors=True)
            subprocess.run([base, "-m", "venv", "--without-pip", home], check=True, timeout=60)
            install(home / "bin" / "python", (*requirements, *(() if whole else ("--no-deps",))))
            (home / "installed").touch()
    return home / "bin" / "python"


def find_python(name: str) -> Path:
    """The interpreter behind a name on PATH, which may be a version switcher's stand-in; skips when none runs."""
    version = name.removeprefix("python")
    found = shutil.which(name)
    environment = {**os.environ, "PYENV_VERSION": version}  # a switcher's stand-in starts only what it is told
    command = [found or name, "-c", "import sys; print(sys.executable)"]
    if found:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode == 0:
            return Path(done.stdout.strip())
    pytest.skip(f"needs {name} on PATH")


def peers_folder() -> Path:
    """A folder only this user can write, kept between runs."""
    folder = Path(tempfile.gettempdir()) / f"forecourt-peers-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        unmet(f"{folder} as a folder of our own (it belongs to somebody else)")
    return folder


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No other process of ours makes environments in this folder meanwhile."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def install(python: Path, what: tuple[str, ...]) -> None:
    """Requirements and options of pip, into the environment of ``python``."""
    wanted = " and ".join(part for part in what if not part.startswith("-"))
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-input"]
    try:
        done = subprocess.run(
            [*pip, "--retries", "1", "--timeout", "20", *what],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        unmet(f"the package registry for {wanted} (no answer in {INSTALL_TIMEOUT_S} s)")
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1][:200]
        unmet(f"the package registry for {wanted} ({reason})")
