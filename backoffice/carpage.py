"""What the page of one car shows, drawn from its detail and its timeline. Pure; the words come from a Wording."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from markupsafe import Markup

from backoffice.views import CodeView, EpisodeView, TimelineEvent, VehicleDetail, VehicleSummary
from backoffice.wording import DASH, Wording
from config.catalogue import has, render
from evidence.sheet.chart import Mark, Point, draw, mark_of
from evidence.sheet.words import check_title as title_of
from evidence.sheet.words import verdict_sentence
from evidence.snapshot import CheckPart, OdometerPart, Result, Snapshot
from protocols.readings import ItemStatus, Monitor, Trust

MAX_EVENTS = 500
CODE_LISTS = frozenset({"dtcs.stored", "dtcs.pending", "dtcs.permanent"})
TYPED_SOURCES = frozenset({"dash", "papers"})
WIDE = (760, 300)
NARROW = (340, 240)
STEADY_V_A_MONTH = 0.02  # less than the adapter can tell within half a year
_RESULT_ORDER = {Result.IMPOSSIBLE: 0, Result.SUSPICIOUS: 1, Result.CONSISTENT: 2, Result.NOT_DETERMINABLE: 3}
_MIL = {True: "mil_on", False: "mil_off", None: "mil_unknown"}
_DUE_KIND = {"overdue": "overdue", "due": "due", "due_soon_14": "due", "due_soon_30": "note", "ok": "ok"}


WIDEST_CHOICE = 200
"""So many values or visits a form offers at most."""


@dataclass(frozen=True, slots=True)
class Witness:
    """One odometer beside the others; ``gap`` is its distance from the current value, in words."""

    part: OdometerPart
    gap: str


def car_context(car: VehicleDetail, events: Sequence[TimelineEvent], w: Wording) -> dict[str, Any]:
    """Everything ``vehicle.html`` needs besides the alerts."""
    checks = sorted(car.checks, key=lambda check: (_RESULT_ORDER[check.result], _number(check)))
    snapshot = car.latest_snapshot or Snapshot()
    mileage = [event for event in events if event.odometer_m is not None]
    return {
        "car": car,
        "snapshot": snapshot,
        "vehicle_part": snapshot.vehicle,
        "judged": [check for check in checks if check.result is not Result.NOT_DETERMINABLE],
        "not_judged": [check for check in checks if check.result is Result.NOT_DETERMINABLE],
        "verdict_text": verdict_text(car, w),
        "mileage": sorted(mileage, key=_when, reverse=True)[:MAX_EVENTS],
        "charts": charts(mileage, w),
        "days": days(events, w),
        "witnesses": witnesses(car, snapshot, mileage, w),
        "codes": by_ecu(car.dtcs),
        "unread": [item for item in snapshot.items if item.status not in (ItemStatus.READ, ItemStatus.UNSUPPORTED)],
        "readiness": readiness(snapshot, w),
        "changes": car.changes,
        "trend": trend_words(car, w),
        "said_of": lambda rule: [one for one in car.statements if one.rule == rule],
        "said_otherwise": [one for one in car.statements if one.rule not in {check.rule for check in checks}],
        "struck": struck,
        **_headlines(car, snapshot, w),
    }


def struck(event: TimelineEvent, w: Wording) -> Markup:
    """A mileage as it stands in the log; one that somebody withdrew is struck through and stays readable."""
    value = w.km(event.odometer_m)
    return Markup("<del>{}</del>").format(value) if event.voided else Markup("{}").format(value)


def trend_words(car: VehicleDetail, w: Wording) -> str:
    """How the rest voltage of the battery goes; "" while too little is known."""
    trend = car.changes.battery_v_a_month if car.changes else None
    if trend is None:
        return ""
    if abs(trend) < STEADY_V_A_MONTH:
        return w("battery_steady")
    return w("battery_falls" if trend < 0 else "battery_rises", by=w.number(abs(trend), 2))


def verdict_text(car: VehicleDetail, w: Wording) -> str:
    """What the verdict means, naming the checks it rests on; "consistent" always says what was not checked."""
    return verdict_sentence(car.verdict, car.checks, w.language)


def check_title(check: CheckPart, w: Wording) -> str:
    return title_of(check, w.language)


def model_name(car: VehicleSummary, w: Wording) -> str:
    """Make, model and year as far as they are known."""
    known = [car.make, car.model, str(car.model_year) if car.model_year else ""]
    return " ".join(part for part in known if part) or w("no_model")


def named(prefix: str, name: str, w: Wording) -> str:
    """The catalogue's word for ``name``; the name itself where the catalogue has none (a profile row, an item)."""
    key = f"{prefix}.{name}"
    return render(key, w.language) if name and has(key) else name or DASH


