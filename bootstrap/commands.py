"""What ``./run`` can do, each command a function that returns its exit code."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bootstrap.environment import RUN_LOCK, TEST_LOCK, Environment, set_up
from bootstrap.speech import SetupError, last_line, say
from bootstrap.tools import TOOLS, get_tools

ROOT = Path(__file__).resolve().parent.parent
COMPILE_TIMEOUT_S = 600.0
RUN_EXTRAS = ("ble", "demo", "encrypted", "office")  # virtual Bluetooth (sim-bluetooth) comes with the tests
# The suite waits more than it works; a file stays whole, since its tests may share a broker or a browser.
SIDE_BY_SIDE = ("--numprocesses=2", "--dist=loadfile")

USAGE = """\
./run [--seconds N] [--port P]   set up, then the demo: a simulated lot, no hardware, no account
./run test [PYTEST ARGUMENTS]    set up, check, test
./run check                      set up, then ruff, mypy and import-linter
./run -- COMMAND [ARGUMENTS]     set up, then COMMAND inside the environment (./run -- forecourt doctor)
./run lock                       renew the lock files from pyproject.toml (needs uv)
"""

CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "imports": ["lint-imports"],
}


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks: 0 done, 1 a check failed, 2 the user's mistake, 3 the world failed."""
    command, rest = _split(arguments)
    if command is None:
        asked = list(arguments[:1]) in (["help"], ["-h"], ["--help"])
        print(USAGE, end="", file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    try:
        return COMMANDS[command](rest)
    except SetupError as error:
        say(str(error))
        return 3
    except (OSError, subprocess.TimeoutExpired) as error:
        say(f"set-up stopped: {error}; mend that and run this again"[:300])
        return 3
    except KeyboardInterrupt:
        say("stopped; run it again whenever you like")
        return 130


def _split(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The name of the command and its arguments; options alone belong to the demo."""
    first = arguments[0] if arguments else "demo"
    if first == "--":
        return ("--", list(arguments[1:])) if arguments[1:] else (None, [])
    if first in COMMANDS:
        return first, list(arguments[1:])
    if first.startswith("--") and first != "--help":
        return "demo", list(arguments)
    return None, []


def ready(lock: str) -> Environment:
    return set_up(ROOT, lock, install_lazily)


def install_lazily(environment: Environment, root: Path, lock: str) -> None:
    """Network code is imported only when something has to be installed, so that a second ./run starts at once."""
    from bootstrap.install import install

    install(environment, root, lock)


def run_demo(arguments: list[str]) -> int:
    environment = ready(RUN_LOCK)
    return environment.become(["forecourt", "demo", *arguments])


def run_command(arguments: list[str]) -> int:
    environment = ready(RUN_LOCK)
    return environment.become(arguments)


def run_check(arguments: list[str]) -> int:
    if arguments:
        say(f"check takes no arguments, and got {arguments[0]!r}")
        return 2
    return check(ready(TEST_LOCK))


def run_test(arguments: list[str]) -> int:
    environment = ready(TEST_LOCK)
    get_tools(TOOLS)
    failed = check(environment)
    if failed:
        say("the checks failed, so the tests were not started; ./run -- pytest starts them alone")
        return failed
    os.chdir(ROOT)
    return environment.become(["python", "-m", "pytest", *SIDE_BY_SIDE, *arguments])


def check(environment: "Environment") -> int:
    """Run every check, each one line when it passes; 1 when any failed."""
    failed = 0
    for name, command in CHECKS.items():
        began = time.monotonic()
        done = environment.call(command)
        say(f"check {name}: {'ok' if done.returncode == 0 else 'FAILED'} ({time.monotonic() - began:.1f} s)")
        if done.returncode != 0:
            print(done.stdout, end="", flush=True)
            failed = 1
    return failed


def run_lock(arguments: list[str]) -> int:
    """Renew both lock files; the test lock includes the other and adds only what tests need."""
    from bootstrap.install import usable_uv

    uv = usable_uv()
    if uv is None or arguments:
        say("lock takes no arguments and needs uv on PATH; install uv, or leave the lock files as they are")
        return 2
    run_blocks = _compile(uv, ["--group", "build"])
    (ROOT / RUN_LOCK).write_text("".join(run_blocks), encoding="utf-8")
    test_blocks = _compile(uv, ["--group", "build", "--group", "test", "--constraints", RUN_LOCK])
    added = [block for block in test_blocks if block not in run_blocks]
    (ROOT / TEST_LOCK).write_text("".join([f"-r {RUN_LOCK}\n", *added]), encoding="utf-8")
    say(f"{RUN_LOCK}: {len(run_blocks)} packages; {TEST_LOCK}: {len(added)} more")
    return 0


def _compile(uv: str, groups: Sequence[str]) -> list[str]:
    """What uv resolves for every platform, one text block a package, without any index address."""
    command = [uv, "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", "3.11"]
    extras = [word for extra in RUN_EXTRAS for word in ("--extra", extra)]
    command += [*extras, "--no-annotate", "--no-header", "--no-emit-index-url", *groups, "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise SetupError(f"uv could not resolve pyproject.toml: {last_line(done.stderr)}")
    return re.split(r"(?m)^(?=\S)", done.stdout)[1:]


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "demo": run_demo,
    "test": run_test,
    "check": run_check,
    "lock": run_lock,
    "--": run_command,
}
