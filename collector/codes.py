"""Lists of trouble codes (services 03, 07, 0A), and what a unit froze with a code (service 02), each ECU by itself."""

from collector.asked import Asked
from collector.car import Car
from collector.notebook import Notebook
from collector.standard import MAP_PIDS
from protocols.answers import Answer
from protocols.dtc import code_of, decode_dtcs
from protocols.errors import DecodeError
from protocols.messages import LinkFormat
from protocols.obd import decode_freeze_code, decode_pid, freeze_frame_request, supported_pids
from protocols.readings import DtcClass, FreezeFrame, ItemStatus, Reading, TroubleCode

CODE_LISTS = ((0x03, DtcClass.STORED), (0x07, DtcClass.PENDING), (0x0A, DtcClass.PERMANENT))
FROZEN_ALWAYS = (0x04, 0x05, 0x0C, 0x0D)
# and of units that say they froze them: what tells how and when it happened, distances and times above all
FROZEN_PIDS = (*FROZEN_ALWAYS, 0xA6, 0x31, 0x21, 0x4E, 0x4D, 0x1F, 0x06, 0x07, 0x0B, 0x0F, 0x10, 0x11, 0x2F, 0x42, 0x46)


async def read_codes(car: Car, book: Notebook) -> None:
    """Services 03, 07 and 0A; the answer count of a visit before is never used here, a list may have grown."""
    for service, dtc_class in CODE_LISTS:
        await _read_list(car, book, service, dtc_class)
    if unexplained(book):  # a line may have been lost, or the list grew after it was counted
        forget_stored(book)
        await _read_list(car, book, *CODE_LISTS[0])
    compare_with_announced(book)


async def _read_list(car: Car, book: Notebook, service: int, dtc_class: DtcClass) -> None:
    asked = await car.ask(bytes((service,)))
    item = f"dtcs.{dtc_class.value}"
    if not asked.answers and asked.detail == "no data" and service != 0x03:
        book.note(item, ItemStatus.UNSUPPORTED, asked.detail)
        return
    note_list(book, item, asked)
    for answer in asked.read():
        _take_codes(book, service, dtc_class, answer, car.link)


def note_list(book: Notebook, item: str, asked: Asked) -> None:
    """Say how asking for a list ended; one that a unit withheld is not complete, whatever the others said."""
    left = next((a for a in asked.answers if a.status in (ItemStatus.REFUSED, ItemStatus.TIMEOUT)), None)
    if left is None or asked.status is ItemStatus.CORRUPT:
        book.note_asked(item, asked)
    else:
        book.note(item, left.status, f"{left.ecu}: {left.detail}")


def unexplained(book: Notebook) -> str:
    """The ECU whose list is shorter than it announced, with both numbers; "" where nothing is missing.

    A unit that stayed silent, or a lost line of a list without a count, shows only here. Not missing is what other
    units listed (an engine unit may count for the whole car) and what the same unit calls pending.
    """
    if book.items["dtcs.stored"].status is not ItemStatus.READ:
        return ""
    everything = sum(book.listed_by.values())
    for ecu, announced in book.announced_by.items():
        pending = sum(code.ecu == ecu and code.dtc_class is DtcClass.PENDING for code in book.dtcs)
        listed = book.listed_by.get(ecu, 0)
        counted_for_all = everything if ecu in book.listed_by else 0
        if announced > max(listed + pending, counted_for_all):
            return f"{ecu}: {announced} codes announced, {listed} came".lstrip(": ")
    return ""


def forget_stored(book: Notebook) -> None:
    """Before the list of stored codes is asked for once more."""
    book.dtcs = [code for code in book.dtcs if code.dtc_class is not DtcClass.STORED]
    book.listed_by.clear()


def compare_with_announced(book: Notebook) -> None:
    """A list of stored codes that is shorter than announced without a reason is no whole list."""
    if missing := unexplained(book):
        book.note("dtcs.stored", ItemStatus.CORRUPT, missing)


def _take_codes(book: Notebook, service: int, dtc_class: DtcClass, answer: Answer, link: LinkFormat) -> None:
    try:
        codes = decode_dtcs(service, answer.data, link)
    except DecodeError as error:
        book.note(f"dtcs.{dtc_class.value}", ItemStatus.CORRUPT, f"{answer.ecu}: {error}")
        return
    if dtc_class is DtcClass.STORED:
        book.listed_by[answer.ecu] = book.listed_by.get(answer.ecu, 0) + len(codes)
    book.dtcs.extend(TroubleCode(code, dtc_class, answer.ecu) for code in dict.fromkeys(codes))


async def read_freeze_frame(car: Car, book: Notebook) -> None:
    """Frame 0 of every ECU that stored one: its code and the values that stood then."""
    asked = await car.ask(freeze_frame_request(0x02))
    frames = {a.ecu: code for a in asked.read() if (code := _freeze_code(a)) is not None}
    if not frames:
        status = ItemStatus.READ if asked.read() else ItemStatus.UNSUPPORTED
        book.note("freeze_frame", status, "none stored" if asked.read() else asked.detail)
        return
    values: dict[str, list] = {ecu: [] for ecu in frames}  # type: ignore[type-arg]
    for pid in await _frozen_pids(car):
        for answer in (await car.ask(freeze_frame_request(pid))).read():
            if answer.ecu in values:
                values[answer.ecu].extend(_frozen(pid, answer))
    book.freeze_frames.extend(FreezeFrame(ecu, 0, code, tuple(values[ecu])) for ecu, code in frames.items())
    book.note("freeze_frame", ItemStatus.READ)


async def _frozen_pids(car: Car) -> tuple[int, ...]:
    """Which of the wanted PIDs a unit froze (service 02, PIDs 00, 20, ...); four of them where nobody says."""
    have: set[int] = set()
    for base in (0x00, *MAP_PIDS):
        if base and base not in have:
            continue
        for answer in (await car.ask(freeze_frame_request(base))).read():
            if len(answer.data) >= 4:
                have |= supported_pids(base, answer.data)
    return tuple(pid for pid in FROZEN_PIDS if pid in have) if have else FROZEN_ALWAYS


def _frozen(pid: int, answer: Answer) -> tuple[Reading, ...]:
    """A value of the frame; nothing where the unit's answer is shorter than the value."""
    try:
        return decode_pid(pid, answer.data, ecu=answer.ecu, request=f"02{pid:02X}00")
    except DecodeError:
        return ()


def _freeze_code(answer: Answer) -> str | None:
    try:
        code = decode_freeze_code(answer.data)
    except DecodeError:
        return None
    return code_of(code[0], code[1]) if code else None
