"""What ECUs answer, as message bytes, against SAE J1979, ISO 14229 and ISO 14230."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.car import Car, Ecu, MakerRead
from simulator.library import names
from simulator.services import answer
from tests.simulator.bench import Bench, loaded


def car_of(scenario: str) -> Car:
    return loaded(scenario).car(len(loaded(scenario).visits))


def asked(car: Car, request: str, *, place: int = 0, functional: bool = True) -> list[str]:
    ecu: Ecu = car.ecus[place]
    return [message.hex().upper() for message in answer(car, ecu, bytes.fromhex(request), functional=functional)]


@pytest.mark.parametrize(
    ("request_hex", "expected"),
    [
        ("0100", "4100BE3FA013"),
        ("0120", "41208003A011"),
        ("0140", "4140CC9C8011"),
        ("0104", "410436"),
        ("0105", "410580"),
        ("010C", "410C0C30"),
        ("010D", "410D00"),
        ("010F", "410F47"),
        ("0111", "411125"),
        ("011F", "411F00F0"),
        ("0121", "41210000"),
        ("0130", "4130FF"),
        ("0131", "41315488"),
        ("0133", "413365"),
        ("0142", "41423778"),
        ("0146", "41463E"),
        ("014E", "414E8F70"),
        ("0151", "415101"),
        ("017F", "417F03004BCE40000FEE2000000000"),
        ("01A6", "41A600075B37"),
    ],
)
def test_current_data_is_scaled_as_the_standard_says(request_hex: str, expected: str) -> None:
    assert asked(car_of("clean"), request_hex) == [expected]


def test_support_masks_lead_to_the_odometer_and_end_there() -> None:
    car = car_of("clean")

    masks = {first: asked(car, f"01{first:02X}") for first in range(0, 0x100, 0x20)}

    assert [first for first, mask in masks.items() if mask] == [0x00, 0x20, 0x40, 0x60, 0x80, 0xA0]
    assert masks[0x60] == ["416000000003"]
    assert masks[0x80] == ["418000000001"]
    assert masks[0xA0] == ["41A004000000"]


def test_every_pid_of_the_mask_is_answered_and_no_other() -> None:
    car = car_of("engine-fault")
    claimed: set[int] = set()
    for first in range(0, 0x100, 0x20):
        for mask in asked(car, f"01{first:02X}"):
            bits = int(mask[4:], 16)
            claimed |= {first + place for place in range(1, 0x21) if bits >> (0x20 - place) & 1}

    answered = {pid for pid in range(1, 0x100) if asked(car, f"01{pid:02X}")}

    assert claimed == answered


def test_monitor_status_holds_lamp_count_and_readiness() -> None:
    assert asked(car_of("clean"), "0101") == ["41010007E500"]
    assert asked(car_of("engine-fault"), "0101") == ["41018107E500"]
    assert asked(car_of("codes-cleared"), "0101") == ["41010007E5A5"]
    assert asked(car_of("codes-cleared"), "0101", place=1) == ["410100040000"]


def test_up_to_six_pids_come_in_one_message_and_unknown_ones_are_left_out() -> None:
    car = car_of("clean")

    assert asked(car, "010C0D05") == ["410C0C300D000580"]
    assert asked(car, "01FE0D") == ["410D00"]
    assert asked(car, "01FE") == []
    assert asked(car, "0101020304050607", functional=False) == ["7F0113"]


def test_code_lists_carry_a_count_on_can() -> None:
    car = car_of("engine-fault")

    assert asked(car, "03") == ["43010301"]
    assert asked(car, "07") == ["47010420"]
    assert asked(car, "0A") == ["4A010301"]
    assert asked(car, "03", place=1) == ["43010741"]
    assert asked(car_of("clean"), "03") == ["4300"]


def test_code_lists_are_filled_by_three_before_can() -> None:
    car = car_of("kwp")
    assert asked(car, "03") == ["43000000000000"]

    car.troubles.codes = list(car_of("engine-fault").codes)
    codes = [type(car.codes[0])(code, "stored", "engine") for code in ("P0143", "P0196", "P0234", "C1002")]
    car.troubles.codes = codes

    assert asked(car, "03") == ["43014301960234", "43500200000000"]
    assert asked(car, "0A") == ["7F0A11"]
    assert asked(car_of("iso9141"), "0A") == []


def test_the_freeze_frame_belongs_to_the_stored_code() -> None:
    car = car_of("engine-fault")

    assert asked(car, "020200") == ["4202000301"]
    assert asked(car, "020C00") == ["420C000C30"]
    assert asked(car, "020C01") == []
    assert asked(car_of("clean"), "020200") == ["4202000000"]
    assert asked(car_of("clean"), "020C00") == []


def test_vehicle_information_on_can() -> None:
    car = car_of("clean")

    assert asked(car, "0900") == ["490054400000"]
    assert asked(car, "0902") == ["490201" + b"LSVAA49J3K2000101".hex().upper()]
    assert asked(car, "0904") == ["490401" + b"04E906027AB 5519".hex().upper()]
    assert asked(car, "0906") == ["4906011A2B3C4D"]
    assert asked(car, "090A") == ["490A01" + b"ECM\0-EngineControl\0\0".hex().upper()]
    assert asked(car, "0902", place=1) == []


def test_the_vin_comes_in_five_messages_before_can() -> None:
    car = car_of("kwp")

    assert asked(car, "0901") == ["490105"]
    assert car.vin == "LSVNV49M352000121"
    assert asked(car, "0902") == [
        "4902010000004C",
        "49020253564E56",
        "49020334394D33",
        "49020435323030",
        "49020530313231",
    ]


def test_a_unit_may_tell_how_often_its_monitors_have_run() -> None:
    petrol, diesel, old = car_of("clean"), car_of("clean"), car_of("kwp")
    diesel.fuel = "diesel"
    for car in (petrol, diesel, old):
        car.ecus[0].in_use = True
        car.odometer_m = 100_000_000
    ran, could, cycles, never = "14A0", "19C8", "2AF8", "00000000"

    pair = ran + could
    assert asked(petrol, "0900") == ["490055400000"]
    assert asked(petrol, "0908") == [
        f"490814{could}{cycles}" + pair + never + pair + never + pair + never + pair * 2 + never
    ]
    assert asked(diesel, "090B") == [f"490B12{could}{cycles}" + pair * 2 + never + pair * 5]
    assert asked(diesel, "0908") == []
    assert (asked(old, "0907"), len(asked(old, "0908"))) == (["49070A"], 10)
    petrol.odometer_m = 4e12
    assert asked(petrol, "0908")[0][6:10] == "FFFF"


def test_makers_own_reads_hold_the_odometer_where_they_put_it() -> None:
    assert asked(car_of("toyota-no-a6"), "2128") == ["6128017C40"]
    assert asked(car_of("vw-no-a6"), "22295A") == ["62295A01B80A"]
    assert asked(car_of("vw-no-a6"), "2210E0") == ["6210E00001B80A"]
    assert asked(car_of("vw-no-a6"), "222203", place=2, functional=False) == ["62220301B80A"]
    assert asked(car_of("hyundai-no-a6"), "22B002", place=2, functional=False) == [
        "62B002" + "00" * 6 + "0128CC" + "00" * 6
    ]
    assert asked(car_of("honda-no-a6"), "222660") == ["622660" + "00" * 43 + "015838" + "00" * 6]
    assert asked(car_of("ford"), "22404C", place=2, functional=False) == ["62404C07FCB8"]
    assert asked(car_of("ford"), "22DD01") == ["62DD0100CC78"]


def test_identification_is_read_over_uds() -> None:
    car = car_of("clean")

    assert asked(car, "22F190") == ["62F190" + b"LSVAA49J3K2000101".hex().upper()]
    assert asked(car, "22F40C") == ["62F40C0C30"]


def test_a_functional_request_is_not_refused_but_a_physical_one_is() -> None:
    car = car_of("clean")

    assert asked(car, "22FFFF") == []
    assert asked(car, "22FFFF", functional=False) == ["7F2231"]
    assert asked(car, "01FE", functional=False) == ["7F0112"]
    assert asked(car, "B0", functional=False) == ["7FB011"]


def test_uds_lists_codes_with_their_status() -> None:
    car = car_of("engine-fault")

    assert asked(car, "1902FF") == ["59022F0301000904200004"]
    assert asked(car, "190208") == ["59022F03010009"]
    assert asked(car, "190A", place=1) == ["590A2F07410009"]
    assert asked(car, "1901FF") == ["59012F010002"]
    assert asked(car, "190104") == ["59012F010001"]


def test_monitor_results_are_listed_on_can() -> None:
    car = car_of("clean")

    assert asked(car, "0600") == ["460000000001"]
    assert asked(car, "0620") == ["462080008000"]
    assert asked(car, "0621") == ["46218020008700000100"]
    assert asked(car, "0622") == []
    assert asked(car_of("iso9141"), "0600") == []


def test_a_pending_reply_comes_before_the_answer() -> None:
    car = car_of("clean")
    car.ecus[0].pending_replies = 1

    assert asked(car, "22F190")[0] == "7F2278"
    assert len(asked(car, "22F190")) == 2


def test_tester_present_is_answered_unless_told_not_to() -> None:
    assert asked(car_of("clean"), "3E00") == ["7E00"]
    assert asked(car_of("clean"), "3E80") == []


@pytest.mark.parametrize(
    ("request_hex", "expected"),
    [("04", "44"), ("14FFFFFF", "54"), ("1003", "5003003201F4"), ("1101", "5101"), ("2EF19001", "6EF190"),
     ("31010203", "710102"), ("2F123400", "6F1234"), ("34", "7F3433"), ("8502", "C502"),
     ("2701", "67015A3C96E1"), ("270201020304", "7F2735"), ("27", "7F2713")],
)  # fmt: skip
def test_what_would_change_a_car_is_answered_as_a_car_does(request_hex: str, expected: str) -> None:
    assert asked(car_of("clean"), request_hex, functional=False) == [expected]


@pytest.mark.parametrize("link", ["iso9141", "j1850-vpw", "j1850-pwm"])
def test_buses_older_than_uds_know_nothing_of_it(link: str) -> None:
    assert [asked(car_of(link), request) for request in ("22F190", "1902FF", "3E00", "14FFFFFF")] == [[]] * 4
    assert asked(car_of(link), "0100") != []


def test_clearing_takes_all_but_the_permanent_codes_and_starts_the_counters_anew() -> None:
    car = car_of("engine-fault")

    asked(car, "04")

    assert [code.kind for code in car.codes] == ["permanent"]
    assert (asked(car, "0130"), asked(car, "0131")) == (["413000"], ["41310000"])
    assert asked(car, "0101") == ["41010007E5E5"]


def test_obd_on_uds_answers_identifiers_and_no_old_service() -> None:
    car = car_of("obd-on-uds")

    assert asked(car, "0100") == []
    assert asked(car, "22F4A6") == ["62F4A600016445"]
    assert asked(car, "22F802") == ["62F802" + car.vin.encode().hex().upper()]
    assert asked(car, "1942330808") == ["5942332FFF04"]


def test_an_electric_car_has_no_engine_values() -> None:
    car = car_of("ev")

    assert asked(car, "010C") == []
    assert asked(car, "015B") == ["415BB5"]
    assert asked(car, "0151") == ["415108"]


@pytest.mark.parametrize("scenario", names())
@settings(max_examples=40, deadline=None)
@given(request=st.binary(max_size=9), functional=st.booleans())
def test_no_request_breaks_a_unit(scenario: str, request: bytes, *, functional: bool) -> None:
    car = car_of(scenario)

    for ecu in car.ecus:
        for message in answer(car, ecu, request, functional=functional):
            assert message[0] in (0x7F, (request[0] + 0x40) & 0xFF)


def test_a_distance_too_long_for_its_bytes_stays_at_their_end() -> None:
    read = MakerRead(b"\x22\x22\x03", size=2, unit_m=1000)

    assert read.raw(99_999_000) == 0xFFFF
    assert read.raw(-1) == 0


def test_a_counter_never_rounds_up_and_stays_at_its_end() -> None:
    car = car_of("clean")
    car.counters.distance_since_clear_km = 99_999.9
    car.counters.distance_with_mil_km = 7.9

    assert asked(car, "0131") == ["4131FFFF"]
    assert asked(car, "0121") == ["41210007"]


# OBD 04 08, then all services of ISO 14229 and ISO 14230 that change a unit, its memory or what it tells others.
WRITING = (
    "04 08 10 11 14 20 23 24 26 27 28 29 2A 2C 2E 2F 30 31 32 33 34 35 36 37 38 3B 3D 81 82 83 84 85 86 87"
)  # fmt: skip


def test_every_service_that_writes_is_counted_and_no_other() -> None:
    bench = Bench()

    counted = []
    for service in range(0x100):
        before = bench.journal.writes
        bench.bus.ask(0.0, 0x7E0, bytes([service, 0x01]))
        counted += [f"{service:02X}"] * (bench.journal.writes - before)

    assert " ".join(counted) == WRITING
