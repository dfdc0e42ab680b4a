"""CAN lines with headers to messages: frames, then ISO-TP reassembly for every control unit (ISO 15765-2)."""

from dataclasses import dataclass, field

from protocols.assembly import Assembly, Damaged, EcuMessage, LinkFormat

_FRAME_DIGITS = 16
_MAX_LINE_DIGITS = 256


def frames_of(line: str, id_digits: int) -> list[tuple[str, bytes]]:
    """Split one line into frames: usually one; several when line ends were lost after complete frames."""
    ident, rest = line[:id_digits], line[id_digits:]
    if not rest:
        raise ValueError("no data behind the id")
    if len(line) > _MAX_LINE_DIGITS:
        raise ValueError("too long for any number of glued frames")
    data = _single_frame(rest)
    if data is not None:
        return [(ident, bytes.fromhex(data))]
    for digits in _glue_points(rest):
        following = rest[digits:]
        # only an id like the first one's proves that the cut is right: otherwise digits were lost in between
        if len(following) > id_digits and following[: id_digits // 2] == ident[: id_digits // 2]:
            return [(ident, bytes.fromhex(rest[:digits])), *frames_of(following, id_digits)]
    raise ValueError("digits are missing")


def _single_frame(rest: str) -> str | None:
    """The data digits if ``rest`` is one frame, with or without the length that ``AT D1`` puts in front."""
    if len(rest) % 2 == 0 and len(rest) <= _FRAME_DIGITS:
        return rest
    if rest[0] <= "8" and len(rest) - 1 == 2 * int(rest[0], 16):
        return rest[1:]
    if len(rest) == _FRAME_DIGITS + 2 and rest.startswith("08"):
        return rest[2:]
    return None


def _glue_points(rest: str) -> list[int]:
    """Where the first of several glued frames may end: a full frame, or a single frame sent without padding."""
    points = [_FRAME_DIGITS]
    if rest[0] == "0" and "1" <= rest[1:2] <= "6":  # one byte more makes it a full frame
        points.append(2 + 2 * int(rest[1]))
    return points


@dataclass(slots=True)
class OpenMessage:
    """A multi-frame message under way."""

    length: int
    data: bytearray
    next_sequence: int = 1


@dataclass(slots=True)
class IsoTpReceiver:
    """Receives frames of several control units at once (ISO 15765-2); interleaving is normal."""

    extended_address: bool
    open: dict[str, OpenMessage] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    messages: list[EcuMessage] = field(default_factory=list)
    damaged: list[Damaged] = field(default_factory=list)

    def take(self, ecu: str, frame: bytes) -> None:
        data = frame[1:] if self.extended_address else frame
        if not data:
            self.line_damaged(ecu, "no ISO-TP byte")
            return
        kind = data[0] >> 4
        if kind == 0:
            self._single(ecu, data)
        elif kind == 1:
            self._first(ecu, data, len(frame))
        elif kind == 2:
            self._consecutive(ecu, data)
        elif kind != 3:  # 3 = flow control, a tester's own frame seen on the bus
            self.line_damaged(ecu, "not an ISO-TP frame")

    def line_damaged(self, ecu: str, reason: str) -> None:
        if ecu in self.open:
            self._break(ecu, reason)
        else:
            self.damaged.append(Damaged(ecu, reason))

    def result(self, link: LinkFormat) -> Assembly:
        for ecu in list(self.open):
            self._break(ecu, "ended early")
        return Assembly(tuple(self.messages), tuple(self.damaged), link)

    def _single(self, ecu: str, data: bytes) -> None:
        if ecu in self.open:
            self._break(ecu, "interrupted")
        self.broken.discard(ecu)
        length = data[0] & 0x0F
        if length == 0 or length > len(data) - 1:
            self.damaged.append(Damaged(ecu, "shorter than its length byte says", data[1:]))
        else:
            self.messages.append(EcuMessage(ecu, data[1 : 1 + length]))

    def _first(self, ecu: str, data: bytes, frame_length: int) -> None:
        if ecu in self.open:
            self._break(ecu, "interrupted")
        self.broken.discard(ecu)
        length = ((data[0] & 0x0F) << 8 | data[1]) if len(data) > 1 else 0
        fits_a_single_frame = length <= (6 if self.extended_address else 7)
        if frame_length != 8 or fits_a_single_frame:
            self.damaged.append(Damaged(ecu, "impossible first frame", data[2:]))
            self.broken.add(ecu)
        else:
            self.open[ecu] = OpenMessage(length, bytearray(data[2:]))

    def _consecutive(self, ecu: str, data: bytes) -> None:
        message = self.open.get(ecu)
        if message is None:
            if ecu not in self.broken:
                self.damaged.append(Damaged(ecu, "its first frame is missing"))
                self.broken.add(ecu)
            return
        missing = message.length - len(message.data)
        if data[0] & 0x0F != message.next_sequence:
            self._break(ecu, "frames missing, repeated or out of order")
        elif len(data) - 1 < min(missing, 6 if self.extended_address else 7):
            self._break(ecu, "a frame is cut short")
        else:
            message.data += data[1 : 1 + missing]  # what follows the announced length is padding
            message.next_sequence = (message.next_sequence + 1) % 16
            self._close_if_whole(ecu, message)

    def _close_if_whole(self, ecu: str, message: OpenMessage) -> None:
        if len(message.data) == message.length:
            self.messages.append(EcuMessage(ecu, bytes(message.data)))
            del self.open[ecu]

    def _break(self, ecu: str, reason: str) -> None:
        self.damaged.append(Damaged(ecu, reason, bytes(self.open.pop(ecu).data)))
        self.broken.add(ecu)
