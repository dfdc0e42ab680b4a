"""What a card of the bay page says of a car, and the one line that says how delivery stands."""

from dataclasses import replace
from datetime import UTC
from itertools import pairwise
from pathlib import Path

import pytest

from agent.answers import Answers
from agent.bay import BayState, PluggedCar
from agent.bays import Bays
from agent.intake import Circumstances, drove, read
from agent.ledger import Intake, Known
from agent.ledger_store import LedgerStore
from agent.looks import FORMS_SHOWN, Looks
from collector.events import DriveDone
from config.catalogue import Language
from sync.command_facts import StockFact, StockState
from sync.publisher import PublisherState
from tests.agent.cars import CAR_A, NOW, reading_of, vin_of

REFUSED = PublisherState(refused="no", refused_key="mqtt.refused_topic", fullness=0.9)
LINES = {
    "access list": REFUSED,
    "85 % full": PublisherState(fullness=0.85, buffered=7),
    "no back office confirms": PublisherState(connected=True, unanswered=True, buffered=7),
    "not reached": PublisherState(buffered=7),
    "7 to go": PublisherState(connected=True, buffered=7),
}


@pytest.mark.parametrize("part", LINES)
def test_the_line_says_what_matters_most(part: str) -> None:
    looks = Looks.__new__(Looks)
    looks._link = lambda: LINES[part]

    assert part in looks._link_line(Language.EN)
    assert looks._link_line(Language.ZH) != looks._link_line(Language.EN)


async def test_where_a_car_stands_in_the_stock_is_said_beside_it(tmp_path: Path) -> None:
    store = await LedgerStore.open(tmp_path / "ledger.db")
    bays = Bays.__new__(Bays)
    bays._states = {"Bay 1": BayState("Bay 1", car=PluggedCar("i2", NOW, vin=CAR_A))}
    looks = Looks(bays, store, PublisherState, UTC)
    visit = read(Intake("i1", "Bay 1", NOW), reading_of(CAR_A), Known(), Circumstances(NOW))
    await store.commit(visit)

    before = str(await looks.picture(Language.EN))
    await store.facts.take([StockFact(id="k1", vin=CAR_A, state=StockState.RESERVED, at=NOW)])
    shown, chinese = await looks.picture(Language.EN), await looks.picture(Language.ZH)

    assert "reserved" not in before
    assert "In stock: reserved" in shown.sections["bays"][0].head
    assert "reserved ·" in shown.sections["awaiting"][0].head
    assert "库存状态：已预订" in chinese.sections["bays"][0].head
    await store.close()


async def test_a_drive_that_told_no_odometer_asks_for_the_dashboard_once_more(tmp_path: Path) -> None:
    store = await LedgerStore.open(tmp_path / "ledger.db")
    bays = Bays.__new__(Bays)
    bays._states = {}
    looks = Looks(bays, store, PublisherState, UTC)
    answers = Answers(plate="沪A12345", dash_m=52_340_000, operator="Li Lei")
    visit = read(Intake("i1", "Bay 1", NOW, answers=answers), reading_of(CAR_A), Known(), Circumstances(NOW))
    driven = drove(visit.intake, DriveDone("dash", speed_distance_m=8_000), Known(), Circumstances(NOW))

    asked = []
    for change in (visit, driven):
        await store.commit(change)
        (card,) = (await looks.picture(Language.EN)).sections["latest"]
        asked.append(("Dashboard after the drive" in card.body, '<details class="fold">' in card.body, card.form))
    await store.close()

    assert asked == [(False, True, "i1/"), (True, False, "i1//after")]


async def test_a_waiting_car_is_drawn_anew_only_when_something_on_its_card_changed(tmp_path: Path) -> None:
    store = await LedgerStore.open(tmp_path / "ledger.db")
    bays = Bays.__new__(Bays)
    bays._states = {}
    looks = Looks(bays, store, PublisherState, UTC)
    visits = [read(Intake(f"i{n}", "Bay 1", NOW), reading_of(vin_of(n)), Known(), Circumstances(NOW)) for n in (1, 2)]
    for visit in visits:
        await store.commit(visit)

    pictures = [await looks.picture(Language.EN)]
    for change in (
        store.commit(
            replace(visits[0], intake=replace(visits[0].intake, answers=Answers(plate="沪A12345")), owed=None)
        ),
        store.facts.take([StockFact(id="k1", vin=vin_of(2), state=StockState.RESERVED, at=NOW)]),
        store.commit(replace(visits[1], intake=replace(visits[1].intake, answers=Answers(operator="Li")), owed=None)),
        store.abandon_open(),
    ):
        await change
        pictures.append(await looks.picture(Language.EN))
    await store.close()

    told = [[card["key"] for card in new.since(old)["cards"]] for old, new in pairwise(pictures)]
    # who typed is offered to everybody, so the third change is on both cards
    assert told == [["intake-i1"], ["intake-i2"], ["intake-i2", "intake-i1"], []]
    unchanged = pictures[1].by_key()["intake-i2"]
    assert unchanged is pictures[0].by_key()["intake-i2"]


async def test_of_many_that_wait_only_the_newest_show_their_forms(tmp_path: Path) -> None:
    store = await LedgerStore.open(tmp_path / "ledger.db")
    bays = Bays.__new__(Bays)
    bays._states = {}
    for number in range(FORMS_SHOWN + 2):
        intake = Intake(f"i{number}", "Bay 1", NOW)
        await store.commit(read(intake, reading_of(vin_of(number)), Known(), Circumstances(NOW)))

    cards = (await Looks(bays, store, PublisherState, UTC).picture(Language.EN)).sections["awaiting"]
    await store.close()

    assert ["<template>" in card.body for card in cards] == [False] * FORMS_SHOWN + [True] * 2
    assert {'name="dash_km"' in card.body for card in cards} == {True}
