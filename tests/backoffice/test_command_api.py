"""Asking a box by the API: what no box would take is refused in a sentence, what it answered can be read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from backoffice import commands as queue
from backoffice.store import RecordStore
from sync.command import CommandAnswer, Status
from tests.backoffice.facts import START, VIN_A, row, visit
from tests.backoffice.web_client import web_client

BOX = "/api/v1/boxes/bay-1/commands"


@pytest.fixture
async def client(store: RecordStore) -> AsyncIterator[httpx.AsyncClient]:
    await store.store_batch("bay-1", "s1", 1, [(1, row(visit("v1", vin=VIN_A)))], START)
    async with web_client(store) as opened:
        yield opened


async def answered(store: RecordStore, command_id: str, **said: object) -> None:
    answer = CommandAnswer.model_validate({"id": command_id, "status": Status.DONE} | said)
    assert await store.in_transaction(lambda c: queue.note_answer(c, "bay-1", answer, datetime.now(UTC)))


async def test_what_is_asked_waits_and_its_answer_can_be_read(client: httpx.AsyncClient, store: RecordStore) -> None:
    asked = await client.post(BOX, json={"kind": "intake", "params": {"bay": "Bay 1"}, "operator": "Li"})
    made = asked.json()
    assert (asked.status_code, made["state"], made["created_by"]) == (201, "waiting", "Li")
    assert made["text"]["en"] == "Waiting for the box to answer."

    report = {"kind": "intake", "intake_id": "i1", "sent": True}
    await answered(store, made["id"], reason="command.intake_taken", params={"bay": "Bay 1"}, report=report)

    one = (await client.get(f"/api/v1/commands/{made['id']}")).json()
    assert (one["state"], one["text"]["en"]) == ("done", "The car at bay Bay 1 was read.")
    assert one["text"]["zh"] == "工位 Bay 1 的车已读取。"
    assert one["report"] == report
    assert [item["id"] for item in (await client.get(BOX)).json()["items"]] == [made["id"]]


REFUSED: tuple[tuple[dict[str, object], str], ...] = (
    ({"kind": "reboot"}, "kind"),
    ({"kind": "facts", "params": {"facts": [{}]}}, "kind"),
    ({"kind": "intake"}, "name a bay or an adapter"),
    ({"kind": "health", "params": {"file": "/etc/passwd"}}, "params.file"),
    ({"kind": "resend", "params": {"stream": "0a", "ranges": [[5, 4]]}}, "the lower first"),
    ({"kind": "health", "life_s": 0}, "life_s"),
    ({"kind": "health", "operator": " "}, "operator"),
)


async def test_what_no_box_would_take_is_refused_in_a_sentence(client: httpx.AsyncClient) -> None:
    for said, words in REFUSED:
        refused = await client.post(BOX, json={"operator": "Li"} | said)
        assert refused.status_code == 422
        assert words in refused.json()["detail"]
        assert "passwd" not in refused.text

    assert (await client.get(BOX)).json()["items"] == []


async def test_a_box_that_nobody_has_heard_of_is_not_asked(client: httpx.AsyncClient) -> None:
    for device in ("bay-9", "BAY", "a%2Fb", "%2B", "%23"):
        path = f"/api/v1/boxes/{device}/commands"
        said = await client.post(path, json={"kind": "health", "operator": "Li"})
        assert said.status_code in (404, 422)
        assert (await client.get(path)).status_code in (404, 422)


async def test_a_full_queue_is_said(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "OPEN_LIMIT", 1)
    asked = [await client.post(BOX, json={"kind": "health", "operator": "Li"}) for _ in range(2)]

    assert [one.status_code for one in asked] == [201, 409]


SAID: tuple[tuple[str, dict[str, object]], ...] = (
    ("command.from_the_future", {}),
    ("command.intake_taken", {}),
    ("command.resent", {"count": "x", "gone": "@command.waiting"}),
    ("x\u0000\u202e", {}),
    ("", {"count": 10**300}),
)


async def test_whatever_a_box_says_is_shown_in_some_words(client: httpx.AsyncClient, store: RecordStore) -> None:
    for reason, params in SAID:
        made = (await client.post(BOX, json={"kind": "health", "operator": "Li"})).json()
        await answered(store, made["id"], reason=reason, params=params, t=-(10**18), report={"x": [1, None, "<b>"]})
        shown = await client.get(f"/api/v1/commands/{made['id']}")
        assert shown.status_code == 200
        assert shown.json()["text"]["en"].isprintable()


async def test_a_command_that_does_not_exist_is_said(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/commands/none")).status_code == 404
