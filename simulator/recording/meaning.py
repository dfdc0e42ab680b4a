"""What recorded answers say of a car in physical units, where a scenario has a word for it."""

from dataclasses import dataclass, field

from simulator.car import Car, Ecu
from simulator.codes import Code
from simulator.links import Link
from simulator.pids import FUEL_TYPES, pid_data
from simulator.recording.asking import Recording, Unit
from simulator.recording.identity import check_digit, is_identity, told_elsewhere, told_in_place_of
from simulator.scenario import monitors_of

VIN_REQUESTS = (b"\x09\x02", bytes.fromhex("22F802"), bytes.fromhex("22F190"))
CALIBRATION_IDS = b"\x09\x04"
CALIBRATION_BYTES = 16
CVN_BYTES = 4
CODE_BYTES = 2
LEGACY_LEAD = 3
STATUS = 0x01
CONFIRMED, PENDING = 0x08, 0x04
LISTS = {0x03: "stored", 0x07: "pending", 0x0A: "permanent"}
ROLES = {0x7E8: "engine", 0x7E9: "gearbox", 0x18DAF110: "engine", 0x18DAF118: "gearbox", 0x18DAF11D: "gearbox"}


@dataclass(slots=True)
class UnitMeaning:
    """One unit in the words of a scenario."""

    role: str
    unit: Unit
    vin: str = ""
    title: str = ""
    calibration_ids: list[str] = field(default_factory=list)
    cvns: list[str] = field(default_factory=list)
    pids: dict[int, bytes] = field(default_factory=dict)
    codes: list[Code] = field(default_factory=list)


def meaning_of(unit: Unit, link: Link, *, uds_only: bool) -> UnitMeaning:
    """Reads the answers of one unit; what makes no sense is left to its bytes."""
    found = UnitMeaning(_role(unit.place.answer_id), unit)
    lead = (0x22, 0xF4) if uds_only else (0x01,)
    for request, said in unit.answers.items():
        asks_pid = tuple(request[: len(lead)]) == lead and len(request) == len(lead) + 1
        if asks_pid and said and said[0][: len(request)] == bytes([request[0] + 0x40]) + request[1:]:
            found.pids[request[-1]] = said[0][len(request) :]
    vin = vin_of(unit)
    found.vin = vin if check_digit(vin) else ""
    _name(found, _info(unit, 0x0A, link))
    found.calibration_ids = _calibration_ids(_info(unit, 0x04, link))
    found.cvns = [part.hex().upper() for part in _parts(_info(unit, 0x06, link), CVN_BYTES)]
    found.codes = _codes(found.role, unit, link)
    return found


def vin_of(unit: Unit) -> str:
    """What stands for the VIN in the first answer that carries one: 09 02, 22 F802 or 22 F190; nothing if none does."""
    return next(iter(_vins_asked_for(unit)), "")


def identities(unit: Unit) -> list[str]:
    """Every VIN in the answers of one unit: those it was asked for, and any other that stands alone somewhere."""
    asked = [(request, said) for answers in (unit.answers, unit.own) for request, said in answers.items()]
    others = [b" ".join(said) for request, said in asked if request not in (*VIN_REQUESTS, CALIBRATION_IDS)]
    return [*_vins_asked_for(unit), *(vin for content in others for vin in told_elsewhere(content))]


def _vins_asked_for(unit: Unit) -> list[str]:
    found = []
    for request in VIN_REQUESTS:
        said = unit.answers.get(request) or unit.own.get(request) or []
        lead = LEGACY_LEAD if len(said) > 1 else len(request)
        found.append(told_in_place_of(b"".join(part[lead:] for part in said if part[0] == request[0] + 0x40)))
    return [vin for vin in found if is_identity(vin)]


def text_of(raw: bytes) -> str:
    """Bytes as text, without filling; nothing when they are no ASCII."""
    text = raw.decode("latin-1").strip("\0 ")
    return text if text.isascii() and text.isprintable() else ""


