"""K7: the VIN each control unit carries against the car's own."""

from evidence.checks.case import Case, moment, not_determinable, outcome
from evidence.ledger import visit_id
from evidence.snapshot import CheckPart, Result, VinStatus
from evidence.vin import names_a_car, tail

_BY_PEOPLE = frozenset({VinStatus.TYPED, VinStatus.CONFLICTING})


def vin_in_units(case: Case) -> CheckPart:
    """K7: a unit that carries another VIN comes from another car, or the VIN was typed wrongly."""
    vin = case.snapshot.vehicle.vin
    if case.snapshot.vehicle.vin_status is VinStatus.CONFLICTING:
        return _typed_differs(case, vin)
    carried = [(place, ecu.address, ecu.vin) for place, ecu in enumerate(case.snapshot.ecus) if names_a_car(ecu.vin)]
    if not names_a_car(vin) or not carried:
        return not_determinable("K7", "no_vin")
    if (earlier := _another_before(case)) is not None:
        return _told_another(case, earlier)
    changed = [address for _, address, _ in carried if case.unit_ever_changed(address)]
    foreign = [(place, address, other) for place, address, other in carried if other != vin]
    if not foreign:
        evidence = tuple(f"{case.name}/ecus/{place}" for place, _, _ in carried)
        params: dict[str, str | int | float] = {"count": len(carried) + 1, "ecus": ", ".join(changed)}
        variant = "consistent_changed" if changed else ""
        return outcome("K7", Result.CONSISTENT, params, variant=variant, evidence=evidence)
    _, address, other = foreign[0]
    return outcome(
        "K7",
        Result.SUSPICIOUS,
        {"ecu": address, "other_tail": tail(other), "vin_tail": tail(vin)},
        evidence=(f"{case.name}/vehicle/vin", *(f"{case.name}/ecus/{place}" for place, _, _ in foreign)),
        assumption="unit_not_replaced",
    )


def _typed_differs(case: Case, vin: str) -> CheckPart:
    """A person typed, or scanned from the papers, another VIN than the car told."""
    return outcome(
        "K7",
        Result.SUSPICIOUS,
        {"ecu": "@trust.typed", "other_tail": "@value.unknown", "vin_tail": tail(vin)},
        variant="suspicious_typed",
        evidence=(f"{case.name}/vehicle/vin",),
        assumption="vin_typed_right",
    )


def _another_before(case: Case) -> int | None:
    """The latest earlier visit at which the car itself told another VIN: another unit, or another car."""
    vehicles = [visit.snapshot.vehicle for visit in case.history.visits]
    now = vehicles[-1]
    if now.vin_status is VinStatus.TYPED:
        return None
    others = (
        place
        for place, then in reversed(list(enumerate(vehicles[:-1])))
        if then.vin not in ("", now.vin) and then.vin_status not in _BY_PEOPLE and names_a_car(then.vin)
    )
    return next(others, None)


def _told_another(case: Case, earlier: int) -> CheckPart:
    then, now = case.history.visits[earlier], case.snapshot.vehicle.vin
    return outcome(
        "K7",
        Result.SUSPICIOUS,
        {"other_tail": tail(then.snapshot.vehicle.vin), "vin_tail": tail(now), "earlier_date": moment(then.at)},
        variant="suspicious_earlier",
        evidence=(f"{case.name}/vehicle/vin", f"{visit_id(case.history, earlier)}/vehicle/vin"),
        assumption="unit_not_replaced",
    )
