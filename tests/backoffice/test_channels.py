"""Alerts leaving the house, to a real web server and a real mail server on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from backoffice.channels import Channel, Courier, channels_of, run_channels
from backoffice.messages import Message
from backoffice.office_settings import AlertSettings
from backoffice.store import RecordStore
from config.errors import SettingsError
from evidence.snapshot import Snapshot
from sync.records import SnapshotBody
from tests.backoffice.facts import row
from tests.backoffice.lot import CLEAN, NOW, faulty_visit, office_in
from tests.backoffice.receivers import Receiver, mail_server, web_server

SECRET = "s3cret-token"
WAIT_S = 25


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RecordStore]:
    opened = await RecordStore.open(office_in(tmp_path), now=lambda: NOW)
    yield opened
    await opened.close()


def one_fault() -> Snapshot:
    """The faulty car with the first of its codes: one episode, one alert."""
    whole = faulty_visit()
    return whole.model_copy(update={"dtcs": whole.dtcs[:1]})


async def arrive(store: RecordStore, snapshot: Snapshot | None = None, seq: int = 1) -> None:
    """One car with new trouble codes comes in: one alert."""
    body = SnapshotBody(snapshot=snapshot or one_fault())
    await store.store_batch("bay-1", "s1", seq, [(seq, row(body))], NOW)


@asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await condition():  # noqa: ASYNC110 - the store has nothing to wait on
            await asyncio.sleep(0.02)


async def settled(store: RecordStore) -> bool:
    return (await store.counts())["notifications_waiting"] == 0


def webhook(receiver: Receiver, **more: object) -> AlertSettings:
    known = {"webhook_url": f"http://127.0.0.1:{receiver.port}/{SECRET}", "public_url": "http://office.test/"}
    return AlertSettings.model_validate(known | more)


async def test_a_new_alert_reaches_the_webhook_with_stock_number_tail_and_link(store: RecordStore) -> None:
    async with web_server(Receiver()) as receiver, running(run_channels(store, store.feed, webhook(receiver))):
        await arrive(store)
        got = await receiver.next()
        await until(lambda: settled(store))
    car = (await store.search_vehicles(""))[0]

    assert "P0301" not in got["message"] and "A-102" in got["title"]
    assert f"http://office.test/vehicles/{car.id}" in got["message"]
    assert car.vin[-4:] in got["message"]
    assert car.vin not in str(got) and car.plate not in str(got) and "LW" not in str(got)
    assert "故障码" in got["title"] and "Trouble code" in got["title"]


async def test_a_new_alert_reaches_a_mailbox(store: RecordStore) -> None:
    async with mail_server(Receiver()) as receiver:
        url = f"mailto://127.0.0.1:{receiver.port}?from=office@example.com&to=boss@example.com&mode=insecure"
        settings = AlertSettings(apprise_urls=(url,), language="zh")
        async with running(run_channels(store, store.feed, settings)):
            await arrive(store)
            got = await receiver.next()
            await until(lambda: settled(store))

    assert got["to"] == ["boss@example.com"]
    assert "故障码" in got["subject"] and "A-102" in got["subject"]
    assert "0102" in got["text"] and "Trouble code" not in got["text"]


async def test_what_was_owed_before_the_start_is_delivered_and_only_once(store: RecordStore) -> None:
    await arrive(store)
    async with web_server(Receiver()) as receiver:
        for _ in range(2):
            async with running(run_channels(store, store.feed, webhook(receiver))):
                await until(lambda: settled(store))

        assert receiver.got.qsize() == 1


async def test_a_refused_message_is_sent_again_and_counts_only_when_taken(store: RecordStore) -> None:
    async with web_server(Receiver(answers=[500, 503])) as receiver:
        settings = webhook(receiver)
        (channel,) = channels_of(settings)
        courier = Courier(store, store.feed, [channel.name], settings, now=lambda: NOW, pause_first_s=0.01)
        await arrive(store)
        async with running(courier.serve(channel)):
            await receiver.next()
            await until(lambda: settled(store))

    assert receiver.answers == []


async def test_a_silent_channel_never_delays_another(store: RecordStore) -> None:
    async with web_server(Receiver(silent=True)) as dead, web_server(Receiver()) as alive:
        settings = webhook(alive, apprise_urls=(f"json://127.0.0.1:{dead.port}/x",), send_timeout_s=60)
        async with running(run_channels(store, store.feed, settings)):
            await arrive(store)
            got = await asyncio.wait_for(alive.got.get(), 25)  # well before the silent one is given up
            await until(lambda: delivered_to(store, "webhook"))
        (owed,) = await store.waiting_notifications(NOW, channel="apprise-1")

    assert "A-102" in got["title"]
    assert owed.delivered == ("webhook",)


async def delivered_to(store: RecordStore, channel: str) -> bool:
    return all(channel in one.delivered for one in await store.waiting_notifications(NOW))


async def test_a_message_that_is_never_taken_does_not_hold_up_the_next(store: RecordStore) -> None:
    taken: list[str] = []

    def send(message: Message) -> bool:
        if "A-102" in message.title:
            return False
        taken.append(message.title)
        return True

    channel = Channel("picky", send)
    courier = Courier(
        store, store.feed, ["picky"], AlertSettings(), now=lambda: NOW, pause_first_s=0.01, pause_max_s=0.02
    )
    await arrive(store)
    other = one_fault()
    vehicle = other.vehicle.model_copy(update={"stock_number": "A-999", "vin": CLEAN})
    async with running(courier.serve(channel)):
        await arrive(store, other.model_copy(update={"id": "other", "vehicle": vehicle}), seq=2)
        await until(lambda: asyncio.sleep(0, bool(taken)))

    assert len(taken) == 1 and "A-999" in taken[0]


async def test_a_sender_that_breaks_is_a_failure_of_that_channel_only(store: RecordStore) -> None:
    calls: list[str] = []

    def send(message: Message) -> bool:
        calls.append(message.title)
        if len(calls) == 1:
            raise RuntimeError(SECRET)
        return True

    courier = Courier(store, store.feed, ["odd"], AlertSettings(), now=lambda: NOW, pause_first_s=0.01)
    await arrive(store)
    with capture_logs() as logs:
        async with running(courier.serve(Channel("odd", send))):
            await until(lambda: settled(store))

    assert len(calls) == 2
    assert SECRET not in str(logs)


async def test_no_log_line_holds_an_address(store: RecordStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    async with web_server(Receiver(answers=[500])) as receiver:
        settings = webhook(receiver)
        (channel,) = channels_of(settings)
        courier = Courier(store, store.feed, [channel.name], settings, now=lambda: NOW, pause_first_s=0.01)
        await arrive(store)
        with capture_logs() as logs:
            async with running(courier.serve(channel)):
                await until(lambda: settled(store))

    events = [line["event"] for line in logs]
    assert {"channel_failed", "alert_delivered"} <= set(events)
    assert SECRET not in str(logs)
    assert not any(SECRET in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("url", ["nonsense://" + SECRET, "http//" + SECRET, ""])
def test_an_address_nobody_understands_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        channels_of(AlertSettings(apprise_urls=(url,)))

    assert "apprise-1" in str(refused.value)
    assert SECRET not in str(refused.value)


async def test_without_channels_nothing_is_owed(store: RecordStore) -> None:
    await arrive(store)
    async with running(run_channels(store, store.feed, AlertSettings())):
        await until(lambda: settled(store))


async def test_shutdown_does_not_wait_for_a_silent_server(store: RecordStore) -> None:
    async with web_server(Receiver(silent=True)) as receiver:
        task = asyncio.ensure_future(run_channels(store, store.feed, webhook(receiver, send_timeout_s=60)))
        await arrive(store)
        await asyncio.sleep(0.1)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=1)

    assert done
