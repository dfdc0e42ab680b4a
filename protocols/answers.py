"""Which messages answer which request: service and identifier must match, everything else is somebody's late answer."""

from collections.abc import Iterator
from dataclasses import dataclass

from protocols.messages import Assembly, Damaged, EcuMessage, LinkFormat
from protocols.readings import ItemStatus
from protocols.signals import PID_LENGTHS, WITH_SECOND_BYTE

NEGATIVE = 0x7F
RESPONSE_PENDING = 0x78

# How many bytes behind the service byte an answer repeats (SAE J1979, ISO 14229-1, ISO 14230-3).
_ECHOED = {0x01: 1, 0x02: 2, 0x03: 0, 0x06: 1, 0x07: 0, 0x09: 1, 0x0A: 0, 0x19: 1, 0x1A: 1, 0x21: 1, 0x22: 2, 0x3E: 1}
ANSWERED_SERVICES = frozenset(_ECHOED)
"""Services whose answers can be matched."""
_LISTS = frozenset({0x03, 0x07, 0x0A})
_NOT_SUPPORTED = frozenset({0x11, 0x12, 0x31})
_LAST_OBD_SERVICE = 0x0A
_PADDING = (0x00, 0x55, 0xAA, 0xFF)
_PID_PAGE = b"\xf4"  # data identifier F4xx carries PID xx (SAE J1979-2)


@dataclass(frozen=True, slots=True)
class Answer:
    """One control unit's answer to one request.

    ``identifier`` is what was asked behind the service (PID, DID, local id, ...); ``data`` is what follows its echo.
    ``nrc`` is the negative response code of a refusal. ``detail`` says more when the status is not ``read``.
    """

    ecu: str
    status: ItemStatus
    data: bytes = b""
    nrc: int | None = None
    identifier: bytes = b""
    detail: str = ""


def answers_to(request: bytes, assembly: Assembly, *, ecu: str | None = None) -> tuple[Answer, ...]:
    """All answers of ``assembly`` to ``request`` (bytes after the header, no count digit), in order of arrival.

    Empty when nobody answered. With ``ecu`` only that unit counts. A service 01 request may hold up to six PIDs, a
    service 22 request several identifiers F4xx: each found value becomes an answer of its own.
    """
    if not request or request[0] not in _ECHOED:
        raise ValueError(f"no rule how {request.hex().upper()} is answered")
    messages = [message for message in assembly.messages if ecu in (None, message.ecu)]
    found = [answer for message in messages for answer in _read(request, message)]
    found = _one_per_list(request, found)
    read_from = {answer.ecu for answer in found if answer.status is ItemStatus.READ}
    found += [answer for answer in _refusals(request, messages, assembly.link) if answer.ecu not in read_from]
    broken = [damage for damage in assembly.damaged if ecu is None or damage.ecu in ("", ecu)]
    broken = [damage for damage in broken if _may_answer(request, damage)]
    if broken and assembly.link is LinkFormat.LEGACY and request[0] in _LISTS:
        return tuple(_corrupted(request, found, broken))  # a lost line of a list without a count would not be missed
    broken = [damage for damage in broken if not damage.ecu or damage.ecu not in read_from]
    return tuple(found + [_corrupt(request, damage) for damage in broken])


def echo_of(request: bytes) -> bytes:
    """The bytes a positive answer begins with."""
    return bytes((request[0] + 0x40,)) + request[1 : 1 + _ECHOED[request[0]]]


def _read(request: bytes, message: EcuMessage) -> Iterator[Answer]:
    payload = message.payload
    if len(wanted := _identifiers(request)) > 1:
        yield from _read_several(wanted, message, request[0])
    elif payload.startswith(echo_of(request)):
        start = len(echo_of(request))
        yield Answer(message.ecu, ItemStatus.READ, payload[start:], identifier=request[1:])


def _identifiers(request: bytes) -> frozenset[bytes]:
    """What a request for several values at once asks for: PIDs of service 01, data identifiers of service 22."""
    size = {0x01: 1, 0x22: 2}.get(request[0])
    if size is None or (len(request) - 1) % size:
        return frozenset()
    return frozenset(request[at : at + size] for at in range(1, len(request), size))


