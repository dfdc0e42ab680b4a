"""What the bay page shows and changes, handed to it whole when it is loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

from agent.bays import Bays
from agent.board import Board
from agent.desk import Desk
from agent.ledger_store import LedgerStore
from agent.sheets import Sheets
from config.catalogue import Language
from sync.publisher import Publisher, PublisherState


@dataclass(frozen=True, slots=True)
class PageParts:
    """``link`` tells how delivery to the back office stands, ``zone`` is where times are read."""

    bays: Bays
    store: LedgerStore
    desk: Desk
    board: Board
    sheets: Sheets
    publisher: Publisher
    link: Callable[[], PublisherState]
    zone: tzinfo
    language: Language
