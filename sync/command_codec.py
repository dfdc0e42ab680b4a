"""Reading commands and their answers: all that arrives is bounded and doubted, and nothing here ever raises."""

from dataclasses import dataclass

from pydantic import ValidationError

from sync.command import (
    KINDS,
    MAX_ANSWER_BYTES,
    MAX_COMMAND_BYTES,
    MAX_LIFE_MS,
    Command,
    CommandAnswer,
    Status,
    Wanted,
)

DETAIL_LIMIT = 120


@dataclass(frozen=True, slots=True)
class Order:
    """A command of a kind and with parameters that this version understands."""

    command: Command
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Turned:
    """A command that is answered without being carried out."""

    command: Command
    status: Status
    reason: str
    params: dict[str, str | int]


def decode_command(payload: bytes) -> Order | Turned | None:
    """Take one message of topic ``cmd`` apart; None when it does not even say which command it is."""
    if len(payload) > MAX_COMMAND_BYTES:
        return None
    try:
        command = Command.model_validate_json(payload)
    except (ValueError, RecursionError):
        return None
    if not 0 < command.expires_at - command.sent_at <= MAX_LIFE_MS:
        return Turned(command, Status.REFUSED, "command.bad_expiry", {})
    model = KINDS.get(command.kind)
    if model is None:
        return Turned(command, Status.UNKNOWN, "command.unknown_kind", {"kind": command.kind})
    try:
        return Order(command, model.model_validate(command.params))
    except ValidationError as error:
        return Turned(command, Status.REFUSED, "command.bad_params", {"detail": _first_reason(error)})


def decode_command_answer(payload: bytes) -> CommandAnswer | None:
    """Read a message of topic ``cmd/res``; None when it is not one of this version."""
    if len(payload) > MAX_ANSWER_BYTES:
        return None
    try:
        return CommandAnswer.model_validate_json(payload)
    except (ValueError, RecursionError):
        return None


def _first_reason(error: ValidationError) -> str:
    """Which parameter and why; what it held is not repeated."""
    first = error.errors()[0]
    text = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}".lstrip(": @")
    return "".join(letter if letter.isprintable() else "?" for letter in text[:DETAIL_LIMIT])
