"""Every trouble code gets a sentence in both languages."""

from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evidence.code_text import code_text


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("P0300", "several cylinders", "多个气缸"),
        ("P0301", "cylinder 1", "第 1 缸失火"),
        ("P0312", "cylinder 12", "第 12 缸失火"),
        ("P0313", "ignition", "点火系统或失火"),
        ("P0320", "ignition", "点火系统或失火"),
        ("P0171", "too lean", "混合气过稀"),
        ("P0199", "fuel and air", "燃油和空气计量"),
        ("P0420", "catalyst efficiency", "催化器效率"),
        ("P0499", "emission controls", "排放控制"),
        ("P0700", "gearbox", "变速器"),
        ("P0A99", "hybrid", "电驱动"),
        ("P1234", "maker's own", "厂家自定义"),
        ("P3000", "maker's own", "厂家自定义"),
        ("P3400", "cylinder deactivation", "气缸停用"),
        ("C0099", "brakes", "制动"),
        ("C1234", "maker's own", "厂家自定义"),
        ("B0001", "airbags", "安全气囊"),
        ("B2345", "maker's own", "厂家自定义"),
        ("U0100", "no communication", "失去通信"),
        ("U1000", "maker's own", "厂家自定义"),
        ("P01", "fuel and air", "燃油和空气计量"),
        ("P0", "not a trouble code", "不是标准故障码"),
        ("", "not a trouble code", "不是标准故障码"),
        ("X", "not a trouble code", "不是标准故障码"),
    ],
)
def test_the_narrowest_group_speaks(code: str, english: str, chinese: str) -> None:
    text = code_text(code)

    assert english in text.en.lower()
    assert chinese in text.zh


def test_every_code_there_can_be_has_both_texts() -> None:
    for system, first, second in product("PCBU", "0123", "0123456789ABCDEF"):
        text = code_text(f"{system}{first}{second}42")
        assert text.zh
        assert "not a trouble code" not in text.en.lower()


def test_a_better_english_text_is_taken_and_an_empty_one_is_not() -> None:
    assert code_text("P0420", lambda _: "Catalyst efficiency below threshold").en == (
        "Catalyst efficiency below threshold"
    )
    assert code_text("P0420", lambda _: " ").en == code_text("P0420").en


@given(st.text(max_size=12))
@example("P03²")
def test_any_text_is_answered(text: str) -> None:
    assert code_text(text).zh


def test_a_better_english_text_is_said_in_chinese_too() -> None:
    text = code_text("P0199", lambda _: "Engine Oil Temperature Sensor Intermittent")

    assert text.zh == "机油温度传感器间歇性故障"
    assert code_text("P0199", lambda _: "Flux Capacitor").zh == code_text("P0199").zh
    assert code_text("P0301", lambda _: "Cylinder 1 Misfire Detected").zh == code_text("P0301").zh
