"""The two files of a box, opened together: what it owes (``outbox.db``) and what it knows (``ledger.db``)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from agent.errors import WorldError
from agent.ledger_store import LedgerStore
from agent.premises import vault_for
from config.errors import SettingsError
from config.settings import Settings, StorageSettings
from sync.clock import Clock
from sync.errors import OutboxError
from sync.lock import FileLock
from sync.outbox import Outbox
from sync.vault import Vault

MEGABYTE = 1024 * 1024

log = structlog.get_logger()


@asynccontextmanager
async def open_stores(settings: Settings, clock: Clock) -> AsyncIterator[tuple[Outbox, LedgerStore]]:
    """The two files of this box; raise WorldError when another process has them or the disk refuses.

    Raise SettingsError when the storage key does not belong to them; nothing was touched then.
    """
    folder = settings.storage.directory
    async with AsyncExitStack() as stack:
        try:
            vault = _vault(settings.storage)
            outbox = await Outbox.open(
                folder / "outbox.db",
                clock=clock,
                max_bytes=settings.storage.outbox_max_mb * MEGABYTE,
                keep_acknowledged=settings.storage.forget_acknowledged_after_days > 0,
                vault=vault,
            )
            stack.push_async_callback(outbox.close)
            store = await LedgerStore.open(folder / "ledger.db", vault=vault)
            stack.push_async_callback(store.close)
            if store.is_new:  # the back office tells a new stream again what people know of its cars
                await outbox.begin_stream()
        except (OutboxError, OSError) as error:
            raise WorldError("agent.store_unusable", detail=str(error)) from error
        for damaged in (outbox.set_aside, store.set_aside):
            if damaged is not None:
                log.error("damaged file set aside, a new one begun; keep it for support", file=str(damaged))
        yield outbox, store


def _vault(storage: StorageSettings) -> Vault:
    """A command that was not given the key finds the stores in use first: the running agent can answer for it."""
    try:
        return vault_for(storage)
    except SettingsError:
        if (lock := storage.directory / "outbox.db.lock").exists():
            FileLock(lock).release()
        raise
