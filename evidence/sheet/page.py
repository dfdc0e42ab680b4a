"""A sheet in one reader's words, ready to be laid out: HTML and PDF say the same because both are drawn from this."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from config.catalogue import Language
from config.makes import spoken_make
from evidence.sheet.chart import Point, mark_of
from evidence.sheet.content import PhotoPart, SellerAnswer, Sheet
from evidence.sheet.words import DASH, Words, check_title, detail_words, verdict_sentence
from evidence.snapshot import CheckPart, DtcPart, Finding, ItemPart, OdometerPart, Result, Severity, VinStatus
from protocols.readings import ItemStatus, Trust

DETAIL_MAX = 60
CODES_MAX, UNREAD_MAX, WITNESSES_MAX, PHOTOS_MAX, REMARKS_MAX = 40, 16, 14, 8, 12
"""A sheet is one page: what is more is counted, not shown."""
SHA_SHOWN = 16
_MIL = {True: "mil_on", False: "mil_off", None: "mil_unknown"}
_RESULT_ORDER = (Result.IMPOSSIBLE, Result.SUSPICIOUS, Result.CONSISTENT, Result.NOT_DETERMINABLE)
_TYPED = frozenset({Trust.TYPED, Trust.PHOTO, Trust.PAPER})


@dataclass(frozen=True, slots=True)
class Fact:
    """``tag`` is the mark of a value that a person gave, empty for one the car told."""

    label: str
    value: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class WitnessRow:
    source: str
    value: str
    trust: str
    gap: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class CodeRow:
    code: str
    words: str
    kind: str


@dataclass(frozen=True, slots=True)
class CheckRow:
    """``answers`` are the seller's, beside the finding they answer."""

    title: str
    result: str
    kind: str
    sentence: str
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SheetPage:
    """Everything a sheet shows, in order."""

    language: Language
    title: str
    subtitle: str
    verdict: str
    verdict_kind: str
    verdict_text: str
    headings: dict[str, str]
    facts: tuple[Fact, ...]
    points: tuple[Point, ...]
    chart_text: str
    witnesses: tuple[WitnessRow, ...]
    codes: tuple[tuple[str, tuple[CodeRow, ...]], ...]
    codes_note: str
    unread: tuple[tuple[str, str], ...]
    checks: tuple[CheckRow, ...]
    remarks: tuple[CheckRow, ...]
    photos: tuple[str, ...]
    foot: tuple[str, ...]


def page_of(sheet: Sheet, language: Language) -> SheetPage:
    """The sheet in the reader's words."""
    w = Words(language, sheet.timezone)
    kept = sum(not point.quarantined for point in sheet.mileage)
    return SheetPage(
        language=language,
        title=w("title"),
        subtitle=_subtitle(sheet, w),
        verdict=w.named("verdict", f"{sheet.verdict}.title"),
        verdict_kind=str(sheet.verdict),
        verdict_text=verdict_sentence(sheet.verdict, sheet.checks, language),
        headings={name: w(name) for name in _HEADINGS},
        facts=_facts(sheet, w),
        points=_points(sheet, w),
        chart_text=w("chart_text", count=kept, apart=len(sheet.mileage) - kept),
        witnesses=_witnesses(sheet, w),
        codes=_codes(sheet.codes, w),
        codes_note=_codes_note(sheet, w),
        unread=_unread(sheet, w),
        checks=_checks(sheet, w),
        remarks=_remarks(sheet, w),
        photos=_photos(sheet.photos, w),
        foot=_foot(sheet, w),
    )


_HEADINGS = ("mileage", "witnesses", "codes", "unread", "verdict", "remarks", "photos", "typed")


def _subtitle(sheet: Sheet, w: Words) -> str:
    issue = sheet.issue
    if not issue.number:
        return w("unsigned")
    return w("number", number=issue.number, device=issue.device, when=w.moment(issue.made_at), zone=sheet.timezone)


