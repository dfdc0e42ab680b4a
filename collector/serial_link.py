"""USB and other serial adapters: serialx for native asyncio I/O, pyserial behind a thread where serialx cannot."""

import asyncio
from pathlib import Path

from collector.errors import AdapterLostError
from collector.serial_address import reason_of, split_serial_address
from collector.stream_link import StreamLink
from collector.transport import Transport


async def open_serial(address: str, connect_timeout_s: float) -> Transport:
    """Open ``/dev/x?baud=n`` exclusively; raise AdapterLostError saying whether it is absent, busy or forbidden."""
    device, baud = split_serial_address(address)
    if not _may_exist(device):
        raise AdapterLostError("adapter.no_port", device)
    try:
        async with asyncio.timeout(connect_timeout_s):
            return await _open_native(address, device, baud)
    except ImportError:
        from collector.pyserial_link import open_pyserial

        return await open_pyserial(address, connect_timeout_s)
    except TimeoutError as error:
        raise AdapterLostError("adapter.no_connection", device) from error
    except Exception as error:  # termios.error and the library's own classes are no OSError
        raise AdapterLostError(reason_of(error), f"{device}: {error}") from error


def _may_exist(device: str) -> bool:
    """Whether opening can be tried: only on Windows is a port no path."""
    return Path(device).exists() or device.upper().startswith("COM")


async def _open_native(address: str, device: str, baud: int) -> StreamLink:
    import serialx

    reader, writer = await serialx.open_serial_connection(device, baudrate=baud)
    return StreamLink(f"serial:{address}", reader, writer)
