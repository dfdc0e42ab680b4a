"""What a page posted: bounded while it arrives, never more in memory than allowed."""

import json

from starlette.requests import Request

from agent.errors import AnswerError

BODY_MAX = 4096


async def json_of(request: Request) -> object:
    """The posted JSON, at most ``BODY_MAX`` bytes; other content types are refused (no cross-site forms)."""
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise AnswerError("page.not_json")
    body = await bytes_of(request, BODY_MAX)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise AnswerError("page.not_json") from None


async def bytes_of(request: Request, most: int) -> bytes:
    """The posted bytes; AnswerError as soon as there are more than ``most``."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise AnswerError("page.too_long")
    return bytes(body)
