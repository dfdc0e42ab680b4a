"""From a body to the line the outbox writes: its JSON, its turn, and whether it may ever be given up."""

from collections.abc import Sequence

from evidence.snapshot import Snapshot
from protocols.readings import ItemStatus
from sync.clock import Stamp
from sync.codec import MAX_RECORD_BYTES
from sync.errors import OutboxError
from sync.outbox_file import FINDINGS, PEOPLE, READINGS, Line
from sync.records import AnyBody, MileageBody, Record, SnapshotBody, TombstoneBody

URGENT_KINDS = frozenset({"finding", "dtc"})


def lines_of(bodies: Sequence[AnyBody], stamp: Stamp) -> list[Line]:
    """The lines of one append. A visit with findings or code changes travels whole in their turn.

    Raises OutboxError for a record that is larger than the wire carries.
    """
    turn = FINDINGS if any(_is_urgent(body) for body in bodies) else PEOPLE
    logged = frozenset(body.odometer_m for body in bodies if isinstance(body, MileageBody))
    return [_line(body, stamp, turn, logged) for body in bodies]


def _line(body: AnyBody, stamp: Stamp, turn: int, logged: frozenset[int | None]) -> Line:
    # all of it was validated when it was made
    record = Record.model_construct(t=stamp.t, tq=stamp.tq, mono_ns=stamp.mono_ns, boot=stamp.boot, body=body)
    payload = record.model_dump_json(by_alias=True)
    if (size := len(payload.encode())) > MAX_RECORD_BYTES:
        raise OutboxError(f"a {body.kind} record of {size} bytes is more than the wire carries")
    match body:
        case TombstoneBody():
            return Line(turn, payload, accounts=(body.stream, body.first_seq))
        case SnapshotBody():
            return Line(turn, payload, car=_car(body.snapshot), spare=_is_spare(body.snapshot, logged))
        case _:
            return Line(READINGS if body.kind == "reading" else turn, payload)


def _is_urgent(body: AnyBody) -> bool:
    return body.kind in URGENT_KINDS or (isinstance(body, SnapshotBody) and bool(body.snapshot.findings))


def _car(snapshot: Snapshot) -> str:
    vehicle = snapshot.vehicle
    return vehicle.vin or vehicle.plate or vehicle.stock_number


def _is_spare(snapshot: Snapshot, logged: frozenset[int | None]) -> bool:
    """Nothing is lost with it but a repetition: no finding, and each odometer value is in the mileage log as well."""
    values = {part.odometer_m for part in snapshot.odometer if part.status is ItemStatus.READ}
    return not snapshot.findings and bool(_car(snapshot)) and values <= logged
