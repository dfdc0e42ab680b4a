"""``forecourt-office`` as a real process."""

import json
import os
import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-c", "from backoffice.cli import main; main()")


def config_file(directory: Path, *, broker_port: int = 1, http_port: int = 0) -> Path:
    path = directory / "office.toml"
    path.write_text(
        f"[http]\nport = {http_port}\n[database]\ndirectory = {json.dumps(str(directory / 'state'))}\n"
        f"[mqtt]\nurl = 'mqtt://127.0.0.1:{broker_port}'\nbackoff_first_s = 0.05\nbackoff_max_s = 0.3\n",
        encoding="utf-8",
    )
    return path


def start(*arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")}
    return subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a process that ends by itself."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err
