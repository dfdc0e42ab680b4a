"""The part of the API where people ask something of a box, and read what it answered."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, JsonValue, ValidationError

from backoffice import commands as queue
from backoffice.api import Limit, OpaqueId, Operator, Request
from backoffice.commands import LIVES, Order, Queued
from backoffice.errors import QueueFullError
from backoffice.problems import PROBLEM_JSON, ProblemError, ProblemView
from backoffice.store import RecordStore, random_id
from config.catalogue import MessageError, text_of
from evidence.snapshot import Text
from sync.command import KINDS, MAX_LIFE_MS
from sync.wire import DEVICE_PATTERN

MAX_LIFE_S = MAX_LIFE_MS // 1000
MAX_REASON = 200
Device = Annotated[str, Path(pattern=DEVICE_PATTERN)]


class CommandRequest(Request):
    """``params`` as the kind wants them (see the wire's reference); given up after ``life_s``, by default the kind's.

    Facts about cars go down by themselves.
    """

    kind: Literal["intake", "resend", "rules", "health"]
    params: dict[str, JsonValue] = Field(default_factory=dict)
    operator: Operator
    life_s: Annotated[int, Field(ge=1, le=MAX_LIFE_S)] | None = None


class CommandView(BaseModel):
    """``state`` is ``waiting`` or how it ended; ``text`` says it to people, ``report`` is what the box found."""

    id: str
    device: str
    kind: str
    state: str
    text: Text
    created_at: datetime
    created_by: str
    expires_at: datetime
    sends: int
    closed_at: datetime | None = None
    report: dict[str, JsonValue] = Field(default_factory=dict)


class CommandsView(BaseModel):
    items: tuple[CommandView, ...]


def command_routes(store: RecordStore) -> APIRouter:
    """All routes below ``/api/v1``; whoever carries the queue to the boxes sees what is added here."""
    problem: dict[str, object] = {"model": ProblemView, "content": {PROBLEM_JSON: {}}}
    routes = APIRouter(prefix="/api/v1", responses={404: problem, 409: problem, 422: problem})

    @routes.post("/boxes/{device}/commands", status_code=201, summary="Ask something of a box")
    async def ask(device: Device, wanted: CommandRequest) -> CommandView:
        return await _asked(store, device, wanted)

    @routes.get("/boxes/{device}/commands", summary="What a box was asked, newest first")
    async def asked(device: Device, limit: Limit = 50) -> CommandsView:
        if not await store.look_up(lambda c: queue.knows_device(c, device)):
            raise ProblemError(404, "office.problem_no_box")
        found = await store.look_up(lambda c: queue.commands_of(c, device, limit))
        return CommandsView(items=tuple(view_of(one) for one in found))

    @routes.get("/commands/{command_id}", summary="One command and its answer")
    async def one(command_id: OpaqueId) -> CommandView:
        return await _shown(store, command_id)

    return routes


def view_of(queued: Queued) -> CommandView:
    """A command as people see it. What a box said is shown as it is where our catalogue has no sentence for it."""
    said = {"text": _text_of(queued), "report": queued.answer.report if queued.answer else {}}
    names = CommandView.model_fields.keys() - said.keys()
    return CommandView.model_validate({name: getattr(queued, name) for name in names} | said)


def _text_of(queued: Queued) -> Text:
    if queued.answer is None:
        return Text.model_validate(
            text_of("command.waiting" if queued.state == queue.WAITING else "command.unanswered")
        )
    reason = queued.answer.reason
    try:
        return Text.model_validate(text_of(reason, **queued.answer.params))
    except (MessageError, ValueError, TypeError, OverflowError):
        plain = "".join(letter if letter.isprintable() else "?" for letter in reason[:MAX_REASON])
        return Text(en=plain, zh=plain)


async def _asked(store: RecordStore, device: str, wanted: CommandRequest) -> CommandView:
    _refuse_params(wanted)
    if not await store.look_up(lambda c: queue.knows_device(c, device)):
        raise ProblemError(404, "office.problem_no_box")
    life = LIVES[wanted.kind] if wanted.life_s is None else timedelta(seconds=wanted.life_s)
    order = Order(device, wanted.kind, dict(wanted.params), wanted.operator, life)
    now = datetime.now(UTC)
    try:
        made = await store.in_transaction(lambda c: queue.enqueue(c, order, now=now, new_id=random_id))
    except QueueFullError as error:
        raise ProblemError(409, "office.problem_queue_full") from error
    return await _shown(store, made)


def _refuse_params(wanted: CommandRequest) -> None:
    """Say what no box would take before anything is written."""
    try:
        KINDS[wanted.kind].model_validate(wanted.params)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in ("params", *first["loc"]))[:MAX_REASON]
        raise ProblemError(422, "office.problem_invalid", field=field, reason=first["msg"].lstrip("@")) from error


async def _shown(store: RecordStore, command_id: str) -> CommandView:
    found = await store.look_up(lambda c: queue.command(c, command_id))
    if found is None:
        raise ProblemError(404, "office.problem_no_command")
    return view_of(found)
