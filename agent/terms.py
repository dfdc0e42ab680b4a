"""How this box judges, as its owner set it."""

from config.rules_in_force import Rules, RulesInForce
from config.settings import Settings
from config.zones import zone_of
from evidence.verdict import Terms


def rules_of(settings: Settings) -> RulesInForce:
    """Plans and severities as the owner's folders have them now; raise SettingsError with file, line and key."""
    return RulesInForce(settings.rules.plans, settings.rules.severities)


def terms_of(settings: Settings, rules: Rules) -> Terms:
    """Checks that are switched off, the zone of the people who read the sentences, and what codes and services mean."""
    off, zone = frozenset(settings.checks.off), zone_of(settings.device.timezone)
    return Terms(off, zone, rules.plans, rules.severities)
