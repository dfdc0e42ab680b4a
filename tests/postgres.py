"""A PostgreSQL server that a test starts itself: unprivileged, on a free loopback port, over a folder of its own."""

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.needs import find_postgres, unmet
from tests.sync.broker import free_port

OWNER = "office"
PASSWORD = "0penSesame-not"  # the server asks nobody for it; a test looks whether it is ever shown
UNPRIVILEGED = "nobody"
START_S = 60.0


class PostgresServer:
    """Use as a context. ``options`` are settings of the server; what is committed survives ``kill`` and ``start``."""

    def __init__(self, **options: str) -> None:
        programs = find_postgres()
        if programs is None:
            unmet("PostgreSQL's server (package postgresql)")
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="forecourt-postgres-"))
        self._options = {"fsync": "off", "unix_socket_directories": "", "listen_addresses": "127.0.0.1"} | options
        self._process: subprocess.Popen[bytes] | None = None
        self._names = (f"office_{number}" for number in itertools.count(1))
        self.port = free_port()

    def __enter__(self) -> Self:
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def url(self, database: str) -> str:
        """The address as the setting ``database.url`` wants it."""
        return f"postgresql+asyncpg://{OWNER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, also over what a killed one left, and wait until it answers."""
        self._launch()
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + START_S
        while subprocess.run(ready, check=False).returncode:
            assert time.monotonic() < deadline, self.log[-2000:]
            if self._process is not None and self._process.poll() is not None:
                self._launch()  # what served a connection of the killed one held its memory still
            time.sleep(0.02)

    def _launch(self) -> None:
        options = [word for name, value in self._options.items() for word in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port), *options]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._folder, start_new_session=True, user=_user()
            )

    def kill(self) -> None:
        """kill -9, with everything that serves a connection."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    async def new_database(self, template: str = "template1", name: str = "") -> str:
        """Make a database and return its address."""
        name = name or next(self._names)
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    async def run(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement on a connection of its own; return its rows."""
        import asyncpg

        address = {"host": "127.0.0.1", "port": self.port, "user": OWNER, "database": database}
        async with asyncio.timeout(START_S):
            connection = await asyncpg.connect(**address)
            try:
                return [tuple(row) for row in await connection.fetch(statement)]
            finally:
                await connection.close()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _initialise(self) -> None:
        """The server refuses to be root, so root makes the folder somebody else's and drops to that user."""
        if user := _user():
            shutil.chown(self._folder, user)
        command = [str(self._programs / "initdb"), "-D", str(self._data), "-U", OWNER, "--auth=trust", "--no-sync"]
        wanted = [*command, "--encoding=UTF8", "--locale=C", "--no-instructions"]
        done = subprocess.run(wanted, capture_output=True, text=True, cwd=self._folder, user=_user(), check=False)
        assert done.returncode == 0, done.stderr


def _user() -> str | None:
    return None if os.geteuid() else UNPRIVILEGED
