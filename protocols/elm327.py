"""One conversation with an ELM327-class adapter, without I/O: commands become bytes, bytes become replies.

A reply ends at the prompt ``>`` and nowhere else. Everything that makes clones odd is undone here: NULs and
stray bytes, echoes, status text glued to data, a prompt that comes one command late.
"""

import re
from dataclasses import dataclass
from enum import Enum

from protocols.errors import AdapterReplyError, CommandPendingError

PROMPT = ord(">")
_CR = b"\r"
_PRINTABLE_COMMAND = re.compile(r"^[\x20-\x7e]+$")
_NOT_TEXT = re.compile(rb"[^\x20-\x7e\r\n]")
_UNSOLICITED_KEPT = 256
_SHOWN_IN_ERRORS = 60


class Notice(Enum):
    """What the adapter says about itself or the bus, instead of or beside data (ELM327 data sheet, error messages)."""

    NO_DATA = "no data"
    UNKNOWN_COMMAND = "unknown command"
    UNABLE_TO_CONNECT = "unable to connect"
    BUS_INIT_ERROR = "bus init error"
    BUS_BUSY = "bus busy"
    BUS_ERROR = "bus error"
    FB_ERROR = "feedback error"
    CAN_ERROR = "CAN error"
    DATA_ERROR = "data error"
    RX_ERROR = "receive error"
    BUFFER_FULL = "buffer full"
    STOPPED = "stopped"
    INTERNAL_ERROR = "internal error"
    LV_RESET = "low voltage reset"
    LP_ALERT = "low power alert"
    ACT_ALERT = "activity alert"
    SEARCHING = "searching"
    BUS_INIT_OK = "bus init ok"
    RESTARTED = "restarted"
    NOT_CONNECTED = "not connected"
    VENDOR_TEXT = "vendor text"


LOSSY = frozenset({Notice.DATA_ERROR, Notice.RX_ERROR, Notice.BUFFER_FULL, Notice.STOPPED})
"""Notices after which lines of the reply may be missing or cut."""

BUS_FAULTS = frozenset({Notice.CAN_ERROR, Notice.BUS_ERROR, Notice.BUS_BUSY, Notice.FB_ERROR, Notice.BUS_INIT_ERROR})
"""Notices that the bus itself fails; whoever had not answered by then is not heard."""

_SETTINGS_LOST = frozenset({Notice.RESTARTED, Notice.LV_RESET, Notice.LP_ALERT, Notice.ACT_ALERT})

# Searched in this order, spaces removed, anywhere in the line: the first that fits explains the whole line.
_STATUS_TEXTS: tuple[tuple[str, Notice], ...] = (
    ("NODATA", Notice.NO_DATA),
    ("NABLETO", Notice.UNABLE_TO_CONNECT),  # the first letter is lost on slow links
    ("BUSINIT:BUSERROR", Notice.BUS_INIT_ERROR),
    ("BUSINIT:STOPPED", Notice.BUS_INIT_ERROR),
    ("BUSBUSY", Notice.BUS_BUSY),
    ("BUSERROR", Notice.BUS_ERROR),
    ("FBERROR", Notice.FB_ERROR),
    ("CANERROR", Notice.CAN_ERROR),
    ("DATAERROR", Notice.DATA_ERROR),
    ("RXERROR", Notice.RX_ERROR),
    ("BUFFERFULL", Notice.BUFFER_FULL),
    ("STOPPED", Notice.STOPPED),
    ("LVRESET", Notice.LV_RESET),
    ("LPALERT", Notice.LP_ALERT),
    ("ACTALERT", Notice.ACT_ALERT),
    ("NOTCONNECTED", Notice.NOT_CONNECTED),
    ("VENDOR", Notice.VENDOR_TEXT),
)
_BUS_INIT_FAILED = re.compile(r"INIT:?\.*ERROR")
_INTERNAL_ERROR = re.compile(r"^ERR\d\d$")
_BUS_INIT_OK = re.compile(r"BUS\s*INIT\s*:?[\s.]*OK[\s.]*", re.IGNORECASE)
_BUS_INIT_WAITING = re.compile(r"^\s*BUS\s*INIT\s*:[\s.]*$", re.IGNORECASE)
_SEARCHING = re.compile(r"SEARCHING[\s.]*", re.IGNORECASE)
_REQUEST = re.compile(r"(?:STPX.*D:)?([0-9A-F]{2})")
_BLANK = re.compile(rb"[\x00-\x20]")
_BANNER = re.compile(r"ELM327|ELM323|ELM320", re.IGNORECASE)
_BANNER_COMMANDS = frozenset({"ATZ", "ATWS", "ATI", "ATD", "STI", "AT@1", "STDI"})


