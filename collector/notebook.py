"""What one scan has found so far; ``close`` makes the frozen CarReading of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from collector.asked import Asked
from protocols.readings import (
    AdapterIdentity,
    CarReading,
    Counter,
    EcuIdentity,
    FreezeFrame,
    Item,
    ItemStatus,
    Monitor,
    OdometerWitness,
    Reading,
    Timing,
    TroubleCode,
)


@dataclass(slots=True)
class Notebook:
    """Filled in by the steps of a scan; every step leaves at least one item with its status."""

    connected: bool = False
    protocol: str = ""
    vin: str = ""
    vin_status: ItemStatus = ItemStatus.NOT_ASKED
    fuel: str = ""
    mil: bool | None = None
    announced_dtc_count: int | None = None
    announced_by: dict[str, int] = field(default_factory=dict)  # stored codes by ECU, as its monitor status counts them
    listed_by: dict[str, int] = field(default_factory=dict)  # and as its list holds them, repeats included
    battery_v: float | None = None
    ecus: dict[str, EcuIdentity] = field(default_factory=dict)
    readiness: dict[str, Monitor] = field(default_factory=dict)
    odometer: list[OdometerWitness] = field(default_factory=list)
    dtcs: list[TroubleCode] = field(default_factory=list)
    freeze_frames: list[FreezeFrame] = field(default_factory=list)
    counters: list[Counter] = field(default_factory=list)
    live: list[Reading] = field(default_factory=list)
    items: dict[str, Item] = field(default_factory=dict)
    support: dict[str, frozenset[int]] = field(default_factory=dict)
    heard: frozenset[str] = frozenset()  # units that answered, before any maker's own was asked
    maps_whole: bool = False  # every map of supported PIDs that a unit announced was read
    lost_maps: frozenset[int] = frozenset()  # and those of which some unit's is not known
    offered: dict[str, frozenset[int]] | None = None  # service 09: what each unit tells; None until it was asked
    info_bytes: dict[tuple[int, str], int] = field(default_factory=dict)  # service 09: length of a unit's message

    def note(self, item: str, status: ItemStatus, detail: str = "") -> None:
        """Say how ``item`` ended; the last word counts."""
        self.items[item] = Item(item, status, detail)

    def note_asked(self, item: str, asked: Asked) -> None:
        """``note`` with the status and detail of a request."""
        self.note(item, asked.status, asked.detail)

    def note_all(self, items: Iterable[str], status: ItemStatus, detail: str = "") -> None:
        """``note`` each of ``items`` that has no status yet."""
        for item in items:
            if item not in self.items:
                self.note(item, status, detail)

    def ecu(self, address: str, **fields: object) -> None:
        """Add to what is known of one control unit."""
        self.ecus[address] = replace(self.ecus.get(address, EcuIdentity(address)), **fields)  # type: ignore[arg-type]

    def speed_kmh(self) -> float | None:
        """The fastest speed any ECU reports; None when none was read."""
        return self._highest("vehicle_speed")

    def engine_rpm(self) -> float | None:
        """The highest engine speed any ECU reports; None when none was read."""
        return self._highest("engine_speed")

    def _highest(self, signal: str) -> float | None:
        values = [float(r.value) for r in self.live if r.signal == signal and isinstance(r.value, (int, float))]
        return max(values, default=None)

    def close(self, adapter: AdapterIdentity, timing: Timing) -> CarReading:
        """Freeze everything."""
        return CarReading(
            adapter=adapter,
            protocol=self.protocol,
            vin=self.vin,
            vin_status=self.vin_status,
            fuel=self.fuel,
            ecus=tuple(self.ecus[address] for address in sorted(self.ecus)),
            odometer=tuple(self.odometer),
            dtcs=tuple(self.dtcs),
            announced_dtc_count=self.announced_dtc_count,
            mil=self.mil,
            readiness=dict(self.readiness),
            freeze_frames=tuple(self.freeze_frames),
            counters=tuple(self.counters),
            live=tuple(self.live),
            battery_v=self.battery_v,
            items=tuple(self.items.values()),
            timing=timing,
        )
