"""What a card of the bay page says of a car, and the one line that says how delivery stands."""

from datetime import UTC
from pathlib import Path

import pytest

from agent.answers import Answers
from agent.bay import BayState, PluggedCar
from agent.bays import Bays
from agent.intake import Circumstances, drove, read
from agent.ledger import Intake, Known
from agent.ledger_store import LedgerStore
from agent.looks import Looks
from collector.events import DriveDone
from config.catalogue import Language
from sync.command_facts import StockFact, StockState
from sync.publisher import PublisherState
from tests.agent.cars import CAR_A, NOW, reading_of

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

    before = str(await looks.cards(Language.EN))
    await store.facts.take([StockFact(id="k1", vin=CAR_A, state=StockState.RESERVED, at=NOW)])
    cards, chinese = await looks.cards(Language.EN), await looks.cards(Language.ZH)

    assert "reserved" not in before
    sections = cards["sections"]
    assert "In stock: reserved" in sections["bays"][0]["head"]
    assert "reserved ·" in sections["awaiting"][0]["head"]
    assert "库存状态：已预订" in chinese["sections"]["bays"][0]["head"]
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
        (card,) = (await looks.cards(Language.EN))["sections"]["latest"]
        asked.append(
            ("Dashboard after the drive" in card["body"], '<details class="fold">' in card["body"], card["form"])
        )
    await store.close()

    assert asked == [(False, True, "i1/"), (True, False, "i1//after")]
