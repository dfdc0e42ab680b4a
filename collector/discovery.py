"""Which adapters are there: USB serial ports by stable name and USB identity, and paired Bluetooth ones."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path

from collector.links import has_library
from collector.paired import NoBluetoothServiceError, paired_adapters
from config.settings import AdapterSettings

# USB bridges and chips found in ELM327-class adapters: vendor, and product where the vendor builds everything
USB_ADAPTERS: tuple[tuple[int, int | None], ...] = (
    (0x0403, None),  # FTDI
    (0x067B, None),  # Prolific
    (0x10C4, None),  # Silicon Labs CP210x
    (0x1A86, None),  # WCH CH340 and CH910x
    (0x20A9, None),  # ScanTool.net
    (0x04D8, 0x000A),  # Microchip PIC as a serial port
    (0x0483, 0x5740),  # STM32 as a serial port
)
PORTS_EVERY_S = 2.0  # pyserial's list reads much of sysfs
PAIRED_EVERY_S = 10.0  # pairing is done by hand, with time to spare

RADIOS = Path("/sys/class/bluetooth")  # Linux

Paired = Callable[[], Awaitable[tuple[str, ...]]]
UsbIdentity = tuple[int | None, int | None]


async def paired_by_radio() -> tuple[str, ...]:
    """The paired adapters, where this machine has a radio at all: D-Bus costs 5 MB that a box without one keeps."""
    return await paired_adapters() if _has_radio() else ()


def _has_radio() -> bool:
    return RADIOS.is_dir() and any(RADIOS.iterdir())


class Finder:
    """What is plugged in or paired now. Each look is quick: slow sources answer with what they found last."""

    def __init__(self, settings: AdapterSettings, *, every_port: bool, paired: Paired = paired_by_radio) -> None:
        """``every_port``: where no folder names adapters, all serial ports of USB adapters count."""
        self._settings = settings
        self._every_port = every_port
        self._ask_paired = paired
        self._ports: tuple[str, ...] = ()
        self._paired: tuple[str, ...] = ()
        self._ports_at_s = self._paired_at_s = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def look(self, now_s: float) -> tuple[str, ...]:
        """URLs of all adapters, USB before Bluetooth; ``now_s`` is any clock that only goes forward."""
        self._look_for_paired(now_s)
        found = await asyncio.to_thread(adapters_in, self._settings.hotplug_dir, self._settings.usb_ids)
        if not found and self._every_port and now_s - self._ports_at_s >= PORTS_EVERY_S:
            self._ports_at_s = now_s
            self._ports = await asyncio.to_thread(likely_adapters, self._settings.usb_ids)
        return (*(found or (self._ports if self._every_port else ())), *self._paired)

    async def close(self) -> None:
        """Stop asking the Bluetooth service."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait((self._asking,))

    async def look_once(self) -> tuple[str, ...]:
        """The same for a single look: the Bluetooth service is waited for only where nothing is plugged in."""
        try:
            found = await self.look(0.0)
            if not found and self._asking is not None:
                await self._asking
                found = self._paired
        finally:
            await self.close()
        return found

    def _look_for_paired(self, now_s: float) -> None:
        busy = self._asking is not None and not self._asking.done()
        if self._settings.paired_bluetooth and not busy and now_s - self._paired_at_s >= PAIRED_EVERY_S:
            self._paired_at_s = now_s
            self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        """A service that is gone for a moment takes no adapter away: it says itself what is no longer paired."""
        with suppress(NoBluetoothServiceError):
            self._paired = tuple(url for url in await self._ask_paired() if has_library(url))


def adapters_in(directory: Path | None, usb_ids: Iterable[str] = ()) -> tuple[str, ...]:
    """URLs of the serial ports linked in ``directory`` (``/dev/serial/by-id``), sorted; empty when it is not there.

    A port whose USB identity is known and no adapter's (a modem, a receipt printer) is left out.
    """
    try:
        entries = sorted(directory.iterdir()) if directory is not None else []
    except OSError:
        return ()
    known = _known(usb_ids)
    return tuple(f"serial:{entry}" for entry in entries if _may_be_adapter(usb_identity(entry), known))


def likely_adapters(usb_ids: Iterable[str] = ()) -> tuple[str, ...]:
    """URLs of all serial ports whose USB identity is an adapter's (pyserial's port list), sorted."""
    from serial.tools import list_ports

    known = _known(usb_ids)
    ports = [port for port in list_ports.comports() if port.vid is not None]
    return tuple(f"serial:{port.device}" for port in sorted(ports) if _may_be_adapter((port.vid, port.pid), known))


def usb_identity(port: Path) -> UsbIdentity:
    """USB vendor and product of a serial port; None where it hangs on no USB or this system does not tell."""
    with suppress(ImportError, OSError, ValueError):
        from serial.tools.list_ports_linux import SysFS

        info = SysFS(str(port.resolve()))
        return info.vid, info.pid
    return None, None


def arrived_and_left(before: Iterable[str], now: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """What is new and what is gone between two looks."""
    old, new = frozenset(before), frozenset(now)
    return new - old, old - new


def _known(usb_ids: Iterable[str]) -> frozenset[UsbIdentity]:
    """The table and the owner's own (``0403`` or ``0403:6015``)."""
    parts = (text.partition(":") for text in usb_ids)
    return frozenset(USB_ADAPTERS) | {(int(vid, 16), int(pid, 16) if pid else None) for vid, _, pid in parts}


def _may_be_adapter(identity: UsbIdentity, known: frozenset[UsbIdentity]) -> bool:
    vid, _ = identity
    return vid is None or identity in known or (vid, None) in known
