"""Bluetooth LE adapters: a serial line over GATT by the library bleak, which is an extra and loaded only here."""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from collector.ble_uart import choose_uart
from collector.errors import AdapterLostError
from collector.radio_address import RadioAddress, split_radio_address
from collector.transport import WRITE_TIMEOUT_S

if TYPE_CHECKING:
    from bleak import BleakClient
    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.client import BaseBleakClient

NOTIFIED_MAX_BYTES = 65_536  # what may wait unread: four of the longest replies
LEAST_WRITE_BYTES = 20  # ATT default MTU of 23 less its header (Bluetooth Core, Vol 3 Part F 3.2.8)
MOST_WRITE_BYTES = 244  # one link layer packet of 251 bytes; longer ones some modules split wrongly
CLOSE_TIMEOUT_S = 3.0


class BleLink:
    """A Transport over two characteristics. What is notified waits here, bounded, until it is read."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client: BleakClient | None = None
        self._into: BleakGATTCharacteristic | None = None
        self._waiting = bytearray()
        self._arrived = asyncio.Event()
        self._writing: asyncio.Timeout | None = None
        self._lost: AdapterLostError | None = None

    async def connect(self, to: RadioAddress, timeout_s: float, backend: "type[BaseBleakClient] | None") -> None:
        """Connect, find the serial line and listen to it; raises whatever bleak does, or AdapterLostError."""
        from bleak import BleakClient

        radio: dict[str, Any] = {"bluez": {"adapter": to.radio}} if to.radio else {}
        self._client = BleakClient(to.device, self._disconnected, timeout=timeout_s, backend=backend, **radio)
        await self._client.connect()
        offers = [(service.uuid, service.characteristics) for service in self._client.services]
        uart = choose_uart(offers)
        if uart is None:
            raise AdapterLostError("adapter.no_uart", ", ".join(uuid for uuid, _ in offers))
        out, self._into = uart
        await self._client.start_notify(out, self._notified)  # before the first write: clones answer at once

    async def read(self) -> bytes:
        while not self._waiting:
            if self._lost is not None:
                raise self._lost
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._waiting)
        self._waiting.clear()
        return data

    async def write(self, data: bytes) -> None:
        if self._lost is not None or self._client is None or self._into is None:
            raise self._lost or AdapterLostError("adapter.link_lost", "closed")
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S) as self._writing:
                await self._write_pieces(self._client, self._into, data)
        except Exception as error:  # after a drop bleak raises errors of several classes, not all of its own
            raise self._lost or AdapterLostError("adapter.link_lost", error) from error
        finally:
            self._writing = None

    @staticmethod
    async def _write_pieces(client: "BleakClient", into: "BleakGATTCharacteristic", data: bytes) -> None:
        """One piece after another; each is confirmed where the adapter offers that."""
        size = write_size(into.max_write_without_response_size)
        for start in range(0, len(data), size):
            await client.write_gatt_char(into, data[start : start + size], response="write" in into.properties)

    async def close(self) -> None:
        self._lose("adapter.link_lost", "closed")
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await client.disconnect()

    def _notified(self, characteristic: "BleakGATTCharacteristic", data: bytearray) -> None:
        if len(self._waiting) + len(data) > NOTIFIED_MAX_BYTES:
            self._lose("adapter.garbage", f"more than {NOTIFIED_MAX_BYTES} bytes that nobody asked for")
            return
        self._waiting += data
        self._arrived.set()

    def _disconnected(self, client: "BleakClient") -> None:
        self._lose("adapter.link_lost", "disconnected")

    def _lose(self, reason: str, detail: str) -> None:
        """The first reason stays; whoever waits in ``read`` is told, and a write that nobody will confirm ends."""
        self._lost = self._lost or AdapterLostError(reason, detail)
        self._arrived.set()
        if self._writing is not None and not self._writing.expired():
            self._writing.reschedule(asyncio.get_running_loop().time())


def write_size(most_bytes: int) -> int:
    """How much one write may carry on a link that takes ``most_bytes``, which some systems do not know (0)."""
    return min(max(most_bytes, LEAST_WRITE_BYTES), MOST_WRITE_BYTES)


async def open_ble(address: str, connect_timeout_s: float, backend: "type[BaseBleakClient] | None" = None) -> BleLink:
    """Connect to ``AA:BB:CC:DD:EE:FF`` (a UUID on Apple's systems); raise AdapterLostError when it is out of reach.

    ``backend`` is bleak's own: another Bluetooth stack than the system's. Raises ImportError without bleak.
    """
    from bleak.exc import BleakBluetoothNotAvailableError, BleakDeviceNotFoundError

    to = split_radio_address(address)
    link = BleLink(f"ble:{address}")
    try:
        async with asyncio.timeout(connect_timeout_s):
            await link.connect(to, connect_timeout_s, backend)
    except BaseException as error:
        await link.close()
        if isinstance(error, AdapterLostError) or not isinstance(error, Exception):
            raise
        if isinstance(error, (BleakDeviceNotFoundError, TimeoutError)):
            detail = f"{address}: not found in {connect_timeout_s:g} s"
            raise AdapterLostError("adapter.no_connection", detail) from error
        # no D-Bus at all is a FileNotFoundError: there is no Bluetooth service on this machine
        absent = isinstance(error, (BleakBluetoothNotAvailableError, FileNotFoundError))
        raise AdapterLostError("adapter.no_radio" if absent else "adapter.no_connection", error) from error
    return link
