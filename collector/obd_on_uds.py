"""Cars whose OBD is UDS (SAE J1979-2, ISO 27145): what has no service 01 to 0A behind it, above all trouble codes.

Values and identity come by the steps of ``standard``, which ask 22 F4xx and 22 F8xx of such a car.
"""

from collections.abc import Callable, Iterable

from collector.asked import Asked
from collector.car import Car
from collector.codes import compare_with_announced, forget_stored, note_list, unexplained
from collector.notebook import Notebook
from collector.standard import settle_vin
from protocols.answers import Answer
from protocols.errors import DecodeError
from protocols.readings import DtcClass, ItemStatus, TroubleCode
from protocols.uds import (
    CONFIRMED,
    EMISSIONS_GROUP,
    PENDING,
    StatusDtc,
    decode_permanent_dtcs,
    decode_severity_dtcs,
    decode_status_dtcs,
)
from protocols.vin import decode_vin_did

CLASSES = 0x1E  # severity mask: every class of emission fault (ISO 14229-1, table D.3: A, B1, B2, C)
ANY_SEVERITY = 0xFF
VIN_DID = b"\x22\xf1\x90"
PERMANENT = bytes((0x19, 0x55, EMISSIONS_GROUP))
Decoder = Callable[[bytes], tuple[StatusDtc, ...]]


async def read_vin_did(car: Car, book: Notebook) -> None:
    """Ask whoever is addressed for 22 F190, where the standard information held no VIN."""
    take_vin_did(book, await car.ask(VIN_DID))


def take_vin_did(book: Notebook, asked: Asked) -> None:
    """Write down the VINs of answers to 22 F190."""
    for answer in asked.read():
        try:
            vin = decode_vin_did(answer.data)
        except DecodeError as error:
            book.note("vin", ItemStatus.CORRUPT, f"{answer.ecu}: {error}")
            continue
        if vin:
            book.ecu(answer.ecu, vin=vin)
    if any(ecu.vin for ecu in book.ecus.values()):
        settle_vin(book)
        book.note("vin", ItemStatus.READ, "22F190")


async def read_uds_codes(car: Car, book: Notebook) -> None:
    """Stored, pending and permanent codes by service 19; a list is asked again in full if the car announced more."""
    for dtc_class, mask in ((DtcClass.STORED, CONFIRMED), (DtcClass.PENDING, PENDING)):
        await _read_by_status(car, book, dtc_class, mask, CLASSES)
    if unexplained(book):  # units may give a code no class at all
        forget_stored(book)
        await _read_by_status(car, book, DtcClass.STORED, CONFIRMED, ANY_SEVERITY)
    asked = await car.ask(PERMANENT)
    _take_list(book, DtcClass.PERMANENT, asked, decode_permanent_dtcs, 0x00)
    compare_with_announced(book)
    book.note("freeze_frame", ItemStatus.NOT_ASKED, "service 19 04 is not on the list of what is sent")


async def _read_by_status(car: Car, book: Notebook, dtc_class: DtcClass, mask: int, severity: int) -> None:
    """19 42 33 of the units that know it; where none does, 19 02."""
    asked = await car.ask(bytes((0x19, 0x42, EMISSIONS_GROUP, mask, severity)))
    if asked.read():
        _take_list(book, dtc_class, asked, decode_severity_dtcs, mask)
    else:
        _take_list(book, dtc_class, await car.ask(bytes((0x19, 0x02, mask))), decode_status_dtcs, mask)


def _take_list(book: Notebook, dtc_class: DtcClass, asked: Asked, decode: Decoder, mask: int) -> None:
    """Write a list down; entries whose status lacks ``mask`` are another list's, or come from a unit without masks."""
    note_list(book, f"dtcs.{dtc_class.value}", asked)
    for answer in asked.read():
        codes = [e.code for e in _decoded(book, dtc_class, answer, decode) if e.status & mask == mask]
        if dtc_class is DtcClass.STORED:
            book.listed_by[answer.ecu] = book.listed_by.get(answer.ecu, 0) + len(codes)
        book.dtcs.extend(TroubleCode(code, dtc_class, answer.ecu) for code in dict.fromkeys(codes))


def _decoded(book: Notebook, dtc_class: DtcClass, answer: Answer, decode: Decoder) -> Iterable[StatusDtc]:
    try:
        return decode(answer.data)
    except DecodeError as error:
        book.note(f"dtcs.{dtc_class.value}", ItemStatus.CORRUPT, f"{answer.ecu}: {error}")
        return ()
