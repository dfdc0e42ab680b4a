"""Between the rows of ``ledger.db`` and the values of ``agent.ledger``."""

import json
from datetime import datetime

from agent.answers import Answers
from agent.ledger import Intake, Status, StockState, Vehicle
from evidence.snapshot import Purpose, Snapshot
from sync.database import Row


def intake_of(row: Row) -> Intake:
    return Intake(
        id=row["id"],
        bay=row["bay"],
        begun_at=datetime.fromisoformat(row["begun_at"]),
        vin=row["vin"],
        status=Status(row["status"]),
        purpose=Purpose(row["purpose"]),
        answers=Answers.from_dict(json.loads(row["answers"])),
        revision=row["revision"],
        snapshot=Snapshot.model_validate_json(row["snapshot"]) if row["snapshot"] else None,
    )


def row_of(intake: Intake) -> dict[str, str | int | None]:
    return {
        "id": intake.id,
        "bay": intake.bay,
        "begun_at": intake.begun_at.isoformat(),
        "vin": intake.vin,
        "status": intake.status,
        "purpose": intake.purpose,
        "answers": json.dumps(intake.answers.as_dict(), ensure_ascii=False),
        "revision": intake.revision,
        "snapshot": intake.snapshot.model_dump_json(by_alias=True) if intake.snapshot else None,
    }


def vehicle_of(row: Row) -> Vehicle:
    return Vehicle(row["id"], row["vin"], row["plate"], row["stock_number"], StockState(row["stock_state"]))
