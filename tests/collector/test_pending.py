"""A unit that says "response pending" is waited for, whatever the others say meanwhile."""

import pytest

from collector.car import PENDING_TRIES
from protocols.readings import ItemStatus
from tests.collector.test_standard import Sequences, car_that_says


@pytest.mark.parametrize("busy", ["7E8037F0378", "7E8037F0321", "7E8037F0378\n7E8037F0378"])
async def test_a_busy_unit_is_asked_until_it_answers(busy: str) -> None:
    answers = Sequences(r03=[busy, "NO DATA", busy, "7E80443010143"])
    async with car_that_says(answers) as car:
        asked = await car.ask(b"\x03")

    assert [(answer.ecu, answer.status) for answer in asked.answers] == [("7E8", ItemStatus.READ)]
    assert answers.asked.count("03") == 4


async def test_a_units_answer_does_not_end_the_wait_for_another() -> None:
    both = "7E80443010143\n7E9037F0378"
    answers = Sequences(r03=[both, "7E80443010143", "7E80443010143\n7E902430000"])
    async with car_that_says(answers) as car:
        asked = await car.ask(b"\x03")

    assert [(answer.ecu, answer.status) for answer in asked.answers] == [
        ("7E8", ItemStatus.READ),
        ("7E9", ItemStatus.READ),
    ]


async def test_a_unit_that_stays_busy_is_given_up_and_keeps_its_word() -> None:
    answers = Sequences(r03=["7E80443010143\n7E9037F0378", "7E80443010143"])
    async with car_that_says(answers) as car:
        asked = await car.ask(b"\x03")

    assert answers.asked.count("03") == 1 + PENDING_TRIES
    assert [(answer.ecu, answer.status, answer.nrc) for answer in asked.answers] == [
        ("7E8", ItemStatus.READ, None),
        ("7E9", ItemStatus.TIMEOUT, 0x78),
    ]
