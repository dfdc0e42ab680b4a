"""How trouble codes differ between two visits of one car."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from evidence.history import Visit
from evidence.snapshot import DtcPart, Snapshot
from protocols.readings import DtcClass, ItemStatus


class DtcChange(StrEnum):
    """What happened to a code since the visit before; the words of the record kind ``dtc``."""

    APPEARED = "appeared"
    GONE = "gone"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class CodeChange:
    """One code of one list of one control unit."""

    change: DtcChange
    code: str
    dtc_class: DtcClass
    ecu: str


_Key = tuple[str, DtcClass, str]


def codes_were_read(snapshot: Snapshot, dtc_class: DtcClass = DtcClass.STORED) -> bool:
    """Whether an empty list means "no codes". A snapshot from elsewhere without items counts when it lists codes."""
    statuses = [item.status for item in snapshot.items if _names_class(item.item, dtc_class)]
    if statuses:
        return ItemStatus.READ in statuses
    return bool(snapshot.dtcs) or "dtcs" in snapshot.model_fields_set


def code_changes(visits: tuple[Visit, ...]) -> tuple[CodeChange, ...]:
    """The last visit against the latest earlier one whose codes could be read; at a first visit all codes appeared."""
    if not visits or not codes_were_read(visits[-1].snapshot):
        return ()
    now = _keys(visits[-1].snapshot.dtcs)
    before = _keys(_read_before(visits))
    ever = (
        frozenset(key for visit in visits[:-1] for key in _keys(visit.snapshot.dtcs)) if now - before else frozenset()
    )
    came = [_change(DtcChange.RETURNED if key in ever else DtcChange.APPEARED, key) for key in sorted(now - before)]
    return (*came, *(_change(DtcChange.GONE, key) for key in sorted(before - now)))


def _read_before(visits: tuple[Visit, ...]) -> tuple[DtcPart, ...]:
    """The codes of the latest earlier visit at which they could be read."""
    read = (visit.snapshot.dtcs for visit in reversed(visits[:-1]) if codes_were_read(visit.snapshot))
    return next(read, ())


def new_codes(visits: tuple[Visit, ...]) -> tuple[DtcPart, ...]:
    """Stored or pending codes that no list held at the visit before; a permanent leftover is never new."""
    if not visits:
        return ()
    known = {part.code for part in _read_before(visits)}
    fresh: dict[str, DtcPart] = {}
    for part in visits[-1].snapshot.dtcs:
        if part.dtc_class is not DtcClass.PERMANENT and part.code not in known:
            fresh.setdefault(part.code, part)
    return tuple(fresh.values())


def _names_class(item: str, dtc_class: DtcClass) -> bool:
    service = {DtcClass.STORED: "03", DtcClass.PENDING: "07", DtcClass.PERMANENT: "0A"}[dtc_class]
    return item == service or dtc_class.value in item


def _keys(dtcs: Iterable[DtcPart]) -> frozenset[_Key]:
    return frozenset((part.code, part.dtc_class, part.ecu) for part in dtcs)


def _change(change: DtcChange, key: _Key) -> CodeChange:
    return CodeChange(change, *key)
