"""The only list of what may be sent to an adapter. Everything that is not on it is forbidden.

The list judges meaning, not spelling: an ELM327 ignores spaces and case, so both are parsed away before anything is
compared. It knows no service that could change a car: no 04, 08, 10, 11, 14, 27, 28, 2E, 2F, 31, 34, 3B, 3D, 85.
"""

import re
from dataclasses import dataclass

from protocols.errors import ForbiddenCommandError

RESYNC_BREAK = b" "
"""Ends whatever the adapter is doing (it answers STOPPED); without a line end, so nothing is executed."""
RESYNC_PROBE = b"?\r"
"""An invalid command: the adapter answers ``?``. A bare line end would repeat the last command."""

_COMMAND = re.compile(rb"[\x20-\x7e]{1,80}\r")
_SHOWN_IN_ERRORS = 40

_INFO_TYPES = frozenset({0x00, 0x02, 0x04, 0x06, 0x08, 0x0A, 0x0B, 0x17})
_PID_PAGE = 0xF4
_STANDARD_DID_PAGES = frozenset({0xF1, 0xF4, 0xF5, 0xF8})
_MAX_PIDS = 6
_MAX_DIDS = 3  # what a single frame of seven bytes holds

# Ids every car may be asked on, functional and physical: on CAN (ISO 15765-4), and as the three header bytes of the
# links before it (ISO 9141-2, ISO 14230-4, SAE J1850).
_STANDARD_IDS = re.compile(r"^(?:7DF|7E[0-7]|18DB33F1|18DA[0-9A-F]{2}F1)$")
_LEGACY_HEADERS = re.compile(r"^(?:686AF1|616AF1|C[0-9A-F]33F1|8[0-9A-F][0-9A-F]{2}F1)$")

_AT_EXACT = frozenset(
    {"Z", "D", "WS", "I", "@1", "E0", "L0", "S0", "H1", "M0", "AL", "AT0", "AT1", "AT2", "SP0", "DP", "DPN"}
    | {"RV", "PC", "CAF1", "CFC1", "AR", "PPS", "IGN", "CS", "FE", "CEA"}
)
_AT_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^ST[0-9A-F]{2}$",  # reply timeout
        r"^TP[1-9A]$",  # try a protocol: unlike SP this stores nothing
        r"^CRA(?:[0-9A-F]{3}|[0-9A-F]{8})?$",  # receive filter
        r"^FCSM[012]$",
        # flow control: continue, all blocks, separation time. A block size would be the length byte of a request to a
        # unit that is addressed by 30 (``30 01 04``), so there is none.
        r"^FCSD3000[0-9A-F]{2}$",
    )
)
_AT_HEADER = re.compile(r"^(SH|FCSH)([0-9A-F]{3}|[0-9A-F]{6}|[0-9A-F]{8})$")
_AT_EXTENDED = re.compile(r"^CEA([0-9A-F]{2})$")
_AT_EXTENDED_FLOW = re.compile(r"^FCSD([0-9A-F]{2})3000[0-9A-F]{2}$")
_AT_PRIORITY = re.compile(r"^CP([0-9A-F]{2})$")
_AT_PROTOCOL = re.compile(r"^[ST]P([0-9A])$")
_CAN_PROTOCOLS = frozenset("6789A")
_CAN_11_PROTOCOLS = frozenset("68")
_LEGACY_PROTOCOLS = frozenset("12345")
_STANDARD_PRIORITY = "18"
_LENGTH_BYTES = frozenset(f"{length:02X}" for length in range(0x10))
_AT_SETTINGS_LOST = frozenset({"Z", "D", "WS"})

_ST_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^(?:I|DI|MFR|SN|PR|PRS|CSEGR1)$",
        r"^PTO[0-9]{1,5}$",
    )
)
_ST_FLOW_PAIR = re.compile(r"^CFCPA([0-9A-F]{3}|[0-9A-F]{8}),([0-9A-F]{3}|[0-9A-F]{8})$")
_STPX_FIELD = re.compile(r"^(?:H:([0-9A-F]{3}|[0-9A-F]{6}|[0-9A-F]{8})|D:([0-9A-F]+)|R:([0-9]{1,2})|T:([0-9]{1,5}))$")


