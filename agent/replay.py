"""``forecourt replay``: recorded traffic decoded offline, one result a case. Files are read here and nowhere else.

Reads ``obd-capture/1`` files (many cases each) and adapter transcripts (one case each, named by the file).
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from agent.replay_decode import Outcome, Question, decode_answers, decode_broadcast
from agent.replay_session import replay_session
from config.profiles import Profiles, load_profiles
from protocols.answers import ANSWERED_SERVICES
from protocols.capture import CaptureCase, cases_of, is_capture
from protocols.elm327 import Notice, read_lines
from protocols.errors import DecodeError
from protocols.messages import assemble_reply
from protocols.transcript import is_transcript, parse_transcript

_MAX_FILE_BYTES = 64 * 1024 * 1024


def replay_files(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """One result for each case of the files, in order; a file that cannot be read is a result with status ``error``.

    Keys: ``id``, ``status`` (``ok``, ``no_value``, ``error``), ``readings``, ``vin``, ``dtcs``, ``reason``.
    """
    profiles = load_profiles()
    for path in paths:
        try:
            yield from _replay_text(path.stem, _read(path), profiles)
        except (OSError, ValueError, DecodeError) as error:
            yield _result(path.stem, Outcome(failed=[f"{path.name}: {error}"]))


def capture_cases(path: Path) -> Iterator[CaptureCase]:
    """The cases of one capture file; nothing for a transcript."""
    text = _read(path)
    if text.lstrip().startswith("{"):
        document = json.loads(text)
        if is_capture(document):
            yield from cases_of(document)


def replay_case(case: CaptureCase, profiles: Profiles) -> dict[str, Any]:
    """The result of one recorded answer."""
    return _result(case.id, _decode_case(case, profiles))


def _read(path: Path) -> str:
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise ValueError(f"larger than {_MAX_FILE_BYTES} bytes")
    return path.read_text(encoding="utf-8")


def _replay_text(name: str, text: str, profiles: Profiles) -> Iterator[dict[str, Any]]:
    if text.lstrip().startswith("{"):
        document = json.loads(text)
        if not is_capture(document):
            raise ValueError("JSON without cases; expected the form obd-capture/1")
        for case in cases_of(document):
            yield replay_case(case, profiles)
    elif is_transcript(text):
        yield _result(name, replay_session(parse_transcript(text), profiles))
    else:
        raise ValueError("neither obd-capture/1 nor a transcript (lines beginning with '> ' and '< ')")


def _decode_case(case: CaptureCase, profiles: Profiles) -> Outcome:
    outcome = Outcome()
    if case.request is None:
        decode_broadcast(case.lines, case.make, case.model, profiles, outcome)
    elif case.request[0] not in ANSWERED_SERVICES:
        outcome.empty.append(f"service {case.request[0]:02X} is never asked")
    else:
        reply = read_lines(case.request.hex(), [line.strip() for line in case.lines])
        assembly = assemble_reply(reply, case.link, headers=case.headers, extended_address=bool(case.extended_address))
        question = Question(case.request, case.header, case.extended_address, case.make, case.model)
        decode_answers(question, assembly, profiles, outcome)
        _explain_silence(outcome, reply.notices)
    return outcome


def _explain_silence(outcome: Outcome, notices: frozenset[Notice]) -> None:
    if outcome.silent:
        said = ", ".join(sorted(notice.value for notice in notices))
        outcome.failed.append(f"no answer to this request ({said})" if said else "no answer to this request")


def _result(name: str, outcome: Outcome) -> dict[str, Any]:
    return {
        "id": name,
        "status": outcome.status,
        "readings": [
            {"request": r.request, "signal": r.signal, "value": r.value, "unit": r.unit, "ecu": r.ecu}
            for r in outcome.readings
        ],
        "vin": outcome.vin or None,
        "dtcs": [{"code": d.code, "class": d.dtc_class.value, "ecu": d.ecu} for d in dict.fromkeys(outcome.dtcs)],
        "reason": outcome.reason,
    }
