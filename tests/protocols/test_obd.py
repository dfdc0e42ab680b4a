"""Services 01 to 0A decoded as SAE J1979 scales them."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import DecodeError
from protocols.obd import (
    CounterValue,
    decode_counters,
    decode_freeze_code,
    decode_lifetime_distance,
    decode_monitor_status,
    decode_odometer_pid,
    decode_pid,
    freeze_frame_request,
    fuel_of,
    supported_pids,
)
from protocols.readings import Monitor
from protocols.signals import PID_LENGTHS, PIDS, Number

# PID, data, first value and unit: worked by hand from the formulas of SAE J1979-DA.
LITERALS = """
04 9F 62.352941 % | 05 7B 83 degC | 06 76 -7.8125 % | 0A 63 297 kPa | 0B 18 24 kPa | 0C 1AF8 1726 rpm | 0D 3C 60 km/h
0E 7D -1.5 deg | 0F 00 -40 degC | 10 00B1 1.77 g/s | 11 5D 36.470588 % | 14 98FF 0.76 V | 1F 0212 530 s
21 0102 258 km | 22 1000 323.625 kPa | 23 00C1 1930 kPa | 24 8000 4000 1 ratio | 2C FF 100 % | 2D 79 -5.46875 %
2F 72 44.705882 % | 30 FF 255 | 31 FFFF 65535 km | 32 FF68 -0.038 kPa | 33 63 99 kPa | 34 8000 8000 1 ratio
3C 1135 400.5 degC | 42 3097 12.439 V | 43 0027 15.294118 % | 44 8000 1 ratio | 46 30 8 degC | 4D 0010 16 min
4E 0FE8 4072 min | 53 4D9E 99.35 kPa | 54 FF7C -0.132 kPa | 55 7C -3.125 % | 5B 81 50.588235 % | 5C 2B 3 degC
5D 6946 0.546875 deg | 5E 0064 5 l/h | 61 7C -1 % | 62 7D 0 % | 63 0140 320 Nm | 8E 81 4 % | 9E 004D 15.4 kg/h
A6 0001E240 12345.6 km | A2 0020 1 mg/stroke | C7 0064 100 km
"""


@pytest.mark.parametrize("text", [entry.strip() for line in LITERALS.strip().splitlines() for entry in line.split("|")])
def test_a_value_of_the_standard(text: str) -> None:
    pid, *rest = text.split()
    data = next(size for size in range(1, len(rest)) if len("".join(rest[:size])) == 2 * PID_LENGTHS[int(pid, 16)])
    reading = decode_pid(int(pid, 16), bytes.fromhex("".join(rest[:data])), ecu="7E8")[0]

    assert (str(reading.value), reading.unit) == (rest[data], " ".join(rest[data + 1 :]))
    assert (reading.request, reading.ecu) == (f"01{pid}", "7E8")


def values(pid: int, data: str, *, whole: bool = False) -> dict[str, object]:
    return {reading.signal: reading.value for reading in decode_pid(pid, bytes.fromhex(data), ecu="7E8", whole=whole)}


def test_both_values_of_the_wide_band_sensors() -> None:
    assert values(0x24, "0A28020F") == {"lambda_b1s1": 0.079346, "o2_voltage_b1s1": 0.064331}
    assert values(0x3B, "71E87F8C") == {"lambda_b2s4": 0.889893, "o2_current_b2s4": -0.453125}


def test_a_sensor_that_is_not_used_has_no_trim() -> None:
    assert values(0x15, "29FF") == {"o2_voltage_b1s2": 0.205}
    assert values(0x15, "2980") == {"o2_voltage_b1s2": 0.205, "o2_trim_b1s2": 0}


def test_the_second_bank_of_a_trim_is_shown_where_it_exists() -> None:
    assert values(0x06, "7684") == {"short_fuel_trim_b1": -7.8125, "short_fuel_trim_b3": 3.125}
    for padded in ("76", "7600", "7655", "76AA"):
        assert values(0x06, padded) == {"short_fuel_trim_b1": -7.8125}
    assert values(0x56, "7F00") == {"long_secondary_o2_trim_b1": -0.78125}


def test_fields_that_are_not_filled_are_left_out_unless_the_answer_is_shown_whole() -> None:
    assert values(0x67, "014300") == {
        "coolant_temperature_1_supported": 1,
        "coolant_temperature_2_supported": 0,
        "coolant_temperature_1": 27,
    }
    assert values(0x67, "014300", whole=True)["coolant_temperature_2"] == -40


def test_a_recording_shows_what_a_short_answer_still_holds() -> None:
    assert values(0x7F, "01", whole=True) == {
        "engine_run_time_supported": 1,
        "engine_idle_time_supported": 0,
        "engine_pto_time_supported": 0,
    }
    with pytest.raises(DecodeError):
        values(0x7F, "01")
    with pytest.raises(DecodeError):
        values(0x0C, "01", whole=True)


def test_words_are_the_abbreviations_of_the_standard() -> None:
    assert values(0x51, "04") == {"fuel_type": "DSL"}
    assert values(0x03, "0204") == {"fuel_system_1": "CL", "fuel_system_2": "OL-Drive"}
    assert values(0x1C, "06") == {"obd_standard": "EOBD"}
    assert values(0x51, "99") == {"fuel_type": 0x99}


def test_a_pid_outside_the_table_has_no_readings() -> None:
    assert decode_pid(0xFE, b"\x01", ecu="7E8") == ()


@pytest.mark.parametrize("pid", [pid for pid, entry in PIDS.items() if entry.fields])
def test_a_short_answer_is_refused(pid: int) -> None:
    with pytest.raises(DecodeError):
        decode_pid(pid, bytes(PID_LENGTHS[pid] - 1), ecu="7E8")


@pytest.mark.parametrize("pid", PIDS)
def test_every_field_lies_inside_its_answer_and_has_a_name_of_its_own(pid: int) -> None:
    fields = PIDS[pid].fields
    optional = 1 if pid in {0x06, 0x07, 0x08, 0x09, 0x55, 0x56, 0x57, 0x58} else 0

    assert all(
        field.at + (field.size if isinstance(field, Number) else 1) <= PIDS[pid].length + optional for field in fields
    )
    assert len({field.name for field in fields}) == len(fields)


def test_supported_pids_are_bits_from_the_highest() -> None:
    assert supported_pids(0x00, bytes.fromhex("80000001")) == {0x01, 0x20}
    assert supported_pids(0xA0, bytes.fromhex("04000000")) == {0xA6}


def test_monitors_of_spark_ignition() -> None:
    status = decode_monitor_status(bytes.fromhex("8307E504"))

    assert (status.mil, status.dtc_count, status.compression_ignition) == (True, 3, False)
    assert status.readiness["misfire"] is Monitor.COMPLETE
    assert status.readiness["catalyst"] is Monitor.COMPLETE
    assert status.readiness["evaporative_system"] is Monitor.INCOMPLETE
    assert status.readiness["secondary_air"] is Monitor.UNSUPPORTED
    assert len(status.readiness) == 11


def test_monitors_of_compression_ignition_have_other_names() -> None:
    status = decode_monitor_status(bytes.fromhex("000EA020"))

    assert status.compression_ignition
    assert status.readiness["misfire"] is Monitor.UNSUPPORTED
    assert status.readiness["exhaust_gas_sensor"] is Monitor.INCOMPLETE
    assert status.readiness["egr_vvt"] is Monitor.COMPLETE
    assert "catalyst" not in status.readiness


def test_a_diesel_shows_its_own_monitors() -> None:
    shown = values(0x01, "000EA020")

    assert shown["ignition"] == "COMPRESSION"
    assert (shown["exhaust_gas_sensor_supported"], shown["exhaust_gas_sensor_incomplete"]) == (1, 1)
    assert "catalyst_supported" not in shown
    assert values(0x41, "0007E504")["catalyst_supported"] == 1


@pytest.mark.parametrize(("data", "odometer_m"), [("00000000", None), ("FFFFFFFF", None), ("0001E240", 12_345_600)])
def test_an_odometer_of_zero_is_no_reading(data: str, odometer_m: int | None) -> None:
    assert decode_odometer_pid(bytes.fromhex(data)) == odometer_m


@pytest.mark.parametrize(
    ("pid", "data", "expected"),
    [
        (0x21, "0064", CounterValue("distance_with_mil_m", 100_000, saturated=False)),
        (0x30, "FF", CounterValue("warmups_since_clear", 255, saturated=True)),
        (0x31, "FFFF", CounterValue("distance_since_clear_m", 65_535_000, saturated=True)),
        (0x4D, "0001", CounterValue("time_with_mil_s", 60, saturated=False)),
        (0x4E, "0FE8", CounterValue("time_since_clear_s", 244_320, saturated=False)),
        (0x7F, "030022DFB20004E2600000000000", CounterValue("engine_run_time_s", 2_285_490, saturated=False)),
        (0x7F, "020022DFB20004E2600000000000", CounterValue("engine_run_time_s", None, saturated=False)),
        (0x7F, "03FFFFFFFF0004E2600000000000", CounterValue("engine_run_time_s", None, saturated=False)),
        (0xC7, "0001", CounterValue("distance_since_reflash_m", 1000, saturated=False)),
    ],
)
def test_counters_have_product_units_and_say_when_they_are_full(pid: int, data: str, expected: CounterValue) -> None:
    assert decode_counters(pid, bytes.fromhex(data)) == (expected,)


@pytest.mark.parametrize(
    ("data", "word"),
    [(1, "petrol"), (4, "diesel"), (8, "electric"), (0x11, "hybrid"), (0x13, "diesel hybrid"), (9, "bi-fuel"), (0, "")],
)
def test_fuel_as_a_word(data: int, word: str) -> None:
    assert fuel_of(bytes([data])) == word


def test_a_freeze_frame_is_asked_with_its_number() -> None:
    assert freeze_frame_request(0x0C) == b"\x02\x0c\x00"
    assert decode_freeze_code(b"\x00\x00") is None
    assert decode_freeze_code(b"\x01\x43") == b"\x01\x43"


@given(st.integers(0, 255), st.binary(max_size=50), st.booleans())
def test_any_bytes_give_readings_or_a_decode_error(pid: int, data: bytes, whole: bool) -> None:
    decoders = (
        lambda: decode_pid(pid, data, ecu="7E8", whole=whole),
        lambda: decode_counters(pid, data),
        lambda: (supported_pids(0, data),),
        lambda: (decode_monitor_status(data),),
        lambda: (fuel_of(data),),
    )
    for decode in decoders:
        try:
            decode()
        except DecodeError:
            assert len(data) < max(chain([4], PID_LENGTHS.values()))


@pytest.mark.parametrize(
    ("code", "text"),
    [(0x01, "OBD II"), (0x06, "EOBD"), (0x1B, "HD-ZEV"), (0x29, "CN-OBD-6"), (0x33, "CARB ACC-II"), (0x3B, "EPA HD")],
)
def test_the_law_a_car_was_built_to_has_the_standards_short_name(code: int, text: str) -> None:
    (reading,) = decode_pid(0x1C, bytes((code,)), ecu="7E8")

    assert reading.value == text


LIFETIME = bytes.fromhex("00000BB8 000E2B10 00000190 00125F40")


@pytest.mark.parametrize("number", [b"", b"\x04"])
def test_the_fuel_monitor_counts_a_lifetime_distance(number: bytes) -> None:
    assert decode_lifetime_distance(number + LIFETIME) == 92_852_800


def test_a_new_cars_recent_distance_may_be_all_it_ever_drove() -> None:
    assert decode_lifetime_distance(LIFETIME[4:8] * 2 + bytes(8)) == 92_852_800


@pytest.mark.parametrize("lifetime", ["00000000", "FFFFFFFF"])
def test_a_fuel_monitor_without_a_count_holds_no_distance(lifetime: str) -> None:
    assert decode_lifetime_distance(bytes(4) + bytes.fromhex(lifetime) + bytes(8)) is None


@pytest.mark.parametrize("data", [b"", LIFETIME[:-1], LIFETIME + b"\0\0", LIFETIME[4:8] + LIFETIME[:4] + bytes(8)])
def test_a_fuel_monitor_laid_out_otherwise_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_lifetime_distance(data)
