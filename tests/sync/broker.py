"""Real brokers for tests: on a loopback port of their own, without persistence, killed and started at will."""

import importlib.util
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from config.settings import MqttSettings
from tests.needs import find_mosquitto, need_program, unmet

START_TIMEOUT_S = 15.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class BrokerProcess:
    """Forgets everything when killed, as a broker may."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        with (self._directory / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._listens():
            assert time.monotonic() < deadline, (self._directory / "broker.log").read_text(errors="replace")[-2000:]
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def settings(self, protocol: str = "5", **other: object) -> MqttSettings:
        """Impatient settings that point at this broker."""
        quick = {"connect_timeout_s": 5, "ack_timeout_s": 2, "backoff_first_s": 0.05, "backoff_max_s": 0.3}
        address = {"url": f"mqtt://127.0.0.1:{self.port}", "protocol": protocol}
        return MqttSettings.model_validate(address | quick | other)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Broker(BrokerProcess):
    """Mosquitto."""

    def __init__(self, directory: Path, *, options: str = "allow_anonymous true") -> None:
        super().__init__(directory)
        self._config = directory / "mosquitto.conf"
        basics = f"user root\nlistener {self.port} 127.0.0.1\npersistence false\n"
        self._config.write_text(basics + options + "\n", encoding="utf-8")

    def command(self) -> list[str]:
        return [str(find_mosquitto()), "-c", str(self._config)]


RUMQTTD = """
id = 0
[router]
id = 0
max_connections = 50
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 10
[{version}.1]
name = "test"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
"""


class Rumqttd(BrokerProcess):
    """The broker that comes as a wheel; each of its listeners speaks one version, ``v5`` or ``v4`` (3.1.1)."""

    def __init__(self, directory: Path, *, version: str) -> None:
        if importlib.util.find_spec("iotcore") is None:
            unmet("iotcore (extra demo)")
        super().__init__(directory)
        self._config = directory / "rumqttd.toml"
        self._config.write_text(RUMQTTD.format(version=version, port=self.port), encoding="utf-8")

    def command(self) -> list[str]:
        serve = "import sys; from iotcore import IotCoreBroker; IotCoreBroker(config_path=sys.argv[1]).run_forever()"
        return [sys.executable, "-P", "-c", serve, str(self._config)]


def password_options(directory: Path, username: str, password: str) -> str:
    """Broker options that admit this one login, with a list that lets it write its own topics and nobody else's."""
    access = directory / "access"
    access.write_text("pattern readwrite forecourt/v1/%u/#\n", encoding="utf-8")
    return login_options(directory, {username: password}, access)


def login_options(directory: Path, logins: dict[str, str], access: Path) -> str:
    """Broker options that admit these logins, name and password, with the access list in the file ``access``."""
    passwords = directory / "passwords"
    passwords.write_text("", encoding="utf-8")
    program = need_program("mosquitto_passwd", "mosquitto")
    for username, password in logins.items():
        subprocess.run([program, "-b", passwords, username, password], check=True, capture_output=True)
    return f"allow_anonymous false\npassword_file {passwords}\nacl_file {access}"
