"""Paho without a thread of its own: the event loop says when its socket can be read or written, and it is done here."""

import asyncio
import socket
import ssl
from collections.abc import Callable

from paho.mqtt.client import Client

TEND_S = 1.0  # how often paho looks whether a PINGREQ is due


class SocketCare:
    """Cares for the socket of one client, from ``begin`` until paho closes it or ``let_go`` does.

    A thread has to be woken for each message and must hand each one back: that took more of the processor than the
    messages themselves. Looking up names and shaking hands still block, so whoever connects does it in a thread.
    """

    def __init__(self, client: Client, broken: Callable[[Exception], None]) -> None:
        self.socket: socket.socket | None = None
        self.gone = asyncio.Event()
        self._client = client
        self._broken = broken
        self._loop = asyncio.get_running_loop()
        self._descriptor: int | None = None
        self._stuffed = False
        self._closed = False
        self._tending: asyncio.TimerHandle | None = None
        self._listen()

    def begin(self) -> None:
        """Once paho has connected, which has only queued its CONNECT."""
        if self.socket is None:
            return
        self._descriptor = self.socket.fileno()
        self._loop.add_reader(self._descriptor, self._read)
        self._write()
        self._tend()

    def let_go(self) -> None:
        """Close the socket, now or as soon as whoever still dials has opened it."""
        self._closed = True
        self._leave()
        if self.socket is not None:
            self.socket.close()

    def _listen(self) -> None:
        client, opened = self._client, self._client.on_socket_open

        def on_socket_open(client: Client, userdata: object, sock: object) -> None:  # in the thread that dials
            self.socket = sock if isinstance(sock, socket.socket) else None
            if opened:
                opened(client, userdata, sock)  # type: ignore[arg-type]
            if self._closed and self.socket is not None:
                self.socket.close()  # dialled for too long: nobody waits for it any more

        client.on_socket_open = on_socket_open
        client.on_socket_close = lambda _client, _userdata, _socket: self._leave()
        client.on_socket_register_write = lambda _client, _userdata, _socket: self._write_soon()

    def _write_soon(self) -> None:
        """What else comes in this turn of the event loop goes out together with it."""
        if self._descriptor is not None:
            self._loop.call_soon(self._write)

    def _write(self) -> None:
        self._client.loop_write()
        if self._descriptor is None or self._stuffed == self._client.want_write():
            return
        self._stuffed = not self._stuffed
        if self._stuffed:
            self._loop.add_writer(self._descriptor, self._write)
        else:
            self._loop.remove_writer(self._descriptor)

    def _read(self) -> None:
        try:
            self._client.loop_read()
            # what TLS has deciphered already makes no socket readable
            while isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
                self._client.loop_read()
        except Exception as error:  # noqa: BLE001 - paho has no name for all that a peer may get wrong
            self._leave()
            self._broken(error)

    def _tend(self) -> None:
        self._client.loop_misc()
        if self._descriptor is not None:
            self._tending = self._loop.call_later(TEND_S, self._tend)

    def _leave(self) -> None:
        """Before the socket is closed: its number may soon be another's."""
        if self._descriptor is None:
            return
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        self._descriptor = None
        if self._tending is not None:
            self._tending.cancel()
        self.gone.set()
