"""A Bluetooth air that does not exist: simulated adapters on it, and dongles that programs attach to over TCP.

Only the ``radio`` files import bumble, and they are imported only when a Bluetooth adapter is asked for.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any, cast

from bumble import hci, ll, lmp
from bumble.controller import Controller
from bumble.core import PhysicalTransport
from bumble.device import Device, DeviceConfiguration
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport import open_transport
from bumble.transport.common import StreamPacketSink, StreamPacketSource, Transport

from simulator.errors import SimulatorError

ADAPTER_ADDRESS = "F0:F1:F2:F3:F4:{:02X}"
DONGLE_ADDRESS = "F0:F1:F2:F3:F5:{:02X}"
MAX_EACH = 0xFF
OBD_CLASS = 0x1F00  # class of device "uncategorised", what ELM327 clones say
CONNECTION_TIMEOUT = 0x08  # error code of a link that was lost (Bluetooth Core, Vol 1 Part F)
DROP_S = 1.0

# bumble warns of frames that come for a link which a plug has just cut; that is the simulation.
logging.getLogger("bumble").setLevel(logging.ERROR)


class Air(LocalLink):
    """bumble's link, on which a controller may also be absent: paging it fails, and what is sent to it is lost."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def send_lmp_packet(self, sender_controller: Controller, receiver_address: Address, packet: lmp.Packet) -> None:
        """Classic link control; a page that nobody answers ends with PAGE TIMEOUT."""
        if self.find_classic_controller(receiver_address) is not None:
            super().send_lmp_packet(sender_controller, receiver_address, packet)
        elif isinstance(packet, lmp.LmpHostConnectionReq):
            sender_controller.classic_connections.pop(receiver_address, None)
            refusal = lmp.LmpNotAccepted(packet.opcode, hci.HCI_ErrorCode.PAGE_TIMEOUT_ERROR)
            asyncio.get_running_loop().call_soon(sender_controller.on_lmp_packet, receiver_address, refusal)

    def send_ll_control_pdu(self, sender_address: Address, receiver_address: Address, packet: ll.ControlPdu) -> None:
        """LE link control; nobody hears what is sent to an absent controller."""
        if self.find_le_controller(receiver_address) is not None:
            super().send_ll_control_pdu(sender_address, receiver_address, packet)

    def send_acl_data(
        self, sender_controller: Controller, destination_address: Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        """Data; an LE link is known by the address it was opened with, which bumble forgets for a public one."""
        link = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address) if transport == PhysicalTransport.LE else None
        if link is not None and receiver is not None:
            asyncio.get_running_loop().call_soon(receiver.on_link_acl_data, link.self_address, transport, data)
        else:
            super().send_acl_data(sender_controller, destination_address, transport, data)

    def leave(self, controller: Controller) -> None:
        """Out of range at once: every link of this controller ends at both ends."""
        if controller not in self.controllers:
            return
        for link in list(controller.le_connections.values()):
            link.send_ll_control_pdu(ll.TerminateInd(CONNECTION_TIMEOUT))
            controller.on_le_disconnected(link, CONNECTION_TIMEOUT)
        for address in list(controller.classic_connections):
            self.send_lmp_packet(controller, address, lmp.LmpDetach(CONNECTION_TIMEOUT))
            controller.on_classic_disconnected(address, CONNECTION_TIMEOUT)
        self.remove_controller(controller)


class Dongle(StreamPacketSource):
    """The HCI end of one virtual controller: whoever connects to the port is its host, as long as the stream lasts."""

    def __init__(self, air: Air, address: str) -> None:
        super().__init__()
        self._air = air
        self._address = address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A program plugged this dongle in."""
        self._stream = cast(asyncio.Transport, transport)
        self._controller = Controller("dongle", self, StreamPacketSink(self._stream), self._air, self._address)

    def data_received(self, data: bytes) -> None:
        """Hand HCI packets to the controller; a program that breaks the rules loses its dongle."""
        try:
            super().data_received(data)
        except Exception:  # noqa: BLE001 - bumble raises many classes on bytes that are no HCI
            self._stream.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """The program is gone, and with it every link it had."""
        self._air.leave(self._controller)


class Radio:
    """The Bluetooth side of one simulator process: one air, as many adapters and dongles as are asked for."""

    def __init__(self) -> None:
        self.air = Air()
        self._server: asyncio.Server | None = None
        self._streams: list[Transport] = []
        self._adapters = 0
        self._dongles = 0

    async def adapter(self, name: str, spec: str) -> "RadioDevice":
        """One more Bluetooth device, powered on: on the virtual air, or on a real controller (``usb:0``)."""
        self._adapters += 1
        address = ADAPTER_ADDRESS.format(self._adapters)
        config = DeviceConfiguration(
            name=name,
            address=Address(address),
            classic_enabled=True,
            classic_ssp_enabled=False,
            class_of_device=OBD_CLASS,
        )
        if spec:
            return await self._on_hardware(config, spec)
        return await self._on_air(config, address)

    async def offer_dongles(self) -> str:
        """The address other programs give to their Bluetooth host (HCI over TCP, H4 framing) to be on this air."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._dongle, "127.0.0.1", 0)
        return f"tcp-client:127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Take the dongles and the real controllers away."""
        if self._server is not None:
            self._server.close()
        for stream in self._streams:
            with suppress(OSError):
                await stream.close()

    def _dongle(self) -> Dongle:
        self._dongles = self._dongles % MAX_EACH + 1
        return Dongle(self.air, DONGLE_ADDRESS.format(self._dongles))

    async def _on_air(self, config: DeviceConfiguration, address: str) -> "RadioDevice":
        host: Any = Host()
        host.controller = controller = Controller(config.name, link=self.air, public_address=address)
        device = Device(config=config, host=host)
        await device.power_on()
        return RadioDevice(device, address, self.air, controller)

    async def _on_hardware(self, config: DeviceConfiguration, spec: str) -> "RadioDevice":
        try:
            stream = await open_transport(spec)
        except Exception as error:  # noqa: BLE001 - each kind of transport has errors of its own
            reason = " ".join(str(error).split())[:120]
            raise SimulatorError(f"{spec}: no Bluetooth controller there: {reason}") from None
        self._streams.append(stream)
        device = Device.from_config_with_hci(config, stream.source, stream.sink)
        await device.power_on()
        return RadioDevice(device, device.public_address.to_string(with_type_qualifier=False), self.air, None)


class RadioDevice:
    """One Bluetooth device that can be in range or not. ``controller`` is None where it is a real one."""

    def __init__(self, device: Device, address: str, air: Air, controller: Controller | None) -> None:
        self.device = device
        self.address = address
        self._air = air
        self._controller = controller

    def appear(self) -> None:
        """In range (again)."""
        if self._controller is not None and self._controller not in self._air.controllers:
            self._air.add_controller(self._controller)

    def leave(self) -> None:
        """Out of the virtual air at once, links and all."""
        if self._controller is not None:
            self._air.leave(self._controller)

    async def vanish(self) -> None:
        """Out of range; a real controller at least drops its links."""
        self.leave()
        if self._controller is None:
            await self.drop_links()

    async def drop_links(self) -> None:
        """End every connection, as a radio does that loses its peer."""
        for connection in list(self.device.connections.values()):
            with suppress(Exception):
                async with asyncio.timeout(DROP_S):  # a link that ends by itself meanwhile is never confirmed
                    await connection.disconnect(CONNECTION_TIMEOUT)
