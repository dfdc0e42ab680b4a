"""The demo's broker: mosquitto when it is on PATH, else the one that comes as a wheel (rumqttd in iotcore)."""

import asyncio
import importlib.util
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from agent.demo.children import Child, start
from agent.errors import WorldError

READY_S = 15.0
SBIN = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")  # not on every user's PATH

MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
"""
RUMQTTD = """\
id = 0
[router]
id = 0
max_connections = 64
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 10
[v5.1]
name = "demo"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
"""
RUN_RUMQTTD = "import iotcore, sys; iotcore.Broker(config_path=sys.argv[1]).run_forever()"


def find_mosquitto() -> str | None:
    """Where mosquitto is: on PATH, or where packages put it off a user's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=":".join(SBIN))


async def start_broker(folder: Path, find: Callable[[], str | None] = find_mosquitto) -> tuple[Child, str, str]:
    """Start a broker on a free loopback port; return it, its URL and its name. WorldError when there is none."""
    port = free_port()
    if program := find():
        name, config = "mosquitto", folder / "mosquitto.conf"
        config.write_text(MOSQUITTO.format(port=port), encoding="utf-8")
        command = [program, "-c", str(config)]
    elif importlib.util.find_spec("iotcore"):
        name, config = "rumqttd", folder / "rumqttd.toml"  # rumqttd tells the format by the ending
        config.write_text(RUMQTTD.format(port=port), encoding="utf-8")
        command = [sys.executable, "-P", "-c", RUN_RUMQTTD, str(config)]
    else:
        raise WorldError("demo.no_broker")
    child = await start("broker", command, folder)
    await _until_listening(child, port)
    return child, f"mqtt://127.0.0.1:{port}", name


async def _until_listening(child: Child, port: int) -> None:
    try:
        async with asyncio.timeout(READY_S):
            while child.alive:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return
    except TimeoutError:
        pass
    raise WorldError("demo.child_failed", name="broker", detail=child.last_words())


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
