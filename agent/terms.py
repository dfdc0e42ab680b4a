"""How this box judges, as its owner set it."""

from config.settings import Settings
from config.zones import zone_of
from evidence.verdict import Terms


def terms_of(settings: Settings) -> Terms:
    """Checks that are switched off, and the zone of the people who read the sentences."""
    return Terms(frozenset(settings.checks.off), zone_of(settings.device.timezone))
