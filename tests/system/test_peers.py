"""Clients that nobody here wrote complete a session against our simulator and read what is true of its car.

And one of them brings an adapter and a car of its own, which we read. python-OBD has a file of its own beside this one.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simulator.started import Started
from tests.simulator.running import simulator
from tests.system.elm327_emulator_peer import START_TIMEOUT_S, free_port, is_listening
from tests.system.peer_environments import peer_python
from tests.system.test_scan_of_elm327_emulator import scan

pytestmark = [pytest.mark.peer, pytest.mark.timeout(400)]

PY_OBDII = "py-obdii==0.10.5b0"
ELM327OBD = "elm327obd==0.1.1"
OBD_DIAG = "obd-diag==0.2.2"
PYSERIAL = "pyserial==3.5"
SESSION_TIMEOUT_S = 60.0

# What a peer is known to read wrongly, by the peer's own name for it.
PY_OBDII_KNOWN_WRONG = {
    "VIN": "it has no decoder for it and tells nothing",
    "GET_DTC": "it tells the codes of the ECU that answers first",
}

# The engine of the scenario as it idles; py-obdii's names.
IDLING = {
    "ENGINE_SPEED": 780.0,
    "VEHICLE_SPEED": 0,
    "ENGINE_COOLANT_TEMP": 88,
    "INTAKE_AIR_TEMP": 31,
    "MAF_RATE": 2.5,
}

PY_OBDII_SESSION = """
import json, logging, sys
from obdii import Connection, commands
names = sys.argv[3].split(",")
with Connection((sys.argv[1], int(sys.argv[2])), log_handler=None) as connection:
    read = {name: connection.query(getattr(commands, name)).value for name in names}
    print(json.dumps({"protocol": connection.protocol.name, **read}, default=str))
"""


@pytest.fixture
def car() -> Iterator[Started]:
    """A car with codes of three classes in two ECUs, over TCP and at the end of a serial link."""
    with simulator("--scenario", "engine-fault", "--tcp", "127.0.0.1:0") as running:
        yield running


def said_by(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=SESSION_TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stdout


def host_port(running: Started) -> str:
    return running.url.removeprefix("tcp:")


def codes_of(truth: dict[str, Any]) -> set[tuple[str, str]]:
    return {(code["code"], code["class"]) for code in truth["dtcs"]}


def test_py_obdii_reads_the_true_values(car: Started) -> None:
    names = [*IDLING, "CLEARED_DTC_DISTANCE", "CLEARED_DTC_WARM_UPS", "ODOMETER", *PY_OBDII_KNOWN_WRONG]
    host, port = host_port(car).split(":")
    read = json.loads(said_by(peer_python(PY_OBDII, PYSERIAL), "-c", PY_OBDII_SESSION, host, port, ",".join(names)))
    truth = car.first["truth"]

    assert read["protocol"] == "ISO_15765_4_CAN"
    assert {name: read[name] for name in IDLING} == IDLING
    assert read["ODOMETER"] * 1000 == truth["odometer_m"]
    assert read["CLEARED_DTC_DISTANCE"] * 1000 == truth["distance_since_clear_m"]
    assert read["CLEARED_DTC_WARM_UPS"] == truth["warmups_since_clear"]
    assert car.end()["writes"] == 0


def test_what_py_obdii_is_known_to_read_wrongly_it_still_does(car: Started) -> None:
    """So that the list is shortened when a release mends something."""
    host, port = host_port(car).split(":")
    names = ",".join(PY_OBDII_KNOWN_WRONG)
    read = json.loads(said_by(peer_python(PY_OBDII, PYSERIAL), "-c", PY_OBDII_SESSION, host, port, names))

    assert read["VIN"] != car.first["truth"]["vin"]
    assert "P0301" in str(read["GET_DTC"])
    assert "P0741" not in str(read["GET_DTC"])


def test_elm327obd_reads_the_true_values(car: Started) -> None:
    python = peer_python(ELM327OBD)
    codes = said_by(python, "-m", "elm327obd", "codes", "-a", host_port(car))
    info = said_by(python, "-m", "elm327obd", "info", "-a", host_port(car))
    truth = car.first["truth"]

    rows = [line.split() for line in codes.splitlines() if " 7E" in line]
    assert {(row[1], row[2].lower(), row[3]) for row in rows} == {tuple(code.values()) for code in truth["dtcs"]}
    assert f"VIN     : {truth['vin']}" in info
    assert f"Voltage : {truth['battery_v']} V" in info
    assert "MIL     : ON  (1 DTC)" in info
    assert car.end()["writes"] == 0


def test_obd_diag_reads_the_true_values_over_a_serial_link(tmp_path: Path) -> None:
    python = peer_python(OBD_DIAG, python="python3.12", whole=True)
    link = tmp_path / "adapter"
    with simulator("--scenario", "engine-fault", "--pty", str(link)) as running:
        told = said_by(python, "-m", "obd_diag", "--lang", "en", "diagnose", "--json", "--port", link)
        read = json.loads(told)
        truth, last = running.first["truth"], running.end()

    counters = read["clear_counters"]
    assert {(code["code"], code["kind"]) for code in read["scan"]["codes"]} == codes_of(truth)
    assert read["scan"]["voltage"] == truth["battery_v"]
    assert read["readiness"]["mil_on"] is truth["mil"]
    assert read["freeze_frame"]["dtc"] == "P0301"
    assert read["vehicle"]["vin"] == truth["vin"]
    assert counters["distance_km"] * 1000 == truth["distance_since_clear_m"]
    assert counters["warmups"] == truth["warmups_since_clear"]
    assert last["writes"] == 0


def wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not is_listening(port):
        assert time.monotonic() < deadline, "it did not start"
        time.sleep(0.02)


@contextmanager
def elm327obd_emulator() -> Iterator[str]:
    """elm327obd's own adapter and car; its URL."""
    port = free_port()
    command = [str(peer_python(ELM327OBD)), "-m", "elm327obd", "emulator", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until_listening(port)
            yield f"tcp:127.0.0.1:{port}"
        finally:
            process.kill()


async def test_we_read_the_car_of_elm327obds_own_emulator() -> None:
    with elm327obd_emulator() as url:
        snapshot, told = await scan(url)

    codes = {(code["code"], code["class"], code["ecu"]) for code in snapshot["dtcs"]}
    assert snapshot["vehicle"]["vin"] == "1FTEW1EP5NFA12345"
    assert snapshot["vehicle"]["vin_check_digit"] == "invalid"
    assert codes == {
        ("P0301", "stored", "7E8"),
        ("P0420", "stored", "7E8"),
        ("P0741", "stored", "7E9"),
        ("P0171", "pending", "7E8"),
        ("P0420", "permanent", "7E8"),
    }
    assert [o["odometer_m"] for o in snapshot["odometer"] if o["status"] == "read"] == [123_456_700]
    assert "Traceback" not in told
