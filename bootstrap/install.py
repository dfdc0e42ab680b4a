"""Fills an environment from a lock: with uv when it is there, else with pip's own wheel run as it is."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.environment import RUN_LOCK, Environment, pins, read_text
from bootstrap.index import pip_of
from bootstrap.pip_config import pip_setting
from bootstrap.speech import SetupError, say

INSTALL_TIMEOUT_S = 1800.0


def install(environment: Environment, root: Path, lock: str) -> None:
    """Lock first, then the project itself without its dependencies; by uv when it is there, else by pip."""
    locked = ["install", "--quiet", "--require-hashes", "--requirement", str(root / lock)]
    project = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(root)]
    count = sum(len(pins(read_text(root / name))) for name in {RUN_LOCK, lock})
    uv = usable_uv()
    if uv is not None:
        say(f"installing {count} packages from {lock} with uv")
        prefix = [uv, "pip"]
        suffix = ["--python", str(environment.python), *uv_options(os.environ)]
        if all(install_step([*prefix, *step, *suffix], uv_variables()) for step in (locked, project)):
            return
        say("uv could not do it; trying pip")
    with pip_of(environment, root) as pip:
        say(f"installing {count} packages from {lock} with pip; this takes a minute or two")
        for step in (locked, project):
            if not install_step([str(environment.python), *pip, *step, "--no-input"], pip_variables()):
                raise SetupError("pip could not install (its words are above); mend that and run this again")


def install_step(command: Sequence[str], variables: Mapping[str, str]) -> bool:
    """Run one installer command; its words are shown only when it fails."""
    done = subprocess.run(
        command,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout[-4000:], end="", file=sys.stderr, flush=True)
    return done.returncode == 0


def usable_uv() -> str | None:
    """uv's path when it is there and answers (a version manager may leave a stub)."""
    uv = shutil.which("uv")
    if uv is None:
        return None
    done = subprocess.run([uv, "--version"], capture_output=True, timeout=60, check=False)
    return uv if done.returncode == 0 else None


def uv_options(variables: Mapping[str, str]) -> list[str]:
    """What pip would honour by itself and uv would not: the index, further indexes, find-links.

    The lock's hashes say which file is meant, so it is safe to look for it on every index.
    """
    options: list[str] = []
    index = pip_setting("index-url", variables)
    if index and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(variables):
        options += ["--default-index", index]
    for extra in pip_setting("extra-index-url", variables).split():
        options += ["--index", extra]
    for place in pip_setting("find-links", variables).split():
        options += ["--find-links", place]
    return [*options, "--index-strategy", "unsafe-best-match"] if "--index" in options else options


def uv_variables() -> dict[str, str]:
    certificates = pip_setting("cert", os.environ)
    return ({"SSL_CERT_FILE": certificates} if certificates else {}) | dict(os.environ)


def pip_variables() -> dict[str, str]:
    return dict(os.environ) | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
