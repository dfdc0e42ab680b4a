"""Which characteristics of a Bluetooth LE device are its serial line: the known services first, then by properties.

Pure: it sees names and properties only.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

_TAIL = "-0000-1000-8000-00805f9b34fb"  # Bluetooth base UUID (Core, Vol 3 Part B 2.5.1)
# Service, notifying, written: most clones and OBDLink; HM-10 and LELink; Veepeak and Vgate
KNOWN = (("fff0", "fff1", "fff2"), ("ffe0", "ffe1", "ffe1"), ("18f0", "2af0", "2af1"))
# What every device has and no serial line is: access, attribute, device information, battery, HID, firmware update
NEVER = frozenset({"1800", "1801", "180a", "180f", "1812", "1804", "fe59"})
SAYS = frozenset({"notify", "indicate"})
TAKES = frozenset({"write", "write-without-response"})


class Characteristic(Protocol):
    """As much of a GATT characteristic as the choice needs (bleak's fits)."""

    @property
    def uuid(self) -> str: ...
    @property
    def properties(self) -> Sequence[str]: ...


C = TypeVar("C", bound=Characteristic)
Offer = tuple[str, Sequence[C]]  # a service's UUID and its characteristics


def short(uuid: str) -> str:
    """``fff0`` for a UUID built on the Bluetooth base, else the UUID; lower case."""
    uuid = uuid.lower()
    return uuid[4:8] if uuid.startswith("0000") and uuid.endswith(_TAIL) else uuid


def choose_uart(services: Iterable[Offer[C]]) -> tuple[C, C] | None:
    """The notifying and the written characteristic of the most likely serial service; None when there is none."""
    offers = [(short(uuid), characteristics) for uuid, characteristics in services]
    for service, says, takes in KNOWN:
        for uuid, characteristics in offers:
            if uuid == service and (pair := _pair(characteristics, says, takes)):
                return pair
    # a maker's own 128-bit service before a short number that the Bluetooth SIG may have given to something else
    strangers = sorted((offer for offer in offers if offer[0] not in NEVER), key=lambda offer: len(offer[0]) < 32)
    pairs = (_pair(characteristics) for _, characteristics in strangers)
    return next((pair for pair in pairs if pair), None)


def _pair(characteristics: Sequence[C], says: str = "", takes: str = "") -> tuple[C, C] | None:
    out = _best([c for c in characteristics if SAYS & set(c.properties)], says)
    into = _best([c for c in characteristics if TAKES & set(c.properties)], takes)
    return (out, into) if out is not None and into is not None else None


def _best(able: Sequence[C], wanted: str) -> C | None:
    """The one with the expected name, else one that does nothing but this, else the first."""
    named = [c for c in able if short(c.uuid) == wanted]
    single = [c for c in able if not (SAYS & set(c.properties) and TAKES & set(c.properties))]
    return next(iter([*named, *single, *able]), None)