def _facts(sheet: Sheet, w: Words) -> tuple[Fact, ...]:
    car, typed = sheet.vehicle, w("typed")
    model = " ".join(part for part in (spoken_make(car.make, w.language), car.model, str(car.model_year or "")) if part)
    vin_tag = typed if car.vin and car.vin_status is VinStatus.TYPED else ""
    clock = w.named("clock", sheet.clock)
    battery = DASH if sheet.battery_v is None else f"{sheet.battery_v:.1f} V"
    return (
        Fact(w("stock_number"), car.stock_number or DASH, typed if car.stock_number else ""),
        Fact(w("plate"), car.plate or DASH, typed if car.plate else ""),
        Fact(w("vin"), car.vin or DASH, vin_tag),
        Fact(w("model"), model or DASH, typed if car.model_source == "picked" else ""),
        _odometer_fact(sheet, w),
        Fact(w("fuel"), w.named("fuel", car.fuel)),
        Fact(w("read_at", zone=sheet.timezone), f"{w.moment(sheet.taken_at)} · {clock}"),
        Fact(w("purpose"), f"{w.named('purpose', sheet.purpose)} · {sheet.bay or DASH}"),
        Fact(w("operator"), sheet.operator or DASH, typed if sheet.operator else ""),
        Fact(w("check_digit"), w.named("check_digit", car.vin_check_digit)),
        Fact(w("battery"), battery),
        Fact(w("mil"), w(_MIL[sheet.mil])),
    )


def _odometer_fact(sheet: Sheet, w: Words) -> Fact:
    if sheet.current is None:
        return Fact(w("odometer"), DASH)
    tag = w("typed") if sheet.current.trust in _TYPED else ""
    return Fact(w("odometer"), f"{w.km(sheet.current.odometer_m)} · {w.named('source', sheet.current.source)}", tag)


def _points(sheet: Sheet, w: Words) -> tuple[Point, ...]:
    points = []
    for value in sheet.mileage:
        if value.at is None:
            continue
        why = w.named("quarantine", value.quarantined) if value.quarantined else w.named("trust", value.trust)
        label = w.km(value.odometer_m)
        note = f"{w.moment(value.at)} · {label} · {w.named('source', value.source)} · {why}"
        points.append(Point(value.at, value.odometer_m, mark_of(value.trust, value.quarantined), label, note))
    return tuple(points)


def _witnesses(sheet: Sheet, w: Words) -> tuple[WitnessRow, ...]:
    current_m = sheet.current.odometer_m if sheet.current else None
    # those that answered come first: what is left out of a long list must not be a value
    ordered = sorted(sheet.witnesses, key=lambda part: part.odometer_m is None)
    rows = [_witness(part, current_m, w) for part in ordered[:WITNESSES_MAX]]
    if len(ordered) > WITNESSES_MAX:
        rows.append(WitnessRow(w("more", count=len(ordered) - WITNESSES_MAX), "", "", ""))
    return tuple(rows)


def _witness(part: OdometerPart, current_m: int | None, w: Words) -> WitnessRow:
    source = " ".join(filter(None, (w.named("source", part.source), part.ecu)))
    if part.odometer_m is None or part.status is not ItemStatus.READ:
        return WitnessRow(source, w.named("status", part.status), "", DASH)
    tag = w("typed") if part.trust in _TYPED else ""
    gap = DASH if current_m is None else _signed(part.odometer_m - current_m, w)
    return WitnessRow(source, w.km(part.odometer_m), w.named("trust", part.trust), gap, tag)


def _signed(gap_m: int, w: Words) -> str:
    sign = "+" if gap_m > 0 else "−" if gap_m < 0 else ""
    return sign + w.km(abs(gap_m))


def _codes(codes: Iterable[DtcPart], w: Words) -> tuple[tuple[str, tuple[CodeRow, ...]], ...]:
    ordered = sorted(codes, key=lambda part: (part.ecu, part.code, part.dtc_class))[:CODES_MAX]
    return tuple(
        (ecu or w("ecu_unknown"), tuple(_code(part, w) for part in group))
        for ecu, group in groupby(ordered, key=lambda part: part.ecu)
    )