def _read_several(wanted: frozenset[bytes], message: EcuMessage, service: int) -> Iterator[Answer]:
    """Split an answer to several values; their order is the control unit's own (ELM327 data sheet, multiple PIDs)."""
    payload = message.payload
    if payload[:1] != bytes((service + 0x40,)) or not payload[1:].startswith(tuple(wanted)):
        return
    splits = list(_splits(payload[1:], wanted))
    if splits and all([name for name, _ in split] == [name for name, _ in splits[0]] for split in splits):
        for identifier, data in splits[0]:
            yield Answer(message.ecu, ItemStatus.READ, data, identifier=identifier)
    else:
        for identifier in sorted(wanted):
            yield Answer(message.ecu, ItemStatus.CORRUPT, identifier=identifier, detail="answer cannot be split")


def _splits(rest: bytes, wanted: frozenset[bytes]) -> Iterator[list[tuple[bytes, bytes]]]:
    """Every way to cut ``rest`` into wanted values with their data, to the end or to padding. At most 2^6 of them."""
    if len(set(rest)) <= 1 and (not rest or rest[0] in _PADDING):
        yield []
    found = next((identifier for identifier in wanted if rest.startswith(identifier)), b"")
    for length in _lengths(found):
        end = len(found) + length
        if end <= len(rest):
            for split in _splits(rest[end:], wanted - {found}):
                yield [(found, rest[len(found) : end]), *split]


def _lengths(identifier: bytes) -> list[int]:
    """How many bytes a PID, or the data identifier that stands for it, may have; none if that is not known."""
    is_pid = len(identifier) == 1 or identifier[:1] == _PID_PAGE
    if not is_pid or identifier[-1] not in PID_LENGTHS:
        return []
    length = PID_LENGTHS[identifier[-1]]
    return [length, length + 1] if identifier[-1] in WITH_SECOND_BYTE else [length]


def _one_per_list(request: bytes, found: list[Answer]) -> list[Answer]:
    """The same unit saying the same list twice (a repeated message) is one answer."""
    if request[0] not in _LISTS:
        return found
    return list(dict.fromkeys(found)) if all(answer.ecu for answer in found) else found


def _refusals(request: bytes, messages: list[EcuMessage], link: LinkFormat) -> list[Answer]:
    """Negative answers, one a unit; "response pending" counts only while nothing final came from the same unit."""
    final: dict[str, Answer] = {}
    for message in messages:
        payload = message.payload
        if len(payload) < 3 or payload[0] != NEGATIVE or payload[1] != request[0]:
            continue
        # the links before CAN may repeat the request's bytes in front of the code (SAE J1979, ISO 9141-2 and J1850)
        nrc = payload[-1] if link is LinkFormat.LEGACY else payload[2]
        if nrc != RESPONSE_PENDING or message.ecu not in final:
            final[message.ecu] = _refusal(request, message.ecu, nrc)
    return list(final.values())


def _refusal(request: bytes, ecu: str, nrc: int) -> Answer:
    if nrc == RESPONSE_PENDING:
        return Answer(ecu, ItemStatus.TIMEOUT, nrc=nrc, identifier=request[1:], detail="pending")
    unsupported = nrc in _NOT_SUPPORTED and request[0] <= _LAST_OBD_SERVICE
    status = ItemStatus.UNSUPPORTED if unsupported else ItemStatus.REFUSED
    return Answer(ecu, status, nrc=nrc, identifier=request[1:], detail=f"NRC {nrc:02X}")


def _may_answer(request: bytes, damage: Damaged) -> bool:
    """Damage matters unless its beginning shows that it belongs to another request."""
    head = damage.head
    if len(several := _identifiers(request)) > 1 and len(head) > 1:
        size = len(next(iter(several)))
        return head[0] == request[0] + 0x40 and any(one.startswith(head[1 : 1 + size]) for one in several)
    echo = echo_of(request)
    return echo.startswith(head[: len(echo)])


def _corrupt(request: bytes, damage: Damaged) -> Answer:
    return Answer(damage.ecu, ItemStatus.CORRUPT, identifier=request[1:], detail=damage.reason)


def _corrupted(request: bytes, found: list[Answer], broken: list[Damaged]) -> Iterator[Answer]:
    """Turn answers of units that the damage may have hit into corrupt ones."""
    hit = {damage.ecu for damage in broken}
    reason = broken[0].reason
    for answer in found:
        if answer.status is ItemStatus.READ and (answer.ecu in hit or "" in hit or not answer.ecu):
            yield Answer(answer.ecu, ItemStatus.CORRUPT, identifier=request[1:], detail=reason)
        else:
            yield answer
    if not found:
        yield from (_corrupt(request, damage) for damage in broken)
