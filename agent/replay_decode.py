"""What one recorded answer means, by the same decoders that read a car: readings, VIN, codes, or why there is none."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from config.profiles import OdometerRow, Profiles
from protocols import dtc, obd, odometer, uds, vin
from protocols.answers import Answer, answers_to
from protocols.errors import DecodeError
from protocols.messages import Assembly, LinkFormat
from protocols.readings import DtcClass, ItemStatus, Reading, TroubleCode

_LISTS = {0x03: DtcClass.STORED, 0x07: DtcClass.PENDING, 0x0A: DtcClass.PERMANENT}
_CODE_LISTS: dict[bytes, tuple[Callable[[bytes], tuple[uds.StatusDtc, ...]], DtcClass | None]] = {
    b"\x19\x02": (uds.decode_status_dtcs, None),
    b"\x19\x0a": (uds.decode_status_dtcs, None),
    b"\x19\x42": (uds.decode_severity_dtcs, None),
    b"\x19\x55": (uds.decode_permanent_dtcs, DtcClass.PERMANENT),
}
_PROFILE_SERVICES = frozenset({0x1A, 0x21, 0x22})
_VIN_DID = b"\xf1\x90"
_IDENTIFICATION = (b"\x1a\x80", b"\x1a\x90", b"\x21\x81")
_PID_PAGE = 0xF4
_INFORMATION_PAGE = 0xF8
_LIFETIME_INFO = 0x17
_ODOMETER_PIDS = (obd.ODOMETER_PID, 0xD3)
_KM_M = 1000
_BROADCAST = re.compile(r"^([0-9A-F]{3}|[0-9A-F]{8})((?:[0-9A-F]{2}){1,8})$")


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, of which unit, and of which make and model of car."""

    request: bytes
    header: str = ""
    extended_address: str = ""
    make: str = ""
    model: str = ""


