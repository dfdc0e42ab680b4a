"""What ``forecourt run`` has loaded when it first looks for its adapter: nothing that is there for people."""

import platform
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

START_S = 60.0  # as long as a shared machine may take
FOR_LATER = {
    "agent.answering",
    "agent.doctor",
    "agent.judging",
    "agent.replay",
    "agent.scanning",
    "bleak",
    "click",
    "cryptography",
    "h11",
    "jinja2",
    "markdown_it",
    "obd",
    "reportlab",
    "rich.console",
    "starlette",
    "uvicorn",
    "websockets",
}


def test_the_adapter_is_looked_for_before_anything_is_loaded_for_people(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as adapter:
        adapter.settimeout(START_S)
        daemon = started(tmp_path, f"tcp:127.0.0.1:{adapter.getsockname()[1]}")
        first_look, _ = adapter.accept()
        first_look.close()
        daemon.kill()
        _, told = daemon.communicate(timeout=START_S)

    loaded = set(re.findall(r"^import time:.*\| +(\S+)$", told, re.MULTILINE))
    assert "agent.running" in loaded
    assert sorted(loaded & FOR_LATER) == []


def started(folder: Path, adapter: str) -> subprocess.Popen[str]:
    """``forecourt run`` with one bay, telling on standard error all that it imports."""
    config = folder / "forecourt.toml"
    config.write_text(
        f'[storage]\ndirectory = "{folder}"\n[page]\nport = 0\n[mqtt]\nurl = "mqtt://127.0.0.1:9"\n'
        f'[adapter]\npaired_bluetooth = false\n[[bay]]\nname = "Bay 1"\nadapter = "{adapter}"\n',
        encoding="utf-8",
    )
    command = ("-X", "importtime", "-c", "from agent.cli import main; main()", "run", "--config", str(config))
    return subprocess.Popen((sys.executable, *command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def heaps_of_two_threads(before: str) -> int:
    """How many heaps glibc tells of when a second thread has taken memory, after ``before``."""
    code = f"""
import ctypes, threading
from agent.lean import share_one_heap
libc = ctypes.CDLL(None)
{before}
second = threading.Thread(target=lambda: libc.malloc(100_000))
second.start()
second.join()
libc.malloc_stats()
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=START_S)
    return done.stderr.count("Arena ")


@pytest.mark.skipif("glibc" not in platform.libc_ver(), reason="only glibc keeps a heap for each thread")
def test_threads_share_one_heap() -> None:
    assert heaps_of_two_threads("") == 2
    assert heaps_of_two_threads("share_one_heap()") == 1
