"""What one ECU answers to one request: OBD services (SAE J1979), UDS (ISO 14229) and KWP2000 (ISO 14230-3).

A message is the service byte and its data, without any framing. Requests that would change a car are answered as a
car answers them, and noted in the journal by the bus.
"""

from collections.abc import Callable

from simulator.car import Car, Ecu
from simulator.codes import encode_code
from simulator.in_use import info_type, performance
from simulator.links import Kind, Link
from simulator.pids import bitmap, is_mask, pid_data, whole_km

SERVICE_NOT_SUPPORTED = 0x11
SUBFUNCTION_NOT_SUPPORTED = 0x12
WRONG_LENGTH = 0x13
OUT_OF_RANGE = 0x31
SECURITY_DENIED = 0x33
INVALID_KEY = 0x35
PENDING = 0x78

# ISO 14229-1: a functionally addressed request is not refused with these; the unit stays silent.
_SILENT_WHEN_FUNCTIONAL = {SERVICE_NOT_SUPPORTED, SUBFUNCTION_NOT_SUPPORTED, OUT_OF_RANGE, 0x7E, 0x7F}

# Services that change a car or its state: OBD 04 08; UDS and KWP sessions, resets, clears, memory, security, writes,
# routines, transfers, timing and trouble-code muting.
CHANGING = frozenset((0x04, 0x08, 0x10, 0x11, 0x14, 0x20, 0x23, 0x24, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x2C, 0x2E, 0x2F,
                      0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x3B, 0x3D, 0x81, 0x82, 0x83, 0x84, 0x85,
                      0x86, 0x87))  # fmt: skip
MAKER = frozenset((0x12, 0x13, 0x17, 0x18, 0x19, 0x1A, 0x21, 0x22, 0x3E))

Refusal = int
Answer = list[bytes] | Refusal
Service = Callable[[Car, Ecu, bytes, Link], Answer]

SEED = bytes.fromhex("5A3C96E1")
LEGACY_CODES = 3
LEGACY_TEXT = 4


def answer(car: Car, ecu: Ecu, request: bytes, *, functional: bool) -> list[bytes]:
    """All messages one ECU sends for one request, in order; empty when it stays silent."""
    if not request:
        return []
    if request in ecu.answers:
        return list(ecu.answers[request])
    service = _SERVICES.get(request[0])
    obd = request[0] <= 0x0A
    if not obd and not car.link.is_can and car.link.kind is not Kind.KWP:
        # UDS and KWP2000 are spoken on CAN and on KWP; cars of the older buses know nothing of them.
        return []
    if obd and (ecu.uds_only or not ecu.obd):
        result: Answer = SERVICE_NOT_SUPPORTED
    elif service is None:
        result = SERVICE_NOT_SUPPORTED
    else:
        result = service(car, ecu, request, car.link)
    if isinstance(result, int):
        return _refused(car.link, request[0], result, functional=functional)
    waits = [bytes([0x7F, request[0], PENDING])] * (ecu.pending_replies if not obd else 0)
    return waits + result


def _refused(link: Link, service: int, code: Refusal, *, functional: bool) -> list[bytes]:
    # ISO 9141-2 and J1850 know no negative answer to services 01 to 0A (SAE J1979); KWP has them.
    if link.is_can and functional and code in _SILENT_WHEN_FUNCTIONAL:
        return []
    if not link.is_can and link.kind is not Kind.KWP:
        return []
    return [bytes([0x7F, service, code])]


