"""``forecourt judge``: histories from elsewhere (``forecourt.history/1``), judged by the same rules as our own."""

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from agent.histories import EventLine, HistoryLine, ReadLine, ServiceLine, VisitLine, aware, lines_of
from agent.spoken_errors import USERS_MISTAKE
from agent.tables import judge_table
from config.catalogue import Language, render
from config.errors import SettingsError
from evidence.checks import CHECKS
from evidence.chronology import by_time
from evidence.history import EventKind, History, OdometerEvent, ServiceRecord, Visit
from evidence.snapshot import Result
from evidence.verdict import Judgement, judge

__all__ = ["HistoryLine", "judge_histories", "judged_line", "judgement_of"]

METRES = 1000
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def judge_histories(files: Iterable[Path], language: Language, *, as_json: bool, now: datetime | None = None) -> int:
    """Print one judgement for every line, and name on stderr what was wrong with any.

    Return 0, or 2 when a line was no history at all; raise SettingsError for a file that cannot be read.
    """
    today, bad = now or datetime.now(UTC), []

    def rows() -> Iterator[dict[str, Any]]:
        for line in _lines(files, language):
            row = judged_line(line, today)
            _complain(line, row, language)
            if "error" in row:
                bad.append(line.number)
            yield row

    if as_json:
        for row in rows():
            print(json.dumps(row, ensure_ascii=False))
    else:
        Console().print(judge_table(rows(), language))
    return USERS_MISTAKE if bad else 0


def _lines(files: Iterable[Path], language: Language) -> Iterator[ReadLine]:
    for path in files:
        try:
            yield from lines_of(path)
        except OSError as error:
            raise SettingsError(render("cli.no_such_file", language, path=str(path))) from error


def _complain(line: ReadLine, row: dict[str, Any], language: Language) -> None:
    path = str(line.path)
    if "error" in row:
        said = render("cli.bad_history", language, path=path, line=line.number, detail=row["error"])
    elif line.left_out:
        said = render("cli.left_out", language, path=path, line=line.number, detail=", ".join(line.left_out))
    else:
        return
    print(said, file=sys.stderr)


def judged_line(line: ReadLine, today: datetime) -> dict[str, Any]:
    """The judgement of one line as the contract has it; one that is no history has an ``error`` and says nothing."""
    if line.history is None:
        return _nothing(f"{line.path.name}:{line.number}", line.why)
    try:
        return _judged(line.history, today)
    except Exception as error:  # noqa: BLE001 - one car's oddity must not keep the others from being judged
        return _nothing(line.history.id, f"{type(error).__name__}: {' '.join(str(error).split())[:120]}")


def _nothing(name: str, why: str) -> dict[str, Any]:
    unsaid = {"result": Result.NOT_DETERMINABLE, "confidence": 0.0, "evidence": []}
    return {
        "id": name,
        "checks": [{"check": check, **unsaid} for check in CHECKS],
        "verdict": Result.NOT_DETERMINABLE,
        "current_odometer_m": None,
        "error": why,
    }


def judgement_of(line: HistoryLine, today: datetime) -> Judgement:
    """One line judged whole, as of its last visit."""
    visits = by_time([_visit(visit) for visit in line.visits], today)
    history = History(
        line.id,
        visits,
        tuple(_service(number, one) for number, one in enumerate(line.services, 1)),
        market=line.market,
        events=tuple(event for number, one in enumerate(line.events, 1) for event in _event(number, one)),
    )
    return judge(history, now=_now(visits, today))


def _judged(line: HistoryLine, today: datetime) -> dict[str, Any]:
    judgement = judgement_of(line, today)
    return {
        "id": line.id,
        "checks": [
            {
                "check": check.check,
                "result": check.result,
                "confidence": check.confidence,
                "evidence": list(check.evidence),
            }
            for check in judgement.checks
        ],
        "verdict": judgement.verdict,
        "current_odometer_m": judgement.current_odometer_m,
    }


def _visit(visit: VisitLine) -> Visit:
    at = aware(visit.at or visit.snapshot.taken_at)
    return Visit(at, visit.snapshot, _metres(visit.dash_km), _metres(visit.papers_km))


def _service(number: int, service: ServiceLine) -> ServiceRecord:
    return ServiceRecord(f"service-{number}", aware(service.at) or _EPOCH, _metres(service.odometer_km), service.items)


def _event(number: int, event: EventLine) -> Iterator[OdometerEvent]:
    """An event that says too little to join two values says nothing."""
    at, kind = aware(event.at), EventKind(event.kind)
    before_m, after_m = _metres(event.before_km), _metres(event.after_km)
    if at is not None and (kind is not EventKind.CLUSTER_REPLACED or None not in (before_m, after_m)):
        yield OdometerEvent(f"event-{number}", at, kind, event.person, before_m, after_m)


def _now(visits: tuple[Visit, ...], today: datetime) -> datetime:
    """A history is judged as of its last visit, so that the answer is the same tomorrow."""
    return max((visit.at for visit in visits if visit.at and visit.at <= today), default=_EPOCH)


def _metres(kilometres: float | None) -> int | None:
    return None if kilometres is None else round(kilometres * METRES)
