"""How sure each result of each check is: how often it was right on mixed synthetic fleets (counts: docs/detection.md).

A share is rounded down, and never said to be more than `MOST`: fleets are drawn by rules, real cars are not. What no
fleet draws often (people's checks, recorded work, batteries, some replaced units) is assumed.
"""

from typing import Final

MOST = 0.97

COUNTED: Final[dict[str, float]] = {
    "K1.consistent": MOST,
    "K1.consistent_miles": MOST,
    "K1.suspicious": MOST,
    "K2.consistent": MOST,
    "K2.suspicious": MOST,
    "K3.consistent": MOST,
    "K3.consistent_saturated": MOST,
    "K3.suspicious": MOST,
    "K3.suspicious_typed": 0.96,
    "K4.consistent": MOST,
    "K4.suspicious": 0.82,
    "K4.suspicious_left_over": 0.93,
    "K5.consistent": MOST,
    "K5.suspicious": 0.92,
    "K6.consistent": MOST,
    "K6.consistent_since": MOST,
    "K6.suspicious": MOST,
    "K7.consistent": MOST,
    "K7.consistent_changed": MOST,
    "K7.suspicious": MOST,
    "K8.consistent": MOST,
    "K8.suspicious": 0.95,
    "K8.suspicious_read": MOST,
    "K8.suspicious_paper": MOST,
}
ASSUMED: Final[dict[str, float]] = {
    "K1.consistent_unit": 0.9,
    "K2.consistent_near": 0.95,
    "K2.consistent_miles": 0.9,
    "K2.consistent_unit": 0.9,
    "K2.suspicious_steady": 0.9,
    "K3.impossible": MOST,
    "K4.consistent_workshop": 0.9,
    "K4.consistent_battery": 0.8,
    "K5.consistent_workshop": 0.9,
    "K6.suspicious_since": 0.95,
    "K7.suspicious_earlier": 0.95,
    "K7.suspicious_typed": 0.95,
    "K8.consistent_miles": 0.95,
    "K8.consistent_unit": 0.9,
    "K9.consistent": 0.95,
    "K9.suspicious": 0.95,
    "K9.suspicious_faster": 0.95,
    "K10.consistent": 0.7,
    "K10.suspicious": 0.6,
    "K10.suspicious_sticker": 0.9,
}
SURE: Final[dict[str, float]] = COUNTED | ASSUMED
