"""What adapters on the market do wrong: each is met with a whole car read behind it, at the first visit and later."""

from collections.abc import Callable

import pytest

from collector.car import CANNOT_ADDRESS, FROZE_OVER_IT
from collector.depth import Depth
from collector.errors import AdapterLostError
from collector.memory import ShortMemory
from protocols.readings import CarReading, ItemStatus
from simulator.profiles import PROFILES
from tests.collector.virtual import Socket

CODES = {"P0301", "P0420", "P0741"}
VIN = "LFMAP22C0L0000102"
USABLE = sorted(name for name, profile in PROFILES.items() if not profile.knows_only)
SIX_PIDS = b"0120406080A0C0"


def delivered(reading: CarReading) -> bool:
    """VIN, codes and odometer, as they are."""
    odometer = [witness.odometer_m for witness in reading.odometer if witness.source == "01A6"]
    return (reading.vin, {code.code for code in reading.dtcs}, odometer) == (VIN, CODES, [86_412_700])


@pytest.mark.parametrize("profile", USABLE)
async def test_every_kind_of_adapter_delivers_and_what_it_taught_makes_the_next_visit_no_poorer(profile: str) -> None:
    memory, socket = ShortMemory(), Socket("engine-fault", profile=profile)
    first = await socket.scan(memory)
    second = await socket.scan(memory)

    assert delivered(first)
    assert delivered(second)
    assert {(value.signal, value.ecu) for value in second.live} == {(value.signal, value.ecu) for value in first.live}
    assert second.timing.requests <= first.timing.requests


def interposed(socket: Socket, answer: Callable[[bytes], bytes | None]) -> None:
    """Let ``answer`` speak in place of the chip where it returns anything; empty is silence until the link is anew."""
    hear, speak = socket.chip.receive, socket.chip.due
    waiting: list[bytes] = []
    dead: list[bool] = []

    def receive(now_s: float, data: bytes) -> None:
        said = None if dead else answer(data)
        if said == b"":
            dead.append(True)
        elif said is not None:
            waiting.append(said)
            hear(now_s, b"AT\r")  # something leaves now: the next look is at once
        elif not dead:
            hear(now_s, data)

    def due(now_s: float) -> bytes:
        said = speak(now_s)
        return waiting.pop() if waiting and said.endswith(b">") else b"" if waiting else said

    left = socket.chip.host_left

    def host_left() -> None:
        dead.clear()
        waiting.clear()
        left()

    socket.chip.receive, socket.chip.due, socket.chip.host_left = receive, due, host_left  # type: ignore[method-assign]


async def test_a_clone_that_dies_of_six_pids_is_opened_once_more_and_not_tried_on_them_again() -> None:
    memory, socket, killed = ShortMemory(), Socket("engine-fault"), []

    def answer(data: bytes) -> bytes | None:
        if not data.startswith(SIX_PIDS):
            return None
        killed.append(data)
        return b""

    interposed(socket, answer)
    first = await socket.scan(memory)
    second = await socket.scan(memory, Depth.FULL)

    assert delivered(first)
    assert delivered(second)
    assert len(killed) == 1


@pytest.mark.parametrize(("fatal", "lost"), [(b"0904", "calibration_ids"), (b"0A", "dtcs.permanent"), (b"0902", "vin")])
async def test_a_clone_that_freezes_on_a_long_reply_delivers_the_rest(fatal: bytes, lost: str) -> None:
    memory, socket = ShortMemory(), Socket("engine-fault")
    interposed(socket, lambda data: b"" if data.startswith(fatal) else None)
    reading = await socket.scan(memory)
    (item,) = [item for item in reading.items if item.item == lost]

    assert (item.status, item.detail) == (ItemStatus.NOT_ASKED, FROZE_OVER_IT)
    assert reading.vin == ("" if lost == "vin" else VIN)
    assert {code.code for code in reading.dtcs} == CODES
    assert [w.odometer_m for w in reading.odometer if w.source == "01A6"] == [86_412_700]


async def test_an_adapter_that_froze_once_by_accident_loses_nothing() -> None:
    socket, left = Socket("engine-fault"), [1]

    def answer(data: bytes) -> bytes | None:
        if not data.startswith(b"03") or not left[0]:
            return None
        left[0] -= 1
        return b""

    interposed(socket, answer)

    assert delivered(await socket.scan())


