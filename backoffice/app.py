"""The back office put together: what receives, judges, serves the pages and tells people, in one process or several."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta

import structlog
import uvicorn

from backoffice.courier import Courier
from backoffice.errors import PortError, StoreFailedError
from backoffice.ingest import Ingest
from backoffice.live import LiveFeed
from backoffice.office_settings import AlertSettings, HttpSettings, OfficeSettings
from backoffice.stopping import until_stopped
from backoffice.store import RecordStore, utc_now
from backoffice.workers import FIRST_WORKER, worker_name

log = structlog.get_logger(__name__)
GRACEFUL_S = 5
REVIEWED_AT_ONCE = 20
Ready = Callable[[str], None]


async def run_office(settings: OfficeSettings, ready: Ready) -> None:
    """Run everything until SIGTERM or SIGINT; ``ready`` is told the address once pages are served.

    Raise SettingsError, PortError, StoreBusyError or StoreFailedError when it can't start.
    """
    await asyncio.to_thread(_check_channels, settings)
    with contextlib.closing(listening_socket(settings.http)) as listener:
        async with open_store(settings) as store:
            # open pages end at once, so that the server needn't wait for them
            await until_stopped(_serve(settings, store, listener, ready), store.feed.close)


async def run_ingest(settings: OfficeSettings, worker: int = 0) -> None:
    """Only receive and judge, without pages or messages, until SIGTERM or SIGINT.

    ``worker`` is this process's number among several on one database (0: it is the only one); one ends with its parent,
    also while the database keeps it waiting.
    """

    async def receive() -> None:
        async with open_store(settings) as store:
            await _work(settings, store, Ingest(store), worker or FIRST_WORKER)

    await until_stopped(receive(), with_parent=worker > 0)


@contextlib.asynccontextmanager
async def open_store(settings: OfficeSettings) -> AsyncIterator[RecordStore]:
    """The store, closed at the end."""
    store = await RecordStore.open(settings, feed=LiveFeed())
    try:
        yield store
    finally:
        await store.close()


def listening_socket(http: HttpSettings) -> socket.socket:
    """Take the page's port before anything else starts; raise PortError naming the address."""
    family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((http.host, http.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        reason = error.strerror or type(error).__name__
        raise PortError(f"http {http.host}:{http.port}: {reason.lower()}; set http.port to a free one") from error
    return listener


def page_url(listener: socket.socket) -> str:
    """Address of the pages."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _check_channels(settings: OfficeSettings) -> None:
    """Refuse a channel's wrong address before anything is opened."""
    if settings.alerts.apprise_urls or settings.alerts.webhook_url:
        from backoffice.channels import channels_of

        channels_of(settings.alerts)


async def _serve(settings: OfficeSettings, store: RecordStore, listener: socket.socket, ready: Ready) -> None:
    """Pages, ingest and messages side by side."""
    from backoffice.channels import run_channels
    from backoffice.web import create_app  # the web framework is not needed for `ingest` and `migrate`

    ingest = Ingest(store)
    app = create_app(store, store.feed, settings)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACEFUL_S)
    server = _Server(config, lambda: ready(page_url(listener)))
    async with asyncio.TaskGroup() as group:
        group.create_task(_work(settings, store, ingest), name="work")
        group.create_task(run_channels(store, store.feed, _with_link(settings.alerts, listener)), name="messages")
        await _serve_pages(server, listener)


def _with_link(alerts: AlertSettings, listener: socket.socket) -> AlertSettings:
    """Messages link to the page's own address unless the owner names one that is seen from outside."""
    return alerts if alerts.public_url else alerts.model_copy(update={"public_url": page_url(listener)})


async def _serve_pages(server: "_Server", listener: socket.socket) -> None:
    """Serve until cancelled, then let requests that are under way finish."""
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


class _Server(uvicorn.Server):
    """A server that says when it listens and leaves the process's signals to us."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._say_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._say_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _work(settings: OfficeSettings, store: RecordStore, ingest: Ingest, worker: int = 0) -> None:
    """What a process does besides pages; of several workers only the first does what one of them can do for all."""
    name = "" if store.alone else worker_name(worker)
    async with asyncio.TaskGroup() as group:
        group.create_task(ingest.run(settings.mqtt, name), name="ingest")
        group.create_task(_follow_rules(settings, store, review=worker <= FIRST_WORKER), name="rules")
        if worker <= FIRST_WORKER:
            group.create_task(_review_as_time_passes(settings, store), name="review")
            group.create_task(Courier(store, settings.commands).run(settings.mqtt), name="courier")


async def _follow_rules(settings: OfficeSettings, store: RecordStore, *, review: bool = True) -> None:
    """Take over plans and severities that an owner changes, and judge every car by them; a bad file changes nothing."""
    refused = ""
    while True:
        await asyncio.sleep(settings.rules.look_every_s)
        try:
            if await asyncio.to_thread(store.rules.refresh):
                log.info("rules taken over", plans=len(store.rules.rules.plans))
                if review:
                    await _review_all(store, utc_now())
        except StoreFailedError as error:
            log.warning("cars not judged by the new rules yet, the next review does it", reason=str(error))
        if store.rules.refused != refused:
            refused = store.rules.refused
            if refused:
                log.error("changed rules refused, the old ones stay in force", reason=refused)


async def _review_as_time_passes(settings: OfficeSettings, store: RecordStore) -> None:
    """Judge cars again now and then: a service falls due without anybody plugging in."""
    every = settings.ingest.review_every_s
    while True:
        await asyncio.sleep(every)
        try:
            await _review_all(store, utc_now() - timedelta(seconds=every))
        except StoreFailedError as error:
            log.warning("cars not judged again, next attempt later", reason=str(error), retry_in_s=every)


async def _review_all(store: RecordStore, reviewed_before: datetime) -> None:
    """Each car once; a few a transaction, so that batches come in between. A clock put back makes no endless round."""
    rounds = (await store.counts())["vehicles"] // REVIEWED_AT_ONCE + 1
    for _ in range(rounds):
        if not await store.review_stale(reviewed_before, REVIEWED_AT_ONCE):
            return
