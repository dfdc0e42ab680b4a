"""Which adapters are there: USB serial ports by their stable names, seen to come and go."""

from collections.abc import Iterable
from pathlib import Path

# USB bridges found in ELM327-class adapters: FTDI, Prolific, Silicon Labs, WCH, OBDLink (ScanTool.net)
ADAPTER_VENDORS = frozenset({0x0403, 0x067B, 0x10C4, 0x1A86, 0x20A9})


def adapters_in(directory: Path | None) -> tuple[str, ...]:
    """URLs of the serial ports linked in ``directory`` (``/dev/serial/by-id``), sorted; empty when it is not there."""
    if directory is None or not directory.is_dir():
        return ()
    return tuple(f"serial:{entry}" for entry in sorted(directory.iterdir()))


def likely_adapters() -> tuple[str, ...]:
    """URLs of all serial ports whose USB vendor builds into adapters (pyserial's port list)."""
    from serial.tools import list_ports

    return tuple(f"serial:{port.device}" for port in sorted(list_ports.comports()) if port.vid in ADAPTER_VENDORS)


def arrived_and_left(before: Iterable[str], now: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """What is new and what is gone between two looks."""
    old, new = frozenset(before), frozenset(now)
    return new - old, old - new
