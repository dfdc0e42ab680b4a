"""Judging again after each batch: alerts open once, follow the car, and close by themselves."""

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from backoffice.dossier import Dossier
from backoffice.judging import Judged, judge_dossier
from backoffice.office_settings import OfficeSettings
from backoffice.store import RecordStore
from backoffice.views import AlertView, WorkOrder
from evidence.snapshot import CounterPart, CountersPart, DtcPart, ItemPart, Result, Severity
from protocols.readings import DtcClass, ItemStatus, Monitor
from sync.records import SnapshotBody
from tests.backoffice.facts import DAY, START, VIN_A, VIN_B, clock, dash, row, visit
from tests.backoffice.test_store import only_car, put


def with_codes(snapshot_id: str, *codes: str, **more: object) -> SnapshotBody:
    parts = tuple(DtcPart(code=code, dtc_class=DtcClass.STORED, ecu="7E8") for code in codes)
    read = (ItemPart(item="dtcs.stored", status=ItemStatus.READ),)
    return visit(snapshot_id, vin=VIN_A, dtcs=parts, items=read, **more)  # type: ignore[arg-type]


EPISODE = "codes.episode"


def rolled_back(snapshot_id: str) -> SnapshotBody:
    """An odometer below the car's own distance since codes were cleared."""
    counters = CountersPart(distance_since_clear_m=(CounterPart(ecu="7E8", value=40_000_000),))
    return visit(snapshot_id, vin=VIN_A, a6_m=30_000_000, counters=counters)


async def of_rule(store: RecordStore, rule: str, *, open_only: bool = True) -> list[AlertView]:
    return [alert for alert in await store.alerts(open_only=open_only) if alert.rule == rule]


async def test_a_rolled_back_second_visit_is_impossible_and_alerted_once(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, stock="S-77", a6_m=100_000_000))
    assert await store.alerts() == ()
    await put(store, rolled_back("v2"), first=2)
    car = await only_car(store)
    alerts = await store.alerts()

    assert car.verdict is Result.IMPOSSIBLE
    assert {alert.rule for alert in alerts} == {"odometer.counter_exceeds", "odometer.below_earlier"}
    assert {(alert.stock_number, alert.vin_tail, alert.occurrences) for alert in alerts} == {("S-77", VIN_A[-4:], 1)}
    assert all(alert.text.en and alert.text.zh for alert in alerts)
    assert car.worst_severity is Severity.STOP
    assert car.open_alerts == 2


async def test_replays_clock_jumps_and_time_passing_alert_nobody_again(store: RecordStore) -> None:
    bodies = (visit("v1", vin=VIN_A, a6_m=100_000_000), rolled_back("v2"))
    await put(store, *bodies)
    before = await store.alerts()
    owed = await store.waiting_notifications(START + DAY)
    await put(store, *bodies)
    await put(store, *bodies, stream="restored")
    await put(store, clock(START + 400 * DAY), first=3)
    await store.review_stale(START + 3 * DAY)

    assert [(a.id, a.occurrences) for a in await store.alerts(open_only=False)] == [(a.id, 1) for a in before]
    assert await store.waiting_notifications(START + DAY) == owed


async def test_the_same_fault_at_the_next_visit_is_the_same_episode(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=100_000_000), rolled_back("v2"), rolled_back("v3"))
    (alert,) = await of_rule(store, "odometer.counter_exceeds")

    assert alert.occurrences in (1, 2)  # one batch is judged once
    await put(store, rolled_back("v4"), first=4)
    (later,) = await of_rule(store, "odometer.counter_exceeds")
    assert (later.id, later.occurrences) == (alert.id, alert.occurrences + 1)


async def test_a_code_stays_one_alert_until_its_monitor_has_run_without_it(store: RecordStore) -> None:
    await put(store, with_codes("v1", "P0420"))
    (opened,) = await of_rule(store, EPISODE)
    await put(store, with_codes("v2", "P0420"), first=2)
    (standing,) = await of_rule(store, EPISODE)
    await put(store, with_codes("v3"), first=3)
    (unproven,) = await of_rule(store, EPISODE)
    await put(store, with_codes("v4", readiness={"catalyst": Monitor.COMPLETE}), first=4)
    (closed,) = await of_rule(store, EPISODE, open_only=False)

    assert opened.id == standing.id == unproven.id == closed.id
    assert standing.closed_at is None
    assert "nothing proves" in unproven.text.en
    assert closed.closed_at is not None
    assert len(await store.waiting_notifications(START + DAY)) == 1


