"""A chain of signed links: what a signature covers, and each way in which a chain no longer holds."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.sheet.chain import (
    Link,
    SealedSheet,
    Statement,
    canonical,
    fingerprint,
    first_break,
    hashes_of,
    sha256,
    spelt_out,
    withdrawal_of,
)
from evidence.sheet.content import sheet_of
from evidence.snapshot import Snapshot
from tests.evidence.cars import NOW

KEY, OTHER_KEY = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
# SHA-256 of nothing (FIPS 180-4)
OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def _link(number: int, previous: str, key: Ed25519PrivateKey = KEY, **more: object) -> Link:
    said = {"kind": "sheet", "number": number, "previous": previous, "device": "bay-box-1", "at": NOW} | more
    return Link.signed(Statement.model_validate(said), key)


def _chain() -> list[Link]:
    first = _link(1, "", content=sha256(b"x"), renderings=hashes_of({"en.pdf": b"p"}))
    second = _link(2, first.hash, kind="withdrawal", withdraws=1, why="another car", replaced_by=3)
    return [first, second, _link(3, second.hash)]


def test_the_one_form_of_a_value_names_what_was_given_in_order_and_without_blanks() -> None:
    said = canonical(Statement(kind="sheet", number=1, previous="", device="工位", at=NOW))

    assert said.decode() == ('{"at":"2026-11-21T09:00:00Z","device":"工位","kind":"sheet","number":1,"previous":""}')


def test_what_is_signed_spells_out_every_default() -> None:
    short = Statement(kind="sheet", number=1, previous="", device="b", at=NOW)

    assert set(json.loads(canonical(spelt_out(short)))) == {
        *("schema", "kind", "number", "previous", "device", "at", "intake_id", "content", "renderings"),
        *("withdraws", "why", "replaced_by"),
    }


def test_hashes_are_hexadecimal_by_name_in_order() -> None:
    assert sha256(b"") == OF_NOTHING
    assert list(hashes_of({"zh.pdf": b"", "en.pdf": b""}).items()) == [("en.pdf", OF_NOTHING), ("zh.pdf", OF_NOTHING)]


def test_a_fingerprint_is_eight_groups_of_four() -> None:
    assert fingerprint("") == "e3b0 c442 98fc 1c14 9afb f4c8 996f b924"


def test_a_whole_chain_has_no_break() -> None:
    assert first_break([]) == 0
    assert first_break(_chain()) == 0
    assert all(link.genuine() for link in _chain())


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (1, {"why": "nobody said why"}),
        (2, {"device": "bay-box-2"}),
        (0, {"content": sha256(b"y")}),
        (0, {"renderings": {"en.pdf": sha256(b"q")}}),
        (2, {"number": 4}),
    ],
)
def test_a_changed_statement_breaks_the_chain_where_it_stands(place: int, change: dict[str, object]) -> None:
    chain = _chain()
    forged = chain[place].statement.model_copy(update=change)
    chain[place] = chain[place].model_copy(update={"statement": forged})

    assert not chain[place].genuine()
    assert first_break(chain) == place + 1


def test_a_link_that_was_left_out_or_put_in_by_its_owner_breaks_the_chain() -> None:
    first, second, third = _chain()

    assert first_break([first, third]) == 2
    assert first_break([second, third]) == 1
    assert first_break([first, _link(2, sha256(b"")), third]) == 2
    assert first_break([first, _link(2, first.hash), third]) == 3


def test_a_signature_of_another_key_is_not_genuine() -> None:
    link, other = _link(1, ""), _link(1, "", OTHER_KEY)

    assert not link.model_copy(update={"signature": other.signature}).genuine()
    assert not link.model_copy(update={"key": other.key}).genuine()
    assert not link.model_copy(update={"key": "f" * 64}).genuine()


def test_a_withdrawal_counts_when_one_of_the_keys_signed_it() -> None:
    chain = _chain()
    said = withdrawal_of(chain, 1, {chain[0].key})

    assert said is not None
    assert (said.why, said.replaced_by) == ("another car", 3)
    assert withdrawal_of(chain, 1, {_link(1, "", OTHER_KEY).key}) is None
    assert withdrawal_of(chain, 2, {chain[0].key}) is None


@pytest.mark.parametrize(
    "change", [{"number": 0}, {"previous": "a" * 63}, {"previous": "g" * 64}, {"why": "x" * 201}, {"kind": "note"}]
)
def test_a_statement_out_of_its_bounds_is_refused(change: dict[str, object]) -> None:
    said = {"kind": "sheet", "number": 1, "previous": "", "device": "b", "at": NOW, "why": "x" * 200}

    assert Statement.model_validate(said).number == 1
    with pytest.raises(ValueError, match="validation error"):
        Statement.model_validate(said | change)


def test_a_sealed_sheet_is_read_back_as_it_was_written() -> None:
    sealed = SealedSheet(link=_link(1, ""), sheet=sheet_of(Snapshot(), (), timezone="UTC"))
    read = SealedSheet.model_validate_json(sealed.to_bytes())

    assert read.to_bytes() == sealed.to_bytes()
    assert read.link.genuine()