async def test_a_clone_that_dies_of_everything_is_lost_and_not_opened_for_ever() -> None:
    socket = Socket("engine-fault")
    interposed(socket, lambda data: b"" if data.startswith(b"01") else None)
    with pytest.raises(AdapterLostError) as lost:
        await socket.scan()

    assert lost.value.reason == "adapter.no_prompt"


async def test_a_clone_that_says_ok_to_anything_is_believed_in_nothing() -> None:
    socket = Socket("engine-fault")
    interposed(socket, lambda data: b"OK\r\r>" if data[:2] == b"ST" or data[:4] in (b"ATRV", b"ATDP") else None)
    reading = await socket.scan()

    assert delivered(reading)
    assert reading.battery_v is None
    assert reading.adapter.chip == "ELM327"


@pytest.mark.parametrize(
    "refused", [b"ATD\r", b"ATS0\r", b"ATAL\r", b"ATAT1\r", b"ATL0\r", b"ATDPN\r", b"ATDP\r", b"ATST"]
)
async def test_a_command_that_is_lacking_costs_no_value(refused: bytes) -> None:
    memory, socket = ShortMemory(), Socket("engine-fault")
    interposed(socket, lambda data: b"?\r\r>" if data.startswith(refused) else None)

    assert delivered(await socket.scan(memory))
    assert delivered(await socket.scan(memory))


async def test_a_digit_taken_for_a_request_too_long_is_left_off_and_remembered() -> None:
    memory, socket = ShortMemory(), Socket("engine-fault")
    interposed(socket, lambda data: b"?\r\r>" if data[:1].isdigit() and len(data) % 2 == 0 else None)
    for _ in range(3):
        assert delivered(await socket.scan(memory))

    assert [skills.counts_lines for skills in memory.adapters.values()] == [False]
    assert not any(line.sent[:1].isdigit() and len(line.sent) % 2 == 0 for line in socket.lines)


async def test_a_digit_that_an_adapter_hangs_on_is_left_off_at_once_and_remembered() -> None:
    memory, socket, hung = ShortMemory(), Socket("engine-fault"), []

    def answer(data: bytes) -> bytes | None:
        if data[:1].isdigit() and len(data) % 2 == 0:
            hung.append(data)
            return b"41"  # and no prompt
        return None

    interposed(socket, answer)
    reading = await socket.scan(memory)

    assert delivered(reading)
    assert len(hung) == 1
    assert [skills.counts_lines for skills in memory.adapters.values()] == [False]


async def test_an_adapter_left_in_a_fixed_protocol_of_another_car_searches() -> None:
    socket = Socket("kwp")
    socket.chip.memory.protocol, socket.chip.memory.automatic = "6", False
    reading = await socket.scan()

    assert reading.vin
    assert b"ATSP0\r" in [line.sent for line in socket.lines]


async def test_the_protocol_that_the_adapter_spoke_last_is_tried_without_a_search() -> None:
    socket = Socket("kwp")
    await socket.scan()
    await socket.scan()

    assert b"ATSP0\r" not in [line.sent for line in socket.lines]
    assert not any(b"SEARCHING" in line.received for line in socket.lines)


async def test_an_stn_chip_is_told_its_waits_in_milliseconds() -> None:
    memory, socket = ShortMemory(), Socket("engine-fault", profile="stn-1170")
    await socket.scan(memory)
    await socket.scan(memory)
    sent = [line.sent for line in socket.lines]

    assert b"STPTO52\r" in sent
    assert not any(line.startswith(b"ATST") for line in sent)


async def test_an_adapter_that_never_answers_at_d_is_reset_in_its_place_from_then_on() -> None:
    memory, socket = ShortMemory(), Socket("engine-fault", profile="elm-2.1-deaf")
    await socket.scan(memory)
    await socket.scan(memory)
    sent = [line.sent for line in socket.lines]

    assert b"ATD\r" not in sent
    assert b"ATZ\r" in sent


async def test_no_bare_line_end_is_ever_sent() -> None:
    socket = Socket("engine-fault", profile="elm-1.5-frail", faults=("lost-prompt=@7",))
    await socket.scan()

    assert all(line.sent != b"\r" for line in socket.lines)