@dataclass(slots=True)
class Outcome:
    """What a recording yielded. ``answered`` when a whole answer was understood, even an empty list of codes."""

    readings: list[Reading] = field(default_factory=list)
    vin: str = ""
    dtcs: list[TroubleCode] = field(default_factory=list)
    answered: bool = False
    empty: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Take over what another answer of the same recording yielded."""
        self.readings += other.readings
        self.vin = self.vin or other.vin
        self.dtcs += other.dtcs
        self.answered = self.answered or other.answered
        self.empty += other.empty
        self.failed += other.failed

    @property
    def silent(self) -> bool:
        """Nothing was found, and nothing says why."""
        return not (self.answered or self.empty or self.failed)

    @property
    def status(self) -> str:
        """``ok`` with something to show, else ``error`` if an answer was lost or damaged, else ``no_value``."""
        if self.answered:
            return "ok"
        return "error" if self.failed else "no_value"

    @property
    def reason(self) -> str:
        return "; ".join(dict.fromkeys(self.failed + self.empty))


def decode_answers(question: Question, assembly: Assembly, profiles: Profiles, outcome: Outcome) -> None:
    """Add to ``outcome`` what the whole messages of ``assembly`` answer to ``question``."""
    for answer in answers_to(question.request, assembly):
        if answer.status is ItemStatus.READ:
            try:
                _decode(question, answer, assembly.link, profiles, outcome)
            except DecodeError as error:
                outcome.failed.append(f"{answer.ecu}: {error}".lstrip(": "))
        elif answer.status is ItemStatus.CORRUPT:
            outcome.failed.append(f"{answer.ecu}: {answer.detail}".lstrip(": "))
        else:
            outcome.empty.append(f"{answer.ecu}: {_refused(answer)}".lstrip(": "))


def decode_broadcast(lines: Iterable[str], make: str, model: str, profiles: Profiles, outcome: Outcome) -> None:
    """Odometers in frames that were listened to."""
    for line in lines:
        frame = _BROADCAST.fullmatch(line.replace(" ", "").upper())
        for row in profiles.heard(frame[1], make, model) if frame else ():
            value = odometer.decode_odometer(row, bytes.fromhex(frame[2])) if frame else None
            if value and frame:
                outcome.readings.append(_odometer_reading("", frame[1], row.unit, value))
                outcome.answered = True
    if not outcome.answered:
        outcome.empty.append("no frame that a profile row explains")


def _refused(answer: Answer) -> str:
    return f"NRC {answer.nrc:02X}, {uds.nrc_name(answer.nrc)}" if answer.nrc is not None else answer.status.value


def _decode(question: Question, answer: Answer, link: LinkFormat, profiles: Profiles, outcome: Outcome) -> None:
    service = question.request[0]
    if service == 0x01:
        _decode_pid(answer.identifier[0], question, answer, outcome)
    elif service in _LISTS:
        codes = dtc.decode_dtcs(service, answer.data, link)
        outcome.dtcs += [TroubleCode(code, _LISTS[service], answer.ecu) for code in codes]
        outcome.answered = True
    elif service == 0x09:
        _decode_information(answer.identifier[0], question, answer, outcome)
    elif service in _PROFILE_SERVICES:
        _decode_maker_read(question, answer, profiles, outcome)
    elif service == 0x02:
        _decode_freeze_frame(question, answer, outcome)
    elif question.request[:2] in _CODE_LISTS:
        _decode_status_codes(question.request, answer, outcome)
    else:
        outcome.empty.append(f"no decoder for {question.request.hex().upper()}")


def _decode_pid(pid: int, question: Question, answer: Answer, outcome: Outcome) -> None:
    request = question.request.hex().upper()
    if pid % 0x20 == 0:
        obd.supported_pids(pid, answer.data)
        _show(outcome, Reading(request, "supported_pids", answer.data[:4].hex().upper(), "", answer.ecu, answer.data))
    elif pid == 0x02 and obd.decode_freeze_code(answer.data) is None:
        outcome.empty.append(f"{answer.ecu}: no freeze frame is stored")
    elif pid == 0x02:
        code = dtc.code_of(*answer.data[:2])
        _show(outcome, Reading(request, "freeze_frame_code", code, "", answer.ecu, answer.data))
    elif pid in _ODOMETER_PIDS and obd.decode_odometer_pid(answer.data) is None:
        outcome.empty.append(f"{answer.ecu}: the unit lists an odometer and holds no value")
    elif readings := obd.decode_pid(pid, answer.data, ecu=answer.ecu, request=request, whole=True):
        _show(outcome, *readings)
    else:
        outcome.empty.append(f"PID {pid:02X} is not in the table")


def _decode_freeze_frame(question: Question, answer: Answer, outcome: Outcome) -> None:
    request, pid = question.request.hex().upper(), question.request[1]
    if pid == 0x02:
        code = obd.decode_freeze_code(answer.data)
        text = dtc.code_of(*code) if code else ""
        _show(outcome, Reading(request, "freeze_frame_code", text, "", answer.ecu, answer.data))
    else:
        _show(outcome, *obd.decode_pid(pid, answer.data, ecu=answer.ecu, request=request))


def _decode_information(info_type: int, question: Question, answer: Answer, outcome: Outcome) -> None:
    """Service 09, and the identifiers F8xx that stand for it: there the number of items may be missing."""
    if info_type == 0x02:
        _take_vin(vin.decode_vin_info(answer.data), answer, outcome)
        return
    if info_type == _LIFETIME_INFO:
        _decode_lifetime(question, answer, outcome)
        return
    counted = question.request[0] == 0x09
    texts: dict[int, tuple[str, Callable[[bytes], Sequence[str]]]] = {
        0x00: ("supported_information", lambda data: (data[-4:].hex().upper(),)),
        0x04: ("calibration_id", lambda data: vin.decode_calibration_ids(data, counted=counted)),
        0x06: ("calibration_verification_number", lambda data: vin.decode_cvns(data, counted=counted)),
        0x0A: ("ecu_name", lambda data: (vin.decode_ecu_name(data),)),
    }
    if info_type not in texts:
        outcome.empty.append(f"information type {info_type:02X} is not decoded")
        return
    signal, decode = texts[info_type]
    request = question.request.hex().upper()
    _show(outcome, *(Reading(request, signal, text, "", answer.ecu, answer.data) for text in decode(answer.data)))


def _decode_lifetime(question: Question, answer: Answer, outcome: Outcome) -> None:
    distance_m = obd.decode_lifetime_distance(answer.data)
    if distance_m is None:
        outcome.empty.append(f"{answer.ecu}: the fuel monitor has counted no distance")
    else:
        request = question.request.hex().upper()
        _show(outcome, Reading(request, "lifetime_distance", distance_m / _KM_M, "km", answer.ecu, answer.data))


def _take_vin(found: str, answer: Answer, outcome: Outcome) -> None:
    if found:
        outcome.vin = outcome.vin or found
        outcome.answered = True
    else:
        outcome.empty.append(f"{answer.ecu}: the unit holds no VIN")


def _decode_status_codes(request: bytes, answer: Answer, outcome: Outcome) -> None:
    """Codes of service 19. A list asked for by its status holds that class; else the status byte tells."""
    decode, fixed = _CODE_LISTS[request[:2]]
    for entry in decode(answer.data):
        kind = fixed or _class_of(entry)
        if kind is not None:
            outcome.dtcs.append(TroubleCode(entry.code, kind, answer.ecu))
    outcome.answered = True


def _class_of(entry: uds.StatusDtc) -> DtcClass | None:
    if entry.confirmed:
        return DtcClass.STORED
    return DtcClass.PENDING if entry.pending else None


def _decode_maker_read(question: Question, answer: Answer, profiles: Profiles, outcome: Outcome) -> None:
    request = f"{question.request[0]:02X}{answer.identifier.hex().upper()}"
    rows = profiles.find(question.header, request, question.extended_address, question.make, question.model)
    rows = rows or profiles.answered_by(answer.ecu, request, question.make, question.model)
    fitting = [row for row in rows if odometer.fits_coding(row, answer.data)]
    if fitting:
        _decode_odometer(request, answer, fitting, outcome)
    elif rows:
        outcome.empty.append(f"{answer.ecu}: {len(answer.data)} data bytes fit no profile row of {request}")
    elif answer.identifier == _VIN_DID:
        _take_vin(vin.decode_vin_did(answer.data), answer, outcome)
    elif question.request in _IDENTIFICATION:
        _take_vin(vin.find_vin(answer.data), answer, outcome)
    elif question.request[0] == 0x22 and answer.identifier[0] == _PID_PAGE:
        _decode_pid(answer.identifier[1], question, answer, outcome)  # SAE J1979-2: F4xx carries PID xx
    elif question.request[0] == 0x22 and (pid := profiles.pid_behind(answer.identifier, question.make)) is not None:
        _decode_pid(pid, question, answer, outcome)
    elif question.request[0] == 0x22 and answer.identifier[0] == _INFORMATION_PAGE:
        _decode_information(answer.identifier[1], question, answer, outcome)
    else:
        outcome.empty.append(f"no profile row explains {request} on {question.header or 'no header'}")


def _decode_odometer(request: str, answer: Answer, rows: list[OdometerRow], outcome: Outcome) -> None:
    for row in rows:
        value = odometer.decode_odometer(row, answer.data)
        if value is None or value.saturated:
            outcome.empty.append(f"{answer.ecu}: {row.id} holds no value")
        else:
            _show(outcome, _odometer_reading(request, answer.ecu, row.unit, value))


def _odometer_reading(request: str, ecu: str, unit: str, value: odometer.OdometerValue) -> Reading:
    """An odometer as a reading: in metres where the unit counts metres, else in kilometres."""
    if unit == "m":
        return Reading(request, "odometer", value.odometer_m, "m", ecu, value.raw)
    return Reading(request, "odometer", value.odometer_m / _KM_M, "km", ecu, value.raw)


def _show(outcome: Outcome, *readings: Reading) -> None:
    outcome.readings += readings
    outcome.answered = outcome.answered or bool(readings)
