"""200 generated VINs and code lists, encoded for every line format, come back as they were."""

import random
from collections.abc import Callable

import pytest

from protocols.answers import answers_to
from protocols.dtc import decode_dtcs
from protocols.messages import LinkFormat, assemble
from protocols.readings import ItemStatus
from protocols.vin import decode_vin_info
from tests.protocols import encoder

CASES = 200
_ALPHABET = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_DIGITS = "0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ"

Printer = Callable[[list[bytes], bytes], list[str]]


def _can(ecu: str, **shape: bool | int | None) -> Printer:
    return lambda _legacy, whole: encoder.can_lines(whole, ecu, **shape)  # type: ignore[arg-type]


def _legacy(line: Callable[[bytes], str]) -> Printer:
    return lambda legacy, _whole: [line(payload) for payload in legacy]


FORMATS: dict[str, tuple[LinkFormat, bool, Printer]] = {
    "CAN 11": (LinkFormat.CAN_11, True, _can(encoder.ECU_11)),
    "CAN 11 spaces": (LinkFormat.CAN_11, True, _can(encoder.ECU_11, spaces=True, pad=0x55)),
    "CAN 11 unpadded": (LinkFormat.CAN_11, True, _can(encoder.ECU_11, pad=None)),
    "CAN 11 no headers": (LinkFormat.CAN_11, False, lambda _, whole: encoder.bare_can_lines(whole)),
    "CAN 29": (LinkFormat.CAN_29, True, _can(encoder.ECU_29)),
    "CAN 29 spaces": (LinkFormat.CAN_29, True, _can(encoder.ECU_29, spaces=True, pad=0x00)),
    "CAN 29 no headers": (LinkFormat.CAN_29, False, lambda _, whole: encoder.bare_can_lines(whole, spaces=True)),
    "KWP": (LinkFormat.LEGACY, True, _legacy(encoder.kwp_line)),
    "KWP length byte": (LinkFormat.LEGACY, True, _legacy(lambda payload: encoder.kwp_line(payload, length_byte=True))),
    "ISO 9141": (LinkFormat.LEGACY, True, _legacy(encoder.iso9141_line)),
    "J1850": (LinkFormat.LEGACY, True, _legacy(encoder.j1850_line)),
    "legacy no headers": (LinkFormat.LEGACY, False, _legacy(lambda payload: payload.hex(" ").upper())),
}


def _vins() -> list[str]:
    """Random VINs with a valid check digit and a serial number of the reserved kind; all first and last characters."""
    source = random.Random(17)
    vins = []
    for index in range(CASES):
        head = _ALPHABET[index % len(_ALPHABET)] + "".join(source.choice(_ALPHABET) for _ in range(7))
        vin = f"{head}0{''.join(source.choice(_ALPHABET) for _ in range(2))}000{source.randrange(1000):03d}"
        total = sum(weight * (_DIGITS.index(c) % 10) for weight, c in zip(_WEIGHTS, vin, strict=True))
        vins.append(vin[:8] + "0123456789X"[total % 11] + vin[9:])
    return vins


def _lists() -> list[list[str]]:
    source = random.Random(3)
    count = [0, 1, 2, 3, 4, 6, 7, 13]
    return [
        [f"{source.choice('PCBU')}{source.randrange(4)}{source.randrange(1, 0x1000):03X}" for _ in range(count[i % 8])]
        for i in range(CASES)
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_generated_vins_survive(name: str) -> None:
    link, headers, print_lines = FORMATS[name]
    for vin in _vins():
        whole = b"\x49\x02\x01" + vin.encode()
        lines = print_lines(encoder.legacy_vin_payloads(vin), whole)

        (answer,) = answers_to(b"\x09\x02", assemble(lines, link, headers=headers))

        assert decode_vin_info(answer.data) == vin


@pytest.mark.parametrize("service", [0x03, 0x07, 0x0A])
@pytest.mark.parametrize("name", FORMATS)
def test_generated_code_lists_survive(name: str, service: int) -> None:
    link, headers, print_lines = FORMATS[name]
    for codes in _lists():
        whole = bytes([service + 0x40, len(codes)]) + b"".join(map(encoder.code_bytes, codes))
        lines = print_lines(encoder.legacy_code_payloads(service, codes), whole)

        (answer,) = answers_to(bytes([service]), assemble(lines, link, headers=headers))

        assert decode_dtcs(service, answer.data, link) == tuple(codes)


@pytest.mark.parametrize("name", FORMATS)
def test_a_lost_line_never_shortens_a_vin(name: str) -> None:
    link, headers, print_lines = FORMATS[name]
    vin = _vins()[7]
    lines = print_lines(encoder.legacy_vin_payloads(vin), b"\x49\x02\x01" + vin.encode())
    for lost in range(len(lines)):
        rest = lines[:lost] + lines[lost + 1 :]

        answers = answers_to(b"\x09\x02", assemble(rest, link, headers=headers))

        assert all(answer.status is ItemStatus.CORRUPT for answer in answers)


@pytest.mark.parametrize("name", [name for name in FORMATS if name.startswith("CAN") and "unpadded" not in name])
def test_a_lost_or_swapped_line_never_shortens_a_code_list(name: str) -> None:
    link, headers, print_lines = FORMATS[name]
    codes = _lists()[7]
    lines = print_lines([], bytes([0x43, len(codes)]) + b"".join(map(encoder.code_bytes, codes)))
    broken = [lines[:lost] + lines[lost + 1 :] for lost in range(len(lines))]
    broken += [lines[:1] + lines[2:3] + lines[1:2] + lines[3:], [*lines[:2], *lines[1:]]]
    for shown in broken:
        answers = answers_to(b"\x03", assemble(shown, link, headers=headers))

        assert all(answer.status is ItemStatus.CORRUPT for answer in answers)