@dataclass(frozen=True, slots=True)
class ProfileRead:
    """A maker read from a vehicle profile: request bytes (hex) that may be sent on this header, and only there.

    ``extended_address`` is the byte that addresses the unit behind the header (hex), or "".
    """

    header: str
    request: str
    extended_address: str = ""


class AllowList:
    """What may be written to one adapter. Follows its header settings, so use one list for each connection."""

    def __init__(self, reads: frozenset[ProfileRead] = frozenset()) -> None:
        self._reads = frozenset((r.header.upper(), r.extended_address.upper(), r.request.upper()) for r in reads)
        self._headers = frozenset(header for header, _, _ in self._reads)
        self._units = frozenset((header, extended) for header, extended, _ in self._reads)
        # a unit that is not addressed so would take the address byte for its length byte, and the next for the service
        self._extended = frozenset(extended for _, extended, _ in self._reads if extended) - _LENGTH_BYTES
        self._priorities = {_STANDARD_PRIORITY} | {header[:2] for header in self._headers if len(header) == 8}
        self._forget()

    def _forget(self) -> None:
        """What the adapter does after a reset: it sends on the functional address of the link."""
        self._priority = _STANDARD_PRIORITY
        self._header = self._extended_now = self._protocol = ""

    def check(self, data: bytes, *, inside_read: bool = False) -> None:
        """Return for bytes that may be written exactly so; raise ForbiddenCommandError for all others.

        ``inside_read`` says that a read is under way, the only time ``3E 00`` (tester present) may be sent.
        """
        if data in (RESYNC_BREAK, RESYNC_PROBE):
            return
        if not _COMMAND.fullmatch(data):
            raise ForbiddenCommandError(f"not one printable command with one line end: {_shown(data)}")
        text = data[:-1].decode("ascii").replace(" ", "").upper()
        if not self._is_allowed(text, inside_read=inside_read):
            raise ForbiddenCommandError(f"not on the list: {_shown(data)}")
        self._follow(text)

    def _is_allowed(self, text: str, *, inside_read: bool) -> bool:
        if text.startswith("AT"):
            return self._is_allowed_at(text[2:])
        if text.startswith("STPX"):
            return self._is_allowed_stpx(text[4:])
        if text.startswith("ST"):
            return self._is_allowed_st(text[2:])
        return self._is_allowed_request(text, self._header, inside_read=inside_read, count_digit=True)

    def _is_allowed_at(self, text: str) -> bool:
        if text in _AT_EXACT or any(pattern.fullmatch(text) for pattern in _AT_PATTERNS):
            return True
        if header := _AT_HEADER.fullmatch(text):
            return self._is_known_header(header[2])
        if priority := _AT_PRIORITY.fullmatch(text):
            return priority[1] in self._priorities
        extended = _AT_EXTENDED.fullmatch(text) or _AT_EXTENDED_FLOW.fullmatch(text)
        return extended is not None and extended[1] in self._extended

    def _is_allowed_st(self, text: str) -> bool:
        pair = _ST_FLOW_PAIR.fullmatch(text)
        if pair is not None:  # the first id is the one that flow control is sent on
            return len(pair[1]) == len(pair[2]) and self._is_known_header(pair[1])
        return any(pattern.fullmatch(text) for pattern in _ST_PATTERNS)

    def _is_known_header(self, header: str) -> bool:
        """Whether a header may be set. With six digits the priority still decides: see ``_may_be_asked``."""
        if header in self._headers or _STANDARD_IDS.fullmatch(header) or _LEGACY_HEADERS.fullmatch(header):
            return True
        return len(header) == 6 and bool(
            _STANDARD_IDS.fullmatch(_STANDARD_PRIORITY + header)
            or any(known.endswith(header) and len(known) == 8 for known in self._headers)
        )

    def _may_be_asked(self, header: str) -> bool:
        """Whether the unit that ``header``, priority and address byte make together is one that is asked at all."""
        if not header:
            return self._priority == _STANDARD_PRIORITY and not self._extended_now
        if not self._fits_protocol(header):
            return False
        if self._protocol not in _CAN_PROTOCOLS:
            return not self._extended_now
        full = self._full_id(header)
        if (full, self._extended_now) in self._units:
            return True
        return not self._extended_now and bool(_STANDARD_IDS.fullmatch(full))

    def _fits_protocol(self, header: str) -> bool:
        """Whether a header has the form of the protocol that was set: an adapter cuts or fills it to another id.

        None has while the adapter chooses the protocol by itself: it may search again, and the header stays.
        """
        if self._protocol in _CAN_11_PROTOCOLS:
            return len(header) == 3
        if self._protocol in _CAN_PROTOCOLS:
            return len(header) > 3
        return self._protocol in _LEGACY_PROTOCOLS and bool(_LEGACY_HEADERS.fullmatch(header))

    def _full_id(self, header: str) -> str:
        return self._priority + header if len(header) == 6 else header

    def _is_allowed_stpx(self, text: str) -> bool:
        """``STPX H:7E0,D:0100,R:1,T:50``: the data field is judged like any request, on its own header."""
        fields = [_STPX_FIELD.fullmatch(part) for part in text.split(",")]
        if not all(fields):
            return False
        names = [part[0] for part in text.split(",")]
        values = {name: part[2:] for name, part in zip(names, text.split(","), strict=True)}
        if len(names) != len(set(names)) or "D" not in values:
            return False
        header = values.get("H", self._header)
        known = not header or self._is_known_header(header)
        return known and self._is_allowed_request(values["D"], header, inside_read=False, count_digit=False)

    def _is_allowed_request(self, text: str, header: str, *, inside_read: bool, count_digit: bool) -> bool:
        if not re.fullmatch(r"[0-9A-F]{2,}", text):
            return False
        if len(text) % 2:  # the digit behind a whole request is the number of lines to wait for
            if not count_digit or text[-1] == "0":
                return False
            text = text[:-1]
        request = bytes.fromhex(text)
        if not self._may_be_asked(header):
            return False
        if request == b"\x3e\x00":
            return inside_read
        return _is_standard_read(request) or self._is_profile_read(text, header)

    def _is_profile_read(self, text: str, header: str) -> bool:
        if text[:2] not in {"21", "22", "1A"}:
            return False
        return (self._full_id(header), self._extended_now, text) in self._reads

    def _follow(self, text: str) -> None:
        """Remember what the adapter will send on from now on."""
        if text[:2] != "AT":
            return
        command = text[2:]
        if command in _AT_SETTINGS_LOST:
            self._forget()
        elif protocol := _AT_PROTOCOL.fullmatch(command):
            self._protocol = protocol[1]
        elif command.startswith("CP"):
            self._priority = command[2:]
        elif header := _AT_HEADER.fullmatch(command):
            self._header = header[2] if header[1] == "SH" else self._header
        elif command.startswith("CEA"):
            self._extended_now = command[3:]


