"""Errors as the API says them: problem JSON (RFC 9457) with one clear sentence in both languages."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from backoffice.errors import StoreFailedError, UnknownVehicleError
from config.catalogue import text_of
from evidence.snapshot import Text

PageOf = Callable[[Request, "ProblemError"], Awaitable[Response]]
PROBLEM_JSON = "application/problem+json"
MAX_REASON = 200
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


def from_validation(error: RequestValidationError) -> ProblemError:
    """The first thing wrong with a request: where, and what (the foreign value itself is not repeated)."""
    first = error.errors()[0]
    parts = (str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    # "@" would name a sentence of the catalogue
    where = ".".join(parts).lstrip("@")[:MAX_REASON] or "body"
    return ProblemError(422, "office.problem_invalid", field=where, reason=first["msg"].lstrip("@")[:MAX_REASON])


def answer_problems(app: FastAPI, page: PageOf) -> None:
    """Make ``app`` answer every failure: below ``/api`` as problem JSON, elsewhere as a page for people."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = _problem_of(error)
        if _wants_page(request):
            return await page(request, problem)
        return problem_response(problem, error.headers if isinstance(error, HTTPException) else None)

    for kind in (ProblemError, HTTPException, RequestValidationError, StoreFailedError, UnknownVehicleError):
        app.add_exception_handler(kind, answer)


def _problem_of(error: Exception) -> ProblemError:
    match error:
        case ProblemError():
            return error
        case HTTPException():
            return from_http(error)
        case RequestValidationError():
            return from_validation(error)
        case StoreFailedError():
            return ProblemError(503, "office.problem_store")
        case UnknownVehicleError():
            return ProblemError(404, "office.problem_no_vehicle")
    return ProblemError(500, "office.problem_failed")


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/api") and "text/html" in request.headers.get("accept", "")
