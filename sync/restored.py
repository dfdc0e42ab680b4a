"""Noticing that the whole disk was put back as it once was. Nothing on it can tell that, but upstream holds more."""

import structlog

from sync.codec import MAX_SEQ
from sync.outbox import Outbox
from sync.verify import Ask

log = structlog.get_logger(__name__)


async def leave_stream_if_restored(outbox: Outbox, ask: Ask) -> bool:
    """Number anew what was appended since the opening where upstream knows these numbers already; return whether.

    To be done before the first of it is sent. Raises what ``ask`` raises, and OutboxError.
    """
    stream, last = outbox.stream, outbox.numbered_before
    if not last:
        return False
    account = await ask(stream, 1, [(last + 1, MAX_SEQ)])
    if not any(holding.held or holding.noted for holding in account.holds):
        return False
    log.error("disk was put back as it once was, new records get a new stream", stream=stream, last_seq=last)
    await outbox.leave_stream()
    return True
