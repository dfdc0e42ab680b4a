"""Counts as Prometheus reads them (text format 0.0.4)."""

from collections.abc import Mapping

HELP = {
    "records": "Records stored.",
    "unprojected": "Records stored but not yet given to a car.",
    "vehicles": "Cars known.",
    "open_alerts": "Alerts not settled.",
    "notifications_waiting": "Messages owed to outside channels.",
    "holes": "Records proven lost; above 0 is an alarm.",
    "refused": "Records that could not be understood.",
    "command_answers_dropped": "Answers of boxes to no command that waits.",
    "given_up": "Records an edge declared lost.",
}


def metrics_text(counts: Mapping[str, int], *, listeners: int) -> str:
    """All of ``counts`` as gauges, and the number of open pages."""
    gauges = [(name, HELP.get(name, name.replace("_", " ")), value) for name, value in sorted(counts.items())]
    gauges.append(("event_listeners", "Pages listening for changes.", listeners))
    return "".join(
        f"# HELP forecourt_{name} {words}\n# TYPE forecourt_{name} gauge\nforecourt_{name} {value}\n"
        for name, words, value in gauges
    )
