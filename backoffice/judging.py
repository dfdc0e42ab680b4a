"""What a dossier comes to: the verdict by the same functions as at the edge, and the view that people get of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache

from backoffice.alerts import CODES_SUMMARY
from backoffice.changes import changes_of, statements_of
from backoffice.decisions import NOTHING_DECIDED, Standing
from backoffice.dossier import Dossier, history_of
from backoffice.views import CodeView, DueView, EpisodeView, OdometerView, UseView, VehicleDetail, VehicleSummary
from config.catalogue import text_of
from config.plans import NORMAL
from config.rules_in_force import Rules, load_rules
from evidence.due import CarUse, DueItem, DueState
from evidence.episodes import CodeEpisode, episode_findings, episodes_of, urgency
from evidence.forecast import Pace, forecast, pace_of
from evidence.history import History, ServiceRecord, Void, in_utc
from evidence.ledger import Entry, best_of_visit
from evidence.snapshot import CounterPart, Finding, Severity, Snapshot, Text
from evidence.usage import signs_of_severe_use
from evidence.verdict import USUAL, Judgement, Terms, judge
from protocols.readings import ItemStatus

EDGE_RULES = frozenset({"vin.changed_while_plugged", "vin.same_at_two_bays"})
CORRECTED, VOIDED = "corrected", "voided"
_RANK = {Severity.NOTE: 0, Severity.SOON: 1, Severity.STOP: 2}


@dataclass(frozen=True, slots=True)
class EntryFact:
    """One line of the mileage log; ``quarantined`` says why it is not believed, "" when it is.

    ``odometer_m`` is what the witness showed. ``voided`` is the reason somebody gave for withdrawing the value.
    """

    snapshot_id: str
    at: datetime | None
    source: str
    ecu: str
    odometer_m: int
    raw: str
    trust: str
    quarantined: str = ""
    entry_id: str = ""
    voided: str = ""
    voided_by: str = ""
    voided_at: datetime | None = None
    offset_m: int = 0

    @property
    def life_m(self) -> int:
        """What the car has covered by it, with replaced clusters and the dashboard's unit accounted for."""
        return self.odometer_m + self.offset_m


@dataclass(frozen=True, slots=True)
class Judged:
    """``alerting`` are the findings that people may be called for: codes by episode, not by visit."""

    detail: VehicleDetail
    entries: tuple[EntryFact, ...]
    alerting: tuple[Finding, ...] = ()


def judge_dossier(
    vehicle_id: str,
    dossier: Dossier,
    services: Sequence[ServiceRecord],
    *,
    market: str,
    now: datetime,
    rules: Rules | None = None,
    use: UseView | None = None,
    terms: Terms = USUAL,
    decided: Standing = NOTHING_DECIDED,
) -> Judged:
    """Judge everything known about one car at ``now``, by our own rules and for ordinary use unless told others."""
    latest, by, used = dossier.latest, rules or default_rules(), use or UseView()
    if latest is None:
        return Judged(VehicleDetail(id=vehicle_id, use=used), ())
    history = history_of(dossier, vehicle_id, services, market, decided)
    judgement = judgement_of(history, now=now, rules=by, use=used, terms=terms)
    episodes, make = episodes_of(history, terms.zone), dossier.vehicle.make
    findings = judgement.findings
    of_codes = episode_findings(episodes, by.severities, make, terms.zone)
    current = _odometer_view(judgement.current)
    pace = pace_of(judgement.entries)
    detail = VehicleDetail(
        **_identity(dossier),
        id=vehicle_id,
        current_odometer_m=current.odometer_m,
        odometer=current,
        verdict=judgement.verdict,
        worst_severity=worst((*_but_codes(findings), *of_codes)),
        awaiting_dash=latest.awaiting_dash,
        last_seen_at=latest.at,
        checks=judgement.checks,
        findings=findings,
        latest_odometer_m=_said_last(judgement.entries, len(dossier.visits) - 1),
        due=tuple(due_view(item, pace, now.astimezone(terms.zone).date()) for item in _by_urgency(judgement.due)),
        episodes=tuple(_episode_view(one, by, make, terms) for one in reversed(episodes)),
        use=used.model_copy(update={"signs": _signs(history, judgement.entries)}),
        changes=changes_of(dossier, history.visits),
        statements=statements_of(dossier),
        **_condition(latest.snapshot),
    )
    voids = {void.entry_id: void for void in sorted(history.voids, key=lambda void: void.at)}
    entries = tuple(_entry_fact(entry, voids.get(entry.id)) for entry in judgement.entries)
    return Judged(detail, entries, (*_but_codes(findings), *of_codes))


def judgement_of(history: History, *, now: datetime, rules: Rules, use: UseView, terms: Terms) -> Judgement:
    """What the page and the sheet of a car that was read both say."""
    kind = CarUse(oil=use.oil, severity=use.severity or NORMAL)
    judgement = judge(history, now=now, plan=rules.plans, use=kind, terms=terms)
    only_there = _only_seen_at_the_edge(history.visits[-1].snapshot)
    return replace(judgement, findings=(*judgement.findings, *only_there))


@cache
def default_rules() -> Rules:
    """The rules that come with the program."""
    return load_rules()


