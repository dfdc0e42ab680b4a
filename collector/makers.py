"""The steps that ask one make's own reads: the odometers of its profile rows, and the VIN by UDS.

They change the adapter's header, so they need proof that the car stands still, and they put everything back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from collector.addressing import Address, address_functionally, address_physically
from collector.asked import Asked
from collector.car import CANNOT_ADDRESS, Car
from collector.memory import KnownCar
from collector.notebook import Notebook
from collector.obd_on_uds import VIN_DID, take_vin_did
from collector.standard import request_of
from config.makes import make_of_vin
from config.profiles import OdometerRow, Profiles
from protocols.allowed import ProfileRead
from protocols.messages import LinkFormat
from protocols.odometer import OdometerValue, decode_odometer, fits_coding
from protocols.readings import ItemStatus, OdometerWitness, Trust

SPEED_ITEM, ENGINE_SPEED_ITEM = "010D", "010C"
SPEED_PID = 0x0D
MAX_READS = 16  # more rows than any make has; keeps a visit bounded
LINKS = {LinkFormat.CAN_11: "can11", LinkFormat.CAN_29: "can29"}
ENGINE = {LinkFormat.CAN_11: Address("7E0", "7E8"), LinkFormat.CAN_29: Address("18DA10F1", "18DAF110")}


@dataclass(frozen=True, slots=True)
class Stationary:
    """Proof that the car does not move; only ``stationary`` makes one."""

    speed_kmh: float | None


def stationary(book: Notebook) -> Stationary | None:
    """Proof from what was read: speed 0, or a car that has no speed to tell and an engine that does not run."""
    speed_kmh = book.speed_kmh()
    if speed_kmh is None:
        withheld = SPEED_ITEM in book.items and book.items[SPEED_ITEM].status is not ItemStatus.UNSUPPORTED
        engine = book.items.get(ENGINE_SPEED_ITEM)
        withheld |= engine is not None and engine.status not in (ItemStatus.READ, ItemStatus.UNSUPPORTED)
        return None if book.engine_rpm() or withheld else Stationary(None)
    return Stationary(speed_kmh) if speed_kmh == 0 else None


async def stationary_now(car: Car, book: Notebook) -> Stationary | None:
    """``stationary``, and the speed asked once more: the values were read a while ago."""
    proof = stationary(book)
    if proof is None or proof.speed_kmh is None:
        return proof
    speeds = [answer.data[:1] for answer in (await car.ask(request_of(car, (SPEED_PID,)))).read()]
    return proof if speeds and all(speed == b"\x00" for speed in speeds) else None


def allowed_reads(profiles: Profiles) -> frozenset[ProfileRead]:
    """Every read a profile row may ask, as the allow-list wants it."""
    rows = (row for row in profiles.rows if row.askable and row.request_id)
    return frozenset(
        {ProfileRead(row.request_id, row.request, row.extended_address) for row in rows}
        | {ProfileRead(unit.request_id, VIN_DID.hex()) for unit in profiles.identity_units}
    )


async def read_uds_vin(car: Car, book: Notebook) -> None:
    """Ask the engine control unit for 22 F190 where service 09 gave no VIN (UDS-only cars)."""
    engine = ENGINE.get(car.link)
    if engine is None or await stationary_now(car, book) is None:
        return
    reachable = await address_physically(car, engine)
    asked = await car.ask(VIN_DID) if reachable else None
    await address_functionally(car, engine)
    if asked is not None:
        take_vin_did(book, asked)


async def read_maker_odometers(car: Car, book: Notebook, profiles: Profiles, known: KnownCar | None = None) -> None:
    """Ask every row of the car's make that its link can carry; several witnesses are kept side by side.

    Of a ``known`` car the rows that were silent are asked only where one that spoke does not speak again.
    """
    make = make_of_vin(book.vin)
    rows = [row for row in profiles.rows_for(make) if row.request_id and row.link in ("any", LINKS.get(car.link))]
    if any(witness.status is ItemStatus.READ and witness.trust is Trust.STANDARD for witness in book.odometer):
        rows = [row for row in rows if row.makes and row.trust == "confirmed"]  # beside 01 A6 a hint proves nothing
    if not rows:
        book.note_all((f"odometer.{make or 'maker'}",), ItemStatus.NOT_ASKED, "no row for this make and link")
        return
    if await stationary_now(car, book) is None:
        book.note_all((f"odometer.{row.id}" for row in rows), ItemStatus.NOT_ASKED, "the car may be moving")
        return
    silent = [row for row in rows[:MAX_READS] if known and known.odometer_rows and row.id in known.silent_rows]
    await _ask_rows(car, book, [row for row in rows[:MAX_READS] if row not in silent])
    read = {witness.source for witness in book.odometer if witness.status is ItemStatus.READ}
    if known is not None and set(known.odometer_rows) <= read:
        book.note_all((f"odometer.{row.id}" for row in silent), ItemStatus.NOT_ASKED, "silent at an earlier visit")
    elif silent:
        await _ask_rows(car, book, silent)


async def _ask_rows(car: Car, book: Notebook, rows: Iterable[OdometerRow]) -> None:
    by_address = sorted(rows, key=lambda row: (_address(row), row.request))
    for address, group in groupby(by_address, _address):
        reachable = await address_physically(car, address)
        for request, same in groupby(group, lambda row: row.request):
            candidates = list(same)
            if not reachable:
                book.note(f"odometer.{candidates[0].id}", ItemStatus.NOT_ASKED, CANNOT_ADDRESS)
                continue
            asked = await car.ask(bytes.fromhex(request), extended_address=bool(address.extended))
            take_rows(book, candidates, asked)
        await address_functionally(car, address)  # the next unit inherits no filter, flow control or address byte


def _address(row: OdometerRow) -> Address:
    return Address(row.request_id, row.response_id, row.extended_address)


def take_rows(book: Notebook, rows: list[OdometerRow], asked: Asked) -> None:
    """One answer, one witness: of the rows that share a request, the one whose coding fits."""
    # clones say OK to a filter they do not have, so that another unit's answer may come through
    answers = [a for a in asked.read() if not rows[0].response_id or a.ecu in ("", rows[0].response_id)]
    if not answers:
        status = ItemStatus.TIMEOUT if asked.read() else asked.status
        book.note(f"odometer.{rows[0].id}", status, "another unit answered" if asked.read() else asked.detail)
    for answer in answers:
        row, value = _best(rows, answer.data, book)
        status = ItemStatus.UNSUPPORTED if value is None else ItemStatus.READ
        odometer_m = value.odometer_m if value else None
        trust = Trust(row.trust) if row.unit_certain else Trust.HINT
        raw = answer.data.hex().upper()
        book.odometer.append(OdometerWitness(row.id, answer.ecu, odometer_m, raw, status, trust))
        book.note(f"odometer.{row.id}", status, "" if value else "holds no value")


def _best(rows: list[OdometerRow], data: bytes, book: Notebook) -> tuple[OdometerRow, OdometerValue | None]:
    """The fitting row; where byte order is open, the value nearest to what another unit of the car says."""
    values = [(row, decode_odometer(row, data)) for row in rows if fits_coding(row, data)]
    found = [(row, value) for row, value in values if value is not None]
    known = [w.odometer_m for w in book.odometer if w.odometer_m is not None]
    if len(found) > 1 and known:
        return min(found, key=lambda pair: abs(pair[1].odometer_m - known[0]))
    return (found or values or [(rows[0], None)])[0]
