"""A recorded adapter session decoded: the exchanges go through the same session and decoders as a live adapter's."""

import re
from dataclasses import dataclass

from agent.replay_decode import Outcome, Question, decode_answers, decode_broadcast
from config.profiles import Profiles
from protocols.answers import ANSWERED_SERVICES, NEGATIVE
from protocols.elm327 import Elm327Session, Notice, Reply, parse_reply
from protocols.errors import AdapterReplyError
from protocols.messages import LinkFormat, assemble, assemble_reply, link_format_of
from protocols.transcript import Exchange, Transcript

_HEX = re.compile(r"^[0-9A-F]+$")
_NUMBERED = re.compile(r"^[0-9A-F]:[0-9A-F]*$")
_PROTOCOL = re.compile(r"^AT[ST]PA?([0-9])$")
_STPX = re.compile(r"^STPX(?:H:([0-9A-F]+),|[RT]:[0-9]+,)*D:([0-9A-F]+)(?:,H:([0-9A-F]+)|,[RT]:[0-9]+)*$")
_CODE_LISTS = frozenset({0x03, 0x07, 0x0A})


@dataclass(slots=True)
class _Settings:
    """What the recorded commands had set by then. None = the recording does not say."""

    make: str = ""
    model: str = ""
    link: LinkFormat | None = None
    headers: bool | None = None
    header: str = ""
    extended_address: str = ""


def replay_session(transcript: Transcript, profiles: Profiles) -> Outcome:
    """Everything the recorded car said, and the reasons for what it did not say."""
    session, outcome = Elm327Session(), Outcome()
    vehicle = transcript.about.get("vehicle", "")
    settings = _Settings(*_make_and_model(vehicle, profiles), link=_link_by_name(vehicle))
    for exchange in transcript.exchanges:
        if exchange.sent.isascii() and exchange.sent.isprintable() and exchange.sent[:1] not in ("", "("):
            _replay(exchange, session, settings, profiles, outcome)
    if outcome.silent:
        outcome.empty.append("nothing was asked of a car")
    return outcome


def _make_and_model(vehicle: str, profiles: Profiles) -> tuple[str, str]:
    """The make and the word behind it, if the description begins with a make that has rows."""
    makes = sorted(
        {make for row in (*profiles.rows, *profiles.broadcasts) for make in row.makes}, key=len, reverse=True
    )
    make = next((make for make in makes if vehicle.casefold().startswith(make.casefold())), "")
    return make, vehicle[len(make) :].strip().partition(" ")[0] if make else ""


def _replay(
    exchange: Exchange, session: Elm327Session, settings: _Settings, profiles: Profiles, outcome: Outcome
) -> None:
    command = re.sub(r"\s", "", exchange.sent).upper()
    reply, whole = _reply_to(exchange, session, outcome)
    if command.startswith("AT"):
        _follow(command, reply, settings)
        if command == "ATMA":
            decode_broadcast(reply.lines, settings.make, settings.model, profiles, outcome)
    elif question := _question(exchange.sent, settings):
        if question.request[0] in ANSWERED_SERVICES:
            _decode(question, reply, settings, profiles, outcome, whole=whole)
        else:
            outcome.empty.append(f"service {question.request[0]:02X} is never asked")


def _reply_to(exchange: Exchange, session: Elm327Session, outcome: Outcome) -> tuple[Reply, bool]:
    """The reply, and whether its prompt came. Without one the recording may stop in the middle of a line."""
    session.send(exchange.sent)
    try:
        reply = session.receive(exchange.received)
    except AdapterReplyError as error:
        outcome.failed.append(str(error))
        return Reply(exchange.sent, (), frozenset()), False
    if reply is not None:
        return reply, True
    session.abandon()
    if not exchange.received.strip():
        outcome.failed.append(f"{exchange.sent}: the adapter did not answer")
    return parse_reply(exchange.sent, exchange.received), False


def _follow(command: str, reply: Reply, settings: _Settings) -> None:
    """Keep track of what decides how answers look."""
    if command in ("ATH0", "ATH1"):
        settings.headers = command == "ATH1"
    elif command in ("ATZ", "ATD", "ATWS"):
        settings.headers, settings.header, settings.extended_address = None, "", ""
    elif command.startswith("ATSH"):
        settings.header = command[4:]
    elif command.startswith("ATCEA"):
        settings.extended_address = command[5:]
    elif command == "ATDPN" and reply.lines:
        settings.link = link_format_of(reply.lines[0]) or settings.link
    elif command == "ATDP":
        settings.link = _link_by_name(" ".join(reply.lines)) or settings.link
    elif protocol := _PROTOCOL.fullmatch(command):
        settings.link = link_format_of(protocol[1])


