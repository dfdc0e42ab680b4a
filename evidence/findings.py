"""What a person must know after a visit: one finding per rule that speaks, worst first, in both languages."""

from collections.abc import Iterable, Sequence
from datetime import date

from config.catalogue import Language, render
from config.severity_rules import SeverityRule, Urgency, default_severities, urgency_of
from evidence.checks.case import Case
from evidence.codes import new_codes
from evidence.due import DueItem, DueState
from evidence.snapshot import CheckDigit, CheckPart, DtcPart, Finding, Result, Severity, Text
from evidence.typed import MILES
from evidence.vin import tail
from protocols.readings import DtcClass, ItemStatus

# rest voltage below which a starter battery counts as flat (DESIGN rule 10)
BATTERY_LOW_V = 11.8
_ORDER = tuple(Severity)
_UNKNOWN = "@value.unknown"

_Value = str | int | float


def findings_of(
    case: Case, checks: Iterable[CheckPart], due: Iterable[DueItem], severities: Iterable[SeverityRule] | None = None
) -> tuple[Finding, ...]:
    """All findings of the visit judged, worst first; codes by our own severities unless told others."""
    found = [
        *(_of_check(check) for check in checks if check.result in (Result.SUSPICIOUS, Result.IMPOSSIBLE)),
        *_of_codes(case, default_severities() if severities is None else tuple(severities)),
        *_of_vin(case),
        *_of_typed(case),
        *_of_battery(case),
        *_of_silence(case),
        *_of_services(tuple(due)),
    ]
    return tuple(sorted(found, key=lambda finding: _ORDER.index(finding.severity)))


def finding(
    rule: str,
    severity: Severity,
    params: dict[str, _Value],
    *,
    evidence: tuple[str, ...] = (),
    text: Text | None = None,
    variant: str = "text",
) -> Finding:
    """A finding whose text says what happened, how sure we are, and what to do."""
    said = {language: _full(rule, variant, params, text, language) for language in Language}
    whole = Text(en=said[Language.EN], zh=said[Language.ZH])
    return Finding(rule=rule, severity=severity, evidence=evidence, params=params, text=whole)


def _full(rule: str, variant: str, params: dict[str, _Value], text: Text | None, language: Language) -> str:
    sentence = getattr(text, language) if text else render(f"rule.{rule}.{variant}", language, **params)
    advice = render(f"rule.{rule}.advice", language, **params)
    return render("finding.with_advice", language, text=sentence, advice=advice)


def _of_check(check: CheckPart) -> Finding:
    severity = Severity.STOP if check.result is Result.IMPOSSIBLE else Severity.SOON
    return finding(check.rule, severity, dict(check.params), evidence=check.evidence, text=check.text)


def _of_codes(case: Case, severities: Sequence[SeverityRule]) -> Iterable[Finding]:
    make = case.snapshot.vehicle.make
    urgent = [(part, _urgency(severities, part, make)) for part in new_codes(case.history.visits)]
    fresh = [(part, how) for part, how in urgent if how is not Urgency.IGNORE]
    if fresh:
        params: dict[str, _Value] = {"count": len(fresh), "codes": ", ".join(part.code for part, _ in fresh)}
        evidence = tuple(f"{case.name}/dtcs/{case.snapshot.dtcs.index(part)}" for part, _ in fresh)
        worst = min((Severity(how) for _, how in fresh), key=_ORDER.index)
        yield finding("codes.new", worst, params, evidence=evidence)


def _urgency(severities: Iterable[SeverityRule], part: DtcPart, make: str) -> Urgency:
    """A pending code is a suspicion of the car's own; only a stored one asks for action."""
    by_rule = urgency_of(severities, part.code, make)
    stored = part.dtc_class is DtcClass.STORED or by_rule is Urgency.IGNORE
    return by_rule if stored else Urgency.NOTE


def _of_vin(case: Case) -> Iterable[Finding]:
    vehicle = case.snapshot.vehicle
    if vehicle.vin_check_digit is CheckDigit.INVALID:
        evidence = (f"{case.name}/vehicle/vin",)
        yield finding("vin.check_digit", Severity.SOON, {"vin_tail": tail(vehicle.vin)}, evidence=evidence)


def _of_typed(case: Case) -> Iterable[Finding]:
    """A number nobody can have meant: to be read once more while the car is still there."""
    if case.doubt and case.dash is not None and not (case.doubt == MILES and case.miles_supported):
        params: dict[str, _Value] = {"dash_m": case.dash.odometer_m, "reason": f"@quarantine.{case.doubt}"}
        yield finding("odometer.typed_doubtful", Severity.NOTE, params, evidence=(case.dash.id,))


def _of_battery(case: Case) -> Iterable[Finding]:
    battery_v = case.snapshot.battery_v
    # below 6 V no starter battery is meant: the adapter has no supply pin, or measures badly
    if battery_v is not None and 6 <= battery_v < BATTERY_LOW_V:
        params: dict[str, _Value] = {"battery_v": battery_v, "limit_v": BATTERY_LOW_V}
        yield finding("battery.low", Severity.SOON, params, evidence=(f"{case.name}/battery_v",))


def _of_silence(case: Case) -> Iterable[Finding]:
    snapshot = case.snapshot
    answered = snapshot.ecus or snapshot.dtcs or snapshot.mil is not None or snapshot.readiness
    read = any(item.status is ItemStatus.READ and not item.item.startswith("battery") for item in snapshot.items)
    if snapshot.items and not answered and not read:
        yield finding("car.silent", Severity.NOTE, {}, evidence=(f"{case.name}/items",))


def _of_services(due: tuple[DueItem, ...]) -> Iterable[Finding]:
    """One finding for each item that has a stage; a car without any record is told once, not once an item."""
    unknown = [item for item in due if item.state is DueState.UNKNOWN]
    if unknown and all(item.last_date is None for item in due):
        # the first item of a plan is the one that cannot wait
        yield finding("service.unknown", Severity.NOTE, {"item": f"@service.{unknown[0].item}"})
    for item in due:
        yield from _of_due(item)


def _of_due(item: DueItem) -> Iterable[Finding]:
    name = f"@service.{item.item}"
    if item.state is DueState.OVERDUE:
        yield finding("service.overdue", Severity.SOON, _due_params(name, item), variant=_variant(item))
    elif item.state not in (DueState.OK, DueState.UNKNOWN):
        yield finding("service.due", Severity.NOTE, _due_params(name, item), variant=_variant(item))


def _variant(item: DueItem) -> str:
    """The sentence that fits what is known: distance, time or both; else the meter that is left."""
    if item.remaining_m is not None:
        return "text_distance" if item.remaining_days is None else "text"
    if item.remaining_days is not None:
        return "text_time"
    return "text_hours" if item.remaining_hours is not None else "text_hev"


def _due_params(name: str, item: DueItem) -> dict[str, _Value]:
    return {
        "item": name,
        "state": str(item.state),
        "remaining_m": _known(item.remaining_m),
        "remaining_days": _known(item.remaining_days),
        "remaining_hours": _known(item.remaining_hours),
        "remaining_hev_m": _known(item.remaining_hev_m),
        "due_m": _known(item.due_m),
        "due_date": _date(item.due_date),
        "last_date": _date(item.last_date),
        "plan": item.plan_id,
    }


def _known(value: int | None) -> _Value:
    return _UNKNOWN if value is None else value


def _date(value: date | None) -> str:
    return _UNKNOWN if value is None else value.isoformat()
