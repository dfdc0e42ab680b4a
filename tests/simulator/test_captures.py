"""What real cars answered, encoded again from the values that were true of them: the bytes must be the same."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from simulator.layouts import LAYOUTS, encode
from simulator.pids import ENCODERS, monitor_bits

CAPTURES = Path(os.environ.get("FORECOURT_CAPTURES") or Path(__file__).parents[3] / "shared" / "captures")

pytestmark = pytest.mark.skipif(
    not any(CAPTURES.glob("*.json")), reason=f"no recorded traffic in {CAPTURES}; set FORECOURT_CAPTURES"
)

Signals = Mapping[str, Any]

# Words that the captures use for numbers of a list.
WORDS = {
    "FUELSYS1": {"OFF": 0, "OL": 1, "CL": 2, "OL-Drive": 4, "OL-Fault": 8, "CL-Fault": 16},
    "AIR_STAT": {"UPS": 1, "DNS": 2, "OFF": 4, "DIAG": 8},
    "OBDSUP": {"OBD II": 1, "OBD": 2, "OBD & OBD II": 3, "NO OBD": 5, "EOBD": 6, "JOBD & OBD II": 11},
    "FUEL_TYP": {"NONE": 0, "GAS": 1, "METH": 2, "ETH": 3, "DSL": 4, "ELEC": 8},
    "BP_A": {"BP_A_OL": 1, "BP_A_CL": 2},
}
WORDS["FUELSYS2"] = WORDS["FUELSYS1"]

# One entry an item of the layout: the signal, or the flags from bit 0 on, or "" where the value is not told.
Part = str | tuple[str, ...]


def _sensors(banks: int, each: int) -> tuple[str, ...]:
    return tuple(f"O2S{bank}{place}_EXISTS" for bank in range(1, banks + 1) for place in range(1, each + 1))


def _fuel(system: str, bank: int) -> str:
    return f"FUELSYS{system}_B{bank}"


_FUEL_USE = [_fuel(system, bank) for bank in range(1, 5) for system in "AB"]

PARTS: dict[int, tuple[Part, ...]] = {
    0x03: ("FUELSYS1", "FUELSYS2"),
    0x13: (_sensors(2, 4),),
    0x1D: (_sensors(4, 2),),
    0x14: ("O2S11", "SHRTFT11"),
    0x15: ("O2S12", "SHRTFT11"),
    0x18: ("O2S21", "SHRTFT21"),
    0x19: ("O2S22", "SHRTFT22"),
    0x24: ("LAMBDA11_VOLT", "O2S11_VOLT"),
    0x34: ("LAMBDA11_CURRENT", "O2S11_CURRENT"),
    0x4F: ("MAX_EQ_RAT", "MAX_O2_VOLT", "MAX_O2_CURR", "MAX_MAP"),
    0x65: (
        ("PTO_SUP", "N/D_SUP", "N/G_SUP", "GPL_SUP", "GEAR_SUP"),
        ("PTO_STAT_AUX", "N/D_STAT", "N/G_STAT", "GPL_STAT", "GEAR_RCMD"),
    ),
    0x66: (("MAFA_SUP", "MAFB_SUP"), "MAFA", "MAFB"),
    0x67: (("ECT_1_SUP", "ECT_2_SUP"), "ECT_1", "ECT_2"),
    0x68: (
        tuple(f"IAT_{place}_SUP" for place in (11, 12, 13, 21, 22, 23)),
        *(f"IAT_{place}" for place in (11, 12, 13, 21, 22, 23)),
    ),
    0x69: (
        tuple(f"EGR_{side}_{what}_SUP" for side in "AB" for what in ("CMD", "ACT", "ERR")),
        *(f"EGR_{side}_{what}" for side in "AB" for what in ("CMD", "ACT", "ERR")),
    ),
    0x6B: (
        tuple(f"EGRT{side}{kind}_SUP" for kind in ("", "_WR") for side in "ACBD"),
        *(f"EGRT{side}" for side in "ACBD"),
    ),
    0x6C: (("CTAC_A_SUP", "RTP_A_SUP", "CTAC_B_SUP", "RTP_B_SUP"), "TAC_A_CMD", "TP_A_REL", "TAC_B_CMD", "TP_B_REL"),
    0x6D: (
        tuple(f"{what}_SUP" for side in "AB" for what in (f"FRP_{side}_CMD", f"FRP_{side}", f"FRT_{side}")),
        *(what for side in "AB" for what in (f"FRP_{side}_CMD", f"FRP_{side}", f"FRT_{side}")),
    ),
    0x70: (
        tuple(f"BP_{side}_{what}" for side in "AB" for what in ("CMD_SUP", "ACT_SUP", "SUP")),
        *(f"BP_{side}_{what}" for side in "AB" for what in ("CMD", "ACT")),
        "BP_A",
    ),
    0x72: (
        tuple(f"WG_{side}_{what}_SUP" for side in "AB" for what in ("CMD", "ACT")),
        *(f"WG_{side}_{what}" for side in "AB" for what in ("CMD", "ACT")),
    ),
    0x7F: (("RUN_TIME_SUP", "IDLE_TIME_SUP", "PTO_TIME_SUP"), "RUN_TIME", "IDLE_TIME", "PTO_TIME"),
    # The captures have one word for several states.
    0x9A: (("HEV_MODE_SUP", "HEV_BATT_V_SUP", "HEV_BATT_A_SUP", "EHEV_MODE_SUP"), "", "HEV_BATT_V", "HEV_BATT_A"),
    0x9D: ("FUEL_RATE_ALT", "VFUEL_RATE"),
    0x9F: (tuple(f"{name}_SUP" for name in _FUEL_USE), *_FUEL_USE),
}  # fmt: skip

# Where the source's own formula differs from the standard's, what the standard says of the same bytes: fuel trims start
# at -100 and not at -128, a lambda is 2/65536 and not 2/65535, and eight volts in 65536 steps are not 0.00012201 each.
_TRIMS = {(0x14, "SHRTFT11"), (0x15, "SHRTFT11"), (0x18, "SHRTFT21"), (0x19, "SHRTFT22")}
CORRECTED: dict[tuple[int, str], Callable[[float], float]] = {
    **dict.fromkeys(_TRIMS, lambda value: value + 28),
    (0x44, "EQ_RAT"): lambda value: value * 65535 / 65536,
    (0x24, "O2S11_VOLT"): lambda value: value * 8 / 65536 / 0.00012201,
}


@dataclass(frozen=True)
class Case:
    """One answer of a real car to one PID: its data bytes and the values in them."""

    id: str
    pid: int
    data: bytes
    signals: Signals


def messages(lines: list[str], width: int) -> dict[str, bytes]:
    """What each unit said, put together from its frames; the captures hold one message a unit."""
    found: dict[str, bytes] = {}
    for line in lines:
        unit, frame = line[:width], bytes.fromhex(line[width:])
        if frame[0] >> 4 == 0:
            found[unit] = frame[1 : 1 + frame[0]]
        elif frame[0] >> 4 == 1:
            found[unit] = frame
        elif frame[0] >> 4 == 2 and unit in found:
            found[unit] += frame[1:]
    return {
        unit: part[2 : 2 + ((part[0] & 0xF) << 8 | part[1])] if part[0] >> 4 == 1 else part
        for unit, part in found.items()
    }


def _case(raw: dict[str, Any]) -> Case | None:
    framed = raw["protocol"].startswith("CAN") and raw["headers_in_lines"]
    if not framed or set(raw["flags"]) - {"multi_frame", "spaces", "several_responders"}:
        return None
    request = bytes.fromhex(raw["request"]["data"])
    width = 3 if raw["protocol"] == "CAN 11-bit" else 8
    lines = [line.replace(" ", "") for line in raw["response_lines"]]
    answers = [said for said in messages(lines, width).values() if said[:2] == bytes([0x41, request[1]])]
    if len(answers) != 1:
        return None
    signals = {one["signal"]: one.get("corrected_value", one["value"]) for one in raw["expected"]}
    return Case(raw["id"], request[1], answers[0][2:], signals)


@cache
def all_cases() -> tuple[Case, ...]:
    """Every recorded answer to a service 01 request that one unit gave whole."""
    return tuple(_cases())


def _cases() -> Iterator[Case]:
    for file in sorted(CAPTURES.glob("*.json")):
        for raw in json.loads(file.read_text(encoding="utf-8"))["cases"]:
            data = raw["request"]["data"] or ""
            if data.startswith("01") and len(data) == 4 and (case := _case(raw)) is not None:
                yield case


def _value(part: Part, case: Case, empty: float) -> float:
    if isinstance(part, tuple):
        return sum(bool(case.signals.get(name)) << bit for bit, name in enumerate(part))
    told = case.signals.get(part, empty)
    if isinstance(told, str):
        return WORDS[part][told]
    return CORRECTED.get((case.pid, part), float)(told)


def made_of(case: Case) -> bytes:
    """The bytes that the simulator writes for the values of a case; sensors that a car does not have stay empty."""
    if case.pid in (0x01, 0x41):
        return _monitors(case)
    parts = PARTS.get(case.pid) or tuple(case.signals)
    made = encode(case.pid, [_value(part, case, item.low) for part, item in zip(parts, LAYOUTS[case.pid], strict=True)])
    return made[:1] + case.data[1:2] + made[2:] if "" in parts else made


# Our names of the monitors and, in the captures, those of their flags.
NAMES = {
    "misfire": "MIS", "fuel_system": "FUEL", "components": "CCM",
    "catalyst": "CAT", "heated_catalyst": "HCAT", "evap": "EVAP", "secondary_air": "AIR", "ac": "ACRF",
    "oxygen_sensor": "O2S", "oxygen_heater": "HTR", "egr": "EGR",
}  # fmt: skip


def _monitors(case: Case) -> bytes:
    """PIDs 01 and 41 with the names of a spark-ignition engine; both flag what is not complete."""
    there, left = ("_SUP", "_RDY") if case.pid == 0x01 else ("_ENA", "_CMPL")
    told = {name.replace("_", ""): value for name, value in case.signals.items()}
    # The captures keep 24 signals of each answer, and this is the 25th.
    told.setdefault("O2SSUP", case.data[2] & 0x20)
    own, open_ = (
        frozenset(name for name, short in NAMES.items() if told.get(f"{short}{ending}".replace("_", "")))
        for ending in (there, left)
    )
    first = (0x80 if told.get("MIL") else 0) | int(told.get("DTCCNT", 0))
    return bytes([first]) + monitor_bits(own, open_, compression=False)


def is_comparable(case: Case) -> bool:
    """Leaves out support masks, what the captures name by another engine's monitors, and answers of another length."""
    if case.pid in (0x01, 0x41):
        return "COMPRESSION" not in (case.signals.get("CIM_SUP"), case.signals.get("CIM_SUP_FLAG"))
    return case.pid in LAYOUTS and len(case.data) == sum(item.size for item in LAYOUTS[case.pid])


def test_the_bytes_of_real_cars_come_out_again() -> None:
    cases = [case for case in all_cases() if is_comparable(case)]
    wrong = {case.id: (made_of(case).hex(), case.data.hex()) for case in cases if made_of(case) != case.data}

    assert wrong == {}
    assert len(cases) > 0.95 * len(all_cases())


def test_every_captured_pid_can_be_simulated() -> None:
    assert {case.pid for case in all_cases() if case.pid % 0x20} - set(ENCODERS) == set()
