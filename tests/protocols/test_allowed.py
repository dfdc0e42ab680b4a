"""The one list of what may be sent: requests get through, and nothing that writes does in any disguise."""

import re
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocols.allowed import RESYNC_BREAK, RESYNC_PROBE, AllowList, ProfileRead
from protocols.errors import ForbiddenCommandError

READS = frozenset(
    {
        ProfileRead("714", "222203"),
        ProfileRead("7E0", "2128"),
        ProfileRead("7E0", "1ADF"),
        ProfileRead("17FC0076", "22295A"),
        ProfileRead("6F1", "22D10D", "60"),
    }
)
# Services that change a car (SAE J1979, ISO 14229-1, ISO 14230-3).
WRITES = ["04", "08", "10", "11", "14", "23", "24", "26", "27", "28", "29", "2A", "2C", "2E", "2F", "30", "31", "32"]
WRITES += ["33", "34", "35", "36", "37", "38", "3B", "3D", "81", "82", "83", "84", "85", "86", "87"]


ALLOWED = """
0100 010C0D05 010C0D050F1011 22F40CF40D 22F420F440F460 0917 01A6 020C00 03 07 0A 0601 0900 0902 0904 0906 0908 090A
090B 22F190 22F187 22F4A6 22F501 22F810 1902FF 190A 1942330B1E 195533 ATZ ATD ATWS ATI AT@1 ATE0 ATL0 ATS0 ATH1 ATM0
ATAL ATAT0 ATAT1 ATAT2 ATST32 ATSTFF ATSP0 ATTP1 ATTP9 ATTPA ATDP ATDPN ATRV ATPC ATCAF1 ATCFC1 ATAR ATPPS ATIGN ATCS
ATFE ATCEA ATCEA60 ATSH7DF ATSH7E0 ATSH714 ATSHDB33F1 ATSHDA10F1 ATSH18DB33F1 ATSHFC0076 ATSH17FC0076 ATSH686AF1
ATSHC133F1 ATSH6F1 ATCRA7E8 ATCRA18DAF110 ATCRA ATCP17 ATFCSH714 ATFCSD300000 ATFCSD60300000 ATFCSM1 STI STDI STMFR
STSN STPR STPRS STPTO50 STCSEGR1 STCFCPA7E0,7E8 STPXD:0902 STPXD:010C,R:1,T:50
"""
FORBIDDEN_SETTINGS = """
ATPP0CSV23 ATPP0CON ATPPFFOFF atpp0con ATPPS1 ATBRD23 ATBRT00 ATMA ATMR10 ATMT10 ATMPFEE0 AT@312345678901 ATSD01 ATRTR
ATCSM0 ATCFC0 ATCAF0 ATBI ATFI ATSI ATWM8111F13E ATSW00 ATIIA10 ATPB0000 ATLP ATCV1200 ATTPA0 ATSP6 ATSPA6 ATSP00
ATSH123 ATSH123456 ATFCSH123456 ATSH00FC0076 ATSH7E8 ATCEA61 ATFCSD300 ATFCSD040000 ATFCSD61300000 ATFCSM3 ATFCSH123
ATST ATST123 ATAT3 ATCRA7 ATCP1 ATZ1 ATH0 ATE1 AT ATRV0104 STPXD:04 STPXH:7E0,D:2EF190AA STPXH:123,D:0100
STPXD:0100,D:04 STPX STPXD: STPXD:0100,X:1 STPXD:01001 STSBR500000 STBR STSLX STMA STDIX1 STPTO STP33 STPTO123456 ST
STRSTNVM
"""
FORBIDDEN_REQUESTS = """
01 0100010203040506 22F40CF190 22F190F40C 22F40CF4 22F400F420F440F460 22F501F502 0916 0918 020C 020C01 0300 09 0901
0903 090200 0A00 060000 22F1 22F190F187 222203 22DD01 220100 2128 1ADF 1A90 1901 1902 1902FFFF 1903 190AFF 19423308
194233081E00 194234081E 195534 1955 3E01 3E80 3E 3E00 0500 12 1902 19423308
"""


