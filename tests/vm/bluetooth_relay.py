"""Gives a kernel with hci_vhci a controller that lives elsewhere: HCI packets go between /dev/vhci and a TCP stream."""

import asyncio
import sys

from bumble.transport import open_transport


async def relay(address: str) -> None:
    """Carry packets both ways until one side ends."""
    async with await open_transport(address) as far, await open_transport("vhci") as near:
        far.source.set_packet_sink(near.sink)
        near.source.set_packet_sink(far.sink)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(relay(sys.argv[1]))
