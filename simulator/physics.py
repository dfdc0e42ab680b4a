"""What time does to a car besides distance: heat, fuel, charge and voltage. Pure functions of state and seconds.

The constants are those of an ordinary small car and are assumptions; what is counted from them follows the standard.
"""

import math

OPERATING_C = 88.0
WARMING_S = 200.0
COOLING_S = 7200.0
# SAE J1979, PID 30: a warm-up is a rise by 22 K from the start of the engine to at least 70 C.
WARM_UP_RISE_C = 22.0
WARM_C = 70.0

TANK_L = 50.0
IDLE_L_PER_H = 0.8
DRIVEN_L_PER_KM = 0.065
PACK_KWH = 60.0
STANDBY_KW = 0.3
DRIVEN_KWH_PER_KM = 0.17
# A driver goes to the pump, or to the plug, before it is too late.
REFILL_BELOW_PCT = 5.0
FULL_PCT = 100.0

# With the ignition on and nothing that charges, lamps and units draw some 8 A from a battery of 60 Ah.
DRAIN_V_PER_S = 0.15 / 3600
FLAT_V = 6.0
CRANKING_V = 9.8
CRANKING_S = 0.8


def coolant_after(coolant_c: float, ambient_c: float, seconds: float, *, burning: bool) -> float:
    """Coolant temperature after some time: towards the thermostat's while fuel burns, else towards the air's."""
    target_c, slowness_s = (max(OPERATING_C, ambient_c), WARMING_S) if burning else (ambient_c, COOLING_S)
    if coolant_c == target_c:
        return target_c
    return target_c + (coolant_c - target_c) * math.exp(-seconds / slowness_s)


def fuel_after(level_pct: float, seconds: float, distance_m: float) -> float:
    """Fuel level after burning for some time and over some distance; filled up when nearly empty."""
    used_l = IDLE_L_PER_H * seconds / 3600 + DRIVEN_L_PER_KM * distance_m / 1000
    return _refilled(level_pct - 100 * used_l / TANK_L)


def charge_after(charge_pct: float, seconds: float, distance_m: float) -> float:
    """Charge of a traction battery after being awake for some time and over a distance; charged when nearly empty."""
    used_kwh = STANDBY_KW * seconds / 3600 + DRIVEN_KWH_PER_KM * distance_m / 1000
    return _refilled(charge_pct - 100 * used_kwh / PACK_KWH)


def _refilled(level_pct: float) -> float:
    return FULL_PCT if level_pct < REFILL_BELOW_PCT else level_pct
