"""Bluetooth adapters: the serial port profile over RFCOMM, and the GATT serial services of Bluetooth LE ones."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from bumble import rfcomm
from bumble.core import BT_SERIAL_PORT_SERVICE, UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from simulator.adapter import Adapter
from simulator.errors import SimulatorError
from simulator.ports import BACKLOG_BYTES, MakeAdapter
from simulator.pump import Pump
from simulator.radio import CONNECTION_TIMEOUT, DROP_S, Radio, RadioDevice

SPP_CHANNEL = 1
SPP_RECORD = 0x00010001
ADVERTISE_MS = 60.0  # often enough to be found at once, seldom enough for a slow machine

Says = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Gatt:
    """A serial service as adapters offer it: its UUIDs, what may be done to each, and the largest ATT packet.

    ``write`` equal to ``notify`` is one characteristic for both directions.
    """

    service: str
    notify: str
    write: str
    mtu: int
    with_response: bool = True
    without_response: bool = True


# What ELM327-class LE adapters were seen to offer; the last stands for any maker's own.
GATTS: dict[str, Gatt] = {
    "fff0": Gatt("FFF0", "FFF1", "FFF2", 247),
    "ffe0": Gatt("FFE0", "FFE1", "FFE1", 23, with_response=False),
    "18f0": Gatt("18F0", "2AF0", "2AF1", 185, without_response=False),
    "own": Gatt(
        "E7810A71-73AE-499D-8C15-FAA9AEF0C3F2",
        "BEF8D6C9-9C21-4C9E-B632-BD58C1009F9F",
        "BEF8D6C9-9C21-4C9E-B632-BD58C1009F9F",
        512,
    ),
}


class SerialPortServer:
    """The serial port profile on one device: one host at a time, a second one is cut off."""

    def __init__(self, device: Device, says: Says, left: Callable[[], None]) -> None:
        self._says = says
        self._left = left
        self._line: rfcomm.DLC | None = None
        self._refused: set[asyncio.Task[None]] = set()
        self._server = rfcomm.Server(device)
        channel = self._server.listen(self._opened, channel=SPP_CHANNEL)
        records = rfcomm.make_service_sdp_records(SPP_RECORD, channel, BT_SERIAL_PORT_SERVICE)
        device.sdp_service_records = {SPP_RECORD: records}

    def write(self, data: bytes) -> None:
        """Send to the host, by RFCOMM frames and credits; what nobody takes is lost beyond a bound."""
        if self._line is not None and len(self._line.tx_buffer) < BACKLOG_BYTES:
            self._line.write(data)

    def _opened(self, line: rfcomm.DLC) -> None:
        if self._line is not None:
            refused = asyncio.get_running_loop().create_task(_cut_off(line))
            self._refused.add(refused)
            refused.add_done_callback(self._refused.discard)
            return
        self._line = line
        line.sink = self._says
        line.on(line.EVENT_CLOSE, self._closed)
        line.multiplexer.l2cap_channel.on(line.multiplexer.l2cap_channel.EVENT_CLOSE, self._closed)

    def _closed(self) -> None:
        if self._line is not None:
            self._line = None
            self._left()


async def _cut_off(line: rfcomm.DLC) -> None:
    """End the whole link of a host that may not have this line."""
    with suppress(Exception):
        async with asyncio.timeout(DROP_S):
            await line.multiplexer.l2cap_channel.connection.disconnect(CONNECTION_TIMEOUT)


class GattUartServer:
    """A serial service over GATT: bytes written to it go in, bytes out go as notifications of at most MTU - 3."""

    def __init__(self, device: Device, gatt: Gatt, says: Says, left: Callable[[], None]) -> None:
        self._device = device
        self._says = says
        self._left = left
        self._host: Connection | None = None
        self._waiting: deque[bytes] = deque()
        self._sender: asyncio.Task[None] | None = None
        self._out = self._add_service(gatt)
        device.gatt_server.max_mtu = gatt.mtu
        device.on(device.EVENT_CONNECTION, self._connected)

    def write(self, data: bytes) -> None:
        """Notify the host; what nobody listens to is lost."""
        if self._host is None or len(self._waiting) > BACKLOG_BYTES // 64:
            return
        self._waiting.append(data)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.get_running_loop().create_task(self._send())

    def _add_service(self, gatt: Gatt) -> "Characteristic[bytes]":
        kinds, allowed = Characteristic.Properties, Characteristic.Permissions
        writes = kinds(0)
        if gatt.with_response:
            writes |= kinds.WRITE
        if gatt.without_response:
            writes |= kinds.WRITE_WITHOUT_RESPONSE
        value = CharacteristicValue[bytes](write=self._written)
        if gatt.write == gatt.notify:
            both = Characteristic[bytes](UUID(gatt.notify), kinds.NOTIFY | writes, allowed.WRITEABLE, value)
            self._device.add_service(Service(UUID(gatt.service), [both]))
            return both
        out = Characteristic[bytes](UUID(gatt.notify), kinds.NOTIFY, allowed.READABLE, b"")
        into = Characteristic[bytes](UUID(gatt.write), writes, allowed.WRITEABLE, value)
        self._device.add_service(Service(UUID(gatt.service), [out, into]))
        return out

    def _connected(self, connection: Connection) -> None:
        self._host = connection
        connection.on(connection.EVENT_DISCONNECTION, self._disconnected)

    def _disconnected(self, reason: int) -> None:
        self._host = None
        self._waiting.clear()
        self._left()

    def _written(self, connection: Connection, data: bytes) -> None:
        self._says(bytes(data))

    async def _send(self) -> None:
        while self._waiting and self._host is not None:
            data, size = self._waiting.popleft(), self._host.att_mtu - 3
            for start in range(0, len(data), size):
                with suppress(Exception):  # the host may go at any moment
                    await self._device.notify_subscriber(self._host, self._out, data[start : start + size])


class _RadioPort:
    """What both kinds of Bluetooth adapter share: power, a device of their own, and a pump behind it."""

    kind = ""
    name = ""

    def __init__(self, radio: Radio, spec: str, make_adapter: MakeAdapter) -> None:
        self._radio = radio
        self._spec = spec
        self._make_adapter = make_adapter
        self._on_air: RadioDevice | None = None
        self._adapter: Adapter | None = None
        self._pump: Pump | None = None

    @property
    def url(self) -> str:
        """The adapter URL of this port."""
        return f"{self.kind}:{self._on_air.address if self._on_air else ''}"

    async def power_on(self) -> None:
        """Start an adapter and be found; SimulatorError when there is no such controller."""
        if self._pump is not None:
            return
        self._adapter = self._make_adapter()
        self._pump = Pump(self._adapter, self._write)
        if self._on_air is None:
            self._on_air = await self._radio.adapter(self.name, self._spec)
            self._serve(self._on_air.device)
        self._on_air.appear()
        await self._announce(self._on_air.device)

    async def power_off(self) -> None:
        """Gone from the air, with every link."""
        if self._pump is not None:
            self._pump.stop()
            self._pump = None
        if self._on_air is not None:
            await self._on_air.vanish()

    def cut(self) -> None:
        """Break the link to the present client; the adapter stays in range."""
        if self._on_air is not None:
            self._cutting = asyncio.get_running_loop().create_task(self._on_air.drop_links())

    def _says(self, data: bytes) -> None:
        if self._pump is not None:
            self._pump.feed(data)

    def _left(self) -> None:
        if self._adapter is not None:
            self._adapter.host_left()

    def _serve(self, device: Device) -> None:
        raise NotImplementedError

    async def _announce(self, device: Device) -> None:
        raise NotImplementedError

    def _write(self, data: bytes) -> None:
        raise NotImplementedError


class RfcommPort(_RadioPort):
    """A classic Bluetooth adapter with the serial port profile."""

    kind, name = "rfcomm", "OBDII"

    def _serve(self, device: Device) -> None:
        self._server = SerialPortServer(device, self._says, self._left)

    async def _announce(self, device: Device) -> None:
        await device.set_discoverable(True)
        await device.set_connectable(True)

    def _write(self, data: bytes) -> None:
        self._server.write(data)


class BlePort(_RadioPort):
    """A Bluetooth LE adapter with one of the serial services of `GATTS`."""

    kind, name = "ble", "OBDBLE"

    def __init__(self, radio: Radio, spec: str, gatt: str, make_adapter: MakeAdapter) -> None:
        super().__init__(radio, spec, make_adapter)
        if gatt not in GATTS:
            raise SimulatorError(f"--gatt {gatt}: no such service; known: {', '.join(GATTS)}")
        self._gatt = GATTS[gatt]

    def _serve(self, device: Device) -> None:
        self._server = GattUartServer(device, self._gatt, self._says, self._left)

    async def _announce(self, device: Device) -> None:
        await advertise(device, self.name)

    def _write(self, data: bytes) -> None:
        self._server.write(data)


async def advertise(device: Device, name: str) -> None:
    """Be found and connected to, again after every disconnection."""
    if device.is_advertising:
        return
    words = AdvertisingData(
        [(AdvertisingData.Type.FLAGS, b"\x06"), (AdvertisingData.Type.COMPLETE_LOCAL_NAME, name.encode())]
    )
    await device.start_advertising(
        advertising_data=bytes(words),
        auto_restart=True,
        advertising_interval_min=ADVERTISE_MS,
        advertising_interval_max=ADVERTISE_MS,
    )
