"""Which cars the demo plugs in, where, and in what order."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plug:
    """One car at one bay: a scenario of the simulator and which of its visits."""

    scenario: str
    visit: int = 1


TCP_BAY, SERIAL_BAY = "WiFi", "USB"
QUEUES: dict[str, tuple[Plug, ...]] = {
    TCP_BAY: (Plug("clean"), Plug("rolled-back", 1), Plug("codes-cleared"), Plug("rolled-back", 2)),
    SERIAL_BAY: (Plug("engine-fault"), Plug("service-overdue"), Plug("vw-no-a6"), Plug("silent")),
}