def item_name(item: str, w: Wording) -> str:
    """What was asked, in words; a maker's odometer keeps the name of its profile row."""
    group, _, row = item.partition(".")
    if has(f"item.{item}") or not row or not has(f"item.{group}"):
        return named("item", item, w)
    return f"{named('item', group, w)} {row}"


def due_kind(state: str) -> str:
    """Which badge a due state wears."""
    return _DUE_KIND.get(state, "unknown")


def episode_kind(episode: EpisodeView) -> str:
    """Which badge an episode wears: that of its urgency while it is open."""
    if episode.state == "healed":
        return "ok"
    return {"stop": "stop", "soon": "soon", "note": "note"}.get(episode.severity, "unknown")


def by_ecu(codes: Iterable[CodeView]) -> list[tuple[str, list[CodeView]]]:
    """Codes grouped by control unit, both in order."""
    ordered = sorted(codes, key=lambda code: (code.ecu, code.code, code.dtc_class))
    return [(ecu, list(group)) for ecu, group in groupby(ordered, key=lambda code: code.ecu)]


def days(events: Iterable[TimelineEvent], w: Wording) -> list[tuple[str, list[TimelineEvent]]]:
    """The timeline, newest first, a group for each day of the reader."""
    ordered = sorted(events, key=_when, reverse=True)[:MAX_EVENTS]
    return [(day, list(group)) for day, group in groupby(ordered, key=lambda event: w.day(event.at))]


def charts(mileage: Iterable[TimelineEvent], w: Wording) -> list[Markup]:
    """The chart twice, for a desk and for a phone: one that is scaled down would be illegible."""
    points = [_point(event, w) for event in mileage if event.at is not None]
    return [_chart(points, name, size, w) for name, size in (("wide", WIDE), ("narrow", NARROW)) if points]


def _chart(points: Sequence[Point], name: str, size: tuple[int, int], w: Wording) -> Markup:
    kept = sum(point.mark is not Mark.QUARANTINED for point in points)
    return draw(
        points,
        name=name,
        width=size[0],
        height=size[1],
        title=w("chart_title"),
        description=w("chart_text", count=kept, apart=len(points) - kept),
        km=lambda metres: w.number(round(metres / 1000)),
        day=w.date,
    )


def witnesses(car: VehicleDetail, snapshot: Snapshot, mileage: Sequence[TimelineEvent], w: Wording) -> list[Witness]:
    """All odometers of the latest visit side by side, what was typed after it included."""
    known = {part.source for part in snapshot.odometer}
    typed = [
        OdometerPart(source=event.source, odometer_m=event.odometer_m, trust=Trust.TYPED)
        for event in mileage
        if event.source in TYPED_SOURCES - known and event.snapshot_id == car.snapshot_id
    ]
    parts = [*snapshot.odometer, *typed]
    lives = _lives(car.snapshot_id, mileage)
    return [Witness(part, _gap(part, lives, car.odometer.odometer_m, w)) for part in parts]


def _lives(snapshot_id: str, mileage: Iterable[TimelineEvent]) -> dict[tuple[str, int], int]:
    """What a witness of a visit means for the car's life, where a replaced cluster or another unit changes it."""
    return {
        (event.source, event.shown_m): event.odometer_m
        for event in mileage
        if event.snapshot_id == snapshot_id and event.shown_m is not None and event.odometer_m is not None
    }


