"""Every trouble-code sentence of the table is said in Chinese, whole and by a checked glossary."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.code_words import in_chinese

codes = pytest.importorskip("obd.codes", reason="python-OBD is not installed")
KEPT = {"CAN", "DC", "SAE"}


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("O2 Sensor Circuit Low Voltage", "氧传感器电路电压过低"),
        ("Cylinder 3 Misfire Detected", "第 3 缸检测到失火"),
        ("Cylinder #11 Above Knock Threshold", "第 11 缸超过爆震阈值"),
        ("Ignition Coil 'L' Primary Control Circuit Low", "点火线圈 L 初级控制电路电压过低"),
        ("Lost Communication With 'Door Control Module A'", "与车门控制模块 A 失去通信"),
        ("Software Incompatibility with Body Control Module", "与车身控制模块的软件不兼容"),
        ("Crankshaft Position - Camshaft Position Correlation", "曲轴位置与凸轮轴位置相关性异常"),
        ("Vehicle Communication Bus A (shorted to Bus B)", "车辆通信总线 A 与总线 B 短路"),
        ("Air Leak Between MAF and Throttle Body", "空气流量计与节气门体之间漏气"),
        ("System Too Lean at Idle (Bank 2)", "系统混合气过稀（怠速时）（第 2 列）"),
        ("Catalyst System Efficiency Below Threshold", "催化器系统效率低于阈值"),
        ("Gear 3 Incorrect Ratio", "3 挡传动比不正确"),
        ("Shift Solenoid 'B'", "换挡电磁阀 B 故障"),
        ("Turbo/Super Charger Underboost", "涡轮/机械增压器增压不足"),
        ("  Fuel   Pump 'B' Control Circuit /Open ", "燃油泵 B 控制电路故障或断路"),
    ],
)
def test_a_sentence_is_composed_as_a_chinese_mechanic_would_say_it(english: str, chinese: str) -> None:
    assert in_chinese(english) == chinese


def test_no_sentence_of_the_table_is_left_untranslated() -> None:
    said = {code: in_chinese(text) for code, text in codes.DTC.items()}
    foreign = {
        code: text for code, text in said.items() if set(re.findall("[A-Za-z]{2,}", text)) - KEPT or not text.strip()
    }

    assert foreign == {}
    assert len(said) > 2000


@pytest.mark.parametrize("english", ["", "Flux Capacitor Circuit", "Lost Communication With Flux Capacitor", "?"])
def test_a_sentence_with_an_unknown_word_is_not_half_translated(english: str) -> None:
    assert in_chinese(english) == ""


@given(st.text(max_size=300))
def test_any_text_is_answered_in_bounded_time(text: str) -> None:
    assert len(in_chinese(text)) < 2000
