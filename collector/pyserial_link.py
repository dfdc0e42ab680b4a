"""The fallback for serial ports: pyserial read in a worker thread, behind the same Transport."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import serial

from collector.errors import AdapterLostError
from collector.own_thread import in_own_thread
from collector.serial_address import reason_of, split_serial_address
from collector.transport import WRITE_TIMEOUT_S

POLL_S = 0.05  # how long a read may hold its thread after close


class PyserialLink:
    """One port, one thread: reads and writes never overlap in pyserial."""

    def __init__(self, url: str, port: serial.Serial) -> None:
        self.url = url
        self._port = port
        self._reads = ThreadPoolExecutor(1, "serial-read")
        self._writes = ThreadPoolExecutor(1, "serial-write")
        self._closed = False
        self._reading: asyncio.Future[bytes] | None = None

    async def read(self) -> bytes:
        while not self._closed:
            if self._reading is None:
                self._reading = asyncio.get_running_loop().run_in_executor(self._reads, self._read_some)
            await asyncio.wait((self._reading,))  # a read that is given up goes on in its thread: what it brings stays
            reading, self._reading = self._reading, None
            try:
                data = reading.result()
            except Exception as error:  # termios.error is no OSError
                raise AdapterLostError("adapter.link_lost", error) from error
            if data:
                return data
        raise AdapterLostError("adapter.link_lost", "closed")

    def _read_some(self) -> bytes:
        first = self._port.read(1)
        return bytes(first + self._port.read(self._port.in_waiting)) if first else b""

    async def write(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):  # the port has the same bound, which a driver may not keep
                await asyncio.get_running_loop().run_in_executor(self._writes, self._port.write, data)
        except Exception as error:
            raise AdapterLostError("adapter.link_lost", error) from error

    async def close(self) -> None:
        self._closed = True
        if self._reading is not None:  # nobody will ask what came of it
            self._reading.add_done_callback(lambda reading: reading.cancelled() or reading.exception())
        self._reads.shutdown(wait=False, cancel_futures=True)
        self._writes.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(Exception):
            self._port.close()


async def open_pyserial(address: str, connect_timeout_s: float) -> PyserialLink:
    """Open ``/dev/x?baud=n`` exclusively through pyserial; raise AdapterLostError when it does not open."""
    device, baud = split_serial_address(address)
    try:
        call = partial(serial.Serial, device, baud, timeout=POLL_S, write_timeout=WRITE_TIMEOUT_S, exclusive=True)
        port = await in_own_thread(call, connect_timeout_s, give_back=serial.Serial.close)
    except Exception as error:
        raise AdapterLostError(reason_of(error), f"{device}: {error}") from error
    return PyserialLink(f"serial:{address}", port)
