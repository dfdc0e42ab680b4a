"""The only lines a recording may send: reading services of SAE J1979, ISO 14229 and KWP2000, and a few AT commands."""

import re

# Defaults, how answers are printed, protocol, timing, voltage; addresses and flow control of a unit to be read.
AT_COMMANDS = re.compile(
    r"AT(?:Z|I|D|E0|L0|S0|H1|M0|AL|CAF1|AT1|ST[0-9A-F]{2}|SP[0-9A]|DPN|RV|AR"
    r"|SH[0-9A-F]{3}|SHDA[0-9A-F]{2}F1|SHDB33F1|CRA[0-9A-F]{3}|FCSH[0-9A-F]{3}|FCSD300000|FCSM[01])"
)
OBD_REQUESTS = re.compile(r"01[0-9A-F]{2}|02[0-9A-F]{2}00|0[37A]|0[69][0-9A-F]{2}")
# Identification and the values of SAE J1979-2 by 22, codes by 19; a maker's own distance by 21 or 22.
MAKER_REQUESTS = re.compile(r"22(?:[0-9A-F]{4})|21[0-9A-F]{2}|1942330[48]1E|195533")


def is_permitted(line: str) -> bool:
    """Whether ``line``, as it would leave for the adapter without its CR, can only read."""
    return any(pattern.fullmatch(line) for pattern in (AT_COMMANDS, OBD_REQUESTS, MAKER_REQUESTS))


def is_maker_read(request: str) -> bool:
    """Whether ``request`` is one that a person may add: 21 or 22 with an identifier."""
    return bool(re.fullmatch(r"22[0-9A-F]{4}|21[0-9A-F]{2}", request))
