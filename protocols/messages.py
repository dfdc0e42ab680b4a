"""From the lines an adapter shows to whole messages of control units, over every link and line format.

A message is whole or it is reported as damaged; nothing is ever returned shortened.
"""

import re
from collections.abc import Iterable

from protocols.assembly import Assembly, Damaged, EcuMessage, LinkFormat
from protocols.bare import assemble_bare
from protocols.elm327 import BUS_FAULTS, LOSSY, Reply
from protocols.isotp import IsoTpReceiver, frames_of
from protocols.legacy import assemble_legacy

__all__ = [
    "Assembly",
    "Damaged",
    "EcuMessage",
    "LinkFormat",
    "assemble",
    "assemble_reply",
    "link_format_of",
]

_HEX = re.compile(r"^[0-9A-F]+$")
_GARBLED = re.compile(r"(?=.{8})[0-9A-F]*[^0-9A-F][0-9A-F]*")  # a line of data with one wrong character


def link_format_of(dpn: str) -> LinkFormat | None:
    """Translate ``AT DPN``'s answer (``6``, ``A6``); None while no protocol is found or it is not an OBD one."""
    number = dpn.strip().upper()
    if len(number) == 2 and number[0] == "A":
        number = number[1]
    if number in {"6", "8"}:
        return LinkFormat.CAN_11
    if number in {"7", "9"}:
        return LinkFormat.CAN_29
    return LinkFormat.LEGACY if number in {"1", "2", "3", "4", "5"} else None


def assemble_reply(reply: Reply, link: LinkFormat, *, headers: bool = True, extended_address: bool = False) -> Assembly:
    """``assemble`` for a whole reply: a notice that lines were lost or cut counts as damage of an unknown ECU.

    A fault of the bus is one too where it ends lines that came: whoever had not answered yet was not heard.
    """
    assembly = assemble(reply.lines, link, headers=headers, extended_address=extended_address)
    notices = reply.notices & (LOSSY | BUS_FAULTS if reply.lines else LOSSY)
    lost = tuple(Damaged("", notice.value) for notice in sorted(notices, key=lambda n: n.value))
    return Assembly(assembly.messages, assembly.damaged + lost, link)


def assemble(
    lines: Iterable[str], link: LinkFormat, *, headers: bool = True, extended_address: bool = False
) -> Assembly:
    """Build messages from data lines; lines that are not hexadecimal are nobody's data and are passed over.

    One wrong character in a line of a CAN link is damage: the whole line was some unit's answer.

    ``extended_address`` says that every frame carries an address byte in front of its ISO-TP byte.
    """
    shown = [line.replace(" ", "").upper() for line in lines]
    if link is LinkFormat.LEGACY:
        return assemble_legacy(shown, headers=headers)
    if not headers:
        return assemble_bare(shown, link)
    receiver = IsoTpReceiver(extended_address)
    for line in shown:
        id_digits = _id_digits(line, link)
        if not _HEX.fullmatch(line):
            if _GARBLED.fullmatch(line):
                receiver.line_damaged(line[:id_digits] if _HEX.fullmatch(line[:id_digits]) else "", "garbled")
            continue
        try:
            for ecu, data in frames_of(line, id_digits):
                receiver.take(ecu, data)
        except ValueError as error:
            receiver.line_damaged(line[:id_digits], str(error))
    return receiver.result(link)


def _id_digits(line: str, link: LinkFormat) -> int:
    """3 or 8, as the link has them; a line that only the other kind of id explains is one of those.

    Units of both kinds may share a bus. No 29-bit id is above 1FFFFFFF, and behind the 11-bit id 18D no ISO-TP frame
    begins with A.
    """
    if link is LinkFormat.CAN_11:
        return 8 if line.startswith("18DAF1") else 3
    return 3 if "2" <= line[:1] <= "7" else 8
