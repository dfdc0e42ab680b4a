"""What some tests need from the machine, and the one rule for its absence: skip by name, or fail where CI=true."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

SBIN = "/usr/sbin:/usr/local/sbin"  # only root has these on PATH, and mosquitto lives there


def find_program(*names: str) -> Path | None:
    """The first of the programs that is installed, or None."""
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), SBIN])
    for name in names:
        found = shutil.which(name, path=places)
        if found:
            return Path(found)
    return None


def find_chromium() -> Path | None:
    return find_program("chromium", "chromium-browser", "google-chrome")


def find_mosquitto() -> Path | None:
    return find_program("mosquitto")


def find_postgres() -> Path | None:
    """The folder of the server's programs; Debian keeps them off PATH, by version."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[4]))
    found = versions[-1] if versions else find_program("postgres")
    return found.resolve().parent if found else None


def has_cjk_font() -> bool:
    lister = find_program("fc-list")
    if lister is None:
        return False
    done = subprocess.run([lister, ":lang=zh"], capture_output=True, text=True, timeout=60, check=False)
    return bool(done.stdout.strip())


def has_libatomic() -> bool:
    """Playwright's driver is a node that does not start without it; a minimal Debian has none."""
    try:
        ctypes.CDLL("libatomic.so.1")
    except OSError:
        return False
    return True


def missing_for(marker: str) -> list[str]:
    """What is not here of all that tests with this marker need, each with the package that brings it."""
    missing: list[str] = []
    if marker == "broker" and find_mosquitto() is None:
        missing.append("mosquitto (package mosquitto)")
    if marker == "postgres" and find_postgres() is None:
        missing.append("PostgreSQL's server (package postgresql)")
    if marker == "browser" and find_chromium() is None:
        missing.append("Chromium (package chromium)")
    if marker == "browser" and not has_libatomic():
        missing.append("libatomic (package libatomic1)")
    if marker == "browser" and not has_cjk_font():
        missing.append("a Chinese font (package fonts-wqy-microhei)")
    return missing


def need_program(name: str, package: str) -> Path:
    """The program's path; the test that calls this ends here when the program is missing."""
    found = find_program(name)
    return found if found is not None else unmet(f"{name} (package {package})")


def unmet(what: str) -> NoReturn:
    """End a test whose tool is missing: a skip at a desk, a failure with CI=true, where nothing may go unseen."""
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(f"needs {what}, and with CI=true a missing tool is a failure", pytrace=False)
    pytest.skip(f"needs {what}")
