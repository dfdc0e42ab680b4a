"""Prints frames as an adapter prints them, under AT H, S, D, CAF and AL."""

from collections.abc import Iterable

from simulator.bus import Frame
from simulator.links import Kind, Link
from simulator.settings import Settings


def _hex(data: bytes, settings: Settings) -> str:
    return "".join(f"{byte:02X} " for byte in data) if settings.spaces else data.hex().upper()


def _can_id(can_id: int, link: Link, settings: Settings) -> str:
    if link.kind is Kind.CAN11:
        return f"{can_id:03X} " if settings.spaces else f"{can_id:03X}"
    return _hex(can_id.to_bytes(4, "big"), settings)


def can_line(frame: Frame, link: Link, settings: Settings, *, shows_padding: bool = False) -> list[str]:
    """One CAN frame as the adapter prints it; a first frame without headers takes two lines (length, ``0:``)."""
    data = frame.data
    skip = 1 if settings.extended is not None else 0
    pci = data[skip] if len(data) > skip else 0
    single = pci >> 4 == 0
    if settings.headers:
        shown = data[: skip + 1 + pci] if settings.format_frames and single and not shows_padding else data
        digit = f"{len(data)} " if settings.spaces else f"{len(data)}"
        return [
            _can_id(frame.can_id, link, settings) + (digit if settings.length_digit else "") + _hex(shown, settings)
        ]
    if not settings.format_frames:
        return [_hex(data, settings)]
    if single:
        return [_hex(data[skip + 1 :] if shows_padding else data[skip + 1 : skip + 1 + pci], settings)]
    return _numbered(data[skip:], settings)


def _numbered(data: bytes, settings: Settings) -> list[str]:
    space = " " if settings.spaces else ""
    if data[0] >> 4 == 1:
        length = (data[0] & 0xF) << 8 | data[1]
        return [f"{length:03X}", f"0:{space}{_hex(data[2:], settings)}"]
    return [f"{data[0] & 0xF:X}:{space}{_hex(data[1:], settings)}"]


def legacy_line(frame: Frame, settings: Settings) -> str:
    """One K-line or J1850 message: all of it with headers on, else the data alone."""
    return _hex(frame.data if settings.headers else frame.data[3:-1], settings)


def printed(frames: Iterable[Frame], link: Link, settings: Settings, *, shows_padding: bool) -> list[tuple[float, str]]:
    """Lines and the moments they are complete on the bus."""
    if not link.is_can:
        return [(frame.at_s, legacy_line(frame, settings)) for frame in frames]
    return [
        (frame.at_s, line) for frame in frames for line in can_line(frame, link, settings, shows_padding=shows_padding)
    ]