def _but_codes(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Without the summary of a visit's codes: their episodes say more."""
    return tuple(one for one in findings if one.rule != CODES_SUMMARY)


def _by_urgency(due: Sequence[DueItem]) -> list[DueItem]:
    """The most urgent first, what is unknown last, otherwise in the plan's order."""
    order = [*reversed(DueState)]
    return sorted(due, key=lambda item: (item.state is DueState.UNKNOWN, order.index(item.state)))


def _episode_view(episode: CodeEpisode, rules: Rules, make: str, terms: Terms) -> EpisodeView:
    said = episode_findings([episode], rules.severities, make, terms.zone)
    names = ("code", "ecu", "number", "opened_at", "changed_at", "last_seen_at", "repaired_at", "monitor")
    return EpisodeView(
        **{name: getattr(episode, name) for name in names},
        state=episode.state.value,
        severity=urgency(episode, rules.severities, make).value,
        text=said[0].text if said else Text(),
    )


def _signs(history: History, entries: Sequence[Entry]) -> tuple[Text, ...]:
    return tuple(
        Text(**text_of(f"use_sign.{sign.kind}", trip_m=sign.trip_m, mean_kmh=sign.mean_kmh, count=sign.warmups))
        for sign in signs_of_severe_use(history, entries)
    )


def _only_seen_at_the_edge(snapshot: Snapshot) -> tuple[Finding, ...]:
    """What no record can show again: it happened between two readings in the bay."""
    return tuple(finding for finding in snapshot.findings if finding.rule in EDGE_RULES)


def _said_last(entries: Sequence[Entry], visit: int) -> int | None:
    said = best_of_visit(entries, visit)
    return said.life_m if said else None


def _odometer_view(entry: Entry | None) -> OdometerView:
    if entry is None:
        return OdometerView()
    return OdometerView(odometer_m=entry.life_m, source=entry.source, trust=entry.trust.value, at=entry.at)


def _entry_fact(entry: Entry, void: Void | None) -> EntryFact:
    """``void`` is what a person decided; a value that a later answer corrected is voided by nobody."""
    return EntryFact(
        entry_id=entry.id,
        snapshot_id=entry.snapshot_id,
        at=entry.at,
        source=entry.source,
        ecu=entry.ecu,
        odometer_m=entry.odometer_m,
        raw=entry.raw,
        trust=entry.trust.value,
        quarantined=(CORRECTED if entry.voided else entry.quarantined) if void is None else VOIDED,
        voided=void.reason if void else "",
        voided_by=void.person if void else "",
        voided_at=in_utc(void.at) if void else None,
        offset_m=entry.offset_m,
    )


def due_view(item: DueItem, pace: Pace | None, today: date) -> DueView:
    """A service item as people read it."""
    first, last = forecast(item, pace, today) or (None, None)
    return DueView(
        remaining_hours=item.remaining_hours,
        forecast_from=first,
        forecast_until=last,
        source=item.source,
        is_default=item.is_default,
        item=item.item,
        state=item.state.value,
        remaining_m=item.remaining_m,
        remaining_days=item.remaining_days,
        text=Text(**_due_text(item)),
    )


def _due_text(item: DueItem) -> dict[str, str]:
    name = f"@service.{item.item}"
    if item.state is DueState.UNKNOWN:
        return text_of("due_text.unknown", item=name)
    over_m, over_days = _over(item.remaining_m), _over(item.remaining_days)
    if over_m and over_days:
        return text_of("due_text.overdue", item=name, over_m=over_m, over_days=over_days)
    if over_m:
        return text_of("due_office.overdue_distance", item=name, over_m=over_m)
    if over_days:
        return text_of("due_office.overdue_time", item=name, over_days=over_days)
    if item.remaining_m is None and item.remaining_days is None:
        return text_of("due_office.meters", item=name)
    if item.remaining_m is None:
        return text_of("due_text.known_time", item=name, remaining_days=item.remaining_days)
    if item.remaining_days is None:
        return text_of("due_text.known_distance", item=name, remaining_m=item.remaining_m)
    return text_of("due_text.known", item=name, remaining_m=item.remaining_m, remaining_days=item.remaining_days)


def _over(remaining: int | None) -> int:
    return max(0, -remaining) if remaining is not None else 0


def worst(findings: Sequence[Finding]) -> Severity | None:
    """The severity that decides how urgent a car is."""
    return max((finding.severity for finding in findings), key=_RANK.__getitem__, default=None)


def summary_of(detail: VehicleDetail) -> VehicleSummary:
    """The part of ``detail`` that lists show."""
    return VehicleSummary(**{name: getattr(detail, name) for name in VehicleSummary.model_fields})


def _identity(dossier: Dossier) -> dict[str, object]:
    vehicle = dossier.vehicle
    names = ("vin", "plate", "stock_number", "make", "model", "model_year", "fuel")
    return {name: getattr(vehicle, name) for name in names}


def _condition(snapshot: Snapshot) -> dict[str, object]:
    """What the latest visit read of the car's state."""
    return {
        "mil": snapshot.mil,
        "battery_v": snapshot.battery_v,
        "dtcs": tuple(CodeView(code=c.code, dtc_class=c.dtc_class, ecu=c.ecu, text=c.text) for c in snapshot.dtcs),
        "distance_since_clear_m": first_read(snapshot.counters.distance_since_clear_m),
        "warmups_since_clear": first_read(snapshot.counters.warmups_since_clear),
        "snapshot_id": snapshot.id,
        "latest_snapshot": snapshot,
    }


def first_read(counters: Sequence[CounterPart]) -> int | None:
    """The value of the lowest ECU address that answered (7E8 is the engine's, ISO 15765-4)."""
    read = [part for part in counters if part.status is ItemStatus.READ and part.value is not None]
    return min(read, key=lambda part: part.ecu).value if read else None
