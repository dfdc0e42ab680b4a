"""Everything the program says to a person exists in Chinese, and the choice of language is the person's."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import words
from simulator.cli import main
from simulator.control import obey
from simulator.library import load, names
from simulator.station import Station

SIMULATOR = Path(words.__file__).parent
HAN = re.compile(r"[一-鿿]")
# the argument of each call that holds a text for a person
CALLS = {
    "SimulatorError": 0,
    "LinkError": 0,
    "tell": 0,
    "_note": 0,
    "error": 0,
    "said": 0,
    "fail": 1,
    "ScenarioError": 3,
}
KEYWORDS = ("help", "description")
# texts that are put together from others, or go nowhere but into a longer one
PUT_TOGETHER = {"unknown key{}", "{} {}: {}", "{}: {}", "fleet", "{}"}


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    words.speak([], {})


def template(node: ast.expr) -> str:
    """A text as it is written, with {} for what is filled in; nothing for what is computed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        return "".join(str(part) for part in parts)
    if isinstance(node, ast.BinOp):
        return (template(node.left) or "{}") + (template(node.right) or "{}")
    return ""


def written(node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    place = CALLS.get(name)
    if place is not None and len(node.args) > place:
        yield template(node.args[place])
    yield from (template(keyword.value) for keyword in node.keywords if keyword.arg in KEYWORDS)
    if name == "add_argument_group":
        yield from map(template, node.args)
    if name == "fail" and len(node.args) > 1 and isinstance(node.args[1], ast.IfExp):
        yield from (template(node.args[1].body), template(node.args[1].orelse))
    if name == "_value" and len(node.args) > 2:
        yield template(node.args[2])


def all_written() -> set[str]:
    files = sorted(SIMULATOR.rglob("*.py"))
    return {text for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))) for text in written(node)}


def test_every_text_for_a_person_has_its_chinese() -> None:
    missing = {text for text in all_written() if text} - PUT_TOGETHER - set(words.catalogue())

    assert missing == set(), "add them to simulator/words.zh.toml"


def test_nothing_is_kept_that_nobody_says() -> None:
    ours = set(tomllib.loads(words.CATALOGUE.read_text("utf-8"))["ours"])
    parts = {"unknown key", "unknown key, did you mean {}?", "on or off", "a list", "a date or time"}

    assert ours - all_written() - parts == set()


@pytest.mark.parametrize("english", list(words.catalogue()))
def test_a_translation_fills_in_the_same_things(english: str) -> None:
    own = words.catalogue()[english]
    count = english.count("{}")

    assert own.format(*(f"<{number}>" for number in range(count))).count("<") == count
    assert HAN.search(own) or not re.search(r"[a-z]{3}", english.replace("true or false", ""))


@pytest.mark.parametrize("name", names())
def test_every_scenario_has_a_chinese_title(name: str) -> None:
    assert HAN.search(load(name).title_zh) or not re.search(r"[a-z]", load(name).title_zh)
    assert load(name).title_zh


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, False),
        ([], {"LANG": "zh_CN.UTF-8"}, True),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, False),
        ([], {"LANG": "de_DE", "LC_MESSAGES": "zh_TW"}, True),
        (["--language", "zh"], {}, True),
        (["--language=en"], {"LANG": "zh_CN"}, False),
        (["--language"], {"LANG": "zh_CN"}, True),
        (["--language", "fr"], {}, False),
    ],
)
def test_the_language_is_the_persons_choice(arguments: list[str], environment: dict[str, str], expected: bool) -> None:
    words.speak(arguments, environment)

    assert words.chinese() is expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--fly"), "无法识别的参数：--fly"),
        (("--language", "fr"), "argument --language: invalid choice"),
        (("--scenario", "clean"), "至少给出 --tcp 主机:端口"),
        (("--scenario", "clean", "--tcp", "127.0.0.1:0", "--ecu-ms", "soon"), "参数 --ecu-ms：'soon' 不是有效的 float"),
        (("--scenario", "clean", "--tcp", "192.0.2.1:0"), "无法监听：无法使用该地址"),
        (("--scenario", "clean", "--tcp", "127.0.0.1:0", "--fault", "gremlin"), "没有此故障；可用：nul, stray-fc"),
        (("--scenario", "/nowhere/x.toml", "--tcp", "127.0.0.1:0"), "x.toml：无法读取：没有那个文件或目录"),
        (("record", "--adapter", "tcp:127.0.0.1:1", "/nowhere/x.toml"), "无法连接：连接被拒绝"),
    ],
)
def test_what_is_wrong_is_said_in_chinese(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "" if "fr" in arguments else "zh_CN.UTF-8")
    monkeypatch.setenv("LANG", "C")

    assert main(arguments) in (2, 3)

    complaint = capsys.readouterr().err
    assert said in complaint and len(complaint.splitlines()) == 1


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("fly", "无法理解 'fly'；可用：unplug"),
        ("speed", "speed：应为 speed KMH"),
        ("speed fast", "speed：'fast' 不是 数字"),
        ("heal 1.5", "heal：'1.5' 不是 整数"),
        ("speed 300", "speed：300 超出 0 至 255"),
        ("engine maybe", "engine：'maybe' 不是 on 或 off"),
        ("plug dirty", "没有名为 'dirty' 的情景"),
        ("drive 5 0", "drive：车速为 0 无法到达"),
        ("break P0420 nobody", "'nobody' 不在可选范围内：engine, gearbox"),
        ("fault gremlin", "没有此故障"),
    ],
)
async def test_an_order_that_cannot_be_obeyed_is_refused_in_chinese(order: str, said: str) -> None:
    words.speak(["--language", "zh"], {})

    answer = await obey(Station(load("clean"), 1, clock="virtual"), order)

    assert answer["ok"] is False
    assert said in str(answer["error"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("vin = 7", "应为文本，实为整数"),
        ('vin = ["A"]', "应为文本，实为列表"),
        ("vin = 2020-01-01", "应为文本，实为日期或时间"),
    ],
)
def test_a_value_of_another_kind_is_named_in_words(
    line: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'title = "x"\n[car]\n{line}\n', encoding="utf-8")

    assert main(["--language", "zh", "--scenario", str(file), "--tcp", "127.0.0.1:0"]) == 2

    assert said in capsys.readouterr().err


def test_a_wrong_scenario_is_named_in_chinese_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('title = "x"\n\n[car]\nmake = 7\n', encoding="utf-8")

    assert main(["--language", "zh", "--scenario", str(file), "--tcp", "127.0.0.1:0"]) == 2

    assert capsys.readouterr().err == "forecourt-sim: mine.toml:3：car.vin：缺少\n"


@pytest.mark.parametrize("arguments", [("--help",), ("record", "--help")])
def test_the_help_is_chinese_throughout(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*arguments, "--language", "zh"])

    help_ = capsys.readouterr().out
    described = [line for line in help_.splitlines() if re.match(r"  (-|--)[a-z].*  \S", line)]
    assert described
    assert [line for line in described if not HAN.search(line) and "unplug" not in line] == []
    assert all(word not in help_ for word in ("usage:", "options:", "positional"))


def test_the_list_is_chinese_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--language", "zh"]) == 0

    said = capsys.readouterr().out
    assert "1 次到店  Volkswagen Lavida: 没有问题" in said and "适配器：elm-1.4b" in said


@given(st.text(max_size=60))
def test_any_text_can_be_said(text: str) -> None:
    words.speak(["--language", "zh"], {})

    assert words.said(text) == text or HAN.search(words.said(text)) or "：" in words.said(text)
