"""Edge, broker and back office as processes of their own, each killed with SIGKILL while records are on their way."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.sync.broker import Broker
from tests.sync.office import Office

ROOT = Path(__file__).parent.parent.parent
MORE = 60  # promises to wait for between two kills
PATIENCE_S = 40.0
RECORDS_A_LIFE = 10_000


class Fleet:
    """The three processes and what they left on the disk."""

    def __init__(self, folder: Path, broker: Broker, protocol: str) -> None:
        self._folder, self._broker, self._protocol = folder, broker, protocol
        self.edge: subprocess.Popen[bytes] | None = None
        self.office: subprocess.Popen[bytes] | None = None
        self._life = 0

    def start_edge(self, count: int = RECORDS_A_LIFE) -> None:
        first, self._life = self._life * RECORDS_A_LIFE, self._life + 1
        self.edge = self._spawn("sync_edge_process", str(first), str(count), self._protocol)

    def start_office(self) -> None:
        self.office = self._spawn("sync_office_process", self._protocol)

    def _spawn(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            f"tests.system.{module}",
            str(self._folder),
            str(self._broker.port),
            *arguments,
        ]
        with (self._folder / f"{module}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def promised(self) -> list[int]:
        file = self._folder / "promised"
        lines = file.read_text(encoding="ascii").splitlines(keepends=True) if file.exists() else []
        return [int(number) for line in lines if line.endswith("\n") for number in line.split()]

    def stored(self) -> list[int]:
        office = Office(self._folder / "office.db")
        bodies = [json.loads(payload)["body"] for payload in office.payloads()]
        office.close()
        return [body["odometer_m"] if body["kind"] == "mileage" else body["value"] for body in bodies]

    def go_on(self) -> None:
        """Let the work go on until so many more records were promised."""
        wanted, deadline = len(self.promised()) + MORE, time.monotonic() + PATIENCE_S
        while len(self.promised()) < wanted:
            assert time.monotonic() < deadline, (self._folder / "sync_edge_process.log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        for process in (self.edge, self.office):
            if process is not None:
                process.kill()
                process.wait()


@pytest.mark.broker
def test_each_process_may_be_killed_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.start()
    fleet = Fleet(tmp_path, broker, "5")
    try:
        fleet.start_office()
        fleet.start_edge()
        fleet.go_on()
        kill(fleet.edge)
        fleet.start_edge(count=6 * MORE)
        fleet.go_on()
        kill(fleet.office)
        fleet.start_office()
        fleet.go_on()
        broker.kill()
        fleet.go_on()
        broker.start()
        assert fleet.edge is not None
        assert fleet.edge.wait(PATIENCE_S) == 0, (tmp_path / "sync_edge_process.log").read_text()
    finally:
        fleet.stop()
        broker.kill()

    counts = Counter(fleet.stored())
    lost = set(fleet.promised()) - set(counts)
    doubled = [number for number, times in counts.items() if times > 1]
    assert (len(lost), len(doubled)) == (0, 0)
    assert len(fleet.promised()) >= 4 * MORE


def kill(process: subprocess.Popen[bytes] | None) -> None:
    assert process is not None
    process.kill()
    process.wait()
