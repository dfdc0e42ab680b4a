"""Programs and fonts that some tests need, brought by apt where that is allowed."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.speech import last_line, say

APT_TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Tool:
    """A program or font that some tests need, and the Debian package that brings it."""

    name: str
    package: str
    found: Callable[[], bool]


def on_path(*names: str) -> Callable[[], bool]:
    """Whether one of the programs is there; /usr/sbin counts, though only root has it on PATH."""
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    return lambda: any(shutil.which(name, path=places) for name in names)


def has_cjk_font() -> bool:
    fc_list = shutil.which("fc-list")
    if fc_list is None:
        return False
    done = subprocess.run([fc_list, ":lang=zh"], capture_output=True, text=True, timeout=60, check=False)
    return bool(done.stdout.strip())


def has_library(name: str) -> Callable[[], bool]:
    """Whether the loader finds the shared library, as the browser's driver needs it."""

    def found() -> bool:
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
        return True

    return found


def has_postgres() -> bool:
    """Debian keeps the server's programs off PATH, in a folder of each version."""
    return any(Path("/usr/lib/postgresql").glob("*/bin/postgres")) or on_path("postgres")()


TOOLS = (
    Tool("mosquitto", "mosquitto", on_path("mosquitto")),
    Tool("PostgreSQL's server", "postgresql", has_postgres),
    Tool("Chromium", "chromium", on_path("chromium", "chromium-browser", "google-chrome")),
    Tool("libatomic", "libatomic1", has_library("libatomic.so.1")),  # Playwright's node does not start without it
    Tool("a Chinese font", "fonts-wqy-microhei", has_cjk_font),
    Tool("socat", "socat", on_path("socat")),
    Tool("dbus-daemon", "dbus-daemon", on_path("dbus-daemon")),
    Tool("systemd-analyze", "systemd", on_path("systemd-analyze")),
    Tool("a C compiler", "g++", on_path("cc", "gcc")),  # g++ depends on the C headers, gcc only recommends them
)


def get_tools(tools: Sequence[Tool]) -> None:
    """Bring missing tools by apt when that is allowed; never fails, says what stays missing."""
    missing = [tool for tool in tools if not tool.found()]
    prefix = apt_prefix() if missing else None
    if missing and prefix is not None:
        say(f"installing {', '.join(tool.package for tool in missing)} with apt-get")
        apt_install(prefix, [tool.package for tool in missing])
        missing = [tool for tool in missing if not tool.found()]
    for tool in missing:
        say(f"{tool.name} is missing, so the tests that need it are skipped (package {tool.package})")


def apt_prefix() -> list[str] | None:
    """How to call apt-get, or None where there is none or we may not (NO_APT forbids it)."""
    if shutil.which("apt-get") is None or os.environ.get("NO_APT"):
        return None
    if os.geteuid() == 0:
        return ["apt-get"]
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, timeout=60, check=False).returncode == 0:
        return [sudo, "-n", "apt-get"]
    return None


def apt_install(prefix: Sequence[str], packages: Sequence[str]) -> None:
    """Together first; when that fails, fresh lists and one by one, so that one unknown package costs only itself."""
    lists = Path("/var/lib/apt/lists")
    if not any(lists.glob("*_Packages*")):
        apt(prefix, "update")
    if not apt(prefix, "install", *packages):
        apt(prefix, "update")
        for package in packages:
            apt(prefix, "install", package)


def apt(prefix: Sequence[str], verb: str, *packages: str) -> bool:
    options = ["--quiet", "--yes", "-o", "DPkg::Lock::Timeout=120"]
    options += ["--no-install-recommends"] if verb == "install" else []
    variables = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            [*prefix, *options, verb, *packages],
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=APT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        say(f"apt-get {verb} did not end: {error}"[:200])
        return False
    if done.returncode != 0:
        say(f"apt-get {verb} failed: {last_line(done.stderr)}")
    return done.returncode == 0
