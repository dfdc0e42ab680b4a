"""What a monitored drive gives the odometer ledger: one entry at its start and one at its end."""

from evidence.history import MileageRecord
from evidence.snapshot import Snapshot
from protocols.readings import Trust

START, END = "start", "end"
MARK = "/road_test/"
"""Stands in the id of such an entry, before which end of the drive it is."""


def drive_entries(snapshot: Snapshot) -> tuple[MileageRecord, ...]:
    """The entries of the snapshot's road test, as far as both moments and values are known.

    They are as good as the odometer that was watched, and of the same source, so that a replaced cluster counts for
    them too; what a person read off the dashboard beside the drive is an entry by hand.
    """
    drive = snapshot.road_test
    if drive is None:
        return ()
    typed = drive.source == "dash"
    units = (part.ecu for part in snapshot.odometer if part.source == drive.source and part.odometer_m is not None)
    ecu = next(units, "")
    ends = ((START, drive.began_at, drive.odometer_start_m), (END, drive.ended_at, drive.odometer_end_m))
    return tuple(
        MileageRecord(
            id=f"{snapshot.id}{MARK}{end}",
            at=at,
            odometer_m=odometer_m,
            source="manual" if typed else drive.source,
            ecu="" if typed else ecu,
            trust=Trust.TYPED if typed else Trust.STANDARD,
            clock=snapshot.clock,
            person=snapshot.operator if typed else "",
        )
        for end, at, odometer_m in ends
        if at is not None and odometer_m is not None
    )
