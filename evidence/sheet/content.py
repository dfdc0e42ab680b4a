"""What stands on an intake sheet, as one value: the same value gives the same sheet, byte for byte."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import Field

from evidence.codes import codes_were_read
from evidence.entry import Entry
from evidence.ledger import current
from evidence.snapshot import (
    CheckPart,
    ClockQuality,
    DtcPart,
    Finding,
    ItemPart,
    OdometerPart,
    Part,
    Purpose,
    Result,
    Snapshot,
    VehiclePart,
)
from protocols.readings import DtcClass, ItemStatus, Trust

UNREAD = frozenset({ItemStatus.REFUSED, ItemStatus.TIMEOUT, ItemStatus.CORRUPT, ItemStatus.NOT_ASKED})
TEXT_MAX = 500
"""Longest text of a person on a sheet, in characters."""


class Issue(Part):
    """Who made the sheet and when. ``number`` is 0 and ``key`` empty on a sheet that nobody signed."""

    number: int = 0
    device: str = ""
    key: str = ""
    made_at: datetime | None = None


class MileagePoint(Part):
    """One odometer value of the ledger, over the car's whole life; ``quarantined`` says why it is not believed."""

    at: datetime | None = None
    odometer_m: int
    source: str = ""
    ecu: str = ""
    trust: Trust = Trust.HINT
    quarantined: str = ""


class SellerAnswer(Part):
    """What the seller said to a finding, written down by ``operator``; ``rule`` is the finding's."""

    rule: str
    text: str = Field(max_length=TEXT_MAX)
    operator: str = ""
    at: datetime | None = None


class PhotoPart(Part):
    """A photo kept with the intake, named by its content."""

    sha256: str
    media_type: str
    size_bytes: int
    added_at: datetime | None = None


class Sheet(Part):
    """One intake sheet. ``timezone`` is where its times are read; ``provisional`` says that only one box judged."""

    schema_: Literal["forecourt.sheet/1"] = Field("forecourt.sheet/1", alias="schema")
    issue: Issue = Issue()
    timezone: str = "UTC"
    intake_id: str = ""
    taken_at: datetime | None = None
    clock: ClockQuality = ClockQuality.NONE
    bay: str = ""
    operator: str = ""
    purpose: Purpose = Purpose.INTAKE
    notice: str = ""
    provisional: bool = True
    vehicle: VehiclePart = VehiclePart()
    mil: bool | None = None
    battery_v: float | None = None
    verdict: Result = Result.NOT_DETERMINABLE
    checks: tuple[CheckPart, ...] = ()
    findings: tuple[Finding, ...] = ()
    current: MileagePoint | None = None
    mileage: tuple[MileagePoint, ...] = ()
    witnesses: tuple[OdometerPart, ...] = ()
    codes: tuple[DtcPart, ...] = ()
    code_lists_unread: tuple[DtcClass, ...] = ()
    unread: tuple[ItemPart, ...] = ()
    seller: tuple[SellerAnswer, ...] = ()
    photos: tuple[PhotoPart, ...] = ()

    def unsigned(self) -> "Sheet":
        """The same sheet without who made it: two of these are equal when nothing on them differs."""
        return self.model_copy(update={"issue": Issue()})


@dataclass(frozen=True, slots=True)
class Beside:
    """What people added to a visit: the seller's answers and photos."""

    seller: tuple[SellerAnswer, ...] = ()
    photos: tuple[PhotoPart, ...] = ()


NOTHING_ADDED = Beside()


def sheet_of(
    snapshot: Snapshot,
    entries: Iterable[Entry],
    *,
    timezone: str,
    beside: Beside = NOTHING_ADDED,
    provisional: bool = True,
) -> Sheet:
    """The sheet of a judged visit; ``entries`` are the car's ledger up to it."""
    known = tuple(entries)
    standing = current(known)
    return Sheet(
        timezone=timezone,
        intake_id=snapshot.id,
        taken_at=snapshot.taken_at,
        clock=snapshot.clock,
        bay=snapshot.bay,
        operator=snapshot.operator,
        purpose=snapshot.purpose,
        notice=snapshot.notice,
        provisional=provisional,
        vehicle=snapshot.vehicle,
        mil=snapshot.mil,
        battery_v=snapshot.battery_v,
        verdict=snapshot.verdict,
        checks=snapshot.checks,
        findings=snapshot.findings,
        current=_point(standing) if standing else None,
        mileage=tuple(_point(entry) for entry in known),
        witnesses=_witnesses(snapshot, known),
        codes=snapshot.dtcs,
        code_lists_unread=tuple(kind for kind in DtcClass if not codes_were_read(snapshot, kind)),
        unread=tuple(item for item in snapshot.items if item.status in UNREAD),
        seller=beside.seller,
        photos=beside.photos,
    )


def _point(entry: Entry) -> MileagePoint:
    return MileagePoint(
        at=entry.at,
        odometer_m=entry.life_m,
        source=entry.source,
        ecu=entry.ecu,
        trust=entry.trust,
        quarantined=entry.voided or entry.quarantined,
    )


def _witnesses(snapshot: Snapshot, entries: tuple[Entry, ...]) -> tuple[OdometerPart, ...]:
    """Every odometer of this visit: those asked, whether they answered or not, and what people gave after it."""
    asked = snapshot.odometer
    known = {part.source for part in asked}
    given = (
        OdometerPart(source=entry.source, odometer_m=entry.odometer_m, trust=entry.trust)
        for entry in entries
        if entry.snapshot_id == snapshot.id and entry.source not in known and not entry.voided
    )
    return (*asked, *given)
