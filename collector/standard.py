"""The steps of a scan that every OBD car understands: services 01, 02, 03, 07, 09 and 0A, each ECU by itself."""

import contextlib
from collections.abc import Iterable, Sequence

from collector.asked import Asked
from collector.batches import Support, batches, expected_lines, fewest_units_first, supported_by_any, with_guests
from collector.car import Car, Trial
from collector.notebook import Notebook
from protocols.answers import Answer
from protocols.errors import DecodeError
from protocols.messages import LinkFormat
from protocols.obd import (
    COUNTER_PIDS,
    ODOMETER_PID,
    decode_counters,
    decode_lifetime_distance,
    decode_monitor_status,
    decode_odometer_pid,
    decode_pid,
    fuel_of,
    supported_pids,
)
from protocols.readings import Counter, ItemStatus, OdometerWitness, Trust
from protocols.vin import decode_calibration_ids, decode_cvns, decode_ecu_name, decode_vin_info

MAP_PIDS = (0x20, 0x40, 0x60, 0x80, 0xA0, 0xC0)
STATUS_PID = 0x01
FREEZE_CODE_PID = 0x02
ENGINE_ODOMETER_PID = 0xD3
FUEL_PID = 0x51
# load, coolant, trims, manifold pressure, rpm, speed, timing, intake air, air flow, throttle, run time, distance with
# the lamp on, fuel level, distance since clear, barometer, catalyst, module voltage, ambient air, pedal
LIVE_PIDS = (
    0x04, 0x05, 0x06, 0x07, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10,
    0x11, 0x1F, 0x21, 0x2F, 0x31, 0x33, 0x3C, 0x42, 0x46, 0x49,
)  # fmt: skip
# what a person looks at first, and what proves that the car stands still: status, odometer, rpm, speed, distances
FIRST_PIDS = (STATUS_PID, ODOMETER_PID, 0x0C, 0x0D, 0x31, 0x21)
MORE_PIDS = tuple(pid for pid in (FREEZE_CODE_PID, *LIVE_PIDS) if pid not in FIRST_PIDS)
# the counters that say most about a cleared memory come first
EXTRA_PIDS = (0x30, 0x4E, 0x4D, FUEL_PID, 0x7F, 0xC7, ENGINE_ODOMETER_PID)
WANTED_PIDS = (*FIRST_PIDS, *MORE_PIDS, *EXTRA_PIDS)
MAX_DIDS = 3  # identifiers that fit into one frame
TRIAL_S = 2.0  # for a request that some clones hang on; a car on CAN has answered long before
SETTLED = frozenset({ItemStatus.READ, ItemStatus.UNSUPPORTED})
LIFETIME_INFO, LIFETIME_ITEM = 0x17, "odometer.0917"


async def read_support(car: Car, first: Asked, book: Notebook) -> None:
    """Which PIDs each ECU has: ``first`` is the answer to 01 00, the other maps are asked here.

    On CAN all maps are asked for at once: an ECU answers those it has. What was announced and did not come is
    asked for singly.
    """
    support, read = book.support, _Maps()
    _take_maps(support, [(0x00, answer) for answer in first.read()], read)
    if car.on_uds and supported_by_any(support, MAP_PIDS):
        await _ask_maps_on_uds(car, support, read)
    elif car.link is not LinkFormat.LEGACY and supported_by_any(support, MAP_PIDS):
        await _ask_maps_together(car, support, read)
    for pid in MAP_PIDS:
        if any(pid in have and (ecu, pid) not in read for ecu, have in support.items()):
            _take_maps(support, await _ask_pids(car, support, (pid,)), read)
    book.lost_maps = frozenset(pid for ecu, have in support.items() for pid in _lost(ecu, have, read))
    book.maps_whole = not book.lost_maps


def _lost(ecu: str, have: frozenset[int], read: "_Maps") -> list[int]:
    """The maps of ``ecu`` that nobody knows: announced and not read, or behind such a one, which would announce it."""
    unread = [pid for pid in MAP_PIDS if pid in have and (ecu, pid) not in read]
    return [pid for pid in MAP_PIDS if unread and pid >= unread[0] and (ecu, pid) not in read]


