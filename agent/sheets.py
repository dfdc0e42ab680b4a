"""The box's intake sheets: made from what the ledger knows, sealed in its chain, withdrawn when they no longer hold."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import AnswerError, UnknownIntakeError
from agent.later import sheet_html
from agent.ledger import Intake
from agent.ledger_store import LedgerStore
from agent.photos import photo_of
from agent.records import of_statement
from agent.sheet_files import RENDERINGS, SEALED, SheetFiles
from agent.upstream_facts import history_with
from config.catalogue import Language
from evidence.history import Visit
from evidence.ledger import build_ledger
from evidence.sheet.chain import (
    REASON_MAX,
    Link,
    SealedSheet,
    Statement,
    canonical,
    fingerprint,
    hashes_of,
    sha256,
    spelt_out,
)
from evidence.sheet.content import TEXT_MAX, Issue, PhotoPart, SellerAnswer, Sheet, sheet_of
from evidence.snapshot import Snapshot
from sync.vault import PLAIN, Vault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VIN_LENGTH = 17
PHOTOS_MAX = 12
ANSWERS_MAX = 40
Press = Callable[[Sheet], Awaitable[dict[Language, bytes]]]
Pen = Callable[..., Link]


@dataclass(frozen=True, slots=True)
class Maker:
    """Who signs: the box's name and its key."""

    device: str
    key: "Ed25519PrivateKey"

    @property
    def public(self) -> str:
        return self.key.public_key().public_bytes_raw().hex()