@dataclass(frozen=True, slots=True)
class Reply:
    """An adapter's whole answer to ``command``: what is left of the lines, and what was said beside them."""

    command: str
    lines: tuple[str, ...]
    notices: frozenset[Notice]


class Elm327Session:
    """Half-duplex command and reply; one command in flight. Holds at most ``max_reply_bytes`` of a reply."""

    def __init__(self, max_reply_bytes: int = 65536) -> None:
        self._max_reply_bytes = max_reply_bytes
        self._command: str | None = None
        self._received = bytearray()
        self._unsolicited = bytearray()
        self._pending_answer = b""
        self._tail = b""
        self.pending_answers = 0
        """How often a unit has said "response pending" (7F, service, 78) in the reply under way."""

    @property
    def pending(self) -> str | None:
        """The command that waits for its reply."""
        return self._command

    @property
    def partial(self) -> str:
        """What has come of the reply so far, shortened: for the message of a timeout."""
        return ascii(bytes(self._received[:_SHOWN_IN_ERRORS]))[2:-1]

    def send(self, command: str) -> bytes:
        """Return the bytes to write; raise CommandPendingError while another waits, ValueError for control bytes."""
        if self._command is not None:
            raise CommandPendingError(f"{command!r} while {self._command!r} waits")
        if not _PRINTABLE_COMMAND.fullmatch(command):
            raise ValueError(f"command {command!r} is not printable ASCII")
        self._command = command
        self._received.clear()
        self._pending_answer = _pending_answer(command)
        self._tail = b""
        self.pending_answers = 0
        return command.encode("ascii") + _CR

    def receive(self, data: bytes) -> Reply | None:
        """Take bytes as they come; return the reply once its prompt is there.

        Raises AdapterReplyError when the reply outgrows its bound; the session is then ready for a resync.
        """
        if self._command is None:
            self._keep_unsolicited(data)
            return None
        self._received += data[: self._max_reply_bytes + 1]
        self._count_pending(data)
        reply = self._complete_reply()
        if reply is None and len(self._received) > self._max_reply_bytes:
            shown = self.partial
            self.abandon()
            raise AdapterReplyError(f"no prompt within {self._max_reply_bytes} bytes; it began {shown!r}")
        return reply

    def abandon(self) -> None:
        """Give up waiting (a timeout): what comes late is not taken for the next reply's data if it can be told."""
        self._command = None
        self._received.clear()

    def _count_pending(self, data: bytes) -> None:
        """Look through what is new and as much before it as an answer that was split may have begun with."""
        if self._pending_answer:
            seen = self._tail + _BLANK.sub(b"", data).upper()
            self.pending_answers += seen.count(self._pending_answer)
            self._tail = seen[1 - len(self._pending_answer) :]

    def _complete_reply(self) -> Reply | None:
        command = self._command
        while command is not None and (end := self._received.find(PROMPT)) >= 0:
            text, rest = bytes(self._received[:end]), bytes(self._received[end + 1 :])
            if _is_leftover(text, rest, command):
                self._received = bytearray(rest)
                continue
            notices = _unsolicited_notices(bytes(self._unsolicited))
            self.abandon()
            self._unsolicited.clear()
            self._keep_unsolicited(rest)
            reply = parse_reply(command, text)
            return Reply(command, reply.lines, reply.notices | notices)
        return None

    def _keep_unsolicited(self, data: bytes) -> None:
        self._unsolicited = (self._unsolicited + data[-_UNSOLICITED_KEPT:])[-_UNSOLICITED_KEPT:]


