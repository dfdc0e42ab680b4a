"""One plug-in of the demo as it goes on."""

from dataclasses import dataclass, field
from typing import Any

from agent.demo.cars import Plug


@dataclass(slots=True)
class Visit:
    """Shown in the table; ``stage`` ends at ``agreed``, ``differs`` or ``failed``."""

    bay: str
    plug: Plug
    stage: str = "waiting"
    truth: dict[str, Any] = field(default_factory=dict)
    vehicle: dict[str, Any] = field(default_factory=dict)
    writes: int | None = None
    differences: list[str] = field(default_factory=list)
    error: str = ""
