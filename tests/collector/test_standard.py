"""The standard steps against a scripted car: one unit's odd answer never passes for the whole car's."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from collector.adapter import Adapter
from collector.car import Car
from collector.notebook import Notebook
from collector.rfcomm_link import open_rfcomm
from collector.setup import Abilities
from collector.standard import FIRST_PIDS, map_of, read_lifetime_distance, read_support, read_values
from config.settings import AdapterSettings
from protocols.allowed import AllowList
from protocols.readings import ItemStatus, Trust

WAITS = AdapterSettings(reply_timeout_s=0.5)


def answer_of(answers: dict[str, str], data: bytes) -> bytes:
    """The scripted lines; a command with a count digit gets only so many of them."""
    command = data.strip().decode()
    if command.startswith("AT"):
        return answers.get(command, "12.6V" if command == "ATRV" else "OK").encode() + b"\r\r>"
    whole = command[: len(command) // 2 * 2]
    lines = answers.get(whole, "NO DATA").splitlines()
    wanted = int(command[-1], 16) if len(command) % 2 else len(lines)
    return "\r".join(lines[:wanted]).encode() + b"\r\r>"


class Sequences(dict[str, str]):
    """Each request's answers in turn, the last one for ever; ``asked`` keeps what was sent."""

    def __init__(self, **answers: list[str]) -> None:
        super().__init__()
        self.asked: list[str] = []
        self._answers = {name.removeprefix("r"): said for name, said in answers.items()}

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        self.asked.append(key)
        said = self._answers.get(key, [default])
        return said.pop(0) if len(said) > 1 else said[0]


@asynccontextmanager
async def car_that_says(answers: dict[str, str], *, headers: bool = True) -> AsyncIterator[Car]:
    theirs, ours = socket.socketpair()
    ours.setblocking(False)
    loop = asyncio.get_running_loop()

    async def run() -> None:
        while data := await loop.sock_recv(ours, 4096):
            await loop.sock_sendall(ours, answer_of(answers, data))

    running = asyncio.create_task(run())
    adapter = Adapter(await open_rfcomm("00:00:00:00:00:00", 1, lambda a, c, r: theirs), AllowList(), WAITS)
    able = Abilities("ELM327 v1.5", "ELM327", True, headers, True, True)
    try:
        yield Car(adapter, able, WAITS)
    finally:
        await adapter.close()
        running.cancel()
        ours.close()


async def test_a_lamp_that_one_unit_did_not_tell_about_is_not_off() -> None:
    support = {"7E8": frozenset({0x01}), "7E9": frozenset({0x01})}
    book = Notebook()
    async with car_that_says({"0101": "7E906410100070000"}) as car:
        book.support = support
        await read_values(car, book)

    assert book.mil is None
    assert book.items["monitor_status"].status is ItemStatus.TIMEOUT


async def test_an_answer_that_cannot_be_split_is_asked_for_singly() -> None:
    answers = {"01010D": "7E8054101000700", "0101": "7E806410100070000", "010D": "7E803410D00"}
    book = Notebook()
    async with car_that_says(answers) as car:
        car.pids_at_once = 6
        book.support = {"7E8": frozenset({0x01, 0x0D})}
        await read_values(car, book)

    assert book.items["monitor_status"].status is ItemStatus.READ
    assert book.mil is False
    assert book.speed_kmh() == 0


async def test_a_unit_that_was_not_expected_pushes_no_other_out() -> None:
    book = Notebook()
    async with car_that_says({"0101": "7EA06410100070000\n7E806410183070000"}) as car:
        book.support = {"7E8": frozenset({0x01})}
        await read_values(car, book)

    assert book.mil is True
    assert book.items["monitor_status"].status is ItemStatus.READ


async def test_without_headers_every_line_is_waited_for() -> None:
    book = Notebook()
    async with car_that_says({"0101": "410100070000\n410183070000"}, headers=False) as car:
        book.support = {"": frozenset({0x01})}
        await read_values(car, book)

    assert book.mil is True


