"""Withdrawing a value of the odometer ledger, and noting what happened to the instrument. On the caller's transaction.

Nothing is overwritten: the value and its record stay and are shown with who withdrew it and why.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice import lookups
from backoffice.commands import UNFILLED, fact_entered
from backoffice.decision_store import Hand, Signed, sign
from backoffice.decisions import Decision, EventBody, MileageEntryBody, VoidBody
from backoffice.judging import VOIDED, EntryFact
from backoffice.problems import ProblemError
from backoffice.recording import stored_record
from backoffice.tables import records
from evidence.history import EventKind
from sync.command_facts import MAX_METRES, EventFact, VoidFact
from sync.records import MileageBody, Record


async def void_entry(
    connection: AsyncConnection,
    hand: Hand,
    vehicle_id: str,
    entry_id: str,
    signed: Signed,
    *,
    seen_m: int | None = None,
) -> Decision:
    """Withdraw one value; raise ProblemError (404, 409) for one that is not there or withdrawn already.

    Also when the value is not the one that somebody has ``seen_m``: a later answer may have taken its place.
    """
    known = await lookups.entries(connection, vehicle_id)
    entry = next((one for one in known if one.entry_id == entry_id), None)
    if entry is None:
        raise ProblemError(404, "office.problem_no_entry")
    if seen_m not in (None, entry.odometer_m):
        raise ProblemError(409, "office.problem_entry_changed")
    if entry.quarantined == VOIDED:
        raise ProblemError(409, "office.problem_voided_already", who=entry.voided_by.lstrip("@"))
    said = VoidBody(snapshot_id=entry.snapshot_id, source=entry.source, ecu=entry.ecu, odometer_m=entry.odometer_m)
    decision = await sign(connection, hand, vehicle_id, entry_id, said, signed)
    fact = VoidFact(
        id=decision.id,
        vin=UNFILLED,
        entry_id=entry_id[:260],
        snapshot_id=entry.snapshot_id[:200],
        source=entry.source,
        ecu=entry.ecu,
        odometer_m=entry.odometer_m if entry.odometer_m <= MAX_METRES else None,
        reason=signed.reason,
        person=signed.person,
        at=hand.now,
    )
    await fact_entered(connection, vehicle_id, fact, hand.now)
    return decision


async def enter_mileage(
    connection: AsyncConnection, hand: Hand, vehicle_id: str, said: MileageEntryBody, signed: Signed
) -> Decision:
    """Add a value that a person knows; raise ProblemError (422) for one of a time to come."""
    if said.seen_at > hand.now:
        raise ProblemError(422, "office.problem_future")
    return await sign(connection, hand, vehicle_id, said.amends or said.source, said, signed)


async def amend_entry(
    connection: AsyncConnection, hand: Hand, vehicle_id: str, entry: EntryFact, odometer_m: int, signed: Signed
) -> Decision:
    """Withdraw a value and put another in its place, at the same moment; raise ProblemError as `void_entry` does."""
    withdrawn = await void_entry(connection, hand, vehicle_id, entry.entry_id, signed)
    said = MileageEntryBody(seen_at=entry.at or hand.now, odometer_m=odometer_m, amends=withdrawn.id)
    return await enter_mileage(connection, hand, vehicle_id, said, signed)


async def entries_of_record(connection: AsyncConnection, record_id: str) -> tuple[str, tuple[EntryFact, ...]]:
    """The car of a raw record and the ledger's values that rest on it; raise ProblemError (404) when there is none."""
    device, stream, seq = [*record_id.split("."), "", "", ""][:3]
    place = (records.c.device == device, records.c.stream == stream, records.c.seq == _number(seq))
    row = (await connection.execute(select(records).where(*place))).first()
    if row is None or row.vehicle_id is None:
        raise ProblemError(404, "office.problem_no_record")
    known = await lookups.entries(connection, row.vehicle_id)
    return str(row.vehicle_id), tuple(
        one for one in known if _rests_on(one, row.snapshot_id, stored_record(row).record)
    )


async def note_event(
    connection: AsyncConnection, hand: Hand, vehicle_id: str, event: EventBody, signed: Signed
) -> Decision:
    """Note a replaced cluster or another unit; raise ProblemError (422) for a cluster without both of its values."""
    swapped = event.event is EventKind.CLUSTER_REPLACED
    if swapped and (event.before_m is None or event.after_m is None):
        raise ProblemError(422, "office.problem_event_values")
    if event.happened_at > hand.now:
        raise ProblemError(422, "office.problem_future")
    said = event if swapped else event.model_copy(update={"before_m": None, "after_m": None})
    decision = await sign(connection, hand, vehicle_id, str(said.event), said, signed)
    fact = EventFact(
        id=decision.id,
        vin=UNFILLED,
        event=said.event,
        at=said.happened_at,
        person=signed.person,
        before_m=said.before_m,
        after_m=said.after_m,
    )
    await fact_entered(connection, vehicle_id, fact, hand.now)
    return decision


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


def _rests_on(entry: EntryFact, snapshot_id: str | None, record: Record) -> bool:
    """A mileage record gave one value, a snapshot all that its visit read."""
    if not snapshot_id or entry.snapshot_id != snapshot_id:
        return False
    body = record.body
    if isinstance(body, MileageBody):
        return (entry.source, entry.odometer_m) == (body.source, body.odometer_m)
    return body.kind == "snapshot" and "/odometer/" in entry.entry_id