def parse_reply(command: str, text: bytes) -> Reply:
    """Turn what stood before the prompt into a Reply. Pure: the same text gives the same reply."""
    clean = _NOT_TEXT.sub(b"", text).decode("ascii")
    lines = [line.strip() for line in re.split(r"[\r\n]", clean)]
    return read_lines(command, [line for line in lines if line])


def read_lines(command: str, shown: list[str]) -> Reply:
    """Sort lines as an adapter shows them into data and notices; echoes of ``command`` are removed."""
    notices: set[Notice] = set()
    lines: list[str] = []
    for line in _without_echo(command, [re.sub(r"\s+", " ", line).strip() for line in shown]):
        rest = _without_status(line, notices)
        if rest:
            lines.append(rest)
    if _compact(command) not in _BANNER_COMMANDS and any(_BANNER.search(line) for line in lines):
        notices.add(Notice.RESTARTED)
    return Reply(command, tuple(lines), frozenset(notices))


def _pending_answer(command: str) -> bytes:
    """What a unit says that needs longer for ``command`` (ISO 14229-1, 7F xx 78); empty where it is no request."""
    request = _REQUEST.match(_compact(command))
    return b"7F" + request[1].encode("ascii") + b"78" if request else b""


def _is_leftover(text: bytes, rest: bytes, command: str) -> bool:
    """A prompt of the command before: nothing stands in front of it, or this command's echo comes only behind it."""
    if not _NOT_TEXT.sub(b"", text).strip():
        return True
    following = _compact(_NOT_TEXT.sub(b"", rest).decode("ascii"))
    already_echoed = _compact(text.decode("ascii", "ignore")).startswith(_compact(command))
    return not already_echoed and following.startswith(_compact(command))


def _unsolicited_notices(data: bytes) -> frozenset[Notice]:
    return parse_reply("", data).notices & _SETTINGS_LOST if data else frozenset()


def _without_echo(command: str, lines: list[str]) -> list[str]:
    """Drop leading echoes; some adapters echo twice, or without the line end in front of the answer."""
    echo = _compact(command)
    start = 0
    while echo and start < len(lines) and _compact(lines[start]).lstrip(">") == echo:
        start += 1
    rest = lines[start:]
    if start == 0 and rest and len(echo) >= 4 and _compact(rest[0]).startswith(echo):
        return [_after(rest[0], len(echo)), *rest[1:]]
    return rest


def _after(line: str, characters: int) -> str:
    """What stands behind the first ``characters`` characters that are not spaces."""
    seen = 0
    for index, character in enumerate(line):
        seen += character != " "
        if seen == characters:
            return line[index + 1 :].strip()
    return ""


def _without_status(line: str, notices: set[Notice]) -> str:
    if _SEARCHING.search(line):
        notices.add(Notice.SEARCHING)
        line = _SEARCHING.sub("", line)
    if _BUS_INIT_OK.search(line):
        notices.add(Notice.BUS_INIT_OK)
        line = _BUS_INIT_OK.sub("", line)
    if _BUS_INIT_WAITING.fullmatch(line):
        return ""
    line = line.lstrip(". ").strip()
    notice = _status_of(_compact(line))
    if notice is None:
        return line
    notices.add(notice)
    return ""


def _status_of(compact: str) -> Notice | None:
    if compact and not compact.strip("?"):
        return Notice.UNKNOWN_COMMAND
    if compact == "ERROR":  # not an ELM327: modems say so
        return Notice.UNKNOWN_COMMAND
    if _BUS_INIT_FAILED.search(compact):
        return Notice.BUS_INIT_ERROR
    if _INTERNAL_ERROR.fullmatch(compact):
        return Notice.INTERNAL_ERROR
    return next((notice for text, notice in _STATUS_TEXTS if text in compact), None)


def _compact(text: str) -> str:
    return re.sub(r"\s", "", text).upper()
