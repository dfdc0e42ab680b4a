"""The main job through real processes: plug in, answer, unplug; each process is killed once and nothing is lost."""

import signal
from pathlib import Path

import pytest

from tests.simulated import SimulatedLot, simulated
from tests.system.product import Product, product, until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(150)]
FAST = ("--ecu-ms", "2", "--baud", "500000", "--search-ms", "5")


async def take_in(made: Product, lot: SimulatedLot, truth: dict[str, object]) -> None:
    """Answer the three questions for the car that is plugged in, and wait until it may be unplugged."""

    async def seen() -> dict[str, object] | None:
        bay = await made.bay()
        return bay if bay["vin"] == truth["vin"] else None

    async def sent() -> bool:
        return bool((await made.bay())["sent"])

    bay = await until(seen)
    answers = {name: truth[name] for name in ("plate", "stock_number", "dash_km", "operator")}
    await made.answer(str(bay["intake_id"]), **answers)
    await until(sent)


async def upstream_has(made: Product, vin: object, verdict: object) -> bool:
    return any(car["vin"] == vin and car["verdict"] == verdict for car in await made.vehicles())


async def test_a_minute_after_plugging_in_the_back_office_knows_the_car_and_the_alert(tmp_path: Path) -> None:
    async with simulated("engine-fault", *FAST) as lot, product(tmp_path, lot.url) as made:
        await take_in(made, lot, lot.truth)
        await until(lambda: upstream_has(made, lot.truth["vin"], lot.truth["verdict"]))
        alerts = (await made.ask(f"{made.office_url}/api/v1/alerts"))["items"]

    # the engine misfires and the gearbox has a code of its own: two episodes, two alerts
    assert [alert["rule"] for alert in alerts] == ["codes.episode", "codes.episode"]
    assert {code for code in ("P0301", "P0741") for alert in alerts if code in alert["text"]["en"]} == {
        "P0301",
        "P0741",
    }
    assert alerts[0]["vin_tail"] == str(lot.truth["vin"])[-4:]
    assert lot.summary["writes"] == 0


async def test_each_process_killed_once_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with simulated("clean", *FAST) as lot, product(tmp_path, lot.url) as made:
        await take_in(made, lot, lot.truth)
        await made.kill("office")
        await lot.act("unplug")
        second = (await lot.act("plug engine-fault"))["truth"]
        await take_in(made, lot, second)
        await made.kill("agent")
        await made.kill("broker")
        for name in ("broker", "agent", "office"):
            await made.start(name)
        await until(lambda: upstream_has(made, lot.truth["vin"], "consistent"))
        await until(lambda: upstream_has(made, second["vin"], second["verdict"]))
        records = await made.records()

    snapshots = [record["snapshot_id"] for record in records if record["kind"] == "snapshot"]
    identities = [(record["device"], record["stream"], record["seq"]) for record in records]
    assert len(snapshots) == len(set(snapshots))
    assert len(identities) == len(set(identities))
    assert not any("Traceback" in made.log(name) for name in ("agent", "office"))


async def test_a_dash_value_typed_after_unplugging_and_a_restart_recomputes_the_verdict(tmp_path: Path) -> None:
    async with simulated("clean", *FAST) as lot, product(tmp_path, lot.url) as made:

        async def awaiting() -> list[dict[str, object]]:
            items: list[dict[str, object]] = (await made.ask(f"{made.agent_url}/api/intakes?state=awaiting"))["items"]
            return items

        await until(lambda: upstream_has(made, lot.truth["vin"], "consistent"))
        await lot.act("unplug")
        await made.kill("agent")
        await made.start("agent")
        waiting = await until(awaiting)
        await made.answer(str(waiting[0]["id"]), dash_km=28_000, operator="LW", plate="沪A10101", stock_number="S-1")
        await until(lambda: upstream_has(made, lot.truth["vin"], "suspicious"))
        still_waiting = await awaiting()

    assert [intake["vin"] for intake in waiting] == [lot.truth["vin"]]
    assert still_waiting == []


async def test_sigterm_drains_and_ends_with_exit_code_0(tmp_path: Path) -> None:
    async with simulated("clean", *FAST) as lot, product(tmp_path, lot.url) as made:
        await take_in(made, lot, lot.truth)
        codes = [await made.kill(name, signal.SIGTERM) for name in ("agent", "office")]

    assert codes == [0, 0]
