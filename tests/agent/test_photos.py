"""A photo keeps its picture and how it was held, and loses everything else."""

import struct

import pytest

from agent.errors import AnswerError
from agent.photos import PHOTO_MAX_BYTES, photo_of
from tests.agent.cars import JPEG, NOW


def exif(order: str, *, orientation: int) -> bytes:
    """An Exif segment with an orientation and a place."""
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    entries = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack(f"{order}HHII", 0x8825, 4, 1, 99)
    tiff = mark + struct.pack(f"{order}IH", 8, 2) + entries + b"GPS 31.2304 N"
    return b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\x00\x00" + tiff


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_photo_loses_its_place_and_keeps_how_it_was_held(order: str) -> None:
    data = JPEG[:2] + exif(order, orientation=6) + b"\xff\xfe\x00\x06note" + JPEG[2:] + b"trailer"

    kept, part = photo_of(data, NOW)

    assert b"GPS" not in kept
    assert b"note" not in kept
    assert b"picture" in kept
    assert b"trailer" not in kept
    assert kept[2:4] == b"\xff\xe1"
    assert kept[31] == 6
    assert (part.media_type, part.size_bytes) == ("image/jpeg", len(kept))
    assert photo_of(kept, NOW)[0] == kept


def test_a_photo_ends_with_its_picture_and_says_nothing_between_its_scans() -> None:
    place = b"\xff\xe1\x00\x0cExif\x00\x00GPS!"
    scan = b"\xff\xda\x00\x04\x01\x02" + b"data\xff\x00\xff\xd0more"
    several = b"\xff\xe2\x00\x08MPF\x00\x01\x02"
    colours = b"\xff\xe2\x00\x10ICC_PROFILE\x00\x01\x01"
    picture = b"\xff\xd8" + colours + several + scan + place + b"\xff\xfe\x00\x06GPS!" + scan + b"\xff\xd9"
    second = b"\xff\xd8" + place + scan + b"\xff\xd9"

    kept, _ = photo_of(picture + second + b"film\xff\xd9", NOW)

    assert kept == b"\xff\xd8" + colours + scan + scan + b"\xff\xd9"


def test_a_png_keeps_only_its_picture() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + b"\0\0\0\0"

    picture = [chunk(b"IHDR", b"h" * 13), chunk(b"IDAT", b"pixels"), chunk(b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + picture[0] + chunk(b"eXIf", b"GPS") + chunk(b"tEXt", b"x") + picture[1] + picture[2]

    kept, part = photo_of(data + b"more", NOW)

    assert kept == b"\x89PNG\r\n\x1a\n" + b"".join(picture)
    assert part.media_type == "image/png"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\xff\xff",
        JPEG[:-2],
        b"\xff\xd8\xff\xff\xff\xff",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT....",
        JPEG + b"\0" * PHOTO_MAX_BYTES,
    ],
)
def test_what_is_no_whole_photo_is_refused(data: bytes) -> None:
    with pytest.raises(AnswerError):
        photo_of(data, NOW)


def test_a_photo_of_nothing_but_parts_is_refused_soon() -> None:
    with pytest.raises(AnswerError):
        photo_of(b"\xff\xd8" + b"\xff\xda\x00\x02" * 1_000_000 + b"\xff\xd9", NOW)
