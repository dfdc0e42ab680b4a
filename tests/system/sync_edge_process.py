"""An edge that only produces and delivers: ``python -m ... FOLDER PORT FIRST COUNT PROTOCOL``.

Appends COUNT records numbered from FIRST, writes each number to ``promised`` once the outbox has it, ends when nothing
is owed any more.
"""

import asyncio
import sys
from pathlib import Path

from config.settings import MqttSettings
from sync.clock import SystemClock
from sync.outbox import Outbox
from sync.publisher import Publisher
from tests.sync.samples import mileage, speed

PAUSE_S = 0.01
DRAIN_S = 60.0


async def main(folder: Path, port: int, first: int, count: int, protocol: str) -> None:
    settings = MqttSettings.model_validate(impatient(port, protocol))
    outbox = await Outbox.open(folder / "outbox.db", clock=SystemClock(), max_bytes=64 << 20)
    publisher = Publisher(outbox, "bay-1", settings, SystemClock())
    delivering = asyncio.create_task(publisher.run())
    with (folder / "promised").open("a", encoding="ascii") as promised:
        for number in range(first, first + count, 2):
            await outbox.append([mileage(number), speed(number + 1)])
            print(number, number + 1, file=promised, flush=True)
            await asyncio.sleep(PAUSE_S)
    assert await publisher.drained(DRAIN_S)
    delivering.cancel()
    await asyncio.wait([delivering])
    await outbox.close()


def impatient(port: int, protocol: str) -> dict[str, object]:
    quick = {"connect_timeout_s": 3, "ack_timeout_s": 1, "backoff_first_s": 0.05, "backoff_max_s": 0.2}
    return {"url": f"mqtt://127.0.0.1:{port}", "protocol": protocol, "batch_records": 5, "window_batches": 4} | quick


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