def sent(socket: Socket) -> list[bytes]:
    return [line.sent for line in socket.lines]


@pytest.mark.parametrize("scenario", ["engine-fault", "can29", "iso9141", "j1850-vpw"])
async def test_a_clone_that_says_ok_to_every_setting_and_keeps_none_still_delivers(scenario: str) -> None:
    honest, memory, socket = Socket(scenario), ShortMemory(), Socket(scenario)
    kept = (b"ATI\r", b"ATRV\r")
    interposed(socket, lambda data: b"OK\r\r>" if data[:2] == b"AT" and data not in kept else None)
    true = await honest.scan()

    for _ in range(2):
        told = await socket.scan(memory)
        assert told.vin == true.vin
        assert {(c.code, c.dtc_class) for c in told.dtcs} == {(c.code, c.dtc_class) for c in true.dtcs}
        assert {w.odometer_m for w in told.odometer} == {w.odometer_m for w in true.odometer}
    assert not memory.cars  # units without names are nobody to remember


async def test_a_clone_that_cannot_be_held_to_a_protocol_asks_no_single_unit() -> None:
    socket = Socket("vw-no-a6", profile="elm-1.5-terse")
    reading = await socket.scan(depth=Depth.FULL)

    assert reading.vin
    assert CANNOT_ADDRESS in {item.detail for item in reading.items if item.item.startswith("odometer.")}
    assert not any(line.startswith((b"ATSH7E", b"ATSH714")) for line in sent(socket))


async def test_a_question_mark_to_the_first_words_after_plugging_in_costs_no_value() -> None:
    socket, left = Socket("engine-fault"), [2]

    def answer(data: bytes) -> bytes | None:
        if data not in (b"ATI\r", b"ATZ\r") or not left[0]:
            return None
        left[0] -= 1
        return b"?\r\r>"

    interposed(socket, answer)

    assert delivered(await socket.scan())


async def test_a_bus_that_failed_is_opened_anew_before_the_request_is_repeated() -> None:
    socket, left = Socket("engine-fault"), [1]

    def answer(data: bytes) -> bytes | None:
        if not data.startswith(b"03") or not left[0]:
            return None
        left[0] -= 1
        return b"BUS BUSY\r\r>"

    interposed(socket, answer)
    reading = await socket.scan()

    assert delivered(reading)
    assert sent(socket).count(b"ATPC\r") == 1


@pytest.mark.parametrize(
    "said", [b"NO DATA\r\r>", b"7E8 10 14 49 <RX ERROR\r\r>", b"STOPPED\r\r>", b"BUFFER FULL\r\r>"]
)
async def test_an_answer_that_did_not_come_whole_is_asked_for_once_more(said: bytes) -> None:
    socket, left = Socket("engine-fault"), [1]

    def answer(data: bytes) -> bytes | None:
        if not data.startswith(b"0902") or not left[0]:
            return None
        left[0] -= 1
        return said

    interposed(socket, answer)

    assert delivered(await socket.scan())


@pytest.mark.parametrize("said", [b"\r\r!ACT ALERT\r\r", b"\r\rLP ALERT\r\r"])
async def test_an_adapter_that_means_to_sleep_is_kept_awake_by_the_next_question(said: bytes) -> None:
    socket = Socket("engine-fault")
    interposed(socket, lambda data: said + b"12.6V\r\r>" if data == b"ATRV\r" else None)

    assert delivered(await socket.scan())


async def test_a_fake_that_sends_two_bytes_of_three_gives_no_makers_value() -> None:
    socket = Socket("vw-no-a6")
    interposed(socket, lambda data: b"7E80562220001E240\r\r>" if data.startswith(b"22") else None)
    reading = await socket.scan(depth=Depth.FULL)

    assert [w for w in reading.odometer if w.status is ItemStatus.READ] == []


@pytest.mark.parametrize("scenario", ["j1850-pwm", "j1850-vpw", "iso9141", "kwp"])
async def test_no_count_is_given_on_the_links_before_can(scenario: str) -> None:
    memory, socket = ShortMemory(), Socket(scenario)
    for _ in range(2):
        assert (await socket.scan(memory)).vin
        assert not any(line[:1].isdigit() and len(line) % 2 == 0 for line in sent(socket))
