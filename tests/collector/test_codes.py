"""Lists of codes and frozen values against a scripted car: nothing is told that was not read, and nothing is lost."""

import pytest

from collector.codes import read_codes, read_freeze_frame
from collector.notebook import Notebook
from collector.standard import read_values
from protocols.readings import ItemStatus
from tests.collector.test_standard import Sequences, car_that_says


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
