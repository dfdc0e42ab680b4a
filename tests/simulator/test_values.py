"""What one small petrol car answers to every PID there is: standing, driving, switched off, and as other kinds."""

import pytest

from simulator.car import Car, Ecu
from simulator.counting import Counters
from simulator.layouts import LAYOUTS
from simulator.library import load
from simulator.pids import ENCODERS, PID_SETS, VALUES, bitmap, is_mask, pid_data, whole_km

STANDING = {
    0x01: "0007E500", 0x02: "0000", 0x03: "0200", 0x04: "36", 0x05: "80", 0x06: "82", 0x07: "7D", 0x08: "81",
    0x09: "7E", 0x0A: "82", 0x0B: "21", 0x0C: "0C30", 0x0D: "00", 0x0E: "91", 0x0F: "47", 0x10: "00FA", 0x11: "25",
    0x12: "04", 0x13: "03", 0x14: "5A82", 0x15: "90FF", 0x18: "5A81", 0x19: "8CFF", 0x1C: "06", 0x1D: "03",
    0x1F: "00F0", 0x21: "000C", 0x23: "02DE", 0x24: "80005666", 0x2C: "00", 0x2D: "80", 0x2E: "1F", 0x2F: "8A",
    0x30: "FF", 0x31: "5488", 0x32: "FE20", 0x33: "65", 0x34: "80008000", 0x3C: "1450", 0x3D: "1450", 0x3E: "1090",
    0x41: "0007E500", 0x42: "3778", 0x43: "002B", 0x44: "8000", 0x45: "06", 0x46: "3E", 0x47: "26", 0x48: "00",
    0x49: "27", 0x4A: "14", 0x4C: "10", 0x4D: "0018", 0x4E: "8F70", 0x4F: "02051019", 0x51: "01", 0x52: "0D",
    0x53: "4ED0", 0x54: "FF88", 0x55: "80", 0x56: "81", 0x58: "81", 0x59: "02DE", 0x5A: "00", 0x5B: "B5", 0x5C: "84",
    0x5D: "6A00", 0x5E: "0010", 0x61: "8A", 0x62: "8A", 0x63: "0140", 0x64: "85A5B9CDDC", 0x65: "1000",
    0x66: "0100500000", 0x67: "018000", 0x68: "01470000000000", 0x69: "03000000000000", 0x6B: "0180000000",
    0x6C: "0310060000", 0x6D: "0702DE02DE470000000000", 0x70: "02000004200000000000", 0x72: "01FF000000",
    0x7F: "03004BCE40000FEE2000000000", 0x84: "47", 0x8D: "25", 0x8E: "85", 0x9A: "060057800001", 0x9D: "00080008",
    0x9E: "0030", 0x9F: "01FF00000000000000", 0xA2: "0150", 0xA6: "00075B37", 0xC7: "A028",
}  # fmt: skip
# At 72 km/h, and with the engine switched off: what is different then.
DRIVING = {
    0x04: "63", 0x0B: "37", 0x0C: "2AC0", 0x0D: "48", 0x10: "036C", 0x11: "41", 0x23: "0529", 0x2C: "0D",
    0x43: "0050", 0x47: "42", 0x49: "39", 0x4A: "1D", 0x59: "0529", 0x5A: "12", 0x5E: "003A", 0x61: "94", 0x62: "94",
    0x66: "0101180000", 0x69: "030D0D00000000", 0x6D: "0705290529470000000000", 0x70: "02000006D30000000000",
    0x72: "01DA000000", 0x8D: "41", 0x9A: "0600578002D1", 0x9D: "001E001E", 0x9E: "00A8", 0xA2: "0270",
}  # fmt: skip
STOPPED = {
    0x03: "0000", 0x04: "00", 0x0A: "00", 0x0B: "65", 0x0C: "0000", 0x10: "0000", 0x1F: "0000", 0x23: "0000",
    0x2E: "00", 0x3C: "026C", 0x3D: "026C", 0x3E: "0240", 0x42: "30D4", 0x43: "0000", 0x59: "0000", 0x5E: "0000",
    0x61: "7D", 0x62: "7D", 0x66: "0100000000", 0x6D: "0700000000470000000000", 0x70: "0200000CA00000000000",
    0x8E: "7D", 0x9D: "00000000", 0x9E: "0000", 0x9F: "010000000000000000", 0xA2: "0000",
}  # fmt: skip


def car_of_all() -> Car:
    """A car whose engine unit answers every PID."""
    car = load("clean").car(1)
    car.ecus[0].pids = frozenset(ENCODERS)
    car.counters.distance_with_mil_km, car.counters.minutes_with_mil = 12.9, 24.5
    car.counters.distance_since_reflash_km = 41_000.4
    return car


def answers(car: Car) -> dict[int, str]:
    return {pid: ENCODERS[pid](car, car.ecus[0]).hex().upper() for pid in sorted(ENCODERS)}


def test_a_standing_car() -> None:
    assert answers(car_of_all()) == STANDING


def test_a_driving_car() -> None:
    car = car_of_all()
    car.speed_kmh = 72.0

    assert answers(car) == STANDING | DRIVING


def test_a_stopped_car() -> None:
    car = car_of_all()
    car.stop()

    assert answers(car) == STANDING | STOPPED


@pytest.mark.parametrize(
    ("fuel", "code"),
    [("petrol", "01"), ("diesel", "04"), ("lpg", "05"), ("cng", "06"), ("electric", "08"), ("hybrid", "11"),
     ("plug-in", "11")],
)  # fmt: skip
def test_each_fuel_has_its_number(fuel: str, code: str) -> None:
    car = car_of_all()
    car.fuel = fuel

    assert answers(car)[0x51] == code
    assert answers(car)[0x1C] == ("05" if fuel == "electric" else "06")
    assert answers(car)[0x41][3] == ("F" if fuel == "diesel" else "7")


