"""What newly stored records change: each is given to its car, then every car concerned is judged once.

All of it happens in the transaction that stores the records. A mistake of ours with one record or one car must not keep
the others from being stored: it is undone by a savepoint, logged, and tried again later.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.cars import NewId, cars_dated_by, current_ids, keys_of, owner, snapshot_id_of, tells_its_vin
from backoffice.chronology import StoredRecord
from backoffice.identity import IdentityKey
from backoffice.recording import Placed, mark
from backoffice.review import FOLDED_KINDS, Reviewed, review_vehicle
from config.rules_in_force import Rules
from evidence.verdict import USUAL, Terms

log = structlog.get_logger(__name__)
# These concern the whole transaction: nothing of it may be acknowledged.
DATABASE_FAILED = (OperationalError, InterfaceError)


@dataclass(frozen=True, slots=True)
class Projector:
    """``market`` is given to new cars; ``now`` is the time of judging, ``rules`` are those in force (None: our own)."""

    market: str
    now: Callable[[], datetime]
    new_id: NewId
    rules: Callable[[], Rules | None] = lambda: None
    terms: Terms = USUAL

    async def project(self, connection: AsyncConnection, new: Sequence[StoredRecord]) -> list[Reviewed]:
        """Place ``new`` and judge the cars that they concern."""
        try:
            async with connection.begin_nested():
                touched = await self._place(connection, new)
        except DATABASE_FAILED:
            raise
        except Exception as error:
            _raise_if_lost(connection, error)
            log.exception("records not placed together, trying one by one", count=len(new))
            touched = await self._place_apart(connection, new)
        return await self.review(connection, touched)

    async def review(self, connection: AsyncConnection, vehicle_ids: Iterable[str]) -> list[Reviewed]:
        """Judge each car again."""
        reviewed: list[Reviewed] = []
        for vehicle_id in vehicle_ids:
            try:
                async with connection.begin_nested():
                    reviewed.append(
                        await review_vehicle(connection, vehicle_id, self.now(), self.new_id, self.rules(), self.terms)
                    )
            except DATABASE_FAILED:
                raise
            except Exception as error:
                _raise_if_lost(connection, error)
                log.exception("car not judged", vehicle=vehicle_id)
        return reviewed

    async def _place_apart(self, connection: AsyncConnection, new: Sequence[StoredRecord]) -> list[str]:
        touched: dict[str, None] = {}
        for stored in new:
            try:
                async with connection.begin_nested():
                    touched |= dict.fromkeys(await self._place(connection, [stored]))
            except DATABASE_FAILED:
                raise
            except Exception as error:
                _raise_if_lost(connection, error)
                log.exception("record kept but not placed", record=stored.key)
        return list((await current_ids(connection, list(touched))).values())

    async def _place(self, connection: AsyncConnection, new: Sequence[StoredRecord]) -> list[str]:
        """Note whose each record is; return the cars to judge again."""
        known: dict[tuple[tuple[IdentityKey, ...], bool], str] = {}
        owned: list[tuple[StoredRecord, str | None]] = []
        touched: dict[str, None] = {}
        for stored in new:
            keys, told = named = keys_of(stored), tells_its_vin(stored)
            changed = False
            if keys and named not in known:
                found = await owner(connection, keys, self.market, stored.received_at, self.new_id, told=told)
                changed = found.changed
                if changed:
                    known.clear()  # a merge or a claim may have given other keys another car
                known[named] = found.vehicle_id
            vehicle_id = known.get(named)
            owned.append((stored, vehicle_id))
            if vehicle_id and (changed or stored.record.body.kind in FOLDED_KINDS):
                touched[vehicle_id] = None
        current = await current_ids(connection, [one for _, one in owned if one])
        await mark(connection, [Placed(s, current.get(one or ""), snapshot_id_of(s)) for s, one in owned])
        dated = [car for stored in new for car in await cars_dated_by(connection, stored)]
        return list(dict.fromkeys([*(current[one] for one in touched), *dated]))


def _raise_if_lost(connection: AsyncConnection, error: Exception) -> None:
    """A database that goes away amid a statement is no mistake of ours, whatever its driver calls it."""
    if connection.invalidated:
        raise error