def _code(part: DtcPart, w: Words) -> CodeRow:
    words = w.text(part.text).removeprefix(part.code).lstrip(":\N{FULLWIDTH COLON}").strip()
    return CodeRow(part.code, words or w("code_no_text"), w.named("class", part.dtc_class))


def _codes_note(sheet: Sheet, w: Words) -> str:
    """What an empty or shortened list means: "no codes" is said only of lists that were read."""
    notes = []
    if sheet.code_lists_unread:
        unread = [w.named("class", kind) for kind in sheet.code_lists_unread]
        notes.append(w("lists_unread", lists=unread))
    elif not sheet.codes:
        notes.append(w("codes_none"))
    if len(sheet.codes) > CODES_MAX:
        notes.append(w("more", count=len(sheet.codes) - CODES_MAX))
    return " ".join(notes)


def _why_unread(part: ItemPart, w: Words) -> str:
    said = (w.named("status", part.status), detail_words(part.detail, w.language)[:DETAIL_MAX])
    return " ".join(word for word in said if word)


def _unread(sheet: Sheet, w: Words) -> tuple[tuple[str, str], ...]:
    rows = [(w.item(part.item), _why_unread(part, w)) for part in sheet.unread[:UNREAD_MAX]]
    if len(sheet.unread) > UNREAD_MAX:
        rows.append((w("more", count=len(sheet.unread) - UNREAD_MAX), ""))
    return tuple(rows)


def _checks(sheet: Sheet, w: Words) -> tuple[CheckRow, ...]:
    """Every check with its sentence, the telling ones first."""
    ordered = sorted(sheet.checks, key=lambda check: _RESULT_ORDER.index(check.result))
    return tuple(_check(check, sheet.seller, w) for check in ordered)


def _check(check: CheckPart, seller: Sequence[SellerAnswer], w: Words) -> CheckRow:
    return CheckRow(
        title=f"{check.check} {check_title(check, w.language)}",
        result=w.named("result", check.result),
        kind=str(check.result),
        sentence=w.text(check.text),
        answers=_answers(check.rule, seller, w) if check.result in (Result.SUSPICIOUS, Result.IMPOSSIBLE) else (),
    )


def _remarks(sheet: Sheet, w: Words) -> tuple[CheckRow, ...]:
    """Findings that no check has said already."""
    said = {check.rule for check in sheet.checks}
    others = [finding for finding in sheet.findings if finding.rule not in said]
    rows = [_remark(finding, sheet.seller, w) for finding in others[:REMARKS_MAX]]
    if len(others) > REMARKS_MAX:
        rows.append(CheckRow(w("more", count=len(others) - REMARKS_MAX), "", str(Severity.NOTE), ""))
    return tuple(rows)


def _remark(finding: Finding, seller: Sequence[SellerAnswer], w: Words) -> CheckRow:
    return CheckRow(
        title=w.named("rule", f"{finding.rule}.title"),
        result=w.named("severity", finding.severity),
        kind=str(finding.severity),
        sentence=w.text(finding.text),
        answers=_answers(finding.rule, seller, w),
    )


def _answers(rule: str, seller: Sequence[SellerAnswer], w: Words) -> tuple[str, ...]:
    mine = (answer for answer in seller if answer.rule == rule)
    return tuple(
        w("answer", text=one.text.lstrip("@"), operator=one.operator or DASH, when=w.moment(one.at)) for one in mine
    )


def _photos(photos: Sequence[PhotoPart], w: Words) -> tuple[str, ...]:
    lines = [
        w("photo", sha=part.sha256[:SHA_SHOWN], kilobytes=max(1, part.size_bytes // 1024), when=w.moment(part.added_at))
        for part in photos[:PHOTOS_MAX]
    ]
    if len(photos) > PHOTOS_MAX:
        lines.append(w("more", count=len(photos) - PHOTOS_MAX))
    return tuple(lines)


def _foot(sheet: Sheet, w: Words) -> tuple[str, ...]:
    signed = w("signed", device=sheet.issue.device, fingerprint=sheet.issue.key) if sheet.issue.key else w("not_signed")
    judged = w("provisional") if sheet.provisional else w("everything")
    return (w("typed_means"), judged, signed)