def readiness(snapshot: Snapshot, w: Wording) -> dict[str, Any] | None:
    """Monitors that the car has, the unfinished ones first."""
    fitted = {name: state for name, state in snapshot.readiness.items() if state is not Monitor.UNSUPPORTED}
    if not fitted:
        return None
    open_count = sum(state is Monitor.INCOMPLETE for state in fitted.values())
    ordered = sorted(fitted.items(), key=lambda pair: (pair[1] is not Monitor.INCOMPLETE, pair[0]))
    monitors = [(_monitor_name(name, w), state) for name, state in ordered]
    return {"words": w("readiness", open=open_count, count=len(fitted)), "monitors": monitors}


def _monitor_name(name: str, w: Wording) -> str:
    return w(f"monitor_{name}") if has(f"office.monitor_{name}") else name.replace("_", " ")


def _headlines(car: VehicleDetail, snapshot: Snapshot, w: Wording) -> dict[str, str]:
    empty = w(_empty_key(snapshot))
    return {
        "odometer_note": _odometer_note(car, w),
        "codes_headline": _codes_headline(car, snapshot, w),
        "codes_note": " · ".join([*([] if car.dtcs else [empty]), w(_MIL[car.mil])]),
        "codes_empty": empty,
        "fuel_words": named("fuel", car.fuel, w),
        "visit_words": _visit(snapshot, w),
        "cleared_words": _cleared(car, w),
    }


def _visit(snapshot: Snapshot, w: Wording) -> str:
    if not snapshot.bay and not snapshot.operator:
        return ""
    return render("timeline.visit_plain", w.language, bay=snapshot.bay or DASH, operator=snapshot.operator or DASH)


def _odometer_note(car: VehicleDetail, w: Wording) -> str:
    if car.odometer.odometer_m is None:
        return w("odometer_unknown")
    words = (named("source", car.odometer.source, w), named("trust", car.odometer.trust, w))
    return " · ".join(word for word in words if word != DASH)


def _codes_headline(car: VehicleDetail, snapshot: Snapshot, w: Wording) -> str:
    """A zero only when every list was read."""
    none_proven = _empty_key(snapshot) == "codes_none"
    return w("codes_count", count=len(car.dtcs)) if car.dtcs or none_proven else DASH


def _empty_key(snapshot: Snapshot) -> str:
    """What to say of an empty list: "no codes" only when every list was read, for an unread one proves nothing."""
    lists = {item.item: item.status for item in snapshot.items if item.item in CODE_LISTS}
    if ItemStatus.READ not in lists.values():
        return "codes_unknown"
    return "codes_partly" if _missing(lists) else "codes_none"


def _missing(lists: dict[str, ItemStatus]) -> bool:
    return any(status not in (ItemStatus.READ, ItemStatus.UNSUPPORTED) for status in lists.values())


def _cleared(car: VehicleDetail, w: Wording) -> str:
    if car.distance_since_clear_m is None:
        return ""
    if car.warmups_since_clear is None:
        return w("cleared_distance", since=w.km(car.distance_since_clear_m))
    return w("cleared", since=w.km(car.distance_since_clear_m), count=car.warmups_since_clear)


def _gap(part: OdometerPart, lives: dict[tuple[str, int], int], current_m: int | None, w: Wording) -> str:
    if part.odometer_m is None or current_m is None:
        return DASH
    life_m = lives.get((part.source, part.odometer_m), part.odometer_m)
    gap_km = round((life_m - current_m) / 1000)
    sign = "+" if gap_km > 0 else "−" if gap_km < 0 else ""
    return w("km", value=f"{sign}{w.number(abs(gap_km))}")


def _point(event: TimelineEvent, w: Wording) -> Point:
    assert event.at is not None and event.odometer_m is not None  # noqa: S101 - charts() keeps only such events
    label = w.km(event.odometer_m)
    why = named("quarantine", event.quarantined, w) if event.quarantined else named("trust", event.trust, w)
    note = f"{w.moment(event.at)} · {label} · {named('source', event.source, w)} · {why}"
    return Point(event.at, event.odometer_m, mark_of(event.trust, event.quarantined), label, note)


def _when(event: TimelineEvent) -> tuple[float, str]:
    return (event.at.timestamp() if event.at else 0.0, event.id)


def _number(check: CheckPart) -> int:
    digits = check.check.lstrip("K")
    return int(digits) if digits.isdecimal() else 99
