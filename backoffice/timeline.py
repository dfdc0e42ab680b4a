"""One car's history as lines a person reads: visits, other mileages, late answers, services and alerts."""

from collections.abc import Iterable, Sequence

from backoffice.dossier import DASH, PAPERS, Dossier
from backoffice.judging import EntryFact
from backoffice.views import AlertView, TimelineEvent
from backoffice.visits import Answer, Statement, VisitFact
from config.catalogue import has, text_of
from evidence.drives import MARK as DRIVE
from evidence.entry import agree
from evidence.history import ServiceRecord
from evidence.snapshot import Text
from protocols.readings import Trust

_BEST_FIRST = list(Trust)


def timeline_of(
    dossier: Dossier,
    entries: Sequence[EntryFact],
    services: Iterable[ServiceRecord],
    alerts: Iterable[AlertView],
    happened: Iterable[TimelineEvent] = (),
) -> tuple[TimelineEvent, ...]:
    """All events, oldest first; what happened at the same instant stays in the order visit, mileage, answer, alert.

    ``happened`` is what people did with the file itself.
    """
    events: list[TimelineEvent] = []
    for visit in dossier.visits:
        mine = sorted((e for e in entries if e.snapshot_id == visit.snapshot.id), key=_rank)
        best = next(iter(mine), None)
        events.append(_visit(visit, best))
        events += [_mileage(visit, number, entry) for number, entry in enumerate(mine[1:], 2) if _adds(entry, mine[0])]
        events += [_answer(visit, answer) for answer in visit.answers if _is_news(answer)]
        events += [_statement(visit, said) for said in visit.statements]
        events += [_joined(visit, other) for other in visit.joined]
    loose = {entry.entry_id: entry for entry in entries if not entry.snapshot_id}
    events += [_service(service, loose.pop(f"{service.id}/odometer", None)) for service in services]
    events += [_loose(entry) for entry in loose.values()]
    events += [event for alert in alerts for event in _alert(alert)]
    events += happened
    return tuple(sorted(events, key=lambda event: event.at.timestamp() if event.at else 0.0))


def _rank(entry: EntryFact) -> tuple[bool, int]:
    known = entry.trust in _BEST_FIRST
    return bool(entry.quarantined), _BEST_FIRST.index(Trust(entry.trust)) if known else len(_BEST_FIRST)


def _adds(entry: EntryFact, best: EntryFact) -> bool:
    """What a person gave is always shown; another copy in the car only when it says something else."""
    return entry.source in (DASH, PAPERS) or not agree(entry.life_m, best.life_m)


def _visit(visit: VisitFact, best: EntryFact | None) -> TimelineEvent:
    snapshot = visit.snapshot
    codes = sorted({part.code for part in snapshot.dtcs})
    params = {"bay": snapshot.bay or "-", "operator": snapshot.operator or "-"}
    detail = _text("timeline.visit_codes", codes=codes, **params) if codes else _text("timeline.visit_plain", **params)
    event = TimelineEvent(
        id=f"visit:{snapshot.id}",
        at=visit.at,
        clock=visit.dated.clock.value,
        kind="visit",
        title=_text(f"purpose.{snapshot.purpose.value}"),
        detail=detail,
        device=visit.dated.stored.device,
        snapshot_id=snapshot.id,
    )
    return event.model_copy(update=_value(best)) if best else event


def _mileage(visit: VisitFact, number: int, entry: EntryFact) -> TimelineEvent:
    event = TimelineEvent(
        id=f"odometer:{visit.snapshot.id}:{number}",
        at=entry.at or visit.at,
        clock=visit.dated.clock.value,
        kind="odometer",
        title=_text("timeline.mileage", source=_source(entry.source), odometer_m=entry.odometer_m),
        snapshot_id=visit.snapshot.id,
        device=visit.dated.stored.device,
    )
    return event.model_copy(update=_value(entry))


def _source(source: str) -> str:
    key = f"source.{source}"
    return f"@{key}" if has(key) else source


