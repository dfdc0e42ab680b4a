"""Recorded answers in the ``obd-capture/1`` form: one JSON object a vehicle, as values. No files are read here."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from protocols.errors import DecodeError
from protocols.messages import LinkFormat

FORMAT = "obd-capture/1"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the source of a recording says it means; ``corrected`` replaces a value the source got wrong."""

    signal: str
    value: object
    unit: str
    assessment: str


@dataclass(frozen=True, slots=True)
class CaptureCase:
    """One request and the lines that came back. ``request`` is None for frames that were only listened to.

    ``basis`` says where the expected values come from: ``source_formula`` is no independent witness, it is what the
    source's own formula makes of these very bytes.
    """

    id: str
    kind: str
    make: str
    model: str
    link: LinkFormat
    headers: bool
    header: str
    extended_address: str
    request: bytes | None
    lines: tuple[str, ...]
    expected: tuple[Expected, ...]
    flags: frozenset[str]
    basis: str = ""


def is_capture(document: object) -> bool:
    """Whether a JSON document has the form of a capture file."""
    return isinstance(document, dict) and isinstance(document.get("cases"), list)


def cases_of(document: Mapping[str, Any]) -> Iterator[CaptureCase]:
    """All cases of one capture file; raises DecodeError naming the case that lacks a field."""
    vehicle = document.get("vehicle")
    make, model = (str(vehicle.get(key, "")) for key in ("make", "model")) if isinstance(vehicle, Mapping) else ("", "")
    for number, case in enumerate(document["cases"]):
        try:
            yield _case(case, make, model)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            name = case.get("id", number) if isinstance(case, Mapping) else number
            raise DecodeError(f"case {name}: {type(error).__name__} {error}") from error


def _case(case: Mapping[str, Any], make: str, model: str) -> CaptureCase:
    request = case["request"]
    data = request.get("data")
    return CaptureCase(
        id=str(case["id"]),
        kind=str(case.get("kind", "")),
        make=make,
        model=model,
        link=_link_of(str(case.get("protocol", ""))),
        headers=bool(case.get("headers_in_lines", True)),
        header=str(request.get("header") or "").upper(),
        extended_address=str(request.get("extended_address") or "").upper(),
        request=bytes.fromhex(data) if data else None,
        lines=tuple(shown for line in case["response_lines"] for shown in _shown(str(line))),
        expected=tuple(_expected(entry) for entry in case.get("expected", ())),
        flags=frozenset(str(flag) for flag in case.get("flags", ())),
        basis=str(case.get("expected_basis") or ""),
    )


def _shown(line: str) -> list[str]:
    """What stands on one recorded line: without stray bytes and the prompt; several where its line ends were kept."""
    printable = re.sub(r"[^\x20-\x7e\s]", "", line)
    return [text for part in re.split(r"[\r\n]", printable) if (text := re.sub(r"\s+", " ", part).strip("> "))]


def _expected(entry: Mapping[str, Any]) -> Expected:
    corrected = entry.get("corrected_value")
    return Expected(
        signal=str(entry.get("signal", "")),
        value=entry["value"] if corrected is None else corrected,
        unit=str(entry.get("unit") or ""),
        assessment=str(entry.get("assessment") or ""),
    )


def _link_of(protocol: str) -> LinkFormat:
    if "29-bit" in protocol:
        return LinkFormat.CAN_29
    return LinkFormat.CAN_11 if "CAN" in protocol else LinkFormat.LEGACY