def is_allowed(data: bytes | str, *before: str, inside_read: bool = False) -> bool:
    allow = AllowList(READS)
    for command in before:
        allow.check(command.encode() + b"\r")
    try:
        allow.check(data if isinstance(data, bytes) else data.encode() + b"\r", inside_read=inside_read)
    except ForbiddenCommandError:
        return False
    return True


@pytest.mark.parametrize("command", ALLOWED.split())
def test_what_a_reading_needs_is_allowed(command: str) -> None:
    assert is_allowed(command)


@pytest.mark.parametrize("spelling", ["010c", "01 0C", " 0 1 0 C ", "at z", "At Rv", "a t s h 7 e 0"])
def test_spaces_and_case_do_not_matter_to_an_adapter_nor_to_us(spelling: str) -> None:
    assert is_allowed(spelling)


@pytest.mark.parametrize("service", WRITES)
def test_services_that_change_a_car_are_forbidden_in_every_dress(service: str) -> None:
    dresses = [service, service.lower(), f" {service[0]} {service[1]}", f"{service}1", f"{service}00", f"{service}0001"]
    dresses += [f"{service}F190", f"STPX D:{service}", f"STPX H:7E0, D:{service}FF00, R:1", f"01{service}\r{service}"]

    assert not any(is_allowed(dress) for dress in dresses)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\r", b" \r", b"0100", b"0100\n", b"0100\r\n", b"\n0100\r", b"0100\r04\r", b"0100\n04\r"),
        *(b"01\x0000\r", b"0100\r\r", b"\t0100\r", b"\xb00100\r", b"0100;04\r", b"0100 04 \x08\r", b"0" * 200 + b"\r"),
    ],
)
def test_only_one_printable_command_with_one_line_end_passes(data: bytes) -> None:
    assert not is_allowed(data)


@pytest.mark.parametrize("command", FORBIDDEN_SETTINGS.split())
def test_adapter_commands_that_store_flood_or_mislead_are_forbidden(command: str) -> None:
    assert not is_allowed(command)


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        ("010C1", True),
        ("0902 5", True),
        ("03F", True),
        ("0100", True),
        ("1", False),
        ("010C0", False),
        ("0904 0", False),
        ("04 1", False),
        ("0", False),
    ],
)
def test_a_count_digit_stands_only_behind_a_whole_request(command: str, allowed: bool) -> None:
    assert is_allowed(command) is allowed


@pytest.mark.parametrize("command", FORBIDDEN_REQUESTS.split())
def test_requests_outside_the_list_are_forbidden(command: str) -> None:
    assert not is_allowed(command)


def test_maker_reads_pass_only_on_the_unit_of_their_profile() -> None:
    assert is_allowed("222203", "ATTP6", "ATSH714")
    assert not is_allowed("222203", "ATTP6", "ATSH7E0")
    assert not is_allowed("222203", "ATTP6", "ATSH714", "ATD", "ATTP6")
    assert not is_allowed("222203", "ATTP6", "ATSH714", "ATFCSH7E0", "ATSH7DF")
    assert is_allowed("2128", "ATTP6", "AT SH 7E0")
    assert is_allowed("1ADF1", "ATTP6", "ATSH7E0")
    assert is_allowed("22D10D", "ATTP6", "ATSH6F1", "ATCEA60")
    assert is_allowed("STPX H:6F1, D:22D10D", "ATTP6", "ATCEA60")
    assert not is_allowed("22D10D", "ATTP6", "ATSH6F1")
    assert not is_allowed("22D10D", "ATTP6", "ATSH6F1", "ATCEA60", "ATCEA")
    assert not is_allowed("222203", "ATTP6", "ATSH714", "ATCEA60")


def test_no_flow_control_frame_can_be_read_as_a_request() -> None:
    assert not is_allowed("ATFCSD300104", "ATFCSH6F1")
    assert not is_allowed("ATFCSD60300104", "ATFCSH6F1")
    assert not is_allowed("STCFCPA123,7E8")
    assert not is_allowed("STCFCPA7E0,18DAF110")


def test_no_address_byte_can_be_read_as_a_length() -> None:
    allow = AllowList(frozenset({ProfileRead("6F1", "22D10D", "01")}))

    with pytest.raises(ForbiddenCommandError):  # 7E0 would read 01 04 0C 0D 0F 05 as one byte of service 04
        allow.check(b"ATCEA01\r")


