"""The product's Bluetooth without a radio: unmodified bleak, and an RFCOMM opener, over bumble's host.

bleak takes another stack than the system's by its own argument ``backend``; RFCOMM is behind our injected opener.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError
from bumble import core, hci, rfcomm
from bumble.device import Connection, Device, DeviceConfiguration, Peer
from bumble.hci import Address
from bumble.transport import open_transport

from collector import links
from collector.ble_link import open_ble
from collector.rfcomm_link import open_rfcomm

OURS = "F0:F1:F2:F3:F6:01"
FOUND_WITHIN_S = 2.0
BRIDGE_BYTES = 4096


class BumbleClient(BaseBleakClient):
    """bleak's side of one LE connection made by a bumble device. `on` binds it to one."""

    device: Device

    def __init__(self, address: Any, **options: Any) -> None:
        super().__init__(address, disconnected_callback=options["disconnected_callback"], timeout=options["timeout"])
        self._connection: Connection | None = None
        self._mtu = 23

    @classmethod
    def on(cls, device: Device) -> "type[BumbleClient]":
        """A backend class for bleak that uses this device."""
        return type("BumbleClient", (cls,), {"device": device})

    @property
    def name(self) -> str:
        return self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._mtu

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **options: Any) -> None:
        try:
            self._connection = await self.device.connect(
                Address(self.address), timeout=FOUND_WITHIN_S, own_address_type=hci.OwnAddressType.RANDOM
            )
        except (TimeoutError, core.TimeoutError, core.ConnectionError) as error:
            raise BleakDeviceNotFoundError(self.address, repr(error)) from error
        self._connection.on(self._connection.EVENT_DISCONNECTION, self._lost)
        peer = Peer(self._connection)
        self._mtu = await peer.request_mtu(517)
        self.services = await self._listed(peer)

    async def _listed(self, peer: Peer) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        for offered in await peer.discover_services():
            service = BleakGATTService(offered, offered.handle, long_uuid(offered.uuid))
            found.add_service(service)
            for each in await offered.discover_characteristics():
                known: list[Any] = [flag for bit, flag in PROPERTIES.items() if int(each.properties) & bit]
                characteristic = BleakGATTCharacteristic(
                    each, each.handle, long_uuid(each.uuid), known, lambda: self._mtu - 3, service
                )
                found.add_characteristic(characteristic)
                for note in await each.discover_descriptors():
                    found.add_descriptor(BleakGATTDescriptor(note, note.handle, long_uuid(note.type), characteristic))
        return found

    def _lost(self, reason: int) -> None:
        self._connection, self.services = None, None
        if self._disconnected_callback:
            self._disconnected_callback()

    def _need_connection(self) -> None:
        if self._connection is None:
            raise BleakError("Not connected")

    async def disconnect(self) -> None:
        if self._connection is not None:
            async with asyncio.timeout(FOUND_WITHIN_S):
                await self._connection.disconnect()

    async def pair(self, *arguments: Any, **options: Any) -> None:
        raise NotImplementedError

    async def unpair(self) -> None:
        raise NotImplementedError

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **options: Any) -> bytearray:
        self._need_connection()
        return bytearray(await characteristic.obj.read_value())

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **options: Any) -> bytearray:
        self._need_connection()
        return bytearray(await descriptor.obj.read_value())

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: Any, response: bool) -> None:
        self._need_connection()
        if not response and len(data) > self._mtu - 3:
            raise BleakError("longer than one packet")
        await characteristic.obj.write_value(bytes(data), with_response=response)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: Any) -> None:
        self._need_connection()
        await descriptor.obj.write_value(bytes(data), with_response=True)

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: Any, **options: Any) -> None:
        self._need_connection()
        await characteristic.obj.subscribe(lambda value: callback(bytearray(value)), prefer_notify=True)

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await characteristic.obj.unsubscribe()


PROPERTIES = {2: "read", 4: "write-without-response", 8: "write", 16: "notify", 32: "indicate"}


def long_uuid(uuid: core.UUID) -> str:
    """A UUID as bleak writes it: 128 bits, lower case, with dashes."""
    digits = uuid.to_bytes(force_128=True)[::-1].hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def rfcomm_opener(device: Device) -> Callable[[str, int, str], socket.socket]:
    """What the product gives a thread to connect with: RFCOMM by bumble, handed over as a socket."""
    loop = asyncio.get_running_loop()

    def connect(address: str, channel: int, radio: str) -> socket.socket:
        return asyncio.run_coroutine_threadsafe(_bridged(device, address, channel), loop).result(FOUND_WITHIN_S * 2)

    return connect


async def _bridged(device: Device, address: str, channel: int) -> socket.socket:
    """One RFCOMM channel whose bytes go through a socket pair; the pair closes when the channel or its link does."""
    peer = Address(address, Address.PUBLIC_DEVICE_ADDRESS)
    try:
        connection = await device.connect(peer, transport=core.PhysicalTransport.BR_EDR, timeout=FOUND_WITHIN_S)
        multiplexer = await rfcomm.Client(connection).start()
        line = await multiplexer.open_dlc(channel)
    except Exception as error:
        raise ConnectionError(f"{address}: {error!r}") from error
    theirs, ours = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)

    gone = asyncio.Event()

    def lost(*_: object) -> None:
        gone.set()
        with contextlib.suppress(Exception):
            writer.close()

    async def carry() -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(BRIDGE_BYTES):
                line.write(data)
        if not gone.is_set():
            lost()
            with contextlib.suppress(Exception):
                async with asyncio.timeout(FOUND_WITHIN_S):  # bumble waits for ever when the link went meanwhile
                    await connection.disconnect()

    line.sink = writer.write
    connection.on(connection.EVENT_DISCONNECTION, lost)
    if connection not in device.connections.values():  # cut off before we could listen for it
        lost()
    carrying.add(task := asyncio.create_task(carry()))
    task.add_done_callback(carrying.discard)
    return theirs


carrying: set[asyncio.Task[None]] = set()


@asynccontextmanager
async def radio_of_ours(hci_address: str, address: str = OURS) -> AsyncIterator[Device]:
    """A bumble host on the dongle that a simulator process offers, powered on."""
    async with await open_transport(hci_address) as (source, sink):
        config = DeviceConfiguration(name="bay", address=Address(address), classic_enabled=True)
        device = Device.from_config_with_hci(config, source, sink)
        await device.power_on()
        try:
            yield device
        finally:
            if carrying:
                await asyncio.wait(carrying, timeout=FOUND_WITHIN_S)


@asynccontextmanager
async def product_on(device: Device) -> AsyncIterator[None]:
    """While this lasts, the product's ``rfcomm:`` and ``ble:`` addresses are reached by this device."""
    before = dict(links.OPENERS)
    links.OPENERS["rfcomm"] = partial(open_rfcomm, connect=rfcomm_opener(device))
    links.OPENERS["ble"] = partial(open_ble, backend=BumbleClient.on(device))
    try:
        yield
    finally:
        links.OPENERS.update(before)
