"""Literal examples of the ELM327 data sheet and of the standards (SAE J1979, J2012, J1850; ISO 15765, 14230)."""

import pytest

from simulator.adapter import Adapter
from simulator.car import Car, Ecu, Leg
from simulator.codes import Code, encode_code
from simulator.counting import Counters
from simulator.layouts import encode
from simulator.links import LINKS, Kind, isotp_frames, legacy_frame
from simulator.pids import PID_SETS, bitmap, monitor_bits
from simulator.profiles import PROFILES
from simulator.services import answer
from simulator.trouble import Troubles
from tests.simulator.bench import Bench


def car_of(link: str, *ecus: Ecu, codes: tuple[Code, ...] = ()) -> Car:
    return Car(LINKS[link], "", "petrol", list(ecus), 0.0, 12.9, troubles=Troubles(list(codes)))


def engine(request: int, reply: int, *, vin: str = "", ids: tuple[str, ...] = (), **said: str) -> Ecu:
    """An engine unit with a VIN, calibration ids, and some recorded answers by request (``r0100``)."""
    told: dict[bytes, tuple[bytes, ...]] = {
        bytes.fromhex(asked[1:]): (bytes.fromhex(text),) for asked, text in said.items()
    }
    return Ecu("engine", "", request, reply, vin=vin, calibration_ids=ids, pids=PID_SETS["engine"], answers=told)


def bench_of(car: Car, profile: str = "elm-2.2", before: tuple[str, ...] = ("ATE0",)) -> Bench:
    bench = Bench()
    bench.bus.car = bench.car = car
    bench.adapter = Adapter(PROFILES[profile], bench.bus)
    for command in before:
        bench.ask(command)
    return bench


# --- scaling: the ends and the examples of the tables of SAE J1979-DA ---


@pytest.mark.parametrize(
    ("pid", "values", "data"),
    [
        # the data sheet's 68 C, 1726 rpm and 34.6 C of its chapters on talking to a vehicle
        (0x05, (83,), "7B"),
        (0x0C, (1726,), "1AF8"),
        # least and most of each kind of scale
        (0x04, (0,), "00"), (0x04, (100,), "FF"), (0x04, (50,), "80"),
        (0x05, (-40,), "00"), (0x05, (215,), "FF"),
        (0x06, (-100,), "00"), (0x06, (0,), "80"), (0x06, (99.2,), "FF"),
        (0x0A, (765,), "FF"),
        (0x0B, (255,), "FF"), (0x0B, (300,), "FF"),
        (0x0C, (16383.75,), "FFFF"), (0x0C, (-1,), "0000"),
        (0x0D, (255,), "FF"),
        (0x0E, (-64,), "00"), (0x0E, (0,), "80"), (0x0E, (63.5,), "FF"),
        (0x10, (655.35,), "FFFF"),
        (0x14, (0.45, 0), "5A80"), (0x14, (1.275, 99.2), "FFFF"),
        (0x15, (0.72, 99.2), "90FF"), (0x1B, (1.275, 99.2), "FFFF"), (0x2B, (2, 8), "FFFFFFFF"),
        (0x3B, (1, 127.99), "8000FFFD"), (0x3F, (6513.5,), "FFFF"),
        (0x4F, (2, 5, 16, 2550), "020510FF"), (0x50, (2550, 1, 2, 3), "FF010203"),
        (0x1F, (65535,), "FFFF"), (0x1F, (59.99,), "003B"),
        (0x22, (5177.265,), "FFFF"),
        (0x23, (655350,), "FFFF"),
        (0x24, (1, 4), "80008000"),
        (0x2C, (100,), "FF"), (0x2D, (-100,), "00"), (0x2D, (0,), "80"),
        (0x31, (0.999,), "0000"), (0x31, (65535,), "FFFF"), (0x31, (70000,), "FFFF"),
        (0x32, (-8.192,), "8000"), (0x32, (8.19175,), "7FFF"), (0x32, (-0.00025,), "FFFF"),
        (0x33, (101.3,), "65"),
        (0x34, (1, 0), "80008000"), (0x34, (1, -128), "80000000"),
        (0x3C, (-40,), "0000"), (0x3C, (6513.5,), "FFFF"),
        (0x42, (13.8,), "35E8"), (0x42, (65.535,), "FFFF"),
        (0x43, (25700,), "FFFF"), (0x44, (1,), "8000"),
        (0x4D, (65535,), "FFFF"), (0x4E, (120,), "0078"),
        (0x53, (327.675,), "FFFF"), (0x54, (-32.768,), "8000"),
        (0x59, (655350,), "FFFF"),
        (0x5D, (-210,), "0000"), (0x5D, (0,), "6900"),
        (0x5E, (3212.75,), "FAFF"),
        (0x61, (-125,), "00"), (0x61, (0,), "7D"), (0x61, (130,), "FF"),
        (0x63, (460,), "01CC"), (0x64, (-125, 0, 0, 0, 130), "007D7D7DFF"),
        (0x66, (1, 2047.96875, 0), "01FFFF0000"), (0x66, (3, 1, 2), "0300200040"),
        (0x69, (63, 0, 50, 0, 100, 50, 99.2), "3F008080FF80FF"), (0x6C, (15, 0, 50, 100, 25), "0F0080FF40"),
        (0x6D, (63, 10, 20, 0, 30, 40, -40), "3F000100022800030004" + "00"), (0x72, (15, 0, 50, 100, 25), "0F0080FF40"),
        (0x67, (3, 80, -40), "037800"),
        (0x70, (2, 0, 100.125, 0, 0, 0), "0200000C840000000000"),
        (0x7F, (3, 4294967295, 60.9, 0), "03FFFFFFFF0000003C00000000"),
        (0x9A, (6, 0, 256.5, -58.4), "06004020FDB8"),
        (0x9D, (1.3, 1.3), "00410041"), (0x9E, (79.6,), "018E"), (0xA2, (4.65625,), "0095"),
        (0xA6, (26600,), "00040F10"), (0xA6, (429496729.5,), "FFFFFFFF"), (0xA6, (0.19,), "00000001"),
    ],
)  # fmt: skip
def test_a_value_has_the_bytes_of_its_scale(pid: int, values: tuple[float, ...], data: str) -> None:
    assert encode(pid, values).hex().upper() == data


