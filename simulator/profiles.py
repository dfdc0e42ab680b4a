"""What each kind of adapter on the market says of itself, lacks and breaks."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of adapter. ``lacks`` names commands answered with ``?`` (see ``at_commands``)."""

    name: str
    banner: str
    describes_itself: str = "OBDII to RS232 Interpreter"
    lacks: frozenset[str] = field(default_factory=frozenset)
    # "lines": the digit ends the answer early; "ignored": taken and not used.
    count_digit: str = "lines"
    max_pids: int = 6
    reset_s: float = 0.7
    stn: str = ""
    # Byte seen in front of the banner of some clones.
    noise_at_reset: bytes = b""
    knows_only: str = ""
    shows_padding: bool = False
    baud: int = 38400
    waits_for_pending: bool = False
    # Whether an empty line stands between the answer to a command and the prompt.
    blank_line: bool = True
    # Whether one stands between the answer to a request and the prompt.
    blank_line_after_data: bool = True
    # A request for more PIDs than this never ends by itself; 0: no such limit.
    hangs_over_pids: int = 0
    # Commands that are taken and never answered.
    never_answers: frozenset[str] = frozenset()
    # The dots of a five-baud initialisation stand in front of the first answer.
    dots_in_answer: bool = False
    device: str = "OBDLink SX r4.2"


_BASIC_CLONE = frozenset(
    ("AL", "NL", "CAF0", "CFC", "FCSH", "FCSD", "FCSM", "CEA", "CRA", "CP", "PPS", "PP", "IGN", "D0", "D1", "AMC",
     "AMT", "R", "V", "CTM", "CSM", "JE", "TA", "@2", "@3", "RD", "SD", "FE", "CV", "CF", "CM", "SS", "BI", "FI", "SI")
)  # fmt: skip

_MIDDLING_CLONE = frozenset(("CEA", "FE", "CTM", "AMC", "AMT", "PPS", "PP", "IGN", "FCSH", "FCSM"))

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "elm-1.4b", "ELM327 v1.4b", lacks=frozenset(("CEA", "FE", "CTM", "AMC", "AMT")), waits_for_pending=True
        ),
        Profile("elm-2.2", "ELM327 v2.2", waits_for_pending=True),
        Profile(
            "elm-1.5-clone",
            "ELM327 v1.5",
            lacks=frozenset(
                ("CEA", "FE", "CTM", "AMC", "AMT", "PPS", "PP", "IGN", "FCSH", "FCSM", "@2", "@3", "SD", "RD")
            ),
            noise_at_reset=b"\xfc",
            reset_s=0.9,
        ),
        Profile(
            "elm-2.1-clone",
            "ELM327 v2.1",
            lacks=_BASIC_CLONE,
            count_digit="ignored",
            max_pids=1,
            reset_s=1.0,
        ),
        Profile(
            "elm-1.5-terse",
            "ELM327 v1.5",
            lacks=frozenset(("CEA", "FE", "CTM", "AMC", "AMT", "PPS", "PP", "IGN", "FCSH", "FCSM", "SPn", "TPn")),
            blank_line=False,
        ),
        Profile("elm-1.5-frail", "ELM327 v1.5", lacks=frozenset(("CEA", "FE", "AL", "AT")), hangs_over_pids=2),
        Profile("stn-1170", "ELM327 v1.4b", stn="STN1170 v4.3.2", baud=115200, reset_s=0.5, waits_for_pending=True),
        Profile("stn-1110", "ELM327 v1.3a", stn="STN1110 v4.0.4", baud=115200, reset_s=0.5, waits_for_pending=True),
        Profile(
            "stn-2255",
            "ELM327 v1.4b",
            stn="STN2255 v5.0.0",
            baud=115200,
            reset_s=0.4,
            waits_for_pending=True,
            device="OBDLink MX+ r2.1",
        ),
        Profile("elm-1.4-clone", "ELM327 v1.4", lacks=_MIDDLING_CLONE),
        Profile(
            "elm-1.5-padded",
            "ELM327 v1.5",
            lacks=_MIDDLING_CLONE,
            shows_padding=True,
            blank_line=False,
            blank_line_after_data=False,
        ),
        Profile("elm-1.5-dots", "ELM327 v1.5", lacks=_MIDDLING_CLONE, dots_in_answer=True),
        Profile("elm-2.1-deaf", "ELM327 v2.1", lacks=_BASIC_CLONE, never_answers=frozenset(("D",)), max_pids=1),
        Profile("vgate-2.2", "ELM327 v2.2", lacks=frozenset(("PP", "PPS")), waits_for_pending=True, baud=115200),
        Profile(
            "wican",
            "ELM327 v1.3a",
            baud=115200,
            reset_s=0.2,
            lacks=frozenset(("CAF0", "CAF1", "CFC", "AL", "NL", "R", "PPS", "PP", "CEA", "FE", "AMC", "AMT")),
        ),
        Profile("question-mark", "?", knows_only="?"),
        Profile("mute", "", knows_only="nothing"),
        Profile("modem", "", knows_only="modem"),
    )
}
DEFAULT_PROFILE = "elm-2.2"
