"""Reads scenario files: TOML that a person writes, checked strictly, kilometres in the file and metres here."""

from pathlib import Path

from simulator.car import METRES_PER_KM, Counters, Ecu, Leg, MakerRead
from simulator.codes import CLASSES, Code, is_code
from simulator.errors import SimulatorError
from simulator.faults import parse_fault
from simulator.links import LINKS, Kind, Link
from simulator.orders import check_order
from simulator.people import inspection_of, road_test_of
from simulator.pids import ENCODERS, FUEL_TYPES, PID_SETS, is_mask, whole_km
from simulator.plausible import check_counters, check_sequence, check_visit
from simulator.profiles import DEFAULT_PROFILE, PROFILES
from simulator.recorded import recorded_answers
from simulator.scenario import LastService, Scenario, Step, UnitState, UsualAdapter, Visit, monitors_of
from simulator.toml_reader import Table, read

LIBRARY = Path(__file__).parent / "scenarios"
CHECKS = tuple(f"K{number}" for number in range(1, 11))
TAMPERINGS = (
    "all_modules", "cluster_only", "can_filter", "blocker", "pre_sale_clear", "cluster_swap_with_papers", "ecu_swap",
)  # fmt: skip
VERDICTS = ("consistent", "suspicious", "impossible", "not_determinable")

MOST_CODES = 100

_VIN_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


def names() -> list[str]:
    """The scenarios that come with the simulator."""
    return sorted(file.stem for file in LIBRARY.glob("*.toml"))


def find(name: str) -> Path:
    """The file of a scenario given by name or path; SimulatorError when there is none."""
    if name.endswith(".toml") or "/" in name:
        return Path(name)
    file = LIBRARY / f"{name}.toml"
    if not file.is_file():
        raise SimulatorError(f"scenario {name!r}: there is none of this name; known: {', '.join(names())}")
    return file


def load(name: str) -> Scenario:
    """Read and check one scenario; ScenarioError names file, line and key of the first thing wrong."""
    return checked(read(find(name)))


def checked(root: Table) -> Scenario:
    """The scenario in a file's root table; ScenarioError names file, line and key of the first thing wrong."""
    scenario = _scenario(root)
    root.finish()
    return scenario


def _scenario(root: Table) -> Scenario:
    car = root.table("car")
    if car is None:
        raise root.fail("car", "is missing")
    vin = _vin(car)
    link = LINKS[car.text("link", "can11-500", among=LINKS)]
    fuel = car.text("fuel", "petrol", among=FUEL_TYPES)
    ecus = tuple(_ecu(table, link, vin) for table in car.tables("ecu"))
    silent = car.flag("silent", default=False)
    if not ecus and not silent:
        raise car.fail("ecu", "is missing: a car that answers needs at least one [[car.ecu]]")
    roles = [ecu.role for ecu in ecus]
    if len(set(roles)) < len(roles):
        raise car.fail("ecu", "two ECUs have the same role")
    scenario = Scenario(
        name=root.file.stem,
        title=root.text("title"),
        make=car.text("make"),
        model=car.text("model", ""),
        model_year=car.whole("model_year", low=1980, high=2039),
        vin=vin,
        fuel=fuel,
        link=link,
        silent=silent,
        ecus=ecus,
        visits=_visits(root, roles, fuel),
        adapter=_adapter(root),
        title_zh=root.text("title_zh", ""),
        checks=_checks(root),
        twin_of=root.text("twin_of", ""),
    )
    car.finish()
    return scenario


def _adapter(root: Table) -> UsualAdapter:
    table = root.table("adapter")
    if table is None:
        return UsualAdapter()
    adapter = UsualAdapter(
        profile=table.text("profile", DEFAULT_PROFILE, among=PROFILES),
        baud=table.whole("baud", 0, high=2_000_000),
        ecu_ms=table.number("ecu_ms", 0.0, high=5000),
        faults=table.texts("faults", ()),
    )
    for text in adapter.faults:
        try:
            parse_fault(text)
        except SimulatorError as error:
            raise table.fail("faults", str(error)) from None
    table.finish()
    return adapter


