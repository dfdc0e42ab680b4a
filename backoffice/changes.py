"""How the latest visit differs from the one before, and what the seller said, as people read it. Pure."""

from backoffice.dossier import Dossier
from backoffice.views import ChangesView, CodeChangeView, StatementView, UnitChangeView
from evidence.differences import CodeDifference, difference
from evidence.history import Visit
from evidence.snapshot import Text


def changes_of(dossier: Dossier, visits: tuple[Visit, ...]) -> ChangesView | None:
    """None for a car that was read once."""
    if len(visits) < 2:
        return None
    found = difference(visits)
    texts = {(part.code, part.ecu): part.text for visit in visits for part in visit.snapshot.dtcs}
    codes = None if found.codes is None else tuple(_code(one, texts) for one in found.codes)
    units = tuple(UnitChangeView(ecu=u.ecu, what=u.what, before=u.before, now=u.now) for u in found.units)
    trend = found.battery_v_a_month
    return ChangesView(
        since=dossier.visits[-2].at,
        codes=codes,
        units=units,
        battery_v_a_month=None if trend is None else round(trend, 2),
    )


def statements_of(dossier: Dossier) -> tuple[StatementView, ...]:
    """Everything the seller said, the newest first; a correction stands beside what it corrects."""
    said = [one for visit in dossier.visits for one in visit.statements]
    ordered = sorted(said, key=lambda one: one.dated.order, reverse=True)
    return tuple(
        StatementView(rule=one.body.rule, text=one.body.text, operator=one.body.operator, at=one.dated.at)
        for one in ordered
    )


def _code(one: CodeDifference, texts: dict[tuple[str, str], Text]) -> CodeChangeView:
    return CodeChangeView(fate=one.fate.value, code=one.code, ecu=one.ecu, text=texts.get((one.code, one.ecu), Text()))
