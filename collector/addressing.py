"""Points the adapter at one control unit and back at all of them (ELM327 data sheet: SH, CP, CRA, FC, CEA)."""

from dataclasses import dataclass

from collector.car import Car
from protocols.elm327 import Reply
from protocols.messages import LinkFormat

FUNCTIONAL_11 = "7DF"
STANDARD_11 = frozenset(f"7E{n}" for n in range(8))


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """CAN id to send on, id to listen to, and the extended address byte (hex) or an empty text."""

    request_id: str
    response_id: str
    extended: str = ""


async def address_physically(car: Car, address: Address) -> bool:
    """Point the adapter at ``address``; False when it lacks a command that this needs.

    With STPX every request names its unit, so that the adapter's own header stays the functional one.
    """
    if not await car.pin():
        return False
    car.unit = address.request_id if car.stpx else ""
    header = [] if car.stpx else _header(address.request_id)
    return all([_ok(await car.adapter.ask(command)) for command in (*header, *_others(address))])


async def address_functionally(car: Car, address: Address) -> None:
    """Back from ``address`` to all control units; commands an adapter lacks had no effect before either."""
    undo = [("ATCEA", address.extended), ("ATFCSM0", _needs_flow(address)), ("ATAR", address.response_id)]
    commands = [command for command, was_set in undo if was_set]
    if not car.unit:
        commands += ["ATCP18", "ATSHDB33F1"] if car.link is LinkFormat.CAN_29 else [f"ATSH{FUNCTIONAL_11}"]
    car.unit = ""
    for command in commands:
        await car.adapter.ask(command)


def _header(send: str) -> list[str]:
    return [f"ATSH{send}"] if len(send) == 3 else [f"ATCP{send[:2]}", f"ATSH{send[2:]}"]


def _others(address: Address) -> list[str]:
    """Filter, address byte and flow control; an ELM327 takes the mode of flow control last."""
    commands = [f"ATCRA{address.response_id}"] if address.response_id else []
    if address.extended:
        commands.append(f"ATCEA{address.extended}")
    if _needs_flow(address):
        commands += [f"ATFCSH{address.request_id}", f"ATFCSD{address.extended}300000", "ATFCSM1"]
    return commands


def _needs_flow(address: Address) -> bool:
    """Whether the adapter would send flow control to another id by itself than this unit listens to."""
    return address.request_id not in STANDARD_11 and not address.request_id.startswith("18DA")


def _ok(reply: Reply | None) -> bool:
    return reply is not None and any(line.upper().endswith("OK") for line in reply.lines)
