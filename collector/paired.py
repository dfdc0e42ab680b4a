"""Which Bluetooth adapters this computer is paired with, as the Bluetooth service (BlueZ) tells over D-Bus.

A phone or a headset is paired too: what does not name itself like an adapter is never connected to.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from collector.ble_uart import KNOWN, short

ASK_TIMEOUT_S = 2.0
SERIAL_PORT = "1101"  # the serial port profile (Bluetooth assigned numbers)
UARTS = frozenset(service for service, _, _ in KNOWN)
ADAPTER_NAME = re.compile(
    r"OBD|ELM.?327|V.?LINK|VEEPEAK|VGATE|ICAR|KONNWEI|CARISTA|SCANTOOL|LELINK|VIECAR|UNICARSCAN|KIWI|CHX", re.IGNORECASE
)
MAC = re.compile(r"([0-9A-F]{2}:){5}[0-9A-F]{2}")

Objects = Mapping[str, Mapping[str, Mapping[str, Any]]]


class NoBluetoothServiceError(Exception):
    """There is no D-Bus, no Bluetooth service on it, or not the library to ask it with."""


async def paired_adapters(bus_address: str | None = None) -> tuple[str, ...]:
    """URLs of the paired or trusted adapters, sorted; raise NoBluetoothServiceError when nobody can be asked.

    ``bus_address`` is D-Bus's own, None for the system's bus.
    """
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            return adapters_among(await _bluez_objects(bus_address))
    except Exception as error:  # no socket, no such name, refused, too slow: all the same to us
        raise NoBluetoothServiceError(str(error)[:200]) from error


def adapters_among(objects: Objects) -> tuple[str, ...]:
    """Adapter URLs of what BlueZ manages (``org.bluez.Device1`` properties by object path), sorted."""
    devices = (interfaces.get("org.bluez.Device1") for interfaces in objects.values())
    return tuple(sorted({url for device in devices if device and (url := _url(device))}))


def _url(device: Mapping[str, Any]) -> str:
    """The address we would open; classic Bluetooth where both are offered, which is several times as fast."""
    address, name = str(device.get("Address", "")).upper(), str(device.get("Name") or device.get("Alias") or "")
    known = device.get("Paired") is True or device.get("Trusted") is True
    if not known or not MAC.fullmatch(address) or not ADAPTER_NAME.search(name):
        return ""
    offered = device.get("UUIDs")
    services = {short(uuid) for uuid in offered if isinstance(uuid, str)} if isinstance(offered, list) else set()
    if SERIAL_PORT in services:
        return f"rfcomm:{address}"
    return f"ble:{address}" if services & UARTS else ""


async def _bluez_objects(bus_address: str | None) -> Objects:
    from dbus_fast import BusType, Message, MessageType
    from dbus_fast.aio import MessageBus
    from dbus_fast.unpack import unpack_variants

    bus = await MessageBus(bus_address=bus_address, bus_type=BusType.SYSTEM, auth_timeout=ASK_TIMEOUT_S).connect()
    try:
        question = Message(
            destination="org.bluez",
            path="/",
            interface="org.freedesktop.DBus.ObjectManager",
            member="GetManagedObjects",
        )
        reply = await bus.call(question)
    finally:
        bus.disconnect()
    if reply is None or reply.message_type is not MessageType.METHOD_RETURN:
        raise NoBluetoothServiceError(str(reply.body if reply else "")[:200])
    objects: Objects = unpack_variants(reply.body[0])
    return objects