async def test_a_code_that_is_back_after_it_was_healed_is_told_again(store: RecordStore) -> None:
    ready = {"catalyst": Monitor.COMPLETE}
    await put(store, with_codes("v1", "P0420"), with_codes("v2", readiness=ready))
    await put(store, with_codes("v3", "P0420"), first=3)

    (alert,) = await of_rule(store, EPISODE)
    assert "is back" in alert.text.en


async def test_another_code_is_another_alert(store: RecordStore) -> None:
    await put(store, with_codes("v1", "P0420"))
    await put(store, with_codes("v2", "P0420", "P0171"), first=2)

    assert len(await of_rule(store, EPISODE)) == 2


async def test_codes_that_could_not_be_asked_close_nothing(store: RecordStore) -> None:
    await put(store, with_codes("v1", "P0420"))
    silent = visit("v2", vin=VIN_A, items=(ItemPart(item="dtcs.stored", status=ItemStatus.TIMEOUT),))
    await put(store, silent, first=2)

    assert len(await of_rule(store, EPISODE)) == 1


def _same(moment: datetime) -> datetime:
    return moment


async def test_a_stage_is_told_once_though_the_clock_is_put_back_and_on(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=50_000_000))
    await store.add_workorder(WorkOrder(vin=VIN_A, done_at=START - 170 * DAY, odometer_m=50_000_000, operator="W"))
    told = [one.alert.id for one in await store.waiting_notifications(START + DAY)]

    for days in (-20, 0, -10, 0):
        moment = START + days * DAY
        store._now = partial(_same, moment)
        await store.review_stale(START + 999 * DAY)

    assert [alert.id for alert in await store.alerts()] == told
    assert [one.alert.id for one in await store.waiting_notifications(START + DAY)] == told


async def test_a_snoozed_alert_is_away_until_its_time_and_then_told_once_more(store: RecordStore) -> None:
    await put(store, with_codes("v1", "P0420"))
    (alert,) = await store.alerts()
    (owed,) = await store.waiting_notifications(START + DAY)
    await store.notification_delivered(owed.id, "webhook", START)
    await store.notification_sent(owed.id, START)

    snoozed = await store.snooze_alert(alert.id, "Wang", START + 3 * DAY, "parts ordered")

    assert snoozed is not None
    assert (snoozed.snoozed_by, snoozed.snooze_reason) == ("Wang", "parts ordered")
    assert (await store.alerts(), (await store.counts())["open_alerts"]) == ((), 0)
    assert await store.waiting_notifications(START + 2 * DAY) == ()
    store._now = lambda: START + 3 * DAY
    assert [one.id for one in await store.alerts()] == [alert.id]
    (again,) = await store.waiting_notifications(START + 3 * DAY)
    assert (again.alert.id, again.delivered) == (alert.id, ())


@pytest.mark.parametrize("sent", [True, False])
async def test_an_alert_that_was_worse_is_told_after_it_was_put_off(store: RecordStore, *, sent: bool) -> None:
    counts = {ecu: CounterPart(ecu=ecu, value=40_000_000) for ecu in ("7E8", "7E9")}
    first = CountersPart(distance_since_clear_m=tuple(counts.values()))
    await put(store, visit("v1", vin=VIN_A, a6_m=30_000_000, counters=first))
    only_one = CountersPart(distance_since_clear_m=(counts["7E8"],))
    told = await store.waiting_notifications(START + DAY)
    for one in told if sent else ():
        await store.notification_sent(one.id, START)
    (alert,) = await of_rule(store, "odometer.counter_exceeds")
    await put(store, visit("v2", vin=VIN_A, a6_m=30_000_100, counters=only_one), first=2)
    (milder,) = await of_rule(store, "odometer.counter_exceeds")
    assert (alert.severity, milder.severity, milder.id) == (Severity.STOP, Severity.SOON, alert.id)

    await store.snooze_alert(alert.id, "Wang", START + 3 * DAY, "parts ordered")

    assert await store.waiting_notifications(START + 2 * DAY) == ()
    assert [one.alert.id for one in await store.waiting_notifications(START + 3 * DAY)] == [alert.id]


