"""Routes of one intake's own page: its sheet, what the seller said, the photos."""

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from agent.errors import AnswerError, UnknownIntakeError
from agent.ledger_store import LedgerStore
from agent.looks import Looks
from agent.photos import PHOTO_MAX_BYTES
from agent.posted import bytes_of, json_of
from agent.sheet_files import MEDIA_TYPES, RENDERINGS, SEALED, file_name
from agent.sheets import Sheets
from config.catalogue import Language
from evidence.sheet.chain import Link, canonical
from evidence.sheet.style import style_source

NUMBER_MAX = 10_000_000
Wanted = Callable[[Request], Language]


class SheetPage:
    """``wanted`` tells the reader's language."""

    def __init__(self, sheets: Sheets, store: LedgerStore, looks: Looks, wanted: Wanted) -> None:
        self._sheets = sheets
        self._store = store
        self._looks = looks
        self._wanted = wanted

    def routes(self) -> list[Route]:
        return [
            Route("/intakes/{id}", self._intake),
            Route("/sheets/chain.jsonl", self._chain),
            Route("/sheets/{number:int}/{kind}", self._file),
            Route("/photos/{sha256}", self._photo),
            Route("/api/intakes/{id}/sheet", self._issue, methods=["POST"]),
            Route("/api/intakes/{id}/sheet/withdraw", self._withdraw, methods=["POST"]),
            Route("/api/intakes/{id}/seller-answers", self._answer, methods=["POST"]),
            Route("/api/intakes/{id}/photos", self._add_photo, methods=["POST"]),
        ]

    async def _intake(self, request: Request) -> Response:
        intake = await self._store.intake(request.path_params["id"])
        if intake is None:
            raise UnknownIntakeError
        shown: dict[str, Any] = {
            "intake": intake,
            "link": await self._sheets.standing(intake.id),
            "beside": await self._store.sheets.beside(intake.id),
            "operators": await self._store.operators(),
            "stock": (await self._store.facts.stock_states({intake.vin})).get(intake.vin),
        }
        return HTMLResponse(self._looks.intake(self._wanted(request), **shown))

    async def _issue(self, request: Request) -> Response:
        sealed = await self._sheets.issue(request.path_params["id"])
        return JSONResponse(_sheet_view(sealed.link))

    async def _withdraw(self, request: Request) -> Response:
        posted = _texts(await json_of(request), "why")
        said = await self._sheets.withdraw(request.path_params["id"], posted["why"])
        return JSONResponse({"withdraws": said.withdraws, "number": said.number})

    async def _answer(self, request: Request) -> Response:
        posted = _texts(await json_of(request), "rule", "text", "operator")
        await self._sheets.add_answer(request.path_params["id"], **posted)
        return JSONResponse({"status": "kept"})

    async def _add_photo(self, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("image/"):
            raise AnswerError("sheet_error.photo_type")
        data = await bytes_of(request, PHOTO_MAX_BYTES)
        part = await self._sheets.add_photo(request.path_params["id"], data)
        return JSONResponse({"sha256": part.sha256, "size_bytes": part.size_bytes})

    async def _photo(self, request: Request) -> Response:
        found = await self._sheets.photo(request.path_params["sha256"])
        if found is None:
            raise HTTPException(404)
        return Response(found[1], media_type=found[0].media_type)

    async def _file(self, request: Request) -> Response:
        """One file of a sheet exactly as it was sealed."""
        number, kind = min(request.path_params["number"], NUMBER_MAX), request.path_params["kind"]
        data = await self._sheets.file(number, kind)
        if data is None:
            raise HTTPException(404)
        name, suffix = file_name(number, kind), kind.rpartition(".")[2]
        headers = {"Content-Disposition": f'inline; filename="{name}"'}
        if suffix == "html":
            headers["Content-Security-Policy"] = (
                f"default-src 'none'; style-src {style_source()}; frame-ancestors 'none'"
            )
        return Response(data, media_type=MEDIA_TYPES[suffix], headers=headers)

    async def _chain(self, request: Request) -> Response:
        lines = b"".join(canonical(link) + b"\n" for link in await self._store.sheets.links())
        return Response(lines, media_type="application/x-ndjson")


def _sheet_view(link: Link) -> dict[str, object]:
    number = link.statement.number
    return {"number": number, "files": {kind: f"/sheets/{number}/{kind}" for kind in (*RENDERINGS, SEALED)}}


def _texts(posted: object, *names: str) -> dict[str, str]:
    """Exactly these fields, all of them texts."""
    if not isinstance(posted, dict) or set(posted) != set(names):
        raise AnswerError("page.not_json")
    texts = {name: value for name, value in posted.items() if isinstance(value, str)}
    if len(texts) < len(names):
        raise AnswerError("page.not_json")
    return texts