@pytest.mark.parametrize(("address", "allowed"), [("00", False), ("0F", False), ("10", True), ("18", True)])
def test_only_a_byte_that_is_no_length_addresses_a_unit(address: str, *, allowed: bool) -> None:
    allow = AllowList(frozenset({ProfileRead("6F1", "22D10D", address)}))
    try:
        allow.check(f"ATCEA{address}\r".encode())
        told = True
    except ForbiddenCommandError:
        told = False

    assert told is allowed


def test_a_refusal_shows_forty_bytes_at_most() -> None:
    with pytest.raises(ForbiddenCommandError) as refused:
        AllowList().check(b"4" * 41 + b"\r")

    assert str(refused.value) == f"not on the list: {b'4' * 40!a}"


def test_only_priorities_of_known_ids_are_set() -> None:
    assert is_allowed("ATCP18")
    assert not is_allowed("ATCP00")
    assert not is_allowed("ATCP07")


def test_a_29_bit_header_is_judged_together_with_its_priority() -> None:
    assert is_allowed("22295A", "ATTP7", "ATCP17", "ATSHFC0076")
    assert is_allowed("22295A", "ATTP7", "ATSH17FC0076")
    assert not is_allowed("22295A", "ATTP7", "ATSHFC0076")
    assert not is_allowed("22295A", "ATTP7", "ATCP18", "ATSHFC0076")


@pytest.mark.parametrize(
    ("request_", "before"),
    [
        ("0100", ("ATTP7", "ATCP18", "ATSHFC0076")),  # a profile's id under another priority is another unit
        ("0100", ("ATTP7", "ATCP17", "ATSHDB33F1")),
        ("0100", ("ATTP7", "ATCP17")),  # the adapter's own functional header, with a priority that is not its own
        ("22F190", ("ATTP7", "ATSHFC0076")),
        ("22F190", ("ATSHFC0076", "ATCP17", "ATD", "ATTP7", "ATSHFC0076")),
        ("STPX H:FC0076, D:22F190", ("ATTP7", "ATCP18")),
        ("0100", ("ATTP6", "ATSH6F1")),  # a unit behind an address byte, without that byte
        ("0100", ("ATTP6", "ATSH7E0", "ATCEA60")),
        ("0100", ("ATTP6", "ATCEA60")),
        ("0100", ("ATTP7", "ATSH686AF1")),  # header bytes of K-line would be a CAN id of somebody else
        ("0100", ("ATTP9", "ATSHC133F1")),
    ],
)
def test_even_a_standard_read_goes_only_to_a_unit_that_is_asked(request_: str, before: tuple[str, ...]) -> None:
    assert not is_allowed(request_, *before)


@pytest.mark.parametrize(
    "before",
    [
        ("ATTP7", "ATCP17", "ATSHFC0076"),
        ("ATTP7", "ATSH17FC0076"),
        ("ATTP9", "ATCP17", "ATSHFC0076", "ATCP18", "ATSHDB33F1"),
        ("ATTP7", "ATSHDA10F1"),
        ("ATTP6", "ATSH6F1", "ATCEA60"),
        ("ATTP3", "ATSH686AF1"),
        ("ATTP7", "ATSH686AF1", "ATSP0", "ATTP5"),
        (),
    ],
)
def test_a_standard_read_goes_to_every_unit_that_is_asked(before: tuple[str, ...]) -> None:
    assert is_allowed("22F190", *before)


def test_stpx_is_judged_on_its_own_header() -> None:
    assert is_allowed("STPX H:714, D:222203, R:1", "ATTP6")
    assert is_allowed("STPXH:7E0,D:010C,R:1,T:50", "ATTP8")
    assert not is_allowed("STPX H:7E0, D:222203, R:1", "ATTP6", "ATSH714")


def test_tester_present_is_sent_only_inside_a_read() -> None:
    assert is_allowed("3E00", inside_read=True)
    assert not is_allowed("3E80", inside_read=True)


def test_the_two_resync_constants_pass() -> None:
    assert is_allowed(RESYNC_BREAK)
    assert is_allowed(RESYNC_PROBE)


