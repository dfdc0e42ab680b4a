"""What each PID of service 01 holds: facts of SAE J1979-DA as a table, and nothing else.

A PID has a length and fields; a field is a number, a flag or a choice. Names carry no unit, units stand beside
them. ``support`` names the bit of the first byte that says whether the field is filled at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Number:
    """``size`` bytes at ``at``, high byte first, times ``multiplier / divisor + add``; ``unused`` means "no value"."""

    name: str
    unit: str
    at: int = 0
    size: int = 1
    multiplier: float = 1
    divisor: float = 1
    add: float = 0
    signed: bool = False
    support: int | None = None
    unused: int | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """One bit, 0 or 1."""

    name: str
    at: int
    bit: int
    support: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Bits of one byte that stand for a word; the words are SAE's own abbreviations."""

    name: str
    at: int
    texts: Mapping[int, str]
    mask: int = 0xFF
    shift: int = 0
    support: int | None = None


Field = Number | Flag | Choice


@dataclass(frozen=True, slots=True)
class Pid:
    """One parameter: how many data bytes answer it, and what stands in them."""

    length: int
    fields: tuple[Field, ...] = ()


def _percent(name: str, at: int = 0, support: int | None = None) -> Number:
    return Number(name, "%", at, 1, 100, 255, support=support)


def _trim(name: str, at: int = 0) -> Number:
    return Number(name, "%", at, 1, 100, 128, -100)


def _celsius(name: str, at: int = 0, support: int | None = None) -> Number:
    return Number(name, "degC", at, add=-40, support=support)


def _celsius_tenths(name: str, at: int = 0, support: int | None = None) -> Number:
    return Number(name, "degC", at, 2, 1, 10, -40, support=support)


def _torque(name: str, at: int = 0) -> Number:
    return Number(name, "%", at, add=-125)


def _count(name: str, unit: str, at: int = 0, size: int = 1, support: int | None = None) -> Number:
    return Number(name, unit, at, size, support=support)


def _one(length: int, *fields: Field) -> Pid:
    return Pid(length, fields)


def _supports(*names: str) -> tuple[Flag, ...]:
    """The bits of a leading support byte, lowest first; an empty name skips a bit."""
    return tuple(Flag(f"{name}_supported", 0, bit) for bit, name in enumerate(names) if name)


