"""Remote commands through real processes: broker, back office, agent and a simulated car."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.simulated import simulated
from tests.system.product import Product, product, until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(150)]
FAST = ("--ecu-ms", "2", "--baud", "500000", "--search-ms", "5")
SLOW = ("--ecu-ms", "15", "--baud", "500000", "--search-ms", "5")
BOX = "/api/v1/boxes/bay-box-7/commands"


async def first_reading(made: Product) -> dict[str, Any]:
    """Wait until the car that is plugged in was read and its snapshot is upstream; return that record."""
    await until(lambda: snapshots(made))
    return (await snapshots(made))[0]


async def records(made: Product, kind: str) -> list[dict[str, Any]]:
    return [one for one in await made.records() if one["kind"] == kind]


async def snapshots(made: Product) -> list[dict[str, Any]]:
    return await records(made, "snapshot")


def rules_of(record: dict[str, Any]) -> set[str]:
    body = record["record"]["body"]
    return {finding["rule"] for finding in body.get("snapshot", body)["findings"]}


async def answered(made: Product, command_id: str) -> dict[str, Any] | None:
    said: dict[str, Any] = await made.ask(f"{made.office_url}/api/v1/commands/{command_id}")
    return None if said["state"] == "waiting" else said


async def intake_under_way(made: Product) -> str:
    """Ask for an intake of the car that was read already, and wait until the car is being read; return the id."""
    made_id = (await made.post(BOX, kind="intake", params={"bay": "Bay 1"}, operator="Li", life_s=120))["id"]

    async def reading() -> bool:
        return bool((await made.bay())["stage"] == "reading")

    await until(reading)
    return str(made_id)


async def asked(made: Product, kind: str, **params: object) -> dict[str, Any]:
    """Ask by the API and wait for the answer."""
    made_id = (await made.post(BOX, kind=kind, params=params, operator="Li", life_s=120))["id"]
    said: dict[str, Any] = await until(lambda: answered(made, made_id), 60)
    return said


async def test_each_kind_is_carried_out_and_answered(tmp_path: Path) -> None:
    async with simulated("service-overdue", *FAST) as lot, product(tmp_path, lot.url) as made:
        first = await first_reading(made)
        assert "service.overdue" not in rules_of(first)

        code, health = await made.console("health")
        rules = await asked(made, "rules")
        resent = await asked(made, "resend", stream=first["stream"], ranges=[[1, first["seq"] + 50]])
        service = lot.truth["last_service"]
        done_at = datetime.now(UTC) - timedelta(days=service["done_days_ago"])
        said = {"done_at": done_at.isoformat(), "odometer_m": service["odometer_m"], "operator": "Li"}
        await made.post("/api/v1/workorders", vin=lot.truth["vin"], **said)
        await until(lambda: records(made, "finding"))  # the box has judged the car again by what it was told
        intake = await asked(made, "intake", bay="Bay 1")
        elsewhere = await asked(made, "intake", bay="Bay 9")
        await until(lambda: _two(made))
        (facts,) = [one for one in (await made.ask(made.office_url + BOX))["items"] if one["kind"] == "facts"]
        latest = max(await snapshots(made), key=lambda one: int(one["seq"]))

    assert [one["state"] for one in (health, rules, resent, facts, intake)] == ["done"] * 5
    assert (code, elsewhere["state"]) == (0, "refused")
    assert {line["subject"] for line in health["report"]["lines"]} >= {"broker", "clock", "disk"}
    assert str(tmp_path) not in str(health)
    assert rules["report"]["plans"] > 0
    assert resent["report"]["again"]
    assert facts["report"]["new"] == 1
    assert "service.overdue" in rules_of(latest)
    assert latest["snapshot_id"] == intake["report"]["intake_id"] != first["snapshot_id"]
    assert not any(word in made.log(name) for name in ("agent", "office") for word in (lot.truth["vin"], "Traceback"))
    assert lot.summary["writes"] == 0


async def _two(made: Product) -> bool:
    return len(await snapshots(made)) == 2


async def test_a_lost_answer_is_given_again_and_a_box_that_dies_first_says_so(tmp_path: Path) -> None:
    async with simulated("clean", *SLOW) as lot, product(tmp_path, lot.url) as made:
        await first_reading(made)
        command_id = await intake_under_way(made)
        await made.kill("office")

        async def read() -> bool:
            return bool((await made.bay())["stage"] != "reading")

        await until(read)  # the answer goes to nobody
        await made.start("office")
        lost = await until(lambda: answered(made, command_id))
        await until(lambda: _two(made))  # and no third

        command_id = await intake_under_way(made)
        await made.kill("agent")
        await made.start("agent")
        interrupted = await until(lambda: answered(made, command_id))

    assert (lost["state"], lost["sends"] >= 2) == ("done", True)
    assert (interrupted["state"], interrupted["text"]["en"][:23]) == ("failed", "The box was interrupted")
    assert lot.summary["writes"] == 0
