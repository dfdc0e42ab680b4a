"""The virtual environment ``.venv``: made without pip or ensurepip, filled from a lock, ready when its stamp fits."""

import contextlib
import fcntl
import hashlib
import os
import re
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.speech import SetupError, say

RUN_LOCK = "requirements.lock"
TEST_LOCK = "requirements-test.lock"
CALL_TIMEOUT_S = 1800.0
PYTHON_VERSION = "{}.{}".format(*sys.version_info)


@dataclass(frozen=True)
class Environment:
    """A virtual environment that stands in ``home``."""

    home: Path

    @property
    def python(self) -> Path:
        return self.home / "bin" / "python"

    def variables(self) -> dict[str, str]:
        """The caller's variables with this environment in front."""
        path = os.pathsep.join([str(self.home / "bin"), os.environ.get("PATH", os.defpath)])
        kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
        return kept | {"VIRTUAL_ENV": str(self.home), "PATH": path}

    def call(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment in the checkout and return what it said, both streams in one."""
        return subprocess.run(
            command,
            cwd=self.home.parent,
            env=self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=CALL_TIMEOUT_S,
            check=False,
        )

    def become(self, command: Sequence[str]) -> int:
        """Turn this process into the command; returns only when there is no such command."""
        sys.stdout.flush()
        try:
            os.execvpe(command[0], list(command), self.variables())  # noqa: S606 - the user's own command
        except (FileNotFoundError, PermissionError):
            say(f"there is no command {command[0]!r} here; ./run help lists what there is")
            return 2


Installer = Callable[["Environment", Path, str], None]


def set_up(root: Path, lock: str, install: Installer) -> Environment:
    """The environment of ``lock``: at once when it stands already, else made or completed by ``install``."""
    environment = Environment(root / ".venv")
    wanted = fingerprint(root, lock)
    if is_ready(environment, lock, wanted):
        return environment
    with alone(root):
        if not is_ready(environment, lock, wanted):
            began = time.monotonic()
            fill(environment, root, lock, install)
            stamp_of(environment, lock).write_text(wanted, encoding="utf-8")
            say(f"ready after {time.monotonic() - began:.1f} s")
    return environment


def fingerprint(root: Path, lock: str) -> str:
    """Changes when the environment must: other locks, project metadata or Python, or a checkout that was moved."""
    digest = hashlib.sha256(f"{root} {PYTHON_VERSION}".encode())
    for name in (RUN_LOCK, lock, "pyproject.toml"):
        digest.update(b"\0" + (root / name).read_bytes())
    return digest.hexdigest()


def stamp_of(environment: Environment, lock: str) -> Path:
    return environment.home / f"{lock}.installed"


def is_ready(environment: Environment, lock: str, wanted: str) -> bool:
    """Whether the stamp of ``lock`` fits; the test environment holds all that the other holds."""
    root = environment.home.parent
    stamps = {lock: wanted}
    if lock == RUN_LOCK and (root / TEST_LOCK).exists():
        stamps[TEST_LOCK] = fingerprint(root, TEST_LOCK)
    return environment.python.exists() and any(
        read_text(stamp_of(environment, name)) == value for name, value in stamps.items()
    )


def pins(lock_text: str) -> dict[str, str]:
    """Name -> version of each package in a lock file."""
    return dict(re.findall(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock_text))


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Wait until no other ./run sets up the same checkout."""
    handle = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("waiting for another ./run that is setting up")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def fill(environment: Environment, root: Path, lock: str, install: Installer) -> None:
    """Install the lock and the project. An install that was cut short leaves its mark, and the next one starts anew."""
    unfinished = environment.home / "unfinished"
    if unfinished.exists() or not stands(environment, root):
        make(environment)
    unfinished.touch()
    install(environment, root, lock)
    unfinished.unlink()


def stands(environment: Environment, root: Path) -> bool:
    """Whether the environment answers with our Python version and was made where it is (its scripts hold its path)."""
    if str(root) not in read_text(environment.home / "bin" / "activate"):
        return False
    try:
        done = subprocess.run([environment.python, "-IV"], capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return False
    return f"Python {PYTHON_VERSION}." in done.stdout


def make(environment: Environment) -> None:
    say(f"making .venv with Python {sys.version.split()[0]}")
    if environment.home.is_symlink() or environment.home.is_file():
        raise SetupError(f"{environment.home} is no folder; move it away and run this again")
    venv.create(environment.home, clear=True, symlinks=True, with_pip=False)
