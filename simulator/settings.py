"""What AT commands change in an adapter, with the defaults of AT D (ELM327 data sheet)."""

from dataclasses import dataclass, field

from simulator.links import BY_NUMBER, DEFAULT_HEADERS, Kind, Link

TIMEOUT_UNIT_S = 0.004
DEFAULT_TIMEOUT_S = 0x32 * TIMEOUT_UNIT_S


@dataclass(slots=True)
class Memory:
    """What survives a reset and a power cut: the protocol, and the text stored by AT @3."""

    protocol: str = "0"
    automatic: bool = True


@dataclass(slots=True)
class Settings:
    """The volatile state of an adapter."""

    echo: bool = True
    linefeeds: bool = False
    spaces: bool = True
    headers: bool = False
    length_digit: bool = False
    long_messages: bool = False
    format_frames: bool = True
    flow_control: bool = True
    responses: bool = True
    remember: bool = True
    adaptive: int = 1
    timeout_s: float = DEFAULT_TIMEOUT_S
    header: str = ""
    priority: int = 0x18
    receive: str = ""
    can_filter: int | None = None
    can_mask: int | None = None
    extended: int | None = None
    flow_mode: int = 0
    flow_header: str = ""
    flow_data: bytes = b""
    protocol: str = "0"
    automatic: bool = True
    connected: bool = False
    slowest_s: dict[str, float] = field(default_factory=dict)
    # Whether the adapter keeps a K-line awake between requests, and when the last of them went out.
    wakes: bool = True
    asked_s: float = 0.0

    @property
    def link(self) -> Link | None:
        """The bus chosen or found, if any."""
        return BY_NUMBER.get(self.protocol)

    def use(self, protocol: str, *, automatic: bool) -> None:
        """Choose a protocol; the next request opens it anew."""
        self.protocol = protocol
        self.automatic = automatic
        self.connected = False

    def header_for(self, link: Link) -> int:
        """The CAN id or three header bytes of the next request on this bus."""
        return resolve_header(self.header, self.priority, link) if self.header else DEFAULT_HEADERS[link.kind]

    def tail_s(self) -> float:
        """How long to wait for one more answer: fixed, or by the adaptive model (AT0, AT1, AT2)."""
        seen = self.slowest_s.get(self.protocol)
        if self.adaptive == 0 or seen is None:
            return self.timeout_s
        learned = 2 * seen + 0.020 if self.adaptive == 1 else 1.25 * seen + 0.008
        return min(self.timeout_s, learned)

    def accepts(self, can_id: int, link: Link) -> bool:
        """Whether a frame passes the receive filter."""
        width = 3 if link.kind is Kind.CAN11 else 8
        if self.receive:
            text = f"{can_id:0{width}X}"
            wanted = self.receive[-width:].rjust(width, "0") if len(self.receive) != width else self.receive
            return all(want in ("X", have) for want, have in zip(wanted, text, strict=True))
        if self.can_filter is not None or self.can_mask is not None:
            mask = self.can_mask if self.can_mask is not None else (0x7FF if width == 3 else 0x1FFFFFFF)
            return (can_id ^ (self.can_filter or 0)) & mask == 0
        return can_id & 0x7F8 == 0x7E8 and can_id < 0x800 if width == 3 else can_id & 0x1FFFFF00 == 0x18DAF100


def resolve_header(text: str, priority: int, link: Link) -> int:
    """A header as AT SH took it (3, 6 or 8 digits) on this bus; AT CP supplies the top byte of a short 29-bit one."""
    value = int(text, 16)
    if link.kind is Kind.CAN11:
        return value & 0x7FF
    if link.kind is Kind.CAN29:
        return value & 0x1FFFFFFF if len(text) > 6 else (priority & 0x1F) << 24 | value
    return value & 0xFFFFFF