def _visits(root: Table, roles: list[str], fuel: str) -> tuple[Visit, ...]:
    tables = root.tables("visit")
    if not tables:
        raise root.fail("visit", "is missing: a scenario needs at least one [[visit]]")
    visits = tuple(_visit(table, roles, fuel) for table in tables)
    check_sequence(tables, visits)
    return visits


def _checks(root: Table) -> tuple[str, ...]:
    checks = root.texts("checks", ())
    unknown = [check for check in checks if check not in CHECKS]
    if unknown:
        raise root.fail("checks", f"{unknown[0]!r} is not one of: {', '.join(CHECKS)}")
    return checks


def _vin(table: Table, key: str = "vin") -> str:
    vin = table.text(key)
    if len(vin) != 17 or any(letter not in _VIN_LETTERS for letter in vin):
        raise table.fail(key, f"{vin!r} is not a VIN: 17 of A-Z and 0-9 without I, O and Q")
    return vin


def _ecu(table: Table, link: Link, vin: str) -> Ecu:
    request_id, answer_id = _addresses(table, link)
    has_vin = table.text("vin", vin)
    latency_ms = table.number("latency_ms", -1.0, low=-1.0, high=10_000)
    ecu = Ecu(
        role=table.text("role"),
        title=_title(table),
        request_id=request_id,
        answer_id=answer_id,
        functional=table.flag("functional", default=True),
        latency_s=latency_ms / 1000 if latency_ms >= 0 else None,
        vin="" if has_vin == "none" else has_vin,
        calibration_ids=_calibration_ids(table),
        cvns=_cvns(table),
        pids=_pids(table),
        in_use=table.flag("in_use", default=False),
        reads=tuple(_read(read_table) for read_table in table.tables("read")),
        dids=_dids(table),
        answers=recorded_answers(table),
        odometer_offset_m=table.whole("odometer_offset_m", 0, low=-10_000_000, high=10_000_000),
        counted_share=table.number("counted_share", 1.0, high=1.0),
        odometer_scale=table.number("odometer_scale", 1.0, low=0.1, high=10.0),
        pending_replies=table.whole("pending_replies", 0, high=10),
        uds_only=table.flag("uds_only", default=False),
        obd=table.flag("obd", default=True),
        padding=_padding(table),
        extended=_hex_number(table, "extended", 0xFF) if table.has("extended") else None,
    )
    table.finish()
    return ecu


def _addresses(table: Table, link: Link) -> tuple[int, int]:
    """``request`` and ``answer`` in hex; on K-line and J1850 both are the one address of the unit."""
    high = {Kind.CAN11: 0x7FF, Kind.CAN29: 0x1FFFFFFF}.get(link.kind, 0xFF)
    request_id = _hex_number(table, "request", high)
    return request_id, _hex_number(table, "answer", high) if link.is_can else request_id


def _hex_number(table: Table, key: str, high: int) -> int:
    text = table.text(key)
    try:
        value = int(text, 16)
    except ValueError:
        raise table.fail(key, f"{text!r} is not hexadecimal") from None
    if not 0 <= value <= high:
        raise table.fail(key, f"{text} is above {high:X}")
    return value


def _title(table: Table) -> str:
    title = table.text("name", "")
    short, _, long = title.partition("-")
    if len(short) > 4 or len(long) > 15 or not title.isascii():
        raise table.fail("name", f"{title!r} is not as SAE J1979 wants it: ABCD-fifteen letters")
    return title


def _calibration_ids(table: Table) -> tuple[str, ...]:
    texts = table.texts("calibration_ids", ())
    for text in texts:
        if not text.isascii() or not 0 < len(text) <= 16:
            raise table.fail("calibration_ids", f"{text!r} is not one to sixteen ASCII characters")
    return texts


