"""Draws the bay page: the same cards for the first load and for every change that is sent to the phone."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from agent.answers import METRES
from agent.bay import BayState, Stage
from agent.bays import Bays
from agent.intake import asks_after
from agent.ledger import Intake, Listed, Status
from agent.ledger_store import LedgerStore
from agent.picture import Card, Picture
from agent.sheet_files import RENDERINGS
from agent.wording import said, verdict_text, words_of
from config.catalogue import Language, has, render
from config.makes import spoken_make
from evidence.plate import PROVINCES
from evidence.snapshot import Purpose
from sync.outbox_room import ALARM_RATIO
from sync.publisher import PublisherState

TEMPLATES = Path(__file__).parent / "templates"
LATEST_SHOWN = 12
FORMS_SHOWN = 8  # of the cars that wait: whoever types has the newest before them, an older form opens at a tap
MINUTE = "%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class _Choices:
    """What forms offer besides typing."""

    operators: tuple[str, ...]
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Face:
    """All that the card of a car away from the plugs is drawn from: the same face, the same card."""

    listed: Listed
    stock: str | None
    choices: _Choices
    folded: bool


class Looks:
    """``link`` tells how delivery to the back office stands; ``zone`` is where times are read."""

    def __init__(self, bays: Bays, store: LedgerStore, link: Callable[[], PublisherState], zone: tzinfo) -> None:
        self._bays = bays
        self._store = store
        self._link = link
        self._jinja = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters["local"] = lambda at: at.astimezone(zone).strftime(MINUTE)
        self._drawn: dict[tuple[str, Language], dict[_Face, Card]] = {}

    async def page(self, language: Language) -> str:
        """The whole page."""
        picture = await self.picture(language)
        return self._draw("page.html", language, sections=picture.sections, link=picture.link)

    async def picture(self, language: Language) -> Picture:
        """What the page shows now."""
        return Picture(await self._sections(language), self._link_line(language))

    def manual(self, title: str, body: str, language: Language) -> str:
        """One section of the manual."""
        return self._draw("manual.html", language, title=title, body=Markup(body))  # noqa: S704 - our own Markdown

    def intake(self, language: Language, **shown: Any) -> str:
        """The page of one intake: its sheet, the seller's answers, its photos."""
        return self._draw("intake.html", language, renderings=RENDERINGS, **shown)

    async def _sections(self, language: Language) -> dict[str, list[Card]]:
        choices = _Choices(await self._store.operators(), await self._store.models())
        states = self._bays.states
        plugged = {state.car.intake_id for state in states if state.car}
        awaiting = await self._store.listed(Status.AWAITING_IDENTITY, Status.AWAITING_DASH)
        done = await self._store.listed(Status.COMPLETE, limit=LATEST_SHOWN + len(plugged))
        return {
            "bays": [await self._bay_card(state, choices, language) for state in states],
            "awaiting": await self._lists("awaiting.html", _away(awaiting, plugged), choices, language),
            "latest": await self._lists("latest.html", _away(done, plugged)[:LATEST_SHOWN], choices, language),
        }

    async def _bay_card(self, state: BayState, choices: _Choices, language: Language) -> Card:
        intake = await self._store.intake(state.car.intake_id) if state.car else None
        vin = (state.car.vin if state.car else "") or (intake.vin if intake else "")
        stock = (await self._store.facts.stock_states((vin,))).get(vin) if vin else None
        head = self._draw("bay.html", language, state=state, car=state.car, intake=intake, stock=stock)
        body, form = "", ""
        done = state.stage is Stage.COMPLETE
        if state.car is not None and state.car.driving:
            form = f"{state.car.intake_id}/driving"  # nothing to type into until the car stands
        elif state.car is not None:
            form = state.car.intake_id
            asks_vin = state.car.read and not (state.car.vin or (intake and intake.vin))
            if asks_vin:
                form += "/vin"  # the question for the VIN appears once the car has turned out to be silent
            form += _after(intake)
            body = self._form(state.car.intake_id, intake, choices, language, asks_vin=bool(asks_vin), folded=done)
        sent = intake is not None and intake.sent
        tail = self._draw("verdict.html", language, intake=intake, folded=False) if sent else ""
        return Card(f"bay-{quote(state.name)}", form, head, body, tail)

    async def _lists(
        self, template: str, listed: Sequence[Listed], choices: _Choices, language: Language
    ) -> list[Card]:
        """Their cards: only those are read and drawn that were not drawn just so the last time."""
        stock = await self._store.facts.stock_states({one.vin for one in listed if one.vin})
        shown = FORMS_SHOWN if template == "awaiting.html" else 0
        faces = [_Face(one, stock.get(one.vin), choices, place >= shown) for place, one in enumerate(listed)]
        before = self._drawn.get((template, language), {})
        cards = {face: before[face] for face in faces if face in before}
        intakes = await self._store.intakes_by_id([face.listed.id for face in faces if face not in cards])
        for face in faces:
            if intake := intakes.get(face.listed.id):
                cards[face] = self._away_card(template, intake, face, language)
                await asyncio.sleep(0)  # drawing hundreds must not keep an adapter waiting
        self._drawn[template, language] = cards
        return [cards[face] for face in faces if face in cards]

    def _away_card(self, template: str, intake: Intake, face: _Face, language: Language) -> Card:
        return Card(
            f"intake-{intake.id}",
            f"{intake.id}/{'' if intake.vin else 'vin'}{_after(intake)}",
            self._draw(template, language, intake=intake, stock=face.stock),
            self._form(intake.id, intake, face.choices, language, asks_vin=not intake.vin, folded=face.folded),
            self._draw("verdict.html", language, intake=intake, folded=True) if intake.sent else "",
        )

    def _form(
        self,
        intake_id: str,
        intake: Intake | None,
        choices: _Choices,
        language: Language,
        *,
        asks_vin: bool,
        folded: bool = False,
    ) -> str:
        answers, after = intake.answers if intake else None, bool(_after(intake))
        plate = answers.plate if answers else ""
        province = plate[:1] if plate[:1] in PROVINCES else ""
        return self._draw(
            "form.html",
            language,
            intake_id=intake_id,
            answers=answers,
            asks_vin=asks_vin,
            asks_after=after,
            folded=folded and not after,
            province=province,
            plate_rest=plate[len(province) :],
            dash_km=_km(answers.dash_m) if answers else "",
            provinces=PROVINCES,
            choices=choices,
        )

    def _link_line(self, language: Language) -> str:
        link = self._link()
        if link.refused:
            reason = render(link.refused_key, language) if has(link.refused_key) else link.refused
            return render("page.link_refused", language, reason=reason)
        if link.fullness >= ALARM_RATIO:
            return render("page.link_full", language, buffered=link.buffered, percent=round(link.fullness * 100))
        if link.unanswered:
            return render("page.link_unanswered", language, buffered=link.buffered)
        if not link.connected:
            return render("page.link_down", language, buffered=link.buffered)
        return render("page.link_sending" if link.buffered else "page.link_up", language, buffered=link.buffered)

    def _draw(self, template: str, language: Language, **values: object) -> str:
        def t(key: str, **params: object) -> str:
            return render(key, language, **params)

        values |= {"t": t, "said": lambda key: said(key, language), "words_of": words_of, "verdict_text": verdict_text}
        values["make_name"] = lambda make: spoken_make(make, language)
        return self._jinja.get_template(template).render(**values, language=language, purposes=tuple(Purpose))


def _away(listed: tuple[Listed, ...], plugged: set[str]) -> list[Listed]:
    """Those whose car is not at a plug now: the others have a bay's card."""
    return [one for one in listed if one.id not in plugged]


def _after(intake: Intake | None) -> str:
    """What the name of a form ends with while it asks for the dashboard after a drive."""
    return "/after" if intake is not None and asks_after(intake) else ""


def _km(metres: int | None) -> str:
    return "" if metres is None else f"{metres // METRES}"