def _link_by_name(text: str) -> LinkFormat | None:
    """The link that ``AT DP`` or a description of the recording names."""
    if "29/" in text or "CAN 29" in text:
        return LinkFormat.CAN_29
    if "11/" in text or "CAN 11" in text:
        return LinkFormat.CAN_11
    return LinkFormat.LEGACY if re.search(r"9141|14230|KWP|J1850", text) else None


def _question(sent: str, settings: _Settings) -> Question | None:
    """What a recorded line asked: request bytes with or without a count digit, or a raw frame with its CAN id."""
    tokens = sent.upper().split()
    digits = "".join(tokens)
    if named := _STPX.fullmatch(digits):
        header, digits = named[1] or named[3] or settings.header, named[2]
        return Question(_bytes_of(digits), header, settings.extended_address, settings.make, settings.model)
    if not _HEX.fullmatch(digits) or len(digits) < 2:
        return None
    if len(tokens) > 1 and len(tokens[0]) == 3:
        return _question_of_frame(tokens[0], bytes.fromhex("".join(tokens[1:])), settings)
    return Question(_bytes_of(digits), settings.header, settings.extended_address, settings.make, settings.model)


def _bytes_of(digits: str) -> bytes:
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _question_of_frame(header: str, data: bytes, settings: _Settings) -> Question | None:
    if data and data[0] == len(data) - 1:
        return Question(data[1:], header, "", settings.make, settings.model)
    if len(data) > 2 and data[1] == len(data) - 2:  # an address byte in front: ISO-TP extended addressing
        return Question(data[2:], header, f"{data[0]:02X}", settings.make, settings.model)
    return None


def _decode(
    question: Question, reply: Reply, settings: _Settings, profiles: Profiles, outcome: Outcome, *, whole: bool
) -> None:
    shape = _shape(question, reply.lines, settings)
    if shape is None:
        _explain(question, reply, outcome)
        return
    link, headers = shape
    if not whole and not headers:  # a cut line without header, length and checksum would pass for a whole one
        outcome.failed.append(f"{question.request.hex().upper()}: the answer ends without a prompt")
        return
    found = Outcome()
    assembly = assemble_reply(reply, link, headers=headers, extended_address=bool(question.extended_address))
    decode_answers(question, assembly, profiles, found)
    if found.silent:
        _explain(question, reply, found)
    outcome.add(found)


def _explain(question: Question, reply: Reply, outcome: Outcome) -> None:
    said = ", ".join(sorted(notice.value for notice in reply.notices)) or "no answer to this request"
    reason = f"{question.request.hex().upper()}: {said}"
    if reply.notices == {Notice.NO_DATA}:
        outcome.empty.append(reason)
    else:
        outcome.failed.append(reason)


def _shape(question: Question, lines: tuple[str, ...], settings: _Settings) -> tuple[LinkFormat, bool] | None:
    """Link and headers of these lines: as the recording set them, else as the lines themselves prove."""
    shown = [line.upper() for line in lines]
    headers = settings.headers
    if headers is None:
        headers = not any(_is_bare(line, question.request) for line in shown)
    if settings.link is not None:
        return settings.link, headers
    for line in shown:
        link = _link_with_header(line) if headers else _link_without_header(line, question.request)
        if link is not None:
            return link, headers
    return None


def _is_bare(line: str, request: bytes) -> bool:
    """Whether a line begins with the answer itself, its length or a line number."""
    compact = line.replace(" ", "")
    if _NUMBERED.fullmatch(compact) or (len(compact) == 3 and _HEX.fullmatch(compact)):
        return True
    starts = (f"{request[0] + 0x40:02X}", f"{NEGATIVE:02X}{request[0]:02X}")
    return len(compact) % 2 == 0 and compact.startswith(starts)


def _link_with_header(line: str) -> LinkFormat | None:
    compact = line.replace(" ", "")
    if not _HEX.fullmatch(compact):
        return None
    if re.match(r"^[0-7][0-9A-F]{2} ", line) or (" " not in line and len(compact) % 2):
        return LinkFormat.CAN_11
    if compact.startswith(("18DA", "18DB")):
        return LinkFormat.CAN_29
    if assemble([line], LinkFormat.LEGACY).messages:
        return LinkFormat.LEGACY
    return LinkFormat.CAN_29 if compact.startswith(("18D", "1")) and len(compact) > 10 else None


def _link_without_header(line: str, request: bytes) -> LinkFormat | None:
    """Headers off hides the link; it matters only for code lists, where a count byte proves CAN."""
    compact = line.replace(" ", "")
    if _NUMBERED.fullmatch(compact) or len(compact) == 3:
        return LinkFormat.CAN_11
    if request[0] not in _CODE_LISTS:
        return LinkFormat.CAN_11
    # 43, count, two bytes a code: an even number of bytes. The older links send 43 and three codes: seven.
    return LinkFormat.CAN_11 if len(compact) % 4 == 0 else None
