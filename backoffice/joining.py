"""Two visits that were one: what the second plug-in read and what people said of it, taken into the first. Pure.

Both records stay as they came; only what is drawn from them is one visit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from backoffice.visits import VisitFact
from evidence.codes import codes_were_read
from evidence.snapshot import CountersPart, ItemPart, Snapshot, VehiclePart, VinStatus
from evidence.vin import check_digit
from protocols.readings import DtcClass, ItemStatus


def with_joined(visits: Sequence[VisitFact], joined: Mapping[str, str]) -> list[VisitFact]:
    """The visits with each one that ``joined`` names taken into the one it belongs to; unknown names change nothing."""
    if not joined:
        return list(visits)
    known = {visit.snapshot.id: visit for visit in visits}
    for name in [visit.snapshot.id for visit in visits if visit.snapshot.id in joined]:
        target = end_of(name, joined)
        if target != name and target in known and name in known:
            known[target] = _one_visit(known[target], known.pop(name))
    return list(known.values())


def corrected(visit: VisitFact, wrong_vins: frozenset[str], right_vin: str) -> VisitFact:
    """The visit without a VIN that was typed by mistake; one that the car itself told stays."""
    vehicle = visit.snapshot.vehicle
    if vehicle.vin not in wrong_vins or vehicle.vin_status is not VinStatus.TYPED or vehicle.vin == right_vin:
        return visit
    status = VinStatus.TYPED if right_vin else VinStatus.MISSING
    changes = {"vin": right_vin, "vin_status": status, "vin_check_digit": check_digit(right_vin)}
    fixed = vehicle.model_copy(update=changes | {"make": "", "model_year": None})
    return replace(visit, snapshot=visit.snapshot.model_copy(update={"vehicle": fixed}))


def end_of(name: str, joined: Mapping[str, str]) -> str:
    """The visit that ``name`` is part of, itself if of none; a circle ends where it began."""
    seen = {name}
    while joined.get(name, name) not in seen:
        name = joined[name]
        seen.add(name)
    return name


def _one_visit(kept: VisitFact, other: VisitFact) -> VisitFact:
    """``kept`` with what only ``other`` knew; what a person said last counts."""
    snapshot = _one_snapshot(kept.snapshot, other.snapshot)
    return replace(
        kept,
        snapshot=snapshot,
        dash_m=kept.dash_m if kept.dash_m is not None else other.dash_m,
        papers_m=kept.papers_m if kept.papers_m is not None else other.papers_m,
        answers=(*kept.answers, *other.answers),
        statements=(*kept.statements, *other.statements),
        joined=(*kept.joined, other, *other.joined),
    )


def _one_snapshot(kept: Snapshot, other: Snapshot) -> Snapshot:
    unread = [kind for kind in DtcClass if not codes_were_read(kept, kind)]
    return kept.model_copy(
        update={
            "vehicle": _one_vehicle(kept.vehicle, other.vehicle),
            "odometer": (*kept.odometer, *(part for part in other.odometer if part not in kept.odometer)),
            "dtcs": (*kept.dtcs, *(part for part in other.dtcs if part.dtc_class in unread and part not in kept.dtcs)),
            "ecus": (*kept.ecus, *_unknown(kept.ecus, other.ecus)),
            "items": _one_list(kept.items, other.items),
            "counters": _one_set(kept.counters, other.counters),
            "readiness": kept.readiness or other.readiness,
            "freeze_frames": kept.freeze_frames or other.freeze_frames,
            "mil": other.mil if kept.mil is None else kept.mil,
            "battery_v": other.battery_v if kept.battery_v is None else kept.battery_v,
            "road_test": kept.road_test or other.road_test,
            "inspection": kept.inspection or other.inspection,
            "operator": kept.operator or other.operator,
        }
    )


def _one_vehicle(kept: VehiclePart, other: VehiclePart) -> VehiclePart:
    """Field by field what is known; the VIN with all that says where it comes from."""
    known: dict[str, Any] = {
        name: getattr(other, name)
        for name in ("make", "model", "model_source", "model_year", "fuel", "plate", "stock_number")
        if getattr(kept, name) in ("", None)
    }
    if not kept.vin:
        known |= {name: getattr(other, name) for name in ("vin", "vin_status", "vin_check_digit")}
    return kept.model_copy(update=known)


def _unknown(kept: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    addresses = {ecu.address for ecu in kept}
    return [ecu for ecu in other if ecu.address not in addresses]


def _one_list(kept: Sequence[ItemPart], other: Sequence[ItemPart]) -> tuple[ItemPart, ...]:
    """Each item with the better of both fates: read at one of them is read."""
    read = {item.item: item for item in other if item.status is ItemStatus.READ}
    better = [item if item.status is ItemStatus.READ else read.get(item.item, item) for item in kept]
    names = {item.item for item in kept}
    return (*better, *(item for item in other if item.item not in names))


def _one_set(kept: CountersPart, other: CountersPart) -> CountersPart:
    missing = {name: getattr(other, name) for name in CountersPart.model_fields if not getattr(kept, name)}
    return kept.model_copy(update=missing)
