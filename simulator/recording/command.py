"""``forecourt-sim record``: reads a real car through an adapter and writes it as a scenario."""

import argparse
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from simulator.errors import SimulatorError
from simulator.notices import tell
from simulator.recording.asking import Asking, Place
from simulator.recording.permitted import is_maker_read
from simulator.recording.wire import LinkError, open_wire
from simulator.recording.writing import disguised, scenario_text
from simulator.words import said

EXIT_WORLD = 3

_READ = re.compile(r"([0-9A-F]{3})/([0-9A-F]{3}):([0-9A-F]+)|(18DA[0-9A-F]{2}F1)/(18DAF1[0-9A-F]{2}):([0-9A-F]+)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words ``record`` takes."""
    parser.add_argument("--adapter", required=True, metavar="URL", help="tcp:HOST:PORT or serial:PATH?baud=38400")
    parser.add_argument("file", metavar="FILE", help="the scenario to write; it must not exist yet")
    parser.add_argument("--read", action="append", default=[], metavar="ID/ID:REQUEST",
                        help="also a maker's own distance: where a unit listens/answers, 22xxxx or 21xx")  # fmt: skip
    parser.add_argument("--dash-km", type=int, metavar="KM", help="what the dashboard shows")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="same seed, same replacement of the VIN")


def record(arguments: argparse.Namespace) -> int:
    """Record one car; 0 done, 3 when the adapter or the car failed. SimulatorError for what the person must change."""
    reads = [_read(text) for text in arguments.read]
    file = Path(arguments.file)
    if file.exists():
        raise SimulatorError(f"{file}: exists already")
    if arguments.dash_km is not None and not 0 <= arguments.dash_km <= 4_000_000:
        raise SimulatorError(f"--dash-km {arguments.dash_km}: outside 0 to 4000000")
    try:
        text = _recorded(arguments, reads, file.stem)
    except LinkError as error:
        tell(str(error))
        return EXIT_WORLD
    try:
        with file.open("x", encoding="utf-8") as written:
            written.write(text)
    except OSError as error:
        raise SimulatorError(f"{file}: cannot be written: {error.strerror}") from None
    return 0


def _recorded(arguments: argparse.Namespace, reads: list[tuple[Place, str]], name: str) -> str:
    wire = open_wire(arguments.adapter)
    try:
        recording = Asking(wire.ask, lambda text: print(said(text), file=sys.stderr)).record(reads)
    finally:
        wire.close()
    disguise = disguised(recording, arguments.seed)
    text = scenario_text(recording, name=name, this_year=datetime.now(UTC).year, dash_km=arguments.dash_km)
    if disguise.holds(text.encode("utf-8")):
        raise SimulatorError("the car's own VIN would still be in the file; nothing was written")
    return text


def _read(text: str) -> tuple[Place, str]:
    match = _READ.fullmatch(text.upper())
    request = "" if match is None else match[3] or match[6]
    if match is None or not is_maker_read(request):
        raise SimulatorError(f"--read {text}: wanted ID/ID:REQUEST, such as 714/77E:22FD01")
    return Place(int(match[1] or match[4], 16), int(match[2] or match[5], 16)), request
