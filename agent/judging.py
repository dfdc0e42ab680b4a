"""``forecourt judge``: histories from elsewhere (``forecourt.history/1``), judged by the same rules as our own."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.console import Console

from agent.answers import METRES
from agent.tables import judge_table
from config.catalogue import Language, render
from config.errors import SettingsError
from evidence.history import History, Visit
from evidence.snapshot import Snapshot
from evidence.verdict import judge

LINE_MAX = 4 * 1024 * 1024


class VisitLine(BaseModel):
    """A visit as the file says it; missing is "not known"."""

    model_config = ConfigDict(extra="ignore")

    at: datetime | None = None
    dash_km: float | None = Field(None, ge=0, le=1e9)
    papers_km: float | None = Field(None, ge=0, le=1e9)
    snapshot: Snapshot = Snapshot()


class HistoryLine(BaseModel):
    """One car of the file."""

    model_config = ConfigDict(extra="ignore")

    id: str
    market: str = "CN"
    visits: tuple[VisitLine, ...] = ()


def judge_histories(files: Iterable[Path], language: Language, *, as_json: bool) -> int:
    """Print the judgement of each car; raise SettingsError naming file and line that cannot be read."""
    judged = (_judged(line) for path in files for line in _lines(path, language))
    if as_json:
        for row in judged:
            print(json.dumps(row, ensure_ascii=False))
    else:
        Console().print(judge_table(judged, language))
    return 0


def _lines(path: Path, language: Language) -> Iterator[HistoryLine]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(render("cli.no_such_file", language, path=str(path))) from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield HistoryLine.model_validate_json(line[:LINE_MAX])
        except ValidationError as error:
            first = error.errors()[0]
            detail = ": ".join(filter(None, (".".join(str(part) for part in first["loc"]), first["msg"])))
            raise SettingsError(
                render("cli.bad_history", language, path=str(path), line=number, detail=detail)
            ) from error


def _judged(line: HistoryLine) -> dict[str, Any]:
    visits = tuple(_visit(visit) for visit in line.visits)
    judgement = judge(History(line.id, visits, market=line.market), now=_now(visits))
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
    at = visit.at or visit.snapshot.taken_at
    return Visit(_aware(at), visit.snapshot, _metres(visit.dash_km), _metres(visit.papers_km))


def _now(visits: tuple[Visit, ...]) -> datetime:
    """A history is judged as of its last visit, so that the answer is the same tomorrow."""
    return max((visit.at for visit in visits if visit.at), default=datetime(2000, 1, 1, tzinfo=UTC))


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _metres(kilometres: float | None) -> int | None:
    return None if kilometres is None else round(kilometres * METRES)
