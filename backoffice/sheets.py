"""The intake sheet as the back office knows the car: judged from everything, a working copy that no box has signed."""

import asyncio
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.dossier import history_of
from backoffice.judging import judgement_of
from backoffice.review import load_case
from backoffice.visits import Statement
from config.catalogue import Language
from config.rules_in_force import Rules
from evidence.assemble import with_judgement
from evidence.sheet.content import Beside, SellerAnswer, Sheet, sheet_of
from evidence.sheet.html import html_of
from evidence.verdict import Terms

# one page at a time: the printing library shares its fonts between all pages of a process
_PRESS = asyncio.Lock()
PRINT_TIMEOUT_S = 60.0


async def sheet_from(
    connection: AsyncConnection, vehicle_id: str, *, timezone: str, now: datetime, rules: Rules, terms: Terms
) -> Sheet | None:
    """The sheet of a car's latest visit, judged as on its page; None for a car that was never read."""
    known = await load_case(connection, vehicle_id)
    dossier = known.dossier
    if dossier.latest is None:
        return None
    history = history_of(dossier, vehicle_id, known.services, known.market, known.decided)
    judgement = judgement_of(history, now=now, rules=rules, use=known.use, terms=terms)
    latest = dossier.latest.snapshot
    whole = latest.model_copy(update={"vehicle": dossier.vehicle, "taken_at": dossier.latest.at})
    said = Beside(seller=tuple(_answer(one) for one in dossier.latest.statements))
    judged = with_judgement(whole, judgement)
    return sheet_of(judged, judgement.entries, timezone=timezone, beside=said, provisional=False)


def _answer(statement: Statement) -> SellerAnswer:
    body = statement.body
    return SellerAnswer(rule=body.rule, text=body.text, operator=body.operator, at=statement.dated.at)


async def rendered(sheet: Sheet, language: Language, kind: str) -> bytes:
    """The sheet as ``html`` or ``pdf``; raise TimeoutError when printing takes too long."""
    if kind == "html":
        return html_of(sheet, language).encode()
    from evidence.sheet.pdf import pdf_of

    async with asyncio.timeout(PRINT_TIMEOUT_S), _PRESS:
        return await asyncio.to_thread(pdf_of, sheet, language)