def _cvns(table: Table) -> tuple[str, ...]:
    cvns = table.texts("cvns", ())
    for cvn in cvns:
        if len(cvn) != 8 or any(digit not in "0123456789ABCDEFabcdef" for digit in cvn):
            raise table.fail("cvns", f"{cvn!r} is not eight hexadecimal digits")
    return cvns


def _pids(table: Table) -> frozenset[int]:
    chosen = set(PID_SETS[table.text("pids", "none", among=PID_SETS)])
    for key, change in (("more_pids", chosen.add), ("without_pids", chosen.discard)):
        for text in table.texts(key, ()):
            if len(text) != 2 or not all(digit in "0123456789ABCDEFabcdef" for digit in text):
                raise table.fail(key, f"{text!r} is not a PID: two hexadecimal digits")
            if int(text, 16) not in ENCODERS or is_mask(int(text, 16)):
                raise table.fail(key, f"PID {text} cannot be simulated")
            change(int(text, 16))
    return frozenset(chosen)


def _padding(table: Table) -> int | None:
    text = table.text("padding", "00")
    if text == "none":
        return None
    if len(text) != 2 or not all(digit in "0123456789ABCDEFabcdef" for digit in text):
        raise table.fail("padding", f"{text!r} is neither two hexadecimal digits nor none")
    return int(text, 16)


def _read(table: Table) -> MakerRead:
    request = table.text("request")
    try:
        raw = bytes.fromhex(request)
    except ValueError:
        raise table.fail("request", f"{request!r} is not hexadecimal") from None
    if raw[:1] not in (b"\x21", b"\x22") or len(raw) < 2:
        raise table.fail("request", "a maker's read begins with 21 or 22")
    made = MakerRead(
        request=raw,
        size=table.whole("bytes", low=1, high=8),
        unit_m=table.whole("unit_m", low=1, high=100_000),
        lead=table.whole("lead", 0, high=100),
        trail=table.whole("trail", 0, high=100),
        little=table.flag("little_endian", default=False),
    )
    table.finish()
    return made


def _dids(table: Table) -> dict[int, bytes]:
    dids: dict[int, bytes] = {}
    for key, value in table.free("dids").items():
        if len(key) != 4 or not all(digit in "0123456789ABCDEFabcdef" for digit in key) or not isinstance(value, str):
            raise table.fail("dids", f"{key!r}: wanted four hexadecimal digits = a text")
        if not value.isascii() or len(value) > 250:
            raise table.fail("dids", f"{key}: wanted at most 250 ASCII characters")
        dids[int(key, 16)] = value.encode("ascii")
    return dids


def _visit(table: Table, roles: list[str], fuel: str) -> Visit:
    odometer_m = round(table.number("odometer_km", high=4_000_000) * METRES_PER_KM)
    codes = tuple(_code(code, roles) for code in table.tables("code"))
    if len(codes) > MOST_CODES:
        raise table.fail("code", f"more than {MOST_CODES} codes")
    stored = any(code.kind == "stored" for code in codes)
    visit = Visit(
        odometer_m=odometer_m,
        dash_km=table.whole("dash_km", whole_km(odometer_m), high=4_000_000),
        plate=table.text("plate"),
        stock_number=table.text("stock_number"),
        operator=table.text("operator"),
        battery_v=table.number("battery_v", 14.1, high=40),
        engine_on=table.flag("engine_on", default=True),
        ignition_on=table.flag("ignition_on", default=True),
        speed_kmh=table.number("speed_kmh", 0.0, high=255),
        mil=table.flag("mil", default=stored),
        codes=codes,
        counters=_counters(table),
        incomplete=_incomplete(table, fuel),
        verdict=table.text("verdict", among=VERDICTS),
        findings=tuple(sorted(table.texts("findings"))),
        last_service=_last_service(table),
        papers_km=table.whole("papers_km", high=4_000_000) if table.has("papers_km") else None,
        units=tuple(_unit(unit, roles) for unit in table.tables("unit")),
        true_odometer_m=round(table.number("true_odometer_km", odometer_m / METRES_PER_KM, high=4e6) * METRES_PER_KM),
        tampering=table.text("tampering", "", among=("", *TAMPERINGS)),
        road_test=road_test_of(table),
        inspection=inspection_of(table),
        legs=tuple(_leg(leg) for leg in table.tables("leg")),
        counted_share=table.number("counted_share", 1.0, high=1.0),
        steps=_steps(table),
    )
    table.finish()
    check_visit(table, visit)
    return visit