def test_a_pid_wants_as_many_values_as_it_has_items() -> None:
    with pytest.raises(ValueError, match="zip"):
        encode(0x14, (0.45,))


# --- SAE J1979 ---


@pytest.mark.parametrize(
    ("supported", "mask"),
    [
        # the data sheet's 41 00 BE 3E B8 11 and 41 00 80 10 80 00
        ((1, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 17, 19, 20, 21, 28, 33), "BE3EB811"),
        ((1, 12, 17), "80108000"),
        ((), "00000000"),
        ((0x20,), "00000001"),
        ((0x21,), "00000001"),
    ],
)
def test_a_support_mask_has_pid_1_in_its_highest_bit(supported: tuple[int, ...], mask: str) -> None:
    assert bitmap(0, supported).hex().upper() == mask


def test_monitors_stand_where_the_standard_puts_them() -> None:
    # the data sheet's 41 01 81 07 65 04: lamp on, one code, catalyst, evaporative, oxygen sensor and heater; evap open
    own = ("misfire", "fuel_system", "components", "catalyst", "evap", "oxygen_sensor", "oxygen_heater")

    assert monitor_bits(own, ("evap",), compression=False).hex() == "076504"
    assert monitor_bits(("egr",), ("misfire", "components"), compression=False).hex() == "508000"


@pytest.mark.parametrize(
    ("name", "bit"),
    [("nmhc_catalyst", 0), ("nox", 1), ("boost", 3), ("exhaust_sensor", 5), ("pm_filter", 6), ("egr", 7)],
)
def test_a_diesel_has_monitors_of_its_own(name: str, bit: int) -> None:
    assert monitor_bits((name,), (name,), compression=True) == bytes([0x08, 1 << bit, 1 << bit])


@pytest.mark.parametrize(
    ("name", "bit"),
    [("catalyst", 0), ("heated_catalyst", 1), ("evap", 2), ("secondary_air", 3), ("ac", 4), ("oxygen_sensor", 5),
     ("oxygen_heater", 6), ("egr", 7)],
)  # fmt: skip
def test_a_petrol_engine_has_its_own_too(name: str, bit: int) -> None:
    assert monitor_bits((name,), (name,), compression=False) == bytes([0x00, 1 << bit, 1 << bit])


@pytest.mark.parametrize(
    ("code", "data"),
    [("P0143", "0143"), ("P0196", "0196"), ("P0234", "0234"), ("P3FFF", "3FFF"), ("C0300", "4300"), ("B1602", "9602"),
     ("U0123", "C123"), ("U3456", "F456")],
)  # fmt: skip
def test_a_code_is_two_bytes(code: str, data: str) -> None:
    assert encode_code(code).hex().upper() == data


def test_codes_come_three_a_message_before_can_and_counted_on_it() -> None:
    codes = tuple(Code(code, "stored", "engine") for code in ("P0143", "P0196", "P0234", "P0235"))
    old = car_of("iso9141", engine(0x10, 0x10), codes=codes)
    new = car_of("can11-500", engine(0x7E0, 0x7E8), codes=codes)

    assert [said.hex() for said in answer(old, old.ecus[0], b"\x03", functional=True)] == [
        "43014301960234",
        "43023500000000",
    ]
    assert [said.hex() for said in answer(new, new.ecus[0], b"\x03", functional=True)] == ["43040143019602340235"]