async def test_what_is_settled_while_it_is_put_off_is_not_told_again(store: RecordStore) -> None:
    await put(store, with_codes("v1", "P0420"))
    (alert,) = await store.alerts()
    await store.snooze_alert(alert.id, "Wang", START + 3 * DAY, "parts ordered")
    await put(store, with_codes("v2", readiness={"catalyst": Monitor.COMPLETE}), first=2)

    assert await store.waiting_notifications(START + 30 * DAY) == ()


async def test_confirmed_severe_use_and_oil_select_another_plan(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=50_000_000))
    await store.add_workorder(WorkOrder(vin=VIN_A, done_at=START - 100 * DAY, odometer_m=50_000_000, operator="W"))
    car = await only_car(store)
    assert await store.alerts() == ()

    changed = await store.set_use(car.id, "severe", "", "Wang")

    assert changed is not None
    assert (changed.use.severity, changed.use.confirmed_by) == ("severe", "Wang")
    assert [alert.rule for alert in await store.alerts()] == ["service.overdue"]
    assert await store.set_use("nobody", "severe", "", "Wang") is None


async def test_changed_rules_judge_every_car_again(tmp_path: Path) -> None:
    rules = tmp_path / "severities"
    rules.mkdir()
    row = '[[rule]]\nid = "a"\ncode = "P0420"\nseverity = "{}"\nwhy = "a reason"\n'
    (rules / "mine.toml").write_text(row.format("ignore"), encoding="utf-8")
    settings = OfficeSettings.model_validate({"database": {"directory": tmp_path}, "rules": {"severities": rules}})
    store = await RecordStore.open(settings, now=lambda: START)
    try:
        await put(store, with_codes("v1", "P0420"))
        assert await store.alerts() == ()
        (rules / "mine.toml").write_text(row.format("stop") + "\n", encoding="utf-8")

        assert store.rules.refresh()
        await store.review_stale(START + DAY)

        assert [alert.severity for alert in await store.alerts()] == [Severity.STOP]
    finally:
        await store.close()


async def test_what_comes_back_worse_than_it_was_told_is_told(tmp_path: Path) -> None:
    rules = tmp_path / "severities"
    rules.mkdir()
    row = '[[rule]]\nid = "a"\ncode = "P0420"\nseverity = "{}"\nwhy = "a reason"\n'
    settings = OfficeSettings.model_validate({"database": {"directory": tmp_path}, "rules": {"severities": rules}})
    (rules / "mine.toml").write_text(row.format("soon"), encoding="utf-8")
    store = await RecordStore.open(settings, now=lambda: START)
    try:
        await put(store, with_codes("v1", "P0420"))
        told = [len(await store.waiting_notifications(START + 9 * DAY))]
        for days, severity in enumerate(("ignore", "soon  ", "ignore  ", "stop    ", "ignore    ", "stop      "), 1):
            text = row.format(severity.strip()) + "\n" * len(severity)
            (rules / "mine.toml").write_text(text, encoding="utf-8")
            assert store.rules.refresh()
            await store.review_stale(START + days * DAY)
            told.append(len(await store.waiting_notifications(START + 9 * DAY)))

        # once as soon, once as stop, whatever the rules said in between
        assert told == [1, 1, 1, 1, 2, 2, 2]
    finally:
        await store.close()


async def test_an_overdue_service_alerts_as_time_passes_and_closes_when_done(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=50_000_000))
    await store.add_workorder(WorkOrder(vin=VIN_A, done_at=START - 250 * DAY, odometer_m=49_000_000, operator="W"))
    (alert,) = await of_rule(store, "service.overdue")
    await store.add_workorder(WorkOrder(vin=VIN_A, done_at=START, odometer_m=50_000_000, operator="W"))

    assert alert.severity is Severity.SOON
    assert await store.alerts() == ()
    assert [event.kind for event in await store.timeline(alert.vehicle_id)].count("alert") == 2


async def test_a_service_that_falls_due_without_a_visit_is_found_by_the_review(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=50_000_000))
    await store.add_workorder(WorkOrder(vin=VIN_A, done_at=START - 170 * DAY, odometer_m=50_000_000, operator="W"))
    stage_14 = await store.alerts()
    store._now = lambda: START + 60 * DAY
    assert await store.review_stale(START + 59 * DAY) == 1

    assert [alert.rule for alert in stage_14] == ["service.due"]
    assert [alert.rule for alert in await store.alerts()] == ["service.overdue"]
    assert await store.review_stale(START + 59 * DAY) == 0


