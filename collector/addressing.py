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
    """Point the adapter at ``address``; False when it lacks a command that this needs."""
    return all([_ok(await car.adapter.ask(command)) for command in _commands(address)])


async def address_functionally(car: Car) -> None:
    """Back to all control units, as after set-up; commands an adapter lacks had no effect before either."""
    await car.adapter.ask("ATCEA")
    await car.adapter.ask("ATFCSM0")
    await car.adapter.ask("ATAR")
    if car.link is LinkFormat.CAN_29:
        await car.adapter.ask("ATCP18")
        await car.adapter.ask("ATSHDB33F1")
    else:
        await car.adapter.ask(f"ATSH{FUNCTIONAL_11}")


def _commands(address: Address) -> list[str]:
    """Header first: the flow-control settings of an ELM327 take their mode last."""
    send = address.request_id
    commands = [f"ATSH{send}"] if len(send) == 3 else [f"ATCP{send[:2]}", f"ATSH{send[2:]}"]
    if address.response_id:
        commands.append(f"ATCRA{address.response_id}")
    if address.extended:
        commands.append(f"ATCEA{address.extended}")
    if send not in STANDARD_11 and not send.startswith("18DA"):
        commands += [f"ATFCSH{send}", f"ATFCSD{address.extended}300000", "ATFCSM1"]
    return commands


def _ok(reply: Reply | None) -> bool:
    return reply is not None and any(line.upper().endswith("OK") for line in reply.lines)