_FUEL_SYSTEM = {0: "OFF", 1: "OL", 2: "CL", 4: "OL-Drive", 8: "OL-Fault", 16: "CL-Fault"} | {
    32: "OL B2",
    64: "OL-Drive B2",
    128: "OL-Fault B2",
}
_SECONDARY_AIR = {1: "UPS", 2: "DNS", 4: "OFF", 8: "DIAG"}
_EMISSION_STANDARD = {0x0E: "EURO IV B1", 0x0F: "EURO V B2", 0x10: "EURO C"}
_OBD_STANDARD = {
    0x01: "OBD II",
    0x02: "OBD",
    0x03: "OBD & OBD II",
    0x04: "OBD I",
    0x05: "NO OBD",
    0x06: "EOBD",
    0x07: "EOBD & OBD II",
    0x08: "EOBD & OBD",
    0x09: "EOBD, OBD, OBD II",
    0x0A: "JOBD",
    0x0B: "JOBD & OBD II",
    0x0C: "JOBD & EOBD",
    0x0D: "JOBD, EOBD, OBD II",
    **_EMISSION_STANDARD,
    0x11: "EMD",
    0x12: "EMD+",
    0x13: "HD OBD-C",
    0x14: "HD OBD",
    0x15: "WWH OBD",
    0x17: "HD EOBD-I",
    0x18: "HD EOBD-I N",
    0x19: "HD EOBD-II",
    0x1A: "HD EOBD-II N",
    0x1B: "HD-ZEV",
    0x1C: "OBDBr-1",
    0x1D: "OBDBr-2",
    0x1E: "KOBD",
    0x1F: "IOBD I",
    0x20: "IOBD II",
    0x21: "HD EOBD-VI",
    0x22: "OBD, OBD II & HD OBD",
    0x23: "OBDBr-3",
    0x24: "MC EOBD-I",
    0x25: "MC EOBD-II",
    0x26: "MC COBD-I",
    0x27: "MC TOBD-I",
    0x28: "MC JOBD-I",
    0x29: "CN-OBD-6",
    0x2A: "OBDBr-P7",
    0x2B: "CN-HDOBD-VI",
    0x2C: "IOBD-I-BS6",
    0x2D: "IOBD-II-BS6",
    0x2E: "IHDOBD-BSVI",
    0x2F: "OBDBr-P8",
    0x30: "HD-JOBD-II",
    0x31: "HD-KOBD-II",
    0x32: "CN-OROBD-IV",
    0x33: "CARB ACC-II",
    0x34: "MC JOBD-II",
    0x35: "MC CARB OBD",
    0x36: "MC EPA OBD",
    0x37: "MC CARB & EPA OBD",
    0x38: "HD ZEV CARB ZEP",
    0x39: "CARB ACC-II & EPA TIER4",
    0x3A: "EPA TIER4",
    0x3B: "EPA HD",
}
FUEL_TYPES = {
    0x01: "GAS",
    0x02: "METH",
    0x03: "ETH",
    0x04: "DSL",
    0x05: "LPG",
    0x06: "CNG",
    0x07: "PROP",
    0x08: "ELEC",
    0x09: "BI_GAS",
    0x0A: "BI_METH",
    0x0B: "BI_ETH",
    0x0C: "BI_LPG",
    0x0D: "BI_CNG",
    0x0E: "BI_PROP",
    0x0F: "BI_ELEC",
    0x10: "BI_MIX",
    0x11: "HYB_GAS",
    0x12: "HYB_ETH",
    0x13: "HYB_DSL",
    0x14: "HYB_ELEC",
    0x15: "HYB_MIX",
    0x16: "HYB_REG",
    0x17: "BI_DSL",
    0x18: "BI_NG",
    0x19: "BI_DSL",
    0x1A: "NG",
    0x1B: "DSL_CNG",
    0x1C: "DSL_LNG",
    0x1D: "FC_H2",
    0x1E: "HICE_HHO",
    0x1F: "KERO",
    0x20: "HFO",
}

_SENSORS_2_BANKS = ("b1s1", "b1s2", "b1s3", "b1s4", "b2s1", "b2s2", "b2s3", "b2s4")
_SENSORS_4_BANKS = ("b1s1", "b1s2", "b2s1", "b2s2", "b3s1", "b3s2", "b4s1", "b4s2")


def _narrow_sensor(sensor: str) -> Pid:
    trim = Number(f"o2_trim_{sensor}", "%", 1, 1, 100, 128, -100, unused=0xFF)
    return _one(2, Number(f"o2_voltage_{sensor}", "V", 0, 1, 1, 200), trim)


def _wide_sensor(sensor: str, *, current: bool) -> Pid:
    ratio = Number(f"lambda_{sensor}", "ratio", 0, 2, 2, 65536)
    if current:
        return _one(4, ratio, Number(f"o2_current_{sensor}", "mA", 2, 2, 1, 256, -128))
    return _one(4, ratio, Number(f"o2_voltage_{sensor}", "V", 2, 2, 8, 65536))


def _catalyst(sensor: str) -> Pid:
    return _one(2, _celsius_tenths(f"catalyst_temperature_{sensor}"))


MONITORS_CONTINUOUS = ("misfire", "fuel_system", "components")
MONITORS_SPARK = (
    "catalyst",
    "heated_catalyst",
    "evaporative_system",
    "secondary_air",
    "ac_refrigerant",
    "oxygen_sensor",
    "oxygen_sensor_heater",
    "egr_vvt",
)
MONITORS_COMPRESSION = (
    "nmhc_catalyst",
    "nox_scr",
    "",
    "boost_pressure",
    "",
    "exhaust_gas_sensor",
    "pm_filter",
    "egr_vvt",
)
IGNITION = {0: "SPARK", 1: "COMPRESSION"}


