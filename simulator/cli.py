"""``forecourt-sim``: starts a simulated car and its adapter, tells the truth about it, counts what was done to it."""

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

from simulator.clock import CLOCKS
from simulator.control import WORDS, follow, obey
from simulator.errors import SimulatorError
from simulator.faults import FAULTS, parse_fault
from simulator.journal import summed
from simulator.library import load, names
from simulator.notices import tell
from simulator.profiles import PROFILES
from simulator.scenario import Scenario
from simulator.station import Station
from simulator.words import add_language, chinese, help_of, localise, said, speak

EXIT_USER = 2
MOST_COPIES = 10_000
LINE_LIMIT = 65536
LAST_PORT = 65535
ORPHAN_LOOK_S = 0.5
A_YEAR_S = 31_536_000

Number = TypeVar("Number", int, float)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 done, 2 when something given must be changed."""
    try:
        words = sys.argv[1:] if argv is None else argv
        speak(words, os.environ)
        if list(words[:1]) == ["record"]:
            return _record(words[1:])
        arguments = _parser().parse_args(words)
        if arguments.command == "record":
            raise SimulatorError("record stands before its options")
        if arguments.command == "list":
            return _list()
        if arguments.command == "fleet":
            return _fleet(arguments)
        return _run(arguments)
    except SimulatorError as error:
        tell(str(error))
        return EXIT_USER
    except BrokenPipeError:
        _stop_printing()
        return 0


class _Parser(argparse.ArgumentParser):
    """An argument parser that refuses in one line."""

    def error(self, message: str) -> NoReturn:
        """Called by argparse for anything it cannot take."""
        raise SimulatorError(message)

    def format_help(self) -> str:
        """The help, in the language that was chosen."""
        localise(self)
        return help_of(super().format_help())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="forecourt-sim",
        description="A car and its OBD adapter that do not exist, on a TCP port or a serial link.",
    )
    add_language(parser)
    parser.add_argument("command", nargs="?", choices=["list", "fleet", "record"],
                        help="list the scenarios, write histories of a fleet, record a car")  # fmt: skip
    parser.add_argument("--scenario", metavar="NAME|FILE", help="which car; see: forecourt-sim list")
    parser.add_argument("--visit", type=int, default=0, metavar="N", help="which of its visits (default: the last)")
    parser.add_argument("--tcp", action="append", default=[], metavar="HOST:PORT", help="listen here; port 0 picks one")
    parser.add_argument(
        "--pty", action="append", default=[], metavar="PATH", help="offer a serial adapter at this link"
    )
    parser.add_argument("--rfcomm", action="append", default=[], nargs="?", const="", metavar="HCI",
                        help="offer a classic Bluetooth adapter, virtual or on a real controller (usb:0)")  # fmt: skip
    parser.add_argument("--ble", action="append", default=[], nargs="?", const="", metavar="HCI",
                        help="offer a Bluetooth LE adapter, virtual or on a real controller")  # fmt: skip
    parser.add_argument("--gatt", default="fff0", metavar="NAME", help="its serial service: fff0, ffe0, 18f0, own")
    parser.add_argument("--profile", choices=list(PROFILES), help="which adapter (default: the scenario's)")
    parser.add_argument("--baud", type=int, default=0, metavar="N", help="pace of the adapter's serial line")
    parser.add_argument("--ecu-ms", type=float, default=0.0, metavar="M", help="latency of the first ECU (default 15)")
    parser.add_argument("--link-ms", type=float, default=0.0, metavar="M", help="delay of the link, one way")
    parser.add_argument("--search-ms", type=float, metavar="M", help="cost of each protocol tried by a search or init")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="same seed, same bytes")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[=P]",
                        help="0.3: probability, 4: every 4th answer, @7: the 7th only")  # fmt: skip
    parser.add_argument("--power", choices=["car", "usb"], default="car", help="what an unplugged adapter lives on")
    parser.add_argument(
        "--copies", type=int, default=1, metavar="N", help="so many cars, each on a TCP port of its own"
    )
    parser.add_argument("--clock", choices=list(CLOCKS), default="real", help="virtual: nothing waits, time jumps")
    parser.add_argument("--control", action="store_true", help=f"obey lines on standard input: {WORDS}")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after this time")
    fleets = parser.add_argument_group("fleet", "lives of cars drawn by the day, as forecourt.history/1 lines")
    fleets.add_argument("--cars", type=int, default=100, metavar="N", help="how many cars (default 100)")
    fleets.add_argument("--years", type=float, default=8.0, metavar="Y", help="how long each is driven (default 8)")
    fleets.add_argument("--tampered", type=float, default=0.3, metavar="P", help="share tampered with (default 0.3)")
    fleets.add_argument("--out", default="", metavar="FILE", help="histories go here instead of standard output")
    fleets.add_argument("--truth", default="", metavar="FILE", help="what is true of each car goes here")
    return parser


def _record(words: Sequence[str]) -> int:
    from simulator.recording.command import add_arguments, record

    parser = _Parser(prog="forecourt-sim record", description="Turn a real car into a scenario; only reads from it.")
    add_arguments(parser)
    add_language(parser)
    return record(parser.parse_args(words))


def _fleet(arguments: argparse.Namespace) -> int:
    # Only here: a car that is started in a test need not load what draws a thousand lives.
    from simulator.fleet.writing import Order, write_files

    order = Order(
        cars=_bounded("--cars", arguments.cars, 100_000_000),
        years=_bounded("--years", arguments.years, 60),
        seed=arguments.seed,
        tampered=_bounded("--tampered", arguments.tampered, 1),
    )
    write_files(order, arguments.out, arguments.truth, sys.stdout)
    return 0


def _list() -> int:
    for name in names():
        scenario = load(name)
        visits = said(f"{len(scenario.visits)} visit(s)")
        title = scenario.title_zh if chinese() and scenario.title_zh else scenario.title
        print(f"{name:24} {visits}  {scenario.make} {scenario.model}: {title}")
    print(said("profiles: " + ", ".join(PROFILES)))
    print(said("faults:   " + ", ".join(FAULTS)))
    return 0


def _run(arguments: argparse.Namespace) -> int:
    if not arguments.scenario:
        raise SimulatorError("--scenario is missing; forecourt-sim list shows what there is")
    if not (arguments.tcp or arguments.pty or arguments.rfcomm or arguments.ble):
        raise SimulatorError("give at least one of --tcp HOST:PORT, --pty PATH, --rfcomm and --ble")
    if len(set(arguments.pty)) < len(arguments.pty):
        raise SimulatorError("--pty: the same path twice")
    if _bounded("--copies", arguments.copies, MOST_COPIES) != 1:
        _check_copies(arguments)
    if arguments.seconds is not None:
        _bounded("--seconds", arguments.seconds, A_YEAR_S)
    asyncio.run(_serve(load(arguments.scenario), arguments))
    return 0


def _check_copies(arguments: argparse.Namespace) -> None:
    if arguments.copies < 1:
        raise SimulatorError("--copies 0: there would be no car")
    if arguments.control or arguments.pty or arguments.rfcomm or arguments.ble:
        raise SimulatorError("--copies goes with --tcp alone: an order would not know which car is meant")


def _station(scenario: Scenario, arguments: argparse.Namespace) -> Station:
    station = Station(
        scenario,
        _visit(scenario, arguments.visit),
        profile=arguments.profile or "",
        baud=_bounded("--baud", arguments.baud, 10_000_000),
        ecu_ms=_bounded("--ecu-ms", arguments.ecu_ms, 60_000),
        search_ms=None if arguments.search_ms is None else _bounded("--search-ms", arguments.search_ms, 60_000),
        link_ms=_bounded("--link-ms", arguments.link_ms, 60_000),
        seed=arguments.seed,
        faults=[text for text in arguments.fault if parse_fault(text)],
        car_powers=arguments.power == "car",
        clock=arguments.clock,
    )
    station.obeys = partial(follow, station)
    return station


def _visit(scenario: Scenario, wanted: int) -> int:
    last = len(scenario.visits)
    if not 0 <= wanted <= last:
        raise SimulatorError(f"--visit {wanted}: {scenario.name} has visits 1 to {last}")
    return wanted or last


def _bounded(option: str, value: Number, high: int) -> Number:
    if not 0 <= value <= high:
        raise SimulatorError(f"{option} {value}: outside 0 to {high}")
    return value


def _host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit()) or int(port) > LAST_PORT:
        raise SimulatorError(f"--tcp {text}: wanted HOST:PORT, the port from 0 to 65535")
    return host or "127.0.0.1", int(port)


def _own_port(text: str, port: int, place: int) -> int:
    """The port of one of several cars: they follow one another from the one that was given, 0 picks each."""
    if port and port + place > LAST_PORT:
        raise SimulatorError(f"--tcp {text}: there are not so many ports from there on")
    return port + place if port else 0


async def _serve(scenario: Scenario, arguments: argparse.Namespace) -> None:
    loop, starter = asyncio.get_running_loop(), os.getppid()
    stations = [_station(scenario, arguments) for _ in range(arguments.copies)]
    first = stations[0]
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    try:
        for place, station in enumerate(stations):
            await _open(station, arguments, place)
        urls = [url for station in stations for url in station.urls]
        dongle = await first.dongle()
        air = {"hci": dongle} if dongle else {}
        _print({"adapters": urls, "truth": first.truth(), "reads": first.maker_reads(), **air})
        if arguments.control and sys.stdin is not None:
            _listen(first, starter, ended)
        if arguments.seconds is not None:
            loop.call_later(arguments.seconds, ended.set)
        await ended.wait()
    finally:
        for station in stations:
            await station.close()
    _print(summed(station.journal for station in stations))


async def _open(station: Station, arguments: argparse.Namespace, place: int) -> None:
    for text in arguments.tcp:
        host, port = _host_port(text)
        await station.add_tcp(host, _own_port(text, port, place))
    for text in arguments.pty:
        await station.add_pty(Path(text))
    await _add_bluetooth(station, arguments)


async def _add_bluetooth(station: Station, arguments: argparse.Namespace) -> None:
    for controller in arguments.rfcomm:
        await station.add_rfcomm(controller)
    for controller in arguments.ble:
        await station.add_ble(controller, arguments.gatt)


def _print(value: dict[str, object]) -> None:
    try:
        print(json.dumps(value, ensure_ascii=False), flush=True)
    except BrokenPipeError:
        _stop_printing()


def _stop_printing() -> None:
    """Whoever read us has gone; let the interpreter's last flush go nowhere too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _listen(station: Station, starter: int, ended: asyncio.Event) -> None:
    """Read standard input in a thread: it may be a file or a terminal, which an event loop cannot watch everywhere.

    Its end means no more orders; when the process that started us has gone too, nobody is left to end us.
    """
    loop = asyncio.get_running_loop()

    async def act(line: str) -> None:
        _print(await obey(station, line))

    def read() -> None:
        # A closed loop means that we are ending.
        with suppress(RuntimeError, CancelledError):
            with suppress(OSError):
                read_lines()
            while os.getppid() == starter:
                time.sleep(ORPHAN_LOOK_S)
            loop.call_soon_threadsafe(ended.set)

    def read_lines() -> None:
        rest = b""
        while data := os.read(0, 4096):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[-LINE_LIMIT:]
            for line in lines:
                asyncio.run_coroutine_threadsafe(act(line.decode("utf-8", "replace")), loop).result()

    threading.Thread(target=read, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