def _is_standard_read(request: bytes) -> bool:
    """Services that only report (SAE J1979, ISO 14229-1), each with the parameters that may follow it."""
    service, rest = request[0], request[1:]
    if service == 0x01:
        return 1 <= len(rest) <= _MAX_PIDS
    if service == 0x02:
        return len(rest) == 2 and rest[1] == 0x00
    if service in (0x03, 0x07, 0x0A):
        return not rest
    if service == 0x06:
        return len(rest) == 1
    if service == 0x09:
        return len(rest) == 1 and rest[0] in _INFO_TYPES
    if service == 0x19:
        return _is_dtc_read(rest)
    return service == 0x22 and _is_standard_identifier(rest)


def _is_standard_identifier(rest: bytes) -> bool:
    """One identifier of a page that the standards give a meaning, or up to three that stand for PIDs (SAE J1979-2)."""
    if len(rest) == 2:
        return rest[0] in _STANDARD_DID_PAGES
    return len(rest) in range(4, 2 * _MAX_DIDS + 1, 2) and set(rest[::2]) == {_PID_PAGE}


def _is_dtc_read(rest: bytes) -> bool:
    """19 02 mask, 19 0A, 19 42 33 with its two masks, 19 55 33 (ISO 14229-1, SAE J1979-2)."""
    if rest[:1] == b"\x02":
        return len(rest) == 2
    if rest[:2] == b"\x42\x33":
        return len(rest) in (2, 4)
    return rest in (b"\x0a", b"\x55\x33")


def _shown(data: bytes) -> str:
    return ascii(data[:_SHOWN_IN_ERRORS])