def open_monitors(data: bytes, fuel: str, link: Link) -> list[str]:
    """Which monitors the answer to 01 01 calls incomplete. The encoder itself says which bit is whose."""
    unit = Ecu("engine", "", 0, 0, pids=frozenset((STATUS, 0x04)))
    car = Car(link, "", fuel, [unit], 0.0, 0.0, monitors=monitors_of(fuel))
    complete = pid_data(car, unit, STATUS) or b""
    found = []
    for name in sorted(car.monitors):
        car.incomplete = {name}
        shown = pid_data(car, unit, STATUS) or b""
        if any((one ^ other) & bits for one, other, bits in zip(shown, complete, data, strict=False)):
            found.append(name)
    return found


def fuel_of(units: list[UnitMeaning]) -> str:
    """PID 51, else petrol."""
    told = next((unit.pids[0x51][:1] for unit in units if unit.pids.get(0x51)), b"")
    return next((name for name, value in FUEL_TYPES.items() if told == bytes([value])), "petrol")


def first_number(units: list[UnitMeaning], pid: int, start: int, end: int) -> int | None:
    """Bytes ``start`` to ``end`` of a PID as a number, of the first unit that has it."""
    for unit in units:
        if len(unit.pids.get(pid, b"")) >= end:
            return int.from_bytes(unit.pids[pid][start:end], "big")
    return None


def in_order(recording: Recording) -> list[UnitMeaning]:
    """Those that answer everybody first, each group by address: the engine's unit before all others."""
    order = sorted(recording.units, key=lambda sender: (not recording.units[sender].answers, sender))
    units = (recording.units[sender] for sender in order)
    return [meaning_of(unit, recording.link, uds_only=recording.uds_only) for unit in units]


def _role(answer_id: int) -> str:
    return ROLES.get(answer_id, f"unit-{answer_id:X}")


def _info(unit: Unit, kind: int, link: Link) -> bytes:
    """The items of one info type of service 09 (or 22 F8xx), without their count."""
    said = unit.answers.get(bytes([0x09, kind])) or unit.answers.get(bytes([0x22, 0xF8, kind])) or []
    lead = 4 if said and said[0][0] == 0x62 else LEGACY_LEAD
    return b"".join(part[lead:] for part in said if part[0] in (0x49, 0x62)) if link.is_can or kind != 0x0A else b""


def _parts(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data) // size * size, size)]


def _calibration_ids(data: bytes) -> list[str]:
    texts = [part.rstrip(b"\0").decode("latin-1") for part in _parts(data, CALIBRATION_BYTES)]
    return texts if all(text and text.isascii() and text.isprintable() for text in texts) else []


def _name(found: UnitMeaning, data: bytes) -> None:
    short, long = text_of(data[:4]), text_of(data[5:20])
    if len(data) == 20 and data[4:5] == b"-" and short and long and "-" not in short:
        found.title = f"{short}-{long}"


def _codes(role: str, unit: Unit, link: Link) -> list[Code]:
    found: list[Code] = []
    for service, kind in LISTS.items():
        lead = 2 if link.is_can else 1
        said = [part for part in unit.answers.get(bytes([service]), []) if part[0] == service + 0x40]
        raw = (pair for part in said for pair in _parts(part[lead:], CODE_BYTES))
        found += [Code(_decoded(pair), kind, role) for pair in raw if pair != b"\0\0"]
    for part in unit.answers.get(bytes.fromhex("194233081E"), []):
        found += [Code(_decoded(raw[1:3]), "stored", role) for raw in _parts(part[6:], 5) if raw[4] & CONFIRMED]
    for part in unit.answers.get(bytes.fromhex("194233041E"), []):
        found += [Code(_decoded(raw[1:3]), "pending", role) for raw in _parts(part[6:], 5) if raw[4] & PENDING]
    for part in unit.answers.get(bytes.fromhex("195533"), []):
        found += [Code(_decoded(raw[:2]), "permanent", role) for raw in _parts(part[5:], 4)]
    return found


def _decoded(pair: bytes) -> str:
    """SAE J2012: system in bits 15-14, first digit in 13-12, three nibbles."""
    return f"{'PCBU'[pair[0] >> 6]}{pair[0] >> 4 & 3}{pair[0] & 0xF:X}{pair[1]:02X}"
