"""The AT and ST commands an adapter understands: one row each, with what it changes and what it says.

A row's handler returns the answer's text; None stands for ``?``. Commands that act in time (reset, monitor) return an
``Act`` that the adapter carries out.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from simulator.profiles import Profile
from simulator.settings import DEFAULT_TIMEOUT_S, TIMEOUT_UNIT_S, Memory, Settings

OK = "OK"
ACTIVITY_STEP_S = 0.65536

# The preset numbers of ST P for the buses of OBD, and the ELM327's digits for the same.
STN_PROTOCOLS = {"11": "1", "12": "2", "22": "3", "24": "4", "25": "5", "33": "6", "34": "7", "35": "8", "36": "9"}


class Act(Enum):
    """Commands whose answer takes time or comes from the bus."""

    RESET = "reset"
    WARM_START = "warm start"
    DEFAULTS = "defaults"
    MONITOR = "monitor"


class Chip(Protocol):
    """What a command may see and change of the adapter it runs in."""

    profile: Profile
    settings: Settings
    memory: Memory

    def supply_v(self) -> float: ...

    def ignition_on(self) -> bool: ...

    def idle_s(self) -> float: ...

    def harmful(self, what: str) -> None: ...

    def header_changed(self, what: str) -> None: ...


Result = str | Act | None
Handler = Callable[[Chip, str], Result]


@dataclass(frozen=True, slots=True)
class Command:
    """One command: the name used in ``Profile.lacks``, its spelling without spaces, and its handler."""

    name: str
    spelling: re.Pattern[str]
    run: Handler


def find(line: str, profile: Profile) -> tuple[Command, str] | None:
    """The command that ``line`` (upper case, no spaces) spells and its argument, if this adapter knows it."""
    for command in COMMANDS:
        match = command.spelling.fullmatch(line)
        if match is not None:
            known = command.name not in profile.lacks and (profile.stn or not line.startswith("ST"))
            return (command, match.group(1) if match.groups() else "") if known else None
    return None


def _say(text: str) -> Handler:
    return lambda chip, argument: text


def _act(act: Act) -> Handler:
    return lambda chip, argument: act


def _switch(attribute: str) -> Handler:
    def run(chip: Chip, argument: str) -> Result:
        setattr(chip.settings, attribute, argument == "1")
        return OK

    return run


def _allow_long(chip: Chip, argument: str) -> Result:
    chip.settings.long_messages = True
    return OK


def _normal_length(chip: Chip, argument: str) -> Result:
    chip.settings.long_messages = False
    return OK


def _hex_into(attribute: str) -> Handler:
    def run(chip: Chip, argument: str) -> Result:
        setattr(chip.settings, attribute, int(argument, 16))
        return OK

    return run


def _timeout(chip: Chip, argument: str) -> Result:
    units = int(argument, 16)
    chip.settings.timeout_s = units * TIMEOUT_UNIT_S if units else DEFAULT_TIMEOUT_S
    return OK


def _timeout_ms(chip: Chip, argument: str) -> Result:
    chip.settings.timeout_s = int(argument) / 1000
    return OK


def _header(chip: Chip, argument: str) -> Result:
    if len(argument) == 8 and chip.profile.banner.startswith("ELM327 v1.4") and not chip.profile.stn:
        return None
    chip.settings.header = argument
    chip.header_changed(f"AT SH {argument}")
    return OK


def _receive(chip: Chip, argument: str) -> Result:
    chip.settings.receive = argument
    return OK


def _automatic_receive(chip: Chip, argument: str) -> Result:
    settings = chip.settings
    settings.receive, settings.can_filter, settings.can_mask = "", None, None
    return OK


def _extended(chip: Chip, argument: str) -> Result:
    chip.settings.extended = int(argument, 16) if argument else None
    return OK


def _flow_mode(chip: Chip, argument: str) -> Result:
    settings = chip.settings
    if (argument == "1" and not settings.flow_header) or (argument in "12" and not settings.flow_data):
        return None
    settings.flow_mode = int(argument)
    return OK


def _flow_header(chip: Chip, argument: str) -> Result:
    chip.settings.flow_header = argument
    return OK


def _flow_data(chip: Chip, argument: str) -> Result:
    chip.settings.flow_data = bytes.fromhex(argument)
    return OK


def _choose(chip: Chip, argument: str, *, keep: bool) -> Result:
    automatic = (argument.startswith("A") and len(argument) > 1) or argument.strip("0") == ""
    number = argument[-1]
    if number not in "0123456789ABC":
        return None
    chip.settings.use(number, automatic=automatic)
    if keep:
        chip.memory.protocol, chip.memory.automatic = number, automatic
    return OK


def _set_protocol(chip: Chip, argument: str) -> Result:
    return _choose(chip, argument, keep=True)


def _try_protocol(chip: Chip, argument: str) -> Result:
    return _choose(chip, argument, keep=False)


def _close_protocol(chip: Chip, argument: str) -> Result:
    chip.settings.connected = False
    return OK


def _describe_protocol(chip: Chip, argument: str) -> Result:
    settings = chip.settings
    title = settings.link.title if settings.link else ""
    if settings.automatic:
        return f"AUTO, {title}" if title else "AUTO"
    return title or "SAE J1939 (CAN 29/250)"


def _protocol_number(chip: Chip, argument: str) -> Result:
    return ("A" if chip.settings.automatic else "") + chip.settings.protocol


def _voltage(chip: Chip, argument: str) -> Result:
    return f"{chip.supply_v():.1f}V"


def _ignition(chip: Chip, argument: str) -> Result:
    return "ON" if chip.ignition_on() else "OFF"


def _identify(chip: Chip, argument: str) -> Result:
    return chip.profile.banner


def _describe(chip: Chip, argument: str) -> Result:
    return chip.profile.describes_itself


def _stn(chip: Chip, argument: str) -> Result:
    return chip.profile.stn


def _device(chip: Chip, argument: str) -> Result:
    return chip.profile.device


def _stn_protocol(chip: Chip, argument: str) -> Result:
    number = STN_PROTOCOLS.get(argument)
    if number is None:
        return None
    chip.settings.use(number, automatic=False)
    return OK


def _which_stn_protocol(chip: Chip, argument: str) -> Result:
    numbers = {number: stn for stn, number in STN_PROTOCOLS.items()}
    return numbers.get(chip.settings.protocol, "0")


def _wake_up(chip: Chip, argument: str) -> Result:
    chip.settings.wakes = argument != "00"
    return OK


def _bypass(chip: Chip, argument: str) -> Result:
    """Take the bus for initialised, whatever it is."""
    chip.settings.connected = chip.settings.link is not None
    return OK


def _activity(chip: Chip, argument: str) -> Result:
    """AT AMC: time without bus activity in steps of 0.65536 s."""
    return f"{min(int(chip.idle_s() / ACTIVITY_STEP_S), 0xFF):02X}"


def _harmful(spelling: str) -> Handler:
    def run(chip: Chip, argument: str) -> Result:
        chip.harmful(f"AT {spelling} {argument}".strip())
        return OK

    return run


def _row(name: str, spelling: str, run: Handler) -> Command:
    return Command(name, re.compile(spelling), run)


COMMANDS: tuple[Command, ...] = (
    _row("Z", "ATZ", _act(Act.RESET)),
    _row("WS", "ATWS", _act(Act.WARM_START)),
    _row("D", "ATD", _act(Act.DEFAULTS)),
    _row("FE", "ATFE", _say(OK)),
    _row("I", "ATI", _identify),
    _row("@1", "AT@1", _describe),
    _row("@2", "AT@2", _say("?")),
    _row("@3", "AT@3(.{12})", _harmful("@3")),
    _row("E", "ATE([01])", _switch("echo")),
    _row("L", "ATL([01])", _switch("linefeeds")),
    _row("S", "ATS([01])", _switch("spaces")),
    _row("H", "ATH([01])", _switch("headers")),
    _row("D0" , "ATD(0)", _switch("length_digit")),
    _row("D1" , "ATD(1)", _switch("length_digit")),
    _row("M", "ATM([01])", _switch("remember")),
    _row("R", "ATR([01])", _switch("responses")),
    _row("V", "ATV([01])", _say(OK)),
    _row("AL", "ATAL", _allow_long),
    _row("NL", "ATNL", _normal_length),
    _row("AT", "ATAT([012])", _hex_into("adaptive")),
    _row("ST", "ATST([0-9A-F]{1,2})", _timeout),
    _row("SP", "ATSP(A?0|00)", _set_protocol),
    _row("SPn", "ATSP(A?[1-9A-C])", _set_protocol),
    _row("TP", "ATTP(A?0|00)", _try_protocol),
    _row("TPn", "ATTP(A?[1-9A-C])", _try_protocol),
    _row("SS", "ATSS", _say(OK)),
    _row("DP", "ATDP", _describe_protocol),
    _row("DPN", "ATDPN", _protocol_number),
    _row("PC", "ATPC", _close_protocol),
    _row("RV", "ATRV", _voltage),
    _row("IGN", "ATIGN", _ignition),
    _row("CV", "ATCV([0-9]{4})", _harmful("CV")),
    _row("CAF0", "ATCAF(0)", _switch("format_frames")),
    _row("CAF1", "ATCAF(1)", _switch("format_frames")),
    _row("CFC", "ATCFC([01])", _switch("flow_control")),
    _row("CS", "ATCS", _say("T:00 R:00 ")),
    _row("CSM", "ATCSM([01])", _say(OK)),
    _row("CTM", "ATCTM([15])", _say(OK)),
    _row("JE", "ATJ(?:E|S|HF[01]|TM[15])", _say(OK)),
    _row("SH", "ATSH([0-9A-F]{3}|[0-9A-F]{6}|[0-9A-F]{8})", _header),
    _row("CP", "ATCP([0-9A-F]{2})", _hex_into("priority")),
    _row("CRA", "ATCRA((?:[0-9A-FX]{3}|[0-9A-FX]{8})?)", _receive),
    _row("AR", "ATAR", _automatic_receive),
    _row("CF", "ATCF([0-9A-F]{3}|[0-9A-F]{8})", _hex_into("can_filter")),
    _row("CM", "ATCM([0-9A-F]{3}|[0-9A-F]{8})", _hex_into("can_mask")),
    _row("CEA", "ATCEA((?:[0-9A-F]{2})?)", _extended),
    _row("FCSH", "ATFCSH([0-9A-F]{3}|[0-9A-F]{8})", _flow_header),
    _row("FCSD", "ATFCSD((?:[0-9A-F]{2}){1,5})", _flow_data),
    _row("FCSM", "ATFCSM([012])", _flow_mode),
    _row("TA", "ATTA([0-9A-F]{2})", _say(OK)),
    _row("SR", "ATSR([0-9A-F]{2})", _say(OK)),
    _row("PPS", "ATPPS", _say("00:FF F  01:FF F  02:FF F  03:32 F")),
    _row("PP", "ATPP([0-9A-F]{2}(?:SV[0-9A-F]{2}|ON|OFF))", _harmful("PP")),
    _row("BI", "ATBI", _bypass),
    _row("FI", "ATFI", _say("BUS INIT: OK")),
    _row("SI", "ATSI", _say("BUS INIT: OK")),
    _row("SW", "ATSW([0-9A-F]{2})", _wake_up),
    _row("WM", "ATWM([0-9A-F]{2,12})", _harmful("WM")),
    _row("KW", "ATKW([01])", _say(OK)),
    _row("IB", "ATIB(?:10|12|15|48|96)", _say(OK)),
    _row("IIA", "ATIIA([0-9A-F]{2})", _say(OK)),
    _row("AMC", "ATAMC", _activity),
    _row("AMT", "ATAMT([0-9A-F]{2})", _say(OK)),
    _row("BRT", "ATBRT([0-9A-F]{2})", _say(OK)),
    _row("RD", "ATRD", _say("00")),
    _row("SD", "ATSD([0-9A-F]{2})", _harmful("SD")),
    _row("MA", "ATMA", _act(Act.MONITOR)),
    _row("MR", "ATMR[0-9A-F]{2}", _act(Act.MONITOR)),
    _row("MT", "ATMT[0-9A-F]{2}", _act(Act.MONITOR)),
    _row("STI", "STI", _stn),
    _row("STDI", "STDI", _device),
    _row("STMFR", "STMFR", _say("ScanTool.net LLC")),
    _row("STSN", "STSN", _say("110012345678")),
    _row("STPTO", "STPTO([0-9]{1,5})", _timeout_ms),
    _row("STCSEGR", "STCSEGR([01])", _say(OK)),
    _row("STCSEGT", "STCSEGT([01])", _say(OK)),
    _row("STCFCPA", "STCFCPA[0-9A-F]+,[0-9A-F]+", _say(OK)),
    _row("STCFCPC", "STCFCPC", _say(OK)),
    _row("STP", "STP([0-9]{2})", _stn_protocol),
    _row("STPR", "STPR", _which_stn_protocol),
    _row("STPRS", "STPRS", _describe_protocol),
    _row("STPC", "STPC", _close_protocol),
)  # fmt: skip