def test_a_refusal_says_what_was_refused_and_nothing_more() -> None:
    with pytest.raises(ForbiddenCommandError, match=r"^not on the list: b'04\\r'$"):
        AllowList().check(b"04\r")


READING_SERVICES = {"01", "02", "03", "06", "07", "09", "0A", "19", "22", "21", "1A"}


def assert_only_reads(data: bytes) -> None:
    text = data.decode("ascii").replace(" ", "").rstrip("\r").upper()
    if data in (RESYNC_BREAK, RESYNC_PROBE) or text.startswith("AT"):
        assert not text.startswith(("ATPP0", "ATBR", "ATM", "ATWM", "ATSD"))
    elif text.startswith("ST"):
        assert all(field[:2] in READING_SERVICES for field in re.findall("D:([0-9A-F]+)", text))
    else:
        assert text[:2] in READING_SERVICES
    assert data.count(b"\r") <= 1
    assert b"\n" not in data


@given(st.binary(max_size=24))
@example(b"0104\r")
def test_any_bytes_are_forbidden_or_only_read(data: bytes) -> None:
    if is_allowed(data, "ATTP6", "ATSH7E0"):
        assert_only_reads(data)


_NEAR = st.text(string.hexdigits + " ATSPXHD:,R\r\n" + "@", max_size=14)
_HEADS = st.sampled_from(["", "AT", "at ", "ST", "STPX H:7E0,D:", "01", "22", "22F1", "19", "1902", "3E", "04", "ATSH"])


@given(_HEADS, _NEAR)
def test_near_misses_are_forbidden_or_only_read(head: str, rest: str) -> None:
    data = f"{head}{rest}\r".encode()
    if is_allowed(data, "ATTP6", "ATSH7E0"):
        assert_only_reads(data)


@pytest.mark.parametrize(
    ("protocol", "header", "asked"),
    [
        ("6", "7E0", True), ("8", "7DF", True), ("7", "DB33F1", True), ("9", "18DA10F1", True), ("A", "18DA10F1", True),
        # 11 bit ids would be 3F1, which is some unit's own; 29 bit ids 180007E0
        ("6", "DB33F1", False), ("8", "18DA10F1", False), ("7", "7E0", False), ("9", "7DF", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("protocol_first", [True, False])
def test_a_header_of_another_protocols_form_is_not_asked_on(
    protocol: str, header: str, *, asked: bool, protocol_first: bool
) -> None:
    settings = [f"ATTP{protocol}", f"ATSH{header}"]

    assert is_allowed(b"0100\r", *(settings if protocol_first else settings[::-1])) is asked


@pytest.mark.parametrize("line", ["0100", "22F190", "STPXH:7E0,D:0100", "STPXD:0100"])
@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        (("ATTP6", "ATSH7E0"), True),
        (("ATSH7E0", "ATTP8"), True),
        # a search of its own would send to this header on whatever it finds
        (("ATSH7E0",), False),
        (("ATSP0", "ATSH7E0"), False),
        (("ATTP6", "ATSH7E0", "ATSP0"), False),
        (("ATTP6", "ATD", "ATSH7E0"), False),
        (("ATTP3", "ATSH7E0"), False),
    ],
)
def test_one_unit_is_asked_only_over_a_protocol_that_cannot_change(
    line: str, settings: tuple[str, ...], *, asked: bool
) -> None:
    assert is_allowed(line, *settings) is asked


@pytest.mark.parametrize("settings", [(), ("ATSP0",), ("ATTP3",), ("ATTP6",), ("ATSH7E0", "ATD")])
def test_all_units_are_asked_over_whatever_protocol_is_found(settings: tuple[str, ...]) -> None:
    assert is_allowed("0100", *settings)


@pytest.mark.parametrize("number", "12345")
def test_the_header_bytes_of_older_links_are_asked_on_over_those_links_only(number: str) -> None:
    assert is_allowed("0100", f"ATTP{number}", "ATSH686AF1")
    assert not is_allowed("0100", f"ATTP{number}", "ATCP17", "ATSHFC0076")
    assert not is_allowed("0100", "ATSH686AF1")