async def _ask_maps_together(car: Car, support: dict[str, frozenset[int]], read: "_Maps") -> None:
    """Ask for as many maps at once as the adapter carries: six, two where six break it; this is its one trial."""
    for at_once in (car.pids_at_once,) if car.pids_at_once else (6, 2):
        if at_once == 1:
            return
        car.on_trial = Trial.SEVERAL_PIDS
        asked = await car.ask(bytes((0x01, *MAP_PIDS[:at_once])), trial_s=TRIAL_S)
        car.on_trial = None
        _take_maps(support, [(a.identifier[0], a) for a in asked.answers if a.identifier], read)
        announced = [(ecu, pid) for ecu, have in support.items() for pid in MAP_PIDS[:at_once] if pid in have]
        whole = asked.status is ItemStatus.READ and all(one in read for one in announced)
        car.pids_at_once = at_once if whole else 1
        if whole:
            return


async def _ask_maps_on_uds(car: Car, support: dict[str, frozenset[int]], read: "_Maps") -> None:
    """Whether the units take several identifiers at once is theirs to say (ISO 14229-1, 10.2): this is the trial."""
    together = MAP_PIDS[:MAX_DIDS]
    asked = await car.ask(request_of(car, together))
    _take_maps(support, [(a.identifier[1], a) for a in asked.read()], read)
    announced = [(ecu, pid) for ecu, have in support.items() for pid in together if pid in have]
    car.dids_at_once = MAX_DIDS if asked.read() and all(one in read for one in announced) else 1


def request_of(car: Car, pids: Sequence[int]) -> bytes:
    """The request for ``pids``: service 01, or the identifiers F4xx that stand for them (SAE J1979-2)."""
    return bytes((0x22, *(part for pid in pids for part in (0xF4, pid)))) if car.on_uds else bytes((0x01, *pids))


_Maps = set[tuple[str, int]]


def _take_maps(support: dict[str, frozenset[int]], answers: Iterable[tuple[int, Answer]], read: _Maps) -> None:
    for pid, answer in answers:
        if answer.status is ItemStatus.READ and len(answer.data) >= 4:
            read.add((answer.ecu, pid))
            support[answer.ecu] = support.get(answer.ecu, frozenset()) | supported_pids(pid, answer.data)


async def read_values(
    car: Car, book: Notebook, pids: Sequence[int] = WANTED_PIDS, *, beside: Sequence[int] = ()
) -> None:
    """Of service 01 those ``pids`` that a unit has: status, odometer, counters, fuel and the live values.

    ``beside`` are asked without a unit having them where they cost no request: a map may be remembered wrong.
    """
    support = book.support
    wanted = supported_by_any(support, pids)
    for pid in dict.fromkeys(pids):
        if pid not in wanted:
            await _settle_unannounced(car, book, pid)
    groups = batches(fewest_units_first(support, wanted), at_once=car.values_at_once)
    for pids in with_guests(groups, [pid for pid in beside if pid not in wanted], at_once=car.values_at_once):
        answers = await _ask_pids(car, support, pids)
        for pid, answer in answers:
            _take_value(book, pid, answer)
            if pid in beside and answer.status is ItemStatus.READ:
                support[answer.ecu] = support.get(answer.ecu, frozenset()) | {pid}
        await _ask_again(car, support, book, pids, {(pid, a.ecu) for pid, a in answers if a.status in SETTLED})
    if book.mil is False and STATUS_PID in wanted and book.items[item_of(STATUS_PID)].status is not ItemStatus.READ:
        book.mil = None  # off is known only where every unit said so


async def _settle_unannounced(car: Car, book: Notebook, pid: int) -> None:
    """No unit announced ``pid``, which says something only where its map was read; the odometer is asked for anyway."""
    if map_of(pid) not in book.lost_maps:
        book.note(item_of(pid), ItemStatus.UNSUPPORTED)
        return
    book.note(item_of(pid), ItemStatus.TIMEOUT, "the list of what the car supports was not read whole")
    if pid == ODOMETER_PID:
        for answer in (await car.ask(request_of(car, (pid,)))).read():
            _take_value(book, pid, answer)


def map_of(pid: int) -> int:
    """The PID that tells whether a unit has ``pid``, 1 to 0xFF: each covers the 32 after it (SAE J1979-DA, annex A)."""
    return (pid - 1) // 0x20 * 0x20


async def _ask_again(
    car: Car, support: Support, book: Notebook, pids: Sequence[int], got: set[tuple[int, str]]
) -> None:
    """Ask singly for what a common request left open; an adapter that answers only singly is remembered so."""
    for pid in pids:
        missing = {ecu for ecu, have in support.items() if pid in have and (pid, ecu) not in got}
        if not missing:
            continue
        # without a count: a unit that was not expected may have taken the place of one that was
        singly = [(pid, answer) for answer in (await car.ask(request_of(car, (pid,)))).answers]
        if len(pids) > 1 and singly:
            car.ask_singly()
        for _, answer in singly:
            if (pid, answer.ecu) not in got:
                _take_value(book, pid, answer)
        missing -= {answer.ecu for _, answer in singly if answer.status in SETTLED}
        if missing and (pid == STATUS_PID or (not singly and not any(p == pid for p, _ in got))):
            status = next((a.status for _, a in singly if a.ecu in missing), ItemStatus.TIMEOUT)
            book.note(item_of(pid), status, f"{min(missing)}: no whole answer")


