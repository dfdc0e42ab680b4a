"""Which characteristics are the serial line of a device, from lists as real adapters and other devices give them."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ble_link import LEAST_WRITE_BYTES, MOST_WRITE_BYTES, write_size
from collector.ble_uart import SAYS, TAKES, choose_uart, short


@dataclass(frozen=True)
class Found:
    uuid: str
    properties: tuple[str, ...]


def sig(number: str) -> str:
    return f"0000{number}-0000-1000-8000-00805f9b34fb"


def found(uuid: str, *properties: str) -> Found:
    return Found(sig(uuid) if len(uuid) == 4 else uuid, properties)


ACCESS = (sig("1800"), [found("2a00", "read", "write"), found("2a05", "indicate")])
BATTERY = (sig("180f"), [found("2a19", "read", "notify", "write")])
OWN = "e7810a71-73ae-499d-8c15-faa9aef0c3f2"
BOTH = "bef8d6c9-9c21-4c9e-b632-bd58c1009f9f"


@pytest.mark.parametrize(
    ("offers", "pair"),
    [
        ([ACCESS, (sig("fff0"), [found("fff1", "notify"), found("fff2", "write")])], ("fff1", "fff2")),
        # a clone that gives both to both: its names say which is which
        ([(sig("fff0"), [found("fff1", "notify", "write"), found("fff2", "notify", "write")])], ("fff1", "fff2")),
        ([(sig("fff0"), [found("fff2", "notify"), found("fff1", "write")])], ("fff2", "fff1")),
        ([(sig("ffe0"), [found("ffe1", "notify", "write-without-response")])], ("ffe1", "ffe1")),
        ([(sig("ffe0"), [found("ffe1", "notify"), found("ffe2", "write")])], ("ffe1", "ffe2")),
        ([(sig("18f0"), [found("2af1", "write"), found("2af0", "notify")])], ("2af0", "2af1")),
        ([BATTERY, (OWN, [found(BOTH, "notify", "write")])], (BOTH, BOTH)),
        # a number of the SIG after a maker's own, a known one before both
        ([(sig("ae30"), [found("ae02", "notify"), found("ae01", "write")]), (OWN, [found(BOTH, "indicate", "write")])],
         (BOTH, BOTH)),
        ([(OWN, [found(BOTH, "notify", "write")]), (sig("fff0"), [found("fff1", "notify"), found("fff2", "write")])],
         ("fff1", "fff2")),
        # a known number that cannot carry both ways is no line
        ([(sig("fff0"), [found("fff1", "read")]), (OWN, [found(BOTH, "notify", "write")])], (BOTH, BOTH)),
    ],
)  # fmt: skip
def test_the_line_is_found_where_it_is(offers: list[tuple[str, list[Found]]], pair: tuple[str, str]) -> None:
    chosen = choose_uart(offers)

    assert chosen is not None
    assert (short(chosen[0].uuid), short(chosen[1].uuid)) == pair


@pytest.mark.parametrize("offers", [[], [ACCESS, BATTERY], [(OWN, [found(BOTH, "notify")])], [(OWN, [])]])
def test_a_device_without_a_line_has_none(offers: list[tuple[str, list[Found]]]) -> None:
    assert choose_uart(offers) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from([sig("fff0"), sig("1800"), OWN, "", "x"]),
            st.lists(
                st.builds(
                    Found,
                    st.sampled_from([sig("fff1"), sig("2af0"), BOTH, ""]),
                    st.lists(st.sampled_from(sorted(SAYS | TAKES | {"read", "broadcast"})), max_size=3).map(tuple),
                ),
                max_size=4,
            ),
        ),
        max_size=4,
    )
)
def test_whatever_a_device_offers_the_chosen_ones_can_do_it(offers: list[tuple[str, list[Found]]]) -> None:
    chosen = choose_uart(offers)

    if chosen is not None:
        assert SAYS & set(chosen[0].properties)
        assert TAKES & set(chosen[1].properties)


@pytest.mark.parametrize(
    ("most", "size"), [(0, LEAST_WRITE_BYTES), (20, 20), (182, 182), (509, MOST_WRITE_BYTES), (-3, LEAST_WRITE_BYTES)]
)
def test_a_write_fits_the_packet_of_this_link(most: int, size: int) -> None:
    assert write_size(most) == size
