"""A real mosquitto for tests: on a loopback port of its own, without persistence, killed and started at will."""

import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from config.settings import MqttSettings
from tests.needs import find_mosquitto, need_program

START_TIMEOUT_S = 10.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """Forgets everything when killed, as a broker may. ``settings`` are impatient ones that point at it."""

    def __init__(self, directory: Path, *, options: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self._directory = directory
        self._config = directory / "mosquitto.conf"
        self._config.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\npersistence false\n{options}\n", encoding="utf-8"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = find_mosquitto()
        assert program is not None
        with (self._directory / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([program, "-c", self._config], stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._listens():
            assert time.monotonic() < deadline, (self._directory / "mosquitto.log").read_text()
            time.sleep(0.02)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def settings(self, protocol: str = "5", **other: object) -> MqttSettings:
        quick = {"connect_timeout_s": 5, "ack_timeout_s": 2, "backoff_first_s": 0.05, "backoff_max_s": 0.3}
        return MqttSettings(url=f"mqtt://127.0.0.1:{self.port}", protocol=protocol, **(quick | other))

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def password_options(directory: Path, username: str, password: str) -> str:
    """Broker options that admit this one login, with a list that lets it write its own topics and nobody else's."""
    passwords, access = directory / "passwords", directory / "access"
    passwords.write_text("", encoding="utf-8")
    program = need_program("mosquitto_passwd", "mosquitto")
    subprocess.run([program, "-b", passwords, username, password], check=True, capture_output=True)
    access.write_text("pattern readwrite forecourt/v1/%u/#\n", encoding="utf-8")
    return f"allow_anonymous false\npassword_file {passwords}\nacl_file {access}"
