"""Sealed bytes: what was sealed comes back, and whatever was changed does not."""

from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.sealed import need_cipher

need_cipher()  # before the module that needs it

from sync import sealed_bytes  # noqa: E402
from sync.sealed_bytes import seal_stream, sealed, unseal_stream, unsealed  # noqa: E402
from sync.vault import PLAIN, SEALED_MAGIC, DamagedContentError  # noqa: E402

KEY, OTHER = bytes(range(32)), bytes(32)
CHUNK = 16  # small, so that a few bytes are several chunks
PLATE = "沪A70F31".encode()
KEPT = bytes.fromhex(
    "666f7265636f7572742d7365616c65642f310aea98a033ec0fce7cb61fc9b100e5d4d8af9f957b935402a4051f6a82b16efd"
    "7a11741477d08b698a44d4f2c509af96e52175d6c76a245e922bfff7fd5462e818ba73d2faa2c6b0840529cd"
)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_bytes, "CHUNK_BYTES", CHUNK)


def test_what_an_earlier_version_sealed_can_still_be_read() -> None:
    assert unsealed(KEY, "photo", KEPT) == PLATE * 3


@given(st.binary(max_size=5 * CHUNK))
@example(b"")
@example(bytes(CHUNK))
@example(bytes(2 * CHUNK))
def test_what_was_sealed_comes_back(content: bytes) -> None:
    kept = sealed(KEY, "photo", content)

    assert kept.startswith(SEALED_MAGIC)
    assert unsealed(KEY, "photo", kept) == content
    assert len(content) < 4 or content not in kept.removeprefix(SEALED_MAGIC)


def test_the_same_content_is_never_sealed_alike() -> None:
    assert sealed(KEY, "photo", PLATE) != sealed(KEY, "photo", PLATE)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_every_changed_bit_and_every_shorter_or_longer_form_is_noticed(size: int) -> None:
    kept = sealed(KEY, "photo", PLATE[:1] * size)
    changed = [kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :] for at in range(len(kept))]
    cut = [kept[:at] for at in range(len(kept))]

    for wrong in (*changed, *cut, kept + b"\0", kept + kept):
        with pytest.raises(DamagedContentError):
            unsealed(KEY, "photo", wrong)


def test_chunks_that_changed_places_are_noticed() -> None:
    kept = sealed(KEY, "photo", bytes(range(3 * CHUNK)))
    head, size = len(SEALED_MAGIC) + 16, CHUNK + 16
    first, second, last = (kept[head + n * size : head + (n + 1) * size] for n in range(3))

    for wrong in (second + first + last, first + last, first + second, first + second + second + last):
        with pytest.raises(DamagedContentError):
            unsealed(KEY, "photo", kept[:head] + wrong)


@pytest.mark.parametrize(("key", "name"), [(OTHER, "photo"), (KEY, "another")])
def test_another_key_or_name_opens_nothing(key: bytes, name: str) -> None:
    with pytest.raises(DamagedContentError, match=name):
        unsealed(key, name, sealed(KEY, "photo", PLATE))


@given(st.binary(max_size=100))
@example(SEALED_MAGIC)
@example(SEALED_MAGIC + bytes(16))
@example(SEALED_MAGIC + bytes(32))
def test_any_other_bytes_are_refused_in_one_way(data: bytes) -> None:
    with pytest.raises(DamagedContentError):
        unsealed(KEY, "photo", data)


def test_without_a_key_sealed_bytes_are_not_taken_for_content() -> None:
    with pytest.raises(DamagedContentError):
        PLAIN.unseal("photo", sealed(KEY, "photo", PLATE))


def test_a_large_content_is_handled_piece_by_piece() -> None:
    parts = list(seal_stream(KEY, "large", BytesIO(bytes(10 * CHUNK))))

    assert [len(part) for part in parts[1:]] == [CHUNK + 16] * 10
    assert [len(part) for part in unseal_stream(KEY, "large", BytesIO(b"".join(parts)))] == [CHUNK] * 10