def _leg(table: Table) -> Leg:
    leg = Leg(speed_kmh=table.number("speed_kmh", high=255), seconds=table.number("seconds", low=1, high=86_400))
    table.finish()
    return leg


def _steps(visit: Table) -> tuple[Step, ...]:
    steps = tuple(_step(step) for step in visit.tables("step"))
    return tuple(sorted(steps, key=lambda step: step.after_requests or 0))


def _step(table: Table) -> Step:
    order = table.text("do")
    try:
        check_order(order)
    except SimulatorError as error:
        raise table.fail("do", str(error)) from None
    if table.has("after_s") == table.has("after_requests"):
        raise table.fail("after_s", "a step wants one of after_s and after_requests")
    after_s = table.number("after_s", low=0.1, high=31_536_000) if table.has("after_s") else None
    after_requests = table.whole("after_requests", low=1, high=10**6) if table.has("after_requests") else None
    table.finish()
    return Step(order, after_s, after_requests)


def _unit(table: Table, roles: list[str]) -> UnitState:
    """A unit of this visit that counts apart, carries another VIN or has a past of its own."""
    offset_m, own = "odometer_offset_m", "distance_since_clear_km"
    unit = UnitState(
        role=table.text("role", among=roles),
        odometer_offset_m=table.whole(offset_m, low=-1_000_000_000, high=10**9) if table.has(offset_m) else None,
        vin=_vin(table) if table.has("vin") else None,
        counters=_counters(table) if table.has(own) else None,
    )
    table.finish()
    if unit.counters is not None:
        check_counters(table, unit.counters)
    return unit


def _code(table: Table, roles: list[str]) -> Code:
    code = table.text("code")
    if not is_code(code):
        raise table.fail("code", f"{code!r} is not a trouble code such as P0301")
    kind = table.text("class", among=CLASSES)
    ecu = table.text("ecu", among=roles)
    table.finish()
    return Code(code, kind, ecu)


def _counters(table: Table) -> Counters:
    return Counters(
        distance_since_clear_km=table.number("distance_since_clear_km", high=65535),
        warmups_since_clear=table.whole("warmups_since_clear", high=255),
        minutes_since_clear=table.number("hours_since_clear", high=1092.25) * 60,
        distance_with_mil_km=table.number("distance_with_mil_km", 0.0, high=65535),
        minutes_with_mil=table.number("hours_with_mil", 0.0, high=1092.25) * 60,
        engine_run_s=table.number("engine_run_h", 0.0, high=1_000_000) * 3600,
        idle_run_s=table.number("idle_run_h", 0.0, high=1_000_000) * 3600,
        distance_since_reflash_km=table.number("distance_since_reflash_km", 0.0, high=4_000_000),
    )


def _incomplete(table: Table, fuel: str) -> frozenset[str]:
    found = frozenset(table.texts("incomplete_monitors", ()))
    unknown = found - monitors_of(fuel)
    if unknown:
        raise table.fail(
            "incomplete_monitors", f"{sorted(unknown)[0]!r} is not one of: {', '.join(sorted(monitors_of(fuel)))}"
        )
    return found


def _last_service(table: Table) -> LastService | None:
    service = table.table("last_service")
    if service is None:
        return None
    found = LastService(
        done_days_ago=service.whole("done_days_ago", high=36_500),
        odometer_m=round(service.number("odometer_km", high=4_000_000) * METRES_PER_KM),
        items=service.texts("items", ()),
    )
    service.finish()
    return found
