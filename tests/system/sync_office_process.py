"""A back office that only stores: ``python -m tests.system.sync_office_process FOLDER PORT PROTOCOL``."""

import asyncio
import sys
from pathlib import Path

from config.settings import MqttSettings
from sync.ingest_link import receive_batches
from tests.sync.office import Office
from tests.system.sync_edge_process import impatient


async def main(folder: Path, port: int, protocol: str) -> None:
    settings = MqttSettings.model_validate(impatient(port, protocol))
    await receive_batches(settings, Office(folder / "office.db").handle)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
