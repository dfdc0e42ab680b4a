"""python-OBD, a client that nobody here wrote, connects to our simulator and reads the true values."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import obd
import pytest

from tests.simulator.running import simulator

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

BAUD = 38400

# What python-OBD is known to read wrongly, by its own names; never used by us, and no true value is expected of it.
KNOWN_WRONG = {
    "VIN": "digits 0, 1 and 2 are stripped from its ends, and padding counts as part of it",
    "CALIBRATION_ID": "the same, and only the first of several is told",
    "GET_CURRENT_DTC": "on K-line and J1850 the service byte is decoded as half of a code",
    "DTC_*": "freeze frames: the frame number is not sent, and is decoded as data",
    "RUN_TIME and others after 7F": "a negative response is decoded as data",
}


@contextmanager
def connected(port: str) -> Iterator[obd.OBD]:
    """A python-OBD session over one of the simulator's adapters, closed afterwards."""
    logging.getLogger("obd").setLevel(logging.CRITICAL)
    connection = obd.OBD(port, baudrate=BAUD, fast=False, timeout=5)
    try:
        assert connection.status() == obd.OBDStatus.CAR_CONNECTED
        yield connection
    finally:
        connection.close()


def value(connection: obd.OBD, command: str) -> object:
    """The magnitude of one reading in the unit that python-OBD gives it."""
    read = connection.query(obd.commands[command]).value
    return getattr(read, "magnitude", read)


def test_it_reads_true_values_over_tcp() -> None:
    with simulator("--scenario", "engine-fault", "--tcp", "127.0.0.1:0") as running:
        with connected("socket://" + running.url.removeprefix("tcp:")) as connection:
            assert connection.protocol_id() == "6"
            assert value(connection, "RPM") == 780.0
            assert value(connection, "SPEED") == 0
            assert value(connection, "COOLANT_TEMP") == 88
            assert value(connection, "DISTANCE_SINCE_DTC_CLEAR") == 21877
            codes = connection.query(obd.commands.GET_DTC).value
            wrong = {
                name: bytes(connection.query(obd.commands[name]).value).decode() for name in ("VIN", "CALIBRATION_ID")
            }
        truth, last = running.first["truth"], running.end()

    assert last["writes"] == 0
    assert sorted(code for code, _ in codes) == ["P0301", "P0741"]
    assert set(wrong) < set(KNOWN_WRONG)
    assert wrong["VIN"] == truth["vin"].strip("012")  # so that the list is shortened when a release mends it
    assert wrong["CALIBRATION_ID"] == "302G6000A2024"


def test_it_reads_true_values_over_a_serial_link(tmp_path: Path) -> None:
    link = tmp_path / "adapter"
    with simulator("--scenario", "clean", "--pty", str(link), "--control") as running:
        running.order("speed 50")
        with connected(str(link)) as connection:
            assert value(connection, "RPM") == 1900.0
            assert value(connection, "SPEED") == 50
            assert value(connection, "COOLANT_TEMP") == 88
            assert connection.query(obd.commands.GET_DTC).value == []
            assert connection.query(obd.commands.STATUS).value.MIL is False
