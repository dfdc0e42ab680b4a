"""What a message may and must say."""

from hypothesis import given
from hypothesis import strategies as st

from backoffice.messages import compose
from backoffice.views import AlertView
from evidence.snapshot import Severity, Text
from tests.backoffice.lot import CLEAN, NOW


def alert(**more: object) -> AlertView:
    known: dict[str, object] = {
        "id": "a1",
        "vehicle_id": "v1",
        "rule": "codes.new",
        "severity": Severity.SOON,
        "text": Text(en="New codes.", zh="有新故障码。"),
        "stock_number": "A-101",
        "vin_tail": CLEAN[-4:],
        "opened_at": NOW,
        "updated_at": NOW,
    }
    return AlertView.model_validate(known | more)


def test_a_message_says_what_happened_to_which_car_and_where_to_look() -> None:
    message = compose(alert(), "en", "https://office.test")

    assert message.title == "Act soon: New trouble codes (A-101)"
    assert message.body.splitlines() == [
        f"Stock number A-101, VIN ending in {CLEAN[-4:]}",
        "Evidence and what to do: https://office.test/vehicles/v1",
    ]
    assert message.kind == "warning"


def test_both_languages_come_one_after_the_other() -> None:
    body = compose(alert(), "both", "").body

    assert body.index("库存号") < body.index("Stock number")


def test_a_car_without_a_vin_says_so() -> None:
    assert "VIN not known" in compose(alert(vin_tail=""), "en", "").body


def test_what_was_found_stays_behind_the_link() -> None:
    body = compose(alert(text=Text(en="P0301 at 83,412 km", zh="P0301")), "both", "https://office.test").body

    assert "P0301" not in body
    assert "83,412" not in body


def test_a_whole_vin_typed_as_stock_number_is_cut_to_its_last_four() -> None:
    message = compose(alert(stock_number=CLEAN), "en", "")

    assert CLEAN not in message.title + message.body
    assert f"…{CLEAN[-4:]}" in message.body


def test_an_unknown_rule_is_named_as_it_is() -> None:
    assert "made.up" in compose(alert(rule="made.up"), "en", "").title


@given(st.text(max_size=40), st.text(max_size=4))
def test_any_stock_number_can_be_sent(stock_number: str, tail: str) -> None:
    message = compose(alert(stock_number=stock_number, vin_tail=tail), "both", "http://o.test")

    assert message.title and message.body