def _monitors(names: tuple[str, ...]) -> tuple[Field, ...]:
    """Bytes B to D of PIDs 01 and 41; ``names`` are those of bytes C and D, lowest bit first, "" for a reserved one."""
    fields: list[Field] = [Choice("ignition", 1, IGNITION, mask=0x08, shift=3)]
    for bit, name in enumerate(MONITORS_CONTINUOUS):
        fields += [Flag(f"{name}_supported", 1, bit), Flag(f"{name}_incomplete", 1, bit + 4)]
    for bit, name in enumerate(names):
        if name:
            fields += [Flag(f"{name}_supported", 2, bit), Flag(f"{name}_incomplete", 3, bit)]
    return tuple(fields)


def _bitmap() -> Pid:
    return Pid(4)


def _turbo_temperatures(turbo: str) -> Pid:
    names = tuple(f"turbo_{turbo}_{place}_temperature" for place in _TURBO_PLACES)
    values = (
        _celsius(names[0], 1, 0),
        _celsius(names[1], 2, 1),
        _celsius_tenths(names[2], 3, 2),
        _celsius_tenths(names[3], 5, 3),
    )
    return Pid(7, (*_supports(*names), *values))


def _exhaust_temperatures(bank: int, first: int = 1) -> Pid:
    names = tuple(f"exhaust_temperature_b{bank}s{sensor}" for sensor in range(first, first + 4))
    values = tuple(_celsius_tenths(name, 1 + 2 * index, index) for index, name in enumerate(names))
    return Pid(9, (*_supports(*names), *values))


def _filter_pressures(bank: int) -> Pid:
    names = ("delta", "inlet", "outlet")
    full = tuple(f"pm_filter_{name}_pressure_b{bank}" for name in names)
    values = (
        Number(full[0], "kPa", 1, 2, 1, 100, signed=True, support=0),
        Number(full[1], "kPa", 3, 2, 1, 100, support=1),
        Number(full[2], "kPa", 5, 2, 1, 100, support=2),
    )
    return Pid(7, (*_supports(*full), *values))


def _bytes_with_support(length: int, names: tuple[str, ...], kind: str) -> Pid:
    """A support byte and one byte a field, in the same order."""
    make = {"percent": _percent, "celsius": _celsius}[kind]
    return Pid(length, (*_supports(*names), *(make(name, 1 + index, index) for index, name in enumerate(names))))


def _wide_sensors(sensors: tuple[str, ...]) -> Pid:
    """PIDs 8C and 9C: four times oxygen in per cent, then four times lambda; bits 0-3 and 4-7 say which are filled."""
    oxygen = tuple(f"o2_concentration_{sensor}" for sensor in sensors)
    ratios = tuple(f"lambda_{sensor}" for sensor in sensors)
    values = (
        *(Number(name, "%", 1 + 2 * index, 2, 100, 65535, support=index) for index, name in enumerate(oxygen)),
        *(Number(name, "ratio", 9 + 2 * index, 2, 8, 65536, support=4 + index) for index, name in enumerate(ratios)),
    )
    return Pid(17, (*_supports(*oxygen, *ratios), *values))


_TURBO_PLACES = ("compressor_inlet", "compressor_outlet", "turbine_inlet", "turbine_outlet")
_INTAKE_AIR = ("b1s1", "b1s2", "b1s3", "b2s1", "b2s2", "b2s3")
_EGR_TEMPERATURES = ("a", "c", "b", "d")  # bank 1 sensor 1, bank 1 sensor 2, bank 2 sensor 1, bank 2 sensor 2
_FUEL_SYSTEMS = tuple(f"fuel_system_{system}_use_b{bank}" for bank in range(1, 5) for system in "ab")


def _egr_temperatures() -> tuple[Field, ...]:
    """PID 6B: bits 0-3 say 1 degC a step, bits 4-7 say 4 degC a step, for the same four bytes."""
    fields: list[Field] = []
    for index, name in enumerate(_EGR_TEMPERATURES):
        fields.append(Flag(f"egr_temperature_{name}_supported", 0, index))
        fields.append(Flag(f"egr_temperature_{name}_wide_supported", 0, index + 4))
        fields.append(_celsius(f"egr_temperature_{name}", 1 + index, index))
        fields.append(Number(f"egr_temperature_{name}_wide", "degC", 1 + index, 1, 4, 1, -40, support=index + 4))
    return tuple(fields)


_LAMP_AND_COUNT: tuple[Field, ...] = (Flag("mil", 0, 7), Choice("dtc_count", 0, {}, mask=0x7F))

