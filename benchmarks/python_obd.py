"""The same intake by python-OBD: connect, VIN, odometer, codes, status, 01 02, 09 04, the live 20."""

import logging
from time import perf_counter

import obd
from obd import OBDCommand
from obd.decoders import drop
from obd.protocols import ECU

LIVE_PIDS = (
    0x04, 0x05, 0x06, 0x07, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10,
    0x11, 0x1F, 0x21, 0x2F, 0x31, 0x33, 0x3C, 0x42, 0x46, 0x49,
)  # fmt: skip
ODOMETER = OBDCommand("ODOMETER", "odometer", b"01A6", 6, drop, ECU.ALL, True)  # noqa: FBT003 - the library's signature
PERMANENT = OBDCommand("PERMANENT", "permanent codes", b"0A", 0, drop, ECU.ALL, False)  # noqa: FBT003


def intake_of_python_obd(port: str, baud: int) -> tuple[float, float]:
    """Seconds of one intake, and of the live 20 asked once more."""
    logging.getLogger("obd").setLevel(logging.CRITICAL)
    live = [obd.commands[1][pid] for pid in LIVE_PIDS]
    others = [obd.commands.VIN, ODOMETER, obd.commands.GET_DTC, obd.commands.GET_CURRENT_DTC, PERMANENT]
    others += [obd.commands.STATUS, obd.commands.FREEZE_DTC, obd.commands.CALIBRATION_ID]
    began_s = perf_counter()
    connection = obd.OBD(port, baudrate=baud)
    try:
        for command in [*others, *live]:
            connection.query(command, force=True)
        took_s = perf_counter() - began_s
        began_s = perf_counter()
        for command in live:
            connection.query(command, force=True)
        return took_s, perf_counter() - began_s
    finally:
        connection.close()