class Sheets:
    """One per process; sheets are made one at a time, so that numbers have no holes.

    ``maker`` is asked when something must be signed: a box that never makes a sheet needs no key.
    """

    def __init__(
        self,
        store: LedgerStore,
        folder: Path,
        maker: Callable[[], Maker],
        timezone: str,
        *,
        now: Callable[[], datetime],
        press: Press,
        vault: Vault = PLAIN,
    ) -> None:
        self._store = store
        self._files = SheetFiles(folder, vault)
        self._find_maker = maker
        self._timezone = timezone
        self._now = now
        self._press = press
        self._turn = asyncio.Lock()

    async def issue(self, intake_id: str) -> SealedSheet:
        """The intake's sheet; a new one when anything on it has changed, which withdraws the one before.

        Raise UnknownIntakeError; AnswerError when the car is not judged yet; WorldError when it cannot be printed.
        """
        async with self._turn:
            content = await self.draft(intake_id)
            standing = await self._store.sheets.standing(content.intake_id)
            old = await asyncio.to_thread(self._files.sealed, standing.statement.number) if standing else None
            if old and old.sheet.unsigned() == content:
                return old
            return await self._seal(content, standing)

    async def draft(self, intake_id: str) -> Sheet:
        """What a sheet of the intake would say now, not sealed."""
        intake = await self._store.intake(intake_id)
        if intake is None:
            raise UnknownIntakeError(intake_id)
        if not intake.sent or intake.snapshot is None:
            raise AnswerError("sheet_error.not_judged")
        beside = await self._store.sheets.beside(intake.id)
        earlier = await self._store.visits_before(intake)
        visit = Visit(intake.snapshot.taken_at, intake.snapshot, intake.answers.dash_m, intake.answers.papers_m)
        told = await self._store.facts.told(intake.vin)
        entries = build_ledger(history_with(intake.vin or intake.id, (*earlier, visit), told))
        return sheet_of(_named(intake), entries, timezone=self._timezone, beside=beside)

    async def withdraw(self, intake_id: str, why: str) -> Statement:
        """Withdraw the intake's standing sheet; raise AnswerError when it has none or no reason is given."""
        intake = await self._store.intake(intake_id)
        reason = _nameless(" ".join(why.split()), intake)[:REASON_MAX]
        if not reason:
            raise AnswerError("sheet_error.no_reason")
        async with self._turn:
            standing = await self._store.sheets.standing(intake_id)
            if standing is None:
                raise AnswerError("sheet_error.none_standing")
            last = await self._store.sheets.last()
            link = _withdrawal(self._pen(await self._maker()), last, standing.statement, reason, 0)
            await self._append((link,))
            return link.statement

    async def standing(self, intake_id: str) -> Link | None:
        """The intake's sheet as last sealed, whether or not it still says what is known."""
        return await self._store.sheets.standing(intake_id)

    async def file(self, number: int, kind: str) -> bytes | None:
        """One file of a sheet, ``kind`` of RENDERINGS or SEALED."""
        if kind not in (*RENDERINGS, SEALED):
            return None
        return await asyncio.to_thread(self._files.read, number, kind)

    async def add_answer(self, intake_id: str, rule: str, text: str, operator: str) -> None:
        """Keep what the seller said to a finding of this intake; raise UnknownIntakeError or AnswerError."""
        said, who = " ".join(text.split()), " ".join(operator.split())
        sheet, intake = await self.draft(intake_id), await self._store.intake(intake_id)
        if not said or not who:
            raise AnswerError("sheet_error.answer_empty")
        if len(said) > TEXT_MAX or not said.isprintable() or len(who) > 40 or not who.isprintable():
            raise AnswerError("sheet_error.answer_long", longest=TEXT_MAX)
        if rule not in {finding.rule for finding in sheet.findings}:
            raise AnswerError("sheet_error.no_such_finding")
        if len(sheet.seller) >= ANSWERS_MAX:
            raise AnswerError("sheet_error.too_many", most=ANSWERS_MAX)
        answer = SellerAnswer(rule=rule, text=said, operator=who, at=self._now())
        owed = of_statement(intake, rule, said, who) if intake else None
        await self._store.add_answer(sheet.intake_id, answer, owed)

    async def add_photo(self, intake_id: str, data: bytes) -> PhotoPart:
        """Keep a photo without where it was taken; raise UnknownIntakeError, or AnswerError for what is no photo."""
        intake = await self._store.intake(intake_id)
        if intake is None:
            raise UnknownIntakeError(intake_id)
        if len((await self._store.sheets.beside(intake.id)).photos) >= PHOTOS_MAX:
            raise AnswerError("sheet_error.too_many", most=PHOTOS_MAX)
        kept, part = photo_of(data, self._now())
        await asyncio.to_thread(self._files.write_photo, part.sha256, kept)
        await self._store.sheets.add_photo(intake.id, part)
        return part

    async def photo(self, name: str) -> tuple[PhotoPart, bytes] | None:
        """A photo by its SHA-256."""
        part = await self._store.sheets.photo(name)
        data = await asyncio.to_thread(self._files.read_photo, part.sha256) if part else None
        return (part, data) if part and data else None

    async def forget_orphans(self) -> None:
        """Erase sheets and photos of intakes that were erased; their links stay, which name nobody."""
        numbers, photos = await self._store.sheets.orphans()
        await asyncio.to_thread(self._files.erase, numbers, photos)

    async def mirror(self) -> None:
        """Write the chain's file anew from the ledger, which a crash may have left behind."""
        links = await self._store.sheets.links()
        if links:
            await asyncio.to_thread(self._files.write_chain, links)

    async def _seal(self, content: Sheet, replaced: Link | None) -> SealedSheet:
        last, maker = await self._store.sheets.last(), await self._maker()
        number, pen = _next(last), self._pen(maker)
        issue = Issue(number=number, device=maker.device, key=fingerprint(maker.public), made_at=self._now())
        sheet = spelt_out(content.model_copy(update={"issue": issue}))
        renderings = await self._render(sheet)
        sealed_as = {"content": sha256(canonical(sheet)), "renderings": hashes_of(renderings)}
        link = pen(last, kind="sheet", intake_id=sheet.intake_id, **sealed_as)
        sealed = SealedSheet(link=link, sheet=sheet)
        await asyncio.to_thread(self._files.write, number, {**renderings, SEALED: sealed.to_bytes()})
        links = [link]
        if replaced:
            links.append(_withdrawal(pen, link, replaced.statement, _WHY_REPLACED, number))
        await self._append(links)
        return sealed

    async def _maker(self) -> Maker:
        return await asyncio.to_thread(self._find_maker)

    def _pen(self, maker: Maker) -> Pen:
        """Writes and signs the link after another one."""

        def write(last: Link | None, **facts: object) -> Link:
            known = {"number": _next(last), "previous": last.hash if last else "", "device": maker.device}
            return Link.signed(Statement.model_validate(known | {"at": self._now()} | facts), maker.key)

        return write

    async def _render(self, sheet: Sheet) -> dict[str, bytes]:
        pages = {f"{language}.html": sheet_html(sheet, language).encode() for language in Language}
        printed = await self._press(sheet)
        return pages | {f"{language}.pdf": data for language, data in printed.items()}

    async def _append(self, links: Sequence[Link]) -> None:
        await self._store.sheets.append(links)
        await self.mirror()


_WHY_REPLACED = "sheet.why_replaced"
"""A catalogue key: whoever verifies reads it in their language."""


def _named(intake: Intake) -> Snapshot:
    """The snapshot under the intake's id."""
    snapshot = intake.snapshot or Snapshot()
    return snapshot.model_copy(update={"id": intake.id})


def _nameless(words: str, intake: Intake | None) -> str:
    """``words`` without the car's plate and VIN: a link of the chain stays when all else of an intake is erased."""
    known = (intake.vin, intake.answers.vin, intake.answers.plate) if intake else ()
    for name in filter(None, known):
        spelled = r"[\s·.\-]*".join(map(re.escape, name.replace("·", "")))
        words = re.sub(spelled, f"…{name[-4:]}" if len(name) == VIN_LENGTH else "…", words, flags=re.IGNORECASE)
    return words


def _next(last: Link | None) -> int:
    return last.statement.number + 1 if last else 1


def _withdrawal(pen: Pen, last: Link | None, sheet: Statement, why: str, replaced_by: int) -> Link:
    return pen(
        last,
        kind="withdrawal",
        intake_id=sheet.intake_id,
        withdraws=sheet.number,
        why=why,
        replaced_by=replaced_by,
    )
