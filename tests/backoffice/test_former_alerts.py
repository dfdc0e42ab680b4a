"""A store that an earlier version filled: what stood there stands on, and nobody is told of it again."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from backoffice.office_settings import OfficeSettings
from backoffice.store import RecordStore
from backoffice.views import WorkOrder
from evidence.snapshot import DtcPart, ItemPart
from protocols.readings import DtcClass, ItemStatus
from tests.backoffice.facts import DAY, START, VIN_A, visit
from tests.backoffice.test_store import only_car, put

READ = (ItemPart(item="dtcs.stored", status=ItemStatus.READ),)
CODES = tuple(DtcPart(code=code, dtc_class=DtcClass.STORED, ecu="7E8") for code in ("P0301", "P0420"))
NOW = START + DAY


async def opened(office: OfficeSettings) -> RecordStore:
    return await RecordStore.open(office, now=lambda: NOW)


@pytest.fixture
async def old_office(office: OfficeSettings, tmp_path: Path) -> OfficeSettings:
    """Two codes in one alert that somebody has seen, and a stage of a service without the day it counts from."""
    store = await opened(office)
    await put(store, visit("v1", vin=VIN_A, a6_m=60_000_000, dtcs=CODES, items=READ))
    done = WorkOrder(vin=VIN_A, done_at=START - timedelta(days=400), odometer_m=30_000_000, operator="workshop")
    await store.add_workorder(done)
    for alert in await store.alerts():
        await store.acknowledge_alert(alert.id, "Wang", NOW)
    await store.close()
    with sqlite3.connect(tmp_path / "office.db") as plain:
        plain.execute("DELETE FROM deliveries")
        plain.execute("DELETE FROM notifications")
        plain.execute("DELETE FROM alerts WHERE rule = 'codes.episode' AND subject LIKE 'P0420%'")
        plain.execute("UPDATE alerts SET rule = 'codes.new', subject = 'P0301, P0420' WHERE rule = 'codes.episode'")
        stage = "substr(subject, 1, instr(subject, '/') + instr(substr(subject, instr(subject, '/') + 1), '/') - 1)"
        plain.execute(f"UPDATE alerts SET subject = {stage} WHERE rule LIKE 'service.%'")  # noqa: S608 - our own words
    plain.close()
    return office


async def test_an_upgraded_store_tells_nothing_twice_and_keeps_who_has_seen_it(old_office: OfficeSettings) -> None:
    store = await opened(old_office)
    before = await store.alerts(open_only=False)
    await store.review_stale(NOW + DAY)
    after = await store.alerts(open_only=False)
    owed = await store.waiting_notifications(NOW + DAY)
    await store.close()

    assert [one.rule for one in before].count("codes.new") == 1
    assert [one.rule for one in after].count("codes.episode") == 2
    assert len(after) == len(before) + 1
    assert {one.id for one in before} <= {one.id for one in after}
    assert all(one.closed_at is None and one.acknowledged_by == "Wang" for one in after)
    assert owed == ()


async def test_a_further_code_after_the_upgrade_is_news(old_office: OfficeSettings) -> None:
    store = await opened(old_office)
    new = (*CODES, DtcPart(code="U0101", dtc_class=DtcClass.STORED, ecu="7E9"))
    await put(store, visit("v2", vin=VIN_A, a6_m=60_010_000, dtcs=new, items=READ, at=NOW), first=2)
    owed = await store.waiting_notifications(NOW + DAY)
    car = await only_car(store)
    await store.close()

    assert [one.alert.rule for one in owed] == ["codes.episode"]
    assert "U0101" in owed[0].alert.text.en
    assert car.open_alerts >= 3
