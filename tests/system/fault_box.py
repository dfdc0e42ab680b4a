"""A box that only produces and delivers, for the fault runs: ``python -m tests.system.fault_box FOLDER PORT PROTOCOL``.

Appends numbered records until the file ``calm`` is there, then ends as soon as nothing is owed. Each record that the
outbox took is noted in ``promised`` as ``number stream seq``. While the file ``burst`` is there it takes in as much as
it can; ``brimful`` is made once the quota is used up.
"""

import asyncio
import sys
from pathlib import Path

from config.settings import MqttSettings
from sync.clock import SystemClock
from sync.codec import ReceivedBatch, answers_of, decode_batch
from sync.errors import OutboxError, OutboxFullError, UpstreamError
from sync.mqtt import Link
from sync.outbox import Outbox
from sync.publisher import Publisher
from sync.records import AnyBody, DtcBody
from sync.wire import Ack
from tests.sync.samples import BODIES, speed

PAUSE_S = 0.02
AT_ONCE, IN_A_BURST = 6, 500
FULL_PAUSE_S = 0.1
MAX_BYTES = 3 << 20
BRIMFUL = 0.93


class TrustingPublisher(Publisher):
    """The negative control: takes the broker's word for it."""

    async def _publish(self, link: Link, payload: bytes) -> None:
        await super()._publish(link, payload)
        batch = decode_batch("bay-1", payload)
        assert isinstance(batch, ReceivedBatch)
        self._answers += [Ack(s=answer.s, a=answer.a, b=answer.b) for answer in answers_of(batch)]
        self._outbox.appended.set()


def body_of(number: int) -> AnyBody:
    """Mostly readings, every fifth a code change, which goes first."""
    dtc = BODIES["dtc"]
    assert isinstance(dtc, DtcBody)
    return dtc.model_copy(update={"ecu": str(number)}) if number % 5 == 0 else speed(number)


async def produce(folder: Path, outbox: Outbox) -> None:
    number = _last_number(folder)
    with (folder / "promised").open("a", encoding="ascii") as promised:
        while not (folder / "calm").exists():
            numbers = range(number + 1, number + 1 + (IN_A_BURST if (folder / "burst").exists() else AT_ONCE))
            number = numbers[-1]
            try:
                seqs = await outbox.append([body_of(n) for n in numbers])
            except OutboxFullError:
                (folder / "brimful").touch()
                await asyncio.sleep(FULL_PAUSE_S)
                continue
            if BRIMFUL < outbox.fullness < 1:
                (folder / "brimful").touch()
            print(*(f"{n} {outbox.stream} {seq}\n" for n, seq in zip(numbers, seqs, strict=True)),
                  sep="", end="", file=promised, flush=True)  # fmt: skip
            await asyncio.sleep(PAUSE_S)


def _last_number(folder: Path) -> int:
    """Numbers of an earlier life are left alone, promised or not."""
    lives = folder / "lives"
    life = int(lives.read_text()) + 1 if lives.exists() else 0
    lives.write_text(str(life))
    return life * 1_000_000


async def main(folder: Path, disk: Path, port: int, protocol: str, publisher: type[Publisher]) -> None:
    quick = {"connect_timeout_s": 2, "ack_timeout_s": 1, "backoff_first_s": 0.05, "backoff_max_s": 0.3}
    address = {"url": f"mqtt://127.0.0.1:{port}", "protocol": protocol, "batch_records": 20, "window_batches": 4}
    clock = SystemClock()
    try:
        outbox = await Outbox.open(disk / "outbox.db", clock=clock, max_bytes=MAX_BYTES)
    except OutboxError as error:
        sys.exit(str(error))
    sending = publisher(outbox, "bay-1", MqttSettings.model_validate(quick | address), clock)
    try:
        async with asyncio.TaskGroup() as group:
            delivering = group.create_task(sending.run())
            await produce(folder, outbox)
            await outbox.emptied.wait()
            delivering.cancel()
    except ExceptionGroup as errors:
        broken, defects = (
            errors.subgroup((OutboxError, OSError)),
            errors.split((OutboxError, OSError, UpstreamError))[1],
        )
        if broken is None or defects is not None:
            raise
        sys.exit(repr(broken.exceptions[0]))  # as the agent does: one line, and a new life
    finally:
        await outbox.close()


if __name__ == "__main__":
    kind = TrustingPublisher if sys.argv[5:] == ["trust-broker"] else Publisher
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4], kind))