PIDS: dict[int, Pid] = {
    0x01: Pid(4, (*_LAMP_AND_COUNT, *_monitors(MONITORS_SPARK))),
    0x03: _one(2, Choice("fuel_system_1", 0, _FUEL_SYSTEM), Choice("fuel_system_2", 1, _FUEL_SYSTEM)),
    0x04: _one(1, _percent("engine_load")),
    0x05: _one(1, _celsius("coolant_temperature")),
    0x06: _one(1, _trim("short_fuel_trim_b1"), _trim("short_fuel_trim_b3", 1)),
    0x07: _one(1, _trim("long_fuel_trim_b1"), _trim("long_fuel_trim_b3", 1)),
    0x08: _one(1, _trim("short_fuel_trim_b2"), _trim("short_fuel_trim_b4", 1)),
    0x09: _one(1, _trim("long_fuel_trim_b2"), _trim("long_fuel_trim_b4", 1)),
    0x0A: _one(1, Number("fuel_pressure", "kPa", multiplier=3)),
    0x0B: _one(1, _count("intake_pressure", "kPa")),
    0x0C: _one(2, Number("engine_speed", "rpm", 0, 2, 1, 4)),
    0x0D: _one(1, _count("vehicle_speed", "km/h")),
    0x0E: _one(1, Number("timing_advance", "deg", 0, 1, 1, 2, -64)),
    0x0F: _one(1, _celsius("intake_temperature")),
    0x10: _one(2, Number("air_flow", "g/s", 0, 2, 1, 100)),
    0x11: _one(1, _percent("throttle_position")),
    0x12: _one(1, Choice("secondary_air_status", 0, _SECONDARY_AIR)),
    0x13: _one(1, *(Flag(f"o2_sensor_{name}_present", 0, bit) for bit, name in enumerate(_SENSORS_2_BANKS))),
    **{0x14 + index: _narrow_sensor(name) for index, name in enumerate(_SENSORS_2_BANKS)},
    0x1C: _one(1, Choice("obd_standard", 0, _OBD_STANDARD)),
    0x1D: _one(1, *(Flag(f"o2_sensor_{name}_present", 0, bit) for bit, name in enumerate(_SENSORS_4_BANKS))),
    0x1E: _one(1, Flag("power_take_off_active", 0, 0)),
    0x1F: _one(2, _count("time_since_engine_start", "s", 0, 2)),
    0x21: _one(2, _count("distance_with_mil", "km", 0, 2)),
    0x22: _one(2, Number("fuel_rail_pressure_relative", "kPa", 0, 2, 5178, 65536)),
    0x23: _one(2, Number("fuel_rail_pressure", "kPa", 0, 2, 10)),
    **{0x24 + index: _wide_sensor(name, current=False) for index, name in enumerate(_SENSORS_2_BANKS)},
    0x2C: _one(1, _percent("commanded_egr")),
    0x2D: _one(1, _trim("egr_error")),
    0x2E: _one(1, _percent("commanded_evaporative_purge")),
    0x2F: _one(1, _percent("fuel_level")),
    0x30: _one(1, _count("warmups_since_clear", "")),
    0x31: _one(2, _count("distance_since_clear", "km", 0, 2)),
    0x32: _one(2, Number("evaporative_vapor_pressure", "kPa", 0, 2, 1, 4000, signed=True)),
    0x33: _one(1, _count("barometric_pressure", "kPa")),
    **{0x34 + index: _wide_sensor(name, current=True) for index, name in enumerate(_SENSORS_2_BANKS)},
    0x3C: _catalyst("b1s1"),
    0x3D: _catalyst("b2s1"),
    0x3E: _catalyst("b1s2"),
    0x3F: _catalyst("b2s2"),
    0x41: Pid(4, _monitors(MONITORS_SPARK)),
    0x42: _one(2, Number("module_voltage", "V", 0, 2, 1, 1000)),
    0x43: _one(2, Number("absolute_load", "%", 0, 2, 100, 255)),
    0x44: _one(2, Number("commanded_lambda", "ratio", 0, 2, 2, 65536)),
    0x45: _one(1, _percent("relative_throttle_position")),
    0x46: _one(1, _celsius("ambient_temperature")),
    0x47: _one(1, _percent("throttle_position_b")),
    0x48: _one(1, _percent("throttle_position_c")),
    0x49: _one(1, _percent("accelerator_position_d")),
    0x4A: _one(1, _percent("accelerator_position_e")),
    0x4B: _one(1, _percent("accelerator_position_f")),
    0x4C: _one(1, _percent("commanded_throttle")),
    0x4D: _one(2, _count("time_with_mil", "min", 0, 2)),
    0x4E: _one(2, _count("time_since_clear", "min", 0, 2)),
    0x4F: _one(
        4,
        _count("maximum_lambda", "ratio", 0),
        _count("maximum_o2_voltage", "V", 1),
        _count("maximum_o2_current", "mA", 2),
        Number("maximum_intake_pressure", "kPa", 3, 1, 10),
    ),
    0x50: _one(4, Number("maximum_air_flow", "g/s", 0, 1, 10)),
    0x51: _one(1, Choice("fuel_type", 0, FUEL_TYPES)),
    0x52: _one(1, _percent("alcohol_fuel")),
    0x53: _one(2, Number("evaporative_vapor_pressure_absolute", "kPa", 0, 2, 1, 200)),
    0x54: _one(2, Number("evaporative_vapor_pressure_wide", "kPa", 0, 2, 1, 1000, signed=True)),
    0x55: _one(1, _trim("short_secondary_o2_trim_b1"), _trim("short_secondary_o2_trim_b3", 1)),
    0x56: _one(1, _trim("long_secondary_o2_trim_b1"), _trim("long_secondary_o2_trim_b3", 1)),
    0x57: _one(1, _trim("short_secondary_o2_trim_b2"), _trim("short_secondary_o2_trim_b4", 1)),
    0x58: _one(1, _trim("long_secondary_o2_trim_b2"), _trim("long_secondary_o2_trim_b4", 1)),
    0x59: _one(2, Number("fuel_rail_pressure_absolute", "kPa", 0, 2, 10)),
    0x5A: _one(1, _percent("relative_accelerator_position")),
    0x5B: _one(1, _percent("hybrid_battery_charge")),
    0x5C: _one(1, _celsius("oil_temperature")),
    0x5D: _one(2, Number("injection_timing", "deg", 0, 2, 1, 128, -210)),
    0x5E: _one(2, Number("fuel_rate", "l/h", 0, 2, 1, 20)),
    0x5F: _one(1, Choice("emission_standard", 0, _EMISSION_STANDARD | {0x11: "EURO VI"})),
    0x61: _one(1, _torque("demanded_torque")),
    0x62: _one(1, _torque("actual_torque")),
    0x63: _one(2, _count("reference_torque", "Nm", 0, 2)),
    0x64: _one(5, _torque("torque_at_idle"), *(_torque(f"torque_at_point_{point}", point) for point in range(1, 5))),
    0x65: Pid(
        2,
        (
            *_supports("power_take_off", "automatic_neutral", "manual_neutral", "glow_plug_lamp", "recommended_gear"),
            Flag("power_take_off", 1, 0, 0),
            Flag("automatic_in_drive", 1, 1, 1),
            Flag("manual_in_gear", 1, 2, 2),
            Flag("glow_plug_lamp", 1, 3, 3),
            Choice("recommended_gear", 1, {}, 0xF0, 4, 4),
        ),
    ),
    0x66: Pid(
        5,
        (
            *_supports("air_flow_a", "air_flow_b"),
            Number("air_flow_a", "g/s", 1, 2, 1, 32, support=0),
            Number("air_flow_b", "g/s", 3, 2, 1, 32, support=1),
        ),
    ),
    0x67: _bytes_with_support(3, ("coolant_temperature_1", "coolant_temperature_2"), "celsius"),
    0x68: _bytes_with_support(7, tuple(f"intake_temperature_{name}" for name in _INTAKE_AIR), "celsius"),
    0x69: Pid(
        7,
        (
            *_supports(
                "commanded_egr_a", "actual_egr_a", "egr_a_error", "commanded_egr_b", "actual_egr_b", "egr_b_error"
            ),
            _percent("commanded_egr_a", 1, 0),
            _percent("actual_egr_a", 2, 1),
            Number("egr_a_error", "%", 3, 1, 100, 128, -100, support=2),
            _percent("commanded_egr_b", 4, 3),
            _percent("actual_egr_b", 5, 4),
            Number("egr_b_error", "%", 6, 1, 100, 128, -100, support=5),
        ),
    ),
    0x6A: _bytes_with_support(
        5, ("commanded_intake_air_a", "intake_air_a", "commanded_intake_air_b", "intake_air_b"), "percent"
    ),
    0x6B: Pid(5, _egr_temperatures()),
    0x6C: _bytes_with_support(
        5, ("commanded_throttle_a", "relative_throttle_a", "commanded_throttle_b", "relative_throttle_b"), "percent"
    ),
    0x6D: Pid(
        11,
        (
            *_supports(
                "commanded_rail_pressure_a",
                "rail_pressure_a",
                "rail_temperature_a",
                "commanded_rail_pressure_b",
                "rail_pressure_b",
                "rail_temperature_b",
            ),
            Number("commanded_rail_pressure_a", "kPa", 1, 2, 10, support=0),
            Number("rail_pressure_a", "kPa", 3, 2, 10, support=1),
            _celsius("rail_temperature_a", 5, 2),
            Number("commanded_rail_pressure_b", "kPa", 6, 2, 10, support=3),
            Number("rail_pressure_b", "kPa", 8, 2, 10, support=4),
            _celsius("rail_temperature_b", 10, 5),
        ),
    ),
    0x6E: Pid(
        9,
        (
            *_supports(
                "commanded_injection_pressure_a",
                "injection_pressure_a",
                "commanded_injection_pressure_b",
                "injection_pressure_b",
            ),
            Number("commanded_injection_pressure_a", "kPa", 1, 2, 10, support=0),
            Number("injection_pressure_a", "kPa", 3, 2, 10, support=1),
            Number("commanded_injection_pressure_b", "kPa", 5, 2, 10, support=2),
            Number("injection_pressure_b", "kPa", 7, 2, 10, support=3),
        ),
    ),
    0x6F: Pid(
        3,
        (
            *_supports("turbo_inlet_pressure_a", "turbo_inlet_pressure_b"),
            _count("turbo_inlet_pressure_a", "kPa", 1, 1, 0),
            _count("turbo_inlet_pressure_b", "kPa", 2, 1, 1),
        ),
    ),
    0x70: Pid(
        10,
        (
            *_supports(
                "commanded_boost_a", "boost_a", "boost_a_control", "commanded_boost_b", "boost_b", "boost_b_control"
            ),
            Number("commanded_boost_a", "kPa", 1, 2, 1, 32, support=0),
            Number("boost_a", "kPa", 3, 2, 1, 32, support=1),
            Number("commanded_boost_b", "kPa", 5, 2, 1, 32, support=3),
            Number("boost_b", "kPa", 7, 2, 1, 32, support=4),
            Choice("boost_a_control", 9, {1: "BP_A_OL", 2: "BP_A_CL", 3: "BP_A_FAULT"}, 0x03, 0, 2),
            Choice("boost_b_control", 9, {1: "BP_B_OL", 2: "BP_B_CL", 3: "BP_B_FAULT"}, 0x0C, 2, 5),
        ),
    ),
    0x71: Pid(
        6,
        (
            *_supports("commanded_vgt_a", "vgt_a", "vgt_a_control", "commanded_vgt_b", "vgt_b", "vgt_b_control"),
            _percent("commanded_vgt_a", 1, 0),
            _percent("vgt_a", 2, 1),
            _percent("commanded_vgt_b", 3, 3),
            _percent("vgt_b", 4, 4),
            Choice("vgt_a_control", 5, {1: "VGT_A_OL", 2: "VGT_A_CL", 3: "VGT_A_FAULT"}, 0x03, 0, 2),
            Choice("vgt_b_control", 5, {1: "VGT_B_OL", 2: "VGT_B_CL", 3: "VGT_B_FAULT"}, 0x0C, 2, 5),
        ),
    ),
    0x72: _bytes_with_support(
        5, ("commanded_wastegate_a", "wastegate_a", "commanded_wastegate_b", "wastegate_b"), "percent"
    ),
    0x73: Pid(
        5,
        (
            *_supports("exhaust_pressure_b1", "exhaust_pressure_b2"),
            Number("exhaust_pressure_b1", "kPa", 1, 2, 1, 100, support=0),
            Number("exhaust_pressure_b2", "kPa", 3, 2, 1, 100, support=1),
        ),
    ),
    0x74: Pid(
        5,
        (
            *_supports("turbo_speed_a", "turbo_speed_b"),
            Number("turbo_speed_a", "rpm", 1, 2, 10, support=0),
            Number("turbo_speed_b", "rpm", 3, 2, 10, support=1),
        ),
    ),
    0x75: _turbo_temperatures("a"),
    0x76: _turbo_temperatures("b"),
    0x77: _bytes_with_support(
        5, tuple(f"charge_air_temperature_{name}" for name in ("b1s1", "b1s2", "b2s1", "b2s2")), "celsius"
    ),
    0x78: _exhaust_temperatures(1),
    0x79: _exhaust_temperatures(2),
    0x7A: _filter_pressures(1),
    0x7B: _filter_pressures(2),
    0x7C: Pid(
        9,
        (
            *_supports(*(f"pm_filter_{side}_temperature_b{bank}" for bank in (1, 2) for side in ("inlet", "outlet"))),
            _celsius_tenths("pm_filter_inlet_temperature_b1", 1, 0),
            _celsius_tenths("pm_filter_outlet_temperature_b1", 3, 1),
            _celsius_tenths("pm_filter_inlet_temperature_b2", 5, 2),
            _celsius_tenths("pm_filter_outlet_temperature_b2", 7, 3),
        ),
    ),
    0x7F: Pid(
        13,
        (
            *_supports("engine_run_time", "engine_idle_time", "engine_pto_time"),
            _count("engine_run_time", "s", 1, 4, 0),
            _count("engine_idle_time", "s", 5, 4, 1),
            _count("engine_pto_time", "s", 9, 4, 2),
        ),
    ),
    0x83: Pid(
        9,
        (
            *_supports(*(f"nox_{name}" for name in ("b1s1", "b1s2", "b2s1", "b2s2"))),
            *(
                _count(f"nox_{name}", "ppm", 1 + 2 * index, 2, index)
                for index, name in enumerate(("b1s1", "b1s2", "b2s1", "b2s2"))
            ),
        ),
    ),
    0x84: _one(1, _celsius("manifold_surface_temperature")),
    0x85: Pid(
        10,
        (
            *_supports("reagent_use", "commanded_reagent_use", "reagent_level", "nox_warning_time"),
            Number("reagent_use", "l/h", 1, 2, 1, 200, support=0),
            Number("commanded_reagent_use", "l/h", 3, 2, 1, 200, support=1),
            _percent("reagent_level", 5, 2),
            _count("nox_warning_time", "s", 6, 4, 3),
        ),
    ),
    0x86: Pid(
        5,
        (
            *_supports("pm_mass_b1", "pm_mass_b2"),
            Number("pm_mass_b1", "mg/m3", 1, 2, 1, 80, support=0),
            Number("pm_mass_b2", "mg/m3", 3, 2, 1, 80, support=1),
        ),
    ),
    0x87: Pid(
        5,
        (
            *_supports("intake_pressure_a", "intake_pressure_b"),
            Number("intake_pressure_a", "kPa", 1, 2, 1, 32, support=0),
            Number("intake_pressure_b", "kPa", 3, 2, 1, 32, support=1),
        ),
    ),
    0x8B: Pid(
        7,
        (
            *_supports(
                "pm_filter_status", "", "", "pm_filter_trigger", "regeneration_interval", "regeneration_distance"
            ),
            Flag("pm_filter_regenerating", 1, 0, 0),
            _percent("pm_filter_trigger", 2, 3),
            _count("regeneration_interval", "min", 3, 2, 4),
            _count("regeneration_distance", "km", 5, 2, 5),
        ),
    ),
    0x8C: _wide_sensors(("b1s1", "b1s2", "b2s1", "b2s2")),
    0x8D: _one(1, _percent("throttle_position_g")),
    0x8E: _one(1, _torque("friction_torque")),
    0x98: _exhaust_temperatures(1, 5),
    0x99: _exhaust_temperatures(2, 5),
    0x9A: Pid(
        6,
        (
            *_supports("hybrid_state", "hybrid_battery_voltage", "hybrid_battery_current", "enhanced_hybrid_state"),
            Choice("hybrid_state", 1, {0: "CSM", 1: "CDM"}, 0x01, 0, 0),
            Choice("enhanced_hybrid_state", 1, {0: "CSM", 1: "CDM", 2: "CIM"}, 0x06, 1, 3),
            Number("hybrid_battery_voltage", "V", 2, 2, 1, 64, support=1),
            Number("hybrid_battery_current", "A", 4, 2, 1, 10, signed=True, support=2),
        ),
    ),
    0x9B: Pid(
        4,
        (
            *_supports("def_concentration", "def_temperature", "def_level"),
            Number("def_concentration", "%", 1, 1, 1, 4, support=0),
            _celsius("def_temperature", 2, 1),
            _percent("def_level", 3, 2),
        ),
    ),
    0x9C: _wide_sensors(("b1s3", "b1s4", "b2s3", "b2s4")),
    0x9D: _one(4, Number("engine_fuel_rate", "g/s", 0, 2, 1, 50), Number("vehicle_fuel_rate", "g/s", 2, 2, 1, 50)),
    0x9E: _one(2, Number("exhaust_flow", "kg/h", 0, 2, 1, 5)),
    0x9F: _bytes_with_support(9, _FUEL_SYSTEMS, "percent"),
    0xA2: _one(2, Number("cylinder_fuel_rate", "mg/stroke", 0, 2, 1, 32)),
    0xA4: Pid(
        4,
        (
            *_supports("transmission_gear", "gear_ratio"),
            Choice("transmission_gear", 1, {}, 0xF0, 4, 0),
            Number("gear_ratio", "ratio", 2, 2, 1, 1000, support=1),
        ),
    ),
    0xA5: Pid(
        4,
        (
            *_supports("commanded_def_dosing", "def_use"),
            Number("commanded_def_dosing", "%", 1, 1, 1, 2, support=0),
            Number("def_use", "l", 2, 2, 1, 2000, support=1),
        ),
    ),
    0xA6: _one(4, Number("odometer", "km", 0, 4, 1, 10)),
    0xAA: _one(1, _count("speed_limit", "km/h")),
    0xB2: _one(1, _percent("traction_battery_health")),
    0xC3: _one(2, _percent("fuel_level_a"), _percent("fuel_level_b", 1)),
    0xC7: _one(2, _count("distance_since_reflash", "km", 0, 2)),
    0xD2: _bytes_with_support(3, ("certified_energy", "certified_range"), "percent"),
    0xD3: _one(4, Number("engine_odometer", "km", 0, 4, 1, 10)),
    **{base: _bitmap() for base in range(0x00, 0xE0, 0x20)},
}

COMPRESSION_PIDS: dict[int, Pid] = {
    0x01: Pid(4, (*_LAMP_AND_COUNT, *_monitors(MONITORS_COMPRESSION))),
    0x41: Pid(4, _monitors(MONITORS_COMPRESSION)),
}
"""What PIDs 01 and 41 mean when bit 3 of their second byte says compression ignition."""

# Lengths of PIDs whose content is not decoded; needed to split answers to several PIDs.
_LENGTHS_ONLY = {
    0x02: 2, 0x7D: 1, 0x7E: 1, 0x81: 41, 0x82: 41, 0x88: 13, 0x89: 41, 0x8A: 41,
    0x8F: 7, 0x90: 3, 0x91: 5, 0x92: 2, 0x93: 3, 0x94: 12, 0xA1: 9, 0xA3: 9, 0xA7: 4,
    0xA8: 4, 0xA9: 1,
}  # fmt: skip

PID_LENGTHS: dict[int, int] = {number: pid.length for number, pid in PIDS.items()} | _LENGTHS_ONLY

WITH_SECOND_BYTE = frozenset({0x06, 0x07, 0x08, 0x09, 0x55, 0x56, 0x57, 0x58})
"""PIDs that have a second data byte on engines with banks 3 and 4."""