async def _ask_pids(car: Car, support: Support, pids: Sequence[int]) -> list[tuple[int, Answer]]:
    name_bytes = 2 if car.on_uds else 1
    # without headers one line may hide another unit's
    lines = expected_lines(support, pids, name_bytes=name_bytes) if car.abilities.headers else None
    asked = await car.ask(request_of(car, pids), expected_lines=lines)
    place = 1 if car.on_uds else 0
    return [(answer.identifier[place], answer) for answer in asked.answers if answer.identifier]


def item_of(pid: int) -> str:
    """The name an item of service 01 has in a snapshot."""
    if pid in (ODOMETER_PID, ENGINE_ODOMETER_PID):
        return f"odometer.01{pid:02X}"
    if pid == STATUS_PID:
        return "monitor_status"
    return "fuel_type" if pid == FUEL_PID else f"01{pid:02X}"


def _take_value(book: Notebook, pid: int, answer: Answer) -> None:
    """Write one answer down; a value that cannot be decoded is corrupt, never a guess."""
    if answer.status is not ItemStatus.READ:
        if book.items.get(item_of(pid)) is None:
            book.note(item_of(pid), answer.status, answer.detail)
        return
    try:
        _decode_value(book, pid, answer)
    except DecodeError as error:
        book.note(item_of(pid), ItemStatus.CORRUPT, str(error))
    else:
        book.note(item_of(pid), ItemStatus.READ)


def _decode_value(book: Notebook, pid: int, answer: Answer) -> None:
    if pid == STATUS_PID:
        _take_status(book, answer)
    elif pid == ODOMETER_PID:
        _take_odometer(book, answer)
    elif pid == ENGINE_ODOMETER_PID:
        _add_odometer(book, answer, _asked_as(answer), decode_odometer_pid(answer.data), Trust.HINT)
    elif pid == FUEL_PID:
        book.fuel = book.fuel or fuel_of(answer.data)
    if pid in COUNTER_PIDS:
        for counter in decode_counters(pid, answer.data):
            status = ItemStatus.UNSUPPORTED if counter.value is None else ItemStatus.READ
            book.counters.append(Counter(counter.name, answer.ecu, counter.value, status, counter.saturated))
    if pid in LIVE_PIDS:
        book.live.extend(decode_pid(pid, answer.data, ecu=answer.ecu, request=_asked_as(answer)))


def _take_status(book: Notebook, answer: Answer) -> None:
    """The lamp is on if any ECU wants it on; a monitor is as far as the ECU that has it says."""
    status = decode_monitor_status(answer.data)
    book.mil = bool(book.mil) or status.mil
    before = 0 if answer.ecu else book.announced_by.get("", 0)  # without headers every unit has the same name
    book.announced_by[answer.ecu] = before + status.dtc_count
    book.announced_dtc_count = sum(book.announced_by.values())
    for name, state in status.readiness.items():
        worst = ("incomplete", "complete", "unsupported")
        known = book.readiness.get(name)
        if known is None or worst.index(state) < worst.index(known):
            book.readiness[name] = state


def _asked_as(answer: Answer) -> str:
    """The request that an answer with one value belongs to, as a person writes it: ``01A6``, ``22F4A6``."""
    return ("01" if len(answer.identifier) == 1 else "22") + answer.identifier.hex().upper()


def _take_odometer(book: Notebook, answer: Answer) -> None:
    _add_odometer(book, answer, _asked_as(answer), decode_odometer_pid(answer.data), Trust.STANDARD)


def _add_odometer(book: Notebook, answer: Answer, source: str, odometer_m: int | None, trust: Trust) -> None:
    status = ItemStatus.UNSUPPORTED if odometer_m is None else ItemStatus.READ
    book.odometer.append(OdometerWitness(source, answer.ecu, odometer_m, answer.data.hex().upper(), status, trust))


async def read_vin(car: Car, book: Notebook, lines: int | None = None) -> None:
    """The VIN of every ECU that tells one (09 02, or F802); ``lines`` only where it is known who does."""
    await _read_info(car, book, 0x02, lines)
    if book.items["vin"].status is not ItemStatus.READ and not _may_offer(await _offered(car, book), 0x02):
        book.note("vin", ItemStatus.UNSUPPORTED)
    settle_vin(book)