def test_vin_and_calibration_ids_as_in_the_standard() -> None:
    old = car_of("iso9141", engine(0x10, 0x10, vin="1G1JC5444R7252367"))
    new = car_of("can11-500", engine(0x7E0, 0x7E8, ids=("JMB*36761500", "JMB*47872611")))

    assert [said.hex(" ").upper() for said in answer(old, old.ecus[0], b"\x09\x02", functional=True)] == [
        "49 02 01 00 00 00 31",
        "49 02 02 47 31 4A 43",
        "49 02 03 35 34 34 34",
        "49 02 04 52 37 32 35",
        "49 02 05 32 33 36 37",
    ]
    (ids,) = answer(new, new.ecus[0], b"\x09\x04", functional=True)
    assert ids == b"\x49\x04\x02JMB*36761500\0\0\0\0JMB*47872611\0\0\0\0"


# --- the ELM327 data sheet ---


def test_two_units_with_and_without_headers_on_j1850() -> None:
    car = car_of(
        "j1850-vpw", engine(0x10, 0x10, r0100="4100BE3EB811"), engine(0x18, 0x18, r0100="410080108000")
    )  # fmt: skip
    bench = bench_of(car, before=("ATE0", "0100"))

    assert bench.lines("0100") == ["41 00 BE 3E B8 11 ", "41 00 80 10 80 00 "]
    bench.ask("ATH1")
    assert bench.lines("0100") == ["48 6B 10 41 00 BE 3E B8 11 FA ", "48 6B 18 41 00 80 10 80 00 C0 "]


def test_a_vin_without_headers_on_can() -> None:
    bench = bench_of(car_of("can11-500", engine(0x7E0, 0x7E8, vin="1D4GP00R55B123456")), before=("ATE0", "0100"))

    assert bench.lines("0902") == [
        "014",
        "0: 49 02 01 31 44 34 ",
        "1: 47 50 30 30 52 35 35 ",
        "2: 42 31 32 33 34 35 36 ",
    ]


def test_the_adapter_waits_for_the_time_it_was_given() -> None:
    bench = bench_of(car_of("can11-500", engine(0x7E0, 0x7E8)), before=("ATE0", "0100", "ATAT0"))
    bench.ask("ATST19")

    assert bench.lines("01FE") == ["NO DATA"]
    assert bench.took_s == pytest.approx(0x19 * 0.004, abs=0.01)


# --- framing ---


def test_k_line_and_j1850_check_bytes() -> None:
    # ISO 9141-2: 68 6A F1 01 00 C4; ISO 14230: C2 33 F1 01 00 E7; the J1850 CRC of the data sheet's line ends in FA
    assert legacy_frame(Kind.VPW, 0x10, bytes.fromhex("4100BE3EB811")).hex().upper() == "486B104100BE3EB811FA"
    assert legacy_frame(Kind.KWP, 0x10, bytes.fromhex("4100BE3EB811")).hex().upper() == "86F1104100BE3EB8118D"
    assert legacy_frame(Kind.ISO9141, 0x10, bytes.fromhex("4100BE3EB811")).hex().upper() == "486B104100BE3EB811C9"


def test_a_long_kwp_message_has_a_length_byte_of_its_own() -> None:
    short, long = (legacy_frame(Kind.KWP, 0x10, bytes(size)) for size in (0x3F, 0x40))

    assert (short[:4].hex(), len(short)) == ("bff11000", 0x3F + 4)
    assert (long[:4].hex(), len(long)) == ("80f11040", 0x40 + 5)


@pytest.mark.parametrize("size", [7, 8, 13, 14, 4095])
def test_iso_tp_frames_at_their_edges(size: int) -> None:
    frames = list(isotp_frames(bytes(range(1, 256)) * 17 if size > 255 else bytes(range(1, size + 1)), padding=0xAA))

    assert all(len(frame) == 8 for frame in frames)
    if size == 7:
        assert frames == [bytes([7, *range(1, 8)])]
    if size == 14:
        assert [frame.hex() for frame in frames] == ["100e010203040506", "210708090a0b0c0d", "220eaaaaaaaaaaaa"]


def test_flow_control_sets_the_pace_and_the_block() -> None:
    bench = bench_of(
        car_of("can11-500", engine(0x7E0, 0x7E8, vin="1D4GP00R55B123456")), before=("ATE0", "0100", "ATAT0")
    )
    bench.ask("ATFCSH7E0")
    took: list[float] = []
    for data in ("300000", "300064", "3000F9"):
        bench.ask(f"ATFCSD{data}")
        bench.ask("ATFCSM1")
        assert len(bench.lines("0902")) == 4
        took.append(bench.took_s)
    bench.ask("ATFCSD300100")

    assert took[1] - took[0] == pytest.approx(0.198, abs=0.02)
    assert took[2] == pytest.approx(took[0], abs=0.005)
    assert bench.lines("0902") == ["014", "0: 49 02 01 31 44 34 ", "1: 47 50 30 30 52 35 35 "]
    bench.ask("ATFCSD310000")
    assert bench.lines("0902") == ["014", "0: 49 02 01 31 44 34 "]


