"""The part of the API where people decide about a car's file: voids, events, mileages, merges, and taking back."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from backoffice.api import OpaqueId, Operator, Reason, Request
from backoffice.clerk import Clerk
from backoffice.decision_store import Signed
from backoffice.decisions import EnteredSource, EventBody, MileageEntryBody
from backoffice.problems import PROBLEM_JSON, ProblemView
from backoffice.views import DecisionView, Moment
from evidence.history import EventKind
from sync.command_facts import MAX_METRES

RecordId = Annotated[str, Path(min_length=3, max_length=160)]
Metres = Annotated[int, Field(ge=0, le=MAX_METRES)]
EntryId = Annotated[str, Field(max_length=260)]
VisitId = Annotated[str, Field(min_length=1, max_length=200)]
CarName = Annotated[str, Field(max_length=64)]


class SignedRequest(Request):
    operator: Operator
    reason: Reason

    @property
    def signed(self) -> Signed:
        return Signed(self.operator, self.reason)


class VoidRequest(SignedRequest):
    """Without ``entry`` everything that rests on the record is withdrawn."""

    entry: EntryId = ""


class AmendRequest(SignedRequest):
    odometer_m: Metres
    entry: EntryId = ""


class EntryVoid(SignedRequest):
    """With ``seen_m`` only a value that still shows so many metres is withdrawn."""

    entry: Annotated[str, Field(min_length=1, max_length=260)]
    seen_m: int | None = None


class EventRequest(SignedRequest):
    """A replaced cluster with what the old and the new one showed, or another unit; ``papers`` names the proof."""

    event: EventKind
    happened_at: Moment
    before_m: Metres | None = None
    after_m: Metres | None = None
    papers: Annotated[str, Field(max_length=200)] = ""


class MileageRequest(SignedRequest):
    seen_at: Moment
    odometer_m: Metres
    source: EnteredSource = "manual"


class JoinRequest(SignedRequest):
    kept: VisitId
    other: VisitId


class MoveRequest(SignedRequest):
    """``to`` is a car's id, VIN, stock number or plate; a VIN nobody has yet, or nothing, begins a new file."""

    visit: VisitId
    to: CarName = ""


class MergeRequest(SignedRequest):
    other: Annotated[str, Field(min_length=1, max_length=64)]


class DecisionDone(BaseModel):
    """Ids of the decisions made; ``vehicle_id`` where a car was chosen or begun."""

    ids: tuple[str, ...] = ()
    vehicle_id: str = ""


class DecisionsView(BaseModel):
    items: tuple[DecisionView, ...]


def decision_routes(clerk: Clerk) -> APIRouter:
    """All routes below ``/api/v1``; a decision that cannot be made is a problem in one sentence."""
    problem: dict[str, object] = {"model": ProblemView, "content": {PROBLEM_JSON: {}}}
    routes = APIRouter(prefix="/api/v1", responses={404: problem, 409: problem, 422: problem})
    _record_routes(routes, clerk)
    _ledger_routes(routes, clerk)
    _file_routes(routes, clerk)
    return routes


def _record_routes(routes: APIRouter, clerk: Clerk) -> None:
    @routes.post("/records/{record_id}/void", status_code=201, summary="Withdraw the mileage that rests on a record")
    async def void_record(record_id: RecordId, wanted: VoidRequest) -> DecisionDone:
        return DecisionDone(ids=await clerk.void_record(record_id, wanted.signed, wanted.entry))

    @routes.post("/records/{record_id}/amend", status_code=201, summary="Put another mileage in its place")
    async def amend_record(record_id: RecordId, wanted: AmendRequest) -> DecisionDone:
        made = await clerk.amend_record(record_id, wanted.odometer_m, wanted.signed, wanted.entry)
        return DecisionDone(ids=(made,))


def _ledger_routes(routes: APIRouter, clerk: Clerk) -> None:
    @routes.post("/vehicles/{vehicle_id}/voids", status_code=201, summary="Withdraw one value of the mileage log")
    async def void(vehicle_id: OpaqueId, wanted: EntryVoid) -> DecisionDone:
        return DecisionDone(ids=(await clerk.void(vehicle_id, wanted.entry, wanted.signed, wanted.seen_m),))

    @routes.post("/vehicles/{vehicle_id}/events", status_code=201, summary="Note a replaced cluster or another unit")
    async def event(vehicle_id: OpaqueId, wanted: EventRequest) -> DecisionDone:
        said = EventBody(**wanted.model_dump(exclude={"operator", "reason"}))
        return DecisionDone(ids=(await clerk.note_event(vehicle_id, said, wanted.signed),))

    @routes.post("/vehicles/{vehicle_id}/mileages", status_code=201, summary="Enter a mileage that a person knows")
    async def mileage(vehicle_id: OpaqueId, wanted: MileageRequest) -> DecisionDone:
        said = MileageEntryBody(**wanted.model_dump(exclude={"operator", "reason"}))
        return DecisionDone(ids=(await clerk.enter_mileage(vehicle_id, said, wanted.signed),))


def _file_routes(routes: APIRouter, clerk: Clerk) -> None:
    @routes.get("/vehicles/{vehicle_id}/decisions", summary="What people decided about a car's file, newest first")
    async def decisions(vehicle_id: OpaqueId) -> DecisionsView:
        return DecisionsView(items=await clerk.decisions(vehicle_id))

    @routes.post("/vehicles/{vehicle_id}/joined-visits", status_code=201, summary="Count two visits as one")
    async def join(vehicle_id: OpaqueId, wanted: JoinRequest) -> DecisionDone:
        return DecisionDone(ids=(await clerk.join_visits(vehicle_id, wanted.kept, wanted.other, wanted.signed),))

    @routes.post("/vehicles/{vehicle_id}/moved-visits", status_code=201, summary="Give a visit to another car")
    async def move(vehicle_id: OpaqueId, wanted: MoveRequest) -> DecisionDone:
        return DecisionDone(vehicle_id=await clerk.move_visit(vehicle_id, wanted.visit, wanted.to, wanted.signed))

    @routes.post(
        "/vehicles/{vehicle_id}/merged-cars", status_code=201, summary="Bring another car's file into this one"
    )
    async def merge(vehicle_id: OpaqueId, wanted: MergeRequest) -> DecisionDone:
        return DecisionDone(ids=(await clerk.merge_cars(vehicle_id, wanted.other, wanted.signed),))

    @routes.post("/decisions/{decision_id}/take-back", summary="Let a decision no longer hold")
    async def take_back(decision_id: OpaqueId, wanted: SignedRequest) -> DecisionDone:
        return DecisionDone(vehicle_id=await clerk.take_back(decision_id, wanted.signed))
