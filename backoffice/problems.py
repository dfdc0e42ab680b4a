"""Errors as the API says them: problem JSON (RFC 9457) with one clear sentence in both languages."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from backoffice.errors import StoreFailedError, UnknownVehicleError
from config.catalogue import has, text_of
from evidence.snapshot import Text

PageOf = Callable[[Request, "ProblemError"], Awaitable[Response]]
PROBLEM_JSON = "application/problem+json"
MAX_REASON = 200
WRONG = {
    "missing": "missing",
    "string_too_short": "missing",
    "too_short": "missing",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "string_pattern": "form",
    "enum": "choice",
    "literal_error": "choice",
    "date": "date",
    "int_": "number",
    "float_": "number",
    "greater_than": "number",
    "less_than": "number",
    "extra_forbidden": "unknown",
    "json_invalid": "json",
}
"""Beginnings of pydantic's names of mistakes, and ours."""
KEY_BY_STATUS = {
    403: "office.problem_other_site",
    404: "office.problem_no_page",
    405: "office.problem_method",
    413: "office.problem_too_large",
}


class ProblemView(BaseModel):
    """Body of every error: ``text`` is for people, ``title`` and ``status`` for programs."""

    title: str
    status: int
    detail: str
    text: Text


class ProblemError(Exception):
    """The request cannot be done; ``key`` names the sentence that says why and what to do."""

    def __init__(self, status: int, key: str, **params: str | int | float) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.params = params

    @property
    def text(self) -> Text:
        return Text.model_validate(text_of(self.key, **self.params))


def problem_response(problem: ProblemError, headers: Mapping[str, str] | None = None) -> Response:
    """``problem`` as the API answers it."""
    text = problem.text
    title = problem.key.rpartition(".")[2].removeprefix("problem_")
    body = ProblemView(title=title, status=problem.status, detail=text.en, text=text)
    return JSONResponse(jsonable_encoder(body), problem.status, headers=headers, media_type=PROBLEM_JSON)


def from_http(error: HTTPException) -> ProblemError:
    """The framework's own refusals (no such path, wrong method) in our words."""
    return ProblemError(error.status_code, KEY_BY_STATUS.get(error.status_code, "office.problem_failed"))


def from_validation(error: RequestValidationError, *, for_people: bool = False) -> ProblemError:
    """The first thing wrong with a request: where, and what (the foreign value itself is not repeated).

    ``for_people`` calls a field as the page does, not as a program must.
    """
    first = error.errors()[0]
    parts = (str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    # "@" would name a sentence of the catalogue
    where = ".".join(parts).lstrip("@")[:MAX_REASON] or "body"
    field = f"@field.{where}" if for_people and has(f"field.{where}") else where
    return ProblemError(422, "office.problem_invalid", field=field, reason=_reason(first))


def _reason(wrong: Mapping[str, Any]) -> str:
    """What is wrong, in our words where we have some."""
    kind = str(wrong["type"])
    name = next((name for start, name in WRONG.items() if kind.startswith(start)), "")
    return f"@wrong.{name}" if name else str(wrong["msg"]).lstrip("@")[:MAX_REASON]


def answer_problems(app: FastAPI, page: PageOf) -> None:
    """Make ``app`` answer every failure: below ``/api`` as problem JSON, elsewhere as a page for people."""

    async def answer(request: Request, error: Exception) -> Response:
        for_people = _wants_page(request)
        problem = _problem_of(error, for_people=for_people)
        if for_people:
            return await page(request, problem)
        return problem_response(problem, error.headers if isinstance(error, HTTPException) else None)

    for kind in (ProblemError, HTTPException, RequestValidationError, StoreFailedError, UnknownVehicleError):
        app.add_exception_handler(kind, answer)


def _problem_of(error: Exception, *, for_people: bool) -> ProblemError:
    match error:
        case ProblemError():
            return error
        case HTTPException():
            return from_http(error)
        case RequestValidationError():
            return from_validation(error, for_people=for_people)
        case StoreFailedError():
            return ProblemError(503, "office.problem_store")
        case UnknownVehicleError():
            return ProblemError(404, "office.problem_no_vehicle")
    return ProblemError(500, "office.problem_failed")


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/api") and "text/html" in request.headers.get("accept", "")
