"""Photos of the dash as they are kept: JPEG or PNG of a bounded size, without the place, device and notes inside them.

The picture itself is not touched: segments that say more than the picture are left out, byte for byte the rest stays.
"""

import hashlib
import re
import struct
from collections.abc import Iterator
from datetime import datetime

from agent.errors import AnswerError
from evidence.sheet.content import PhotoPart

PHOTO_MAX_BYTES = 8 * 1024 * 1024
PARTS_MAX = 20_000
"""Segments and fill bytes of one photo: cameras write some dozens; more is made to keep a box busy."""
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# JPEG (ITU-T T.81): what may stand beside the picture; APP0 is JFIF, APP2 the colour profile, APP14 Adobe's colours
_KEPT_APPS = {0xE0: b"", 0xE2: b"ICC_PROFILE\x00", 0xEE: b""}
_APPS, _COMMENT, _SCAN, _END = range(0xE0, 0xF0), 0xFE, 0xDA, 0xD9
# within a scan FF is data when 00 or a restart follows it; anything else is the next marker
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# PNG (ISO 15948): chunks that draw the picture; text, time and Exif are not among them
_KEPT_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs"}
)
_EXIF = b"Exif\x00\x00"
_ORIENTATION = 0x0112


def photo_of(data: bytes, now: datetime) -> tuple[bytes, PhotoPart]:
    """The photo as it is kept, and how it is named; raise AnswerError for what is no JPEG or PNG, or is too large."""
    if len(data) > PHOTO_MAX_BYTES:
        raise AnswerError("sheet_error.photo_large", most=PHOTO_MAX_BYTES // (1024 * 1024))
    if data.startswith(_JPEG):
        kept, media_type = _jpeg(data), "image/jpeg"
    elif data.startswith(_PNG):
        kept, media_type = _png(data), "image/png"
    else:
        raise AnswerError("sheet_error.photo_type")
    name = hashlib.sha256(kept).hexdigest()
    return kept, PhotoPart(sha256=name, media_type=media_type, size_bytes=len(kept), added_at=now)


def _jpeg(data: bytes) -> bytes:
    kept, turned = [b"\xff\xd8"], 1
    for marker, segment in _segments(data):
        if segment[4:].startswith(_EXIF):
            turned = _orientation(segment[10:])
        elif marker == _COMMENT or (marker in _APPS and not _is_kept(marker, segment)):
            continue
        else:
            kept.append(segment)
    if turned != 1:
        kept.insert(1, _only_orientation(turned))
    return b"".join(kept)


def _is_kept(marker: int, segment: bytes) -> bool:
    beginning = _KEPT_APPS.get(marker)
    return beginning is not None and segment[4:].startswith(beginning)


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each marker segment, a scan with its data, up to the picture's end; a second picture or film behind it is not."""
    place, scanned = 2, False
    for _ in range(PARTS_MAX):
        if place + 2 > len(data) or data[place] != 0xFF:
            break
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker == _END:
            if scanned:
                yield marker, data[place : place + 2]
                return
            break
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        end = place + 2 + length
        if length < 2 or end > len(data):
            break
        if marker == _SCAN:
            after = _MARKER_IN_SCAN.search(data, end)
            scanned, end = True, after.start() if after else len(data)
        yield marker, data[place:end]
        place = end
    raise AnswerError("sheet_error.photo_type")


def _orientation(tiff: bytes) -> int:
    """How the camera was held (Exif 2.3, 0112): 1 to 8, 1 when nothing sensible says so."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    start = struct.unpack_from(f"{order}I", tiff, 4)[0]
    if start + 2 > len(tiff):
        return 1
    count = struct.unpack_from(f"{order}H", tiff, start)[0]
    for place in range(start + 2, min(start + 2 + 12 * count, len(tiff) - 11), 12):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, place)
        if tag == _ORIENTATION:
            return int(value) if 1 <= value <= 8 else 1
    return 1


def _only_orientation(turned: int) -> bytes:
    """An Exif segment that says how to turn the picture, and nothing else."""
    tiff = b"MM\x00\x2a\x00\x00\x00\x08" + struct.pack(">HHHIHHI", 1, _ORIENTATION, 3, 1, turned, 0, 0)
    return b"\xff\xe1" + (len(_EXIF) + len(tiff) + 2).to_bytes(2, "big") + _EXIF + tiff


def _png(data: bytes) -> bytes:
    kept, place = [_PNG], len(_PNG)
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        kind, end = data[place + 4 : place + 8], place + 12 + length
        if end > len(data):
            break
        if kind in _KEPT_CHUNKS:
            kept.append(data[place:end])
        if kind == b"IEND":
            return b"".join(kept)
        place = end
    raise AnswerError("sheet_error.photo_type")
