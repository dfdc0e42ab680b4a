"""Bluetooth adapters by address: ``AA:BB:CC:DD:EE:FF``, and which channel and which radio of ours reaches them."""

import re
from dataclasses import dataclass

from collector.errors import AdapterLostError

SPP_CHANNEL = 1  # the serial port profile of every ELM327 seen sits on channel 1
# Apple's systems hide the address of a Bluetooth LE device and give it a UUID of their own instead.
_DEVICE = re.compile(r"([0-9A-F]{2}:){5}[0-9A-F]{2}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_CHANNEL = re.compile(r"[1-9]|[12]\d|30")  # RFCOMM server channels, 1 to 30
_RADIO = re.compile(r"hci\d{1,2}|([0-9A-F]{2}:){5}[0-9A-F]{2}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RadioAddress:
    """``radio`` is ours, empty for the system's choice: ``hci1`` for LE, its address for classic Bluetooth."""

    device: str
    channel: int = SPP_CHANNEL
    radio: str = ""


def split_radio_address(address: str) -> RadioAddress:
    """Part ``AA:BB:..?channel=2&radio=hci1``; raise AdapterLostError when it cannot be understood."""
    device, _, query = address.upper().partition("?")
    options = dict(part.partition("=")[::2] for part in query.lower().split("&") if part)
    channel, radio = options.pop("channel", str(SPP_CHANNEL)), options.pop("radio", "")
    wrong = options or not _DEVICE.fullmatch(device) or not _CHANNEL.fullmatch(channel)
    if wrong or (radio and not _RADIO.fullmatch(radio)):
        raise AdapterLostError("adapter.unknown_url", address)
    return RadioAddress(device, int(channel), radio)
