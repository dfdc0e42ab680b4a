"""Which car a record speaks of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.identity import IdentityKey, KeyKind, Resolution, identity_keys, normalise, resolve
from sync.records import VehicleRef
from tests.backoffice.facts import VIN_A, VIN_B

VIN_KEY, STOCK_KEY, INTAKE_KEY = (
    IdentityKey(KeyKind.VIN, VIN_A),
    IdentityKey(KeyKind.STOCK, "S77"),
    IdentityKey(KeyKind.INTAKE, "v1"),
)
KEYS = (VIN_KEY, STOCK_KEY, INTAKE_KEY)


@pytest.mark.parametrize("written", ["沪A·12345", "沪a 12345", "沪Ａ１２３４５", "沪-A-12345", "沪A•12345"])
def test_a_plate_has_one_form(written: str) -> None:
    assert normalise(written) == "沪A12345"


@given(st.text())
def test_the_form_is_its_own_form(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


def test_keys_come_strongest_first() -> None:
    assert identity_keys(VehicleRef(vin=VIN_A.lower(), stock_number="s-77", intake_id="v1", plate="x")) == KEYS


def test_half_a_vin_and_a_plate_identify_nothing() -> None:
    assert identity_keys(VehicleRef(vin="LFV2A21", plate="沪A12345")) == ()


def test_a_filler_in_place_of_a_vin_does_not_make_two_cars_one() -> None:
    assert identity_keys(VehicleRef(vin="0" * 17, intake_id="v1")) == (INTAKE_KEY,)


def test_nobody_known_asks_for_a_new_car() -> None:
    assert resolve(KEYS, {}, {}) == Resolution(None)


def test_the_vin_decides_and_absorbs_what_was_provisional() -> None:
    owners = {VIN_KEY: "a", STOCK_KEY: "p", INTAKE_KEY: "q"}
    assert resolve(KEYS, owners, {"a": VIN_A, "p": "", "q": ""}) == Resolution("a", ("q", "p"))


def test_a_stock_number_of_another_vin_is_left_alone() -> None:
    assert resolve(KEYS, {STOCK_KEY: "b"}, {"b": VIN_B}) == Resolution(None)


def test_without_a_vin_a_known_intake_outweighs_a_stock_number() -> None:
    owners = {STOCK_KEY: "a", INTAKE_KEY: "b"}
    assert resolve((STOCK_KEY, INTAKE_KEY), owners, {"a": VIN_A, "b": VIN_B}) == Resolution("b")


def test_two_provisional_cars_become_one() -> None:
    owners = {STOCK_KEY: "p", INTAKE_KEY: "q"}
    assert resolve((STOCK_KEY, INTAKE_KEY), owners, {"p": "", "q": ""}) == Resolution("q", ("p",))