async def read_identity(car: Car, book: Notebook, info_types: Iterable[int] = (0x04, 0x06, 0x0A)) -> None:
    """Service 09 of every ECU, or the identifiers F8xx that stand for it: calibration ids, CVNs, names."""
    offered = await _offered(car, book)
    for info_type in info_types:
        if _may_offer(offered, info_type):
            await _read_info(car, book, info_type)
        else:
            book.note(INFO_ITEMS[info_type], ItemStatus.UNSUPPORTED)


async def read_lifetime_distance(car: Car, book: Notebook) -> None:
    """What the fuel consumption monitor counted since the car was built (09 17, or F817), of units that offer it."""
    if not any(LIFETIME_INFO in have for have in (await _offered(car, book)).values()):
        return
    asked = await car.ask(_information(car, LIFETIME_INFO))
    book.note_asked(LIFETIME_ITEM, asked)
    for answer in asked.read():
        try:
            odometer_m = decode_lifetime_distance(answer.data)
        except DecodeError as error:
            book.note(LIFETIME_ITEM, ItemStatus.CORRUPT, f"{answer.ecu}: {error}")
        else:
            _add_odometer(book, answer, "0917", odometer_m, Trust.HINT)


async def read_calibration_ids(car: Car, book: Notebook, lines: int) -> None:
    """Calibration ids of units that are known to tell them, in ``lines`` CAN frames."""
    await _read_info(car, book, 0x04, lines)


async def _offered(car: Car, book: Notebook) -> dict[str, frozenset[int]]:
    """What each ECU says it tells of service 09; asked once a visit."""
    if book.offered is None:
        maps = await car.ask(_information(car, 0x00))
        book.offered = {a.ecu: supported_pids(0x00, a.data[-4:]) for a in maps.read() if len(a.data) >= 4}
    return book.offered


def _may_offer(offered: Support, info_type: int) -> bool:
    return not offered or any(info_type in have for have in offered.values())


async def _read_info(car: Car, book: Notebook, info_type: int, lines: int | None = None) -> None:
    request = _information(car, info_type)
    asked = await car.ask(request, expected_lines=lines if car.abilities.headers else None)
    book.note_asked(INFO_ITEMS[info_type], asked)
    for answer in asked.read():
        book.info_bytes[info_type, answer.ecu] = len(request) + len(answer.data)
        _take_info(book, info_type, answer)


async def read_vins(car: Car) -> dict[str, str]:
    """The VIN that each control unit tells at this moment; those that cannot be decoded are left out."""
    vins = {}
    for answer in (await car.ask(_information(car, 0x02))).read():
        with contextlib.suppress(DecodeError):
            vins[answer.ecu] = decode_vin_info(answer.data)
    return {ecu: vin for ecu, vin in vins.items() if vin}


def _information(car: Car, info_type: int) -> bytes:
    return bytes((0x22, 0xF8, info_type)) if car.on_uds else bytes((0x09, info_type))


INFO_ITEMS = {0x02: "vin", 0x04: "calibration_ids", 0x06: "cvns", 0x0A: "ecu_names"}


def _take_info(book: Notebook, info_type: int, answer: Answer) -> None:
    counted = len(answer.identifier) == 1
    try:
        if info_type == 0x02:
            book.ecu(answer.ecu, vin=decode_vin_info(answer.data))
        elif info_type == 0x04:
            book.ecu(answer.ecu, calibration_ids=decode_calibration_ids(answer.data, counted=counted))
        elif info_type == 0x06:
            book.ecu(answer.ecu, cvns=decode_cvns(answer.data, counted=counted))
        else:
            book.ecu(answer.ecu, name=decode_ecu_name(answer.data))
    except DecodeError as error:
        book.note(INFO_ITEMS[info_type], ItemStatus.CORRUPT, f"{answer.ecu}: {error}")


def settle_vin(book: Notebook) -> None:
    """The car's VIN is the one its engine control unit (lowest address) says; the others stay with their ECU."""
    said = [book.ecus[address].vin for address in sorted(book.ecus) if book.ecus[address].vin]
    if said:
        book.vin = said[0]
        book.note("vin", ItemStatus.READ)
    book.vin_status = book.items["vin"].status if "vin" in book.items else ItemStatus.NOT_ASKED
    if book.vin_status is ItemStatus.READ and not said:
        book.note("vin", ItemStatus.UNSUPPORTED, "the car holds none")
        book.vin_status = ItemStatus.UNSUPPORTED
