"""A browser's and a program's view of the application, without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from backoffice.office_settings import OfficeSettings
from backoffice.store import RecordStore
from backoffice.web import create_app

HTML = {"Accept": "text/html"}


@asynccontextmanager
async def web_client(store: RecordStore, settings: OfficeSettings | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole application on ``store``; an exception in it reaches the test."""
    app = create_app(store, store.feed, settings or OfficeSettings())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://office.test") as client:
        yield client


async def car_id(client: httpx.AsyncClient, stock_number: str) -> str:
    found = (await client.get("/api/v1/vehicles", params={"q": stock_number})).json()["items"]
    return str(found[0]["id"])