async def test_an_acknowledged_alert_names_the_first_who_did(store: RecordStore) -> None:
    await put(store, with_codes("v1", "P0420"))
    (alert,) = await store.alerts()
    await store.acknowledge_alert(alert.id, "Wang", START + DAY)
    again = await store.acknowledge_alert(alert.id, "Li", START + 2 * DAY)

    assert again is not None
    assert (again.acknowledged_by, again.acknowledged_at, again.closed_at) == ("Wang", START + DAY, None)


async def test_a_new_alert_is_owed_to_people_until_every_channel_has_it(store: RecordStore) -> None:
    await put(store, with_codes("v1", "P0420"))
    now = START + DAY
    (owed,) = await store.waiting_notifications(now)
    await store.notification_delivered(owed.id, "webhook", now)
    await store.notification_failed(owed.id, "mail server away", now + timedelta(minutes=1))

    assert await store.waiting_notifications(now) == ()
    (retried,) = await store.waiting_notifications(now + timedelta(minutes=1))
    assert (retried.id, retried.attempts, retried.delivered) == (owed.id, 1, ("webhook",))
    await store.notification_delivered(owed.id, "webhook", now)
    await store.notification_sent(owed.id, now)
    assert await store.waiting_notifications(now + DAY) == ()


async def test_listeners_hear_of_a_commit_and_of_nothing_else(store: RecordStore) -> None:
    with store.feed.listen() as listener:
        body = row(with_codes("v1", "P0420"))
        await store.store_batch("bay-1", "s1", 1, [(1, body)], START)
        await store.store_batch("bay-1", "s1", 1, [(1, body)], START)
        (alert,) = await store.alerts()
        heard = [await listener.next(1), await listener.next(1), await listener.next(0.01)]

    assert heard == [{"type": "vehicle", "id": alert.vehicle_id}, {"type": "alert", "id": alert.id}, None]


async def test_two_cars_that_become_one_keep_one_alert_a_fault(store: RecordStore) -> None:
    code = (DtcPart(code="P0420", dtc_class=DtcClass.STORED, ecu="7E8"),)
    await put(store, visit("v1", vin=VIN_A, dtcs=code))
    await put(store, visit("v2", stock="S-1", dtcs=code), stream="s2")
    assert len(await of_rule(store, EPISODE)) == 2
    await put(store, dash("v2", None, vin=VIN_A, stock="S-1"), stream="s2", first=2)

    assert len(await of_rule(store, EPISODE)) == 1
    assert (await only_car(store)).open_alerts == 1


async def test_our_own_mistake_with_one_car_keeps_no_other_from_being_stored(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge_but_one(vehicle_id: str, dossier: Dossier, *rest: object, **more: object) -> Judged:
        if dossier.vehicle.vin == VIN_A:
            raise ZeroDivisionError
        return judge_dossier(vehicle_id, dossier, *rest, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr("backoffice.review.judge_dossier", judge_but_one)
        await put(store, visit("v1", vin=VIN_A), visit("v2", vin=VIN_B))
    assert [car.vin for car in await store.search_vehicles("")] == [VIN_B]
    assert (await store.counts())["records"] == 2

    await store.review_stale(START)
    assert {car.vin for car in await store.search_vehicles("")} == {VIN_A, VIN_B}


async def test_a_record_that_could_not_be_placed_is_placed_later(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(*_: object) -> str:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr("backoffice.projection.owner", nobody)
        await put(store, visit("v1", vin=VIN_A))
    assert (await store.counts())["unprojected"] == 1

    assert await store.catch_up() == 1
    assert (await only_car(store)).vin == VIN_A
    assert await store.catch_up() == 0


async def test_plugging_in_again_without_an_answer_does_not_settle_a_contradiction(store: RecordStore) -> None:
    await put(store, visit("v1", vin=VIN_A, a6_m=100_000_000), rolled_back("v2"))
    before = {alert.rule for alert in await store.alerts()}
    await put(store, visit("v3", vin=VIN_A), first=3)

    assert {alert.rule for alert in await store.alerts()} == before
