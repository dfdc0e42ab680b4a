"""What the bay page's API returns: plain JSON values of bays and intakes."""

from typing import Any

from agent.answers import METRES, Answers
from agent.bay import BayState
from agent.ledger import Intake


def bay_view(state: BayState) -> dict[str, Any]:
    """One bay; ``intake_id`` is what answers for the car at its plug are posted to, empty without a car."""
    car = state.car
    return {
        "name": state.name,
        "stage": state.stage,
        "reason": state.reason,
        "detail": state.detail,
        "retry_in_s": round(state.retry_in_s, 1),
        "adapter": state.adapter.url if state.adapter else "",
        "intake_id": car.intake_id if car else "",
        "vin": car.vin if car else "",
        "purpose": car.purpose if car and car.purpose else "",
        "step": car.step if car else "",
        "done": car.done if car else 0,
        "total": car.total if car else 0,
        "read": car.read if car else False,
        "silent": car.silent if car else False,
        "sent": car.sent if car else False,
        "driving": car.driving if car else False,
        "battery_v": car.battery_v if car else None,
    }


def intake_view(intake: Intake, vehicle_id: str) -> dict[str, Any]:
    """One intake; ``missing`` names the questions still open, ``vehicle_id`` is empty until the car is known."""
    snapshot = intake.snapshot
    return {
        "id": intake.id,
        "bay": intake.bay,
        "begun_at": intake.begun_at.isoformat(),
        "status": intake.status,
        "purpose": intake.purpose,
        "vin": intake.vin,
        "vehicle_id": vehicle_id,
        "answers": answers_view(intake.answers),
        "missing": list(intake.answers.missing(intake.vin)),
        "verdict": snapshot.verdict if snapshot and intake.sent else "",
        "findings": [finding.rule for finding in snapshot.findings] if snapshot else [],
    }


def answers_view(answers: Answers) -> dict[str, Any]:
    """The answers by the names they are posted under."""
    return {
        "plate": answers.plate,
        "stock_number": answers.stock_number,
        "dash_km": None if answers.dash_m is None else answers.dash_m // METRES,
        "operator": answers.operator,
        "model": answers.model,
    }