def test_the_lamp_is_lit_for_the_unit_that_holds_the_code() -> None:
    car = load("engine-fault").car(1)
    car.fail("P0420", "engine")

    assert ENCODERS[0x01](car, car.ecus[0])[0] == 0x82
    assert ENCODERS[0x01](car, car.ecus[1])[0] == 0x81
    car.mil = False
    assert ENCODERS[0x01](car, car.ecus[0])[0] == 0x02


def test_the_count_of_codes_ends_at_127() -> None:
    car = load("engine-fault").car(1)
    for number in range(130):
        car.fail(f"P1{number:03X}", "engine")
        car.fail(f"P1{number:03X}", "engine")

    assert ENCODERS[0x01](car, car.ecus[0])[0] == 0xFF
    assert ENCODERS[0x01](car, car.ecus[1])[0] == 0x81


def test_a_unit_without_engine_load_watches_its_own_components() -> None:
    car = load("codes-cleared").car(1)
    car.incomplete = set(car.monitors)

    assert ENCODERS[0x41](car, car.ecus[0]).hex() == "0077e5e5"
    assert ENCODERS[0x41](car, car.ecus[1]).hex() == "00440000"


def test_a_unit_from_elsewhere_counts_for_itself() -> None:
    car = car_of_all()
    car.ecus[0].counters = Counters(7.9, 3, 61.5, 2.5, 4.5, 3600, 60, 10.2)

    found = answers(car)

    assert [found[pid] for pid in (0x31, 0x30, 0x4E, 0x21, 0x4D, 0x7F, 0xC7)] == [
        "0007", "03", "003D", "0002", "0004", "0300000E100000003C00000000", "000A",
    ]  # fmt: skip


def test_a_unit_has_an_odometer_of_its_own() -> None:
    car = car_of_all()
    car.ecus[0].odometer_offset_m, car.ecus[0].odometer_scale = 1_000, 2.0

    assert answers(car)[0xA6] == f"{(48_210_300 * 2 + 1_000) // 100:08X}"
    car.ecus[0].odometer_offset_m = -200_000_000
    assert answers(car)[0xA6] == "00000000"


# What each kind of unit says to 0100, 0120, 0140 and so on.
MASKS = {
    "engine": "BE3FA013 8003A011 CC9C8011 00000003 00000001 04000000",
    "engine-no-odometer": "BE3FA013 8003A011 CC9C8000",
    "engine-diesel": "983B8013 8003A011 C49C8011 00000003 00000001 04000000",
    "engine-2005": "BE3FA013 8003A000",
    "engine-2020": "BE3FA813 A007B011 FEDCA415 63090003 0004000F 04000000",
    "engine-diesel-2020": "983B8013 A01BA011 E6DC801D FFA90003 1004000F 04000000",
    "hybrid": "BE3FA813 A007B011 FEDC8035 63090003 0004004F 04000000",
    "gearbox": "80180013 80018001 400C0000",
    "electric": "80080011 80018001 440C8021 00000001 00000001 04000000",
    "none": "",
}


def test_each_kind_of_unit_tells_the_masks_of_its_kind() -> None:
    told = {
        name: " ".join(bitmap(first, pids).hex().upper() for first in range(0, max(pids, default=-1) + 1, 0x20))
        for name, pids in PID_SETS.items()
    }

    assert told == MASKS


def test_only_values_have_a_layout_and_no_mask_has() -> None:
    assert not [f"{pid:02X}" for pid in LAYOUTS if is_mask(pid)]
    assert set(VALUES) <= set(LAYOUTS)


@pytest.mark.parametrize("name", PID_SETS)
def test_a_set_of_pids_is_told_and_answered_whole(name: str) -> None:
    car = load("clean").car(1)
    unit = car.ecus[0]
    unit.pids = PID_SETS[name]
    claimed = {
        first + place
        for first in range(0, 0x100, 0x20)
        if (mask := pid_data(car, unit, first)) is not None
        for place in range(1, 0x20)
        if int.from_bytes(mask, "big") >> (0x20 - place) & 1
    }

    assert claimed == set(PID_SETS[name])
    assert all(pid_data(car, unit, pid) for pid in claimed)
    assert all(pid_data(car, unit, pid) is None for pid in range(0x100) if not is_mask(pid) and pid not in claimed)


def test_a_mask_is_given_while_another_follows() -> None:
    unit = Ecu("engine", "", 0x7E0, 0x7E8, pids=frozenset((0x01, 0x41)))
    car = load("clean").car(1)

    assert [pid_data(car, unit, first) for first in (0x00, 0x20, 0x40, 0x60)] == [
        bytes.fromhex("80000001"),
        bytes.fromhex("00000001"),
        bytes.fromhex("80000000"),
        None,
    ]
    unit.pids = frozenset()
    assert pid_data(car, unit, 0x00) is None
    assert bitmap(0x20, (0x40,)) == bytes.fromhex("00000001")
    assert bitmap(0x20, (0x41,)) == bytes.fromhex("00000001")


def test_every_layout_has_a_value_or_is_for_captures_only() -> None:
    assert set(VALUES) <= set(LAYOUTS)


def test_kilometres_are_complete_ones() -> None:
    assert [whole_km(metres) for metres in (0.0, 999.9, 1000.0, 48_210_999.0)] == [0, 0, 1, 48_210]