def _value(entry: EntryFact) -> dict[str, object]:
    return {
        "odometer_m": entry.life_m,
        "shown_m": entry.odometer_m if entry.offset_m else None,
        "source": entry.source,
        "trust": entry.trust,
        "quarantined": entry.quarantined,
        "entry_id": entry.entry_id,
        "voided": entry.voided,
        "voided_by": entry.voided_by,
        "voided_at": entry.voided_at,
    }


def _is_news(answer: Answer) -> bool:
    """An entry that the edge drew from the snapshot itself says nothing that the visit does not."""
    body = answer.body
    return body.odometer_m is None or body.trust in (Trust.TYPED, Trust.PHOTO, Trust.PAPER)


def _answer(visit: VisitFact, answer: Answer) -> TimelineEvent:
    body, stored = answer.body, answer.dated.stored
    params = {"operator": body.operator or "-"}
    title = (
        _text("timeline.identity_answered", **params)
        if body.odometer_m is None
        else _text("timeline.dash_answered", odometer_m=body.odometer_m, **params)
    )
    return TimelineEvent(
        id=f"answer:{stored.key}",
        at=answer.dated.at,
        clock=answer.dated.clock.value,
        kind="answer",
        title=title,
        device=stored.device,
        snapshot_id=visit.snapshot.id,
    )


def _service(service: ServiceRecord, entry: EntryFact | None) -> TimelineEvent:
    event = TimelineEvent(
        id=f"service:{service.id}",
        at=service.done_at,
        kind="service",
        clock="ntp",
        title=_text("timeline.service", items=[f"@service.{item}" for item in service.items]),
        detail=Text(en=service.note, zh=service.note),
        odometer_m=service.odometer_m,
        source="service",
        trust=Trust.PAPER.value,
    )
    return event.model_copy(update=_value(entry)) if entry else event


def _loose(entry: EntryFact) -> TimelineEvent:
    """A value that belongs to no visit: a drive's start or end, or a mileage from elsewhere."""
    _, drive, end = entry.entry_id.rpartition(DRIVE)
    title = (
        _text(f"timeline.drive_{end}", odometer_m=entry.odometer_m)
        if drive
        else _text("timeline.mileage", source=_source(entry.source), odometer_m=entry.odometer_m)
    )
    event = TimelineEvent(id=f"odometer:{entry.entry_id}", at=entry.at, clock="ntp", kind="odometer", title=title)
    return event.model_copy(update=_value(entry))


def _statement(visit: VisitFact, statement: Statement) -> TimelineEvent:
    body = statement.body
    rule = f"@rule.{body.rule}.title" if has(f"rule.{body.rule}.title") else body.rule
    return TimelineEvent(
        id=f"statement:{statement.dated.stored.key}",
        at=statement.dated.at,
        clock=statement.dated.clock.value,
        kind="statement",
        title=_text("timeline.statement", rule=rule, operator=body.operator or "-"),
        detail=Text(en=body.text, zh=body.text),
        device=statement.dated.stored.device,
        snapshot_id=visit.snapshot.id,
    )


def _joined(visit: VisitFact, other: VisitFact) -> TimelineEvent:
    """The other plug-in of one visit, which is not counted as a visit of its own."""
    whole = _visit(other, None)
    title = _text("timeline.joined", visit=f"@purpose.{other.snapshot.purpose.value}")
    return whole.model_copy(update={"title": title, "snapshot_id": visit.snapshot.id, "kind": "joined"})


def _alert(alert: AlertView) -> list[TimelineEvent]:
    opened = TimelineEvent(
        id=f"alert:{alert.id}:opened",
        at=alert.opened_at,
        clock="ntp",
        kind="alert",
        title=_text("timeline.alert_opened"),
        detail=alert.text,
    )
    if alert.closed_at is None:
        return [opened]
    closed = {"id": f"alert:{alert.id}:closed", "at": alert.closed_at, "title": _text("timeline.alert_closed")}
    return [opened, opened.model_copy(update=closed)]


def _text(key: str, **params: object) -> Text:
    return Text(**text_of(key, **params))