def _current_data(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    pids = request[1:]
    if not pids or len(pids) > (6 if link.is_can else 1):
        return WRONG_LENGTH
    body = b""
    for pid in pids:
        data = pid_data(car, ecu, pid)
        body += bytes([pid]) + data if data is not None else b""
    return [b"\x41" + body] if body else SUBFUNCTION_NOT_SUPPORTED


def _freeze_frame(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    if len(request) != 3 or request[2] != 0:
        return SUBFUNCTION_NOT_SUPPORTED
    pid = request[1]
    held = car.frozen if car.frozen_code in car.codes_of(ecu, "stored") else {}
    data: bytes | None
    if is_mask(pid):
        data = bitmap(pid, {*held, 0x02}) if pid == 0 or any(other > pid for other in held) else None
    elif pid == 0x02:
        data = encode_code(car.frozen_code) if held else bytes(2)
    else:
        data = held.get(pid)
    return [bytes([0x42, pid, 0]) + data] if data is not None else SUBFUNCTION_NOT_SUPPORTED


def _code_list(kind: str) -> Service:
    def listed(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
        codes = car.codes_of(ecu, kind)
        reply = request[0] + 0x40
        if link.is_can:
            return [bytes([reply, len(codes)]) + b"".join(encode_code(code) for code in codes)]
        if kind == "permanent":
            return SERVICE_NOT_SUPPORTED
        raw = b"".join(encode_code(code) for code in codes)
        size = 2 * LEGACY_CODES
        parts = [raw[start : start + size] for start in range(0, len(raw), size)] or [b""]
        return [bytes([reply]) + part.ljust(size, b"\x00") for part in parts]

    return listed


def _clear(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    car.clear_codes()
    return [bytes([request[0] + 0x40])]


def _test_results(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    """Two on-board tests on CAN (catalyst bank 1, EGR); nothing on older buses."""
    if not link.is_can or len(request) != 2 or not ecu.pids:
        return SUBFUNCTION_NOT_SUPPORTED
    tests = {0x21: bytes.fromhex("218020008700000100"), 0x31: bytes.fromhex("31802E001200000050")}
    monitor = request[1]
    if is_mask(monitor):
        known = monitor == 0 or any(other > monitor for other in tests)
        return [bytes([0x46, monitor]) + bitmap(monitor, tests)] if known else SUBFUNCTION_NOT_SUPPORTED
    return [b"\x46" + tests[monitor]] if monitor in tests else SUBFUNCTION_NOT_SUPPORTED


def _control(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    return [bytes([request[0] + 0x40]) + request[1:2].ljust(1, b"\x00") + bytes(5)]


def _texts(car: Car, ecu: Ecu) -> dict[int, list[bytes]]:
    """Info types of service 09: the items of each one this ECU has."""
    found: dict[int, list[bytes]] = {}
    vin = ecu.vin if ecu.vin != "-" else ""
    if vin:
        found[0x02] = [vin.encode("ascii")]
    if ecu.calibration_ids:
        found[0x04] = [text.encode("ascii").ljust(16, b"\x00") for text in ecu.calibration_ids]
    if ecu.cvns:
        found[0x06] = [bytes.fromhex(text) for text in ecu.cvns]
    if ecu.title:
        short, _, long = ecu.title.partition("-")
        found[0x0A] = [short.encode("ascii").ljust(4, b"\x00") + b"-" + long.encode("ascii").ljust(15, b"\x00")]
    if ecu.in_use:
        found[info_type(car)] = performance(car)
    return found


def _vehicle_info(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    if len(request) != 2:
        return WRONG_LENGTH
    info, found = request[1], _texts(car, ecu)
    if not found:
        return SUBFUNCTION_NOT_SUPPORTED
    if not link.is_can:
        return _legacy_info(info, found)
    if info == 0:
        return [b"\x49\x00" + bitmap(0, found)]
    if info not in found:
        return SUBFUNCTION_NOT_SUPPORTED
    return [bytes([0x49, info, len(found[info])]) + b"".join(found[info])]


def _legacy_info(info: int, found: dict[int, list[bytes]]) -> Answer:
    """Before CAN an item comes in messages of four data bytes, and the odd info type tells how many."""
    messages = {kind: _legacy_messages(kind, items) for kind, items in found.items() if kind != 0x0A}
    if info == 0:
        return [b"\x49\x00\x01" + bitmap(0, {*messages, *(kind - 1 for kind in messages)})]
    if info + 1 in messages and info % 2:
        return [bytes([0x49, info, len(messages[info + 1])])]
    return messages.get(info, SUBFUNCTION_NOT_SUPPORTED)


def _legacy_messages(kind: int, items: list[bytes]) -> list[bytes]:
    raw = b"".join(items)
    # The VIN is filled in front: three 00, then 17 characters (SAE J1979, ISO 9141-2 example).
    raw = raw.rjust(-(-len(raw) // LEGACY_TEXT) * LEGACY_TEXT, b"\x00")
    parts = [raw[start : start + LEGACY_TEXT] for start in range(0, len(raw), LEGACY_TEXT)]
    return [bytes([0x49, kind, number]) + part for number, part in enumerate(parts, 1)]


def _session(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    kind = request[1:2]
    if link.is_can:
        return [b"\x50" + kind + bytes.fromhex("003201F4")]
    return [b"\x50" + kind]


def _tester_present(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    suppressed = len(request) > 1 and request[1] & 0x80
    return [] if suppressed else [b"\x7e" + request[1:2]]


def _read_codes(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    """UDS 19 01 and 02 (count, list by status mask), 19 0A (all), 19 42 33 and 19 55 33 (confirmed, permanent)."""
    kind = request[1:2]
    if kind == b"\x01" and len(request) == 3:
        count = len(_uds_codes(car, ecu, ("stored", "pending"), request[2])) // 4
        # Format 01: two-byte codes of ISO 15031-6 with a failure type.
        return [b"\x59\x01\x2f\x01" + count.to_bytes(2, "big")]
    if kind == b"\x02" and len(request) == 3:
        return [b"\x59\x02\x2f" + _uds_codes(car, ecu, ("stored", "pending"), request[2])]
    if kind == b"\x0a":
        return [b"\x59\x0a\x2f" + _uds_codes(car, ecu, ("stored", "pending"), 0xFF)]
    if kind == b"\x42" and len(request) == 5 and request[2] == 0x33:
        body = b"".join(bytes([0x20]) + encode_code(code.code) + bytes([0x00, code.status])
                        for code in car.codes if code.ecu == ecu.role and code.status & request[3])  # fmt: skip
        return [b"\x59\x42\x33\x2f\xff\x04" + body]
    if kind == b"\x55" and request[2:3] == b"\x33":
        body = b"".join(encode_code(code) + b"\x00\x08" for code in car.codes_of(ecu, "permanent"))
        return [b"\x59\x55\x33\x2f\x04" + body]
    return SUBFUNCTION_NOT_SUPPORTED


def _uds_codes(car: Car, ecu: Ecu, kinds: tuple[str, ...], mask: int) -> bytes:
    mine = (code for code in car.codes if code.ecu == ecu.role and code.kind in kinds and code.status & mask)
    return b"".join(encode_code(code.code) + bytes([0x00, code.status]) for code in mine)


def _read_identifier(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    if len(request) < 3 or len(request) % 2 == 0:
        return WRONG_LENGTH
    maker = _maker_read(car, ecu, request)
    if maker is not None:
        return [maker]
    body = b""
    for start in range(1, len(request), 2):
        wanted = request[start : start + 2]
        data = _identifier(car, ecu, int.from_bytes(wanted, "big"))
        body += wanted + data if data is not None else b""
    return [b"\x62" + body] if body else OUT_OF_RANGE


def _identifier(car: Car, ecu: Ecu, number: int) -> bytes | None:
    """One data identifier: VIN, the scenario's own, and F4xx and F8xx of SAE J1979-2."""
    told = ecu.answers.get(b"\x22" + number.to_bytes(2, "big"))
    if told is not None:
        return told[-1][3:] if told and told[-1][0] == 0x62 else None
    if number in ecu.dids:
        return ecu.dids[number]
    if number == 0xF190:
        return ecu.vin.encode("ascii") if ecu.vin not in ("", "-") else None
    if number >> 8 == 0xF4 or number >> 8 == 0xF5:
        return pid_data(car, ecu, number & 0xFF) if ecu.uds_only or ecu.functional else None
    if number >> 8 == 0xF8:
        items = _texts(car, ecu).get(number & 0xFF)
        return (
            None if items is None else (b"".join(items) if number == 0xF802 else bytes([len(items)]) + b"".join(items))
        )
    return None


def _read_local(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    maker = _maker_read(car, ecu, request)
    return [maker] if maker is not None else SUBFUNCTION_NOT_SUPPORTED


def _maker_read(car: Car, ecu: Ecu, request: bytes) -> bytes | None:
    for read in ecu.reads:
        if read.request == request:
            value = read.raw(ecu.own_odometer_m(car.odometer_m)).to_bytes(read.size, "little" if read.little else "big")
            return bytes([request[0] + 0x40]) + request[1:] + bytes(read.lead) + value + bytes(read.trail)
    return None


def _accepted(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    """A write that a car in its default session takes, echoed with its parameters."""
    return [bytes([request[0] + 0x40]) + request[1:3]]


def _denied(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    return SECURITY_DENIED


def _security(car: Car, ecu: Ecu, request: bytes, link: Link) -> Answer:
    """A seed for whoever asks for one (odd sub-functions), and no key that fits it (ISO 14229-1)."""
    if len(request) < 2:
        return WRONG_LENGTH
    return [b"\x67" + request[1:2] + SEED] if request[1] % 2 else INVALID_KEY


_SERVICES: dict[int, Service] = {
    0x01: _current_data,
    0x02: _freeze_frame,
    0x03: _code_list("stored"),
    0x04: _clear,
    0x06: _test_results,
    0x07: _code_list("pending"),
    0x08: _control,
    0x09: _vehicle_info,
    0x0A: _code_list("permanent"),
    0x10: _session,
    0x11: _accepted,
    0x14: _clear,
    0x19: _read_codes,
    0x21: _read_local,
    0x22: _read_identifier,
    0x27: _security,
    0x28: _accepted,
    0x2E: _accepted,
    0x2F: _accepted,
    0x31: _accepted,
    0x34: _denied,
    0x35: _denied,
    0x36: _denied,
    0x37: _denied,
    0x3B: _accepted,
    0x3D: _denied,
    0x3E: _tester_present,
    0x85: _accepted,
}

__all__ = ["CHANGING", "MAKER", "answer", "whole_km"]
