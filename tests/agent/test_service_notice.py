"""Notices to systemd: what arrives at a real datagram socket, and silence where nobody listens."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.service_notice import Notice, half_a_watch_s, keep_telling, tell

ARRIVE_S = 10.0


@pytest.fixture(params=["file", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """A socket where systemd's would be, and what the service finds in its environment."""
    named = str(tmp_path / "notify") if request.param == "file" else f"@forecourt-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as near:
        near.bind(named if request.param == "file" else f"\0{named[1:]}")
        near.setblocking(False)
        yield near, {"NOTIFY_SOCKET": named}


async def heard(near: socket.socket) -> bytes:
    async with asyncio.timeout(ARRIVE_S):
        return await asyncio.get_running_loop().sock_recv(near, 4096)


@pytest.mark.parametrize("notice", Notice)
async def test_a_notice_arrives_as_one_datagram(systemd: tuple[socket.socket, dict[str, str]], notice: Notice) -> None:
    near, environment = systemd

    tell(notice, environment)

    assert await heard(near) == notice.value.encode()


async def test_a_watched_loop_says_that_it_serves_and_then_again_and_again_that_it_turns(
    systemd: tuple[socket.socket, dict[str, str]],
) -> None:
    near, environment = systemd
    telling = asyncio.create_task(keep_telling({**environment, "WATCHDOG_USEC": "2000"}))

    said = [await heard(near) for _ in range(4)]
    telling.cancel()

    assert said == [b"READY=1", *[b"WATCHDOG=1"] * 3]


async def test_a_loop_that_nobody_watches_says_only_that_it_serves(
    systemd: tuple[socket.socket, dict[str, str]],
) -> None:
    near, environment = systemd

    await keep_telling(environment)

    assert await heard(near) == b"READY=1"
    with pytest.raises(BlockingIOError):
        near.recv(1)


@pytest.mark.parametrize("address", [None, "", "vsock:2:1234", "relative"])
def test_where_there_is_no_systemd_nothing_is_said_or_done(address: str | None) -> None:
    with capture_logs() as logged:
        tell(Notice.SERVING, {} if address is None else {"NOTIFY_SOCKET": address})

    assert logged == []


def test_a_socket_that_has_gone_costs_one_line_and_nothing_else(tmp_path: Path) -> None:
    with capture_logs() as logged:
        tell(Notice.SERVING, {"NOTIFY_SOCKET": str(tmp_path / "gone")})

    assert [(line["event"], line["notice"]) for line in logged] == [("systemd was not told", "READY=1")]


@pytest.mark.parametrize(
    ("watch_us", "watched", "half_s"),
    [
        ("60000000", None, 30.0),
        ("60000000", os.getpid, 30.0),
        ("60000000", os.getppid, None),
        ("0", None, None),
        ("", None, None),
        ("-1", None, None),
        ("1e6", None, None),
        ("６０", None, None),
    ],
)
def test_half_a_watch_is_what_the_unit_says(
    watch_us: str, watched: Callable[[], int] | None, half_s: float | None
) -> None:
    environment = {"WATCHDOG_USEC": watch_us} | ({} if watched is None else {"WATCHDOG_PID": str(watched())})

    assert half_a_watch_s(environment) == half_s
    assert half_a_watch_s({}) is None
