"""The standard steps against a scripted car: one unit's odd answer never passes for the whole car's."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from collector.adapter import Adapter
from collector.car import Car
from collector.notebook import Notebook
from collector.rfcomm_link import open_rfcomm
from collector.setup import Abilities
from collector.standard import read_codes, read_freeze_frame, read_lifetime_distance, read_values
from config.settings import AdapterSettings
from protocols.allowed import AllowList
from protocols.readings import ItemStatus, Trust

WAITS = AdapterSettings(reply_timeout_s=0.5)


def answer_of(answers: dict[str, str], data: bytes) -> bytes:
    """The scripted lines; a command with a count digit gets only so many of them."""
    command = data.strip().decode()
    if command.startswith("AT"):
        return b"12.6V\r\r>" if command == "ATRV" else b"OK\r\r>"
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


@pytest.mark.parametrize(
    ("withheld", "status"),
    [("7E9037F0322", ItemStatus.REFUSED), ("7E9037F0378", ItemStatus.TIMEOUT), ("7E9037F0311", ItemStatus.READ)],
)
async def test_a_code_list_that_one_unit_withholds_is_not_complete(withheld: str, status: ItemStatus) -> None:
    book = Notebook()
    async with car_that_says({"03": f"7E80443010143\n{withheld}"}) as car:
        await read_codes(car, book)

    assert [code.code for code in book.dtcs] == ["P0143"]
    assert book.items["dtcs.stored"].status is status


@pytest.mark.parametrize(("announced", "status"), [("83", ItemStatus.CORRUPT), ("81", ItemStatus.READ)])
async def test_fewer_codes_than_the_car_announced_are_no_whole_list(announced: str, status: ItemStatus) -> None:
    answers = {"0101": f"7E8064101{announced}070000\n7E906410100070000", "03": "7E80443010143\n7E9024300"}
    support = {"7E8": frozenset({0x01}), "7E9": frozenset({0x01})}
    book = Notebook()
    async with car_that_says(answers) as car:
        book.support = support
        await read_values(car, book)
        await read_codes(car, book)

    assert book.items["dtcs.stored"].status is status


async def test_a_frozen_value_that_is_cut_short_costs_only_itself() -> None:
    answers = {"020200": "7E80542020001430000", "020C00": "7E804420C000C", "020500": "7E80442050064"}
    book = Notebook()
    async with car_that_says(answers) as car:
        await read_freeze_frame(car, book)

    (frame,) = book.freeze_frames
    assert [(value.signal, value.value) for value in frame.readings] == [("coolant_temperature", 60)]


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


STATUS_OF_TWO = {"0101": "7E806410182070000\n7E906410101070000"}


@pytest.mark.parametrize(
    ("lists", "status"),
    [
        ({"03": "7E8064302014301 44\n7E90443010300"}, ItemStatus.READ),
        ({"03": "7E8064302014301 43\n7E90443010300"}, ItemStatus.READ),  # the same code twice is two of two
        ({"03": "7E80443010143\n7E90443010300"}, ItemStatus.READ),  # the first unit counted for both
        ({"03": "7E80443010143\n7E9024300", "07": "7E80447010144\n7E90447010300"}, ItemStatus.READ),  # counted pending
        ({"03": "7E80443010143\n7E9024300"}, ItemStatus.CORRUPT),
        ({"03": "7E8064302014301 44"}, ItemStatus.CORRUPT),  # the second unit gave no list at all
    ],
)
async def test_an_odd_count_makes_no_good_list_corrupt(lists: dict[str, str], status: ItemStatus) -> None:
    book = Notebook()
    book.support |= {"7E8": frozenset({0x01}), "7E9": frozenset({0x01})}
    answers = {key: said.replace(" ", "") for key, said in (STATUS_OF_TWO | lists).items()}
    async with car_that_says(answers) as car:
        await read_values(car, book, (0x01,))
        await read_codes(car, book)

    assert book.items["dtcs.stored"].status is status


async def test_a_short_list_is_asked_for_once_more() -> None:
    book = Notebook()
    book.support["7E8"] = frozenset({0x01})
    answers = Sequences(r0101=["7E806410182070000"], r03=["7E80443010143", "7E80643020143 0144".replace(" ", "")])
    async with car_that_says(answers) as car:
        await read_values(car, book, (0x01,))
        await read_codes(car, book)

    assert [code.code for code in book.dtcs] == ["P0143", "P0144"]
    assert book.items["dtcs.stored"].status is ItemStatus.READ


async def test_without_headers_the_counts_of_all_units_are_added() -> None:
    book = Notebook()
    book.support[""] = frozenset({0x01})
    async with car_that_says(
        {"0101": "410182070000\n410101070000", "03": "4301 0143".replace(" ", "")}, headers=False
    ) as car:
        await read_values(car, book, (0x01,))
        await read_codes(car, book)

    assert book.announced_dtc_count == 3
    assert book.items["dtcs.stored"].status is ItemStatus.CORRUPT


async def test_what_a_unit_froze_is_read_whole() -> None:
    answers = {
        "020200": "7E8054202000143",
        "020000": "7E80742000048100001",
        "022000": "7E80742200000008001",
        "020500": "7E8044205005A",
        "020C00": "7E805420C001AF8",
        "023100": "7E80542310002A0",
    }
    book = Notebook()
    async with car_that_says(answers) as car:
        await read_freeze_frame(car, book)

    (frame,) = book.freeze_frames
    assert (frame.ecu, frame.frame, frame.code) == ("7E8", 0, "P0143")
    assert {value.signal: value.value for value in frame.readings} == {
        "coolant_temperature": 50,
        "engine_speed": 1726,
        "distance_since_clear": 672,
    }
