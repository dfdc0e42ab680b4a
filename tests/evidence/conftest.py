"""Property tests here run without a deadline an example: a busy machine is no defect; the budget judges the whole."""

from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