# --- adapters ---


@pytest.mark.parametrize(
    ("stn", "elm", "title"),
    [("11", "1", "SAE J1850 PWM"), ("12", "2", "SAE J1850 VPW"), ("22", "3", "ISO 9141-2"),
     ("24", "4", "ISO 14230-4 (KWP 5BAUD)"), ("25", "5", "ISO 14230-4 (KWP FAST)"),
     ("33", "6", "ISO 15765-4 (CAN 11/500)"), ("34", "7", "ISO 15765-4 (CAN 29/500)"),
     ("35", "8", "ISO 15765-4 (CAN 11/250)"), ("36", "9", "ISO 15765-4 (CAN 29/250)")],
)  # fmt: skip
def test_an_stn_has_its_own_numbers_for_the_buses(stn: str, elm: str, title: str) -> None:
    bench = bench_of(car_of("can11-500", engine(0x7E0, 0x7E8)), "stn-2255")

    assert bench.ask(f"STP {stn}") == "OK\r\r>"
    assert (bench.ask("STPR"), bench.ask("ATDPN"), bench.ask("STPRS")) == (
        f"{stn}\r\r>",
        f"{elm}\r\r>",
        f"{title}\r\r>",
    )
    assert bench.ask("STP99") == "?\r\r>"


def test_an_stn_says_who_it_is() -> None:
    bench = bench_of(car_of("can11-500", engine(0x7E0, 0x7E8)), "stn-2255")

    assert [bench.ask(command) for command in ("STI", "STDI", "ATI")] == [
        "STN2255 v5.0.0\r\r>",
        "OBDLink MX+ r2.1\r\r>",
        "ELM327 v1.4b\r\r>",
    ]


def test_a_supply_below_six_volts_resets_the_adapter() -> None:
    bench = Bench().ready()
    bench.car.sag(5.5, 0.5)

    assert bench.ask("010C") == "LV RESET\r\r>"
    bench.now_s += 1.0
    assert bench.ask("ATI") == "ATI\rELM327 v2.2\r\r>"


def test_a_bypassed_initialisation_speaks_at_once() -> None:
    car = car_of("iso9141", engine(0x10, 0x10, r0100="4100BE1FB810"))
    slow, quick = bench_of(car, before=("ATE0", "ATSP3")), bench_of(car, before=("ATE0", "ATSP3", "ATBI"))

    assert slow.lines("0100") == ["BUS INIT: ...OK", "41 00 BE 1F B8 10 "]
    assert quick.lines("0100") == ["41 00 BE 1F B8 10 "]


def test_a_k_line_without_wake_ups_falls_asleep() -> None:
    car = car_of("iso9141", engine(0x10, 0x10, r0100="4100BE1FB810"))
    bench = bench_of(car, before=("ATE0", "ATSP3", "0100"))
    bench.now_s += 60
    assert bench.lines("0100") == ["41 00 BE 1F B8 10 "]
    bench.ask("ATSW00")
    bench.now_s += 4
    assert bench.lines("0100") == ["41 00 BE 1F B8 10 "]

    bench.now_s += 6

    assert bench.lines("0100") == ["BUS INIT: ...OK", "41 00 BE 1F B8 10 "]


# --- several units in one car ---


def test_each_unit_has_its_own_latency_count_and_past() -> None:
    car = Bench().car
    car.ecus[0].latency_s, car.ecus[1].latency_s = 0.03, 0.01
    car.ecus[1].counters = Counters(distance_since_clear_km=7)
    bench = bench_of(car, before=("ATE0", "ATS0", "ATH1", "0100"))

    assert bench.lines("0131") == ["7E90441310007", "7E80441315488"]


def test_a_car_driven_by_legs_is_read_on_the_way() -> None:
    bench = Bench().ready()
    bench.car.drive_next([Leg(72, 60), Leg(0, 600)])

    seen = []
    for _ in range(4):
        seen.append((bench.lines("010D1")[0], bench.lines("01A61")[0]))
        bench.now_s += 30

    assert [speed for speed, _ in seen] == ["7E803410D48", "7E803410D48", "7E803410D00", "7E803410D00"]
    metres = [int(odometer[-8:], 16) * 100 for _, odometer in seen]
    assert metres[1] - metres[0] in (600, 700) and metres[3] - metres[0] == 1200