async def test_the_fuel_monitors_lifetime_distance_is_one_more_witness() -> None:
    answers = {
        "0900": "7E806490054000200",
        "0917": "7E8101349170400000B\n7E821B8000E2B100000\n7E822019000125F40",
    }
    book = Notebook()
    async with car_that_says(answers) as car:
        await read_lifetime_distance(car, book)

    assert [(w.source, w.ecu, w.odometer_m, w.trust) for w in book.odometer] == [
        ("0917", "7E8", 92_852_800, Trust.HINT)
    ]
    assert book.items["odometer.0917"].status is ItemStatus.READ


async def test_a_fuel_monitor_is_asked_only_where_a_unit_offers_it() -> None:
    book = Notebook()
    async with car_that_says({"0900": "7E806490054000000"}) as car:
        await read_lifetime_distance(car, book)

    assert "odometer.0917" not in book.items


async def test_the_engines_own_odometer_is_a_hint_beside_the_cars() -> None:
    answers = {"01A6": "7E80641A6000F4240", "01D3": "7E80641D3000F4000"}
    book = Notebook()
    book.support["7E8"] = frozenset({0xA6, 0xD3})
    async with car_that_says(answers) as car:
        await read_values(car, book, (0xA6, 0xD3))

    assert [(w.source, w.odometer_m, w.trust) for w in book.odometer] == [
        ("01A6", 100_000_000, Trust.STANDARD),
        ("01D3", 99_942_400, Trust.HINT),
    ]


async def read_with_maps(answers: dict[str, str]) -> Notebook:
    """The supported PIDs and then those that are wanted first, of a car that says ``answers``."""
    book = Notebook()
    async with car_that_says(answers) as car:
        await read_support(car, await car.ask(b"\x01\x00"), book)
        await read_values(car, book, FIRST_PIDS)
    return book


ANNOUNCES_MORE = {"0100": "7E806410080000001", "0101": "7E806410100070000"}  # PID 01, and that there is a map 20


async def test_what_a_lost_list_might_have_announced_is_not_called_unsupported() -> None:
    book = await read_with_maps(ANNOUNCES_MORE)

    assert {book.items[item].status for item in ("0121", "0131", "odometer.01A6")} == {ItemStatus.TIMEOUT}
    assert {book.items[item].status for item in ("010C", "010D")} == {ItemStatus.UNSUPPORTED}
    assert book.items["monitor_status"].status is ItemStatus.READ
    assert not book.maps_whole


async def test_what_no_list_announces_is_unsupported() -> None:
    book = await read_with_maps(ANNOUNCES_MORE | {"0120": "7E806412080000000"})

    assert {book.items[item].status for item in ("0131", "odometer.01A6", "010C")} == {ItemStatus.UNSUPPORTED}
    assert book.maps_whole


async def test_the_odometer_is_asked_for_although_its_list_was_lost() -> None:
    book = await read_with_maps(ANNOUNCES_MORE | {"01A6": "7E80641A6000186A0"})

    assert [witness.odometer_m for witness in book.odometer] == [10_000_000]
    assert book.items["odometer.01A6"].status is ItemStatus.READ


async def test_a_list_that_one_of_two_units_did_not_tell_is_lost() -> None:
    lines = {"0100": "7E806410080000001\n7E906410080000001", "0120": "7E906412080000000"}
    book = await read_with_maps(ANNOUNCES_MORE | lines)

    assert book.lost_maps == {0x20, 0x40, 0x60, 0x80, 0xA0, 0xC0}
    assert book.items["0121"].status is not ItemStatus.UNSUPPORTED


def test_each_list_covers_the_32_pids_after_it() -> None:
    assert [map_of(pid) for pid in (0x01, 0x20, 0x21, 0x40, 0xA6, 0xC0, 0xC1)] == [0, 0, 0x20, 0x20, 0xA0, 0xA0, 0xC0]
